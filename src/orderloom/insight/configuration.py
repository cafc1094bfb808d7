"""How the house is set up, to look at: nodes, channels, carriers and contracts, cartons, keys, people, webhooks."""

from __future__ import annotations

from orderloom.plumbing.database import Db, Row

_PARTS = {
    "nodes": "SELECT * FROM network.nodes ORDER BY active DESC, code",
    "channels": "SELECT * FROM network.channels ORDER BY active DESC, code",
    "carriers": """
SELECT a.code, a.name, a.adapter, a.active, c.version, c.valid_from, c.valid_to,
  (SELECT count(*) FROM shipping.contracts AS v WHERE v.carrier = a.code)::int AS versions
FROM shipping.carriers AS a
LEFT JOIN LATERAL (
  SELECT * FROM shipping.contracts AS c WHERE c.carrier = a.code ORDER BY c.version DESC LIMIT 1) AS c ON true
ORDER BY a.active DESC, a.code
""",
    "cartons": """
SELECT c.*, ARRAY(
  SELECT jsonb_build_object('node', n.code, 'stock', k.stock)
  FROM packing.node_cartons AS k JOIN network.nodes AS n ON n.id = k.node_id WHERE k.carton = c.code ORDER BY n.code
) AS at_nodes
FROM packing.cartons AS c ORDER BY c.active DESC, c.code
""",
    "packing": """
SELECT r.*, n.code AS node, c.code AS channel
FROM packing.rules AS r LEFT JOIN network.nodes AS n ON n.id = r.node_id
LEFT JOIN network.channels AS c ON c.id = r.channel_id ORDER BY n.code NULLS FIRST, c.code NULLS FIRST
""",
    # Never the hash of a secret: whoever reads this page has no use for it.
    "api_keys": """
SELECT id, name, mode, prefix, scopes, cardinality(nodes) AS node_count, cardinality(channels) AS channel_count,
  created_at, expires_at, revoked_at, last_used_at
FROM plumbing.api_keys ORDER BY revoked_at IS NOT NULL, created_at DESC
""",
    "users": "SELECT id, email, name, role, active, created_at FROM plumbing.users ORDER BY active DESC, email",
    "webhooks": """
SELECT w.id, w.url, w.types, w.active, w.disabled_at, w.problem,
  count(d.id) FILTER (WHERE d.status = 'failed')::int AS failed, count(d.id)::int AS deliveries
FROM sync.webhooks AS w LEFT JOIN sync.deliveries AS d ON d.webhook_id = w.id GROUP BY w.id ORDER BY w.created_at
""",
}


async def configuration(db: Db) -> dict[str, list[Row]]:
    """Every part by name."""
    return {name: await db.fetch(statement) for name, statement in _PARTS.items()}
