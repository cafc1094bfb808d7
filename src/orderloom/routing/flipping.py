"""The smallest changes that would have led to another plan: of a price, of stock, of the hour (pure).

Each is such that with it, all else unchanged, the plan would have been another: the price is the distance to the best
plan that does without a node, which the search has found; stock and hours are tried on one node at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from orderloom.delivery.promise import path_between
from orderloom.network.calendar import cutoff, local
from orderloom.routing.scene import Scene, Shipment
from orderloom.shipping.select import arrival

_NONE = "has none of it"


def flips(scene: Scene) -> Iterator[dict[str, Any]]:
    """One of each kind, where there is one."""
    if not scene.best:
        return
    yield from _price(scene)
    yield from _least("units", _more_stock(scene))
    yield from _least("units", _less_stock(scene))
    if not scene.late:
        yield from _least("minutes", _later_cutoff(scene))
        yield from _least("minutes", _later_order(scene))


def _least(measure: str, found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    every = sorted(found, key=lambda one: (one[measure], one["node"]))
    return iter(every[:1])


def _price(scene: Scene) -> Iterator[dict[str, Any]]:
    best, second = scene.best, scene.second
    if not second or scene.late != any(part.late for part in second):
        return
    others = {part.node.code for part in second}
    node = next((part.node.code for part in best if part.node.code not in others), None)
    if node is None:
        return
    more = sum(part.weighed for part in second) - scene.weighed + 1
    rivals = sorted(others - {part.node.code for part in best})
    together = " together" if len(rivals) > 1 else ""
    cheaper = f", or from {' and '.join(rivals)}{together} cheaper by as much" if rivals else ""
    yield {
        "kind": "price",
        "change": f"shipping from {node} dearer by {more}{cheaper}",
        "node": node,
        "amount": more,
    }


def _more_stock(scene: Scene) -> Iterator[dict[str, Any]]:
    """Units that a node lacks to ship everything for less than the plan."""
    if len(scene.best) == 1 and not scene.second and len(scene.request.sources) == 1:
        return
    for source in scene.request.sources:
        code = source.node.code
        if scene.covers_all(source) or scene.out.get(code, _NONE) != _NONE:
            continue
        missing = {
            sku: units - source.available.get(sku, 0)
            for sku, units in scene.calls.items()
            if units > source.available.get(sku, 0)
        }
        if len(missing) != 1 or scene.bound_elsewhere(code) or not missing.keys().isdisjoint(scene.short):
            continue
        alone = scene.alone(source, scene.lane(source.node))
        if alone is not None and alone.weighed < scene.weighed and not alone.chosen.late:
            [(sku, units)] = missing.items()
            yield {
                "kind": "stock",
                "change": f"{units} more of {sku} at {code}, which would then have shipped everything for less",
                "node": code,
                "sku": sku,
                "units": units,
                "saves": scene.weighed - alone.weighed,
            }


def _less_stock(scene: Scene) -> Iterator[dict[str, Any]]:
    """Units that a chosen node has to spare, and one more: without them the plan could not be."""
    sources = {source.node.code: source for source in scene.request.sources}
    for part in scene.best:
        code = part.node.code
        for sku, units in sorted(part.units.items()):
            fewer = sources[code].available.get(sku, 0) - units + 1
            yield {
                "kind": "stock",
                "change": f"{fewer} fewer of {sku} at {code}, which then could not have shipped its part",
                "node": code,
                "sku": sku,
                "units": fewer,
            }


def _later_cutoff(scene: Scene) -> Iterator[dict[str, Any]]:
    """How much later a node's cut-off had to be for it to hand everything over today, and to be the better one."""
    for source in scene.request.sources:
        node = source.node
        if node.code in scene.out or not scene.covers_all(source) or scene.bound_elsewhere(node.code):
            continue
        origin = scene.origin(node)
        stretched = scene.world.stretched(origin, scene.request.now)
        if stretched.days == origin.days:
            continue
        alone = scene.alone(source, scene.lane_from(stretched))
        if alone is None or alone.chosen.late or alone.weighed >= scene.weighed:
            continue
        service = alone.chosen.way.service
        until = cutoff(node, carrier=service.tariff.carrier, service=service.code)
        ready = local(node, scene.request.now + timedelta(hours=node.processing_hours))
        minutes = ready.hour * 60 + ready.minute + 1 - until.hour * 60 - until.minute
        if minutes > 0:
            yield {
                "kind": "cutoff",
                "change": f"a cut-off {_span(minutes)} later at {node.code} for {service.tariff.carrier} "
                f"{service.code}, which would then have shipped everything for less",
                "node": node.code,
                "carrier": service.tariff.carrier,
                "service": service.code,
                "minutes": minutes,
                "saves": scene.weighed - alone.weighed,
            }


def _later_order(scene: Scene) -> Iterator[dict[str, Any]]:
    """How much later the order could have been decided before a part misses its handover and with it the promise."""
    if scene.promised is None:
        return
    for part in scene.best:
        if _next_arrival_is_late(scene, part):
            spare = part.ship_by - scene.request.now - timedelta(hours=part.node.processing_hours)
            minutes = int(spare.total_seconds()) // 60 + 1
            yield {
                "kind": "hour",
                "change": f"deciding it {_span(minutes)} later: {part.node.code} would have handed it over on "
                f"another day, too late for {part.carrier} {part.service}",
                "node": part.node.code,
                "minutes": minutes,
            }


def _next_arrival_is_late(scene: Scene, part: Shipment) -> bool:
    request, origin = scene.request, scene.origin(part.node)
    contract = next(one for one in request.tariffs if one.carrier == part.carrier)
    leaves = origin.after(part.carrier, part.service, part.ship_by)
    if leaves is None:
        return True
    path = path_between(node=part.node, to=request.destination, carrier=part.carrier, service=part.service)
    due = arrival(
        contract=contract,
        service=part.service,
        zone=part.zone,
        ship_on=leaves.date(),
        slip=request.assured.slip(path),
        days=contract.legs.leg(part.service, origin.place, scene.reach.place).days,
    )
    return due is None or (scene.promised is not None and due > scene.promised)


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])])
