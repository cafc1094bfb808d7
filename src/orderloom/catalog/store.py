"""The SQL of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from orderloom.catalog.model import Item
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Quantities

_COLUMNS = (
    "id, sku, gtin, name, weight_g, length_mm, width_mm, height_mm, as_given, list_price, currency, fragile, "
    "this_side_up, hazmat_class, ships_alone, handling, backorder, sold_from, tracked_by, active, version"
)


async def items_of(db: Db, *, skus: Iterable[str]) -> dict[str, Item]:
    """The items with these SKUs; unknown ones are absent."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM catalog.items WHERE sku = ANY($1::text[])", list(set(skus))
    )
    return {row["sku"]: _item(row) for row in rows}


async def items_at(db: Db, *, skus: Iterable[str], at: datetime) -> dict[str, Item]:
    """The items with these SKUs as they were at a moment; one that is newer, as it was at first."""
    rows = await db.fetch(
        "SELECT "
        + _COLUMNS
        + " FROM (SELECT i.* FROM catalog.items AS t CROSS JOIN LATERAL jsonb_populate_record(t, ("
        "SELECT b.was FROM catalog.items_before AS b WHERE b.key = t.sku AND b.until > $2 ORDER BY b.until LIMIT 1)) AS i "
        "WHERE t.sku = ANY($1::text[])) AS items",
        list(set(skus)),
        at,
    )
    return {row["sku"]: _item(row) for row in rows}


async def tracked_of(db: Db, *, skus: Iterable[str]) -> dict[str, str]:
    """How each of these items is tracked, by lot or by serial; one that is not tracked is absent."""
    rows = await db.fetch(
        "SELECT sku, tracked_by FROM catalog.items WHERE sku = ANY($1::text[]) AND tracked_by IS NOT NULL",
        list(skus),
    )
    return {row["sku"]: row["tracked_by"] for row in rows}


async def all_items(db: Db) -> dict[str, Item]:
    """Every item."""
    rows = await db.fetch("SELECT " + _COLUMNS + " FROM catalog.items ORDER BY sku")
    return {row["sku"]: _item(row) for row in rows}


async def by_gtin(db: Db, *, gtins: Iterable[str]) -> dict[str, Item]:
    """The items whose barcodes these are."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM catalog.items WHERE gtin = ANY($1::text[])", list(set(gtins))
    )
    return {row["gtin"]: _item(row) for row in rows}


async def kits_of(db: Db, *, skus: Iterable[str] | None = None) -> dict[str, Quantities]:
    """Components of one kit, by the kit's SKU; an item that is no kit is absent. None: all kits."""
    rows = await db.fetch(
        "SELECT kit_sku, component_sku, quantity FROM catalog.kit_components "
        "WHERE $1::text[] IS NULL OR kit_sku = ANY($1) ORDER BY kit_sku, component_sku",
        None if skus is None else list(set(skus)),
    )
    kits: dict[str, Quantities] = {}
    for row in rows:
        kits.setdefault(row["kit_sku"], Quantities())[row["component_sku"]] = row["quantity"]
    return kits


async def kits_with(db: Db, *, components: Iterable[str]) -> set[str]:
    """The SKUs of kits in which any of these is a component."""
    rows = await db.fetch(
        "SELECT DISTINCT kit_sku FROM catalog.kit_components WHERE component_sku = ANY($1::text[])",
        list(set(components)),
    )
    return {row["kit_sku"] for row in rows}


_PUT = """
INSERT INTO catalog.items AS i (id, sku, gtin, name, weight_g, length_mm, width_mm, height_mm, as_given, list_price,
                                currency, fragile, this_side_up, hazmat_class, ships_alone, backorder, sold_from,
                                tracked_by, active, handling)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[],
                     $9::jsonb[], $10::bigint[], $11::text[], $12::bool[], $13::bool[], $14::text[], $15::bool[],
                     $16::text[], $17::date[], $18::text[], $19::bool[], $20::jsonb[])
ON CONFLICT (sku) DO UPDATE
SET gtin = excluded.gtin, name = excluded.name, weight_g = excluded.weight_g, length_mm = excluded.length_mm,
    width_mm = excluded.width_mm, height_mm = excluded.height_mm, as_given = excluded.as_given,
    list_price = excluded.list_price, currency = excluded.currency, fragile = excluded.fragile,
    this_side_up = excluded.this_side_up, hazmat_class = excluded.hazmat_class, ships_alone = excluded.ships_alone,
    backorder = excluded.backorder, sold_from = excluded.sold_from, tracked_by = excluded.tracked_by,
    active = excluded.active, handling = excluded.handling, version = i.version + 1, updated_at = clock_timestamp()
WHERE (i.gtin, i.name, i.weight_g, i.length_mm, i.width_mm, i.height_mm, i.as_given, i.list_price, i.currency,
       i.fragile, i.this_side_up, i.hazmat_class, i.ships_alone, i.backorder, i.sold_from, i.tracked_by, i.active,
       i.handling)
  IS DISTINCT FROM
      (excluded.gtin, excluded.name, excluded.weight_g, excluded.length_mm, excluded.width_mm, excluded.height_mm,
       excluded.as_given, excluded.list_price, excluded.currency, excluded.fragile, excluded.this_side_up,
       excluded.hazmat_class, excluded.ships_alone, excluded.backorder, excluded.sold_from, excluded.tracked_by,
       excluded.active, excluded.handling)
RETURNING i.sku
"""


async def put_items(db: Db, *, items: Sequence[Item]) -> set[str]:
    """Add or change items by SKU; returns the SKUs that were new or differed. The last of two alike wins."""
    unique = sorted({item.sku: item for item in items}.values(), key=lambda item: item.sku)
    rows = await db.fetch(
        _PUT,
        [i.id for i in unique],
        [i.sku for i in unique],
        [i.gtin for i in unique],
        [i.name for i in unique],
        [i.weight_g for i in unique],
        [i.length_mm for i in unique],
        [i.width_mm for i in unique],
        [i.height_mm for i in unique],
        [i.as_given for i in unique],
        [i.list_price for i in unique],
        [i.currency for i in unique],
        [i.fragile for i in unique],
        [i.this_side_up for i in unique],
        [i.hazmat_class for i in unique],
        [i.ships_alone for i in unique],
        [i.backorder for i in unique],
        [i.sold_from for i in unique],
        [i.tracked_by for i in unique],
        [i.active for i in unique],
        [i.handling for i in unique],
    )
    return {row["sku"] for row in rows}


_PUT_KITS = """
WITH given AS (
  SELECT * FROM unnest($2::text[], $3::text[], $4::int[]) AS t (kit_sku, component_sku, quantity)
), gone AS (
  DELETE FROM catalog.kit_components AS k
  WHERE k.kit_sku = ANY($1::text[])
    AND NOT EXISTS (SELECT FROM given AS g WHERE (g.kit_sku, g.component_sku) = (k.kit_sku, k.component_sku))
  RETURNING k.kit_sku
), put AS (
  INSERT INTO catalog.kit_components AS k (kit_sku, component_sku, quantity) SELECT * FROM given
  ON CONFLICT (kit_sku, component_sku) DO UPDATE SET quantity = excluded.quantity
  WHERE k.quantity <> excluded.quantity
  RETURNING k.kit_sku
)
SELECT kit_sku FROM gone UNION SELECT kit_sku FROM put
"""
_TOUCH = "UPDATE catalog.items SET version = version + 1, updated_at = clock_timestamp() WHERE sku = ANY($1::text[])"


async def put_kits(db: Db, *, kits: Mapping[str, Mapping[str, int]]) -> set[str]:
    """Set what each named kit is made of (nothing: it is a kit no longer); returns the kits that changed.

    Items must be there before. A kit of kits is refused by whoever validates (`cli apply`, the API).
    """
    rows = [(kit, sku, count) for kit, parts in sorted(kits.items()) for sku, count in sorted(parts.items())]
    changed = await db.fetch(
        _PUT_KITS, list(kits), [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    )
    names = sorted({row["kit_sku"] for row in changed})
    await db.execute(_TOUCH, names)
    return set(names)


def _item(row: Row) -> Item:
    return Item(**row)


async def sold_later(db: Db, *, on: date) -> dict[str, date]:
    """Items that are sold from a day after this one, and from which."""
    rows = await db.fetch("SELECT sku, sold_from FROM catalog.items WHERE sold_from > $1", on)
    return {row["sku"]: row["sold_from"] for row in rows}
