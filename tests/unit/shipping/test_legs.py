"""A service may have a chart of its own, and days of its own from lane to lane."""

from datetime import date

import pytest

from orderloom.shipping.contract import BadTerms, parse
from orderloom.shipping.model import Ineligible, Parcel, Place
from orderloom.shipping.rate import rate, rate_all
from orderloom.shipping.select import quote_all
from orderloom.terms import Dimensions
from tests.unit.shipping.terms import TERMS, tariff, terms

MONDAY = date(2026, 1, 5)
NEW_YORK, CHICAGO, SEATTLE = (Place("US", postcode) for postcode in ("10001", "60601", "98101"))
PARCEL = Parcel.of(dimensions=Dimensions(100, 100, 100), weight_g=400)
AIR = {"air": {"pairs": {"100": "606=2 981=4"}, "countries": {"CA": 4}}}


def with_chart(**more):
    ground, express = TERMS["services"]
    return tariff(services=[ground, {**express, "chart": "air"}], charts=AIR, **more)


def zones(held, to):
    asked = {"parcel": PARCEL, "origin": NEW_YORK, "destination": to, "at": MONDAY}
    every = rate_all(contracts=[held], **asked)
    single = [rate(contract=held, service=code, **asked) for code in held.services]
    assert every == single
    return {
        one.service: one.reasons[0]
        if isinstance(one, Ineligible)
        else (one.zone, one.lines[0].inputs["zone"])
        for one in every
    }


def test_each_service_by_its_own_chart():
    held = with_chart()
    assert zones(held, CHICAGO) == {"ground": (3, 3), "express": (2, 2)}
    unknown = "no zone: the contract knows neither these postcodes nor this distance"
    assert zones(held, SEATTLE) == {"ground": unknown, "express": (4, 4)}


def arrivals(held, to=CHICAGO):
    quotes = quote_all(contracts=[held], parcels=[PARCEL], origin=NEW_YORK, destination=to, ship_on=MONDAY)
    return {one.service: one.arrives_on.day for one in quotes if not isinstance(one, Ineligible)}


def test_days_by_lane_stand_in_for_the_zones():
    assert arrivals(tariff()) == {"ground": 7, "express": 6}
    table = {"services": ["ground"], "pairs": {"100": "600-605=2 606-609=4"}}
    assert arrivals(tariff(transit=[table])) == {"ground": 9, "express": 6}
    elsewhere = {"services": ["ground"], "pairs": {"101": {"606": 4}}}
    assert arrivals(tariff(transit=[elsewhere])) == {"ground": 7, "express": 6}


def test_the_first_table_that_knows_the_lane_decides():
    regions = {
        "regions": {"east": ["1", "200-219"], "lakes": ["606-609"]},
        "between": {"east": {"lakes": 5}},
    }
    exact = {"pairs": {"100": {"606": 0}}}
    assert arrivals(tariff(transit=[regions])) == {"ground": 12, "express": 12}
    assert arrivals(tariff(transit=[exact, regions])) == {"ground": 5, "express": 5}
    assert arrivals(tariff(transit=[regions, exact])) == {"ground": 12, "express": 12}
    backwards = {**regions, "between": {"lakes": {"east": 5}}}
    assert arrivals(tariff(transit=[backwards, exact])) == {"ground": 5, "express": 5}


def test_a_table_is_of_lanes_within_a_country():
    table = {"pairs": {"100": {"606": 4}}}
    toronto = Place("CA", "60601")
    assert arrivals(with_chart(transit=[table]), toronto) == {"express": 7}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"charts": {"air": {}}}, "charts.air: no lane can get a zone"),
        (
            {"services": [{**TERMS["services"][0], "chart": "sea"}]},
            "services.0.chart: there is no chart 'sea'",
        ),
        ({"transit": [{}]}, "transit.0: knows no lane"),
        ({"transit": [{"pairs": {"100": "606=91"}}]}, "transit.0.pairs.100: days are at most 90"),
        ({"transit": [{"pairs": {"100": "606=2*"}}]}, "transit.0.pairs.100: days are at most 90"),
        ({"transit": [{"pairs": {"10": "606=2"}}]}, "transit.0.pairs.10: prefixes are not 3 long"),
        (
            {"transit": [{"services": ["sea"], "pairs": {"100": "606=2"}}]},
            "transit.0.services: there is no service",
        ),
        ({"transit": [{"between": {"east": {"west": 2}}}]}, "transit.0.between: there is no region 'east'"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(changes, fault):
    with pytest.raises(BadTerms, match=fault.replace(".", r"\.")):
        parse(carrier="acme", version=1, terms=terms(**changes))


def test_a_contract_whose_services_all_have_charts_needs_none_of_its_own():
    every = [{**one, "chart": "air"} for one in TERMS["services"]]
    held = parse(carrier="acme", version=1, terms={**terms(services=every, charts=AIR), "zones": {}})
    assert held.terms.zones.bands == ()
