"""Mail over SMTP. The Message-ID is made from the notice's key, so that a repeat is the same message to any mailbox."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate, parseaddr
from weakref import WeakKeyDictionary

import aiosmtplib

from orderloom.notices.model import Answer, Rejected, Sending, Sent
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.settings import settings

# One address, nothing that could begin another header or another recipient.
_ADDRESS = re.compile(r"^[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+\.?[^\s@,;:<>()\[\]\\\"]+$")
_PERMANENT = 500


class Smtp:
    """A mail server that takes messages for us."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        starttls: bool = False,
        timeout_s: float = 10,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username
        self._password = password
        self._starttls = starttls
        self._timeout_s = timeout_s

    async def send(self, call: Sending) -> Answer:
        """Hand one mail to the server."""
        if not _ADDRESS.match(call.recipient):
            return Rejected("bad_address", "the buyer's e-mail address is none")
        message = mail(call, sender=self._sender)
        try:
            async with self._connected() as server:
                await server.sendmail(parseaddr(self._sender)[1], [call.recipient], message.as_bytes())
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            return _refused(refusal.recipients[0])
        except aiosmtplib.SMTPDataError as refusal:
            return _refused(refusal)
        except (aiosmtplib.SMTPException, OSError) as fault:
            # Also refusals of our own name or sender: those are ours to mend, and the mail keeps.
            raise Unavailable(f"{self._host}:{self._port}: {type(fault).__name__} {fault}") from fault
        return Sent(str(message["Message-ID"]))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that nobody else uses meanwhile; kept for the next mail unless something went wrong on it."""
        mine = _idle.setdefault(asyncio.get_running_loop(), {})
        kept = mine.setdefault((self._host, self._port, self._username), [])
        server = kept.pop() if kept else None
        if server is None or not await _alive(server):
            server = aiosmtplib.SMTP(
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                start_tls=self._starttls,
                timeout=self._timeout_s,
            )
            await server.connect()
        try:
            yield server
        except BaseException:
            server.close()
            raise
        kept.append(server)


# Greeting a server costs more than a mail: a connection serves the next one too, each loop its own.
_Kept = dict[tuple[str, int, str | None], list[aiosmtplib.SMTP]]
_idle: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()


async def _alive(server: aiosmtplib.SMTP) -> bool:
    """Whether a kept connection still answers: asked before a mail depends on it."""
    try:
        await server.noop()
    except (aiosmtplib.SMTPException, OSError):
        server.close()
        return False
    return True


async def close() -> None:
    """Close the running loop's kept connections."""
    for kept in _idle.pop(asyncio.get_running_loop(), {}).values():
        for server in kept:
            server.close()


def _refused(refusal: aiosmtplib.SMTPResponseException) -> Rejected:
    if refusal.code < _PERMANENT:
        raise Unavailable(f"the mail server answered {refusal.code} {refusal.message}")
    return Rejected(str(refusal.code), str(refusal.message)[:500])


def mail(call: Sending, *, sender: str) -> Message:
    """The message, with both bodies; the same call always makes the same Message-ID.

    Made with the older of the library's two interfaces, at a quarter of the other's cost a mail.
    """
    message: Message = MIMEText(call.text, "plain", "utf-8")
    if call.html:
        plain, message = message, MIMEMultipart("alternative")
        message.attach(plain)
        message.attach(MIMEText(call.html, "html", "utf-8"))
    message["Message-ID"] = message_id(call.key, sender=sender)
    message["From"] = sender
    message["To"] = call.recipient
    # A line break in a subject would begin another header.
    message["Subject"] = Header(" ".join(call.title.split()), "utf-8").encode()
    message["Date"] = formatdate(usegmt=True)
    # Machines should not answer, and say so to those who would (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    return message


def message_id(key: str, *, sender: str) -> str:
    """The Message-ID of a notice's key."""
    domain = parseaddr(sender)[1].partition("@")[2] or "orderloom.invalid"
    return f"<{key}@{domain}>"


def configured() -> Smtp:
    """The mail server of the settings."""
    chosen = settings()
    return Smtp(
        host=chosen.smtp_host,
        port=chosen.smtp_port,
        sender=chosen.smtp_sender,
        username=chosen.smtp_username,
        password=chosen.smtp_password.get_secret_value() if chosen.smtp_password else None,
        starttls=chosen.smtp_starttls,
        timeout_s=chosen.provider_seconds,
    )
