"""The date an order is bound to (pure): by when services of its speed bring it from the nodes that keep its units.

Of these services the slowest that is due by the channel's days counts, so that routing may still take the cheapest; where
none is, the soonest: a channel's days that nothing keeps are not promised. A part that comes from each of several nodes
is there with the last. It is asked for every order at capture, so that what follows from node, destination and quarter of
an hour is remembered with routing's own lanes (`lanes.World`) and moves when contracts, nodes or what was learnt do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from orderloom.delivery.promise import end_of_day, path_between
from orderloom.delivery.transit import Assured, Learnt
from orderloom.network.calendar import zone
from orderloom.network.model import Node
from orderloom.network.places import located, positioned
from orderloom.routing.lanes import World, world_of
from orderloom.routing.ways import Lane, Origin, Reach, Way
from orderloom.shipping.model import NG, in_po_box
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address

# What channels call their speeds, by the levels of the services that are meant; any other speed means all of them.
TIERS: Mapping[str, frozenset[str]] = {
    "standard": frozenset({"economy", "ground", "local"}),
    "expedited": frozenset({"express"}),
    "overnight": frozenset({"overnight"}),
}
# Money is asked for and checks are made before anything is routed: the handover is that of the quarter's end.
_QUARTER_S = 900
_GRAM = NG["g"]


@dataclass(frozen=True)
class Bound:
    """One node's part of the promise: by which service, handed over and due when, and how surely kept.

    `order_by`: until when the same handover is promised, the cut-off less processing.
    """

    node: str
    carrier: str
    service: str
    order_by: datetime
    ship_by: datetime
    arrives_on: str
    due_on: str
    promise_at: datetime
    probability: float | None
    confidence: int
    learnt: int | None

    def json(self) -> dict[str, Any]:
        """The form on the wire and in the log: why it is this date."""
        return self._json

    @cached_property
    def _json(self) -> dict[str, Any]:
        return {
            "node": self.node,
            "carrier": self.carrier,
            "service": self.service,
            "order_by": self.order_by.isoformat(),
            "ship_by": self.ship_by.isoformat(),
            "arrives_on": self.arrives_on,
            "due_on": self.due_on,
            "promise_at": self.promise_at.isoformat(),
            "probability": self.probability,
            "confidence": self.confidence,
            "learnt": self.learnt,
        }


class Asked(NamedTuple):
    """What an order's date depends on beside its nodes. `at_most`: the channel's own days, as a moment."""

    to: Address
    level: str
    since: datetime
    at_most: datetime
    confidence: int
    hazmat: bool
    heaviest_g: int


class Dates:
    """The dates of some contracts and of what was learnt."""

    def __init__(self, tariffs: Sequence[Tariff], learnt: Learnt) -> None:
        self._tariffs, self._learnt = tuple(tariffs), learnt
        self._worlds: dict[int, World] = {}

    def bind(self, asked: Asked, nodes: Iterable[Node]) -> Bound | None:
        """The part that comes last; None where a node has no service that takes it there."""
        world = self._worlds.get(asked.confidence)
        if world is None:
            assured = Assured(self._learnt, asked.confidence)
            world = self._worlds[asked.confidence] = world_of(self._tariffs, (), assured)
        reach, time_zone = _reach(world, asked.to)
        last: Bound | None = None
        for node in nodes:
            part = _part(world, node, reach, time_zone, asked)
            if part is None:
                return None
            if last is None or part.promise_at > last.promise_at:
                last = part
        return last


def _reach(world: World, to: Address) -> tuple[Reach, str]:
    """The destination without the street, which few have in common."""
    key = (
        to.country,
        to.region,
        to.postcode,
        to.residential,
        to.latitude,
        to.longitude,
        in_po_box(to),
    )
    found: tuple[Reach, str] | None = world.remembered.get(key)
    if found is None:
        place = located(to)
        reach = world.reach(positioned(to))
        found = world.remembered[key] = (reach, place.time_zone if place else "UTC")
        world.kept += 1
    return found


def _part(world: World, node: Node, reach: Reach, time_zone: str, asked: Asked) -> Bound | None:
    quarter = -int(-asked.since.timestamp() // _QUARTER_S)
    [origin] = world.origins((node,), datetime.fromtimestamp(quarter * _QUARTER_S, UTC))
    [lane] = world.lanes((origin,), reach, None, None)
    key = (lane, asked.level)
    ways: tuple[Way, ...] | None = world.remembered.get(key)
    if ways is None:
        ways = world.remembered[key] = _meant(lane, asked.level)
        world.kept += 1
    at_most = asked.at_most.astimezone(zone(time_zone)).date()
    chosen: Way | None = None
    for way in ways:
        if (asked.hazmat and not way.service.terms.service.hazmat) or asked.heaviest_g * _GRAM > way.heaviest:
            continue
        if chosen is not None and way.due > at_most:
            break
        chosen = way
    if chosen is None or (asked.hazmat and not node.ships_hazmat):
        return None
    told = (node.id, node.version, chosen, reach.address.region, reach.address.country, time_zone)
    bound: Bound | None = world.remembered.get(told)
    if bound is None:
        bound = world.remembered[told] = _told(world, origin, reach, time_zone, chosen)
        world.kept += 1
    return bound


def _meant(lane: Lane, level: str) -> tuple[Way, ...]:
    """The ways of the order's speed, the soonest first; all where none of that speed goes there."""
    meant = TIERS.get(level)
    return tuple(way for way in lane.kept if meant and way.service.terms.level in meant) or lane.kept


def _told(world: World, origin: Origin, reach: Reach, time_zone: str, way: Way) -> Bound:
    node, leaves = origin.node, origin.leaves[way.service.number]
    assert leaves is not None  # noqa: S101 - a way without a handover is in no lane
    carrier, service, learnt = way.service.tariff.carrier, way.service.code, world.assured.learnt
    path = path_between(node=node, to=reach.address, carrier=carrier, service=service)
    chance = learnt.probability(path, (way.due - way.arrives).days)
    return Bound(
        node=node.code,
        carrier=carrier,
        service=service,
        order_by=_quarter_before(leaves.astimezone(UTC) - timedelta(hours=node.processing_hours)),
        ship_by=leaves,
        arrives_on=way.arrives.isoformat(),
        due_on=way.due.isoformat(),
        promise_at=end_of_day(way.due, time_zone=time_zone),
        probability=None if chance is None else round(chance, 3),
        confidence=world.assured.permille,
        learnt=learnt.version or None,
    )


def _quarter_before(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // _QUARTER_S * _QUARTER_S, UTC)
