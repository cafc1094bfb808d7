"""Delivery forecast for each order of the past from what was known when it was placed (pure).

A line at one level is fitted anew on the first of every month (§ docs/promise.md, the protocol); every day the errors
it made of late, by a Kaplan-Meier curve, turn it into quantiles. Orders not delivered yet take part in both: in the fit
with the least they can still take, in the curve as durations under way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor

from orderloom.delivery.past import LOST_DAYS, Known, Past, known_at_purchase
from orderloom.delivery.quantiles import Curve, Watched, curve_of_watched
from orderloom.delivery.regression import Line, fit

_DAYS_LEAST = 1.0
# Levels below one less this are of the body: the shortest window does for them.
_BODY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """The protocol's figures, fixed before anything was scored with them."""

    level: float = 0.7
    half_life: float = 200.0
    ridge: float = 5.0
    open_more: float = 5.0
    open_least: float = 30.0
    fit_least: int = 500
    fit_most: int = 30_000
    window: float = 10.0
    window_most: float = 40.0
    lost_share: float = 0.5
    window_least: int = 150
    scale_least: float = 5.0

    def window_of(self, level: float) -> float:
        """Days of errors that a level is drawn from: a rarer lateness needs more of them to be seen at all."""
        tail = round(max(1.0 - level, 1e-9), 9)
        return min(max(self.window, self.window * _BODY / tail), self.window_most)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What was said of an order when it was placed: the line's days, and the days by which each level is reached."""

    order: Past
    days: float
    quantiles: Mapping[float, float]


def month_of(at: float) -> str:
    """The calendar month, as 2017-11."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=floor(at))).strftime("%Y-%m")


def month_start(month: str) -> float:
    """The first moment of the month."""
    return float(
        (datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    )


def forecast(
    orders: Sequence[Past], *, levels: Sequence[float], method: Method | None = None
) -> list[Forecast]:
    """Forecasts for the orders, given by the time they were placed, from the first month that has a line on."""
    method = method or Method()
    known = known_at_purchase(orders)
    lines = _lines(orders, known, method)
    errors = _Errors(orders, known, method)
    found: list[Forecast] = []
    windows = sorted({method.window_of(level) for level in levels})
    day: int | None = None
    now_curves: dict[float, Curve | None] = {}
    for order, row in zip(orders, known, strict=True):
        if (line := lines.get(month_of(order.placed))) is None:
            continue
        if floor(order.placed) != day:
            day = floor(order.placed)
            now_curves = errors.curves(float(day), line, windows)
        days = _days(line, row)
        found.append(Forecast(order, days, _quantiles(days, now_curves, levels, method)))
    return found


def _quantiles(
    days: float, errors: Mapping[float, Curve | None], levels: Sequence[float], method: Method
) -> dict[float, float]:
    """The days by which each level is reached: the line, and so much of it as the errors of late say.

    Some orders are never delivered. A level is of a share between those that are and all, at `lost_share` of the way.
    """
    scale = max(days, method.scale_least)
    found: dict[float, float] = {}
    most = 0.0
    for level in sorted(levels):
        curve = errors[method.window_of(level)]
        if curve is None or not curve.shares:
            most = max(most, days)
        else:
            ever = curve.shares[-1]
            counted = ever + (1.0 - ever) * method.lost_share
            # Levels are drawn from windows of their own, and yet a higher one is never sooner.
            most = max(most, days + curve.at(level * counted) * scale)
        found[level] = most
    return found


def _lines(orders: Sequence[Past], known: Sequence[Known], method: Method) -> dict[str, Line]:
    found: dict[str, Line] = {}
    for month in sorted({month_of(order.placed) for order in orders}):
        start = month_start(month)
        mine = [
            i
            for i, o in enumerate(orders)
            if o.placed < start and (o.age_known < start or start - o.placed < LOST_DAYS)
        ]
        if sum(orders[i].age_known < start for i in mine) >= method.fit_least:
            found[month] = _line(orders, known, mine[-method.fit_most :], start, method)
    return found


def _line(
    orders: Sequence[Past], known: Sequence[Known], mine: Sequence[int], now: float, method: Method
) -> Line:
    """Fitted to `mine` of the orders as they stand `now`."""
    ages = [now - orders[i].placed for i in mine]
    took = [
        orders[i].age_known - orders[i].placed
        if orders[i].age_known < now
        else max(age + method.open_more, method.open_least)
        for i, age in zip(mine, ages, strict=True)
    ]
    usual = [days / known[i].stretch for i, days in zip(mine, took, strict=True)]
    weights = [0.5 ** (age / method.half_life) for age in ages]
    columns = list(zip(*(known[i].features for i in mine), strict=True))
    return fit(columns, usual, weights, level=method.level, ridge=method.ridge)


def _days(line: Line, known: Known) -> float:
    return max(line(known.features), _DAYS_LEAST) * known.stretch


class _Errors:
    """What the line's errors are of late, as parts of what it forecasts; days only go forward.

    The errors are those that the present line makes on recent orders, not those that earlier lines made: a new line is
    not blamed for the old one's.
    """

    def __init__(self, orders: Sequence[Past], known: Sequence[Known], method: Method) -> None:
        self._orders = orders
        self._known = known
        self._method = method
        self._placed = 0
        self._active: list[int] = []
        self._line: Line | None = None
        self._days: dict[int, float] = {}

    def curves(self, now: float, line: Line, windows: Sequence[float]) -> dict[float, Curve | None]:
        """The errors as the deliveries of each window before `now`, and the orders still open, show them."""
        if line is not self._line:
            self._line, self._days = line, {}
        while self._placed < len(self._orders) and self._orders[self._placed].placed < now:
            self._active.append(self._placed)
            self._placed += 1
        self._active = [i for i in self._active if self._ends(i) > now - max(windows)]
        return {window: self._curve(now, line, now - window) for window in windows}

    def _curve(self, now: float, line: Line, since: float) -> Curve | None:
        watched = [self._watched(i, line, since, now) for i in self._active if self._ends(i) > since]
        if sum(one.ended for one in watched) < self._method.window_least:
            return None
        return curve_of_watched(watched)

    def _ends(self, i: int) -> float:
        order = self._orders[i]
        return min(order.age_known, order.placed + LOST_DAYS)

    def _watched(self, i: int, line: Line, since: float, now: float) -> Watched:
        order = self._orders[i]
        if i not in self._days:
            self._days[i] = _days(line, self._known[i])
        days = self._days[i]
        scale = max(days, self._method.scale_least)
        ends = self._ends(i)
        return Watched(
            (max(since, order.placed) - order.placed - days) / scale,
            (min(ends, now) - order.placed - days) / scale,
            ended=order.age_known <= ends < now,
        )
