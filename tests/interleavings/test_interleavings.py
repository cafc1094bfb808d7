"""Every pair of hot transactions, interleaved at every lock and every look at stock.

After each permutation the invariants of stock hold, nobody was sent away by a deadlock, and what came of it is what
one of the two serial orders brings: no third thing can happen. `make test` takes some permutations of each pair, the
same every time, and of those in line (`PAIRS_IN_LINE`) some pairs; so many of each pair, or all, with

    INTERLEAVINGS=50 .venv/bin/pytest tests/interleavings -q
    INTERLEAVINGS=all .venv/bin/pytest tests/interleavings -q
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime

import asyncpg
import pytest

from orderloom.insight import audit
from orderloom.journey import releasing, working
from orderloom.journey.placing import place
from orderloom.orders.capture import Raced
from orderloom.orders.reading import fulfillments_of
from orderloom.plumbing import database as database_module
from orderloom.plumbing import journeys
from tests.interleavings.gate import Interleaver, Ran, orders, spread
from tests.interleavings.pairs import (
    EDITED,
    EDITED_IN_LINE,
    EDITED_WITH_LIMITS,
    HOT,
    LIMITED_PAIRS,
    PAIRS,
    PAIRS_IN_LINE,
    broken,
    capture,
    draft,
    expire,
    furnish,
    keep,
    overdue,
    reserve,
    state,
    worlds,
)

SAMPLED = 2
AGAIN_MOST = 5
SERIAL = ((0,) * 40, (1,) * 40)


@pytest.fixture
async def connections(database_url):
    opened = []
    for _ in range(4):
        connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC", "jit": "off"})
        await database_module._prepare(connection)
        # A deadlock is a failure here: no need to wait for it for long.
        await connection.execute("SET deadlock_timeout = '100ms'")
        await connection.execute("SET lock_timeout = '60s'")
        opened.append(connection)
    yield opened
    for connection in opened:
        await connection.close()


async def _again(db, work, ran: Ran, side: int) -> None:
    """A step that was told to come again does, as the runner would have it."""
    for _ in range(AGAIN_MOST):
        if ran.results[side] != "again":
            return
        async with db.transaction():
            ran.results[side] = await work(db)
    raise AssertionError("it was told to come again and again")


async def _outcome(interleaver, db, pair, world, gates, order):
    if expire in pair:
        await overdue(db, world)
    works = [lambda lane, step=step: step(lane, world) for step in pair]
    ran = await interleaver.run(works, gates, order)
    told = f"{[step.__name__ for step in pair]} {''.join('AB'[turn] for turn in order)}: {ran.trace}"
    assert ran.faults == [None, None], f"{told}: {ran.faults}"
    for side, work in enumerate(works):
        await _again(db, work, ran, side)
    if expire in pair:
        # The chore passes over a cart that is in somebody's hands just then, and comes round again.
        async with db.transaction():
            await expire(db, world)
    assert await broken(db, world) == [], told
    return (*ran.results, *await state(db, world)), told


async def _interleaved(pair, connections, **kind) -> int:
    db, interleaver = connections[3], Interleaver(connections[:3])
    async with db.transaction():
        [probe] = await worlds(db, 1, **kind)
    gates = [spread(await interleaver.gates_of(lambda lane, step=step: step(lane, probe))) for step in pair]
    ways = list(orders(*(len(one) + 1 for one in gates)))
    # The first worlds are sampled twice, those with limits or a line once.
    if (wanted := os.environ.get("INTERLEAVINGS", SAMPLED - len(kind))) != "all":
        name = f"{pair[0].__name__} {pair[1].__name__}"
        ways = random.Random(name).sample(ways, min(int(wanted), len(ways)))
    async with db.transaction():
        made = await worlds(db, len(ways) + len(SERIAL), **kind)
    serial = set()
    for order in SERIAL:
        outcome, _ = await _outcome(interleaver, db, pair, made.pop(), gates, order)
        serial.add(outcome)
    for order in ways:
        outcome, told = await _outcome(interleaver, db, pair, made.pop(), gates, order)
        assert outcome in serial, f"{told}\ncame to {outcome}\none after the other comes to {serial}"
    return len(ways)


@pytest.mark.slow
@pytest.mark.parametrize("first", HOT, ids=lambda step: step.__name__)
async def test_two_transactions_at_once_do_what_one_after_the_other_does(connections, first) -> None:
    async with connections[3].transaction():
        await furnish(connections[3])
    assert sum([await _interleaved(pair, connections) for pair in PAIRS if pair[0] is first])
    async with connections[3].transaction():
        findings = await audit.run(connections[3])
    assert not [f.json() for f in findings if f.count and f.invariant.key.startswith("S")]


@pytest.mark.slow
async def test_two_transactions_at_once_on_units_set_aside_for_channels(connections) -> None:
    async with connections[3].transaction():
        await furnish(connections[3])
    assert sum([await _interleaved(pair, connections, allotted=True) for pair in LIMITED_PAIRS])
    async with connections[3].transaction():
        findings = await audit.run(connections[3])
    assert not [f.json() for f in findings if f.count and f.invariant.key.startswith("S")]


@pytest.mark.slow
async def test_two_transactions_at_once_where_an_order_waits_for_units(connections) -> None:
    async with connections[3].transaction():
        await furnish(connections[3])
    pairs = PAIRS_IN_LINE
    if "INTERLEAVINGS" not in os.environ:
        pairs = [pair for pair in pairs if reserve in pair]
    assert sum([await _interleaved(pair, connections, waited_for=True) for pair in pairs])
    async with connections[3].transaction():
        findings = await audit.run(connections[3])
    assert not [f.json() for f in findings if f.count and f.invariant.key.startswith("S")]


@pytest.mark.slow
async def test_an_edit_and_what_else_is_done_meanwhile_do_what_one_after_the_other_does(connections) -> None:
    async with connections[3].transaction():
        await furnish(connections[3])
    assert sum([await _interleaved(pair, connections) for pair in EDITED])
    assert sum([await _interleaved(pair, connections, allotted=True) for pair in EDITED_WITH_LIMITS])
    assert sum([await _interleaved(pair, connections, waited_for=True) for pair in EDITED_IN_LINE])
    async with connections[3].transaction():
        findings = await audit.run(connections[3])
    assert not [f.json() for f in findings if f.count and f.invariant.key[0] in "SOM"]


async def test_sets_with_an_order_in_common_wait_for_each_other_and_never_deadlock(connections) -> None:
    """One set is stored before its stock is locked, the other, of which an order is short, after."""
    db, interleaver = connections[3], Interleaver(connections[:3])
    async with db.transaction():
        await furnish(db)
        [probe, *made] = await worlds(db, 13)

    def works(w):
        shared = draft(w.sku, 1)
        return shared, [
            lambda lane, drafts=drafts: place(lane, drafts=drafts)
            for drafts in ([shared], [shared, draft(w.sku, 1_000)])
        ]

    gates = [list(range(await interleaver.gates_of(work))) for work in works(probe)[1]]
    ways = list(orders(*(len(one) + 1 for one in gates)))
    for world, order in zip(made, random.Random(1).sample(ways, len(made)), strict=True):
        shared, both = works(world)
        ran = await interleaver.run(both, gates, order)
        told = f"{ran.trace}: {ran.faults}"
        assert all(fault is None or isinstance(fault, Raced) for fault in ran.faults), told
        stored = "SELECT count(*) FROM orders.orders WHERE external_id = $1"
        assert await db.fetchval(stored, shared.external_id) == 1, told
        assert await broken(db, world) == []


async def test_a_recall_and_a_step_of_the_works_own_journey_never_deadlock(connections) -> None:
    """Each begins as the runner begins it, with its subject locked; then both want the order and the other's subject."""
    db, interleaver = connections[3], Interleaver(connections[:3])
    async with db.transaction():
        await furnish(db)
        [probe, *made] = await worlds(db, 15)

    async def works(w):
        [work] = await fulfillments_of(db, orders=[w.y])

        async def recalled(lane):
            await journeys.hold_still(lane, "order", w.y)
            await releasing.recall(lane, [w.y], datetime.now(UTC))

        async def accepted(lane):
            await journeys.hold_still(lane, "fulfillment", work)
            return await working.accept(lane, works=[work])

        return [recalled, accepted]

    gates = [spread(await interleaver.gates_of(work)) for work in await works(probe)]
    ways = list(orders(*(len(one) + 1 for one in gates)))
    for world, order in zip(made, random.Random(1).sample(ways, len(made)), strict=True):
        ran = await interleaver.run(await works(world), gates, order)
        assert ran.faults == [None, None], f"{ran.trace}: {ran.faults}"
        assert await broken(db, world) == []


async def test_a_third_thing_happens_when_balances_are_read_without_a_lock(connections, monkeypatch) -> None:
    """The harness is judged: take the lock away, and it must find what then goes wrong."""
    fetch, lock = asyncpg.Connection.fetch, " FOR NO KEY UPDATE"

    async def careless(self, query, *args, **kwargs):
        found = "FROM inventory.stock" in query and query.endswith(lock)
        return await fetch(self, query.removesuffix(lock) if found else query, *args, **kwargs)

    async with connections[3].transaction():
        await furnish(connections[3])
    monkeypatch.setattr(asyncpg.Connection, "fetch", careless)
    monkeypatch.setenv("INTERLEAVINGS", "30")
    with pytest.raises(AssertionError, match="AB"):
        await _interleaved((capture, keep), connections)
