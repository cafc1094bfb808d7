"""The cheapest way to ship an order that keeps its promise (pure): nodes, split, cartons, service and day together.

First what may ship at all is screened, each refusal with its reason. Then the nodes that reach the buyer in time are
searched for the least plan (`search.py`, by the costs of `pricing.py`). Where no plan is in time, the nearest day by
which everything can be there takes the promise's place. The effort is counted, so a replay gives the same answer; an
answer that the effort did not suffice to prove bears its bound and gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from orderloom.network.model import NodeType
from orderloom.network.places import kilometres
from orderloom.routing.lanes import World, world_of
from orderloom.routing.model import Decision, Part, Plan, Request, Source, Want
from orderloom.routing.pricing import Goods, Pricing
from orderloom.routing.search import Found, Question, Units
from orderloom.routing.seeking import Sought, sought
from orderloom.routing.tied import sought_together


def plan(request: Request) -> Decision:
    """Decide. Units that no node can supply are left out and named; nothing feasible is an answer with reasons."""
    world = world_of(request.tariffs, request.cartons, request.assured, request.closed, request.credits)
    open_, _ = screen(request)
    stage, answer, calls = _decided(request, open_, world)
    best = _plan(stage, answer.best, request) if answer.best else None
    second = _plan(stage, answer.second, request) if answer.second else None
    if best is None:
        outcome = "unroutable" if calls.wanted else "backorder"
    elif calls.uncovered:
        outcome = "partial"
    else:
        outcome = "split" if len(best.parts) > 1 else "routed"
    return Decision(
        outcome=outcome,
        plan=best,
        runner_up=second,
        uncovered=calls.uncovered,
        effort={
            "spent": answer.steps,
            "limit": request.policy.effort,
            "complete": answer.proven,
            "runner_up_proven": answer.second_proven,
        },
        bound=answer.floor if best else None,
        proven=answer.proven,
        request=request,
        without={stage.sources[at].node.code: found.cost for at, found in answer.without.items()},
    )


# --- what is called for ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Calls:
    """The units that are to be shipped: `bound` by node and SKU, `free` by SKU. The rest nobody has, by line."""

    free: Mapping[str, int]
    bound: Mapping[tuple[str, str], int]
    uncovered: Mapping[str, int]

    @property
    def wanted(self) -> bool:
        """Is there anything to ship?"""
        return bool(self.free or self.bound)


def _calls(wants: Sequence[Want], sources: Sequence[Source]) -> Calls:
    """What these sources have of the wants. Units that may come from one node alone are served first."""
    uncovered: dict[str, int] = {}
    bound: dict[tuple[str, str], int] = {}
    free: dict[str, int] = {}
    for want in wants:
        if want.fixed_node is not None:
            key = (want.fixed_node, want.sku)
            has = sum(s.available.get(want.sku, 0) for s in sources if s.node.code == want.fixed_node)
            taken = min(want.quantity, has - bound.get(key, 0))
            if taken:
                bound[key] = bound.get(key, 0) + taken
            if taken < want.quantity:
                uncovered[want.key] = want.quantity - taken
    left: dict[str, int] = {}
    for want in wants:
        if want.fixed_node is not None:
            continue
        sku = want.sku
        if sku not in left:
            left[sku] = sum([s.available.get(sku, 0) for s in sources])
            if bound:
                left[sku] -= sum(units for (_, one), units in bound.items() if one == sku)
        taken = min(want.quantity, left[sku])
        if taken:
            left[sku] -= taken
            free[sku] = free.get(sku, 0) + taken
        if taken < want.quantity:
            uncovered[want.key] = want.quantity - taken
    return Calls(free, bound, uncovered)


# --- the stages -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stage:
    """The nodes that reach the buyer in the time of the stage, priced."""

    pricing: Pricing
    goods: Goods
    sources: Sequence[Source]


def _decided(request: Request, open_: Sequence[Source], world: World) -> tuple[_Stage, Sought, Calls]:
    """The stage that has a plan, its answer, and what was called for; without a plan an empty answer."""
    articles = {want.sku: want.article for want in reversed(request.wants)}
    goods = Goods.of(articles, world)
    stage = _stage(request, open_, goods, world, until=None)
    calls = _calls(request.wants, stage.sources)
    last: _Stage | None = None
    if calls.uncovered:
        # Who comes too late still has what the others have not.
        last = _stage(request, open_, goods, world, until=date.max)
        calls = _calls(request.wants, last.sources)
        if not calls.wanted:
            # Where those who have it cannot ship it, that is what is wrong.
            calls = _calls(request.wants, open_)
            if calls.wanted and not (calls.uncovered and request.policy.ship_complete):
                return stage, Sought(), calls
    if not calls.wanted or (calls.uncovered and request.policy.ship_complete):
        return stage, Sought(), Calls({}, {}, calls.uncovered)
    answer = _searched(request, stage, calls)
    if answer.best is not None or request.promise_at is None:
        return stage, answer, calls
    last = last or _stage(request, open_, goods, world, until=date.max)
    for day in sorted({way.due for lane in last.pricing.lanes for way in lane.later}):
        later = _stage(request, open_, goods, world, until=day)
        answer = _searched(request, later, calls)
        if answer.best is not None:
            return later, answer, calls
    return stage, Sought(), calls


def _stage(
    request: Request, open_: Sequence[Source], goods: Goods, world: World, *, until: date | None
) -> _Stage:
    pricing = Pricing(request, open_, goods, world, until=until)
    near = [at for at in range(len(open_)) if pricing.reachable(at)]
    if len(near) < len(open_):
        pricing = pricing.only(near)
    return _Stage(pricing, goods, pricing.sources)


def _searched(request: Request, stage: _Stage, calls: Calls) -> Sought:
    policy, skus = request.policy, stage.goods.skus
    wanted = tuple([calls.free.get(sku, 0) for sku in skus])
    sources = stage.sources
    bound: list[Units] = [(0,) * len(skus)] * len(sources)
    if calls.bound:
        bound = [tuple([calls.bound.get((s.node.code, sku), 0) for sku in skus]) for s in sources]
        if sum(map(sum, bound)) < sum(calls.bound.values()):
            return Sought()
    each_most = policy.store_units_most
    stores: frozenset[int] = frozenset()
    if each_most is not None or policy.stores_most is not None:
        stores = frozenset(at for at, s in enumerate(sources) if s.node.type == NodeType.STORE)
    question = Question(
        wanted=wanted,
        stock=_stock(sources, skus, wanted, bound),
        bound=bound,
        most=request.shipments_most,
        units_most=()
        if each_most is None
        else [each_most if at in stores else None for at in range(len(sources))],
        counted=stores,
        counted_most=policy.stores_most,
    )
    if stage.goods.tied:
        return sought_together(question, stage.pricing, stage.goods.together, effort=policy.effort)
    return sought(question, stage.pricing, effort=policy.effort)


def _stock(
    sources: Sequence[Source], skus: Sequence[str], wanted: Units, bound: Sequence[Units]
) -> list[Units]:
    """By node what it can give of what is wanted, beyond what it ships in any case."""
    columns = []
    for item, (sku, most) in enumerate(zip(skus, wanted, strict=True)):
        left = [s.available.get(sku, 0) - mine[item] for s, mine in zip(sources, bound, strict=True)]
        columns.append([min(has, most) for has in left])
    return list(zip(*columns, strict=True))


# --- the plan -------------------------------------------------------------------------------------------------


def _plan(stage: _Stage, found: Found, request: Request) -> Plan:
    """The units back among the lines, those that ask for their node first."""
    skus = stage.goods.skus
    nodes = [stage.sources[node].node.code for node, _ in found.parts]
    left = [dict(zip(skus, units, strict=True)) for _, units in found.parts]
    lines: list[dict[str, int]] = [{} for _ in found.parts]
    for want in (
        sorted(request.wants, key=lambda want: want.fixed_node is None) if len(nodes) > 1 else request.wants
    ):
        missing = want.quantity
        places = [at for at, code in enumerate(nodes) if want.fixed_node in {None, code}]
        if len(places) > 1:
            # Whole from one node where that can be.
            places.sort(key=lambda at: left[at][want.sku] < missing)
        for at in places:
            units = min(missing, left[at][want.sku])
            if units:
                left[at][want.sku] -= units
                lines[at][want.key] = units
                missing -= units
    parts: list[Part] = [
        stage.pricing.made(node, units, lines[at]) for at, (node, units) in enumerate(found.parts)
    ]
    return Plan(parts=tuple(parts))


# --- who may ship at all --------------------------------------------------------------------------------------


def screen(request: Request) -> tuple[list[Source], dict[str, str]]:
    """Sources that may be used, by code, and why the others may not."""
    hazmat = any(want.article.hazmat_class for want in request.wants)
    policy = request.policy
    groups = None if policy.groups is None else set(policy.groups)
    types = None if policy.types is None else set(policy.types)
    out: dict[str, str] = {}
    open_: list[Source] = []
    for source in request.sources:
        node = source.node
        if source.refused:
            out[node.code] = source.refused
        elif not node.active:
            out[node.code] = "the node is not active"
        elif groups is not None and groups.isdisjoint(node.groups):
            out[node.code] = "is in none of the groups that may ship this order"
        elif types is not None and node.type not in types:
            out[node.code] = f"a {node.type.replace('_', ' ')} may not ship this order"
        elif hazmat and not node.ships_hazmat:
            out[node.code] = "does not ship dangerous goods"
        elif source.full:
            out[node.code] = "its capacity for the day is used up"
        elif not source.available:
            out[node.code] = "has none of it"
        else:
            open_.append(source)
    if len(open_) > policy.nearest:
        open_ = _nearest(open_, request, out)
    open_.sort(key=lambda source: source.node.code)
    return open_, out


def _nearest(open_: list[Source], request: Request, out: dict[str, str]) -> list[Source]:
    open_.sort(key=lambda source: (_distance(source, request), source.node.code))
    fixed = {want.fixed_node for want in request.wants}
    most = request.policy.nearest
    for source in open_[most:]:
        if source.node.code not in fixed:
            out[source.node.code] = f"beyond the {most} nearest nodes that have some of it"
    return [source for source in open_ if source.node.code not in out]


def _distance(source: Source, request: Request) -> float:
    node, to = source.node, request.destination
    if None in (node.latitude, node.longitude, to.latitude, to.longitude):
        return float("inf")
    assert node.latitude is not None and node.longitude is not None  # noqa: S101, PT018 - told mypy just above
    assert to.latitude is not None and to.longitude is not None  # noqa: S101, PT018
    return kilometres((node.latitude, node.longitude), (to.latitude, to.longitude))
