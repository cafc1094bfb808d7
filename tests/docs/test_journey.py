"""The page of journeys says what the tables say."""

import re
from pathlib import Path

from orderloom.journey import drawn
from orderloom.journey.roster import JOURNEYS

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_tables_say():
    assert (ROOT / "docs/journey.md").read_text() == drawn.page(), "run `make docs`"


def test_every_journey_has_its_home():
    assert {journey.of for journey in JOURNEYS} == set(drawn.HOMES)


def test_every_step_says_what_it_means():
    assert [(j.of, step.name) for j in JOURNEYS for step in j.steps if not step.means] == []


def test_every_undo_says_what_it_takes_back():
    undone = [step for journey in JOURNEYS for step in journey.steps if step.undo]
    assert [step.name for step in undone if drawn._first_sentence(drawn._effect(step.undo)) == "."] == []


def test_every_way_back_is_drawn():
    told = {to for ways in drawn.WAYS_BACK.values() for to, _ in ways}
    gone = {
        step
        for path in (ROOT / "src/orderloom/journey").glob("*.py")
        for step in re.findall(r'GoTo\("(\w+)"\)', path.read_text())
    }
    assert gone == told
