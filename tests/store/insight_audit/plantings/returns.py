"""Violations of what returns promise."""

from orderloom.terms import new_id


async def _back(db, world, *, status, order=True, **line):
    """A return of the world's line in that status."""
    back = new_id()
    await db.execute(
        "INSERT INTO returns.returns (id, number, order_id, node_id, status, requested_by, currency, refund_amount) "
        "VALUES ($1, 'R-1', $2, $3, $4, 'test', 'USD', $5)",
        back,
        world.order if order else None,
        world.node,
        status,
        line.get("refund_amount"),
    )
    await db.execute(
        "INSERT INTO returns.lines (return_id, line_id, sku, quantity, received, reason, disposition, refund) "
        "VALUES ($1, $2, 'MUG', $3, $4, 'other', $5, $6)",
        back,
        world.line,
        line.get("quantity", 1),
        line.get("received", 0),
        line.get("disposition"),
        line.get("refund", 0),
    )
    return back


async def more_asked_back_than_went_out(db, world):
    await _back(db, world, status="requested", quantity=3)


async def a_line_of_another_order(db, world):
    await _back(db, world, status="requested", order=False)


async def closed_without_a_word_on_its_units(db, world):
    await _back(db, world, status="closed", received=1)


async def a_refund_that_is_not_its_lines(db, world):
    await _back(db, world, status="inspected", refund=500, refund_amount=600)


async def a_unit_that_never_reached_its_shelf(db, world):
    back = await _back(db, world, status="closed", received=1, disposition="restock")
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step, state) VALUES ('return', $1, 'close', 'done')",
        back,
    )


PLANTINGS = {
    "O2.asked_back": more_asked_back_than_went_out,
    "O2.same_order": a_line_of_another_order,
    "O3.returns": closed_without_a_word_on_its_units,
    "M3.returns": a_refund_that_is_not_its_lines,
    "S1.returned": a_unit_that_never_reached_its_shelf,
}
