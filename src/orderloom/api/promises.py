"""Promises: the date an order would have and those it has had, how well dates are kept and what was learnt tells them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, Field, StringConstraints

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault as Wrong
from orderloom.api.problems import invalid, not_found
from orderloom.api.wire import Code, OrderId, Out, ReservationId
from orderloom.insight import deliveries
from orderloom.insight.order_promise import order_promise
from orderloom.inventory import reservations
from orderloom.inventory.keeping import Reservation
from orderloom.journey import promising
from orderloom.network.calendar import zone
from orderloom.network.model import Channel
from orderloom.network.places import located
from orderloom.terms import Address

routes = Routes("promises")
WEEKS = 12
LINES_MOST = 100
UNITS_MOST = 10_000
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Short = Annotated[str, StringConstraints(max_length=40, pattern=r"^[^\x00]*$")]


class WhyOut(Out):
    """What a date follows from."""

    node: str
    carrier: str
    service: str
    order_by: AwareDatetime = Field(
        description="An order placed until then is handed over at the same cut-off"
    )
    ship_by: AwareDatetime = Field(description="The cut-off at which it is handed over")
    arrives_on: date = Field(description="The day of arrival by the contract")
    due_on: date = Field(description="The day by which it is there with the confidence asked")
    probability: float | None = Field(
        description="The chance that it is there by then; null: nothing was learnt"
    )
    confidence: int = Field(description="Permille, the channel's")
    learnt: int | None = Field(description="The version of what was learnt")

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> WhyOut | None:
        return None if told is None else cls(**{name: told.get(name) for name in cls.model_fields})


class LevelOut(Out):
    """The promise of one speed."""

    service_level: str
    promise_at: AwareDatetime | None
    promised_on: date | None = Field(description="Its day in `time_zone`")
    since: AwareDatetime | None = Field(
        description="A later moment that it counts from, such as a day of sale"
    )
    why: WhyOut | None = Field(description="Null: the channel's own days, since no contract goes there")


class LackingOut(Out):
    """What there is not enough of."""

    sku: str
    expected_at: AwareDatetime | None = Field(
        description="When more comes that nobody waits for, where known"
    )


class PromisesOut(Out):
    """What an order placed now would be promised, by speed, the soonest first; none while something is short."""

    channel: str
    time_zone: str = Field(description="The buyer's, whose days count")
    promises: list[LevelOut]
    short: list[LackingOut]


@routes.get("/promises", scope="inventory:read", lane="storefront", refuses=(404,))
async def ask_promises(
    call: Here,
    *,
    channel: Code,
    sku: Annotated[list[Code], Query(min_length=1, max_length=LINES_MOST)],
    quantity: Annotated[
        list[Annotated[int, Field(ge=1, le=UNITS_MOST)]],
        Query(max_length=LINES_MOST, description="One for each `sku`, in their order; left out: one of each"),
    ] = [],  # noqa: B006 - a query parameter's default
    postcode: Short = "",
    region: Annotated[Short, Query(description="The state, told apart by what was learnt")] = "",
    country: Country = "US",
    residential: bool = True,
    service_level: Annotated[Code | None, Query(description="One speed only")] = None,
    reservation_id: Annotated[
        ReservationId | None, Query(description="The cart whose kept units these are")
    ] = None,
) -> PromisesOut:
    """By when an order placed now is there: for a product page, a cart, a checkout; the date that capture would bind"""
    seller = await _seller(call, channel)
    _check(seller, sku, quantity, service_level)
    to = Address(postcode=postcode, region=region, country=country, residential=residential)
    lines: dict[str, int] = {}
    for each, many in zip(sku, quantity or [1] * len(sku), strict=True):
        lines[each] = lines.get(each, 0) + many
    answer = await promising.ask(
        call.db,
        channel=seller,
        lines=lines,
        to=to,
        levels=[service_level] if service_level else list(seller.promise_days),
        now=call.now,
        reservation=await _cart(call, seller, reservation_id) if reservation_id else None,
    )
    if isinstance(answer, tuple):
        raise invalid([Wrong("/sku", "unknown_sku", f"no active item {each!r}", "query") for each in answer])
    place = located(to)
    here = place.time_zone if place else "UTC"
    return PromisesOut(
        channel=seller.code,
        time_zone=here,
        promises=[
            LevelOut(
                service_level=level,
                promise_at=one.at,
                promised_on=one.at.astimezone(zone(here)).date() if one.at else None,
                since=one.ready_at,
                why=WhyOut.of(one.why),
            )
            for level, one in answer.levels.items()
        ],
        short=[LackingOut(sku=each, expected_at=at) for each, at in sorted(answer.short.items())],
    )


def _check(seller: Channel, skus: list[str], quantities: list[int], level: str | None) -> None:
    faults = []
    if quantities and len(quantities) != len(skus):
        faults.append(Wrong("/quantity", "wrong_length", "give one for each `sku`, or none", "query"))
    if level is not None and level not in seller.promise_days:
        known = ", ".join(sorted(seller.promise_days))
        faults.append(
            Wrong("/service_level", "unknown_value", f"{seller.code} has {known or 'none'}", "query")
        )
    if faults:
        raise invalid(faults)


async def _seller(call: Call, code: str) -> Channel:
    """The active channel. Raises Problem 404, out of the key's reach included."""
    for channel in (await network.channels_of(call.db, codes=[code])).values():
        if channel.active and call.credential.sees(channel=channel.id):
            return channel
    raise not_found("channel")


async def _cart(call: Call, seller: Channel, key: ReservationId) -> Reservation:
    found = (await reservations.of(call.db, keys=[key])).get(key)
    if found is None or found.channel_id != seller.id:
        raise not_found("reservation")
    return found


class MovedOut(Out):
    """A date that took another's place."""

    was: AwareDatetime
    promise_at: AwareDatetime
    why: str
    slip: bool = Field(description="Work or a parcel came behind: the buyer was told, and it counts as late")
    made_at: AwareDatetime


class OrderPromiseOut(Out):
    """What the order is promised for, why, and each date that took another's place."""

    promise_at: AwareDatetime | None
    first_promise_at: AwareDatetime | None
    late: bool
    why: WhyOut | None = Field(description="Of the first date; null: the channel's, or its own days")
    moves: list[MovedOut]


@routes.get("/orders/{order_id}/promise", scope="orders:read")
async def get_order_promise(call: Here, order_id: OrderId) -> OrderPromiseOut:
    """The date an order is bound to, what it followed from at capture, and how it has moved"""
    await call.reach("order", order_id)
    found = await order_promise(call.db, order_id=order_id)
    if found is None:
        raise not_found("order")
    return OrderPromiseOut(
        promise_at=found.promise_at,
        first_promise_at=found.first_at,
        late=found.late,
        why=WhyOut.of(found.why),
        moves=[MovedOut(**{name: row[name] for name in MovedOut.model_fields}) for row in found.moves],
    )


class KeptOut(Out):
    """Orders promised for a week."""

    week: date = Field(description="Its Monday")
    promised: int
    kept: int = Field(description="There by the moment first promised")
    moved: int = Field(description="Bound to a later date, for work or a parcel came behind")
    mean_days: float = Field(description="From order to promise")


class LateServiceOut(Out):
    """Days after the contract's own by which a service's parcels are there."""

    service: str
    deliveries: int
    p50: int
    p80: int
    p95: int


class CalibrationOut(Out):
    """Promises kept, and what was learnt held against the weeks after it was. All empty where nothing was learnt."""

    kept: list[KeptOut]
    version: int | None = Field(description="Of what was learnt and is in use")
    learnt_at: AwareDatetime | None
    deliveries: int = Field(description="Shipments it was learnt from")
    services: list[LateServiceOut]
    weeks: list[dict[str, Any]] = Field(
        description="By week: shipments, coverage and pinball loss of P50, P80, P95, mean days late"
    )


@routes.get("/promises/calibration", scope="orders:read")
async def read_calibration(call: Here) -> CalibrationOut:
    """How well promises were kept in the last weeks, and how well what was learnt foretold it"""
    kept = await deliveries.kept_by_week(call.db, scope=call.scope, now=call.now, weeks=WEEKS)
    found = await deliveries.calibration(call.db)
    return CalibrationOut(
        kept=[
            KeptOut(
                week=one.week,
                promised=one.promised,
                kept=one.kept,
                moved=one.moved,
                mean_days=round(one.days, 2),
            )
            for one in kept
        ],
        version=found.version if found else None,
        learnt_at=found.learnt_at if found else None,
        deliveries=found.deliveries if found else 0,
        services=[
            LateServiceOut(**{name: getattr(one, name) for name in LateServiceOut.model_fields})
            for one in (found.services if found else ())
        ],
        weeks=list(found.weeks) if found else [],
    )
