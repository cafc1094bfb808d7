"""Money is promised, taken, released and paid back exactly once, whatever the gateway's answers."""

import asyncio

import pytest

from orderloom.payments import (
    charges_for,
    ledger_of,
    prepare_authorizations,
    prepare_captures,
    quote_refund,
    refunds_of_returns,
    request_refund,
    statuses,
)
from orderloom.payments.charge import LineMoney, NotSoMany, bill
from orderloom.payments.model import (
    Authorized,
    Breakdown,
    Captured,
    CaptureRefused,
    Charge,
    Declined,
    RefundDue,
    Refunded,
    RefundFailed,
    RefundRefused,
    RefundRequested,
    Refused,
    Shipped,
    Voided,
    VoidRefused,
)
from orderloom.plumbing.events import of_order
from orderloom.terms import new_id
from tests.store.ordered import an_order
from tests.store.payments.paying import Purse, authorize, capture, made, refund, tender, void

NO = Refused("card_declined", "no")
LATER = Refused("try_again", "later", retryable=True)


@pytest.fixture
def purse():
    return Purse()


def charge(put, amount, *, shipment=None):
    shipment = shipment or put.fulfillment
    return Charge(
        subject=shipment,
        order_id=put.order,
        shipment_id=shipment,
        amount=amount,
        breakdown=Breakdown(sales=amount),
        currency="USD",
    )


async def another_shipment(db, put):
    shipment = new_id()
    await db.execute(
        "INSERT INTO orders.fulfillments (id, number, order_id, node_id) VALUES ($1, $2, $3, $4)",
        shipment,
        f"F{shipment.hex[-12:]}",
        put.order,
        put.node,
    )
    return shipment


async def status(db, put):
    return (await statuses(db, order_ids=[put.order]))[put.order]


async def told(db, put):
    return [event.type for event in await of_order(db, put.order)]


async def balances(db, put):
    sums = {}
    for entry in await ledger_of(db, put.order):
        sums[entry.account] = sums.get(entry.account, 0) + entry.amount
    assert sum(sums.values()) == 0
    return {account: amount for account, amount in sums.items() if amount}


# --- authorising ----------------------------------------------------------------------------------------------


async def test_every_tender_is_authorised_once(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 2000, 1000)
    assert await authorize(db, purse, put.order) == {put.order: Authorized(3000)}
    assert await authorize(db, purse, put.order) == {put.order: Authorized(3000)}
    assert purse.moved("authorize") == [2000, 1000]
    assert await told(db, put) == ["payment.authorized"] * 2
    assert (await status(db, put)).status == "authorized"


async def test_an_order_on_invoice_asks_no_gateway(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 0)
    assert await authorize(db, purse, put.order) == {put.order: Authorized(0)}
    assert await capture(db, purse, charge(put, 3000)) == {put.fulfillment: Captured(0, outstanding=3000)}
    assert await void(db, purse, put.order) == {put.order: Voided(0)}
    assert purse.done == {}
    figures = await status(db, put)
    assert (figures.status, figures.balance_due) == ("unpaid", 3000)
    assert await balances(db, put) == {"receivable": 3000, "sales": -3000}


async def test_a_declined_tender_is_tried_again_under_a_new_key(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    purse.script.append(LATER)
    assert await authorize(db, purse, put.order) == {
        put.order: Declined("try_again", "later", retryable=True)
    }
    assert (await status(db, put)).status == "unpaid"
    assert await authorize(db, purse, put.order) == {put.order: Authorized(3000)}
    assert len(purse.done) == 2
    assert await told(db, put) == ["payment.declined", "payment.authorized"]


async def test_a_new_tender_replaces_a_declined_one(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    purse.script.append(NO)
    await authorize(db, purse, put.order)
    await tender(db, put.order, 3000, sequence=2)
    assert await authorize(db, purse, put.order) == {put.order: Authorized(3000)}
    assert purse.moved("authorize") == [3000]


@pytest.mark.parametrize("fault", ["lost", "never"])
async def test_an_unknown_authorisation_is_asked_for_by_its_key(db, purse, fault):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    purse.script.append(fault)
    assert await authorize(db, purse, put.order) == {}
    assert (await status(db, put)).status == "pending"
    assert await authorize(db, purse, put.order) == {put.order: Authorized(3000)}
    assert purse.finds == 1
    assert purse.moved("authorize") == [3000]


async def test_one_orders_silence_does_not_hide_anothers_answer(db, purse):
    quiet, loud = await an_order(db), await an_order(db)
    await tender(db, quiet.order, 3000)
    await tender(db, loud.order, 3000)
    calls = await prepare_authorizations(db, order_ids=[quiet.order, loud.order])
    purse.script.extend(["lost" if call.order_id == quiet.order else "fine" for call in calls])
    answers = await made(calls, purse)
    from orderloom.payments import record_authorizations

    outcomes = await record_authorizations(db, order_ids=[quiet.order, loud.order], answers=answers)
    assert outcomes == {loud.order: Authorized(3000)}


# --- capturing ------------------------------------------------------------------------------------------------


async def test_each_shipment_is_captured_once_from_the_tenders_in_turn(db, purse):
    put = await an_order(db)
    other = await another_shipment(db, put)
    await tender(db, put.order, 1500, 1500)
    await authorize(db, purse, put.order)
    assert await capture(db, purse, charge(put, 1000), charge(put, 2000, shipment=other)) == {
        put.fulfillment: Captured(1000),
        other: Captured(2000),
    }
    assert await capture(db, purse, charge(put, 1000)) == {put.fulfillment: Captured(1000)}
    assert purse.moved("capture") == [1000, 500, 1500]
    assert (await status(db, put)).status == "paid"
    assert await balances(db, put) == {"cash": 3000, "sales": -3000}


async def test_a_capture_says_what_stays_promised(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    (call,) = await prepare_captures(db, charges=[charge(put, 1000)])
    assert (call.amount, call.left, call.authorization is not None) == (1000, 2000, True)


async def test_a_lost_capture_is_found_and_posted_once(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    purse.script.append("lost")
    assert await capture(db, purse, charge(put, 3000)) == {}
    assert (await status(db, put)).authorized == 0
    assert await ledger_of(db, put.order) == []
    assert await capture(db, purse, charge(put, 3000)) == {put.fulfillment: Captured(3000)}
    assert purse.moved("capture") == [3000]
    assert await balances(db, put) == {"cash": 3000, "sales": -3000}


async def test_a_refused_capture_posts_nothing_and_may_be_tried_again(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    purse.script.append(LATER)
    assert await capture(db, purse, charge(put, 3000)) == {
        put.fulfillment: CaptureRefused("try_again", "later", retryable=True)
    }
    assert await ledger_of(db, put.order) == []
    assert await capture(db, purse, charge(put, 3000)) == {put.fulfillment: Captured(3000)}


async def test_a_promise_that_ran_out_is_made_anew_for_what_is_left(db, purse):
    put = await an_order(db)
    other = await another_shipment(db, put)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    await capture(db, purse, charge(put, 1000))
    purse.script.append(Refused("authorization_expired", "too late"))
    assert isinstance((await capture(db, purse, charge(put, 2000, shipment=other)))[other], CaptureRefused)
    assert await authorize(db, purse, put.order) == {put.order: Authorized(2000)}
    assert await capture(db, purse, charge(put, 2000, shipment=other)) == {other: Captured(2000)}
    assert purse.moved("authorize") == [3000, 2000]
    assert purse.moved("capture") == [1000, 2000]
    assert (await status(db, put)).status == "paid"


async def test_a_free_shipment_asks_no_gateway(db, purse):
    put = await an_order(db)
    assert await capture(db, purse, charge(put, 0)) == {put.fulfillment: Captured(0)}
    assert purse.done == {}


async def test_a_shipment_keeps_the_charge_it_was_given(db, purse):
    put = await an_order(db, quantities=(3,))
    other = await another_shipment(db, put)
    (line,) = put.lines
    bills = {put.order: bill(lines=[LineMoney(line, 3, 3000, 0)], shipping=100, adjustment=0)}
    first = Shipped(subject=new_id(), order_id=put.order, shipment_id=put.fulfillment, units={line: 1})
    second = Shipped(subject=new_id(), order_id=put.order, shipment_id=other, units={line: 2})
    currency = {put.order: "USD"}
    (one,) = await charges_for(db, shipped=[first], bills=bills, currency=currency)
    again, two = await charges_for(db, shipped=[first, second], bills=bills, currency=currency)
    assert (one.amount, again.amount, two.amount) == (1033, 1033, 2067)
    assert one.breakdown + two.breakdown == Breakdown(sales=3000, shipping=100)
    with pytest.raises(NotSoMany):
        await charges_for(
            db,
            shipped=[
                Shipped(
                    subject=new_id(),
                    order_id=put.order,
                    shipment_id=await another_shipment(db, put),
                    units={line: 1},
                )
            ],
            bills=bills,
            currency=currency,
        )


# --- voiding --------------------------------------------------------------------------------------------------


async def test_what_was_not_taken_is_released_once(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    await capture(db, purse, charge(put, 1000))
    assert await void(db, purse, put.order) == {put.order: Voided(2000)}
    assert await void(db, purse, put.order) == {put.order: Voided(2000)}
    assert purse.moved("void") == [2000]
    assert (await status(db, put)).status == "paid"


@pytest.mark.parametrize(("fault", "released"), [("lost", 3000), ("never", 0)])
async def test_an_unknown_promise_is_looked_for_and_released(db, purse, fault, released):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    purse.script.append(fault)
    await authorize(db, purse, put.order)
    assert await void(db, purse, put.order) == {put.order: Voided(released)}
    assert sum(purse.moved("authorize")) == sum(purse.moved("void")) == released
    assert (await status(db, put)).status == "voided"


async def test_a_tender_never_asked_is_given_up_without_a_call(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    assert await void(db, purse, put.order) == {put.order: Voided(0)}
    assert await authorize(db, purse, put.order) == {put.order: Authorized(0)}
    assert purse.done == {}


async def test_nothing_is_released_while_a_capture_is_unknown(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    purse.script.append("never")
    await capture(db, purse, charge(put, 1000))
    outcome = (await void(db, purse, put.order))[put.order]
    assert isinstance(outcome, VoidRefused)
    assert outcome.retryable
    await capture(db, purse, charge(put, 1000))
    assert await void(db, purse, put.order) == {put.order: Voided(2000)}


async def test_a_lost_release_is_found(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    purse.script.append("lost")
    assert await void(db, purse, put.order) == {}
    assert await void(db, purse, put.order) == {put.order: Voided(3000)}
    assert purse.moved("void") == [3000]


async def test_a_refused_release_is_told(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    purse.script.append(NO)
    assert await void(db, purse, put.order) == {
        put.order: VoidRefused("card_declined", "no", retryable=False)
    }


async def test_an_expired_promise_holds_nothing(db, purse):
    put = await an_order(db)
    await tender(db, put.order, 3000)
    await authorize(db, purse, put.order)
    purse.script.append(Refused("authorization_expired", "too late"))
    assert await void(db, purse, put.order) == {put.order: Voided(0)}
    assert (await status(db, put)).status == "expired"


# --- refunding ------------------------------------------------------------------------------------------------


async def paid(db, purse, *amounts, shipment_of=3000):
    put = await an_order(db)
    await tender(db, put.order, *amounts)
    await authorize(db, purse, put.order)
    await capture(db, purse, charge(put, shipment_of))
    return put


def ask(db, put, amount, key, **more):
    return request_refund(
        db, order_id=put.order, amount=amount, reason="damaged", return_id=None, key=key, **more
    )


async def test_a_refund_is_paid_once_over_the_tenders_it_came_from(db, purse):
    put = await paid(db, purse, 1000, 2000)
    asked = await ask(db, put, 1500, "k1")
    assert isinstance(asked, RefundRequested)
    assert await refund(db, purse, asked.refund_id) == Refunded(1500)
    assert await refund(db, purse, asked.refund_id) == Refunded(1500)
    assert purse.moved("refund") == [1000, 500]
    assert (await status(db, put)).status == "partially_refunded"
    assert await balances(db, put) == {"cash": 1500, "sales": -3000, "returns": 1500}


async def test_a_return_leads_to_its_refund(db, purse):
    put = await paid(db, purse, 3000)
    back = new_id()
    asked = await request_refund(
        db, order_id=put.order, amount=500, reason="return", return_id=back, key=f"return:{back}"
    )
    due = await refunds_of_returns(db, returns=[back, new_id()])
    assert due == [RefundDue(subject=back, refund_id=asked.refund_id)]


async def test_one_request_makes_one_refund(db, purse):
    put = await paid(db, purse, 3000)
    asked = await ask(db, put, 1500, "k1")
    assert await ask(db, put, 1500, "k1") == RefundRequested(asked.refund_id, 1500, duplicate=True)
    assert (await ask(db, put, 100, "k1")).code == "key_reused"
    other = await paid(db, purse, 3000)
    assert (await ask(db, other, 1500, "k1")).code == "key_reused"


@pytest.mark.parametrize("begun", [False, True])
async def test_refunds_never_exceed_what_was_captured(db, purse, begun):
    put = await paid(db, purse, 3000)
    asked = await ask(db, put, 2000, "k1")
    if begun:
        await refund(db, purse, asked.refund_id)
    assert await ask(db, put, 1001, "k2") == RefundRefused(
        "exceeds_captured", "1000 of what was captured can be refunded", 1000
    )
    assert isinstance(await ask(db, put, 1000, "k3"), RefundRequested)
    assert (await ask(db, put, 1, "k4")).code == "exceeds_captured"
    assert (await ask(db, put, 0, "k5")).code == "nothing_to_refund"


async def test_a_failed_refund_changes_no_balance_and_can_be_tried_again(db, purse):
    put = await paid(db, purse, 3000)
    asked = await ask(db, put, 3000, "k1")
    purse.script.append(LATER)
    assert await refund(db, purse, asked.refund_id) == RefundFailed("try_again", "later", True, 0)
    assert (await status(db, put)).status == "paid"
    assert await refund(db, purse, asked.refund_id) == Refunded(3000)
    assert (await status(db, put)).status == "refunded"


async def test_a_failed_refund_whose_money_went_elsewhere_stays_failed(db, purse):
    put = await paid(db, purse, 3000)
    first = await ask(db, put, 3000, "k1")
    purse.script.append(NO)
    await refund(db, purse, first.refund_id)
    second = await ask(db, put, 3000, "k2")
    assert await refund(db, purse, second.refund_id) == Refunded(3000)
    assert isinstance(await refund(db, purse, first.refund_id), RefundFailed)
    assert purse.moved("refund") == [3000]


async def test_a_lost_refund_is_found(db, purse):
    put = await paid(db, purse, 3000)
    asked = await ask(db, put, 500, "k1")
    purse.script.append("lost")
    assert await refund(db, purse, asked.refund_id) is None
    assert await refund(db, purse, asked.refund_id) == Refunded(500)
    assert purse.moved("refund") == [500]


async def test_units_are_refunded_what_they_were_charged(db, purse):
    put = await an_order(db, quantities=(3,))
    (line,) = put.lines
    await tender(db, put.order, 3100)
    await authorize(db, purse, put.order)
    bills = {put.order: bill(lines=[LineMoney(line, 3, 3000, 0)], shipping=100, adjustment=0)}
    shipped = Shipped(
        subject=put.fulfillment, order_id=put.order, shipment_id=put.fulfillment, units={line: 3}
    )
    charges = await charges_for(db, shipped=[shipped], bills=bills, currency={put.order: "USD"})
    await capture(db, purse, *charges)
    assert (await quote_refund(db, order_id=put.order, units={line: 1})).lines[line].total == 1033
    assert (await ask(db, put, 1034, "k0", units={line: 1})).code == "exceeds_charged"
    assert (await ask(db, put, None, "k1", units={line: 1})).amount == 1033
    assert (await ask(db, put, None, "k2", units={line: 2})).amount == 2067
    assert (await ask(db, put, None, "k3", units={line: 1})).code == "not_charged"


# --- at once --------------------------------------------------------------------------------------------------


async def test_refunds_asked_for_at_once_share_what_was_captured(database, purse):
    async with database.transaction() as db:
        put = await paid(db, purse, 3000)

    async def one(key):
        async with database.transaction() as db:
            return await ask(db, put, 1000, key)

    answers = await asyncio.gather(*(one(f"k{i}") for i in range(8)))
    assert sum(isinstance(answer, RefundRequested) for answer in answers) == 3


async def test_shipments_captured_at_once_share_what_was_promised(database, purse):
    async with database.transaction() as db:
        put = await an_order(db)
        shipments = [await another_shipment(db, put) for _ in range(6)]
        await tender(db, put.order, 3000)
        await authorize(db, purse, put.order)

    async def one(shipment):
        async with database.transaction() as db:
            return await prepare_captures(db, charges=[charge(put, 1000, shipment=shipment)])

    calls = [call for calls in await asyncio.gather(*(one(s) for s in shipments)) for call in calls]
    assert sum(call.amount for call in calls) == 3000
