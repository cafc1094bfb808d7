"""Cartons, carriers with their contracts, and the audit of what the deployment holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, pointer, wrong
from orderloom.api.wire import (
    Amount,
    Code,
    In,
    Limit,
    Moment,
    Out,
    Page,
    PlainJson,
    Size,
    Text,
    Weight,
    cursor,
    page_of,
    place,
)
from orderloom.insight import audit, catalogue_pages
from orderloom.journey import setup
from orderloom.journey.setup import CarrierTerms, Setup
from orderloom.packing.model import Carton
from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.database import Row
from orderloom.shipping import spending
from orderloom.shipping.carriers import adapter
from orderloom.shipping.contract import BadTerms
from orderloom.terms import Dimensions

routes = Routes("configuration")
# A contract without a first day was in force before anything that is decided on.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_INCHES: dict[str, Any] = {edge: {"value": 10, "unit": "in"} for edge in ("length", "width", "height")}


class CartonIn(In):
    """A box as it shall be. `max_weight` is gross; `cost` in minor units."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Medium box",
                    "inner": _INCHES,
                    "outer": _INCHES,
                    "tare": {"value": 8, "unit": "oz"},
                    "max_weight": {"value": 40, "unit": "lb"},
                    "cost": 85,
                }
            ]
        }
    )
    name: Text
    inner: Size
    outer: Size
    tare: Weight
    max_weight: Weight
    cost: Amount = 0
    flexible: bool = Field(
        default=False,
        description="A bag or mailer: its inner height is how thick it may be filled, its outer height how thick "
        "it is when empty; every millimetre of thickness takes one from its length and width",
    )

    def carton(self, code: str) -> Carton:
        return Carton(
            code=code,
            name=self.name,
            inner=Dimensions(*self.inner.room()),
            outer=Dimensions(*self.outer.millimetres()),
            tare_g=self.tare.grams(),
            max_weight_g=self.max_weight.grams(),
            cost=self.cost,
            flexible=self.flexible,
        )


class CartonOut(Out):
    """A box that may be used, in whole millimetres and grams."""

    code: str
    name: str
    inner_mm: list[int]
    outer_mm: list[int]
    tare_g: int
    max_weight_g: int
    cost: int
    flexible: bool
    active: bool

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**dict(row))


@routes.put("/cartons/{code}", scope="config:write", dry_run=True)
async def put_carton(call: Here, code: Code, body: CartonIn) -> CartonOut:
    """Add a carton, or make it so"""
    carton = body.carton(code)
    if carton.max_weight_g <= carton.tare_g:
        raise wrong("/max_weight", "too_small", "a carton bears more than its own weight")
    await setup.put(call.db, wanted=Setup(cartons=[carton]))
    return await _carton(call, code)


@routes.get("/cartons", scope="config:read")
async def list_cartons(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[CartonOut]:
    """Cartons by code"""
    begin = place(after, str)
    rows = await catalogue_pages.cartons(call.db, after=begin[0] if begin else "", limit=limit)
    return page_of([CartonOut.of(row) for row in rows], limit, lambda carton: cursor(carton.code))


@routes.get("/cartons/{code}", scope="config:read")
async def get_carton(call: Here, code: Code) -> CartonOut:
    """One carton"""
    return await _carton(call, code)


async def _carton(call: Call, code: str) -> CartonOut:
    rows = await catalogue_pages.cartons(call.db, code=code)
    if not rows:
        raise not_found("carton")
    return CartonOut.of(rows[0])


# --- carriers -------------------------------------------------------------------------------------------------


class CarrierIn(In):
    """A carrier, the adapter that speaks to it, and its contract from a moment on. A change is a new version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Parcel Post",
                    "adapter": "simulated",
                    "valid_from": "2026-01-01T00:00:00Z",
                    "terms": {"currency": "USD", "services": [], "zones": {}, "rates": []},
                }
            ]
        }
    )
    name: Text
    adapter: Code
    terms: PlainJson = Field(description="Zones, services, rate cards, surcharges: see the contract schema")
    valid_from: Moment = ALWAYS


class CarrierOut(Out):
    """A carrier with the latest version of its contract."""

    code: str
    name: str
    adapter: str
    active: bool
    contract_version: int | None
    valid_from: AwareDatetime | None
    valid_to: AwareDatetime | None
    terms: dict[str, Any] | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{**dict(row), "contract_version": row["version"]})


@routes.put("/carriers/{code}", scope="config:write", dry_run=True)
async def put_carrier(call: Here, code: Code, body: CarrierIn) -> CarrierOut:
    """Add a carrier, or a new version of its contract"""
    try:
        adapter(body.adapter)
        await setup.put(
            call.db,
            wanted=Setup(
                carriers=[
                    CarrierTerms(
                        code=code,
                        name=body.name,
                        adapter=body.adapter,
                        terms=body.terms,
                        valid_from=body.valid_from,
                    )
                ]
            ),
        )
    except NoSuchAdapter as missing:
        raise wrong("/adapter", "unknown_value", str(missing)) from None
    except BadTerms as bad:
        raise invalid([_bad_term(fault.path, code, fault.message) for fault in bad.faults]) from None
    return await _carrier(call, code)


def _bad_term(path: str, code: str, message: str) -> Fault:
    inner = path.removeprefix(f"{code}.").split(".")
    return Fault("/terms" + pointer([part for part in inner if part]), "bad_terms", message)


@routes.get("/carriers", scope="config:read")
async def list_carriers(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[CarrierOut]:
    """Carriers by code"""
    begin = place(after, str)
    rows = await catalogue_pages.carriers(call.db, after=begin[0] if begin else "", limit=limit)
    return page_of([CarrierOut.of(row) for row in rows], limit, lambda carrier: cursor(carrier.code))


@routes.get("/carriers/{code}", scope="config:read")
async def get_carrier(call: Here, code: Code) -> CarrierOut:
    """One carrier"""
    return await _carrier(call, code)


async def _carrier(call: Call, code: str) -> CarrierOut:
    rows = await catalogue_pages.carriers(call.db, code=code)
    if not rows:
        raise not_found("carrier")
    return CarrierOut.of(rows[0])


class EarnedTierOut(Out):
    """An earned discount: what was spent in its weeks, what that earns, and what the next tier asks for."""

    code: str
    services: list[str] = Field(description="Whose prices it lowers; all where none is named")
    since: date
    until: date = Field(description="The Monday after the last week that counts")
    spent: int
    permille: float = Field(description="Off the card; nought while no tier is reached")
    next_spend: Amount | None
    next_permille: float | None


class WeekSpendOut(Out):
    """What a week, from its Monday, came to by the sum that holds on the day."""

    week: date
    amount: int
    holds_from: date


class EarningsOut(Out):
    """What a carrier's earned discounts rest on, on a day. Amounts are minor units of the contract's currency."""

    carrier: str
    contract_version: int | None
    currency: str | None
    day: date
    tiers: list[EarnedTierOut]
    weeks: list[WeekSpendOut]


@routes.get("/carriers/{code}/earnings", scope="config:read")
async def get_carrier_earnings(
    call: Here, code: Code, *, at: Moment | None = None, known_at: Moment | None = None
) -> EarningsOut:
    """What was spent with a carrier, week by week, and which discounts that earns, now or on the day of `at`"""
    if call.credential.limited:
        raise not_found("carrier")
    found = await spending.earnings(call.db, carrier=code, at=at or call.now, known_at=known_at)
    if found is None:
        raise not_found("carrier")
    return EarningsOut(**found.json())


# --- audit ----------------------------------------------------------------------------------------------------


class FindingOut(Out):
    """One invariant, and how many rows break it."""

    key: str
    says: str
    violations: int
    sample: Annotated[list[dict[str, Any]], Field(description="The first few rows that break it")]


class AuditOut(Out):
    """Every invariant, checked in one snapshot just now."""

    violations: int
    invariants: list[FindingOut]


@routes.get("/audit", scope="audit:read", own=True, lane="bulk")
async def run_audit(call: Here) -> AuditOut:
    """Check every invariant now; it reads much, so ask seldom"""
    if call.credential.limited:
        raise not_found("audit")
    findings = await audit.of_database(call.desk.database)
    return AuditOut(
        violations=sum(finding.count for finding in findings),
        invariants=[FindingOut(**finding.json()) for finding in findings],
    )
