"""Why a plan and no other: every node's verdict, the reasons in a sentence each, and the smallest changes that flip it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from orderloom.routing.lanes import Lane, Origin, Reach, World
from orderloom.routing.model import Plan, Request, Source


class Explained:
    """The evidence of one decision (`model.Evidence`), worked out when it is asked for."""

    __slots__ = ("_articles", "_best", "_calls", "_candidates", "_out", "_request", "_second", "_world")

    def __init__(
        self,
        *,
        request: Request,
        out: Mapping[str, str],
        world: World,
        calls: Mapping[str, int],
        best: Plan | None,
        second: Plan | None,
    ) -> None:
        self._request, self._out, self._world = request, out, world
        self._calls, self._best, self._second = calls, best, second
        self._articles = {want.sku: want.article for want in reversed(request.wants)}
        self._candidates: tuple[Mapping[str, Any], ...] | None = None

    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """Every node that was looked at, what it could give, and what became of it."""
        if self._candidates is None:
            self._candidates = tuple(self._verdicts())
        return self._candidates

    def flips(self) -> Sequence[Mapping[str, Any]]:
        """The smallest change of price that would have made the runner-up win."""
        best, second = self._best, self._second
        if best is None or second is None or best.late != second.late:
            return ()
        more = second.weighed - best.weighed + 1
        nodes = ", ".join(sorted({part.node.code for part in second.parts}))
        change = f"shipping from {nodes} cheaper by {more}, or the chosen plan dearer by as much"
        return ({"change": change, "amount": more},)

    def _verdicts(self) -> Iterator[dict[str, Any]]:
        request, calls = self._request, self._calls
        chosen = {part.node.code: part for part in self._best.parts} if self._best else {}
        for source in request.sources:
            code = source.node.code
            covers = {sku: min(n, source.available.get(sku, 0)) for sku, n in calls.items()}
            reasons: list[str] = []
            cost: int | None = None
            arrives: date | None = None
            part = chosen.get(code)
            if part is not None:
                cost, arrives = part.cost, part.quote.arrives_on
            elif code in self._out:
                reasons = [self._out[code]]
            else:
                reasons, cost, arrives = self._alone(source, covers)
            yield {
                "node": code,
                "name": source.node.name,
                "latitude": source.node.latitude,
                "longitude": source.node.longitude,
                "covers": {sku: units for sku, units in covers.items() if units},
                "verdict": "chosen" if part is not None else "refused" if reasons else "considered",
                "reasons": reasons,
                "cost": cost,
                "arrives": arrives.isoformat() if arrives else None,
            }

    def _alone(self, source: Source, covers: Mapping[str, int]) -> tuple[list[str], int | None, date | None]:
        """What speaks against a node, and what it would come to if it shipped everything."""
        request, world, calls = self._request, self._world, self._calls
        if not any(covers.values()):
            return ["has none of it"], None, None
        promised = request.promise_at.date() if request.promise_at else None
        origin = world.origin(source.node, request.now)
        reach = world.reach(request.destination)
        lane = world.lane(origin, reach, promised, None)
        if not lane.kept:
            late = world.lane(origin, reach, promised, date.max)
            if not late.later:
                return [f"no service carries it: {'; '.join(self._closed(origin, reach)[:4])}"], None, None
        if covers != calls:
            return self._in_time(lane), None, None
        content = tuple((world.article(self._articles[sku]), units) for sku, units in sorted(calls.items()))
        pack = world.packed(content)
        chosen = world.price(lane, pack) or world.price(world.lane(origin, reach, promised, date.max), pack)
        if chosen is None:
            reasons = sorted(set(world.refusals(origin, reach, pack)))
            return [f"no service carries it: {'; '.join(reasons[:4])}"], None, None
        node = source.node
        cost = chosen.cost + pack.carton_cost + node.pick_cost + node.unit_cost * sum(calls.values())
        return self._in_time(lane) if chosen.late else [], cost, chosen.way.arrives

    def _in_time(self, lane: Lane) -> list[str]:
        late = self._best is not None and self._best.late
        return [] if lane.kept or late else ["cannot keep the promise"]

    def _closed(self, origin: Origin, reach: Reach) -> list[str]:
        """Why no service goes from there to here."""
        return sorted(set(self._world.closures(origin, reach))) or ["there is no contract"]
