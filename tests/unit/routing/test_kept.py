"""Decision records come back as they were, whatever they say, and take little room."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.routing.kept import packed, unpacked

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_a_record_comes_back_as_it_was(record):
    assert unpacked(packed(record)) == record


def test_the_same_record_is_kept_the_same_byte_for_byte():
    record = {
        "request": {"lines": [{"line": "1", "sku": "MUG", "quantity": 2}]},
        "answer": {"outcome": "routed"},
    }
    assert packed(record) == packed(json.loads(json.dumps(record)))


def test_what_an_unknown_release_kept_is_refused():
    with pytest.raises(KeyError):
        unpacked(b"\xff" + packed({"a": 1})[1:])


def test_what_a_dictionary_kept_can_always_be_read():
    """The dictionary is part of the form: a change to one that was in use would make this record unreadable."""
    record = {"answer": {"outcome": "routed", "currency": "USD", "late": False}}
    assert unpacked(bytes.fromhex("03ab26b1d84072476d2d00")) == record
