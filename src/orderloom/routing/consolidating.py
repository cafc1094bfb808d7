"""Whether what is there of an order waits for its rest, to leave in fewer parcels within its promise (pure).

Either what is there leaves now and the rest when it comes, or all of it together when the rest comes. Both are planned
by the router as of the moment the rest is expected. Waiting pays where what it saves in landed cost exceeds what the days
of waiting count (`consolidate_day_cost` of the policy; without it nothing waits), and whatever it saves where goods that
must stay together would be torn. It ends at the latest when the last handover that keeps the promise comes near: whether
or not the rest has come by then, what is there leaves in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orderloom.routing.model import Consolidation, Decision, Plan, Request, Rest, Want
from orderloom.routing.plan import plan
from orderloom.terms import Quantities

# What releases an order needs some time for it.
MARGIN = timedelta(minutes=30)
# A promise further off than so many handovers is looked at no further.
_HANDOVERS_MOST = 60
_DAY = timedelta(days=1)
_NEXT = timedelta(minutes=1)


def weighed(decision: Decision) -> Decision:
    """The decision, as `held` where waiting for the rest pays; what speaks for it or against is told either way."""
    rest, day_cost = decision.request.rest, decision.request.policy.consolidate_day_cost
    if rest is None or day_cost is None or decision.plan is None:
        return decision
    found = _weighed(decision.request, decision.plan, rest, day_cost)
    return replace(decision, outcome="held" if found.held else decision.outcome, consolidation=found)


def _weighed(request: Request, first: Plan, rest: Rest, day_cost: int) -> Consolidation:
    overdue = rest.ready_at <= request.now
    if request.promise_at is None or first.late or overdue:
        why = (
            "it is overdue, nobody knows when it comes" if overdue else "no promise could be kept by waiting"
        )
        return Consolidation(rest=rest, because=why)
    until = last_release(request, first)
    told = Consolidation(rest=rest, until=until, because="the rest comes after the last moment in time")
    if rest.ready_at > until:
        return told
    then = when_there(request, rest)
    later, together = plan(then), plan(replace(then, wants=_merged(request, rest)))
    if later.plan is None or together.plan is None or later.uncovered or together.uncovered:
        return replace(told, because="the rest cannot be planned yet")
    if together.plan.late:
        return replace(told, because="together it would be late")
    told = replace(
        told,
        apart=first.cost + later.plan.cost,
        together=together.plan.cost,
        waiting=-(-day_cost * (rest.ready_at - request.now) // _DAY),
    )
    torn = sorted(_groups(request.wants) & _groups(rest.wants))
    if torn:
        why = f"what must stay together would be torn: {', '.join(torn)}"
    elif told.saving > told.waiting:
        why = "leaving together saves more than the wait counts"
    else:
        why = "leaving together saves no more than the wait counts"
    return replace(told, held=bool(torn) or told.saving > told.waiting, because=why)


def _groups(wants: Sequence[Want]) -> set[str]:
    """The names of what must stay together."""
    return {want.article.together for want in wants if want.article.together is not None}


def last_release(request: Request, first: Plan) -> datetime:
    """The last moment, less a margin, from which what is there still keeps its promise: one handover after another."""
    found = _leaves_by(first)
    for _ in range(_HANDOVERS_MOST):
        after = plan(replace(request, now=found + _NEXT)).plan
        if after is None or after.late or (by := _leaves_by(after)) <= found:
            break
        found = by
    return found - MARGIN


def _leaves_by(found: Plan) -> datetime:
    """Released until then, every part makes its handover."""
    hours = [part.ship_by - timedelta(hours=part.node.processing_hours) for part in found.parts]
    return min(hours).astimezone(UTC)


def when_there(request: Request, rest: Rest) -> Request:
    """The rest alone, at the moment it is there; what a node has capacity for today says nothing of that day."""
    return replace(
        request,
        wants=rest.wants,
        now=rest.ready_at,
        rest=None,
        sources=tuple(
            replace(
                source,
                available=source.available + Quantities(rest.expected.get(source.node.code, {})),
                capacity_left=None,
            )
            for source in request.sources
        ),
    )


def _merged(request: Request, rest: Rest) -> tuple[Want, ...]:
    """The units of each line that are there and those that come, as one."""
    found = {want.key: want for want in request.wants}
    for want in rest.wants:
        mine = found.get(want.key)
        units = want.quantity + (mine.quantity if mine else 0)
        found[want.key] = replace(want, quantity=units, article=replace(want.article, quantity=units))
    return tuple(found[key] for key in sorted(found))
