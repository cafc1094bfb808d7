"""A parcel's state depends on the set of its events."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.delivery.codes import DIALECTS, read
from orderloom.delivery.model import Aside, Scan, Status
from orderloom.delivery.status import status

T = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(hours: float, word: str) -> Scan:
    return Scan(T + timedelta(hours=hours), word, word)


ORDINARY = [at(0, "info_received"), at(5, "in_transit"), at(30, "out_for_delivery"), at(34, "delivered")]


def test_a_parcel_nobody_told_of_is_pending():
    assert status([]).status is Status.PENDING


def test_an_ordinary_parcel_is_delivered_in_whatever_order_it_was_told():
    ends = {status(told) for told in permutations(ORDINARY)}
    assert len(ends) == 1
    end = ends.pop()
    assert end.status is Status.DELIVERED
    assert end.first_scan_at == T + timedelta(hours=5)
    assert end.delivered_at == T + timedelta(hours=34)


def test_delivered_is_final_against_what_comes_later():
    assert status([*ORDINARY, at(40, "in_transit"), at(41, "exception")]).status is Status.DELIVERED


def test_only_a_correction_takes_a_delivery_back():
    corrected = [*ORDINARY, at(36, "correction")]
    assert status(corrected).status is Status.OUT_FOR_DELIVERY
    assert status(corrected).delivered_at is None
    again = status([*corrected, at(50, "delivered")])
    assert again.delivered_at == T + timedelta(hours=50)


def test_what_goes_back_to_the_sender_is_not_delivered_to_the_buyer():
    back = status([at(1, "in_transit"), at(20, "return_to_sender"), at(60, "delivered")])
    assert back.status is Status.RETURN_TO_SENDER
    assert back.delivered_at is None


def test_paper_never_follows_movement():
    assert status([at(1, "in_transit"), at(2, "info_received")]).status is Status.IN_TRANSIT


def test_an_exception_before_any_scan_is_no_first_scan():
    assert status([at(0, "info_received"), at(1, "exception")]).first_scan_at is None


def test_asides_change_nothing_but_the_last_time_we_heard():
    end = status([at(1, "in_transit"), at(9, "unread"), at(8, "tracker_fault")])
    assert end.status is Status.IN_TRANSIT
    assert end.last_event_at == T + timedelta(hours=9)


WORDS = st.sampled_from([*Status, *Aside])


@given(st.lists(st.builds(at, st.integers(0, 6), WORDS), max_size=7), st.randoms())
def test_any_order_and_any_repetition_give_one_state(scans, dice):
    shuffled = [*scans, *scans]
    dice.shuffle(shuffled)
    assert status(shuffled) == status(scans)


@given(st.lists(st.builds(at, st.integers(0, 6), WORDS), max_size=8))
def test_delivered_always_has_its_time_and_nothing_else_has(scans):
    end = status(scans)
    assert (end.status is Status.DELIVERED) == (end.delivered_at is not None)
    assert end.delivered_at is None or end.first_scan_at is not None


@pytest.mark.parametrize(
    ("dialect", "code", "meaning"),
    [
        ("easypost", "pre_transit", Status.INFO_RECEIVED),
        ("easypost", "unknown", Status.PENDING),
        ("easypost", "error", Aside.TRACKER_FAULT),
        ("aftership", "AttemptFail", Status.ATTEMPT_FAILED),
        ("aftership", "Exception_011", Status.RETURN_TO_SENDER),
        ("karrio", "pending", Status.INFO_RECEIVED),
        ("shopify", "PICKED_UP", Status.DELIVERED),
        ("orderloom", "delivery_corrected", Aside.CORRECTION),
        ("easypost", "teleported", Aside.UNREAD),
        ("nobody", "delivered", Aside.UNREAD),
    ],
)
def test_each_source_is_read_in_its_own_words(dialect, code, meaning):
    assert read(dialect=dialect, code=code) is meaning


def test_our_own_statuses_mean_themselves():
    assert {read(dialect="orderloom", code=s.value) for s in Status} == set(Status)
    assert "orderloom" in DIALECTS
