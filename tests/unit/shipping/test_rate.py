"""A rating is exact to the minor unit, explains itself, and names every reason it refuses."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.shipping.model import Ineligible, Parcel, Place, Rate
from orderloom.shipping.rate import rate, rate_all
from orderloom.terms import Address, Dimensions, Measure
from tests.unit.shipping.terms import tariff

ACME = tariff()
NEW_YORK = Place.of(Address(postcode="10001", latitude=40.75, longitude=-73.99))
CHICAGO = Place.of(Address(postcode="60601-1234", latitude=41.88, longitude=-87.63))
OFFICE = Place.of(Address(postcode="10005", latitude=40.70, longitude=-74.01, residential=False))
HOME = Place.of(Address(postcode="10005", latitude=40.70, longitude=-74.01))
BEFORE_FUEL = date(2026, 1, 4)


def inches(length, width, height, pounds, *, hazmat=False):
    edges = (Measure(length, "in"), Measure(width, "in"), Measure(height, "in"))
    return Parcel.given(
        length=edges[0], width=edges[1], height=edges[2], weight=Measure(pounds, "lb"), hazmat=hazmat
    )


def ask(parcel, *, service="ground", to=OFFICE, at=BEFORE_FUEL, contract=ACME, trace=True):
    return rate(
        contract=contract, service=service, parcel=parcel, origin=NEW_YORK, destination=to, at=at, trace=trace
    )


def lines(answer):
    assert isinstance(answer, Rate), answer
    return {line.rule: line.amount for line in answer.lines}


def test_card_less_discount():
    answer = ask(inches(6, 4, 2, 3))
    assert lines(answer) == {"card": 1000, "discount": -250}
    assert (answer.total, answer.zone, answer.currency) == (750, 2, "USD")


def test_the_minimum_charge_floors_the_discount():
    assert lines(ask(inches(6, 4, 2, 1))) == {"card": 800, "discount": -200, "minimum": 100}


def test_each_further_pound_beyond_the_card():
    # 12.5 lb is 2.5 lb above the last break: three begun pounds.
    assert lines(ask(inches(6, 4, 2, 12.5)))["card"] == 1200 + 3 * 50


def test_a_weight_on_the_break_is_not_over_it():
    assert lines(ask(inches(6, 4, 2, 5)))["card"] == 1000
    assert lines(ask(inches(6, 4, 2, 5.001)))["card"] == 1200


def test_ounces_and_pounds_on_one_card():
    half = Parcel.given(
        length=Measure(5, "in"), width=Measure(5, "in"), height=Measure(1, "in"), weight=Measure(8, "oz")
    )
    assert ask(half, service="express").total == 1500


def test_an_inch_stays_an_inch():
    # 12 in rounded to 305 mm is 12.01 in, which reads as 13 once edges are rounded up.
    as_given = ask(inches(12, 12, 12, 1))
    in_millimetres = ask(Parcel.of(dimensions=Dimensions(305, 305, 305), weight_g=450))
    assert as_given.lines[0].inputs["billable_lb"] == 13  # 1728 / 139 = 12.4
    assert in_millimetres.lines[0].inputs["billable_lb"] == 16  # 2197 / 139 = 15.8


def test_dimensional_weight_only_above_the_minimum_cube():
    assert ask(inches(12, 12, 12, 1), service="express").total == 1600
    # 13.4 reads as 13 when the nearest inch counts: 13 x 12 x 12 = 1872, / 166 = 11.3: beyond the card's 10 lb.
    assert isinstance(ask(inches(13.4, 12, 12, 1), service="express"), Ineligible)
    assert ask(inches(12.4, 12, 12, 1), service="express").total == 1600


@pytest.mark.parametrize(
    ("edges", "surcharge"),
    [
        ((24, 24, 18), None),
        ((24, 24, 18.01), "handling"),
        ((30, 24, 24), "handling"),
        ((31, 24, 24), "oversize"),
    ],
)
def test_cube_thresholds_flip_where_they_stand(edges, surcharge):
    # 24 x 24 x 18 = 10,368; 30 x 24 x 24 = 17,280: on the limit is not over it.
    found = lines(ask(inches(*edges, 20)))
    assert [code for code in ("handling", "oversize") if code in found] == ([surcharge] if surcharge else [])


@pytest.mark.parametrize(
    ("pounds", "surcharge"), [(50, None), (50.1, "handling"), (110, "handling"), (111, "oversize")]
)
def test_weight_thresholds_flip_where_they_stand(pounds, surcharge):
    found = lines(ask(inches(10, 10, 10, pounds)))
    assert [code for code in ("handling", "oversize") if code in found] == ([surcharge] if surcharge else [])


def test_homes_pay_and_fuel_is_charged_on_it():
    answer = ask(inches(6, 4, 2, 3), to=HOME, at=date(2026, 1, 11))
    assert lines(answer) == {"card": 1000, "discount": -250, "residential": 450, "fuel": 240}
    assert ask(inches(6, 4, 2, 3), to=HOME, at=date(2026, 1, 12)).total == 750 + 450 + 258


def test_delivery_areas_by_prefix_and_range():
    def to(postcode, *, residential=True):
        return Place("US", postcode, residential=residential, position=NEW_YORK.position)

    assert "extended" in lines(ask(inches(6, 4, 2, 3), to=to("59001")))
    assert "extended" in lines(ask(inches(6, 4, 2, 3), to=to("83128")))
    assert "extended" not in lines(ask(inches(6, 4, 2, 3), to=to("83129")))
    assert "remote" in lines(ask(inches(6, 4, 2, 3), to=to("99950")))
    assert "remote" not in lines(ask(inches(6, 4, 2, 3), to=to("99950", residential=False)))


def test_peak_between_its_days():
    assert "peak" in lines(ask(inches(6, 4, 2, 3), to=HOME, at=date(2026, 11, 1)))
    assert "peak" in lines(ask(inches(6, 4, 2, 3), to=HOME, at=date(2027, 1, 17)))
    assert "peak" not in lines(ask(inches(6, 4, 2, 3), to=HOME, at=date(2027, 1, 18)))


def test_zones_by_list_pair_distance_and_country():
    parcel = inches(6, 4, 2, 3)
    assert ask(parcel, to=CHICAGO).zone == 3  # the pair 100 → 606, though 713 miles are zone 4
    assert ask(parcel, to=Place("US", "00901")).zone == 9
    near_chicago = Place("US", "53201", position=CHICAGO.position)
    assert ask(parcel, to=near_chicago).zone == 4
    assert ask(parcel, service="express", to=Place("CA", "M5V1A1")).zone == 4


def test_an_unknown_lane_is_refused_not_guessed():
    answer = ask(inches(6, 4, 2, 3), to=Place("US", "53201"))
    assert isinstance(answer, Ineligible)
    assert "no zone" in answer.reasons[0]


def test_every_reason_is_named():
    answer = ask(
        inches(120, 10, 10, 71, hazmat=True), service="express", to=Place("MX", "01000", po_box=True)
    )
    assert isinstance(answer, Ineligible)
    assert len(answer.reasons) == 5  # country, weight, hazmat, post-office box, zone


@pytest.mark.parametrize("line", ["PO Box 12", "P.O. Box 9", "Post Office Box 1", "Caixa Postal 77"])
def test_a_post_office_box_is_seen(line):
    assert Place.of(Address(line1=line)).po_box


def test_a_box_store_is_no_post_office_box():
    assert not Place.of(Address(line1="12 Boxwood Rd")).po_box


def test_an_unknown_service_is_refused():
    assert isinstance(ask(inches(1, 1, 1, 1), service="sled"), Ineligible)


def test_all_services_are_answered():
    answers = rate_all(
        contracts=[ACME], parcel=inches(6, 4, 2, 80), origin=NEW_YORK, destination=OFFICE, at=BEFORE_FUEL
    )
    assert [type(answer) for answer in answers] == [Rate, Ineligible]


PARCELS = st.builds(
    inches,
    st.floats(0.5, 60),
    st.floats(0.5, 40),
    st.floats(0.5, 40),
    st.floats(0.01, 160),
)


@given(parcel=PARCELS, home=st.booleans(), day=st.dates(date(2026, 1, 1), date(2027, 2, 1)))
def test_the_lines_sum_to_the_total_and_the_trace_changes_nothing(parcel, home, day):
    for service in ("ground", "express"):
        told = ask(parcel, service=service, to=HOME if home else OFFICE, at=day)
        untold = ask(parcel, service=service, to=HOME if home else OFFICE, at=day, trace=False)
        if isinstance(told, Rate):
            assert isinstance(untold, Rate)
            assert sum(line.amount for line in told.lines) == told.total == untold.total
            assert told.total > 0
        else:
            assert told == untold


@given(parcel=PARCELS, more=st.floats(0, 50))
def test_a_heavier_parcel_never_costs_less(parcel, more):
    heavier = Parcel(parcel.edges, parcel.weight + round(more * 453_592_370_000))
    light, heavy = ask(parcel), ask(heavier)
    if isinstance(light, Rate) and isinstance(heavy, Rate):
        assert light.total <= heavy.total
