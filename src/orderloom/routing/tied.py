"""Goods that must stay together come from one node: to the search all their units are one of one item (pure).

What such a bundle costs is asked of the units it is made of. So the search knows nothing of bundles, and its answer is
as exact as without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from orderloom.routing.search import Costs, Found, Question, Units
from orderloom.routing.seeking import Sought, sought

# The units that one of an item of the search is made of, by the item's place in the order.
Bundle: TypeAlias = tuple[tuple[int, int], ...]


def sought_together(
    question: Question, costs: Costs, together: Sequence[str | None], *, effort: int
) -> Sought:
    """Search. `together`: by item the name of what it must stay together with."""
    groups: dict[str, list[int]] = {}
    for item, name in enumerate(together):
        if name is not None:
            groups.setdefault(name, []).append(item)
    for items in groups.values():
        bound = _bound(question, items)
        if bound is None:
            return Sought()
        question = bound
    tied = _Tied(question, costs, list(groups.values()))
    found = sought(tied.question, tied, effort=effort)
    return replace(
        found,
        best=found.best and tied.loose(found.best),
        without={node: tied.loose(one) for node, one in found.without.items()},
    )


def _bound(question: Question, items: Sequence[int]) -> Question | None:
    """With all units of the items bound to the node that some are bound to; None where that cannot be."""
    nodes = [node for node, units in enumerate(question.bound) if any(units[item] for item in items)]
    if not nodes:
        return question
    at, wanted = nodes[0], question.wanted
    if len(nodes) > 1 or any(question.stock[at][item] < wanted[item] for item in items):
        return None
    mine = [n + wanted[item] if item in items else n for item, n in enumerate(question.bound[at])]
    bound = list(question.bound)
    bound[at] = tuple(mine)

    def without(units: Units) -> Units:
        return tuple([0 if item in items else n for item, n in enumerate(units)])

    return replace(
        question, wanted=without(wanted), stock=[without(units) for units in question.stock], bound=bound
    )


class _Tied:
    """A question in bundles, and what they cost (`search.Costs`)."""

    def __init__(self, question: Question, costs: Costs, groups: Sequence[Sequence[int]]) -> None:
        self._costs, self._units_most = costs, question.units_most
        wanted = question.wanted
        in_bundles = [[item for item in group if wanted[item]] for group in groups]
        taken = {item for bundle in in_bundles for item in bundle}
        self._bundles: list[Bundle] = [((item, 1),) for item in range(len(wanted)) if item not in taken]
        self._bundles += [tuple((item, wanted[item]) for item in bundle) for bundle in in_bundles if bundle]
        self._items = len(wanted)
        self.fixed = costs.fixed
        self.each = [[sum(n * each[item] for item, n in b) for b in self._bundles] for each in costs.each]
        self.question = replace(
            question,
            wanted=self._tied(wanted),
            stock=[self._tied(units) for units in question.stock],
            bound=[self._tied(units) for units in question.bound],
            units_most=(),
        )

    @property
    def spent(self) -> int:
        """The work of finding totals so far."""
        return self._costs.spent

    def opening(self, node: int) -> int:
        """The least of any part."""
        return self._costs.opening(node)

    def totals(self, units: Units, nodes: Sequence[int]) -> Sequence[int | None]:
        """What the units in the bundles cost from each of the nodes."""
        loose, most = self._loose(units), self._units_most
        total = sum(loose)
        costs = self._costs.totals(loose, nodes)
        if not most:
            return costs
        return [
            cost if (limit := most[node]) is None or total <= limit else None
            for node, cost in zip(nodes, costs, strict=True)
        ]

    def floor(self, node: int, units: Units) -> int:
        """The least of any part with these bundles."""
        return self._costs.floor(node, self._loose(units))

    def loose(self, found: Found) -> Found:
        """A plan in units."""
        return Found(found.value, tuple((node, self._loose(units)) for node, units in found.parts))

    def _tied(self, units: Units) -> Units:
        return tuple([min(units[item] // n for item, n in bundle) for bundle in self._bundles])

    def _loose(self, units: Units) -> Units:
        found = [0] * self._items
        for bundle, many in zip(self._bundles, units, strict=True):
            for item, n in bundle:
                found[item] = n * many
        return tuple(found)
