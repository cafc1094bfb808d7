"""What the pages of the four decisions show can be used as it stands, and answers what they say."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from orderloom.routing import examples
from orderloom.routing.questions import RouteQuestion

DOCS = Path(__file__).parents[2] / "docs"


def shown(page, language):
    return re.search(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL).group(1)


def test_the_shown_contract_rates_a_parcel():
    told = {"terms": json.loads(shown("howto/add-a-carrier.md", "json"))}
    exec(shown("rating.md", "python"), told)  # noqa: S102 - our own page is what is tried
    [answer] = told["rates"]
    assert {line.rule: line.amount for line in answer.lines} == {
        "card": 1300,
        "discount": -325,
        "residential": 450,
        "fuel": 299,
    }
    assert (told["chosen"].cost, told["chosen"].arrives_on.isoformat()) == (1724, "2026-01-19")


def test_the_shown_books_go_into_two_cartons():
    *made, parcels, _, bound, proven = shown("cartonization.md", "python").splitlines()
    told = {}
    exec("\n".join(made), told)  # noqa: S102
    assert repr(eval(parcels, told)) == "[('S', {'BOOK': 3}, 1300), ('S', {'BOOK': 1}, 500)]"  # noqa: S307
    assert eval(bound, told) == (2, True)  # noqa: S307
    assert proven.startswith("# (2, True)")


def test_a_question_asked_in_python_is_answered_as_the_page_of_routing_works_it_out():
    told = {}
    exec(shown("howto/ask-a-decision.md", "python"), told)  # noqa: S102
    assert told["record"]["answer"]["quotes"][0]["cost"] == 1610
    decide, empty = told["decide"], told["EMPTY"]
    record = decide(RouteQuestion(**examples.ROUTE), present=empty, now=datetime(2026, 3, 2, tzinfo=UTC))
    answer = record["answer"]
    page = (DOCS / "routing.md").read_text()
    for plan, cost in ((answer["plan"], 1790), (answer["runner_up"], 6160)):
        assert plan["cost"] == cost
        assert f"**{cost:,}**" in page
    assert [flip.get("amount") or flip.get("units") for flip in answer["flips"]] == [4371, 9]
    assert answer["proven"]
