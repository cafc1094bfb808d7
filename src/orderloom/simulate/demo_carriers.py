"""The demo's four carriers with twelve services, and their contracts' terms.

The prices are made up, but of the shape that American tariffs have: zones by distance, weight breaks in pounds,
dimensional weight, a fuel percentage, surcharges for homes and for what is large.
"""

from __future__ import annotations

from typing import Any

BANDS_MILES = (50, 150, 300, 600, 1000, 1400, 1800)
ZONES = tuple(range(1, 9))
FAR_ZONE = 9
BREAKS_LB = (*(float(pound) for pound in range(1, 21)), 25.0, 30.0, 40.0, 50.0, 70.0, 100.0, 150.0)
# Alaska, Hawaii, Puerto Rico and the other territories.
FAR = ("006-009", "967-969", "995-999")
REMOTE = ("590-599", "692-693", "820-831", "893-898")
OPERATES_LONG_WEEK = [1, 2, 3, 4, 5, 6]

NAMES = {
    "swift": "Swift Parcel",
    "bluebird": "Bluebird Post",
    "atlas": "Atlas Freight & Parcel",
    "metro": "Metro Couriers",
}


def terms() -> dict[str, dict[str, Any]]:
    """The terms of each carrier's contract, by carrier code."""
    return {"swift": _swift(), "bluebird": _bluebird(), "atlas": _atlas(), "metro": _metro()}


def _swift() -> dict[str, Any]:
    return _national(
        services=[
            _service("ground", "Swift Ground", "ground", (1, 1, 2, 2, 3, 4, 4, 5, 7), max_weight=150.0),
            _service("two_day", "Swift 2Day", "express", (1, 1, 2, 2, 2, 2, 2, 2, 3), max_weight=150.0),
            _service("overnight", "Swift Overnight", "overnight", (1,) * 8 + (2,), max_weight=100.0),
        ],
        cards={"ground": (780, 95, 62), "two_day": (1450, 240, 130), "overnight": (2600, 420, 210)},
        dim={"divisor": 139},
        residential=395,
        fuel=155,
    )


def _bluebird() -> dict[str, Any]:
    economy, parcel, priority = (
        (2, 3, 3, 4, 5, 6, 7, 8, 12),
        (1, 2, 2, 3, 4, 4, 5, 5, 8),
        (1, 1, 2, 2, 2, 3, 3, 3, 4),
    )
    return _national(
        services=[
            _service("economy", "Bluebird Economy", "economy", economy, max_weight=25.0, po_box=True),
            _service("parcel", "Bluebird Parcel", "ground", parcel, max_weight=70.0, po_box=True),
            _service("priority", "Bluebird Priority", "express", priority, max_weight=70.0, po_box=True),
        ],
        cards={"economy": (520, 60, 48), "parcel": (690, 85, 60), "priority": (990, 150, 95)},
        dim={"divisor": 166, "minimum_cube": 1728, "edges": "nearest"},
        residential=0,
        fuel=0,
        operates=OPERATES_LONG_WEEK,
    )


def _atlas() -> dict[str, Any]:
    ground, express, freight = (
        (1, 2, 2, 3, 3, 4, 5, 5, 9),
        (1, 1, 1, 2, 2, 3, 3, 3, 5),
        (2, 3, 4, 5, 6, 7, 8, 9, 14),
    )
    return _national(
        services=[
            _service("ground", "Atlas Ground", "ground", ground, max_weight=150.0, hazmat=True),
            _service("express", "Atlas Express", "express", express, max_weight=150.0, hazmat=True),
            _service("freight", "Atlas Freight", "freight", freight, hazmat=True),
        ],
        cards={"ground": (840, 90, 58), "express": (1700, 210, 120), "freight": (4200, 55, 30)},
        dim={"divisor": 139},
        residential=450,
        fuel=165,
        earned=[
            {
                "services": ["ground", "express"],
                "tiers": [{"spend": 25_000_000, "permille": 20}, {"spend": 75_000_000, "permille": 45}],
            }
        ],
    )


def _service(
    code: str,
    name: str,
    level: str,
    days: tuple[int, ...],
    *,
    max_weight: float | None = None,
    hazmat: bool = False,
    po_box: bool = False,
) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "level": level,
        "transit_days": dict(enumerate(days, 1)),
        "delivers": OPERATES_LONG_WEEK,
        "max_weight": max_weight,
        "hazmat": hazmat,
        "po_box": po_box,
    }


def _card(service: str, first: int, a_zone: int, a_pound: int, zones: tuple[int, ...]) -> dict[str, Any]:
    """Cents for the first pound in zone 1, for each zone further, for each pound more (dearer the further)."""
    amounts = {
        zone: [
            round(first + a_zone * (zone - 1) + a_pound * (weight - 1) * (0.6 + zone / 8))
            for weight in BREAKS_LB
        ]
        for zone in zones
    }
    above = {zone: round(a_pound * (0.6 + zone / 8)) for zone in zones}
    return {"service": service, "breaks": list(BREAKS_LB), "amounts": amounts, "above": {"amounts": above}}


def _national(
    *,
    services: list[dict[str, Any]],
    cards: dict[str, tuple[int, int, int]],
    dim: dict[str, Any],
    residential: int,
    fuel: int,
    operates: list[int] | None = None,
    earned: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    bands: list[dict[str, Any]] = [
        {"up_to": float(miles), "zone": zone} for zone, miles in enumerate(BANDS_MILES, 1)
    ]
    surcharges: list[dict[str, Any]] = [
        {"kind": "delivery_area", "code": "remote", "amount": 1200, "postcodes": list(REMOTE)},
        {"kind": "additional_handling", "code": "additional_handling", "amount": 2950, "cube_over": 10_368},
        {"kind": "oversize", "code": "oversize", "amount": 25_500, "cube_over": 17_280},
    ]
    if residential:
        surcharges.append({"kind": "residential", "amount": residential, "fuelled": True})
    if fuel:
        surcharges.append({"kind": "fuel", "steps": [{"starts": "2020-01-01", "permille": fuel}]})
    return {
        "currency": "USD",
        "services": services,
        "zones": {
            "postcodes": [{"postcodes": list(FAR), "zone": FAR_ZONE}],
            "bands": [*bands, {"zone": ZONES[-1]}],
        },
        "rates": [_card(code, *figures, (*ZONES, FAR_ZONE)) for code, figures in cards.items()],
        "dim": [dim],
        "discounts": [{"permille": 180, "services": [services[0]["code"]]}],
        "earned": earned or [],
        "minimum_charges": {"*": 495},
        "surcharges": surcharges,
        "operates": operates or [1, 2, 3, 4, 5],
    }


def _metro() -> dict[str, Any]:
    """Couriers around a city: nothing beyond a hundred miles."""
    services = [
        _service("same_day", "Metro Same Day", "local", (0, 1), max_weight=50.0),
        _service("next_day", "Metro Next Day", "local", (1, 1), max_weight=70.0),
        _service("two_day", "Metro Saver", "local", (2, 2), max_weight=70.0),
    ]
    cards = {"same_day": (1500, 600, 40), "next_day": (720, 180, 30), "two_day": (580, 120, 25)}
    return {
        "currency": "USD",
        "services": services,
        "zones": {"bands": [{"up_to": 30.0, "zone": 1}, {"up_to": 100.0, "zone": 2}]},
        "rates": [_card(code, *figures, (1, 2)) for code, figures in cards.items()],
        "operates": OPERATES_LONG_WEEK,
    }
