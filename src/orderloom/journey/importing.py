"""The way of a job: orders sent as a file are placed set by set, by the same function as every other order.

A set and what became of each of its rows are one transaction, so a killed worker leaves nothing half done, and the
next one goes on at the first row without an outcome. Sets are small enough to keep no checkout waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom.journey import placing
from orderloom.journey.parking import parked
from orderloom.orders import bulk
from orderloom.orders.bulk import ALL_MOST, Job, Waiting
from orderloom.orders.capture import Raced
from orderloom.orders.model import Placed, Refused
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db, LockTimeout, StatementTimeout
from orderloom.plumbing.events import Actor
from orderloom.plumbing.journeys import Journey, Later, Outcomes, Step

TOGETHER = 500
# A set that broke is tried again at a quarter of its size; a row that broke this often alone is given up.
GIVEN_UP_AFTER = 6
_BUSY = timedelta(seconds=1)


class _Unmade(Exception):
    """Takes the orders back: a dry run, or a row failed of those that are kept all or none."""

    def __init__(self, found: Sequence[Placed | Refused]) -> None:
        super().__init__()
        self.found = found


async def begin(db: Db, *, job_id: UUID, digest: bytes | None = None) -> bool:
    """All rows have come in: a worker may take them. False when the job was cancelled meanwhile."""
    if not await bulk.ready(db, job_id=job_id, digest=digest):
        return False
    await journeys.start(db, JOB, [job_id])
    return True


async def take(db: Db, ids: Sequence[UUID], now: datetime) -> Outcomes:
    """The next rows of each job, that are together one set."""
    tried = {s.subject_id: s.attempts for s in await journeys.look(db, ids) if s.journey == JOB.of}
    most = max(1, TOGETHER // len(ids))
    outcomes = {}
    for job in await bulk.jobs(db, ids=ids, lock=True):
        if job.state == "running" and (pause := await _take(db, job, most, tried[job.id])) is not None:
            outcomes[job.id] = Later(now + pause, "its next rows")
    return outcomes


async def _take(db: Db, job: Job, most: int, tried: int) -> timedelta | None:
    """Some rows get their outcome. When to come again; None: all rows have theirs."""
    whole = job.on_error == "reject_all"
    limit = ALL_MOST if whole else max(1, most >> 2 * tried)
    rows = await bulk.waiting(db, job_id=job.id, limit=limit)
    if tried >= GIVEN_UP_AFTER:
        await bulk.settle_as(db, job=job, rows=rows, outcome="defect")
    elif rows and not await _place(db, job, rows):
        return _BUSY
    if len(rows) == limit and not whole:
        return timedelta()
    await bulk.end(db, job=job)
    return None


async def _place(db: Db, job: Job, rows: Sequence[Waiting]) -> bool:
    """Place the rows' orders and note what became of each. False while others are at work on the same."""
    found: Sequence[Placed | Refused]
    try:
        async with db.transaction():
            found = await _placed(db, job, rows)
    except _Unmade as unmade:
        found = unmade.found
    except (Raced, LockTimeout, StatementTimeout):
        return False
    kept = list(zip(rows, found, strict=True))
    if _none(job, found):
        good = [row for row, one in kept if isinstance(one, Placed)]
        await bulk.settle_as(db, job=job, rows=good, outcome="not_kept")
        kept = [(row, one) for row, one in kept if isinstance(one, Refused)]
    await bulk.settle(db, job=job, rows=[row for row, _ in kept], found=[one for _, one in kept])
    return True


async def _placed(db: Db, job: Job, rows: Sequence[Waiting]) -> Sequence[Placed | Refused]:
    drafts = [row.draft for row in rows]
    found = await placing.place(db, drafts=drafts, actors=[Actor(job.created_by)] * len(rows))
    if job.dry_run or _none(job, found):
        raise _Unmade(found)
    return found


def _none(job: Job, found: Sequence[Placed | Refused]) -> bool:
    """Whether none is kept, since all were to be and one cannot: one of these, or a row that could not be read."""
    broken = job.failed > 0 or any(isinstance(one, Refused) for one in found)
    return job.on_error == "reject_all" and broken


JOB = Journey(
    of="job",
    parked=parked("job"),
    steps=(
        Step(
            name="take",
            do=take,
            no_undo="an order that was taken is its buyer's: it is cancelled one by one, with its reasons",
            means="The next rows of the file are placed, each with its outcome, until all have theirs.",
        ),
    ),
)
