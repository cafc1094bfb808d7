"""What is due is found by the index whatever the statistics say: read from end to end, a pass would cost the whole backlog."""

from __future__ import annotations

from orderloom.plumbing import subjects

STEPS = ("reserve", "authorize", "route", "follow")


async def test_a_table_analysed_while_all_stood_at_one_step_is_not_read_to_find_nobody_at_another(db):
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step) "
        "SELECT 'order', uuidv7(), 'reserve' FROM generate_series(1, 3000)"
    )
    await db.execute("ANALYZE plumbing.subjects")
    plan = await db.fetch(
        "EXPLAIN " + subjects._DUE_STEPS,
        "order",
        list(STEPS),
        [False] * len(STEPS),
    )
    told = "\n".join(row[0] for row in plan)
    assert "Index Scan using subjects_due" in told, told
    assert await subjects.due_steps(db, "order", STEPS) == {("reserve", False)}
