"""A sourcing profile from draft to shadow: tested before it is active, followed by orders, replayed, tried, compared."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

from typer.testing import CliRunner

from orderloom import routing
from orderloom.cli import application
from orderloom.journey import deciding, sourcing, trials
from orderloom.orders import holds
from orderloom.orders.reading import orders_of
from orderloom.plumbing import http
from orderloom.plumbing.settings import settings
from orderloom.routing import examples
from orderloom.terms import unwire, wire
from tests.api.client import open_client
from tests.journey.house import House

PASSES = {key: examples.PROFILE[key] for key in ("world",)}
TEST = {"name": "it routes", "order": examples.PROFILE["tests"][1]["order"], "expect": {"outcome": "routed"}}


def profile(*rules: dict, **more) -> dict:
    return {"rules": list(rules), **PASSES, "tests": [TEST], **more}


def kept_from(node: str, **more) -> dict:
    """A rule that leaves a node out."""
    return {
        "name": f"without {node}",
        "strategies": [{"name": "elsewhere", "never": {"nodes": [node]}}],
        **more,
    }


async def drafted(api, *rules: dict, **more) -> str:
    body = {"name": "us", "profile": profile(*rules, **more)}
    return (await api.ok("POST", "/v1/sourcing-profiles", body))["id"]


async def activated(api, *rules: dict) -> str:
    found = await drafted(api, *rules)
    told = await api.ok("POST", f"/v1/sourcing-profiles/{found}/activate", {"reason": "peak"})
    assert (told["status"], told["tested"][0]["passed"]) == ("active", True)
    return found


async def decision_of(house: House, order_id):
    async with house.database.transaction(readonly=True) as db:
        return (await routing.last_decisions(db, orders=[order_id]))[order_id]


async def usual_node(house: House) -> str:
    """Where an order goes when nothing is said."""
    [order_id] = await house.place(house.draft())
    await house.settle()
    [node] = await house.node_codes(order_id)
    return node


async def answered(house: House, trial: str) -> None:
    """As the worker's chore does it, a batch a turn."""
    done = 1
    while done:
        async with house.database.transaction() as db:
            done = await trials.go_on(db, trial_id=unwire("trial", trial), most=1)


async def test_orders_follow_it_and_their_records_say_so_and_replay(house: House) -> None:
    node = await usual_node(house)
    async with open_client(house.database) as api:
        desk = f"desk-{uuid4().hex[:10]}@example.com"
        told = {"to": [desk], "says": "a VIP waits"}
        then = {"add_tags": ["moved"], "priority": 7, "hold": "look at it first", "notify": told}
        active = await activated(api, kept_from(node, when={"tags_any": ["vip"]}, then=then))
        vip, other = await house.place(house.draft(tags=("vip",)), house.draft())
        await house.settle()
        assert (await house.node_codes(other)) == [node]
        record = await decision_of(house, vip)
        assert wire("sourcing_profile", record["profile_id"]) == active
        told = record["answer"]["sourcing"]
        assert (told["profile"], told["version"]) == ("us", 1)
        assert (told["rule"], told["strategy"]) == (f"without {node}", "elsewhere")
        assert told["because"] == {"tags": ["vip"]}
        assert node not in {part["node"] for part in record["answer"]["plan"]["shipments"]}
        async with house.database.transaction() as db:
            order = (await orders_of(db, [vip]))[vip]
            [hold] = await holds.holds_of(db, orders=[vip])
            again = await deciding.replay(db, decision_id=record["id"])
        assert (order.tags, order.priority) == (["vip", "moved"], 7)
        assert (hold.blocks, hold.note) == (
            ["release"],
            f"look at it first (the rule 'without {node}' of us)",
        )
        assert (again.same, again.differs, again.moved) == (True, (), ())
        # Routed once more, it tells nobody twice.
        async with house.database.transaction() as db:
            await sourcing.unallocate(db, [vip], datetime.now(UTC))
            await sourcing.route(db, [vip], datetime.now(UTC))
        await house.settle()
        _, sent = await http.call("GET", f"{house.outside.mailbox}/messages?to={desk}&limit=10")
        assert [m["subject"] for m in sent["messages"]] == [f"Order {order.number}: a VIP waits"]
        # A person says that it may go; nothing holds it again.
        await house.clear(hold.id)
        assert len(await house.works(vip)) == 1
        asked = {**examples.ROUTE, "tags": ["vip"]}
        dry = await api.ok("POST", "/v1/decisions/route", {**asked, "channel": "web"})
        assert dry["answer"]["sourcing"]["rule"] == f"without {node}"
        await api.ok("POST", f"/v1/sourcing-profiles/{active}/retire", {})
        [after] = await house.place(house.draft(tags=("vip",)))
        await house.settle()
        assert (await house.node_codes(after)) == [node]
        assert "sourcing" not in (await decision_of(house, after))["answer"]
    await house.sound()


async def test_where_no_strategy_covers_an_order_a_person_is_asked(house: House) -> None:
    async with open_client(house.database) as api:
        nowhere = {"name": "s", "only": {"groups": ["none of ours"]}}
        texas = {"name": "strict", "when": {"region": ["TX"]}, "strategies": [nowhere], "otherwise": "stop"}
        active = await activated(api, texas)
        [order_id] = await house.place(house.draft())
        await house.settle()
        found = await house.at(order_id)
        assert found.state == "parked"
        assert "no strategy of the rule 'strict' covers the order" in str(found)
        await api.ok("POST", f"/v1/sourcing-profiles/{active}/retire", {})


async def test_it_is_active_only_once_its_tests_pass(house: House) -> None:
    async with open_client(house.database) as api:
        failing = {**TEST, "name": "wishes", "expect": {"nodes": ["RENO"], "shipments": 2}}
        unknown = {
            **TEST,
            "name": "nobody",
            "order": {**TEST["order"], "lines": [{"sku": "GONE"}]},
        }
        draft = await drafted(api, tests=[TEST, failing, unknown])
        refused = await api.post(f"/v1/sourcing-profiles/{draft}/activate", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "tests_failed")
        assert [fault["path"] for fault in refused.json()["errors"]] == [
            "/profile/tests/1/expect/nodes",
            "/profile/tests/1/expect/shipments",
            "/profile/tests/2/order",
        ]
        tested = await api.ok("POST", f"/v1/sourcing-profiles/{draft}/test")
        assert (tested["status"], [t["passed"] for t in tested["tested"]]) == ("draft", [True, False, False])
        without = await drafted(api, tests=[])
        refused = await api.post(f"/v1/sourcing-profiles/{without}/activate", {})
        assert "no tests of its own" in refused.json()["detail"]
        first, second = await activated(api), await activated(api, kept_from("X"))
        listed = (await api.ok("GET", "/v1/sourcing-profiles?limit=3"))["data"]
        assert [(one["id"], one["status"], one["number"]) for one in listed] == [
            (second, "active", 4),
            (first, "retired", 3),
            (without, "draft", 2),
        ]
        dry = f"/v1/sourcing-profiles/{first}/activate?dry_run=true"
        assert (await api.ok("POST", dry, {}))["status"] == "active"
        assert (await api.ok("GET", f"/v1/sourcing-profiles/{first}"))["status"] == "retired"


async def test_it_is_tried_on_the_last_orders_and_no_order_is_touched(house: House) -> None:
    node = await usual_node(house)
    placed = await house.place(house.draft(tags=("vip",)), house.draft())
    await house.settle()
    async with open_client(house.database) as api:
        draft = await drafted(api, kept_from(node, when={"tags_any": ["vip"]}))
        begun = await api.post(f"/v1/sourcing-profiles/{draft}/try", {"last": 2})
        assert begun.status_code == 202
        trial = begun.json()
        assert (trial["asked"], trial["answered"]) == (2, 0)
        await answered(house, trial["id"])
        found = await api.ok("GET", begun.headers["Location"])
        assert [found[name] for name in ("answered", "failed", "changed", "other_nodes", "moved")] == [
            2,
            0,
            1,
            1,
            0,
        ]
        [sums] = found["sums"]
        assert (sums["currency"], sums["orders"], sums["with_plan"]) == ("USD", 2, 2)
        [difference] = (await api.ok("GET", f"/v1/sourcing-trials/{trial['id']}/differences"))["data"]
        assert difference["order_id"] == wire("order", placed[0])
        assert difference["before"]["nodes"] == [node]
        assert difference["after"]["nodes"] != [node]
        assert difference["after"]["rule"] == f"without {node}"
        assert (
            sums["cost_after"] - sums["cost_before"]
            == difference["after"]["cost"] - difference["before"]["cost"]
        )
        assert {(r["rule"], r["orders"], r["changed"]) for r in found["rules"]} == {
            (f"without {node}", 1, 1),
            (None, 1, 0),
        }
        [listed] = (await api.ok("GET", f"/v1/sourcing-profiles/{draft}/trials"))["data"]
        assert listed["id"] == trial["id"]
        stranger = await api.limited(channels=[placed[0]])
        assert (await stranger.get(begun.headers["Location"])).status_code == 404
    assert (await house.order(placed[0])).tags == ["vip"]
    assert (await house.node_codes(placed[0])) == [node]
    await house.sound()


async def test_a_shadow_decides_beside_and_what_it_cannot_is_recorded(house: House, monkeypatch) -> None:
    node = await usual_node(house)
    async with open_client(house.database) as api:
        draft = await drafted(api, kept_from(node))
        shadow = await api.ok("POST", f"/v1/sourcing-profiles/{draft}/shadow", {})
        first, second = await house.place(house.draft(), house.draft())
        await house.settle()
        assert (await house.node_codes(first)) == [node]
        assert "sourcing" not in (await decision_of(house, first))["answer"]
        assert (await decision_of(house, first))["request"]["order"]["channel"] == "web"

        decide, turn = routing.decide, iter((True, False))

        def fails_once(*asked):
            if next(turn):
                raise ZeroDivisionError("planted")
            return decide(*asked)

        monkeypatch.setattr(routing, "decide", fails_once)
        await answered(house, shadow["id"])
        monkeypatch.undo()
        found = await api.ok("GET", f"/v1/sourcing-trials/{shadow['id']}")
        assert [found[name] for name in ("asked", "answered", "failed", "changed")] == [2, 2, 1, 1]
        told = (await api.ok("GET", f"/v1/sourcing-trials/{shadow['id']}/differences"))["data"]
        assert sorted(one["failed"] or "" for one in told) == ["", "ZeroDivisionError: planted"]
        assert {one["order_id"] for one in told} == {wire("order", first), wire("order", second)}
        await api.ok("DELETE", "/v1/sourcing-profiles/shadow")
        assert (await api.delete("/v1/sourcing-profiles/shadow")).status_code == 404
        await house.place(house.draft())
        await house.settle()
        assert (await api.ok("GET", f"/v1/sourcing-trials/{shadow['id']}"))["asked"] == 2
    await house.sound()


async def test_the_command_line_does_all_of_it(house: House, monkeypatch, tmp_path) -> None:
    node = await usual_node(house)
    (tmp_path / "us.json").write_text(json.dumps(profile(kept_from(node))))
    (tmp_path / "wrong.json").write_text(json.dumps({"rules": [{"colour": "red"}]}))
    monkeypatch.setenv("DATABASE_URL", house.database.url)
    monkeypatch.setenv("COLUMNS", "200")
    settings.cache_clear()

    async def says(*asked: str, code: int = 0) -> str:
        # The command runs a loop of its own, which needs a thread of its own.
        told = await asyncio.to_thread(
            CliRunner().invoke, application(asked="sourcing"), ["sourcing", *asked]
        )
        assert told.exit_code == code, (asked, told.output)
        return told.stdout

    try:
        assert (await says("draft", str(tmp_path / "us.json"), "--name", "us")) == "us@1\n"
        refused = json.loads(await says("draft", str(tmp_path / "wrong.json"), "--name", "us", code=2))
        assert {fault["path"] for fault in refused["errors"]} == {"/rules/0/name", "/rules/0/colour"}
        assert "1 of 1 passed" in await says("test", "us")
        assert json.loads(await says("show", "us@1"))["rules"][0]["name"] == f"without {node}"
        turns = [trials.go_on]

        async def in_other_hands(db, **asked) -> int:
            # At first a worker has all of it in hand.
            turns.append(turns[0])
            return 0 if len(turns) == 2 else await turns[0](db, **asked)

        monkeypatch.setattr(trials, "go_on", in_other_hands)
        report = json.loads(await says("try", "us@1", "--last", "5", "--json"))
        assert (report["asked"], report["answered"], report["changed"]) == (1, 1, 1)
        assert "1 of 1 decided again: 1 come out otherwise, 1 at other nodes" in await says("report", "us")
        assert (await says("shadow", "us")).startswith("trl_")
        assert (await says("shadow")).startswith("trl_")
        assert "is active" in await says("activate", "us@1")
        assert "us@1" in await says("list")
        await says("retire", "us@1", "--reason", "done")
        await says("show", "nobody", code=2)
    finally:
        settings.cache_clear()
