"""Each element of a contract does what it says, and flips exactly where it says so."""

from datetime import date

import pytest

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Asked, Ineligible, Parcel, Place, Rate
from orderloom.shipping.rate import rate
from orderloom.shipping.select import arrival
from orderloom.shipping.tariff import compile_contract
from orderloom.terms import Measure
from tests.unit.shipping.terms import TERMS, tariff

ORIGIN, OFFICE, HOME = Place("US", "10001"), Place("US", "60601", residential=False), Place("US", "60601")
DAY = date(2026, 1, 4)
SERVICE = {"code": "ground", "name": "Ground", "transit_days": {"3": 2}}
CARD = {
    "service": "ground",
    "breaks": list(range(1, 151)),
    "amounts": {"3": [100 * n for n in range(1, 151)]},
}


def contract(*, spend=0, service=None, **terms):
    """One service at a dollar a pound."""
    whole = {
        "currency": "USD",
        "services": [{**SERVICE, **(service or {})}],
        "zones": {"pairs": {"100": {"606": 3}}},
        "rates": [CARD],
        **terms,
    }
    return compile_contract(parse(carrier="acme", version=1, terms=whole), spend=spend)


def inches(a, b, c, pounds, **more):
    return Parcel.given(
        length=Measure(a, "in"),
        width=Measure(b, "in"),
        height=Measure(c, "in"),
        weight=Measure(pounds, "lb"),
        **more,
    )


def ask(held, parcel=None, *, to=OFFICE, at=DAY):
    return rate(
        contract=held,
        service="ground",
        parcel=parcel or inches(1, 1, 1, 10),
        origin=ORIGIN,
        destination=to,
        at=at,
    )


def lines(answer):
    assert isinstance(answer, Rate), answer
    assert sum(line.amount for line in answer.lines) == answer.total
    return {line.rule: line.amount for line in answer.lines}


def billable(answer):
    return answer.lines[0].inputs["billable_lb"]


# --- weights --------------------------------------------------------------------------------------------------


def test_edges_are_rounded_up_from_a_day_on():
    held = contract(
        dim=[
            {"divisor": 139, "edges": "nearest", "ends": "2025-08-17"},
            {"divisor": 139, "edges": "up", "starts": "2025-08-18"},
        ]
    )
    parcel = inches(12.4, 12.4, 12.4, 1)
    assert billable(ask(held, parcel, at=date(2025, 8, 17))) == 13  # 12³ / 139 = 12.4
    assert billable(ask(held, parcel, at=date(2025, 8, 18))) == 16  # 13³ / 139 = 15.8
    assert billable(ask(held, inches(12, 12, 12, 1), at=date(2025, 8, 18))) == 13


def test_the_divisor_decides():
    parcel = inches(20, 20, 20, 1)
    assert billable(ask(contract(dim=[{"divisor": 139}]), parcel)) == 58
    assert billable(ask(contract(dim=[{"divisor": 166}]), parcel)) == 49


def test_a_divisor_of_ones_own_lapses_above_a_cube():
    held = contract(dim=[{"divisor": 194, "maximum_cube": 1728}, {"divisor": 139}])
    assert billable(ask(held, inches(12, 12, 12, 1))) == 9
    assert billable(ask(held, inches(13, 12, 12, 1))) == 14


def test_dimensional_weight_begins_above_the_minimum_cube():
    held = contract(dim=[{"divisor": 166, "minimum_cube": 1728}])
    assert billable(ask(held, inches(12, 12, 12, 1))) == 1
    assert billable(ask(held, inches(13, 12, 12, 1))) == 12


def test_weights_are_rounded_up_to_steps():
    held = contract(weighing=[{"step": 5, "over": 20}])
    assert billable(ask(held, inches(1, 1, 1, 20))) == 20
    assert billable(ask(held, inches(1, 1, 1, 20.1))) == 25


# --- what is off ----------------------------------------------------------------------------------------------


def test_a_discount_by_weight_with_a_floor():
    held = contract(
        discounts=[
            {"permille": 500, "up_to": 5, "floor": 150},
            {"permille": 202.5, "over": 5},
        ]
    )
    assert lines(ask(held, inches(1, 1, 1, 2))) == {"card": 200, "discount": -100, "floor": 50}
    assert lines(ask(held, inches(1, 1, 1, 5))) == {"card": 500, "discount": -250}
    assert lines(ask(held, inches(1, 1, 1, 6))) == {"card": 600, "discount": -122}


def test_a_tier_is_earned_by_what_was_spent():
    earned = [{"tiers": [{"spend": 1_000, "permille": 20}, {"spend": 5_000, "permille": 45}]}]
    assert lines(ask(contract(earned=earned, spend=999))) == {"card": 1000}
    assert lines(ask(contract(earned=earned, spend=1_000)))["earned"] == -20
    assert lines(ask(contract(earned=earned, spend=9_999)))["earned"] == -45


def test_a_minimum_is_a_listed_price_less_a_reduction():
    held = contract(
        minimum_charges={"*": {"zone": 3, "weight": 4, "less": 150}}, discounts=[{"permille": 900}]
    )
    assert lines(ask(held)) == {"card": 1000, "discount": -900, "minimum": 150}


@pytest.mark.parametrize(("how", "off"), [("half_up", -63), ("half_even", -62), ("up", -63), ("down", -62)])
def test_each_step_rounds_as_the_contract_says(how, off):
    card = {**CARD, "amounts": {"3": [250] * 150}}
    held = contract(rates=[card], discounts=[{"permille": 250}], rounding={"discount": how})
    assert lines(ask(held))["discount"] == off


# --- what is added --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "on", "over"),
    [
        ({"cube_over": 8_640}, (24, 24, 15, 1), (24, 24, 15.1, 1)),
        ({"cube_over": 10_368}, (24, 24, 18, 1), (24, 24, 18.1, 1)),
        ({"cube_over": 17_280}, (30, 24, 24, 1), (30.5, 24, 24, 1)),
        ({"weight_over": 50}, (1, 1, 1, 50), (1, 1, 1, 51)),
        ({"weight_over": 110}, (1, 1, 1, 110), (1, 1, 1, 111)),
        ({"longest_over": 48}, (48, 1, 1, 1), (48.1, 1, 1, 1)),
        ({"second_over": 30}, (40, 30, 1, 1), (40, 31, 1, 1)),
        ({"length_plus_girth_over": 130}, (50, 20, 20, 1), (50, 20, 21, 1)),
    ],
)
def test_a_limit_is_exceeded_above_it(limit, on, over):
    rule = {"kind": "additional_handling", "code": "handling", "amount": 2_950, **limit}
    held = contract(surcharges=[rule], dim=[{"divisor": 10_000, "edges": "up"}])
    assert "handling" not in lines(ask(held, inches(*on)))
    assert lines(ask(held, inches(*over)))["handling"] == 2_950


def test_a_rule_is_in_force_between_its_days():
    rule = {"kind": "fee", "code": "new", "amount": 5, "starts": "2026-01-12", "ends": "2026-01-26"}
    held = contract(surcharges=[rule])
    found = {day: "new" in lines(ask(held, at=date(2026, 1, day))) for day in (11, 12, 26, 27)}
    assert found == {11: False, 12: True, 26: True, 27: False}


def test_of_a_group_only_the_dearest_counts_whatever_its_kind():
    held = contract(
        surcharges=[
            {"kind": "residential", "amount": 400, "group": "place"},
            {"kind": "delivery_area", "amount": 300, "postcodes": ["606"], "group": "place"},
            {
                "kind": "delivery_area",
                "code": "extended",
                "amount": 700,
                "postcodes": ["60601"],
                "group": "place",
            },
        ]
    )
    assert lines(ask(held, to=HOME)) == {"card": 1000, "extended": 700}


def test_caps_hold_before_fuel():
    held = contract(
        surcharges=[
            {"kind": "residential", "amount": 400, "fuelled": True},
            {"kind": "delivery_area", "amount": 300, "postcodes": ["606"], "fuelled": True},
            {"kind": "fuel", "steps": [{"starts": "2026-01-01", "permille": 100}]},
        ],
        caps=[{"codes": ["residential", "delivery_area"], "at_most": 500, "fuelled": True}],
    )
    found = lines(ask(held, to=HOME))
    assert (found["cap"], found["fuel"]) == (-200, 150)
    assert "cap" not in lines(ask(held, to=OFFICE))


def test_fuel_is_charged_on_what_it_names():
    fuel = {"kind": "fuel", "steps": [{"starts": "2026-01-01", "permille": 100}]}
    fee = {"kind": "fee", "code": "pick", "amount": 500}
    assert lines(ask(contract(surcharges=[fee, fuel])))["fuel"] == 100
    assert lines(ask(contract(surcharges=[fee, {**fuel, "on": ["pick"]}])))["fuel"] == 150
    assert lines(ask(contract(surcharges=[fee, {**fuel, "on": ["pick"], "charge": False}])))["fuel"] == 50


def test_a_percentage_within_limits():
    fee = {"kind": "fee", "code": "green", "permille": 12.5, "at_least": 10, "at_most": 15}
    held = contract(surcharges=[fee])
    found = [lines(ask(held, inches(1, 1, 1, pounds)))["green"] for pounds in (1, 10, 100)]
    assert found == [10, 13, 15]


def test_peak_goes_along_with_what_is_large():
    held = contract(
        surcharges=[
            {"kind": "oversize", "code": "oversize", "amount": 25_500, "weight_over": 110},
            {
                "kind": "peak",
                "code": "peak_large",
                "amount": 750,
                "starts": "2026-01-01",
                "ends": "2026-01-17",
                "along": ["oversize"],
            },
        ]
    )
    assert "peak_large" not in lines(ask(held, inches(1, 1, 1, 110)))
    assert lines(ask(held, inches(1, 1, 1, 111)))["peak_large"] == 750


def test_handling_costs_by_zone():
    rule = {
        "kind": "additional_handling",
        "code": "h",
        "amount": 2_950,
        "weight_over": 50,
        "by_zone": {"3": 3_100},
    }
    assert lines(ask(contract(surcharges=[rule]), inches(1, 1, 1, 51)))["h"] == 3_100


def test_declared_value_signature_and_saturday_are_asked_for():
    held = contract(
        surcharges=[
            {"kind": "declared_value", "amount": 125, "per": 10_000, "included": 10_000, "at_least": 300},
            {"kind": "signature", "type": "adult", "amount": 800},
            {"kind": "saturday", "amount": 1_600},
        ]
    )
    assert lines(ask(held)) == {"card": 1000}

    def asked(**wanted):
        found = lines(ask(held, inches(1, 1, 1, 10, asked=Asked(**wanted))))
        return {rule: amount for rule, amount in found.items() if rule != "card"}

    assert asked(value=10_000) == {}
    assert asked(value=10_001) == {"declared_value": 300}
    assert asked(value=40_001) == {"declared_value": 500}
    assert asked(signature="direct") == {}
    assert asked(signature="adult", saturday=True) == {"signature": 800, "saturday": 1_600}


# --- gates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "parcel", "reason"),
    [
        ({"only": ["10", "605-606"]}, None, None),
        ({"only": ["10"]}, None, "does not deliver to this postcode"),
        ({"never": ["60601"]}, None, "does not deliver to this postcode"),
        ({"max_cube": 100}, inches(10, 10, 1, 1), None),
        ({"max_cube": 100}, inches(10, 10, 2, 1), "its volume is over 1 dm³"),
        ({"max_value": 500}, inches(1, 1, 1, 1, asked=Asked(value=500)), None),
        (
            {"max_value": 500},
            inches(1, 1, 1, 1, asked=Asked(value=501)),
            "is declared to be worth 501, at most 500 is carried",
        ),
    ],
)
def test_gates(service, parcel, reason):
    answer = ask(contract(service=service), parcel)
    if reason is None:
        assert isinstance(answer, Rate)
    else:
        assert isinstance(answer, Ineligible)
        assert answer.reasons == (reason,)


# --- zones and days -------------------------------------------------------------------------------------------


def test_a_chart_in_short_with_exceptions():
    held = contract(
        zones={
            "pairs": {"100": "005=2 600-605=4 606=3* 607-610=5"},
            "exceptions": {"100": {"60611": 6}, "10001": {"60612": 7}},
        }
    )

    def found(postcode):
        one = held.legs.leg("ground", ORIGIN, Place("US", postcode)).found
        return one.zone, one.by, one.default

    assert found("00501") == (2, "pair", False)
    assert found("60601") == (3, "pair", True)
    assert found("60611") == (6, "exception", False)
    assert found("60612") == (7, "exception", False)
    assert found("61099") == (5, "pair", False)
    assert found("61100") == (None, "nothing", False)
    assert ask(held).lines[0].inputs["zone_is_default"] is True


def test_a_carrier_that_picks_up_on_some_days():
    held = contract(service={"picks_up": [2, 4]})
    # Handed over on Wednesday the 7th, picked up on Thursday, two working days later it is Monday.
    assert arrival(contract=held, service="ground", zone=3, ship_on=date(2026, 1, 7)) == date(2026, 1, 12)


def test_the_same_day_rates_the_same_whatever_was_asked_before():
    days = [date(2026, 1, 5), date(2026, 1, 11), date(2026, 1, 12), date(2026, 11, 1)]
    parcel = inches(6, 4, 2, 3)
    held = tariff()

    def total(on, contract_):
        return rate(
            contract=contract_, service="ground", parcel=parcel, origin=ORIGIN, destination=HOME, at=on
        ).total

    first = [total(day, held) for day in days]
    assert [total(day, held) for day in reversed(days)] == first[::-1]
    assert [total(day, tariff()) for day in days] == first
    assert len(TERMS["surcharges"]) == 7


def test_a_line_for_a_list_tells_the_postcode_that_is_asked_for():
    held = contract(surcharges=[{"kind": "delivery_area", "amount": 300, "postcodes": ["606"]}])
    for postcode in ("60601", "60699", "60601"):
        [_, line] = ask(held, to=Place("US", postcode)).lines
        assert line.inputs == {"postcode": postcode}
