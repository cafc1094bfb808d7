"""What must stay together waits for its rest, whatever waiting counts, as long as the promise can be kept."""

from dataclasses import replace
from datetime import timedelta

from orderloom.routing.following import decide
from orderloom.routing.model import Policy, Request, Rest
from tests.unit.routing.questions import NOW, question, want

# Waiting never pays by its costs.
DEAR = Policy(consolidate_day_cost=10**6)


def lacking(together: str | None, *, days: int = 1) -> Request:
    """A mug is there, the pin that goes with it comes on a later day."""
    mug, pin = want("MUG", 1), want("PIN", 1)
    mug, pin = (replace(one, article=replace(one.article, together=together)) for one in (mug, pin))
    rest = Rest(wants=(pin,), expected={"RNO": {"PIN": 1}}, ready_at=NOW + timedelta(days=days))
    return question((mug,), {"RNO": {"MUG": 1}}, policy=DEAR, rest=rest)


def test_a_group_that_would_be_torn_waits():
    made = decide(lacking("gift set"), None)
    assert made.outcome == "held"
    assert made.consolidation.because == "what must stay together would be torn: gift set"
    assert made.consolidation.waiting > made.consolidation.saving


def test_without_a_group_it_is_a_matter_of_cost():
    assert decide(lacking(None), None).outcome == "routed"


def test_a_group_does_not_wait_beyond_its_promise():
    made = decide(lacking("gift set", days=30), None)
    assert made.outcome == "routed"
    assert made.consolidation.because == "the rest comes after the last moment in time"


def test_where_the_policy_lets_nothing_wait_neither_does_a_group():
    made = decide(replace(lacking("gift set"), policy=Policy()), None)
    assert (made.outcome, made.consolidation) == ("routed", None)
