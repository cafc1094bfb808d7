"""A merchant's afternoon for the console to show: the demo's network, orders taken in and moved along by the real journeys.

Gateway and carriers are the simulated ones, running as processes; nodes and parcels are moved by hand, so that every
stage of the way has its orders.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from orderloom import packing
from orderloom.catalog.model import Item
from orderloom.delivery.model import TrackingEvent
from orderloom.journey import setup, working
from orderloom.journey.placing import place
from orderloom.orders import exceptions, holds
from orderloom.orders.exceptions import NewException
from orderloom.orders.holds import NewHold
from orderloom.orders.model import LineDraft, OrderDraft, Placed, TenderDraft
from orderloom.plumbing import credentials
from orderloom.plumbing.database import Database, Db
from orderloom.plumbing.events import Actor, acting
from orderloom.returns import intake
from orderloom.returns.model import Asked, Requested, Sold
from orderloom.simulate import demo_data
from orderloom.terms import Address
from orderloom.worker import Worker
from tests.browser import back_office

PASSWORD = "correct horse battery"
PEOPLE = {
    "owner": "olga@loom.example",
    "customer_service": "cem@loom.example",
    "auditor": "ada@loom.example",
    "warehouse": "wim@loom.example",
}
PLACES = (
    ("Columbus", "OH", "43215"), ("Austin", "TX", "78701"), ("Portland", "OR", "97205"), ("Miami", "FL", "33130"),
    ("Boston", "MA", "02116"), ("Chicago", "IL", "60614"), ("Phoenix", "AZ", "85004"), ("Nashville", "TN", "37203"),
    ("Minneapolis", "MN", "55401"), ("Salt Lake City", "UT", "84101"), ("Richmond", "VA", "23220"),
    ("Kansas City", "MO", "64106"), ("San Diego", "CA", "92101"), ("Brooklyn", "NY", "11201"), ("Boise", "ID", "83702"),
)  # fmt: skip
NAMES = (
    "Maya Lindqvist", "Tom Okafor", "Priya Raman", "Luis Ortega", "Hannah Weiss", "Jonas Berg", "Aiko Tanaka",
    "Sam O'Neil", "Grace Mbeki", "Noah Fischer", "Elena Petrova", "Marcus Hill", "Zoe Laurent", "Ivan Novak",
)  # fmt: skip
SPLIT = "W-20417"
HOSTILE = "<img src=x onerror=alert(1)>=cmd|' /C calc'!A0"


@dataclass(frozen=True)
class World:
    """What tests look for, by number."""

    split: str
    held: str
    delivered: str
    to_pick: str
    hostile: str


async def make(database: Database, *, orders: int = 70) -> World:
    """Fill the database. Gateway and carrier must answer where the settings say."""
    now = datetime.now(UTC).replace(microsecond=0)
    async with database.transaction() as db:
        await setup.put(db, wanted=demo_data.setup())
        for role, email in PEOPLE.items():
            name = email.partition("@")[0].title()
            await credentials.create_user(db, email=email, password=PASSWORD, role=role, name=name)
        await credentials.create_key(db, name="Webshop", scopes=["orders:read", "orders:write"])
    placed = await _place(database, now, orders)
    worker = Worker(database)
    await worker.run_until_idle()
    held = await _trouble(database, placed[3:], now)
    delivered = await _along(database, worker, now)
    async with database.transaction() as db:
        split = await db.fetchval(
            "SELECT o.number FROM orders.orders AS o JOIN routing.decisions AS d ON d.order_id = o.id "
            "WHERE d.outcome = 'split' ORDER BY o.external_id = $1 DESC, o.number DESC LIMIT 1",
            SPLIT,
        )
        hostile = await db.fetchval("SELECT number FROM orders.orders WHERE buyer ->> 'name' = $1", HOSTILE)
        to_pick = await db.fetchval(
            "SELECT number FROM orders.fulfillments WHERE max_rank < 500 ORDER BY number DESC LIMIT 1"
        )
        await _told(db, now)
        await _on_its_way(db, now)
    await back_office.work(database, worker, _draft(0, now, random.Random(0)))
    return World(split, held, delivered, to_pick, hostile)


# --- stock ------------------------------------------------------------------------------------------------------


async def _told(db: Db, now: datetime) -> None:
    """The marketplace takes most of its numbers, late, and lost one."""
    feed = {"adapter": "http", "url": "https://market.example/availability"}
    channel = await db.fetchval(
        "UPDATE network.channels SET availability_feed = $1 WHERE code = 'market' RETURNING id", feed
    )
    await db.execute(
        "UPDATE sync.availability SET pushed = version, pushed_at = changed_at + interval '2.4 seconds' "
        "WHERE channel_id = $1 AND sku <> 'MUG00-CEDA'",
        channel,
    )
    lost = {"sku": "MUG00-CEDA", "kind": "missing", "ours": 9, "theirs": None}
    lost |= {"our_version": 2, "their_version": None}
    await db.execute(
        "INSERT INTO sync.reconciliations (channel_id, compared, divergent, repaired, detail, begun_at) "
        "VALUES ($1, 40, 1, 1, $2, $3)",
        channel,
        {"kinds": {"missing": 1}, "on_the_way": 0, "divergences": [lost]},
        now,
    )


async def _on_its_way(db: Db, now: datetime) -> None:
    """A purchase order for Columbus, half of it here, and a cycle count."""
    node = await db.fetchval("SELECT id FROM network.nodes WHERE code = 'CMH'")
    supply = await db.fetchval(
        "INSERT INTO inventory.supplies (kind, reference, node_id, due_at) "
        "VALUES ('purchase_order', 'PO-7001', $1, $2) RETURNING id",
        node,
        now + timedelta(days=3),
    )
    await db.execute(
        "INSERT INTO inventory.supply_lines (supply_id, position, sku, expected) VALUES ($1, 1, 'MUG00-CEDA', 120)",
        supply,
    )
    count = await db.fetchval(
        "INSERT INTO inventory.counts (number, node_id, created_by) VALUES ('C900001', $1, 'test') RETURNING id",
        node,
    )
    await db.execute("INSERT INTO inventory.count_lines (count_id, sku) VALUES ($1, 'MUG00-CEDA')", count)


# --- orders -----------------------------------------------------------------------------------------------------


async def _place(database: Database, now: datetime, orders: int) -> list[Placed]:
    drafts = [_draft(i, now, random.Random(i)) for i in range(orders)]
    drafts += [_split_draft(now), _hostile_draft(now)]
    async with database.transaction() as db:
        outcomes = await place(db, drafts=drafts)
    placed = [outcome for outcome in outcomes if isinstance(outcome, Placed)]
    assert len(placed) > orders * 0.8, outcomes
    return placed


@cache
def _for_sale() -> list[Item]:
    """What anybody may be sent. The catalogue is written anew each time that it is asked for, which takes a while."""
    return [
        item for item in demo_data.demo_catalogue.items() if item.hazmat_class is None and item.list_price
    ]


def _draft(i: int, now: datetime, dice: random.Random) -> OrderDraft:
    chosen = dice.sample(_for_sale(), k=dice.choice((1, 1, 2, 2, 3)))
    lines = tuple(
        LineDraft(sku=item.sku, quantity=dice.choice((1, 1, 1, 2)), unit_price=item.list_price or 0)
        for item in chosen
    )
    return _order(
        external_id=f"W-{20500 + i}",
        placed_at=now - timedelta(minutes=13 * (72 - i)),
        who=NAMES[i % len(NAMES)],
        where=PLACES[i % len(PLACES)],
        lines=lines,
        channel=demo_data.MARKET if i % 4 == 3 else demo_data.WEB,
        card="tok_decline" if i == 11 else "tok_approve",
        service="expedited" if i % 9 == 4 else "standard",
        tags=("gift",) if i % 8 == 5 else (),
    )


def _split_draft(now: datetime) -> OrderDraft:
    """Things that no node has all of, so that two must share it."""
    stock, kits = demo_data.stock(), demo_data.demo_catalogue.kits()
    prices = {
        item.sku: item.list_price or 0 for item in demo_data.demo_catalogue.items() if item.sku not in kits
    }
    holders = {sku: {code for code, held in stock if held == sku} for sku in sorted(prices)}
    first, second = next(
        (a, b)
        for a in holders
        for b in holders
        if holders[a] and holders[b] and len(holders[a]) < 4 and not holders[a] & holders[b]
    )
    both = next(
        sku
        for sku in holders
        if holders[sku] & holders[first] and holders[sku] & holders[second] and sku > "M"
    )
    lines = tuple(
        LineDraft(sku=sku, quantity=n, unit_price=prices[sku])
        for sku, n in ((first, 1), (second, 2), (both, 1))
    )
    return _order(
        external_id=SPLIT, placed_at=now - timedelta(hours=1), who="Maya Lindqvist", where=PLACES[11], lines=lines,
        tags=("vip",),
    )  # fmt: skip


def _hostile_draft(now: datetime) -> OrderDraft:
    item = next(item for item in demo_data.demo_catalogue.items() if item.list_price)
    line = LineDraft(sku=item.sku, quantity=1, unit_price=item.list_price or 0, name=HOSTILE)
    return _order(
        external_id="W-1'\"><",
        placed_at=now - timedelta(hours=2),
        who=HOSTILE,
        where=PLACES[0],
        lines=(line,),
    )


def _order(
    *,
    external_id,
    placed_at,
    who,
    where,
    lines,
    channel=demo_data.WEB,
    card="tok_approve",
    service="standard",
    tags=(),
) -> OrderDraft:
    city, region, postcode = where
    subtotal = sum(line.quantity * line.unit_price for line in lines)
    name = who.partition(" ")[0].lower() if who != HOSTILE else "mallory"
    return OrderDraft(
        channel=channel,
        external_id=external_id,
        placed_at=placed_at,
        currency="USD",
        buyer={"name": who, "email": f"{name}@example.com", "notify": ["email"]},
        ship_to=Address(
            name=who, line1="500 Main St", city=city, region=region, postcode=postcode, country="US"
        ),
        lines=lines,
        tenders=(TenderDraft(method="card", token=card, amount=subtotal + 595),),
        shipping=595,
        service_level=service,
        tags=tags,
    )


# --- on their way -------------------------------------------------------------------------------------------------


async def _trouble(database: Database, placed: list[Placed], now: datetime) -> str:
    mark = acting.set(Actor("user:cem@loom.example"))
    try:
        async with database.transaction() as db:
            held = placed[-3]
            await holds.raise_holds(
                db,
                holds=[
                    NewHold(
                        order_id=held.order_id,
                        type="fraud_review",
                        blocks=("ship", "capture"),
                        due_at=now + timedelta(hours=4),
                        note="Card country differs from the ship-to country.",
                    )
                ],
            )
            await exceptions.open_(
                db,
                cases_=[
                    NewException(
                        kind="address_undeliverable",
                        entity="order",
                        entity_id=placed[5].order_id,
                        order_id=placed[5].order_id,
                        detail="The carrier knows no such street in 84101.",
                        way_out="Ask the buyer for the address, then correct it.",
                        due_at=now - timedelta(minutes=20),
                    )
                ],
            )
    finally:
        acting.reset(mark)
    return held.number


async def _along(database: Database, worker: Worker, now: datetime) -> str:
    """Two thirds are packed, half of all leave, a third arrives, one wants to come back."""
    async with database.transaction() as db:
        rows = await db.fetch(
            "SELECT id, order_id FROM orders.fulfillments WHERE max_rank >= 400 ORDER BY number"
        )
    works: list[UUID] = [row["id"] for row in rows]
    third = len(works) // 3
    mark = acting.set(Actor("user:wim@loom.example"))
    try:
        async with database.transaction() as db:
            await packing.pick_as_listed(db, fulfillment_ids=works[: third * 2 + 4])
            await working.pack(db, works=works[: third * 2])
        await worker.run_until_idle()
        async with database.transaction() as db:
            await working.close_manifests(db, ship_date=now.date(), by="user:wim@loom.example")
    finally:
        acting.reset(mark)
    await worker.run_until_idle()
    async with database.transaction() as db:
        parcels = await db.fetch(
            "SELECT p.carrier, p.tracking_number, o.ship_to ->> 'city' AS city, n.address ->> 'city' AS from_city "
            "FROM delivery.parcels AS p JOIN orders.orders AS o ON o.id = p.order_id "
            "JOIN orders.fulfillments AS f ON f.id = p.fulfillment_id JOIN network.nodes AS n ON n.id = f.node_id "
            "WHERE f.min_rank >= 700 ORDER BY f.number, p.tracking_number"
        )
        scans = [event for i, parcel in enumerate(parcels) for event in _scans(i, parcel, now, len(parcels))]
        await working.track(db, scans=scans, now=now)
    await worker.run_until_idle()
    return await _returned(database, worker, now)


def _scans(i: int, parcel, now: datetime, count: int) -> list[TrackingEvent]:
    steps = [("picked_up", parcel["from_city"]), ("departed", parcel["from_city"]), ("arrived", parcel["city"]),
             ("out_for_delivery", parcel["city"]), ("delivered", parcel["city"])]  # fmt: skip
    far = 5 if i < count // 2 else (4 if i % 3 == 0 else 2)
    told = steps[:far]
    if i == count - 1:
        told = [*steps[:4], ("attempt_failed", parcel["city"])]
    return [
        TrackingEvent(
            carrier=parcel["carrier"],
            tracking_number=parcel["tracking_number"],
            code=code,
            occurred_at=now - timedelta(minutes=9 * (6 - at)),
            raw={"code": code, "city": city},
        )
        for at, (code, city) in enumerate(told)
    ]


async def _returned(database: Database, worker: Worker, now: datetime) -> str:
    async with database.transaction() as db:
        row = await db.fetchrow(
            "SELECT o.id, o.number, o.currency, l.id AS line_id, l.sku, l.quantity, f.node_id "
            "FROM orders.orders AS o JOIN orders.lines AS l ON l.order_id = o.id AND NOT l.is_kit "
            "JOIN orders.fulfillments AS f ON f.order_id = o.id WHERE o.min_rank = 800 ORDER BY o.number LIMIT 1"
        )
        assert row is not None
        answer = await intake.request(
            db,
            order_id=row["id"],
            node_id=row["node_id"],
            currency=row["currency"],
            sold=[Sold(line_id=row["line_id"], sku=row["sku"], delivered=row["quantity"], delivered_at=now)],
            lines=[Asked(quantity=1, reason="too_small", line_id=row["line_id"])],
            now=now,
            key="browser-world",
            note="Would like the larger one.",
        )
        assert isinstance(answer, Requested), answer
    await worker.run_until_idle()
    return str(row["number"])
