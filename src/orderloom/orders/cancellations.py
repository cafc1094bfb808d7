"""Requests to a node to let units go: which, until it answers. After it accepted the work, shipping may win."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from orderloom.orders.model import Fulfillment
from orderloom.orders.store import rows
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News


async def ask(
    db: Db, *, works: Sequence[Fulfillment], units: Mapping[tuple[UUID, UUID], int], reason: str
) -> None:
    """Ask the nodes of these works to let go of more units, by (fulfillment order, line)."""
    await rows.add_cancellation_requests(db, units)
    fresh = [work for work in works if work.request_status != "cancellation_requested"]
    await rows.set_request_status(db, [work.id for work in fresh], "cancellation_requested")
    await _tell(db, "fulfillment.cancellation_requested", fresh, reason)


async def pending(db: Db, *, works: Sequence[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Units by (fulfillment order, line) whose nodes have not answered yet."""
    return await rows.cancellation_requests(db, works)


async def granted(db: Db, *, work: UUID, wholly: bool) -> None:
    """The node has let go; where it keeps other units of the work, it goes on with those."""
    await rows.drop_cancellation_requests(db, [work])
    await rows.set_request_status(db, [work], "cancellation_accepted" if wholly else "accepted")


async def declined(db: Db, *, works: Sequence[Fulfillment], reason: str) -> None:
    """The nodes go on with these works, or what they were asked for has left already."""
    asked = [work for work in works if work.request_status == "cancellation_requested"]
    await rows.drop_cancellation_requests(db, [work.id for work in asked])
    await rows.set_request_status(db, [work.id for work in asked], "cancellation_rejected")
    await _tell(db, "fulfillment.cancellation_rejected", asked, reason)


async def _tell(db: Db, type_: str, works: Sequence[Fulfillment], reason: str) -> None:
    await events.append(
        db,
        [
            News(
                type=type_,
                entity="fulfillment",
                entity_id=work.id,
                order_id=work.order_id,
                node_id=work.node_id,
                reason=reason,
                data={"number": work.number},
            )
            for work in works
        ],
    )
