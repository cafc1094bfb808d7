"""Orders sent as a file: `POST /v1/bulk-jobs` keeps its rows, a worker takes them, and each row's outcome is read here.

Rows are read as `POST /v1/orders/bulk` reads them and placed by the same function; what differs is who waits, and that
a file may be CSV. A row is idempotent by its natural key, so a file sent again is a job of duplicates; sent again with
its Idempotency-Key it is the same job.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Query, Request
from pydantic import AwareDatetime, ConfigDict, Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from orderloom.api import bulk, orders_in_rows
from orderloom.api.asked import flag
from orderloom.api.bulk import BulkRow, OnError, channels_of, lines_of, on_error_of
from orderloom.api.capturing import BatchFault, OrderIn
from orderloom.api.door import Call, Here, Routes, Streams, key_reused
from orderloom.api.problems import Problem, not_found, refused, wrong
from orderloom.api.wire import In, JobId, Limit, Page, Reason, Versioned, cursor, page_of, place
from orderloom.journey import importing
from orderloom.orders import bulk as jobs
from orderloom.orders.bulk import ALL_MOST, Job, NewRow, SentBefore, TooManyJobs
from orderloom.orders.model import Fault
from orderloom.orders.store import bulk as store
from orderloom.plumbing.database import Database, Row
from orderloom.terms import wire

routes = Routes("orders")
# Rows stored at a time while a file comes in, and told at a time while outcomes go out.
TOGETHER = 1_000
JSONL = "application/jsonl"
_STATUS = {
    "created": 201, "duplicate": 200, "invalid": 422, "too_large": 413, "insufficient_stock": 409, "not_kept": 424,
    "cancelled": 424, "defect": 500,
}  # fmt: skip


class JobOut(Versioned):
    """A file of orders and how far it is. `rows` is final once the state is not `receiving`."""

    id: JobId
    name: str
    state: str = Field(description="`receiving`, `running`, `done`, `cancelled`. Open list")
    on_error: str
    dry_run: bool
    rows: int
    created: int
    duplicates: int
    failed: int
    created_by: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    ended_at: AwareDatetime | None
    supported_actions: list[str]

    @classmethod
    def of(cls, job: Job) -> Self:
        known = {n: getattr(job, n) for n in cls.model_fields if n != "supported_actions"}
        return cls(**known, supported_actions=[] if job.ended_at else ["cancel"])


class CancelJobIn(In):
    """Why no further row is to be taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the wrong file"}]})
    reason: Reason


@routes.post(
    "/bulk-jobs",
    scope="orders:write",
    lane="bulk",
    status=202,
    refuses=(409,),
    streams=Streams(
        takes=OrderIn, answers=(JobOut,), or_as=(orders_in_rows.MEDIA_TYPE,), answers_as="application/json"
    ),
)
async def create_bulk_job(
    request: Request,
    call: Here,
    on_error: Annotated[OnError | None, Query()] = None,
    dry_run: Annotated[bool, Query(description="Judge every row and store no order")] = False,  # noqa: FBT002 - a query
    name: Annotated[str, Query(max_length=200, description="To know the file by")] = "",
) -> Response:
    """Take a file of orders as NDJSON or CSV; a worker places them, and each row's outcome is kept for 30 days

    NDJSON has an order a line, CSV a row a line of an order. `on_error` as for `POST /v1/orders/bulk`. At most 5 jobs of
    an API key may be under way.
    """
    # Asked directly, it gets nothing parsed: the parameters stand above for the document.
    on_error, dry_run = on_error_of(request), flag(request, "dry_run")
    name = request.query_params.get("name", "")
    if len(name) > 200 or not name.isprintable():
        raise wrong("/name", "wrong_form", "at most 200 printable characters", place="query")
    seen = await channels_of(call)
    most = call.desk.settings.body_limit_bytes
    # The address belongs to the request: the same file with another policy is another request.
    digest = hashlib.sha256(call.keyed.body_hash if call.keyed else b"")
    lines = _noted(lines_of(request, most=most, whole=True), digest)
    async with call.desk.database.transaction() as db:
        job = await jobs.open_(
            db,
            on_error=on_error,
            name=name,
            dry_run=dry_run,
            credential=call.credential.id,
            request_key=call.keyed.key if call.keyed else None,
        )
    if isinstance(job, TooManyJobs):
        raise refused("too_many_jobs", f"{job.under_way} jobs are under way: wait for one, or cancel it")
    if isinstance(job, SentBefore):
        async for _ in lines:
            pass
        if job.digest != digest.digest():
            raise key_reused()
        return _accepted(job.job, {"Idempotent-Replayed": "true"})
    rows = orders_in_rows.orders_of(lines, most=most) if _is_csv(request) else lines
    try:
        await come_in(call.desk.database, job, rows, seen=seen, digest=digest)
    except (ClientDisconnect, Problem) as broken:
        async with call.desk.database.transaction() as db:
            await jobs.cancel(db, job_id=job.id, reason="the file did not come in whole")
        if isinstance(broken, Problem):
            raise
    async with call.desk.database.transaction(readonly=True) as db:
        [job] = await jobs.jobs(db, ids=[job.id])
    return _accepted(job, {})


def _accepted(job: Job, headers: Mapping[str, str]) -> Response:
    place = {"Location": f"/v1/bulk-jobs/{wire('job', job.id)}"}
    return Response(JobOut.of(job).model_dump_json(), 202, {**place, **headers}, "application/json")


def _is_csv(request: Request) -> bool:
    return (
        request.headers.get("content-type", "").partition(";")[0].strip().lower() == orders_in_rows.MEDIA_TYPE
    )


async def _noted(
    lines: AsyncIterator[tuple[int, bytes | None]], digest: hashlib._Hash
) -> AsyncIterator[tuple[int, bytes | None]]:
    """The lines, each added to the digest of their file."""
    async for number, line in lines:
        digest.update(b"%d:%b\n" % (number, line or b""))
        yield number, line


async def come_in(
    database: Database,
    job: Job,
    lines: AsyncIterator[tuple[int, bytes | BatchFault | None]],
    *,
    seen: frozenset[str] | None,
    digest: hashlib._Hash | None = None,
) -> None:
    """Store the rows as they come, and hand the job to a worker. Raises Problem, and what `lines` raises.

    `digest` is that of the file once `lines` has ended.
    """
    part: list[NewRow] = []
    total = 0
    async for number, line in lines:
        if isinstance(line, bytes) and not line.strip():
            continue
        part.append(_read(number, line, seen))
        total += 1
        if total > ALL_MOST and job.on_error == "reject_all":
            raise Problem(
                413, "too_large", f"all or nothing is for at most {ALL_MOST} rows: use another on_error"
            )
        if len(part) == TOGETHER:
            await _store(database, job, part)
            part = []
    await _store(database, job, part)
    async with database.transaction() as db:
        await importing.begin(db, job_id=job.id, digest=digest.digest() if digest else None)


async def _store(database: Database, job: Job, rows: Sequence[NewRow]) -> None:
    async with database.transaction() as db:
        if not await jobs.add(db, job_id=job.id, rows=rows):
            raise refused("cancelled", "the job was cancelled while its rows came in")


def _read(number: int, line: bytes | BatchFault | None, seen: frozenset[str] | None) -> NewRow:
    """A row as it is kept until a worker takes it."""
    if isinstance(line, BatchFault):
        return NewRow(number, outcome="invalid", faults=(Fault(line.path, line.code, line.message),))
    row = bulk.read(number, line, seen=seen)
    if row.answer is None:
        return NewRow(row.number, row.draft)
    return NewRow(
        row.number,
        outcome=row.answer.code,
        external_id=row.answer.external_id,
        faults=tuple(Fault(f.path, f.code, f.message) for f in row.answer.errors),
    )


@routes.get("/bulk-jobs", scope="orders:read")
async def list_bulk_jobs(
    call: Here,
    *,
    state: Literal["receiving", "running", "done", "cancelled"] | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[JobOut]:
    """Jobs, the latest first; a limited key sees its own"""
    begin = place(after, UUID)
    mine = call.credential.id if call.credential.limited else None
    rows = await store.page(
        call.db, credential=mine, state=state, before=begin[0] if begin else None, limit=limit + 1
    )
    return page_of([JobOut.of(Job(**dict(row))) for row in rows], limit, lambda job: cursor(job.id))


@routes.get("/bulk-jobs/{job_id}", scope="orders:read")
async def get_bulk_job(call: Here, job_id: JobId) -> JobOut:
    """How far a job is"""
    return JobOut.of(await _job(call, job_id))


@routes.get("/bulk-jobs/{job_id}/rows", scope="orders:read")
async def list_bulk_job_rows(
    call: Here, job_id: JobId, *, failed: bool = False, limit: Limit = 50, after: str | None = None
) -> Page[BulkRow]:
    """Rows that have their outcome, in the order of the file: all, or only those that failed"""
    await _job(call, job_id)
    begin = place(after, int)
    rows = await store.rows(call.db, job_id, failed=failed, after=begin[0] if begin else 0, limit=limit + 1)
    return page_of([told(row) for row in rows], limit, lambda row: cursor(row.row))


@routes.get("/bulk-jobs/{job_id}/results.jsonl", scope="orders:read", own=True, media_type=JSONL)
async def get_bulk_job_results(call: Here, job_id: JobId) -> Response:
    """Every row that has its outcome, one a line"""
    async with call.desk.database.transaction(readonly=True) as db:
        call.open_db = db
        await _job(call, job_id)
    return StreamingResponse(_results(call, job_id), media_type=JSONL)


async def _results(call: Call, job_id: UUID) -> AsyncIterator[bytes]:
    last = 0
    while True:
        # A transaction a part: none is open while the client reads.
        async with call.desk.database.transaction(readonly=True) as db:
            rows = await store.rows(db, job_id, failed=False, after=last, limit=TOGETHER)
        yield b"".join(told(row).model_dump_json(exclude_none=True).encode() + b"\n" for row in rows)
        if len(rows) < TOGETHER:
            return
        last = rows[-1]["row"]


def told(row: Row) -> BulkRow:
    """A row's outcome, as `POST /v1/orders/bulk` would have answered."""
    outcome = row["outcome"]
    return BulkRow(
        row=row["row"],
        status=_STATUS[outcome],
        id=row["order_id"],
        number=row["number"],
        external_id=row["external_id"],
        duplicate=outcome == "duplicate",
        code=outcome if _STATUS[outcome] >= 400 else None,
        errors=[BatchFault(**fault) for fault in row["faults"] or ()],
    )


@routes.post("/bulk-jobs/{job_id}/cancel", scope="orders:write", refuses=(404, 409))
async def cancel_bulk_job(call: Here, job_id: JobId, body: CancelJobIn) -> JobOut:
    """Take no further row; orders that were taken stay"""
    job = await _job(call, job_id)
    if job.ended_at is not None:
        raise refused("ended", f"the job is {job.state}: what it took is cancelled order by order")
    await jobs.cancel(call.db, job_id=job_id, reason=body.reason)
    return JobOut.of(await _job(call, job_id))


async def _job(call: Call, job_id: UUID) -> Job:
    """The job. Raises Problem 404 when it is not there, or another's and the key is limited."""
    found: Any = await jobs.jobs(call.db, ids=[job_id])
    if not found or (call.credential.limited and found[0].credential != call.credential.id):
        raise not_found("job")
    job: Job = found[0]
    return job
