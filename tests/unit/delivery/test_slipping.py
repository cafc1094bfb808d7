"""A date is given up once it is more likely missed than kept, for one with the chance asked; never for an earlier one."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orderloom.delivery.slipping import given_up_for
from orderloom.delivery.transit import BY_CONTRACT, Assured, Delivery, learn

TODAY = date(2026, 6, 3)
PATH = ("swift/ground", "CA>NV", "LAX")
SLIPS = st.lists(st.integers(-5, 12), min_size=3, max_size=40)
DAYS = st.integers(-12, 12)


def _learnt(slips: list[int], permille: int = 900) -> Assured:
    planned = TODAY - timedelta(days=60)
    came = [Delivery(PATH, planned, planned + timedelta(days=slip)) for slip in slips]
    return Assured(learn(came, today=TODAY), permille)


@given(SLIPS, DAYS, DAYS, st.integers(0, 5))
def test_it_only_ever_becomes_later(slips: list[int], promised: int, planned: int, behind: int) -> None:
    for assured in (BY_CONTRACT, _learnt(slips)):
        first = TODAY + timedelta(days=promised)
        new = given_up_for(
            promised=first,
            planned=TODAY + timedelta(days=planned),
            today=TODAY,
            path=PATH,
            assured=assured,
            behind=behind,
        )
        assert new is None or new > first
        assert new is None or new >= TODAY


def test_what_is_more_likely_kept_than_missed_stays() -> None:
    assured = _learnt([0] * 60 + [1] * 25 + [4] * 15)
    asked = {"planned": TODAY + timedelta(days=3), "today": TODAY, "path": PATH, "assured": assured}
    assert given_up_for(promised=TODAY + timedelta(days=3), **asked) is None
    assert given_up_for(promised=TODAY + timedelta(days=2), **asked) == TODAY + timedelta(days=7)


def test_a_parcel_that_is_overdue_has_the_chances_of_those_that_came_later_still() -> None:
    assured = _learnt([0] * 60 + [2] * 30 + [6] * 10)
    planned = TODAY - timedelta(days=1)
    found = given_up_for(promised=planned, planned=planned, today=TODAY, path=PATH, assured=assured)
    assert found == planned + timedelta(days=6), (
        "three in four of the rest come after two days, nine in ten after six"
    )


def test_where_nothing_was_learnt_what_is_overdue_is_given_as_long_again() -> None:
    asked = {"today": TODAY, "path": PATH, "assured": BY_CONTRACT}
    four_ago = TODAY - timedelta(days=4)
    assert given_up_for(promised=four_ago, planned=four_ago, **asked) == TODAY + timedelta(days=4)
    ahead = TODAY + timedelta(days=2)
    assert given_up_for(promised=ahead, planned=ahead, **asked) is None
    assert given_up_for(promised=TODAY, planned=ahead, behind=3, **asked) == ahead + timedelta(days=3)
