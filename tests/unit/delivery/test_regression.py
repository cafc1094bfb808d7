"""Linear quantile regression: it finds the lines data was made from, and leaves the right share below them."""

from __future__ import annotations

import random

import pytest

from orderloom.delivery.regression import fit


@pytest.mark.parametrize("level", [0.5, 0.7, 0.9])
def test_the_share_below_the_line_is_the_level(level: float) -> None:
    chance = random.Random(7)
    xs = [chance.uniform(0, 10) for _ in range(4000)]
    ys = [3 + 2 * x + chance.expovariate(1 / 3) for x in xs]
    line = fit([xs], ys, [1.0] * len(xs), level=level, ridge=1.0)
    below = sum(y <= line((x,)) for x, y in zip(xs, ys, strict=True)) / len(xs)
    assert below == pytest.approx(level, abs=0.03)
    assert line.slopes[0] == pytest.approx(2.0, abs=0.15)


def test_a_feature_that_never_varies_and_one_that_repeats_another_do_no_harm() -> None:
    xs = [float(i % 10) for i in range(500)]
    line = fit([xs, [4.0] * 500, xs], [2 * x + 1 for x in xs], [1.0] * 500, level=0.5, ridge=0.1)
    assert line((3.0, 4.0, 3.0)) == pytest.approx(7.0, abs=0.1)


def test_weight_decides_whom_it_follows() -> None:
    ys = [10.0] * 100 + [20.0] * 100
    line = fit([[0.0] * 200], ys, [1.0] * 100 + [0.01] * 100, level=0.5, ridge=1.0)
    assert line((0.0,)) == pytest.approx(10.0, abs=0.6)
