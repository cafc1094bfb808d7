"""The cheapest service that keeps the promise is chosen; when none does, the soonest, flagged late."""

from datetime import UTC, date, datetime

from orderloom.shipping.model import Ineligible, Parcel, Place, Quote
from orderloom.shipping.select import arrival, quote, quote_all, select
from orderloom.terms import Address, Dimensions
from tests.unit.shipping.terms import tariff

ACME = tariff()
HERE = Place.of(Address(postcode="10001", latitude=40.75, longitude=-73.99))
FAR = Place.of(Address(postcode="90001", latitude=33.97, longitude=-118.25))
SMALL = Parcel.of(dimensions=Dimensions(200, 150, 50), weight_g=400)
MONDAY = date(2026, 1, 5)


def offers(ship_on=MONDAY, parcels=(SMALL,)):
    return quote_all(contracts=[ACME], parcels=parcels, origin=HERE, destination=FAR, ship_on=ship_on)


def test_the_cheapest_that_keeps_the_promise():
    answer = select(quotes=offers(), promise_at=datetime(2026, 1, 8, 22, tzinfo=UTC))
    assert answer.chosen.service == "ground"
    assert answer.runner_up.service == "express"
    assert not answer.late
    assert "more" in answer.rejected[0].reasons[0]


def test_a_tight_promise_needs_the_faster_one():
    answer = select(quotes=offers(), promise_at=datetime(2026, 1, 7, tzinfo=UTC))
    assert answer.chosen.service == "express"
    assert answer.rejected == (
        Ineligible("acme", "ground", ("arrives 2026-01-08, promised for 2026-01-07",)),
    )


def test_when_none_keeps_it_the_soonest_comes_late():
    answer = select(quotes=offers(), promise_at=date(2026, 1, 5))
    assert answer.chosen.service == "express"
    assert answer.late


def test_without_a_promise_the_cheapest():
    assert select(quotes=offers(), promise_at=None).chosen.service == "ground"


def test_nothing_carries_it():
    huge = Parcel.of(dimensions=Dimensions(4000, 1000, 1000), weight_g=900_000)
    answer = select(quotes=offers(parcels=(huge,)), promise_at=None)
    assert answer.chosen is None
    assert {one.service for one in answer.rejected} == {"ground", "express"}


def test_two_currencies_are_not_compared():
    one = Quote("a", "x", "ground", 100, "USD", 2, MONDAY, ())
    other = Quote("b", "y", "ground", 50, "BRL", 2, MONDAY, ())
    answer = select(quotes=[one, other], promise_at=None)
    assert answer.chosen is one
    assert "BRL" in answer.rejected[0].reasons[0]


def test_several_parcels_cost_their_sum():
    single, double = offers()[0], offers(parcels=(SMALL, SMALL))[0]
    assert double.cost == 2 * single.cost


def test_weekends_and_holidays_are_not_worked():
    def days(service, zone, ship_on):
        return arrival(contract=ACME, service=service, zone=zone, ship_on=ship_on)

    assert days("ground", 4, date(2026, 1, 8)) == date(2026, 1, 13)  # Thursday + 3 working days
    assert days("ground", 2, date(2026, 1, 10)) == date(
        2026, 1, 13
    )  # handed over on Saturday, starts on Monday
    assert days("express", 2, date(2025, 12, 31)) == date(2026, 1, 2)  # New Year's Day
    assert days("express", 9, MONDAY) is None


def test_a_service_without_days_for_the_zone_is_refused():
    answer = quote(
        contract=ACME, service="sled", parcels=[SMALL], origin=HERE, destination=FAR, ship_on=MONDAY
    )
    assert isinstance(answer, Ineligible)


def test_a_selection_is_told_as_json():
    told = select(quotes=offers(), promise_at=None).json()
    assert told["chosen"]["parcels"][0]["lines"][0]["rule"] == "card"
    assert told["late"] is False
