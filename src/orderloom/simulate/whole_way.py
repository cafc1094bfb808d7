"""The whole way of an imported history: captured, cancelled, authorised, routed, packed, labelled, shipped, delivered.

Everything runs as it would in earnest: gateway, carriers and mailbox are processes of their own, the API and workers
too, and the world acts over the API. Any of them may be killed at any moment meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from orderloom.insight import run_summary
from orderloom.insight.run_summary import Backlog
from orderloom.journey.roster import READERS
from orderloom.orders.channels.channel import Translation
from orderloom.plumbing import clock, credentials, http
from orderloom.plumbing.credentials import SCOPES
from orderloom.plumbing.database import Database
from orderloom.simulate import importing, others_books
from orderloom.simulate.carriers_round import Scanners
from orderloom.simulate.client import Client
from orderloom.simulate.history import HistoricalWorld, History
from orderloom.simulate.importing import Captured
from orderloom.simulate.processes import Fleet, fleet
from orderloom.simulate.surroundings import Surroundings, planned
from orderloom.simulate.warehouses import Warehouses

SEED = 7
IDLE_S = 0.5
# Without any change for so long, nothing more is going to happen.
STALLED_AFTER = timedelta(minutes=5)

Result = TypeVar("Result")
# Told what is being done, how far it is, and how much there is of it.
Tell = Callable[[str, int, int], None]
Sabotage = Callable[[Fleet], Coroutine[Any, Any, None]]


@dataclass(slots=True, kw_only=True)
class WholeWay:
    """One run. `sabotage` is started with the workers, and cancelled at the end.

    What has not settled `within` that time is told as it stands then, and is not good.
    """

    database: Database
    name: str
    translation: Translation
    data_dir: Path
    workers: int = 1
    tell: Tell = lambda *_: None
    sabotage: Sabotage | None = None
    within: timedelta = timedelta(hours=6)
    seconds: dict[str, float] = field(default_factory=dict)
    retries: int = 0
    refused_credits: int = 0
    restarts: list[str] = field(default_factory=list)

    async def capture_only(self) -> dict[str, Any]:
        """From the source's rows to orders of ours, and no further."""
        changed, captured = await self._bring_in()
        figures = await self._figures(changed, captured)
        return figures | {"good": figures["captured"] == len(self.translation.drafts)}

    async def run(self) -> dict[str, Any]:
        """From the source's rows to every order's end; returns the figures, and what they prove."""
        changed, captured = await self._bring_in()
        around = planned(database_url=self.database.url, data_dir=self.data_dir, workers=self.workers)
        async with fleet() as running:
            await running.start(*around.outside)
            await running.start(around.api)
            watching = asyncio.create_task(running.watch(self.restarts.append))
            async with self._timed("simulate"):
                settled = await self._in_time(
                    unless_broken(self._simulate(running, around, captured), watching)
                )
            books = await others_books.read(around.addresses)
        await http.close()
        figures = await self._figures(changed, captured)
        proofs = proven(self.translation, figures, books) | {"settled": settled}
        return figures | {
            "others": books,
            "client_retries": self.retries,
            "credits_refused": self.refused_credits,
            "restarts": len(self.restarts),
            "proofs": proofs,
            "good": all(proofs.values()),
        }

    async def _in_time(self, simulating: Coroutine[Any, Any, bool]) -> bool:
        """Whether it settled; False when its time is over."""
        limit = asyncio.timeout(self.within.total_seconds())
        try:
            async with limit:
                return await simulating
        except TimeoutError:
            if not limit.expired():
                raise
            return False

    async def _bring_in(self) -> tuple[int, Captured]:
        async with self._timed("set_up"):
            changed = await importing.prepare(
                self.database, wanted=importing.setup_of(self.name, self.translation)
            )
        async with self._timed("capture"):
            return changed, await self._capture()

    async def _figures(self, changed: int, captured: Captured) -> dict[str, Any]:
        async with self.database.transaction(readonly=True) as db:
            ours = await run_summary.summary(db, channels=[c.code for c in self.translation.channels])
        return {
            "set_up": changed,
            "captured": len(captured.orders),
            "new": captured.new,
            "refused": [remark.json() for remark in captured.refused[:20]],
            "source": dict(self.translation.totals),
            "ours": ours.json(),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "orders_per_second": self._rates(len(captured.orders)),
        }

    def _rates(self, orders: int) -> dict[str, float]:
        whole = sum(self.seconds.values())
        return {"capture": round(orders / self.seconds["capture"], 1), "whole_way": round(orders / whole, 1)}

    @asynccontextmanager
    async def _timed(self, phase: str) -> AsyncIterator[None]:
        started = clock.now()
        yield
        self.seconds[phase] = (clock.now() - started).total_seconds()

    async def _capture(self) -> Captured:
        total, so_far = len(self.translation.drafts), 0

        def done(count: int) -> None:
            nonlocal so_far
            so_far += count
            self.tell("capturing orders", so_far, total)

        return await importing.capture(self.database, drafts=self.translation.drafts, done=done)

    async def _simulate(self, running: Fleet, around: Surroundings, captured: Captured) -> bool:
        client = Client(around.addresses.api, await issue_key(self.database, name=f"{self.name} world"))
        history = History(client, self.translation.fates, captured.orders, captured.numbers)
        given_up = sum(fate.cancelled is not None for fate in self.translation.fates.values())
        cancelled = 0

        def done(count: int) -> None:
            nonlocal cancelled
            cancelled += count
            self.tell("cancelling what the source gave up", cancelled, given_up)

        await history.cancel_given_up(done)
        await running.start(*around.workers)
        mischief = asyncio.create_task(self.sabotage(running)) if self.sabotage else None
        world = HistoricalWorld(
            Warehouses(client, random.Random(SEED)),
            Scanners(client, around.addresses.carrier, history.timeline),
        )
        settled = await self._until_settled(world, mischief)
        if self.translation.credits:
            await self._take_back(history)
            settled = await self._until_settled(world, mischief) and settled
        if mischief is not None:
            mischief.cancel()
            with suppress(asyncio.CancelledError):
                await mischief
        self.retries = client.retries
        return settled

    async def _take_back(self, history: History) -> None:
        total = len(self.translation.credits)
        await history.take_back(
            self.translation.credits, lambda count: self.tell("taking back what was credited", count, total)
        )
        self.refused_credits = history.refused_credits

    async def _until_settled(self, world: HistoricalWorld, mischief: asyncio.Task[None] | None) -> bool:
        before: Backlog | None = None
        changed_at = clock.now()
        await world.warehouses.recover(changed_at)
        while True:
            now = clock.now()
            done = await world.round(now, quiet=before is not None and before.due == 0)
            async with self.database.transaction(readonly=True) as db:
                left = await run_summary.backlog(db, readers=READERS)
            total = len(self.translation.drafts)
            self.tell("orders on their way", total - left.orders, total)
            if left.settled and not done and (mischief is None or mischief.done()):
                return True
            if done or left != before:
                changed_at = now
            elif now - changed_at > STALLED_AFTER:
                return False
            before = left
            if not done:
                await asyncio.sleep(IDLE_S)


def proven(translation: Translation, figures: dict[str, Any], books: dict[str, Any]) -> dict[str, bool]:
    """Whether everything ended as the source says, and nothing happened twice by anybody's books."""
    ours, fates = figures["ours"], translation.fates
    given_up = sum(fate.cancelled is not None for fate in fates.values())
    reasons = Counter(fate.cancelled for fate in fates.values() if fate.cancelled)
    states = Counter[str]()
    for state, count in ours["end_states"].items():
        states[state.partition(", ")[2]] += count
    to_take = sum(
        d.computed_total for d in translation.drafts if d.tenders and not fates[d.external_id].cancelled
    )
    live_labels = sum(ours["labels"].get(f"outbound_{status}", 0) for status in ("purchased", "used"))
    carrier, mailbox, gateway = books["carrier"], books["mailbox"], books["gateway"]
    return {
        "all_captured": figures["captured"] == len(translation.drafts),
        "given_up_are_cancelled": states["cancelled"] == given_up
        and ours["cancelled_by_reason"] == dict(reasons),
        "all_others_are_delivered": states["delivered"] == len(translation.drafts) - given_up,
        "money_is_the_sources": ours["money"]["total"] == sum(d.computed_total for d in translation.drafts),
        "mismatches_are_flagged": ours["flagged"].get("payment_mismatch", 0)
        == translation.totals.get("mismatches", 0),
        "taken_is_owed": ours["money"].get("capture_succeeded", 0) == to_take,
        "gateway_agrees": gateway["sums"].get("capture", 0) == to_take,
        "nothing_charged_twice": gateway["repeated_keys"] == gateway["repeated_captures"] == 0,
        "carrier_agrees": carrier["labels"] - carrier["voided"] == live_labels,
        "no_label_twice": carrier["repeated"] == 0,
        # One a Message-ID: what came again under the same (a sender was killed before it noted the first) is no other.
        "no_message_twice": mailbox["messages"] == ours["notices"].get("sent", 0),
    }


async def unless_broken(work: Coroutine[Any, Any, Result], watching: asyncio.Task[None]) -> Result:
    """Do the work while the fleet is watched; a process that cannot live ends both. Raises NotReady."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await watching
        return await working
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def issue_key(database: Database, *, name: str) -> str:
    """A key of the simulated world's own, which may do everything."""
    async with database.transaction() as db:
        _, text = await credentials.create_key(db, name=name, scopes=SCOPES)
    return text
