"""The outermost layer of the API: request ids, security headers, the limit on bodies, counting, and the last guard."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orderloom.api.problems import Problem

log = structlog.get_logger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Meters:
    """What /metrics tells, one set an application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "orderloom_http_requests",
            "Requests by route and status",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "orderloom_http_seconds", "Time to the answer", ("method", "route"), registry=self.registry
        )
        self.defects = Counter(
            "orderloom_http_defects", "Answers of 500: each is a defect", registry=self.registry
        )


class Edge:
    """ASGI middleware; stands outside the application's own handling of exceptions, so that nothing passes it."""

    def __init__(self, app: ASGIApp, *, meters: Meters, body_limit: int | None) -> None:
        self._app = app
        self._meters = meters
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(message, request_id, secure=scope.get("scheme") == "https")
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                limited = receive if self._body_limit is None else self._limited(receive, self._body_limit)
                await self._guarded(scope, limited, finish, lambda: status != 0)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._meters.requests.labels(method, route, status).inc()
            self._meters.seconds.labels(method, route).observe(time.perf_counter() - started)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, began: Callable[[], bool]) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            # Who asked has hung up: there is nobody to answer, and nothing was done.
            return
        except Exception:  # the door is where a request's defects end
            self._meters.defects.inc()
            log.exception("a request failed by a defect of ours", path=scope["path"])
            if not began():
                request_id = scope["state"]["request_id"]
                problem = Problem(
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                    "defect",
                    "this is a defect of ours, not of your request: it is logged under the request id",
                )
                await problem.response(request_id)(scope, receive, send)

    def _limited(self, receive: Receive, most: int) -> Receive:
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise Problem(413, "too_large", f"a body has at most {most} bytes: send fewer at a time")
            return message

        return limited


def _dress(message: Message, request_id: str, *, secure: bool) -> None:
    # In the form they are sent in: this is done for every answer.
    given = list(message["headers"])
    names = {name.lower() for name, _ in given}
    given += [pair for pair in _SECURITY if pair[0] not in names]
    given.append((b"x-request-id", request_id.encode()))
    if secure:
        given.append(_TRANSPORT)
    message["headers"] = given
