"""What the pages show of contracts and rating can be used as it stands."""

import json
import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


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
