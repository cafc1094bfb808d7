"""`orderloom audit` and `orderloom apply` as commands."""

import asyncio
import json
import os
import sys

from tests.store.insight_audit import sound
from tests.store.insight_audit.plantings.stock import units_without_a_movement


async def orderloom(database_url, *arguments):
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "orderloom.cli",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": database_url, "COLUMNS": "200"},
    )
    out, err = await child.communicate()
    return child.returncode, out.decode(), err.decode()


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
