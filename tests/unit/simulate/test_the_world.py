"""The simulated people: what they ask the API for, and how they take its answers."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from orderloom.orders.channels.channel import Fate
from orderloom.plumbing import http
from orderloom.plumbing.http import Unavailable
from orderloom.simulate import demo_catalogue
from orderloom.simulate.buyers import Buyers
from orderloom.simulate.carriers_round import Scan, Scanners
from orderloom.simulate.client import Client, Refusal
from orderloom.simulate.history import History
from orderloom.simulate.warehouses import Manners, Warehouses

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Api:
    """Answers from a list, and keeps what was asked."""

    def __init__(self, monkeypatch, *answers):
        self.asked = []
        self.answers = list(answers)
        monkeypatch.setattr(http, "call", self.call)

    async def call(self, method, url, *, json=None, headers=None, timeout_s=10):
        self.asked.append(
            (method, url.partition("/v1")[2] or url, json, (headers or {}).get("Idempotency-Key"))
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(monkeypatch):
    api = Api(
        monkeypatch, Unavailable("gone"), (409, {"code": "idempotency_in_progress"}), (201, {"id": "x"})
    )
    client = Client("http://x", "k")
    assert await client.post("/orders", {"a": 1}) == {"id": "x"}
    assert len({key for *_, key in api.asked}) == 1
    assert client.retries == 2


async def test_a_refusal_is_told_with_its_code(monkeypatch):
    Api(monkeypatch, (409, {"code": "illegal_transition", "detail": "too late"}))
    with pytest.raises(Refusal, match="too late") as refusal:
        await Client("http://x", "k").post("/x")
    assert refusal.value.code == "illegal_transition"


async def test_nodes_accept_what_is_submitted_and_pack_it_when_its_time_has_come(monkeypatch):
    empty = (200, {"data": [], "after": None})
    api = Api(
        monkeypatch,
        empty,
        (200, {"data": [{"id": "ful_1"}], "after": None}),
        (200, {"results": []}),
        empty,
        empty,
        (200, {"results": [{"status": 200}]}),
    )
    nodes = Warehouses(Client("http://x", "k"), random.Random(1), Manners(packing=timedelta(seconds=5)))
    assert await nodes.round(NOW) == 1
    assert await nodes.round(NOW + timedelta(seconds=6)) == 1
    posts = [json for method, _, json, _ in api.asked if method == "POST"]
    assert [post["action"] for post in posts] == ["accept", "pack"]
    assert nodes.begun == {}


async def test_scans_are_told_once_they_are_due(monkeypatch):
    label = {"status": "purchased", "carrier": "swift", "tracking_number": "1", "purpose": "outbound"}
    voided = label | {"status": "voided"}
    api = Api(
        monkeypatch,
        (200, {"labels": [label, voided], "next": 2}),
        (200, {"labels": [], "next": 2}),
        (200, {}),
        (200, {"labels": [], "next": 2}),
    )
    scans = [Scan(NOW, "picked_up", NOW), Scan(NOW + timedelta(hours=1), "delivered", NOW, "Ada")]
    scanners = Scanners(Client("http://x", "k"), "http://carrier", lambda _: scans)
    assert await scanners.round(NOW) == 1
    assert scanners.pending == 1
    assert await scanners.round(NOW) == 0
    [(_, _, told, _)] = [asked for asked in api.asked if asked[1] == "/tracking/batch"]
    assert [event["code"] for event in told["events"]] == ["picked_up"]


def test_a_cart_adds_up_and_pays_what_it_comes_to():
    buyers = Buyers(Client("http://x", "k"), random.Random(3), demo_catalogue.items())
    for _ in range(200):
        cart = buyers._cart(NOW)
        lines = sum(x["unit_price"]["amount"] * x["quantity"] + x["tax"]["amount"] for x in cart["lines"])
        total = lines + cart["shipping"]["amount"]
        assert cart["total"]["amount"] == cart["tenders"][0]["amount"]["amount"] == total
    assert buyers.placed == 200


def test_history_scans_at_the_sources_times_and_never_what_it_gave_up():
    shipped, delivered = NOW - timedelta(days=5), NOW - timedelta(days=1)
    fates = {"a": Fate(shipped_at=shipped, delivered_at=delivered), "b": Fate(cancelled="canceled")}
    history = History(Client("http://x", "k"), fates, {}, {"OL-1": "a", "OL-2": "b"})
    label = {"order_number": "OL-1", "created_at": NOW.isoformat()}
    assert [(s.code, s.occurred_at) for s in history.timeline(label)] == [
        ("picked_up", shipped),
        ("delivered", delivered),
    ]
    assert history.timeline(label | {"order_number": "OL-2"}) is None
    assert history.timeline(label | {"order_number": "OL-9"}) is None
