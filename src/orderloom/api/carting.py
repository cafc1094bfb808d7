"""Carts coming in: `POST /v1/reservations`, gathered into flights, and `POST /v1/reservations/batch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from fastapi import Request
from pydantic import AwareDatetime, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from orderloom import network
from orderloom.api import door, gathering
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, Problem, faults_of, invalid
from orderloom.api.reservations import (
    CartLines,
    Names,
    Policy,
    ReservationOut,
    Seconds,
    ShortLineOut,
    pairs,
    problem_of,
    short_lines,
)
from orderloom.api.wire import Code, ExternalId, In, Out, RawOf, ReservationId
from orderloom.inventory.reservations import TTL_S, Made, NotKept
from orderloom.journey import carts
from orderloom.journey.carts import CartDraft, Wrong
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import acting
from orderloom.terms import wire

routes = Routes("reservations")
TRIES = 5
BATCH_MOST = 100
EXAMPLE: dict[str, Any] = {
    "channel": "web",
    "owner": "cart-7301",
    "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
    "ttl_seconds": 600,
}


class ReservationIn(In):
    """Stock to be kept for a cart."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    channel: Code
    lines: CartLines
    owner: ExternalId | None = Field(
        default=None,
        description="The cart or buyer. One open reservation each: a new one takes the place of the one before, whose "
        "units count as the buyer's own",
    )
    ttl_seconds: Seconds = TTL_S
    policy: Policy = "all_or_nothing"

    def draft(self) -> CartDraft:
        return CartDraft(
            channel=self.channel,
            lines=pairs(self.lines),
            owner=self.owner,
            ttl_s=self.ttl_seconds,
            partly=self.policy == "best_effort",
        )


# --- made one at a time, gathered -----------------------------------------------------------------------------


Passenger: TypeAlias = gathering.Passenger[CartDraft]


@routes.post(
    "/reservations",
    scope="orders:write",
    own=True,
    key="required",
    status=201,
    lane="storefront",
    dry_run=True,
    refuses=(409,),
)
async def create_reservation(request: Request, call: Here, body: ReservationIn) -> ReservationOut:
    """Keep stock for a cart, whole or as far as there is, until it expires"""
    draft = body.draft()
    if call.credential.limited:
        async with call.desk.database.transaction(readonly=True) as db:
            await _refuse_foreign(db, call, [draft.channel])
    passenger = gathering.Passenger(draft, call.actor, None if call.dry_run else call.keyed, call.request_id)
    if call.dry_run:
        return await _tried(call, passenger)  # type: ignore[return-value]  # a Response is handed on as it is
    return await _flights(request, call).board(passenger)  # type: ignore[return-value]  # the same


def _flights(request: Request, call: Call) -> gathering.Gathered[CartDraft]:
    found: gathering.Gathered[CartDraft] | None = getattr(request.app.state, "carts", None)
    if found is None:
        database = call.desk.database
        found = gathering.flights(lambda passengers: gathering.fly(database, passengers, _keep))
        request.app.state.carts = found
    return found


async def _tried(call: Call, passenger: Passenger) -> Response:
    """What would be answered, with everything undone."""
    async with call.desk.database.transaction() as db:
        attempt = db.transaction()
        await attempt.start()
        [answer] = await _keep(db, [passenger])
        await attempt.rollback()
    answer.headers["Dry-Run"] = "true"
    return answer


async def _keep(db: Db, passengers: Sequence[Passenger]) -> list[Response]:
    answers: dict[int, Response] = {}
    # Events are told in the name of whoever asked, so each sender's carts are kept together.
    for actor in sorted({p.actor.name for p in passengers}):
        mine = [i for i, p in enumerate(passengers) if p.actor.name == actor]
        answers |= zip(mine, await _keep_for(db, [passengers[i] for i in mine]), strict=True)
    return [answers[i] for i in range(len(passengers))]


async def _keep_for(db: Db, passengers: Sequence[Passenger]) -> list[Response]:
    mark = acting.set(passengers[0].actor)
    try:
        outcomes = await carts.keep(db, drafts=[p.draft for p in passengers], now=clock.now())
    finally:
        acting.reset(mark)
    made = [outcome.reservation for outcome in outcomes if isinstance(outcome, Made)]
    names = await Names.read(db, made)
    return [
        _made(said, names) if isinstance(said, Made) else problem_of(said).response(p.request_id)
        for p, said in zip(passengers, outcomes, strict=True)
    ]


def _made(said: Made, names: Names) -> Response:
    out = ReservationOut.of(said.reservation, names, said.lacking)
    headers = {"Location": f"/v1/reservations/{wire('reservation', out.id)}", "ETag": door.etag(out.version)}
    return JSONResponse(out.model_dump(mode="json"), 201, headers)


async def _refuse_foreign(db: Db, call: Call, channels: Sequence[str]) -> None:
    """To a key limited to channels, the others do not exist."""
    if call.credential.nodes is not None:
        raise Problem(
            403, "limited_credential", "a key limited to nodes cannot keep carts: use one without that limit"
        )
    found = await network.channels_of(db, codes=set(channels))
    seen = {c.code for c in found.values() if call.credential.sees(channel=c.id)}
    if faults := [
        Fault("/channel", "unknown_channel", f"no active channel {code!r}: correct the code")
        for code in channels
        if code not in seen
    ]:
        raise invalid(faults)


# --- up to a hundred ------------------------------------------------------------------------------------------


class ReservationBatchIn(In):
    """Up to 100 carts, each with its own policy and outcome; one refused stops no other."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reservations": [EXAMPLE]}]})
    reservations: Annotated[
        list[Annotated[Any, RawOf(ReservationIn)]], Field(min_length=1, max_length=BATCH_MOST)
    ]


class CartFault(Out):
    """One thing wrong with one of the batch."""

    path: str
    code: str
    message: str


class ReservationOutcome(Out):
    """What became of one cart of the batch, by its place in it."""

    index: int
    status: int = Field(description="As `POST /v1/reservations` would have answered")
    id: ReservationId | None = None
    expires_at: AwareDatetime | None = None
    short: list[ShortLineOut] = Field(default=[])
    code: str | None = None
    errors: list[CartFault] = Field(default=[])


class ReservationBatchOut(Out):
    """One outcome a cart, in their order."""

    results: list[ReservationOutcome]


@routes.post("/reservations/batch", scope="orders:write", key="required", lane="storefront", dry_run=True)
async def create_reservations(call: Here, body: ReservationBatchIn) -> ReservationBatchOut:
    """Keep stock for up to 100 carts in one transaction, each with its own outcome"""
    outcomes: dict[int, ReservationOutcome] = {}
    drafts: dict[int, CartDraft] = {}
    for i, raw in enumerate(body.reservations):
        try:
            drafts[i] = ReservationIn.model_validate(raw).draft()
        except ValidationError as error:
            outcomes[i] = _refusal(i, invalid(faults_of(error.errors(), whole=False)))
    if call.credential.limited:
        await _refuse_foreign(call.db, call, sorted({draft.channel for draft in drafts.values()}))
    said = await carts.keep(call.db, drafts=list(drafts.values()), now=call.now) if drafts else []
    for i, outcome in zip(drafts, said, strict=True):
        outcomes[i] = _outcome(i, outcome)
    return ReservationBatchOut(results=[outcomes[i] for i in sorted(outcomes)])


def _outcome(index: int, said: Made | NotKept | Wrong) -> ReservationOutcome:
    if isinstance(said, Made):
        return ReservationOutcome(
            index=index,
            status=201,
            id=said.reservation.id,
            expires_at=said.reservation.expires_at,
            short=short_lines(said.lacking),
        )
    outcome = _refusal(index, problem_of(said))
    return (
        outcome.model_copy(update={"short": short_lines(said.lacking)})
        if isinstance(said, NotKept)
        else outcome
    )


def _refusal(index: int, problem: Problem) -> ReservationOutcome:
    return ReservationOutcome(
        index=index,
        status=problem.status,
        code=problem.code,
        errors=[CartFault(path=f.path, code=f.code, message=f.message) for f in problem.errors],
    )
