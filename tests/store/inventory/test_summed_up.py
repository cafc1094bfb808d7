"""The ledger is summed up and rules' figures are counted on: what is told stays the same, and is told from less."""

from datetime import UTC, datetime, timedelta

import pytest

from orderloom import catalog, network
from orderloom.catalog import Item
from orderloom.insight import why_stock
from orderloom.insight.scope import EVERYTHING
from orderloom.inventory.allotting import SafetyRule
from orderloom.inventory.store import allotments, learning
from orderloom.journey import securing
from orderloom.network import Node
from orderloom.terms import Address


@pytest.fixture
async def node(db):
    """Ten mugs at a node, and a computed rule that keeps two of them back."""
    made = Node(code="N", name="N", type="store", address=Address(), time_zone="UTC")
    await network.put_nodes(db, nodes=[made])
    mug = Item(sku="MUG", name="Mug", weight_g=1, length_mm=1, width_mm=1, height_mm=1)
    await catalog.put_items(db, items=[mug])
    await db.execute("INSERT INTO inventory.stock (node_id, sku) VALUES ($1, 'MUG')", made.id)
    await moved(db, made, "received", on_hand=10)
    rule = SafetyRule(units=2, node_id=made.id, sku="MUG")
    await allotments.put_rules(db, [rule], source="computed", basis=[{"target": 0.01, "risk": 0.005}])
    return made


async def moved(db, node, kind, *, on_hand=0, reserved=0, cause="order"):
    await db.execute(
        "WITH moved AS (UPDATE inventory.stock SET on_hand = on_hand + $3, reserved = reserved + $4, "
        "updated_at = clock_timestamp() WHERE node_id = $1) "
        "INSERT INTO inventory.movements (node_id, sku, kind, on_hand_delta, reserved_delta, cause_type, actor) "
        "VALUES ($1, 'MUG', $2, $3, $4, $5, 'test')",
        node.id,
        kind,
        on_hand,
        reserved,
        cause,
    )


async def figures(db):
    [row] = await securing.achieved(db)
    return row["exposures"], row["oversold"]


async def test_a_rules_figures_are_counted_on(db, node):
    assert await figures(db) == (0, 0)
    await moved(db, node, "reserved", reserved=8)
    assert await figures(db) == (1, 0), "sold down to the two kept back"
    for _ in range(2):
        await learning.note_seen(db)
        assert await figures(db) == (1, 0)
    await moved(db, node, "unreserved", reserved=-3)
    await moved(db, node, "counted", on_hand=-3, cause="fulfillment")
    assert await figures(db) == (1, 1), "a pick missed three, of which the books had two to spare"
    await learning.note_seen(db)
    await moved(db, node, "unreserved", reserved=-5)
    await moved(db, node, "reserved", reserved=5)
    assert await figures(db) == (2, 1)
    again = SafetyRule(units=1, node_id=node.id, sku="MUG")
    await allotments.put_rules(db, [again], source="computed", basis=[{"target": 0.01, "risk": 0.005}])
    assert await figures(db) == (0, 0), "a new rule begins anew, from what is there now"
    await moved(db, node, "reserved", reserved=1)
    assert await figures(db) == (1, 0)


async def test_why_says_the_same_from_the_sums(db, node):
    async def told():
        found = await why_stock.why(db, scope=EVERYTHING, node="N", sku="MUG")
        return [
            (bucket.name, bucket.by_ledger, dict(bucket.kinds)) for bucket in found.buckets
        ], found.adds_up

    async def sum_up(over):
        await learning.tally(db, since=datetime.now(UTC) - timedelta(days=1), over=over, most=10)
        return await db.fetchval("SELECT count(*) FROM inventory.tallies")

    await moved(db, node, "reserved", reserved=3)
    before = await told()
    assert await sum_up(over=2) == 0, "short histories are read as they are"
    assert await sum_up(over=1) == 2
    assert await told() == before
    await moved(db, node, "unreserved", reserved=-1)
    later = await told()
    assert later != before
    assert await sum_up(over=0) == 3
    assert await told() == later
    assert await sum_up(over=0) == 3
