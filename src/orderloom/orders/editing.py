"""What may be edited of a stored order (pure): the order-edit matrix as data, and what an edit asks of lines and units.

What may change depends on the change and on the highest rank that the order has reached. `request`: the node that has begun
the work must let go first; work that no node has answered for is changed at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from orderloom.orders.checking import LINES_MAX
from orderloom.orders.model import Fault, Line, LineDraft
from orderloom.terms import Address, Rank


class Change(StrEnum):
    """The kinds of change, as the matrix tells them apart."""

    MORE = "add line, raise quantity"
    FEWER = "lower quantity, remove line"
    WHITHER = "ship-to address, service level, date"
    NODE = "node of a line"
    MONEY = "price, discount, tax, charges"
    MEANS = "payment method"


class Verdict(StrEnum):
    """What becomes of a change: done; done, and routed anew; asked of the node; refused, with the way out."""

    ALLOW = "allow"
    REPLAN = "replan"
    REQUEST = "request"
    REFUSE = "refuse"


# The columns: each begins where the one before ends, with this rank as its last.
STAGES = (Rank.RESERVED, Rank.ALLOCATED, Rank.ACKNOWLEDGED, Rank.PACKED, Rank.DELIVERED)
_A, _R, _Q, _N = Verdict.ALLOW, Verdict.REPLAN, Verdict.REQUEST, Verdict.REFUSE
MATRIX: Mapping[Change, tuple[Verdict, ...]] = {
    Change.MORE: (_A, _A, _A, _A, _N),
    Change.FEWER: (_A, _A, _Q, _Q, _N),
    Change.WHITHER: (_R, _R, _Q, _Q, _N),
    Change.NODE: (_R, _R, _Q, _N, _N),
    Change.MONEY: (_A, _A, _A, _A, _N),
    Change.MEANS: (_A, _A, _A, _A, _N),
}
_SHIPPED = {
    Change.MORE: "units of the order have shipped: place a new order for more",
    Change.FEWER: "they have shipped: ask for a return of them",
    Change.WHITHER: "units of the order have shipped: ask their carrier to intercept the parcel",
    Change.NODE: "the work is under way, or has shipped: let the node reject it, or report the units short",
    Change.MONEY: "units of the order have shipped and are charged: pay back by a refund instead",
    Change.MEANS: "units of the order have shipped and are charged: pay back by a refund instead",
}
_BEGUN = (
    "a node has accepted or begun the work: rewind the order's journey to `route`, which takes the work back "
    "from it, and edit then"
)


# By the names that a channel's rules have for them.
RULED = {
    "raise": Change.MORE,
    "lower": Change.FEWER,
    "address": Change.WHITHER,
    "node": Change.NODE,
    "price": Change.MONEY,
    "payment": Change.MEANS,
}
# Whoever comes with an API key has this for a role.
API_KEY = "api_key"
RULED_FROM = ("created", "allocated", "released", "picking")
Barred: TypeAlias = Mapping[Change, int]


def barred(rules: Sequence[Mapping[str, Any]], *, role: str) -> Barred:
    """From which column on a channel's rules refuse a change to whoever has that role; one without roles is everybody's."""
    found: dict[Change, int] = {}
    for rule in rules:
        if role in (rule.get("roles") or (role,)):
            change = RULED[rule["change"]]
            found[change] = min(RULED_FROM.index(rule["from"]), found.get(change, len(STAGES)))
    return found


def matrix(barred: Barred) -> dict[Change, tuple[Verdict, ...]]:
    """The matrix as those rules leave it."""
    return {
        change: tuple(_N if i >= barred.get(change, len(row)) else cell for i, cell in enumerate(row))
        for change, row in MATRIX.items()
    }


def _column(highest: Rank) -> int:
    return next(i for i, last in enumerate(STAGES) if highest <= last)


def verdict(change: Change, *, highest: Rank, begun: bool) -> Verdict:
    """What the matrix says. `begun`: a node has accepted work of the order, or has begun it."""
    found = MATRIX[change][_column(highest)]
    if found is not Verdict.REQUEST or begun:
        return found
    return MATRIX[change][1]


# --- what is asked --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEdit:
    """A line as it is to be, None leaves it. `quantity`: units not cancelled, 0 removes it; money is of the whole line.

    `node_code`: the node that must ship it from now on; empty lets any.
    """

    line_id: UUID
    quantity: int | None = None
    unit_price: int | None = None
    discount: int | None = None
    tax: int | None = None
    node_code: str | None = None

    @property
    def prices(self) -> bool:
        """Whether its money is to change."""
        return (self.unit_price, self.discount, self.tax) != (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A line that is to be added. `unit_price`: None is the catalogue's."""

    sku: str
    quantity: int
    unit_price: int | None = None
    discount: int = 0
    tax: int = 0
    node_code: str | None = None
    external_id: str | None = None
    name: str | None = None

    def draft(self, list_price: int | None) -> LineDraft:
        """The line as capture would take it."""
        return LineDraft(
            sku=self.sku,
            quantity=self.quantity,
            unit_price=self.unit_price if self.unit_price is not None else list_price or 0,
            discount=self.discount,
            tax=self.tax,
            node_code=self.node_code,
            external_id=self.external_id,
            name=self.name,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What pays for the more that an edit comes to; `instead`: for all that is not charged yet, in place of what was to."""

    method: str
    token: str
    gateway: str = "sandbox"
    instead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to change of an order; None leaves it."""

    lines: tuple[LineEdit, ...] = ()
    add: tuple[Added, ...] = ()
    ship_to: Address | None = None
    service_level: str | None = None
    promise_at: datetime | None = None
    shipping: int | None = None
    adjustment: int | None = None
    tender: Means | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """What it changes of the order as a whole."""
        names = ("ship_to", "service_level", "promise_at", "shipping", "adjustment")
        return tuple(name for name in names if getattr(self, name) is not None)

    @property
    def instead(self) -> bool:
        """Whether other means are to pay in place of those there are."""
        return self.tender is not None and self.tender.instead


# The fields of an address as people write them.
ADDRESS = ("name", "line1", "line2", "city", "region", "postcode", "country", "phone")


def elsewhere(ship_to: Address, changed: Mapping[str, str]) -> Address | None:
    """The address with these fields; its position is not known yet. None when nothing of it changes."""
    if not changed:
        return None
    return Address.of({**ship_to.json(), **changed, "latitude": None, "longitude": None})


# --- what follows ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An order as far as an edit asks: `live` units by leaf line that nobody cancelled or asked to, `open_` of them unshipped."""

    lines: Sequence[Line]
    live: Mapping[UUID, int]
    open_: Mapping[UUID, int]
    highest: Rank
    begun: bool
    barred: Barred = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """Units that a leaf line gets on top; `path`: where in the edit they are asked for."""

    path: str
    line: Line
    units: int


@dataclass(slots=True)
class Plan:
    """What an edit comes to. `wrong`: faults of the edit itself; `refused`: what the order's state forbids."""

    fewer: dict[UUID, int] = field(default_factory=dict)
    shed: dict[UUID, int] = field(default_factory=dict)
    """Of these, the units by which a line becomes smaller; the others stay on it, cancelled."""
    more: list[More] = field(default_factory=list)
    values: dict[UUID, LineDraft] = field(default_factory=dict)
    """By line, a kit's own included, what it is as a whole where its quantity or its money changes."""
    nodes: dict[UUID, str] = field(default_factory=dict)
    """By line, a kit's own included, the code of the node that must ship it, empty for any."""
    replan: bool = False
    wrong: list[Fault] = field(default_factory=list)
    refused: list[Fault] = field(default_factory=list)


def plan(edit: Edit, at: Standing) -> Plan:
    """What becomes of the order's lines and units, with every fault at once."""
    found = Plan()
    by_id = {line.id: line for line in at.lines}
    seen: set[UUID] = set()
    for i, change in enumerate(edit.lines):
        path = f"/lines/{i}"
        line = by_id.get(change.line_id)
        if line is None:
            found.wrong.append(Fault(f"{path}/line_id", "unknown_line", "no line of this order has this id"))
        elif line.id in seen:
            found.wrong.append(Fault(path, "repeated", "the line stands there twice: say it once"))
        elif line.kit_line_id is not None:
            message = "it is a part of a kit: edit the kit's own line, or cancel units of this one"
            found.wrong.append(Fault(path, "part_of_kit", message))
        elif change.quantity is None and change.node_code is None and not change.prices:
            message = "give a quantity, a price, a discount, a tax or a node"
            found.wrong.append(Fault(path, "nothing_to_edit", message))
        else:
            seen.add(line.id)
            _line(found, path, change, line, at)
    if edit.add:
        _judge(found, "/add", Change.MORE, at)
    for name in edit.fields:
        kind = Change.MONEY if name in ("shipping", "adjustment") else Change.WHITHER
        _judge(found, f"/{name}", kind, at)
    if edit.instead:
        _judge(found, "/tender", Change.MEANS, at)
    _as_a_whole(found, edit, at)
    return found


def _as_a_whole(found: Plan, edit: Edit, at: Standing) -> None:
    if not (edit.lines or edit.add or edit.fields or edit.instead):
        found.wrong.append(Fault("", "nothing_to_edit", "say what is to change"))
    if len(at.lines) + len(edit.add) > LINES_MAX:
        found.wrong.append(Fault("/add", "too_many", f"an order has at most {LINES_MAX} lines"))
    left = sum(at.live.values()) - sum(found.fewer.values())
    if found.fewer and not left and not found.more and not edit.add:
        message = "nothing would be left of the order: cancel it instead"
        found.refused.append(Fault("/lines", "nothing_left", message))


def _line(found: Plan, path: str, change: LineEdit, line: Line, at: Standing) -> None:
    """What one line's edit comes to; a kit's is its components', a kit at a time."""
    parts = [x for x in at.lines if x.kit_line_id == line.id] if line.is_kit else [line]
    each = {part.id: part.quantity // line.quantity for part in parts}
    now = min(at.live.get(part.id, 0) // each[part.id] for part in parts)
    more = 0 if change.quantity is None else change.quantity - now
    if more < 0 and not _is_barred(found, f"{path}/quantity", Change.FEWER, at):
        _fewer(found, path, {part.id: -more * each[part.id] for part in parts}, at)
    if more > 0 and not now:
        # What was removed bears no price any more, and what was cancelled its share of the order's charges.
        message = "nothing is left of this line: add a new one instead"
        found.refused.append(Fault(f"{path}/quantity", "line_over", message))
    elif more > 0 and _judge(found, f"{path}/quantity", Change.MORE, at) is Verdict.ALLOW:
        found.more += [More(path=path, line=part, units=more * each[part.id]) for part in parts]
    if change.prices:
        _judge(found, path, Change.MONEY, at)
    if change.node_code is not None:
        _judge(found, f"{path}/node", Change.NODE, at)
        found.nodes |= {part.id: change.node_code for part in (line, *parts)}
    smaller = more < 0 and verdict(Change.FEWER, highest=at.highest, begun=at.begun) is Verdict.ALLOW
    if smaller and change.quantity == 0:
        found.values[line.id] = _of_nothing(line)
    elif smaller or more > 0 or change.prices:
        _worth(found, path, _values(change, line, more if smaller else max(more, 0)), line)
        found.shed |= {part.id: -more * each[part.id] for part in parts} if smaller else {}


def _fewer(found: Plan, path: str, units: Mapping[UUID, int], at: Standing) -> None:
    if any(n > at.open_.get(line, 0) for line, n in units.items()):
        found.refused.append(Fault(f"{path}/quantity", "shipped", _SHIPPED[Change.FEWER]))
    else:
        found.fewer |= units


def _of_nothing(line: Line) -> LineDraft:
    """A removed line: its units stay on it, cancelled, and it costs nothing and bears nothing of the order's charges."""
    return LineDraft(
        sku=line.sku,
        quantity=line.quantity,
        unit_price=line.unit_price,
        discount=line.unit_price * line.quantity,
        name=line.name,
    )


def _values(change: LineEdit, line: Line, more: int) -> LineDraft:
    """The line as a whole, units cancelled before included. Its tax goes with its quantity, its discount as far as its price."""
    quantity = line.quantity + more
    unit_price = line.unit_price if change.unit_price is None else change.unit_price
    tax = (line.tax * quantity * 2 + line.quantity) // (2 * line.quantity)
    return LineDraft(
        sku=line.sku,
        quantity=quantity,
        unit_price=unit_price,
        discount=min(line.discount, unit_price * quantity) if change.discount is None else change.discount,
        tax=tax if change.tax is None else change.tax,
        name=line.name,
    )


def _worth(found: Plan, path: str, values: LineDraft, line: Line) -> None:
    if values.discount > values.unit_price * values.quantity:
        message = "the discount is more than the line's price"
        found.wrong.append(Fault(f"{path}/discount", "more_than_price", message))
    found.values[line.id] = values


def _is_barred(found: Plan, path: str, change: Change, at: Standing) -> bool:
    if _column(at.highest) < (first := at.barred.get(change, len(STAGES))):
        return False
    message = (
        f"the channel's rules leave it as it is once the order is {RULED_FROM[first]}: ask somebody who may"
    )
    found.refused.append(Fault(path, "by_rule", message))
    return True


def _judge(found: Plan, path: str, change: Change, at: Standing) -> Verdict:
    """Ask the matrix, and note what it forbids: whoever must let go first is a way out, not a wait."""
    if _is_barred(found, path, change, at):
        return Verdict.REFUSE
    said = verdict(change, highest=at.highest, begun=at.begun)
    if said is Verdict.REFUSE:
        found.refused.append(Fault(path, "shipped", _SHIPPED[change]))
    elif said is Verdict.REQUEST:
        found.refused.append(Fault(path, "node_has_begun", _BEGUN))
    found.replan |= said is Verdict.REPLAN
    return said
