"""Contracts are kept as immutable, dated versions and had as of any moment."""

from datetime import UTC, datetime

import pytest

from orderloom import shipping
from orderloom.shipping import contracts
from orderloom.shipping.contract import BadTerms
from orderloom.shipping.model import CarrierRow, ContractDraft, Parcel, Place
from orderloom.shipping.rate import rate
from orderloom.terms import Dimensions
from tests.unit.shipping.terms import terms

ACME = CarrierRow(code="acme", name="Acme", adapter="flat")


def year(n):
    return datetime(n, 1, 1, tzinfo=UTC)


async def test_the_version_in_force_at_the_moment(db):
    await shipping.put_carriers(db, carriers=[ACME])
    for n in (2024, 2026):
        draft = ContractDraft(carrier="acme", valid_from=year(n), terms=terms(holidays=[f"{n}-12-25"]))
        await shipping.put_contracts(db, contracts=[draft])
    assert await shipping.tariffs(db, at=year(2023)) == []
    assert [t.version for t in await shipping.tariffs(db, at=year(2025))] == [1]
    assert [t.version for t in await shipping.tariffs(db, at=year(2027))] == [2]


async def test_more_versions_than_are_kept_compiled(db, monkeypatch):
    monkeypatch.setattr(contracts, "_COMPILED_MAX", 2)
    await shipping.put_carriers(db, carriers=[ACME])
    for n in range(2020, 2025):
        draft = ContractDraft(carrier="acme", valid_from=year(n), terms=terms(holidays=[f"{n}-12-25"]))
        await shipping.put_contracts(db, contracts=[draft])
    for n in range(5):
        assert [t.version for t in await shipping.tariffs(db, at=year(2020 + n))] == [n + 1]


async def test_a_contract_that_ended(db):
    await shipping.put_carriers(db, carriers=[ACME])
    draft = ContractDraft(carrier="acme", valid_from=year(2024), valid_to=year(2025), terms=terms())
    await shipping.put_contracts(db, contracts=[draft])
    assert await shipping.tariffs(db, at=year(2025)) == []


async def test_the_same_terms_again_make_no_version(db):
    assert await shipping.put_carriers(db, carriers=[ACME]) == ["acme"]
    assert await shipping.put_carriers(db, carriers=[ACME]) == []
    draft = ContractDraft(carrier="acme", valid_from=year(2024), terms=terms())
    assert await shipping.put_contracts(db, contracts=[draft]) == {"acme": 1}
    assert await shipping.put_contracts(db, contracts=[draft]) == {}


async def test_bad_terms_of_any_keep_out_all(db):
    await shipping.put_carriers(db, carriers=[ACME, CarrierRow(code="other", name="O", adapter="flat")])
    drafts = [
        ContractDraft(carrier="acme", valid_from=year(2024), terms=terms()),
        ContractDraft(carrier="other", valid_from=year(2024), terms=terms(currency="dollars")),
    ]
    with pytest.raises(BadTerms, match=r"other\.currency"):
        await shipping.put_contracts(db, contracts=drafts)
    assert await shipping.tariffs(db, at=year(2025)) == []


async def test_a_carrier_that_is_not_active_offers_nothing(db):
    await shipping.put_carriers(db, carriers=[ACME])
    await shipping.put_contracts(
        db, contracts=[ContractDraft(carrier="acme", valid_from=year(2024), terms=terms())]
    )
    await shipping.put_carriers(
        db, carriers=[CarrierRow(code="acme", name="Acme", adapter="flat", active=False)]
    )
    assert await shipping.tariffs(db, at=year(2025)) == []


async def test_a_past_day_rates_as_then_and_as_it_was_known_then(db):
    """A correction recorded later holds for the past too, unless it is asked what was known at the time."""
    await shipping.put_carriers(db, carriers=[ACME])
    for amount in (450, 500):
        residential = {"kind": "residential", "amount": amount}
        draft = ContractDraft(carrier="acme", valid_from=year(2024), terms=terms(surcharges=[residential]))
        await shipping.put_contracts(db, contracts=[draft])
    for version, recorded in ((1, year(2024)), (2, year(2026))):
        await db.execute(
            "UPDATE shipping.contracts SET created_at = $2 WHERE carrier = 'acme' AND version = $1",
            version,
            recorded,
        )

    async def cost(*, known_at=None):
        [tariff] = await shipping.tariffs(db, at=year(2025), known_at=known_at)
        answer = rate(
            contract=tariff,
            service="ground",
            parcel=Parcel.of(dimensions=Dimensions(100, 100, 100), weight_g=400),
            origin=Place("US", "10001"),
            destination=Place("US", "60601"),
            at=year(2025),
        )
        return sum(line.amount for line in answer.lines if line.rule == "residential")

    assert await cost() == 500
    assert await cost(known_at=year(2025)) == 450
    assert await cost(known_at=year(2026)) == 500
    assert await shipping.tariffs(db, at=year(2025), known_at=year(2023)) == []
