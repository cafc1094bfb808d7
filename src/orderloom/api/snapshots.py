"""Absolute counts of a warehouse system: thousands of lines a call, each with its own outcome."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from orderloom.api.door import Here, Routes
from orderloom.api.lots import LotIn, in_motion
from orderloom.api.problems import Fault, faults_of, invalid
from orderloom.api.wire import Code, In, Moment, Out, RawOf, Whole
from orderloom.inventory.snapshots import Line, Snapshot
from orderloom.journey import snapshotting
from orderloom.journey.snapshotting import LineOutcome

routes = Routes("inventory")
LINES_MOST = 10_000
# A warehouse's clock may be ahead of ours by so much; more is a mistake.
AHEAD = timedelta(minutes=5)
_LINE: dict[str, Any] = {"sku": "MUG-BLUE", "on_hand": 38, "damaged": 1}


class SnapshotLineIn(In):
    """So many units of a SKU are there; a bucket left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LINE]})
    sku: Code
    on_hand: Whole = Field(description="Units physically there, those damaged or in quality control included")
    damaged: Whole | None = None
    quality_control: Whole | None = None
    lots: Annotated[list[LotIn], Field(max_length=1000)] = Field(
        default=[], description="Of a tracked item: every lot that is there, with its units"
    )

    def line(self) -> Line:
        return Line(
            sku=self.sku,
            on_hand=self.on_hand,
            damaged=self.damaged,
            quality_control=self.quality_control,
            lots=tuple(lot.units() for lot in self.lots),
        )


class SnapshotIn(In):
    """What a source says of a node, as of a moment or with a growing sequence."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"source": "wms", "node": "EAST", "as_of": "2026-11-23T06:00:00Z", "lines": [_LINE]},
                {"source": "wms", "node": "EAST", "sequence": 4711, "lines": [_LINE]},
            ]
        }
    )
    source: Code = Field(description="Who counts; each source's own snapshots are held against one another")
    node: Code
    as_of: Moment | None = Field(
        default=None, description="The moment the counts are true of; what has moved since stays on top"
    )
    sequence: Annotated[int, Field(strict=True, ge=0, lt=2**63)] | None = Field(
        default=None,
        description="Instead of `as_of`, and growing: the counts are held against what is there now",
    )
    lines: Annotated[list[Annotated[Any, RawOf(SnapshotLineIn)]], Field(min_length=1, max_length=LINES_MOST)]

    @model_validator(mode="after")
    def _speaks_of_one_time(self) -> Self:
        if (self.as_of is None) == (self.sequence is None):
            raise PydanticCustomError("as_of_or_sequence", "send either as_of or sequence, one of them")
        return self


class SnapshotLineOut(Out):
    """What became of a line, by its place in the snapshot."""

    index: int
    sku: str | None
    outcome: str = Field(
        description="`applied`, `unchanged`, `older`, `unknown_sku`, `lots_required`, `duplicate`, `invalid`; "
        "accept outcomes you do not know"
    )
    delta: int = Field(default=0, description="Units posted to on hand")
    found: int | None = Field(default=None, description="What the ledger had at the snapshot's moment")
    on_hand: int | None = Field(default=None, description="What it has now")
    taken_from_carts: int = 0
    taken_from_orders: int = Field(default=0, description="Units that orders lost; they are routed anew")
    kept_packed: int = Field(default=0, description="Units that stay counted: they lie in closed packages")
    problem: str | None = None

    @classmethod
    def of(cls, index: int, outcome: LineOutcome) -> Self:
        return cls(
            index=index,
            sku=outcome.sku,
            outcome=outcome.outcome,
            delta=outcome.delta,
            found=outcome.found,
            on_hand=outcome.on_hand,
            taken_from_carts=outcome.loss.carts,
            taken_from_orders=outcome.loss.orders,
            kept_packed=outcome.loss.packed,
            problem=outcome.problem,
        )


class SnapshotOut(Out):
    """How many lines came to what, and each of them."""

    counts: dict[str, int]
    lines: list[SnapshotLineOut]


@routes.post(
    "/inventory/snapshots", scope="inventory:write", key="required", lane="bulk", dry_run=True, refuses=(409,)
)
async def take_snapshot(call: Here, body: SnapshotIn) -> SnapshotOut:
    """Take in what a warehouse has counted, up to 10,000 lines

    Each line is applied as a difference to the ledger at the snapshot's moment; an older snapshot than the last one
    applied changes nothing. Counts are always recorded: claims that are no longer covered go, the youngest first.
    """
    node = await snapshotting.node_named(call.db, code=body.node)
    if node is None or not call.credential.sees(node=node):
        raise invalid([Fault("/node", "unknown_node", f"no node {body.node!r}: correct the code")])
    if body.as_of is not None and body.as_of > call.now + AHEAD:
        raise invalid([Fault("/as_of", "in_the_future", "nothing can be counted before it is so")])
    lines: dict[int, Line] = {}
    found: dict[int, SnapshotLineOut] = {}
    for index, raw in enumerate(body.lines):
        try:
            lines[index] = SnapshotLineIn.model_validate(raw).line()
        except ValidationError as error:
            problem = "; ".join(f"{x.path}: {x.message}" for x in faults_of(error.errors(), whole=False))
            found[index] = SnapshotLineOut(index=index, sku=None, outcome="invalid", problem=problem)
    snapshot = Snapshot(
        source=body.source,
        node_id=node,
        lines=list(lines.values()),
        as_of=body.as_of,
        sequence=body.sequence,
    )
    with in_motion():
        outcomes = await snapshotting.take(call.db, snapshot=snapshot, now=call.now)
    found |= {i: SnapshotLineOut.of(i, outcome) for i, outcome in zip(lines, outcomes, strict=True)}
    told = [found[index] for index in sorted(found)]
    counts: dict[str, int] = {}
    for line in told:
        counts[line.outcome] = counts.get(line.outcome, 0) + 1
    return SnapshotOut(counts=counts, lines=told)
