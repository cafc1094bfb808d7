"""Items, nodes, channels, cartons and contracts as lists that are read on by key."""

from __future__ import annotations

from collections.abc import Sequence

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_ITEMS = """
SELECT i.*, coalesce((
  SELECT jsonb_agg(jsonb_build_object('sku', k.component_sku, 'quantity', k.quantity) ORDER BY k.component_sku)
  FROM catalog.kit_components AS k WHERE k.kit_sku = i.sku), '[]') AS components
FROM catalog.items AS i
WHERE ($1::text[] IS NULL OR i.sku = ANY($1)) AND ($2 = '' OR i.sku ILIKE $2 || '%' OR i.name ILIKE '%' || $2 || '%'
  OR i.gtin = $2) AND ($3::bool IS NULL OR i.active = $3) AND i.sku > $4
ORDER BY i.sku LIMIT $5
"""
_NODES = """
SELECT * FROM network.nodes
WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR code = $2) AND code > $3 ORDER BY code LIMIT $4
"""
_SCARCITY = """
SELECT n.code AS node, s.sku, s.price, s.priced_at
FROM routing.scarcity AS s JOIN network.nodes AS n ON n.id = s.node_id
WHERE ($1::uuid[] IS NULL OR s.node_id = ANY($1)) AND (s.sku, n.code) > ($2, $3) ORDER BY s.sku, n.code LIMIT $4
"""
_CHANNELS = """
SELECT * FROM network.channels
WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR code = $2) AND code > $3 ORDER BY code LIMIT $4
"""
_CARTONS = (
    "SELECT * FROM packing.cartons WHERE ($1::text IS NULL OR code = $1) AND code > $2 ORDER BY code LIMIT $3"
)
_CARRIERS = """
SELECT a.code, a.name, a.adapter, a.active, c.version, c.valid_from, c.valid_to, c.terms, c.created_at
FROM shipping.carriers AS a
LEFT JOIN LATERAL (
  SELECT * FROM shipping.contracts AS c WHERE c.carrier = a.code ORDER BY c.version DESC LIMIT 1) AS c ON true
WHERE ($1::text IS NULL OR a.code = $1) AND a.code > $2 ORDER BY a.code LIMIT $3
"""


async def items(
    db: Db,
    *,
    skus: Sequence[str] | None = None,
    text: str = "",
    active: bool | None = None,
    after: str = "",
    limit: int = 50,
) -> list[Row]:
    """Items with the parts of kits, by SKU, one more than `limit` when there is a next page."""
    return await db.fetch(_ITEMS, None if skus is None else list(skus), text, active, after, limit + 1)


async def nodes(
    db: Db, *, scope: Scope, code: str | None = None, after: str = "", limit: int = 50
) -> list[Row]:
    """Nodes by code, one more than `limit` when there is a next page."""
    return await db.fetch(_NODES, scope.nodes, code, after, limit + 1)


async def scarcity(db: Db, *, scope: Scope, after: Sequence[str] | None = None, limit: int = 50) -> list[Row]:
    """Prices of scarce units by SKU and node, one more than `limit` when there is a next page."""
    return await db.fetch(_SCARCITY, scope.nodes, *(after or ("", "")), limit + 1)


async def channels(
    db: Db, *, scope: Scope, code: str | None = None, after: str = "", limit: int = 50
) -> list[Row]:
    """Channels by code, one more than `limit` when there is a next page."""
    return await db.fetch(_CHANNELS, scope.channels, code, after, limit + 1)


async def cartons(db: Db, *, code: str | None = None, after: str = "", limit: int = 50) -> list[Row]:
    """Cartons by code, one more than `limit` when there is a next page."""
    return await db.fetch(_CARTONS, code, after, limit + 1)


async def carriers(db: Db, *, code: str | None = None, after: str = "", limit: int = 50) -> list[Row]:
    """Carriers with the latest version of their contract, by code, one more than `limit` when there is a next page."""
    return await db.fetch(_CARRIERS, code, after, limit + 1)
