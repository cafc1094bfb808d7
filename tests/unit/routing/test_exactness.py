"""What HiGHS said of an instance is kept and read back, and what it left open is never called equal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.exactness import BY_BOUND, DIFFERING, EQUAL, FAILED, Optima, verdict
from orderloom.routing.search import SHIFT, Found
from orderloom.routing.seeking import Sought
from tests.unit.routing.tables import Optimum, instance, program

SECONDS = 300
PLAN = Sought(best=Found(value=100 << SHIFT, parts=()), floor=100)
NONE = Sought(best=None, floor=0)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "optima.ndjson"


def test_an_optimum_is_solved_once_and_read_afterwards(kept: Path) -> None:
    tables = instance(2, 6, 1)
    optimum, _, read = Optima(kept, seconds=SECONDS).of(tables, seed=1)
    assert (optimum.status, optimum.bound, read) == ("optimal", optimum.cost, False)
    assert Optima(kept, seconds=SECONDS).of(tables, seed=1)[0::2] == (optimum, True)
    assert len(kept.read_text().splitlines()) == 1


def test_a_line_that_was_cut_off_is_solved_again_on_a_line_of_its_own(kept: Path) -> None:
    tables = instance(2, 6, 1)
    Optima(kept, seconds=SECONDS).of(tables)
    whole = kept.read_text()
    kept.write_text(whole[: len(whole) // 2])
    assert Optima(kept, seconds=SECONDS).of(tables)[2] is False
    assert Optima(kept, seconds=SECONDS).of(tables)[2] is True


def test_a_longer_limit_solves_anew_what_ended_at_a_shorter_one(kept: Path) -> None:
    tables = instance(2, 6, 1)
    ended = {
        "status": "limit",
        "cost": 9_999,
        "bound": 1,
        "gap": 0.9,
        "said": "time",
        "limit_s": 10,
        "ms": 1.0,
    }
    kept.write_text(json.dumps({"digest": program(tables).digest(), **ended}) + "\n")
    assert Optima(kept, seconds=10).of(tables)[2] is True
    assert Optima(kept, seconds=SECONDS).of(tables)[0].status == "optimal"


def test_programs_that_differ_in_one_number_have_two_digests() -> None:
    tables = instance(2, 6, 1)
    dearer = replace(tables, fixed=[tables.fixed[0] + 1, *tables.fixed[1:]])
    fewer = replace(tables, question=replace(tables.question, most=tables.question.most + 1))
    assert len({program(one).digest() for one in (tables, dearer, fewer)}) == 3


@pytest.mark.parametrize(
    ("found", "status", "cost", "bound", "expected"),
    [
        (PLAN, "optimal", 100, 100, EQUAL),
        (PLAN, "optimal", 99, 99, DIFFERING),
        (PLAN, "optimal", 101, 101, DIFFERING),
        (PLAN, "infeasible", None, None, DIFFERING),
        (NONE, "infeasible", None, None, EQUAL),
        (NONE, "optimal", 100, 100, DIFFERING),
        (replace(PLAN, proven=False, floor=90), "optimal", 100, 100, EQUAL),
        (replace(PLAN, proven=False, floor=90), "optimal", 95, 95, BY_BOUND),
        (replace(PLAN, proven=False, floor=90), "optimal", 89, 89, DIFFERING),
        (replace(PLAN, proven=False, floor=90), "limit", None, 80, BY_BOUND),
        (replace(NONE, proven=False), "optimal", 100, 100, BY_BOUND),
        (PLAN, "limit", 100, 98, BY_BOUND),
        (PLAN, "limit", 99, 98, DIFFERING),
        (PLAN, "limit", None, 101, DIFFERING),
        (NONE, "limit", 120, 98, DIFFERING),
        (PLAN, "failed", None, None, FAILED),
    ],
)
def test_an_answer_is_equal_only_where_both_are_settled(
    found: Sought, status: str, cost: int | None, bound: int | None, expected: str
) -> None:
    assert verdict(found, Optimum(status, cost, bound, None, "")) == expected
