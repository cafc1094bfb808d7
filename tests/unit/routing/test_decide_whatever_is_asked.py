"""Whatever stands in a question, it is answered or refused with reasons; nothing else comes out."""

import copy
import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from orderloom.routing import examples
from orderloom.routing.deciding import decide
from orderloom.routing.questions import QUESTIONS
from orderloom.routing.world import EMPTY, Unanswerable

KINDS = {
    "route": examples.ROUTE,
    "pack": examples.PACK,
    "rate": examples.RATE,
    "promise": examples.PROMISE,
}
GONE = object()
ODD = [
    *(None, 0, -1, 1, 2000, 10**9, 0.0001, 1e5, "", "x", "US", "BR", "00000", True, False, GONE),
    *("2026-02-30", "1970-01-01", "9000-12-31", "9999-12-31", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"),
    *([], {}, [7], "Asia/Kolkata", "23:59", "\x00", "\ud800", "²²²²²", 2**70, float("1e308")),
]


def places(value, path=()):
    """Every place in a question."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def put(question, path, odd) -> None:
    *way, last = path
    for key in way:
        question = question[key]
    if odd is GONE:
        del question[last]
    else:
        question[last] = copy.deepcopy(odd)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_it_is_answered_or_refused(data):
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    asked = copy.deepcopy(KINDS[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        if found := list(places(asked)):
            put(asked, data.draw(st.sampled_from(found)), data.draw(st.sampled_from(ODD)))
    told = asked_and_told(kind, asked)
    assert told
    assert json.loads(json.dumps(told)) == told


def asked_and_told(kind, asked):
    """The record, or the paths of what is wrong."""
    try:
        question = QUESTIONS[kind].model_validate(asked)
        return decide(question, present=EMPTY, now=datetime(2026, 3, 2, 15, tzinfo=UTC))
    except ValidationError as invalid:
        return [str(fault["loc"]) for fault in invalid.errors()]
    except Unanswerable as unanswerable:
        return [fault.path for fault in unanswerable.faults if fault.message]
