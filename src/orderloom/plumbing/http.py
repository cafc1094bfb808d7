"""Outgoing HTTP: one client a process, bounded in time, never inside a transaction, with faults told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import httpx2

from orderloom.plumbing.database import assert_no_transaction


class Unavailable(Exception):
    """The other side did not answer, or not in time, or said it cannot now: the outcome is unknown."""


# One pool of sockets an event loop, opened at first use: sockets cannot be shared between loops.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()


def client() -> httpx2.AsyncClient:
    """The running loop's client, with a pool of kept-alive connections."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = httpx2.AsyncClient(
            timeout=httpx2.Timeout(10, connect=2),
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=32),
        )
    return _clients[loop]


async def close() -> None:
    """Close the running loop's client."""
    if mine := _clients.pop(asyncio.get_running_loop(), None):
        await mine.aclose()


async def exchange(
    method: str,
    url: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10,
) -> tuple[int, Mapping[str, str], bytes]:
    """One request as it stands; whatever status comes is an answer. Raises Unavailable for none or half of one."""
    assert_no_transaction()
    try:
        answer = await client().request(method, url, content=content, headers=headers, timeout=timeout_s)
    except httpx2.HTTPError as fault:
        msg = f"{method} {url}: {type(fault).__name__} {fault}".rstrip()
        raise Unavailable(msg) from fault
    return answer.status_code, answer.headers, answer.content


async def call(
    method: str, url: str, *, json: Any = None, headers: dict[str, str] | None = None, timeout_s: float = 10
) -> tuple[int, Any]:
    """One request; returns status and decoded JSON (None when the body is none).

    Raises Unavailable for no answer, a broken one, 429 and every 5xx: whether it took effect is not known.
    """
    assert_no_transaction()
    try:
        answer = await client().request(method, url, json=json, headers=headers, timeout=timeout_s)
    except httpx2.HTTPError as fault:
        msg = f"{method} {url}: {type(fault).__name__} {fault}".rstrip()
        raise Unavailable(msg) from fault
    if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS or answer.is_server_error:
        msg = f"{method} {url}: answered {answer.status_code}"
        raise Unavailable(msg)
    try:
        body = answer.json() if answer.content else None
    except ValueError as fault:
        msg = f"{method} {url}: answered {answer.status_code} with a body that is not JSON"
        raise Unavailable(msg) from fault
    return answer.status_code, body
