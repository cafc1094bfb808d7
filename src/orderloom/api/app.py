"""The application: its routes, what becomes of faults, and the document."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from orderloom.api import (
    allotments,
    availability,
    boxing,
    bulk,
    bulk_jobs,
    capturing,
    carrier_invoices,
    carting,
    catalogue,
    configuration,
    counts,
    decisions,
    document,
    editing,
    feed,
    fulfillment,
    inventory,
    lots,
    network,
    order_actions,
    orders,
    outages,
    paying,
    promises,
    reoptimising,
    reservations,
    returns,
    shipping,
    snapshots,
    sourcing,
    station,
    supplies,
    vitals,
    webhooks,
)
from orderloom.api.admission import LANES, Admission
from orderloom.api.door import Desk, Door, Handler, Routes
from orderloom.api.edge import Edge, Meters
from orderloom.api.problems import DETAILS, Problem, away, of_validation
from orderloom.plumbing.database import Database, DatabaseAway, LockTimeout, StatementTimeout
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.settings import Settings

# The order of the document. A new file of routes is added here and nowhere else.
ROUTES: Sequence[Routes] = (
    vitals.routes,
    capturing.routes,
    bulk.routes,
    bulk_jobs.routes,
    orders.routes,
    order_actions.routes,
    editing.routes,
    paying.routes,
    fulfillment.routes,
    station.routes,
    shipping.routes,
    carrier_invoices.routes,
    returns.routes,
    carting.routes,
    reservations.routes,
    inventory.routes,
    allotments.routes,
    supplies.routes,
    availability.routes,
    lots.routes,
    snapshots.routes,
    counts.routes,
    decisions.routes,
    sourcing.routes,
    promises.routes,
    catalogue.routes,
    network.routes,
    outages.routes,
    reoptimising.routes,
    configuration.routes,
    boxing.routes,
    feed.routes,
    webhooks.routes,
)
_CODES = {404: "not_found", 405: "method_not_allowed", 400: "malformed", 413: "too_large"}


def create_app(
    database: Database,
    settings: Settings,
    *,
    routes: Sequence[Routes] = ROUTES,
    lanes: Mapping[str, str] = LANES,
) -> FastAPI:
    """The API over an open database. Raises UndeclaredScope when a route does not say who may call it."""
    app = Application(
        title="Orderloom",
        version=version("orderloom"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    streams = asyncio.Semaphore(settings.bulk_streams)
    app.state.desk = Desk(
        database, settings, Admission(database, lanes), capturing.flights(database), streams
    )
    app.state.meters = Meters()
    doors: list[Door] = sorted((door for group in routes for door in group.doors), key=_specific_first)
    app.router.routes.extend(doors)
    # Written when it is first asked for, in a thread: it takes longer than all the rest of a start.
    app.openapi = cache(lambda: document.write(app))  # type: ignore[method-assign]
    app.router.add_route(
        "/v1/openapi.json", lambda _: JSONResponse(app.openapi()), methods=["GET"], include_in_schema=False
    )
    for kind, handler in _HANDLERS:
        app.add_exception_handler(kind, handler)
    edge = partial(Edge, meters=app.state.meters, body_limit=settings.body_limit_bytes)
    app.add_middleware(edge)
    app.beside = {}
    for door in doors:
        if door.direct is not None:
            limit = settings.body_limit_bytes if door.rules.streams is None else None
            app.beside["POST", door.path] = edge(Direct(door.direct, door), body_limit=limit)
    return app


class Application(FastAPI):
    """The framework's application, and beside it the routes that are asked at the speed of a spike, or stream."""

    beside: dict[tuple[str, str], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        framework = super().build_middleware_stack()

        async def either(scope: Scope, receive: Receive, send: Send) -> None:
            app = framework
            if scope["type"] == "http":
                app = self.beside.get((scope["method"], scope["path"]), framework)
            await app(scope, receive, send)

        return either


class Direct:
    """A route asked directly: the same rules and the same answers, without what the framework does around them."""

    def __init__(self, direct: Handler, door: Door) -> None:
        self._direct = direct
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self._door
        request = Request(scope, receive, send)
        try:
            response = await self._direct(request)
        except tuple(kind for kind, _ in _HANDLERS) as fault:
            handler = next(handler for kind, handler in _HANDLERS if isinstance(fault, kind))
            response = await handler(request, fault)
        await response(scope, receive, send)


def _specific_first(door: Door) -> str:
    """The first address that fits is taken: words go before `{id}.pdf`, and that before `{id}`."""
    return re.sub(r"\{[a-z_]+\}(?=/|$)", "~~", re.sub(r"\{[a-z_]+\}(?=\.)", "~", door.path))


# --- what becomes of faults -----------------------------------------------------------------------------------


async def _problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)  # noqa: S101 - registered for it
    return fault.response(request.state.request_id)


async def _unparsed(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)  # noqa: S101 - registered for it
    return of_validation(fault).response(request.state.request_id)


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101 - registered for it
    headers = dict(fault.headers or {})
    if fault.status_code == 405:
        headers["Allow"] = ", ".join(_methods_at(request) or ["GET"])
    code = _CODES.get(fault.status_code, "refused")
    detail = DETAILS.get(fault.status_code, fault.detail)
    if fault.status_code == 404 and not _methods_at(request):
        detail = "there is no such address: see /v1/openapi.json"
    return Problem(fault.status_code, code, detail, headers=headers).response(request.state.request_id)


def _methods_at(request: Request) -> list[str]:
    path = request.scope["path"]
    found = {
        method
        for route in request.app.routes
        if isinstance(route, Door) and re.fullmatch(route.path_regex, path)
        for method in route.methods or ()
    }
    return sorted(found)


async def _away(request: Request, _fault: Exception) -> Response:
    return away().response(request.state.request_id)


async def _busy(request: Request, _fault: Exception) -> Response:
    problem = Problem(
        503, "busy", "the rows of this request are at work elsewhere: try again", retry_after_s=1
    )
    return problem.response(request.state.request_id)


async def _provider(request: Request, _fault: Exception) -> Response:
    problem = Problem(503, "provider_unavailable", "a provider does not answer: try again", retry_after_s=5)
    return problem.response(request.state.request_id)


_HANDLERS = (
    (Problem, _problem),
    (RequestValidationError, _unparsed),
    (HTTPException, _http),
    (DatabaseAway, _away),
    (LockTimeout, _busy),
    (StatementTimeout, _busy),
    (Unavailable, _provider),
)
