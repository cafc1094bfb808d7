"""Planning on stock in memory (pure): postings that balances bear or refuse, and where a demand is best kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from orderloom.inventory.allotting import NOTHING_CLAIMED, Claimed, Limits, allowance, unused
from orderloom.inventory.model import Balance, Entry, Leg, Level, Posting, Short

Key = tuple[UUID, str]
_NO_LIMIT = 2**62
_NOWHERE: Mapping[UUID, Balance] = {}


class Shelves:
    """Balances under a lock, and what has been posted on them since. Nothing is stored until they are written."""

    def __init__(self, levels: Iterable[Level] = (), limits: Limits | None = None) -> None:
        self._of: dict[str, dict[UUID, Balance]] = {}
        self._before: dict[Key, tuple[int, ...]] = {}
        self._spare: dict[str, dict[UUID, int]] = {}
        self.limits = Limits() if limits is None else limits
        self.selling: Collection[UUID] | None = None
        # What belongs to orders in line before the one being placed.
        self.claimed: Claimed = NOTHING_CLAIMED
        # In whose name it is posted from now on; None: of whoever is acting.
        self.actor: str | None = None
        self.entries: list[Entry] = []
        self._put(Balance.of(level) for level in levels)

    @classmethod
    def locked(cls, balances: Iterable[Balance], limits: Limits) -> Shelves:
        """Rows just read; they are changed in place."""
        shelves = cls(limits=limits)
        shelves._put(balances)
        return shelves

    def _put(self, balances: Iterable[Balance]) -> None:
        for balance in balances:
            self._of.setdefault(balance.sku, {})[balance.node_id] = balance
            self._spare.pop(balance.sku, None)

    def of(self, sku: str) -> Mapping[UUID, Balance]:
        """The SKU's balances by node, as posted so far."""
        return self._of.get(sku, _NOWHERE)

    def level(self, node_id: UUID, sku: str) -> Level:
        """The balance as posted so far; an unknown one is empty."""
        balance = self.of(sku).get(node_id)
        return balance.level() if balance else Level(node_id=node_id, sku=sku)

    def nodes(self, sku: str) -> Sequence[UUID]:
        """The nodes that have a balance of the SKU."""
        return tuple(self.of(sku))

    def to_promise(self, node_id: UUID, sku: str) -> int:
        """Units that may be promised there now."""
        balance = self.of(sku).get(node_id)
        return balance.to_promise if balance else 0

    def spare(self, sku: str) -> Mapping[UUID, int]:
        """Units by node that safety stock leaves, as posted so far; where it is dipped into they are below nought."""
        found = self._spare.get(sku)
        if found is None:
            found = self._spare[sku] = {n: b.free - b.safety_stock for n, b in self.of(sku).items()}
        return found

    def for_channel(self, node_id: UUID, sku: str, channel_id: UUID | None) -> int:
        """Units that may be promised there to one channel, its own safety stock at the node left alone."""
        balance = self.of(sku).get(node_id)
        if balance is None:
            return 0
        if channel_id is None:
            return balance.to_promise
        return max(0, balance.to_promise - self.limits.node_safety(channel_id, node_id, sku))

    def atp(self, sku: str) -> int:
        """What the network may promise: `selling` names the nodes that count, None meaning all."""
        return sum(
            balance.to_promise
            for node, balance in self.of(sku).items()
            if self.selling is None or node in self.selling
        )

    def allowance(
        self,
        channel_id: UUID,
        sku: str,
        open_nodes: Collection[UUID] | None = None,
        claimed: Claimed | None = None,
    ) -> int:
        """Units the channel may claim now at the nodes open to it (None: all are), those in line served before."""
        ahead = self.claimed if claimed is None else claimed
        units = sum(
            max(0, self.for_channel(n, sku, channel_id) - ahead.at.get((n, sku), 0))
            for n in self.of(sku)
            if open_nodes is None or n in open_nodes
        )
        if allotted := self.limits.allotted(sku):
            atp = self.atp(sku)
            if ahead.by:
                allotted = self.limits.as_if_drawn(ahead, sku)
                atp -= sum(n for (_, of), n in ahead.by.items() if of == sku)
            units = min(units, allowance(tuple(allotted), channel_id, atp))
        return max(0, units - self.limits.safety(channel_id, sku))

    def post(self, posting: Posting) -> Short | None:
        """Post every leg, or none when a balance would not bear it; its channel draws on its allotment, or gives back."""
        before: dict[Key, tuple[Balance, tuple[int, ...]]] = {}
        legs = posting.legs
        for place, leg in enumerate(posting.legs):
            key = leg.node_id, leg.sku
            balance = self.of(leg.sku).get(leg.node_id)
            if balance is None:
                balance = Balance(*key)
                self._put([balance])
            if key not in before:
                before[key] = balance, balance.units()
            if balance.backorder_limit and leg.on_hand < 0:
                leg = balance.as_there(leg)  # noqa: PLW2901 - what is posted of it
                legs = (*legs[:place], leg, *legs[place + 1 :])
            balance.add(leg)
        for balance, was in before.values():
            dips = (
                posting.within_safety
                and balance.reserved + balance.allocated > was[1] + was[2]
                and balance.free < balance.safety_stock
            )
            owed = posting.unpromised and balance.on_hand < was[0] and balance.free < balance.backorder_limit
            if dips or owed or not balance.sound:
                for changed, units in before.values():
                    changed.set(units)
                has = max(0, balance.free - balance.backorder_limit) if owed else balance.to_promise
                return Short(balance.node_id, balance.sku, has)
        for key, (balance, was) in before.items():
            self._before.setdefault(key, was)
            if (spare := self._spare.get(balance.sku)) is not None:
                spare[balance.node_id] = balance.free - balance.safety_stock
        self.entries += [
            Entry(leg, posting.cause_type, posting.cause_id, posting.reason, posting.as_of, self.actor)
            for leg in legs
        ]
        if posting.channel_id is not None and self.limits:
            for sku, claimed in posting.drawn().items():
                self.limits.draw(posting.channel_id, sku, claimed)
        return None

    def reserved(self) -> dict[Key, int]:
        """Units by balance that are reserved beyond those that were when it was read."""
        return {
            (node_id, sku): self._of[sku][node_id].reserved - was[1]
            for (node_id, sku), was in self._before.items()
        }

    def changed(self) -> list[Level]:
        """The balances that differ from what was locked, in key order."""
        return [
            balance.level()
            for (node_id, sku), was in sorted(self._before.items())
            if (balance := self._of[sku][node_id]).units() != was
        ]


@dataclass(slots=True, unsafe_hash=True)
class Demand:
    """Units of a SKU wanted for one line; `fixed_node` when the channel has decided where from.

    `without`: nodes that could not find it when they were to ship it.
    """

    sku: str
    quantity: int
    fixed_node: UUID | None = None
    without: frozenset[UUID] = frozenset()


@dataclass(slots=True, unsafe_hash=True)
class Kept:
    """So many units of the demand with this index are kept at the node."""

    index: int
    node_id: UUID
    quantity: int


def place(
    demands: Sequence[Demand],
    shelves: Shelves,
    open_nodes: Collection[UUID] | None,
    channel_id: UUID | None = None,
    own: Mapping[Key, int] | None = None,
) -> tuple[list[Kept], dict[int, int]]:
    """Where to keep stock for an order until routing decides: at one node if one has all, else where most is.

    Units are summed over lines before they are compared, so that two lines never share one unit, and a channel never
    claims more than its allowance. `own`: units kept for the same buyer already, which the caller gives up in the same
    posting; they stay where they are as far as wanted. Returns what is kept, and the units short by demand index.
    `open_nodes` None means every node is open.
    """
    taking = _Taking(shelves, open_nodes, channel_id)
    kept: list[Kept] = []
    wanted = [demand.quantity for demand in demands]
    if own:
        kept = _stay(demands, wanted, dict(own), taking)
    short: dict[int, int] = {}
    for index, demand in enumerate(demands):
        if demand.fixed_node and wanted[index]:
            # Those with no choice first: the others can go elsewhere.
            kept += _take(index, demand, [demand.fixed_node], wanted, taking)
            short[index], wanted[index] = wanted[index], 0
    whole = _one_node_for_all(demands, wanted, taking)
    if whole is not None:
        # As nearly always: it has enough for all of them together.
        kept += [Kept(i, whole, units) for i, units in enumerate(wanted) if units]
    else:
        for index, demand in enumerate(demands):
            if wanted[index]:
                kept += _take(index, demand, _most_first(demand, taking), wanted, taking)
                short[index] = wanted[index]
    return kept, {index: units for index, units in short.items() if units}


def _take(
    index: int, demand: Demand, nodes: Sequence[UUID], wanted: list[int], taking: _Taking
) -> list[Kept]:
    """Units for one demand of these nodes, in their order; lowers `wanted`."""
    kept = []
    for node_id in nodes:
        found = min(wanted[index], taking.free(node_id, demand.sku))
        if found:
            taking.take(node_id, demand.sku, found)
            wanted[index] -= found
            kept.append(Kept(index, node_id, found))
        if not wanted[index]:
            break
    return kept


class _Taking:
    """What is still free to one channel while an order is placed, by node and within its allowance."""

    def __init__(
        self, shelves: Shelves, open_nodes: Collection[UUID] | None, channel_id: UUID | None
    ) -> None:
        self._shelves = shelves
        self._channel = channel_id
        self._left: dict[str, dict[UUID, int]] = {}
        self._room: dict[str, int] = {}
        self._plain = not shelves.claimed.at and not shelves.limits.guards_nodes
        self.open_nodes = open_nodes

    def seen(self, sku: str) -> Mapping[UUID, int]:
        """As `left`, and beside also nodes that are closed or have none: for whoever only looks, and asks for units."""
        return self._shelves.spare(sku) if self._plain and sku not in self._left else self.left(sku)

    def left(self, sku: str) -> dict[UUID, int]:
        """Units by node, of the nodes that have any; the channel may claim fewer in all (`room`)."""
        found = self._left.get(sku)
        if found is None:
            shelves, claimed, nodes = self._shelves, self._shelves.claimed.at, self.open_nodes
            guarded = self._channel if shelves.limits.guards_nodes else None
            found = self._left[sku] = {}
            for node, units in shelves.spare(sku).items():
                if nodes is None or node in nodes:
                    free = units if guarded is None else shelves.for_channel(node, sku, guarded)
                    if claimed:
                        free -= claimed.get((node, sku), 0)
                    if free > 0:
                        found[node] = free
        return found

    def room(self, sku: str) -> int:
        """Units that the channel may claim in all."""
        found = self._room.get(sku)
        if found is None:
            bound = self._channel is not None and self._shelves.limits.bind(self._channel, sku)
            found = _NO_LIMIT
            if bound and self._channel is not None:
                found = self._shelves.allowance(self._channel, sku, self.open_nodes)
            self._room[sku] = found
        return found

    def free(self, node_id: UUID, sku: str) -> int:
        """Units that one more line may have there."""
        return min(self.left(sku).get(node_id, 0), self.room(sku))

    def take(self, node_id: UUID, sku: str, units: int) -> None:
        """The units are spoken for."""
        self._left[sku][node_id] -= units
        self._room[sku] -= units

    def give(self, sku: str, units: int) -> None:
        """The buyer gives own units up, elsewhere than wanted: as many more may be claimed."""
        self._room[sku] = self.room(sku) + units


def _stay(demands: Sequence[Demand], wanted: list[int], own: dict[Key, int], taking: _Taking) -> list[Kept]:
    """The buyer's own units that may stay at their node; lowers `wanted`."""
    kept: list[Kept] = []
    for index, demand in enumerate(demands):
        for node_id, sku in sorted(own):
            if sku != demand.sku or node_id in demand.without or demand.fixed_node not in (None, node_id):
                continue
            if taking.open_nodes is not None and node_id not in taking.open_nodes:
                continue
            units = min(wanted[index], own[node_id, sku])
            if units:
                own[node_id, sku] -= units
                wanted[index] -= units
                kept.append(Kept(index, node_id, units))
    for (_, sku), units in own.items():
        taking.give(sku, units)
    return kept


def _most_first(demand: Demand, taking: _Taking) -> list[UUID]:
    left = taking.left(demand.sku)
    return sorted((n for n in left if n not in demand.without), key=lambda node: (-left[node], node))


def _one_node_for_all(demands: Sequence[Demand], units: Sequence[int], taking: _Taking) -> UUID | None:
    """The node that can keep every unit still wanted, and has most left over; None when there is none."""
    wanted: dict[str, int] = {}
    without: set[UUID] = set()
    for demand, quantity in zip(demands, units, strict=True):
        if quantity:
            if demand.without:
                without |= demand.without
            wanted[demand.sku] = wanted.get(demand.sku, 0) + quantity
    lefts: list[tuple[Mapping[UUID, int], int]] = []
    for sku, quantity in wanted.items():
        if taking.room(sku) < quantity:
            return None
        lefts.append((taking.seen(sku), quantity))
    best: UUID | None = None
    most, open_nodes = 0, taking.open_nodes
    for node in lefts[0][0] if lefts else ():
        # What is over there of the SKU that would be scarcest; asked for every order at every node, so in plain steps.
        least = _NO_LIMIT
        for left, quantity in lefts:
            over = left.get(node, 0) - quantity
            least = over if over < least else least  # noqa: FURB136 - a call costs more than all the rest
        if (
            least >= most
            and (open_nodes is None or node in open_nodes)
            and node not in without
            and (least > most or best is None or node > best)
        ):
            best, most = node, least
    return best


@dataclass(frozen=True, slots=True)
class Offer:
    """What a channel may sell of a SKU now. `by_node`: what each node open to it could give, before its limits.

    `own` and `shared`: units set aside for the channel, and those nobody set aside; None where the SKU is not allotted.
    """

    quantity: int
    by_node: Mapping[UUID, int] = field(default_factory=dict)
    own: int | None = None
    shared: int | None = None
    safety: int = 0
    awaiting: int = 0


def offer(
    shelves: Shelves,
    *,
    channel_id: UUID,
    sku: str,
    open_nodes: Collection[UUID],
    components: Mapping[str, int] | None = None,
    awaiting: Mapping[str, int] | None = None,
) -> Offer:
    """What the channel may publish of a SKU, or of a kit: the scarcest component decides, node by node.

    `awaiting`: units by SKU of orders accepted and not yet supplied, which come first.
    """
    awaiting = awaiting or {}
    if not components:
        return _simple(shelves, channel_id, sku, open_nodes, awaiting.get(sku, 0))
    parts = {c: _simple(shelves, channel_id, c, open_nodes, awaiting.get(c, 0)) for c in components}
    nodes = set.intersection(*({n for n, units in part.by_node.items() if units} for part in parts.values()))
    by_node = {
        n: units
        for n in sorted(nodes)
        if (units := kits_available(components, {c: part.by_node[n] for c, part in parts.items()}))
    }
    within = kits_available(components, {c: part.quantity for c, part in parts.items()})
    return Offer(min(sum(by_node.values()), within), by_node)


def _simple(
    shelves: Shelves, channel_id: UUID, sku: str, open_nodes: Collection[UUID], awaiting: int
) -> Offer:
    by_node = {n: shelves.for_channel(n, sku, channel_id) for n in shelves.nodes(sku) if n in open_nodes}
    own = shared = None
    if allotted := tuple(shelves.limits.allotted(sku)):
        left = unused(allotted, shelves.atp(sku))
        own, shared = left.get(channel_id, 0), shelves.atp(sku) - sum(left.values())
    return Offer(
        quantity=max(0, shelves.allowance(channel_id, sku, open_nodes) - awaiting),
        by_node=by_node,
        own=own,
        shared=shared,
        safety=shelves.limits.safety(channel_id, sku),
        awaiting=awaiting,
    )


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
