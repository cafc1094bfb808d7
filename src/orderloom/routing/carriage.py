"""What a service asks for each parcel from one place to another on a day, as packing puts the question (`packing.landed`)."""

from __future__ import annotations

from datetime import date
from functools import cache

from orderloom.packing.landed import Price, ToCarry
from orderloom.shipping.model import Ineligible, Parcel, Place
from orderloom.shipping.rate import rate
from orderloom.shipping.tariff import Tariff


def asked_by(*, contract: Tariff, service: str, origin: Place, destination: Place, ship_on: date) -> Price:
    """Its price for a parcel, None for one that it does not take; each kind of parcel is rated once."""

    @cache
    def price(one: ToCarry) -> int | None:
        found = rate(
            contract=contract,
            service=service,
            parcel=Parcel.of(dimensions=one.outer, weight_g=one.weight_g, hazmat=one.hazmat),
            origin=origin,
            destination=destination,
            at=ship_on,
            trace=False,
        )
        return None if isinstance(found, Ineligible) else found.total

    return price
