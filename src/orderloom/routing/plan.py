"""The cheapest way to ship an order that keeps its promise (pure): node, split, cartons and service together.

Depth-first over the lines, the most constrained first; each line goes whole to a node that has it, and is divided
only where no node has enough. A node's part is priced by packing its units for real and shopping every service the
node may use, at the day its cut-off and calendar allow. Branches that already cost as much as the best plan are cut,
which takes for granted that more units never cost less. The effort is counted, so a replay gives the same answer; a
search that runs out of it says so. A later planner replaces this by an exact one with bounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nsmallest
from itertools import combinations
from typing import Any

from orderloom.delivery.promise import ship_date
from orderloom.network.calendar import NeverWorks
from orderloom.network.model import Node
from orderloom.network.places import kilometres
from orderloom.packing.cartonize import whole
from orderloom.packing.model import Parcel as Packed
from orderloom.routing.model import Decision, Part, Plan, Request, Source, Want
from orderloom.shipping.model import Ineligible, Parcel, Place
from orderloom.shipping.select import quote, select
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Quantities

# A line is divided over so many node combinations at most: they are tried nearest first.
_DIVISIONS_MAX = 40
# Cartons are tried less hard than at the pack station: a plan needs their number and sizes, not the last centimetre.
_PACKING_EFFORT = 2_000


def plan(request: Request) -> Decision:
    """Decide. Units that no node can supply are left out and named; nothing feasible is an answer with reasons."""
    search = _Search(request)
    wants, uncovered = search.coverable()
    if request.policy.ship_complete and uncovered:
        wants = []
    if wants:
        search.run(wants)
    best, second = search.best, search.second
    if best is None:
        outcome = "unroutable" if wants else "backorder"
    elif uncovered:
        outcome = "partial"
    else:
        outcome = "split" if len(best.parts) > 1 else "routed"
    return Decision(
        outcome=outcome,
        plan=best,
        runner_up=second,
        uncovered=uncovered,
        candidates=tuple(search.verdicts(wants)),
        flips=tuple(_flips(best, second)),
        effort={"spent": search.spent, "limit": request.policy.effort, "complete": not search.exhausted},
        request=request,
    )


class _Search:
    """One search: the best plan and the next best so far, and everything priced on the way."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._place = Place.of(request.destination)
        self._open, self._out = _screen(request)
        self._parts: dict[tuple[str, tuple[tuple[str, int], ...]], Part | str] = {}
        self._packed: dict[tuple[tuple[str, int], ...], tuple[Packed, ...]] = {}
        self._articles = {want.sku: want.article for want in request.wants}
        self._carton_costs = {carton.code: carton.cost for carton in request.cartons}
        self._lanes: dict[str, _Lane] = {}
        self._found: dict[frozenset[str], Plan] = {}
        self.best: Plan | None = None
        self.second: Plan | None = None
        self.spent = 0
        self.exhausted = False

    # --- what can be covered at all ---------------------------------------------------------------------------

    def coverable(self) -> tuple[list[Want], dict[str, int]]:
        """The wants cut down to what all open nodes together have, and the units nobody has, by line."""
        left: dict[tuple[str, str], int] = {
            (code, sku): units
            for code, source in self._open.items()
            for sku, units in source.available.items()
        }
        wants: list[Want] = []
        uncovered: dict[str, int] = {}
        for want in self._request.wants:
            missing = want.quantity
            for code in [want.fixed_node] if want.fixed_node else list(self._open):
                taken = min(missing, left.get((code, want.sku), 0))
                if taken:
                    left[code, want.sku] -= taken
                    missing -= taken
            if missing:
                uncovered[want.key] = missing
            if missing < want.quantity:
                wants.append(replace(want, quantity=want.quantity - missing))
        return wants, uncovered

    # --- the search -------------------------------------------------------------------------------------------

    def run(self, wants: Sequence[Want]) -> None:
        """Find the best and the second-best plan within the effort."""
        options = {want.key: len(self._holders(want)) for want in wants}
        self._dive(sorted(wants, key=lambda want: (options[want.key], want.key)), {}, defaultdict(int))

    def _dive(
        self,
        wants: Sequence[Want],
        held: Mapping[str, Mapping[str, int]],
        used: Mapping[tuple[str, str], int],
    ) -> None:
        parts = [self._part(code, units) for code, units in sorted(held.items())]
        feasible = [part for part in parts if isinstance(part, Part)]
        if len(feasible) < len(parts) or self._hopeless(feasible):
            return
        if not wants:
            self._keep(Plan(parts=tuple(feasible)))
            return
        want, rest = wants[0], wants[1:]
        for share in self._shares(want, held, used):
            # Some plan is always found first: an answer that is not the best beats none.
            if self.best is not None and self.spent >= self._request.policy.effort:
                self.exhausted = True
                return
            grown = {code: dict(units) for code, units in held.items()}
            spent = dict(used)
            for code, units in share:
                grown.setdefault(code, {})[want.key] = units
                spent[code, want.sku] = spent.get((code, want.sku), 0) + units
            if len(grown) <= self._request.policy.max_shipments:
                self._dive(rest, grown, spent)

    def _hopeless(self, parts: Sequence[Part]) -> bool:
        """Whether no completion can beat the second best: lateness and cost only grow."""
        if self.second is None:
            return False
        late = any(part.late for part in parts)
        if self.second.late:
            return False
        return late or sum(part.cost for part in parts) > self.second.cost

    def _keep(self, found: Plan) -> None:
        """Keep the best plan of each set of nodes: the runner-up is to be another way, not the same one re-cut."""
        nodes = frozenset(part.node.code for part in found.parts)
        if nodes not in self._found or found.order < self._found[nodes].order:
            self._found[nodes] = found
            ranked = nsmallest(2, self._found.values(), key=lambda plan: plan.order)
            self.best, self.second = ranked[0], ranked[1] if len(ranked) > 1 else None

    def _holders(self, want: Want) -> list[str]:
        codes = [want.fixed_node] if want.fixed_node else list(self._open)
        return [code for code in codes if code in self._open and self._open[code].available.get(want.sku, 0)]

    def _shares(
        self, want: Want, held: Mapping[str, Any], used: Mapping[tuple[str, str], int]
    ) -> Iterator[tuple[tuple[str, int], ...]]:
        """Ways to supply one line: whole from a node, those already shipping first; else divided over few nodes."""
        free = {
            code: units
            for code in self._holders(want)
            if (units := self._open[code].available[want.sku] - used.get((code, want.sku), 0)) > 0
        }
        whole = [code for code, units in free.items() if units >= want.quantity]
        if whole:
            yield from (((code, want.quantity),) for code in sorted(whole, key=lambda code: code not in held))
            return
        tried = 0
        for size in range(2, len(free) + 1):
            for group in combinations(free, size):
                if sum(free[code] for code in group) >= want.quantity:
                    yield _divided(want.quantity, group, free)
                    tried += 1
                if tried >= _DIVISIONS_MAX:
                    return
            if tried:
                return

    # --- pricing ----------------------------------------------------------------------------------------------

    def _part(self, code: str, units: Mapping[str, int]) -> Part | str:
        key = (code, tuple(sorted(units.items())))
        if key not in self._parts:
            self._parts[key] = self._price(self._open[code], dict(units))
        return self._parts[key]

    def _price(self, source: Source, units: dict[str, int]) -> Part | str:
        """What it costs to ship these units from the node, or why it cannot."""
        packed = self._pack(units)
        parcels = [Parcel.of(dimensions=p.outer, weight_g=p.weight_g, hazmat=self._hazmat(p)) for p in packed]
        lane = self._lane(source.node)
        self.spent += len(lane.leaves) * len(parcels)
        quotes = [
            quote(
                contract=tariff,
                service=service,
                parcels=parcels,
                origin=lane.origin,
                destination=self._place,
                ship_on=leaves.date(),
                trace=False,
            )
            for tariff, service, leaves in lane.leaves
        ]
        chosen = select(quotes=[*quotes, *lane.closed], promise_at=self._request.promise_at)
        if chosen.chosen is None:
            reasons = sorted({reason for one in chosen.rejected for reason in one.reasons})
            return "no service carries it: " + ("; ".join(reasons[:4]) if reasons else "there is no contract")
        return Part(
            node=source.node,
            units=units,
            parcels=packed,
            quote=chosen.chosen,
            ship_by=lane.ship_by[chosen.chosen.carrier, chosen.chosen.service],
            late=chosen.late,
            carton_cost=sum(self._carton_costs.get(parcel.carton or "", 0) for parcel in packed),
            pick_cost=source.node.pick_cost + source.node.unit_cost * sum(units.values()),
        )

    def _lane(self, node: Node) -> _Lane:
        """The services the node may use and when each leaves: the same for all units, so worked out once."""
        if node.code not in self._lanes:
            self._lanes[node.code] = _lane(node, self._request)
        return self._lanes[node.code]

    def _hazmat(self, parcel: Packed) -> bool:
        return any(self._articles[sku].hazmat_class for sku in parcel.contents)

    def _pack(self, units: Mapping[str, int]) -> tuple[Packed, ...]:
        by_key = {want.key: want.sku for want in self._request.wants}
        content = Quantities((by_key[key], count) for key, count in units.items())
        key = tuple(sorted(content.items()))
        if key not in self._packed:
            articles = [replace(self._articles[sku], quantity=count) for sku, count in key]
            packing = whole(articles, self._request.cartons, effort=_PACKING_EFFORT)
            self.spent += packing.effort + 1
            self._packed[key] = packing.parcels
        return self._packed[key]

    # --- evidence ---------------------------------------------------------------------------------------------

    def verdicts(self, wants: Sequence[Want]) -> Iterator[dict[str, Any]]:
        """Every node that was looked at, what it could give, and what became of it."""
        chosen = {part.node.code: part for part in self.best.parts} if self.best else {}
        for source in self._request.sources:
            code = source.node.code
            covers = source.available & Quantities((want.sku, want.quantity) for want in wants)
            reasons, part = self._why(code, wants)
            yield {
                "node": code,
                "name": source.node.name,
                "latitude": source.node.latitude,
                "longitude": source.node.longitude,
                "covers": dict(covers),
                "verdict": "chosen" if code in chosen else "refused" if reasons else "considered",
                "reasons": reasons,
                "cost": chosen[code].cost if code in chosen else part.cost if part else None,
                "arrives": (p.quote.arrives_on.isoformat() if (p := chosen.get(code) or part) else None),
            }

    def _why(self, code: str, wants: Sequence[Want]) -> tuple[list[str], Part | None]:
        """Reasons against a node, and its part for the whole order where it could ship that alone."""
        if code in self._out:
            return [self._out[code]], None
        available = self._open[code].available
        missing = [want.sku for want in wants if available.get(want.sku, 0) < want.quantity]
        if len(missing) == len(wants):
            return ["has none of it" if not available else "has not enough of anything"], None
        if missing:
            return [], None
        part = self._part(code, {want.key: want.quantity for want in wants})
        if isinstance(part, str):
            return [part], None
        return (["cannot keep the promise"] if part.late and self.best and not self.best.late else []), part


def _screen(request: Request) -> tuple[dict[str, Source], dict[str, str]]:
    """Sources that may be used, nearest first, and why the others may not."""
    hazmat = any(want.article.hazmat_class for want in request.wants)
    out: dict[str, str] = {}
    open_: list[Source] = []
    for source in request.sources:
        node = source.node
        if source.refused:
            out[node.code] = source.refused
        elif not node.active:
            out[node.code] = "the node is not active"
        elif hazmat and not node.ships_hazmat:
            out[node.code] = "does not ship dangerous goods"
        elif source.full:
            out[node.code] = "its capacity for the day is used up"
        elif not source.available:
            out[node.code] = "has none of it"
        else:
            open_.append(source)
    open_.sort(key=lambda source: (_distance(source, request), source.node.code))
    fixed = {want.fixed_node for want in request.wants}
    near = [s for i, s in enumerate(open_) if i < request.policy.nearest or s.node.code in fixed]
    kept = {source.node.code for source in near}
    for source in open_:
        if source.node.code not in kept:
            out[source.node.code] = f"beyond the {request.policy.nearest} nearest nodes that have some of it"
    return {source.node.code: source for source in near}, out


def _distance(source: Source, request: Request) -> float:
    node, to = source.node, request.destination
    if None in (node.latitude, node.longitude, to.latitude, to.longitude):
        return float("inf")
    assert node.latitude is not None and node.longitude is not None  # noqa: S101, PT018 - told mypy just above
    assert to.latitude is not None and to.longitude is not None  # noqa: S101, PT018
    return kilometres((node.latitude, node.longitude), (to.latitude, to.longitude))


@dataclass(frozen=True, slots=True)
class _Lane:
    """A node's way to the buyer: the services it may use with their cut-offs, and those it may not, with why."""

    origin: Place
    leaves: tuple[tuple[Tariff, str, datetime], ...]
    ship_by: Mapping[tuple[str, str], datetime]
    closed: tuple[Ineligible, ...]


def _lane(node: Node, request: Request) -> _Lane:
    allowed = None if node.services is None else set(node.services)
    leaves: list[tuple[Tariff, str, datetime]] = []
    closed: list[Ineligible] = []
    for tariff in request.tariffs:
        for service in tariff.services:
            if allowed is not None and not {service, f"{tariff.carrier}/{service}"} & allowed:
                closed.append(
                    Ineligible(tariff.carrier, service, ("the node does not ship by this service",))
                )
                continue
            try:
                at = ship_date(node=node, carrier=tariff.carrier, service=service, now=request.now)
            except NeverWorks as never:
                closed.append(Ineligible(tariff.carrier, service, (str(never),)))
            else:
                leaves.append((tariff, service, at))
    origin = Place.of(replace(node.address, latitude=node.latitude, longitude=node.longitude))
    ship_by = {(tariff.carrier, service): at for tariff, service, at in leaves}
    return _Lane(origin, tuple(leaves), ship_by, tuple(closed))


def _divided(quantity: int, group: Sequence[str], free: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """The nodes with most give first, so that the last one ships the smallest rest."""
    shares: list[tuple[str, int]] = []
    for code in sorted(group, key=lambda code: (-free[code], code)):
        taken = min(quantity, free[code])
        if taken:
            shares.append((code, taken))
            quantity -= taken
    return tuple(shares)


def _flips(best: Plan | None, second: Plan | None) -> Iterator[dict[str, Any]]:
    """The smallest change of price that would have made the runner-up win."""
    if best is None or second is None or best.late != second.late:
        return
    more = second.cost - best.cost + 1
    nodes = ", ".join(sorted({part.node.code for part in second.parts}))
    yield {
        "change": f"shipping from {nodes} cheaper by {more}, or the chosen plan dearer by as much",
        "amount": more,
    }
