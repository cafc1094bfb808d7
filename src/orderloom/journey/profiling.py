"""The life of a sourcing profile's version: drafted, tested by its own tests, active, retired. Each step is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from orderloom.journey import deciding
from orderloom.journey.deciding import Within
from orderloom.plumbing import events
from orderloom.plumbing.database import Db, Row
from orderloom.plumbing.events import News, acting
from orderloom.routing import store
from orderloom.routing.deciding import decide
from orderloom.routing.examining import Tested, judged, unanswered
from orderloom.routing.profiles import Example, Profile, Version
from orderloom.routing.world import EMPTY, Unanswerable


@dataclass(frozen=True, slots=True)
class Untested:
    """The version is not activated: one of its tests failed, or it has none."""

    tests: tuple[Tested, ...]


async def draft(db: Db, *, name: str, profile: Profile, note: str | None = None) -> Row:
    """Keep a new version; it takes no effect."""
    await store.lock_profiles(db)
    document = profile.model_dump(mode="json", exclude_unset=True)
    row = await store.add_version(db, name=name, document=document, note=note, by=acting.get().name)
    await _tell(db, "drafted", row, note)
    return row


async def examine(db: Db, *, row: Row, now: datetime) -> list[Tested]:
    """Run the version's own tests and keep what they came to."""
    version = store.read_version(row)
    found = [await _tested(db, version, test, now) for test in version.profile.tests]
    passed = bool(found) and not any(test.misses for test in found)
    await store.keep_tested(db, version.id, report=[test.json() for test in found], passed=passed)
    return found


async def _tested(db: Db, version: Version, test: Example, now: datetime) -> Tested:
    question = version.profile.example(test)
    try:
        needed = deciding.needs_present(question)
        world = await deciding.present(db, question, now=now, within=Within()) if needed else EMPTY
        world = replace(world, sourcing=version)
        record = await asyncio.to_thread(decide, question, present=world, now=now)
    except Unanswerable as why:
        return unanswered(test.name, [f"{fault.path}: {fault.message}" for fault in why.faults])
    return judged(test.name, test.expect, record)


async def activate(db: Db, *, row: Row, now: datetime, reason: str | None = None) -> Untested | None:
    """Make it the version that decisions follow, in place of the one before. Its tests run first; None: it is active."""
    await store.lock_profiles(db)
    found = await examine(db, row=row, now=now)
    if not found or any(test.misses for test in found):
        return Untested(tuple(found))
    before = await store.retire_active(db)
    await store.set_active(db, row["id"])
    await _tell(db, "activated", row, reason, {"instead_of": before.hex if before else None})
    return None


async def retire(db: Db, *, row: Row, reason: str | None = None) -> None:
    """Take it out of use: where it was active, orders go by their channels' policies."""
    await store.lock_profiles(db)
    await store.set_retired(db, row["id"])
    await _tell(db, "retired", row, reason)


async def _tell(
    db: Db, what: str, row: Row, reason: str | None, more: Mapping[str, Any] | None = None
) -> None:
    data = {"name": row["name"], "number": row["version"], **(more or {})}
    news = News(
        type=f"sourcing_profile.{what}",
        entity="sourcing_profile",
        entity_id=row["id"],
        reason=reason,
        data=data,
    )
    await events.append(db, [news])
