"""Counted effort bounds the work of packing, and does not hang on what was asked before."""

import random

import pytest

from orderloom.packing import pallet, search
from orderloom.packing.cartonize import cartonize
from orderloom.packing.planning import articles
from orderloom.simulate import demo_catalogue, demo_data

CARTONS = tuple(demo_data.cartons())
EFFORT = 3_000
# One piece of work begun before the limit is ended after it: a greedy packing, or the laying of a pattern.
OVER = 6_000


def order(seed, lines, most):
    dice = random.Random(seed)
    items = {item.sku: item for item in demo_catalogue.items()}
    return articles(
        items=items, units={sku: dice.randint(1, most) for sku in dice.sample(sorted(items), lines)}
    )


@pytest.mark.parametrize(("lines", "most"), [(1, 300), (6, 4), (25, 3), (60, 2)])
def test_beyond_the_first_packing_no_more_is_spent_than_was_allowed(lines, most):
    for seed in range(3):
        goods = order(seed, lines, most)
        first = cartonize(goods, CARTONS, effort=0)
        assert cartonize(goods, CARTONS, effort=EFFORT).effort <= first.effort * 2 + EFFORT + OVER


def test_what_was_worked_out_before_changes_neither_answer_nor_effort():
    goods = order(7, 1, 300)
    plan = cartonize(goods, CARTONS)
    search.search.cache_clear()
    again = cartonize(goods, CARTONS)
    search.search.cache_clear()
    pallet._sheet.cache_clear()
    assert plan == again == cartonize(goods, CARTONS)
