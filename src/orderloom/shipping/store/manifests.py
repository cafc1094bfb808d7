"""Manifests: the lists a carrier collects, each label on at most one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.shipping.model import Manifest, ManifestLabel


async def close(
    db: Db,
    *,
    nodes: Sequence[UUID] | None,
    carriers: Sequence[str] | None,
    without_orders: Sequence[UUID],
    ship_date: date,
    by: str,
) -> list[UUID]:
    """One new manifest for each node and carrier that has bought labels on none; returns their ids.

    The carriers' rows must be held, so that no other closing takes the same labels meanwhile.
    """
    rows = await db.fetch(
        """
        WITH waiting AS (
          SELECT l.id, s.node_id, l.carrier
          FROM shipping.labels AS l JOIN shipping.shipments AS s ON s.id = l.shipment_id
          WHERE l.status = 'purchased' AND l.purpose = 'outbound'
            AND ($1::uuid[] IS NULL OR s.node_id = ANY($1)) AND ($2::text[] IS NULL OR l.carrier = ANY($2))
            AND NOT EXISTS (SELECT FROM shipping.manifest_labels AS m WHERE m.label_id = l.id)
            AND l.order_id <> ALL($5::uuid[])
        ), made AS (
          INSERT INTO shipping.manifests (number, node_id, carrier, ship_date, closed_by)
          SELECT 'MAN-' || nextval('shipping.manifest_number'), w.node_id, w.carrier, $3, $4
          FROM (SELECT DISTINCT node_id, carrier FROM waiting ORDER BY carrier, node_id) AS w
          RETURNING id, node_id, carrier
        ), listed AS (
          INSERT INTO shipping.manifest_labels (label_id, manifest_id)
          SELECT w.id, made.id FROM waiting AS w JOIN made USING (node_id, carrier)
        )
        SELECT id FROM made ORDER BY id
        """,
        list(nodes) if nodes is not None else None,
        list(carriers) if carriers is not None else None,
        ship_date,
        by,
        list(without_orders),
    )
    return [row["id"] for row in rows]


async def manifests_by_id(db: Db, ids: Sequence[UUID]) -> dict[UUID, Manifest]:
    """Whole manifests."""
    heads = await db.fetch(
        "SELECT id, number, node_id, carrier, ship_date FROM shipping.manifests WHERE id = ANY($1::uuid[])",
        list(ids),
    )
    rows = await db.fetch(
        """
        SELECT m.manifest_id, l.id, l.tracking_number, l.service, l.request ->> 'order_number' AS order_number,
               (l.request ->> 'weight_g')::int AS weight_g, l.request -> 'recipient' ->> 'postcode' AS postcode,
               l.request -> 'recipient' ->> 'country' AS country
        FROM shipping.manifest_labels AS m JOIN shipping.labels AS l ON l.id = m.label_id
        WHERE m.manifest_id = ANY($1::uuid[]) ORDER BY l.tracking_number
        """,
        list(ids),
    )
    lines: dict[UUID, list[ManifestLabel]] = {}
    for row in rows:
        manifest_id, *line = row.values()
        lines.setdefault(manifest_id, []).append(ManifestLabel(*line))
    return {head["id"]: Manifest(**dict(head), labels=tuple(lines.get(head["id"], ()))) for head in heads}


async def works_on(db: Db, manifests: Sequence[UUID]) -> list[UUID]:
    """Fulfillment orders with a label on these manifests."""
    rows = await db.fetch(
        """
        SELECT DISTINCT s.fulfillment_id
        FROM shipping.manifest_labels AS m JOIN shipping.labels AS l ON l.id = m.label_id
        JOIN shipping.shipments AS s ON s.id = l.shipment_id
        WHERE m.manifest_id = ANY($1::uuid[])
        """,
        list(manifests),
    )
    return [row["fulfillment_id"] for row in rows]
