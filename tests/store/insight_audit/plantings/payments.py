"""Violations of what money promises. Where a constraint stands in the way, it is dropped first."""

from orderloom.terms import new_id

INTENT = new_id()


async def intent(db, world, *, status="authorized"):
    """An intent of the world's order over its 3500, authorised."""
    await db.execute(
        "INSERT INTO payments.intents (id, order_id, gateway, method, token, amount, currency, status) "
        "VALUES ($1, $2, 'sandbox', 'card', 't', 3500, 'USD', $3)",
        INTENT,
        world.order,
        status,
    )
    await moved(db, world, "authorize", 3500)


async def moved(db, world, kind, amount, *, subject=None, status="succeeded", currency="USD", age="0s"):
    await db.execute(
        "INSERT INTO payments.transactions (intent_id, order_id, kind, subject_id, amount, currency, key, status, "
        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() - $9::text::interval)",
        INTENT,
        world.order,
        kind,
        subject or new_id(),
        amount,
        currency,
        new_id().hex,
        status,
        age,
    )


async def charged(db, world, amount):
    await db.execute(
        "INSERT INTO payments.charges (shipment_id, order_id, amount, sales, shipping, tax, adjustment, currency) "
        "VALUES ($1, $2, $3, $3, 0, 0, 0, 'USD')",
        world.fulfillment,
        world.order,
        amount,
    )


async def units(db, world, first, last, amount):
    await db.execute(
        "INSERT INTO payments.charge_lines VALUES ($1, $2, $3, $4, $5, 0, 0, 0)",
        world.fulfillment,
        world.line,
        first,
        last,
        amount,
    )


async def refunded(db, world, amount, *, units_back=0):
    made = new_id()
    await db.execute(
        "INSERT INTO payments.refunds (id, order_id, amount, currency, reason, requested_by, request_key) "
        "VALUES ($1, $2, $3, 'USD', 'r', 'test', $4)",
        made,
        world.order,
        amount,
        made.hex,
    )
    if units_back:
        await db.execute(
            "INSERT INTO payments.refund_lines VALUES ($1, $2, 0, $3, $4)",
            made,
            world.line,
            units_back,
            amount,
        )
    return made


async def posted(db, world, **legs):
    for account, amount in legs.items():
        await db.execute(
            "INSERT INTO payments.entries (order_id, posting_id, account, amount, currency) "
            "VALUES ($1, $2, $3, $4, 'USD')",
            world.order,
            INTENT,
            account,
            amount,
        )


async def an_intent_of_no_order(db, world):
    await db.execute("ALTER TABLE payments.intents DISABLE TRIGGER refuse_strays")
    await db.execute(
        "INSERT INTO payments.intents (order_id, gateway, method, token, amount, currency) "
        "VALUES ($1, 'sandbox', 'card', 't', 3500, 'USD')",
        new_id(),
    )


async def two_promises(db, world):
    await intent(db, world)
    await moved(db, world, "authorize", 3500)


async def a_shipment_captured_twice(db, world):
    await intent(db, world)
    await db.execute(
        "ALTER TABLE payments.transactions DROP CONSTRAINT transactions_intent_id_kind_subject_id_key"
    )
    for _ in range(2):
        await moved(db, world, "capture", 1000, subject=world.fulfillment)


async def more_taken_than_promised(db, world):
    await intent(db, world)
    await moved(db, world, "capture", 3000)
    await moved(db, world, "void", 501)


async def more_taken_than_charged(db, world):
    await intent(db, world)
    await charged(db, world, 1000)
    await moved(db, world, "capture", 1001, subject=world.fulfillment)


async def a_charge_its_lines_do_not_explain(db, world):
    await charged(db, world, 1000)
    await units(db, world, 0, 1, 999)


async def units_left_out(db, world):
    await charged(db, world, 1000)
    await units(db, world, 1, 2, 1000)


async def all_units_for_less(db, world):
    await charged(db, world, 3499)
    await units(db, world, 0, 3, 3499)


async def more_paid_back_than_taken(db, world):
    await intent(db, world)
    await moved(db, world, "capture", 1000)
    await moved(db, world, "refund", 1001)


async def a_line_paid_back_beyond_its_charge(db, world):
    await charged(db, world, 1000)
    await units(db, world, 0, 1, 1000)
    await refunded(db, world, 1001, units_back=1)


async def a_refund_paid_twice(db, world):
    await intent(db, world)
    made = await refunded(db, world, 500)
    await moved(db, world, "refund", 501, subject=made)


async def another_currency(db, world):
    await intent(db, world)
    await moved(db, world, "capture", 1, currency="EUR")


async def a_posting_with_one_leg(db, world):
    await posted(db, world, cash=100)


async def cash_no_gateway_took(db, world):
    await posted(db, world, cash=100, receivable=-100)


async def revenue_nobody_was_charged(db, world):
    await charged(db, world, 1000)
    await posted(db, world, receivable=1001, sales=-1001)


async def an_operation_unknown_for_long(db, world):
    await intent(db, world)
    await moved(db, world, "capture", 100, status="unknown", age="61 minutes")


async def money_held_for_a_cancelled_order(db, world):
    await intent(db, world)
    await db.execute(
        "UPDATE orders.orders SET lifecycle = 'cancelled', updated_at = clock_timestamp() - interval '7 hours'"
    )


PLANTINGS = {
    "M1.one_promise": two_promises,
    "M1.strays": an_intent_of_no_order,
    "M1.one_capture": a_shipment_captured_twice,
    "M2.promised": more_taken_than_promised,
    "M2.shipment": more_taken_than_charged,
    "M2.lines": a_charge_its_lines_do_not_explain,
    "M2.units": units_left_out,
    "M2.whole": all_units_for_less,
    "M3.order": more_paid_back_than_taken,
    "M3.line": a_line_paid_back_beyond_its_charge,
    "M3.once": a_refund_paid_twice,
    "M4.money": another_currency,
    "M6.balance": a_posting_with_one_leg,
    "M6.cash": cash_no_gateway_took,
    "M6.revenue": revenue_nobody_was_charged,
    "M6.unknown": an_operation_unknown_for_long,
    "M7.held": money_held_for_a_cancelled_order,
}
