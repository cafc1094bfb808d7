"""Slices moved, split and joined on a real PostgreSQL, with every status above them folded anew."""

from __future__ import annotations

import pytest

from orderloom.orders.reading import fulfillments_of, lines_of, orders_of, slices_of
from orderloom.orders.slices import IllegalTransition, Move, move
from orderloom.orders.store.rows import insert_fulfillments
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.terms import Rank, new_id
from tests.store.ordered import Ordered, an_order

R = Rank


async def reserved(db: Db) -> Ordered:
    """An order of three and one units, every unit reserved."""
    put = await an_order(db, quantities=(3, 1))
    await db.execute(
        "UPDATE orders.slices SET rank = 200, fulfillment_id = NULL WHERE order_id = $1", put.order
    )
    await db.execute("UPDATE orders.lines SET min_rank = 200, max_rank = 200 WHERE order_id = $1", put.order)
    await db.execute("UPDATE orders.orders SET min_rank = 200, max_rank = 200 WHERE id = $1", put.order)
    return put


async def standing(db: Db, put: Ordered) -> list[tuple[int, Rank]]:
    return sorted((s.quantity, s.rank) for s in await slices_of(db, orders=[put.order]))


async def test_part_of_a_slice_goes_on_and_joins_again(db: Db) -> None:
    put = await reserved(db)
    big = max(await slices_of(db, orders=[put.order]), key=lambda s: s.quantity)
    await move(db, [Move(slice_id=big.id, to=R.ALLOCATED, quantity=2)], event="order.routed")
    assert await standing(db, put) == [(1, R.RESERVED), (1, R.RESERVED), (2, R.ALLOCATED)]
    order = (await orders_of(db, [put.order]))[put.order]
    assert (order.status, order.min_rank, order.max_rank) == ("partially_allocated", 200, 300)
    [part] = [s for s in await slices_of(db, orders=[put.order]) if s.rank == R.ALLOCATED]
    await move(db, [Move(slice_id=part.id, to=R.RESERVED)], event="order.unallocated")
    assert await standing(db, put) == [(1, R.RESERVED), (3, R.RESERVED)]
    assert (await orders_of(db, [put.order]))[put.order].version == order.version + 1


async def test_a_cancelled_unit_counts_only_when_nothing_else_is_left(db: Db) -> None:
    put = await reserved(db)
    first, second = await slices_of(db, orders=[put.order])
    await move(db, [Move(slice_id=first.id, to=R.CANCELLED)], event="order.cancelled")
    order = (await orders_of(db, [put.order]))[put.order]
    assert (order.status, order.lifecycle) == ("reserved", "open")
    lines = {line.id: line for line in (await lines_of(db, [put.order]))[put.order]}
    assert lines[first.line_id].min_rank == R.CANCELLED
    await move(db, [Move(slice_id=second.id, to=R.CANCELLED)], event="order.cancelled")
    order = (await orders_of(db, [put.order]))[put.order]
    assert (order.status, order.lifecycle) == ("cancelled", "cancelled")


async def test_a_fulfillment_order_follows_its_units_and_ends_without_any(db: Db) -> None:
    put = await reserved(db)
    work = {
        "id": new_id(),
        "order_id": put.order,
        "node_id": put.node,
        "decision_id": None,
        "carrier": None,
        "service": None,
        "planned_cost": 0,
        "ship_by": None,
    }
    await insert_fulfillments(db, [work])
    pieces = await slices_of(db, orders=[put.order])
    await move(db, [Move(slice_id=s.id, to=R.ALLOCATED) for s in pieces], event="a")
    await move(db, [Move(slice_id=s.id, to=R.RELEASED, fulfillment_id=work["id"]) for s in pieces], event="b")

    async def status() -> tuple[str, int, int]:
        found = (await fulfillments_of(db, ids=[work["id"]]))[work["id"]]
        return found.status, found.min_rank, found.max_rank

    assert await status() == ("open", 400, 400)
    await move(db, [Move(slice_id=pieces[0].id, to=R.PICKED)], event="c")
    assert await status() == ("in_progress", 400, 550)
    await move(db, [Move(slice_id=pieces[1].id, to=R.SHORT)], event="d")
    assert await status() == ("in_progress", 550, 550)
    await move(db, [Move(slice_id=pieces[0].id, to=R.REJECTED)], event="e")
    assert await status() == ("cancelled", 900, 900)


async def test_an_illegal_move_changes_nothing(db: Db) -> None:
    put = await reserved(db)
    first, second = await slices_of(db, orders=[put.order])
    before = await standing(db, put)
    with pytest.raises(IllegalTransition, match="reserved to shipped"):
        await move(
            db,
            [Move(slice_id=first.id, to=R.ALLOCATED), Move(slice_id=second.id, to=R.SHIPPED)],
            event="order.shipped",
        )
    assert await standing(db, put) == before


async def test_each_move_is_told_once_an_order_with_its_new_version(db: Db) -> None:
    put = await reserved(db)
    pieces = await slices_of(db, orders=[put.order])
    await move(
        db, [Move(slice_id=s.id, to=R.ALLOCATED) for s in pieces], event="order.routed", reason="cheapest"
    )
    [told] = [e for e in await events.of_order(db, put.order) if e.type == "order.routed"]
    order = (await orders_of(db, [put.order]))[put.order]
    assert (told.version, told.reason, len(told.data["moved"])) == (order.version, "cheapest", 2)
