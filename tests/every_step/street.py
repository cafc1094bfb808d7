"""A merchant on whose orders every step is proven: buyers, nodes and carriers act by what they see, to the very end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from orderloom import catalog
from orderloom.catalog.model import Item
from orderloom.delivery.model import TrackingEvent
from orderloom.insight import audit
from orderloom.inventory import reading
from orderloom.journey import asking_back, cancelling, importing, publishing_stock, working
from orderloom.journey.roster import JOURNEYS, READERS
from orderloom.orders import bulk
from orderloom.orders.model import OrderDraft
from orderloom.orders.reading import fulfillments_of, lines_of, orders_of, slices_of
from orderloom.plumbing import events, http, journeys
from orderloom.plumbing.database import Database, DatabaseAway, Db
from orderloom.plumbing.journeys import Journey
from orderloom.plumbing.runner import Runner
from orderloom.returns.model import Asked, Disposition, Finding, Requested, Status
from orderloom.returns.reading import returns_of
from orderloom.shipping import labels_of
from orderloom.terms import Rank
from tests.every_step.tables import STOP
from tests.journey.house import House

LEASE_S = 5.0
ROUNDS = 500
# Sold though there is none: who orders it waits for it, with a case of its own, and nothing is done for it meanwhile.
TO_BE_MADE = Item(
    sku="TO-BE-MADE",
    name="Print",
    backorder="always",
    list_price=1000,
    weight_g=300,
    length_mm=100,
    width_mm=80,
    height_mm=60,
)
_CASES = """
SELECT e.kind FROM orders.exceptions AS e WHERE e.resolved_at IS NULL
  AND NOT EXISTS (SELECT FROM orders.bulk_rows AS r WHERE r.order_id = e.order_id AND r.outcome = 'created')
"""


@dataclass
class Told:
    """The other system that is told by webhooks: the ids of what it took, each as often as it came."""

    ids: list[str] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        await reader.readexactly(int(headers.get("content-length", 0)))
        self.ids.append(headers["webhook-id"])
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@dataclass
class Street:
    """One order after another goes its way here; `mark` remembers the outside's books before it."""

    house: House
    told: Told
    order: UUID | None = None
    back: UUID | None = None
    skus: tuple[str, ...] = ()
    one_less: bool = False
    compared: bool = False
    sent_in: OrderDraft | None = None
    file: UUID | None = None
    mark: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.house.database

    # --- the story --------------------------------------------------------------------------------------------

    async def begin(self) -> UUID:
        """A buyer of its own orders two of one item and one of another."""
        self.house.email = f"buyer-{uuid4().hex[:10]}@example.com"
        self.skus = (self.house.item(0), self.house.item(1))
        self.order, self.back, self.one_less, self.compared, self.file = None, None, False, False, None
        self.mark = {
            "gateway": 0,
            "carrier": 0,
            "told": len(self.told.ids),
            "manifests": 0,
            "delivered": set(),
        }
        self.mark |= {"gateway": len(await self._operations()), **await self._carrier_mark()}
        self.mark["stock"] = await self._stock()
        self.sent_in = self.house.draft({self.skus[0]: 2, self.skus[1]: 1})
        [self.order] = await self.house.place(self.sent_in)
        return self.order

    async def bring(
        self, tables: Sequence[Journey] = JOURNEYS, *, until: tuple[str, str] | None = None
    ) -> None:
        """Let everybody act until nothing happens any more, or somebody has been stopped at the step."""
        for _ in range(ROUNDS):
            await self.settle(tables)
            if until and await self.stopped(*until):
                return
            if not await self._somebody_acts():
                return
        raise AssertionError("it never comes to rest")

    async def settle(self, tables: Sequence[Journey] = JOURNEYS) -> None:
        """A worker does all there is; what was put off or is leased is due at once."""
        runner = Runner(self.database, tables, lease_s=LEASE_S)
        for _ in range(ROUNDS):
            behind = await events.unread(self.database, READERS)
            told = sum([await events.feed(self.database, reader, hurry=True) for reader in behind])
            if await self._idle(runner) or told or await self._hurry():
                continue
            if not behind:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the worker never comes to rest")

    async def _hurry(self) -> bool:
        """What was put off is due now; who held a lease is dead, or done, and its lease is over."""
        async with self.database.transaction() as db:
            hurried = await db.execute(
                "UPDATE plumbing.subjects SET due_at = least(due_at, clock_timestamp()), leased_until = NULL "
                "WHERE state = 'due' AND (due_at > clock_timestamp() OR leased_until > clock_timestamp())"
            )
        return hurried != "UPDATE 0"

    async def _somebody_acts(self) -> bool:
        async with self.database.transaction() as db:
            return (
                await self._buyer_wants_one_less(db)
                or await self._nodes_pack(db)
                or await self._nodes_close_the_day(db)
                or await self._carriers_deliver(db)
                or await self._buyer_sends_back(db)
                or await self._node_takes_back(db)
                or await self._listing_is_compared(db)
                or await self._shop_sends_its_day_again(db)
            )

    async def _buyer_wants_one_less(self, db: Db) -> bool:
        order = (await orders_of(db, [self.order]))[self.order]
        if self.one_less or order.payment_status != "authorized" or order.max_rank < Rank.RELEASED:
            return False
        self.one_less = True
        line = next(x for x in (await lines_of(db, [order.id]))[order.id] if x.quantity == 2)
        said = await cancelling.cancel(db, order_id=order.id, reason="one is enough", quantities={line.id: 1})
        assert isinstance(said, cancelling.Cancelled), said
        return True

    async def _nodes_pack(self, db: Db) -> bool:
        works = (await fulfillments_of(db, orders=[self.order])).values()
        fresh = [
            w.id for w in works if w.request_status == "submitted" and w.status in ("open", "in_progress")
        ]
        if fresh:
            await working.accept(db, works=fresh)
            packed = await working.pack(db, works=fresh)
            assert not packed.refused, packed.refused
        return bool(fresh)

    async def _nodes_close_the_day(self, db: Db) -> bool:
        works = await fulfillments_of(db, orders=[self.order])
        if not await labels_of(db, subjects=list(works), statuses=["purchased"]):
            return False
        return bool(await working.close_manifests(db, ship_date=datetime.now(UTC).date(), by="proof"))

    async def _carriers_deliver(self, db: Db) -> bool:
        works = await fulfillments_of(db, orders=[self.order])
        scans = [
            TrackingEvent(
                carrier=label.carrier,
                tracking_number=label.tracking_number,
                code="delivered",
                occurred_at=datetime.now(UTC),
            )
            for label in await labels_of(db, subjects=list(works), statuses=["used"])
        ]
        fresh = [s for s in scans if s.tracking_number not in self.mark["delivered"]]
        self.mark["delivered"] |= {s.tracking_number for s in fresh}
        if fresh:
            await working.track(db, scans=fresh, now=datetime.now(UTC))
        return bool(fresh)

    async def _buyer_sends_back(self, db: Db) -> bool:
        pieces = await slices_of(db, orders=[self.order])
        if self.back or any(p.rank not in (Rank.DELIVERED, Rank.CANCELLED) for p in pieces):
            return False
        lines = (await lines_of(db, [self.order]))[self.order]
        said = await asking_back.ask_back(
            db,
            order_id=self.order,
            lines=[Asked(quantity=1, reason="changed_mind", line_id=line.id) for line in lines],
            now=datetime.now(UTC),
        )
        assert isinstance(said, Requested), said
        self.back = said.return_id
        return True

    async def _node_takes_back(self, db: Db) -> bool:
        if self.back is None:
            return False
        back, lines = (await returns_of(db, ids=[self.back]))[self.back]
        if back.status is Status.OPEN and await labels_of(
            db, subjects=[back.id], statuses=["purchased", "used"]
        ):
            await asking_back.receive(db, return_id=back.id, lines=[(x.id, x.quantity) for x in lines])
            return True
        if back.status is Status.RECEIVED:
            findings = [Finding(return_line_id=x.id, disposition=Disposition.RESTOCK) for x in lines]
            await asking_back.inspect(db, return_id=back.id, findings=findings)
            return True
        return False

    async def _listing_is_compared(self, db: Db) -> bool:
        first, self.compared = not self.compared, True
        if first:
            await publishing_stock.ask_to_compare(db, channel_id=await self._channel(db))
        return first

    async def _shop_sends_its_day_again(self, db: Db) -> bool:
        """As a file: the order that was taken, one of what nobody knows, and a new one of what has still to be made."""
        if self.file is not None or self.sent_in is None:
            return False
        await catalog.put_items(db, items=[TO_BE_MADE])
        job = await bulk.open_(db, on_error="reject_failed")
        unknown = replace(
            self.sent_in,
            external_id=f"{self.sent_in.external_id}-x",
            lines=(replace(self.sent_in.lines[0], sku="NONE"),),
        )
        fresh = replace(
            self.sent_in,
            external_id=f"{self.sent_in.external_id}-y",
            lines=tuple(replace(line, sku=TO_BE_MADE.sku) for line in self.sent_in.lines),
        )
        rows = [bulk.NewRow(n, draft) for n, draft in enumerate((self.sent_in, unknown, fresh), start=1)]
        self.file = job.id
        return await bulk.add(db, job_id=job.id, rows=rows) and await importing.begin(db, job_id=job.id)

    # --- steps ------------------------------------------------------------------------------------------------

    async def stopped(self, of: str, name: str) -> list[UUID]:
        """Who was stopped at that step."""
        async with self.database.transaction() as db:
            rows = await db.fetch(
                "SELECT subject_id FROM plumbing.subjects WHERE journey = $1 AND step = $2 AND awaiting = $3",
                of,
                name,
                STOP,
            )
        return [row["subject_id"] for row in rows]

    async def put_at(self, of: str, name: str, ids: Sequence[UUID]) -> None:
        """Due at the step, as if nothing of it had happened yet."""
        async with self.database.transaction() as db:
            await db.execute(
                "UPDATE plumbing.subjects SET step = $2, state = 'due', due_at = clock_timestamp(), attempts = 0, "
                "awaiting = NULL, undoing = false WHERE journey = $1 AND subject_id = ANY($3::uuid[])",
                of,
                name,
                list(ids),
            )

    async def run(self, table: Journey) -> None:
        """That journey alone goes on, without haste."""
        await self._idle(Runner(self.database, [table], lease_s=LEASE_S))

    async def _idle(self, runner: Runner) -> int:
        """A worker outlives a lost connection: the server ends one whose client stood still for a minute."""
        for _ in range(ROUNDS):
            with suppress(DatabaseAway):
                return await runner.run_until_idle()
        raise AssertionError("the database never comes back")

    async def let_go(self) -> None:
        """Nobody is stopped any more."""
        async with self.database.transaction() as db:
            await db.execute(
                "UPDATE plumbing.subjects SET state = 'due', due_at = clock_timestamp(), awaiting = NULL "
                "WHERE awaiting = $1",
                STOP,
            )

    async def end_leases(self) -> None:
        """Nobody's lease holds any more: its worker is dead."""
        await self._hurry()

    async def see_off(self, application: str) -> None:
        """Until the server has noticed that these clients are gone, and rolled back what they were at."""
        async with asyncio.timeout(60), self.database.transaction() as db:
            while await db.fetchval(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)", application
            ):
                await db.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")

    async def give_up(self, of: str, found: Sequence[UUID]) -> None:
        """The order is turned back as it stands; work at a node by its buyer's cancelling, a return by its buyer."""
        async with self.database.transaction() as db:
            if of == "order":
                await journeys.turn_back(db, of, self.order, reason="given up by the proof")
            elif of == "fulfillment":
                await cancelling.cancel(db, order_id=self.order, reason="given up by the proof")
                for work in found:
                    await cancelling.answer_request(db, work=work, accept=True, reason="not begun")
            else:
                await asking_back.cancel(db, return_id=self.back, reason="kept")
        await self.let_go()
        await self.settle()

    async def undo_once_more(self, of: str, name: str, found: Sequence[UUID]) -> None:
        """The whole undo again, from the step back, as if it had never run."""
        async with self.database.transaction() as db:
            await db.execute(
                "UPDATE plumbing.subjects SET step = $2, state = 'due', due_at = clock_timestamp(), undoing = true, "
                "undo_to = NULL WHERE journey = $1 AND subject_id = ANY($3::uuid[])",
                of,
                name,
                list(found),
            )
        await self.settle()

    # --- what has come of it ----------------------------------------------------------------------------------

    async def effects(self) -> dict[str, Any]:
        """Everything this order has brought about, here and in the outside's own books."""
        labels, manifests = await self._carrier()
        booked = await self._operations()
        async with self.database.transaction() as db:
            order = (await orders_of(db, [self.order]))[self.order]
            pieces = sorted(
                (p.sku, p.rank.word, p.quantity) for p in await slices_of(db, orders=[self.order])
            )
            works = (await fulfillments_of(db, orders=[self.order])).values()
            cases = await db.fetch(_CASES)
            filed = await bulk.jobs(db, ids=[self.file] if self.file else [])
            made = await db.fetchval(
                "SELECT count(*) FROM orders.lines AS l JOIN orders.bulk_rows AS r USING (order_id) "
                "WHERE r.job_id = $1 AND r.outcome = 'created' AND l.sku = $2",
                self.file,
                TO_BE_MADE.sku,
            )
        return {
            "gateway": sorted((o["kind"], o["amount"]) for o in booked if o["status"] == "succeeded"),
            "labels": sorted((label["status"], label["bought"]) for label in labels),
            "manifests": manifests - self.mark["manifests"],
            "letters": sorted(s.replace(order.number, "#") for s in await self.house.letters(order.number)),
            "told": len(set(self.told.ids[self.mark["told"] :])),
            "stock": [now - was for now, was in zip(await self._stock(), self.mark["stock"], strict=True)],
            "slices": pieces,
            "works": sorted((w.status, w.request_status) for w in works),
            "order": (order.lifecycle, order.status, order.payment_status, order.return_status),
            "cases": [row["kind"] for row in cases],
            "offered": await self._offered(),
            "filed": [(job.state, job.created, job.duplicates, job.failed, made) for job in filed],
        }

    async def _channel(self, db: Db) -> UUID:
        found: UUID = await db.fetchval("SELECT id FROM network.channels WHERE code = 'web'")
        return found

    async def _offered(self) -> list[bool]:
        """Whether the channel's file says of each item what was published last."""
        async with self.database.transaction() as db:
            rows = await db.fetch(
                "SELECT sku, quantity, version FROM sync.availability WHERE channel_id = $1 AND sku = ANY($2::text[])",
                await self._channel(db),
                list(self.skus),
            )
        file = Path(os.environ["ORDERLOOM_FEED_DIR"]) / "web.csv"
        lines = file.read_text().splitlines() if file.exists() else []
        return [f"{row['sku']},{row['quantity']},{row['version']},,0" in lines for row in rows]

    async def _operations(self) -> list[dict[str, Any]]:
        """What the gateway has on its books since the mark."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = self.mark["gateway"] + len(found)
            _, body = await http.call("GET", f"{self.house.outside.gateway}/ledger?after={after}&limit=500")
            found += body["operations"]
            more = body["more"]
        return found

    async def _carrier(self) -> tuple[list[dict[str, Any]], int]:
        body = await self.house.ledger("carrier")
        return body["labels"][self.mark["carrier"] :], body["totals"]["manifests"]

    async def _carrier_mark(self) -> dict[str, int]:
        body = await self.house.ledger("carrier")
        return {"carrier": len(body["labels"]), "manifests": body["totals"]["manifests"]}

    async def _stock(self) -> list[int]:
        async with self.database.transaction() as db:
            levels = await reading.levels(db, skus=list(self.skus))
        rows = sorted(levels, key=lambda level: (level.sku, str(level.node_id)))
        return [n for x in rows for n in (x.on_hand, x.reserved, x.allocated, x.damaged, x.quality_control)]

    async def sound(self) -> None:
        """No invariant is violated."""
        async with self.database.transaction() as db:
            findings = await audit.run(db)
        assert not [f for f in findings if f.count], [f for f in findings if f.count]


def written(order: dict[str, str]) -> bytes:
    return (json.dumps(order) + "\n").encode()
