"""A contract's page shows its tables of days by lane, however they are written, and says where it leaves some out."""

import re

from orderloom.console.page import templates
from orderloom.shipping.contract import parse
from tests.unit.shipping.terms import terms

TABLES = [
    {"services": ["ground"], "pairs": {"100": "005-069=1 606=3", "200": {"606": 2}, "300": "606=4"}},
    {
        "regions": {"east": ["0-2"], "coast": ["90-96", "97-99"]},
        "between": {"east": {"coast": 5}, "coast": {"east": 6}},
    },
]


def test_pairs_and_regions_are_shown():
    agreed = parse(carrier="acme", version=1, terms=terms(transit=TABLES)).terms
    page = templates().get_template("_lane_days.html").render(terms=agreed, lanes_shown=2)
    told = re.sub(r"<[^>]+>", " ", page)
    words = " ".join(told.split())
    assert "100 005-069=1 606=3 200 606=2" in words
    assert "606=4" not in words
    assert "The first 2 of 3 origins" in words
    assert re.search(r"east 0-2 – 5 coast 90-96, 97-99 6 –", words), words
