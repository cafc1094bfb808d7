"""A routing decision that was acted on can be read, and made again from what it kept: the same answer, or why not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date

from typer.testing import CliRunner

from orderloom import catalog, network, packing, routing
from orderloom.cli import application
from orderloom.journey import deciding
from orderloom.plumbing.settings import settings
from orderloom.routing import store
from orderloom.routing.kept import packed, unpacked
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


async def read(house: House, decision_id):
    async with house.database.transaction(readonly=True) as db:
        return await deciding.with_reasons(db, decision=await store.decision(db, decision_id))


async def test_made_again_it_is_the_same(house: House) -> None:
    _, decision_id = await decided(house)
    found = await replayed(house, decision_id)
    assert (found.same, found.differs, found.moved) == (True, (), ())


async def test_stock_that_has_changed_since_does_not_matter(house: House) -> None:
    _, decision_id = await decided(house)
    for index in (0, 1):
        await house.shelve(house.item(index), {})
    assert (await replayed(house, decision_id)).same


async def test_nodes_items_and_cartons_that_have_changed_since_do_not_matter(house: House) -> None:
    _, decision_id = await decided(house)
    before = await replayed(house, decision_id)
    [part, *_] = before.answer["plan"]["shipments"]
    for _ in range(2):
        async with house.database.transaction() as db:
            [node] = (await network.nodes_of(db, codes=[part["node"]])).values()
            items = await catalog.items_of(db, skus=[line["sku"] for line in part["lines"]])
            cartons = await packing.cartons(db)
            await network.put_nodes(
                db, nodes=[replace(node, pick_cost=node.pick_cost + 1, holidays=(date(2030, 1, 1),))]
            )
            await catalog.put_items(
                db, items=[replace(i, weight_g=2 * i.weight_g + 900) for i in items.values()]
            )
            await packing.put_cartons(
                db, cartons=[replace(one, cost=one.cost + 5, tare_g=one.tare_g + 300) for one in cartons]
            )
    found = await replayed(house, decision_id)
    assert (found.same, found.differs, found.moved) == (True, (), ())
    assert json.dumps(found.answer) == json.dumps(before.answer)


async def test_what_was_never_decided_is_not_there(house: House) -> None:
    assert await replayed(house, new_id()) is None


async def test_its_record_is_read_over_the_api(house: House) -> None:
    order_id, decision_id = await decided(house)
    async with open_client(house.database) as api:
        found = await api.ok("GET", f"/v1/decisions/{wire('decision', decision_id)}")
        assert found["order_id"] == wire("order", order_id)
        assert (found["kind"], found["outcome"]) == ("route", "routed")
        assert found["answer"]["plan"]["cost"] > 0
        assert (found["moved"], found["engine"]) == ([], store.ENGINE)
        assert (await api.get(f"/v1/decisions/{wire('decision', new_id())}")).status_code == 404
        stranger = await api.limited(channels=[new_id()])
        assert (await stranger.get(f"/v1/decisions/{wire('decision', decision_id)}")).status_code == 404


async def test_its_reasons_are_the_same_whatever_has_changed_since(house: House) -> None:
    _, decision_id = await decided(house)
    before = await read(house, decision_id)
    made_again = await replayed(house, decision_id)
    assert before["answer"] == made_again.answer
    assert before["answer"].keys() >= {"why", "candidates", "flips"}
    async with house.database.transaction() as db:
        nodes = await network.nodes_of(db, codes=[one["node"] for one in before["answer"]["candidates"]])
        await network.put_nodes(
            db, nodes=[replace(node, pick_cost=node.pick_cost + 99) for node in nodes.values()]
        )
        # A carrier out of use takes part in what was decided while it was in use.
        await db.execute("UPDATE shipping.carriers SET active = false")
    assert await read(house, decision_id) == before
    assert (await replayed(house, decision_id)).same


async def rewritten(house: House, decision_id, change) -> None:
    """The stored record, otherwise."""
    async with house.database.transaction() as db:
        row = await db.fetchrow("SELECT record FROM routing.decisions WHERE id = $1", decision_id)
        record = change(unpacked(row["record"]))
        await db.execute(
            "UPDATE routing.decisions SET record = $2 WHERE id = $1", decision_id, packed(record)
        )


async def test_what_another_engine_planned_is_explained_and_said_to_be_decided_otherwise_today(
    house: House,
) -> None:
    _, decision_id = await decided(house)

    def other(record):
        answer = record["answer"]
        return {
            **record,
            "engine": "0.0.1",
            "answer": {**answer, "plan": answer["runner_up"], "runner_up": answer["plan"]},
        }

    await rewritten(house, decision_id, other)
    found = await read(house, decision_id)
    planned = [one["node"] for one in found["answer"]["plan"]["shipments"]]
    assert [one["node"] for one in found["answer"]["candidates"] if one["verdict"] == "chosen"] == planned
    assert [one["node"] for one in found["answer"]["why"] if one["about"] == "service"] == planned
    assert found["moved"] == (
        f"it was decided by Orderloom 0.0.1, this is {store.ENGINE}",
        "today it would be decided otherwise: made again, it shows where",
    )
    assert not (await replayed(house, decision_id)).same
    await rewritten(house, decision_id, lambda record: {**other(record), "engine": "0.0.1"})
    assert len((await read(house, decision_id))["moved"]) == 1


async def test_what_it_spoke_of_and_is_gone_is_named_instead_of_reasons(house: House) -> None:
    _, decision_id = await decided(house)

    def gone(record):
        [first, *rest] = record["request"]["nodes"]
        return {**record, "request": {**record["request"], "nodes": [{**first, "node": "GONE"}, *rest]}}

    await rewritten(house, decision_id, gone)
    found = await read(house, decision_id)
    assert found["moved"] == ("node GONE is gone",)
    assert [one["text"] for one in found["answer"]["why"]] == [
        "it cannot be explained any more: node GONE is gone"
    ]


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
