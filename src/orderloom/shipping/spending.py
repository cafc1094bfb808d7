"""What earned tiers rest on, kept: each week's spend with a carrier summed once it is over, and told beside the tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from orderloom.plumbing.database import Db
from orderloom.shipping.contracts import contract_book
from orderloom.shipping.earning import WEEK, Standing, WeekSpend, standings, week_of
from orderloom.shipping.store import contracts as contract_store
from orderloom.shipping.store import spends as store

# Invoices come late: with each new week so many before it are summed anew.
_SUMMED_ANEW = 13


@dataclass(frozen=True, slots=True)
class Earnings:
    """A carrier's earned tiers on a day, with the weeks they rest on; no standings without such tiers."""

    carrier: str
    contract_version: int | None
    currency: str | None
    day: date
    standings: tuple[Standing, ...]
    weeks: tuple[WeekSpend, ...]

    def json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "carrier": self.carrier,
            "contract_version": self.contract_version,
            "currency": self.currency,
            "day": self.day.isoformat(),
            "tiers": [one.json() for one in self.standings],
            "weeks": [
                {
                    "week": one.week.isoformat(),
                    "amount": one.amount,
                    "holds_from": one.holds_from.isoformat(),
                }
                for one in self.weeks
            ],
        }


async def sum_when_due(db: Db, *, now: datetime) -> None:
    """Sum the week that ended, of every carrier with earned tiers, unless it is summed; the sums hold from tomorrow."""
    contracts = [one for one in (await contract_book(db)).at(now) if one.earned]
    if not contracts:
        return
    today = now.astimezone(UTC).date()
    until = week_of(today)
    known = await store.spends(db, [one.carrier for one in contracts])
    for contract in contracts:
        weeks = [
            one.week for one in known if (one.carrier, one.currency) == (contract.carrier, contract.currency)
        ]
        begin = until - timedelta(days=max(rule.days for rule in contract.earned))
        if weeks and min(weeks) <= begin:
            if max(weeks) + WEEK >= until:
                continue
            begin = max(begin, max(weeks) - _SUMMED_ANEW * WEEK)
        await store.sum_weeks(
            db,
            carrier=contract.carrier,
            currency=contract.currency,
            since=begin,
            until=until,
            holds_from=today + timedelta(days=1),
        )


async def earnings(
    db: Db, *, carrier: str, at: datetime, known_at: datetime | None = None
) -> Earnings | None:
    """How far the carrier's earned tiers have come by the day of a moment; None where there is no such carrier."""
    if carrier not in await contract_store.carriers(db):
        return None
    book = await contract_book(db)
    day = at.astimezone(UTC).date()
    contract = next((one for one in book.at(at, known_at=known_at) if one.carrier == carrier), None)
    if contract is None:
        return Earnings(carrier, None, None, day, (), ())
    sums: Sequence[WeekSpend] = book.sums(contract, day=day, known_at=known_at)
    told = tuple(standings(contract.earned, sums, day=day))
    since = min((one.since for one in told), default=day)
    weeks = tuple(one for one in sums if since <= one.week)
    return Earnings(carrier, contract.version, contract.currency, day, told, weeks)
