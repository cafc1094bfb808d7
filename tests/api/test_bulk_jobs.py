"""Orders sent as a file: kept row by row, taken by a worker, told row by row; killed at any moment it goes on."""

import json
from datetime import UTC, datetime, timedelta

from orderloom.journey import importing, placing
from orderloom.journey.importing import JOB
from orderloom.orders import bulk
from orderloom.orders.capture import Raced
from orderloom.plumbing.database import LockTimeout
from orderloom.plumbing.runner import Runner
from orderloom.terms import unwire
from tests.api.client import Client
from tests.api.shop import order

NDJSON = {"Content-Type": "application/x-ndjson"}
URL = "/v1/bulk-jobs"


async def sent(api: Client, rows, *, query: str = "", status: int = 202) -> dict:
    body = rows if isinstance(rows, bytes) else b"\n".join(json.dumps(row).encode() for row in rows)
    answer = await api.post(URL + query, content=body, headers=NDJSON)
    assert answer.status_code == status, answer.text
    return answer.json()


async def taken(api: Client, job: dict) -> dict:
    """The job once a worker has done all of it."""
    await Runner(api.database, [JOB]).run_until_idle()
    return await api.ok("GET", f"{URL}/{job['id']}")


async def rows_of(api: Client, job: dict, query: str = "") -> list[dict]:
    return (await api.ok("GET", f"{URL}/{job['id']}/rows{query}"))["data"]


async def reserved(api: Client) -> int:
    levels = await api.ok("GET", "/v1/inventory/levels")
    return sum(level["reserved"] for level in levels["data"])


def figures(job: dict) -> tuple:
    return tuple(job[name] for name in ("state", "rows", "created", "duplicates", "failed"))


async def test_a_file_is_kept_and_then_taken_row_by_row(shop):
    rows = [order(), order({"NONE": 1}), order({"MUG": 2}), order({"MUG": 99})]
    body = b"{\n\n" + b"\n".join(json.dumps(row).encode() for row in rows)
    job = await sent(shop, body, query="?name=monday.ndjson")
    assert figures(job) == ("running", 5, 0, 0, 1)
    assert await reserved(shop) == 0

    done = await taken(shop, job)
    assert figures(done) == ("done", 5, 2, 0, 3)
    assert (done["name"], done["supported_actions"]) == ("monday.ndjson", [])
    told = await rows_of(shop, job)
    assert [(r["row"], r["status"]) for r in told] == [(1, 422), (3, 201), (4, 422), (5, 201), (6, 409)]
    assert [r["external_id"] for r in told[1:]] == [r["external_id"] for r in rows]
    assert told[2]["errors"][0]["path"] == "/lines/0/sku"
    assert [r["row"] for r in await rows_of(shop, job, "?failed=true")] == [1, 4, 6]
    found = await shop.ok("GET", f"/v1/orders/{told[1]['id']}")
    assert found["number"] == told[1]["number"]
    assert await reserved(shop) == 3
    async with shop.database.transaction() as db:
        assert not await db.fetchval("SELECT count(draft) FROM orders.bulk_rows"), (
            "what was said is forgotten"
        )

    again = await taken(shop, await sent(shop, rows, query="?on_error=ignore_failed"))
    assert figures(again) == ("done", 4, 0, 2, 2)
    assert await reserved(shop) == 3
    file = await shop.get(f"{URL}/{again['id']}/results.jsonl")
    assert [json.loads(line)["status"] for line in file.content.splitlines()] == [200, 200]
    assert figures(await taken(shop, await sent(shop, b"\n\n"))) == ("done", 0, 0, 0, 0)


CSV = """\
channel,external_id,placed_at,currency,buyer.name,ship_to.line1,ship_to.city,ship_to.postcode,ship_to.region,sku,quantity,unit_price,tender.method,tender.token,tender.amount
web,C-1,2026-03-02T15:04:05Z,USD,"Ada ""the"" Buyer","500 W 2nd St
Apt 3",Austin,78701,TX,MUG,2,1250,card,tok_ok,3400
web,C-1,,,,,,,,LAMP,1,900,,,3400

web,C-2,2026-03-02T15:04:05Z,USD,Bob,1 Main St,Austin,78701,TX,MUG,two,1250,,,
web,C-3,2026-03-02T15:04:05Z,USD,Bob,1 Main St,Austin,78701,TX,MUG,1,1250,,,
web,C-3,,EUR,,,,,,MUG,1,1250,,,
web,C-4,2026-03-02T15:04:05Z,USD,Bob,1 Main St,Austin,78701,TX,MUG,1,1250,,,,one too many
"""


async def test_a_file_may_be_csv_a_row_a_line_of_an_order(shop):
    async def csv(body: str, status: int = 202) -> dict:
        kind = {"Content-Type": "text/csv; charset=utf-8"}
        answer = await shop.post(URL, content=body.encode(), headers=kind)
        assert answer.status_code == status, answer.text
        return answer.json()

    job = await csv("\ufeff" + CSV)
    done = await taken(shop, job)
    assert figures(done) == ("done", 4, 1, 0, 3)
    told = await rows_of(shop, job)
    assert [(row["row"], row["status"]) for row in told] == [(2, 201), (6, 422), (7, 422), (9, 422)]
    assert [row["errors"][0]["code"] for row in told[1:]] == ["int_type", "differs", "wrong_cells"]
    assert [row["errors"][0]["path"] for row in told[1:]] == ["/lines/0/quantity", "/currency", ""]
    found = await shop.ok("GET", f"/v1/orders/{told[0]['id']}")
    assert [(line["sku"], line["quantity"]) for line in found["lines"]] == [("MUG", 2), ("LAMP", 1)]
    assert found["ship_to"]["line1"] == "500 W 2nd St\nApt 3"

    again = await csv(CSV.replace(",", ";").replace("C-1", "C-9"))
    assert figures(await taken(shop, again))[:3] == ("done", 4, 1)
    wrong = await csv("channel,external_id,colour\nweb,C-1,red\n", status=422)
    assert [(fault["path"], fault["code"]) for fault in wrong["errors"]] == [
        ("/colour", "unknown_column"),
        ("/sku", "missing_column"),
        ("/quantity", "missing_column"),
    ]


async def test_a_file_sent_again_with_its_key_is_the_same_job(shop):
    rows = [order()]
    body = json.dumps(rows[0]).encode()
    keyed = NDJSON | {"Idempotency-Key": "monday"}
    first = await shop.post(URL, content=body, headers=keyed)
    job = first.json()
    await taken(shop, job)
    again = await shop.post(URL, content=body, headers=keyed)
    assert (again.status_code, again.json()["id"]) == (202, job["id"])
    assert (again.headers["Idempotent-Replayed"], again.json()["state"]) == ("true", "done")
    for other in (
        await shop.post(URL, content=body + b"\n" + body, headers=keyed),
        await shop.post(f"{URL}?dry_run=true", content=body, headers=keyed),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await shop.ok("GET", URL))["data"]) == 1

    async with shop.database.transaction() as db:
        key = unwire("job", job["id"])
        await db.execute(
            "UPDATE orders.bulk_jobs SET state = 'receiving', ended_at = NULL, request_digest = NULL WHERE id = $1",
            key,
        )
    anew = await shop.post(URL, content=body, headers=keyed)
    assert anew.json()["id"] != job["id"], "what came in halfway is given up for what comes now"
    assert (await shop.ok("GET", f"{URL}/{job['id']}"))["state"] == "cancelled"


async def test_a_file_may_be_kept_whole_or_judged_alone(shop, monkeypatch):
    bad = [order(), order({"LAMP": 99})]
    job = await sent(shop, bad, query="?on_error=reject_all")
    assert figures(await taken(shop, job)) == ("done", 2, 0, 0, 2)
    assert [r["code"] for r in await rows_of(shop, job)] == ["not_kept", "insufficient_stock"]
    mixed = b"\n".join([b"{", *(json.dumps(one).encode() for one in bad)])
    job = await sent(shop, mixed, query="?on_error=reject_all")
    assert figures(await taken(shop, job)) == ("done", 3, 0, 0, 3)
    codes = [r["code"] for r in await rows_of(shop, job)]
    assert codes == ["invalid", "not_kept", "insufficient_stock"], "all that is wrong is told at once"
    dry = await sent(shop, bad, query="?dry_run=true")
    assert figures(await taken(shop, dry)) == ("done", 2, 1, 0, 1)
    assert [(r["status"], r["id"]) for r in await rows_of(shop, dry)] == [(201, None), (409, None)]
    assert await reserved(shop) == 0

    monkeypatch.setattr("orderloom.api.bulk_jobs.ALL_MOST", 1)
    problem = await sent(shop, bad, query="?on_error=reject_all", status=413)
    assert problem["code"] == "too_large"
    assert (await shop.ok("GET", URL))["data"][0]["state"] == "cancelled"


async def test_a_job_is_cancelled_between_two_sets(shop, monkeypatch):
    monkeypatch.setattr(importing, "TOGETHER", 2)
    job = await sent(shop, [order() for _ in range(5)])
    async with shop.database.transaction() as db:
        await importing.take(db, [unwire("job", job["id"])], datetime.now(UTC))
    ended = await shop.ok("POST", f"{URL}/{job['id']}/cancel", {"reason": "the wrong file"})
    assert figures(ended) == ("cancelled", 5, 2, 0, 3)
    assert figures(await taken(shop, job)) == figures(ended)
    assert [r["code"] for r in await rows_of(shop, job, "?failed=true")] == ["cancelled"] * 3
    again = await shop.post(f"{URL}/{job['id']}/cancel", {"reason": "again"})
    assert (again.status_code, again.json()["code"]) == (409, "ended")
    for _ in range(bulk.RUNNING_MOST):
        await sent(shop, [order()])
    problem = await sent(shop, [order()], status=409)
    assert problem["code"] == "too_many_jobs"


async def test_a_job_waits_for_others_and_gives_up_a_row_that_breaks_it_and_no_other(shop, monkeypatch):
    place, failures = placing.place, [LockTimeout("somebody"), Raced()]

    async def poisoned(db, *, drafts, **rest):
        if failures:
            raise failures.pop()
        if any("poison" in draft.tags for draft in drafts):
            raise RuntimeError
        return await place(db, drafts=drafts, **rest)

    monkeypatch.setattr(placing, "place", poisoned)
    monkeypatch.setattr("orderloom.plumbing.runner.backoff", lambda _attempts: timedelta())
    monkeypatch.setattr(importing, "_BUSY", timedelta())
    monkeypatch.setattr(importing, "GIVEN_UP_AFTER", 2)
    monkeypatch.setattr(importing, "TOGETHER", 2)
    job = await sent(shop, [order(), order(tags=["poison"]), order()])
    assert figures(await taken(shop, job)) == ("done", 3, 2, 0, 1)
    assert [r.get("code") for r in await rows_of(shop, job)] == [None, "defect", None]


async def test_a_file_that_stopped_coming_in_is_cancelled_and_forgotten(database):
    async with database.transaction() as db:
        job = await bulk.open_(db, on_error="reject_failed")
        await bulk.add(db, job_id=job.id, rows=[bulk.NewRow(1, outcome="invalid")])
        later = datetime.now(UTC) + timedelta(days=1)
        await bulk.tidy_up(db, now=later)
        [found] = await bulk.jobs(db, ids=[job.id])
        assert (found.state, found.rows, found.failed) == ("cancelled", 1, 1)
        assert not await bulk.add(db, job_id=job.id, rows=[bulk.NewRow(2, outcome="invalid")])
        await bulk.tidy_up(db, now=later + timedelta(days=60))
        assert await bulk.jobs(db, ids=[job.id]) == []


async def test_another_limited_key_does_not_see_it(shop):
    job = await sent(shop, [order()])
    async with shop.database.transaction() as db:
        web = await db.fetchval("SELECT id FROM network.channels WHERE code = 'web'")
    limited = await shop.limited(channels=[web])
    assert (await limited.get(f"{URL}/{job['id']}")).status_code == 404
    mine = await sent(limited, [order(), order(channel="other")])
    assert [j["id"] for j in (await limited.ok("GET", URL))["data"]] == [mine["id"]]
    assert mine["failed"] == 1
    for query in ("?on_error=maybe", "?name=" + "x" * 201):
        await sent(shop, [order()], query=query, status=422)
