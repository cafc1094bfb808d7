"""Violations of what channels are promised to be told."""


async def _all_read(db):
    await db.execute(
        "INSERT INTO plumbing.cursors (reader, xid, id) VALUES ('availability', pg_current_xact_id(), $1)",
        2**60,
    )


async def _told(db, world, *, sku="MUG", quantity=1, version=1, pushed=0, age="0"):
    await db.execute(
        "INSERT INTO sync.availability (channel_id, sku, quantity, version, pushed, changed_at) "
        "VALUES ($1, $2, $3, $4, $5, clock_timestamp() - $6::text::interval)",
        world.channel,
        sku,
        quantity,
        version,
        pushed,
        age,
    )


async def more_told_than_is_there(db, world):
    await _all_read(db)
    await _told(db, world, quantity=8)


async def more_kits_told_than_can_be_made(db, world):
    await db.execute(
        "INSERT INTO catalog.items (sku, name, weight_g, length_mm, width_mm, height_mm) VALUES ('SET', '', 1, 1, 1, 1)"
    )
    await db.execute("INSERT INTO catalog.kit_components VALUES ('SET', 'MUG', 2)")
    await _all_read(db)
    await _told(db, world, sku="SET", quantity=4)


async def a_version_accepted_that_never_was(db, world):
    await _told(db, world, version=2, pushed=3)


async def a_number_nobody_brings(db, world):
    await db.execute(
        "UPDATE network.channels SET availability_feed = $2 WHERE id = $1",
        world.channel,
        {"adapter": "csv", "file": "web.csv"},
    )
    await _told(db, world, age="11 minutes")


async def a_comparison_that_counts_otherwise(db, world):
    await db.execute(
        "INSERT INTO sync.reconciliations (channel_id, compared, divergent, repaired, detail, begun_at) "
        "VALUES ($1, 9, 2, 2, $2, clock_timestamp())",
        world.channel,
        {"kinds": {"missing": 1}, "on_the_way": 0, "divergences": []},
    )


PLANTINGS = {
    "S4.published": more_told_than_is_there,
    "S4.published_kits": more_kits_told_than_can_be_made,
    "S4.versions": a_version_accepted_that_never_was,
    "E1.availability": a_number_nobody_brings,
    "S4.reconciled": a_comparison_that_counts_otherwise,
}
