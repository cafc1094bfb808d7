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


async def test_those_whose_time_is_not_over_are_not_read_to_find_who_has_waited_too_long(db):
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step, state, awaiting, due_at) "
        "SELECT 'order', uuidv7(), 'follow', 'waiting', 'every parcel', clock_timestamp() + interval '90 days' "
        "FROM generate_series(1, 3000)"
    )
    await db.execute("ANALYZE plumbing.subjects")
    for asked in (subjects._OVERDUE, subjects._STIRRING):
        plan = await db.fetch("EXPLAIN " + asked, "order" if asked is subjects._OVERDUE else ["order"])
        told = "\n".join(row[0] for row in plan)
        assert "Index Cond: (due_at < statement_timestamp())" in told, told
    assert await subjects.overdue(db, "order") == []
    assert await subjects.stirring(db, ["order"]) == set()
