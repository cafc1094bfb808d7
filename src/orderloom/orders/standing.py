"""What stands at nodes, not begun yet: what may be moved elsewhere, what its channel bound there, what is being picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from orderloom.orders.store import slicing
from orderloom.plumbing.database import Db


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Units by order that may be moved, and that are bound to their node; fulfillment orders begun, or to be let go."""

    movable: Mapping[UUID, int] = field(default_factory=dict)
    bound: Mapping[UUID, int] = field(default_factory=dict)
    begun: frozenset[UUID] = frozenset()
    asked_to_let_go: tuple[UUID, ...] = ()


async def at(db: Db, *, nodes: Sequence[UUID]) -> Standing:
    """What stands at these nodes and has not shipped."""
    rows = await slicing.standing_at(db, nodes)
    movable: dict[UUID, int] = {}
    bound: dict[UUID, int] = {}
    for row in rows:
        if not row["begun"] and not row["asked"]:
            held = bound if row["fixed"] else movable
            held[row["order_id"]] = held.get(row["order_id"], 0) + row["units"]
    return Standing(
        movable=movable,
        bound=bound,
        begun=frozenset(row["fulfillment_id"] for row in rows if row["begun"]),
        asked_to_let_go=tuple(
            sorted({row["fulfillment_id"] for row in rows if row["asked"] and not row["begun"]})
        ),
    )
