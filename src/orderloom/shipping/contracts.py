"""Carriers and contracts: kept as immutable, dated versions; had as tariffs ready for rating."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.shipping.contract import BadTerms, Fault, parse
from orderloom.shipping.model import CarrierRow, ContractDraft
from orderloom.shipping.store import contracts as store
from orderloom.shipping.store.contracts import VersionRow
from orderloom.shipping.tariff import Tariff, compile_contract

# Versions never change, so a compiled one is good for ever; the oldest is dropped when there are too many.
_COMPILED_MAX = 512
_compiled: dict[UUID, Tariff] = {}


@dataclass(frozen=True, slots=True)
class ContractBook:
    """Every version of the active carriers' contracts, to be asked as of any moment."""

    versions: tuple[VersionRow, ...]
    tariffs: Mapping[UUID, Tariff]

    def at(self, moment: datetime, *, known_at: datetime | None = None) -> list[Tariff]:
        """Each carrier's newest version in force at the moment; of those recorded by `known_at`, if that is given."""
        newest: dict[str, VersionRow] = {}
        for one in self.versions:
            known = known_at is None or one.recorded_at <= known_at
            if known and one.valid_from <= moment and (one.valid_to is None or moment < one.valid_to):
                newest.setdefault(one.carrier, one)
        return [self.tariffs[one.id] for one in newest.values()]


async def contract_book(db: Db) -> ContractBook:
    """All contract versions of active carriers."""
    versions = await store.active_versions(db)
    missing = [one for one in versions if one.id not in _compiled]
    terms = await store.terms_of(db, [one.id for one in missing]) if missing else {}
    for one in missing:
        while len(_compiled) >= _COMPILED_MAX:
            del _compiled[next(iter(_compiled))]
        _compiled[one.id] = compile_contract(
            parse(carrier=one.carrier, version=one.version, terms=terms[one.id])
        )
    return ContractBook(tuple(versions), {one.id: _compiled[one.id] for one in versions})


async def tariffs(db: Db, *, at: datetime, known_at: datetime | None = None) -> list[Tariff]:
    """The contracts in force at a moment, ready for rating, one a carrier, by carrier code; as known at a moment."""
    return (await contract_book(db)).at(at, known_at=known_at)


async def put_carriers(db: Db, *, carriers: Sequence[CarrierRow]) -> list[str]:
    """Keep carriers as given; returns the codes of those that changed."""
    return await store.upsert_carriers(db, carriers)


async def put_contracts(db: Db, *, contracts: Iterable[ContractDraft]) -> dict[str, int]:
    """Keep each as a new version of its carrier's contract, unless it says what the newest says already.

    Returns the versions made, by carrier. Raises BadTerms, with every fault of every contract, before any is kept.
    """
    drafts = list(contracts)
    faults: list[Fault] = []
    for draft in drafts:
        try:
            parse(carrier=draft.carrier, version=0, terms=draft.terms)
        except BadTerms as bad:
            faults += [Fault(f"{draft.carrier}.{fault.path}", fault.message) for fault in bad.faults]
    if faults:
        raise BadTerms(tuple(faults))
    codes = sorted({draft.carrier for draft in drafts})
    await store.lock_carriers(db, codes)
    latest = await store.latest_versions(db, codes)
    made: dict[str, int] = {}
    for draft in drafts:
        version, *present = latest.get(draft.carrier, (0, None, None, None))
        wanted = [draft.valid_from, draft.valid_to, dict(draft.terms)]
        if present == wanted:
            continue
        version += 1
        await store.insert_version(
            db,
            carrier=draft.carrier,
            version=version,
            valid_from=draft.valid_from,
            valid_to=draft.valid_to,
            terms=draft.terms,
        )
        latest[draft.carrier] = (version, draft.valid_from, draft.valid_to, dict(draft.terms))
        made[draft.carrier] = version
    return made


async def newest_terms(db: Db, *, carrier: str) -> Mapping[str, Any] | None:
    """What was agreed last; None where nothing was."""
    found = (await store.latest_versions(db, [carrier])).get(carrier)
    return found[3] if found else None


async def adapters(db: Db) -> dict[str, str]:
    """The adapter that speaks to each carrier, by the carrier's code."""
    return {code: row.adapter for code, row in (await store.carriers(db)).items()}
