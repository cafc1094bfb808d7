"""The Postal Service's published prices and zones, made a contract, are rated back exactly, all of them."""

import csv
import gzip
from datetime import date

import pytest

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Parcel, Place, Rate
from orderloom.shipping.rate import rate
from orderloom.shipping.tariff import compile_contract
from orderloom.shipping.usps import read_folder
from orderloom.terms import Measure

DAY = date(2026, 1, 5)
SERVICE = "ground_advantage_retail"


@pytest.fixture(scope="module")
def tables(real_data):
    return read_folder(real_data("rates"))


@pytest.fixture(scope="module")
def prices(real_data):
    """Read apart from the importer."""

    def weight(text):
        value, _, unit = text.replace("15_999", "15.999").partition("_")
        return Measure(float(value), unit or "lb")

    with (real_data("rates") / "usps_retail_2025-10-05.csv").open() as lines:
        return [
            (weight(row["weight_not_over"]), int(row["zone"]), round(float(row["usd"]) * 100))
            for row in csv.DictReader(lines)
        ]


@pytest.fixture(scope="module")
def pairs(real_data):
    with gzip.open(real_data("rates") / "usps_zip3_zones_2019.csv.gz", "rt") as lines:
        return {
            (row["origin_zip"], row["dest_zip"]): (
                int(row["zone"]),
                row["has_five_digit_exceptions"] == "1",
            )
            for row in csv.DictReader(lines)
        }


@pytest.fixture(scope="module")
def postal(tables):
    return compile_contract(parse(carrier="usps", version=1, terms=tables.terms))


def lane_of_zone(pairs, zone):
    return next(
        (Place("US", a + "01"), Place("US", b + "01"))
        for (a, b), (found, _) in pairs.items()
        if found == zone
    )


def answer(contract, lane, weight, *, inches=6):
    edge = Measure(inches, "in")
    parcel = Parcel.given(length=edge, width=edge, height=edge, weight=weight)
    found = [
        rate(
            contract=contract,
            service=SERVICE,
            parcel=parcel,
            origin=lane[0],
            destination=lane[1],
            at=DAY,
            trace=trace,
        )
        for trace in (True, False)
    ]
    if isinstance(found[0], Rate):
        assert found[0].total == found[1].total == sum(line.amount for line in found[0].lines)
    return found[0]


def test_all_rows_are_read(tables):
    assert (tables.prices, tables.pairs, tables.defaults, tables.bad) == (666, 115_536, 3_773, ())


def test_every_published_price(postal, prices, pairs):
    lanes = {zone: lane_of_zone(pairs, zone) for zone in range(1, 10)}
    assert len(prices) == 666
    wrong = [
        (weight, zone, published)
        for weight, zone, published in prices
        if answer(postal, lanes[zone], weight).total != published
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("weight", "zone", "published"),
    [
        (Measure(4, "oz"), 1, 720),
        (Measure(1, "lb"), 5, 1065),
        (Measure(15.999, "oz"), 5, 1065),
        (Measure(16, "oz"), 5, 1065),
        (Measure(10, "lb"), 5, 2095),
        (Measure(20, "lb"), 8, 6265),
        (Measure(70, "lb"), 9, 17780),
    ],
)
def test_anchors(postal, pairs, weight, zone, published):
    assert answer(postal, lane_of_zone(pairs, zone), weight).total == published


@pytest.mark.parametrize(("under", "over"), [((4, "oz"), (4.01, "oz")), ((1, "lb"), (1.001, "lb"))])
def test_a_weight_over_a_break_costs_the_next(postal, pairs, under, over):
    lane = lane_of_zone(pairs, 1)
    assert answer(postal, lane, Measure(*over)).total > answer(postal, lane, Measure(*under)).total


def test_nothing_over_seventy_pounds(postal, pairs):
    assert not isinstance(answer(postal, lane_of_zone(pairs, 1), Measure(70.1, "lb")), Rate)


def test_every_pair_gets_its_published_zone(postal, pairs):
    legs = postal.legs.between
    assert len(pairs) == 115_536
    for (a, b), published in pairs.items():
        found = legs(Place("US", a + "01"), Place("US", b + "01"))[0].found
        assert (found.zone, found.default) == published


def test_a_pair_that_is_not_there_is_unknown(postal, pairs):
    absent = next(b for a in ("100",) for b in (f"{n:03}" for n in range(1000)) if (a, b) not in pairs)
    found = answer(postal, (Place("US", "10001"), Place("US", absent + "01")), Measure(1, "lb"))
    assert found.reasons == ("no zone: the contract knows neither these postcodes nor this distance",)


def test_a_default_zone_is_told_as_one(postal, pairs):
    a, b = next(pair for pair, (_, default) in pairs.items() if default)
    inputs = answer(postal, (Place("US", a + "01"), Place("US", b + "01")), Measure(1, "lb")).lines[0].inputs
    assert inputs["zone_is_default"] is True


def test_dimensional_weight_only_above_a_cubic_foot(postal, pairs):
    lane = lane_of_zone(pairs, 4)
    assert answer(postal, lane, Measure(1, "lb"), inches=12).lines[0].inputs["billable_lb"] == 1
    assert answer(postal, lane, Measure(1, "lb"), inches=13).lines[0].inputs["billable_lb"] == 14


def test_a_weight_that_a_zone_lacks_is_charged_as_the_next_and_a_zone_that_ends_early_is_told(tmp_path):
    rows = ["4_oz,1,5", "4_oz,2,6", "4_oz,3,7", "1,1,7", "2,1,9", "2,2,9.5", "1,3,8"]
    head = "service,weight_not_over,zone,usd\n"
    (tmp_path / "usps_retail_x.csv").write_text(head + "".join(f"ground,{row}\n" for row in rows))
    (tmp_path / "usps_zip3_zones_x.csv").write_text("origin_zip,dest_zip,zone\n100,100,1\n")
    read = read_folder(tmp_path)
    (card,) = read.terms["rates"]
    assert card["amounts"] == {"1": [500, 700, 900], "2": [600, 950, 950]}
    assert [(row.line, "zone 3" in row.reason) for row in read.bad] == [(4, True), (8, True)]
