"""Safety stock from risk: never less for more risk, and what it promises is what happens when goods are really missing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.inventory.safety import MISSING_PRIOR, ORDERS_PRIOR, Learnt, safety

DAY = 86_400.0
learnt = st.builds(
    Learnt,
    on_hand=st.integers(1, 400),
    sizes=st.dictionaries(st.integers(1, 8), st.integers(1, 300), max_size=4),
    window_s=st.just(30 * DAY),
    picked=st.integers(0, 5000),
    missed=st.integers(0, 60),
)
targets = st.sampled_from([0.05, 0.01, 0.001, 0.0001])
lags = st.floats(0.1, 6 * 3600)
few = settings(max_examples=150, deadline=None)


@few
@given(learnt, targets, lags, st.floats(1, 20))
def test_a_longer_lag_never_asks_for_less(known, target, lag, longer):
    short = safety(learnt=known, lag_s=lag, target=target)
    assert safety(learnt=known, lag_s=lag * longer, target=target).units >= short.units


@few
@given(learnt, targets, lags, st.integers(1, 500))
def test_more_sales_never_ask_for_less(known, target, lag, more):
    busier = replace(known, sizes={**known.sizes, 1: known.sizes.get(1, 0) + more})
    # Of one size, so that more orders are more units: more small ones among large would make the mean order smaller.
    known = replace(known, sizes={1: sum(known.sizes.values())})
    busier = replace(busier, sizes={1: sum(busier.sizes.values())})
    assert (
        safety(learnt=busier, lag_s=lag, target=target).units
        >= safety(learnt=known, lag_s=lag, target=target).units
    )


@few
@given(learnt, targets, lags, st.integers(1, 100))
def test_more_that_is_not_found_never_asks_for_less(known, target, lag, more):
    worse = replace(known, missed=known.missed + more)
    assert (
        safety(learnt=worse, lag_s=lag, target=target).units
        >= safety(learnt=known, lag_s=lag, target=target).units
    )


@few
@given(learnt, lags)
def test_a_stricter_target_never_asks_for_less_and_is_met(known, lag):
    found = [safety(learnt=known, lag_s=lag, target=target) for target in (0.2, 0.01, 0.0001)]
    assert [each.units for each in found] == sorted(each.units for each in found)
    for each in found:
        assert each.risk <= each.target or each.units == known.on_hand


@few
@given(learnt, targets, lags)
def test_one_unit_less_would_not_do(known, target, lag):
    found = safety(learnt=known, lag_s=lag, target=target)
    if found.units:
        looser = safety(learnt=known, lag_s=lag, target=min(0.999, found.risk * 1.0000001 + 1e-12))
        assert looser.units <= found.units


def test_a_large_demand_does_not_drown_in_small_numbers():
    """e to the -5,000 is nought for a float: the recursion must not begin there."""
    known = Learnt(on_hand=10_000, sizes={1: 5_000 * 30}, window_s=30 * DAY, picked=100_000, missed=0)
    found = safety(learnt=known, lag_s=DAY, target=0.01)
    assert 5_000 < found.units < 5_400


def test_no_goods_need_no_safety():
    known = Learnt(on_hand=0, sizes={1: 10}, window_s=DAY, picked=0, missed=0)
    assert safety(learnt=known, lag_s=60, target=0.01).units == 0


def test_a_target_is_a_probability():
    known = Learnt(on_hand=5, sizes={}, window_s=DAY, picked=0, missed=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        safety(learnt=known, lag_s=60, target=1.0)


@pytest.mark.parametrize("target", [0.05, 0.01])
def test_what_happens_is_no_worse_than_the_target(target):
    """Shelves that lack units and buyers who come within the lag, drawn from what was learnt, 40,000 times each."""
    dice = random.Random(2026)
    for known, lag in (
        (Learnt(on_hand=60, sizes={1: 900, 2: 80, 5: 7}, window_s=30 * DAY, picked=4000, missed=30), 60.0),
        (Learnt(on_hand=200, sizes={1: 9000}, window_s=30 * DAY, picked=9000, missed=90), 900.0),
        (Learnt(on_hand=25, sizes={}, window_s=30 * DAY, picked=0, missed=0), 5.0),
    ):
        found = safety(learnt=known, lag_s=lag, target=target)
        runs = 40_000
        short = sum(_missing(dice, known) + _bought(dice, known, lag) > found.units for _ in range(runs))
        # Three standard deviations of so many runs above the risk it says is left.
        allowed = found.risk + 3 * (found.risk * (1 - found.risk) / runs) ** 0.5
        assert short / runs <= allowed <= target * 1.35


def _missing(dice, known):
    nil = dice.betavariate(MISSING_PRIOR[0] + known.missed, MISSING_PRIOR[1] + known.picked)
    return sum(dice.random() < nil for _ in range(known.on_hand))


def _bought(dice, known, lag):
    rate = dice.gammavariate(ORDERS_PRIOR + known.orders, 1 / known.window_s)
    units, at = 0, dice.expovariate(rate) if rate else lag + 1
    sizes, weights = list(known.sizes) or [1], list(known.sizes.values()) or [1]
    while at <= lag:
        units += dice.choices(sizes, weights)[0]
        at += dice.expovariate(rate)
    return units
