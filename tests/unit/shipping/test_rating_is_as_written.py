"""Whatever a contract says and whatever is asked of it: the total is the plain reading's, with and without a trace."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Asked, Ineligible, Parcel, Place, Rate
from orderloom.shipping.rate import least, rate, rate_all, rate_many
from orderloom.shipping.tariff import compile_contract
from tests.unit.shipping import oracle

BEGUN = date(2025, 8, 1)
DAYS = st.integers(0, 400).map(lambda n: BEGUN + timedelta(days=n))
CODES = ("ground", "express")
SOME = st.sampled_from([(), ("ground",), ("express",), CODES])
PERMILLE = st.one_of(st.integers(0, 600), st.sampled_from([202.5, 187.25, 0.25]))
POSTCODES = ("10001", "59001", "82500", "99501")


def _dated(draw):
    if draw(st.booleans()):
        return {}
    starts = draw(DAYS)
    return {
        "starts": starts.isoformat(),
        "ends": (starts + timedelta(days=draw(st.integers(0, 200)))).isoformat(),
    }


AMOUNTS = st.integers(0, 5_000)


def _handling(draw, kind, code):
    limits = {
        "cube_over": draw(st.sampled_from([1728, 8640, 10_368, 17_280])),
        "weight_over": draw(st.sampled_from([5, 50, 110])),
        "longest_over": draw(st.sampled_from([12, 48])),
        "second_over": draw(st.sampled_from([10, 30])),
        "length_plus_girth_over": draw(st.sampled_from([60, 105, 130])),
    }
    kept = {name: limit for name, limit in limits.items() if draw(st.booleans())} or {"cube_over": 1728}
    by_zone = {"by_zone": {"3": draw(AMOUNTS)}} if draw(st.booleans()) else {}
    return {"kind": kind, "code": code, "amount": draw(AMOUNTS), **kept, **by_zone}


def _surcharges(draw):
    made = [
        {"kind": "residential", "amount": draw(AMOUNTS)},
        {
            "kind": "delivery_area",
            "code": "extended",
            "amount": draw(AMOUNTS),
            "postcodes": ["59", "820-831"],
        },
        {"kind": "delivery_area", "code": "remote", "amount": draw(AMOUNTS), "postcodes": ["59", "995-999"]},
        {
            "kind": "delivery_area",
            "code": "far",
            "amount": draw(AMOUNTS),
            "postcodes": ["995"],
            "residential_only": True,
        },
        _handling(draw, "additional_handling", "handling"),
        _handling(draw, "oversize", "oversize"),
        {"kind": "fee", "code": "audit", "amount": draw(st.integers(1, 300))},
        {
            "kind": "fee",
            "code": "green",
            "permille": draw(PERMILLE),
            "at_least": draw(st.integers(0, 50)),
            "at_most": draw(st.integers(50, 400)),
        },
        {"kind": "declared_value", "amount": draw(AMOUNTS), "included": 10_000, "at_least": draw(AMOUNTS)},
        {"kind": "signature", "type": "adult", "amount": draw(AMOUNTS)},
        {"kind": "peak", "amount": draw(AMOUNTS), "starts": "2025-10-01", "ends": "2026-01-17"},
        {
            "kind": "peak",
            "code": "peak_large",
            "amount": draw(AMOUNTS),
            "starts": "2025-11-01",
            "ends": "2026-01-17",
            "along": ["oversize"],
        },
    ]
    surcharges = []
    for one in made:
        if draw(st.booleans()):
            extra = {} if one["kind"] == "peak" else {**_dated(draw), "fuelled": draw(st.booleans())}
            surcharges.append({**one, **extra, "services": draw(SOME)})
    codes = {one.get("code", one["kind"]) for one in surcharges}
    surcharges = [one for one in surcharges if not set(one.get("along", ())) - codes]
    if draw(st.booleans()):
        steps = [
            {"starts": "2025-08-04", "permille": draw(PERMILLE)},
            {"starts": "2026-01-05", "permille": draw(PERMILLE)},
        ]
        surcharges.append({"kind": "fuel", "steps": steps, "services": draw(SOME)})
    return surcharges


@st.composite
def contracts(draw):
    """Terms with some of everything."""
    breaks = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=5)))

    def card(code):
        prices = {str(z): [draw(st.integers(100, 9_000)) for _ in breaks] for z in (2, 3)}
        above = (
            {"above": {"amounts": {"2": draw(AMOUNTS), "3": draw(AMOUNTS)}}} if draw(st.booleans()) else {}
        )
        return {"service": code, "breaks": breaks, "amounts": prices, **above}

    surcharges = _surcharges(draw)
    codes = {one.get("code", one["kind"]) for one in surcharges}
    return {
        "currency": "USD",
        "services": [
            {
                "code": c,
                "name": c,
                "transit_days": {"2": 1, "3": 2},
                "chart": draw(st.sampled_from([None, "own"])),
            }
            for c in CODES
        ],
        "charts": {
            "own": {"bands": [{"zone": 2}], "pairs": {"100": {"100": 3, "590": 2, "825": 2, "995": 3}}}
        },
        "zones": {"pairs": {"100": {"100": 2, "590": 3, "825": 3, "995": 2}}},
        "rates": [card(code) for code in CODES],
        "dim": [
            {
                "divisor": draw(st.sampled_from([139, 166, 194])),
                "edges": draw(st.sampled_from(["up", "nearest", "exact"])),
                "minimum_cube": draw(st.sampled_from([0, 1728])),
                **({"maximum_cube": 1728 * 3} if draw(st.booleans()) else {}),
                "services": draw(SOME),
                **_dated(draw),
            }
            for _ in range(draw(st.integers(0, 3)))
        ],
        "discounts": [
            {"permille": draw(PERMILLE), "services": draw(SOME), "floor": draw(st.sampled_from([0, 700]))}
            for _ in range(draw(st.integers(0, 2)))
        ],
        "earned": [{"tiers": [{"spend": 0, "permille": 5}, {"spend": 10_000, "permille": draw(PERMILLE)}]}]
        if draw(st.booleans())
        else [],
        "minimum_charges": {"*": draw(AMOUNTS)},
        "surcharges": surcharges,
        "caps": [{"codes": ["handling", "extended"], "at_most": draw(AMOUNTS)}]
        if {"handling", "extended"} <= codes and draw(st.booleans())
        else [],
        "rounding": {
            step: draw(st.sampled_from(["half_up", "half_even", "up", "down"]))
            for step in ("discount", "percent", "fuel")
        },
    }


@st.composite
def parcels(draw):
    # Whole inches often: thresholds stand on them.
    edge = st.one_of(st.integers(1, 40).map(lambda n: n * oracle.INCH), st.integers(1_000, 1_000_000))
    weight = st.one_of(st.integers(1, 120).map(lambda n: n * oracle.LB), st.integers(1, 60 * oracle.LB))
    one, two, three = sorted((draw(edge) for _ in range(3)), reverse=True)
    asked = Asked(draw(st.sampled_from([0, 10_000, 25_001])), draw(st.sampled_from(["", "adult"])))
    wanted = {"asked": asked} if draw(st.booleans()) else {}
    return Parcel((one, two, three), draw(weight), **wanted)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), terms=contracts())
def test_the_total_is_the_plain_readings(data, terms):
    spend = data.draw(st.sampled_from([0, 10_000]))
    contract = compile_contract(parse(carrier="any", version=1, terms=terms), spend=spend)
    origin = Place("US", "10001")
    for _ in range(4):
        parcel, day = data.draw(parcels()), data.draw(DAYS)
        to = Place("US", data.draw(st.sampled_from(POSTCODES)), residential=data.draw(st.booleans()))
        told, untold = (
            rate_all(contracts=[contract], parcel=parcel, origin=origin, destination=to, at=day, trace=trace)
            for trace in (True, False)
        )
        for with_lines, without in zip(told, untold, strict=True):
            single = rate(
                contract=contract,
                service=without.service,
                parcel=parcel,
                origin=origin,
                destination=to,
                at=day,
                trace=False,
            )
            assert single == without
            wanted = oracle.total(
                terms,
                without.service,
                edges=parcel.edges,
                weight=parcel.weight,
                zone=contract.legs.leg(without.service, origin, to).found.zone,
                postcode=to.postcode,
                residential=to.residential,
                day=day,
                value=parcel.asked.value,
                signature=parcel.asked.signature,
                spend=spend,
            )
            if isinstance(without, Ineligible):
                assert wanted is None
                assert with_lines == without
                continue
            assert isinstance(with_lines, Rate)
            assert without.total == wanted
            assert with_lines._replace(lines=()) == without
            assert sum(line.amount for line in with_lines.lines) == wanted
            terms_of = contract.services[without.service]
            charge = min(terms_of.net[without.zone])
            if not terms_of.above_unit or terms_of.above[without.zone]:
                assert least(service=terms_of, destination=to, day=day, charge=charge) <= wanted


@st.composite
def places(draw):
    """Destinations: some are found by their postcodes, some by distance, some by neither."""
    far = draw(st.sampled_from([None, *((n * 400_000, 0, 0) for n in range(4))]))
    return Place(
        draw(st.sampled_from(["US", "CA"])),
        draw(st.sampled_from((*POSTCODES, "30301", "60601"))),
        residential=draw(st.booleans()),
        po_box=draw(st.booleans()),
        position=far,
    )


def _spread(terms):
    """The same contract with bands of distance, places it does not go to, and some that it takes boxes to."""
    ground, express = terms["services"]
    ground = {**ground, "never": ["606"], "po_box": True, "countries": ["US", "CA"], "max_weight": 40}
    bands = {"bands": [{"up_to": 300, "zone": 2}, {"up_to": 600, "zone": 3}], "countries": {"CA": 3}}
    return {**terms, "services": [ground, express], "zones": {**terms["zones"], **bands}}


DANGEROUS = parcels().map(lambda parcel: replace(parcel, hazmat=True))


@settings(max_examples=80, deadline=None)
@given(terms=contracts(), asked=st.lists(st.tuples(parcels() | DANGEROUS, places()), max_size=12), day=DAYS)
def test_many_at_once_are_the_same_as_one_by_one(terms, asked, day):
    terms = _spread(terms)
    contract, fresh = (compile_contract(parse(carrier="any", version=1, terms=terms)) for _ in range(2))
    origin = Place("US", "10001", position=(0, 0, 0))
    for service in CODES:
        told = [
            rate(contract=fresh, service=service, parcel=parcel, origin=origin, destination=to, at=day)
            for parcel, to in asked
        ]
        untold = [one._replace(lines=()) if isinstance(one, Rate) else one for one in told]
        many = {"contract": contract, "service": service, "parcels": asked, "origin": origin, "at": day}
        assert rate_many(**many) == told
        # Twice: what was remembered of the first time changes nothing.
        assert [rate_many(**many, trace=False) for _ in range(2)] == [untold, untold]
