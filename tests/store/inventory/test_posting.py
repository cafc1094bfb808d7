"""Postings on a real PostgreSQL: forty at once for fifty units, any order of keys, and a ledger that explains it all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from orderloom import catalog, inventory, network
from orderloom.catalog.model import Item
from orderloom.inventory import counting, reading
from orderloom.inventory.allotting import SafetyRule
from orderloom.inventory.availability import (
    allocate_legs,
    not_found_legs,
    reserve_legs,
    ship_legs,
    unreserve_legs,
)
from orderloom.inventory.counting import Stale
from orderloom.inventory.model import BUCKETS, Leg, Posting, Short
from orderloom.journey import limiting, recounting
from orderloom.journey.limiting import SoldAhead
from orderloom.journey.recounting import Counted
from orderloom.network.model import Node
from orderloom.plumbing import events
from orderloom.plumbing.database import Database, Db
from orderloom.terms import Address, new_id

CONNECTIONS, UNITS = 40, 50
NOW = datetime.now(UTC)
SKUS = tuple(f"SKU-{n}" for n in range(6))


async def furnish(db: Db) -> dict[str, UUID]:
    """Two nodes with fifty of each item."""
    await catalog.put_items(
        db, items=[Item(sku=s, name=s, weight_g=1, length_mm=1, width_mm=1, height_mm=1) for s in SKUS]
    )
    await network.put_nodes(
        db,
        nodes=[
            Node(code=code, name=code, type="store", address=Address(), time_zone="UTC")
            for code in ("A", "B")
        ],
    )
    ids = {node.code: node.id for node in (await network.nodes_of(db)).values()}
    legs = tuple(Leg(node_id=n, sku=s, kind="received", on_hand=UNITS) for n in ids.values() for s in SKUS)
    assert await inventory.post(db, postings=[Posting(cause_type="receipt", cause_id=None, legs=legs)]) == [
        None
    ]
    return ids


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[tuple[Database, dict[str, UUID]]]:
    """Forty connections at most, and the furnished nodes."""
    async with database.transaction() as db:
        ids = await furnish(db)
    many = await Database.open(database.url, max_size=CONNECTIONS)
    yield many, ids
    await many.close()


async def balances_are_their_movements(db: Db) -> None:
    for level in await reading.levels(db, skus=SKUS):
        moved = await db.fetchrow(
            "SELECT "
            + ", ".join(f"sum({b}_delta)::int AS {b}" for b in BUCKETS)
            + " FROM inventory.movements WHERE node_id = $1 AND sku = $2",
            level.node_id,
            level.sku,
        )
        assert {b: getattr(level, b) for b in BUCKETS} == dict(moved)
        assert level.sound


def keeping(node: UUID, *skus: str, units: int = 1) -> Posting:
    legs = reserve_legs((node, sku, units) for sku in skus)
    return Posting(cause_type="order", cause_id=new_id(), legs=legs, within_safety=True)


async def test_two_hundred_reservations_race_for_fifty_units(pool: tuple[Database, dict[str, UUID]]) -> None:
    database, ids = pool

    async def buy() -> Short | None:
        async with database.transaction() as db:
            [said] = await inventory.post(db, postings=[keeping(ids["A"], SKUS[0])])
        return said

    said = await asyncio.gather(*(buy() for _ in range(200)))
    assert said.count(None) == UNITS
    assert {(short.sku, short.to_promise) for short in said if short} == {(SKUS[0], 0)}
    async with database.transaction() as db:
        [level] = await reading.levels(db, keys=[(ids["A"], SKUS[0])])
        assert (level.reserved, level.available) == (UNITS, 0)
        await balances_are_their_movements(db)


async def test_postings_over_many_keys_in_any_order_never_deadlock(
    pool: tuple[Database, dict[str, UUID]],
) -> None:
    database, ids = pool
    dice = random.Random(7)

    async def buy(skus: list[str], node: str) -> Short | None:
        async with database.transaction() as db:
            [said] = await inventory.post(db, postings=[keeping(ids[node], *skus)])
        return said

    wanted = [(dice.sample(SKUS, k=3), dice.choice("AB")) for _ in range(300)]
    said = await asyncio.gather(*(buy(*one) for one in wanted))
    async with database.transaction() as db:
        kept = {(n, s): 0 for n in ids.values() for s in SKUS}
        for (skus, node), short in zip(wanted, said, strict=True):
            for sku in skus if short is None else ():
                kept[ids[node], sku] += 1
        for level in await reading.levels(db, skus=SKUS):
            assert level.reserved == kept[level.node_id, level.sku] <= UNITS
        await balances_are_their_movements(db)


async def test_taking_and_giving_back_at_once_ends_where_it_began(
    pool: tuple[Database, dict[str, UUID]],
) -> None:
    database, ids = pool

    async def once() -> None:
        unit = [(ids["A"], SKUS[0], 3)]
        async with database.transaction() as db:
            [short] = await inventory.post(db, postings=[keeping(ids["A"], SKUS[0], units=3)])
        if short is None:
            async with database.transaction() as db:
                back = Posting(cause_type="order", cause_id=None, legs=unreserve_legs(unit))
                assert await inventory.post(db, postings=[back]) == [None]

    await asyncio.gather(*(once() for _ in range(80)))
    async with database.transaction() as db:
        [level] = await reading.levels(db, keys=[(ids["A"], SKUS[0])])
        assert (level.on_hand, level.reserved) == (UNITS, 0)
        await balances_are_their_movements(db)


async def test_rows_nobody_has_seen_yet_are_made_once_by_many(pool: tuple[Database, dict[str, UUID]]) -> None:
    database, ids = pool
    async with database.transaction() as db:
        await db.execute("DELETE FROM inventory.stock WHERE sku = $1", SKUS[5])

    async def receive() -> None:
        leg = Leg(node_id=ids["B"], sku=SKUS[5], kind="received", on_hand=1)
        async with database.transaction() as db:
            await inventory.post(db, postings=[Posting(cause_type="receipt", cause_id=None, legs=(leg,))])

    await asyncio.gather(*(receive() for _ in range(60)))
    async with database.transaction() as db:
        [level] = await reading.levels(db, keys=[(ids["B"], SKUS[5])])
        assert level.on_hand == 60


class TestOnePosting:
    async def test_is_whole_or_not_at_all(self, db: Db) -> None:
        ids = await furnish(db)
        greedy = keeping(ids["A"], SKUS[0], SKUS[1])
        greedy = Posting(
            cause_type="order",
            cause_id=None,
            legs=(*greedy.legs, *reserve_legs([(ids["B"], SKUS[0], UNITS + 1)])),
        )
        assert await inventory.post(db, postings=[greedy, keeping(ids["A"], SKUS[0])]) == [
            Short(ids["B"], SKUS[0], UNITS),
            None,
        ]
        levels = {(x.node_id, x.sku): x.reserved for x in await reading.levels(db, skus=SKUS)}
        assert levels[ids["A"], SKUS[0]] == 1
        assert sum(levels.values()) == 1
        await balances_are_their_movements(db)

    async def test_never_promises_what_safety_stock_keeps_back(self, db: Db) -> None:
        ids = await furnish(db)
        await limiting.secure(db, rules=[SafetyRule(units=48, node_id=ids["A"], sku=SKUS[0])])
        assert await inventory.post(
            db, postings=[keeping(ids["A"], SKUS[0], units=3), keeping(ids["A"], SKUS[0], units=2)]
        ) == [Short(ids["A"], SKUS[0], 2), None]

    async def test_may_go_below_nought_as_far_as_sold_ahead_is_allowed(self, db: Db) -> None:
        ids = await furnish(db)
        assert await limiting.sell_ahead(db, node_id=ids["A"], sku=SKUS[0], units=5) is None
        assert await inventory.post(db, postings=[keeping(ids["A"], SKUS[0], units=UNITS + 5)]) == [None]
        assert await inventory.post(db, postings=[keeping(ids["A"], SKUS[0])]) == [
            Short(ids["A"], SKUS[0], 0)
        ]
        assert await limiting.sell_ahead(db, node_id=ids["A"], sku=SKUS[0], units=4) == SoldAhead(5)

    async def test_takes_what_was_sold_ahead_from_the_books_only_as_far_as_it_is_in_them(
        self, db: Db
    ) -> None:
        ids = await furnish(db)
        at = (ids["A"], SKUS[0])
        await limiting.sell_ahead(db, node_id=at[0], sku=at[1], units=5)
        legs = allocate_legs([(*at, UNITS + 5)])
        await inventory.post(db, postings=[Posting(cause_type="order", cause_id=None, legs=legs)])
        [moved] = await inventory.post(
            db,
            postings=[
                Posting(
                    cause_type="transfer",
                    cause_id=None,
                    unpromised=True,
                    legs=(Leg(node_id=at[0], sku=at[1], kind="transferred", on_hand=-1),),
                )
            ],
        )
        assert moved == Short(*at, 0), "what is there belongs to those it was promised to"

        async def after(legs: tuple[Leg, ...]) -> tuple[int, int]:
            posting = Posting(cause_type="fulfillment", cause_id=None, legs=legs)
            assert await inventory.post(db, postings=[posting]) == [None]
            [level] = await reading.levels(db, keys=[at])
            return level.on_hand, level.allocated

        assert await after(not_found_legs([(*at, 2)])) == (UNITS, UNITS + 3), (
            "nobody had said they were there"
        )
        assert await after(ship_legs([(*at, UNITS - 1)])) == (1, 4)
        assert await after(ship_legs([(*at, 2)])) == (0, 2), (
            "they had come in and gone out between two counts"
        )
        assert await after(not_found_legs([(*at, 2)])) == (0, 0)
        await balances_are_their_movements(db)

    async def test_leaves_the_last_word_to_the_tables_own_check(self, db: Db) -> None:
        ids = await furnish(db)
        with pytest.raises(asyncpg.CheckViolationError):
            await db.execute(
                "UPDATE inventory.stock SET reserved = 51 WHERE node_id = $1 AND sku = $2", ids["A"], SKUS[0]
            )

    async def test_leaves_a_ledger_that_nobody_rewrites(self, db: Db) -> None:
        await furnish(db)
        with pytest.raises(asyncpg.PostgresError, match="keeps its rows"):
            await db.execute("UPDATE inventory.movements SET reason = 'nothing happened'")


class TestCounting:
    async def test_a_count_posts_the_difference(self, db: Db) -> None:
        ids = await furnish(db)
        said = await recounting.set_on_hand(
            db, node_id=ids["A"], sku=SKUS[0], quantity=47, reason="count", now=NOW
        )
        assert isinstance(said, Counted)
        assert said.level.on_hand == 47
        [last, first] = await reading.movements(db, node_id=ids["A"], sku=SKUS[0])
        assert (last.kind, last.on_hand_delta, last.reason) == ("counted", -3, "count")
        assert (first.kind, first.on_hand_delta) == ("received", UNITS)
        told = await db.fetch("SELECT data FROM plumbing.events WHERE type = 'stock.changed'")
        assert [row["data"] for row in told] == [{"sku": SKUS[0]}]

    async def test_a_count_made_on_an_old_belief_is_stale(self, db: Db) -> None:
        ids = await furnish(db)
        said = await recounting.set_on_hand(
            db, node_id=ids["A"], sku=SKUS[0], quantity=1, reason="count", expected=49, now=NOW
        )
        assert said == Stale(UNITS)

    async def test_a_transfer_moves_units_or_says_what_is_free(self, db: Db) -> None:
        ids = await furnish(db)
        await inventory.post(db, postings=[keeping(ids["A"], SKUS[0], units=45)])
        move = {"from_node": ids["A"], "to_node": ids["B"], "sku": SKUS[0], "reason": "balance"}
        assert await counting.transfer(db, **move, quantity=6, transfer_id=new_id()) == Short(
            ids["A"], SKUS[0], 5
        )
        assert await counting.transfer(db, **move, quantity=5, transfer_id=new_id()) is None
        on_hand = {x.node_id: x.on_hand for x in await reading.levels(db, skus=[SKUS[0]])}
        assert on_hand == {ids["A"]: 45, ids["B"]: 55}
        await balances_are_their_movements(db)


class TestMissed:
    async def test_what_a_picker_did_not_find_is_remembered_until_some_comes_in(self, db: Db) -> None:
        ids = await furnish(db)
        work, unit = new_id(), [(ids["A"], SKUS[0], 2)]
        for legs in (allocate_legs(unit), not_found_legs(unit)):
            posting = Posting(cause_type="fulfillment", cause_id=work, legs=legs)
            assert await inventory.post(db, postings=[posting]) == [None]
        assert await reading.missed(db, works=[work]) == [(work, ids["A"], SKUS[0])]
        assert await reading.missed(db, works=[new_id()]) == []
        changes = {"on_hand": 1}
        await recounting.adjust(db, node_id=ids["A"], sku=SKUS[0], changes=changes, reason="found", now=NOW)
        assert await reading.missed(db, works=[work]) == []
        assert events.acting.get().name == "system"
