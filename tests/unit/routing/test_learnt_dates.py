"""Dates moved by what was learnt: never before the contract's own day, later the surer, on days of delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orderloom.delivery.transit import Delivery, learn
from orderloom.routing import examples
from orderloom.routing.deciding import decide
from orderloom.routing.questions import PromiseQuestion
from orderloom.routing.world import EMPTY, with_given

QUESTION = PromiseQuestion.model_validate(examples.PROMISE)
WORLD = with_given(QUESTION, EMPTY)
SERVICES = sorted(f"{t.carrier}/{s}" for t in WORLD.tariffs for s in t.services)
NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
LEARNT = st.lists(st.tuples(st.sampled_from(SERVICES), st.integers(-5, 12)), min_size=1, max_size=60)


def _asked(slips: list[tuple[str, int]], confidence: int) -> dict[str, object]:
    planned = NOW.date() - timedelta(days=40)
    made = [Delivery((service, ">", "N"), planned, planned + timedelta(days=slip)) for service, slip in slips]
    present = replace(WORLD, learnt=learn(made, today=NOW.date()))
    asked = QUESTION.model_copy(update={"contracts": None, "confidence": confidence})
    answer: dict[str, object] = decide(asked, present=present, now=NOW)["answer"]
    return answer


@given(LEARNT, st.integers(500, 999), st.integers(500, 999))
def test_no_date_is_before_the_handover_and_the_contracts_days(
    slips: list[tuple[str, int]], one: int, other: int
) -> None:
    low, high = sorted((one, other))
    unsure, sure = _asked(slips, low), _asked(slips, high)
    zone = unsure["time_zone"]
    assert zone == sure["time_zone"]
    before = {(w["carrier"], w["service"], w["node"]): w["promise_at"] for w in unsure["by_service"]}  # type: ignore[attr-defined]
    for way in sure["by_service"]:  # type: ignore[attr-defined]
        arrives = date.fromisoformat(way["arrives_on"])
        promised = datetime.fromisoformat(way["promise_at"])
        assert promised.date() >= arrives >= datetime.fromisoformat(way["ship_by"]).date()
        key = way["carrier"], way["service"], way["node"]
        assert way["promise_at"] >= before.get(key, "")
        if way["probability"] is not None:
            assert way["p50"] <= way["p80"] <= way["p95"]
            # Never less sure than asked, unless the days kept apart do not reach so far.
            assert way["probability"] >= high / 1000 - 1e-3


def test_of_contracts_that_the_question_brings_nothing_was_learnt() -> None:
    planned = NOW.date() - timedelta(days=40)
    late = [Delivery((service, ">", "N"), planned, planned + timedelta(days=9)) for service in SERVICES]
    present = replace(EMPTY, learnt=learn(late * 50, today=NOW.date()))
    answer = decide(QUESTION, present=present, now=NOW)["answer"]
    assert answer == decide(QUESTION, present=EMPTY, now=NOW)["answer"]
    assert answer["earliest"]["probability"] is None
