"""The buyers' mailboxes: a real SMTP server that keeps one message a Message-ID and counts repeats, as mailboxes do.

    python -m orderloom.simulate.mailbox --smtp-port 1025 --http-port 8093 --data DIR

- What was answered with 250 is in an append-only journal and outlives kill -9.
- `GET /messages?to=…&limit=N` newest first; `GET /stats` counts messages and repeats: the other side's truth.
- `GET /` is the same for people. `POST /control` sets how often it refuses for now, for good, or loses its answer.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from orderloom.plumbing import clock
from orderloom.simulate.journal import Journal

Json: TypeAlias = dict[str, Any]
PAGE_MOST = 1000


@dataclass(frozen=True, slots=True)
class Control:
    """How it misbehaves, each a chance from 0 to 1 a message: lost_answer takes it and drops the connection."""

    not_now: float = 0.0
    refusal: float = 0.0
    lost_answer: float = 0.0


class Post:
    """Every message that came, in memory and in a journal of JSON lines."""

    def __init__(self, path: Path) -> None:
        self.messages: dict[str, Json] = {}
        self.repeats: Counter[str] = Counter()
        self.journal = Journal(path)
        for entry in self.journal.entries():
            self._apply(entry)

    def take(self, message: Json) -> None:
        """Keep a message, or count it as the repeat of one that is kept."""
        repeat = message["id"] in self.messages
        entry = {"repeat": message["id"], "at": message["at"]} if repeat else message
        self.journal.add(entry)
        self._apply(entry)

    def _apply(self, entry: Json) -> None:
        if "repeat" in entry:
            self.repeats[entry["repeat"]] += 1
        else:
            self.messages[entry["id"]] = entry

    def newest(self, *, to: str | None, limit: int) -> list[Json]:
        """Messages with how often each was repeated."""
        found = [m for m in reversed(self.messages.values()) if to is None or to in m["to"]]
        return [message | {"repeats": self.repeats[message["id"]]} for message in found[:limit]]

    def stats(self) -> Json:
        """How many messages there are, how many came again, and what they were about."""
        return {
            "messages": len(self.messages),
            "repeats": sum(self.repeats.values()),
            "recipients": len({to for message in self.messages.values() for to in message["to"]}),
        }


class Door:
    """What the SMTP server does with a message."""

    def __init__(self, post: Post, *, seed: int = 0) -> None:
        self.post = post
        self.control = Control()
        self._dice = random.Random(seed)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002 - aiosmtpd calls it by this name
        """Take it, refuse it, or take it and say nothing."""
        if self._rolls(self.control.not_now):
            return "451 4.7.1 not now"
        if self._rolls(self.control.refusal):
            return "550 5.7.1 this mailbox does not want it"
        self.post.take(_read(envelope))
        if self._rolls(self.control.lost_answer):
            _drop(server)
        return "250 2.0.0 taken"

    def _rolls(self, chance: float) -> bool:
        return chance > 0 and self._dice.random() < chance


def _drop(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


def _read(envelope: Envelope) -> Json:
    raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
    message = message_from_bytes(raw, policy=modern)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy makes these
    return {
        "id": str(message["Message-ID"]),
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "subject": str(message["Subject"]),
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
        "at": clock.now().isoformat(),
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


def make_app(door: Door) -> Starlette:
    """The pages beside the SMTP server."""
    post = door.post

    async def messages(request: Request) -> Response:
        limit = min(PAGE_MOST, int(request.query_params.get("limit", "100")))
        return JSONResponse({"messages": post.newest(to=request.query_params.get("to"), limit=limit)})

    async def stats(_: Request) -> Response:
        return JSONResponse(post.stats())

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def page(request: Request) -> Response:
        rows = post.newest(to=request.query_params.get("to"), limit=100)
        return HTMLResponse(_page(post.stats(), rows))

    async def control(request: Request) -> Response:
        wanted = await request.json()
        if unknown := set(wanted) - {field.name for field in fields(Control)}:
            return JSONResponse(
                {"code": "bad_request", "message": f"no such control: {sorted(unknown)}"}, 422
            )
        door.control = replace(door.control, **wanted)
        return JSONResponse(asdict(door.control))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/messages", messages),
            Route("/stats", stats),
            Route("/health", health),
            Route("/control", control, methods=["POST"]),
        ]
    )


def _page(stats: Json, rows: list[Json]) -> str:
    items = "".join(
        f"<details><summary>{escape(row['at'][:19])} <b>{escape(row['subject'])}</b> to "
        f"{escape(', '.join(row['to']))}</summary><pre>{escape(row['text'])}</pre></details>"
        for row in rows
    )
    return (
        "<!doctype html><meta charset=utf-8><title>Mailbox</title><h1>Mailbox</h1>"
        f"<p>{stats['messages']} messages to {stats['recipients']} buyers, {stats['repeats']} repeats.</p>{items}"
    )


async def serve(*, smtp_port: int, http_port: int, data: Path, seed: int = 0) -> None:
    """Serve both on loopback until told to stop."""
    import uvicorn  # noqa: PLC0415 - the application above is usable without a server

    door = Door(Post(data / "mailbox.jsonl"), seed=seed)
    loop = asyncio.get_running_loop()
    factory = partial(SMTP, door, hostname="mailbox.localhost", enable_SMTPUTF8=True, loop=loop)
    smtp = await loop.create_server(factory, "127.0.0.1", smtp_port)
    config = uvicorn.Config(
        make_app(door), host="127.0.0.1", port=http_port, log_level="warning", access_log=False
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        smtp.close()
        door.post.journal.close()


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="The buyers' mailboxes.")
    parser.add_argument("--smtp-port", type=int, default=1025)
    parser.add_argument("--http-port", type=int, default=8093)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(smtp_port=given.smtp_port, http_port=given.http_port, data=given.data, seed=given.seed))
