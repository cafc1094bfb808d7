"""Carriers and the immutable versions of their contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.shipping.model import CarrierRow


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A contract version without its terms."""

    id: UUID
    carrier: str
    version: int
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime


async def carriers(db: Db) -> dict[str, CarrierRow]:
    """All carriers by code."""
    rows = await db.fetch("SELECT code, name, adapter, active FROM shipping.carriers ORDER BY code")
    return {row["code"]: CarrierRow(**dict(row)) for row in rows}


async def upsert_carriers(db: Db, rows: Sequence[CarrierRow]) -> list[str]:
    """Insert or change carriers; returns the codes of those that are not as before."""
    changed = await db.fetch(
        """
        INSERT INTO shipping.carriers AS c (code, name, adapter, active)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[])
        ON CONFLICT (code) DO UPDATE
          SET name = excluded.name, adapter = excluded.adapter, active = excluded.active
          WHERE (c.name, c.adapter, c.active) IS DISTINCT FROM (excluded.name, excluded.adapter, excluded.active)
        RETURNING code
        """,
        [row.code for row in rows],
        [row.name for row in rows],
        [row.adapter for row in rows],
        [row.active for row in rows],
    )
    return [row["code"] for row in changed]


async def lock_carriers(db: Db, codes: Sequence[str]) -> None:
    """Hold the carriers' rows, in key order, so that two closings of one carrier follow one another."""
    await db.execute(
        "SELECT FROM shipping.carriers WHERE code = ANY($1::text[]) ORDER BY code FOR NO KEY UPDATE",
        list(codes),
    )


async def versions(db: Db, *, retired: bool) -> list[VersionRow]:
    """Every contract version of the active carriers, or of all, newest first within a carrier."""
    rows = await db.fetch(
        """
        SELECT v.id, v.carrier, v.version, v.valid_from, v.valid_to, v.created_at AS recorded_at
        FROM shipping.contracts AS v JOIN shipping.carriers AS c ON c.code = v.carrier
        WHERE c.active OR $1 ORDER BY v.carrier, v.version DESC
        """,
        retired,
    )
    return [VersionRow(**dict(row)) for row in rows]


async def terms_of(db: Db, ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """The terms of versions."""
    rows = await db.fetch("SELECT id, terms FROM shipping.contracts WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: row["terms"] for row in rows}


async def latest_versions(
    db: Db, codes: Sequence[str]
) -> dict[str, tuple[int, datetime, datetime | None, Any]]:
    """Each carrier's newest version: number, dates, terms."""
    rows = await db.fetch(
        """
        SELECT DISTINCT ON (carrier) carrier, version, valid_from, valid_to, terms FROM shipping.contracts
        WHERE carrier = ANY($1::text[]) ORDER BY carrier, version DESC
        """,
        list(codes),
    )
    return {
        row["carrier"]: (row["version"], row["valid_from"], row["valid_to"], row["terms"]) for row in rows
    }


async def insert_version(
    db: Db,
    *,
    carrier: str,
    version: int,
    valid_from: datetime,
    valid_to: datetime | None,
    terms: Mapping[str, Any],
) -> None:
    """A new version. Rows already there are never changed."""
    await db.execute(
        "INSERT INTO shipping.contracts (carrier, version, valid_from, valid_to, terms) VALUES ($1, $2, $3, $4, $5)",
        carrier,
        version,
        valid_from,
        valid_to,
        dict(terms),
    )
