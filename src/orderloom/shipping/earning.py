"""What earned tiers look back on: sums of weeks, each of which holds from a day on and is never changed. Pure.

A week runs from Monday to Sunday and counts from the second day after it ended, so that it could be summed in between.
What is spent by a day is therefore a matter of that day alone, whenever it is asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from orderloom.shipping.agreed import Earned, Tier
from orderloom.shipping.figures import parts, plain

WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


class WeekSpend(NamedTuple):
    """What a week from this Monday came to, in minor units; the newest sum that holds on a day counts."""

    carrier: str
    currency: str
    week: date
    amount: int
    holds_from: date
    recorded_at: datetime


class Standing(NamedTuple):
    """How far an earned rule has come by a day."""

    rule: Earned
    since: date
    until: date
    spent: int
    reached: Tier | None
    ahead: Tier | None

    def json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "code": self.rule.code,
            "services": list(self.rule.services),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "spent": self.spent,
            "permille": plain(parts(self.reached.permille)) if self.reached else 0,
            "next_spend": self.ahead.spend if self.ahead else None,
            "next_permille": plain(parts(self.ahead.permille)) if self.ahead else None,
        }


def week_of(day: date) -> date:
    """The Monday."""
    return day - (day.isoweekday() - 1) * _DAY


def window(days: int, day: date) -> tuple[date, date]:
    """The weeks a tier looks back on: from the first Monday, up to the Monday after the last."""
    until = week_of(day - _DAY)
    return until - days * _DAY, until


def in_force(sums: Iterable[WeekSpend], *, day: date, known_at: datetime | None = None) -> list[WeekSpend]:
    """Of each week the newest sum that holds on the day, of those recorded by `known_at`, if that is given."""
    newest: dict[date, WeekSpend] = {}
    for one in sums:
        if one.holds_from > day or (known_at is not None and one.recorded_at > known_at):
            continue
        held = newest.get(one.week)
        if held is None or held.holds_from < one.holds_from:
            newest[one.week] = one
    return sorted(newest.values(), key=lambda one: one.week)


def spent(sums: Sequence[WeekSpend], *, days: int, day: date) -> int:
    """What the weeks of a window came to, by the sums in force on the day."""
    since, until = window(days, day)
    return sum(one.amount for one in sums if since <= one.week < until)


def reached(rules: Iterable[Earned], spend: Callable[[int], int]) -> tuple[int, ...]:
    """How many tiers of each rule are reached, by what was spent in its days."""
    return tuple(bisect_right([tier.spend for tier in rule.tiers], spend(rule.days)) for rule in rules)


def standings(rules: Sequence[Earned], sums: Sequence[WeekSpend], *, day: date) -> Iterator[Standing]:
    """Each rule with its window, what was spent in it, the tier that holds and the next."""
    for rule in rules:
        amount = spent(sums, days=rule.days, day=day)
        at = bisect_right([tier.spend for tier in rule.tiers], amount)
        tiers = (None, *rule.tiers, None)
        yield Standing(rule, *window(rule.days, day), amount, tiers[at], tiers[at + 1])
