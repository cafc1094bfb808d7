"""What nodes and carriers do to the work, in one transaction each, with the journeys it concerns woken.

Accept, reject, pick, pack, short, packages, manifests, tracking. Doors call these and nothing beneath them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from orderloom import delivery, inventory, packing, shipping
from orderloom.delivery.model import ParcelChange, Status, Taken, TrackingEvent
from orderloom.inventory import lots
from orderloom.inventory.availability import not_found_legs
from orderloom.inventory.counting import tell_changed
from orderloom.inventory.model import Posting
from orderloom.journey import boxing, lotting
from orderloom.journey.cancelling import answer_request
from orderloom.journey.fulfillment import FULFILLMENT
from orderloom.journey.giving_back import free
from orderloom.journey.handing import MANIFEST
from orderloom.journey.order import ORDER
from orderloom.orders import exceptions, holds
from orderloom.orders.exceptions import NewException
from orderloom.orders.model import Fulfillment, Hold
from orderloom.orders.reading import fulfillments_of, lock, sellers_of, slices_of
from orderloom.orders.slices import Move, move
from orderloom.orders.store.rows import lock_fulfillments, set_request_status
from orderloom.packing.model import Accepted, Closed, PackedSet, Refused, Short
from orderloom.packing.scanning import Kind
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.returns.reading import returns_of
from orderloom.returns.steps import set_off
from orderloom.shipping.model import Manifest
from orderloom.terms import Dimensions, Rank


@dataclass(frozen=True, slots=True)
class Answered:
    """Which works took the answer, and why the others did not."""

    done: tuple[UUID, ...] = ()
    refused: dict[UUID, str] = field(default_factory=dict)


_UNANSWERED = frozenset({"unsubmitted", "submitted"})

# --- the talk with the node -----------------------------------------------------------------------------------


async def accept(db: Db, *, works: Sequence[UUID]) -> Answered:
    """The node takes the work on; from now on a cancellation is a request. Accepting again changes nothing."""
    known = await lock_fulfillments(db, sorted(set(works)))
    fresh = [
        w for w in known.values() if w.request_status in _UNANSWERED and w.status in ("open", "in_progress")
    ]
    await set_request_status(db, [w.id for w in fresh], "accepted")
    moves = [
        Move(slice_id=p.id, to=Rank.ACKNOWLEDGED)
        for p in await slices_of(db, fulfillments=[w.id for w in fresh])
        if p.rank == Rank.RELEASED
    ]
    await move(db, moves, event="order.acknowledged")
    await events.append(db, [_news("fulfillment.accepted", w) for w in fresh])
    refused = {
        w: f"it is {known[w].request_status}" if w in known else "there is no such fulfillment order"
        for w in works
        if w not in known or known[w].request_status not in (*_UNANSWERED, "accepted")
    }
    return Answered(tuple(w for w in works if w not in refused), refused)


async def reject(db: Db, *, work: UUID, reason: str) -> Answered:
    """The node will not do it: its units are routed again without this node, those to be cancelled are cancelled."""
    known = (await fulfillments_of(db, ids=[work])).get(work)
    if known is None:
        return Answered(refused={work: "there is no such fulfillment order"})
    await journeys.hold_still(db, ORDER.of, known.order_id)
    await journeys.hold_still(db, FULFILLMENT.of, work)
    await lock(db, orders=[known.order_id])
    known = (await lock_fulfillments(db, [work]))[work]
    if known.status not in ("open", "in_progress") or known.max_rank >= Rank.PACKED:
        return Answered(refused={work: f"it is {known.status} and cannot be rejected any more"})
    if await answer_request(db, work=work, accept=True, reason=reason):
        known = (await fulfillments_of(db, ids=[work]))[work]
        if known.status == "cancelled":
            return Answered(done=(work,))
    pieces = [p for p in await slices_of(db, fulfillments=[work]) if p.rank < Rank.SHIPPED]
    await free(db, pieces, reason=f"rejected: {reason}")
    await set_request_status(db, [work], "rejected")
    await packing.cancel_packages(db, fulfillment_ids=[work])
    moves = [Move(slice_id=p.id, to=Rank.REJECTED) for p in pieces]
    await move(db, moves, event="order.rejected", reason=reason)
    await lots.settle(db, works=[work])
    await events.append(db, [_news("fulfillment.rejected", known, reason)])
    await journeys.turn_back(db, FULFILLMENT.of, work, reason=f"rejected by its node: {reason}")
    await journeys.wake(db, ORDER.of, [known.order_id])
    return Answered(done=(work,))


# --- pick and pack --------------------------------------------------------------------------------------------


async def scan(
    db: Db,
    *,
    work: UUID,
    kind: Kind,
    code: str,
    now: datetime,
    quantity: int | None = None,
    package: int | None = None,
) -> Accepted | Refused:
    """One scan at a cart or a station; a lot or serial it names is the work's. Raises packing's NoSuchWork."""
    wrong = await lotting.bind_scanned(db, work=work, kind=kind, code=code, quantity=quantity, now=now)
    if wrong is not None:
        return wrong
    said = await packing.scan(
        db, fulfillment_id=work, kind=kind, code=code, quantity=quantity, package=package
    )
    await journeys.wake(db, FULFILLMENT.of, [work])
    return said


async def report_short(db: Db, *, work: UUID, sku: str, quantity: int, reason: str) -> Short | Refused:
    """Units that are not there: the count is put right with the promise, and they are routed from elsewhere."""
    said = await packing.report_short(db, fulfillment_id=work, sku=sku, quantity=quantity, reason=reason)
    if isinstance(said, Short):
        legs = not_found_legs([(said.node_id, said.sku, said.quantity)])
        sellers = await sellers_of(db, [said.order_id])
        posting = Posting(
            cause_type="fulfillment",
            cause_id=work,
            legs=legs,
            reason=reason,
            channel_id=sellers[said.order_id],
        )
        [unborne] = await inventory.post(db, postings=[posting])
        assert unborne is None, unborne  # noqa: S101 - these very units were allocated there
        await lots.settle(db, works=[work])
        await tell_changed(db, keys=[(said.node_id, said.sku)], reason=reason)
        await journeys.wake(db, ORDER.of, [said.order_id])
        await journeys.wake(db, FULFILLMENT.of, [work])
    return said


async def close_package(
    db: Db,
    *,
    work: UUID,
    package: int,
    carton: str | None,
    dimensions: Dimensions | None = None,
    weight_g: int | None = None,
    confirmed: bool = False,
) -> Closed | Refused:
    """A package is closed at the station; with the last one the work goes on to its labels."""
    said = await packing.close_package(
        db,
        fulfillment_id=work,
        package=package,
        carton=carton,
        dimensions=dimensions,
        weight_g=weight_g,
        confirmed=confirmed,
        prices=boxing.prices,
    )
    await journeys.wake(db, FULFILLMENT.of, [work])
    return said


async def pack(db: Db, *, works: Sequence[UUID]) -> PackedSet:
    """A node reports whole fulfillment orders as packed to plan: hundreds in a few statements."""
    said = await packing.pack_as_planned(db, fulfillment_ids=works, prices=boxing.prices)
    await journeys.wake(db, FULFILLMENT.of, list(said.packed))
    return said


# --- dispatch and delivery ------------------------------------------------------------------------------------


async def close_manifests(
    db: Db,
    *,
    ship_date: date,
    by: str,
    nodes: Sequence[UUID] | None = None,
    carriers: Sequence[str] | None = None,
) -> list[Manifest]:
    """End of day at these nodes: every bought label goes on a manifest, and the carriers are told.

    Parcels of orders that a hold keeps from shipping stay behind.
    """
    closed = await shipping.close_manifests(
        db,
        ship_date=ship_date,
        by=by,
        nodes=nodes,
        carriers=carriers,
        without_orders=await holds.all_blocked(db, step="ship"),
    )
    await journeys.start(db, MANIFEST, [manifest.id for manifest in closed])
    works = await shipping.works_on(db, manifests=[manifest.id for manifest in closed])
    await journeys.wake(db, FULFILLMENT.of, works)
    return closed


_TROUBLE = {
    Status.EXCEPTION: (
        "delivery_exception",
        "Ask the carrier what happened; file a claim, or send it again.",
    ),
    Status.ATTEMPT_FAILED: ("delivery_attempt_failed", "Ask the buyer where and when it can be handed over."),
    Status.RETURN_TO_SENDER: (
        "return_to_sender",
        "Receive it as a return without request, and ask the buyer.",
    ),
    Status.EXPIRED: ("tracking_expired", "Nothing was heard for long: ask the carrier, or file a claim."),
}


async def track(db: Db, *, scans: Sequence[TrackingEvent], now: datetime) -> Taken:
    """What carriers tell of their parcels; fulfillment orders and returns whose parcels moved are woken."""
    taken = await delivery.take_events(db, events=scans)
    await journeys.wake(
        db, FULFILLMENT.of, sorted({c.fulfillment_id for c in taken.changes if c.fulfillment_id})
    )
    await journeys.wake(db, "return", sorted({c.return_id for c in taken.changes if c.return_id}))
    await _set_off(db, [c.return_id for c in taken.changes if c.return_id and c.first_scan])
    await _note_astray(db, [c for c in taken.changes if c.first_scan and c.fulfillment_id], now)
    troubled = [c for c in taken.changes if c.after in _TROUBLE and c.after != c.before]
    await exceptions.open_(db, cases_=[_trouble(change, now) for change in troubled])
    arrived = [c for c in taken.changes if c.after == Status.DELIVERED]
    await exceptions.resolve_of(
        db,
        entities=[c.package_id or c.order_id for c in arrived],
        kinds=[kind for kind, _ in _TROUBLE.values()],
        resolution="the parcel was delivered",
    )
    return taken


async def _set_off(db: Db, backs: Sequence[UUID]) -> None:
    """A carrier has the goods of these returns; one that has come further already is left as it is."""
    if backs:
        await set_off(db, return_ids=sorted(set(backs)))


async def _note_astray(db: Db, scanned: Sequence[ParcelChange], now: datetime) -> None:
    """A carrier has what its node had agreed to take out: nothing can be undone here, so a person decides."""
    works = await fulfillments_of(db, ids=[c.fulfillment_id for c in scanned if c.fulfillment_id])
    await exceptions.open_(
        db,
        cases_=[
            NewException(
                kind="carried_though_cancelled",
                entity="fulfillment",
                entity_id=works[c.fulfillment_id].id,
                order_id=c.order_id,
                detail=f"{c.carrier} has {c.tracking_number} of {works[c.fulfillment_id].number}, which was cancelled",
                way_out="Have the carrier bring it back and receive it as a return, or charge the buyer for it.",
                due_at=now + timedelta(days=1),
            )
            for c in scanned
            if c.fulfillment_id in works and works[c.fulfillment_id].status == "cancelled"
        ],
    )


def _trouble(change: ParcelChange, now: datetime) -> NewException:
    kind, way_out = _TROUBLE[change.after]
    return NewException(
        kind=kind,
        entity="package",
        entity_id=change.package_id or change.order_id,
        order_id=change.order_id,
        detail=f"{change.carrier} {change.tracking_number}: {change.after.value.replace('_', ' ')}",
        way_out=way_out,
        due_at=now + timedelta(days=1),
    )


# --- holds ----------------------------------------------------------------------------------------------------


async def clear_hold(db: Db, *, hold_id: UUID) -> Hold:
    """Clear a hold and let everything it blocked go on. Raises holds.NoSuchHold."""
    cleared = await holds.clear(db, hold_id=hold_id)
    await journeys.wake(db, ORDER.of, [cleared.order_id])
    await wake_works(db, orders=[cleared.order_id])
    await journeys.wake(db, "return", list(await returns_of(db, orders=[cleared.order_id])))
    return cleared


async def wake_works(db: Db, *, orders: Iterable[UUID]) -> None:
    """Wake the fulfillment orders of these orders."""
    await journeys.wake(db, FULFILLMENT.of, list(await fulfillments_of(db, orders=list(orders))))


def _news(type_: str, work: Fulfillment, reason: str | None = None) -> News:
    return News(
        type=type_,
        entity="fulfillment",
        entity_id=work.id,
        order_id=work.order_id,
        node_id=work.node_id,
        reason=reason,
        data={"number": work.number},
    )
