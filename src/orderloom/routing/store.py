"""All SQL of the schema `routing`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from orderloom.plumbing.database import Db, Row
from orderloom.routing.kept import packed, unpacked
from orderloom.routing.model import Decision
from orderloom.routing.profiles import Profile, Version

# Whose decisions these are: another release may decide otherwise.
ENGINE = version("orderloom")
_KEPT = (
    "id", "order_id", "outcome", "record", "cost", "runner_up_cost", "shipments", "decided_as_of", "profile_id",
)  # fmt: skip
_DECISION = (
    "id, order_id, kind, outcome, record, cost, runner_up_cost, shipments, decided_as_of, profile_id, created_at "
    "FROM routing.decisions"
)


async def record(db: Db, *, decisions: Mapping[UUID, tuple[UUID, Decision]]) -> None:
    """Keep decisions: by their own id, the order each is about and what was decided."""
    await db.copy_records_to_table(
        "decisions",
        schema_name="routing",
        columns=_KEPT,
        records=[
            (
                decision_id,
                order_id,
                d.outcome,
                packed({"engine": ENGINE, "request": d.asked.json(), "answer": d.json()}),
                d.plan.cost if d.plan else None,
                d.runner_up.cost if d.runner_up else None,
                len(d.plan.parts) if d.plan else 0,
                d.request.now,
                d.sourced.profile_id if d.sourced else None,
            )
            for decision_id, (order_id, d) in decisions.items()
        ],
    )


def _whole(row: Row) -> dict[str, Any]:
    """The row with its record opened: `engine`, `request` and `answer`."""
    columns = dict(row)
    return {**columns, **unpacked(columns.pop("record"))}


async def last_decisions(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The latest decision of each order, whole."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (order_id) "
        + _DECISION
        + " WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id DESC",
        list(orders),
    )
    return {row["order_id"]: _whole(row) for row in rows}


async def decisions_of(db: Db, order_id: UUID, *, limit: int = 20) -> list[dict[str, Any]]:
    """The decisions of one order, the latest first."""
    rows = await db.fetch(
        "SELECT " + _DECISION + " WHERE order_id = $1 ORDER BY id DESC LIMIT $2", order_id, limit
    )
    return [_whole(row) for row in rows]


async def decision(db: Db, decision_id: UUID) -> dict[str, Any] | None:
    """One decision record, whole."""
    row = await db.fetchrow("SELECT " + _DECISION + " WHERE id = $1", decision_id)
    return _whole(row) if row else None


# --- sourcing profiles ----------------------------------------------------------------------------------------

# First of the two keys of this capability's advisory locks, so that they meet no other's.
_LOCKS = 7003
_BATCHES_KEPT = 100
_BATCH = (
    "began_at", "began_by", "orders", "changed", "passed_over", "currency", "cost_before", "cost", "bound", "priced",
    "last_order",
)  # fmt: skip
_COLUMNS = "id, name, version, status, document, tested, note, created_by, created_at, activated_at"
_VERSION = _COLUMNS + " FROM routing.profiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """The version that decisions follow, and the shadow's trial with its share of a thousand; None where there is none."""

    version: Version | None = None
    shadow: UUID | None = None
    permille: int = 0

    @property
    def watched(self) -> bool:
        """Whether decisions keep what rules read of an order."""
        return self.version is not None or self.shadow is not None


async def in_use(db: Db) -> InUse:
    """What routing follows now."""
    row = await db.fetchrow(
        "SELECT p.id, p.name, p.version, p.document::text AS document, t.id AS shadow, t.permille FROM (VALUES (1)) "
        "AS one LEFT JOIN routing.profiles AS p ON p.status = 'active' "
        "LEFT JOIN routing.trials AS t ON t.shadow AND t.ended_at IS NULL"
    )
    assert row is not None  # noqa: S101 - VALUES has its row whatever is joined to it
    version = row["id"] and _version(row["id"], row["name"], row["version"], row["document"])
    return InUse(version=version, shadow=row["shadow"], permille=row["permille"] or 0)


# A version never changes: what was read of it once is read again from here.
@lru_cache(maxsize=16)
def _version(id_: UUID, name: str, number: int, document: str) -> Version:
    return Version(id=id_, name=name, number=number, profile=Profile.model_validate_json(document))


def read_version(row: Row) -> Version:
    """A stored version as decisions follow it."""
    return _version(row["id"], row["name"], row["version"], to_json(row["document"]).decode())


async def lock_profiles(db: Db) -> None:
    """Let one change at a time say which version is active, and number new ones."""
    await db.execute("SELECT pg_advisory_xact_lock($1, 0)", _LOCKS)


async def add_version(db: Db, *, name: str, document: Mapping[str, Any], note: str | None, by: str) -> Row:
    """Keep a new version under the next number of its name."""
    row = await db.fetchrow(
        "INSERT INTO routing.profiles (name, version, document, note, created_by) SELECT $1, "
        "coalesce((SELECT max(version) FROM routing.profiles WHERE name = $1), 0) + 1, $2, $3, $4 RETURNING "
        + _COLUMNS,
        name,
        dict(document),
        note,
        by,
    )
    assert row is not None  # noqa: S101 - an INSERT that returns has one row or raises
    return row


async def version_of(db: Db, profile_id: UUID) -> Row | None:
    """One version."""
    return await db.fetchrow("SELECT " + _VERSION + " WHERE id = $1", profile_id)


async def find_version(db: Db, *, name: str, number: int | None) -> Row | None:
    """The version of that name and number; the latest where no number is given."""
    return await db.fetchrow(
        "SELECT "
        + _VERSION
        + " WHERE name = $1 AND ($2::int IS NULL OR version = $2) ORDER BY version DESC LIMIT 1",
        name,
        number,
    )


async def versions(db: Db, *, before: UUID | None, limit: int) -> list[Row]:
    """Versions, the newest first, from beyond the one given."""
    return await db.fetch(
        "SELECT " + _VERSION + " WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2", before, limit
    )


async def keep_tested(db: Db, profile_id: UUID, *, report: Sequence[Mapping[str, Any]], passed: bool) -> None:
    """Keep what the version's tests came to. A draft that passes is tested; one that no longer does is a draft again."""
    await db.execute(
        "UPDATE routing.profiles SET tested = $2, status = CASE WHEN status NOT IN ('draft', 'tested') THEN status "
        "WHEN $3 THEN 'tested' ELSE 'draft' END WHERE id = $1",
        profile_id,
        list(report),
        passed,
    )


async def retire_active(db: Db) -> UUID | None:
    """The version that was active, now retired."""
    found: UUID | None = await db.fetchval(
        "UPDATE routing.profiles SET status = 'retired' WHERE status = 'active' RETURNING id"
    )
    return found


async def set_active(db: Db, profile_id: UUID) -> None:
    """Make the version the one that decisions follow. No other may be active."""
    await db.execute(
        "UPDATE routing.profiles SET status = 'active', "
        "activated_at = coalesce(activated_at, clock_timestamp()) WHERE id = $1",
        profile_id,
    )


async def set_retired(db: Db, profile_id: UUID) -> None:
    """Take the version out of use."""
    await db.execute("UPDATE routing.profiles SET status = 'retired' WHERE id = $1", profile_id)


# --- trials ---------------------------------------------------------------------------------------------------

_TRIAL = "id, profile_id, shadow, permille, began_by, began_at, ended_at FROM routing.trials"


async def begin_trial(db: Db, *, profile_id: UUID, shadow: bool, permille: int, by: str) -> UUID:
    """A trial without orders yet."""
    found: UUID = await db.fetchval(
        "INSERT INTO routing.trials (profile_id, shadow, permille, began_by) VALUES ($1, $2, $3, $4) RETURNING id",
        profile_id,
        shadow,
        permille,
        by,
    )
    return found


async def end_shadow(db: Db) -> UUID | None:
    """End the shadow that runs; decisions it has taken are still answered."""
    found: UUID | None = await db.fetchval(
        "UPDATE routing.trials SET ended_at = clock_timestamp() WHERE shadow AND ended_at IS NULL RETURNING id"
    )
    return found


async def trial(db: Db, trial_id: UUID) -> Row | None:
    """One trial."""
    return await db.fetchrow("SELECT " + _TRIAL + " WHERE id = $1", trial_id)


async def trials_of(db: Db, profile_id: UUID, *, before: UUID | None = None, limit: int = 20) -> list[Row]:
    """The version's trials, the latest first, from beyond the one given."""
    return await db.fetch(
        "SELECT "
        + _TRIAL
        + " WHERE profile_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        profile_id,
        before,
        limit,
    )


async def ask_last(db: Db, trial_id: UUID, *, last: int) -> int:
    """Put the latest decisions of the last orders to the trial; returns how many there are."""
    # An order may be decided several times: as many again are looked at, so that the orders come to the number.
    tag = await db.execute(
        "INSERT INTO routing.comparisons (trial_id, decision_id, order_id) "
        "SELECT $1, id, order_id FROM ("
        "SELECT DISTINCT ON (order_id) id, order_id FROM ("
        "SELECT id, order_id FROM routing.decisions WHERE kind = 'route' ORDER BY id DESC LIMIT $2 * 2) AS recent "
        "ORDER BY order_id, id DESC) AS latest ORDER BY id DESC LIMIT $2",
        trial_id,
        last,
    )
    return int(tag.rpartition(" ")[2])


async def ask_of(db: Db, trial_id: UUID, *, orders: Sequence[UUID]) -> None:
    """Put the latest decisions of these orders to the trial."""
    await db.execute(
        "INSERT INTO routing.comparisons (trial_id, decision_id, order_id) "
        "SELECT DISTINCT ON (order_id) $1::uuid, id, order_id FROM routing.decisions "
        "WHERE order_id = ANY($2::uuid[]) ORDER BY order_id, id DESC",
        trial_id,
        list(orders),
    )


async def unanswered(db: Db, *, trial_id: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Decisions that trials have yet to make again, whole, locked; the newest first, what others have in hand left out."""
    rows = await db.fetch(
        "SELECT c.trial_id, c.decision_id, c.order_id, t.profile_id, d.record FROM routing.comparisons AS c "
        "JOIN routing.trials AS t ON t.id = c.trial_id JOIN routing.decisions AS d ON d.id = c.decision_id "
        "WHERE c.answered_at IS NULL AND ($1::uuid IS NULL OR c.trial_id = $1) "
        "ORDER BY c.trial_id, c.decision_id DESC LIMIT $2 FOR UPDATE OF c SKIP LOCKED",
        trial_id,
        limit,
    )
    return [_whole(row) for row in rows]


async def answer(db: Db, answers: Sequence[Mapping[str, Any]]) -> None:
    """Keep what the trial came to for these decisions."""
    await db.execute(
        "UPDATE routing.comparisons AS c SET answered_at = clock_timestamp(), changed = t.changed, before = t.before, "
        "after = t.after, moved = coalesce(t.moved, '[]'), failed = t.failed "
        "FROM jsonb_to_recordset($1) AS t (trial_id uuid, decision_id uuid, changed bool, before jsonb, after jsonb, "
        "moved jsonb, failed text) WHERE c.trial_id = t.trial_id AND c.decision_id = t.decision_id",
        [dict(one) for one in answers],
    )


async def progress(db: Db, trial_id: UUID) -> Row:
    """How many decisions the trial was asked, has answered and could not, and how many came out otherwise."""
    row = await db.fetchrow(
        "SELECT count(*) AS asked, count(answered_at) AS answered, count(failed) AS failed, "
        "count(*) FILTER (WHERE changed) AS changed, "
        "count(*) FILTER (WHERE before->'nodes' <> after->'nodes') AS other_nodes, "
        "count(*) FILTER (WHERE moved <> '[]') AS moved FROM routing.comparisons WHERE trial_id = $1",
        trial_id,
    )
    assert row is not None  # noqa: S101 - an aggregate has its row
    return row


async def sums(db: Db, trial_id: UUID) -> list[Row]:
    """Before and after, by currency: over the orders that both have a plan for, and how many have none."""
    return await db.fetch(
        "SELECT coalesce(before->>'currency', after->>'currency') AS currency, count(*) AS orders, "
        "count(*) FILTER (WHERE both_) AS with_plan, "
        "sum((before->>'cost')::bigint) FILTER (WHERE both_)::bigint AS cost_before, "
        "sum((after->>'cost')::bigint) FILTER (WHERE both_)::bigint AS cost_after, "
        "count(*) FILTER (WHERE (before->>'late')::bool) AS late_before, "
        "count(*) FILTER (WHERE (after->>'late')::bool) AS late_after, "
        "count(*) FILTER (WHERE (before->>'shipments')::int > 1) AS split_before, "
        "count(*) FILTER (WHERE (after->>'shipments')::int > 1) AS split_after, "
        "count(*) FILTER (WHERE before->>'cost' IS NULL) AS without_plan_before, "
        "count(*) FILTER (WHERE after->>'cost' IS NULL) AS without_plan_after "
        "FROM (SELECT *, before->>'cost' IS NOT NULL AND after->>'cost' IS NOT NULL AS both_ "
        "FROM routing.comparisons WHERE trial_id = $1 AND after IS NOT NULL) AS answered GROUP BY 1 ORDER BY 1",
        trial_id,
    )


async def by_rule(db: Db, trial_id: UUID) -> list[Row]:
    """How many orders each rule and strategy had, and how many of them came out otherwise."""
    return await db.fetch(
        "SELECT after->>'rule' AS rule, after->>'strategy' AS strategy, count(*) AS orders, "
        "count(*) FILTER (WHERE changed) AS changed FROM routing.comparisons "
        "WHERE trial_id = $1 AND after IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
        trial_id,
    )


async def differences(db: Db, trial_id: UUID, *, after: UUID | None, limit: int) -> list[Row]:
    """Orders that came out otherwise or could not be decided again, the newest decision first."""
    return await db.fetch(
        "SELECT decision_id, order_id, before, after, moved, failed FROM routing.comparisons "
        "WHERE trial_id = $1 AND (changed OR failed IS NOT NULL) AND ($2::uuid IS NULL OR decision_id < $2) "
        "ORDER BY decision_id DESC LIMIT $3",
        trial_id,
        after,
        limit,
    )


# --- many orders together: scarcity and batches -------------------------------------------------------------------------------------------------


async def put_scarcity(db: Db, *, prices: Mapping[tuple[UUID, str], int], at: datetime) -> None:
    """These prices take the place of all others."""
    await db.execute("DELETE FROM routing.scarcity")
    await db.execute(
        "INSERT INTO routing.scarcity (node_id, sku, price, priced_at) "
        "SELECT t.node_id, t.sku, t.price, $4 FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS t (node_id, sku, price)",
        [node for node, _ in prices],
        [sku for _, sku in prices],
        list(prices.values()),
        at,
    )


async def scarcity(
    db: Db, *, since: datetime, skus: Collection[str] | None = None
) -> dict[tuple[UUID, str], int]:
    """What units are worth where they are, by (node, SKU), as priced since then."""
    rows = await db.fetch(
        "SELECT node_id, sku, price FROM routing.scarcity "
        "WHERE priced_at >= $1 AND ($2::text[] IS NULL OR sku = ANY($2)) ORDER BY sku, node_id",
        since,
        None if skus is None else sorted(skus),
    )
    return {(row["node_id"], row["sku"]): row["price"] for row in rows}


async def may_begin(db: Db, *, not_since: datetime) -> bool:
    """Whether no batch has begun since then, and nobody else is at one; whoever asked is, until his transaction ends."""
    if not await db.fetchval("SELECT pg_try_advisory_xact_lock($1, 1)", _LOCKS):
        return False
    return not await db.fetchval("SELECT true FROM routing.batches WHERE began_at > $1 LIMIT 1", not_since)


async def note_batch(db: Db, batch: Mapping[str, Any]) -> None:
    """Remember a batch that was put in force; only so many of the last are."""
    await db.execute(
        "INSERT INTO routing.batches (began_at, began_by, orders, changed, passed_over, currency, cost_before, cost, "
        "bound, priced, last_order) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(batch[name] for name in _BATCH),
    )
    await db.execute(
        "DELETE FROM routing.batches WHERE id <= (SELECT id FROM routing.batches ORDER BY id DESC OFFSET $1 LIMIT 1)",
        _BATCHES_KEPT,
    )


async def batches(db: Db, *, limit: int, after: UUID | None = None) -> list[Row]:
    """The last batches that were put in force, the latest first."""
    return await db.fetch(
        "SELECT id, began_at, began_by, orders, changed, passed_over, currency, cost_before, cost, bound, priced, "
        "last_order FROM routing.batches WHERE $2::uuid IS NULL OR id < $2 ORDER BY id DESC LIMIT $1",
        limit,
        after,
    )


async def latest(db: Db, *, limit: int) -> list[dict[str, Any]]:
    """The latest decision of each of the orders routed last, whole."""
    rows = await db.fetch(
        "SELECT " + _DECISION + " WHERE id IN (SELECT DISTINCT ON (order_id) id FROM ("
        "SELECT id, order_id FROM routing.decisions WHERE kind = 'route' ORDER BY id DESC LIMIT $1) AS recent "
        "ORDER BY order_id, id DESC) ORDER BY id",
        limit,
    )
    return [_whole(row) for row in rows]
