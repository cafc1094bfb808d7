"""Scans at the pick cart and the pack station: each is judged, recorded, and told right or wrong with the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeAlias
from uuid import UUID

from orderloom import catalog
from orderloom.catalog import Item
from orderloom.orders import slices
from orderloom.orders.slices import Move
from orderloom.packing import codes, store
from orderloom.packing.codes import Code
from orderloom.packing.model import Accepted, Package, Refused
from orderloom.packing.work import Work, work_of
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.terms import Quantities, Rank, new_id

Kind: TypeAlias = Literal["pick", "pack"]


async def scan(
    db: Db,
    *,
    fulfillment_id: UUID,
    kind: Kind,
    code: str,
    quantity: int | None = None,
    package: int | None = None,
) -> Accepted | Refused:
    """Count a scan, or refuse it and say why; either way it is recorded. Raises NoSuchWork.

    `quantity` None: what the code itself says, else one. `package` is the number of the package the unit goes into,
    by default the last one open. The first scan begins the work, the last pick scan completes picking.
    """
    work = await work_of(db, fulfillment_id)
    read = codes.read(code)
    item = await identify(db, work, read)
    units = quantity if quantity is not None else read.count or 1
    refused = work.barred() or judge(work, kind, read, item, units)
    into = _package(work, package) if kind == "pack" and refused is None else None
    refused = refused or (into if isinstance(into, Refused) else None)
    if refused is not None or item is None:
        refused = refused or Refused(code="unknown_code", message=read.looks_like)
        await record_refused(db, work, kind, read, item, max(units, 1), refused)
        return refused
    box = into if isinstance(into, Package) else None
    if box is not None and box not in work.packages:
        await store.insert_packages(db, [box])
    await _record_accepted(db, work, kind, read, item.sku, units, box)
    accepted = _accepted(work, kind, item.sku, units, box)
    await begin_or_complete(db, work, picked=kind == "pick" and accepted.complete)
    return accepted


async def take_back(
    db: Db, *, fulfillment_id: UUID, kind: Kind, sku: str, quantity: int = 1, package: int | None = None
) -> Accepted | Refused:
    """Undo a scan: the units are back in the bin, or out of their open package. Recorded as a scan of its own."""
    work = await work_of(db, fulfillment_id)
    if kind == "pick":
        if work.picked.get(sku, 0) < quantity:
            return Refused(
                code="not_scanned", message=f"{work.picked.get(sku, 0)} of {sku} were picked, no more"
            )
        parts: list[tuple[UUID | None, int]] = [(None, quantity)]
        box = None
    else:
        box = next((p for p in work.packages if p.sequence == package), None)
        if box is None or box.status != "open" or box.contents.get(sku, 0) < quantity:
            return Refused(
                code="not_scanned",
                message=f"package {package} is not open or does not hold {quantity} of {sku}",
            )
        parts = _out_of(work, box, sku, quantity)
    for line, units in parts:
        if box is not None and line is not None:
            await store.take_item(db, package=box.id, line=line, quantity=units)
    await _record(db, work, f"un{kind}", sku, sku, parts, box)
    return _accepted(work, kind, sku, -quantity, box)


# --- judging ----------------------------------------------------------------------------------------------------


async def identify(db: Db, work: Work, read: Code) -> Item | None:
    """Which item the code names: first among what is ordered, then in the whole catalogue."""
    mine = await catalog.items_of(db, skus={*work.ordered, read.text})
    if read.text in mine:
        return mine[read.text]
    for item in mine.values():
        if item.gtin is not None and read.gtins and item.gtin.zfill(14) == read.gtins[0]:
            return item
    if not read.gtins:
        return None
    known = await catalog.by_gtin(db, gtins=read.gtins)
    return next((known[gtin] for gtin in read.gtins if gtin in known), None)


def judge(work: Work, kind: Kind, read: Code, item: Item | None, units: int) -> Refused | None:
    """Is this unit wanted here? Pure."""
    if units < 1:
        return Refused(
            code="no_quantity", message="a scan counts one unit or more: to undo one, take it back"
        )
    if item is None:
        return Refused(
            code="unknown_code",
            message=f"{read.text[:40]!r} is no item we know; it looks like {read.looks_like}. Scan the item's own barcode",
        )
    done = work.picked if kind == "pick" else work.packed
    left = work.ordered - done
    if item.sku not in work.ordered:
        wanted = ", ".join(f"{count} of {sku}" for sku, count in sorted(left.items())[:5]) or "nothing more"
        return Refused(
            code="wrong_item",
            message=f"{item.sku} ({item.name}) is not in {work.fulfillment.number}, which wants {wanted}: put it back",
        )
    if units > left.get(item.sku, 0):
        return Refused(
            code="surplus",
            message=f"{work.ordered[item.sku]} of {item.sku} are ordered and {done.get(item.sku, 0)} {kind}ed already: "
            f"{units} more would be too many, put them back",
        )
    return None


def _package(work: Work, sequence: int | None) -> Package | Refused:
    """The package a unit goes into: the one named, else the last one open, else a new one."""
    if sequence is None:
        still_open = [p for p in work.packages if p.status == "open"]
        if still_open:
            return still_open[-1]
        sequence = max((p.sequence for p in work.packages), default=0) + 1
    found = next((p for p in work.packages if p.sequence == sequence), None)
    if found is not None and found.status != "open":
        return Refused(
            code="package_closed",
            message=f"package {sequence} is closed: begin another, {len(work.packages) + 1}",
        )
    if not 0 < sequence <= 1000:
        return Refused(code="no_package", message="packages are numbered from 1")
    return found or Package(
        id=new_id(),
        fulfillment_id=work.fulfillment.id,
        order_id=work.fulfillment.order_id,
        sequence=sequence,
        carton=None,
        length_mm=None,
        width_mm=None,
        height_mm=None,
        weight_g=None,
        status="open",
        version=1,
        contents=Quantities(),
        lines={},
    )


def _accepted(work: Work, kind: Kind, sku: str, units: int, box: Package | None) -> Accepted:
    done = (work.picked if kind == "pick" else work.packed) + {sku: units}
    return Accepted(
        sku=sku,
        quantity=abs(units),
        done=done,
        remaining=work.ordered - done,
        package=box.sequence if box else None,
    )


def _out_of(work: Work, box: Package, sku: str, quantity: int) -> list[tuple[UUID | None, int]]:
    parts: list[tuple[UUID | None, int]] = []
    for line in dict.fromkeys(s.line_id for s in work.slices if s.sku == sku and s.line_id in box.lines):
        units = min(box.lines[line], quantity)
        if units:
            parts.append((line, units))
            quantity -= units
    return parts


async def named_so_far(db: Db, *, fulfillment_id: UUID, kind: Kind, sku: str) -> Counter[str]:
    """Units by the lot or serial that scans of the item have named; what was taken back was scanned last."""
    units: list[str | None] = []
    for what, text, count in await store.scanned(db, fulfillment_id, kind=kind, sku=sku):
        if what == kind:
            units += [codes.named(codes.read(text))] * count
        else:
            del units[max(0, len(units) - count) :]
    return Counter(name for name in units if name is not None)


# --- recording --------------------------------------------------------------------------------------------------


async def _record_accepted(
    db: Db, work: Work, kind: Kind, read: Code, sku: str, units: int, box: Package | None
) -> None:
    # A pick is for the order's sake; which of two lines with one SKU a unit is for shows when it is packed.
    parts: Sequence[tuple[UUID | None, int]] = [(None, units)] if box is None else work.share(sku, units)
    if box is not None:
        await store.add_items(db, [(box.id, line, sku, count) for line, count in parts if line is not None])
    await _record(db, work, kind, read.text, sku, parts, box)


async def _record(
    db: Db,
    work: Work,
    kind: str,
    code: str,
    sku: str,
    parts: Sequence[tuple[UUID | None, int]],
    box: Package | None,
) -> None:
    rows = [
        {
            "fulfillment_id": work.fulfillment.id,
            "package_id": box.id if box else None,
            "kind": kind,
            "code": code,
            "sku": sku,
            "line_id": line,
            "quantity": count,
            "accepted": True,
        }
        for line, count in parts
    ]
    await store.record_scans(db, rows, by=acting.get().name)
    data = {"kind": kind, "sku": sku, "quantity": sum(count for _, count in parts)}
    await events.append(db, [_news(work, "fulfillment.scanned", None, data)])


async def record_refused(
    db: Db, work: Work, kind: Kind, read: Code, item: Item | None, units: int, refused: Refused
) -> None:
    """A scan that does not count, and why."""
    row = {
        "fulfillment_id": work.fulfillment.id,
        "kind": kind,
        "code": read.text[:200],
        "sku": item.sku if item else None,
        "quantity": units,
        "accepted": False,
        "refusal": refused.code,
    }
    await store.record_scans(db, [row], by=acting.get().name)
    data = {"kind": kind, "code": read.text[:200], "quantity": units, "refusal": refused.code}
    await events.append(db, [_news(work, "fulfillment.scan_refused", refused.message, data)])


def _news(work: Work, type_: str, reason: str | None, data: dict[str, object]) -> News:
    return News(
        type=type_,
        entity="fulfillment",
        entity_id=work.fulfillment.id,
        order_id=work.fulfillment.order_id,
        node_id=work.fulfillment.node_id,
        reason=reason,
        data=data,
    )


async def begin_or_complete(db: Db, work: Work, *, picked: bool) -> None:
    """Take the slices along: to picking with the first scan, to picked when everything is out of its bin."""
    to, event = (Rank.PICKED, "fulfillment.picked") if picked else (Rank.PICKING, "fulfillment.picking")
    moves = [Move(slice_id=s.id, to=to) for s in work.slices if s.rank < to]
    await slices.move(
        db, moves, event=event, data={work.fulfillment.order_id: {"fulfillment": work.fulfillment.id.hex}}
    )
