"""Questions answered (pure): each kind of decision as the record it would leave, `kind, outcome, request, answer`.

`request` is the question as it was decided, moment and promise filled in; with the same world it gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, assert_never

from orderloom.delivery.promise import UnknownServiceLevel, policy_promise
from orderloom.delivery.transit import CONFIDENCE, Assured
from orderloom.network.calendar import zone
from orderloom.network.model import Node
from orderloom.network.places import located, positioned
from orderloom.orders.model import Fault
from orderloom.packing.cartonize import PLANNED_EFFORT, cartonize
from orderloom.packing.landed import UNSHIPPABLE, Landed, Price
from orderloom.packing.model import Article
from orderloom.routing import following
from orderloom.routing.carriage import asked_by
from orderloom.routing.explaining import explained
from orderloom.routing.model import Asker, Policy, Request, Source, Want
from orderloom.routing.questions import (
    PACK_EFFORT,
    PackQuestion,
    PromiseQuestion,
    Question,
    RateQuestion,
    RouteQuestion,
    moment,
)
from orderloom.routing.soonest import Lanes, Soonest, closed, handover, priced, soonest
from orderloom.routing.world import Leaf, Unanswerable, World, articles_of, leaves, with_given
from orderloom.shipping.model import Asked, Ineligible, Parcel, Place, Quote
from orderloom.shipping.select import quote_all, select
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address, Quantities


def decide(question: Question, *, present: World, now: datetime) -> dict[str, Any]:
    """The decision record. Raises Unanswerable, with all faults, when the question cannot be answered as it stands."""
    world = with_given(question, present)
    at = moment(question, now)
    match question:
        case RouteQuestion():
            return _route(question, world, at)
        case PackQuestion():
            return _pack(question, world, at)
        case RateQuestion():
            return _rate(question, world, at)
        case PromiseQuestion():
            return _promise(question, world, at)
        case _:
            assert_never(question)


def _record(kind: str, outcome: str, at: datetime, request: Any, answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "outcome": outcome,
        "decided_as_of": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "request": request,
        "answer": answer,
    }


# --- route ----------------------------------------------------------------------------------------------------


def _route(question: RouteQuestion, world: World, at: datetime) -> dict[str, Any]:
    wanted = leaves(question.lines, world)
    sourcing = world.sourcing if question.policy is None else None
    asker = Asker(
        channel=question.channel,
        service_level=question.service_level,
        priority=question.priority,
        tags=question.tags,
    )
    request = Request(
        wants=tuple(
            Want(key=leaf.key, article=leaf.article, quantity=leaf.quantity, fixed_node=leaf.node)
            for leaf in wanted
        ),
        sources=world.sources,
        destination=positioned(question.ship_to.address),
        tariffs=world.tariffs,
        cartons=world.cartons,
        now=at,
        promise_at=_promised(question, world, at),
        policy=_policy(question, world),
        value=question.value,
        order=asker if sourcing else None,
        assured=Assured(world.learnt, world.channel.promise_confidence if world.channel else CONFIDENCE),
        packing=world.packing,
    )
    decision = following.decide(request, sourcing)
    answer = decision.json()
    told = explained(decision.request, answer)
    return _record("route", decision.outcome, at, request.json(), {**answer, **told.json()})


def _policy(question: RouteQuestion, world: World) -> Policy:
    if question.policy is not None:
        return Policy(**question.policy.model_dump())
    return Policy.of(world.channel.split_policy if world.channel else {})


def _promised(question: RouteQuestion, world: World, at: datetime) -> datetime | None:
    """The promise asked for, else the channel's, as a moment of the buyer's day."""
    promise_at, channel = question.promise_at, world.channel
    if promise_at is None and channel is not None:
        try:
            promise_at = policy_promise(
                placed_at=at,
                service_level=question.service_level,
                promise_days=channel.promise_days,
                time_zone=channel.time_zone,
            )
        except UnknownServiceLevel as unknown:
            raise Unanswerable([Fault("/service_level", "unknown_value", str(unknown))]) from None
    if promise_at is None:
        return None
    return promise_at.astimezone(
        zone(_zone_of(question.ship_to.address, channel.time_zone if channel else "UTC"))
    )


def _zone_of(address: Address, otherwise: str) -> str:
    found = located(address)
    return found.time_zone if found else otherwise


# --- pack -----------------------------------------------------------------------------------------------------


def _pack(question: PackQuestion, world: World, at: datetime) -> dict[str, Any]:
    goods = articles_of(leaves(question.lines, world))
    effort = question.effort or (PACK_EFFORT if question.ship_to is None else PLANNED_EFFORT)
    cheapest = _cheapest(question, world, goods, at, effort)
    rules = world.packing.rules
    found = (
        cartonize(goods, world.cartons, keep_flat=question.keep_flat, effort=effort, rules=rules)
        if cheapest is None
        else cheapest[0].plan
    )
    outcome = "packed" if not found.unpackable else "partial" if found.parcels else "unpackable"
    request = {
        "articles": [article.json() for article in goods],
        "cartons": [carton.json() for carton in world.cartons],
        "keep_flat": question.keep_flat,
        "effort": effort,
        "rules": rules.json(),
    }
    answer = found.json()
    if cheapest is not None:
        landed, carrier, service = cheapest
        request |= question.model_dump(
            mode="json", exclude_none=True, include={"ship_to", "ship_from", "node", "service"}
        )
        request["rules"] = world.packing.json()
        request["contracts"] = [{"carrier": t.carrier, "version": t.version} for t in world.tariffs]
        answer["landed"] = {
            "carrier": carrier,
            "service": service,
            "cost": landed.cost,
            "fewest_cartons_cost": landed.fewest_boxes_cost,
            "lower_bound": landed.lower_bound,
        }
    return _record("pack", outcome, at, request, answer)


def _cheapest(
    question: PackQuestion, world: World, goods: Sequence[Article], at: datetime, effort: int
) -> tuple[Landed, str, str] | None:
    """At the least landed cost by whichever service brings it; None where the house does not pack so, or none does."""
    if question.ship_to is None:
        return None
    landing = world.packing.landing(goods, world.cartons, effort=effort, keep_flat=question.keep_flat)
    if landing is None:
        return None
    found = [
        (one, tariff.carrier, service)
        for tariff, service, price in _carriage(question, question.ship_to.address, world, at)
        if (one := landing.least(price)).cost < UNSHIPPABLE
    ]
    return min(found, key=lambda one: (one[0].cost, one[1], one[2]), default=None)


def _carriage(
    question: PackQuestion, to: Address, world: World, at: datetime
) -> Iterator[tuple[Tariff, str, Price]]:
    """The services that go there, and what each asks: from a node at its next handover, else on the day asked about."""
    node = _origin(question, world)
    address = _from(question, node)
    origin, destination = Place.of(address), Place.of(positioned(to))
    today = at.astimezone(zone(_zone_of(address, "UTC"))).date()
    for tariff in world.tariffs:
        for service in tariff.services:
            if question.service not in {None, service, f"{tariff.carrier}/{service}"}:
                continue
            leaves = handover(node, tariff.carrier, service, at) if node else None
            if not isinstance(leaves, Ineligible):
                yield (
                    tariff,
                    service,
                    asked_by(
                        contract=tariff,
                        service=service,
                        origin=origin,
                        destination=destination,
                        ship_on=leaves.date() if leaves else today,
                    ),
                )


# --- rate -----------------------------------------------------------------------------------------------------


def _rate(question: RateQuestion, world: World, at: datetime) -> dict[str, Any]:
    node = _origin(question, world)
    parcels = [_parcel(parcel) for parcel in question.parcels]
    to = positioned(question.ship_to.address)
    lanes = Lanes(destination=to, tariffs=world.tariffs, cartons=(), now=at, time_zone=_zone_of(to, "UTC"))
    quotes = _quotes(question, node, parcels, lanes)
    promise_at = question.promise_at.astimezone(zone(lanes.time_zone)) if question.promise_at else None
    chosen = select(quotes=quotes, promise_at=promise_at, quota=world.quota)
    outcome = "ineligible" if chosen.chosen is None else "late" if chosen.late else "chosen"
    ranked = sorted(
        (one for one in quotes if isinstance(one, Quote)),
        key=lambda one: (one.cost, one.arrives_on, one.carrier, one.service),
    )
    request = question.model_dump(mode="json", exclude_none=True, exclude={"contracts", "nodes"})
    request["contracts"] = [{"carrier": t.carrier, "version": t.version} for t in world.tariffs]
    currency = chosen.chosen.currency if chosen.chosen else None
    answer = {"currency": currency, "quotes": [one.json() for one in ranked], **chosen.json()}
    return _record("rate", outcome, at, request, answer)


def _origin(question: RateQuestion | PackQuestion, world: World) -> Node | None:
    if (question.node is None) == (question.ship_from is None):
        raise Unanswerable([Fault("/ship_from", "one_of", "give either `ship_from` or `node`")])
    if question.node is None:
        return None
    for source in world.sources:
        if source.node.code == question.node:
            return source.node
    raise Unanswerable([Fault("/node", "unknown_node", f"no node {question.node!r}")])


def _from(question: RateQuestion | PackQuestion, node: Node | None) -> Address:
    if node is not None:
        return positioned(node.address, latitude=node.latitude, longitude=node.longitude)
    assert question.ship_from is not None  # noqa: S101 - `_origin` refused both and neither
    return positioned(question.ship_from.address)


def _parcel(parcel: Any) -> Parcel:
    length, width, height = parcel.size.measures
    return Parcel.given(
        length=length,
        width=width,
        height=height,
        weight=parcel.weight.measure,
        hazmat=parcel.hazmat,
        asked=Asked(parcel.declared_value, parcel.signature, parcel.saturday),
    )


def _quotes(
    question: RateQuestion, node: Node | None, parcels: Sequence[Parcel], lanes: Lanes
) -> list[Quote | Ineligible]:
    """One answer a service: from a node at its own next handover, else on one day for all."""
    address = _from(question, node)
    origin = Place.of(address)
    if node is None or question.ship_on is not None:
        here = node.time_zone if node else _zone_of(address, "UTC")
        quotes = quote_all(
            contracts=lanes.tariffs,
            parcels=parcels,
            origin=origin,
            destination=Place.of(lanes.destination),
            ship_on=question.ship_on or lanes.now.astimezone(zone(here)).date(),
        )
        return [one if node is None else closed(node, one.carrier, one.service) or one for one in quotes]
    found = [
        priced(node, tariff, service, lambda _: parcels, origin=origin, lanes=lanes, trace=True)
        for tariff in lanes.tariffs
        for service in tariff.services
    ]
    return [one if isinstance(one, Ineligible) else one[0] for one in found]


# --- promise --------------------------------------------------------------------------------------------------


def _promise(question: PromiseQuestion, world: World, at: datetime) -> dict[str, Any]:
    wanted = leaves(question.lines, world)
    to = positioned(question.ship_to.address)
    asked = question.confidence or (world.channel.promise_confidence if world.channel else CONFIDENCE)
    lanes = Lanes(
        destination=to,
        tariffs=world.tariffs,
        cartons=world.cartons,
        now=at,
        time_zone=_zone_of(to, world.channel.time_zone if world.channel else "UTC"),
        assured=Assured(world.learnt, asked),
        packing=world.packing,
    )
    together = soonest(wanted, world.sources, lanes)
    answer: dict[str, Any] = {
        "currency": next((tariff.currency for tariff in world.tariffs), None),
        "time_zone": lanes.time_zone,
        "confidence": asked,
        "learnt": world.learnt.version or None,
        **together.json(),
    }
    outcome = "promised"
    if not together.ways:
        apart = [_apart(leaf, world.sources, lanes) for leaf in wanted]
        answer["lines"] = apart
        outcome = "split" if all(one["promise_at"] for one in apart) else "short"
        answer["promise_at"] = max((one["promise_at"] or "" for one in apart), default="") or None
        if outcome == "short":
            answer["promise_at"] = None
    else:
        answer["promise_at"] = together.ways[0].promise_at.isoformat()
    request = question.model_dump(
        mode="json", exclude_none=True, exclude={"contracts", "nodes", "items", "cartons"}
    )
    request["nodes"] = [
        {"node": s.node.code, "version": s.node.version, "available": dict(s.available)}
        for s in world.sources
    ]
    request["contracts"] = [{"carrier": t.carrier, "version": t.version} for t in world.tariffs]
    return _record("promise", outcome, at, request, answer)


def _apart(leaf: Leaf, sources: Sequence[Source], lanes: Lanes) -> dict[str, Any]:
    """When one line is there whole though no node has all: its units from the nodes that bring them soonest."""
    left = leaf.quantity
    parts: list[dict[str, Any]] = []
    reach = [(source, _some(leaf, source, lanes)) for source in sources]
    for source, found in sorted(
        ((s, f) for s, f in reach if f is not None and f.ways), key=lambda pair: pair[1].ways[0].order
    ):
        taken = min(left, source.available.get(leaf.article.sku, 0))
        if taken:
            left -= taken
            parts.append({"quantity": taken, **found.ways[0].json()})
    return {
        "line": leaf.key,
        "sku": leaf.article.sku,
        "quantity": leaf.quantity,
        "missing": left,
        "promise_at": None if left else max(part["promise_at"] for part in parts),
        "parts": parts,
    }


def _some(leaf: Leaf, source: Source, lanes: Lanes) -> Soonest | None:
    """The ways for one node to bring as many of the line's units as it has."""
    has = (source.available & Quantities({leaf.article.sku: leaf.quantity})).units()
    return soonest([replace(leaf, quantity=has)], [source], lanes) if has else None
