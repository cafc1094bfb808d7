"""Cycle counts: begin one, record what was found, approve or cancel it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.lots import LotIn, in_motion, lots_fault
from orderloom.api.problems import Fault, invalid, not_found, refused
from orderloom.api.wire import (
    Code,
    CountId,
    In,
    Limit,
    Moment,
    Out,
    Page,
    Reason,
    Versioned,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.catalog.store import items_of, tracked_of
from orderloom.inventory import cycle_counts
from orderloom.inventory.cycle_counts import Ended, Found, Line, NoSuchCount, NotOnIt, Sheet
from orderloom.inventory.store import counts as counts_store
from orderloom.journey import approving
from orderloom.journey.approving import Unready

routes = Routes("inventory")
LINES_MOST = 1000


class RuleIn(In):
    """Which items to count: those nobody has counted for days, or those of which most units moved in these days."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "not_counted", "days": 90, "items": 50}]}
    )
    kind: Literal["not_counted", "most_moved"]
    days: Annotated[int, Field(strict=True, ge=1, le=3650)] = 90
    items: Annotated[int, Field(strict=True, ge=1, le=LINES_MOST)] = 50


class CountIn(In):
    """Have items of a node counted, named or by rule."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"node": "EAST", "skus": ["MUG-BLUE", "LAMP"], "tolerance": 1},
                {"node": "EAST", "rule": {"kind": "most_moved", "days": 30, "items": 20}},
            ]
        }
    )
    node: Code
    skus: Annotated[list[Code], Field(min_length=1, max_length=LINES_MOST)] | None = None
    rule: RuleIn | None = None
    blind: bool = Field(default=True, description="Who counts is not shown what is expected")
    tolerance: Whole = Field(
        default=0, description="Units a count may differ by before it is asked for again"
    )

    @model_validator(mode="after")
    def _named_or_by_rule(self) -> Self:
        if (self.skus is None) == (self.rule is None):
            raise PydanticCustomError("skus_or_rule", "send either skus or a rule, one of them")
        return self


class FoundIn(In):
    """So many units of an item were found."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sku": "MUG-BLUE", "quantity": 39}]})
    sku: Code
    quantity: Whole
    counted_at: Moment | None = Field(default=None, description="When; left out: now")
    lots: Annotated[list[LotIn], Field(max_length=1000)] = Field(
        default=[], description="Of a tracked item: every lot that was found"
    )


class RecordIn(In):
    """What was found, of some or all of the items; of an item counted before it is a recount."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"sku": "MUG-BLUE", "quantity": 39}]}]}
    )
    lines: Annotated[list[FoundIn], Field(min_length=1, max_length=LINES_MOST)]


class ApproveIn(In):
    """Post what was found."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"as_it_is": False}]})
    as_it_is: bool = Field(
        default=False, description="Leave out what was not counted, and take differences without a recount"
    )


class CancelIn(In):
    """Why the count is given up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "wrong aisle"}]})
    reason: Reason


class CountLineOut(Out):
    """An item of a count. Of a blind count what is expected is told once it is posted, or when asked for."""

    sku: str
    status: str = Field(description="`to_count`, `to_recount`, `counted`")
    counted: int | None
    counted_at: AwareDatetime | None
    counted_by: str | None
    recounts: int
    expected: int | None
    variance: int | None

    @classmethod
    def of(cls, line: Line, *, shown: bool) -> Self:
        return cls(
            sku=line.sku,
            status=line.status,
            counted=line.counted,
            counted_at=line.counted_at,
            counted_by=line.counted_by,
            recounts=line.recounts,
            expected=line.expected if shown else None,
            variance=line.variance if shown else None,
        )


class CountBrief(Versioned):
    """A cycle count."""

    id: CountId
    number: str
    node: str
    state: str = Field(description="`open`, `posted`, `cancelled`")
    blind: bool
    tolerance: int
    created_by: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CountOut(CountBrief):
    """A cycle count with its items."""

    lines: list[CountLineOut]
    taken_from_carts: int = Field(default=0, description="When posted: units that carts lost")
    taken_from_orders: int = Field(default=0, description="When posted: units that orders lost")
    superseded: list[str] = Field(default=[], description="Items counted anew since, left as they are")


@routes.post("/inventory/counts", scope="inventory:write", key="required", dry_run=True)
async def begin_count(call: Here, body: CountIn) -> CountOut:
    """Have items of a node counted"""
    node = await _node(call, body.node)
    skus = body.skus if body.skus is not None else await _by_rule(call, node, body.rule)
    known = await items_of(call.db, skus=skus)
    faults = [
        Fault(f"/skus/{i}", "unknown_sku", f"no item {sku!r} in the catalogue")
        for i, sku in enumerate(skus)
        if sku not in known
    ]
    if not skus:
        faults = [Fault("/rule", "nothing_to_count", "the rule finds no item: widen it")]
    if faults:
        raise invalid(faults)
    sheet = await cycle_counts.begin(
        call.db, node_id=node, skus=skus, blind=body.blind, tolerance=body.tolerance
    )
    return _out(sheet, body.node, shown=not body.blind)


async def _by_rule(call: Call, node: UUID, rule: RuleIn | None) -> list[str]:
    assert rule is not None  # noqa: S101 - the body's validator
    since = call.now - timedelta(days=rule.days)
    choose = cycle_counts.not_counted_since if rule.kind == "not_counted" else cycle_counts.most_moved_since
    return await choose(call.db, node_id=node, since=since, limit=rule.items)


@routes.get("/inventory/counts", scope="inventory:read")
async def list_counts(
    call: Here,
    *,
    node: Code | None = None,
    state: Literal["open", "posted", "cancelled"] | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[CountBrief]:
    """Cycle counts, the latest first"""
    begin = place(after, UUID)
    codes = {n.id: n.code for n in (await network.nodes_of(call.db)).values()}
    wanted = next((key for key, code in codes.items() if code == node), UUID(int=0)) if node else None
    found = await counts_store.page(
        call.db,
        nodes=call.scope.nodes,
        node_id=wanted,
        state=state,
        before=begin[0] if begin else None,
        limit=limit + 1,
    )
    briefs = [CountBrief(**_brief(count, codes[count.node_id])) for count in found]
    return page_of(briefs, limit, lambda count: cursor(count.id))


@routes.get("/inventory/counts/{count_id}", scope="inventory:read")
async def get_count(call: Here, count_id: CountId, *, expected: bool = False) -> CountOut:
    """A cycle count with its items; `expected=true` shows what a blind one hides"""
    sheet, code = await _sheet(call, count_id)
    return _out(sheet, code, shown=expected or not sheet.count.blind or sheet.count.state == "posted")


@routes.post(
    "/inventory/counts/{count_id}/record", scope="inventory:write", key="required", refuses=(404, 409)
)
async def record_count(call: Here, count_id: CountId, body: RecordIn) -> CountOut:
    """Record what was found, in as many goes as you like

    A line that differs by more than the tolerance is `to_recount`; what is found then stands.
    """
    sheet, code = await _sheet(call, count_id)
    kinds = await tracked_of(call.db, skus=[line.sku for line in body.lines])
    faults = []
    for i, line in enumerate(body.lines):
        named = [lot.units() for lot in line.lots]
        node = sheet.count.node_id
        if wrong := await lots_fault(call.db, node, line.sku, kinds.get(line.sku), line.quantity, named):
            faults.append(Fault(f"/lines/{i}/lots", "lots_required", wrong))
    if len({line.sku for line in body.lines}) < len(body.lines):
        faults.append(Fault("/lines", "duplicate", "an item is named twice: send one line an item"))
    if faults:
        raise invalid(faults)
    found = [
        Found(
            sku=line.sku,
            quantity=line.quantity,
            counted_at=line.counted_at or call.now,
            lots=tuple(lot.units() for lot in line.lots),
        )
        for line in body.lines
    ]
    said = await cycle_counts.record(call.db, count_id=count_id, found=found, now=call.now)
    if isinstance(said, NotOnIt):
        raise invalid([Fault("/lines", "not_on_count", f"not on this count: {', '.join(said.skus[:5])}")])
    if isinstance(said, Ended):
        raise _ended(said)
    return _out(said, code, shown=not said.count.blind)


@routes.post(
    "/inventory/counts/{count_id}/approve",
    scope="inventory:write",
    key="required",
    dry_run=True,
    refuses=(404, 409),
)
async def approve_count(call: Here, count_id: CountId, body: ApproveIn) -> CountOut:
    """Post what was found, each line as of the moment it was counted

    Always recorded: where fewer are left than are claimed, the youngest carts and then orders lose theirs.
    """
    _, code = await _sheet(call, count_id)
    with in_motion():
        said = await approving.approve(call.db, count_id=count_id, now=call.now, as_it_is=body.as_it_is)
    if isinstance(said, Unready):
        raise refused(
            "not_counted",
            f"{len(said.skus)} items are still to be counted, or counted again: do so, or approve as it is",
            skus=list(said.skus),
        )
    if isinstance(said, Ended):
        raise _ended(said)
    losses = said.recorded.losses.values()
    return _out(
        said.sheet,
        code,
        shown=True,
        carts=sum(loss.carts for loss in losses),
        orders=sum(loss.orders for loss in losses),
        superseded=said.superseded,
    )


@routes.post(
    "/inventory/counts/{count_id}/cancel", scope="inventory:write", key="required", refuses=(404, 409)
)
async def cancel_count(call: Here, count_id: CountId, body: CancelIn) -> CountOut:
    """Give a count up; nothing of it is posted"""
    await _sheet(call, count_id)
    said = await cycle_counts.cancel(call.db, count_id=count_id, reason=body.reason)
    if isinstance(said, Ended):
        raise _ended(said)
    sheet, code = await _sheet(call, count_id)
    return _out(sheet, code, shown=not sheet.count.blind)


async def _node(call: Call, code: str) -> UUID:
    found = await network.nodes_of(call.db, codes=[code])
    for key in found:
        if call.credential.sees(node=key):
            return key
    raise invalid([Fault("/node", "unknown_node", f"no node {code!r}: correct the code")])


async def _sheet(call: Call, count_id: UUID) -> tuple[Sheet, str]:
    """The count and its node's code. Raises Problem 404 when it is not there, or outside the key's nodes."""
    try:
        sheet = await cycle_counts.sheet(call.db, count_id=count_id, now=call.now)
    except NoSuchCount:
        raise not_found("cycle count") from None
    if not call.credential.sees(node=sheet.count.node_id):
        raise not_found("cycle count")
    [node] = (await network.nodes_of(call.db, ids={sheet.count.node_id})).values()
    return sheet, node.code


def _ended(said: Ended) -> Exception:
    return refused("count_ended", f"the count was {said.state} before: begin another", state=said.state)


def _brief(count: counts_store.Count, code: str) -> dict[str, object]:
    return {"node": code} | {name: getattr(count, name) for name in CountBrief.model_fields if name != "node"}


def _out(
    sheet: Sheet,
    code: str,
    *,
    shown: bool,
    carts: int = 0,
    orders: int = 0,
    superseded: Sequence[str] = (),
) -> CountOut:
    return CountOut.model_validate(
        {
            **_brief(sheet.count, code),
            "lines": [CountLineOut.of(line, shown=shown) for line in sheet.lines],
            "taken_from_carts": carts,
            "taken_from_orders": orders,
            "superseded": list(superseded),
        }
    )
