"""Counts among a rush of orders, cancellations and carts on real connections: always recorded, nothing torn."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from orderloom import catalog, inventory, network
from orderloom.catalog.model import Item
from orderloom.insight import audit
from orderloom.inventory.model import Leg, Posting
from orderloom.inventory.snapshots import Line, Snapshot
from orderloom.journey import cancelling, recounting
from orderloom.journey.placing import place
from orderloom.journey.snapshotting import take
from orderloom.network.model import Channel, Node
from orderloom.orders.model import LineDraft, OrderDraft, Placed
from orderloom.plumbing.database import Database, Deadlock
from orderloom.terms import Address, new_id

HOME = Address(name="Ann", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")
SKUS = ("MUG", "PLATE", "BOWL")


def now() -> datetime:
    return datetime.now(UTC)


async def furnish(database: Database) -> UUID:
    async with database.transaction() as db:
        await catalog.put_items(
            db, items=[Item(sku=s, name=s, weight_g=1, length_mm=1, width_mm=1, height_mm=1) for s in SKUS]
        )
        node = Node(code="AUS", name="AUS", type="store", address=HOME, time_zone="UTC")
        await network.put_nodes(db, nodes=[node])
        await network.put_channels(
            db, channels=[Channel(code="site", name="S", type="site", currency="USD", on_shortage="refuse")]
        )
        legs = tuple(Leg(node_id=node.id, sku=s, kind="received", on_hand=60) for s in SKUS)
        await inventory.post(db, postings=[Posting(cause_type="receipt", cause_id=None, legs=legs)])
    return node.id


async def test_counts_are_recorded_while_claims_come_and_go(database: Database) -> None:
    node = await furnish(database)
    many = await Database.open(database.url, max_size=12)
    placed: list[UUID] = []
    told: Counter[str] = Counter()

    async def buyer(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(12):
            lines = tuple(
                LineDraft(sku=s, quantity=dice.randint(1, 3), unit_price=0)
                for s in dice.sample(SKUS, dice.randint(1, 3))
            )
            draft = OrderDraft(
                channel="site",
                external_id=new_id().hex,
                placed_at=now(),
                currency="USD",
                buyer={"name": "Ann"},
                ship_to=HOME,
                lines=lines,
            )
            async with many.transaction() as db:
                [said] = await place(db, drafts=[draft])
            told[type(said).__name__] += 1
            if isinstance(said, Placed):
                placed.append(said.order_id)
            if placed and dice.random() < 0.3:
                async with many.transaction() as db:
                    await cancelling.cancel(db, order_id=dice.choice(placed), reason="changed their mind")

    async def counter(seed: int) -> None:
        dice = random.Random(seed)
        for turn in range(12):
            async with many.transaction() as db:
                if dice.random() < 0.5:
                    units = dice.randint(0, 60)
                    done = await recounting.set_on_hand(
                        db, node_id=node, sku=dice.choice(SKUS), quantity=units, reason="count", now=now()
                    )
                    assert isinstance(done, recounting.Counted)
                    assert done.level.on_hand == units
                    told["orders cut"] += done.loss.orders
                else:
                    lines = [Line(sku=s, on_hand=dice.randint(0, 60)) for s in SKUS]
                    given = Snapshot(source=f"wms{seed}", node_id=node, lines=lines, sequence=turn)
                    for outcome in await take(db, snapshot=given, now=now()):
                        told[outcome.outcome] += 1

    async def patient(work) -> None:
        try:
            await work
        except Deadlock:
            told["deadlock"] += 1

    await asyncio.gather(
        *(patient(buyer(n)) for n in range(8)), *(patient(counter(100 + n)) for n in range(4))
    )
    await many.close()
    async with database.transaction() as db:
        findings = [f.json() for f in await audit.run(db) if f.count]
    assert findings == []
    assert told["deadlock"] == 0, told
    assert told["orders cut"] > 0, told
    assert told["applied"] > 0, told
