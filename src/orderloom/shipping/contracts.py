"""Carriers and contracts: kept as immutable, dated versions; had as tariffs ready for rating."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.shipping.agreed import Contract
from orderloom.shipping.contract import BadTerms, Fault, parse
from orderloom.shipping.earning import WeekSpend, in_force, reached, spent
from orderloom.shipping.model import CarrierRow, ContractDraft
from orderloom.shipping.store import contracts as store
from orderloom.shipping.store import spends as spend_store
from orderloom.shipping.store.contracts import VersionRow
from orderloom.shipping.tariff import Tariff, compile_contract

# Versions never change, so a compiled one is good for ever; when there are many, those nobody has any more are dropped.
_COMPILED_MAX = 512


class Compiled:
    """A version's tariff where nothing was earned, and those under the tiers that were reached on one day or another."""

    def __init__(self, contract: Contract) -> None:
        self.tariff = compile_contract(contract)
        self._contract = contract if contract.terms.earned else None
        self._reached: dict[tuple[int, ...], Tariff] = {}

    def under(self, spends: Mapping[int, int]) -> Tariff:
        """The tariff for what was spent, by days looked back on."""
        contract = self._contract
        if contract is None:
            return self.tariff
        tiers = reached(contract.terms.earned, lambda days: spends[days])
        if not any(tiers):
            return self.tariff
        if tiers not in self._reached:
            self._reached[tiers] = compile_contract(contract, spend=spends)
        return self._reached[tiers]


_compiled: dict[UUID, Compiled] = {}


@dataclass(frozen=True, slots=True)
class ContractBook:
    """Every version of the active carriers' contracts, to be asked as of any moment."""

    versions: tuple[VersionRow, ...]
    compiled: Mapping[UUID, Compiled]
    spends: tuple[WeekSpend, ...] = ()

    def at(self, moment: datetime, *, known_at: datetime | None = None) -> list[Tariff]:
        """Each carrier's newest version in force at the moment; of those recorded by `known_at`, if that is given."""
        newest: dict[str, VersionRow] = {}
        for one in self.versions:
            known = known_at is None or one.recorded_at <= known_at
            if known and one.valid_from <= moment and (one.valid_to is None or moment < one.valid_to):
                newest.setdefault(one.carrier, one)
        return [self.tariff(one, at=moment, known_at=known_at) for one in newest.values()]

    def tariff(self, version: VersionRow, *, at: datetime, known_at: datetime | None = None) -> Tariff:
        """A version with what its earned tiers had come to by the day of the moment."""
        compiled = self.compiled[version.id]
        earned = compiled.tariff.earned
        if not earned:
            return compiled.tariff
        day = at.astimezone(UTC).date()
        sums = self.sums(compiled.tariff, day=day, known_at=known_at)
        return compiled.under({rule.days: spent(sums, days=rule.days, day=day) for rule in earned})

    def sums(self, contract: Tariff, *, day: date, known_at: datetime | None = None) -> list[WeekSpend]:
        """What was spent week by week under the contract's currency, by the sums that hold on the day."""
        mine = (contract.carrier, contract.currency)
        return in_force(
            [one for one in self.spends if (one.carrier, one.currency) == mine], day=day, known_at=known_at
        )


async def contract_book(db: Db, *, retired: bool = False) -> ContractBook:
    """All contract versions of active carriers; or of those out of use as well."""
    versions = await store.versions(db, retired=retired)
    compiled = {one.id: _compiled[one.id] for one in versions if one.id in _compiled}
    missing = [one for one in versions if one.id not in compiled]
    terms = await store.terms_of(db, [one.id for one in missing]) if missing else {}
    if len(_compiled) + len(missing) > _COMPILED_MAX:
        for gone in _compiled.keys() - {one.id for one in versions}:
            del _compiled[gone]
    for one in missing:
        contract = parse(carrier=one.carrier, version=one.version, terms=terms[one.id])
        compiled[one.id] = _compiled[one.id] = Compiled(contract)
    earning = sorted({one.carrier for one in versions if compiled[one.id].tariff.earned})
    spends = tuple(await spend_store.spends(db, earning)) if earning else ()
    return ContractBook(tuple(versions), compiled, spends)


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


async def newest_contract(db: Db, *, carrier: str) -> Contract | None:
    """What was agreed last, read; None where nothing was."""
    found = (await store.latest_versions(db, [carrier])).get(carrier)
    return parse(carrier=carrier, version=found[0], terms=found[3]) if found else None


async def newest_terms(db: Db, *, carrier: str) -> Mapping[str, Any] | None:
    """What was agreed last; None where nothing was."""
    found = (await store.latest_versions(db, [carrier])).get(carrier)
    return found[3] if found else None


async def adapters(db: Db) -> dict[str, str]:
    """The adapter that speaks to each carrier, by the carrier's code."""
    return {code: row.adapter for code, row in (await store.carriers(db)).items()}
