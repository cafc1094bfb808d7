"""More than can be taken, over real HTTP: shed at once with a way back, and nothing of what was accepted is lost."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx2
import pytest
import uvicorn

from orderloom.api import admission
from orderloom.api.app import create_app
from orderloom.plumbing import credentials
from orderloom.plumbing.database import DatabaseAway
from orderloom.plumbing.settings import Settings
from tests.api.client import Client
from tests.api.shop import open_shop, order, set_stock


@asynccontextmanager
async def serving(database):
    """The application behind a real server and socket, and a client with a key."""
    app = create_app(database, Settings(_env_file=None))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it no other way
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with database.transaction() as db:
        _, key = await credentials.create_key(db, name="tests", scopes=credentials.SCOPES)
    limits = httpx2.Limits(max_connections=200)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        Client(app, key) as inside,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, limits=limits, timeout=60
        ) as client,
    ):
        await open_shop(inside, stock=1000)
        yield app, inside, client
    server.should_exit = True
    await task


@pytest.fixture
async def served(database):
    async with serving(database) as found:
        yield found


class TestMoreThanCanWait:
    async def test_is_shed_and_what_was_accepted_is_there(self, served):
        app, inside, client = served
        app.state.desk.captures._waiting_most = 10
        async with inside.database.transaction() as db:
            # Nobody is taken meanwhile: whoever is answered first was sent away.
            await db.execute("LOCK TABLE orders.orders IN EXCLUSIVE MODE")
            asked = [asyncio.create_task(client.post("/v1/orders", json=order())) for _ in range(120)]
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=9)
        answers = await asyncio.gather(*asked)
        accepted = [a for a in answers if a.status_code == 201]
        shed = [a for a in answers if a.status_code == 503]
        assert len(accepted) + len(shed) == len(answers)
        assert accepted
        assert shed
        for answer in shed:
            assert (answer.json()["code"], answer.json()["retryable"]) == ("overloaded", True)
            assert int(answer.headers["retry-after"]) >= 1
        async with inside.database.transaction() as db:
            assert await db.fetchval("SELECT count(*) FROM orders.orders") == len(accepted)

    async def test_is_taken_when_sent_again(self, served):
        app, _, client = served
        app.state.desk.captures._waiting_most = 0
        body, key = order(), {"Idempotency-Key": "again"}
        assert (await client.post("/v1/orders", json=body, headers=key)).status_code == 503
        app.state.desk.captures._waiting_most = 100
        assert (await client.post("/v1/orders", json=body, headers=key)).status_code == 201


class TestTheLanes:
    async def test_a_checkout_goes_before_an_import(self, served):
        """Checkouts are answered while a bulk goes on for as long as they take."""
        _, inside, client = served
        await set_stock(inside, "EAST", "MUG", 100_000)
        under_way, answered, sent = asyncio.Event(), asyncio.Event(), 0

        async def rows():
            nonlocal sent
            while not answered.is_set():
                yield b"".join(json.dumps(order()).encode() + b"\n" for _ in range(200))
                sent += 200
                if sent >= 600:
                    under_way.set()

        bulk = asyncio.create_task(
            client.post("/v1/orders/bulk", content=rows(), headers={"Content-Type": "application/x-ndjson"})
        )
        await under_way.wait()
        for _ in range(5):
            assert (await client.post("/v1/orders", json=order())).status_code == 201
        answered.set()
        told = (await bulk).content.splitlines()
        assert json.loads(told[-1]) == {
            "rows": sent,
            "created": sent,
            "duplicates": 0,
            "failed": 0,
            "complete": True,
        }

    async def test_a_checkout_finds_a_connection_when_the_others_are_taken(self, served):
        _, inside, client = served
        async with _all_taken(inside.database):
            assert (await client.post("/v1/orders", json=order())).status_code == 201


@asynccontextmanager
async def _all_taken(database):
    """Every connection that is not kept for checkouts is at work. The key was looked up before."""
    done = asyncio.Event()

    async def hold():
        async with database.transaction():
            await done.wait()

    holding = [asyncio.create_task(hold()) for _ in range(20)]
    await asyncio.sleep(0.3)
    try:
        yield
    finally:
        done.set()
        await asyncio.gather(*holding)


async def test_a_database_that_is_away_is_said_so(served, monkeypatch):
    # However long it takes, the key is known still: it is not what is shown here.
    monkeypatch.setattr(admission, "REMEMBERED_S", 600)
    app, _, client = served
    app.state.desk.admission._known.clear()
    assert (await client.post("/v1/orders", json=order())).status_code == 201

    @asynccontextmanager
    async def gone(**_):
        raise DatabaseAway("gone")
        yield

    monkeypatch.setattr(app.state.desk.database, "transaction", gone)
    answers = await asyncio.gather(*(client.post("/v1/orders", json=order()) for _ in range(8)))
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(503, "unavailable")}
    assert all(a.headers["retry-after"] == "1" for a in answers)
    row = json.dumps(order()).encode()
    told = await client.post("/v1/orders/bulk", content=row, headers={"Content-Type": "application/x-ndjson"})
    rows = [json.loads(line) for line in told.content.splitlines()]
    assert (rows[0]["status"], rows[1]["complete"]) == (503, False)
