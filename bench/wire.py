"""HTTP/1.1 as a client of ours sees it: one kept-alive connection, no library between the clock and the socket.

Shared by `bench/buyers.py` and the torture test. Whoever gets no answer learns just that: `NoAnswer` means that the
request may or may not have happened.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class NoAnswer(Exception):
    """The connection broke, or nothing came in time: what became of the request is not known."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The problem's code, or nothing."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Wire:
    """One connection, opened at the first call and anew after it broke."""

    def __init__(self, address: str, api_key: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._api_key = api_key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, timeout_s: float = 30
    ) -> Said:
        """One request and its answer. Raises NoAnswer."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(method, path, body, key)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as broken:
            await self.close()
            raise NoAnswer(f"{method} {path}: {type(broken).__name__} {broken}") from broken

    async def _exchange(self, method: str, path: str, body: Any, key: str | None) -> Said:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Authorization: Bearer {self._api_key}",
            f"Content-Length: {len(content)}",
        ]
        if body is not None:
            lines.append("Content-Type: application/json")
        if key is not None:
            lines.append(f"Idempotency-Key: {key}")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()
        return await self._answer(reader)

    async def _answer(self, reader: asyncio.StreamReader) -> Said:
        status = int((await self._line(reader)).split(" ", 2)[1])
        headers: dict[str, str] = {}
        while line := await self._line(reader):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            content = b""
            while size := int(await self._line(reader), 16):
                content += await reader.readexactly(size)
                await self._line(reader)
            await self._line(reader)
        else:
            content = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            await self.close()
        return Said(status, headers, json.loads(content) if content else None)

    async def _line(self, reader: asyncio.StreamReader) -> str:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        return line.decode("latin-1").rstrip("\r\n")

    async def close(self) -> None:
        """Let go of the connection; the next call opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
