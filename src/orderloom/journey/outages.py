"""A node closes for a while: what it has not begun is routed from elsewhere, and it is asked again once it is open.

Closing is noted in one transaction, which wakes every order with units there; their own journeys take the units back, in
sets (`turning_away`), within the promise where another node can keep it. What nobody else has waits in line for supply,
and for the node: it is served, first come first, when the node opens again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom import network
from orderloom.inventory import reading
from orderloom.inventory.marking import tell_offer_changed
from orderloom.journey.cancelling import answer_request
from orderloom.journey.queueing import wake_line
from orderloom.journey.turning_away import STEPS
from orderloom.orders import standing
from orderloom.orders.standing import Standing
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News


@dataclass(frozen=True, slots=True)
class Closed:
    """A node that ships nothing for the time being, and what stands there: to be moved, bound to it, or begun."""

    node_id: UUID
    standing: Standing
    changed: bool


async def close(
    db: Db, *, node_id: UUID, reason: str, now: datetime, reopens_at: datetime | None = None
) -> Closed:
    """Close a node until `reopens_at`, or until it is reopened; closing it again changes its reason and its end."""
    noted = await network.close(db, node_id=node_id, because=reason, since=now, reopens_at=reopens_at)
    there = await standing.at(db, nodes=[node_id])
    if noted is None:
        return Closed(node_id, there, changed=False)
    end = {"reopens_at": reopens_at.isoformat() if reopens_at else None, "orders": len(there.movable)}
    await events.append(
        db, [News("node.closed", "node", node_id, node_id=node_id, reason=reason, data={**end})]
    )
    for work in there.asked_to_let_go:
        # What its buyer no longer wants is not worth routing anew.
        await answer_request(db, work=work, accept=True, reason=f"its node is closed: {reason}")
    await _wake(db, sorted(there.movable))
    await _tell_offers(db, [node_id], reason="a node was closed")
    return Closed(node_id, there, changed=True)


async def reopen(db: Db, *, node_ids: Sequence[UUID], reason: str) -> list[UUID]:
    """These nodes ship again; returns those that were closed. Who waits for what lies there is woken."""
    opened = await network.reopen(db, node_ids=node_ids)
    if not opened:
        return []
    await events.append(
        db, [News("node.reopened", "node", node, node_id=node, reason=reason) for node in opened]
    )
    there = await standing.at(db, nodes=opened)
    await _wake(db, sorted({*there.movable, *there.bound}))
    await wake_line(db, skus=await _tell_offers(db, opened, reason="a node was reopened"))
    return opened


async def look_after(db: Db, now: datetime) -> None:
    """Open the nodes whose time has come; wake what came to a closed one while it was being closed."""
    await reopen(db, node_ids=sorted(await network.closed(db, due=now)), reason="the outage's end has come")
    if still := await network.closed(db):
        await _wake(db, sorted((await standing.at(db, nodes=sorted(still))).movable))


async def _wake(db: Db, orders: Sequence[UUID]) -> None:
    """Wake those that stand where units are taken back; the others come there by themselves."""
    if orders:
        found = await journeys.look(db, orders)
        due = [s.subject_id for s in found if s.journey == "order" and s.step in STEPS and not s.undoing]
        await journeys.wake(db, "order", sorted(due))


async def _tell_offers(db: Db, nodes: Sequence[UUID], *, reason: str) -> set[str]:
    """What channels may sell of everything that lies there has changed; returns the SKUs."""
    skus = {level.sku for level in await reading.levels(db, nodes=nodes) if level.on_hand}
    await tell_offer_changed(db, skus=skus, reason=reason)
    return skus
