"""Admission: a key is looked up anew before it is forgotten, and nobody waits for that."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from orderloom.api import admission
from orderloom.api.admission import REMEMBERED_S, Admission
from orderloom.api.problems import Problem
from orderloom.plumbing.database import DatabaseAway

KEY = "ol_test_1"


class Desk:
    """An admission whose clock and look-ups are the test's own."""

    def __init__(self, monkeypatch) -> None:
        self.now, self.asked, self.found = 100.0, 0, "the credential"
        self.gate = asyncio.Event()
        self.gate.set()
        monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(admission.credentials, "key_credential", self.look_up)
        self.admission = Admission(SimpleNamespace(transaction=self.transaction))

    @asynccontextmanager
    async def transaction(self, **_):
        yield None

    async def look_up(self, *_):
        self.asked += 1
        await self.gate.wait()
        if self.found is DatabaseAway:
            raise DatabaseAway("gone")
        return self.found

    async def enter(self):
        request = Request(
            {
                "type": "http",
                "headers": [(b"authorization", b"Bearer " + KEY.encode())],
                "client": ("10.0.0.1", 1),
            }
        )
        return await self.admission.credential(request)

    async def settle(self):
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def desk(monkeypatch):
    found = Desk(monkeypatch)
    await found.enter()
    found.now += 0.9 * REMEMBERED_S
    return found


async def test_whoever_comes_shortly_before_the_end_does_not_wait_for_the_look_up(desk):
    desk.gate.clear()
    assert [await desk.enter() for _ in range(3)] == ["the credential"] * 3
    await desk.settle()
    assert desk.asked == 2
    desk.gate.set()
    await desk.settle()
    desk.now += 0.5 * REMEMBERED_S
    assert await desk.enter() == "the credential"
    assert desk.asked == 2


async def test_a_revoked_key_is_out_with_the_look_up(desk):
    desk.found = None
    await desk.enter()
    await desk.settle()
    with pytest.raises(Problem) as refused:
        await desk.enter()
    assert refused.value.status == 401


async def test_a_look_up_that_fails_is_made_again_by_whoever_needs_it(desk):
    desk.found = DatabaseAway
    assert await desk.enter() == "the credential"
    await desk.settle()
    desk.now += REMEMBERED_S
    with pytest.raises(DatabaseAway):
        await desk.enter()
    desk.found = "another"
    assert await desk.enter() == "another"
