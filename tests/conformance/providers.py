"""Processes that stand in for providers of notices, started for a test and ended after it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mailbox:
    """The simulated mailbox as a process of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.smtp_port = free_port()
        self.http_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "orderloom.simulate.mailbox", "--smtp-port", str(self.smtp_port)]
        self._process = subprocess.Popen(
            [*command, "--http-port", str(self.http_port), "--data", str(self.data)]
        )
        for _ in range(1200):
            try:
                self.ask("/health")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("the mailbox did not come up")

    def kill(self) -> None:
        """As the kernel would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}",
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


class Gateway:
    """An SMS gateway on loopback that answers as told and remembers what it took, once an idempotency key."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        self.repeats = 0
        self.answer: int | None = None
        self.lose = False
        self.authorization: list[str | None] = []
        self.url = ""

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        key = handler.headers["idempotency-key"]
        self.authorization.append(handler.headers.get("authorization"))
        if self.answer is not None:
            self._say(handler, self.answer, {"code": "refused", "message": "not to this number"})
            return
        self.repeats += key in self.taken
        self.taken.setdefault(key, body)
        if self.lose:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        self._say(handler, 201, {"id": f"sms_{len(self.taken)}"})

    @staticmethod
    def _say(handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(json.dumps(body).encode())


@contextmanager
def sms_gateway() -> Iterator[Gateway]:
    """The gateway, listening."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            gateway.post(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}/messages"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield gateway
    server.shutdown()
    server.server_close()
