"""How good forecasts of the past were, month by month and beside the promise the source itself had made (pure).

What is compared and how levels are chosen is fixed in docs/promise.md; nothing here looks at what came later than the
moment it speaks of, except where it says "in hindsight".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor, inf
from typing import Any

from orderloom.delivery.forecasting import Forecast, Method, forecast, month_of, month_start
from orderloom.delivery.past import LOST_DAYS, Past
from orderloom.delivery.quantiles import pinball

LEVELS = (0.5, 0.8, 0.95)
# The first month evaluated is the first with so many deliveries known before it.
KNOWN_BEFORE = 2_500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TooFew(ValueError):
    """The past is too short for any month to be evaluated."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A forecast beside the source's estimate: whole days from the day it was placed, as a buyer counts them."""

    forecast: Forecast
    estimated: int
    took: float  # whole days; infinite for what was never delivered
    slack: float  # the least days to add to the line for the promise to be kept

    @property
    def delivered(self) -> bool:
        """Whether it came."""
        return self.took < inf

    @property
    def month(self) -> str:
        """When it was placed."""
        return month_of(self.forecast.order.placed)

    def promised(self, slack: float) -> int:
        """The days promised with so much slack: those up to the day in which line and slack end."""
        return _whole_days(self.forecast.order, self.forecast.days + slack)

    def kept(self, slack: float) -> bool:
        """Whether that promise was kept."""
        return self.took <= self.promised(slack)


def evaluate(
    orders: Sequence[Past], *, since: str | None = None, method: Method | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The report, and one answer an order so that anyone can check it. Raises TooFew.

    `since` names the first month evaluated, 2018-01, where it shall be later than the rule has it.
    """
    months = _months(orders, since)
    scored = [
        _scored(f) for f in forecast(orders, levels=LEVELS, method=method) if f.order.estimated is not None
    ]
    before = [one for one in scored if one.month < months[0]]
    tested = [one for one in scored if one.month in set(months)]
    came = [one for one in tested if one.delivered]
    if not came:
        raise TooFew("no order of the evaluated months was delivered")
    slack = matching_slack(came)
    causal = {month: _causal_slack([*before, *tested], month) for month in months}
    report: dict[str, Any] = {
        "orders": len(orders),
        "delivered_before_first_month": sum(o.age_known < month_start(months[0]) for o in orders),
        "first_month": months[0],
        "last_month": months[-1],
        "levels": list(LEVELS),
        "slack_days": round(slack, 4),
        "overall": _summary(came, tested, slack, causal),
        "months": {
            month: _summary(
                [one for one in came if one.month == month],
                [one for one in tested if one.month == month],
                slack,
                causal,
            )
            for month in months
        },
    }
    report["worst_month"] = _worst(report["months"])
    return report, [_answer(one, slack, causal[one.month]) for one in tested]


def _months(orders: Sequence[Past], since: str | None) -> list[str]:
    ends = sorted(order.age_known for order in orders if order.delivered is not None)
    there = sorted({month_of(order.placed) for order in orders})
    months = [
        month
        for month in there
        if len(ends) >= KNOWN_BEFORE
        and ends[KNOWN_BEFORE - 1] < month_start(month)
        and month >= (since or "")
    ]
    if not months:
        raise TooFew(f"no month has {KNOWN_BEFORE} deliveries known before it")
    return months


def _scored(found: Forecast) -> Scored:
    order = found.order
    day = floor(order.placed)
    assert order.estimated is not None  # noqa: S101 - those without an estimate are left out above
    took = inf if order.delivered is None else float(floor(order.delivered) - day)
    return Scored(found, floor(order.estimated) - day, took, took - (order.placed - day) - found.days)


def _whole_days(order: Past, days: float) -> int:
    return max(floor(order.placed - floor(order.placed) + days), 0)


def matching_slack(came: Sequence[Scored]) -> float:
    """The least slack at which as many promises are kept as the source kept of its own."""
    kept = sum(one.took <= one.estimated for one in came)
    needed = sorted(one.slack for one in came)
    # A hair more, so that what ends on the very midnight is not lost to rounding.
    return needed[max(kept, 1) - 1] + 1e-6


def _causal_slack(scored: Sequence[Scored], month: str) -> float | None:
    """The slack that matched the source up to the month, by what was known when it began; None at first.

    Orders of less than the days after which one counts as lost are left out: of them only the quick ones are known.
    """
    start = month_start(month)
    known = [
        one
        for one in scored
        if one.delivered
        and one.forecast.order.placed < start - LOST_DAYS
        and one.forecast.order.age_known < start
    ]
    return matching_slack(known) if len(known) >= Method().fit_least else None


def _summary(
    came: Sequence[Scored], all_: Sequence[Scored], slack: float, causal: dict[str, float | None]
) -> dict[str, Any]:
    """The delivered, as the source's figures count them; and all, those never delivered taken as late."""
    known = [one for one in came if causal[one.month] is not None]
    return {
        "delivered": {
            "n": len(came),
            "actual_days": _mean([one.took for one in came]),
            "source": _figures(came, [one.estimated for one in came]),
            "ours": _figures(came, [one.promised(slack) for one in came]),
            "causal": _figures(known, [one.promised(causal[one.month] or 0.0) for one in known]),
            "source_where_causal": _figures(known, [one.estimated for one in known]),
        },
        "all": {
            "n": len(all_),
            "undelivered": len(all_) - len(came),
            "source": _figures(all_, [one.estimated for one in all_]),
            "ours": _figures(all_, [one.promised(slack) for one in all_]),
        },
        "quantiles": {f"p{round(level * 100)}": _quantile(came, all_, level) for level in LEVELS},
    }


def _figures(orders: Sequence[Scored], promised: Sequence[int]) -> dict[str, Any]:
    kept = sum(one.took <= days for one, days in zip(orders, promised, strict=True))
    return {
        "n": len(orders),
        "on_time": round(kept / len(orders), 4) if orders else None,
        "promise_days": _mean(promised),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _quantile(came: Sequence[Scored], all_: Sequence[Scored], level: float) -> dict[str, Any]:
    """Coverage in moments and of the dates they fall on, and what the moments cost."""
    moments = [
        (one.forecast.order.age_known - one.forecast.order.placed, one.forecast.quantiles[level])
        for one in came
    ]
    dates = [_whole_days(one.forecast.order, one.forecast.quantiles[level]) for one in came]
    covered = sum(took <= days for took, days in moments)
    return {
        "coverage": round(covered / len(came), 4) if came else None,
        "coverage_of_all": round(covered / len(all_), 4) if all_ else None,
        "coverage_of_dates": _figures(came, dates)["on_time"],
        "promise_days": _mean(dates),
        "pinball": _mean([pinball(actual=took, quantile=days, level=level) for took, days in moments]),
    }


def _worst(months: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for level in LEVELS:
        name = f"p{round(level * 100)}"
        covered = {m: f["quantiles"][name]["coverage"] for m, f in months.items() if f["delivered"]["n"]}
        month = max(covered, key=lambda m: abs(covered[m] - level))
        found[name] = {"month": month, "coverage": covered[month], "off": round(covered[month] - level, 4)}
    return found


def _answer(one: Scored, slack: float, causal: float | None) -> dict[str, Any]:
    order = one.forecast.order
    return {
        "order_id": order.key,
        "purchased_at": _moment(order.placed),
        "delivered_at": _moment(order.delivered),
        "source_promise": _date(floor(order.placed) + one.estimated),
        "promise": _date(floor(order.placed) + one.promised(slack)),
        "promise_causal": None if causal is None else _date(floor(order.placed) + one.promised(causal)),
        **{
            f"p{round(level * 100)}": _moment(order.placed + one.forecast.quantiles[level])
            for level in LEVELS
        },
    }


def _moment(at: float | None) -> str | None:
    """On the source's clock. Cut, not rounded, where it is finer than a second."""
    if at is None:
        return None
    return (_EPOCH + timedelta(seconds=floor(at * 86_400 + 1e-3))).replace(tzinfo=None).isoformat(sep=" ")


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()
