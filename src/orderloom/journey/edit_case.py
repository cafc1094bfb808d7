"""An edit and all that it is judged on: the order as it stands, what is to become of it, and what is wrong with that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from orderloom import catalog, network
from orderloom.catalog.model import Item
from orderloom.inventory.model import Short
from orderloom.journey import cancelling
from orderloom.journey.order import ORDER
from orderloom.network.model import Channel, Node
from orderloom.orders import editing, rewriting
from orderloom.orders.checking import card, check, looks_like_card
from orderloom.orders.editing import Edit, Plan
from orderloom.orders.model import Fault, Line, LineDraft, Order, OrderDraft
from orderloom.orders.reading import lines_of, orders_of
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.terms import Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
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
    nodes: Mapping[str, Node]
    now: datetime

    def faults(self) -> list[Fault]:
        """What capture would find wrong with what is new, where the edit says it."""
        asked = ["/lines/"]
        asked += [f"/{name}" for name in ("ship_to", "service_level", "shipping") if self._has(name)]
        found = check(self.draft, channel=self.channel, items=self.items, nodes=self.nodes)
        faults = [replace(f, path=self.path_of(f.path)) for f in found if f.path.startswith(tuple(asked))]
        faults += self._of_whole()
        for i, line in enumerate(self.edit.add):
            item = self.items.get(line.sku)
            if (
                item
                and line.unit_price is None
                and (item.list_price is None or item.currency != self.order.currency)
            ):
                message = f"the catalogue has no price of {line.sku} in {self.order.currency}: give one"
                faults.append(Fault(f"/add/{i}/unit_price", "no_price", message))
        return faults

    def _of_whole(self) -> Iterator[Fault]:
        """What is wrong that capture does not look for."""
        edit = self.edit
        for i, line in enumerate(edit.lines):
            if line.node_code and line.node_code not in self.nodes:
                yield Fault(f"/lines/{i}/node", "unknown_node", f"no node {line.node_code!r}")
        if edit.promise_at is not None and edit.promise_at <= self.now:
            yield Fault("/promise_at", "past", "a date that is over cannot be kept: give one ahead")
        if edit.promise_at is not None and self.order.decide_as_of is not None:
            message = "the order is of another time, and keeps the date of it"
            yield Fault("/promise_at", "history", message)
        if edit.tender is not None and looks_like_card(edit.tender.token):
            yield card("/tender/token")
        if self.meant.total < 0:
            yield Fault("/adjustment", "negative_total", f"the order would come to {self.meant.total}")

    @property
    def homes(self) -> dict[UUID, UUID | None]:
        """By line the node that must ship it from now on, None for any, where that is to change."""
        return {line: self.nodes[code].id if code else None for line, code in self.plan.nodes.items()}

    def not_there(self, short: Short) -> Fault:
        """That a node has not got what it is to ship from now on."""
        asked = ((i, self.nodes[x.node_code]) for i, x in enumerate(self.edit.lines) if x.node_code)
        i, node = next((i, node) for i, node in asked if node.id == short.node_id)
        message = f"{node.code} has {max(0, short.to_promise)} of {short.sku} left: choose another node"
        return Fault(f"/lines/{i}/node", "not_there", message)

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


async def read(db: Db, *, order_id: UUID, edit: Edit, role: str, now: datetime) -> Case:
    """The edit, and the order as it stands, which the caller has locked whole."""
    order = (await orders_of(db, [order_id]))[order_id]
    lines = (await lines_of(db, [order_id]))[order_id]
    at = await cancelling.standing(db, order_id=order_id)
    channel = (await network.channels_of(db, ids={order.channel_id}))[order.channel_id]
    plan = editing.plan(edit, _standing(lines, at, editing.barred(channel.edit_rules, role=role)))
    kits = await catalog.kits_of(db, skus={line.sku for line in edit.add})
    skus = {line.sku for line in lines} | {line.sku for line in edit.add}
    skus |= {sku for parts in kits.values() for sku in parts}
    items = await catalog.items_of(db, skus=skus)
    fixed = {m.line.fixed_node_id for m in plan.more if m.line.fixed_node_id}
    codes = {line.node_code for line in edit.add if line.node_code}
    codes |= {line.node_code for line in edit.lines if line.node_code}
    nodes = await network.nodes_of(db, ids=fixed) if fixed else {}
    nodes |= await network.nodes_of(db, codes=codes) if codes else {}
    return Case(
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
        now=now,
    )


def _standing(lines: Sequence[Line], at: cancelling.Standing, barred: editing.Barred) -> editing.Standing:
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
        barred=barred,
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
    grown = []
    for more in plan.more:
        stays = codes[more.line.fixed_node_id] if more.line.fixed_node_id else None
        node = plan.nodes.get(more.line.id, stays) or None
        grown.append(LineDraft(sku=more.line.sku, quantity=more.units, unit_price=0, node_code=node))
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


async def over(db: Db, *, order: Order) -> Fault | None:
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
