"""The application: its routes, what becomes of faults, and the document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from orderloom.api import (
    capturing,
    catalogue,
    configuration,
    decisions,
    document,
    feed,
    fulfillment,
    inventory,
    lots,
    network,
    order_actions,
    orders,
    paying,
    returns,
    shipping,
    snapshots,
    station,
    vitals,
    webhooks,
)
from orderloom.api.admission import LANES, Admission
from orderloom.api.door import Desk, Door, Routes
from orderloom.api.edge import Edge, Meters
from orderloom.api.problems import DETAILS, Problem, away, of_validation
from orderloom.plumbing.database import Database, DatabaseAway, LockTimeout, StatementTimeout
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.settings import Settings

# The order of the document. A new file of routes is added here and nowhere else.
ROUTES: Sequence[Routes] = (
    vitals.routes,
    capturing.routes,
    orders.routes,
    order_actions.routes,
    paying.routes,
    fulfillment.routes,
    station.routes,
    shipping.routes,
    returns.routes,
    inventory.routes,
    lots.routes,
    snapshots.routes,
    decisions.routes,
    catalogue.routes,
    network.routes,
    configuration.routes,
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
    app = FastAPI(
        title="Orderloom",
        version=version("orderloom"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.desk = Desk(database, settings, Admission(database, lanes), capturing.flights(database))
    app.state.meters = Meters()
    doors: list[Door] = sorted((door for group in routes for door in group.doors), key=_specific_first)
    app.router.routes.extend(doors)
    written = document.write(app)
    app.openapi = lambda: written  # type: ignore[method-assign]
    app.router.add_route(
        "/v1/openapi.json", lambda _: JSONResponse(written), methods=["GET"], include_in_schema=False
    )
    for kind, handler in _HANDLERS:
        app.add_exception_handler(kind, handler)
    app.add_middleware(Edge, meters=app.state.meters, body_limit=settings.body_limit_bytes)
    return app


def _specific_first(door: Door) -> str:
    """The first address that fits is taken: words go before `{id}.pdf`, and that before `{id}`; what is hot, before all."""
    if door.rules.transaction == "gathered":
        return ""
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
        headers["Allow"] = ", ".join(_methods_at(request))
    code = _CODES.get(fault.status_code, "refused")
    detail = DETAILS.get(fault.status_code, fault.detail)
    return Problem(fault.status_code, code, detail, headers=headers).response(request.state.request_id)


def _methods_at(request: Request) -> list[str]:
    path = request.scope["path"]
    found = {
        method
        for route in request.app.routes
        if isinstance(route, Door) and re.fullmatch(route.path_regex, path)
        for method in route.methods or ()
    }
    return sorted(found) or ["GET"]


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
