"""Supplies as values (pure): what is ordered, announced or in transit, what has come of it, and what that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from orderloom.inventory.model import LotUnits

PURCHASE_ORDER, SHIP_NOTICE, TRANSFER = "purchase_order", "ship_notice", "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyLine:
    """Units of one SKU. `of_supply`, `of_position`: the purchase order's line whose open units a notice takes over.

    Of a purchase order's line, `taken` are the units that came or come with notices, `announced` those still to come so.
    """

    position: int
    sku: str
    expected: int
    received: int = 0
    lost: int = 0
    due_at: datetime | None = None
    of_supply: UUID | None = None
    of_position: int | None = None
    taken: int = 0
    announced: int = 0

    @property
    def open(self) -> int:
        """What it still brings itself, what notices bring left out."""
        return max(0, self.expected - self.received - self.lost - self.taken)

    @property
    def settled(self) -> bool:
        """Whether nothing of it is expected any more, by whatever way."""
        return not self.open and not self.announced


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """A purchase order, a ship notice or a transfer."""

    id: UUID
    kind: str
    reference: str
    node_id: UUID
    from_node: UUID | None
    due_at: datetime
    lines: tuple[SupplyLine, ...]
    state: str = "open"
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def skus(self) -> list[str]:
        """What it brings."""
        return sorted({line.sku for line in self.lines})

    @property
    def orders(self) -> list[UUID]:
        """The purchase orders it takes units over from."""
        return sorted({line.of_supply for line in self.lines if line.of_supply})

    @property
    def untouched(self) -> bool:
        """Whether nothing of it has come or been given up."""
        return not any(line.received or line.lost or line.taken for line in self.lines)

    def line(self, position: int) -> SupplyLine | None:
        """The line at that position."""
        return next((line for line in self.lines if line.position == position), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What has come of a line: `received` units, of which some may be damaged or go to quality control; some lost.

    `lots`: of a tracked item, the units received by lot.
    """

    position: int
    received: int = 0
    damaged: int = 0
    quality_control: int = 0
    lost: int = 0
    lots: tuple[LotUnits, ...] = ()


@dataclass(frozen=True, slots=True)
class NotSo:
    """What was asked of a supply cannot be: where, which rule, and what to do instead."""

    path: str
    code: str
    message: str


def receive(supply: Supply, arrived: Sequence[Arrived]) -> Supply | list[NotSo]:
    """The supply with what has arrived counted in; it closes by itself once nothing more is expected.

    More than expected may come of a purchase order or a notice; of a transfer only what was shipped. Units given up
    that come after all are lost no longer.
    """
    faults: list[NotSo] = []
    lines = {line.position: line for line in supply.lines}
    for i, came in enumerate(arrived):
        line = lines.get(came.position)
        if line is None:
            faults.append(NotSo(f"/lines/{i}", "unknown_line", f"there is no line {came.position}"))
            continue
        received = line.received + came.received
        lost = min(line.lost + came.lost, max(0, line.expected - line.taken - received))
        lines[line.position] = replace(line, received=received, lost=lost)
        faults += _wrong(f"/lines/{i}", supply, line, came)
    if faults:
        return faults
    changed = replace(supply, lines=tuple(lines.values()))
    return settled(changed)


def settled(supply: Supply) -> Supply:
    """Closed once nothing more is expected."""
    return replace(supply, state="closed") if all(line.settled for line in supply.lines) else supply


def _wrong(path: str, supply: Supply, line: SupplyLine, came: Arrived) -> list[NotSo]:
    faults = []
    if came.damaged + came.quality_control > came.received:
        faults.append(
            NotSo(f"{path}/damaged", "too_many", "damaged and quality control are part of what was received")
        )
    if came.lost > line.open - min(came.received, line.open):
        faults.append(
            NotSo(f"{path}/lost", "too_many", f"only {line.open} units were still expected: lower it")
        )
    if line.announced and came.received > line.open:
        faults.append(
            NotSo(
                f"{path}/received",
                "announced",
                f"{line.announced} units come with ship notices: receive those against their notice",
            )
        )
    if supply.kind == TRANSFER and came.received > line.open:
        faults.append(
            NotSo(
                f"{path}/received",
                "too_many",
                f"{line.open} units are in transit: receive those, and count what else is there",
            )
        )
    return faults


def close(supply: Supply) -> Supply:
    """Nothing more will come but what notices bring: what is open counts as lost."""
    return replace(
        supply,
        state="closed",
        lines=tuple(replace(line, lost=line.lost + line.open) for line in supply.lines),
    )


def change(
    supply: Supply,
    *,
    due_at: datetime | None = None,
    expected: Mapping[int, int] | None = None,
    line_due_at: Mapping[int, datetime] | None = None,
) -> Supply | list[NotSo]:
    """Another date, of all or of single lines, or other quantities; never fewer than have come already.

    A date for the whole is one for every line that has not been given its own with it.
    """
    expected, line_due_at = expected or {}, line_due_at or {}
    known = {line.position for line in supply.lines}
    faults = [
        NotSo("/lines", "unknown_line", f"there is no line {p}")
        for p in sorted({*expected, *line_due_at} - known)
    ]
    if expected and supply.kind == TRANSFER:
        faults.append(NotSo("/lines", "already_shipped", "the units have left: report what is lost instead"))
    lines = []
    for line in supply.lines:
        units = expected.get(line.position, line.expected)
        if units != line.expected and units < line.received + line.lost + line.taken:
            faults.append(
                NotSo(
                    "/lines",
                    "too_few",
                    f"{line.received + line.lost + line.taken} units of line {line.position} are accounted for already",
                )
            )
        date = line_due_at.get(line.position, None if due_at else line.due_at)
        lines.append(replace(line, expected=units, due_at=date))
    if faults:
        return faults
    changed = replace(supply, due_at=due_at or supply.due_at, lines=tuple(lines))
    return settled(changed)
