"""A file of JSON lines that is only added to: the simulated providers' books, which a kill -9 leaves whole.

A line is written before its answer is given, so what a client was told is always there after a restart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """One such file, made when it is missing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # Unbuffered, in append mode: once written, an entry is the system's and outlives the process.
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def entries(self) -> Iterator[dict[str, Any]]:
        """All that was written, oldest first; to be read to its end before anything is added."""
        text = self._path.read_bytes()
        whole = text.rfind(b"\n") + 1
        # A line cut short by a crash was never answered for: drop it, or the next entry would be glued to it.
        os.ftruncate(self._file, whole)
        for line in text[:whole].splitlines():
            yield json.loads(line)

    def add(self, entry: dict[str, Any]) -> None:
        """Write one more."""
        os.write(self._file, json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
