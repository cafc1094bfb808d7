"""Orders are stored with their stock in one transaction, each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orderloom import catalog, inventory, network
from orderloom.catalog.model import Item
from orderloom.inventory import reading
from orderloom.inventory.model import Leg, Posting
from orderloom.journey.placing import place
from orderloom.network.model import Channel, Node
from orderloom.orders.model import LineDraft, OrderDraft, Placed, Refused, TenderDraft
from orderloom.orders.reading import lines_of, orders_of, slices_of
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.terms import Address, Rank, new_id

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOME = Address(name="Ann", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")


def draft(external_id: str = "A-1", *lines: LineDraft, **changes: object) -> OrderDraft:
    """A small order that fits the world below."""
    made = OrderDraft(
        channel="site",
        external_id=external_id,
        placed_at=NOW,
        currency="USD",
        buyer={"name": "Ann", "email": "ann@example.com", "notify": ["email"]},
        ship_to=HOME,
        lines=lines or (LineDraft(sku="MUG", quantity=1, unit_price=1000),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def world(db: Db) -> Db:
    """Two nodes with mugs, one with plates; a set of both is a kit; posters may be sold ahead."""
    items = [
        Item(
            sku=sku,
            name=sku.title(),
            weight_g=300,
            length_mm=100,
            width_mm=90,
            height_mm=80,
            list_price=price,
        )
        for sku, price in (("MUG", 1000), ("PLATE", 2000), ("SET", 2800))
    ]
    items.append(replace(items[0], id=new_id(), sku="POSTER", name="Poster", backorder="always"))
    await catalog.put_items(db, items=items)
    await catalog.put_kits(db, kits={"SET": {"MUG": 2, "PLATE": 1}})
    nodes = [
        Node(code=code, name=code, type="fulfillment_center", address=HOME, time_zone="America/Chicago")
        for code in ("AUS", "ATL")
    ]
    await network.put_nodes(db, nodes=nodes)
    await network.put_channels(db, channels=[Channel(code="site", name="Site", type="site", currency="USD")])
    ids = {node.code: node.id for node in (await network.nodes_of(db)).values()}
    stock = [("AUS", "MUG", 5), ("ATL", "MUG", 3), ("ATL", "PLATE", 2)]
    legs = tuple(Leg(node_id=ids[n], sku=s, kind="received", on_hand=q) for n, s, q in stock)
    await inventory.post(db, postings=[Posting(cause_type="receipt", cause_id=None, legs=legs)])
    return db


async def reserved(db: Db, sku: str) -> int:
    return sum(level.reserved for level in await reading.levels(db, skus=[sku]))


class TestPlacing:
    async def test_an_order_is_stored_with_its_stock_reserved_and_begins_its_journey(self, world: Db) -> None:
        [placed] = await place(
            world, drafts=[draft(tenders=(TenderDraft(method="card", token="tok_ok", amount=1000),))]
        )
        assert isinstance(placed, Placed)
        order = (await orders_of(world, [placed.order_id]))[placed.order_id]
        assert (order.number, order.total, order.status, order.version) == (
            placed.number,
            1000,
            "reserved",
            1,
        )
        assert order.promise_at is not None
        [piece] = await slices_of(world, orders=[order.id])
        assert (piece.rank, piece.quantity) == (Rank.RESERVED, 1)
        assert await reserved(world, "MUG") == 1
        [subject] = await journeys.look(world, [order.id])
        assert (subject.journey, subject.step, subject.state) == ("order", "reserve", "due")

    async def test_a_repeat_answers_with_the_order_that_is_there_and_takes_nothing(self, world: Db) -> None:
        [first] = await place(world, drafts=[draft()])
        [again] = await place(world, drafts=[draft(placed_at=NOW.replace(hour=16))])
        [other] = await place(world, drafts=[draft(priority=5)])
        assert isinstance(first, Placed)
        assert again == replace(first, duplicate=True)
        assert other == replace(first, duplicate=True, differs=("/priority",))
        assert await reserved(world, "MUG") == 1

    async def test_twins_in_one_set_become_one_order(self, world: Db) -> None:
        first, twin = await place(world, drafts=[draft(), draft()])
        assert isinstance(first, Placed)
        assert twin == replace(first, duplicate=True)

    async def test_all_faults_are_told_at_once_and_neighbours_go_through(self, world: Db) -> None:
        bad = draft("B-1", LineDraft(sku="NONE", quantity=0, unit_price=-1), currency="EUR", total=99)
        refused, placed = await place(world, drafts=[bad, draft()])
        assert isinstance(refused, Refused)
        assert {fault.code for fault in refused.faults} == {
            "unknown_sku", "out_of_range", "wrong_currency", "total_mismatch"
        }  # fmt: skip
        assert {"/lines/0/sku", "/lines/0/quantity", "/currency", "/total"} <= {
            f.path for f in refused.faults
        }
        assert isinstance(placed, Placed)

    async def test_the_last_units_go_to_the_first_and_the_next_is_told_what_is_left(self, world: Db) -> None:
        wanted = [draft(f"C-{i}", LineDraft(sku="MUG", quantity=3, unit_price=1000)) for i in range(4)]
        outcomes = await place(world, drafts=wanted)
        assert [isinstance(o, Placed) for o in outcomes] == [True, True, False, False]
        assert isinstance(outcomes[2], Refused)
        assert outcomes[2].short
        assert outcomes[2].available == {"MUG": 2}
        assert await reserved(world, "MUG") == 6

    async def test_two_lines_of_one_item_never_share_a_unit(self, world: Db) -> None:
        line = LineDraft(sku="PLATE", quantity=2, unit_price=2000)
        [refused] = await place(world, drafts=[draft("D-1", line, line)])
        assert isinstance(refused, Refused)
        assert await reserved(world, "PLATE") == 0

    async def test_a_kit_is_exploded_and_its_parts_carry_its_money(self, world: Db) -> None:
        [placed] = await place(
            world, drafts=[draft("K-1", LineDraft(sku="SET", quantity=1, unit_price=2801))]
        )
        assert isinstance(placed, Placed)
        kit, mugs, plate = (await lines_of(world, [placed.order_id]))[placed.order_id]
        assert kit.is_kit
        assert (mugs.sku, mugs.quantity, plate.sku, plate.quantity) == ("MUG", 2, "PLATE", 1)
        assert mugs.total + plate.total == kit.total == 2801
        assert (await reserved(world, "MUG"), await reserved(world, "PLATE")) == (2, 1)

    async def test_an_item_sold_ahead_is_taken_without_stock(self, world: Db) -> None:
        [placed] = await place(
            world, drafts=[draft("P-1", LineDraft(sku="POSTER", quantity=2, unit_price=500))]
        )
        assert isinstance(placed, Placed)
        assert [p.rank for p in await slices_of(world, orders=[placed.order_id])] == [Rank.BACKORDERED]

    async def test_a_card_number_is_never_taken(self, world: Db) -> None:
        stranger = replace(HOME, line2="card 4111 1111 1111 1111")
        [refused] = await place(world, drafts=[draft(ship_to=stranger)])
        assert isinstance(refused, Refused)
        assert [(f.path, f.code) for f in refused.faults] == [("/ship_to/line2", "card_number")]


class TestWhoComesBetweenTheLookAtStockAndItsLock:
    """A plan is made without a lock; what others did meanwhile is found under it, and nothing of the plan is left."""

    @pytest.fixture
    def meanwhile(self, world: Db, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
        """Have something done once, right after stock was looked at."""

        def do(what: Callable[[], Any]) -> None:
            look, left = inventory.look, [what]

            async def looked(db: Db, *, skus: Any) -> Any:
                shelves = await look(db, skus=skus)
                if left:
                    await left.pop()()
                return shelves

            monkeypatch.setattr(inventory, "look", looked)

        return do

    async def take(self, db: Db, code: str, units: int) -> None:
        [node] = [n.id for n in (await network.nodes_of(db)).values() if n.code == code]
        legs = (Leg(node_id=node, sku="MUG", kind="adjusted", on_hand=-units),)
        assert await inventory.post(
            db, postings=[Posting(cause_type="adjustment", cause_id=None, legs=legs)]
        ) == [None]

    async def test_leaves_another_node(self, world: Db, meanwhile: Any) -> None:
        meanwhile(lambda: self.take(world, "AUS", 5))
        [placed] = await place(
            world, drafts=[draft("M-1", LineDraft(sku="MUG", quantity=2, unit_price=1000))]
        )
        assert isinstance(placed, Placed)
        [piece] = await slices_of(world, orders=[placed.order_id])
        assert (await network.nodes_of(world))[piece.node_id].code == "ATL"
        assert await reserved(world, "MUG") == 2
        assert await world.fetchval("SELECT count(*) FROM orders.orders") == 1
        assert await world.fetchval("SELECT count(*) FROM plumbing.events WHERE type = 'order.captured'") == 1

    async def test_takes_the_last_and_it_is_told_what_is_left(self, world: Db, meanwhile: Any) -> None:
        meanwhile(lambda: self.take(world, "AUS", 4))
        [refused] = await place(
            world, drafts=[draft("M-1", LineDraft(sku="MUG", quantity=5, unit_price=1000))]
        )
        assert isinstance(refused, Refused)
        assert refused.available == {"MUG": 4}
        assert await reserved(world, "MUG") == 0
        assert await world.fetchval("SELECT count(*) FROM orders.orders") == 0

    async def test_waits_for_the_units_and_is_asked_for_under_the_lock(
        self, world: Db, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [first] = await place(world, drafts=[draft("M-1")])
        assert isinstance(first, Placed)
        locked = []
        lock_skus = inventory.lock_skus

        async def lock(db: Db, *, skus: Any) -> Any:
            locked.append(set(skus))
            return await lock_skus(db, skus=skus)

        monkeypatch.setattr(inventory, "lock_skus", lock)
        meanwhile(
            lambda: world.execute(
                "UPDATE orders.slices SET rank = 120, node_id = NULL WHERE order_id = $1", first.order_id
            )
        )
        [placed] = await place(world, drafts=[draft("M-2")])
        assert isinstance(placed, Placed)
        assert locked == [{"MUG"}]
