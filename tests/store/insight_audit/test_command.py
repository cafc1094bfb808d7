"""`orderloom audit` and `orderloom apply` as commands."""

import asyncio
import json

from typer.testing import CliRunner

from orderloom.cli import application
from orderloom.plumbing.settings import settings
from tests.store.insight_audit import sound
from tests.store.insight_audit.plantings.stock import units_without_a_movement


async def orderloom(database_url, *arguments):
    """Within this process, in a thread with a loop of its own: a process for each call costs seconds."""
    settings.cache_clear()
    done = await asyncio.to_thread(
        CliRunner().invoke,
        application(asked=arguments[0]),
        list(arguments),
        env={"DATABASE_URL": database_url, "COLUMNS": "200"},
    )
    settings.cache_clear()
    return done.exit_code, done.stdout, done.stderr


async def test_the_audit_ends_with_0_on_a_clean_house_and_1_on_a_violation(database, database_url):
    code, out, err = await orderloom(database_url, "audit")
    assert (code, err) == (0, "")
    assert "0 violated" in out
    async with database.transaction() as db:
        world = await sound.build(db)
        await units_without_a_movement(db, world)
    code, out, _ = await orderloom(database_url, "audit", "--json")
    told = json.loads(out)
    assert code == 1
    assert {f["key"] for f in told["findings"] if f["violations"]} == {"S1.ledger"}
    code, out, _ = await orderloom(database_url, "audit")
    assert code == 1
    assert "1 violated" in out
    assert '"sku": "MUG"' in out


async def test_apply_names_all_faults_then_shows_a_diff_then_changes_nothing_more(database_url, tmp_path):
    (tmp_path / "channels.yaml").write_text(
        "- {code: web, name: Web, type: shop, currency: USD, colour: red}"
    )
    code, out, _ = await orderloom(database_url, "apply", str(tmp_path))
    assert code == 2
    assert "channels.yaml row 1 /type" in out
    assert "channels.yaml row 1 /colour" in out
    (tmp_path / "channels.yaml").write_text("- {code: web, name: Web, type: site, currency: USD}")
    for arguments, told in (
        (["--dry-run"], "Would change: 1 channel."),
        ([], "Changed: 1 channel."),
        ([], "Changed: nothing."),
    ):
        code, out, _ = await orderloom(database_url, "apply", str(tmp_path), *arguments)
        assert (code, out.splitlines()[-1]) == (0, told)
    code, out, _ = await orderloom(database_url, "export", str(tmp_path / "out"))
    assert code == 0
    assert "code: web" in (tmp_path / "out/channels.yaml").read_text()


async def test_a_database_that_was_never_migrated_is_said_to_be(postgres, database_url):
    code, _, err = await orderloom(postgres.url("postgres"), "audit")
    assert code == 3
    assert "orderloom migrate" in err
