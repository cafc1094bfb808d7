"""Olist's tables as orders of the past (pure): one parcel an order, from its first item's seller to its buyer.

Orders that were cancelled, or have no item, are no deliveries and are left out. Times stand as the source has them, on
one clock; a place without position, a weight or a limit that is missing is None and nothing is guessed here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import asin, cos, isfinite, radians, sin, sqrt
from typing import Any

from orderloom.delivery.past import Past
from orderloom.orders.channels.channel import Row
from orderloom.orders.channels.olist import (
    CANCELLED,
    CENTROIDS,
    CUSTOMERS,
    ITEMS,
    ORDERS,
    PRODUCTS,
    SELLERS,
)

TABLES = (ORDERS, ITEMS, CUSTOMERS, PRODUCTS, SELLERS, CENTROIDS)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the source's times bear no zone, and neither does this
_DAY_S = 86_400.0
_EARTH_KM = 12_742.0
Position = tuple[float, float]


def orders_of_the_past(tables: Mapping[str, Iterable[Row]]) -> list[Past]:
    """The orders by the time they were placed, then by id."""
    places = _places(tables[CENTROIDS])
    weights = {row["product_id"]: _number(row.get("product_weight_g")) for _, row in tables[PRODUCTS]}
    sellers = {row["seller_id"]: row for _, row in tables[SELLERS]}
    buyers = {row["customer_id"]: row for _, row in tables[CUSTOMERS]}
    items: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for _, row in tables[ITEMS]:
        items[row["order_id"]].append(row)
    found: dict[str, Past] = {}
    for _, row in tables[ORDERS]:
        placed = _days(row.get("order_purchase_timestamp"))
        mine = items.get(row["order_id"])
        if placed is None or not mine or row.get("order_status") in CANCELLED:
            continue
        order = _order(row, placed, mine, buyers.get(row["customer_id"], {}), sellers, weights, places)
        found.setdefault(order.key, order)
    return sorted(found.values(), key=lambda order: (order.placed, order.key))


def _order(
    row: Mapping[str, str],
    placed: float,
    items: list[Mapping[str, str]],
    buyer: Mapping[str, str],
    sellers: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float | None],
    places: Mapping[str, Position],
) -> Past:
    first = min(items, key=lambda item: (len(item.get("order_item_id", "")), item.get("order_item_id", "")))
    seller = sellers.get(first["seller_id"], {})
    limits = [at for item in items if (at := _days(item.get("shipping_limit_date"))) is not None]
    heavy = [weights.get(item["product_id"]) for item in items]
    known = [weight for weight in heavy if weight]
    delivered = _days(row.get("order_delivered_customer_date"))
    return Past(
        key=row["order_id"],
        placed=placed,
        handed=_days(row.get("order_delivered_carrier_date")),
        delivered=delivered if delivered is None else max(delivered, placed),
        estimated=_days(row.get("order_estimated_delivery_date")),
        origin=seller.get("seller_state", ""),
        destination=buyer.get("customer_state", ""),
        seller=first["seller_id"],
        km=_km(
            places.get(_prefix(seller.get("seller_zip_code_prefix"))),
            places.get(_prefix(buyer.get("customer_zip_code_prefix"))),
        ),
        limit=max(limits) - placed if limits else None,
        weight_g=sum(known) / len(known) * len(items) if known else None,
        freight=sum(_number(item.get("freight_value")) or 0.0 for item in items),
    )


def _places(rows: Iterable[Row]) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for _, row in rows:
        latitude, longitude = _number(row.get("lat")), _number(row.get("lng"))
        if latitude is not None and longitude is not None:
            found.setdefault(_prefix(row.get("geolocation_zip_code_prefix")), (latitude, longitude))
    return found


def _prefix(text: str | None) -> str:
    # The source lost leading noughts of some.
    return text.strip().zfill(5) if text and text.strip() else ""


def _km(origin: Position | None, destination: Position | None) -> float | None:
    """Great-circle distance."""
    if origin is None or destination is None:
        return None
    (lat, lng), (to_lat, to_lng) = origin, destination
    across = sin(radians(to_lat - lat) / 2) ** 2
    across += cos(radians(lat)) * cos(radians(to_lat)) * sin(radians(to_lng - lng) / 2) ** 2
    return _EARTH_KM * asin(min(1.0, sqrt(across)))


def _days(text: Any) -> float | None:
    try:
        return (datetime.fromisoformat(text.strip()).replace(tzinfo=None) - _EPOCH).total_seconds() / _DAY_S
    except (ValueError, AttributeError):
        return None


def _number(text: Any) -> float | None:
    try:
        number = float(text)
    except (ValueError, TypeError):
        return None
    return number if isfinite(number) and number >= -180 else None
