"""What a cart keeps (pure): its lines, kits exploded into units at nodes, whole or as far as there is stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from orderloom.inventory.availability import Demand, Key, Shelves, place

State: TypeAlias = Literal["open", "consumed", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class Line:
    """So many of what is sold, a kit perhaps, under the cart's own position."""

    position: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Units:
    """Units kept for a line at a node; of a kit, its components'."""

    position: int
    node_id: UUID
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reservation keeps."""

    lines: tuple[Line, ...]
    units: tuple[Units, ...]


@dataclass(frozen=True, slots=True)
class Lacking:
    """A line that cannot be kept as asked: `available` of it could be."""

    position: int
    sku: str
    asked: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Stock kept for a cart until it ends: open, then consumed by an order, cancelled or expired, and that for good."""

    id: UUID
    channel_id: UUID
    owner: str | None
    state: State
    expires_at: datetime
    order_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    lines: tuple[Line, ...]
    units: tuple[Units, ...]

    def own(self) -> dict[Key, int]:
        """Units by balance that it keeps; none once it has ended."""
        kept: dict[Key, int] = defaultdict(int)
        for unit in self.units if self.state == "open" else ():
            kept[unit.node_id, unit.sku] += unit.quantity
        return dict(kept)


def keep(
    lines: Sequence[Line],
    shelves: Shelves,
    *,
    kits: Mapping[str, Mapping[str, int]],
    channel_id: UUID,
    open_nodes: Collection[UUID],
    own: Mapping[Key, int],
    at: Mapping[int, UUID] | None = None,
) -> tuple[Kept, list[Lacking]]:
    """As much of the lines as can be kept on these shelves, and which lines that is not all of.

    `own` are the cart's units so far, which the caller gives up in the same posting; `at` maps the position of a line
    to the node that must keep it.
    """
    left = list(lines)
    while True:
        kept, short = _try(left, shelves, kits, channel_id, open_nodes, own, at or {})
        if not short:
            break
        # Whole kits only, one after the other: what one lacking a component had of the others is free for the next line.
        kit = next((p for line in left if (p := line.position) in short and line.sku in kits), None)
        cut = short if kit is None else {kit: short[kit]}
        left = [
            Line(line.position, line.sku, units)
            for line in left
            if (units := cut.get(line.position, line.quantity))
        ]
    found = {line.position: line.quantity for line in left}
    return kept, [
        Lacking(line.position, line.sku, line.quantity, units)
        for line in lines
        if (units := found.get(line.position, 0)) < line.quantity
    ]


def _try(
    lines: Sequence[Line],
    shelves: Shelves,
    kits: Mapping[str, Mapping[str, int]],
    channel_id: UUID,
    open_nodes: Collection[UUID],
    own: Mapping[Key, int],
    at: Mapping[int, UUID],
) -> tuple[Kept, dict[int, int]]:
    """What is kept, and by position how many whole ones there are of the lines that come short."""
    wanted = [
        (line, sku, each)
        for line in lines
        for sku, each in sorted((kits.get(line.sku) or {line.sku: 1}).items())
    ]
    demands = [Demand(sku, each * line.quantity, at.get(line.position)) for line, sku, each in wanted]
    kept, missing = place(demands, shelves, open_nodes, channel_id, own)
    units: dict[tuple[int, UUID, str], int] = defaultdict(int)
    for k in kept:
        units[wanted[k.index][0].position, k.node_id, demands[k.index].sku] += k.quantity
    whole: dict[int, int] = {}
    for index, lacking in missing.items():
        line, _, each = wanted[index]
        found = (demands[index].quantity - lacking) // each
        whole[line.position] = min(found, whole.get(line.position, found))
    return Kept(tuple(lines), tuple(Units(*key, n) for key, n in sorted(units.items()))), whole
