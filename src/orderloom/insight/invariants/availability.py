"""What channels are told: never more than is there, under versions that only grow, and none forgotten on the way."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="S4.published",
        says="once the feed has read the ledger, no channel is told of more units than all nodes have to promise",
        sql="""
        WITH read AS (SELECT xid, id FROM plumbing.cursors WHERE reader = 'availability'),
        unread AS (
          SELECT DISTINCT m.sku FROM inventory.movements AS m, read WHERE (m.xid, m.id) > (read.xid, read.id)
        )
        SELECT a.channel_id, a.sku, a.quantity, coalesce(s.units, 0) AS there
        FROM sync.availability AS a CROSS JOIN read
        LEFT JOIN (
          SELECT sku, sum(greatest(0, on_hand - damaged - quality_control - reserved - allocated + backorder_limit))
            AS units
          FROM inventory.stock GROUP BY sku
        ) AS s USING (sku)
        WHERE a.quantity > coalesce(s.units, 0)
          AND NOT EXISTS (SELECT FROM unread AS u WHERE u.sku = a.sku)
          AND NOT EXISTS (SELECT FROM catalog.kit_components AS k WHERE k.kit_sku = a.sku)
        """,
    ),
    Invariant(
        key="S4.published_kits",
        says="once the feed has read the ledger, no channel is told of more kits than its scarcest component allows",
        sql="""
        WITH read AS (SELECT xid, id FROM plumbing.cursors WHERE reader = 'availability'),
        unread AS (
          SELECT DISTINCT m.sku FROM inventory.movements AS m, read WHERE (m.xid, m.id) > (read.xid, read.id)
        ), there AS (
          SELECT k.kit_sku, min(coalesce(s.units, 0) / k.quantity) AS kits
          FROM catalog.kit_components AS k LEFT JOIN (
            SELECT sku, sum(greatest(0, on_hand - damaged - quality_control - reserved - allocated + backorder_limit))
              AS units
            FROM inventory.stock GROUP BY sku
          ) AS s ON s.sku = k.component_sku
          GROUP BY k.kit_sku
        )
        SELECT a.channel_id, a.sku, a.quantity, t.kits FROM sync.availability AS a
        CROSS JOIN read JOIN there AS t ON t.kit_sku = a.sku
        WHERE a.quantity > t.kits AND NOT EXISTS (
          SELECT FROM catalog.kit_components AS k JOIN unread AS u ON u.sku = k.component_sku WHERE k.kit_sku = a.sku)
        """,
    ),
    Invariant(
        key="S4.versions",
        says="a number's version counts from one, and no channel has accepted a version that never was",
        sql="""
        SELECT channel_id, sku, version, pushed FROM sync.availability
        WHERE version < 1 OR pushed < 0 OR pushed > version
        """,
    ),
    Invariant(
        key="E1.availability",
        says="a number that a channel has not accepted for ten minutes is on its way to it",
        sql="""
        SELECT a.channel_id, a.sku, a.version, a.pushed, a.changed_at, s.state
        FROM sync.availability AS a
        JOIN network.channels AS c ON c.id = a.channel_id AND c.availability_feed IS NOT NULL
        LEFT JOIN plumbing.subjects AS s ON s.journey = 'availability' AND s.subject_id = a.channel_id
        WHERE a.pushed < a.version AND a.changed_at < clock_timestamp() - interval '10 minutes'
          AND coalesce(s.state IN ('done', 'undone', 'waiting'), true)
        """,
    ),
    Invariant(
        key="S4.reconciled",
        says="a comparison counts what it found: divergences by kind, and no more repaired than diverged",
        sql="""
        SELECT r.id, r.channel_id, r.compared, r.divergent, r.repaired FROM sync.reconciliations AS r
        WHERE r.divergent > r.compared OR r.repaired > r.divergent
           OR r.divergent <> (SELECT coalesce(sum(k.value::int), 0) FROM jsonb_each_text(r.detail -> 'kinds') AS k)
        """,
    ),
)
