"""Violations of what sourcing profiles promise. Where a constraint stands in the way, it is dropped first."""

from orderloom.terms import new_id

PASSED = [{"test": "t", "passed": True}]


async def a_version(db, number=1, tested=PASSED, since=1):
    """Active since so many days."""
    return await db.fetchval(
        "INSERT INTO routing.profiles (name, version, status, document, tested, created_by, activated_at) "
        "VALUES ('us', $1, 'active', '{}', $2, 'test', now() - $3 * interval '1 day') RETURNING id",
        number,
        tested,
        since,
    )


async def a_decision(db, world, profile=None):
    return await db.fetchval(
        "INSERT INTO routing.decisions (order_id, outcome, record, decided_as_of, profile_id) "
        "VALUES ($1, 'routed', '', now(), $2) RETURNING id",
        world.order,
        profile,
    )


async def a_decision_by_no_profile(db, world):
    await db.execute("ALTER TABLE routing.decisions DISABLE TRIGGER refuse_strays")
    await a_decision(db, world, new_id())


async def a_wait_beyond_its_last_moment(db, world):
    await db.execute(
        "INSERT INTO orders.holds (order_id, type, blocks, raised_by, due_at) "
        "VALUES ($1, 'awaiting_consolidation', '{route}', 'test', now() - interval '1 hour')",
        world.order,
    )
    await db.execute("UPDATE plumbing.subjects SET step = 'reserve' WHERE subject_id = $1", world.order)


async def two_active_versions_one_of_which_failed(db, world):
    await db.execute("DROP INDEX routing.one_profile_active")
    await a_version(db)
    await a_version(db, 2, tested=[*PASSED, {"test": "u", "passed": False}])


async def a_decision_before_its_time(db, world):
    await a_decision(db, world, await a_version(db, since=-1))


async def a_comparison_made_before_the_decision(db, world):
    decision = await a_decision(db, world)
    trial = await db.fetchval(
        "INSERT INTO routing.trials (profile_id, shadow, began_by) VALUES ($1, false, 'test') RETURNING id",
        await a_version(db),
    )
    await db.execute(
        "INSERT INTO routing.comparisons (trial_id, decision_id, order_id, answered_at, failed) "
        "VALUES ($1, $2, $3, now() - interval '1 hour', 'planted')",
        trial,
        decision,
        world.order,
    )


PLANTINGS = {
    "O4.one_profile": two_active_versions_one_of_which_failed,
    "O4.strays": a_decision_by_no_profile,
    "O4.decided_by": a_decision_before_its_time,
    "O4.compared": a_comparison_made_before_the_decision,
    "O4.held_in_time": a_wait_beyond_its_last_moment,
}
