"""Prices from a CSV become rate cards; whatever cannot be used is named, and then nothing changes."""

import pytest

from orderloom.shipping.contract import parse
from orderloom.shipping.rate_file import NotARateFile, with_prices
from tests.unit.shipping.terms import terms

HEAD = "service,weight_not_over,zone,amount\n"


def lines(*rows):
    return [HEAD, *(f"{row}\n" for row in rows)]


def test_the_cards_of_the_services_named_are_replaced_and_the_contract_reads():
    agreed = terms()
    others = [card for card in agreed["rates"] if card["service"] != "ground"]
    made = with_prices(
        agreed,
        lines(
            "ground,1,2,7.35",
            "ground,5,2,9",
            "ground,1,3,8.10",
            "ground,5,3,10.05",
            "ground,above,2,0.40",
            "ground,above,3,.55",
        ),
    )
    assert (made.prices, made.services, made.bad, made.missing) == (6, ("ground",), (), ())
    [card] = [card for card in made.terms["rates"] if card["service"] == "ground"]
    assert card["breaks"] == [1.0, 5.0]
    assert card["amounts"] == {"2": [735, 900], "3": [810, 1005]}
    assert card["above"]["amounts"] == {"2": 40, "3": 55}
    assert [card for card in made.terms["rates"] if card["service"] != "ground"] == others
    parse(carrier="acme", version=2, terms=made.terms)
    again = with_prices(made.terms, lines("ground,1,2,7.35", "ground,5,2,9.01"))
    assert again.changed == 1


def test_every_row_that_cannot_be_used_is_named_by_its_line_and_nothing_changes():
    agreed = terms()
    made = with_prices(
        agreed,
        lines(
            "drone,1,2,7.35",
            "ground,nought,2,7.35",
            "ground,0,2,7.35",
            "ground,1,two,7.35",
            "ground,1,2,7.355",
            "ground,1,2,-1",
            "ground,1,2,7.35",
            "ground,1,2,7.40",
            "ground,5,3,NaN",
            "ground,5,3,9",
        ),
    )
    assert [row.line for row in made.bad] == [2, 3, 4, 5, 6, 7, 9, 10]
    assert made.missing == ("no price for ground, 1, zone 3", "no price for ground, 5, zone 2")
    assert made.terms == agreed


def test_a_file_without_the_columns_is_none():
    with pytest.raises(NotARateFile, match="no column zone, amount"):
        with_prices(terms(), ["service,weight_not_over\n"])
