"""A carrier's invoice comes in through the API or the command line, is audited once, and can be disputed."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json

import pytest
from typer.testing import CliRunner

from orderloom import shipping
from orderloom.cli import application
from orderloom.insight import audit
from orderloom.insight.invariants.invoices import INVARIANTS
from orderloom.plumbing.settings import settings
from orderloom.shipping.model import Bought
from tests.store.shipping.conftest import asked, put_contracts
from tests.unit.shipping.terms import terms

HEAD = "tracking_number,service,ship_date,billed_weight,zone,residential,charge_freight,charge_residential,charge_fuel\n"


@pytest.fixture
async def billed(database):
    """A label bought and handed over for 800 g from New York to Chicago, and the row that bills it rightly."""
    async with database.transaction() as db:
        await put_contracts(db)
        put, request = await asked(db)
        calls = await shipping.prepare_labels(db, requests=[request])
        answers = [(call, Bought(call.reference, "T1", "p", 945, "USD")) for call in calls]
        await shipping.record_labels(db, subjects=[request.subject], answers=answers)
        await db.execute("UPDATE shipping.labels SET status = 'used' WHERE order_id = $1", put.order)
    # 0.88 lb in zone 3: 9.00 less a quarter is under the minimum of 7.00; homes 4.50; fuel 20 %.
    return "T1,ground,2026-01-06,1,3,yes,7.00,4.50,2.30\n"


def body(*rows, number="A1", carrier="acme"):
    return {"carrier": carrier, "number": number, "csv": HEAD + "".join(rows)}


async def test_what_was_spent_is_told_with_what_it_earns(api, database, carrier):
    tiers = [{"spend": 100, "permille": 22.5}, {"spend": 200, "permille": 30}]
    agreed = terms(earned=[{"days": 7, "tiers": tiers}])
    await api.ok("PUT", "/v1/carriers/acme", {"name": "Acme", "adapter": "simulated", "terms": agreed})
    async with database.transaction() as db:
        await db.execute(
            "INSERT INTO shipping.weekly_spend VALUES ('acme', 'USD', '2026-01-05', 150, '2026-01-13')"
        )
    told = await api.ok("GET", "/v1/carriers/acme/earnings?at=2026-01-14T00:00:00Z")
    assert told["tiers"] == [
        {
            "code": "earned",
            "services": [],
            "since": "2026-01-05",
            "until": "2026-01-12",
            "spent": 150,
            "permille": 22.5,
            "next_spend": 200,
            "next_permille": 30,
        }
    ]
    assert told["weeks"] == [{"week": "2026-01-05", "amount": 150, "holds_from": "2026-01-13"}]
    earlier = await api.ok("GET", "/v1/carriers/acme/earnings?at=2026-01-12T00:00:00Z")
    assert (earlier["tiers"][0]["permille"], earlier["weeks"]) == (0, [])
    assert (await api.get("/v1/carriers/nobody/earnings")).status_code == 404
    said = await carrier("earnings", "acme", "--at", "2026-01-14", "--json")
    assert json.loads(said.stdout) == told
    assert (
        "22.5 permille off, 30 from 200" in (await carrier("earnings", "acme", "--at", "2026-01-14")).stderr
    )


async def test_an_invoice_is_audited_once(api, billed):
    found = await api.ok(
        "POST", "/v1/carrier-invoices", body(billed, "T9,ground,2026-01-06,1,3,,5.00,,\n", "x\n")
    )
    assert found["invoice"]["billed"] == 1380 + 500
    assert found["invoice"]["disputed"] == 500
    assert found["invoice"]["summary"]["causes"] == {"unknown_tracking": {"lines": 1, "amount": 500}}
    assert [row["line"] for row in found["bad_rows"]] == [4]
    again = await api.post("/v1/carrier-invoices", body(billed))
    assert (again.status_code, again.json()["code"]) == (409, "already_audited")
    listed = await api.ok("GET", "/v1/carrier-invoices?limit=1")
    assert [one["number"] for one in listed["data"]] == ["A1"]
    lines = await api.ok("GET", "/v1/carriers/acme/invoices/A1/lines?limit=1")
    assert (lines["data"][0]["expected"], lines["data"][0]["causes"]) == (1380, [])
    rest = await api.ok("GET", f"/v1/carriers/acme/invoices/A1/lines?after={lines['after']}")
    assert [one["tracking_number"] for one in rest["data"]] == ["T9"]
    file = await api.get("/v1/carriers/acme/invoices/A1/disputes.csv")
    [dispute] = csv.DictReader(io.StringIO(file.text))
    assert (dispute["tracking_number"], dispute["disputed"], dispute["causes"]) == (
        "T9",
        "500",
        "unknown_tracking",
    )


async def test_what_an_earlier_invoice_billed_is_a_duplicate(api, billed):
    await api.ok("POST", "/v1/carrier-invoices", body(billed))
    found = await api.ok("POST", "/v1/carrier-invoices", body(billed, number="A2"))
    assert found["invoice"]["summary"]["causes"] == {"duplicate": {"lines": 1, "amount": 1380}}
    assert await unsound(api) == []


async def unsound(api):
    """What the audit finds wrong with what was kept of invoices."""
    async with api.database.transaction() as db:
        return [finding.json() for finding in await audit.run(db, invariants=INVARIANTS) if finding.count]


async def test_a_dry_run_keeps_nothing(api, billed):
    found = await api.ok("POST", "/v1/carrier-invoices?dry_run=true", body(billed))
    assert found["invoice"]["disputed"] == 0
    assert (await api.ok("GET", "/v1/carrier-invoices"))["data"] == []


async def test_no_invoice_and_no_carrier(api, billed):
    assert (await api.post("/v1/carrier-invoices", {**body(), "csv": "a,b\n1,2\n"})).status_code == 422
    assert (await api.post("/v1/carrier-invoices", body(billed, carrier="nobody"))).status_code == 404


@pytest.fixture
def carrier(database_url, monkeypatch, tmp_path):
    """Runs a command: `await carrier("audit-invoice", …)`."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("ORDERLOOM_DATA_DIR", str(tmp_path))
    settings.cache_clear()

    async def run(*words, ends=0):
        done = await asyncio.to_thread(
            CliRunner().invoke, application(), ["carrier", *words], env={"COLUMNS": "200"}
        )
        assert done.exit_code == ends, done.output
        return done

    yield run
    monkeypatch.undo()
    settings.cache_clear()


async def test_the_command_line_audits(carrier, billed, tmp_path):
    file, disputes = tmp_path / "B7.csv", tmp_path / "disputes.csv"
    file.write_text(HEAD + billed + billed.replace("T1", "T2"))
    words = ("audit-invoice", str(file), "--carrier", "acme")
    tried = await carrier(*words, "--dry-run", "--json", ends=1)
    found = json.loads(tried.stdout.strip().splitlines()[-1])
    assert (found["number"], found["summary"]["disputed"]) == ("B7", 1380)
    await carrier(*words, "--disputes", str(disputes), ends=1)
    assert "T2" in disputes.read_text()
    await carrier(*words, ends=2)
    await carrier("audit-invoice", str(file), "--carrier", "nobody", ends=2)
    file.write_text("nothing\n")
    await carrier(*words, "--number", "B8", ends=2)


async def test_published_tables_become_a_contract(carrier, database, tmp_path):
    (tmp_path / "usps_retail_2025-10-05.csv").write_text(
        "service,weight_not_over,zone,usd\nground,15_999_oz,1,7.2\nground,2,1,8\nground,heavy,1,8\n"
    )
    (tmp_path / "usps_zip3_zones_2019.csv").write_text(
        "origin_zip,dest_zip,zone,has_five_digit_exceptions\n100,100,1,1\n100,606,12,0\n"
    )
    tried = await carrier("import-usps", str(tmp_path), "--dry-run", "--json")
    found = json.loads(tried.stdout.strip().splitlines()[-1])
    assert (found["prices"], found["pairs"], found["bad_rows"], found["kept_for"]) == (2, 1, 2, [])
    await carrier("import-usps", str(tmp_path))
    async with database.transaction() as db:
        terms = await db.fetchval("SELECT terms FROM shipping.contracts WHERE carrier = 'usps'")
    assert terms["zones"]["pairs"] == {"100": "100=1*"}
    await carrier("import-usps", str(tmp_path / ".."), ends=2)


async def test_prices_of_a_file_become_a_version_of_the_contract_once_every_row_is_right(
    carrier, database, tmp_path
):
    async with database.transaction() as db:
        await put_contracts(db)
    file = tmp_path / "rates.csv"
    head = "service,weight_not_over,zone,amount\n"
    words = ("import-rates", str(file), "--carrier", "acme", "--valid-from", "2026-02-01")
    file.write_text(head + "ground,1,3,7.35\nground,2,3,eight\n")
    refused = await carrier(*words, "--json", ends=2)
    said = json.loads(refused.stdout.strip().splitlines()[-1])
    assert ([row["line"] for row in said["bad_rows"]], said["version"]) == ([3], None)
    file.write_text(head + "ground,1,3,7.35\nground,2,3,8\n")
    await carrier(*words, "--dry-run")
    made = await carrier(*words, "--json")
    assert json.loads(made.stdout.strip().splitlines()[-1])["version"] == 2
    async with database.transaction() as db:
        kept = await db.fetch(
            "SELECT version, terms FROM shipping.contracts WHERE carrier = 'acme' ORDER BY version"
        )
    [card] = [card for card in kept[-1]["terms"]["rates"] if card["service"] == "ground"]
    assert ([row["version"] for row in kept], card["amounts"]) == ([1, 2], {"3": [735, 800]})
    await carrier("import-rates", str(file), "--carrier", "nobody", "--valid-from", "2026-02-01", ends=2)


@pytest.mark.parametrize(
    "row",
    [
        "T\x00,ground,2026-01-06,1,3,yes,7.00,,\n",
        '"T1,ground,2026-01-06\n',
        "T\u2028,ground,2026-01-06,1,3,yes,7.00,,\n",
        "T1,ground,9999-12-31,1,3,yes,7.00,,\n",
        "T1,ground,2026-01-06,1,999,yes,999999999999,,\n",
        "T1,sled,2026-01-06,9999,3,yes,-7.00,,\n",
        f"T1,ground,2026-01-06,1,3,yes,{'9' * 99},,\n",
    ],
)
async def test_no_row_breaks_the_audit(api, billed, row):
    await api.ok("POST", "/v1/carrier-invoices", body(row, billed))
    await api.ok("GET", "/v1/carriers/acme/invoices/A1/lines")
    assert await unsound(api) == []


async def test_a_cursor_that_is_none_of_ours_is_refused_or_leads_nowhere(api, billed):
    await api.ok("POST", "/v1/carrier-invoices", body(billed))
    far = base64.urlsafe_b64encode(b"[99999999999999999999]").decode().rstrip("=")
    for path in ("/v1/carriers/acme/invoices/A1/lines", "/v1/carrier-invoices"):
        answer = await api.get(f"{path}?after={far}")
        assert answer.status_code in (200, 400, 422), answer.text
