"""Whom to tell, over which way, and when not at all."""

from datetime import UTC, datetime

import pytest

from orderloom.notices.model import Way
from orderloom.notices.rules import key_of, locale_of, silent, ways
from orderloom.terms import new_id

ADA = {"email": "ada@example.com", "phone": "+15550100"}
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("buyer", "told"),
    [
        (ADA, ["email"]),
        (ADA | {"notify": None}, ["email"]),
        (ADA | {"notify": ["sms", "app"]}, ["sms", "app"]),
        (ADA | {"notify": []}, []),
        ({"phone": "+1"}, []),
        ({"phone": "+1", "notify": ["email", "sms"]}, ["sms"]),
        ({"id": "b1", "notify": ["app"]}, ["app"]),
    ],
)
def test_the_buyers_choice_stands_and_else_the_channels(buyer, told):
    assert [way for way, _ in ways(buyer, default=["email"])] == told


def test_the_inbox_is_named_by_the_buyers_id_if_there_is_one():
    assert dict(ways(ADA | {"id": "b1", "notify": ["app"]}, default=[]))[Way.APP] == "b1"


@pytest.mark.parametrize(
    ("flags", "as_of", "buyer", "quiet"),
    [
        ([], None, ADA, False),
        ([{"code": "no_notices"}], None, ADA, True),
        ([{"code": "money_differs"}], NOW, ADA, False),
        ([], NOW, ADA | {"notify": []}, True),
        ([], None, ADA | {"notify": []}, False),
    ],
)
def test_history_wakes_nobody(flags, as_of, buyer, quiet):
    assert silent(flags=flags, decide_as_of=as_of, buyer=buyer) is quiet


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("pt-BR", "pt"), ("pt_PT", "pt"), ("EN", "en"), ("de", "en"), (None, "en"), ("", "en")],
)
def test_the_nearest_language_is_taken(wanted, given):
    assert locale_of({"locale": wanted}) == given


def test_a_key_is_the_same_for_the_same_and_another_for_each_other():
    order, trigger = new_id(), new_id()
    keys = {
        key_of(order_id=order, template=template, trigger_id=trigger, way=way)
        for template in ("shipped", "delivered")
        for way in Way
        for _ in range(2)
    }
    assert len(keys) == 6
