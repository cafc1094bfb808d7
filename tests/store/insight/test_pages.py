"""The console's other readings: overview, one order, stock, work; each within the reader's scope."""

from datetime import timedelta
from itertools import pairwise

import pytest

from orderloom.insight import inventory_grid, order_page, overview, work_lists
from orderloom.insight.configuration import configuration
from orderloom.insight.scope import EVERYTHING, Scope
from orderloom.plumbing import clock, credentials
from orderloom.terms import new_id

NOBODY = Scope(channels=[], nodes=[])


async def test_the_overview_counts_each_step(db, orders):
    found = await overview.overview(db, scope=EVERYTHING, now=clock.now())
    assert (found["orders"]["open"], found["orders"]["to_route"]) == (12, 12)
    assert (await overview.overview(db, scope=NOBODY, now=clock.now()))["orders"]["open"] == 0
    assert (await overview.ever(db, scope=EVERYTHING))["ever"] == 12
    assert (await overview.ever(db, scope=NOBODY))["ever"] == 0


async def test_every_hour_of_the_day_is_there_once(db, orders):
    hours = await overview.by_hour(db, scope=EVERYTHING, now=clock.now())
    assert len(hours) == 24
    assert sum(hour["count"] for hour in hours) == 12
    assert {b["at"] - a["at"] for a, b in pairwise(hours)} == {timedelta(hours=1)}


async def test_money_is_not_for_a_reader_bound_to_nodes(db, orders):
    assert await overview.money(db, scope=Scope(nodes=[new_id()]), now=clock.now()) == []
    assert await work_lists.notices(db, scope=Scope(nodes=[new_id()])) == []


async def test_an_order_has_its_lines_slices_and_timeline(db, orders):
    found = await order_page.order_page(db, scope=EVERYTHING, number=orders[1].number)
    assert found is not None
    assert [line["sku"] for line in found.lines] == ["LAMP"]
    assert sum(piece["quantity"] for piece in found.slices) == 2
    assert [event["type"] for event in found.events][-1] == "order.captured"


async def test_an_order_out_of_scope_is_not_there(db, orders):
    assert await order_page.order_page(db, scope=NOBODY, number=orders[1].number) is None
    assert await order_page.order_page(db, scope=EVERYTHING, number="none") is None


async def test_the_grid_adds_up_to_what_its_cells_say(db, orders):
    items = await inventory_grid.items(db, scope=EVERYTHING)
    cells = await inventory_grid.cells(db, scope=EVERYTHING, skus=[item["sku"] for item in items], nodes=[])
    for item in items:
        mine = [cell for cell in cells if cell["sku"] == item["sku"]]
        assert item["on_hand"] == sum(cell["on_hand"] for cell in mine)
        assert item["atp"] == sum(max(0, cell["available"] - cell["safety_stock"]) for cell in mine)


async def test_movements_explain_the_stock(db, orders):
    rows = await inventory_grid.movements(db, scope=EVERYTHING, sku="MUG", node="EAST")
    (cell,) = await inventory_grid.cells(db, scope=EVERYTHING, skus=["MUG"], nodes=["EAST"])
    assert sum(row["on_hand_delta"] for row in rows) == cell["on_hand"]
    assert sum(row["reserved_delta"] for row in rows) == cell["reserved"] == 6
    assert await inventory_grid.movements(db, scope=NOBODY, sku="MUG") == []


@pytest.mark.parametrize("show", ["all", "out", "unsellable"])
async def test_stock_is_narrowed_to_what_is_asked(db, orders, show):
    found = await inventory_grid.items(db, scope=EVERYTHING, text="mu", show=show)
    assert [item["sku"] for item in found] == (["MUG"] if show == "all" else [])


async def test_nobodys_work_is_empty(db, orders):
    now = clock.now()
    assert await work_lists.exceptions(db, scope=NOBODY) == []
    assert await work_lists.fulfillments(db, scope=NOBODY, now=now, show="all") == []
    assert await work_lists.shipments(db, scope=NOBODY) == []
    assert await work_lists.manifests(db, scope=NOBODY) == []
    assert await work_lists.returns(db, scope=NOBODY) == []
    assert await work_lists.notices(db, scope=NOBODY) == []
    assert await overview.needing_people(db, scope=NOBODY, now=now) == []
    assert await overview.latest_news(db, scope=NOBODY) == []
    assert await overview.by_node(db, scope=NOBODY, now=now) == []


async def test_settings_show_keys_without_their_secret(db, orders):
    _, text = await credentials.create_key(db, name="shop", scopes=["orders:read"])
    (key,) = (await configuration(db))["api_keys"]
    assert "secret_hash" not in dict(key)
    assert text.endswith(text.removeprefix(key["prefix"]))
