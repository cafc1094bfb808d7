"""Parcels on their way: what carriers tell of them, the promise they are to keep, and the proof that they came.

Owns parcels, tracking events and proofs. Promises that an event counts once, that a parcel's state depends on the
set of its events and not on their order of arrival, and that delivered is final but for an explicit correction.
Never buys a label, moves a slice or tells a buyer: it answers what changed, and the journey does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.delivery import news, store
from orderloom.delivery.codes import read
from orderloom.delivery.model import (
    Aside,
    LateParcel,
    Parcel,
    ParcelChange,
    ParcelState,
    Progress,
    Scan,
    Status,
    Taken,
    TrackingEvent,
)
from orderloom.delivery.status import status
from orderloom.plumbing import events as log
from orderloom.plumbing.database import Db, Row

__all__ = ["follow", "hold_still", "late", "progress", "re_promise", "take_events", "unfollow"]


async def follow(db: Db, *, parcels: Sequence[Parcel]) -> Taken:
    """Follow these parcels from now on. What carriers told of them before we knew them counts at once."""
    keys = [(p.carrier, p.tracking_number) for p in parcels]
    await store.lock_numbers(db, keys)
    await store.add_parcels(db, parcels)
    return await _fold(db, keys, new={})


async def unfollow(db: Db, *, parcels: Sequence[tuple[str, str]]) -> None:
    """Forget parcels (carrier, number) whose labels were voided; one that a carrier has scanned stays."""
    await store.drop_parcels(db, parcels)


async def take_events(db: Db, *, events: Sequence[TrackingEvent]) -> Taken:
    """Take what carriers tell, hundreds at a time; each (carrier, number, code, time) counts once."""
    keys = sorted({event.parcel for event in events})
    followed = await store.known(db, keys)
    if strangers := [key for key in keys if key not in followed]:
        await store.lock_numbers(db, strangers)
        followed |= await store.known(db, strangers)
    meanings = [read(dialect=event.dialect, code=event.code) for event in events]
    fresh = await store.add_events(db, events, [meaning.value for meaning in meanings])
    await store.add_proofs(db, [(e.parcel, e.proof) for e in events if e.proof is not None])
    told = [(event, meanings[i]) for i, event in enumerate(events) if i in fresh]
    new: dict[store.Key, list[tuple[datetime, str]]] = {}
    for event, meaning in told:
        new.setdefault(event.parcel, []).append((event.occurred_at, meaning.value))
    taken = await _fold(db, sorted(new.keys() & followed), new=new)
    return Taken(
        changes=taken.changes,
        progress=taken.progress,
        repeated=len(events) - len(told),
        unknown=tuple(event for event, _ in told if event.parcel not in followed),
        unread=tuple(event for event, meaning in told if meaning is Aside.UNREAD),
        faults=tuple(event for event, meaning in told if meaning is Aside.TRACKER_FAULT),
    )


async def late(
    db: Db,
    *,
    now: datetime,
    since: datetime | None = None,
    orders: Sequence[UUID] | None = None,
    delivered: bool | None = None,
    limit: int | None = 500,
) -> list[LateParcel]:
    """Outbound parcels that broke their promise: delivered after it, or not delivered though it has passed.

    With `delivered` only the former or the latter, with `since` those promised for then or later; whoever wants every
    one of them lifts the limit.
    """
    return await store.late_parcels(db, now=now, since=since, orders=orders, delivered=delivered, limit=limit)


async def progress(db: Db, *, fulfillments: Sequence[UUID]) -> dict[UUID, Progress]:
    """How far the parcels of fulfillment orders have come; one without parcels is absent."""
    return {p.fulfillment_id: p for p in await store.progress_of(db, fulfillments)}


async def hold_still(db: Db, *, fulfillments: Sequence[UUID]) -> None:
    """Let no scan of these fulfillment orders' parcels be taken while the caller's transaction decides on them."""
    await store.lock_of_fulfillments(db, fulfillments)


async def re_promise(db: Db, *, promises: Mapping[UUID, datetime]) -> None:
    """Measure the orders' parcels that are still on their way against a new promise."""
    await store.set_promise(db, list(promises), list(promises.values()))


async def _fold(
    db: Db, keys: Sequence[store.Key], *, new: Mapping[store.Key, Iterable[tuple[datetime, str]]]
) -> Taken:
    if not keys:
        return Taken()
    rows = await store.lock_parcels(db, keys)
    scans = await store.scans_of(db, keys)
    states = {(r["carrier"], r["tracking_number"]): r for r in rows}
    after = {key: status(scans[key]) for key in states if key in scans}
    moved = {key: state for key, state in after.items() if state != _state(states[key])}
    if not moved:
        return Taken()
    versions = await store.set_states(db, moved)
    changes = [_change(states[key], state) for key, state in moved.items()]
    touched = sorted({c.fulfillment_id for c in changes if c.fulfillment_id is not None})
    progress = await store.progress_of(db, touched)
    first_outs = {key for key in moved if _first_out(scans[key], new.get(key))}
    await log.append(db, news.of(changes, progress, versions=versions, first_outs=first_outs))
    return Taken(changes=tuple(changes), progress=tuple(progress))


def _state(row: Row) -> ParcelState:
    return ParcelState(Status(row["status"]), row["first_scan_at"], row["last_event_at"], row["delivered_at"])


def _first_out(scans: Iterable[Scan], new: Iterable[tuple[datetime, str]] | None) -> bool:
    """Whether these events are the first to say that the parcel is out for delivery."""
    outs = {s.occurred_at for s in scans if s.status == Status.OUT_FOR_DELIVERY}
    told = outs if new is None else {at for at, meaning in new if meaning == Status.OUT_FOR_DELIVERY}
    return bool(outs) and outs == told


def _change(row: Row, state: ParcelState) -> ParcelChange:
    return ParcelChange(
        carrier=row["carrier"],
        tracking_number=row["tracking_number"],
        order_id=row["order_id"],
        package_id=row["package_id"],
        fulfillment_id=row["fulfillment_id"],
        return_id=row["return_id"],
        before=Status(row["status"]),
        after=state.status,
        first_scan_at=state.first_scan_at,
        delivered_at=state.delivered_at,
        promise_at=row["promise_at"],
        first_scan=row["first_scan_at"] is None and state.first_scan_at is not None,
    )
