"""What every route has in common: admission, one transaction, idempotency keys, conditions, dry runs.

A route declares its `Rules`; without them the application is not built. Its handler is given a `Call`, whose `db` is the
transaction it runs in: what it returns is committed together with the record of its idempotency key, what it raises is
not committed. `Routes` shows how one is declared.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_type_hints
from uuid import UUID

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from orderloom.api.admission import Admission, Lane, check_scope
from orderloom.api.asked import check_body, check_type, flag, if_match
from orderloom.api.flights import Flights
from orderloom.api.problems import MEDIA_TYPE, Fault, Problem, invalid, not_found, of_findings, refused
from orderloom.api.wire import Versioned
from orderloom.insight.reach import reach
from orderloom.insight.scope import Scope
from orderloom.orders.capture import Raced
from orderloom.orders.slices import IllegalTransition
from orderloom.packing.work import NoSuchWork
from orderloom.plumbing import clock, idempotency
from orderloom.plumbing.credentials import SCOPES, Credential
from orderloom.plumbing.database import Database, Db, Deadlock, Row
from orderloom.plumbing.events import Actor, acting
from orderloom.plumbing.idempotency import Fresh, InProgress, Keyed, Replay, Reused
from orderloom.plumbing.journeys import IllegalMove, NoSuchSubject
from orderloom.plumbing.settings import Settings
from orderloom.returns.steps import NoSuchReturn
from orderloom.shipping import NoSuchDocument
from orderloom.sync.endpoints import NoSuchWebhook

KEY_LENGTH = 255
TRIES = 3
# Refusals that are an answer: a repeat gets them again. What we could not do (5xx, 429) is tried again instead.
ANSWERS = frozenset({409, 412, 422})


@dataclass(frozen=True, slots=True)
class Streams:
    """A body of any length, a value a line, and an answer of the same kind: each line is one of `answers`."""

    takes: type[BaseModel]
    answers: Sequence[type[BaseModel]]
    media_type: str = "application/x-ndjson"
    or_as: Sequence[str] = ()
    """Other kinds of body that the handler turns into the same lines."""
    answers_as: str = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a route asks of those who call it."""

    scope: str | None  # None: open to everybody, said in so many words
    key: Literal["none", "accepted", "required"] = "none"
    lane: Lane = "office"
    dry_run: bool = False
    conditional: bool = False
    # "own": the handler opens its transactions itself, since it waits. "gathered": it boards a flight (`flights`), and
    # at the speed of a spike: it takes the call and its body alone, read in one pass, and answers by a Response.
    # "streamed": its body is read as it comes in, without a limit to the whole of it.
    transaction: Literal["write", "read", "own", "gathered", "streamed"] = "write"
    refuses: Sequence[int] = ()
    media_type: str | None = None
    streams: Streams | None = None

    def __post_init__(self) -> None:
        if self.scope is not None and self.scope not in SCOPES:
            raise UndeclaredScope(f"{self.scope} is no scope: choose from {', '.join(SCOPES)}")


class UndeclaredScope(RuntimeError):
    """A route does not say which scope it needs, so the application is not built."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes of one application share."""

    database: Database
    settings: Settings
    admission: Admission
    captures: Flights[Any, Response]
    # Each stream of orders under way has one.
    streams: asyncio.Semaphore


@dataclass(slots=True)
class Call:
    """One request on its way: who calls, when, and in which transaction."""

    desk: Desk
    credential: Credential
    now: datetime
    request_id: str
    dry_run: bool = False
    if_match: int | None = None
    keyed: Keyed | None = None
    open_db: Db | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def db(self) -> Db:
        """The transaction of this request."""
        assert self.open_db is not None, "this route opens its own transactions"  # noqa: S101 - a route's defect
        return self.open_db

    @property
    def actor(self) -> Actor:
        return Actor(self.credential.actor, self.request_id)

    @property
    def scope(self) -> Scope:
        """What the credential's limits let it see."""
        found = self.credential
        return Scope(
            None if found.channels is None else sorted(found.channels),
            None if found.nodes is None else sorted(found.nodes),
        )

    def settled(self, problem: Problem) -> Problem:
        """A refusal that is itself on record: what the route wrote is committed with it."""
        problem.keeps_effect = True
        return problem

    async def reach(self, kind: str, key: UUID) -> Row:
        """The thing's order and node. Raises Problem 404 when it is not there, or outside the credential's limits."""
        found = await reach(self.db, scope=self.scope, kind=kind, key=key)
        if found is None:
            raise not_found(kind.replace("_", " "))
        return found

    def expect(self, present: int, expected: int | None = None) -> None:
        """Raise Problem 412 when the object is not at the version of If-Match or of the body's expected_version."""
        for wanted in (self.if_match, expected):
            if wanted is not None and wanted != present:
                raise Problem(
                    412,
                    "version_moved",
                    f"it is at version {present}, not {wanted}: read it again and decide anew",
                    version=present,
                    headers={"ETag": etag(present)},
                )


def _call(request: Request) -> Call:
    found: Call = request.state.call
    return found


Here: TypeAlias = Annotated[Call, Depends(_call)]


def etag(version: int) -> str:
    return f'"{version}"'


class _Unmade(Exception):
    """Carries the answer of a dry run out of its transaction, which is rolled back."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]


class Door(APIRoute):
    """A route with its rules."""

    def __init__(
        self, path: str, endpoint: Callable[..., Any], *, rules: Rules | None = None, **kwargs: Any
    ) -> None:
        if rules is None:
            raise UndeclaredScope(f"{path} declares no scope")
        self.rules = rules
        super().__init__(path, endpoint, **kwargs)
        # Of routes that are asked without the framework in between.
        self.direct = self.get_route_handler() if rules.transaction in {"gathered", "streamed"} else None

    def get_route_handler(self) -> Handler:
        if self.rules.transaction == "gathered":
            inner = _in_one_pass(self.endpoint)
        elif self.rules.transaction == "streamed":
            inner = _as_it_comes(self.endpoint)
        else:
            inner = super().get_route_handler()
        if self.rules.scope is None:
            return inner

        async def handle(request: Request) -> Response:
            call = await self._admit(request)
            request.state.call = call
            mark = acting.set(call.actor)
            try:
                response = await self._answer(request, call, inner)
            except Problem as problem:
                problem.headers = {**call.headers, **problem.headers}
                raise
            finally:
                acting.reset(mark)
            for name, value in call.headers.items():
                response.headers.setdefault(name, value)
            return response

        return handle

    async def _admit(self, request: Request) -> Call:
        desk: Desk = request.app.state.desk
        rules = self.rules
        assert rules.scope is not None  # noqa: S101 - open routes never come here
        if rules.transaction == "gathered":
            # Before anything is done for it: shedding must cost next to nothing when there is most to shed.
            await desk.captures.admit()
        credential = await desk.admission.credential(request)
        room = desk.admission.check_rate(credential, rules.lane)
        check_scope(credential, rules.scope)
        if rules.streams is not None:
            body = b""
            check_type(request, rules.streams.media_type, "application/json", *rules.streams.or_as)
        else:
            body = await request.body()
            check_body(request, body, takes_one=self.body_field is not None)
        return Call(
            desk=desk,
            credential=credential,
            now=clock.now(),
            request_id=request.state.request_id,
            dry_run=rules.dry_run and flag(request, "dry_run"),
            if_match=if_match(request) if rules.conditional else None,
            keyed=self._keyed(request, credential, body),
            headers=room,
        )

    def _keyed(self, request: Request, credential: Credential, body: bytes) -> Keyed | None:
        key = request.headers.get("idempotency-key")
        if self.rules.key == "none":
            return None
        if key is None:
            if self.rules.key == "required" and not (self.rules.dry_run and flag(request, "dry_run")):
                raise Problem(
                    400,
                    "idempotency_key_required",
                    "a repeat of this would cost stock or money: make a key (a UUID) and send it as Idempotency-Key "
                    "with this and every retry",
                )
            return None
        if not 1 <= len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
            raise invalid(
                [Fault("/Idempotency-Key", "wrong_form", f"1 to {KEY_LENGTH} printable characters", "header")]
            )
        # The address belongs to the request: the same key for another object is another request.
        address = request.scope["path"].encode() + b"?" + request.scope["query_string"] + b"\n"
        digest = hashlib.sha256(address + body).digest()
        return Keyed(str(credential.id), f"{request.method} {self.path}", key, digest)

    async def _answer(self, request: Request, call: Call, inner: Handler) -> Response:
        if self.rules.transaction in {"own", "gathered", "streamed"}:
            return await _translated(inner, request)
        for left in range(TRIES, 0, -1):
            try:
                return await self._in_transaction(request, call, inner)
            except _Unmade as unmade:
                unmade.response.headers["Dry-Run"] = "true"
                return unmade.response
            except (Deadlock, Raced):
                if left == 1:
                    raise Problem(
                        503, "busy", "too much at once on the same rows: try again", retry_after_s=1
                    ) from None
        raise AssertionError

    async def _in_transaction(self, request: Request, call: Call, inner: Handler) -> Response:
        reading = self.rules.transaction == "read"
        async with call.desk.database.transaction(readonly=reading) as db:
            call.open_db = db
            keyed = None if call.dry_run else call.keyed
            if keyed is None:
                response = await self._effect(inner, request, call)
            else:
                if repeated := meet((await idempotency.claim(db, [keyed]))[0]):
                    return repeated
                response = await self._keyed_effect(inner, request, call)
                await idempotency.keep(db, [(keyed, response.status_code, bytes(response.body))])
            if call.dry_run:
                raise _Unmade(response)
            return response

    async def _keyed_effect(self, inner: Handler, request: Request, call: Call) -> Response:
        """A refusal undoes the effect down to the savepoint; the record of its key stays."""
        try:
            async with call.db.transaction():
                return await self._effect(inner, request, call)
        except Problem as problem:
            if problem.status not in ANSWERS:
                raise
            return problem.response(call.request_id)

    async def _effect(self, inner: Handler, request: Request, call: Call) -> Response:
        if self.rules.conditional:
            # What a condition was judged on must still be so when the write happens.
            await idempotency.take_turns(call.db, request.url.path)
        try:
            return await _translated(inner, request)
        except Problem as problem:
            if not problem.keeps_effect:
                raise
            return problem.response(call.request_id)


def _in_one_pass(endpoint: Callable[..., Any]) -> Handler:
    """The endpoint, given its call and its body: validated straight from its bytes, by what the document says of it."""
    model: type[BaseModel] = get_type_hints(endpoint)["body"]

    async def run(request: Request) -> Response:
        raw = await request.body()
        try:
            body = model.model_validate_json(raw) if raw else model.model_validate(None)
        except ValidationError as error:
            raise of_findings(error.errors(include_url=False)) from None
        found: Response = await endpoint(call=request.state.call, body=body)
        return found

    return run


def _as_it_comes(endpoint: Callable[..., Any]) -> Handler:
    """The endpoint, given its call and the request whose body it reads itself."""

    async def run(request: Request) -> Response:
        found: Response = await endpoint(request, call=request.state.call)
        return found

    return run


async def _translated(inner: Handler, request: Request) -> Response:
    """What the domain says by exception, in the words of the wire."""
    try:
        return await inner(request)
    except (IllegalMove, IllegalTransition) as illegal:
        raise refused("illegal_transition", str(illegal)) from None
    except (NoSuchSubject, NoSuchWork, NoSuchReturn, NoSuchWebhook, NoSuchDocument):
        raise not_found() from None


def meet(found: idempotency.Claim) -> Response | None:
    """The answer to a request whose key was met before; None lets it go ahead. Raises Problem."""
    match found:
        case Fresh():
            return None
        case Replay(status, body):
            kind = MEDIA_TYPE if status >= 400 else "application/json"
            return Response(body, status, {"Idempotent-Replayed": "true"}, kind)
        case Reused():
            raise key_reused()
        case InProgress():
            raise Problem(
                409,
                "idempotency_in_progress",
                "the first request with this key is still running: ask again with the same key",
                retry_after_s=1,
            )


def key_reused() -> Problem:
    """The key came with another request before."""
    return Problem(
        422, "idempotency_key_reused", "this key was used for another request: a new request takes a new key"
    )


# --- declaring routes -----------------------------------------------------------------------------------------

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


class Routes:
    """The routes of one file, under `/v1`.

        routes = Routes("orders")

        @routes.post("/orders/{order_id}/cancel", scope="orders:write", key="accepted", refuses=(404, 409))
        async def cancel_order(call: Here, order_id: OrderId, body: CancelIn) -> CancelOut:
            found = await journey.order.cancel(call.db, order_id, now=call.now)
            ...

    A handler translates, makes one call into the domain, and translates back.
    """

    def __init__(self, tag: str, *, prefix: str = "/v1") -> None:
        self._tag = tag
        self._prefix = prefix
        self.doors: list[Door] = []

    def get(self, path: str, *, scope: str | None, own: bool = False, **rest: Any) -> Callable[[F], F]:
        return self._route("GET", path, scope=scope, transaction="own" if own else "read", **rest)

    def post(
        self,
        path: str,
        *,
        scope: str,
        own: bool = False,
        gathered: bool = False,
        streams: Streams | None = None,
        **rest: Any,
    ) -> Callable[[F], F]:
        rest.setdefault("key", "accepted")
        transaction = "streamed" if streams else "gathered" if gathered else "own" if own else "write"
        return self._route("POST", path, scope=scope, transaction=transaction, streams=streams, **rest)

    def put(self, path: str, *, scope: str, **rest: Any) -> Callable[[F], F]:
        return self._route("PUT", path, scope=scope, conditional=True, **rest)

    def patch(self, path: str, *, scope: str, **rest: Any) -> Callable[[F], F]:
        rest.setdefault("key", "accepted")
        return self._route("PATCH", path, scope=scope, conditional=True, **rest)

    def delete(self, path: str, *, scope: str, **rest: Any) -> Callable[[F], F]:
        return self._route("DELETE", path, scope=scope, status=204, **rest)

    def _route(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        answers: dict[int, str] | None = None,
        **rules: Any,
    ) -> Callable[[F], F]:
        def declare(handler: F) -> F:
            self.doors.append(
                Door(
                    self._prefix + path,
                    handler if rules.get("transaction") in {"gathered", "streamed"} else _versioned(handler),
                    rules=Rules(**rules),
                    methods=[method],
                    status_code=status,
                    tags=[self._tag],
                    operation_id=handler.__name__,
                    name=handler.__name__,
                    summary=(handler.__doc__ or "").strip().split("\n")[0],
                    responses={code: {"description": text} for code, text in (answers or {}).items()},
                )
            )
            return handler

        return declare


def _versioned(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The handler, with the version of what it returns told as ETag."""

    @functools.wraps(handler)
    async def tell(*args: Any, **kwargs: Any) -> Any:
        found = await handler(*args, **kwargs)
        if isinstance(found, Versioned) and isinstance(call := kwargs.get("call"), Call):
            call.headers["ETag"] = etag(found.version)
        return found

    return tell
