"""Returns in the database, from the request to the shelf."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orderloom import returns
from orderloom.plumbing import events as log
from orderloom.returns import reading, steps
from orderloom.returns.intake import receive_blind
from orderloom.returns.model import (
    Asked,
    Disposition,
    Finding,
    Illegal,
    Moved,
    Refused,
    Requested,
    Sold,
    Status,
)
from orderloom.terms import new_id
from tests.store.ordered import an_order

NOW = datetime(2026, 3, 20, tzinfo=UTC)


async def sold_of(db, put):
    rows = await db.fetch(
        "SELECT id, sku, quantity FROM orders.lines WHERE order_id = $1 ORDER BY position", put.order
    )
    return [
        Sold(line_id=r["id"], sku=r["sku"], delivered=r["quantity"], delivered_at=NOW - timedelta(days=3))
        for r in rows
    ]


async def ask(db, put, *quantities, key=None):
    sold = await sold_of(db, put)
    lines = [
        Asked(line_id=line.line_id, quantity=quantity, reason="too_small")
        for line, quantity in zip(sold, quantities, strict=False)
        if quantity
    ]
    return await returns.request(
        db, order_id=put.order, node_id=put.node, currency="USD", sold=sold, lines=lines, now=NOW, key=key
    )


async def lines_of(db, return_id):
    return (await reading.returns_of(db, ids=[return_id]))[return_id][1]


async def opened(db, put, *quantities):
    asked = await ask(db, put, *quantities)
    await returns.approve(db, return_ids=[asked.return_id])
    return asked.return_id


async def test_a_return_goes_the_whole_way(db):
    put = await an_order(db, quantities=(2, 1))
    asked = await ask(db, put, 2, 1, key="k1")
    assert isinstance(asked, Requested)
    assert asked.number.startswith("R9")
    approved = await returns.approve(db, return_ids=[asked.return_id])
    assert approved[asked.return_id] == Moved(return_id=asked.return_id, status=Status.OPEN, version=2)
    await steps.set_off(db, return_ids=[asked.return_id])
    first, second = await lines_of(db, asked.return_id)
    partly = await returns.receive(db, return_id=asked.return_id, lines=[(first.id, 2)])
    assert partly.status is Status.PARTIALLY_RECEIVED
    assert (await reading.axes_of(db, delivered={put.order: 3}))[put.order] == "open"
    full = await returns.receive(db, return_id=asked.return_id, lines=[(second.id, 1)])
    assert full.status is Status.RECEIVED
    inspected = await returns.inspect(
        db,
        return_id=asked.return_id,
        findings=[
            Finding(return_line_id=first.id, disposition=Disposition.RESTOCK, grade="A", quantity=1),
            Finding(return_line_id=first.id, disposition=Disposition.DESTROY, grade="D", quantity=1),
            Finding(return_line_id=second.id, disposition=Disposition.RESTOCK, grade="A"),
        ],
    )
    assert inspected.status is Status.INSPECTED
    units = await returns.to_restock(db, return_ids=[asked.return_id])
    assert sorted((u.quantity, u.disposition) for u in units) == [
        (1, "destroy"),
        (1, "restock"),
        (1, "restock"),
    ]
    assert {u.node_id for u in units} == {put.node}
    await returns.mark_restocked(db, return_line_ids=[u.return_line_id for u in units])
    assert await returns.to_restock(db, return_ids=[asked.return_id]) == []
    lines = await lines_of(db, asked.return_id)
    assert await steps.price(db, return_id=asked.return_id, refunds={line.id: 900 for line in lines}) == 2700
    closed = await returns.close(db, return_id=asked.return_id)
    assert closed.status is Status.CLOSED
    assert (await reading.axes_of(db, delivered={put.order: 3}))[put.order] == "returned"
    told = [event.type for event in await log.of_order(db, put.order)]
    assert told == [
        "return.requested",
        "return.approved",
        "return.received",
        "return.received",
        "return.inspected",
        "return.closed",
    ]


async def test_the_same_key_makes_one_return(db):
    put = await an_order(db)
    first = await ask(db, put, 1, key="once")
    again = await ask(db, put, 1, key="once")
    assert (again.return_id, again.repeated) == (first.return_id, True)


async def test_no_more_comes_back_than_was_delivered(db):
    put = await an_order(db, quantities=(2,))
    await ask(db, put, 1)
    refused = await ask(db, put, 2)
    assert isinstance(refused, Refused)
    assert refused.faults[0].code == "too_many"
    assert isinstance(await ask(db, put, 1), Requested)
    assert (await ask(db, put, 1)).faults[0].code == "already_returned"


async def test_a_declined_return_leaves_its_units_free_again(db):
    put = await an_order(db, quantities=(2,))
    asked = await ask(db, put, 2)
    await returns.decline(db, return_ids=[asked.return_id], reason="photos show wear")
    assert isinstance(await ask(db, put, 2), Requested)


async def test_a_closed_return_counts_what_came(db):
    put = await an_order(db, quantities=(2,))
    return_id = await opened(db, put, 2)
    [line] = await lines_of(db, return_id)
    await returns.receive(db, return_id=return_id, lines=[(line.id, 1)])
    assert isinstance(await returns.close(db, return_id=return_id), Illegal)
    findings = [Finding(return_line_id=line.id, disposition=Disposition.RESTOCK)]
    assert (
        await returns.inspect(db, return_id=return_id, findings=findings)
    ).status is Status.PARTIALLY_RECEIVED
    assert (await returns.close(db, return_id=return_id)).status is Status.CLOSED
    assert sorted(line.disposition for line in await lines_of(db, return_id)) == ["missing", "restock"]
    assert isinstance(await ask(db, put, 1), Requested)


async def test_surplus_is_refused_and_nothing_changes(db):
    put = await an_order(db, quantities=(2,))
    return_id = await opened(db, put, 1)
    [line] = await lines_of(db, return_id)
    refused = await returns.receive(db, return_id=return_id, lines=[(line.id, 1), (line.id, 1)])
    assert refused.faults[0].code == "surplus"
    assert (await lines_of(db, return_id))[0].received == 0


async def test_an_illegal_step_names_the_possible_ones(db):
    put = await an_order(db)
    asked = await ask(db, put, 1)
    refused = await returns.inspect(db, return_id=asked.return_id, findings=[])
    assert refused == Illegal(
        return_id=asked.return_id, status=Status.REQUESTED, possible=("approve", "decline", "cancel")
    )
    await returns.decline(db, return_ids=[asked.return_id], reason="no")
    assert isinstance((await returns.approve(db, return_ids=[asked.return_id]))[asked.return_id], Illegal)
    with pytest.raises(steps.NoSuchReturn):
        await returns.close(db, return_id=new_id())
    with pytest.raises(steps.NoSuchReturn):
        await returns.approve(db, return_ids=[new_id()])


async def test_a_blind_return_without_an_order_starts_at_received(db):
    put = await an_order(db)
    sku = (await sold_of(db, put))[0].sku
    blind = await receive_blind(
        db, node_id=put.node, currency="USD", lines=[Asked(sku=sku, quantity=2, reason="undeliverable")]
    )
    assert blind.status is Status.RECEIVED
    [line] = await lines_of(db, blind.return_id)
    finding = Finding(return_line_id=line.id, disposition=Disposition.NEEDS_INSPECTION)
    assert (
        await returns.inspect(db, return_id=blind.return_id, findings=[finding])
    ).status is Status.INSPECTED
    [unit] = await returns.to_restock(db, return_ids=[blind.return_id])
    assert (unit.disposition, unit.before) == (Disposition.NEEDS_INSPECTION, None)
    await returns.mark_restocked(db, return_line_ids=[line.id])
    again = Finding(return_line_id=line.id, disposition=Disposition.RESTOCK)
    await returns.inspect(db, return_id=blind.return_id, findings=[again])
    [moved] = await returns.to_restock(db, return_ids=[blind.return_id])
    assert (moved.disposition, moved.before) == (Disposition.RESTOCK, Disposition.NEEDS_INSPECTION)


async def test_a_blind_return_of_a_known_order_keeps_to_its_quantity(db):
    put = await an_order(db, quantities=(1,))
    sold = await sold_of(db, put)
    lines = [Asked(line_id=sold[0].line_id, quantity=2, reason="other")]
    refused = await receive_blind(
        db, node_id=put.node, currency="USD", order_id=put.order, sold=sold, lines=lines
    )
    assert refused.faults[0].code == "too_many"


async def test_eligibility_stores_nothing_and_counts_standing_returns(db):
    put = await an_order(db, quantities=(2,))
    await ask(db, put, 1)
    [verdict] = await reading.eligibility(db, sold=await sold_of(db, put), now=NOW)
    assert verdict.returnable == 1


async def test_two_requests_at_once_cannot_both_have_the_last_unit(database):
    async with database.transaction() as db:
        put = await an_order(db, quantities=(1,))

    async def one():
        async with database.transaction() as db:
            answer = await ask(db, put, 1)
            await asyncio.sleep(0.02)
            return answer

    answers = await asyncio.gather(*(one() for _ in range(4)))
    assert [isinstance(answer, Requested) for answer in answers].count(True) == 1
