"""A kit's components bear its money to the last cent, whatever its price, discount and tax."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.catalog.model import Item
from orderloom.orders.capture import explode
from orderloom.orders.model import LineDraft, OrderDraft
from orderloom.terms import Address

PARTS = ("CUP", "LID", "TRAY")


def item(sku: str, price: int | None = 0) -> Item:
    return Item(
        sku=sku, name=sku, weight_g=1, length_mm=1, width_mm=1, height_mm=1, list_price=price, currency="USD"
    )


def draft(line: LineDraft) -> OrderDraft:
    return OrderDraft(
        channel="web",
        external_id="1",
        placed_at=datetime(2026, 3, 2, tzinfo=UTC),
        currency="USD",
        buyer={},
        ship_to=Address(),
        lines=(line,),
    )


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(PARTS), st.integers(1, 5), min_size=1),
    st.lists(st.one_of(st.none(), st.integers(0, 5000)), min_size=3, max_size=3),
    st.integers(1, 7),
    st.integers(0, 9999),
    st.integers(0, 100),
    st.integers(0, 999),
)
def test_components_come_to_exactly_the_kit(
    parts: dict[str, int], prices: list[int | None], units: int, price: int, percent: int, tax: int
) -> None:
    kit = LineDraft(
        sku="SET",
        quantity=units,
        unit_price=price,
        discount=price * units * percent // 100,
        tax=tax,
        node_code="RNO",
    )
    items = {sku: item(sku, each) for sku, each in zip(PARTS, prices, strict=True)} | {"SET": item("SET")}
    whole, *components = explode(draft(kit), items=items, kits={"SET": parts})
    assert whole.is_kit
    assert [c.position for c in components] == list(range(2, 2 + len(parts)))
    assert {c.values.sku: c.values.quantity for c in components} == {s: n * units for s, n in parts.items()}
    assert sum(c.values.total for c in components) == kit.total
    assert sum(c.values.tax for c in components) == kit.tax
    net = sum(c.values.unit_price * c.values.quantity - c.values.discount for c in components)
    assert net == kit.unit_price * units - kit.discount
    for component in components:
        assert component.kit_line_id == whole.id
        assert component.values.node_code == "RNO"
        assert component.values.total >= 0
        assert 0 <= component.values.discount <= component.values.unit_price * component.values.quantity


def test_a_single_item_is_its_own_line() -> None:
    line = LineDraft(sku="CUP", quantity=2, unit_price=5)
    [only] = explode(draft(line), items={"CUP": item("CUP")}, kits={})
    assert (only.is_kit, only.kit_line_id, only.values, only.name) == (False, None, line, "CUP")
