"""An order is refused for every fault at once, each with its path."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orderloom.catalog.model import Item
from orderloom.network.model import Channel
from orderloom.orders.checking import check, looks_like_card
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.terms import Address

WEB = Channel(code="web", name="Web", type="site", currency="USD")
HOME = Address(name="Ann", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")
MUG = Item(sku="MUG", name="Mug", weight_g=1, length_mm=1, width_mm=1, height_mm=1)
ITEMS = {"MUG": MUG, "OLD": replace(MUG, sku="OLD", active=False)}
LINE = LineDraft(sku="MUG", quantity=2, unit_price=1000, discount=100, tax=150)
GOOD = OrderDraft(
    channel="web",
    external_id="W-1",
    placed_at=datetime(2026, 3, 2, tzinfo=UTC),
    currency="USD",
    buyer={"name": "Ann", "email": "ann@example.com", "notify": ["email"]},
    ship_to=HOME,
    lines=(LINE,),
    tenders=(TenderDraft(method="card", token="tok_ok", amount=2549),),
    shipping=499,
    total=2549,
)


def faults(draft: OrderDraft, channel: Channel | None = WEB) -> dict[str, str]:
    return {
        fault.path: fault.code for fault in check(draft, channel=channel, items=ITEMS, nodes={"RNO": None})
    }


def test_a_good_order_has_none() -> None:
    assert faults(GOOD) == {}


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"currency": "EUR"}, "/currency", "wrong_currency"),
        ({"service_level": "teleport"}, "/service_level", "unknown_service_level"),
        ({"external_id": ""}, "/external_id", "length"),
        ({"external_id": "x" * 201}, "/external_id", "length"),
        ({"lines": ()}, "/lines", "length"),
        ({"placed_at": datetime(2026, 3, 2)}, "/placed_at", "no_offset"),  # noqa: DTZ001 - the fault itself
        ({"ship_to": replace(HOME, country="usa")}, "/ship_to/country", "unknown_country"),
        ({"ship_to": replace(HOME, postcode="787")}, "/ship_to/postcode", "invalid_postcode"),
        ({"ship_to": replace(HOME, line2="4242 4242 4242 4242")}, "/ship_to/line2", "card_number"),
        ({"buyer": {"name": "4242424242424242"}}, "/buyer/name", "card_number"),
        ({"buyer": {"shoe_size": 43}}, "/buyer/shoe_size", "unknown_field"),
        ({"buyer": {"notify": ["pigeon"]}}, "/buyer/notify", "unknown_channel"),
        ({"shipping": -1}, "/shipping", "out_of_range"),
        ({"adjustment": -9999, "total": None, "tenders": ()}, "/total", "negative_total"),
        ({"total": 2548}, "/total", "total_mismatch"),
        ({"tenders": (TenderDraft(method="card", token="t", amount=1),)}, "/tenders", "tender_mismatch"),
    ],
)
def test_a_fault_of_the_order_is_named(changes: dict[str, Any], path: str, code: str) -> None:
    assert faults(replace(GOOD, **changes)).get(path) == code


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"sku": "NONE"}, "sku", "unknown_sku"),
        ({"sku": "OLD"}, "sku", "inactive_item"),
        ({"quantity": 0}, "quantity", "out_of_range"),
        ({"unit_price": -1}, "unit_price", "out_of_range"),
        ({"discount": 2001}, "discount", "more_than_price"),
        ({"tax": -1}, "tax", "out_of_range"),
        ({"node_code": "MARS"}, "node", "unknown_node"),
    ],
)
def test_a_fault_of_a_line_is_named(changes: dict[str, Any], path: str, code: str) -> None:
    draft = replace(GOOD, lines=(LINE, replace(LINE, **changes)), total=None, tenders=())
    assert faults(draft).get(f"/lines/1/{path}") == code


def test_every_fault_is_told_at_once() -> None:
    draft = replace(
        GOOD, lines=(replace(LINE, sku="NONE", quantity=0),), total=1, ship_to=replace(HOME, postcode="")
    )
    assert {"/lines/0/sku", "/lines/0/quantity", "/total", "/ship_to/postcode"} <= faults(draft).keys()


@pytest.mark.parametrize("channel", [None, replace(WEB, active=False)])
def test_a_channel_that_is_not_open_takes_nothing(channel: Channel | None) -> None:
    assert faults(GOOD, channel) == {"/channel": "unknown_channel"}


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("4242424242424242", True),
        ("card 4242-4242-4242-4242 please", True),
        ("4242424242424243", False),
        ("0000000000000000", False),
        ("12345", False),
    ],
)
def test_card_numbers_are_recognised_by_their_check_digit(text: str, card: bool) -> None:
    assert looks_like_card(text) is card
