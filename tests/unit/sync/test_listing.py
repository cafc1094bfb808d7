"""A channel's listing against what it was told: what proves a divergence, what is only on its way, what repairs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orderloom.sync.availability import next_try
from orderloom.sync.feeds.feed import Listed
from orderloom.sync.listing import Published, compare

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told(quantity, version, pushed):
    return Published(
        channel_id=UUID(int=1),
        sku="A",
        quantity=quantity,
        next_at=None,
        next_units=0,
        version=version,
        changed_at=NOW,
        pushed=pushed,
        pushed_at=None,
    )


def kinds(before, theirs, after):
    found = compare(
        before={"A": before} if before else {},
        listed={"A": theirs} if theirs else {},
        after={"A": after} if after else {},
    )
    return found.kinds, found.on_the_way, found.above()


def test_what_was_accepted_and_is_shown_is_no_divergence():
    assert kinds(told(3, 7, 7), Listed(3, 7), told(3, 7, 7)) == ({}, 0, {})


def test_what_was_accepted_and_is_not_shown_is_missing():
    assert kinds(told(3, 7, 7), None, told(3, 7, 7)) == ({"missing": 1}, 0, {"A": 0})


def test_an_older_version_than_was_accepted_is_stale():
    assert kinds(told(3, 7, 7), Listed(5, 6), told(3, 7, 7)) == ({"stale": 1}, 0, {"A": 0})


def test_our_version_with_another_number_is_pushed_under_a_new_one():
    assert kinds(told(3, 7, 7), Listed(9, 7), told(3, 7, 7)) == ({"different": 1}, 0, {"A": 8})


def test_a_version_that_never_was_is_overtaken():
    assert kinds(told(3, 7, 7), Listed(3, 40), told(3, 7, 7)) == ({"ahead": 1}, 0, {"A": 41})


def test_what_we_never_published_is_only_told():
    assert kinds(None, Listed(3, 1), None) == ({"surplus": 1}, 0, {})


def test_a_number_on_its_way_proves_nothing():
    assert kinds(told(3, 7, 6), Listed(5, 6), told(3, 7, 6)) == ({}, 1, {})
    assert kinds(None, None, told(3, 1, 0)) == ({}, 1, {}), "published while it was asked"
    assert kinds(told(3, 7, 7), Listed(3, 7), told(2, 8, 8)) == ({}, 1, {}), "changed while it was asked"
    assert kinds(told(3, 7, 7), Listed(2, 8), told(2, 8, 8)) == ({}, 0, {})


states = st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 5))


@given(states, st.integers(0, 4), st.booleans())
def test_a_sound_channel_is_never_accused(state, later, applied):
    """It accepted some version, and shows that or any newer one of ours, whatever we do meanwhile."""
    quantity, version, pushed = state
    pushed = min(pushed, version)
    history = {v: (quantity + v) % 5 for v in range(1, version + later + 1)}
    before = told(history[version], version, pushed)
    after = replace(before, quantity=history[version + later], version=version + later)
    shows = version if applied else pushed
    listed = {"A": Listed(history[shows], shows)} if shows else {}
    assert compare(before={"A": before}, listed=listed, after={"A": after}).divergences == ()


@given(st.integers(0, 10**6))
def test_a_channel_that_is_away_is_tried_seldomer_and_never_given_up(waited_s):
    since = NOW - timedelta(seconds=waited_s)
    wait = next_try(since=since, now=NOW) - NOW
    assert timedelta(seconds=1) <= wait <= timedelta(minutes=5)
    assert wait <= max(timedelta(seconds=1), timedelta(seconds=waited_s / 4))
