"""Sourcing profiles: versions drafted, tested, tried on past orders, run as a shadow, made active, retired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, Problem, not_found, refused
from orderloom.api.wire import (
    Code,
    DecisionId,
    In,
    Limit,
    OrderId,
    Out,
    Page,
    Reason,
    SourcingProfileId,
    Text,
    TrialId,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.journey import profiling, trials
from orderloom.plumbing.database import Row
from orderloom.routing import examples, store
from orderloom.routing.examining import Tested, problem
from orderloom.routing.profiles import Profile
from orderloom.terms import wire

routes = Routes("sourcing")
_SAID = "Open list: accept values you do not know"


class ProfileIn(In):
    """A new version of a profile: rules as data, with tests of their own."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "us", "note": "vip by air", "profile": examples.PROFILE}]}
    )
    name: Code
    profile: Profile
    note: Text | None = None


class TestOut(Out):
    """What came of one test: `misses` is empty where it passed."""

    test: str
    passed: bool
    misses: list[dict[str, Any]] = Field(description="`field`, what was `expected` and what was `found`")
    found: dict[str, Any] = Field(description="Rule, strategy, nodes, services, cost and the rest as decided")


class SourcingProfileOut(Out):
    """A version of a sourcing profile. What it says never changes; its status does."""

    id: SourcingProfileId
    name: str
    number: int = Field(description="The version of that name, from 1")
    status: str = Field(description="draft, tested, active or retired. " + _SAID)
    profile: dict[str, Any]
    tested: list[TestOut] | None = Field(description="What its tests came to when they ran last")
    note: str | None
    created_by: str
    created_at: AwareDatetime
    activated_at: AwareDatetime | None = Field(description="For the first time")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**some(row, cls), number=row["version"], profile=row["document"])


class ReasonIn(In):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the stores have stock again"}]})
    reason: Reason | None = None


class TryIn(In):
    """How many of the last orders to try it on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"last": 200}]})
    last: Annotated[int, Field(strict=True, ge=1, le=trials.LAST_MOST)] = 200


class ShadowIn(In):
    """Of how many orders in a thousand it decides beside the active version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"permille": 100}]})
    permille: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1000


class SumsOut(Out):
    """Before and after, of the orders in one currency. Costs are of those that have a plan both times."""

    currency: str | None
    orders: int
    with_plan: int
    cost_before: int | None
    cost_after: int | None
    late_before: int
    late_after: int
    split_before: int
    split_after: int
    without_plan_before: int
    without_plan_after: int


class RuleOut(Out):
    """How many orders a rule had; null where none was met."""

    rule: str | None
    strategy: str | None
    orders: int
    changed: int


class TrialOut(Out):
    """How far a trial is, and what it came to so far. It is done once all that was asked is answered."""

    id: TrialId
    profile_id: SourcingProfileId
    shadow: bool
    permille: int
    began_by: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = Field(description="When a shadow was ended")
    asked: int = Field(description="Decisions to be made again")
    answered: int
    failed: int = Field(description="That could not be made again; the list of differences says why")
    changed: int = Field(description="That came out otherwise")
    other_nodes: int
    moved: int = Field(description="Whose nodes, items, cartons or contracts have changed meanwhile")
    sums: list[SumsOut]
    rules: list[RuleOut]

    @classmethod
    def of(cls, report: dict[str, Any]) -> Self:
        return cls(**report)


class DifferenceOut(Out):
    """An order that came out otherwise: rule, strategy, nodes, services, cost, late, before and after."""

    order_id: OrderId
    number: str
    decision_id: DecisionId
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    moved: list[str]
    failed: str | None = Field(description="Why it could not be decided again")


@routes.post("/sourcing-profiles", scope="config:write", dry_run=True)
async def add_sourcing_profile(call: Here, body: ProfileIn) -> SourcingProfileOut:
    """Draft a new version of a sourcing profile; it takes no effect"""
    return SourcingProfileOut.of(
        await profiling.draft(call.db, name=body.name, profile=body.profile, note=body.note)
    )


@routes.get("/sourcing-profiles", scope="config:read")
async def list_sourcing_profiles(
    call: Here, *, limit: Limit = 50, after: str | None = None
) -> Page[SourcingProfileOut]:
    """Versions of sourcing profiles, the newest first"""
    begin = place(after, UUID)
    rows = await store.versions(call.db, before=begin[0] if begin else None, limit=limit + 1)
    return page_of([SourcingProfileOut.of(row) for row in rows], limit, lambda one: cursor(one.id))


@routes.get("/sourcing-profiles/{profile_id}", scope="config:read")
async def get_sourcing_profile(call: Here, profile_id: SourcingProfileId) -> SourcingProfileOut:
    """One version, with what its tests came to"""
    return SourcingProfileOut.of(await _row(call, profile_id))


@routes.post("/sourcing-profiles/{profile_id}/test", scope="config:write", dry_run=True)
async def test_sourcing_profile(call: Here, profile_id: SourcingProfileId) -> SourcingProfileOut:
    """Run the version's own tests; a draft that passes them all is tested"""
    await profiling.examine(call.db, row=await _row(call, profile_id), now=call.now)
    return await get_sourcing_profile(call, profile_id)


@routes.post("/sourcing-profiles/{profile_id}/activate", scope="config:write", dry_run=True, refuses=(409,))
async def activate_sourcing_profile(
    call: Here, profile_id: SourcingProfileId, body: ReasonIn
) -> SourcingProfileOut:
    """Let decisions follow this version from now on; refused, with every fault, unless all of its tests pass"""
    said = await profiling.activate(
        call.db, row=await _row(call, profile_id), now=call.now, reason=body.reason
    )
    if said is not None:
        raise _refusal(said.tests)
    return await get_sourcing_profile(call, profile_id)


@routes.post("/sourcing-profiles/{profile_id}/retire", scope="config:write", dry_run=True)
async def retire_sourcing_profile(
    call: Here, profile_id: SourcingProfileId, body: ReasonIn
) -> SourcingProfileOut:
    """Take the version out of use; orders go by their channels' policies where it was the active one"""
    await profiling.retire(call.db, row=await _row(call, profile_id), reason=body.reason)
    return await get_sourcing_profile(call, profile_id)


@routes.post("/sourcing-profiles/{profile_id}/try", scope="config:write", status=202)
async def try_sourcing_profile(call: Here, profile_id: SourcingProfileId, body: TryIn) -> TrialOut:
    """Begin to decide the last orders again by this version; a worker goes on with it, and no order is touched"""
    await _row(call, profile_id)
    begun = await _trial(call, await trials.begin(call.db, profile_id=profile_id, last=body.last))
    call.headers["Location"] = f"/v1/sourcing-trials/{wire('trial', begun.id)}"
    return begun


@routes.post("/sourcing-profiles/{profile_id}/shadow", scope="config:write")
async def shadow_sourcing_profile(call: Here, profile_id: SourcingProfileId, body: ShadowIn) -> TrialOut:
    """Let this version decide beside the active one from now on, without effect; another shadow ends"""
    await _row(call, profile_id)
    found = await trials.begin_shadow(call.db, profile_id=profile_id, permille=body.permille)
    return await _trial(call, found)


@routes.delete("/sourcing-profiles/shadow", scope="config:write", refuses=(404,))
async def end_sourcing_shadow(call: Here) -> None:
    """End the shadow; what it was asked so far is still answered"""
    if await store.end_shadow(call.db) is None:
        raise not_found("shadow")


@routes.get("/sourcing-profiles/{profile_id}/trials", scope="config:read")
async def list_sourcing_trials(
    call: Here, profile_id: SourcingProfileId, *, limit: Limit = 50, after: str | None = None
) -> Page[TrialOut]:
    """The version's trials and shadows, the latest first"""
    begin = place(after, UUID)
    rows = await store.trials_of(call.db, profile_id, before=begin[0] if begin else None, limit=limit + 1)
    return page_of([await _trial(call, row["id"]) for row in rows], limit, lambda one: cursor(one.id))


@routes.get("/sourcing-trials/{trial_id}", scope="config:read")
async def get_sourcing_trial(call: Here, trial_id: TrialId) -> TrialOut:
    """How far a trial is, and the difference it would have made"""
    return await _trial(call, trial_id)


@routes.get("/sourcing-trials/{trial_id}/differences", scope="config:read")
async def list_sourcing_differences(
    call: Here, trial_id: TrialId, *, limit: Limit = 50, after: str | None = None
) -> Page[DifferenceOut]:
    """The orders that came out otherwise, before and after"""
    begin = place(after, UUID)
    await _trial(call, trial_id)
    found = await trials.differences(
        call.db, trial_id=trial_id, after=begin[0] if begin else None, limit=limit + 1
    )
    shown = [DifferenceOut(**one) for one in found]
    return page_of(shown, limit, lambda one: cursor(one.decision_id))


async def _row(call: Call, profile_id: UUID) -> Row:
    row = await store.version_of(call.db, profile_id)
    if row is None:
        raise not_found("sourcing profile")
    return row


async def _trial(call: Call, trial_id: UUID) -> TrialOut:
    """The trial. Raises Problem 404 for a limited key: it tells of orders of all channels and nodes."""
    report = None if call.credential.limited else await trials.report(call.db, trial_id=trial_id)
    if report is None:
        raise not_found("trial")
    return TrialOut.of(report)


def _refusal(tests: Sequence[Tested]) -> Problem:
    """With every test that failed, field by field."""
    faults = [
        Fault(
            f"/profile/tests/{i}/" + (f"expect/{miss['field']}" if "expected" in miss else miss["field"]),
            "test_failed",
            f"{test.name}: {problem(miss)}",
        )
        for i, test in enumerate(tests)
        for miss in test.misses
    ]
    said = "its tests fail: see errors"
    return refused("tests_failed", said if tests else "it has no tests of its own: add some", errors=faults)
