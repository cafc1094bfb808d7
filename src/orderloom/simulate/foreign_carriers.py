"""Carriers and cartons for imported orders: the sources tell neither, and every parcel must find a way.

One carrier a country, two services, prices of a plausible shape; weights and sizes without a limit, every day of the
week, and an express that reaches any estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from orderloom.journey.setup import CarrierTerms
from orderloom.packing.model import Carton
from orderloom.terms import Dimensions

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
BREAKS_KG = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0)
ABROAD = 9
# Inner millimetres, tare in grams, most in grams, cost in minor units.
BOXES: Sequence[tuple[str, tuple[int, int, int], int, int, int]] = (
    ("I1", (220, 160, 100), 90, 10_000, 60),
    ("I2", (320, 240, 180), 190, 20_000, 95),
    ("I3", (460, 360, 300), 420, 30_000, 170),
    ("I4", (700, 520, 460), 1_100, 50_000, 390),
    ("I5", (1_250, 1_250, 1_250), 4_000, 200_000, 1_500),
)
WALL_MM = 4


def cartons() -> Iterator[Carton]:
    """Five boxes, the largest of which holds whatever the sources list."""
    for code, inner, tare, most, cost in BOXES:
        outer = tuple(edge + 2 * WALL_MM for edge in inner)
        yield Carton(
            code=code,
            name=f"Import box {code[1:]}",
            inner=Dimensions(*inner),
            outer=Dimensions(*outer),
            tare_g=tare,
            max_weight_g=most,
            cost=cost,
        )


def correio() -> CarrierTerms:
    """For Olist: Brazil, zones by distance."""
    return _carrier("correio", "Correio", "BRL", bands_km=(100, 500, 1_000, 2_000), cents=(950, 320, 210))


def pennypost() -> CarrierTerms:
    """For Online Retail: Great Britain, and abroad at one price."""
    return _carrier("pennypost", "Penny Post", "GBP", bands_km=(100, 300), cents=(290, 60, 55))


def _carrier(
    code: str, name: str, currency: str, *, bands_km: tuple[int, ...], cents: tuple[int, int, int]
) -> CarrierTerms:
    first, a_zone, a_kilo = cents
    zones = [*range(1, len(bands_km) + 2), ABROAD]
    services = {
        "standard": ("economy", 1, {zone: zone + 1 for zone in zones}),
        "express": ("overnight", 3, dict.fromkeys(zones, 1)),
    }
    terms: dict[str, Any] = {
        "currency": currency,
        "weight_unit": "kg",
        "length_unit": "cm",
        "services": [
            {
                "code": service,
                "name": f"{name} {service}",
                "level": level,
                "transit_days": days,
                "delivers": EVERY_DAY,
                "countries": ["*"],
                "hazmat": True,
                "po_box": True,
            }
            for service, (level, _, days) in services.items()
        ],
        "zones": {
            "countries": {"*": ABROAD},
            "bands": [
                *({"up_to": float(km), "zone": zone} for zone, km in enumerate(bands_km, 1)),
                {"zone": len(bands_km) + 1},
            ],
            "distance_unit": "km",
        },
        "rates": [
            {
                "service": service,
                "breaks": list(BREAKS_KG),
                "amounts": {
                    zone: [
                        round(times * (first + a_zone * (zone - 1) + a_kilo * kilos)) for kilos in BREAKS_KG
                    ]
                    for zone in zones
                },
                "above": {"amounts": dict.fromkeys(zones, times * a_kilo)},
            }
            for service, (_, times, _) in services.items()
        ],
        "dim": [{"divisor": 6000, "edges": "up"}],
        "operates": EVERY_DAY,
    }
    return CarrierTerms(code=code, name=name, adapter="simulated", terms=terms)
