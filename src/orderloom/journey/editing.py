"""Editing an order after capture: lines, address, speed and money, carried out as its matrix says, in one transaction.

What goes is cancelled as a cancellation would, what comes is kept stock for as a new order's would, what the order comes
to is covered by its tenders, and its journey goes on from where there is something new for it to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import catalog, inventory, network
from orderloom.catalog.model import Item
from orderloom.journey import cancelling, placing, promising, sourcing, steering
from orderloom.journey.backordering import SoldAhead
from orderloom.journey.closing import note_money
from orderloom.journey.fulfillment import bill_of
from orderloom.journey.order import ORDER
from orderloom.journey.releasing import take_back
from orderloom.network.model import Channel
from orderloom.orders import capture, editing, promises, rewriting
from orderloom.orders.capture import NewOrder
from orderloom.orders.checking import check
from orderloom.orders.editing import Edit, Means, Plan
from orderloom.orders.model import Fault, Line, LineDraft, Order, OrderDraft, Refused, Slice
from orderloom.orders.promises import Promised
from orderloom.orders.reading import lines_of, orders_of, slices_of
from orderloom.orders.rewriting import Units
from orderloom.payments.charge import units_of
from orderloom.payments.covering import cover
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


class _TakenBack(Exception):
    """A refusal, or what was only to be shown: nothing of it is kept."""

    def __init__(self, outcome: Edited | CannotEdit | Refused) -> None:
        super().__init__()
        self.outcome = outcome


async def edit(
    db: Db, *, order_id: UUID, edit: Edit, reason: str, now: datetime, keep: bool = True
) -> Edited | CannotEdit | Refused | None:
    """Edit an order; None when there is no such order. Refused, or not to be kept, it leaves nothing behind but locks."""
    if order_id not in await orders_of(db, [order_id]):
        return None
    await steering.hold_whole(db, order_id=order_id)
    try:
        async with db.transaction():
            outcome = await _edit(db, order_id, edit, reason, now)
            _take_back(outcome, unless=keep)
    except _TakenBack as back:
        return back.outcome
    return outcome


def _take_back(outcome: Edited | CannotEdit | Refused, *, unless: bool) -> None:
    if not (unless and isinstance(outcome, Edited)):
        raise _TakenBack(outcome)


async def _edit(
    db: Db, order_id: UUID, edit: Edit, reason: str, now: datetime
) -> Edited | CannotEdit | Refused:
    case = await _read(db, order_id, edit, now)
    if over := await _over(db, case.order):
        return CannotEdit((over,), wrong=False)
    faults = [*case.plan.wrong, *case.faults()]
    if faults or case.plan.refused:
        return CannotEdit((*faults, *case.plan.refused), wrong=bool(faults))
    return await _carry_out(db, case, reason, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An edit and all that it is judged on."""

    edit: Edit
    order: Order
    lines: Sequence[Line]
    at: cancelling.Standing
    plan: Plan
    draft: OrderDraft
    """The lines that are to get stock, as an order of their own: of lines that grow first, then those added."""
    channel: Channel
    items: Mapping[str, Item]
    kits: Mapping[str, Mapping[str, int]]
    nodes: Mapping[str, Any]

    def faults(self) -> list[Fault]:
        """What capture would find wrong with what is new, where the edit says it."""
        asked = ["/lines/"]
        asked += [f"/{name}" for name in ("ship_to", "service_level", "shipping") if self._has(name)]
        found = check(self.draft, channel=self.channel, items=self.items, nodes=self.nodes)
        faults = [replace(f, path=self.path_of(f.path)) for f in found if f.path.startswith(tuple(asked))]
        for i, line in enumerate(self.edit.add):
            item = self.items.get(line.sku)
            if (
                item
                and line.unit_price is None
                and (item.list_price is None or item.currency != self.order.currency)
            ):
                message = f"the catalogue has no price of {line.sku} in {self.order.currency}: give one"
                faults.append(Fault(f"/add/{i}/unit_price", "no_price", message))
        if self.meant.total < 0:
            faults.append(
                Fault("/adjustment", "negative_total", f"the order would come to {self.meant.total}")
            )
        return faults

    def _has(self, name: str) -> bool:
        return getattr(self.edit, name) is not None

    def path_of(self, path: str) -> str:
        """Where the edit asks for what the draft's path points to."""
        if not path.startswith("/lines/"):
            return path
        _, _, index, *rest = path.split("/")
        grown = len(self.plan.more)
        if int(index) >= grown:
            return "/".join(["", "add", str(int(index) - grown), *rest])
        return f"{self.plan.more[int(index)].path}/quantity"

    @property
    def rewritten(self) -> dict[UUID, LineDraft]:
        """Every line whose quantity grows or whose money changes, as a whole."""
        return rewriting.leaves_of(self.plan.values, lines=self.lines, draft=self.draft, items=self.items)

    @property
    def meant(self) -> Order:
        """The order as it is to be; its total is of the lines as they are to be."""
        order, edit = self.order, self.edit
        shipping = order.shipping if edit.shipping is None else edit.shipping
        adjustment = order.adjustment if edit.adjustment is None else edit.adjustment
        worth = {line.id: line.total for line in self.lines if not line.is_kit}
        worth |= {id_: values.total for id_, values in self.rewritten.items() if id_ in worth}
        added = sum(line.total for line in self.draft.lines[len(self.plan.more) :])
        return replace(
            order,
            ship_to=edit.ship_to or order.ship_to,
            service_level=edit.service_level or order.service_level,
            shipping=shipping,
            adjustment=adjustment,
            total=sum(worth.values()) + added + shipping + adjustment,
        )


async def _read(db: Db, order_id: UUID, edit: Edit, now: datetime) -> _Case:
    order = (await orders_of(db, [order_id]))[order_id]
    lines = (await lines_of(db, [order_id]))[order_id]
    at = await cancelling.standing(db, order_id=order_id)
    plan = editing.plan(edit, _standing(lines, at))
    kits = await catalog.kits_of(db, skus={line.sku for line in edit.add})
    skus = {line.sku for line in lines} | {line.sku for line in edit.add}
    skus |= {sku for parts in kits.values() for sku in parts}
    items = await catalog.items_of(db, skus=skus)
    fixed = {m.line.fixed_node_id for m in plan.more if m.line.fixed_node_id}
    codes = {line.node_code for line in edit.add if line.node_code}
    nodes = await network.nodes_of(db, ids=fixed) if fixed else {}
    nodes |= await network.nodes_of(db, codes=codes) if codes else {}
    channel = (await network.channels_of(db, ids={order.channel_id}))[order.channel_id]
    return _Case(
        edit=edit,
        order=order,
        lines=lines,
        at=at,
        plan=plan,
        draft=_draft(order, edit, plan, channel, items, {id_: node.code for id_, node in nodes.items()}, now),
        channel=channel,
        items=items,
        kits=kits,
        nodes={node.code: node for node in nodes.values()},
    )


def _standing(lines: Sequence[Line], at: cancelling.Standing) -> editing.Standing:
    asked: Counter[UUID] = Counter()
    for (_, line), units in at.asked.items():
        asked[line] += units
    live: Counter[UUID] = Counter()
    open_: Counter[UUID] = Counter()
    for piece in at.pieces:
        live[piece.line_id] += piece.quantity * (piece.rank is not Rank.CANCELLED)
    for piece in at.here:
        open_[piece.line_id] += piece.quantity
    return editing.Standing(
        lines=lines,
        live=live - asked,
        open_=open_ - asked,
        highest=max((p.rank for p in at.pieces if p.rank is not Rank.CANCELLED), default=Rank.CREATED),
        begun=any(cancelling.begun_at(work) for work in at.works.values() if work.status != "cancelled"),
    )


def _draft(
    order: Order,
    edit: Edit,
    plan: Plan,
    channel: Channel,
    items: Mapping[str, Item],
    codes: Mapping[UUID, str],
    now: datetime,
) -> OrderDraft:
    grown = [
        LineDraft(
            sku=more.line.sku,
            quantity=more.units,
            unit_price=0,
            node_code=codes[more.line.fixed_node_id] if more.line.fixed_node_id else None,
        )
        for more in plan.more
    ]
    prices = {sku: item.list_price for sku, item in items.items()}
    return OrderDraft(
        channel=channel.code,
        external_id=order.external_id,
        placed_at=now,
        currency=order.currency,
        buyer=order.buyer,
        ship_to=edit.ship_to or order.ship_to,
        lines=(*grown, *(line.draft(prices.get(line.sku)) for line in edit.add)),
        shipping=edit.shipping or 0,
        service_level=edit.service_level or order.service_level,
        priority=order.priority,
        decide_as_of=order.decide_as_of,
    )


async def _over(db: Db, order: Order) -> Fault | None:
    """Why nothing can be edited, where its way is at an end or being taken back."""
    [at] = [s for s in await journeys.look(db, [order.id]) if s.journey == ORDER.of]
    if order.lifecycle == "open" and at.undoing and at.undo_to is not None:
        return Fault(
            "", "being_rewound", f"its journey is being taken back to {at.undo_to}: edit it after that"
        )
    if order.lifecycle == "open" and not at.undoing and at.state != "undone":
        return None
    told = "being cancelled" if order.lifecycle == "open" else order.lifecycle
    return Fault("", "order_is_over", f"the order is {told}: place a new order, or ask for a return")


# --- carrying it out ------------------------------------------------------------------------------------------


async def _carry_out(db: Db, case: _Case, reason: str, now: datetime) -> Edited | Refused:
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


async def _unbind(db: Db, case: _Case, reason: str, now: datetime) -> None:
    """What was planned for another address or speed is kept where it is, and is to be routed anew."""
    here = {p.fulfillment_id for p in case.at.here if p.fulfillment_id}
    await take_back(db, works=[work for id_, work in case.at.works.items() if id_ in here], reason=reason)
    await sourcing.unallocate(db, [case.order.id], now)


def _added(case: _Case, new: NewOrder) -> NewOrder | None:
    """The lines that were not there before, in their places behind those that were; none where all only grew."""
    grown = len(case.plan.more)
    behind = max(line.position for line in case.lines) - grown
    lines = tuple(
        line._replace(position=line.position + behind) for line in new.lines if line.draft_index >= grown
    )
    return new._replace(lines=lines) if lines else None


def _units(case: _Case, new: NewOrder) -> list[Units]:
    """The units that are new, each of the line that grew, or of its own."""
    more = case.plan.more
    return [
        Units(more[i].line.id if (i := piece.line.draft_index) < len(more) else piece.line.id, piece)
        for piece in new.slices
    ]


async def _cover(db: Db, case: _Case, after: Sequence[Slice]) -> tuple[int, int]:
    """What the order owes now, and what a further tender is asked for, where more is owed than was promised."""
    order_id, means = case.order.id, case.edit.tender
    lines = (await lines_of(db, [order_id]))[order_id]
    owed = _owed(case.meant, lines, after)
    asked = await cover(
        db, order_id=order_id, owed=owed, currency=case.order.currency, by=_tender(case.order, means)
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
    db: Db, case: _Case, new: NewOrder | None, after: Sequence[Slice], now: datetime
) -> datetime | None:
    """Bind the order to another date where it goes elsewhere or faster, or where what was added comes later; returns its date."""
    order, was = case.order, case.order.promise_at
    if order.decide_as_of is not None or (was is None and not _kept(after)):
        return was
    at, ready_at = (new.promise_at, new.ready_at) if new else (None, None)
    if case.plan.replan and _kept(after):
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


def _facts(case: _Case) -> dict[str, Any]:
    """What the log tells of the edit: which lines and fields, the money, and nothing of who lives where."""
    edit, grown = case.edit, len(case.plan.more)
    named = ("ship_to", "service_level", "shipping", "adjustment")
    return {
        "fewer": {id_.hex: units for id_, units in case.plan.fewer.items()},
        "more": {more.line.id.hex: more.units for more in case.plan.more},
        "added": [{"sku": line.sku, "quantity": line.quantity} for line in case.draft.lines[grown:]],
        "prices": [change.line_id.hex for change in edit.lines if change.prices],
        "fields": [name for name in named if getattr(edit, name) is not None],
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
