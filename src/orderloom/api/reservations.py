"""Reservations: stock kept for a cart for a while. `POST /v1/orders` with `reservation_id` makes it the order's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, Problem, invalid, not_found, refused
from orderloom.api.wire import (
    Code,
    Count,
    ExternalId,
    In,
    Limit,
    OrderId,
    Out,
    Page,
    Reason,
    ReservationId,
    Versioned,
    cursor,
    page_of,
    place,
)
from orderloom.inventory import reservations
from orderloom.inventory.keeping import Lacking, Reservation
from orderloom.inventory.reservations import TTL_MOST_S, TTL_S, Ended, Made, NotKept
from orderloom.journey import carts
from orderloom.journey.carts import Wrong
from orderloom.plumbing.database import Db

routes = Routes("reservations")
# What every change of a reservation asks of those who call it.
_CHANGES: dict[str, Any] = {
    "scope": "orders:write", "key": "required", "lane": "storefront", "dry_run": True, "refuses": (409,)
}  # fmt: skip
Seconds = Annotated[int, Field(strict=True, ge=1, le=TTL_MOST_S)]
Policy = Annotated[
    Literal["all_or_nothing", "best_effort"],
    Field(description="`best_effort` keeps what there is, whole kits only, and names the short lines"),
]


class CartLineIn(In):
    """So many of an item; a kit is kept by its components."""

    sku: Code
    quantity: Count


CartLines = Annotated[list[CartLineIn], Field(min_length=1, max_length=500)]


def pairs(lines: Sequence[CartLineIn]) -> tuple[tuple[str, int], ...]:
    return tuple((line.sku, line.quantity) for line in lines)


class ExtendIn(In):
    """How long it shall live from now on; never shorter than it would have."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ttl_seconds": 900}]})
    ttl_seconds: Seconds = TTL_S


class ChangeIn(In):
    """All the lines the cart has now: more, fewer, others. What stays stays at its node."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"sku": "MUG-BLUE", "quantity": 3}]}]}
    )
    lines: CartLines
    ttl_seconds: Seconds | None = None
    policy: Policy = "all_or_nothing"


class LineMoveIn(In):
    """A line, by its position, and the node that shall keep all of it."""

    position: Annotated[int, Field(strict=True, ge=1, le=500)]
    node: Code


class MoveIn(In):
    """Lines to be kept elsewhere, say where the buyer picks them up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lines": [{"position": 1, "node": "EAST"}]}]})
    lines: Annotated[list[LineMoveIn], Field(min_length=1, max_length=500)]


class GiveUpIn(In):
    """Why it is given up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "cart emptied"}]})
    reason: Reason = "given up by the channel"


class CartLineOut(Out):
    """A line as it is kept."""

    position: int
    sku: str
    quantity: int


class CartUnitsOut(Out):
    """Units kept for a line at a node; of a kit, its components'."""

    position: int
    node: str
    sku: str
    quantity: int


class ShortLineOut(Out):
    """A line that is not kept as asked."""

    position: int
    sku: str
    asked: int
    available: int


class ReservationOut(Versioned):
    """Stock kept for a cart. Open, it keeps its units; consumed, cancelled or expired it is a record, for good."""

    id: ReservationId
    channel: str
    owner: str | None
    state: str = Field(description="`open`, `consumed`, `cancelled` or `expired`")
    expires_at: AwareDatetime
    order_id: OrderId | None = Field(description="The order that it became")
    lines: list[CartLineOut]
    units: list[CartUnitsOut]
    short: list[ShortLineOut] = Field(default=[], description="Lines not kept as just asked")
    supported_actions: list[str]
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, r: Reservation, names: Names, short: Sequence[Lacking] = ()) -> Self:
        return cls(
            id=r.id,
            version=r.version,
            channel=names.channels[r.channel_id],
            owner=r.owner,
            state=r.state,
            expires_at=r.expires_at,
            order_id=r.order_id,
            lines=[CartLineOut(position=x.position, sku=x.sku, quantity=x.quantity) for x in r.lines],
            units=[
                CartUnitsOut(position=u.position, node=names.nodes[u.node_id], sku=u.sku, quantity=u.quantity)
                for u in r.units
            ],
            short=short_lines(short),
            supported_actions=["extend", "change", "move", "cancel"] if r.state == "open" else [],
            created_at=r.created_at,
            updated_at=r.updated_at,
        )


def short_lines(lacking: Sequence[Lacking]) -> list[ShortLineOut]:
    return [
        ShortLineOut(position=x.position, sku=x.sku, asked=x.asked, available=x.available) for x in lacking
    ]


@dataclass(frozen=True, slots=True)
class Names:
    """Codes of nodes and channels by id."""

    nodes: Mapping[UUID, str]
    channels: Mapping[UUID, str]

    @classmethod
    async def read(cls, db: Db, found: Sequence[Reservation]) -> Self:
        nodes = await network.nodes_of(db, ids={unit.node_id for r in found for unit in r.units})
        channels = await network.channels_of(db, ids={r.channel_id for r in found})
        return cls({n.id: n.code for n in nodes.values()}, {c.id: c.code for c in channels.values()})


def problem_of(said: NotKept | Wrong | Ended) -> Problem:
    match said:
        case Wrong(faults):
            return invalid([Fault(f.path, f.code, f.message) for f in faults])
        case Ended(reservation):
            return refused(
                "illegal_transition",
                f"it is {reservation.state}, which is final: make another",
                supported_actions=[],
                state=reservation.state,
            )
        case NotKept(lacking, coming):
            return refused(
                "insufficient_stock",
                "there is not enough stock for this cart: nothing was kept, and nothing has changed",
                errors=[
                    Fault(
                        f"/lines/{x.position - 1}/quantity",
                        "insufficient_stock",
                        f"{x.available} of {x.sku} are left for this channel, {x.asked} were asked for",
                    )
                    for x in lacking
                ],
                available=[
                    {
                        "sku": x.sku,
                        "position": x.position,
                        "available": x.available,
                        "next_at": coming[x.sku][0].isoformat() if x.sku in coming else None,
                        "next_units": coming[x.sku][1] if x.sku in coming else 0,
                    }
                    for x in lacking
                ],
            )


# --- read and changed -----------------------------------------------------------------------------------------


@routes.get("/reservations", scope="orders:read")
async def list_reservations(
    call: Here,
    *,
    channel: Code | None = None,
    owner: ExternalId | None = None,
    state: Literal["open", "consumed", "cancelled", "expired"] | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[ReservationOut]:
    """Reservations, latest first"""
    if call.credential.nodes is not None:
        return Page(data=[], after=None)
    begin = place(after, UUID)
    seen = call.scope.channels
    if channel is not None:
        named = set(await network.channels_of(call.db, codes=[channel]))
        seen = sorted(named if seen is None else named & set(seen))
    found = await reservations.page(
        call.db,
        channels=seen,
        owner=owner,
        state=state,
        after=begin[0] if begin else None,
        limit=limit + 1,
    )
    names = await Names.read(call.db, found)
    return page_of([ReservationOut.of(r, names) for r in found], limit, lambda r: cursor(r.id))


@routes.get("/reservations/{reservation_id}", scope="orders:read")
async def get_reservation(call: Here, reservation_id: ReservationId) -> ReservationOut:
    """One reservation, with the units it keeps"""
    return await _shown(call, await _known(call, reservation_id))


@routes.post("/reservations/{reservation_id}/extend", **_CHANGES)
async def extend_reservation(call: Here, reservation_id: ReservationId, body: ExtendIn) -> ReservationOut:
    """Let it live longer"""
    found = await _known(call, reservation_id)
    return await _settled(call, await reservations.extend(call.db, key=found.id, ttl_s=body.ttl_seconds))


@routes.post("/reservations/{reservation_id}/change", **_CHANGES)
async def change_reservation(call: Here, reservation_id: ReservationId, body: ChangeIn) -> ReservationOut:
    """Keep these lines instead: grow, shrink, add, drop"""
    said = await carts.change(
        call.db,
        reservation=await _known(call, reservation_id),
        lines=pairs(body.lines),
        partly=body.policy == "best_effort",
        ttl_s=body.ttl_seconds,
        now=call.now,
    )
    return await _settled(call, said)


@routes.post("/reservations/{reservation_id}/move", **_CHANGES)
async def move_reservation(call: Here, reservation_id: ReservationId, body: MoveIn) -> ReservationOut:
    """Keep lines at another node, if it is open to the channel and has all of them"""
    said = await carts.relocate(
        call.db,
        reservation=await _known(call, reservation_id),
        moves={line.position: line.node for line in body.lines},
        now=call.now,
    )
    return await _settled(call, said)


@routes.post("/reservations/{reservation_id}/cancel", **_CHANGES)
async def cancel_reservation(call: Here, reservation_id: ReservationId, body: GiveUpIn) -> ReservationOut:
    """Give its units back now"""
    found = await _known(call, reservation_id)
    ended = await carts.cancel(call.db, reservation=found, reason=body.reason)
    now = await _known(call, reservation_id)
    if not ended:
        raise problem_of(Ended(now))
    return await _shown(call, now)


async def _known(call: Call, key: UUID) -> Reservation:
    found = (await reservations.of(call.db, keys=[key])).get(key)
    hidden = call.credential.nodes is not None
    if found is None or hidden or not call.credential.sees(channel=found.channel_id):
        raise not_found("reservation")
    return found


async def _shown(call: Call, found: Reservation, short: Sequence[Lacking] = ()) -> ReservationOut:
    return ReservationOut.of(found, await Names.read(call.db, [found]), short)


async def _settled(call: Call, said: Made | NotKept | Ended | Wrong) -> ReservationOut:
    if not isinstance(said, Made):
        raise problem_of(said)
    return await _shown(call, said.reservation, said.lacking)
