"""The demo's network: eight nodes of three types across the United States, three channels, cartons, stock.

Everything is made by rule from fixed seeds, so that two demos are alike and a second load changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from orderloom.journey.setup import CarrierTerms, Setup
from orderloom.network.model import Channel, Node
from orderloom.network.places import place_of
from orderloom.packing.model import Carton
from orderloom.simulate import demo_carriers, demo_catalogue
from orderloom.terms import Address, Dimensions

SEED = 20_260_702
WEB, MARKET, COUNTER = "web", "market", "counter"
METRO_SERVICES = ("metro/same_day", "metro/next_day", "metro/two_day")
# Code, name, type, street, city, state, ZIP.
NODES = (
    ("RNO", "Reno fulfillment center", "fulfillment_center", "2400 Warehouse Way", "Reno", "NV", "89502"),
    (
        "CMH",
        "Columbus fulfillment center",
        "fulfillment_center",
        "6500 Distribution Dr",
        "Columbus",
        "OH",
        "43217",
    ),
    (
        "ATL",
        "Atlanta fulfillment center",
        "fulfillment_center",
        "310 Logistics Pkwy",
        "Atlanta",
        "GA",
        "30349",
    ),
    ("NYC", "SoHo store", "store", "120 Spring St", "New York", "NY", "10012"),
    ("CHI", "Lincoln Park store", "store", "2000 N Halsted St", "Chicago", "IL", "60614"),
    ("SEA", "Pike Street store", "store", "1501 Pike Pl", "Seattle", "WA", "98101"),
    ("DFW", "Dallas partner warehouse", "third_party", "900 Cargo Rd", "Dallas", "TX", "75261"),
    ("DEN", "Denver partner warehouse", "third_party", "4800 Peoria St", "Denver", "CO", "80239"),
)
# Share of the catalogue a node keeps, and the most units of each.
SHELVES = {"fulfillment_center": (0.85, 240), "third_party": (0.5, 120), "store": (0.35, 18)}
# Outer inches (length, width, height), tare in grams, most in pounds, cents.
CARTONS = (
    ("XS", "Extra small box", (8, 6, 4), 90, 10, 28),
    ("S", "Small box", (10, 8, 6), 140, 20, 39),
    ("M", "Medium box", (12, 10, 8), 210, 35, 55),
    ("L", "Large box", (16, 12, 10), 330, 50, 82),
    ("XL", "Extra large box", (20, 16, 14), 560, 60, 130),
    ("FLAT", "Flat box", (20, 14, 4), 310, 40, 88),
    ("LONG", "Long box", (30, 10, 10), 520, 60, 145),
    ("CUBE", "Bulk box", (24, 20, 18), 900, 70, 190),
)
WALL_MM = 6


def setup(*, marketplace: str | None = None) -> Setup:
    """Everything the demo stands on; `marketplace` is where the one that is told its availability answers."""
    return Setup(
        items=tuple(demo_catalogue.items()),
        kits=demo_catalogue.kits(),
        nodes=tuple(nodes()),
        channels=tuple(channels(marketplace)),
        cartons=tuple(cartons()),
        carriers=tuple(
            CarrierTerms(code=code, name=demo_carriers.NAMES[code], adapter="simulated", terms=terms)
            for code, terms in demo_carriers.terms().items()
        ),
        stock=stock(),
    )


def nodes() -> Iterator[Node]:
    """The places that ship; stores also by couriers around their city, and open on Saturdays."""
    for code, name, kind, street, city, state, postcode in NODES:
        place = place_of(postcode=postcode)
        assert place is not None  # noqa: S101 - the ZIP codes above are real
        address = Address(
            name=name,
            line1=street,
            city=city,
            region=state,
            postcode=postcode,
            phone="+1 555 010 0100",
            residential=False,
        )
        is_store = kind == "store"
        yield Node(
            code=code,
            name=name,
            type=kind,
            address=address,
            latitude=place.latitude,
            longitude=place.longitude,
            time_zone=place.time_zone,
            working_days=(1, 2, 3, 4, 5, 6) if kind != "third_party" else (1, 2, 3, 4, 5),
            cutoffs={
                "swift/overnight": "17:30",
                "metro/same_day": "12:00",
                "*": "16:00" if is_store else "17:00",
            },
            processing_hours=6 if is_store else 3,
            daily_capacity=2_000 if is_store else None,
            pick_cost={"fulfillment_center": 110, "third_party": 165, "store": 240}[kind],
            unit_cost={"fulfillment_center": 25, "third_party": 35, "store": 60}[kind],
            ships_hazmat=kind == "fulfillment_center",
            groups=("east",) if place.longitude > -90 else ("west",),
        )


def channels(marketplace: str | None = None) -> Iterator[Channel]:
    """Our own shop, a marketplace that takes orders we cannot fill at once, and the stores' counters."""
    yield Channel(
        code=WEB,
        name="Webshop",
        type="site",
        currency="USD",
        time_zone="America/New_York",
        promise_days={"standard": 6, "expedited": 3, "overnight": 2},
        review_above=150_000,
    )
    yield Channel(
        code=MARKET,
        name="Marketplace",
        type="marketplace",
        currency="USD",
        time_zone="America/Los_Angeles",
        on_shortage="accept",
        promise_days={"standard": 7, "expedited": 4},
        availability_feed={"adapter": "http", "url": f"{marketplace}/availability"} if marketplace else None,
    )
    yield Channel(
        code=COUNTER,
        name="Store counters",
        type="store",
        currency="USD",
        time_zone="America/Chicago",
        promise_days={"standard": 6},
        split_policy={"max_shipments": 2},
    )


def cartons() -> Iterator[Carton]:
    """Boxes by outer inches; the inside is less by the walls, rounded so that no box grows."""
    for code, name, inches, tare_g, pounds, cents in CARTONS:
        outer = tuple(-int(-side * 25.4 // 1) for side in inches)
        inner = tuple(int(side * 25.4) - 2 * WALL_MM for side in inches)
        yield Carton(
            code=code,
            name=name,
            outer=Dimensions(*outer),
            inner=Dimensions(*inner),
            tare_g=tare_g,
            max_weight_g=int(pounds * 453.59237),
            cost=cents,
        )


def stock() -> dict[tuple[str, str], int]:
    """Units by (node, SKU); hazardous goods only where they may ship."""
    dice = random.Random(SEED)
    kits = demo_catalogue.kits()
    singles = [item for item in demo_catalogue.items() if item.sku not in kits]
    found: dict[tuple[str, str], int] = {}
    for code, _, kind, *_ in NODES:
        share, most = SHELVES[kind]
        for item in singles:
            keeps = dice.random() < share
            units = dice.randint(max(1, most // 6), most)
            if keeps and (item.hazmat_class is None or kind == "fulfillment_center"):
                found[code, item.sku] = units
    return found
