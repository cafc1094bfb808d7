"""The one event log: appended in the transaction of the change, read in commit order by cursors that never skip.

A reader follows a log from a cursor of its own. The event log is one; whatever else is appended to under (xid, id) is
another, such as the stock ledger.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Database, Db, new_ids


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: `user:…`, `key:…`, `journey:…`, `cli`; and the request it belongs to."""

    name: str
    request_id: str | None = None


SYSTEM = Actor("system")
# Set by the doors and the step runner, so that no function has to carry it to the ledger and the log.
acting: ContextVar[Actor] = ContextVar("acting", default=SYSTEM)


@dataclass(slots=True, unsafe_hash=True)
class News:
    """A change to be appended to the log."""

    type: str
    entity: str
    entity_id: UUID
    order_id: UUID | None = None
    node_id: UUID | None = None
    channel_id: UUID | None = None
    version: int | None = None
    reason: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    actor: Actor | None = None
    """Who did it, where a set is the work of several; else whoever is `acting`."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change as it stands in the log. `cursor` is opaque and grows in commit order."""

    cursor: str
    event_id: UUID
    type: str
    entity: str
    entity_id: UUID
    order_id: UUID | None
    node_id: UUID | None
    channel_id: UUID | None
    version: int | None
    actor: str
    request_id: str | None
    reason: str | None
    data: dict[str, Any]
    occurred_at: datetime


_COLUMNS = (
    "event_id", "type", "entity", "entity_id", "order_id", "node_id", "channel_id", "version", "reason", "data", "actor",
    "request_id",
)  # fmt: skip


async def append(db: Db, news: Sequence[News]) -> None:
    """Append all of it in the caller's transaction, in the order given, in the name of whoever is `acting`."""
    if not news:
        return
    present = acting.get()
    await db.copy_records_to_table(
        "events",
        schema_name="plumbing",
        columns=_COLUMNS,
        records=[
            (event_id, n.type, n.entity, n.entity_id, n.order_id, n.node_id, n.channel_id, n.version, n.reason, n.data,
             a.name, a.request_id)
            for event_id, n in zip(new_ids(len(news)), news, strict=True) for a in (n.actor or present,)
        ],
    )  # fmt: skip


# Bounded by the oldest running transaction: an event with a lower xid may still commit, so none beyond it is
# read yet. That is why no event is ever skipped (reading by id alone skipped 18 % under 16 writers).
_READ = """
SELECT xid, id, event_id, type, entity, entity_id, order_id, node_id, channel_id, version, actor, request_id,
       reason, data, occurred_at
FROM plumbing.events
WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id
LIMIT $3
"""


async def read(db: Db, *, after: str = "0-0", limit: int = 500) -> list[Event]:
    """Events after the cursor, in commit order. Raises ValueError for a cursor that is none of ours."""
    xid, _, row_id = after.partition("-")
    rows = await db.fetch(_READ, str(int(xid)), int(row_id), limit)
    return [_event(row) for row in rows]


def _event(row: Any) -> Event:
    data = row["data"] if isinstance(row["data"], dict) else json.loads(row["data"])
    return Event(
        cursor=f"{row['xid']}-{row['id']}",
        data=data,
        **{name: row[name] for name in Event.__dataclass_fields__ if name not in {"cursor", "data"}},
    )


async def of_order(db: Db, order_id: UUID, *, after: int = 0, limit: int = 500) -> list[Event]:
    """The timeline of one order, oldest first, from beyond the event whose cursor ends in `after`."""
    rows = await db.fetch(
        "SELECT * FROM plumbing.events WHERE order_id = $1 AND id > $3 ORDER BY id LIMIT $2",
        order_id,
        limit,
        after,
    )
    return [_event(row) for row in rows]


async def told_of(db: Db, orders: Sequence[UUID], type_: str) -> set[UUID]:
    """Of which of these orders the log tells this already."""
    rows = await db.fetch(
        "SELECT DISTINCT order_id FROM plumbing.events WHERE order_id = ANY($1::uuid[]) AND type = $2",
        list(orders),
        type_,
    )
    return {row["order_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Log:
    """Something that transactions append to, read in commit order from a cursor "xid-id".

    read: what comes after the cursor, of at most so many rows, and the cursor of the last row looked at. It must be
        bounded by the snapshot's xmin, as `_READ` is, or rows are skipped.
    beyond: whether rows are committed after the cursor, also such as may not be read yet.
    """

    read: Callable[[Db, str, int], Awaitable[tuple[Sequence[Any], str]]]
    beyond: Callable[[Db, str], Awaitable[bool]]


def parted(cursor: str) -> tuple[str, int]:
    """The transaction and the row of a cursor, as a query takes them."""
    xid, _, row_id = cursor.partition("-")
    return str(int(xid)), int(row_id)


async def _read_on(db: Db, after: str, limit: int) -> tuple[Sequence[Event], str]:
    found = await read(db, after=after, limit=limit)
    return found, found[-1].cursor if found else after


async def _beyond(db: Db, after: str) -> bool:
    found: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM plumbing.events WHERE (xid, id) > ($1::text::xid8, $2))", *parted(after)
    )
    return found


EVENTS = Log(_read_on, _beyond)

_LOOK = """
SELECT xid, id, type = ANY($4::text[]) OR split_part(type, '.', 1) || '.*' = ANY($4::text[]) AS wanted
FROM plumbing.events
WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id LIMIT $3
"""
LOOK_MOST = 5_000


def events_of(*types: str) -> Log:
    """The event log for one who wants these types alone, "order.*" for all that begin so: others are never fetched."""

    async def read_on(db: Db, after: str, limit: int) -> tuple[Sequence[Event], str]:
        wanted: list[tuple[str, int]] = []
        for row in await db.fetch(_LOOK, *parted(after), LOOK_MOST, list(types)):
            after = f"{row['xid']}-{row['id']}"
            if row["wanted"]:
                wanted.append((row["xid"], row["id"]))
            if len(wanted) == limit:
                break
        if not wanted:
            return [], after
        rows = await db.fetch(
            "SELECT * FROM plumbing.events WHERE (xid, id) IN "
            "(SELECT xid::xid8, id FROM unnest($1::text[], $2::bigint[]) AS t (xid, id)) ORDER BY xid, id",
            [xid for xid, _ in wanted],
            [row_id for _, row_id in wanted],
        )
        return [_event(row) for row in rows], after

    return Log(read_on, _beyond)


@dataclass(frozen=True, slots=True)
class Reader:
    """A consumer of a log. `handle` runs in the transaction that moves its cursor: its effect happens once.

    `every_s` tells how long to leave between two passes of all processes together, so that what comes often is taken
    together. `at_once`: most rows of the log in a pass.
    """

    name: str
    handle: Callable[[Db, Sequence[Any]], Awaitable[None]]
    log: Log = EVENTS
    every_s: Callable[[], float] = float
    at_once: int = 500


async def feed(database: Database, reader: Reader, *, limit: int | None = None, hurry: bool = False) -> int:
    """Hand what is next to the reader; returns how many. 0 while another process is busy with it, or it is too soon.

    `limit` instead of the reader's own; `hurry` does not wait for `every_s` to be over.
    """
    async with database.transaction() as db:
        at = await db.fetchrow(
            "SELECT xid, id FROM plumbing.cursors WHERE reader = $1 "
            "AND updated_at <= clock_timestamp() - make_interval(secs => $2) FOR UPDATE SKIP LOCKED",
            reader.name,
            0.0 if hurry else reader.every_s(),
        ) or await db.fetchrow(
            # Its first time.
            "INSERT INTO plumbing.cursors (reader) VALUES ($1) ON CONFLICT DO NOTHING RETURNING xid, id",
            reader.name,
        )
        if at is None:
            return 0
        begin = f"{at['xid']}-{at['id']}"
        found, after = await reader.log.read(db, begin, limit or reader.at_once)
        if after == begin:
            return 0
        if found:
            await reader.handle(db, found)
        await db.execute(
            "UPDATE plumbing.cursors SET xid = $2::text::xid8, id = $3, updated_at = clock_timestamp() "
            "WHERE reader = $1",
            reader.name,
            *parted(after),
        )
        return max(1, len(found))


async def unread(database: Database, readers: Sequence[Reader]) -> list[Reader]:
    """The readers that have committed rows before them, also such as they may not read yet.

    What keeps them back is an older transaction that still runs, in any database of the same server.
    """
    async with database.connection() as db:
        names = await behind(db, readers)
    return [reader for reader in readers if reader.name in names]


async def behind(db: Db, readers: Sequence[Reader]) -> list[str]:
    """The readers that have committed rows of their own log before them."""
    rows = await db.fetch(
        "SELECT reader, xid, id FROM plumbing.cursors WHERE reader = ANY($1::text[])",
        [reader.name for reader in readers],
    )
    at = {row["reader"]: f"{row['xid']}-{row['id']}" for row in rows}
    return [r.name for r in readers if await r.log.beyond(db, at.get(r.name, "0-0"))]
