"""A few orders taken in by the real door, for the lists to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orderloom.catalog.model import Item
from orderloom.journey import setup
from orderloom.journey.placing import place
from orderloom.journey.setup import Setup
from orderloom.network.model import Channel, Node
from orderloom.orders.model import LineDraft, OrderDraft, Placed, TenderDraft
from orderloom.terms import Address

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CITIES = ("Columbus", "Austin", "Portland")


def _item(sku: str) -> Item:
    return Item(sku=sku, name=sku.title(), weight_g=454, length_mm=102, width_mm=102, height_mm=102)


@pytest.fixture
async def orders(db) -> list[Placed]:
    """Twelve orders a minute apart: every third on the market, every second of lamps; the last four share a moment."""
    nodes = [
        Node(
            code=code,
            name=code.title(),
            type="fulfillment_center",
            address=Address(city=code),
            time_zone="UTC",
        )
        for code in ("EAST", "WEST")
    ]
    channels = [
        Channel(code=code, name=code.title(), type="site", currency="USD") for code in ("web", "market")
    ]
    wanted = Setup(
        items=[_item("MUG"), _item("LAMP")],
        nodes=nodes,
        channels=channels,
        stock={("EAST", "MUG"): 50, ("WEST", "LAMP"): 50},
    )
    await setup.put(db, wanted=wanted)
    outcomes = await place(db, drafts=[_draft(i) for i in range(12)])
    assert all(isinstance(outcome, Placed) for outcome in outcomes), outcomes
    return outcomes


def _draft(i: int) -> OrderDraft:
    city = CITIES[i % 3]
    return OrderDraft(
        channel="market" if i % 3 == 0 else "web",
        external_id=f"X-{i}",
        placed_at=NOON + timedelta(minutes=min(i, 8)),
        currency="USD",
        buyer={"name": f"Buyer {city} {i}", "email": f"buyer{i}@example.com"},
        ship_to=Address(city=city, line1="1 Main St", postcode="43215", region="OH"),
        lines=(LineDraft(sku="LAMP" if i % 2 else "MUG", quantity=1 + i % 2, unit_price=1000),),
        tenders=(TenderDraft(method="card", token="tok_approve", amount=1000 * (1 + i % 2)),),
        tags=("gift",) if i == 5 else (),
    )
