"""The evaluation of promises: nothing later is used, gaps in the source are borne, figures are as defined."""

from __future__ import annotations

import random
from dataclasses import replace
from math import floor

import pytest

from orderloom.delivery.evaluation import KNOWN_BEFORE, TooFew, evaluate
from orderloom.delivery.forecasting import Method, forecast, month_of, month_start
from orderloom.delivery.past import Past, known_at_purchase

START = month_start("2030-01")
LEVELS = (0.5, 0.8, 0.95)


def _past(days: int = 150, a_day: int = 30, seed: int = 5) -> list[Past]:
    chance = random.Random(seed)
    found = []
    for n in range(days * a_day):
        placed = START + n / a_day
        far = chance.choice((50.0, 400.0, 1500.0))
        took = 2 + far / 200 + chance.gammavariate(4, 1.2)
        arrives = placed + took if chance.random() < 0.97 else None
        found.append(
            Past(
                key=f"o{n:05}",
                placed=placed,
                handed=placed + min(took / 3, 3),
                delivered=arrives,
                estimated=float(floor(placed + 20)),
                origin="SP",
                destination={50.0: "SP", 400.0: "RJ", 1500.0: "BA"}[far],
                seller=f"s{n % 17}",
                km=far if n % 11 else None,
                limit=4.0 if n % 7 else None,
                weight_g=500.0 if n % 5 else None,
                freight=12.0,
            )
        )
    return found


def test_what_happens_later_changes_nothing_said_before() -> None:
    """Whatever becomes of orders after a moment, every forecast made before it is the same to the last digit."""
    past = _past(days=110)
    moment = START + 95
    after = [
        replace(
            o,
            handed=o.handed if o.handed and o.handed < moment else None,
            delivered=o.delivered if o.delivered and o.delivered < moment else None,
        )
        for o in past
        if o.placed < moment
    ]
    whole = [f for f in forecast(past, levels=LEVELS) if f.order.placed < moment]
    cut = forecast(after, levels=LEVELS)
    assert whole
    assert [(f.order.key, f.days, f.quantiles) for f in whole] == [
        (f.order.key, f.days, f.quantiles) for f in cut
    ]


def test_a_handover_before_the_purchase_is_not_known_at_it() -> None:
    order = replace(_past(days=1, a_day=1)[0], handed=START - 3, delivered=START - 1)
    assert known_at_purchase([order]) == known_at_purchase([replace(order, handed=None, delivered=None)])


def test_quantiles_cover_what_they_say_and_the_level_matches_the_source() -> None:
    report, answers = evaluate(_past())
    of = report["overall"]["delivered"]
    assert of["ours"]["on_time"] >= of["source"]["on_time"]
    assert report["overall"]["all"]["undelivered"] > 0
    for name, level in (("p50", 0.5), ("p80", 0.8), ("p95", 0.95)):
        assert report["overall"]["quantiles"][name]["coverage"] == pytest.approx(level, abs=0.05)
    assert len(answers) == report["overall"]["all"]["n"]
    assert all(a["p50"] <= a["p80"] <= a["p95"] for a in answers)
    kept = sum(a["delivered_at"] is not None and a["delivered_at"][:10] <= a["promise"] for a in answers)
    came = sum(a["delivered_at"] is not None for a in answers)
    assert round(kept / came, 4) == of["ours"]["on_time"]


def test_the_first_month_is_the_first_with_enough_known_before_it() -> None:
    past = _past(a_day=40)
    report, _ = evaluate(past)
    known = [sum(o.age_known < month_start(m) for o in past) for m in ("2030-03", "2030-04")]
    assert known[0] < KNOWN_BEFORE <= known[1]
    assert report["first_month"] == "2030-04"
    later, _ = evaluate(past, since="2030-05")
    assert later["first_month"] == "2030-05"
    assert later["months"]["2030-05"]["quantiles"] == report["months"]["2030-05"]["quantiles"]


def test_too_short_a_past_is_said() -> None:
    with pytest.raises(TooFew):
        evaluate(_past(days=40))


def test_a_rarer_lateness_is_drawn_from_more_days() -> None:
    method = Method()
    assert method.window_of(0.5) == method.window_of(0.8) == method.window
    assert method.window_of(0.9) == 2 * method.window
    assert method.window_of(0.95) == method.window_of(0.999) == method.window_most


def test_months_are_the_calendar_s() -> None:
    assert month_of(month_start("2017-11")) == "2017-11"
    assert month_of(month_start("2017-11") - 0.001) == "2017-10"
