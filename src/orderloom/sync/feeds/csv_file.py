"""Availability as a file: one CSV a channel, the whole listing, put in place of the one before in a single step.

For marketplaces and shops that fetch a file. It lies in the folder of the deployment's setting `feed_dir` under the name
in the channel's settings, so a name never leads elsewhere. A reader sees the file before or the file after, never half
of one. Its columns: sku, quantity, version, next_at, next_units.
"""

from __future__ import annotations

import asyncio
import csv
import os
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from orderloom.plumbing.database import assert_no_transaction
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.settings import settings as deployment
from orderloom.sync.feeds.feed import Accepted, Batch, Inquiry, Item, Listed, Verdict

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.csv")
_COLUMNS = ("sku", "quantity", "version", "next_at", "next_units")


class CsvFile:
    """Keeps one file a channel in a folder."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder

    def faults(self, settings: Mapping[str, Any]) -> list[str]:
        """A plain file name."""
        found = [f"{name!r} is not known here" for name in sorted(set(settings) - {"file"})]
        name = settings.get("file")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            found.append("file: a name of letters, digits, - and _ that ends in .csv, without a folder")
        return found

    async def push(self, batch: Batch) -> Verdict:
        """The file with these numbers in it, older versions than it has left out."""
        assert_no_transaction()
        await asyncio.to_thread(self._merge, self._path(batch.settings), batch.items)
        return Accepted()

    async def read(self, inquiry: Inquiry) -> Mapping[str, Listed]:
        """What the file says."""
        assert_no_transaction()
        there = await asyncio.to_thread(_rows, self._path(inquiry.settings))
        return {sku: Listed(item.quantity, item.version) for sku, item in there.items()}

    def _path(self, settings: Mapping[str, Any]) -> Path:
        if faults := self.faults(settings):
            raise Unavailable("; ".join(faults))
        return self._folder / str(settings["file"])

    def _merge(self, path: Path, items: tuple[Item, ...]) -> None:
        there = _rows(path)
        for item in items:
            if item.sku not in there or item.version > there[item.sku].version:
                there[item.sku] = item
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, there)
        except OSError as fault:
            raise Unavailable(f"{path.name}: {fault.strerror}") from fault


def _rows(path: Path) -> dict[str, Item]:
    """By SKU. Raises Unavailable for a file that is none of ours: it is left as it is for somebody to look at."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["sku"]: _item(row) for row in csv.DictReader(file)}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as fault:
        raise Unavailable(f"{path.name}: cannot be read: {fault}") from fault


def _item(row: Mapping[str, str]) -> Item:
    return Item(
        sku=row["sku"],
        quantity=int(row["quantity"]),
        version=int(row["version"]),
        next_at=datetime.fromisoformat(row["next_at"]) if row["next_at"] else None,
        next_units=int(row["next_units"]),
    )


def _replace(path: Path, rows: Mapping[str, Item]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            for sku in sorted(rows):
                told = rows[sku].json()
                writer.writerow([told[column] if told[column] is not None else "" for column in _COLUMNS])
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def configured() -> CsvFile:
    """In the folder of the settings."""
    found = deployment()
    return CsvFile(folder=found.feed_dir or found.data_dir / "feeds")
