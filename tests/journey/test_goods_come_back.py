"""Returns: asked for, labelled, received, judged, restocked, refunded to the cent; or given up again."""

from __future__ import annotations

from datetime import UTC, datetime

from orderloom.journey import asking_back
from orderloom.orders.model import LineDraft, TenderDraft
from orderloom.returns.model import Asked, Disposition, Finding, Illegal, Refused, Requested
from orderloom.shipping import labels_of
from tests.journey.house import House


def odd(house: House, **more: object) -> object:
    """Three units whose money does not divide by three, paid by voucher and card."""
    line = LineDraft(sku=house.item(), quantity=3, unit_price=1000, discount=100, tax=241)
    total = line.total + 499
    tenders = (
        TenderDraft(method="voucher", token="tok_ok", amount=1000),
        TenderDraft(method="card", token="tok_ok", amount=total - 1000),
    )
    return house.draft(lines_=(line,), tenders=tenders, total=total, **more)


async def test_everything_comes_back_and_is_refunded_as_captured(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 10})
    [order_id] = await house.bring(odd(house))
    asked = await house.ask_back(order_id, {mug: 3})
    assert isinstance(asked, Requested)
    order = await house.order(order_id)
    assert (order.lifecycle, order.return_status) == ("open", "open")
    async with house.database.transaction() as db:
        [label] = await labels_of(db, subjects=[asked.return_id])
    await house.scan([label], "in_transit")
    await house.take_back(asked.return_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status, order.return_status) == ("closed", "refunded", "returned")
    assert (await house.level("RNO", mug)).on_hand == 10
    money = await house.money(order_id)
    assert sum(money["refund"]) == sum(money["capture"]) == order.total
    back, [line] = await house.returned(asked.return_id)
    assert (back.status, back.refund_amount, line.refund) == ("closed", order.total, order.total)
    assert "Order " + order.number in " ".join(await house.letters(order.number))
    await house.sound()


async def test_one_by_one_comes_to_the_same_cent(house: House) -> None:
    mug = house.item()
    [order_id] = await house.bring(odd(house))
    for nth in range(1, 4):
        asked = await house.ask_back(order_id, {mug: 1}, label=False)
        await house.take_back(asked.return_id)
        order = await house.order(order_id)
        assert order.return_status == ("returned" if nth == 3 else "partially_returned")
        assert order.payment_status == ("refunded" if nth == 3 else "partially_refunded")
        assert order.lifecycle == "closed"
    money = await house.money(order_id)
    assert sum(money["refund"]) == order.total
    assert isinstance(await house.ask_back(order_id, {mug: 1}), Refused)
    await house.sound()


async def test_part_of_what_was_asked_for_arrives(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 10})
    [order_id] = await house.bring(odd(house))
    asked = await house.ask_back(order_id, {mug: 2})
    _, [line] = await house.returned(asked.return_id)
    async with house.database.transaction() as db:
        await asking_back.receive(db, return_id=asked.return_id, lines=[(line.id, 1)])
    await house.settle()
    assert (await house.returned(asked.return_id))[0].status == "partially_received"
    async with house.database.transaction() as db:
        await asking_back.inspect(
            db,
            return_id=asked.return_id,
            findings=[
                Finding(return_line_id=line.id, disposition=Disposition.DESTROY, quantity=1),
                Finding(return_line_id=line.id, disposition=Disposition.MISSING, quantity=1),
            ],
        )
    await house.settle()
    order = await house.order(order_id)
    assert (order.return_status, order.payment_status) == ("partially_returned", "partially_refunded")
    assert sum((await house.money(order_id))["refund"]) == order.total // 3
    assert (await house.level("RNO", mug)).on_hand == 7
    await house.sound()


async def test_goods_that_nobody_announced(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 10})
    [order_id] = await house.bring(house.draft({mug: 2}))
    line = (await house.lines(order_id))[mug]
    node = (await house.works(order_id))[0].node_id
    async with house.database.transaction() as db:
        known = await asking_back.take_blind(
            db,
            node_id=node,
            currency="USD",
            order_id=order_id,
            lines=[Asked(line_id=line.id, quantity=1, reason="other")],
        )
        stray = await asking_back.take_blind(
            db, node_id=node, currency="USD", lines=[Asked(sku=mug, quantity=1, reason="other")]
        )
    await house.settle()
    for said in (known, stray):
        _, [row] = await house.returned(said.return_id)
        async with house.database.transaction() as db:
            finding = Finding(return_line_id=row.id, disposition=Disposition.RESTOCK)
            await asking_back.inspect(db, return_id=said.return_id, findings=[finding])
    await house.settle()
    assert [(await house.returned(s.return_id))[0].status for s in (known, stray)] == ["closed", "closed"]
    order = await house.order(order_id)
    assert (order.return_status, order.lifecycle) == ("partially_returned", "closed")
    assert len((await house.money(order_id))["refund"]) == 1
    assert (await house.level("RNO", mug)).on_hand == 10
    await house.sound()


async def test_units_wait_in_quality_control_until_judged_again(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 10})
    [order_id] = await house.bring(house.draft({mug: 1}))
    asked = await house.ask_back(order_id, {mug: 1}, label=False)
    await house.take_back(asked.return_id, Disposition.REFURBISH)
    level = await house.level("RNO", mug)
    assert (level.on_hand, level.quality_control, level.available) == (10, 1, 9)
    await house.sound()


async def test_units_judged_that_are_not_there_any_more_need_a_person(house: House) -> None:
    """A return is booked line by line: what stock does not bear stops it visibly, and its neighbour is in stock."""
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 1})
    await house.shelve(lamp, {"RNO": 1})
    [order_id] = await house.bring(house.draft({mug: 1, lamp: 1}))
    asked = await house.ask_back(order_id, {mug: 1, lamp: 1}, label=False)
    _, lines = await house.returned(asked.return_id)
    async with house.database.transaction() as db:
        await asking_back.receive(db, return_id=asked.return_id, lines=[(x.id, 1) for x in lines])
        found = [Finding(return_line_id=x.id, disposition=Disposition.DESTROY) for x in lines if x.sku == mug]
        found += [
            Finding(return_line_id=x.id, disposition=Disposition.RESTOCK) for x in lines if x.sku == lamp
        ]
        await asking_back.inspect(db, return_id=asked.return_id, findings=found)
        # As if it had been held in quality control, and counted away from there.
        await db.execute(
            "UPDATE returns.lines SET stocked_as = 'needs_inspection' WHERE return_id = $1 AND sku = $2",
            asked.return_id,
            mug,
        )
    await house.settle()
    async with house.database.transaction() as db:
        told = await db.fetchrow(
            "SELECT state, problem FROM plumbing.subjects WHERE subject_id = $1", asked.return_id
        )
    assert told["state"] == "parked"
    assert "put the count right" in told["problem"]
    assert (await house.level("RNO", lamp)).on_hand == 1
    await house.sound()


async def test_a_buyer_who_keeps_it_after_all_voids_the_label(house: House) -> None:
    mug = house.item()
    [order_id] = await house.bring(house.draft({mug: 1}))
    asked = await house.ask_back(order_id, {mug: 1})
    async with house.database.transaction() as db:
        await asking_back.cancel(db, return_id=asked.return_id, reason="keeps it")
    await house.settle()
    async with house.database.transaction() as db:
        [label] = await labels_of(db, subjects=[asked.return_id], statuses=["voided"])
        assert not await labels_of(db, subjects=[asked.return_id])
    assert label.purpose == "return"
    order = await house.order(order_id)
    assert (order.return_status, order.lifecycle) == ("none", "closed")
    assert (await house.at(asked.return_id)).state == "undone"
    assert isinstance(await house.ask_back(order_id, {mug: 1}), Requested)
    await house.sound()


async def test_a_return_is_declined_before_anything_was_bought(house: House) -> None:
    mug = house.item()
    [order_id] = await house.bring(house.draft({mug: 1}))
    line = (await house.lines(order_id))[mug]
    async with house.database.transaction() as db:
        asked = await asking_back.ask_back(
            db,
            order_id=order_id,
            lines=[Asked(line_id=line.id, quantity=1, reason="style")],
            now=datetime.now(UTC),
        )
        await asking_back.decline(db, return_id=asked.return_id, reason="sold as final")
    await house.settle()
    order = await house.order(order_id)
    assert (order.return_status, order.lifecycle) == ("none", "closed")
    assert (await house.returned(asked.return_id))[0].status == "declined"
    await house.sound()


async def test_what_has_arrived_is_not_given_up_any_more(house: House) -> None:
    mug = house.item()
    [order_id] = await house.bring(house.draft({mug: 1}))
    asked = await house.ask_back(order_id, {mug: 1})
    _, [line] = await house.returned(asked.return_id)
    async with house.database.transaction() as db:
        await asking_back.receive(db, return_id=asked.return_id, lines=[(line.id, 1)])
        said = await asking_back.cancel(db, return_id=asked.return_id, reason="too late")
    assert isinstance(said, Illegal)
    await house.settle()
    async with house.database.transaction() as db:
        finding = Finding(return_line_id=line.id, disposition=Disposition.RESTOCK)
        await asking_back.inspect(db, return_id=asked.return_id, findings=[finding])
    await house.settle()
    order = await house.order(order_id)
    assert (order.return_status, order.payment_status) == ("returned", "refunded")
    await house.sound()


async def test_a_return_asked_for_while_the_rest_is_on_its_way(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(lamp, {"ATL": 5})
    [order_id] = await house.place(house.draft({mug: 1, lamp: 1}))
    await house.settle()
    await house.ship(order_id)
    first, second = await house.labels(order_id)
    await house.scan([first], "in_transit", "delivered")
    await house.settle()
    by_node = {w.id: w for w in await house.works(order_id)}
    there = mug if (await house.level("RNO", mug)).node_id == by_node[first.subject].node_id else lamp
    asked = await house.ask_back(order_id, {there: 1}, label=False)
    await house.take_back(asked.return_id)
    assert (await house.order(order_id)).lifecycle == "open"
    await house.scan([second], "in_transit", "delivered")
    await house.settle()
    order = await house.order(order_id)
    assert (order.lifecycle, order.return_status) == ("closed", "partially_returned")
    await house.sound()
