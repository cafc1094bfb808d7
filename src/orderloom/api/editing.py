"""`POST /v1/orders/{id}/edit`: lines, address, speed, date, money and means of payment of an order after capture."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.capturing import refusal
from orderloom.api.door import Here, Routes
from orderloom.api.order_actions import expected
from orderloom.api.orders import OrderOut, read_order
from orderloom.api.problems import Fault, Problem, invalid, not_found, refused
from orderloom.api.wire import (
    ADDRESS_EXAMPLE,
    AddressIn,
    Code,
    Count,
    ExternalId,
    In,
    LineId,
    Moment,
    Money,
    OrderId,
    Out,
    Price,
    Reason,
    Text,
    Version,
    Whole,
)
from orderloom.journey import editing
from orderloom.journey.editing import CannotEdit, Edited
from orderloom.orders.editing import API_KEY, Added, Edit, LineEdit, Means
from orderloom.orders.model import Refused

routes = Routes("orders")
_LINES_AT_ONCE = 100


class LineEditIn(In):
    """A line as it is to be; what is left out stays. Money is of the whole line, units cancelled before included."""

    line_id: LineId
    quantity: Whole | None = Field(
        default=None, description="Units that are not cancelled: 0 removes the line; of a kit's line, kits"
    )
    unit_price: Price | None = None
    discount: Price | None = None
    tax: Price | None = Field(default=None, description="Left out, it grows with a raised quantity")
    node: Code | Literal[""] | None = Field(
        default=None, description="Code of the node that must ship it from now on; empty lets any"
    )


class AddedLineIn(In):
    """A line to add."""

    sku: Code
    quantity: Count
    unit_price: Price | None = Field(default=None, description="The catalogue's list price when left out")
    discount: Price | None = None
    tax: Price | None = None
    external_id: ExternalId | None = None
    name: Text | None = None
    node: Code | None = Field(default=None, description="Code of the node that must ship it")


class MeansIn(In):
    """What pays for the more that the edit comes to, or for all of it: a gateway's token, never a card."""

    gateway: Code = "sandbox"
    method: Code
    token: Annotated[str, Field(strict=True, min_length=1, max_length=255)]
    instead: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Pay by it all that is not charged yet: nothing more is charged by the tenders before it",
    )


class EditIn(In):
    """What is to change of an order; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"add": [{"sku": "MUG-BLUE", "quantity": 1}], "reason": "the buyer wants a mug with it"},
                {"ship_to": ADDRESS_EXAMPLE, "reason": "the buyer has moved"},
                {"promise_at": "2026-03-09T23:59:59-05:00", "reason": "wanted for the weekend after"},
                {
                    "tender": {"method": "card", "token": "tok_approve", "instead": True},
                    "reason": "another card",
                },
            ]
        }
    )
    lines: list[LineEditIn] = Field(default=[], max_length=_LINES_AT_ONCE)
    add: list[AddedLineIn] = Field(default=[], max_length=_LINES_AT_ONCE)
    ship_to: AddressIn | None = None
    service_level: Code | None = None
    promise_at: Moment | None = Field(default=None, description="By when it must be there instead")
    shipping: Price | None = None
    adjustment: Money | None = None
    tender: MeansIn | None = Field(
        default=None, description="Left out, the order's last tender is asked for what is owed on top"
    )
    reason: Reason
    expected_version: Version | None = None

    def edit(self) -> Edit:
        """In the domain's words."""
        return Edit(
            lines=tuple(
                LineEdit(
                    line_id=line.line_id,
                    quantity=line.quantity,
                    unit_price=_amount(line.unit_price),
                    discount=_amount(line.discount),
                    tax=_amount(line.tax),
                    node_code=line.node,
                )
                for line in self.lines
            ),
            add=tuple(
                Added(
                    sku=line.sku,
                    quantity=line.quantity,
                    unit_price=_amount(line.unit_price),
                    discount=_amount(line.discount) or 0,
                    tax=_amount(line.tax) or 0,
                    node_code=line.node,
                    external_id=line.external_id,
                    name=line.name,
                )
                for line in self.add
            ),
            ship_to=self.ship_to.address() if self.ship_to else None,
            service_level=self.service_level,
            promise_at=self.promise_at,
            shipping=_amount(self.shipping),
            adjustment=_amount(self.adjustment),
            tender=Means(**vars(self.tender)) if self.tender else None,
        )

    def other_currencies(self, currency: str) -> list[Fault]:
        """Amounts that are not of the order's currency."""
        found = {"/shipping": self.shipping, "/adjustment": self.adjustment}
        for name in ("unit_price", "discount", "tax"):
            found |= {f"/lines/{i}/{name}": getattr(line, name) for i, line in enumerate(self.lines)}
            found |= {f"/add/{i}/{name}": getattr(line, name) for i, line in enumerate(self.add)}
        return [
            Fault(f"{path}/currency", "wrong_currency", f"the order is in {currency}")
            for path, money in found.items()
            if money is not None and money.currency != currency
        ]


def _amount(money: Money | None) -> int | None:
    return money.amount if money else None


class HeldOut(Out):
    """Units of an item that are kept more, or fewer, at a node; without one, that wait for stock."""

    sku: str
    node: str | None
    units: int


class EditOut(Out):
    """What the edit did, or with `dry_run` would do."""

    total_before: Money
    total: Money
    owed_before: Money
    owed: Money = Field(description="What the units that are not cancelled come to")
    to_authorize: Money = Field(description="What a further tender is asked for")
    promise_at_before: AwareDatetime | None
    promise_at: AwareDatetime | None
    stock: list[HeldOut]
    requested: dict[str, int] = Field(description="Units by SKU that a node was asked to let go")
    replanned: bool = Field(description="Whether all of it goes back to be routed")
    order: OrderOut


@routes.post(
    "/orders/{order_id}/edit",
    scope="orders:write",
    key="required",
    dry_run=True,
    conditional=True,
    refuses=(409,),
)
async def edit_order_lines(call: Here, order_id: OrderId, body: EditIn) -> EditOut:
    """Change lines, their nodes, address, speed, date, money or means of an order, as far as its status allows"""
    order = await expected(call, order_id, body.expected_version)
    currency = order.total.currency
    if faults := body.other_currencies(currency):
        raise invalid(faults)
    outcome = await editing.edit(
        call.db, order_id=order_id, edit=body.edit(), reason=body.reason, role=API_KEY, now=call.now
    )
    if not isinstance(outcome, Edited):
        raise _refusal(outcome)
    return EditOut(
        total_before=Money.of(outcome.total[0], currency),
        total=Money.of(outcome.total[1], currency),
        owed_before=Money.of(outcome.owed[0], currency),
        owed=Money.of(outcome.owed[1], currency),
        to_authorize=Money.of(outcome.to_authorize, currency),
        promise_at_before=outcome.promise_at[0],
        promise_at=outcome.promise_at[1],
        stock=[HeldOut(sku=held.sku, node=held.node, units=held.units) for held in outcome.stock],
        requested=outcome.requested,
        replanned=outcome.replanned,
        order=await read_order(call, order_id),
    )


def _refusal(outcome: CannotEdit | Refused | None) -> Problem:
    if outcome is None:
        return not_found("order")
    if isinstance(outcome, Refused):
        return refusal(outcome)
    faults = [Fault(f.path, f.code, f.message) for f in outcome.faults]
    if outcome.wrong:
        return invalid(faults)
    detail = "; ".join(sorted({fault.message for fault in faults}))
    return refused("edit_refused", f"nothing was changed: {detail}", errors=faults)
