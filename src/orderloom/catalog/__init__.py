"""Items: SKU, GTIN, name, weight, dimensions, handling flags, and what a kit is made of.

Owns the items and their kits. Promises that putting the same items twice changes nothing, and that an item's
version grows by one exactly when something about it changed. Never knows how many units there are (`inventory`) nor
what they cost today in a cart (the order says that).
"""

from __future__ import annotations

from orderloom.catalog.model import Item
from orderloom.catalog.store import (
    all_items,
    by_gtin,
    items_at,
    items_of,
    kits_of,
    kits_with,
    put_items,
    put_kits,
)

__all__ = [
    "Item",
    "all_items",
    "by_gtin",
    "items_at",
    "items_of",
    "kits_of",
    "kits_with",
    "put_items",
    "put_kits",
]
