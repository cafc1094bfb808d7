"""A count is always recorded, and the youngest claims lose what is not there; snapshots of a moment, in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from orderloom import catalog, inventory, network
from orderloom.catalog.model import Item
from orderloom.inventory.model import Leg, Posting
from orderloom.inventory.snapshots import Line, Snapshot
from orderloom.inventory.store.stock import levels
from orderloom.journey import recounting
from orderloom.journey.placing import place
from orderloom.journey.recounting import Counted, Loss
from orderloom.journey.reserving import COUNTED_SHORT
from orderloom.journey.snapshotting import LineOutcome, take
from orderloom.network.model import Channel, Node
from orderloom.orders import exceptions
from orderloom.orders.model import LineDraft, OrderDraft, Placed, TenderDraft
from orderloom.orders.reading import slices_of
from orderloom.plumbing.database import Db
from orderloom.terms import Address, Rank, new_id

NOW = datetime.now(UTC)
HOME = Address(name="Ann", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")


@pytest.fixture
async def node(db: Db) -> UUID:
    """A node with ten mugs and ten plates."""
    await catalog.put_items(
        db,
        items=[
            Item(sku=s, name=s, weight_g=1, length_mm=1, width_mm=1, height_mm=1) for s in ("MUG", "PLATE")
        ],
    )
    home = Node(code="AUS", name="AUS", type="store", address=HOME, time_zone="America/Chicago")
    await network.put_nodes(db, nodes=[home])
    await network.put_channels(db, channels=[Channel(code="site", name="S", type="site", currency="USD")])
    await move(db, home.id, "MUG", 10, at=NOW - timedelta(days=30))
    await move(db, home.id, "PLATE", 10, at=NOW - timedelta(days=30))
    return home.id


async def move(db: Db, node: UUID, sku: str, units: int, *, at: datetime) -> None:
    """Units that came or went at a moment of the past."""
    leg = Leg(node_id=node, sku=sku, kind="received" if units > 0 else "adjusted", on_hand=units)
    [short] = await inventory.post(
        db, postings=[Posting(cause_type="test", cause_id=new_id(), legs=(leg,), reason="test", as_of=at)]
    )
    assert short is None


async def buy(db: Db, units: int, *, at: datetime = NOW) -> UUID:
    tender = TenderDraft(method="card", token="tok_ok", amount=units * 1000)
    [placed] = await place(
        db,
        drafts=[
            OrderDraft(
                channel="site",
                external_id=new_id().hex,
                placed_at=at,
                currency="USD",
                buyer={"name": "Ann"},
                ship_to=HOME,
                lines=(LineDraft(sku="MUG", quantity=units, unit_price=1000),),
                tenders=(tender,),
                total=units * 1000,
            )
        ],
    )
    assert isinstance(placed, Placed)
    return placed.order_id


async def fill_a_cart(db: Db, node: UUID, units: int, *, made: datetime = NOW) -> UUID:
    cart, [channel] = new_id(), list(await network.channels_of(db, codes=["site"]))
    await db.execute(
        "INSERT INTO inventory.reservations (id, channel_id, expires_at, created_at) VALUES ($1, $2, $3, $4)",
        cart,
        channel,
        NOW + timedelta(minutes=10),
        made,
    )
    await db.execute("INSERT INTO inventory.reservation_lines VALUES ($1, 1, 'MUG', $2)", cart, units)
    await db.execute(
        "INSERT INTO inventory.reservation_units VALUES ($1, 1, $2, 'MUG', $3)", cart, node, units
    )
    leg = Leg(node_id=node, sku="MUG", kind="reserved", reserved=units)
    posting = Posting(cause_type="reservation", cause_id=cart, legs=(leg,), channel_id=channel)
    assert await inventory.post(db, postings=[posting]) == [None]
    return cart


async def ranks(db: Db, order: UUID) -> dict[Rank, int]:
    return {piece.rank: piece.quantity for piece in await slices_of(db, orders=[order])}


async def count(db: Db, node: UUID, units: int) -> Counted:
    said = await recounting.set_on_hand(
        db, node_id=node, sku="MUG", quantity=units, reason="count", now=datetime.now(UTC)
    )
    assert isinstance(said, Counted)
    return said


async def on_hand(db: Db, node: UUID, sku: str = "MUG") -> int:
    [level] = await levels(db, keys=[(node, sku)])
    assert level.sound
    return level.on_hand


class TestACountBelowWhatIsClaimed:
    async def test_carts_lose_theirs_first_and_the_youngest_before(self, db: Db, node: UUID) -> None:
        old = await fill_a_cart(db, node, 3, made=NOW - timedelta(minutes=5))
        young = await fill_a_cart(db, node, 2)
        order = await buy(db, 4)
        said = await count(db, node, 6)
        assert said.loss == Loss(carts=3, orders=0)
        assert (said.level.on_hand, said.level.reserved) == (6, 6)
        states = dict(await db.fetch("SELECT id, state FROM inventory.reservations"))
        assert states == {old: "open", young: "cancelled"}
        [left] = await db.fetch("SELECT quantity FROM inventory.reservation_lines")
        assert left["quantity"] == 2
        told = await db.fetch("SELECT type, entity_id FROM plumbing.events WHERE entity = 'reservation'")
        assert {(r["type"], r["entity_id"]) for r in told} == {
            ("reservation.changed", old),
            ("reservation.cancelled", young),
        }
        assert await ranks(db, order) == {Rank.RESERVED: 4}

    async def test_then_the_youngest_orders_are_short_and_told_so(self, db: Db, node: UUID) -> None:
        older = await buy(db, 3, at=NOW - timedelta(hours=2))
        younger = await buy(db, 3, at=NOW - timedelta(hours=1))
        await fill_a_cart(db, node, 1)
        said = await count(db, node, 4)
        assert said.loss == Loss(carts=1, orders=2)
        assert await ranks(db, older) == {Rank.RESERVED: 3}
        assert await ranks(db, younger) == {Rank.RESERVED: 1, Rank.SHORT: 2}
        [case] = await exceptions.open_of(db, entities=[younger])
        assert (case.kind, "2 of MUG" in case.detail) == (COUNTED_SHORT, True)
        woken = await db.fetch("SELECT subject_id FROM plumbing.wakes WHERE journey = 'order'")
        assert younger in {row["subject_id"] for row in woken}
        [level] = await levels(db, keys=[(node, "MUG")])
        assert (level.on_hand, level.reserved, level.available) == (4, 4, 0)

    async def test_damage_eats_into_claims_too(self, db: Db, node: UUID) -> None:
        order = await buy(db, 9)
        said = await recounting.adjust(
            db, node_id=node, sku="MUG", changes={"damaged": 3}, reason="dropped", now=NOW
        )
        assert isinstance(said, Counted)
        assert said.loss == Loss(orders=2)
        assert await ranks(db, order) == {Rank.RESERVED: 7, Rank.SHORT: 2}

    async def test_nothing_less_than_nothing_is_counted(self, db: Db, node: UUID) -> None:
        said = await recounting.adjust(
            db, node_id=node, sku="MUG", changes={"on_hand": -99}, reason="stolen", now=NOW
        )
        assert isinstance(said, Counted)
        assert said.level.on_hand == 0

    async def test_no_one_loses_anything_when_enough_is_left(self, db: Db, node: UUID) -> None:
        order = await buy(db, 4)
        assert (await count(db, node, 4)).loss == Loss()
        assert await ranks(db, order) == {Rank.RESERVED: 4}


def snapshot(node: UUID, units: int, *, source: str = "wms", **time: Any) -> Snapshot:
    return Snapshot(source=source, node_id=node, lines=[Line(sku="MUG", on_hand=units)], **time)


def ago(**how: int) -> datetime:
    return NOW - timedelta(**how)


async def said_of(db: Db, given: Snapshot) -> LineOutcome:
    [outcome] = await take(db, snapshot=given, now=datetime.now(UTC))
    return outcome


class TestSnapshots:
    async def test_what_has_moved_since_stays_on_top(self, db: Db, node: UUID) -> None:
        await move(db, node, "MUG", -4, at=ago(hours=1))
        told = await said_of(db, snapshot(node, 12, as_of=ago(hours=2)))
        assert (told.outcome, told.delta, told.found, told.on_hand) == ("applied", 2, 10, 8)

    async def test_an_older_one_changes_nothing_and_says_so(self, db: Db, node: UUID) -> None:
        await said_of(db, snapshot(node, 7, as_of=ago(hours=1)))
        told = await said_of(db, snapshot(node, 3, as_of=ago(hours=2)))
        assert (told.outcome, told.delta, told.on_hand) == ("older", 0, 7)
        assert told.problem is not None
        assert "wms" in told.problem

    async def test_the_same_one_again_changes_nothing(self, db: Db, node: UUID) -> None:
        first = snapshot(node, 7, as_of=ago(hours=1))
        assert (await said_of(db, first)).outcome == "applied"
        assert (await said_of(db, first)).outcome == "unchanged"
        assert await on_hand(db, node) == 7

    async def test_an_older_one_of_another_source_does_not_undo_a_count_by_hand(
        self, db: Db, node: UUID
    ) -> None:
        await count(db, node, 8)
        told = await said_of(db, snapshot(node, 10, as_of=ago(minutes=5)))
        assert (told.outcome, told.on_hand) == ("older", 8)

    async def test_a_sequence_is_held_against_what_is_there_now(self, db: Db, node: UUID) -> None:
        assert (await said_of(db, snapshot(node, 9, sequence=5))).delta == -1
        assert (await said_of(db, snapshot(node, 4, sequence=5))).outcome == "older"
        assert (await said_of(db, snapshot(node, 4, sequence=6))).delta == -5

    @pytest.mark.parametrize("order", list(permutations(range(4))))
    async def test_in_any_order_they_give_the_ledger_of_the_newest(
        self, db: Db, node: UUID, order: tuple[int, ...]
    ) -> None:
        for hours, units in ((7, 3), (5, -6), (3, 2), (1, -1)):
            await move(db, node, "MUG", units, at=ago(hours=hours))
        given = [snapshot(node, units, as_of=ago(hours=h)) for h, units in ((8, 4), (6, 9), (4, 1), (2, 6))]
        for i in order:
            await said_of(db, given[i])
        # The newest says six, two hours ago; one has left since.
        assert await on_hand(db, node) == 5

    async def test_fewer_than_have_left_since_is_none(self, db: Db, node: UUID) -> None:
        await move(db, node, "MUG", -8, at=ago(hours=1))
        told = await said_of(db, snapshot(node, 5, as_of=ago(hours=2)))
        assert (told.outcome, told.delta, told.on_hand) == ("applied", -2, 0)

    async def test_one_bad_line_stops_no_other(self, db: Db, node: UUID) -> None:
        lines = [Line(sku=s, on_hand=1) for s in ("MUG", "NONE", "PLATE", "MUG")]
        told = await take(db, snapshot=Snapshot(source="wms", node_id=node, lines=lines, sequence=1), now=NOW)
        assert [t.outcome for t in told] == ["applied", "unknown_sku", "applied", "duplicate"]
        assert await on_hand(db, node, "PLATE") == 1

    async def test_buckets_put_aside_are_differences_as_well(self, db: Db, node: UUID) -> None:
        line = Line(sku="MUG", on_hand=10, damaged=2, quality_control=1)
        await take(db, snapshot=Snapshot(source="wms", node_id=node, lines=[line], sequence=1), now=NOW)
        line = Line(sku="MUG", on_hand=10, damaged=1)
        await take(db, snapshot=Snapshot(source="wms", node_id=node, lines=[line], sequence=2), now=NOW)
        [level] = await levels(db, keys=[(node, "MUG")])
        assert (level.damaged, level.quality_control) == (1, 1)
