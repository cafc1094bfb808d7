"""Plans of how fulfillment orders are to be packed, decided from the cartons in use and kept for the station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from orderloom.catalog import Item
from orderloom.packing import store
from orderloom.packing.cartonize import cartonize
from orderloom.packing.model import Article, PackPlan
from orderloom.plumbing.database import Db


def articles(*, items: Mapping[str, Item], units: Mapping[str, int]) -> tuple[Article, ...]:
    """Units of catalogue items as packing sees them."""
    return tuple(
        Article(
            sku=sku,
            length=items[sku].length_mm,
            width=items[sku].width_mm,
            height=items[sku].height_mm,
            weight_g=items[sku].weight_g,
            fragile=items[sku].fragile,
            this_side_up=items[sku].this_side_up,
            hazmat_class=items[sku].hazmat_class,
            ships_alone=items[sku].ships_alone,
            quantity=count,
            **_seldom(items[sku]),
        )
        for sku, count in sorted(units.items())
    )


def _seldom(item: Item) -> dict[str, Any]:
    """What is asked of packing beside the flags; JSON knows no tuples."""
    if not item.handling:
        return {}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in item.handling.items()}


# A worker plans whole sets: a hard order must not keep all others waiting for its last box.
_EFFORT = 10_000


async def plan_for(db: Db, *, fulfillments: Mapping[UUID, Iterable[Article]]) -> dict[UUID, PackPlan]:
    """Plan the packing of fulfillment orders with the cartons in use, and keep the plans."""
    offered = await store.cartons(db)
    plans = {work: cartonize(goods, offered, effort=_EFFORT) for work, goods in fulfillments.items()}
    await store.put_plans(db, plans)
    return plans
