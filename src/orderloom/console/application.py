"""The console as an application of its own, so that its errors are pages and the API's are problems."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orderloom.console.access import Forbidden, LoginNeeded
from orderloom.console.page import page
from orderloom.console.routes import ROUTERS
from orderloom.plumbing.database import Database, DatabaseAway
from orderloom.plumbing.settings import Settings
from orderloom.plumbing.throttle import Throttle

STATIC = Path(__file__).parent / "static"
# Nothing but our own files: no inline script or style, no frame around us, no form to elsewhere.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def application(*, database: Database | None, settings: Settings) -> FastAPI:
    """The console's application, to be mounted at `/console`."""
    app = FastAPI(title="Orderloom console", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.database = database
    app.state.settings = settings
    app.state.ever = {}
    app.state.logins = Throttle({"address": "30/minute", "account": "8/5 minutes"})
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(LoginNeeded, _to_login)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(HTTPException, _said_so)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(DatabaseAway, _away)
    app.add_exception_handler(Exception, _defect)
    app.add_middleware(Dressed)
    return app


class Dressed:
    """ASGI middleware: the headers of every answer, the streams' included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "/static/" in scope["path"]:
                    # Each link to a file carries its hash, so the file behind a link never changes.
                    fresh = b"v=" in scope.get("query_string", b"")
                    headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
                else:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, dressed)


async def _to_login(request: Request, needed: Exception) -> Response:
    del needed
    path = request.url.path
    if request.method == "GET" and request.url.query:
        path += "?" + request.url.query
    target = str(request.url.replace_query_params(next=path).replace(path="/console/login"))
    target = target[target.index("/console/login") :] if request.method == "GET" else "/console/login"
    if request.headers.get("HX-Request"):
        # A fragment cannot become a login form: the whole page goes there.
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


async def _forbidden(request: Request, refused: Exception) -> Response:
    return page(
        request,
        "problem.html",
        status=403,
        title="Not allowed",
        detail=str(refused),
        way_out="Ask an owner or admin for a role that may.",
    )


async def _said_so(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, HTTPException)  # noqa: S101 - registered for nothing else
    missing = raised.status_code == 404
    return page(
        request,
        "problem.html",
        status=raised.status_code,
        title="Not here" if missing else "That did not work",
        detail="There is nothing here that you may see." if missing else str(raised.detail),
        way_out="Look at the number again, or search with /." if missing else "Go back and try again.",
    )


async def _malformed(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, RequestValidationError)  # noqa: S101 - registered for nothing else
    faults = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}" for fault in raised.errors()
    )
    return page(
        request,
        "problem.html",
        status=422,
        title="That cannot be",
        detail=faults,
        way_out="Go back and mend it.",
    )


async def _away(request: Request, raised: Exception) -> Response:
    del raised
    return page(
        request,
        "problem.html",
        status=503,
        title="The database is away",
        detail="Nothing was changed.",
        way_out="Try again in a moment.",
    )


async def _defect(request: Request, raised: Exception) -> Response:
    """What remains; it is raised again behind the page, so that the application's door logs and counts it."""
    del raised
    return page(
        request,
        "problem.html",
        status=500,
        title="That went wrong",
        detail="This is a defect of ours, not of what you did. It is logged; what you asked for was not done.",
        way_out="Try again, or tell whoever runs this Orderloom.",
    )
