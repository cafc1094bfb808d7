"""The search finds what HiGHS finds: both of its ways, on questions whose parts cost what a table says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orderloom.routing import lattice, search
from orderloom.routing.seeking import sought
from tests.unit.routing.tables import by_program, instance

SIZES = [(1, 20, 15), (2, 20, 15), (3, 15, 20), (4, 10, 12), (5, 8, 8), (10, 5, 2)]
EFFORT = 400_000


@pytest.mark.parametrize(("lines", "nodes", "count"), SIZES)
def test_the_least_cost_is_the_programs(lines: int, nodes: int, count: int) -> None:
    for seed in range(10_000, 10_000 + count):
        tables = instance(lines, nodes, seed)
        found = sought(tables.question, tables, effort=EFFORT)
        assert found.proven, seed
        least = by_program(tables)
        assert (found.best.cost if found.best else None) == least, seed
        if found.best:
            assert found.floor == least


def test_both_ways_of_searching_agree() -> None:
    for seed in range(40):
        tables = instance(3, 8, seed)
        assert lattice.suits(tables.question, effort=EFFORT)
        by_contents = lattice.Lattice(tables.question, tables, effort=EFFORT).best()
        by_nodes = search.search(tables.question, tables, effort=EFFORT)
        assert by_contents.proven
        assert by_nodes.proven
        assert (by_contents.best and by_contents.best.cost) == (by_nodes.best and by_nodes.best.cost), seed


def test_the_second_best_is_the_best_without_a_node_of_the_best() -> None:
    for seed in range(30):
        tables = instance(3, 6, seed)
        found = sought(tables.question, tables, effort=EFFORT)
        if found.best is None:
            continue
        others = []
        for node, _ in found.best.parts:
            stock = [(0,) * len(has) if at == node else has for at, has in enumerate(tables.question.stock)]
            alone = replace(tables, question=replace(tables.question, stock=stock))
            cost = by_program(alone)
            others += [] if cost is None else [cost]
        assert (found.second.cost if found.second else None) == min(others, default=None), seed


def test_a_plan_keeps_every_limit() -> None:
    for seed in range(40):
        tables = instance(4, 10, seed)
        stores = frozenset(range(0, 10, 2))
        question = replace(
            tables.question,
            units_most=[2 if node in stores else None for node in range(10)],
            counted=stores,
            counted_most=1,
        )
        found = sought(question, tables, effort=EFFORT).best
        if found is None:
            continue
        assert len(found.parts) <= question.most
        assert sum(node in stores for node, _ in found.parts) <= 1
        for node, units in found.parts:
            assert all(n <= has for n, has in zip(units, question.stock[node], strict=True))
            assert node not in stores or sum(units) <= 2
        assert tuple(map(sum, zip(*(units for _, units in found.parts), strict=True))) == question.wanted


def test_an_effort_that_ends_first_leaves_a_bound_that_holds() -> None:
    for seed in range(20):
        tables = instance(5, 20, seed)
        whole = sought(tables.question, tables, effort=EFFORT)
        short = sought(tables.question, tables, effort=12)
        if whole.best:
            assert short.floor <= whole.best.cost
            assert short.best is None or whole.best.cost <= short.best.cost
        assert short == sought(tables.question, tables, effort=12)
