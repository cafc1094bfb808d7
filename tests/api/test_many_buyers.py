"""Two hundred and a thousand buyers for fifty units, over real HTTP against `orderloom serve`.

The rushes themselves are in `bench/buyers.py`, which prints their figures; here is what must hold whatever they are.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bench.buyers import COMING, UNITS, Outcome, deadlocks, rush, sales, serving
from orderloom.insight import audit
from orderloom.plumbing.database import Database


@pytest.fixture
def sell(database_url, tmp_path):
    """Holds one sale and returns what its buyers met; no deadlock, nothing strange, no invariant broken."""

    async def sell(name: str, *, buyers: int, servers: int = 1) -> Outcome:
        sale = sales(buyers)[name]
        async with serving(database_url, tmp_path, servers) as addresses:
            out = await rush(database_url, addresses, sale, buyers=buyers)
        assert not out.strange, out.strange
        assert len(out.sold) + len(out.refused) == buyers
        assert await deadlocks(database_url) == 0
        supply = Counter()
        for (_, sku), units in sale.stock.items():
            supply[sku] += units
        if not sale.ahead:
            _nothing_oversold(out, supply)
        _each_refusal_was_right(out)
        await _sound(database_url)
        return out

    return sell


def _nothing_oversold(out: Outcome, supply: Counter[str]) -> None:
    """What buyers were told they have is what the shelves say is kept, and no more than there ever was."""
    kept = Counter()
    for level in out.levels:
        kept[level["sku"]] += level["reserved"] + level["allocated"]
    assert kept == out.units_sold()
    assert all(units <= supply[sku] for sku, units in kept.items())
    assert len(set(out.orders)) == len(out.orders)


def _each_refusal_was_right(out: Outcome) -> None:
    """It names what is short and how many are left; and nothing comes back in a sale, so it must hold to the end."""
    left = Counter()
    for level in out.levels:
        left[level["sku"]] += level["available"]
    for wanted, said in out.refused:
        assert said
        assert all(short["available"] < wanted[short["sku"]] for short in said)
        assert any(left[sku] < units for sku, units in wanted.items())


async def _sound(url: str) -> None:
    database = await Database.open(url)
    findings = await audit.of_database(database)
    await database.close()
    assert not [finding.json() for finding in findings if finding.count]


async def test_half_of_them_through_carts_and_all_are_told_when_more_comes(sell) -> None:
    out = await sell("carts", buyers=200)
    assert len(out.sold) == UNITS
    told = [short for _, said in out.refused for short in said]
    assert {short["next_units"] for short in told} == {COMING}
    assert all(short["next_at"] for short in told)


async def test_what_is_on_its_way_is_sold_once_and_no_further(sell) -> None:
    out = await sell("ahead", buyers=200, servers=2)
    assert len(out.sold) == UNITS
    assert sum(level["reserved"] for level in out.levels) == UNITS - COMING


async def test_two_hundred_buyers_get_exactly_the_fifty_units_there_are(sell) -> None:
    out = await sell("spread", buyers=200)
    assert len(out.sold) == UNITS


async def test_orders_of_three_hot_items_sell_all_that_can_be_sold(sell) -> None:
    await sell("lines", buyers=200, servers=2)


async def test_a_thousand_buyers_get_exactly_the_fifty_units_there_are(sell) -> None:
    out = await sell("one", buyers=1000, servers=2)
    assert len(out.sold) == UNITS
