"""The best plan and what would have been done without each of its nodes, by the search that suits the question (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orderloom.routing import lattice, search
from orderloom.routing.search import Costs, Found, Question

# The share of the effort that goes into each of the plans that were not taken.
_SECOND_SHARE = 4


@dataclass(frozen=True, slots=True)
class Sought:
    """The best plan with its floor, and by each of its nodes the best plan without that node.

    `second` is the best of those: the next best plan that is not the same nodes dividing the units otherwise.
    """

    best: Found | None = None
    floor: int = 0
    proven: bool = True
    steps: int = 0
    without: Mapping[int, Found] = field(default_factory=dict)
    second_proven: bool = True

    @property
    def second(self) -> Found | None:
        """The next best plan."""
        return min(self.without.values(), default=None)


def sought(question: Question, costs: Costs, *, effort: int) -> Sought:
    """Search."""
    few = lattice.Lattice(question, costs, effort=effort) if lattice.suits(question, effort=effort) else None
    answer = few.best() if few else search.search(question, costs, effort=effort)
    if few and not answer.proven:
        # What has been proven so far still holds for what the other search finds.
        floor, steps = answer.floor, answer.steps
        answer = search.search(question, costs, effort=effort // _SECOND_SHARE, below=answer.best)
        answer.floor, answer.steps = max(floor, answer.floor), answer.steps + steps
    if answer.best is None or not answer.proven:
        return Sought(answer.best, answer.floor, answer.proven, answer.steps, second_proven=False)
    without: dict[int, Found] = {}
    proven, second = True, search.NEVER
    for node, _ in answer.best.parts:
        if any(question.bound[node]):
            continue
        found = (
            few.without(node, below=second)
            if few
            else search.search(question, costs, effort=effort // _SECOND_SHARE, without=node)
        )
        if found.best is not None:
            without[node] = found.best
            second = min(second, found.best.value)
        answer.steps += found.steps
        proven = proven and found.proven
    return Sought(answer.best, answer.floor, answer.proven, answer.steps, without, proven)
