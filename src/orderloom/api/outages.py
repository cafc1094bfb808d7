"""A node closes for a while, and opens again."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from orderloom.api.door import Here, Routes
from orderloom.api.network import NodeOut, read_node
from orderloom.api.problems import refused, wrong
from orderloom.api.wire import Code, FulfillmentId, In, Moment, OrderId, Out, Reason
from orderloom.journey import outages

routes = Routes("network")
MOST_NAMED = 100


class CloseIn(In):
    """Why, and until when; without an end until somebody reopens it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "power cut", "reopens_at": "2030-03-02T06:00:00Z"}]}
    )
    reason: Reason
    reopens_at: Moment | None = None


class StandingOut(Out):
    """What stood there and had not shipped. Of each at most 100 are named."""

    orders: int = Field(description="Orders whose units are routed from elsewhere now")
    units: int
    moved: list[OrderId]
    bound: list[OrderId] = Field(
        description="Orders whose channel bound units to this node: they wait for it"
    )
    begun: list[FulfillmentId] = Field(description="Fulfillment orders picked from already: they stay there")


class ClosedOut(Out):
    """The node as it stands, and what became of the work there."""

    node: NodeOut
    standing: StandingOut


class ReopenIn(In):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "power is back"}]})
    reason: Reason


@routes.post("/nodes/{code}/close", scope="fulfillment:write", dry_run=True, conditional=True)
async def close_node(call: Here, code: Code, body: CloseIn) -> ClosedOut:
    """Close a node for a while: what it has not begun is routed from elsewhere at once; with `dry_run`, what would be"""
    node = await read_node(call, code)
    if call.if_match is not None:
        call.expect(node.version)
    if body.reopens_at is not None and body.reopens_at <= call.now:
        raise wrong("/reopens_at", "past", "the outage's end lies in the past: name one to come, or none")
    closed = await outages.close(
        call.db,
        node_id=node.id,
        reason=body.reason,
        now=call.now,
        reopens_at=body.reopens_at,
    )
    there = closed.standing
    return ClosedOut(
        node=await read_node(call, code),
        standing=StandingOut(
            orders=len(there.movable),
            units=sum(there.movable.values()),
            moved=sorted(there.movable)[:MOST_NAMED],
            bound=sorted(there.bound)[:MOST_NAMED],
            begun=sorted(there.begun)[:MOST_NAMED],
        ),
    )


@routes.post(
    "/nodes/{code}/reopen", scope="fulfillment:write", dry_run=True, conditional=True, refuses=(409,)
)
async def reopen_node(call: Here, code: Code, body: ReopenIn) -> NodeOut:
    """A closed node ships again; orders that wait for what lies there are served"""
    node = await read_node(call, code)
    if call.if_match is not None:
        call.expect(node.version)
    if not await outages.reopen(call.db, node_ids=[node.id], reason=body.reason):
        raise refused("illegal_transition", "it is not closed", supported_actions=node.supported_actions)
    return await read_node(call, code)
