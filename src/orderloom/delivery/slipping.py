"""When a promised date is given up, and for which other (pure).

A date is given up once it is more likely missed than kept, and the next has the chance that dates are promised with:
between the two lies the room in which nothing is told anew. A parcel that is not there yet has a slip of at least what
it is late by, so its chances are those of the parcels that came later still.
"""

from __future__ import annotations

from datetime import date, timedelta

from orderloom.delivery.transit import MOST, Assured, Path

EVEN = 0.5
# So few came later still that nothing can be told from them.
_TAIL = 0.005
_HAIR = 1e-6


def given_up_for(
    *, promised: date, planned: date, today: date, path: Path, assured: Assured, behind: int = 0
) -> date | None:
    """The day that takes the promised one's place; None while that is as likely kept as missed.

    `planned`: by contract, of what was or is yet to be handed over. `behind`: by how many days that handover is late. Where
    nothing was learnt, the contract's day counts, and what is overdue is given as long again, so that it is told seldom.
    """
    overdue = (today - planned).days
    gone = assured.learnt.probability(path, overdue - 1)
    if gone is None or gone > 1 - _TAIL:
        return _by_contract(promised, max(planned, today), max(overdue, behind, 0))
    left = 1 - gone
    if _chance(assured, path, (promised - planned).days) - gone >= EVEN * left:
        return None
    wanted = gone + left * assured.permille / 1000 - _HAIR
    for slip in range(max(overdue, 0), MOST + 1):
        if _chance(assured, path, slip) >= wanted:
            return planned + timedelta(days=slip)
    return _by_contract(promised, max(planned, today), max(overdue, behind, 0))


def _chance(assured: Assured, path: Path, slip: int) -> float:
    return assured.learnt.probability(path, slip) or 0.0


def _by_contract(promised: date, expected: date, late: int) -> date | None:
    return None if promised >= expected else expected + timedelta(days=late)
