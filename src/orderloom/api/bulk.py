"""Orders by the thousand: `POST /v1/orders/bulk` takes NDJSON as it streams in and answers NDJSON, a row an order.

Rows are placed in sets, each in a transaction of its own, which begins between the flights of single captures and is
small while they come, so that an import slows no checkout. We read at the pace we store. A row is told by its natural key (channel, external id): after a broken
stream the same rows are sent again, and those already stored are answered as duplicates.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeAlias, get_args

import structlog
from fastapi import Query, Request
from pydantic import Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orderloom import network
from orderloom.api.capturing import BatchFault, OrderIn, batch_faults, refusal
from orderloom.api.door import Call, Here, Routes, Streams
from orderloom.api.problems import Problem, faults_of, wrong
from orderloom.api.wire import OrderId, Out
from orderloom.journey import placing
from orderloom.orders.capture import Raced
from orderloom.orders.model import OrderDraft, Placed, Refused
from orderloom.plumbing.database import (
    Contended,
    DatabaseAway,
    Db,
    Deadlock,
    LockTimeout,
    StatementTimeout,
)
from orderloom.plumbing.events import acting

log = structlog.get_logger(__name__)
routes = Routes("orders")
NDJSON = "application/x-ndjson"
OnError: TypeAlias = Literal["reject_all", "reject_failed", "ignore_failed"]
# A checkout flies beside the set that is being stored, and waits for its part of the processor and of the stock's rows.
# So it is small while they come in, and the larger the longer none has: at the pace of the set before, it takes half as
# long as nobody has come, and never longer than this.
SET_SMALL, SET_LARGE = 20, 1_000
SET_MOST_S = 1.5
# All or nothing is one transaction, which locks stock from its first row to its last.
ALL_MOST = 1_000
# Rows of answers kept in memory for a client that does not read yet; beyond it they wait on disk.
IN_MEMORY = 1_000_000
# When somebody who found all streams taken is to come again.
STREAM_AGAIN_S = 10
_LATER = (DatabaseAway, LockTimeout, StatementTimeout, Contended)


class BulkRow(Out):
    """What became of one row, by its number in the stream; blank lines are counted and not answered."""

    row: int
    status: int = Field(description="As `POST /v1/orders` would have answered; 424: kept back by another row")
    id: OrderId | None = None
    number: str | None = None
    external_id: str | None = None
    duplicate: bool = Field(default=False, description="It had been there before; this row was not applied")
    code: str | None = None
    errors: list[BatchFault] = Field(default=[])


class BulkSummary(Out):
    """The last row: how many of each. Without it the stream broke: send the rows again."""

    rows: int
    created: int
    duplicates: int
    failed: int
    complete: bool = Field(
        description="False: we could not go on; send the rows that were not answered again"
    )


@dataclass(slots=True)
class Row:
    """A line on its way: its draft, or what is wrong with it."""

    number: int
    draft: OrderDraft | None = None
    answer: BulkRow | None = None


class _Undone(Exception):
    """Takes everything back: a dry run, or a set of which one row failed."""


@routes.post(
    "/orders/bulk",
    scope="orders:write",
    lane="bulk",
    key="none",
    dry_run=True,
    streams=Streams(takes=OrderIn, answers=(BulkRow, BulkSummary)),
)
async def stream_orders(
    request: Request, call: Here, on_error: Annotated[OnError | None, Query()] = None
) -> Response:
    """Take any number of orders as NDJSON, one a line; answer NDJSON, one row an order, and a summary at the end

    `on_error`: `reject_failed` keeps the good rows and tells what is wrong with the others; `ignore_failed` only counts
    the others; `reject_all` keeps all or nothing, of at most 1,000 rows. A dry run judges each set of rows for itself.
    """
    # Asked directly, it gets nothing parsed: the parameter stands above for the document.
    on_error = on_error_of(request)
    seen = await channels_of(call)
    lines = lines_of(request, most=call.desk.settings.body_limit_bytes)
    work = _Bulk(call, on_error, seen)
    if call.desk.streams.locked():
        raise Problem(
            503,
            "overloaded",
            "as many streams of orders are under way here as are taken at a time: send it again later, or as a file to "
            "/v1/bulk-jobs",
            retry_after_s=STREAM_AGAIN_S,
        )
    if on_error == "reject_all":
        async with call.desk.streams:
            return Response(b"".join([part async for part in work.all_or_none(lines)]), media_type=NDJSON)
    await call.desk.streams.acquire()
    return _Streamed(work.in_sets(lines), ended=call.desk.streams.release)


def on_error_of(request: Request) -> OnError:
    """The policy asked for. Raises Problem."""
    given = request.query_params.get("on_error", "reject_failed")
    if given not in get_args(OnError):
        raise wrong(
            "/on_error", "unknown_value", f"choose from {', '.join(get_args(OnError))}", place="query"
        )
    return given  # type: ignore[return-value]  # just looked


async def channels_of(call: Call) -> frozenset[str] | None:
    """The channels the key may send for; None: all."""
    if not call.credential.limited:
        return None
    if call.credential.nodes is not None:
        raise Problem(
            403, "limited_credential", "a key limited to nodes cannot take orders: use one without that limit"
        )
    async with call.desk.database.transaction(readonly=True) as db:
        found = await network.channels_of(db)
    return frozenset(c.code for c in found.values() if call.credential.sees(channel=c.id))


async def lines_of(
    request: Request, *, most: int, whole: bool = False
) -> AsyncIterator[tuple[int, bytes | None]]:
    """The lines with their numbers as they come in; None for one that is longer than a body may be.

    `whole`: raises ClientDisconnect where the sender breaks off, instead of ending there.
    """
    number, rest, skipping = 0, b"", False
    try:
        async for chunk in request.stream():
            *ended, rest = (rest + chunk).split(b"\n")
            for line in ended:
                number += 1
                yield number, None if skipping or len(line) > most else line
                skipping = False
            if len(rest) > most:
                rest, skipping = b"", True
    except ClientDisconnect:
        if whole:
            raise
        # What has come in whole is kept; the line that broke off is no row.
        return
    if rest or skipping:
        yield number + 1, None if skipping else rest


def read(number: int, line: bytes | None, *, seen: frozenset[str] | None) -> Row:
    """A line as an order, or what is wrong with it. `seen`: the channels whose orders may be sent; None: all."""
    if line is None:
        fault = BatchFault(path="", code="too_long", message="a row is no longer than a body may be")
        return Row(number, answer=BulkRow(row=number, status=413, code="too_large", errors=[fault]))
    try:
        draft = OrderIn.model_validate_json(line).draft()
    except ValidationError as error:
        faults = batch_faults(faults_of(error.errors(include_url=False), whole=False))
        return Row(number, answer=BulkRow(row=number, status=422, code="invalid", errors=faults))
    if seen is not None and draft.channel not in seen:
        message = f"no active channel {draft.channel!r}: correct the code"
        fault = BatchFault(path="/channel", code="unknown_channel", message=message)
        answer = BulkRow(
            row=number, status=422, code="invalid", external_id=draft.external_id, errors=[fault]
        )
        return Row(number, answer=answer)
    return Row(number, draft)


class _Bulk:
    """One stream of rows and what has become of them."""

    def __init__(self, call: Call, on_error: OnError, seen: frozenset[str] | None) -> None:
        self._call = call
        self._on_error = on_error
        self._seen = seen
        # One of the rows that all are to be kept cannot be read: none is.
        self._spoilt = False
        self._counts = {"rows": 0, "created": 0, "duplicates": 0, "failed": 0}
        # Rows a second, as the last set was stored.
        self._pace = 0.0

    async def in_sets(self, lines: AsyncIterator[tuple[int, bytes | None]]) -> AsyncIterator[bytes]:
        """The answers, set by set, each after its set was stored."""
        complete, rows, stored = True, list[Row](), list[Row]()
        storing: asyncio.Task[bool] | None = None
        flights = self._call.desk.captures
        async for number, line in lines:
            if line is not None and not line.strip():
                continue
            rows.append(read(number, line, seen=self._seen))
            if len(rows) % SET_SMALL:
                continue
            # Reading is work too: requests that came meanwhile have their turn.
            await asyncio.sleep(0)
            if len(rows) >= min(SET_LARGE, self._pace * min(flights.silent_s / 2, SET_MOST_S)):
                if storing is not None:
                    complete = await storing
                    yield self._told(stored)
                    if not complete:
                        break
                # The next set is read while this one is stored.
                stored, rows = rows, []
                storing = asyncio.create_task(self._keep(stored))
        else:
            if storing is not None:
                complete = await storing
                yield self._told(stored)
            if rows and complete:
                complete = await self._keep(rows)
                yield self._told(rows)
        yield self._summary(complete=complete)

    async def all_or_none(self, lines: AsyncIterator[tuple[int, bytes | None]]) -> AsyncIterator[bytes]:
        """The answers to rows of which all are kept, or none."""
        rows: list[Row] = []
        async for number, line in lines:
            if line is None or line.strip():
                rows.append(read(number, line, seen=self._seen))
            if len(rows) > ALL_MOST:
                raise Problem(
                    413,
                    "too_large",
                    f"all or nothing is for at most {ALL_MOST} rows: send fewer, or another on_error",
                )
        # The rest is judged too where some cannot be read, so that all that is wrong is told at once.
        self._spoilt = any(row.answer for row in rows)
        complete = await self._keep(rows)
        if any(row.answer and row.answer.status >= 400 for row in rows):
            for row in rows:
                if row.answer is None or row.answer.status < 400:
                    row.answer = BulkRow(row=row.number, status=424, code="not_kept", external_id=_name(row))
        yield self._told(rows)
        yield self._summary(complete=complete)

    async def _keep(self, rows: Sequence[Row]) -> bool:
        """Store a set of rows in a turn of its own; False when we are not able now."""
        good = [row for row in rows if row.answer is None]
        mark = acting.set(self._call.actor)
        try:
            async with self._call.desk.captures.turn():
                began = time.monotonic()
                await self._place(good)
            self._pace = len(good) / max(time.monotonic() - began, 0.001)
        except _LATER:
            for row in good:
                if row.answer is None:
                    row.answer = BulkRow(
                        row=row.number, status=503, code="unavailable", external_id=_name(row)
                    )
            return False
        finally:
            acting.reset(mark)
        return True

    async def _place(self, rows: Sequence[Row]) -> None:
        """A set that breaks is halved until the row that breaks it is alone."""
        if not rows:
            return
        try:
            answers = await self._placed(rows)
        except _LATER:
            raise
        except Exception:  # the door is where a row's defects end
            if len(rows) > 1 and self._on_error != "reject_all":
                half = len(rows) // 2
                await self._place(rows[:half])
                await self._place(rows[half:])
                return
            log.exception("a row of a bulk failed by a defect of ours", row=rows[0].number)
            answers = [
                BulkRow(row=row.number, status=500, code="defect", external_id=_name(row)) for row in rows
            ]
        for row, answer in zip(rows, answers, strict=True):
            row.answer = answer

    async def _placed(self, rows: Sequence[Row]) -> list[BulkRow]:
        drafts = [row.draft for row in rows if row.draft is not None]
        found: list[Placed | Refused] = []

        async def work(db: Db) -> None:
            found[:] = await placing.place(db, drafts=drafts)
            strict = self._on_error == "reject_all" and any(isinstance(one, Refused) for one in found)
            if self._call.dry_run or strict or self._spoilt:
                raise _Undone

        with suppress(_Undone):
            await self._call.desk.database.run(work, again=(Raced, Deadlock))
        return [_answer(row, outcome) for row, outcome in zip(rows, found, strict=True)]

    def _told(self, rows: Sequence[Row]) -> bytes:
        parts: list[bytes] = []
        for answer in (row.answer for row in rows if row.answer is not None):
            self._counts["rows"] += 1
            if answer.status >= 400:
                self._counts["failed"] += 1
                if self._on_error == "ignore_failed":
                    continue
            else:
                self._counts["duplicates" if answer.duplicate else "created"] += 1
            parts.append(_line(answer))
        return b"".join(parts)

    def _summary(self, *, complete: bool) -> bytes:
        return _line(BulkSummary(**self._counts, complete=complete))


def _name(row: Row) -> str | None:
    return row.draft.external_id if row.draft else None


def _answer(row: Row, outcome: Placed | Refused) -> BulkRow:
    if isinstance(outcome, Refused):
        problem = refusal(outcome)
        return BulkRow(
            row=row.number,
            status=problem.status,
            external_id=_name(row),
            code=problem.code,
            errors=batch_faults(problem.errors),
        )
    return BulkRow.model_construct(
        row=row.number,
        status=200 if outcome.duplicate else 201,
        id=outcome.order_id,
        number=outcome.number,
        external_id=_name(row),
        duplicate=outcome.duplicate,
        code=None,
        errors=[],
    )


def _line(value: Out) -> bytes:
    return value.model_dump_json(exclude_none=True).encode() + b"\n"


class _Streamed(Response):
    """Rows go out as they come about.

    A client that sends everything before it reads stops us from writing, never from reading: what it has not fetched
    yet waits here, on disk when it is much.
    """

    def __init__(self, parts: AsyncIterator[bytes], *, ended: Callable[[], None]) -> None:
        super().__init__(media_type=NDJSON)
        self._parts = parts
        self._ended = ended
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        try:
            await self._stream(send)
        finally:
            self._ended()

    async def _stream(self, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as kept:
            waiting = _Waiting(kept)
            sender = asyncio.create_task(waiting.send(send))
            try:
                async for part in self._parts:
                    waiting.add(part)
                waiting.end()
                await sender
            finally:
                sender.cancel()


@dataclass(slots=True)
class _Waiting:
    """What is written and not yet sent."""

    kept: Any
    written: int = 0
    sent: int = 0
    ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, part: bytes) -> None:
        self.kept.seek(self.written)
        self.written += self.kept.write(part)
        self.news.set()

    def end(self) -> None:
        self.ended = True
        self.news.set()

    async def send(self, send: Send) -> None:
        """Send on until the end."""
        while not (self.ended and self.sent == self.written):
            await self.news.wait()
            self.news.clear()
            while self.sent < self.written:
                self.kept.seek(self.sent)
                part = self.kept.read(min(65_536, self.written - self.sent))
                self.sent += len(part)
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
