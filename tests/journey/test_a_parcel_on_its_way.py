"""Tracking: repeated and shuffled events, exceptions, parcels that are late, and orders of long ago."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from orderloom.journey.slipping import keep_promises
from orderloom.orders.store import promises as promise_rows
from tests.journey.house import House

CODES = ("in_transit", "out_for_delivery", "delivered")


async def test_events_repeated_and_shuffled_come_to_the_same(house: House) -> None:
    drafts = [house.draft() for _ in range(6)]
    orders = await house.place(*drafts)
    await house.settle()
    await house.ship(*orders)
    start = datetime.now(UTC)
    for order_id, way in zip(orders, itertools.permutations(range(3)), strict=True):
        labels = await house.labels(order_id)
        for nth in (*way, *way):
            await house.scan(labels, CODES[nth], at=start + timedelta(minutes=nth))
            await house.settle()
        order = await house.order(order_id)
        assert (order.lifecycle, order.status) == ("closed", "delivered")
        assert order.delivered_at == start + timedelta(minutes=2)
        letters = await house.letters(order.number)
        assert letters.count(f"Order {order.number} was delivered") == 1
    await house.sound()


async def test_an_event_that_comes_before_its_label_is_known_counts_then(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.pack(order_id)
    [label] = await house.labels(order_id)
    taken = await house.scan([label], "in_transit")
    assert len(taken.changes) == 1
    await house.settle()
    order = await house.order(order_id)
    assert (order.status, order.payment_status) == ("shipped", "paid")
    await house.sound()


async def test_a_parcel_in_trouble_is_a_case_until_it_arrives(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.ship(order_id)
    labels = await house.labels(order_id)
    start = datetime.now(UTC)
    await house.scan(labels, "in_transit", "exception", at=start)
    await house.settle()
    assert await house.cases(order_id) == ["delivery_exception"]
    await house.scan(labels, "attempt_failed", at=start + timedelta(hours=2))
    assert await house.cases(order_id) == ["delivery_attempt_failed", "delivery_exception"]
    await house.scan(labels, "delivered", at=start + timedelta(hours=5))
    await house.settle()
    assert await house.cases(order_id) == []
    assert (await house.order(order_id)).lifecycle == "closed"
    await house.sound()


async def test_a_parcel_sent_back_is_a_case_that_stays(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.ship(order_id)
    await house.scan(await house.labels(order_id), "in_transit", "return_to_sender")
    await house.settle()
    assert await house.cases(order_id) == ["return_to_sender"]
    assert (await house.order(order_id)).status == "shipped"
    await house.sound()


async def test_a_late_parcel_moves_the_promise_once_and_its_buyer_is_told_once(house: House) -> None:
    promise = datetime.now(UTC) + timedelta(days=9)
    [order_id] = await house.place(house.draft(promise_at=promise))
    await house.settle()
    await house.ship(order_id)
    assert (await house.order(order_id)).promise_at == promise
    for _ in range(2):
        async with house.database.transaction() as db:
            await keep_promises(db, promise + timedelta(hours=1))
        await house.settle()
    order = await house.order(order_id)
    assert order.promise_at is not None
    assert (order.late, order.promise_at > promise) == (False, True)
    assert (await house.told(order_id)).count("order.delayed") == 1
    assert len([x for x in await house.letters(order.number) if "later" in x or "delay" in x.lower()]) == 1
    await house.deliver(order_id, at=promise + timedelta(hours=2))
    order = await house.order(order_id)
    assert (order.lifecycle, order.late) == ("closed", True), "it is late by the date first promised"
    await house.sound()


async def _killed_while_promising(house: House, now: datetime) -> None:
    async with house.database.transaction() as db:
        await keep_promises(db, now)
        raise RuntimeError("killed before it was committed")


async def test_work_that_is_behind_moves_the_promise_later_and_only_later(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    first = (await house.order(order_id)).promise_at
    assert first is not None
    with pytest.raises(RuntimeError, match="killed"):
        await _killed_while_promising(house, first + timedelta(days=8))
    dates = [first]
    for days in (0, 8, 8, 9, 30):
        async with house.database.transaction() as db:
            await keep_promises(db, first + timedelta(days=days))
        now = (await house.order(order_id)).promise_at
        assert now is not None
        dates.append(now)
    assert dates == sorted(dates)
    assert first + timedelta(days=8) < dates[2] == dates[3]
    moves = len(set(dates)) - 1
    assert (await house.told(order_id)).count("order.delayed") == moves
    async with house.database.transaction() as db:
        kept = await promise_rows.repromised(db, order_id)
    assert [row["promise_at"] for row in kept] == sorted(set(dates))[1:]
    assert all(row["slip"] for row in kept)
    await house.sound()


async def test_an_order_of_long_ago_is_judged_by_its_own_dates_and_tells_nobody(house: House) -> None:
    placed = datetime(2025, 3, 3, 15, tzinfo=UTC)
    history = {
        "placed_at": placed,
        "decide_as_of": placed,
        "promise_at": placed + timedelta(days=10),
        "buyer": {"name": "Ann Buyer", "email": house.email, "notify": []},
    }
    in_time, late = await house.place(house.draft(**history), house.draft(**history))
    await house.settle()
    await house.ship(in_time, late)
    await house.deliver(in_time, at=placed + timedelta(days=9))
    await house.deliver(late, at=placed + timedelta(days=12))
    async with house.database.transaction() as db:
        await keep_promises(db, datetime.now(UTC))
    await house.settle()
    first, second = await house.order(in_time), await house.order(late)
    assert (first.late, second.late) == (False, True)
    assert {first.lifecycle, second.lifecycle} == {"closed"}
    assert second.delivered_at == placed + timedelta(days=12, minutes=1)
    assert await house.letters("") == []
    await house.sound()
