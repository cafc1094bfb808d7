"""Published retail prices, built into a contract, are rated back exactly, all of them."""

import csv
import gzip
from collections import defaultdict
from datetime import date

import pytest

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Parcel, Place, Rate, nanograms
from orderloom.shipping.rate import rate
from orderloom.shipping.tariff import compile_contract
from orderloom.terms import Measure

DAY = date(2026, 1, 5)


def weight_of(text):
    value, unit = text.replace("15_999", "15.999").split("_") if "_" in text else (text, "lb")
    return Measure(float(value), unit)


@pytest.fixture(scope="module")
def prices(real_data):
    with (real_data("rates") / "usps_retail_2025-10-05.csv").open() as lines:
        return [
            (weight_of(row["weight_not_over"]), int(row["zone"]), round(float(row["usd"]) * 100))
            for row in csv.DictReader(lines)
        ]


@pytest.fixture(scope="module")
def pairs(real_data):
    pairs = defaultdict(dict)
    with gzip.open(real_data("rates") / "usps_zip3_zones_2019.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            pairs[row["origin_zip"]][row["dest_zip"]] = int(row["zone"])
    return dict(pairs)


@pytest.fixture(scope="module")
def ground_advantage(prices, pairs):
    by_zone = defaultdict(dict)
    for weight, zone, cents in prices:
        by_zone[zone][nanograms(weight.value, weight.unit), weight.value, weight.unit] = cents
    breaks = sorted(by_zone[1])
    terms = {
        "currency": "USD",
        "services": [
            {
                "code": "ground_advantage",
                "name": "Ground Advantage",
                "transit_days": dict.fromkeys(range(1, 10), 3),
                "max_weight": 70,
                "max_length_plus_girth": 130,
                "po_box": True,
            }
        ],
        "zones": {"pairs": pairs},
        "rates": [
            {
                "service": "ground_advantage",
                "breaks": [{"value": value, "unit": unit} for _, value, unit in breaks],
                "amounts": {zone: [amounts[at] for at in breaks] for zone, amounts in by_zone.items()},
            }
        ],
        "dim": [{"divisor": 166, "edges": "nearest", "minimum_cube": 1728}],
        "operates": [1, 2, 3, 4, 5, 6],
    }
    return compile_contract(parse(carrier="usps", version=1, terms=terms))


def lane_of_zone(pairs, zone):
    return next(
        (Place("US", origin), Place("US", destination))
        for origin, row in pairs.items()
        for destination, found in row.items()
        if found == zone
    )


def cents(contract, lane, weight):
    edge = Measure(6, "in")
    parcel = Parcel.given(length=edge, width=edge, height=edge, weight=weight)
    answer = rate(
        contract=contract,
        service="ground_advantage",
        parcel=parcel,
        origin=lane[0],
        destination=lane[1],
        at=DAY,
    )
    assert isinstance(answer, Rate), answer
    return answer.total


def test_every_published_price(ground_advantage, prices, pairs):
    lanes = {zone: lane_of_zone(pairs, zone) for zone in range(1, 10)}
    assert len(prices) == 666
    wrong = [
        (weight, zone, published)
        for weight, zone, published in prices
        if cents(ground_advantage, lanes[zone], weight) != published
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("weight", "zone", "published"),
    [
        (Measure(4, "oz"), 1, 720),
        (Measure(4.01, "oz"), 1, None),
        (Measure(1, "lb"), 5, 1065),
        (Measure(10, "lb"), 5, 2095),
        (Measure(20, "lb"), 8, 6265),
        (Measure(70, "lb"), 9, 17780),
    ],
)
def test_anchors(ground_advantage, pairs, weight, zone, published):
    found = cents(ground_advantage, lane_of_zone(pairs, zone), weight)
    assert found == published if published else found > 720


def test_every_pair_gets_its_published_zone(ground_advantage, pairs):
    zone = ground_advantage.zoning.zone
    assert all(
        zone(Place("US", origin + "01"), Place("US", destination + "01")) == published
        for origin, row in pairs.items()
        for destination, published in row.items()
    )
