"""Jobs: orders sent as a file. Its rows are stored as they come in, and a worker takes them from there.

A row keeps what it says until it has its outcome, which is stored in the transaction that placed its order: whoever
is killed leaves a row either undone or done, and the next one goes on at the first that has no outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom.orders.model import Fault, LineDraft, OrderDraft, Placed, Refused, TenderDraft
from orderloom.orders.store import bulk as store
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.plumbing.idempotency import take_turns
from orderloom.terms import Address, new_id

RUNNING_MOST = 5
# All or nothing is one transaction, which locks stock from its first row to its last.
ALL_MOST = 1_000
_KEPT_FOR = timedelta(days=30)
_COMES_IN_WITHIN = timedelta(hours=12)
_MOMENTS = ("placed_at", "promise_at", "decide_as_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file of orders and how far it is. `credential` None: sent from the command line."""

    id: UUID
    name: str
    state: str
    on_error: str
    dry_run: bool
    credential: UUID | None
    created_by: str
    rows: int
    created: int
    duplicates: int
    failed: int
    version: int
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    @property
    def settled(self) -> int:
        """How many rows have their outcome."""
        return self.created + self.duplicates + self.failed


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row as it came in: its order, or what is wrong with it."""

    number: int
    draft: OrderDraft | None = None
    outcome: str | None = None
    external_id: str | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that waits for its outcome."""

    number: int
    draft: OrderDraft


@dataclass(frozen=True, slots=True)
class TooManyJobs:
    """So many jobs of the credential have not ended: let one end, or cancel it."""

    under_way: int


@dataclass(frozen=True, slots=True)
class SentBefore:
    """The job that the same key had brought, and the digest of its file."""

    job: Job
    digest: bytes


# --- coming in ------------------------------------------------------------------------------------------------


async def open_(
    db: Db,
    *,
    on_error: str,
    name: str = "",
    dry_run: bool = False,
    credential: UUID | None = None,
    request_key: str | None = None,
) -> Job | SentBefore | TooManyJobs:
    """A job whose rows are to come in; the one that the same key has brought already, once that came in whole.

    Whoever sends a file again while it still comes in has given the first try up: the second takes its place.
    """
    await take_turns(db, f"jobs of {credential}")
    if request_key is not None and (row := await store.by_request(db, credential, request_key)):
        known = dict(row)
        digest = known.pop("request_digest")
        if (job := Job(**known)).state != "receiving":
            return SentBefore(job, digest)
        await cancel(db, job_id=job.id, reason="its file was sent anew")
    if (open_now := await store.under_way(db, credential)) >= RUNNING_MOST:
        return TooManyJobs(open_now)
    row = await store.insert(
        db,
        key=new_id(),
        name=name,
        on_error=on_error,
        dry_run=dry_run,
        credential=credential,
        by=acting.get().name,
        request_key=request_key,
    )
    return Job(**dict(row))


async def add(db: Db, *, job_id: UUID, rows: Sequence[NewRow]) -> bool:
    """Some of its rows, in the order of the file. False, and nothing is kept, when it was cancelled meanwhile."""
    if not any(job.state == "receiving" for job in await jobs(db, ids=[job_id], lock=True)):
        return False
    await store.insert_rows(
        db,
        [
            (
                job_id,
                row.number,
                row.draft.external_id if row.draft else row.external_id,
                packed(row.draft) if row.draft else None,
                row.outcome,
                _faults(row.faults),
            )
            for row in rows
        ],
    )
    return True


async def ready(db: Db, *, job_id: UUID, digest: bytes | None = None) -> bool:
    """All its rows are there, of a file with this digest. False when it was cancelled meanwhile."""
    return await store.ready(db, job_id, digest=digest)


def packed(draft: OrderDraft) -> dict[str, Any]:
    """A draft as JSON, for `unpacked`."""
    plain = draft.content()
    moments = {name: at.isoformat() for name in _MOMENTS if (at := plain[name]) is not None}
    cart = {"reservation_id": draft.reservation_id.hex} if draft.reservation_id else {}
    return plain | moments | cart


def unpacked(plain: Mapping[str, Any]) -> OrderDraft:
    """The draft again."""
    moments = {name: datetime.fromisoformat(plain[name]) for name in _MOMENTS if plain[name]}
    cart = plain.get("reservation_id")
    return OrderDraft(
        **{**plain, **moments}
        | {
            "ship_to": Address.of(plain["ship_to"]),
            "lines": tuple(LineDraft(**line) for line in plain["lines"]),
            "tenders": tuple(TenderDraft(**tender) for tender in plain["tenders"]),
            "tags": tuple(plain["tags"]),
            "flags": tuple(plain["flags"]),
            "reservation_id": UUID(cart) if cart else None,
        }
    )


def _faults(faults: Sequence[Fault]) -> list[dict[str, str]] | None:
    return [asdict(fault) for fault in faults] or None


# --- taken ----------------------------------------------------------------------------------------------------


async def jobs(db: Db, *, ids: Sequence[UUID], lock: bool = False) -> list[Job]:
    """These jobs, those that are there."""
    return [Job(**dict(row)) for row in await store.jobs(db, ids, lock=lock)]


async def waiting(db: Db, *, job_id: UUID, limit: int) -> list[Waiting]:
    """The first rows that have no outcome yet."""
    return [Waiting(row["row"], unpacked(row["draft"])) for row in await store.to_do(db, job_id, limit=limit)]


async def settle(db: Db, *, job: Job, rows: Sequence[Waiting], found: Sequence[Placed | Refused]) -> None:
    """What became of rows."""
    said = [_outcome(one) for one in found]
    await store.settle(
        db,
        job.id,
        rows=[row.number for row in rows],
        outcomes=said,
        # A dry run's new orders are gone again.
        orders=[
            one.order_id if isinstance(one, Placed) and (one.duplicate or not job.dry_run) else None
            for one in found
        ],
        faults=[_faults(one.faults) if isinstance(one, Refused) else None for one in found],
    )
    created, duplicates = said.count("created"), said.count("duplicate")
    await store.count(
        db, job.id, created=created, duplicates=duplicates, failed=len(said) - created - duplicates
    )


def _outcome(found: Placed | Refused) -> str:
    if isinstance(found, Refused):
        return "insufficient_stock" if found.short else "invalid"
    return "duplicate" if found.duplicate else "created"


async def settle_as(db: Db, *, job: Job, rows: Sequence[Waiting], outcome: str) -> None:
    """These rows were not placed, for a reason that is not theirs alone."""
    nothing = [None] * len(rows)
    await store.settle(
        db,
        job.id,
        rows=[row.number for row in rows],
        outcomes=[outcome] * len(rows),
        orders=nothing,
        faults=nothing,
    )
    await store.count(db, job.id, failed=len(rows))


# --- ended ----------------------------------------------------------------------------------------------------


async def end(db: Db, *, job: Job) -> None:
    """Every row has its outcome."""
    version = await store.count(db, job.id, end="done")
    await _tell(db, job, "done", version)


async def cancel(db: Db, *, job_id: UUID, reason: str) -> Job | None:
    """Take no further row; what was taken stays. Returns the job as it was; None when it is not there."""
    found = await jobs(db, ids=[job_id], lock=True)
    for job in found:
        if job.ended_at is None:
            if await store.ready(db, job_id):
                await store.forget_request(db, job_id)
            left = await store.settle_rest(db, job_id, "cancelled")
            version = await store.count(db, job_id, failed=left, end="cancelled")
            await _tell(db, job, "cancelled", version, reason=reason)
    return found[0] if found else None


async def tidy_up(db: Db, *, now: datetime) -> None:
    """A chore: cancel what stopped coming in, drop what ended long ago."""
    for key in await store.left_behind(db, before=now - _COMES_IN_WITHIN):
        await cancel(db, job_id=key, reason="its rows stopped coming in")
    await store.forget(db, before=now - _KEPT_FOR)


async def _tell(db: Db, job: Job, how: str, version: int, reason: str | None = None) -> None:
    news = News(f"job.{how}", "job", job.id, version=version, data={"name": job.name}, reason=reason)
    await events.append(db, [news])
