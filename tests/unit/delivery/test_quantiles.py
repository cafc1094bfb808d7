"""Quantiles of durations under way: the curve against the plain empirical one, in order, and fair to what is open."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.delivery.quantiles import Curve, Seen, Watched, curve, curve_of_watched, pinball

days = st.floats(0, 60, allow_nan=False)
levels = st.floats(0.01, 0.99)
durations = st.lists(days, min_size=1, max_size=60)
some_open = st.lists(st.tuples(days, st.booleans()), min_size=1, max_size=60)


def _curve(seen: list[Seen]) -> Curve:
    found = curve(seen)
    assert found is not None
    return found


@given(durations, levels)
def test_without_open_ones_it_is_the_empirical_quantile(values: list[float], level: float) -> None:
    empirical = sorted(values)[max(ceil(level * len(values) - 1e-9 * len(values)), 1) - 1]
    assert _curve([Seen(v) for v in values]).at(level) == pytest.approx(empirical)
    watched = curve_of_watched(Watched(-1.0, v, ended=True) for v in values)
    assert watched is not None
    assert watched.at(level) == pytest.approx(empirical)


@given(some_open, levels, levels)
def test_a_higher_level_is_never_sooner(seen: list[tuple[float, bool]], one: float, other: float) -> None:
    found = _curve([Seen(v, ended=ended) for v, ended in seen])
    low, high = sorted((one, other))
    assert found.at(low) <= found.at(high)


@given(some_open, st.floats(0.1, 10), levels)
def test_only_the_ratio_of_weights_matters(
    seen: list[tuple[float, bool]], weight: float, level: float
) -> None:
    one = _curve([Seen(v, ended=ended) for v, ended in seen])
    other = _curve([Seen(v, weight, ended) for v, ended in seen])
    assert one.values == other.values
    assert one.shares == pytest.approx(other.shares, abs=1e-6)


@given(durations, durations, levels)
def test_what_is_open_for_longer_never_makes_it_sooner(
    ended: list[float], more: list[float], level: float
) -> None:
    """Parcels under way that have taken longer than all delivered ones only move quantiles back."""
    longest = max(ended)
    known = [Seen(v) for v in ended]
    late = [Seen(longest + v, ended=False) for v in more]
    assert _curve(known + late).at(level) >= _curve(known).at(level)


def test_dropping_open_ones_would_flatter() -> None:
    seen = [Seen(5.0), Seen(6.0), Seen(7.0, ended=False), Seen(20.0), Seen(9.0, ended=False)]
    assert _curve(seen).at(0.6) == 20.0
    assert _curve([one for one in seen if one.ended]).at(0.6) == 6.0


def test_late_entries_are_at_risk_only_from_then_on() -> None:
    """Two watched from the start and one from day 8 on: its end at 10 is one of the two left, not of three."""
    found = curve_of_watched(
        [Watched(0.0, 5.0, ended=True), Watched(0.0, 12.0, ended=False), Watched(8.0, 10.0, ended=True)]
    )
    assert found is not None
    assert found.values == [5.0, 10.0]
    assert found.shares == pytest.approx([0.5, 0.75])
    assert found.share(9.0) == pytest.approx(0.5)
    assert found.share(4.0) == 0.0
    assert found.last == 12.0


def test_of_nothing_there_is_no_curve() -> None:
    assert curve([]) is None
    assert curve([Seen(1.0, weight=0.0)]) is None
    assert curve_of_watched([]) is None


@given(durations, levels)
def test_pinball_is_least_at_the_quantile(values: list[float], level: float) -> None:
    best = _curve([Seen(v) for v in values]).at(level)

    def cost(quantile: float) -> float:
        return sum(pinball(actual=v, quantile=quantile, level=level) for v in values)

    assert all(cost(best) <= cost(other) + 1e-6 for other in (*values, 0.0, 30.0, 61.0))
