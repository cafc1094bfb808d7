"""The safety stock that a risk asks for (pure): what else may be missing when the last published unit is sold.

A channel sells by a number that is `lag` old. When it sells the last unit it was told of, two things are not in that
number: units that others bought meanwhile, D, and units that are on the books and not on the shelf, M. Safety stock S
hides the last S units from every channel, so an order is taken that cannot be shipped exactly when D + M > S. `units`
is the smallest S with P(D + M > S) <= target.

- D, demand over the lag: orders arrive by a Poisson process whose rate is not known but learnt, as a Gamma posterior
  from the orders of a window (Jeffreys prior, half an order). The number of orders in a lag is then negative binomial, and
  units are orders times their sizes as they were: a compound sum, by Panjer's recursion (ASTIN Bulletin 12, 1981).
- M, missing of the n units on hand: each unit is not found with the node's nil-pick probability, a binomial thinning
  of n, its probability a Beta posterior from units looked for and not found (prior Beta(0.5, 99.5): half a percent, as
  strong as a hundred picks). M is then beta-binomial.
- This is the newsvendor's critical fractile (Arrow, Harris, Marschak 1951) with the fractile given as 1 - target, and
  the Poisson tail of a base-stock level (Zipkin, Foundations of Inventory Management, 2000) as its special case.

What it does not know: units of one SKU tend to be missing together (a wrong count), which makes M's true tail longer;
demand that comes in a rush is not Poisson at the window's rate; and demand for the lag is that for the node's stock by
all channels, its own included. The report of what was achieved is there to judge by. Units are whole; S never exceeds
n, for more cannot be hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, lgamma, log
from typing import Any

ORDERS_PRIOR = 0.5
MISSING_PRIOR = (0.5, 99.5)
SIZE_MOST = 200
_TAIL = 1e-13
_LARGE = 1e200


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a window of movements taught: orders by their units of the SKU at the node, and the node's picks."""

    on_hand: int
    sizes: Mapping[int, int]
    window_s: float
    picked: int
    missed: int

    @property
    def orders(self) -> int:
        """How many orders there were."""
        return sum(self.sizes.values())

    @property
    def per_day(self) -> float:
        """Units sold a day."""
        return sum(size * count for size, count in self.sizes.items()) / self.window_s * 86_400

    @property
    def missing(self) -> tuple[float, float]:
        """The posterior of the chance that a unit on the books is not found."""
        return MISSING_PRIOR[0] + self.missed, MISSING_PRIOR[1] + self.picked


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """A safety stock with the risk that is left, and what it was computed from."""

    units: int
    risk: float
    target: float
    lag_s: float
    learnt: Learnt

    def basis(self) -> dict[str, Any]:
        """What is kept with the rule."""
        return {
            "target": self.target,
            "risk": round(self.risk, 9),
            "lag_seconds": round(self.lag_s, 3),
            "window_days": round(self.learnt.window_s / 86_400, 3),
            "orders": self.learnt.orders,
            "units_per_day": round(self.learnt.per_day, 3),
            "picked": self.learnt.picked,
            "missed": self.learnt.missed,
            "on_hand": self.learnt.on_hand,
        }


def safety(*, learnt: Learnt, lag_s: float, target: float) -> Safety:
    """The smallest safety stock at which an oversell is no likelier than `target`, between 0 and 1."""
    if not 0 < target < 1:
        msg = f"a target is a probability between 0 and 1, not {target}"
        raise ValueError(msg)
    demand = _demand(learnt, lag_s)
    missing = _missing(learnt.on_hand, *learnt.missing)
    beyond = _beyond(demand, missing)
    units = next((s for s, risk in enumerate(beyond) if risk <= target), len(beyond))
    units = min(units, learnt.on_hand)
    risk = beyond[units] if units < len(beyond) else 0.0
    return Safety(units=units, risk=risk, target=target, lag_s=lag_s, learnt=learnt)


def _demand(learnt: Learnt, lag_s: float) -> list[float]:
    """The chance of 0, 1, 2 … units within the lag: negative binomial orders of learnt sizes."""
    sizes = _sizes(learnt.sizes)
    shape = ORDERS_PRIOR + learnt.orders
    scale = lag_s / learnt.window_s
    a, b = scale / (1 + scale), (shape - 1) * scale / (1 + scale)
    mean = shape * scale * sum(j * f for j, f in enumerate(sizes))
    # Begun at 1 and divided by their sum in the end: the true first term may be too small for a float.
    found = [1.0]
    total = 1.0
    # Orders of several units leave holes of nought: the tail is over when a whole size back there was nothing.
    while len(found) <= mean or max(found[-len(sizes) :]) > total * _TAIL:
        s = len(found)
        found.append(sum((a + b * j / s) * f * found[s - j] for j, f in enumerate(sizes[: s + 1]) if f))
        total += found[-1]
        if total > _LARGE:
            found, total = [each / _LARGE for each in found], total / _LARGE
    return [each / total for each in found]


def _sizes(counted: Mapping[int, int]) -> list[float]:
    """The chance of an order of 0, 1, 2 … units; of one unit when none was seen."""
    seen: dict[int, int] = {}
    for size, count in counted.items():
        if count:
            seen[min(size, SIZE_MOST)] = seen.get(min(size, SIZE_MOST), 0) + count
    seen = seen or {1: 1}
    whole = sum(seen.values())
    return [seen.get(size, 0) / whole for size in range(max(seen) + 1)]


def _missing(units: int, a: float, b: float) -> list[float]:
    """The chance that 0, 1, 2 … of so many units are not there: beta-binomial."""
    log_none = lgamma(b + units) - lgamma(a + b + units) + lgamma(a + b) - lgamma(b)
    mean = units * a / (a + b)
    logs = [log_none]
    k = 0
    while k < units and (k <= mean or logs[-1] > max(logs) - 32):
        ratio = (units - k) * (a + k) / ((k + 1) * (units - k - 1 + b))
        logs.append(logs[-1] + log(ratio))
        k += 1
    top = max(logs)
    weights = [exp(each - top) for each in logs]
    total = sum(weights)
    return [each / total for each in weights]


def _beyond(demand: Sequence[float], missing: Sequence[float]) -> list[float]:
    """The chance that demand and missing units together are more than 0, 1, 2 …"""
    below = [0.0, *accumulate(demand)]
    tails = [max(0.0, 1.0 - each) for each in below[1:]]
    risks = []
    for s in range(len(demand) + len(missing)):
        risk = sum(m * (tails[s - k] if s - k < len(tails) else 0.0) for k, m in enumerate(missing) if k <= s)
        risks.append(risk + sum(missing[s + 1 :]))
        if risks[-1] <= _TAIL:
            break
    return risks
