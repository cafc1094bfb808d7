"""The SQL of packing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from orderloom.packing.houserules import HouseRules, StoredRules
from orderloom.packing.model import Carton, Package, PackPlan
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Quantities

# --- cartons and plans ------------------------------------------------------------------------------------------


async def cartons(db: Db) -> tuple[Carton, ...]:
    """The cartons in use, by code."""
    rows = await db.fetch(
        "SELECT code, name, outer_mm, inner_mm, tare_g, max_weight_g, cost, flexible FROM packing.cartons "
        "WHERE active ORDER BY code"
    )
    return tuple(Carton.of(dict(row)) for row in rows)


async def cartons_at(db: Db, *, at: datetime) -> tuple[Carton, ...]:
    """Every carton, in use or not, as it was at a moment, by code."""
    rows = await db.fetch(
        "SELECT c.code, c.name, c.outer_mm, c.inner_mm, c.tare_g, c.max_weight_g, c.cost, c.flexible FROM packing.cartons AS t "
        "CROSS JOIN LATERAL jsonb_populate_record(t, (SELECT b.was FROM packing.cartons_before AS b "
        "WHERE b.key = t.code AND b.until > $1 ORDER BY b.until LIMIT 1)) AS c ORDER BY c.code",
        at,
    )
    return tuple(Carton.of(dict(row)) for row in rows)


_PUT_CARTONS = """
INSERT INTO packing.cartons AS c (code, name, outer_mm, inner_mm, tare_g, max_weight_g, cost, flexible)
SELECT code, name, ARRAY[ol, ow, oh], ARRAY[il, iw, ih], tare_g, max_weight_g, cost, flexible
FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
            $10::int[], $11::bigint[], $12::bool[])
  AS t (code, name, ol, ow, oh, il, iw, ih, tare_g, max_weight_g, cost, flexible)
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, outer_mm = excluded.outer_mm, inner_mm = excluded.inner_mm, tare_g = excluded.tare_g,
    max_weight_g = excluded.max_weight_g, cost = excluded.cost, flexible = excluded.flexible, active = true
WHERE (c.name, c.outer_mm, c.inner_mm, c.tare_g, c.max_weight_g, c.cost, c.flexible, c.active)
  IS DISTINCT FROM (excluded.name, excluded.outer_mm, excluded.inner_mm, excluded.tare_g, excluded.max_weight_g,
                    excluded.cost, excluded.flexible, true)
RETURNING code
"""


async def put_cartons(db: Db, *, cartons: Iterable[Carton]) -> set[str]:
    """Store cartons by their codes; returns the codes of those that are new or changed."""
    rows = sorted(cartons, key=lambda carton: carton.code)
    changed = await db.fetch(
        _PUT_CARTONS,
        [c.code for c in rows],
        [c.name for c in rows],
        [c.outer.length for c in rows],
        [c.outer.width for c in rows],
        [c.outer.height for c in rows],
        [c.inner.length for c in rows],
        [c.inner.width for c in rows],
        [c.inner.height for c in rows],
        [c.tare_g for c in rows],
        [c.max_weight_g for c in rows],
        [c.cost for c in rows],
        [c.flexible for c in rows],
    )
    return {row["code"] for row in changed}


async def put_plans(db: Db, plans: Mapping[UUID, PackPlan]) -> None:
    """Store plans by fulfillment order; a later plan takes the place of an earlier one."""
    await db.execute(
        "INSERT INTO packing.plans (fulfillment_id, plan) SELECT * FROM unnest($1::uuid[], $2::jsonb[]) "
        "ON CONFLICT (fulfillment_id) DO UPDATE SET plan = excluded.plan, created_at = clock_timestamp()",
        list(plans),
        [plan.json() for plan in plans.values()],
    )


async def plans_of(db: Db, *, fulfillments: Sequence[UUID]) -> dict[UUID, PackPlan]:
    """The plans of fulfillment orders; one without is absent."""
    rows = await db.fetch(
        "SELECT fulfillment_id, plan FROM packing.plans WHERE fulfillment_id = ANY($1::uuid[])",
        list(fulfillments),
    )
    return {row["fulfillment_id"]: PackPlan.of(row["plan"]) for row in rows}


async def planned_into(db: Db, *, fulfillments: Sequence[UUID], cartons: Sequence[str]) -> list[UUID]:
    """Those of the fulfillment orders whose plans use one of these cartons and of which no package is closed yet."""
    rows = await db.fetch(
        "SELECT fulfillment_id FROM packing.plans AS p WHERE fulfillment_id = ANY($1::uuid[]) "
        "AND EXISTS (SELECT FROM jsonb_array_elements(plan -> 'parcels') AS parcel "
        "            WHERE parcel ->> 'carton' = ANY($2::text[])) "
        "AND NOT EXISTS (SELECT FROM packing.packages AS b "
        "                WHERE b.fulfillment_id = p.fulfillment_id AND b.status = 'packed') ORDER BY fulfillment_id",
        list(fulfillments),
        list(cartons),
    )
    return [row["fulfillment_id"] for row in rows]


# --- the cartons a node has, and how the house packs --------------------------------------------------------------


_NODE_CARTONS = (
    "SELECT node_id, carton, stock FROM packing.node_cartons WHERE node_id = ANY($1::uuid[]) "
    "ORDER BY node_id, carton "
)


_LOCKS = {"look": "", "plan": "FOR SHARE", "use": "FOR NO KEY UPDATE"}


async def node_cartons(
    db: Db, *, nodes: Iterable[UUID], to: Literal["look", "plan", "use"] = "look"
) -> dict[UUID, dict[str, int | None]]:
    """How many of which cartons nodes have; one that packs into any carton is absent.

    Whoever plans with them or uses them up locks all those of a node, so that nothing is planned into a carton that
    somebody is using up. They are locked in key order, after everything else.
    """
    rows = await db.fetch(_NODE_CARTONS + _LOCKS[to], sorted(set(nodes)))
    found: dict[UUID, dict[str, int | None]] = {}
    for row in rows:
        found.setdefault(row["node_id"], {})[row["carton"]] = row["stock"]
    return found


async def put_node_cartons(db: Db, *, node_id: UUID, stock: Mapping[str, int | None]) -> None:
    """These are the node's cartons, and no others; none at all: it packs into any."""
    await db.execute(
        "DELETE FROM packing.node_cartons WHERE node_id = $1 AND carton <> ALL($2::text[])",
        node_id,
        list(stock),
    )
    await db.execute(
        "INSERT INTO packing.node_cartons AS n (node_id, carton, stock) "
        "SELECT $1, * FROM unnest($2::text[], $3::int[]) "
        "ON CONFLICT (node_id, carton) DO UPDATE SET stock = excluded.stock",
        node_id,
        list(stock),
        list(stock.values()),
    )


_USE = """
UPDATE packing.node_cartons AS n SET stock = greatest(n.stock - t.units, 0)
FROM unnest($1::uuid[], $2::text[], $3::int[]) AS t (node_id, carton, units)
WHERE (n.node_id, n.carton) = (t.node_id, t.carton) AND n.stock > 0
RETURNING n.node_id, n.carton, n.stock
"""


async def use_cartons(db: Db, *, used: Mapping[tuple[UUID, str], int]) -> list[tuple[UUID, str]]:
    """Cartons are gone from the counts of nodes that keep them (locked before); returns those now used up.

    A count never falls below nought: what was packed was there, whatever the count said.
    """
    rows = await db.fetch(
        _USE, [node for node, _ in used], [carton for _, carton in used], list(used.values())
    )
    return sorted((row["node_id"], row["carton"]) for row in rows if row["stock"] == 0)


async def house_rules(db: Db) -> list[StoredRules]:
    """All rules of packing: few, for they are set by hand."""
    rows = await db.fetch(
        "SELECT id, node_id, channel_id, terms, version FROM packing.rules ORDER BY node_id NULLS FIRST, channel_id NULLS FIRST"
    )
    return [
        StoredRules(
            id=row["id"],
            node_id=row["node_id"],
            channel_id=row["channel_id"],
            rules=HouseRules.of(row["terms"]),
            version=row["version"],
        )
        for row in rows
    ]


async def put_house_rules(
    db: Db, *, node_id: UUID | None, channel_id: UUID | None, rules: HouseRules
) -> bool:
    """Set the rules of a node, a channel, both, or all; the same again changes nothing. Were there others, or none?"""
    changed = await db.fetch(
        "INSERT INTO packing.rules AS r (node_id, channel_id, terms) VALUES ($1, $2, $3::jsonb) "
        "ON CONFLICT (node_id, channel_id) DO UPDATE "
        "SET terms = excluded.terms, version = r.version + 1, updated_at = clock_timestamp() "
        "WHERE r.terms <> excluded.terms RETURNING r.id",
        node_id,
        channel_id,
        rules.json(),
    )
    return bool(changed)


async def drop_house_rules(db: Db, rules: UUID) -> None:
    """Take rules away."""
    await db.execute("DELETE FROM packing.rules WHERE id = $1", rules)


# --- waves ------------------------------------------------------------------------------------------------------


async def insert_wave(db: Db, *, wave: UUID, node: UUID, by: str) -> str:
    """A new wave; returns its number."""
    number: str = await db.fetchval(
        "INSERT INTO packing.waves (id, number, node_id, created_by) "
        "VALUES ($1, 'W-' || nextval('packing.wave_number'), $2, $3) RETURNING number",
        wave,
        node,
        by,
    )
    return number


async def join_wave(db: Db, *, wave: UUID, fulfillments: Sequence[UUID]) -> set[UUID]:
    """Put fulfillment orders into a wave; returns those that joined. One that is in a wave stays in that one."""
    rows = await db.fetch(
        "INSERT INTO packing.wave_fulfillments (fulfillment_id, wave_id) SELECT f, $2 FROM unnest($1::uuid[]) AS f "
        "ON CONFLICT DO NOTHING RETURNING fulfillment_id",
        list(fulfillments),
        wave,
    )
    return {row["fulfillment_id"] for row in rows}


async def of_wave(db: Db, wave: UUID) -> list[UUID]:
    """The fulfillment orders of a wave."""
    rows = await db.fetch(
        "SELECT fulfillment_id FROM packing.wave_fulfillments WHERE wave_id = $1 ORDER BY fulfillment_id",
        wave,
    )
    return [row["fulfillment_id"] for row in rows]


# --- scans ------------------------------------------------------------------------------------------------------

_SCANS = """
INSERT INTO packing.scans (fulfillment_id, package_id, kind, code, sku, line_id, quantity, accepted, refusal, actor)
SELECT t.*, $10 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::int[],
                            $8::bool[], $9::text[]) AS t
"""


async def record_scans(db: Db, scans: Sequence[Mapping[str, Any]], *, by: str) -> None:
    """Append scans, accepted and refused ones alike."""
    names = (
        "fulfillment_id",
        "package_id",
        "kind",
        "code",
        "sku",
        "line_id",
        "quantity",
        "accepted",
        "refusal",
    )
    await db.execute(_SCANS, *([scan.get(name) for scan in scans] for name in names), by)


async def picked(db: Db, fulfillments: Sequence[UUID]) -> dict[UUID, Quantities]:
    """Units scanned out of their bins, by fulfillment order and SKU."""
    rows = await db.fetch(
        "SELECT fulfillment_id, sku, sum(CASE kind WHEN 'pick' THEN quantity ELSE -quantity END)::int AS units "
        "FROM packing.scans WHERE fulfillment_id = ANY($1::uuid[]) AND accepted AND kind IN ('pick', 'unpick') "
        "GROUP BY fulfillment_id, sku",
        list(fulfillments),
    )
    units: dict[UUID, Quantities] = defaultdict(Quantities)
    for row in rows:
        units[row["fulfillment_id"]] += {row["sku"]: row["units"]}
    return units


async def scanned(db: Db, fulfillment: UUID, *, kind: str, sku: str) -> list[tuple[str, str, int]]:
    """Accepted scans of an item, and those that took some back, in their order: (kind, code, units)."""
    rows = await db.fetch(
        "SELECT kind, code, quantity FROM packing.scans WHERE fulfillment_id = $1 AND accepted AND sku = $2 "
        "AND kind IN ($3, 'un' || $3) ORDER BY id",
        fulfillment,
        sku,
        kind,
    )
    return [(row["kind"], row["code"], row["quantity"]) for row in rows]


# --- packages ---------------------------------------------------------------------------------------------------

_PACKAGES = """
SELECT p.id, p.fulfillment_id, p.order_id, p.sequence, p.carton, p.length_mm, p.width_mm, p.height_mm, p.weight_g,
       p.status, p.version, i.lines, i.skus, i.units
FROM packing.packages AS p
LEFT JOIN LATERAL (SELECT array_agg(line_id ORDER BY line_id) AS lines, array_agg(sku ORDER BY line_id) AS skus,
                          array_agg(quantity ORDER BY line_id) AS units
                   FROM packing.package_items WHERE package_id = p.id) AS i ON true
WHERE p.fulfillment_id = ANY($1::uuid[]) OR p.id = ANY($2::uuid[])
ORDER BY p.fulfillment_id, p.sequence
"""


async def read_packages(
    db: Db, *, fulfillments: Sequence[UUID] = (), ids: Sequence[UUID] = ()
) -> list[Package]:
    """Packages by fulfillment order or by their own ids, cancelled ones included, in their sequence."""
    return [_package(row) for row in await db.fetch(_PACKAGES, list(fulfillments), list(ids))]


# Put together from the items, or known to the catalogue.
_GATHERED = frozenset({"contents", "lines", "hazmat"})


def _package(row: Row) -> Package:
    lines, skus, units = row["lines"] or (), row["skus"] or (), row["units"] or ()
    return Package(
        **{name: row[name] for name in Package.__dataclass_fields__ if name not in _GATHERED},
        contents=Quantities(zip(skus, units, strict=True)),
        lines=dict(zip(lines, units, strict=True)),
    )


_INSERT_PACKAGES = """
INSERT INTO packing.packages (id, fulfillment_id, order_id, sequence, carton, length_mm, width_mm, height_mm, weight_g,
                              status)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::text[], $6::int[], $7::int[], $8::int[],
                     $9::int[], $10::text[])
"""


async def insert_packages(db: Db, packages: Sequence[Package]) -> None:
    """Store new packages, without their contents."""
    names = (
        "id",
        "fulfillment_id",
        "order_id",
        "sequence",
        "carton",
        "length_mm",
        "width_mm",
        "height_mm",
        "weight_g",
        "status",
    )
    await db.execute(_INSERT_PACKAGES, *([getattr(package, name) for package in packages] for name in names))


_ADD_ITEMS = """
INSERT INTO packing.package_items AS i (package_id, line_id, sku, quantity)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[])
ON CONFLICT (package_id, line_id) DO UPDATE SET quantity = i.quantity + excluded.quantity
"""


async def add_items(db: Db, items: Sequence[tuple[UUID, UUID, str, int]]) -> None:
    """Put units into packages: (package, line, SKU, quantity), each package and line once."""
    await db.execute(_ADD_ITEMS, *([item[at] for item in items] for at in range(4)))


async def take_item(db: Db, *, package: UUID, line: UUID, quantity: int) -> None:
    """Take units of a line out of a package. What would fall to nought is removed."""
    await db.execute(
        "WITH gone AS (DELETE FROM packing.package_items WHERE package_id = $1 AND line_id = $2 AND quantity = $3) "
        "UPDATE packing.package_items SET quantity = quantity - $3 "
        "WHERE package_id = $1 AND line_id = $2 AND quantity > $3",
        package,
        line,
        quantity,
    )


_CLOSE = """
UPDATE packing.packages SET status = 'packed', carton = $2, length_mm = $3, width_mm = $4, height_mm = $5, weight_g = $6,
       version = version + 1, updated_at = clock_timestamp()
WHERE id = $1 AND status = 'open'
"""


async def close(
    db: Db, package: UUID, *, carton: str | None, size: tuple[int, int, int], weight_g: int
) -> None:
    """Close an open package with what it is and weighs."""
    await db.execute(_CLOSE, package, carton, *size, weight_g)


async def cancel(db: Db, fulfillments: Sequence[UUID]) -> list[Row]:
    """Cancel the packages of fulfillment orders; returns (id, fulfillment_id, order_id, version) of those it changed."""
    return await db.fetch(
        "UPDATE packing.packages SET status = 'cancelled', version = version + 1, updated_at = clock_timestamp() "
        "WHERE fulfillment_id = ANY($1::uuid[]) AND status <> 'cancelled' "
        "RETURNING id, fulfillment_id, order_id, version",
        list(fulfillments),
    )
