"""Orders coming in: `POST /v1/orders`, gathered into flights, and `POST /v1/orders/batch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from orderloom import network
from orderloom.api import gathering
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, Problem, faults_of, invalid, refused, wrong
from orderloom.api.wire import (
    ADDRESS_EXAMPLE,
    AddressIn,
    Code,
    Count,
    Currency,
    ExternalId,
    In,
    Moment,
    Money,
    OrderId,
    Out,
    RawOf,
    ReservationId,
    Text,
)
from orderloom.journey import placing
from orderloom.orders.capture import Raced
from orderloom.orders.model import LineDraft, OrderDraft, Placed, Refused, TenderDraft
from orderloom.plumbing.database import (
    Database,
    Db,
    Deadlock,
)
from orderloom.terms import wire

routes = Routes("orders")
BATCH_MOST = 100
EXAMPLE: dict[str, Any] = {
    "channel": "web",
    "external_id": "W-1001",
    "placed_at": "2026-03-02T15:04:05Z",
    "currency": "USD",
    "buyer": {"name": "Ada Buyer", "email": "ada@example.com", "notify": ["email"]},
    "ship_to": ADDRESS_EXAMPLE,
    "lines": [{"sku": "MUG-BLUE", "quantity": 2, "unit_price": {"amount": 1250, "currency": "USD"}}],
    "tenders": [{"method": "card", "token": "tok_approve", "amount": {"amount": 2500, "currency": "USD"}}],
    "total": {"amount": 2500, "currency": "USD"},
}


Notified: TypeAlias = Literal["email", "sms", "app"]


def _by_email() -> list[Notified]:
    # A list for each is made faster than one is copied deeply.
    return ["email"]


class BuyerIn(In):
    """Who buys, and how they want to hear of it."""

    id: ExternalId | None = Field(default=None, description="Opaque: the channel's own id of the buyer")
    name: Text = ""
    email: Annotated[str, Field(strict=True, max_length=320)] | None = None
    phone: Annotated[str, Field(strict=True, max_length=40)] | None = None
    notify: list[Notified] = Field(
        default_factory=_by_email, max_length=3, json_schema_extra={"default": ["email"]}
    )
    locale: Annotated[str, Field(strict=True, max_length=35)] = "en"


class LineIn(In):
    """One line of the cart. `discount` and `tax` are of the whole line."""

    sku: Code
    quantity: Count
    unit_price: Money
    discount: Money | None = None
    tax: Money | None = None
    external_id: ExternalId | None = None
    name: Text | None = None
    node: Code | None = Field(default=None, description="Code of the node that must ship it")


class TenderIn(In):
    """A means of payment and how much it pays: a gateway's token, never a card."""

    gateway: Code = "sandbox"
    method: Code
    token: Annotated[str, Field(strict=True, min_length=1, max_length=255)]
    amount: Money


class OrderIn(In):
    """An order as the channel took it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    channel: Code
    external_id: ExternalId = Field(
        description="The channel's own id: a repeat of it is a duplicate, never a second order"
    )
    placed_at: Moment
    currency: Currency
    buyer: BuyerIn
    ship_to: AddressIn
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=2000)]
    tenders: list[TenderIn] = Field(default=[], max_length=10)
    shipping: Money | None = None
    adjustment: Money | None = Field(default=None, description="A signed difference to the source's figures")
    total: Money | None = Field(default=None, description="What the cart showed; checked when given")
    service_level: Code = "standard"
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = 0
    tags: list[Code] = Field(default_factory=list, max_length=50, json_schema_extra={"default": []})
    promise_at: Moment | None = None
    decide_as_of: Moment | None = Field(default=None, description="For history: decide as of this moment")
    ship_complete: bool = False
    reservation_id: ReservationId | None = Field(
        default=None,
        description="The cart's reservation, whose units become the order's in the same moment",
    )

    @model_validator(mode="after")
    def _one_currency(self) -> OrderIn:
        amounts = [m for line in self.lines for m in (line.unit_price, line.discount, line.tax)]
        amounts += [self.shipping, self.adjustment, self.total, *(t.amount for t in self.tenders)]
        strange = {m.currency for m in amounts if m is not None} - {self.currency}
        if strange:
            raise PydanticCustomError(
                "mixed_currencies",
                "an order has one currency: it says {says}, amounts are in {found}",
                {"says": self.currency, "found": ", ".join(sorted(strange)), "code": "wrong_currency"},
            )
        return self

    def draft(self) -> OrderDraft:
        """As the domain takes it."""
        return OrderDraft(
            channel=self.channel,
            external_id=self.external_id,
            placed_at=self.placed_at,
            currency=self.currency,
            buyer={name: value for name, value in vars(self.buyer).items() if value is not None},
            ship_to=self.ship_to.address(),
            lines=tuple(_line(line) for line in self.lines),
            tenders=tuple(
                TenderDraft(method=t.method, token=t.token, amount=t.amount.amount, gateway=t.gateway)
                for t in self.tenders
            ),
            shipping=_amount(self.shipping),
            adjustment=_amount(self.adjustment),
            total=self.total.amount if self.total else None,
            service_level=self.service_level,
            priority=self.priority,
            tags=tuple(self.tags),
            promise_at=self.promise_at,
            decide_as_of=self.decide_as_of,
            ship_complete=self.ship_complete,
            reservation_id=self.reservation_id,
        )


def _line(line: LineIn) -> LineDraft:
    return LineDraft(
        sku=line.sku,
        quantity=line.quantity,
        unit_price=line.unit_price.amount,
        external_id=line.external_id,
        discount=_amount(line.discount),
        tax=_amount(line.tax),
        node_code=line.node,
        name=line.name,
    )


def _amount(money: Money | None) -> int:
    return money.amount if money else 0


class OrderReceipt(Out):
    """The order is stored and its stock is kept."""

    id: OrderId
    number: str
    external_id: str
    duplicate: bool = Field(description="It had been there before; this body was not applied")
    differs: Sequence[str] = Field(
        description="JSON Pointers where this body differs from the order already there"
    )
    reservation: str | None = Field(
        default=None,
        description="What became of the reservation named: `consumed`, or how it had ended before (its units were then "
        "taken of what is free). Open list",
    )


# --- one at a time, gathered ----------------------------------------------------------------------------------


Passenger: TypeAlias = gathering.Passenger[OrderDraft]


@routes.post(
    "/orders",
    scope="orders:write",
    gathered=True,
    status=201,
    lane="storefront",
    refuses=(409,),
    answers={200: "A duplicate: the order was there already"},
)
async def create_order(call: Here, body: OrderIn) -> OrderReceipt:
    """Take an order: validated, stored, its stock reserved, at once and whole"""
    draft = body.draft()
    if call.credential.limited:
        async with call.desk.database.transaction(readonly=True) as db:
            await _refuse_foreign_channel(db, call, [draft])
    passenger = gathering.Passenger(draft, call.actor, call.keyed, call.request_id)
    return await call.desk.captures.board(passenger)  # type: ignore[return-value]  # a Response is handed on as it is


def flights(database: Database) -> gathering.Gathered[OrderDraft]:
    """What single captures of an application gather in."""
    return gathering.flights(lambda passengers: _fly(database, passengers))


async def _fly(database: Database, passengers: Sequence[Passenger]) -> list[Response]:
    return await gathering.fly(database, passengers, _capture, again=(Raced, Deadlock), reserved=True)


async def _capture(db: Db, passengers: Sequence[Passenger]) -> list[Response]:
    outcomes = await placing.place(
        db, drafts=[p.draft for p in passengers], actors=[p.actor for p in passengers]
    )
    return [_answer(p, outcome) for p, outcome in zip(passengers, outcomes, strict=True)]


def _answer(passenger: Passenger, outcome: Placed | Refused) -> Response:
    if isinstance(outcome, Refused):
        return refusal(outcome).response(passenger.request_id)
    receipt = OrderReceipt.model_construct(
        id=outcome.order_id,
        number=outcome.number,
        external_id=passenger.draft.external_id,
        duplicate=outcome.duplicate,
        differs=outcome.differs,
        reservation=outcome.reservation,
    )
    headers = {"Location": f"/v1/orders/{wire('order', outcome.order_id)}"}
    return Response(receipt.model_dump_json(), 200 if outcome.duplicate else 201, headers, "application/json")


def refusal(outcome: Refused) -> Problem:
    faults = [Fault(f.path, f.code, f.message) for f in outcome.faults]
    if not outcome.short:
        return invalid(faults)
    return refused(
        "insufficient_stock",
        "there is not enough stock for this order: nothing was taken",
        errors=faults,
        available=[_left(outcome, sku) for sku in outcome.available],
    )


def _left(outcome: Refused, sku: str) -> dict[str, Any]:
    """What is left of a SKU, and when how many more come that nobody has a claim on; null when none are known."""
    at, units = outcome.coming.get(sku, (None, 0))
    return {
        "sku": sku,
        "available": outcome.available[sku],
        "next_at": at.isoformat() if at else None,
        "next_units": units,
    }


async def _refuse_foreign_channel(db: Db, call: Call, drafts: Sequence[OrderDraft]) -> None:
    """To a key limited to channels, the others do not exist."""
    if call.credential.nodes is not None:
        raise Problem(
            403, "limited_credential", "a key limited to nodes cannot take orders: use one without that limit"
        )
    found = await network.channels_of(db, codes={draft.channel for draft in drafts})
    seen = {channel.code for channel in found.values() if call.credential.sees(channel=channel.id)}
    for draft in drafts:
        if draft.channel not in seen:
            raise wrong(
                "/channel", "unknown_channel", f"no active channel {draft.channel!r}: correct the code"
            )


# --- up to a hundred, each with its own outcome ---------------------------------------------------------------


class OrderBatchIn(In):
    """Up to 100 orders; one bad one stops no other."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"orders": [EXAMPLE]}]})
    orders: Annotated[list[Annotated[Any, RawOf(OrderIn)]], Field(min_length=1, max_length=BATCH_MOST)]


class BatchFault(Out):
    """One thing wrong with one of the batch."""

    path: str
    code: str
    message: str


class OrderOutcome(Out):
    """What became of one order of the batch, by its place in it."""

    index: int
    status: int = Field(description="As `POST /v1/orders` would have answered")
    id: OrderId | None = None
    number: str | None = None
    external_id: str | None = None
    duplicate: bool = False
    differs: list[str] = Field(default=[])
    reservation: str | None = None
    code: str | None = None
    errors: list[BatchFault] = Field(default=[])


class OrderBatchOut(Out):
    """One outcome an order, in their order."""

    results: list[OrderOutcome]


@routes.post("/orders/batch", scope="orders:write", lane="bulk", dry_run=True)
async def create_orders(call: Here, body: OrderBatchIn) -> OrderBatchOut:
    """Take up to 100 orders in one transaction, each with its own outcome"""
    outcomes: dict[int, OrderOutcome] = {}
    drafts: dict[int, OrderDraft] = {}
    for i, raw in enumerate(body.orders):
        try:
            drafts[i] = OrderIn.model_validate(raw).draft()
        except ValidationError as error:
            faults = faults_of(error.errors(), whole=False)
            outcomes[i] = OrderOutcome(index=i, status=422, code="invalid", errors=batch_faults(faults))
    if call.credential.limited:
        await _refuse_foreign_channel(call.db, call, list(drafts.values()))
    placed = await placing.place(call.db, drafts=list(drafts.values())) if drafts else []
    for (i, draft), outcome in zip(drafts.items(), placed, strict=True):
        outcomes[i] = _outcome(i, draft, outcome)
    return OrderBatchOut(results=[outcomes[i] for i in sorted(outcomes)])


def _outcome(index: int, draft: OrderDraft, outcome: Placed | Refused) -> OrderOutcome:
    if isinstance(outcome, Refused):
        problem = refusal(outcome)
        return OrderOutcome(
            index=index,
            status=problem.status,
            external_id=draft.external_id,
            code=problem.code,
            errors=batch_faults(problem.errors),
        )
    return OrderOutcome(
        index=index,
        status=200 if outcome.duplicate else 201,
        id=outcome.order_id,
        number=outcome.number,
        external_id=draft.external_id,
        duplicate=outcome.duplicate,
        differs=list(outcome.differs),
        reservation=outcome.reservation,
    )


def batch_faults(faults: Sequence[Fault]) -> list[BatchFault]:
    return [BatchFault(path=f.path, code=f.code, message=f.message) for f in faults]
