"""What channels may sell: their feed, how far behind they are, their listings compared; and why a number is so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, refused, wrong
from orderloom.api.wire import Code, In, Limit, Out, Page, Whole, cursor, page_of, place
from orderloom.insight import availability_pages, why_stock
from orderloom.insight.why_stock import Why
from orderloom.journey import publishing_stock, securing
from orderloom.journey.securing import Asked, Proposal
from orderloom.plumbing.database import Db, Row
from orderloom.sync.feeds import over_http
from orderloom.sync.store import availability

routes = Routes("inventory")
WAIT_MOST_S = 30
LOOK_EVERY_S = 0.25
LAG_OF = timedelta(hours=24)
SAFETY_AT_ONCE = 200
OPEN = "Open list: accept values you do not know"

# --- the feed -------------------------------------------------------------------------------------------------


class AvailabilityOut(Out):
    """What the channel may sell of a SKU. Keep the version, and apply none that is not higher."""

    sku: str
    quantity: int
    version: int
    next_at: AwareDatetime | None = Field(description="When more is expected that nobody waits for")
    next_units: int
    changed_at: AwareDatetime


class AvailabilityFeedOut(Out):
    """A part of a channel's feed in commit order, each SKU once, at its newest."""

    data: list[AvailabilityOut]
    after: str = Field(description="Give it as `after` to read on; it stands still at the end of the feed")


@routes.get("/channels/{code}/availability", scope="inventory:read", own=True)
async def read_availability(
    call: Here,
    code: Code,
    *,
    after: Annotated[str | None, Query(max_length=400)] = None,
    wait: Annotated[int, Query(ge=0, le=WAIT_MOST_S, description="Seconds to wait for the first change")] = 0,
    limit: Limit = 50,
) -> AvailabilityFeedOut:
    """What a channel may sell, in commit order from a cursor; nothing is ever skipped"""
    begin = place(after, str, str) or ("0", "")
    if not begin[0].isascii() or not begin[0].isdigit() or int(begin[0]) >= 2**64:
        raise wrong(
            "/after", "wrong_cursor", "use the `after` of the page before as it stands", place="query"
        )
    async with call.desk.database.transaction(readonly=True) as db:
        channel = await _channel(db, call, code)
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        async with call.desk.database.transaction(readonly=True) as db:
            rows = await availability.feed(db, channel, xid=begin[0], sku=begin[1], limit=limit)
        if rows or loop.time() >= until:
            last = (rows[-1]["place"], rows[-1]["sku"]) if rows else begin
            return AvailabilityFeedOut(
                data=[AvailabilityOut(**_named(row, AvailabilityOut)) for row in rows], after=cursor(*last)
            )
        await asyncio.sleep(LOOK_EVERY_S)


class FeedStateOut(Out):
    """How a channel's feed fares. Lags are seconds from publishing to the channel's accepting, over 24 hours."""

    channel: str
    adapter: str | None
    skus: int
    sold_out: int
    waiting: int = Field(description="Numbers that the channel has not accepted yet")
    waiting_since: AwareDatetime | None
    pushed_at: AwareDatetime | None
    lag_p50: float | None
    lag_p95: float | None
    lag_most: float | None
    compared: int | None
    divergent: int | None
    repaired: int | None
    compared_at: AwareDatetime | None


@routes.get("/channels/{code}/availability/state", scope="inventory:read")
async def get_availability_state(call: Here, code: Code) -> FeedStateOut:
    """How far behind a channel is, and how its listing last compared"""
    await _channel(call.db, call, code)
    [row] = await availability_pages.channels(call.db, scope=call.scope, since=call.now - LAG_OF, code=code)
    return FeedStateOut(channel=row["code"], **_named(row, FeedStateOut))


class SecretOut(Out):
    """What the channel checks our signatures by (Standard Webhooks)."""

    channel: str
    secret: str


@routes.post("/channels/{code}/availability/secret", scope="config:write", refuses=(409,))
async def tell_availability_secret(call: Here, code: Code) -> SecretOut:
    """The secret that availability pushed over HTTP is signed with"""
    channel = await _channel(call.db, call, code)
    found = (await network.channels_of(call.db, ids=[channel]))[channel]
    feed = found.availability_feed or {}
    if feed.get("adapter") != "http":
        raise refused("no_secret", f"{code} is not told over HTTP: its feed has no secret")
    return SecretOut(channel=code, secret=over_http.configured().secret(code, key=int(feed.get("key", 1))))


# --- reconciliation -------------------------------------------------------------------------------------------


class DivergenceOut(Out):
    """A SKU of which the channel shows what it should not."""

    sku: str
    kind: str = Field(description="missing, stale, different, ahead, surplus. " + OPEN)
    ours: int | None
    theirs: int | None
    our_version: int | None
    their_version: int | None


class ReconciliationOut(Out):
    """How a channel's own listing compared with what it was told."""

    channel: str
    compared: int
    on_the_way: int = Field(description="Numbers pushed while the channel was asked: no divergence")
    divergent: int
    repaired: int = Field(description="Divergent numbers that are pushed again")
    kinds: dict[str, int]
    divergences: list[DivergenceOut] = Field(description="The first 200")
    begun_at: AwareDatetime
    ended_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{**_named(row, cls), **row["detail"]})


class AskedOut(Out):
    """A comparison that was asked for; what it finds stands in the channel's reconciliations."""

    channel: str
    status: str = Field(description=OPEN)


@routes.post("/channels/{code}/reconcile", scope="inventory:write", status=202, refuses=(409,))
async def reconcile_channel(call: Here, code: Code) -> AskedOut:
    """Compare a channel's own listing with what it was told, and have what diverges pushed again"""
    channel = await _channel(call.db, call, code)
    if not (await network.channels_of(call.db, ids=[channel]))[channel].availability_feed:
        raise refused("no_feed", f"{code} reads its availability by cursor: it has no listing to compare")
    await publishing_stock.ask_to_compare(call.db, channel_id=channel)
    call.headers["Location"] = f"/v1/channels/{code}/reconciliations?limit=1"
    return AskedOut(channel=code, status="due")


@routes.get("/channels/{code}/reconciliations", scope="inventory:read")
async def list_reconciliations(
    call: Here, code: Code, *, limit: Limit = 50, after: str | None = None
) -> Page[ReconciliationOut]:
    """How a channel's listing compared, newest first"""
    begin = place(after, UUID)
    rows = await availability_pages.reconciliations(
        call.db,
        channel=await _channel(call.db, call, code),
        before=begin[0] if begin else None,
        limit=limit,
    )
    keys = [row["id"] for row in rows]
    found = [ReconciliationOut.of(row) for row in rows]
    return page_of(found, limit, lambda _: cursor(keys[limit - 1]))


async def _channel(db: Db, call: Call, code: str) -> UUID:
    """The channel's id. Raises Problem 404 for none, or one outside the credential's limits."""
    for channel in (await network.channels_of(db, codes=[code])).values():
        if call.scope.channels is None or channel.id in call.scope.channels:
            return channel.id
    raise not_found("channel")


# --- why ------------------------------------------------------------------------------------------------------


class BucketOut(Out):
    """One bucket against the ledger's sum since the beginning."""

    name: str
    units: int
    by_ledger: int
    kinds: dict[str, int] = Field(description="Units by kind of movement")
    adds_up: bool


class ClaimOut(Out):
    """An order or cart that units are kept for. Reference and channel are null outside the key's channels."""

    type: str = Field(description="order, cart. " + OPEN)
    units: int
    status: str = Field(description=OPEN)
    priority: int | None
    since: AwareDatetime
    expires_at: AwareDatetime | None
    channel: str | None
    reference: str | None
    fulfillment: str | None


class ClaimsOut(Out):
    """Who a bucket's units are kept for: all of them counted, the first 100 named."""

    bucket: str
    units: int
    by_claims: int
    count: int
    claims: list[ClaimOut]
    adds_up: bool


class ComingOut(Out):
    """Units on their way."""

    kind: str = Field(description=OPEN)
    reference: str
    units: int
    due_at: AwareDatetime
    from_node: str | None


class SafetyRuleOut(Out):
    """The rule that the safety stock comes from."""

    units: int
    source: str = Field(description="set, computed. " + OPEN)
    of: str = Field(description="What the rule names: node and sku, sku, node, everything")
    basis: dict[str, Any] | None
    updated_at: AwareDatetime


class AllottedOut(Out):
    """Units set aside for a channel."""

    channel: str
    kind: str = Field(description=OPEN)
    units: int | None
    permille: int | None
    takes_shared: bool
    drawn: int
    ends_at: AwareDatetime | None


class StepOut(Out):
    """One step on the way to a number; a total is what the steps before it come to."""

    says: str
    units: int
    total: bool


class ChannelWhyOut(Out):
    """What a channel may sell of the SKU at all nodes, how that comes about, and what it was last told."""

    channel: str
    quantity: int
    steps: list[StepOut]
    published: int | None
    version: int | None
    changed_at: AwareDatetime | None
    accepted: bool | None
    adds_up: bool


class MovedOut(Out):
    """A movement of the ledger."""

    sequence: int
    kind: str = Field(description=OPEN)
    on_hand_delta: int
    reserved_delta: int
    allocated_delta: int
    damaged_delta: int
    quality_control_delta: int
    cause_type: str
    order_number: str | None
    actor: str
    reason: str | None
    moved_at: AwareDatetime


class WhyOut(Out):
    """All that explains the numbers of one SKU at one node, and whether it adds up."""

    node: str
    sku: str
    name: str
    balance: dict[str, int]
    available: int = Field(description="On hand, sellable and promised to nobody")
    to_promise: int = Field(description="Available, less safety stock, plus what may be sold ahead of supply")
    adds_up: bool
    buckets: list[BucketOut]
    claims: list[ClaimsOut]
    safety_rule: SafetyRuleOut | None
    on_order: list[ComingOut]
    in_transit: list[ComingOut]
    allotments: list[AllottedOut]
    channels: list[ChannelWhyOut]
    movements: list[MovedOut] = Field(description="The last 20")

    @classmethod
    def of(cls, found: Why) -> Self:
        return cls.model_validate(found, from_attributes=True)


@routes.get("/inventory/why", scope="inventory:read", refuses=(404,))
async def why_is_stock_so(call: Here, *, node: Code, sku: Code) -> WhyOut:
    """Why the numbers of a SKU at a node are what they are"""
    found = await why_stock.why(call.db, scope=call.scope, node=node, sku=sku)
    if found is None:
        raise not_found("node or item")
    return WhyOut.of(found)


# --- safety stock from risk -----------------------------------------------------------------------------------


class ComputeSafetyIn(In):
    """Which risk to keep to, and of which balances."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": 0.001, "node": "EAST"}]})
    target: float = Field(
        ge=0.000001, le=0.5, description="Chance of an oversell each time a SKU is sold down at a node"
    )
    node: Code | None = None
    skus: list[Code] | None = Field(default=None, max_length=500)
    lag_seconds: float | None = Field(
        default=None, gt=0, le=604_800, description="Age of a channel's number; measured when left out"
    )
    after: str | None = Field(default=None, max_length=400, description="`next_after` of the answer before")


class SafetyOut(Out):
    """What a balance should keep back, and what that was computed from."""

    node: str
    sku: str
    units: int
    was: int
    risk: float = Field(description="The chance that is left")
    kept: bool = Field(description="Somebody set a number for it, which is left as it is")
    basis: dict[str, Any]


class SafetyPageOut(Out):
    """The balances worked out by this call."""

    results: list[SafetyOut]
    changed: int = Field(description="Balances that keep another number from now on")
    next_after: str | None = Field(description="Call again with it as `after`; null when all are done")


@routes.post("/inventory/safety/compute", scope="inventory:write", key="required", dry_run=True)
async def compute_safety(call: Here, body: ComputeSafetyIn) -> SafetyPageOut:
    """Compute safety stock from a target risk, 200 balances a call, and put it in place"""
    nodes = {
        n.id: n.code for n in (await network.nodes_of(call.db)).values() if call.credential.sees(node=n.id)
    }
    wanted = [key for key, code in nodes.items() if body.node in (None, code)]
    if not wanted:
        raise invalid([Fault("/node", "unknown_node", f"no node {body.node!r}: correct the code")])
    asked = Asked(target=body.target, lag_s=body.lag_seconds, nodes=wanted, skus=body.skus)
    begin = place(body.after, UUID, str)
    found = await securing.propose(
        call.db,
        asked=asked,
        now=call.now,
        after=(begin[0], begin[1]) if begin else securing.FIRST,
        limit=SAFETY_AT_ONCE,
    )
    changed = await securing.apply(call.db, proposals=found)
    more = len(found) == SAFETY_AT_ONCE
    return SafetyPageOut(
        results=[_safety(nodes, each) for each in found],
        changed=changed,
        next_after=cursor(found[-1].node_id, found[-1].sku) if more else None,
    )


def _safety(nodes: dict[UUID, str], found: Proposal) -> SafetyOut:
    return SafetyOut(
        node=nodes[found.node_id],
        sku=found.sku,
        units=found.safety.units,
        was=found.was,
        risk=found.safety.risk,
        kept=found.by_hand,
        basis=found.safety.basis(),
    )


class AchievedOut(Out):
    """Computed rules of one target against what came of them since they were set."""

    target: float
    rules: Whole
    units: int
    risk: float = Field(description="The mean chance the rules left")
    exposures: int = Field(description="How often a balance was sold down to its safety stock")
    oversold: int = Field(
        description="How often a pick then missed units that the books had no spare ones for"
    )
    achieved: float | None = Field(description="Oversold of exposures; null before the first exposure")
    since: AwareDatetime


class SafetyReportOut(Out):
    """Target against achieved."""

    targets: list[AchievedOut]


@routes.get("/inventory/safety/report", scope="inventory:read")
async def report_safety(call: Here) -> SafetyReportOut:
    """What the computed safety stock was to achieve, and what it did"""
    rows = await securing.achieved(call.db, nodes=call.scope.nodes)
    return SafetyReportOut(
        targets=[
            AchievedOut(**row, achieved=row["oversold"] / row["exposures"] if row["exposures"] else None)
            for row in rows
        ]
    )


def _named(row: Row, model: type[Out]) -> dict[str, Any]:
    return {name: row[name] for name in model.model_fields if name in row.keys()}  # noqa: SIM118 - a Record
