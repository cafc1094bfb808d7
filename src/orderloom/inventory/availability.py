"""Planning on stock in memory (pure): postings that balances bear or refuse, and where a demand is best kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from orderloom.inventory.model import BUCKETS, Entry, Leg, Level, Posting, Short


class Shelves:
    """Balances under a lock, and what has been posted on them since. Nothing is stored until they are written."""

    def __init__(self, levels: Iterable[Level]) -> None:
        self._levels = {(level.node_id, level.sku): level for level in levels}
        self._before = dict(self._levels)
        self._nodes: dict[str, list[UUID]] = defaultdict(list)
        for node_id, sku in self._levels:
            self._nodes[sku].append(node_id)
        self.entries: list[Entry] = []

    def level(self, node_id: UUID, sku: str) -> Level:
        """The balance as posted so far; an unknown one is empty."""
        return self._levels.get((node_id, sku)) or Level(node_id=node_id, sku=sku)

    def nodes(self, sku: str) -> Sequence[UUID]:
        """The nodes that have a balance of the SKU."""
        return self._nodes.get(sku, ())

    def to_promise(self, node_id: UUID, sku: str) -> int:
        """Units that may be promised there now."""
        level = self._levels.get((node_id, sku))
        return level.to_promise if level else 0

    def post(self, posting: Posting) -> Short | None:
        """Post every leg, or none when a balance would not bear it."""
        after: dict[tuple[UUID, str], Level] = {}
        for leg in posting.legs:
            before = after.get(leg.key) or self.level(*leg.key)
            after[leg.key] = replace(before, **{b: getattr(before, b) + getattr(leg, b) for b in BUCKETS})
        for key, level in after.items():
            promised_more = level.reserved + level.allocated > (b := self.level(*key)).reserved + b.allocated
            dips = (
                posting.within_safety
                and promised_more
                and level.available + level.backorder_limit < level.safety_stock
            )
            if dips or not level.sound:
                return Short(key[0], key[1], self.level(*key).to_promise)
        self._levels |= after
        self.entries += [
            Entry(leg, posting.cause_type, posting.cause_id, posting.reason) for leg in posting.legs
        ]
        return None

    def changed(self) -> list[Level]:
        """The balances that differ from what was locked, in key order."""
        return [level for key, level in sorted(self._levels.items()) if self._before.get(key) != level]


@dataclass(frozen=True, slots=True)
class Demand:
    """Units of a SKU wanted for one line; `fixed_node` when the channel has decided where from.

    `without`: nodes that could not find it when they were to ship it.
    """

    sku: str
    quantity: int
    fixed_node: UUID | None = None
    without: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """So many units of the demand with this index are kept at the node."""

    index: int
    node_id: UUID
    quantity: int


def place(
    demands: Sequence[Demand], shelves: Shelves, open_nodes: Collection[UUID] | None
) -> tuple[list[Kept], dict[int, int]]:
    """Where to keep stock for an order until routing decides: at one node if one has all, else where most is.

    Units are summed over lines before they are compared, so that two lines never share one unit. Returns what is
    kept, and the units short by demand index. `open_nodes` None means every node is open.
    """
    left: dict[tuple[UUID, str], int] = {}

    def free(node_id: UUID, sku: str) -> int:
        if open_nodes is not None and node_id not in open_nodes:
            return 0
        return left.setdefault((node_id, sku), shelves.to_promise(node_id, sku))

    whole = _one_node_for_all(demands, shelves, free)
    kept: list[Kept] = []
    short: dict[int, int] = {}
    for index, demand in enumerate(demands):
        wanted = demand.quantity
        choice = (
            [demand.fixed_node]
            if demand.fixed_node
            else [whole]
            if whole
            else [n for n in _most_first(demand, shelves, free) if n not in demand.without]
        )
        for node_id in choice:
            units = min(wanted, free(node_id, demand.sku))
            if units:
                left[node_id, demand.sku] -= units
                wanted -= units
                kept.append(Kept(index, node_id, units))
            if not wanted:
                break
        if wanted:
            short[index] = wanted
    return kept, short


def _most_first(demand: Demand, shelves: Shelves, free: _Free) -> list[UUID]:
    return sorted(shelves.nodes(demand.sku), key=lambda node: (-free(node, demand.sku), node))


def _one_node_for_all(demands: Sequence[Demand], shelves: Shelves, free: _Free) -> UUID | None:
    """The node that can keep every unit nobody else must, and has most left over; None when there is none."""
    wanted: dict[str, int] = defaultdict(int)
    for demand in demands:
        if demand.fixed_node is None:
            wanted[demand.sku] += demand.quantity
    if not wanted:
        return None
    first = min(wanted, key=lambda sku: len(shelves.nodes(sku)))
    without = frozenset().union(*(demand.without for demand in demands))
    able = [
        n
        for n in shelves.nodes(first)
        if n not in without and all(free(n, sku) >= units for sku, units in wanted.items())
    ]
    return max(
        able, key=lambda n: (min(free(n, sku) - units for sku, units in wanted.items()), n.int), default=None
    )


class _Free(Protocol):
    """The shape of `free` in `place`."""

    def __call__(self, node_id: UUID, sku: str, /) -> int: ...


def reserve_legs(kept: Iterable[tuple[UUID, str, int]]) -> tuple[Leg, ...]:
    """Keep units for an order, node not final."""
    return tuple(Leg(node_id=n, sku=s, kind="reserved", reserved=q) for n, s, q in kept)


def unreserve_legs(kept: Iterable[tuple[UUID, str, int]]) -> tuple[Leg, ...]:
    """Give units kept for an order back."""
    return tuple(Leg(node_id=n, sku=s, kind="unreserved", reserved=-q) for n, s, q in kept)


def allocate_legs(bound: Iterable[tuple[UUID, str, int]]) -> tuple[Leg, ...]:
    """Bind units to the node that will ship them."""
    return tuple(Leg(node_id=n, sku=s, kind="allocated", allocated=q) for n, s, q in bound)


def unallocate_legs(bound: Iterable[tuple[UUID, str, int]]) -> tuple[Leg, ...]:
    """Take the binding back."""
    return tuple(Leg(node_id=n, sku=s, kind="unallocated", allocated=-q) for n, s, q in bound)


def ship_legs(left: Iterable[tuple[UUID, str, int]]) -> tuple[Leg, ...]:
    """Units that were allocated have left the node."""
    return tuple(Leg(node_id=n, sku=s, kind="shipped", on_hand=-q, allocated=-q) for n, s, q in left)


def not_found_legs(missing: Iterable[tuple[UUID, str, int]]) -> tuple[Leg, ...]:
    """Units that were allocated are not there: the count is put right together with the promise."""
    return tuple(Leg(node_id=n, sku=s, kind="counted", on_hand=-q, allocated=-q) for n, s, q in missing)


def kits_available(components: Mapping[str, int], to_promise: Mapping[str, int]) -> int:
    """Whole kits that one node can make: the scarcest component decides."""
    return min((to_promise.get(sku, 0) // per_kit for sku, per_kit in components.items()), default=0)
