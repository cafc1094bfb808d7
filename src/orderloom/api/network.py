"""Nodes and channels: put by code, read, listed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self, TypeAlias
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import PydanticCustomError

from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found
from orderloom.api.wire import (
    ADDRESS_EXAMPLE,
    COUNT_MOST,
    AddressIn,
    AddressOut,
    Amount,
    ChannelId,
    Code,
    Currency,
    In,
    Limit,
    NodeId,
    Out,
    Page,
    PlainJson,
    Text,
    Versioned,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.insight import catalogue_pages
from orderloom.journey import setup
from orderloom.journey.setup import Setup
from orderloom.network.model import Channel, Node
from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.database import Row
from orderloom.sync import availability
from orderloom.terms import Address

routes = Routes("network")
_ZONES = available_timezones()


def _zone(name: str) -> str:
    if name not in _ZONES:
        raise PydanticCustomError(
            "unknown_time_zone", "no time zone of that name: use IANA's, such as America/New_York"
        )
    return name


TimeZone = Annotated[str, Field(strict=True, max_length=64), AfterValidator(_zone)]
Clock = Annotated[str, Field(strict=True, pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["15:00"])]
Days = Annotated[int, Field(strict=True, ge=0, le=365)]
_NODE_EXAMPLE: dict[str, Any] = {
    "name": "East",
    "type": "fulfillment_center",
    "address": ADDRESS_EXAMPLE,
    "latitude": 39.96,
    "longitude": -83.0,
    "time_zone": "America/New_York",
    "cutoffs": {"*": "15:00"},
    "daily_capacity": 2000,
    "pick_cost": 150,
    "unit_cost": 20,
}


class NodeIn(In):
    """A node as it shall be. Costs are minor units a shipment and a unit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NODE_EXAMPLE]})
    name: Text
    type: Literal["fulfillment_center", "store", "third_party", "drop_ship", "virtual"]
    address: AddressIn
    time_zone: TimeZone
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    working_days: list[Annotated[int, Field(strict=True, ge=1, le=7)]] = Field(
        default=[1, 2, 3, 4, 5], max_length=7
    )
    holidays: list[date] = Field(default=[], max_length=400)
    cutoffs: dict[Code, Clock] = Field(default={}, description='By "carrier/service", "*" for all others')
    processing_hours: Annotated[int, Field(strict=True, ge=0, le=8760)] = 4
    daily_capacity: Whole | None = None
    pick_cost: Amount = 0
    unit_cost: Amount = 0
    ships_hazmat: bool = False
    services: Annotated[list[Code], Field(max_length=100)] | None = None
    channels: Annotated[list[Code], Field(max_length=1000)] | None = None
    groups: list[Code] = Field(default=[], max_length=100)
    active: bool = True

    def node(self, code: str) -> Node:
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        for name in ("working_days", "holidays", "groups", "services", "channels"):
            given[name] = None if given[name] is None else tuple(given[name])
        return Node(**{**given, "code": code, "address": self.address.address()})


class OutageOut(Out):
    """Why a node ships nothing for the time being, since when, and until when; null: until it is reopened."""

    because: str
    since: AwareDatetime
    reopens_at: AwareDatetime | None


class NodeOut(Versioned):
    """A place that holds stock and ships."""

    id: NodeId
    code: str
    name: str
    type: str
    address: AddressOut
    latitude: float | None
    longitude: float | None
    time_zone: str
    working_days: list[int]
    holidays: list[date]
    cutoffs: dict[str, str]
    processing_hours: int
    daily_capacity: int | None
    pick_cost: int
    unit_cost: int
    ships_hazmat: bool
    services: list[str] | None
    channels: list[str] | None
    groups: list[str]
    active: bool
    closed: OutageOut | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    supported_actions: list[str] = Field(description="What may be asked of it now; an open list")

    @classmethod
    def of(cls, row: Row) -> Self:
        outage = None
        if row["closed_since"]:
            outage = OutageOut(
                because=row["closed_because"], since=row["closed_since"], reopens_at=row["reopens_at"]
            )
        return cls(
            **{
                **dict(row),
                "address": AddressOut.of(Address.of(row["address"])),
                "closed": outage,
                "supported_actions": ["close", "reopen"] if outage else ["close"],
            }
        )


@routes.put("/nodes/{code}", scope="config:write", dry_run=True)
async def put_node(call: Here, code: Code, body: NodeIn) -> NodeOut:
    """Add a node, or make it so"""
    if call.if_match is not None:
        call.expect((await read_node(call, code)).version)
    await setup.put(call.db, wanted=Setup(nodes=[body.node(code)]))
    return await read_node(call, code)


@routes.get("/nodes", scope="config:read")
async def list_nodes(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[NodeOut]:
    """Nodes by code"""
    begin = place(after, str)
    rows = await catalogue_pages.nodes(
        call.db, scope=call.scope, after=begin[0] if begin else "", limit=limit
    )
    return page_of([NodeOut.of(row) for row in rows], limit, lambda node: cursor(node.code))


@routes.get("/nodes/{code}", scope="config:read")
async def get_node(call: Here, code: Code) -> NodeOut:
    """One node"""
    return await read_node(call, code)


async def read_node(call: Call, code: str) -> NodeOut:
    rows = await catalogue_pages.nodes(call.db, scope=call.scope, code=code)
    if not rows:
        raise not_found("node")
    return NodeOut.of(rows[0])


# --- channels -------------------------------------------------------------------------------------------------


class SplitPolicyIn(In):
    """How far an order may be split, and which nodes ship for the channel. What is left out sets no limit."""

    max_shipments: Annotated[int, Field(strict=True, ge=1, le=20)] = 4
    split_from: Amount | None = Field(
        default=None, description="An order whose goods are worth less goes out from one node or not at all"
    )
    groups: Annotated[list[Code], Field(max_length=100)] | None = Field(
        default=None, description="Only nodes in one of these groups"
    )
    types: list[Literal["fulfillment_center", "store", "third_party", "drop_ship", "virtual"]] | None = Field(
        default=None, max_length=5, description="Only nodes of one of these types"
    )
    stores_most: Annotated[int, Field(strict=True, ge=0, le=20)] | None = Field(
        default=None, description="Stores that one order may ship from"
    )
    store_units_most: Annotated[int, Field(strict=True, ge=0, le=COUNT_MOST)] | None = Field(
        default=None, description="Units that a store may ship of one order"
    )
    consolidate_day_cost: Amount | None = Field(
        default=None,
        description="Held for a rest on its way where that saves more than so much a day; left out, nothing is held",
    )


EditingRole: TypeAlias = Literal[
    "api_key", "owner", "admin", "operations_manager", "customer_service", "store_associate", "warehouse", "finance",
    "integrator", "auditor", "support",
]  # fmt: skip


class EditRuleIn(In):
    """A change that is refused once an order of the channel has come so far: stricter than the matrix, never looser."""

    change: Literal["raise", "lower", "address", "node", "price", "payment"]
    begin: Literal["created", "allocated", "released", "picking"] = Field(
        alias="from", description="The stage from which on it is refused"
    )
    roles: list[EditingRole] | None = Field(
        default=None, min_length=1, max_length=11, description="To whom; left out, to everybody"
    )


class ChannelIn(In):
    """A sales channel as it shall be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Web shop",
                    "type": "site",
                    "currency": "USD",
                    "edit_rules": [{"change": "price", "from": "released", "roles": ["customer_service"]}],
                }
            ]
        }
    )
    name: Text
    type: Literal["site", "marketplace", "store", "edi", "file"]
    currency: Currency
    time_zone: TimeZone = "UTC"
    on_shortage: Literal["refuse", "accept"] = "refuse"
    promise_days: dict[Code, Days] = Field(
        default={"standard": 5, "expedited": 2, "overnight": 1}, min_length=1
    )
    promise_confidence: Annotated[int, Field(strict=True, ge=500, le=999)] = Field(
        default=900, description="Permille of learnt dates that shall be kept"
    )
    split_policy: SplitPolicyIn = SplitPolicyIn()
    review_above: Amount | None = Field(
        default=None, description="Orders of more than this are held for review"
    )
    notices: list[Literal["email", "sms", "app"]] = Field(default=["email"], max_length=3)
    excluded_nodes: list[Code] = Field(
        default=[], max_length=1000, description="Codes of nodes whose stock is not for this channel"
    )
    availability_feed: PlainJson | None = Field(
        default=None,
        description="The adapter by which availability is pushed, and its settings; none: read by cursor",
    )
    edit_rules: list[EditRuleIn] = Field(
        default=[], max_length=100, description="What of its orders is not edited, from when on, and by whom"
    )
    active: bool = True

    def channel(self, code: str) -> Channel:
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        given |= {
            "split_policy": self.split_policy.model_dump(exclude_none=True),
            "notices": tuple(self.notices),
            "edit_rules": tuple(
                rule.model_dump(by_alias=True, exclude_none=True) for rule in self.edit_rules
            ),
        }
        given |= {"excluded_nodes": tuple(self.excluded_nodes)}
        return Channel(**given, code=code)


class ChannelOut(Versioned):
    """A way orders come in."""

    id: ChannelId
    code: str
    name: str
    type: str
    currency: str
    time_zone: str
    on_shortage: str
    promise_days: dict[str, int]
    promise_confidence: int
    split_policy: dict[str, Any]
    review_above: int | None
    notices: list[str]
    excluded_nodes: list[str]
    availability_feed: dict[str, Any] | None
    edit_rules: list[dict[str, Any]]
    active: bool
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**dict(row))


@routes.put("/channels/{code}", scope="config:write", dry_run=True)
async def put_channel(call: Here, code: Code, body: ChannelIn) -> ChannelOut:
    """Add a channel, or make it so"""
    if call.if_match is not None:
        call.expect((await _channel(call, code)).version)
    if body.availability_feed is not None:
        _check_feed(body.availability_feed)
    await setup.put(call.db, wanted=Setup(channels=[body.channel(code)]))
    return await _channel(call, code)


def _check_feed(feed: dict[str, Any]) -> None:
    try:
        wrong = availability.faults(feed)
    except NoSuchAdapter as unknown:
        wrong = [str(unknown)]
    if wrong:
        raise invalid([Fault("/availability_feed", "wrong_feed", problem) for problem in wrong])


@routes.get("/channels", scope="config:read")
async def list_channels(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[ChannelOut]:
    """Channels by code"""
    begin = place(after, str)
    rows = await catalogue_pages.channels(
        call.db, scope=call.scope, after=begin[0] if begin else "", limit=limit
    )
    return page_of([ChannelOut.of(row) for row in rows], limit, lambda channel: cursor(channel.code))


@routes.get("/channels/{code}", scope="config:read")
async def get_channel(call: Here, code: Code) -> ChannelOut:
    """One channel"""
    return await _channel(call, code)


async def _channel(call: Call, code: str) -> ChannelOut:
    rows = await catalogue_pages.channels(call.db, scope=call.scope, code=code)
    if not rows:
        raise not_found("channel")
    return ChannelOut.of(rows[0])
