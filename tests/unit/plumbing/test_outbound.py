"""No address that others choose leads into our own house."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, ip_address
from itertools import product

import pytest

from orderloom.plumbing import outbound
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.outbound import Answered, Forbidden, check, is_public, post

CLOSED = [
    "0.0.0.0",  # noqa: S104 - nothing is bound, it is refused
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "223.255.255.1",
]


def wrapped(address: str) -> list[str]:
    """The ways to write an IPv4 address as an IPv6 one."""
    high, low = divmod(int(IPv4Address(address)), 0x10000)
    return [
        f"::ffff:{address}",
        f"::ffff:{high:x}:{low:x}",
        f"64:ff9b::{high:x}:{low:x}",
        f"2002:{high:x}:{low:x}::1",
        f"2600::5efe:{high:x}:{low:x}",
        f"2600::200:5efe:{high:x}:{low:x}",
    ]


CLOSED_6 = [
    "::",
    "::1",
    "::7f00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    *(form for address in CLOSED for form in wrapped(address)),
]
ODD = [
    "0x7f.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "2130706433",
    "127.0.0.1.",
    "0",
    "0x",
    "10.1",
    "256.256.256.256",
    "1.2.3.4.5",
    "127.0.0.0x1",
]
FORMS = [
    *(f"https://{address}/hook" for address in CLOSED),
    *(f"https://[{address}]/hook" for address in CLOSED_6),
    *(f"https://{host}{tail}" for host, tail in product(ODD, ("/", ":443/hook"))),
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "//example.com/",
    "example.com/hook",
    "https:///hook",
    "https://",
    "",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1@example.com/",
    "https://:@example.com/",
    "https://example.com:80/",
    "https://example.com:22/",
    "https://example.com:99999/",
    "https://example.com:0/",
    "https://exa mple.com/",
    "https://example.com/a b",
    "https://example.com/\r\nHost: x",
    "https://example.com\\@127.0.0.1/",
    "https://example.com\t/",
    "https://exam\x00ple.com/",
    "https://[::1%25lo]/",
    "https://[fe80::1%eth0]/",
    "https://-example.com/",
    "https://example-.com/",
    "https://exa$mple.com/",
    "https://example..com/",
    f"https://{'a' * 64}.com/",
    f"https://example.com/{'a' * 2000}",
]


def test_the_list_is_long():
    assert len(FORMS) > 200


@pytest.mark.parametrize("url", FORMS)
def test_forms_that_are_refused_before_any_name_is_resolved(url):
    with pytest.raises(Forbidden):
        check(url)


@pytest.mark.parametrize("address", [*CLOSED, *CLOSED_6])
def test_addresses_nobody_may_send_us_to(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [*OPEN, "2606:4700::1111", "2a00::1", *wrapped("8.8.8.8")])
def test_addresses_that_are_anybodys(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://EXAMPLE.com:443/hook?x=1",
        "https://hooks.example.com:8443/a/b",
        "https://münchen.example/",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
        "https://example.com./",
    ],
)
def test_ordinary_addresses_pass(url):
    assert check(url)


def test_private_hosts_and_plain_http_pass_only_where_they_are_allowed():
    assert check("http://127.0.0.1:9000/hook", private=True)
    assert check("http://localhost:9000/hook", private=True)
    with pytest.raises(Forbidden):
        check("ftp://localhost/", private=True)
    with pytest.raises(Forbidden):
        check("http://a@localhost/", private=True)


# --- calling --------------------------------------------------------------------------------------------------


class Listener:
    """An HTTP server on loopback that counts who came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.hosts: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listener.hosts.append(self.headers["host"])
                listener.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(listener.status)
                for name, value in listener.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(listener.body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def verify_request(self, *_: object) -> bool:
                listener.connections += 1
                return True

            def handle_error(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener():
    running = Listener()
    yield running
    running.close()


def resolving(monkeypatch, *answers: list[str]) -> list[str]:
    """Names resolve to each of these lists in turn; returns the list of names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host, port, *_, **__):
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def go(url, **more):
    return await post(url, body=b"{}", headers={"x-test": "1"}, **{"timeout_s": 2, **more})


async def test_a_name_with_one_private_address_is_not_called(monkeypatch, listener):
    monkeypatch.setattr(outbound, "PORTS", frozenset({listener.port}))
    for addresses in (["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::ffff:127.0.0.1"]):
        resolving(monkeypatch, addresses)
        with pytest.raises(Forbidden, match="not public"):
            await go(f"https://rebind.example:{listener.port}/")
    assert listener.connections == 0


async def test_a_name_is_resolved_once_so_that_it_cannot_be_another_when_called(monkeypatch, listener):
    monkeypatch.setattr(outbound, "PORTS", frozenset({listener.port}))
    # A test address that leads nowhere, then the loopback: who resolved twice would reach our listener.
    monkeypatch.setattr(outbound, "is_public", lambda address: str(address) == "127.0.0.2")
    asked = resolving(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    with pytest.raises(Unavailable):
        await go(f"https://rebind.example:{listener.port}/")
    assert asked == ["rebind.example"]
    assert listener.connections == 0


async def test_no_url_form_reaches_a_listener_on_loopback(listener):
    for host in (
        "localhost",
        "127.0.0.1",
        "[::1]",
        "0x7f.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "localtest.example",
    ):
        with pytest.raises((Forbidden, Unavailable)):
            await go(f"https://{host}:{listener.port}/")
    assert listener.connections == 0


async def test_the_host_keeps_its_name_and_the_body_arrives(monkeypatch, listener):
    resolving(monkeypatch, ["127.0.0.1"])
    answered = await go(f"http://hooks.example:{listener.port}/a?b=c", private=True)
    assert isinstance(answered, Answered)
    assert answered.status == 200
    assert listener.hosts == [f"hooks.example:{listener.port}"]
    assert listener.bodies == [b"{}"]


async def test_redirects_are_answers_and_are_not_followed(listener):
    listener.status, listener.headers = 302, {"location": f"http://127.0.0.1:{listener.port}/other"}
    assert (await go(f"http://127.0.0.1:{listener.port}/", private=True)).status == 302
    assert len(listener.bodies) == 1


async def test_a_flood_of_an_answer_is_not_read(listener):
    listener.body = b"x" * 20_000_000
    assert (await go(f"http://127.0.0.1:{listener.port}/", private=True)).status == 200


async def test_who_does_not_answer_in_time_is_unavailable():
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(Unavailable):
            await go(f"http://127.0.0.1:{mute.getsockname()[1]}/", private=True, timeout_s=0.3)


async def test_a_name_that_does_not_resolve_is_unavailable(monkeypatch):
    def getaddrinfo(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Unavailable, match="no such name"):
        await go("https://nowhere.example/")


@pytest.fixture
def certificate(tmp_path):
    """A certificate for hooks.example, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl")
    key, made = tmp_path / "key", tmp_path / "cert"
    names = ["-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", key, "-out", made], check=True, capture_output=True)
    return made, key


async def test_the_certificate_must_be_the_names_though_the_address_is_called(monkeypatch, certificate):
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(outbound, "_trust", lambda: trusting)
    resolving(monkeypatch, ["127.0.0.1"])
    listener = Listener(served)
    try:
        assert (await go(f"https://hooks.example:{listener.port}/", private=True)).status == 200
        with pytest.raises(Unavailable, match=r"(?i)certificate"):
            await go(f"https://other.example:{listener.port}/", private=True)
    finally:
        listener.close()
