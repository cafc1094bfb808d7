"""Why a service does not carry a parcel, or does not go somewhere at all: every gate that is not passed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from orderloom.shipping.model import NG, Parcel, Place
from orderloom.shipping.tariff import Edges, ServiceTariff

_GRAM = NG["g"]


def refusals(
    service: ServiceTariff,
    parcel: Parcel | None,
    origin: Place,
    destination: Place,
    *,
    day: date | None = None,
) -> list[str]:
    """The reasons; without a parcel only those that hold for every parcel."""
    reasons: list[str] = []
    terms = service.service
    if service.countries:
        if destination.country not in service.countries and "*" not in service.countries:
            reasons.append(f"does not deliver in {destination.country}")
    elif destination.country != origin.country:
        reasons.append(f"does not leave {origin.country}")
    if (service.only is not None and destination.postcode not in service.only) or (
        service.never is not None and destination.postcode in service.never
    ):
        reasons.append("does not deliver to this postcode")
    if parcel is not None:
        reasons += _of_parcel(service, parcel, _read(service, parcel, day))
    if destination.residential and not terms.residential:
        reasons.append("does not deliver to homes")
    if destination.po_box and not terms.po_box:
        reasons.append("does not deliver to post-office boxes")
    return reasons


def _read(service: ServiceTariff, parcel: Parcel, day: date | None) -> tuple[int, int, int]:
    rule = next((dim for dim in service.dims if day is None or dim.starts <= day <= dim.ends), Edges(1))
    return rule.read(parcel.edges)


def _of_parcel(service: ServiceTariff, parcel: Parcel, edges: tuple[int, int, int]) -> Iterator[str]:
    a, b, c = edges
    if service.max_weight is not None and parcel.weight > service.max_weight:
        yield f"weighs {-(-parcel.weight // _GRAM)} g, at most {service.max_weight // _GRAM} g are carried"
    if service.max_length is not None and a > service.max_length:
        yield f"is {a // 1000} mm long, at most {service.max_length // 1000} mm are carried"
    limit = service.max_length_plus_girth
    if limit is not None and a + 2 * (b + c) > limit:
        yield f"length plus girth is over {limit // 1000} mm"
    if service.max_cube is not None and a * b * c > service.max_cube:
        yield f"its volume is over {service.max_cube // 10**15} dm³"
    most = service.service.max_value
    if most is not None and parcel.asked.value > most:
        yield f"is declared to be worth {parcel.asked.value}, at most {most} is carried"
    if parcel.hazmat and not service.service.hazmat:
        yield "does not carry hazardous goods"
