"""Keys that make a repeated request harmless: the answer is kept in the transaction of its effect.

`claim` before the effect, `keep` after it, both in the same transaction: a crash leaves both or neither. A request whose
key is at work in another transaction is told so at once, by an advisory lock, instead of waiting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from orderloom.plumbing.database import Db

KEPT_FOR = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request under a key, which belongs to a credential and a route."""

    credential: str
    route: str
    key: str
    body_hash: bytes

    def lock(self) -> int:
        """A 64-bit number for the advisory lock. Two keys that share one by chance only wait for each other."""
        text = f"{self.credential}\0{self.route}\0{self.key}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Fresh:
    """Never seen: go ahead."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Answered before: give the same answer again."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """The first request with this key has not been answered yet."""


Claim: TypeAlias = Fresh | Replay | Reused | InProgress


async def claim(db: Db, requests: Sequence[Keyed]) -> list[Claim]:
    """What each request meets, in order. The keys found fresh are locked until the transaction ends."""
    # The lock first, the record in a second statement: one snapshot for both could miss a commit between them.
    locked = [
        bool(row["ours"])
        for row in await db.fetch(
            "SELECT pg_try_advisory_xact_lock(t.lock) AS ours FROM unnest($1::bigint[]) WITH ORDINALITY AS t (lock, n) "
            "ORDER BY t.n",
            [request.lock() for request in requests],
        )
    ]
    rows = await db.fetch(
        "SELECT credential, route, key, body_hash, status, body FROM plumbing.answered($1, $2, $3)",
        [request.credential for request in requests],
        [request.route for request in requests],
        [request.key for request in requests],
    )
    known = {(row["credential"], row["route"], row["key"]): row for row in rows}
    found: list[Claim] = []
    for i, request in enumerate(requests):
        if (row := known.get((request.credential, request.route, request.key))) is None:
            found.append(Fresh() if locked[i] else InProgress())
        elif row["body_hash"] != request.body_hash:
            found.append(Reused())
        else:
            found.append(Replay(row["status"], row["body"]))
    return found


async def take_turns(db: Db, over: str) -> None:
    """Whoever writes to the same thing waits here until the other's transaction has ended."""
    lock = int.from_bytes(hashlib.sha256(over.encode()).digest()[:8], "big", signed=True)
    await db.execute("SELECT pg_advisory_xact_lock($1)", lock)


async def keep(db: Db, answers: Sequence[tuple[Keyed, int, bytes]]) -> None:
    """Keep status and body of each answer for whoever repeats the request."""
    if answers:
        await db.copy_records_to_table(
            "idempotency",
            schema_name="plumbing",
            columns=("credential", "route", "key", "body_hash", "status", "body"),
            records=[
                (k.credential, k.route, k.key, k.body_hash, status, body) for k, status, body in answers
            ],
        )


async def forget(db: Db, *, older_than: timedelta = KEPT_FOR) -> int:
    """Drop what nobody will repeat any more; returns how many."""
    done = await db.execute(
        "DELETE FROM plumbing.idempotency WHERE created_at < clock_timestamp() - $1::interval", older_than
    )
    return int(done.rpartition(" ")[2] or 0)
