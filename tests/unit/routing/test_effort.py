"""The effort bounds all the work a decision takes, packing included, and a plan is found whatever it is."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from orderloom.network.model import NodeType
from orderloom.packing import articles
from orderloom.routing import lanes, packings
from orderloom.routing.model import Policy, Request, Source, Want
from orderloom.routing.plan import plan
from orderloom.simulate import demo_data
from orderloom.terms import Quantities
from tests.unit.routing import questions

EFFORT = 2_000
# By how much the last piece of work may pass the limit: the proof, the search after it and one packing each.
OVER = 2


def bulky(seed: int, lines: int) -> Request:
    """An order of many lines of unlike, partly large goods, of which each node has a part."""
    dice = random.Random(seed)
    world = demo_data.setup()
    items = {item.sku: item for item in world.items if item.sku not in world.kits}
    units = {sku: dice.randint(1, 6) for sku in dice.sample(sorted(items), lines)}
    wants = [
        Want(key=one.sku, article=replace(one, quantity=1), quantity=one.quantity)
        for one in articles(items=items, units=units)
    ]
    centres = [node for node in world.nodes if node.type != NodeType.STORE]
    sources = [
        Source(node=node, available=Quantities({sku: dice.randint(0, n) for sku, n in units.items()}))
        for node in centres
    ]
    sources.append(Source(node=questions.nodes()["NYC"], available=Quantities(units)))
    return questions.question(tuple(wants), {}, sources=tuple(sources), policy=Policy(effort=EFFORT))


@pytest.mark.parametrize("lines", [5, 8, 12])
def test_packing_is_counted(lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    packing = 0
    real = packings.whole

    def counted(*args: object, **named: object) -> object:
        nonlocal packing
        made = real(*args, **named)  # type: ignore[arg-type]
        packing += made.effort
        return made

    monkeypatch.setattr(packings, "whole", counted)
    monkeypatch.setattr(lanes, "_own", lanes._Own())
    decision = plan(bulky(lines, lines))
    assert decision.plan is not None
    assert packing // 16 <= decision.effort["spent"] <= OVER * EFFORT
    monkeypatch.setattr(packings, "whole", real)
    assert plan(bulky(lines, lines)).json() == decision.json(), "what is remembered changes nothing"


@pytest.mark.parametrize("weight", [80_000, 400_000])
def test_what_no_service_takes_in_time_is_not_looked_for_without_end(weight: int) -> None:
    request = bulky(8, 8)
    heavy, *others = request.wants
    heavy = replace(heavy, article=replace(heavy.article, weight_g=weight))
    decision = plan(replace(request, wants=(heavy, *others)))
    assert decision.effort["spent"] <= OVER * EFFORT
    assert decision.plan is not None
    assert decision.plan.late


def test_what_is_remembered_is_remembered_by_thread() -> None:
    asked = bulky(3, 3)
    decision, here = plan(asked), [*lanes._own.worlds]
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lambda: [*lanes._own.worlds]).result() == []
        assert other.submit(plan, asked).result().json() == decision.json()
    assert [*lanes._own.worlds] == here
