"""Editing an order after capture: lines, where it goes and what it costs, carried out as its matrix says, in one transaction.

What goes is cancelled as a cancellation would, what comes is kept stock for as a new order's would, what the order comes
to is covered by its tenders, and its journey goes on from where there is something new for it to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import inventory, network
from orderloom.journey import cancelling, edit_case, placing, promising, relocating, sourcing, steering
from orderloom.journey.backordering import SoldAhead
from orderloom.journey.closing import note_money
from orderloom.journey.edit_case import Case
from orderloom.journey.fulfillment import bill_of
from orderloom.journey.order import ORDER
from orderloom.journey.releasing import take_back
from orderloom.orders import capture, promises, rewriting
from orderloom.orders.capture import NewOrder
from orderloom.orders.editing import Edit, Means
from orderloom.orders.model import Fault, Line, Order, Refused, Slice
from orderloom.orders.promises import Promised
from orderloom.orders.reading import lines_of, orders_of, slices_of
from orderloom.orders.rewriting import Units
from orderloom.payments.charge import units_of
from orderloom.payments.covering import cover, set_aside
from orderloom.payments.model import Tender
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.terms import Quantities, Rank


@dataclass(frozen=True, slots=True)
class Held:
    """Units that an edit keeps more (or fewer) of, by node and SKU; without a node they wait for stock."""

    sku: str
    node: str | None
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What an edit did. `owed`: what the units that are not cancelled come to, before and after.

    `to_authorize`: what a further tender is asked for; `requested`: units by SKU that a node was asked to let go.
    """

    total: tuple[int, int]
    owed: tuple[int, int]
    to_authorize: int
    promise_at: tuple[datetime | None, datetime | None]
    stock: tuple[Held, ...]
    requested: Quantities
    replanned: bool


@dataclass(frozen=True, slots=True)
class CannotEdit:
    """Nothing is changed, and why: faults of the edit itself (`wrong`), or what the order's state forbids."""

    faults: tuple[Fault, ...]
    wrong: bool


_ASKED = Fault("/tender", "answer_awaited", "its gateway has not answered yet: try again in a moment")


class _TakenBack(Exception):
    """A refusal, or what was only to be shown: nothing of it is kept."""

    def __init__(self, outcome: Edited | CannotEdit | Refused) -> None:
        super().__init__()
        self.outcome = outcome


async def edit(
    db: Db, *, order_id: UUID, edit: Edit, reason: str, now: datetime, role: str = "owner", keep: bool = True
) -> Edited | CannotEdit | Refused | None:
    """Edit an order; None when there is no such order. Refused, or not to be kept, it leaves nothing behind but locks.

    `role`: of whoever asks for it, whom the channel's rules may refuse more than the matrix does.
    """
    if order_id not in await orders_of(db, [order_id]):
        return None
    await steering.hold_whole(db, order_id=order_id)
    try:
        async with db.transaction():
            outcome = await _edit(db, order_id, edit, reason, role, now)
            _take_back(outcome, unless=keep)
    except _TakenBack as back:
        return back.outcome
    return outcome


def _take_back(outcome: Edited | CannotEdit | Refused, *, unless: bool) -> None:
    if not (unless and isinstance(outcome, Edited)):
        raise _TakenBack(outcome)


async def _edit(
    db: Db, order_id: UUID, edit: Edit, reason: str, role: str, now: datetime
) -> Edited | CannotEdit | Refused:
    case = await edit_case.read(db, order_id=order_id, edit=edit, role=role, now=now)
    if over := await edit_case.over(db, order=case.order):
        return CannotEdit((over,), wrong=False)
    faults = [*case.plan.wrong, *case.faults()]
    if faults or case.plan.refused:
        return CannotEdit((*faults, *case.plan.refused), wrong=bool(faults))
    return await _carry_out(db, case, reason, now)


# --- carrying it out ------------------------------------------------------------------------------------------


async def _carry_out(db: Db, case: Case, reason: str, now: datetime) -> Edited | CannotEdit | Refused:
    order_id, plan, at = case.order.id, case.plan, case.at
    # What goes, comes and is unbound is posted one after the other: all of it is locked together, in order.
    touched = at.pieces if plan.replan else [p for p in at.pieces if p.line_id in plan.fewer]
    comes = {leaf for line in case.draft.lines for leaf in case.kits.get(line.sku, (line.sku,))}
    await inventory.lock_skus(db, skus=comes | {p.sku for p in touched})
    requested = await cancelling.let_go(db, at=at, quantities=plan.fewer, reason=reason) if plan.fewer else {}
    if plan.shed:
        await rewriting.shed(db, order_id=order_id, units=plan.shed)
    if plan.replan:
        await _unbind(db, case, reason, now)
    if plan.nodes and (short := await relocating.bring(db, order_id=order_id, homes=case.homes)):
        return CannotEdit((case.not_there(short),), wrong=False)
    new = await placing.extend(db, order_id=order_id, draft=case.draft) if case.draft.lines else None
    if isinstance(new, Refused):
        return replace(new, faults=tuple(replace(f, path=case.path_of(f.path)) for f in new.faults))
    added = _added(case, new) if new else None
    if added:
        await capture.store_lines(
            db, order=added, node_ids={code: node.id for code, node in case.nodes.items()}
        )
    await rewriting.write(db, order=case.meant, lines=case.rewritten, reason=reason, facts=_facts(case))
    if new:
        await rewriting.add_units(db, order_id=order_id, units=_units(case, new))
    if case.edit.instead and not await set_aside(db, order_id=order_id):
        return CannotEdit((_ASKED,), wrong=False)
    after = await slices_of(db, orders=[order_id])
    money = await _cover(db, case, after)
    promise_at = await _promise(db, case, new, after, now)
    await cancelling.look_after(db, order_id, list(at.works), reason)
    if new or plan.replan or money[1]:
        await _go_on(db, order_id, reason)
    skus = {piece.line_id: piece.sku for piece in at.pieces}
    return Edited(
        total=(case.order.total, case.meant.total),
        owed=(_owed(case.order, case.lines, at.pieces), money[0]),
        to_authorize=money[1],
        promise_at=(case.order.promise_at, promise_at),
        stock=tuple(await _held(db, at.pieces, after)),
        requested=Quantities((skus[line], units) for (_, line), units in requested.items()),
        replanned=plan.replan,
    )


async def _unbind(db: Db, case: Case, reason: str, now: datetime) -> None:
    """What was planned for another address, speed, date or node is kept where it is, and is to be routed anew."""
    here = {p.fulfillment_id for p in case.at.here if p.fulfillment_id}
    await take_back(db, works=[work for id_, work in case.at.works.items() if id_ in here], reason=reason)
    await sourcing.unallocate(db, [case.order.id], now)


def _added(case: Case, new: NewOrder) -> NewOrder | None:
    """The lines that were not there before, in their places behind those that were; none where all only grew."""
    grown = len(case.plan.more)
    behind = max(line.position for line in case.lines) - grown
    lines = tuple(
        line._replace(position=line.position + behind) for line in new.lines if line.draft_index >= grown
    )
    return new._replace(lines=lines) if lines else None


def _units(case: Case, new: NewOrder) -> list[Units]:
    """The units that are new, each of the line that grew, or of its own."""
    more = case.plan.more
    return [
        Units(more[i].line.id if (i := piece.line.draft_index) < len(more) else piece.line.id, piece)
        for piece in new.slices
    ]


async def _cover(db: Db, case: Case, after: Sequence[Slice]) -> tuple[int, int]:
    """What the order owes now, and what a further tender is asked for, where more is owed than was promised."""
    order_id, means = case.order.id, case.edit.tender
    lines = (await lines_of(db, [order_id]))[order_id]
    owed = _owed(case.meant, lines, after)
    asked = await cover(
        db,
        order_id=order_id,
        owed=owed,
        currency=case.order.currency,
        by=_tender(case.order, means),
    )
    if asked:
        await note_money(db, orders=[order_id])
    return owed, asked


def _tender(order: Order, means: Means | None) -> Tender | None:
    if means is None:
        return None
    return Tender(
        order_id=order.id,
        gateway=means.gateway,
        method=means.method,
        token=means.token,
        amount=0,
        currency=order.currency,
    )


def _owed(order: Order, lines: Sequence[Line], pieces: Collection[Slice]) -> int:
    """What will be charged if every unit ships that is not cancelled."""
    live: Counter[UUID] = Counter()
    for piece in pieces:
        live[piece.line_id] += piece.quantity * (piece.rank is not Rank.CANCELLED)
    bills = bill_of(order, lines)
    return sum(units_of(bills[line], first=0, last=units).money.total for line, units in live.items())


async def _promise(
    db: Db, case: Case, new: NewOrder | None, after: Sequence[Slice], now: datetime
) -> datetime | None:
    """Bind the order to another date where it goes elsewhere or faster, or where what was added comes later; returns its date."""
    order, was = case.order, case.order.promise_at
    if case.edit.promise_at is None and (
        order.decide_as_of is not None or (was is None and not _kept(after))
    ):
        return was
    at, ready_at = (new.promise_at, new.ready_at) if new else (None, None)
    if case.edit.promise_at is not None:
        at = case.edit.promise_at
    elif case.plan.replan and _kept(after):
        live = [p for p in after if p.rank is not Rank.CANCELLED]
        nodes = await network.nodes_of(db, ids={p.node_id for p in live if p.node_id})
        at, ready_at, _ = promising.promise(
            case.draft,
            channel=case.channel,
            items=[case.items[p.sku] for p in live],
            sold=SoldAhead(),
            nodes=list(nodes.values()),
            dates=await promising.dates(db, at=now),
        )
    elif at and was:
        at = max(at, was)
    if at is None or at == was:
        return was
    bound = Promised(order.id, order.channel_id, at, ready_at, was=was)
    await promises.bind(db, promised={order.id: bound}, why="the order was edited")
    return at


def _kept(pieces: Sequence[Slice]) -> bool:
    """Whether stock is kept for all that is to ship."""
    return all(piece.rank >= Rank.RESERVED for piece in pieces)


async def _go_on(db: Db, order_id: UUID, reason: str) -> None:
    """The journey goes on from its first step, whose later ones find what is new: what was stopped is tried again."""
    at = await journeys.hold_still(db, ORDER.of, order_id)
    if at.state == "parked":
        await steering.steer(db, journey=ORDER, subject=order_id, verb="retry", reason=reason)
    await journeys.take_up(db, ORDER, order_id, at=ORDER.steps[0].name)


# --- what is told ---------------------------------------------------------------------------------------------


def _facts(case: Case) -> dict[str, Any]:
    """What the log tells of the edit: which lines and fields, the money, and nothing of who lives where."""
    edit, grown = case.edit, len(case.plan.more)
    return {
        "fewer": {id_.hex: units for id_, units in case.plan.fewer.items()},
        "more": {more.line.id.hex: more.units for more in case.plan.more},
        "added": [{"sku": line.sku, "quantity": line.quantity} for line in case.draft.lines[grown:]],
        "prices": [change.line_id.hex for change in edit.lines if change.prices],
        "nodes": {line.hex: code for line, code in case.plan.nodes.items()},
        "fields": [*edit.fields, *(["tender"] if edit.instead else [])],
        "total": [case.order.total, case.meant.total],
    }


async def _held(db: Db, before: Sequence[Slice], after: Sequence[Slice]) -> list[Held]:
    """By node and SKU how many more units are kept now; those without a node wait for stock."""
    change: Counter[tuple[UUID | None, str]] = Counter()
    for sign, pieces in ((-1, before), (1, after)):
        for p in pieces:
            if p.rank < Rank.SHIPPED:
                change[p.node_id if p.rank >= Rank.RESERVED else None, p.sku] += sign * p.quantity
    changed = {key: units for key, units in change.items() if units}
    nodes = await network.nodes_of(db, ids={node for node, _ in changed if node}) if changed else {}
    told = [Held(sku, nodes[node].code if node else None, units) for (node, sku), units in changed.items()]
    return sorted(told, key=lambda held: (held.sku, held.node or ""))
