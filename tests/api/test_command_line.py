"""Keys, users and migrations from the command line."""

import asyncio
import json
import re
from functools import partial
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from orderloom import network
from orderloom.api.capturing import EXAMPLE
from orderloom.cli import application
from orderloom.network import Node
from orderloom.plumbing.settings import settings
from orderloom.terms import Address
from tests.api.shop import order

PASSWORD = "correct horse battery"


@pytest.fixture
def orderloom(database_url, monkeypatch, tmp_path):
    """Runs a command on a database of the test's own: `orderloom("user", "list")`."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("ORDERLOOM_DATA_DIR", str(tmp_path))
    settings.cache_clear()

    def run(*words: str, ends: int = 0, **env: str) -> str:
        done = CliRunner().invoke(application(), list(words), env={"COLUMNS": "200", **env})
        assert done.exit_code == ends, done.output
        return done.output

    yield run
    settings.cache_clear()


def test_a_key_is_made_shown_once_rotated_and_revoked(orderloom):
    made = orderloom("apikey", "create", "erp", "--scope", "orders:read")
    text, key_id = re.search(r"ol_test_\S+", made).group(), re.search(r"key_[0-9a-f]{32}", made).group()
    listed = orderloom("apikey", "list")
    assert key_id in listed
    assert text not in listed
    again = orderloom("apikey", "rotate", key_id, "--hours", "1")
    assert re.search(r"ol_test_\S+", again).group() != text
    assert "Revoked" in orderloom("apikey", "revoke", key_id)
    assert "revoked" in orderloom("apikey", "list")
    assert "orders:fly" in orderloom("apikey", "create", "erp", "--scope", "orders:fly", ends=2)
    orderloom("apikey", "create", "erp", "--scope", "orders:read", "--node", "NOWHERE", ends=2)
    orderloom("apikey", "revoke", "ord_1", ends=2)


def test_a_user_is_made_and_kept_out(orderloom):
    env = {"ORDERLOOM_USER_PASSWORD": PASSWORD}
    assert "owner" in orderloom("user", "create", "ada@example.com", "--role", "owner", **env)
    orderloom("user", "create", "ada@example.com", "--role", "owner", ends=2, **env)
    orderloom("user", "create", "bob@example.com", "--role", "emperor", ends=2, **env)
    orderloom("user", "create", "bob@example.com", "--role", "owner", ends=2, ORDERLOOM_USER_PASSWORD="short")
    orderloom("user", "password", "ada@example.com", **env)
    orderloom("user", "disable", "ada@example.com")
    assert re.search(r"ada@example.com .*no\b", orderloom("user", "list"))
    orderloom("user", "enable", "ada@example.com")
    orderloom("user", "enable", "nobody@example.com", ends=2)


def test_the_database_is_looked_at(orderloom):
    assert "is at" in orderloom("migrate", "--check")
    assert "is at" in orderloom("migrate")
    said = orderloom("doctor")
    assert "PostgreSQL 18" in said
    assert not re.search(r"^ill", said, re.MULTILINE)
    assert "nothing is due" in orderloom("run", "--until-idle")


def test_a_database_made_by_another_version_is_told_of_alike_by_all(orderloom, database_url):
    async def made_before():
        connection = await asyncpg.connect(database_url)
        await connection.execute("DROP TABLE plumbing.migrations")
        await connection.close()

    asyncio.run(made_before())
    for words in (["migrate"], ["migrate", "--check"], ["serve", "--demo"], ["worker"], ["demo"], ["audit"]):
        said = orderloom(*words, ends=3)
        assert "To begin anew: create an empty database and name it by DATABASE_URL." in said
        assert "Traceback" not in said
    assert "To begin anew" in orderloom("doctor", ends=1)


def test_the_demos_secret_is_refused_outside_the_demo(orderloom):
    assert "ORDERLOOM_SECRET_KEY" in orderloom("serve", ends=1)


def test_a_file_of_orders_becomes_a_job(orderloom, tmp_path):
    file = tmp_path / "orders.ndjson"
    file.write_text("{\n\n" + json.dumps(EXAMPLE) + "\n")
    said = orderloom("import", "orders", str(file), "--no-wait", ends=1)
    assert "row 1: 422 invalid" in said
    assert "running: 2 rows, 0 created, 0 duplicates, 1 failed" in said
    orderloom("run", "--until-idle")
    told = json.loads(
        orderloom("import", "orders", str(file), "--no-wait", "--json", ends=1).splitlines()[-1]
    )
    assert (told["name"], told["state"], told["failed"]) == ("orders.ndjson", "running", 1)


async def test_a_node_is_closed_for_a_while(orderloom, database):
    async with database.transaction() as db:
        await network.put_nodes(
            db, nodes=[Node(code="EAST", name="East", type="store", address=Address(), time_zone="UTC")]
        )
    run = partial(asyncio.to_thread, orderloom, "node")
    assert "EAST is closed until 2099-01-02 00:00 UTC" in await run(
        "close", "EAST", "--reason", "flood", "--until", "2099-01-02"
    )
    assert "closed: flood" in await run("list")
    await run("close", "EAST", "--reason", "flood", "--until", "2020-01-02", ends=2)
    await run("close", "NOWHERE", "--reason", "flood", ends=2)
    assert "EAST is open" in await run("reopen", "EAST")
    assert "not closed" in await run("reopen", "EAST", ends=1)


def test_orders_are_planned_anew_together(orderloom):
    assert "0 orders: 0 before, 0 now" in orderloom("routing", "reoptimise")
    told = json.loads(orderloom("routing", "reoptimise", "--apply", "--json"))
    assert (told["orders"], told["changes"], told["prices"]) == (0, [], [])
    assert "not held" in orderloom("routing", "release", f"ord_{uuid4().hex}", ends=1)


async def test_an_orders_lines_are_edited_after_a_look_at_what_it_comes_to(orderloom, shop):
    placed = await shop.ok("POST", "/v1/orders", order({"MUG": 2}))
    run = partial(asyncio.to_thread, orderloom, "order", "edit", placed["number"], "--reason", "asked for")
    dry = await run("--line", "MUG=3", "--add", "LAMP=1", "--dry-run")
    assert "would come to 4000 instead of 2000" in dry
    assert "+1 LAMP kept at" in dry
    assert "comes to 4000 instead of 2000" in await run("--line", "MUG=3", "--add", "LAMP=1")
    assert "nothing would be left" in await run("--line", "MUG=0", "--line", "LAMP=0", ends=1)
    assert "RUG is on 0 lines" in await run("--line", "RUG=1", ends=1)
    await run("--line", "MUG", ends=2)
    shown = await shop.ok("GET", f"/v1/orders/{placed['id']}")
    assert {line["sku"]: line["quantity"] for line in shown["lines"]} == {"MUG": 3, "LAMP": 1}
    said = await run(
        *("--price", "LAMP=1500", "--discount", "MUG=100", "--shipping", "250", "--adjustment", "-50"),
        *("--to", "line1=9 High St", "--to", "line2=Flat 2", "--promise", "2099-03-09T12:00:00"),
        *("--tender", "card=tok_approve", "--instead"),
    )
    assert f"comes to {2900 + 1500 + 250 - 50} instead of 4000" in said
    assert "4600 more to be authorised" in said
    assert "Promised for 2099-03-09" in said
    assert "goes back to be routed" in said
    await run("--to", "planet=Mars", ends=2)
    await run("--node", "MUG", ends=2)
    await run("--instead", ends=2)
    assert "no node 'MOON'" in await run("--node", "MUG=MOON", ends=1)
    shown = await shop.ok("GET", f"/v1/orders/{placed['id']}")
    assert (shown["ship_to"]["line1"], shown["ship_to"]["line2"]) == ("9 High St", "Flat 2")
    assert shown["promise_at"] == "2099-03-09T12:00:00Z"
