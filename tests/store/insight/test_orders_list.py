"""The list of orders: what it finds, how its pages follow one another, and whose orders it shows."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orderloom.insight import orders_list
from orderloom.insight.orders_list import VIEWS, Key, OrderQuery
from orderloom.insight.scope import EVERYTHING, Scope
from orderloom.insight.search import matching, palette
from orderloom.orders import exceptions, holds
from orderloom.orders.exceptions import NewException
from orderloom.orders.holds import NewHold
from tests.store.insight.conftest import NOON


async def listed(db, *, scope=EVERYTHING, text=None, **query) -> list[str]:
    if text is not None:
        query["among"] = await matching(db, text=text)
    return [row["external_id"] for row in await orders_list.page(db, scope=scope, query=OrderQuery(**query))]


async def test_the_newest_come_first(db, orders):
    assert (await listed(db))[-1] == "X-0"
    assert len(await listed(db)) == 12


async def test_pages_neither_skip_nor_repeat_even_within_one_moment(db, orders):
    seen, after = [], None
    while True:
        rows = await orders_list.page(db, scope=EVERYTHING, query=OrderQuery(), after=after, limit=2)
        seen += [row["number"] for row in rows[:2]]
        if len(rows) <= 2:
            break
        after = Key(rows[1]["placed_at"], rows[1]["id"])
    assert len(seen) == len(set(seen)) == 12


async def test_values_of_one_filter_widen_and_filters_narrow(db, orders):
    assert set(await listed(db, filters={"channel": ["market"]})) == {"X-0", "X-3", "X-6", "X-9"}
    assert len(await listed(db, filters={"channel": ["market", "web"]})) == 12
    assert set(await listed(db, filters={"channel": ["market"], "node": ["WEST"]})) == {"X-3", "X-9"}
    assert await listed(db, filters={"tag": ["gift"]}) == ["X-5"]
    assert await listed(db, filters={"status": ["800"]}) == []


async def test_a_span_of_time_has_its_beginning_and_not_its_end(db, orders):
    found = await listed(db, placed_from=NOON + timedelta(minutes=2), placed_to=NOON + timedelta(minutes=4))
    assert found == ["X-3", "X-2"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("X-7", 1),
        ("buyer7@example.com", 1),
        ("BUYER7@EXAMPLE.COM", 1),
        ("lamp", 6),
        ("Austin", 4),
        ("buyer", 12),
        ("zzz", 0),
        ("%%%", 0),
        ("___", 0),
    ],
)
async def test_an_order_is_found_by_what_is_at_hand(db, orders, text, count):
    assert len(await listed(db, text=text)) == count


async def test_an_order_is_found_by_its_number_in_any_case(db, orders):
    assert await listed(db, text=orders[4].number.lower()) == ["X-4"]


async def test_views_count_what_they_show(db, orders):
    await holds.raise_holds(
        db, holds=[NewHold(order_id=orders[0].order_id, type="manual", blocks=["route"], due_at=NOON)]
    )
    case = NewException(
        kind="odd", entity="order", entity_id=orders[1].order_id, order_id=orders[1].order_id, detail="?",
        way_out="Look.", due_at=NOON,
    )  # fmt: skip
    await exceptions.open_(db, cases_=[case])
    counts = await orders_list.counts(db, scope=EVERYTHING, query=OrderQuery())
    for view in VIEWS:
        assert counts[view] == len(await listed(db, view=view)), view
    assert (counts["held"], counts["attention"], counts["open"]) == (1, 1, 12)
    assert await listed(db, filters={"hold": ["manual"]}) == ["X-0"]
    assert await listed(db, filters={"exception": ["odd"]}) == ["X-1"]


async def test_a_reader_bound_to_a_channel_or_node_sees_no_other(db, orders):
    market = await db.fetchval("SELECT id FROM network.channels WHERE code = 'market'")
    east = await db.fetchval("SELECT id FROM network.nodes WHERE code = 'EAST'")
    assert len(await listed(db, scope=Scope(channels=[market]))) == 4
    assert all(int(x[2:]) % 2 == 0 for x in await listed(db, scope=Scope(nodes=[east])))
    assert set(await listed(db, scope=Scope(channels=[market], nodes=[east]))) == {"X-0", "X-6"}
    assert await listed(db, scope=Scope(channels=[])) == []
    counts = await orders_list.counts(db, scope=Scope(channels=[market]), query=OrderQuery())
    assert counts["all"] == 4
    found = await palette(db, scope=Scope(channels=[market]), text="X-1")
    assert not [row for row in found if row["kind"] == "order"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
async def test_no_text_is_taken_for_a_statement(db, orders, text):
    assert len(await listed(db, text=text)) <= 12
    await palette(db, scope=EVERYTHING, text=text)
