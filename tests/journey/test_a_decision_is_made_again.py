"""A routing decision that was acted on can be read, and made again from what it kept: the same answer, or why not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from typer.testing import CliRunner

from orderloom import network, routing
from orderloom.cli import application
from orderloom.journey import deciding
from orderloom.plumbing.settings import settings
from orderloom.terms import new_id, wire
from tests.api.client import open_client
from tests.journey.house import House


async def decided(house: House, **units: int):
    """An order routed, and its decision's id."""
    [order_id] = await house.place(house.draft(units or {house.item(0): 2, house.item(1): 1}))
    await house.settle()
    async with house.database.transaction() as db:
        return order_id, (await routing.last_decisions(db, orders=[order_id]))[order_id]["id"]


async def replayed(house: House, decision_id):
    async with house.database.transaction(readonly=True) as db:
        return await deciding.replay(db, decision_id=decision_id)


async def test_made_again_it_is_the_same(house: House) -> None:
    _, decision_id = await decided(house)
    found = await replayed(house, decision_id)
    assert (found.same, found.differs, found.moved) == (True, (), ())


async def test_stock_that_has_changed_since_does_not_matter(house: House) -> None:
    _, decision_id = await decided(house)
    for index in (0, 1):
        await house.shelve(house.item(index), {})
    assert (await replayed(house, decision_id)).same


async def test_a_node_that_has_changed_since_is_named(house: House) -> None:
    _, decision_id = await decided(house)
    before = await replayed(house, decision_id)
    chosen = before.answer["plan"]["shipments"][0]["node"]
    async with house.database.transaction() as db:
        [node] = (await network.nodes_of(db, codes=[chosen])).values()
        await network.put_nodes(db, nodes=[replace(node, pick_cost=node.pick_cost + 1)])
    found = await replayed(house, decision_id)
    assert not found.same
    assert found.moved == (f"node {chosen} is at version {node.version + 1}, it was at {node.version}",)
    assert "/plan/cost" in found.differs


async def test_what_was_never_decided_is_not_there(house: House) -> None:
    assert await replayed(house, new_id()) is None


async def test_its_record_is_read_over_the_api(house: House) -> None:
    order_id, decision_id = await decided(house)
    async with open_client(house.database) as api:
        found = await api.ok("GET", f"/v1/decisions/{wire('decision', decision_id)}")
        assert found["order_id"] == wire("order", order_id)
        assert (found["kind"], found["outcome"]) == ("route", "routed")
        assert found["answer"]["plan"]["cost"] > 0
        assert (await api.get(f"/v1/decisions/{wire('decision', new_id())}")).status_code == 404
        stranger = await api.limited(channels=[new_id()])
        assert (await stranger.get(f"/v1/decisions/{wire('decision', decision_id)}")).status_code == 404


async def test_the_command_line_makes_it_again(house: House, monkeypatch) -> None:
    _, decision_id = await decided(house)
    monkeypatch.setenv("DATABASE_URL", house.database.url)
    settings.cache_clear()
    asked = ["decide", "replay", wire("decision", decision_id)]
    try:
        # The command runs a loop of its own, which needs a thread of its own.
        result = await asyncio.to_thread(CliRunner().invoke, application(asked="decide"), asked)
    finally:
        settings.cache_clear()
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["same"], found["decision_id"]) == (True, asked[-1])
