"""An order is edited after capture: units, lines, address and money, at every stage of the way; the balance closes to nought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom import network, payments
from orderloom.journey import cancelling, editing, limiting, working
from orderloom.journey.editing import CannotEdit, Edited
from orderloom.orders.editing import Added, Edit, LineEdit, Means
from orderloom.orders.model import LineDraft, Refused, TenderDraft
from orderloom.terms import Address, Rank
from tests.journey.house import House

AWAY = Address(
    name="Ann Buyer", line1="1 Main St", city="Portland", region="ME", postcode="04101", country="US"
)


async def edit(house: House, order_id: UUID, **what: Any) -> Edited | CannotEdit | Refused | None:
    async with house.database.transaction() as db:
        return await editing.edit(
            db, order_id=order_id, edit=Edit(**what), reason="the buyer asked", now=datetime.now(UTC)
        )


async def line(house: House, order_id: UUID, sku: str, **change: Any) -> tuple[LineEdit, ...]:
    return (LineEdit(line_id=(await house.lines(order_id))[sku].id, **change),)


async def closed_at(house: House, order_id: UUID, amount: int) -> None:
    """It goes the rest of its way, is charged exactly so much, and nothing stays promised or owed."""
    await house.settle()
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    money = await house.money(order_id)
    assert sum(money["capture"]) == amount
    assert sum(money["authorize"]) == sum(money["capture"]) + sum(money.get("void", []))
    async with house.database.transaction() as db:
        entries = await payments.ledger_of(db, order_id)
    assert sum(entry.amount for entry in entries if entry.account == "receivable") == 0
    assert order.lifecycle == "closed"
    await house.sound()


async def test_before_it_is_paid_a_line_is_raised_and_another_added(house: House) -> None:
    mug, cup = house.item(), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(cup, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 1}))
    before = await house.order(order_id)
    said = await edit(
        house,
        order_id,
        lines=await line(house, order_id, mug, quantity=3),
        add=(Added(sku=cup, quantity=2, unit_price=250, tax=20),),
    )
    assert isinstance(said, Edited)
    assert said.total == (1499, 3499 + 520)
    assert (said.owed, said.to_authorize) == (said.total, 2520)
    assert {(h.sku, h.node, h.units) for h in said.stock} == {(mug, "RNO", 2), (cup, "RNO", 2)}
    order = await house.order(order_id)
    assert (order.total, order.tax, order.subtotal) == (4019, 20, 3500)
    assert order.version > before.version
    lines = await house.lines(order_id)
    assert (lines[mug].quantity, lines[mug].total, lines[cup].position) == (3, 3000, 2)
    assert "order.edited" in await house.told(order_id)
    assert (await house.level("RNO", mug)).reserved == 3
    await house.settle()
    assert sorted((await house.money(order_id))["authorize"]) == [1499, 2520]
    await closed_at(house, order_id, 4019)


async def test_after_allocation_fewer_go_and_the_rest_is_not_charged(house: House) -> None:
    mug, cup = house.item(), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(cup, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 3, cup: 1}))
    hold = await house.hold(order_id, "release")
    await house.settle()
    said = await edit(
        house,
        order_id,
        lines=(
            *await line(house, order_id, mug, quantity=1),
            *await line(house, order_id, cup, quantity=0),
        ),
    )
    assert isinstance(said, Edited)
    assert (said.total, said.owed, said.to_authorize) == ((4499, 1499), (4499, 1499), 0)
    level = await house.level("RNO", mug)
    assert (level.allocated, level.to_promise) == (1, 4)
    await house.clear(hold)
    await closed_at(house, order_id, 1499)


async def test_a_line_that_is_gone_does_not_come_back_and_a_new_one_costs_what_it_should(
    house: House,
) -> None:
    mug, cup = house.item(), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(cup, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 2, cup: 1}))
    change = await line(house, order_id, mug, quantity=0)
    gone = await edit(house, order_id, lines=change)
    assert isinstance(gone, Edited)
    assert gone.owed == (3499, 1499)
    again = (LineEdit(line_id=change[0].line_id, quantity=1),)
    refused = await edit(house, order_id, lines=again)
    assert isinstance(refused, CannotEdit)
    assert [(f.path, f.code) for f in refused.faults] == [("/lines/0/quantity", "line_over")]
    new = await edit(house, order_id, add=(Added(sku=mug, quantity=1, unit_price=1000),))
    assert isinstance(new, Edited)
    assert new.owed == (1499, 2499)
    await closed_at(house, order_id, 2499)


async def test_after_release_a_line_is_added_and_is_paid_and_shipped_too(house: House) -> None:
    mug, cup = house.item(), house.item(1)
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    [work] = await house.works(order_id)
    said = await edit(house, order_id, add=(Added(sku=cup, quantity=1, unit_price=700),))
    assert isinstance(said, Edited)
    assert (await house.order(order_id)).payment_status == "pending"
    await house.settle()
    ranks = await house.ranks(order_id)
    assert ranks == {Rank.RELEASED: 2} or sum(ranks.values()) == 2
    assert work.id in {w.id for w in await house.works(order_id)}
    assert sorted((await house.money(order_id))["authorize"]) == [700, 1499]
    await closed_at(house, order_id, 2199)


async def test_once_a_node_has_begun_fewer_are_asked_of_it_and_the_address_stays(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.accept(db, works=[work.id])
    refused = await edit(house, order_id, ship_to=AWAY)
    assert isinstance(refused, CannotEdit)
    assert [(f.path, f.code) for f in refused.faults] == [("/ship_to", "node_has_begun")]
    said = await edit(house, order_id, lines=await line(house, order_id, mug, quantity=2))
    assert isinstance(said, Edited)
    assert said.requested == {mug: 1}
    # What was asked for is not there to be lowered again.
    same = await edit(house, order_id, lines=await line(house, order_id, mug, quantity=2, unit_price=900))
    assert isinstance(same, Edited)
    assert same.requested == {}
    async with house.database.transaction() as db:
        await cancelling.answer_request(db, work=work.id, accept=True, reason="let go")
    await house.settle()
    assert (await house.ranks(order_id))[Rank.CANCELLED] == 1
    # 3 at 9.00 and 4.99, of which two units and their share of the shipping are charged.
    await closed_at(house, order_id, (2700 + 499) * 2 // 3)


async def test_an_address_sends_what_is_planned_back_to_be_routed(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    [first] = await house.works(order_id)
    said = await edit(house, order_id, ship_to=AWAY)
    assert isinstance(said, Edited)
    assert said.replanned
    order = await house.order(order_id)
    assert order.ship_to.city == "Portland"
    assert said.promise_at[1] == order.promise_at
    await house.settle()
    works = {w.id: w for w in await house.works(order_id)}
    assert works[first.id].status == "cancelled"
    assert len([w for w in works.values() if w.status != "cancelled"]) == 1
    assert [w.status for w in await house.works(order_id)].count("open") == 1
    await house.sound()


async def test_a_backorder_lowered_takes_nobody_elses_unit_and_gives_its_own_to_whoever_is_next(
    house: House,
) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 2})
    async with house.database.transaction() as db:
        await db.execute("UPDATE catalog.items SET backorder = 'always' WHERE sku = $1", mug)
    first, second, third = [(await house.place(house.draft({mug: 2})))[0] for _ in range(3)]
    # The second wants less: its place in line stays, and the first's units are the first's.
    assert isinstance(await edit(house, second, lines=await line(house, second, mug, quantity=1)), Edited)
    assert (await house.ranks(first)) == {Rank.RESERVED: 2}
    # The first gives one back: it goes to the second, who is next, and not to the third.
    assert isinstance(await edit(house, first, lines=await line(house, first, mug, quantity=1)), Edited)
    await house.settle_in_time()
    assert Rank.BACKORDERED not in await house.ranks(second)
    assert (await house.ranks(third)) == {Rank.BACKORDERED: 2}
    # Raised, the first stands behind those who wait already.
    more = await edit(house, first, lines=await line(house, first, mug, quantity=2))
    assert isinstance(more, Edited)
    assert [(h.node, h.units) for h in more.stock] == [(None, 1)]
    await house.settle_in_time()
    await house.sound()


async def test_what_nothing_supplies_is_refused_and_nothing_is_changed(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 2})
    [order_id] = await house.place(house.draft({mug: 2}))
    before = await house.order(order_id)
    said = await edit(house, order_id, lines=await line(house, order_id, mug, quantity=5))
    assert isinstance(said, Refused)
    [fault] = said.faults
    assert (fault.path, fault.code) == ("/lines/0/quantity", "insufficient_stock")
    assert await house.order(order_id) == before
    await house.sound()


async def test_units_of_an_allotment_go_back_to_it(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 6})
    async with house.database.transaction() as db:
        [web] = (await network.channels_of(db, codes=["web"])).values()
        await limiting.allot(db, sku=mug, channel_id=web.id, units=4, takes_shared=False)
    [order_id] = await house.place(house.draft({mug: 4}))
    short = await edit(house, order_id, lines=await line(house, order_id, mug, quantity=5))
    assert isinstance(short, Refused)
    assert isinstance(await edit(house, order_id, lines=await line(house, order_id, mug, quantity=1)), Edited)
    again = await edit(house, order_id, lines=await line(house, order_id, mug, quantity=4))
    assert isinstance(again, Edited)
    await house.sound()


async def test_a_kit_is_raised_priced_and_lowered_a_kit_at_a_time(house: House) -> None:
    kit, parts = next(iter(house.world.kits.items()))
    for sku in parts:
        await house.shelve(sku, {"RNO": 50})
    [order_id] = await house.place(
        house.draft(lines_=(LineDraft(sku=kit, quantity=1, unit_price=5001, tax=101),))
    )
    said = await edit(house, order_id, lines=await line(house, order_id, kit, quantity=3, unit_price=4999))
    assert isinstance(said, Edited)
    assert said.total[1] == 3 * 4999 + 303 + 499
    lines = await house.lines(order_id)
    assert {sku: lines[sku].quantity for sku in parts} == {sku: 3 * each for sku, each in parts.items()}
    part = next(iter(parts))
    refused = await edit(house, order_id, lines=await line(house, order_id, part, unit_price=1))
    assert isinstance(refused, CannotEdit)
    assert [f.code for f in refused.faults] == ["part_of_kit"]
    fewer = await edit(house, order_id, lines=await line(house, order_id, kit, quantity=2))
    assert isinstance(fewer, Edited)
    for sku, each in parts.items():
        assert (await house.level("RNO", sku)).reserved == 2 * each
    assert fewer.total[1] == 2 * 4999 + 202 + 499
    await closed_at(house, order_id, fewer.total[1])


async def test_a_declined_top_up_waits_for_other_means_and_goes_when_it_is_not_needed(house: House) -> None:
    mug, cup = house.item(), house.item(1)
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    declined = Means(method="card", token="tok_decline")
    assert isinstance(
        await edit(house, order_id, add=(Added(sku=cup, quantity=1, unit_price=700),), tender=declined),
        Edited,
    )
    await house.settle()
    assert "payment_declined" in await house.cases(order_id)
    assert "order.payment_declined" in await house.told(order_id)
    # The line goes again, and with it the need for money that nobody gives.
    assert isinstance(await edit(house, order_id, lines=await line(house, order_id, cup, quantity=0)), Edited)
    await house.settle()
    assert (await house.at(order_id)).step == "follow"
    assert (await house.order(order_id)).payment_status == "authorized"
    assert await house.cases(order_id) == []
    await house.sound()


async def test_charges_change_until_something_has_shipped(house: House) -> None:
    mug, cup = house.item(), house.item(1)
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    said = await edit(house, order_id, shipping=0, adjustment=-100)
    assert isinstance(said, Edited)
    assert said.total == (1499, 900)
    await house.ship(order_id)
    over = await edit(
        house,
        order_id,
        lines=await line(house, order_id, mug, quantity=0, unit_price=1),
        add=(Added(sku=cup, quantity=1),),
        ship_to=AWAY,
        shipping=1,
    )
    assert isinstance(over, CannotEdit)
    assert {f.path for f in over.faults} == {"/lines/0/quantity", "/lines/0", "/add", "/ship_to", "/shipping"}
    assert {f.code for f in over.faults} == {"shipped"}
    await house.deliver(order_id)
    assert sum((await house.money(order_id))["capture"]) == 900
    late = await edit(house, order_id, shipping=1)
    assert isinstance(late, CannotEdit)
    assert [f.code for f in late.faults] == ["order_is_over"]
    await house.sound()


async def test_every_fault_is_told_at_once_and_nothing_left_is_a_cancellation(house: House) -> None:
    mug = house.item()
    [order_id] = await house.place(
        house.draft({mug: 1}, tenders=(TenderDraft(method="card", token="tok_ok", amount=1499),))
    )
    said = await edit(
        house,
        order_id,
        lines=await line(house, order_id, mug, discount=5000),
        add=(Added(sku="NO-SUCH-THING", quantity=1), Added(sku=mug, quantity=1, node_code="NOWHERE")),
        service_level="by_pigeon",
    )
    assert isinstance(said, CannotEdit)
    assert said.wrong
    assert {(f.path, f.code) for f in said.faults} >= {
        ("/lines/0/discount", "more_than_price"),
        ("/add/0/sku", "unknown_sku"),
        ("/add/1/node", "unknown_node"),
        ("/service_level", "unknown_service_level"),
    }
    gone = await edit(house, order_id, lines=await line(house, order_id, mug, quantity=0))
    assert isinstance(gone, CannotEdit)
    assert [f.code for f in gone.faults] == ["nothing_left"]
    nothing = await edit(house, order_id)
    assert isinstance(nothing, CannotEdit)
    assert [f.code for f in nothing.faults] == ["nothing_to_edit"]


async def test_another_date_binds_the_order_and_what_was_planned_is_planned_for_it(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    [first] = await house.works(order_id)
    was = (await house.order(order_id)).promise_at
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    said = await edit(house, order_id, promise_at=later)
    assert isinstance(said, Edited)
    assert (said.promise_at, said.replanned, said.to_authorize) == ((was, later), True, 0)
    await house.settle()
    works = {w.id: w for w in await house.works(order_id)}
    assert works[first.id].status == "cancelled"
    assert [w.status for w in works.values()].count("open") == 1
    assert (await house.order(order_id)).promise_at == later
    assert "order.delayed" in await house.told(order_id)
    gone = await edit(house, order_id, promise_at=datetime.now(UTC) - timedelta(days=1))
    assert isinstance(gone, CannotEdit)
    assert [(f.path, f.code) for f in gone.faults] == [("/promise_at", "past")]
    await house.sound()


async def test_a_line_is_shipped_by_the_node_it_is_given_to_or_by_any_again(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5, "ATL": 2})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    [here] = await house.node_codes(order_id)
    there = "ATL" if here == "RNO" else "RNO"
    said = await edit(house, order_id, lines=await line(house, order_id, mug, node_code=there))
    assert isinstance(said, Edited)
    assert said.replanned
    assert {(h.node, h.units) for h in said.stock} == {(here, -2), (there, 2)}
    assert (await house.level(there, mug)).reserved == 2
    await house.settle()
    assert (await house.level(there, mug)).allocated == 2
    assert (await house.level(here, mug)).allocated == 0
    # More than is there is refused whole, and a node nobody knows is named.
    more = await edit(house, order_id, lines=await line(house, order_id, mug, node_code="ATL", quantity=4))
    assert isinstance(more, Refused | CannotEdit)
    moon = await edit(house, order_id, lines=await line(house, order_id, mug, node_code="MOON"))
    assert isinstance(moon, CannotEdit)
    assert [(f.path, f.code) for f in moon.faults] == [("/lines/0/node", "unknown_node")]
    assert isinstance(
        await edit(house, order_id, lines=await line(house, order_id, mug, node_code="")), Edited
    )
    assert (await house.lines(order_id))[mug].fixed_node_id is None
    await closed_at(house, order_id, 2499)


async def test_a_node_that_has_not_enough_is_refused_with_what_it_has(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5, "ATL": 1})
    [order_id] = await house.place(house.draft({mug: 2}))
    before = await house.order(order_id)
    said = await edit(house, order_id, lines=await line(house, order_id, mug, node_code="ATL"))
    assert isinstance(said, CannotEdit)
    [fault] = said.faults
    assert (fault.path, fault.code) == ("/lines/0/node", "not_there")
    assert "ATL has 1" in fault.message
    assert await house.order(order_id) == before
    assert (await house.lines(order_id))[mug].fixed_node_id is None
    await house.sound()


async def test_other_means_pay_instead_and_what_the_first_promised_is_released(house: House) -> None:
    mug, cup = house.item(), house.item(1)
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    said = await edit(house, order_id, tender=Means(method="card", token="tok_ok", instead=True))
    assert isinstance(said, Edited)
    assert (said.to_authorize, said.replanned) == (1499, False)
    await house.settle()
    assert (await house.order(order_id)).payment_status == "authorized"
    # The promise of the first counts for nothing: what is added is asked for whole.
    more = await edit(house, order_id, add=(Added(sku=cup, quantity=1, unit_price=700),))
    assert isinstance(more, Edited)
    assert more.to_authorize == 700
    await closed_at(house, order_id, 2199)
    async with house.database.transaction() as db:
        intents = await payments.intents_of(db, order_id=order_id)
    assert [(i.sequence, i.status) for i in intents] == [(1, "voided"), (2, "captured"), (3, "captured")]


async def test_a_card_number_is_no_token(house: House) -> None:
    [order_id] = await house.place(house.draft())
    said = await edit(house, order_id, tender=Means(method="card", token="4111 1111 1111 1111", instead=True))
    assert isinstance(said, CannotEdit)
    assert [(f.path, f.code) for f in said.faults] == [("/tender/token", "card_number")]
