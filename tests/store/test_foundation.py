"""The fixtures and the ground they stand on."""

import asyncio

import pytest

from orderloom.plumbing import schema, versions
from orderloom.plumbing.migrate import migrate


async def test_a_rolled_back_connection_sees_the_migrated_house(db):
    assert await db.fetchval("SELECT count(*) FROM plumbing.events") == 0


@pytest.mark.parametrize("turn", [1, 2])
async def test_what_a_test_writes_is_gone_for_the_next(db, turn):
    assert await db.fetchval("SELECT to_regclass('plumbing.left_behind')") is None, turn
    await db.execute("CREATE TABLE plumbing.left_behind ()")


async def test_a_database_of_its_own_commits(database):
    async with database.transaction() as db:
        await db.execute("CREATE TABLE plumbing.kept ()")
    async with database.transaction() as db:
        assert await db.fetchval("SELECT to_regclass('plumbing.kept')") is not None


async def test_the_schema_file_is_the_sum_of_the_migrations(postgres, database_url):
    name = database_url.partition("@/")[2].partition("?")[0]
    assert schema.dump(postgres, name) == schema.FILE.read_text(), "run `make schema`"


async def test_migrating_twice_and_at_once_changes_nothing(database_url):
    await asyncio.gather(*(migrate(database_url) for _ in range(3)))
    assert await versions.lacking(database_url) == []


async def test_a_database_made_by_other_migrations_is_neither_used_nor_migrated(database, database_url):
    async with database.transaction() as db:
        kept = await db.fetch("SELECT version, fingerprint FROM plumbing.migrations")
    assert dict(kept) == versions.scripts()
    for change, says in (
        ("UPDATE plumbing.migrations SET fingerprint = 'another'", "another migration 0001"),
        ("UPDATE plumbing.migrations SET version = '9999'", "migration 9999"),
        ("DROP TABLE plumbing.migrations", "before"),
    ):
        async with database.transaction() as db:
            await db.execute(change)
        for look in (versions.lacking, migrate):
            with pytest.raises(versions.MadeOtherwise, match=says):
                await look(database_url)


def test_words_and_lay_out_of_a_migration_may_change():
    plain = versions.fingerprint("CREATE TABLE a (\n  id int\n);")
    assert versions.fingerprint("-- why\nCREATE TABLE a ( id int -- which\n);\n") == plain
    assert versions.fingerprint("CREATE TABLE a ( id bigint );") != plain


async def test_the_applications_role_sees_which_migrations_there_are(database_url):
    assert await versions.lacking(database_url.replace("orderloom@", "orderloom_app@")) == []


async def test_the_applications_role_writes_rows_but_changes_no_structure(db):
    await db.execute("SET LOCAL ROLE orderloom_app")
    assert await db.fetchval("SELECT count(*) FROM plumbing.events") == 0
    with pytest.raises(Exception, match="permission denied"):
        await db.execute("CREATE TABLE plumbing.mine ()")
