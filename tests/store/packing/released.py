"""An order released to a node, its cartons and items, for tests of picking and packing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from orderloom import catalog, network
from orderloom.catalog import Item
from orderloom.insight import audit
from orderloom.insight.invariants.packing import INVARIANTS
from orderloom.network import Channel, Node
from orderloom.orders import holds, reading
from orderloom.orders.holds import NewHold
from orderloom.packing import ToPack, articles, plan_for, store
from orderloom.packing.model import Carton
from orderloom.terms import Address, Dimensions, Rank, new_id

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
MUG_GTIN = "4006381333931"
CARTONS = (
    Carton(
        code="S",
        name="Small",
        inner=Dimensions(200, 150, 100),
        outer=Dimensions(206, 156, 106),
        tare_g=100,
        max_weight_g=5_000,
    ),
    Carton(
        code="L",
        name="Large",
        inner=Dimensions(500, 400, 300),
        outer=Dimensions(508, 408, 308),
        tare_g=400,
        max_weight_g=20_000,
    ),
)
ITEMS = {
    "MUG": Item(
        sku="MUG",
        name="Mug",
        weight_g=350,
        length_mm=90,
        width_mm=90,
        height_mm=95,
        gtin=MUG_GTIN,
        fragile=True,
    ),
    "TEA": Item(
        sku="TEA", name="Tea", weight_g=120, length_mm=60, width_mm=60, height_mm=90, gtin="036000291452"
    ),
    "BOOK": Item(sku="BOOK", name="Book", weight_g=500, length_mm=148, width_mm=210, height_mm=20),
    "LAMP OIL": Item(
        sku="LAMP OIL",
        name="Lamp oil",
        weight_g=900,
        length_mm=80,
        width_mm=80,
        height_mm=90,
        hazmat_class="3",
    ),
    "POLE": Item(sku="POLE", name="Pole", weight_g=900, length_mm=1500, width_mm=30, height_mm=30),
}


@dataclass
class Released:
    """What was put in."""

    order: object
    node: object
    fulfillment: object
    lines: list = field(default_factory=list)


async def house(db):
    """Items, cartons, a node and a channel."""
    await catalog.put_items(db, items=ITEMS.values())
    await store.put_cartons(db, cartons=CARTONS)
    node = Node(code=f"N{uuid4().hex[:6]}", name="N", type="store", address=Address(), time_zone="UTC")
    channel = Channel(code=f"C{uuid4().hex[:6]}", name="Web", type="site", currency="USD")
    await network.put_nodes(db, nodes=[node])
    await network.put_channels(db, channels=[channel])
    return node.id, channel.id


async def released(db, *wanted, at=None, rank=Rank.RELEASED):
    """An order of these (sku, quantity) lines, released to one node."""
    node, channel = at or await house(db)
    put = Released(new_id(), node, new_id())
    tag = uuid4().hex[:8]
    await db.execute(
        "INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, ship_to, "
        "subtotal, discount, shipping, tax, total, min_rank, max_rank) "
        "VALUES ($1, $2, $3, $2, '', $4, 'USD', '{}', '{}', 0, 0, 0, 0, 0, $5, $5)",
        put.order,
        f"O{tag}",
        channel,
        NOW,
        int(rank),
    )
    await db.execute(
        "INSERT INTO orders.fulfillments (id, number, order_id, node_id) VALUES ($1, $2, $3, $4)",
        put.fulfillment,
        f"F{tag}",
        put.order,
        node,
    )
    for position, (sku, quantity) in enumerate(wanted, 1):
        put.lines.append(await _line(db, put, sku, position, quantity, rank))
    return put


async def _line(db, put, sku, position, quantity, rank):
    line = new_id()
    await db.execute(
        "INSERT INTO orders.lines (id, order_id, position, sku, name, quantity, unit_price, total, min_rank, max_rank) "
        "VALUES ($1, $2, $3, $4, $4, $5, 0, 0, $6, $6)",
        line,
        put.order,
        position,
        sku,
        quantity,
        int(rank),
    )
    await db.execute(
        "INSERT INTO orders.slices (order_id, line_id, sku, quantity, rank, node_id, fulfillment_id) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        put.order,
        line,
        sku,
        quantity,
        int(rank),
        put.node,
        put.fulfillment,
    )
    return line


async def planned(db, put, units, channel=None):
    """A plan for units at the node, by the rules that hold there."""
    goods = ToPack(node_id=put.node, channel_id=channel, articles=articles(items=ITEMS, units=units))
    plans = await plan_for(db, fulfillments={put.fulfillment: goods}, rules=await store.house_rules(db))
    return plans[put.fulfillment]


async def hold(db, put):
    """A hold that blocks picking; returns its id."""
    new = NewHold(order_id=put.order, type="fraud_review", blocks=["pick"], due_at=NOW + timedelta(days=1))
    return (await holds.raise_holds(db, holds=[new]))[0]


async def ranks(db, put):
    """How many units stand at each rank."""
    units = {}
    for s in await reading.slices_of(db, orders=[put.order]):
        units[s.rank] = units.get(s.rank, 0) + s.quantity
    return units


async def told(db, put):
    """The events of the order, in turn."""
    rows = await db.fetch("SELECT type FROM plumbing.events WHERE order_id = $1 ORDER BY id", put.order)
    return [row["type"] for row in rows]


async def violations(db):
    """What the audit of packing finds."""
    return [finding.json() for finding in await audit.run(db, invariants=INVARIANTS) if finding.count]
