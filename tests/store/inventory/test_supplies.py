"""Supply under concurrency: what comes is sold once, and only those in line whom stock can serve are woken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from orderloom import catalog, network
from orderloom.catalog.model import Item
from orderloom.insight import audit
from orderloom.inventory import supplies
from orderloom.inventory.expecting import outlook
from orderloom.inventory.supply import Arrived, Supply, SupplyLine
from orderloom.journey.placing import place
from orderloom.journey.queueing import wake_line
from orderloom.network.model import Channel, Node
from orderloom.orders.model import LineDraft, OrderDraft, Placed, Refused
from orderloom.plumbing.database import Database
from orderloom.terms import Address, new_id

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOME = Address(name="Ann", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")
UNITS = 30


@pytest.fixture
async def world(database: Database) -> AsyncIterator[tuple[Database, UUID]]:
    """One node and a poster that is sold ahead of supply."""
    item = Item(
        sku="POSTER",
        name="Poster",
        weight_g=1,
        length_mm=1,
        width_mm=1,
        height_mm=1,
        backorder="from_supply",
    )
    node = Node(code="AUS", name="AUS", type="fulfillment_center", address=HOME, time_zone="America/Chicago")
    async with database.transaction() as db:
        await catalog.put_items(db, items=[item, replace(item, sku="MAP", id=new_id(), backorder="always")])
        await network.put_nodes(db, nodes=[node])
        await network.put_channels(
            db, channels=[Channel(code="site", name="Site", type="site", currency="USD")]
        )
        [node_id] = await network.nodes_of(db)
    many = await Database.open(database.url, max_size=12)
    yield many, node_id
    await many.close()


def draft(number: int, units: int = 1, sku: str = "POSTER", priority: int = 0) -> OrderDraft:
    return OrderDraft(
        channel="site",
        external_id=f"A-{number}",
        placed_at=NOW + timedelta(seconds=number),
        currency="USD",
        buyer={"name": "Ann", "email": "ann@example.com"},
        ship_to=HOME,
        lines=(LineDraft(sku=sku, quantity=units, unit_price=1000),),
        priority=priority,
    )


def ordered(node_id: UUID, units: int, *, reference: str = "PO-1", sku: str = "POSTER") -> Supply:
    return Supply(
        id=new_id(),
        kind="purchase_order",
        reference=reference,
        node_id=node_id,
        from_node=None,
        due_at=NOW + timedelta(days=9),
        lines=(SupplyLine(position=1, sku=sku, expected=units),),
    )


async def expect(database: Database, supply: Supply) -> UUID:
    async with database.transaction() as db:
        made = await supplies.expect(db, supply=supply)
    assert isinstance(made, Supply)
    return made.id


async def test_a_hundred_buyers_share_what_comes_and_no_more(world: tuple[Database, UUID]) -> None:
    database, node_id = world
    await expect(database, ordered(node_id, UNITS))

    async def buy(number: int) -> Placed | Refused:
        async with database.transaction() as db:
            [said] = await place(db, drafts=[draft(number)])
        return said

    said = await asyncio.gather(*(buy(n) for n in range(100)))
    assert sum(isinstance(one, Placed) for one in said) == UNITS
    assert {one.available["POSTER"] for one in said if isinstance(one, Refused)} == {0}
    async with database.transaction() as db:
        assert await outlook(db, skus=["POSTER"], now=NOW) == {"POSTER": []}


async def test_buyers_and_a_changing_supply_take_turns(world: tuple[Database, UUID]) -> None:
    """The buyer's set is one lock, one look; supply falls or grows before or after it, never within."""
    database, node_id = world
    supply = await expect(database, ordered(node_id, UNITS))
    taken: list[Placed | Refused] = []

    async def buy(number: int) -> None:
        async with database.transaction() as db:
            taken.extend(await place(db, drafts=[draft(number, units=2)]))

    async def shrink() -> None:
        for units in (28, 26, 24):
            async with database.transaction() as db:
                await supplies.change(db, supply_id=supply, reason="fewer", expected={1: units})

    async def receive() -> None:
        for _ in range(4):
            async with database.transaction() as db:
                await supplies.receive(db, supply_id=supply, arrived=[Arrived(position=1, received=3)])

    await asyncio.gather(*(buy(n) for n in range(20)), shrink(), receive())
    sold = 2 * sum(isinstance(one, Placed) for one in taken)
    assert 24 <= sold <= UNITS
    async with database.transaction() as db:
        findings = [f for f in await audit.run(db) if f.count and f.invariant.key.startswith("S")]
    assert not findings, findings


async def test_of_thousands_in_line_only_those_whom_it_serves_are_woken(
    world: tuple[Database, UUID],
) -> None:
    database, node_id = world
    async with database.transaction() as db:
        said = await place(
            db, drafts=[draft(n, sku="MAP", priority=5 if n in (700, 1400) else 0) for n in range(1500)]
        )
    placed = [one.order_id for one in said if isinstance(one, Placed)]
    supply = await expect(database, ordered(node_id, 5, sku="MAP"))
    async with database.transaction() as db:
        await supplies.receive(db, supply_id=supply, arrived=[Arrived(position=1, received=5)])
        await db.execute("UPDATE plumbing.subjects SET step = 'authorize' WHERE subject_id = $1", placed[1])
        await db.execute("UPDATE plumbing.subjects SET state = 'parked' WHERE subject_id = $1", placed[2])
        await db.execute("DELETE FROM plumbing.wakes")
        await wake_line(db, skus=["MAP"])
        woken = {row["subject_id"] for row in await db.fetch("SELECT subject_id FROM plumbing.wakes")}
    # One that is on its way to where it can take units is woken too, and takes nobody's turn.
    assert woken == {placed[n] for n in (700, 1400, 0, 1, 3, 4)}
