"""What channels may claim: allotments and how they stand, safety stock by rule, and what computed rules have achieved."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response

from orderloom import catalog, network
from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.inventory.allotting import SafetyRule
from orderloom.inventory.store import allotments as store
from orderloom.journey import limiting, securing
from orderloom.journey.limiting import TooMuch
from orderloom.journey.offering import standing
from orderloom.plumbing.database import Db

router = APIRouter()
May = Annotated[Visitor, Depends(needs("inventory:read"))]
MayWrite = Annotated[Visitor, Depends(needs("inventory:write"))]
Name = Annotated[str, Query(max_length=100)]
Given = Annotated[str, Form(max_length=100)]
Units = Annotated[int, Form(ge=0, le=1_000_000)]
PAGE = 50
DONE = {"set": "It holds from now on; channels are told.", "gone": "It holds no more; channels are told."}
FIRST = UUID(int=0)

# --- allotments -----------------------------------------------------------------------------------------------


@router.get("/inventory-allotments")
async def allotments(
    request: Request,
    who: May,
    sku: Name = "",
    channel: Name = "",
    after_sku: Name = "",
    after: UUID | None = None,
    did: str = "",
) -> Response:
    return await _allotments(request, who, sku, channel, (after_sku, str(after or "")), did=DONE.get(did))


async def _allotments(
    request: Request,
    who: Visitor,
    sku: str,
    channel: str,
    after: tuple[str, str] = ("", ""),
    **said: Any,
) -> Response:
    sku = sku.strip().replace("\0", "")
    async with reading(request) as db:
        channels = await _channels(db, who)
        wanted = [channels[channel]] if channel in channels else None if channel == "" else []
        found = await store.page(
            db,
            sku=sku or None,
            channels=who.scope.channels if wanted is None else wanted,
            after=after,
            limit=PAGE + 1,
        )
        rows = await standing(db, allotments=found[:PAGE], within=who.scope.nodes)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return page(
        request,
        "allotments.html",
        status=409 if said.get("problem") else 200,
        rows=rows,
        channels=sorted(channels),
        params={"sku": sku, "channel": channel if channel in channels else ""},
        more={"after_sku": last.sku, "after": last.channel_id} if last else None,
        first=after == ("", ""),
        **({"problem": "", "given": {}} | said),
    )


@router.post("/inventory-allotments")
async def allot(
    request: Request,
    who: MayWrite,
    sku: Given,
    channel: Given,
    kind: Annotated[Literal["fixed", "share", "none"], Form()],
    amount: Units = 0,
    shared: Annotated[Literal["yes", "no"], Form()] = "yes",
    afresh: Annotated[Literal["yes", "no"], Form()] = "no",
) -> Response:
    """Set part of a SKU aside for a channel; what stands in the way keeps what was typed."""
    problem, sku = "", sku.strip()
    async with changing(request, who) as db:
        channels = await _channels(db, who)
        if channel not in channels:
            raise HTTPException(404)
        if not await limiting.stocked_itself(db, sku=sku):
            problem = f"There is no item {sku} that is stocked itself: look it up under Stock."
        elif kind == "share" and amount > 100:
            problem = "A share is at most 100 %."
        else:
            said = await limiting.allot(
                db,
                sku=sku,
                channel_id=channels[channel],
                units=amount if kind == "fixed" else None,
                permille=amount * 10 if kind == "share" else None,
                takes_shared=shared == "yes",
                afresh=afresh == "yes",
            )
            if isinstance(said, TooMuch):
                problem = f"The shares of other channels leave {said.permille_left / 10:g} % of {sku}."
    if problem:
        given = {"sku": sku, "channel": channel, "kind": kind, "amount": amount, "shared": shared}
        return await _allotments(request, who, "", "", problem=problem, given=given)
    return RedirectResponse(
        f"/console/inventory-allotments?{urlencode({'sku': sku, 'did': 'set'})}", status_code=303
    )


@router.post("/inventory-allotments/remove")
async def unallot(request: Request, who: MayWrite, sku: Given, channel: Given) -> Response:
    async with changing(request, who) as db:
        channels = await _channels(db, who)
        if channel not in channels or not await limiting.unallot(db, sku=sku, channel_id=channels[channel]):
            raise HTTPException(404)
    return RedirectResponse("/console/inventory-allotments?did=gone", status_code=303)


async def _channels(db: Db, who: Visitor) -> dict[str, UUID]:
    """The channels within the visitor's reach, by code."""
    found = (await network.channels_of(db)).values()
    return {c.code: c.id for c in found if who.credential.sees(channel=c.id)}


# --- safety stock ---------------------------------------------------------------------------------------------


@router.get("/inventory-safety")
async def safety(
    request: Request, who: May, sku: Name = "", after: UUID | None = None, did: str = ""
) -> Response:
    return await _safety(request, who, sku, after, did=DONE.get(did))


async def _safety(
    request: Request, who: Visitor, sku: str, after: UUID | None = None, **said: Any
) -> Response:
    sku = sku.strip().replace("\0", "")
    async with reading(request) as db:
        channels, nodes = await _channels(db, who), await _nodes(db, who)
        rules = await store.rules(
            db, after=after or FIRST, limit=PAGE + 1, sku=sku or None, channels=who.scope.channels
        )
        achieved = await securing.achieved(db, nodes=who.scope.nodes)
        names = {c.id: c.code for c in (await network.channels_of(db)).values()}
        names |= {n.id: n.code for n in (await network.nodes_of(db)).values()}
    return page(
        request,
        "safety.html",
        status=409 if said.get("problem") else 200,
        rows=rules[:PAGE],
        names=names,
        mine={r["id"] for r in rules if who.credential.covers(channel=r["channel_id"], node=r["node_id"])},
        achieved=achieved,
        channels=sorted(channels),
        nodes=sorted(nodes),
        params={"sku": sku},
        more=rules[PAGE - 1]["id"] if len(rules) > PAGE else None,
        first=after is None,
        **({"problem": "", "given": {}} | said),
    )


@router.post("/inventory-safety")
async def secure(
    request: Request,
    who: MayWrite,
    units: Units,
    sku: Given = "",
    node: Given = "",
    channel: Given = "",
) -> Response:
    """Set a rule; one that names the same is replaced."""
    problem, sku = "", sku.strip()
    async with changing(request, who) as db:
        channels, nodes = await _channels(db, who), await _nodes(db, who)
        rule = SafetyRule(
            units=units, channel_id=channels.get(channel), node_id=nodes.get(node), sku=sku or None
        )
        if (channel and channel not in channels) or (node and node not in nodes):
            raise HTTPException(404)
        if sku and sku not in await catalog.items_of(db, skus={sku}):
            problem = f"There is no item {sku}: look it up under Stock, or leave it empty for all items."
        elif not who.credential.covers(channel=rule.channel_id, node=rule.node_id):
            problem = "Name one of your own channels or nodes: your login is limited to them."
        else:
            await limiting.secure(db, rules=[rule])
    if problem:
        given = {"sku": sku, "node": node, "channel": channel, "units": units}
        return await _safety(request, who, "", problem=problem, given=given)
    return RedirectResponse("/console/inventory-safety?did=set", status_code=303)


@router.post("/inventory-safety/{key}/remove")
async def unsecure(request: Request, key: UUID, who: MayWrite) -> Response:
    async with changing(request, who) as db:
        rows = await store.rules_of(db, [key])
        if not rows or not who.credential.covers(channel=rows[0]["channel_id"], node=rows[0]["node_id"]):
            raise HTTPException(404)
        await limiting.unsecure(db, ids=[key])
    return RedirectResponse("/console/inventory-safety?did=gone", status_code=303)


async def _nodes(db: Db, who: Visitor) -> dict[str, UUID]:
    """The nodes within the visitor's reach, by code."""
    found = (await network.nodes_of(db)).values()
    return {n.code: n.id for n in found if who.credential.sees(node=n.id)}
