"""A carrier's invoice against the contract: each minor unit of a difference has its cause, bad rows stop no other."""

from dataclasses import replace
from datetime import date

import pytest

from orderloom.shipping.audit import Shipped, audited
from orderloom.shipping.invoice import NotAnInvoice, read_invoice
from orderloom.shipping.model import Parcel, Place
from orderloom.terms import Address, Measure
from tests.unit.shipping.terms import TERMS, tariff

DAY = "2026-01-13"
HEAD = (
    "tracking_number,service,ship_date,billed_weight,length,width,height,zone,residential,delivered_on,"
    "charge_freight,charge_residential,charge_fuel,charge_handling\n"
)
ACME = tariff()
SHIPPED = Shipped(
    tracking_number="T1",
    label_id="L1",
    service="ground",
    used=True,
    parcel=Parcel.given(
        length=Measure(10, "in"),
        width=Measure(8, "in"),
        height=Measure(6, "in"),
        weight=Measure(3, "lb"),
    ),
    origin=Place.of(Address(postcode="10001", latitude=40.75, longitude=-73.99)),
    destination=Place.of(Address(postcode="10005", latitude=40.70, longitude=-74.01, residential=False)),
    delivered_on=None,
)


def audit(row, *, shipped=SHIPPED, contract=ACME, seen=None):
    [line] = read_invoice([HEAD, row]).lines
    return audited(line, shipped, contract, set() if seen is None else seen)


def causes(found):
    assert found.expected is None or sum(one.amount for one in found.causes) == (
        found.billed.total - found.expected
    )
    return {one.cause: one.amount for one in found.causes}


# 480 in³ is 4 lb, the card 10.00 less a quarter 7.50, fuel 21.5 % of it 1.61.
RIGHT = f"T1,ground,{DAY},4,10,8,6,2,no,,7.50,,1.61,"


def test_what_is_billed_rightly_has_no_cause():
    found = audit(RIGHT)
    assert (found.expected, causes(found), found.disputed) == (911, {}, 0)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (f"T1,ground,{DAY},7,,,,2,no,,9.00,,1.94,", {"weight": 183}),
        (f"T1,ground,{DAY},,16,10,6,2,no,,9.00,,1.94,", {"dimensions": 183}),
        (f"T1,ground,{DAY},4,10,8,6,3,no,,8.25,,1.77,", {"zone": 91}),
        (f"T1,ground,{DAY},4,10,8,6,2,yes,,7.50,4.50,2.58,", {"residential": 547}),
        (f"T1,ground,{DAY},4,10,8,6,2,no,,7.50,,1.80,", {"fuel": 19}),
        (f"T1,ground,{DAY},4,10,8,6,2,no,,8.00,,1.61,", {"price": 50}),
        (f"T1,ground,{DAY},4,10,8,6,2,no,,7.50,,1.61,29.50", {"unexpected_charge": 2950}),
        (f"T1,express,{DAY},4,10,8,6,2,no,,20.00,,4.30,", {"service": 1519}),
        (f"T1,ground,{DAY},4,10,8,6,2,no,,7.00,,1.51,", {"price": -50, "fuel": -10}),
        (
            f"T1,ground,{DAY},7,10,8,6,3,yes,,10.50,4.50,3.23,",
            {"zone": 91, "weight": 274, "residential": 547},
        ),
    ],
)
def test_each_difference_has_its_cause(row, wanted):
    found = audit(row)
    assert causes(found) == wanted
    assert found.disputed == sum(amount for amount in wanted.values() if amount > 0)


def test_an_unknown_tracking_number_is_disputed_whole():
    found = audit(RIGHT, shipped=None)
    assert (causes(found), found.disputed) == ({"unknown_tracking": 911}, 911)


def test_a_label_never_used_is_disputed_whole():
    found = audit(RIGHT, shipped=replace(SHIPPED, used=False))
    assert (causes(found), found.disputed) == ({"service_not_used": 911}, 911)


def test_what_was_billed_before_is_a_duplicate():
    seen: set = set()
    assert audit(RIGHT, seen=seen).disputed == 0
    found = audit(RIGHT, seen=seen)
    assert (causes(found), found.disputed) == ({"duplicate": 911}, 911)


def test_a_later_charge_alone_is_no_carriage_billed_again():
    seen: set = set()
    audit(RIGHT, seen=seen)
    found = audit(f"T1,ground,{DAY},,,,,,,,,,,29.50", seen=seen)
    assert (causes(found), found.expected) == ({"unexpected_charge": 2950}, 0)


def test_a_broken_guarantee_gives_all_back():
    services = [{**TERMS["services"][0], "guaranteed": True}, TERMS["services"][1]]
    guaranteed = tariff(services=services)
    # Zone 2 is one day: due on the 14th.
    on_time = audit(RIGHT.replace(",no,,", ",no,2026-01-14,"), contract=guaranteed)
    late = audit(RIGHT.replace(",no,,", ",no,2026-01-15,"), contract=guaranteed)
    assert (on_time.refund, late.refund, late.disputed) == (0, 911, 911)
    assert audit(RIGHT.replace(",no,,", ",no,2026-01-15,")).refund == 0


def test_the_carriers_own_words_are_read():
    spoken = tariff(invoice_codes={"FRT": "freight", "FSC": "fuel", "03": "ground"})
    head = "tracking_number,service,ship_date,charge_code,amount\n"
    rows = [f"T1,03,{DAY},FRT,7.50\n", f"T1,03,{DAY},FSC,1.61\n"]
    [line] = read_invoice([head, *rows]).lines
    assert causes(audited(line, SHIPPED, spoken, set())) == {}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",ground,2026-01-13,4,,,,2,,,7.50,,,", "tracking number is missing"),
        ("T1,ground,13.01.2026,4,,,,2,,,7.50,,,", "is no date"),
        ("T1,ground,2026-01-13,x,,,,2,,,7.50,,,", "is no number"),
        ("T1,ground,2026-01-13,4,10,,,2,,,7.50,,,", "some are missing"),
        ("T1,ground,2026-01-13,4,,,,two,,,7.50,,,", "zone"),
        ("T1,ground,2026-01-13,4,,,,2,maybe,,7.50,,,", "neither yes nor no"),
        ("T1,ground,2026-01-13,4,,,,2,,,7.505,,,", "no amount"),
        ("T1,ground,2026-01-13,4,,,,2,,,1e9999999,,,", "no amount"),
        ("T1,ground,2026-01-13,4,,,,2,,,,,,", "nothing is charged"),
        ("T1,ground", "has 2 cells"),
        ('"T1,ground,2026-01-13,4,,,,2,,,7.50,,,', "unexpected end of data"),
        ("T\x001,ground,2026-01-13,4,,,,2,,,7.50,,,", "cannot be printed"),
    ],
)
def test_a_bad_row_is_named_and_stops_no_other(row, reason):
    found = read_invoice([HEAD, row + "\n", RIGHT])
    assert [one.line for one in found.bad] == [2]
    assert reason in found.bad[0].reason
    assert [line.tracking_number for line in found.lines] == ["T1"]


@pytest.mark.parametrize(
    "head",
    ["", "a,b,c\n", "tracking_number,service,ship_date\n", "tracking_number,service,ship_date,charge_code\n"],
)
def test_a_file_without_a_usable_header_is_no_invoice(head):
    with pytest.raises(NotAnInvoice):
        read_invoice([head] if head else [])


def test_days_are_read():
    [line] = read_invoice([HEAD, RIGHT]).lines
    assert line.ship_date == date(2026, 1, 13)
