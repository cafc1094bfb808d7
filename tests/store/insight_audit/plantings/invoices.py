"""Violations of what audited invoices promise."""

from tests.store.insight_audit.plantings.shipping import a_label


async def an_invoice(db, *, number="I1", billed=1000, disputed=0, lines=1):
    await db.execute(
        "INSERT INTO shipping.carriers (code, name, adapter) VALUES ('acme', 'Acme', 'flat') ON CONFLICT DO NOTHING"
    )
    return await db.fetchval(
        "INSERT INTO shipping.invoices (carrier, number, currency, billed, disputed, summary, audited_by) "
        "VALUES ('acme', $1, 'USD', $2, $3, $4, 'test') RETURNING id",
        number,
        billed,
        disputed,
        {"lines": lines, "disputed": disputed},
    )


async def a_line(db, invoice, *, disputed=0, told=None, label=None, tracking="T1"):
    told = disputed if told is None else told
    await db.execute(
        "INSERT INTO shipping.invoice_lines (invoice_id, line, carrier, tracking_number, label_id, codes, billed, "
        "expected, disputed, answer) VALUES ($1, 2, 'acme', $2, $3, '{freight}', 1000, 1000, $4, $5)",
        invoice,
        tracking,
        label,
        disputed,
        {"billed": 1000, "expected": 1000, "disputed": told, "causes": []},
    )


async def an_invoice_that_lost_its_lines(db, _world):
    await an_invoice(db)


async def a_line_that_says_something_else(db, _world):
    await a_line(db, await an_invoice(db, disputed=100), disputed=100, told=50)


async def a_charge_agreed_to_twice(db, _world):
    for number in ("I1", "I2"):
        await a_line(db, await an_invoice(db, number=number))


async def a_line_of_another_parcels_label(db, world):
    label, _ = await a_label(db, world)
    await a_line(db, await an_invoice(db), label=label)


PLANTINGS = {
    "P6.figures": an_invoice_that_lost_its_lines,
    "P6.lines": a_line_that_says_something_else,
    "P6.once": a_charge_agreed_to_twice,
    "P6.labels": a_line_of_another_parcels_label,
}
