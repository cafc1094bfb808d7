"""Who is served first: stock that is free belongs to the orders that wait for it, by priority, then age.

Nobody behind them is given it, neither a new buyer nor a younger order; and when stock comes, those whom it can serve
are woken, however many wait. An order that cannot take units now (unpaid, paused, given up) holds up nobody: it is
served at its turn once it goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom import network
from orderloom.inventory import reading
from orderloom.inventory.allotting import Claimed
from orderloom.inventory.availability import Key, Shelves
from orderloom.inventory.expecting import shelves_of
from orderloom.journey.offering import open_to
from orderloom.orders.reading import fulfillments_of
from orderloom.orders.waiting import InLine, in_line, waited_for
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db

_SERVED_AT = frozenset({"reserve", "follow"})
_PAGE, _PAGES = 500, 40


@dataclass(frozen=True, slots=True)
class Claim:
    """Units at a node that belong to an order in line; a smaller `place` is served sooner."""

    order_id: UUID
    place: tuple[int, datetime, UUID]
    channel_id: UUID
    node_id: UUID
    sku: str
    units: int

    @property
    def priority(self) -> int:
        """The order's."""
        return -self.place[0]

    def add_to(self, claimed: Claimed) -> None:
        """Count it among what is claimed."""
        claimed.add(channel_id=self.channel_id, node_id=self.node_id, sku=self.sku, units=self.units)


@dataclass(frozen=True, slots=True)
class Line:
    """What of the free stock belongs to whom, in the order they are served; `passed` could not take theirs now."""

    claims: tuple[Claim, ...] = ()
    passed: tuple[UUID, ...] = ()


async def line_up(db: Db, *, shelves: Shelves, skus: Iterable[str], able: Collection[UUID] = ()) -> Line:
    """Hand the free stock on the shelves out along the line, in mind, until none is left.

    `able`: orders known to take units now, wherever their journey's row stands.
    """
    # Every capture comes by here, and mostly nobody waits: who does is asked before anything is reckoned.
    waited = await waited_for(db, skus=sorted(set(skus)))
    free = {
        (n, s): units for s in waited for n in shelves.nodes(s) if (units := shelves.to_promise(n, s)) > 0
    }
    if not free:
        return Line()
    serving = _Serving(shelves, free)
    after: InLine | None = None
    passed: list[UUID] = []
    for _ in range(_PAGES):
        skus_left, nodes_left = serving.left()
        page = (
            await in_line(db, skus=skus_left, nodes=nodes_left, after=after, limit=_PAGE) if skus_left else []
        )
        if not page:
            break
        allowed = await _allowed(db, page)
        going = await _going(db, page, able)
        for piece in page:
            if going.get(piece.order_id):
                serving.serve(piece, allowed(piece), allowed.open_to(piece.channel_id))
            elif piece.order_id in going:
                passed.append(piece.order_id)
        after = page[-1]
        if len(page) < _PAGE:
            break
    return Line(tuple(serving.claims), tuple(passed))


class Others:
    """The claims of orders left out of a set, as the set is gone through in the order it is served."""

    def __init__(self, line: Line, *, but: Collection[UUID]) -> None:
        self._left = iter([claim for claim in line.claims if claim.order_id not in but])
        self._next = next(self._left, None)
        self.claimed = Claimed()

    def ahead_of(self, place: tuple[int, datetime, UUID]) -> Claimed:
        """What belongs to those served before that place; places are asked in their order."""
        while self._next is not None and self._next.place < place:
            self._next.add_to(self.claimed)
            self._next = next(self._left, None)
        return self.claimed


def before_new(line: Line, *, priority: int) -> Claimed:
    """What an order just arriving with that priority may not have."""
    claimed = Claimed()
    for claim in line.claims:
        if claim.priority >= priority:
            claim.add_to(claimed)
    return claimed


async def wake_line(db: Db, *, skus: Collection[str]) -> None:
    """Wake the orders that what is free now of these SKUs can serve, and those passed over that are on their way."""
    if skus := await waited_for(db, skus=sorted(skus)):
        shelves = await shelves_of(db, skus=sorted(skus))
        line = await line_up(db, shelves=shelves, skus=skus)
        await journeys.wake(db, "order", sorted({*(c.order_id for c in line.claims), *line.passed}))


class _Serving:
    """Free units as they are handed out along the line."""

    def __init__(self, shelves: Shelves, free: dict[Key, int]) -> None:
        self._shelves = shelves
        self._free = free
        self._room: dict[tuple[UUID, str], int] = {}
        self._claimed = Claimed()
        self.claims: list[Claim] = []

    def left(self) -> tuple[list[str], list[UUID]]:
        """The SKUs and the nodes that still have free units."""
        keys = [key for key, units in self._free.items() if units]
        return sorted({sku for _, sku in keys}), sorted({node for node, _ in keys})

    def serve(self, piece: InLine, allowed: Collection[UUID], open_nodes: Collection[UUID]) -> None:
        """Give it what it may have: where most is, first. `open_nodes`: those of its channel."""
        wanted = min(piece.quantity, self._room_of(piece, open_nodes))
        keys = [k for k in self._free if k[1] == piece.sku and k[0] in allowed and self._free[k]]
        for key in sorted(keys, key=lambda k: (-self._free[k], k)):
            units = min(wanted, self._free[key])
            if units:
                self._free[key] -= units
                wanted -= units
                claim = Claim(piece.order_id, piece.place, piece.channel_id, key[0], piece.sku, units)
                claim.add_to(self._claimed)
                self.claims.append(claim)
                # One channel's claim may leave less of the shared pool to every other.
                self._room = {of: room for of, room in self._room.items() if of[1] != piece.sku}

    def _room_of(self, piece: InLine, open_nodes: Collection[UUID]) -> int:
        if not self._shelves.limits.bind(piece.channel_id, piece.sku):
            return piece.quantity
        key = (piece.channel_id, piece.sku)
        if key not in self._room:
            self._room[key] = self._shelves.allowance(*key, open_nodes, self._claimed)
        return self._room[key]


class _Allowed:
    """Which nodes may serve a waiting slice."""

    def __init__(
        self,
        by_channel: Mapping[UUID, set[UUID]],
        refusing: Mapping[UUID, set[UUID]],
        missed: Mapping[tuple[UUID, str], frozenset[UUID]],
    ) -> None:
        self._by_channel, self._refusing, self._missed = by_channel, refusing, missed

    def __call__(self, piece: InLine) -> Collection[UUID]:
        if piece.fixed_node_id:
            return (piece.fixed_node_id,)
        nodes = self._by_channel[piece.channel_id] - self._refusing.get(piece.order_id, set())
        return nodes - self._missed.get((piece.order_id, piece.sku), frozenset())

    def open_to(self, channel_id: UUID) -> Collection[UUID]:
        """The nodes open to a channel of the page."""
        return self._by_channel[channel_id]


async def _allowed(db: Db, page: Sequence[InLine]) -> _Allowed:
    orders = sorted({piece.order_id for piece in page})
    nodes = await network.nodes_of(db)
    channels = await network.channels_of(db, ids={piece.channel_id for piece in page})
    return _Allowed(
        {channel.id: open_to(channel, nodes) for channel in channels.values()},
        *await let_down(db, orders=orders),
    )


async def _going(db: Db, page: Sequence[InLine], able: Collection[UUID]) -> dict[UUID, bool]:
    """Of the orders that go on: whether they take what is theirs as soon as they are woken."""
    found = await journeys.look(db, sorted({piece.order_id for piece in page}))
    going = {
        s.subject_id: s.step in _SERVED_AT
        for s in found
        if s.journey == "order" and s.state in ("due", "waiting") and not s.undoing
    }
    return going | dict.fromkeys(able, True)


async def let_down(
    db: Db, *, orders: Sequence[UUID]
) -> tuple[dict[UUID, set[UUID]], dict[tuple[UUID, str], frozenset[UUID]]]:
    """Who has not served these orders before.

    By order the nodes that have rejected its work: it is routed again without them. By (order, SKU) those that did not
    find it: their count may be wrong, so others are asked first.
    """
    works = await fulfillments_of(db, orders=orders)
    refused: dict[UUID, set[UUID]] = defaultdict(set)
    for work in works.values():
        if work.request_status == "rejected":
            refused[work.order_id].add(work.node_id)
    missed: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    for work_id, node, sku in await reading.missed(db, works=list(works)) if works else ():
        missed[works[work_id].order_id, sku].add(node)
    return refused, {key: frozenset(nodes) for key, nodes in missed.items()}
