"""Requests gathered into one transaction: each is met by its own idempotency key, and its answer kept with the effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from starlette.responses import Response

from orderloom.api import door
from orderloom.api.flights import Flights
from orderloom.api.problems import Problem
from orderloom.plumbing import idempotency
from orderloom.plumbing.database import (
    Contended,
    Database,
    DatabaseAway,
    Db,
    Deadlock,
    LockTimeout,
    StatementTimeout,
)
from orderloom.plumbing.events import Actor
from orderloom.plumbing.idempotency import Keyed

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Passenger(Generic[D]):
    """One request that waits for its flight."""

    draft: D
    actor: Actor
    keyed: Keyed | None
    request_id: str


Gathered: TypeAlias = Flights[Passenger[D], Response]
# What is done for those whose key is new, in one transaction: one answer each, in their order.
Act: TypeAlias = Callable[[Db, Sequence[Passenger[D]]], Awaitable[Sequence[Response]]]


def flights(fly: Callable[[Sequence[Passenger[D]]], Awaitable[Sequence[Response]]]) -> Gathered[D]:
    """What requests gather in; a database that is away or slow is no passenger's own fault."""
    return Flights(fly, of_all=(DatabaseAway, LockTimeout, StatementTimeout))


async def fly(
    database: Database,
    passengers: Sequence[Passenger[D]],
    act: Act[D],
    *,
    again: tuple[type[Exception], ...] = (Deadlock,),
    reserved: bool = False,
) -> list[Response]:
    """One transaction for all of them; run again whole when another transaction was faster."""
    try:
        return await database.run(lambda db: answered(db, passengers, act), again=again, reserved=reserved)
    except Contended:
        raise Problem(
            503, "busy", "too much at once on the same rows: nothing was done, try again", retry_after_s=1
        ) from None


async def answered(db: Db, passengers: Sequence[Passenger[D]], act: Act[D]) -> list[Response]:
    """The answers in order: of a key that was met before what it was told then, of the others what `act` says."""
    answers: dict[int, Response] = {}
    for i, claim in await _claims(db, passengers):
        try:
            met = door.meet(claim)
        except Problem as problem:
            met = problem.response(passengers[i].request_id)
        if met is not None:
            answers[i] = met
    fresh = [i for i in range(len(passengers)) if i not in answers]
    said = await act(db, [passengers[i] for i in fresh]) if fresh else ()
    kept = []
    for i, response in zip(fresh, said, strict=True):
        answers[i] = response
        if (keyed := passengers[i].keyed) is not None:
            kept.append((keyed, response.status_code, bytes(response.body)))
    await idempotency.keep(db, kept)
    return [answers[i] for i in range(len(passengers))]


async def _claims(db: Db, passengers: Sequence[Passenger[D]]) -> list[tuple[int, idempotency.Claim]]:
    keyed = {i: p.keyed for i, p in enumerate(passengers) if p.keyed is not None}
    first: dict[tuple[str, str, str], int] = {}
    for i, k in keyed.items():
        first.setdefault((k.credential, k.route, k.key), i)
    alone = sorted(first.values())
    found = await idempotency.claim(db, [keyed[i] for i in alone]) if alone else []
    # The second of two twins in one flight is told what it would be told of another transaction.
    twins: list[tuple[int, idempotency.Claim]] = [
        (i, idempotency.InProgress()) for i in keyed if i not in set(alone)
    ]
    return [*zip(alone, found, strict=True), *twins]
