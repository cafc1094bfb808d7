"""Why a plan and no other: every node's verdict, a sentence each on nodes, split, cartons and services, and what would
have flipped it (pure).

A record holds what was asked and what was decided; the rest follows from it, and is worked out when somebody reads it.
It explains the plan that was made, whatever would be planned today. Amounts stand in a sentence in minor units, and once
more beside it as `more`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from orderloom.network.model import NodeType
from orderloom.routing.flipping import flips
from orderloom.routing.lanes import World
from orderloom.routing.model import Request, Source
from orderloom.routing.scene import Scene, Shipment
from orderloom.routing.ways import Lane, Pack, Way

_UNDIVIDED = "has not everything, and the order may not be divided"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence each on what was chosen; every node that was looked at, what it could give, and what became of it; the
    smallest changes that would have led to another plan.
    """

    why: Sequence[Mapping[str, Any]]
    candidates: Sequence[Mapping[str, Any]]
    flips: Sequence[Mapping[str, Any]]

    def json(self) -> dict[str, Any]:
        """What it adds to the answer that it explains."""
        return {"why": list(self.why), "candidates": list(self.candidates), "flips": list(self.flips)}


def explained(request: Request, answer: Mapping[str, Any]) -> Explanation:
    """Explain the record's answer to the question as the router was asked it."""
    scene = Scene(request, answer)
    candidates = tuple(_verdicts(scene))
    if scene.best:
        why = tuple(_sentences(scene, candidates))
    else:
        why = ({"about": "outcome", "text": _why_none(scene, candidates)},)
    return Explanation(why=why, candidates=candidates, flips=tuple(flips(scene)))


# --- verdicts -------------------------------------------------------------------------------------------------


def _verdicts(scene: Scene) -> Iterator[dict[str, Any]]:
    chosen = {part.node.code: part for part in scene.best}
    for source in scene.request.sources:
        node = source.node
        covers = scene.covers(source)
        part = chosen.get(node.code)
        reasons: list[str] = []
        cost: int | None = None
        arrives: date | None = None
        if part is not None:
            cost, arrives = part.cost, part.due
        elif node.code in scene.out:
            reasons = [scene.out[node.code]]
        else:
            reasons, cost, arrives = _alone(scene, source, covers)
        yield {
            "node": node.code,
            "name": node.name,
            "latitude": node.latitude,
            "longitude": node.longitude,
            "covers": covers,
            "verdict": "chosen" if part is not None else "refused" if reasons else "considered",
            "reasons": reasons,
            "cost": cost,
            "arrives": arrives.isoformat() if arrives else None,
        }


def _alone(
    scene: Scene, source: Source, covers: Mapping[str, int]
) -> tuple[list[str], int | None, date | None]:
    """What speaks against a node, and what it would come to if it shipped everything."""
    if not covers:
        return ["has none of it"], None, None
    node = source.node
    lane = scene.lane(node)
    if not lane.kept and not scene.lane(node, until=date.max).later:
        return [_no_service(scene, source, packed=False)], None, None
    if not scene.covers_all(source):
        return _in_time(scene, lane) or _limited(scene, source, covers) or _torn(scene, covers), None, None
    alone = scene.alone(source, lane) or scene.alone(source, scene.lane(node, until=date.max))
    if alone is None:
        return [_no_service(scene, source, packed=True)], None, None
    reasons = (_in_time(scene, lane) if alone.chosen.late else []) or _limited(scene, source, covers)
    return reasons, alone.cost, alone.chosen.way.due


def _no_service(scene: Scene, source: Source, *, packed: bool) -> str:
    reach, origin = scene.reach, scene.origin(source.node)
    if not packed:
        told = sorted(set(scene.world.closures(origin, reach)))
    else:
        told = sorted(set(scene.world.refusals(origin, reach, scene.everything(source))))
    return "no service carries it: " + ("; ".join(told[:4]) or "there is no contract")


def _limited(scene: Scene, source: Source, covers: Mapping[str, int]) -> list[str]:
    """Which limit keeps the node out, or from all that it has where that is everything."""
    policy, fixed = scene.request.policy, {want.fixed_node for want in scene.request.wants}
    if source.node.type == NodeType.STORE:
        if policy.stores_most == 0:
            return ["a store may not ship this order"]
        most, units = policy.store_units_most, sum(covers.values())
        if most is not None and units > most and (most == 0 or covers == scene.calls):
            return [f"of {units} units a store may ship {most} at most"]
    if source.node.code not in fixed and (None not in fixed or (len(fixed) > 1 and covers == scene.calls)):
        return [f"bound to another node: {', '.join(sorted(code for code in fixed if code))}"]
    return []


def _torn(scene: Scene, covers: Mapping[str, int]) -> list[str]:
    """Where no plan was found, whether the node has too little for an order, or goods, that may not be divided."""
    if scene.best:
        return []
    if scene.request.shipments_most == 1:
        return [_UNDIVIDED]
    return [
        f"has not all of what must stay together: {', '.join(skus)}"
        for skus in scene.tied
        if any(covers.get(sku, 0) < scene.calls[sku] for sku in skus)
    ]


def _in_time(scene: Scene, lane: Lane) -> list[str]:
    return [] if lane.kept or scene.late else ["cannot keep the promise"]


# --- sentences ------------------------------------------------------------------------------------------------


def _why_none(scene: Scene, candidates: Sequence[Mapping[str, Any]]) -> str:
    """What stands in the way of any plan at all."""
    policy = scene.request.policy
    if scene.short and policy.ship_complete:
        return "it ships complete or not at all, and not everything is there"
    if not scene.calls:
        return "no node that may ship it has any of it"
    if all(one["verdict"] == "refused" and _UNDIVIDED not in one["reasons"] for one in candidates):
        return "every node is refused, each for its own reason"
    most = scene.request.shipments_most
    limits = [f"{most} shipments at most" if most > 1 else "one shipment"]
    if most < policy.max_shipments:
        limits = [f"one shipment, for its value is below {policy.split_from}"]
    if policy.stores_most is not None:
        limits.append(f"{policy.stores_most} stores at most")
    if policy.store_units_most is not None:
        limits.append(f"{policy.store_units_most} units of a store at most")
    return f"no plan brings everything within its limits: {', '.join(limits)}"


def _sentences(scene: Scene, candidates: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in scene.best:
        yield _why_node(scene, part)
    yield _why_split(scene, candidates)
    for part in scene.best:
        yield _why_carton(scene, part)
        yield _why_service(scene, part)


def _why_node(scene: Scene, part: Shipment) -> dict[str, Any]:
    code = part.node.code
    told: dict[str, Any] = {"about": "node", "node": code}
    if code in scene.without:
        more = scene.without[code] - scene.weighed
        others = f"the best plan without {code} costs {more} more"
        return {**told, "text": others if more else f"a plan without {code} costs no less", "more": more}
    if not scene.second:
        return {**told, "text": f"no plan was found without {code}"}
    return {**told, "text": f"no plan without {code} is better than the runner-up"}


def _why_split(scene: Scene, candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {"about": "split"}
    if len(scene.best) == 1:
        text = "one shipment: no division over several nodes costs less"
        return {**told, "text": text}
    whole = [
        (one["cost"], one["node"])
        for one in candidates
        if one["verdict"] == "considered" and one["cost"] is not None
    ]
    if not whole:
        return {**told, "text": f"{len(scene.best)} shipments: no node could ship everything in time"}
    cost, node = min(whole)
    more = cost - sum(part.cost for part in scene.best)
    text = f"{len(scene.best)} shipments: everything from {node} alone costs {more} more"
    return {**told, "text": text, "node": node, "more": more}


def _why_carton(scene: Scene, part: Shipment) -> dict[str, Any]:
    units = sum(part.units.values())
    pack = scene.pack_of(part)
    least = pack.least
    told: dict[str, Any] = {"about": "carton", "node": part.node.code, "parcels": part.parcels}
    if part.parcels > 1:
        fewest = (
            "fewer cannot hold it"
            if part.parcels == least
            else f"at least {least} {'is' if least == 1 else 'are'} needed"
        )
        if pack.landing and part.parcels > len(pack.parcels):
            fewest = f"{len(pack.parcels)} would hold it, and cost more"
        return {**told, "text": f"{part.parcels} parcels: {fewest}"}
    if part.carton is None:
        return {**told, "text": "it ships in its own packaging"}
    goods = "the unit" if units == 1 else f"all {units} units"
    if pack.landing:
        return {**told, "text": f"{part.carton} costs least for {goods} by {part.carrier} {part.service}"}
    return {**told, "text": f"{part.carton} is the smallest carton that takes {goods}"}


def _rivals(
    world: World, ways: Sequence[Way], pack: Pack, part: Shipment
) -> Iterator[tuple[int, tuple[date, str, str], Way]]:
    """The other services among these ways that take the units, by what they would count with the cartons."""
    for way in ways:
        if way.tie[2] != part.service or way.tie[1] != part.carrier:
            made = world.settled(way, pack)
            cost = world.carriage(way, made)
            if cost is not None:
                yield way.weighed(cost) + made.carton_cost, way.tie, way


def _why_service(scene: Scene, part: Shipment) -> dict[str, Any]:
    """Against the next cheapest in time, and against one that is cheaper and too late."""
    world, name = scene.world, f"{part.carrier} {part.service}"
    told: dict[str, Any] = {"about": "service", "node": part.node.code}
    if part.late:
        return {**told, "text": f"no service keeps the promise, and {name} comes soonest"}
    pack = scene.pack_of(part)
    lane = scene.lane(part.node, until=date.max)
    own = part.carriage + part.cartons - part.credit
    in_time = list(_rivals(world, lane.kept, pack, part))
    slower = [one for one in _rivals(world, lane.later, pack, part) if one[0] < own]
    text = f"{name} is the only service in time"
    if in_time:
        cost, _, way = min(in_time, key=lambda one: one[:2])
        told |= {"more": cost - own, "next": f"{way.service.tariff.carrier} {way.service.code}"}
        text = f"{name} is the cheapest in time: {told['next']} costs {told['more']} more"
    if slower:
        cost, _, way = min(slower, key=lambda one: one[:2])
        rival = f"{way.service.tariff.carrier} {way.service.code}"
        told["slower"] = {"service": rival, "less": own - cost, "arrives": way.due.isoformat()}
        text += f"; {rival} would cost {own - cost} less and arrive on {way.due.isoformat()}, too late"
    if part.credit:
        told["credit"] = part.credit
        text += f"; it counts {part.credit} cheaper, for {part.carrier} is owed shipments"
    return {**told, "text": text}
