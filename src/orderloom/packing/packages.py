"""Packages: closed one by one at a station against their computed weight, or reported whole by a node in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from orderloom import catalog
from orderloom.catalog import Item
from orderloom.orders import reading, slices
from orderloom.orders.slices import Move
from orderloom.packing import store
from orderloom.packing.model import Carton, Closed, Package, PackedSet, PackPlan, Parcel, Refused
from orderloom.packing.planning import Prices, plan_anew, unpriced, use_cartons
from orderloom.packing.work import Work, work_of, works_of
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.terms import Dimensions, Quantities, Rank, new_id

# A scale may differ from the computed weight by one part in so many, but by this much in any case.
TOLERANCE_PART, TOLERANCE_LEAST_G = 20, 30


async def packages_of(db: Db, *, fulfillments: Sequence[UUID]) -> dict[UUID, list[Package]]:
    """The packages of fulfillment orders in their sequence, cancelled ones left out; one without any is absent."""
    boxes = [
        box for box in await store.read_packages(db, fulfillments=fulfillments) if box.status != "cancelled"
    ]
    items = await catalog.items_of(db, skus={sku for box in boxes for sku in box.contents})
    found: dict[UUID, list[Package]] = defaultdict(list)
    for box in boxes:
        hazmat = any(items[sku].hazmat_class is not None for sku in box.contents)
        found[box.fulfillment_id].append(replace(box, hazmat=hazmat))
    return dict(found)


async def close_package(
    db: Db,
    *,
    fulfillment_id: UUID,
    package: int,
    carton: str | None,
    dimensions: Dimensions | None = None,
    weight_g: int | None = None,
    confirmed: bool = False,
    prices: Prices = unpriced,
) -> Closed | Refused:
    """Close a package; with the last one the fulfillment order is packed. Raises NoSuchWork.

    Without a carton the outer `dimensions` must be given. Without a scale's weight the computed one is taken. A weight
    off by more than the tolerance, or above what the carton bears, is refused unless a person has confirmed it.
    """
    work = await work_of(db, fulfillment_id)
    box = next((p for p in work.packages if p.sequence == package), None)
    known = {one.code: one for one in await store.cartons(db)}
    refused = work.barred() or _cannot_close(work, box, package, known, carton, dimensions)
    if refused is not None or box is None:
        return refused or Refused(code="no_package", message=f"there is no package {package}")
    outer = known.get(carton) if carton is not None else None
    items = await catalog.items_of(db, skus=box.contents)
    computed = sum(items[sku].weight_g * count for sku, count in box.contents.items()) + (
        outer.tare_g if outer else 0
    )
    gross = computed if weight_g is None else weight_g
    wrong = None if confirmed else _weight_fault(gross, computed, items, outer)
    if wrong is not None:
        return wrong
    size = dimensions or (outer.outer if outer else Dimensions(0, 0, 0))
    await store.close(db, box.id, carton=carton, size=(size.length, size.width, size.height), weight_g=gross)
    await use_cartons(db, packed=[(work.fulfillment.node_id, carton)], prices=prices)
    (closed,) = await store.read_packages(db, ids=[box.id])
    await _tell(db, [closed], {work.fulfillment.id: work})
    others = [p for p in work.packages if p.id != box.id]
    complete = not (work.ordered - work.packed) and all(p.status == "packed" for p in others)
    if complete:
        await _packed(db, [work])
    return Closed(package=closed, complete=complete)


def _cannot_close(
    work: Work,
    box: Package | None,
    number: int,
    known: Mapping[str, Carton],
    carton: str | None,
    dimensions: Dimensions | None,
) -> Refused | None:
    if box is None or box.status != "open":
        state = "closed already" if box else "not there"
        return Refused(
            code="no_package", message=f"package {number} is {state}: scan an item into an open one first"
        )
    if not box.contents:
        return Refused(code="empty", message=f"package {number} is empty: scan what lies in it")
    surplus = work.packed - work.ordered
    if surplus:
        named = ", ".join(f"{count} of {sku}" for sku, count in sorted(surplus.items()))
        return Refused(
            code="surplus",
            message=f"{named} were taken from the order meanwhile: take them out of the package",
        )
    if carton is not None and carton not in known:
        return Refused(
            code="unknown_carton", message=f"there is no carton {carton!r}; in use are {', '.join(known)}"
        )
    if carton is None and dimensions is None:
        return Refused(
            code="no_size", message="without a carton the outer length, width and height must be given"
        )
    return None


def _weight_fault(
    gross: int, computed: int, items: Mapping[str, Item], carton: Carton | None
) -> Refused | None:
    if carton is not None and gross > carton.max_weight_g:
        return Refused(
            code="too_heavy",
            message=f"{gross} g, and {carton.code} bears {carton.max_weight_g} g: split it, or confirm",
        )
    weighed = all(item.weight_g for item in items.values())
    # An item that nobody ever weighed leaves nothing to compare with.
    if weighed and abs(gross - computed) > max(computed // TOLERANCE_PART, TOLERANCE_LEAST_G):
        return Refused(
            code="weight_off",
            message=f"the scale says {gross} g, the contents come to {computed} g: count again, or confirm the weight",
        )
    return None


async def pack_as_planned(db: Db, *, fulfillment_ids: Sequence[UUID], prices: Prices = unpriced) -> PackedSet:
    """A node says that these fulfillment orders are packed, whole and as planned: recorded in a few statements for all.

    The kept plan is followed when it still covers exactly what is to be shipped; else one is made anew. Work on which
    scanning has begun is refused, as is what is on hold or has ended; the rest goes on.
    """
    works = await works_of(db, fulfillments=fulfillment_ids)
    refused: dict[UUID, Refused] = {
        work_id: Refused(code="unknown", message="there is no such fulfillment order")
        for work_id in fulfillment_ids
        if work_id not in works
    }
    able: list[Work] = []
    for work_id, work in works.items():
        barred = work.barred() or _begun(work)
        if barred is None:
            able.append(work)
        else:
            refused[work_id] = barred
    plans = await _plans(db, able, prices)
    boxes = {work.fulfillment.id: _boxes(work, plans[work.fulfillment.id].parcels) for work in able}
    every = [box for packed in boxes.values() for box in packed]
    await store.insert_packages(db, every)
    await store.add_items(
        db, [(box.id, *item) for box in every for item in _items(works[box.fulfillment_id], box)]
    )
    await store.record_scans(db, _scans(works, every), by=acting.get().name)
    used = [(works[box.fulfillment_id].fulfillment.node_id, box.carton) for box in every]
    await use_cartons(db, packed=used, prices=prices)
    await _tell(db, every, works)
    await _packed(db, able)
    return PackedSet(packed={work_id: tuple(packed) for work_id, packed in boxes.items()}, refused=refused)


def _begun(work: Work) -> Refused | None:
    if not work.packages:
        return None
    return Refused(
        code="begun",
        message=f"{work.fulfillment.number} is being packed by scan: finish it at the station",
    )


async def _plans(db: Db, works: Sequence[Work], prices: Prices) -> dict[UUID, PackPlan]:
    """The kept plan where it covers what is to be shipped, no more and no less; a new one otherwise."""
    kept = await store.plans_of(db, fulfillments=[work.fulfillment.id for work in works])
    stale = [
        work
        for work in works
        if (plan := kept.get(work.fulfillment.id)) is None or _covered(plan.parcels) != work.ordered
    ]
    if not stale:
        return kept
    # All nodes at once, for their cartons are locked in key order.
    await store.node_cartons(db, nodes=[work.fulfillment.node_id for work in works], to="use")
    return kept | await plan_anew(db, works=stale, prices=prices)


def _covered(parcels: Iterable[Parcel]) -> Quantities:
    return sum((parcel.contents for parcel in parcels), Quantities())


def _boxes(work: Work, parcels: Sequence[Parcel]) -> list[Package]:
    """The plan's parcels as packages, their units shared out to the lines that ordered them."""
    left = dict(work.lines_left)
    skus = {s.line_id: s.sku for s in work.slices}
    boxes = []
    for sequence, parcel in enumerate(parcels, 1):
        lines: dict[UUID, int] = {}
        wanted = dict(parcel.contents)
        for line, sku in skus.items():
            units = min(left[line], wanted.get(sku, 0))
            if units:
                lines[line] = units
                left[line] -= units
                wanted[sku] -= units
        boxes.append(
            Package(
                id=new_id(),
                fulfillment_id=work.fulfillment.id,
                order_id=work.fulfillment.order_id,
                sequence=sequence,
                carton=parcel.carton,
                length_mm=parcel.outer.length,
                width_mm=parcel.outer.width,
                height_mm=parcel.outer.height,
                weight_g=parcel.weight_g,
                status="packed",
                version=1,
                contents=parcel.contents,
                lines=lines,
            )
        )
    return boxes


def _items(work: Work, box: Package) -> list[tuple[UUID, str, int]]:
    skus = {s.line_id: s.sku for s in work.slices}
    return [(line, skus[line], units) for line, units in box.lines.items()]


def _scans(works: Mapping[UUID, Work], boxes: Sequence[Package]) -> list[dict[str, object]]:
    return [
        {
            "fulfillment_id": box.fulfillment_id,
            "package_id": box.id,
            "kind": "pack",
            "code": sku,
            "sku": sku,
            "line_id": line,
            "quantity": units,
            "accepted": True,
        }
        for box in boxes
        for line, sku, units in _items(works[box.fulfillment_id], box)
    ]


async def cancel_packages(db: Db, *, fulfillment_ids: Sequence[UUID]) -> list[UUID]:
    """The goods go back to their bins: packages of these fulfillment orders hold nothing any more. Returns which."""
    rows = await store.cancel(db, sorted(fulfillment_ids))
    await events.append(
        db,
        [
            News(
                type="package.cancelled",
                entity="package",
                entity_id=row["id"],
                order_id=row["order_id"],
                version=row["version"],
                data={"fulfillment": row["fulfillment_id"].hex},
            )
            for row in rows
        ],
    )
    return [row["id"] for row in rows]


# --- telling ----------------------------------------------------------------------------------------------------


async def _packed(db: Db, works: Sequence[Work]) -> None:
    moves = [
        Move(slice_id=s.id, to=Rank.PACKED) for work in works for s in work.slices if s.rank < Rank.PACKED
    ]
    told: dict[UUID, dict[str, list[str]]] = {}
    for work in works:
        told.setdefault(work.fulfillment.order_id, {"fulfillments": []})["fulfillments"].append(
            work.fulfillment.id.hex
        )
    await slices.move(db, moves, event="fulfillment.packed", data=told)


async def _tell(db: Db, boxes: Sequence[Package], works: Mapping[UUID, Work]) -> None:
    orders = await reading.orders_of(db, sorted({box.order_id for box in boxes}))
    await events.append(
        db,
        [
            News(
                type="package.packed",
                entity="package",
                entity_id=box.id,
                order_id=box.order_id,
                node_id=works[box.fulfillment_id].fulfillment.node_id,
                channel_id=orders[box.order_id].channel_id,
                version=box.version,
                data={
                    "fulfillment": box.fulfillment_id.hex,
                    "sequence": box.sequence,
                    "carton": box.carton,
                    "size_mm": [box.length_mm, box.width_mm, box.height_mm],
                    "weight_g": box.weight_g,
                    "contents": dict(box.contents),
                },
            )
            for box in boxes
        ],
    )
