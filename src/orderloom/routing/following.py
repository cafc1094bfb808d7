"""An order decided by a sourcing profile (pure): the first rule it meets, its strategies in turn, the fall-back.

Each strategy is the order's own question with less allowed: nodes refused, units kept dearer, fewer services, an
earlier day, a narrower policy. The first that covers all units in time is the decision; without a profile, a rule or a
strategy that does, the question is answered as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from orderloom.network.calendar import zone
from orderloom.network.model import Node
from orderloom.network.places import located
from orderloom.routing.consolidating import weighed
from orderloom.routing.model import Asker, Decision, Request, Source, Sourced
from orderloom.routing.plan import plan
from orderloom.routing.profiles import Rule, Strategy, Version, because, misses, named

_POLICY = (
    "max_shipments", "split_from", "stores_most", "store_units_most", "nearest", "consolidate_day_cost",
)  # fmt: skip
_LAST_MOMENT = time(23, 59, 59)


def decide(request: Request, version: Version | None) -> Decision:
    """The decision, with the rule and strategy that led to it, and whether the order waits for its rest."""
    return weighed(_followed(request, version))


def _followed(request: Request, version: Version | None) -> Decision:
    """A plain plan where no profile is active."""
    if version is None:
        return plan(request)
    order = known(request)
    passed_over: list[dict[str, str]] = []
    for rule in version.profile.rules:
        missed = misses(rule.when, order)
        if missed is None:
            decision, told = _by(rule, request)
            told = {"because": because(rule.when, order), **told}
            return _sourced(decision, request, version, rule.name, passed_over, told)
        passed_over.append({"rule": rule.name, "for": missed})
    return _sourced(plan(request), request, version, None, passed_over, {})


def _sourced(
    decision: Decision,
    request: Request,
    version: Version,
    rule: str | None,
    passed_over: Sequence[Mapping[str, str]],
    told: Mapping[str, Any],
) -> Decision:
    head = {
        "profile": version.name,
        "version": version.number,
        "rule": rule,
        "passed_over": list(passed_over),
    }
    return replace(decision, sourced=Sourced(profile_id=version.id, asked=request, told={**head, **told}))


def put(asked: Request, version: Version | None, told: Mapping[str, Any] | None) -> Request:
    """The question as the router was asked it in the end: `told` is what the record says of the profile's rule."""
    rules = version.profile.rules if version and told else ()
    for rule in rules:
        if told and rule.name == told["rule"]:
            return _put(asked, rule, told)
    return asked


def _put(asked: Request, rule: Rule, told: Mapping[str, Any]) -> Request:
    for strategy in rule.strategies:
        if strategy.name == told["strategy"]:
            return posed(asked, rule, strategy)
    return _stopped(asked, rule) if told["otherwise"] == "stop" else asked


def known(request: Request) -> dict[str, Any]:
    """What rules read of an order, by the names of what they look at."""
    asker = request.order or Asker(channel=None, service_level="standard")
    to = request.destination
    articles = [want.article for want in request.wants]
    return {
        **asker.json(),
        "country": to.country,
        "region": to.region,
        "postcode": to.postcode,
        "residential": to.residential,
        "value": request.value,
        "skus": sorted({want.sku for want in request.wants}),
        "hazmat": any(article.hazmat_class for article in articles),
        "fragile": any(article.fragile for article in articles),
        "units": sum(want.quantity for want in request.wants),
        "weight_g": sum(want.quantity * want.article.weight_g for want in request.wants),
    }


# --- strategies -----------------------------------------------------------------------------------------------


def _by(rule: Rule, request: Request) -> tuple[Decision, dict[str, Any]]:
    """The rule's decision, and how it came about."""
    tried: list[dict[str, Any]] = []
    then = rule.then.model_dump(exclude_defaults=True)
    told: dict[str, Any] = {"strategies": tried, "strategy": None, "otherwise": None, "then": then}
    for strategy in rule.strategies:
        decision = plan(posed(request, rule, strategy))
        short = _falls_short(decision, strategy)
        cost = decision.plan.cost if decision.plan else None
        tried.append({"strategy": strategy.name, "outcome": decision.outcome, "cost": cost, "short": short})
        if short is None:
            return decision, {**told, "strategy": strategy.name}
    if rule.strategies and rule.otherwise == "stop":
        return plan(_stopped(request, rule)), {**told, "otherwise": "stop"}
    return plan(request), {**told, "otherwise": "channel"}


def _falls_short(decision: Decision, strategy: Strategy) -> str | None:
    """Why the next strategy is tried; None when this one covers the order."""
    if decision.plan is None or decision.uncovered:
        return "it does not cover all units"
    if decision.plan.late and not strategy.may_be_late:
        return "it is late"
    return None


def posed(request: Request, rule: Rule, strategy: Strategy) -> Request:
    """The order's question as the strategy puts it."""
    given = {name: getattr(strategy, name) for name in _POLICY if getattr(strategy, name) is not None}
    complete = request.policy.ship_complete or bool(strategy.ship_complete)
    why = f"left out by the strategy {strategy.name!r} of the rule {rule.name!r}"
    return replace(
        request,
        sources=tuple([_source(source, strategy, why) for source in request.sources]),
        policy=replace(request.policy, ship_complete=complete, **given),
        promise_at=_promise(request, strategy.within_days),
    )


def _stopped(request: Request, rule: Rule) -> Request:
    why = f"no strategy of the rule {rule.name!r} covers the order"
    sources = tuple([replace(s, refused=s.refused or why) for s in request.sources])
    return replace(request, sources=sources)


def _source(source: Source, strategy: Strategy, why: str) -> Source:
    node = source.node
    about: dict[str, Any] = {"code": node.code, "groups": node.groups, "kind": node.type}
    left_out = (strategy.only is not None and not named(strategy.only, **about)) or (
        strategy.never is not None and named(strategy.never, **about)
    )
    if left_out:
        return replace(source, refused=source.refused or why)
    dearer = sum(one.a_unit for one in strategy.handicaps if named(one, **about))
    scarcity = (
        {sku: source.scarcity.get(sku, 0) + dearer for sku in source.available} if dearer else source.scarcity
    )
    if strategy.services is not None:
        node = replace(node, services=_services(node, strategy.services))
    return replace(source, node=node, scarcity=scarcity)


def _services(node: Node, wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the node that the strategy wants too; either may name a service of all carriers or of one."""
    if node.services is None:
        return tuple(wanted)
    return tuple(
        max(own, one, key=len)
        for own in node.services
        for one in wanted
        if own == one or (own.rpartition("/")[2] == one.rpartition("/")[2] and ("/" in own) != ("/" in one))
    )


def _promise(request: Request, within_days: int | None) -> datetime | None:
    """The promise, or the end of that many days where that comes before it."""
    if within_days is None:
        return request.promise_at
    found = located(request.destination) if request.promise_at is None else None
    there = request.promise_at.tzinfo if request.promise_at else zone(found.time_zone if found else "UTC")
    day = (request.now.astimezone(there) + timedelta(days=within_days)).date()
    until = datetime.combine(day, _LAST_MOMENT, there)
    return until if request.promise_at is None else min(until, request.promise_at)
