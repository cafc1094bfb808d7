"""The simulated carriers as tests run them: a process of their own on a free port, killed and started at will."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


class CarrierProcess:
    """One simulated carrier process on its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [sys.executable, "-m", "orderloom.simulate.carrier", "--port", str(self.port)]
        self._process = subprocess.Popen([*command, "--data-dir", str(self.folder)])
        for _ in range(1200):
            try:
                self.get("/health")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the simulated carrier did not start")

    def kill(self) -> None:
        """As hard as it goes."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def get(self, path: str) -> Any:
        """Its answer, decoded."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def control(self, **wanted: Any) -> None:
        """Set every misbehaviour: what is not named is switched off."""
        calm = {
            "refusal": 0,
            "server_error": 0,
            "lost_response": 0,
            "garbage": 0,
            "delay": 0,
            "hang_ms": 0,
            "carriers": [],
        }
        body = json.dumps(calm | wanted).encode()
        request = urllib.request.Request(self.url + "/control", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def bought(self, reference: str) -> int:
        """How many labels it sold under a reference."""
        return sum(row["bought"] for row in self.get("/ledger")["labels"] if row["reference"] == reference)
