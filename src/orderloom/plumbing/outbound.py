"""Outgoing HTTP to addresses that others chose: guarded against being sent into our own house (SSRF).

The name is resolved once, every address it has must be public, and the connection goes to the address that was
checked, under the name that was given. No redirects, no proxies, no kept connections; bounded in time; the answer to
a `post` is never read, that to a `get` only up to a size.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx2

from orderloom.plumbing.database import assert_no_transaction
from orderloom.plumbing.http import Unavailable

PORTS = frozenset({443, 8443})
URL_MOST = 2000

_CLOSED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only what is allotted for global use is open; of that, protocols and documentation are closed.
_OPEN_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# What the C library would read as an IPv4 address though no one writes it so: 0x7f.1, 017700000001, 2130706433.
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)")


class Forbidden(ValueError):
    """The address is one we do not go to; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The other side's status, and how long it took to say so."""

    status: int
    took_ms: int


def check(url: str, *, private: bool = False) -> httpx2.URL:
    """The URL, if its form allows going there. Raises Forbidden. Its addresses are checked when it is called."""
    if len(url) > URL_MOST or any(ord(sign) <= 0x20 or ord(sign) == 0x7F or sign == "\\" for sign in url):
        raise Forbidden(f"the address has blanks, backslashes or more than {URL_MOST} characters")
    try:
        parsed = httpx2.URL(url)
        host = parsed.raw_host.decode("ascii").lower()
    except (httpx2.InvalidURL, UnicodeError, ValueError) as fault:
        raise Forbidden(f"the address cannot be read: {fault}") from fault
    if parsed.scheme not in (("https", "http") if private else ("https",)):
        raise Forbidden("the address must begin with https://")
    if parsed.userinfo or "@" in parsed.netloc.decode("ascii", "replace"):
        raise Forbidden("the address must not hold a user or password")
    if not private and (443 if parsed.port is None else parsed.port) not in PORTS:
        raise Forbidden(f"the port must be one of {', '.join(str(port) for port in sorted(PORTS))}")
    _check_host(host, private=private)
    return parsed


def _check_host(host: str, *, private: bool) -> None:
    literal = _literal(host)
    if literal is not None:
        if not private and not is_public(literal):
            raise Forbidden(f"{host} is not a public address")
        return
    labels = host.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
        raise Forbidden("the address names no host")
    if _NUMERIC.fullmatch(labels[-1]):
        raise Forbidden("write an IP address as four decimal numbers, or name a host")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anybody's packets may go there, also when it wraps an IPv4 address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    wrapped = _wrapped(address)
    if address.scope_id is not None or (wrapped is not None and not is_public(wrapped)):
        return False
    if address.ipv4_mapped is not None or address in _NAT64:
        return True
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which packets for this one end up going, if that is how it is made."""
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    isatap = (int(address) >> 32) & 0xFDFF_FFFF == 0x0000_5EFE
    return address.ipv4_mapped or address.sixtofour or (last if isatap or address in _NAT64 else None)


async def post(
    url: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float, private: bool = False
) -> Answered:
    """One POST. Raises Forbidden before anything is sent, Unavailable when no answer came in time."""
    assert_no_transaction()
    target = check(url, private=private)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            address = await _resolve(target, private=private)
            status = await _send(target, address, body, headers, timeout_s)
    except (httpx2.HTTPError, OSError) as fault:
        raise Unavailable(f"{target.host}: {type(fault).__name__} {fault}".rstrip()) from fault
    return Answered(status, int((time.monotonic() - begun) * 1000))


async def get(
    url: str, *, headers: Mapping[str, str], timeout_s: float, most_bytes: int, private: bool = False
) -> tuple[int, bytes]:
    """One GET; status and body. Raises Forbidden, Unavailable as `post` does, also for a body beyond that size."""
    assert_no_transaction()
    target = check(url, private=private)
    try:
        async with asyncio.timeout(timeout_s):
            address = await _resolve(target, private=private)
            return await _fetch(target, address, headers, timeout_s, most_bytes)
    except (httpx2.HTTPError, OSError) as fault:
        raise Unavailable(f"{target.host}: {type(fault).__name__} {fault}".rstrip()) from fault


async def _resolve(target: httpx2.URL, *, private: bool) -> str:
    """One address of the name, all of whose addresses are allowed. A name without one is OSError."""
    port = target.port or (443 if target.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(
        target.raw_host.decode("ascii"), port, type=socket.SOCK_STREAM
    )
    addresses = [ip_address(entry[4][0]) for entry in found]
    if not private and (closed := [str(each) for each in addresses if not is_public(each)]):
        raise Forbidden(f"{target.host} is at {', '.join(closed)}, which is not public")
    return str(addresses[0])


async def _send(
    target: httpx2.URL, address: str, body: bytes, headers: Mapping[str, str], timeout_s: float
) -> int:
    async with _asked("POST", target, address, headers, timeout_s, body) as answer:
        return answer.status_code


async def _fetch(
    target: httpx2.URL, address: str, headers: Mapping[str, str], timeout_s: float, most_bytes: int
) -> tuple[int, bytes]:
    async with _asked("GET", target, address, headers, timeout_s, None) as answer:
        read = bytearray()
        async for part in answer.aiter_bytes():
            read += part
            if len(read) > most_bytes:
                raise Unavailable(f"{target.host}: answered with more than {most_bytes} bytes")
        return answer.status_code, bytes(read)


@asynccontextmanager
async def _asked(
    method: str,
    target: httpx2.URL,
    address: str,
    headers: Mapping[str, str],
    timeout_s: float,
    body: bytes | None,
) -> AsyncIterator[httpx2.Response]:
    there = target.copy_with(host=address)
    named = {**headers, "host": target.netloc.decode("ascii")}
    # A client of its own: pooled connections are kept by address, and two names may share one.
    async with (
        httpx2.AsyncClient(
            verify=_trust(), trust_env=False, follow_redirects=False, timeout=timeout_s
        ) as client,
        client.stream(
            method,
            there,
            content=body,
            headers=named,
            extensions={"sni_hostname": target.raw_host.decode("ascii")},
        ) as answer,
    ):
        yield answer


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
