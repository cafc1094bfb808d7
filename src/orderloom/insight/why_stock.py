"""Why a number of stock is so: one balance with all that explains it, and whether it adds up.

The ledger's sum by kind stands against every bucket, the open claims against what is reserved and allocated, the rule
against the safety stock; and for each channel the way from the balances to the number it may sell, step by step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import catalog, inventory, network
from orderloom.insight.scope import Scope
from orderloom.inventory.availability import Offer
from orderloom.inventory.model import BUCKETS
from orderloom.network.model import Channel, Node
from orderloom.orders.reading import unsupplied
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Rank

CLAIMS_MOST = 100
MOVEMENTS_MOST = 20

_BALANCE = """
SELECT n.id AS node_id, n.code AS node, i.sku, i.name, s.updated_at, coalesce(s.version, 0) AS version,
  coalesce(s.on_hand, 0) AS on_hand, coalesce(s.reserved, 0) AS reserved, coalesce(s.allocated, 0) AS allocated,
  coalesce(s.damaged, 0) AS damaged, coalesce(s.quality_control, 0) AS quality_control,
  coalesce(s.safety_stock, 0) AS safety_stock, coalesce(s.backorder_limit, 0) AS backorder_limit
FROM network.nodes AS n CROSS JOIN catalog.items AS i
LEFT JOIN inventory.stock AS s ON s.node_id = n.id AND s.sku = i.sku
WHERE n.code = $2 AND i.sku = $3 AND ($1::uuid[] IS NULL OR n.id = ANY($1))
"""
# A long history has been summed up to a movement; what came after is read.
_LEDGER = """
WITH tallied AS (SELECT * FROM inventory.tallies WHERE node_id = $1 AND sku = $2)
SELECT kind, sum(on_hand)::int AS on_hand, sum(reserved)::int AS reserved, sum(allocated)::int AS allocated,
  sum(damaged)::int AS damaged, sum(quality_control)::int AS quality_control
FROM (
  SELECT kind, on_hand, reserved, allocated, damaged, quality_control FROM tallied
  UNION ALL
  SELECT kind, on_hand_delta, reserved_delta, allocated_delta, damaged_delta, quality_control_delta
  FROM inventory.movements
  WHERE node_id = $1 AND sku = $2 AND id > coalesce((SELECT max(through) FROM tallied), 0)
) AS whole GROUP BY kind ORDER BY kind
"""
# Whoever is bound to channels sees that others' orders hold units, not which orders.
_ORDERS = """
SELECT s.rank = 200 AS reserving, s.rank, sum(s.quantity)::int AS units, o.placed_at AS since, o.priority,
  c.code AS channel, $3::uuid[] IS NULL OR o.channel_id = ANY($3) AS visible, o.number, f.number AS fulfillment
FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id JOIN network.channels AS c ON c.id = o.channel_id
LEFT JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
WHERE s.node_id = $1 AND s.sku = $2 AND s.rank BETWEEN 200 AND 699
GROUP BY o.id, c.code, f.number, s.rank ORDER BY o.priority DESC, o.placed_at, o.number
"""
_CARTS = """
SELECT sum(u.quantity)::int AS units, r.id, r.owner, r.created_at AS since, r.expires_at, c.code AS channel,
  $3::uuid[] IS NULL OR r.channel_id = ANY($3) AS visible
FROM inventory.reservation_units AS u JOIN inventory.reservations AS r ON r.id = u.reservation_id
JOIN network.channels AS c ON c.id = r.channel_id
WHERE u.node_id = $1 AND u.sku = $2 AND r.state = 'open'
GROUP BY r.id, c.code ORDER BY r.created_at
"""
_COMING = """
SELECT c.kind, c.reference, c.units, c.due_at, n.code AS from_node FROM inventory.coming AS c
LEFT JOIN network.nodes AS n ON n.id = c.from_node
WHERE c.node_id = $1 AND c.sku = $2 ORDER BY c.due_at, c.reference
"""
# As `inventory.store.allotments.resolve` chooses: what names the SKU is stronger, then what names the node.
_RULE = """
SELECT r.units, r.source, r.basis, r.updated_at, r.node_id IS NOT NULL AS of_node, r.sku IS NOT NULL AS of_sku
FROM inventory.safety_rules AS r
WHERE r.channel_id IS NULL AND (r.node_id = $1 OR r.node_id IS NULL) AND (r.sku = $2 OR r.sku IS NULL)
ORDER BY r.sku IS NULL, r.node_id IS NULL LIMIT 1
"""
_ALLOTMENTS = """
SELECT c.code AS channel, a.kind, a.units, a.permille, a.takes_shared, a.drawn, a.ends_at, a.channel_id
FROM inventory.allotments AS a JOIN network.channels AS c ON c.id = a.channel_id
WHERE a.sku = $1 AND ($2::uuid[] IS NULL OR a.channel_id = ANY($2)) ORDER BY c.code
"""
_PUBLISHED = """
SELECT channel_id, quantity, version, changed_at, pushed, pushed_at FROM sync.availability WHERE sku = $1
"""
_MOVEMENTS = """
SELECT m.id AS sequence, m.kind, m.on_hand_delta, m.reserved_delta, m.allocated_delta, m.damaged_delta,
  m.quality_control_delta, m.cause_type, m.actor, m.reason, m.moved_at,
  CASE WHEN $4::uuid[] IS NULL OR o.channel_id = ANY($4) THEN o.number END AS order_number
FROM inventory.movements AS m LEFT JOIN orders.orders AS o ON o.id = m.cause_id
WHERE m.node_id = $1 AND m.sku = $2 ORDER BY m.id DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket of the balance against the ledger's sum since the beginning, by kind of movement."""

    name: str
    units: int
    by_ledger: int
    kinds: Mapping[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether the ledger explains every unit."""
        return self.units == self.by_ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who the units of a bucket are kept for, the first of them named, and how many units all of them make."""

    bucket: str
    units: int
    by_claims: int
    count: int
    claims: Sequence[Mapping[str, Any]]

    @property
    def adds_up(self) -> bool:
        """Whether open claims explain every unit."""
        return self.units == self.by_claims


@dataclass(frozen=True, slots=True)
class Sum:
    """One step on the way to a number: what it says, and what it adds, takes away or leaves."""

    says: str
    units: int
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelWhy:
    """What a channel may sell, how that comes about, and what it was last told."""

    channel: str
    quantity: int
    steps: Sequence[Sum]
    published: int | None = None
    version: int | None = None
    changed_at: datetime | None = None
    accepted: bool | None = None

    @property
    def adds_up(self) -> bool:
        """Whether the steps lead to the number."""
        return not self.steps or self.steps[-1].units == self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The whole answer for one SKU at one node."""

    node: str
    sku: str
    name: str
    version: int
    updated_at: datetime | None
    balance: Mapping[str, int]
    available: int
    to_promise: int
    buckets: Sequence[Bucket]
    claims: Sequence[Claims]
    safety_rule: Mapping[str, Any] | None
    on_order: Sequence[Mapping[str, Any]]
    in_transit: Sequence[Mapping[str, Any]]
    allotments: Sequence[Mapping[str, Any]]
    channels: Sequence[ChannelWhy]
    movements: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def adds_up(self) -> bool:
        """Whether every part does."""
        parts: list[Bucket | Claims | ChannelWhy] = [*self.buckets, *self.claims, *self.channels]
        return all(part.adds_up for part in parts)


async def why(db: Db, *, scope: Scope, node: str, sku: str) -> Why | None:
    """Why the numbers of a SKU at a node are what they are; None when there is no such node or item in reach."""
    row = await db.fetchrow(_BALANCE, scope.nodes, node, sku)
    if row is None:
        return None
    node_id = row["node_id"]
    ledger = await db.fetch(_LEDGER, node_id, sku)
    orders = await db.fetch(_ORDERS, node_id, sku, scope.channels)
    carts = await db.fetch(_CARTS, node_id, sku, scope.channels)
    rule = await db.fetchrow(_RULE, node_id, sku)
    coming = [dict(each) for each in await db.fetch(_COMING, node_id, sku)]
    available = _available(row)
    return Why(
        node=row["node"],
        sku=sku,
        name=row["name"],
        version=row["version"],
        updated_at=row["updated_at"],
        balance={name: row[name] for name in (*BUCKETS, "safety_stock", "backorder_limit")},
        available=available,
        to_promise=max(0, available - row["safety_stock"] + row["backorder_limit"]),
        buckets=[_bucket(name, row[name], ledger) for name in BUCKETS],
        claims=_claims(row, orders, carts),
        safety_rule=_rule(rule) if rule else None,
        on_order=[each for each in coming if each["kind"] != "transfer"],
        in_transit=[each for each in coming if each["kind"] == "transfer"],
        allotments=[_allotment(each) for each in await db.fetch(_ALLOTMENTS, sku, scope.channels)],
        channels=await _channels(db, scope, sku),
        movements=[
            dict(each) for each in await db.fetch(_MOVEMENTS, node_id, sku, MOVEMENTS_MOST, scope.channels)
        ],
    )


def _available(row: Row) -> int:
    units: int = row["on_hand"] - sum(row[name] for name in BUCKETS if name != "on_hand")
    return units


def _bucket(name: str, units: int, ledger: Sequence[Row]) -> Bucket:
    kinds = {entry["kind"]: entry[name] for entry in ledger if entry[name]}
    return Bucket(name=name, units=units, by_ledger=sum(kinds.values()), kinds=kinds)


def _claims(row: Row, orders: Sequence[Row], carts: Sequence[Row]) -> list[Claims]:
    kept = [_cart(cart) for cart in carts] + [_order(order) for order in orders if order["reserving"]]
    bound = [_order(order) for order in orders if not order["reserving"]]
    return [
        Claims(
            bucket=name,
            units=row[name],
            by_claims=sum(claim["units"] for claim in claims),
            count=len(claims),
            claims=claims[:CLAIMS_MOST],
        )
        for name, claims in (("reserved", kept), ("allocated", bound))
    ]


def _order(row: Row) -> dict[str, Any]:
    seen = row["visible"]
    return {
        "type": "order",
        "units": row["units"],
        "status": Rank(row["rank"]).word,
        "priority": row["priority"],
        "since": row["since"],
        "expires_at": None,
        "channel": row["channel"] if seen else None,
        "reference": row["number"] if seen else None,
        "fulfillment": row["fulfillment"] if seen else None,
    }


def _cart(row: Row) -> dict[str, Any]:
    seen = row["visible"]
    return {
        "type": "cart",
        "units": row["units"],
        "status": "reserved",
        "priority": None,
        "since": row["since"],
        "expires_at": row["expires_at"],
        "channel": row["channel"] if seen else None,
        "reference": f"rsv_{row['id'].hex}" if seen else None,
        "fulfillment": None,
    }


def _rule(row: Row) -> dict[str, Any]:
    names = [word for word, named in (("node", row["of_node"]), ("sku", row["of_sku"])) if named]
    rest = {name: row[name] for name in ("units", "source", "basis", "updated_at")}
    return {**rest, "of": " and ".join(names) or "everything"}


def _allotment(row: Row) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if name != "channel_id"}


# --- channels -------------------------------------------------------------------------------------------------


async def _channels(db: Db, scope: Scope, sku: str) -> list[ChannelWhy]:
    nodes = await network.nodes_of(db)
    channels = {
        c.id: c
        for c in (await network.channels_of(db)).values()
        if c.active and (scope.channels is None or c.id in scope.channels)
    }
    kits = await catalog.kits_of(db, skus=[sku])
    leaves = sorted(kits.get(sku) or (sku,))
    offers = await inventory.offers(
        db,
        channels={c.id: {n.id for n in nodes.values() if c.draws_on(n)} for c in channels.values()},
        skus=[sku],
        kits=kits,
        selling={n.id for n in nodes.values() if n.open},
        awaiting=await unsupplied(db, skus=leaves),
    )
    shared = {row["channel_id"]: row["takes_shared"] for row in await db.fetch(_ALLOTMENTS, sku, None)}
    told = {row["channel_id"]: row for row in await db.fetch(_PUBLISHED, sku)}
    return [
        _channel(
            c,
            offers[c.id, sku],
            takes_shared=shared.get(c.id, True),
            is_kit=sku in kits,
            nodes=nodes,
            scope=scope,
            told=told.get(c.id),
        )
        for c in sorted(channels.values(), key=lambda c: c.code)
    ]


def _channel(
    channel: Channel,
    offer: Offer,
    *,
    takes_shared: bool,
    is_kit: bool,
    nodes: Mapping[UUID, Node],
    scope: Scope,
    told: Row | None,
) -> ChannelWhy:
    steps = _of_nodes(offer, nodes, scope, is_kit=is_kit)
    steps += _of_kit(offer) if is_kit else _of_limits(offer, takes_shared=takes_shared)
    return ChannelWhy(
        channel=channel.code,
        quantity=offer.quantity,
        steps=steps,
        published=told["quantity"] if told else None,
        version=told["version"] if told else None,
        changed_at=told["changed_at"] if told else None,
        accepted=told["pushed"] == told["version"] if told and channel.availability_feed else None,
    )


def _of_nodes(offer: Offer, nodes: Mapping[UUID, Node], scope: Scope, *, is_kit: bool) -> list[Sum]:
    what = "whole kits" if is_kit else "available less safety stock, plus its backorder limit"
    steps, elsewhere = [], 0
    for node_id, units in sorted(offer.by_node.items(), key=lambda pair: nodes[pair[0]].code):
        if scope.nodes is None or node_id in scope.nodes:
            steps.append(Sum(f"{nodes[node_id].code}: {what}", units))
        else:
            elsewhere += units
    if elsewhere:
        steps.append(Sum(f"other nodes: {what}", elsewhere))
    return [*steps, Sum("at the nodes open to it", sum(offer.by_node.values()), total=True)]


def _of_kit(offer: Offer) -> list[Sum]:
    there = sum(offer.by_node.values())
    cut = (
        [Sum("beyond what its components are limited to", offer.quantity - there)]
        if offer.quantity < there
        else []
    )
    return [*cut, Sum("may sell", offer.quantity, total=True)]


def _of_limits(offer: Offer, *, takes_shared: bool) -> list[Sum]:
    """Cut to the allotment, then safety stock of the channel and those who wait are taken off; never below nought."""
    steps, left = [], sum(offer.by_node.values())
    if offer.own is not None and offer.shared is not None:
        may = offer.own + (offer.shared if takes_shared else 0)
        pool = f"{offer.shared} shared" if takes_shared else "none of the shared pool"
        if may < left:
            steps.append(Sum(f"beyond its {offer.own} set aside and {pool}", may - left))
        left = min(left, may)
    safety = min(left, offer.safety)
    if safety:
        steps.append(Sum("safety stock of the channel", -safety))
    left -= safety
    waiting = min(left, offer.awaiting)
    if waiting:
        steps.append(Sum("orders accepted that wait for stock", -waiting))
    return [*steps, Sum("may sell", left - waiting, total=True)]
