"""Items and kits: put by SKU, read, listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.door import Here, Routes
from orderloom.api.problems import Fault, Problem, invalid, not_found, wrong
from orderloom.api.wire import (
    Code,
    Count,
    In,
    ItemId,
    Limit,
    Moment,
    Money,
    Out,
    Page,
    PlainJson,
    Price,
    Size,
    Text,
    Version,
    Versioned,
    Weight,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.catalog.model import Item
from orderloom.insight import catalogue_pages
from orderloom.journey import setup
from orderloom.journey.setup import Setup
from orderloom.plumbing.database import Db, Row

routes = Routes("items")
BATCH_MOST = 500
Grams = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Millimetres = Annotated[int, Field(strict=True, ge=1, le=100_000)]
_EXAMPLE: dict[str, Any] = {
    "name": "Blue mug",
    "gtin": "4006381333931",
    "weight": {"value": 12.5, "unit": "oz"},
    "size": {
        "length": {"value": 5, "unit": "in"},
        "width": {"value": 4, "unit": "in"},
        "height": {"value": 4, "unit": "in"},
    },
    "list_price": {"amount": 1250, "currency": "USD"},
    "fragile": True,
}


_EDGES = ("length", "width", "height")


class ComponentIn(In):
    """A part of a kit."""

    sku: Code
    quantity: Count


class HandlingIn(In):
    """What is seldom asked of packing. Lengths in millimetres, weights in grams."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"max_load_g": 2000, "unit_class": "bottle"}]})
    keep_flat: bool = Field(default=False, description="Its height stays vertical, either way up")
    locked: bool = Field(default=False, description="It lies just as its sizes are given")
    max_load_g: Grams | None = Field(default=None, description="No more than this rests on it")
    own_container: bool = Field(default=False, description="It ships in its own container, without a carton")
    together: Text | None = Field(default=None, description="All units with the same word share one carton")
    apart: Text | None = Field(default=None, description="Items with different words never share a carton")
    excludes: Annotated[list[Code], Field(max_length=100)] = Field(
        default=[], description="SKUs it never shares a carton with"
    )
    unit_class: Text | None = Field(
        default=None, description="A class of which a carton may hold so many units"
    )
    nesting_mm: Millimetres | None = Field(
        default=None, description="What a further unit adds to a nested pile"
    )
    compressed_mm: Millimetres | None = Field(default=None, description="Its height squeezed in a bag")


class _Told(In):
    """What is told of an item and not set: it may be sent back with the rest."""

    id: ItemId | None = Field(default=None, description="Told; not applied")
    version: Version | None = Field(default=None, description="When sent: only while it is at this version")
    weight_g: Grams | None = Field(default=None, description="Told; `weight` sets it")
    length_mm: Whole | None = Field(default=None, description="Told; `size` sets it")
    width_mm: Whole | None = Field(default=None, description="Told; `size` sets it")
    height_mm: Whole | None = Field(default=None, description="Told; `size` sets it")
    as_given: PlainJson | None = Field(default=None, description="Told; `weight` and `size` set it")
    created_at: Moment | None = Field(default=None, description="Told; not applied")
    updated_at: Moment | None = Field(default=None, description="Told; not applied")


class ItemIn(_Told):
    """An item as it shall be; what is left out takes its default. What a GET tells can be sent as it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    sku: Code | None = Field(default=None, description="That of the address, if it is sent")
    name: Text
    weight: Weight
    size: Size
    gtin: Annotated[str, Field(strict=True, pattern=r"^\d{8,14}$")] | None = None
    list_price: Price | None = None
    fragile: bool = False
    this_side_up: bool = False
    hazmat_class: Annotated[str, Field(strict=True, pattern=r"^[1-9](\.[1-9])?[A-S]?$")] | None = None
    ships_alone: bool = False
    handling: HandlingIn | None = Field(
        default=None, description="What else packing is asked; null is the same as nothing"
    )
    backorder: Literal["refuse", "from_supply", "always"] = Field(
        default="refuse",
        description="What is taken without stock: nothing, as many as are on their way, or any number",
    )
    sold_from: date | None = Field(default=None, description="A pre-order until this day")
    tracked_by: Literal["lot", "serial"] | None = None
    active: bool = True
    components: Annotated[list[ComponentIn], Field(max_length=100)] | None = Field(
        default=None, description="What a kit is made of; [] makes it no kit, null leaves that as it is"
    )

    def item(self, sku: str) -> Item:
        length, width, height = self.size.millimetres()
        return Item(
            sku=sku,
            name=self.name,
            gtin=self.gtin,
            weight_g=self.weight.grams(),
            length_mm=length,
            width_mm=width,
            height_mm=height,
            as_given={"weight": self.weight.model_dump(), **self.size.model_dump()},
            list_price=self.list_price.amount if self.list_price else None,
            currency=self.list_price.currency if self.list_price else None,
            handling=self.handling.model_dump(exclude_defaults=True) if self.handling else {},
            **{n: getattr(self, n) for n in _FLAGS},
        )


_FLAGS = (
    "fragile", "this_side_up", "hazmat_class", "ships_alone", "backorder", "sold_from", "tracked_by", "active",
)  # fmt: skip


class BatchItemIn(ItemIn):
    """An item with its SKU."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sku": "MUG-BLUE", **_EXAMPLE}]})
    sku: Code


class ItemBatchIn(In):
    """Up to 500 items, put in place all or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [{"sku": "MUG-BLUE", **_EXAMPLE}]}]})
    items: Annotated[list[BatchItemIn], Field(min_length=1, max_length=BATCH_MOST)]


class ComponentOut(Out):
    """A part of a kit."""

    sku: str
    quantity: int


class MeasureOut(Out):
    """A weight or length as it was given."""

    value: float
    unit: str


class ItemOut(Versioned):
    """An item; sizes and weight in whole millimetres and grams, and as they were given."""

    id: ItemId
    sku: str
    name: str
    gtin: str | None
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    as_given: dict[str, MeasureOut]
    weight: MeasureOut = Field(description="As it was given, for a PUT")
    size: dict[str, MeasureOut] = Field(description="Its edges as they were given, for a PUT")
    list_price: Money | None
    fragile: bool
    this_side_up: bool
    hazmat_class: str | None
    ships_alone: bool
    handling: dict[str, Any]
    backorder: str
    sold_from: date | None
    tracked_by: str | None
    active: bool
    components: list[ComponentOut]
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        plain: dict[str, Any] = dict(row)
        price, currency = plain.pop("list_price"), plain.pop("currency")
        plain["list_price"] = None if price is None else Money.of(price, currency)
        given = plain["as_given"] = plain["as_given"] or {}
        plain["weight"] = given.get("weight") or {"value": plain["weight_g"], "unit": "g"}
        plain["size"] = {
            edge: given.get(edge) or {"value": plain[f"{edge}_mm"], "unit": "mm"} for edge in _EDGES
        }
        return cls(**plain)


class ItemBatchOut(Out):
    """What was new or differed; the rest was so already."""

    changed: list[str]


@routes.put("/items/{sku}", scope="config:write", dry_run=True)
async def put_item(call: Here, sku: Code, body: ItemIn) -> ItemOut:
    """Add an item, or make it so"""
    if call.if_match is not None:
        call.expect((await _one(call.db, sku)).version)
    if body.sku not in (None, sku):
        raise wrong("/sku", "another_sku", f"the address says {sku}: send it there, or leave it out")
    await _put(call.db, {sku: body})
    return await _one(call.db, sku)


@routes.post("/items/batch", scope="config:write", lane="bulk", dry_run=True, refuses=(412,))
async def put_items(call: Here, body: ItemBatchIn) -> ItemBatchOut:
    """Add or change up to 500 items, all or none"""
    return ItemBatchOut(changed=await _put(call.db, {item.sku: item for item in body.items}, batch=True))


@routes.get("/items", scope="config:read")
async def list_items(
    call: Here, *, text: str = "", active: bool | None = None, limit: Limit = 50, after: str | None = None
) -> Page[ItemOut]:
    """Items by SKU"""
    begin = place(after, str)
    rows = await catalogue_pages.items(
        call.db, text=text, active=active, after=begin[0] if begin else "", limit=limit
    )
    return page_of([ItemOut.of(row) for row in rows], limit, lambda item: cursor(item.sku))


@routes.get("/items/{sku}", scope="config:read")
async def get_item(call: Here, sku: Code) -> ItemOut:
    """One item"""
    return await _one(call.db, sku)


async def _one(db: Db, sku: str) -> ItemOut:
    rows = await catalogue_pages.items(db, skus=[sku])
    if not rows:
        raise not_found("item")
    return ItemOut.of(rows[0])


async def _put(db: Db, wanted: Mapping[str, ItemIn], *, batch: bool = False) -> list[str]:
    kits = {
        sku: [(c.sku, c.quantity) for c in i.components]
        for sku, i in wanted.items()
        if i.components is not None
    }
    if faults := await _kit_faults(db, list(wanted), kits, batch=batch):
        raise invalid(faults)
    await _expect(db, wanted)
    changes = await setup.put(
        db,
        wanted=Setup(
            items=[item.item(sku) for sku, item in wanted.items()],
            kits={sku: dict(parts) for sku, parts in kits.items()},
        ),
    )
    return sorted({change.key for change in changes})


async def _expect(db: Db, wanted: Mapping[str, ItemIn]) -> None:
    """Raises Problem 412 when an item is not at the version sent with it."""
    asked = {sku: item.version for sku, item in wanted.items() if item.version is not None}
    rows = await catalogue_pages.items(db, skus=sorted(asked), limit=len(asked)) if asked else []
    present = {row["sku"]: row["version"] for row in rows}
    if moved := sorted(sku for sku, version in asked.items() if present.get(sku) != version):
        told = ", ".join(f"{sku} is at {present.get(sku, 'none')}" for sku in moved[:5])
        raise Problem(412, "version_moved", f"not at the version sent: {told}; read again and decide anew")


async def _kit_faults(
    db: Db, skus: Sequence[str], kits: Mapping[str, Sequence[tuple[str, int]]], *, batch: bool
) -> list[Fault]:
    """A kit is made of items that are there and are no kits themselves."""
    parts = {part for components in kits.values() for part, _ in components}
    known = {row["sku"]: row for row in await catalogue_pages.items(db, skus=sorted(parts), limit=len(parts))}
    faults = []
    for kit, components in kits.items():
        head = f"/items/{skus.index(kit)}" if batch else ""
        for i, (part, _) in enumerate(components):
            path = f"{head}/components/{i}/sku"
            is_kit = bool(kits[part]) if part in kits else part in known and bool(known[part]["components"])
            if part == kit or is_kit:
                faults.append(Fault(path, "kit_of_kits", f"{part} is a kit: name the items it is made of"))
            elif part not in known and part not in skus:
                faults.append(Fault(path, "unknown_sku", f"no item {part!r}: add it first"))
            elif part in [p for p, _ in components[:i]]:
                faults.append(Fault(path, "repeated", f"{part} stands there twice: add the quantities"))
    return faults
