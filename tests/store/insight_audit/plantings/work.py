"""Violations of what the runner promises."""


async def a_lease_for_ever(db, world):
    await db.execute("UPDATE plumbing.subjects SET token = 1, leased_until = now() + interval '1 day'")


async def a_dead_workers_subject_left_lying(db, world):
    await db.execute(
        "UPDATE plumbing.subjects SET token = 1, leased_until = now() - interval '1 hour', "
        "updated_at = now() - interval '1 hour' WHERE journey = 'order'"
    )
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step) VALUES ('order', uuidv7(), 'route')"
    )


async def attempts_without_end(db, world):
    await db.execute("UPDATE plumbing.subjects SET attempts = 1000")


PLANTINGS = {
    "W1.leases": a_lease_for_ever,
    "W2.retaken": a_dead_workers_subject_left_lying,
    "W2.attempts": attempts_without_end,
}
