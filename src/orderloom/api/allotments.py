"""What channels may claim: allotments, safety stock by rule, and what each may sell now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from orderloom import catalog, network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, wrong
from orderloom.api.supply_shapes import PromisableOut
from orderloom.api.wire import (
    Code,
    In,
    Limit,
    Moment,
    Out,
    Page,
    SafetyRuleId,
    Versioned,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.inventory.allotting import Allotment, SafetyRule
from orderloom.inventory.availability import Offer
from orderloom.inventory.store import allotments as store
from orderloom.journey import limiting
from orderloom.journey.limiting import TooMuch
from orderloom.journey.offering import expected, offers, open_to, standing
from orderloom.network.model import Channel
from orderloom.plumbing.database import Row

routes = Routes("inventory")
_FIRST = UUID(int=0)
Several = Annotated[list[Code], Query(min_length=1, max_length=200)]

# --- allotments -----------------------------------------------------------------------------------------------


class AllotmentIn(In):
    """Part of a SKU set aside for a channel: fixed units, or a share of all there is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"units": 40}, {"permille": 300, "takes_shared": False}]}
    )
    units: Whole | None = None
    permille: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = Field(
        default=None, description="Its share, in thousandths, of what there is and was sold since it was set"
    )
    takes_shared: bool = Field(
        default=True, description="May claim of what nobody set aside, once its own is used up"
    )
    ends_at: Moment | None = Field(default=None, description="From then on what is unused is everybody's")
    afresh: bool = Field(default=False, description="Forget what the channel has drawn on it so far")

    @model_validator(mode="after")
    def _one_kind(self) -> AllotmentIn:
        if self.units is not None and self.permille is not None:
            raise PydanticCustomError(
                "two_kinds", "set `units` or `permille`, not both", {"code": "two_kinds"}
            )
        return self


class AllotmentOut(Versioned):
    """A channel's part of a SKU, and how it stands."""

    sku: str
    channel: str
    kind: str = Field(description="`fixed`, `share`, or `none`")
    units: int | None
    permille: int | None
    takes_shared: bool
    ends_at: AwareDatetime | None
    ended: bool
    drawn: int = Field(description="Claimed since it was set, net of what was given back")
    unused: int = Field(description="Set aside and not drawn; cut when there is less than all have set aside")
    shared: int = Field(description="What nobody has set aside")

    @classmethod
    def of(cls, found: Allotment, channel: str, offer: Offer | None) -> Self:
        given = {name: getattr(found, name) for name in cls.model_fields if hasattr(found, name)}
        return cls(
            **given,
            channel=channel,
            unused=(offer.own or 0) if offer else 0,
            shared=(offer.shared or 0) if offer else 0,
        )


@routes.put("/inventory/allotments/{sku}/{channel}", scope="inventory:write", dry_run=True)
async def put_allotment(call: Here, sku: Code, channel: Code, body: AllotmentIn) -> AllotmentOut:
    """Set part of a SKU aside for a channel"""
    key = await _channel(call, channel)
    if not await limiting.stocked_itself(call.db, sku=sku):
        raise not_found("item that is stocked itself")
    before = await store.of(call.db, skus=[sku], channels=[key])
    call.expect(before[0].version if before else 0)
    said = await limiting.allot(
        call.db,
        sku=sku,
        channel_id=key,
        units=body.units,
        permille=body.permille,
        takes_shared=body.takes_shared,
        ends_at=body.ends_at,
        afresh=body.afresh,
    )
    if isinstance(said, TooMuch):
        raise wrong(
            "/permille", "too_much", f"other channels' shares leave {said.permille_left} thousandths of {sku}"
        )
    [out] = await _shown(call, [said])
    return out


@routes.get("/inventory/allotments", scope="inventory:read", refuses=(404,))
async def list_allotments(
    call: Here,
    *,
    sku: Code | None = None,
    channel: Code | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[AllotmentOut]:
    """Allotments by SKU and channel"""
    begin = place(after, str, str) or ("", "")
    channels = call.scope.channels if channel is None else [await _channel(call, channel)]
    found = await store.page(call.db, sku=sku, channels=channels, after=(begin[0], begin[1]), limit=limit + 1)
    more = len(found) > limit
    last = cursor(found[limit - 1].sku, found[limit - 1].channel_id) if more else None
    return Page(data=await _shown(call, found[:limit]), after=last)


@routes.get("/inventory/allotments/{sku}/{channel}", scope="inventory:read")
async def get_allotment(call: Here, sku: Code, channel: Code) -> AllotmentOut:
    """One channel's part of a SKU"""
    found = await store.of(call.db, skus=[sku], channels=[await _channel(call, channel)])
    if not found:
        raise not_found("allotment")
    [out] = await _shown(call, found)
    return out


@routes.delete("/inventory/allotments/{sku}/{channel}", scope="inventory:write", refuses=(404,))
async def delete_allotment(call: Here, sku: Code, channel: Code) -> None:
    """Take a channel's part of a SKU away"""
    if not await limiting.unallot(call.db, sku=sku, channel_id=await _channel(call, channel)):
        raise not_found("allotment")


async def _shown(call: Call, found: Sequence[Allotment]) -> list[AllotmentOut]:
    rows = await standing(call.db, allotments=found, within=call.scope.nodes)
    return [AllotmentOut.of(row.allotment, row.channel, row.offer) for row in rows]


async def _channel(call: Call, code: str) -> UUID:
    """The channel's id. Raises Problem 404, out of the key's reach included."""
    found = [
        key for key in await network.channels_of(call.db, codes=[code]) if call.credential.sees(channel=key)
    ]
    if not found:
        raise not_found("channel")
    return found[0]


# --- safety stock by rule -------------------------------------------------------------------------------------


class SafetyRuleIn(In):
    """Units never offered: at every node and of every SKU that it does not leave out. What names more is stronger."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"units": 2}, {"units": 5, "channel": "web", "sku": "MUG-BLUE"}]}
    )
    units: Whole
    channel: Code | None = Field(
        default=None,
        description="For that channel alone, on top of the others. Without a node its units are of the whole network",
    )
    node: Code | None = None
    sku: Code | None = None


class SafetyRulesIn(In):
    """Up to 200 rules; one that names the same as another takes its place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rules": [{"units": 2, "sku": "MUG-BLUE"}]}]})
    rules: Annotated[list[SafetyRuleIn], Field(min_length=1, max_length=200)]


class StoredRuleOut(Out):
    """A rule in force."""

    id: SafetyRuleId
    units: int
    channel: str | None
    node: str | None
    sku: str | None
    source: str = Field(description="`set` by somebody, or `computed` from a target risk")
    basis: dict[str, Any] | None = Field(description="What a computed one was computed from")
    updated_at: AwareDatetime


class StoredRulesOut(Out):
    """The rules just set."""

    rules: list[StoredRuleOut]


@routes.post("/inventory/safety-rules", scope="inventory:write", key="required", dry_run=True)
async def put_safety_rules(call: Here, body: SafetyRulesIn) -> StoredRulesOut:
    """Set safety stock by channel, node, SKU, or any mix of them"""
    ids = await limiting.secure(call.db, rules=await _rules(call, body.rules))
    return StoredRulesOut(rules=await _told(call, await store.rules_of(call.db, ids)))


@routes.get("/inventory/safety-rules", scope="inventory:read")
async def list_safety_rules(
    call: Here, *, sku: Code | None = None, limit: Limit = 50, after: str | None = None
) -> Page[StoredRuleOut]:
    """Safety rules, the oldest first"""
    begin = place(after, UUID) or (_FIRST,)
    rows = await store.rules(call.db, after=begin[0], limit=limit + 1, sku=sku, channels=call.scope.channels)
    return page_of(await _told(call, rows), limit, lambda rule: cursor(rule.id))


@routes.delete("/inventory/safety-rules/{rule_id}", scope="inventory:write", refuses=(404,))
async def delete_safety_rule(call: Here, rule_id: SafetyRuleId) -> None:
    """Take a rule away: the next strongest holds from now on"""
    rows = await store.rules_of(call.db, [rule_id])
    if not rows or not call.credential.covers(channel=rows[0]["channel_id"], node=rows[0]["node_id"]):
        raise not_found("safety rule")
    await limiting.unsecure(call.db, ids=[rule_id])


async def _rules(call: Call, given: Sequence[SafetyRuleIn]) -> list[SafetyRule]:
    """By ids. Raises Problem with all that is unknown."""
    channels = {c.code: c.id for c in (await network.channels_of(call.db)).values()}
    nodes = {n.code: n.id for n in (await network.nodes_of(call.db)).values()}
    items = await catalog.items_of(call.db, skus={rule.sku for rule in given if rule.sku})
    faults = []
    found: dict[tuple[UUID | None, UUID | None, str | None], SafetyRule] = {}
    for i, rule in enumerate(given):
        channel = channels.get(rule.channel) if rule.channel else None
        node = nodes.get(rule.node) if rule.node else None
        known = (("channel", rule.channel, channel), ("node", rule.node, node))
        faults += [
            Fault(f"/rules/{i}/{field}", f"unknown_{field}", f"no {field} {code!r}: correct the code")
            for field, code, key in known
            if code is not None and (key is None or not call.credential.sees(**{field: key}))
        ]
        if rule.sku is not None and rule.sku not in items:
            faults.append(Fault(f"/rules/{i}/sku", "unknown_sku", f"no item {rule.sku!r} in the catalogue"))
        if not call.credential.covers(channel=channel, node=node):
            faults.append(
                Fault(f"/rules/{i}", "limited_credential", "name a channel or node within the key's limits")
            )
        found[channel, node, rule.sku] = SafetyRule(
            units=rule.units, channel_id=channel, node_id=node, sku=rule.sku
        )
    if faults:
        raise invalid(faults)
    return list(found.values())


async def _told(call: Call, rows: Sequence[Row]) -> list[StoredRuleOut]:
    channels = {c.id: c.code for c in (await network.channels_of(call.db)).values()}
    nodes = {n.id: n.code for n in (await network.nodes_of(call.db)).values()}
    return [
        StoredRuleOut(
            id=row["id"],
            units=row["units"],
            channel=channels.get(row["channel_id"]),
            node=nodes.get(row["node_id"]),
            sku=row["sku"],
            source=row["source"],
            basis=row["basis"],
            updated_at=row["updated_at"],
        )
        for row in rows
    ]


# --- what may be sold now -------------------------------------------------------------------------------------


class NodeUnits(Out):
    """What a node could give the channel."""

    node: str
    quantity: int


class OfferOut(Out):
    """What a channel may sell of a SKU now. Reading promises nothing; a reservation or an order does."""

    sku: str
    channel: str
    quantity: int
    own: int | None = Field(
        description="Set aside for the channel and unused; null when the SKU is not allotted"
    )
    shared: int | None = Field(description="What nobody has set aside")
    safety: int = Field(description="The channel's own safety stock of the whole network, taken off")
    awaiting: int = Field(description="Units of orders accepted and not yet supplied, taken off")
    nodes: list[NodeUnits] = Field(default=[], description="With `detail=true`, before the channel's limits")
    by_date: list[PromisableOut] = Field(
        default=[],
        description="With `detail=true`: from each moment on so many in all, with what is on its way to the "
        "channel's nodes and nobody waits for; orders take of it where the item may be sold ahead",
    )


class OffersOut(Out):
    """By SKU and channel."""

    offers: list[OfferOut]
    unknown: list[str] = Field(description="What was asked for and is no active item")


@routes.get("/inventory/availability", scope="inventory:read", lane="storefront", refuses=(404,))
async def get_availability(
    call: Here,
    *,
    sku: Several,
    channel: Code | None = None,
    detail: Annotated[bool, Query(description="What each node could give, and how many by when")] = False,
) -> OffersOut:
    """What channels may sell of up to 200 SKUs or kits now, and by when more"""
    channels = call.scope.channels if channel is None else [await _channel(call, channel)]
    items = await catalog.items_of(call.db, skus=set(sku))
    known = sorted(sku for sku, item in items.items() if item.active)
    found = await offers(call.db, skus=known, channels=channels, within=call.scope.nodes)
    asked = await network.channels_of(call.db, ids=channels)
    details = await _details(call, found, asked) if detail else {}
    told = [_offer(key[1], asked[key[0]].code, offer, **details.get(key, {})) for key, offer in found.items()]
    told.sort(key=lambda x: (x.sku, x.channel))
    return OffersOut(offers=told, unknown=sorted(set(sku).difference(known)))


async def _details(
    call: Call, found: Mapping[tuple[UUID, str], Offer], channels: Mapping[UUID, Channel]
) -> dict[tuple[UUID, str], dict[str, Any]]:
    """By offer: what each node could give, and how many may be sold by when."""
    every = await network.nodes_of(call.db)
    nodes = {n: node for n, node in every.items() if call.credential.sees(node=n)}
    more = await expected(call.db, skus={sku for _, sku in found}, now=call.now)
    details = {}
    for (channel, sku), offer in found.items():
        days = more.by_date(open_to(channels[channel], nodes), sku, offer, now=call.now)
        details[channel, sku] = {
            "nodes": [
                NodeUnits(node=nodes[n].code, quantity=units)
                for n, units in offer.by_node.items()
                if n in nodes
            ],
            "by_date": [PromisableOut(at=day.at, units=day.units) for day in days],
        }
    return details


def _offer(sku: str, channel: str, offer: Offer, **details: Any) -> OfferOut:
    return OfferOut(
        sku=sku,
        channel=channel,
        quantity=offer.quantity,
        own=offer.own,
        shared=offer.shared,
        safety=offer.safety,
        awaiting=offer.awaiting,
        **details,
    )
