"""The demo: a network, a simulated world around it, and everything running as it would in earnest."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orderloom.insight import run_summary
from orderloom.insight.run_summary import Backlog, RunSummary
from orderloom.journey import setup
from orderloom.journey.roster import READERS
from orderloom.plumbing import clock, credentials, http
from orderloom.plumbing.database import Database, DatabaseAway
from orderloom.plumbing.http import Unavailable
from orderloom.simulate import demo_data, demo_rules, stockroom
from orderloom.simulate.client import Client
from orderloom.simulate.processes import fleet
from orderloom.simulate.surroundings import Addresses, Surroundings, planned
from orderloom.simulate.whole_way import issue_key, unless_broken
from orderloom.simulate.world import UNATTENDED, Pace, World

USER = "demo@orderloom.example"
ROUND_S = 0.5
FIRST_ORDERS = 12
STALLED_AFTER = timedelta(minutes=4)


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in."""

    address: str
    email: str
    password: str


Announce = Callable[[Login, Surroundings], None]
Report = Callable[[RunSummary, Backlog], None]


@dataclass(slots=True, kw_only=True)
class Demo:
    """One run. `orders` limits how many are bought; with `unattended` it ends once they all have.

    `mischief` is the chance that a provider fails, loses its answer or is late, each call.
    """

    database: Database
    data_dir: Path
    api_port: int
    workers: int = 1
    rate: float = 1.0
    orders: int | None = None
    unattended: bool = False
    mischief: float = 0.0
    announce: Announce = lambda *_: None
    report: Report = lambda *_: None

    async def run(self) -> bool:
        """Until cancelled, or unattended until every order has ended; says whether that was reached."""
        around = planned(
            database_url=self.database.url,
            data_dir=self.data_dir,
            workers=self.workers,
            api_port=self.api_port,
            marketplace=None if self.unattended else demo_data.MARKET,
        )
        login = await self._login(around.addresses.api)
        async with fleet() as running:
            outside = asyncio.create_task(running.start(*around.outside))
            async with self.database.transaction() as db:
                await setup.put(db, wanted=demo_data.setup(marketplace=around.addresses.marketplace))
            await outside
            await misbehave(around.addresses, self.mischief)
            await running.start(around.api, *around.workers)
            self.announce(login, around)
            return await unless_broken(self._live(around), asyncio.create_task(running.watch()))

    async def _live(self, around: Surroundings) -> bool:
        async with self.database.transaction(readonly=True) as db:
            before = await run_summary.summary(db)
        key = await issue_key(self.database, name="demo world")
        pace = UNATTENDED if self.unattended else Pace()
        world = World(
            Client(around.addresses.api, key), around.addresses.carrier, pace=pace, placed=before.orders
        )
        await world.warehouses.recover(clock.now())
        if not self.unattended:
            await stockroom.furnish(world.client, clock.now())
            await demo_rules.lay_down(world.client)
        try:
            return await (self._to_the_end(world) if self.unattended else self._for_ever(world))
        finally:
            await http.close()

    async def _for_ever(self, world: World) -> bool:
        bought = await world.buyers.buy(min(FIRST_ORDERS, self.orders or FIRST_ORDERS), clock.now())
        began, since = clock.now(), bought
        while True:
            now = clock.now()
            due = int((now - began).total_seconds() * self.rate) + since - bought
            if self.orders is not None:
                due = min(due, self.orders - bought)
            try:
                bought += await world.buyers.buy(due, now) if due > 0 else 0
                await world.round(now)
                await self._tell()
            except (Unavailable, DatabaseAway, TimeoutError):
                # Something is being restarted: the world goes on, and so does this in a moment.
                await asyncio.sleep(ROUND_S)
            await asyncio.sleep(ROUND_S)

    async def _to_the_end(self, world: World) -> bool:
        await world.buyers.buy(self.orders or 0, clock.now())
        changed_at, before = clock.now(), None
        while True:
            now = clock.now()
            done = await world.round(now)
            left = await self._tell()
            if left.settled and not done and not world.busy:
                return True
            if done or left != before:
                changed_at, before = now, left
            elif now - changed_at > STALLED_AFTER:
                return False
            if not done:
                await asyncio.sleep(ROUND_S)

    async def _tell(self) -> Backlog:
        async with self.database.transaction(readonly=True) as db:
            left = await run_summary.backlog(db, readers=READERS)
            self.report(await run_summary.summary(db), left)
        return left

    async def _login(self, address: str) -> Login:
        """A user of the demo, with a password of this start's own."""
        password = secrets.token_urlsafe(12)
        async with self.database.transaction() as db:
            if not await credentials.set_password(db, email=USER, password=password):
                await credentials.create_user(db, email=USER, password=password, role="owner", name="Demo")
        return Login(address, USER, password)


async def misbehave(addresses: Addresses, chance: float) -> None:
    """Tell gateway, carriers and mailbox how often to fail before and after the fact; 0 makes them behave."""
    wanted = {
        addresses.gateway: {"error": chance, "lost": chance, "garbage": chance / 2},
        addresses.carrier: {"server_error": chance, "lost_response": chance, "garbage": chance / 2},
        addresses.mailbox: {"not_now": chance},
    }
    for address, control in wanted.items():
        await http.call("POST", f"{address}/control", json=control)
