"""Every refusal as RFC 9457 `application/problem+json`: what is wrong, where, and what to do next.

Three kinds are told apart: the business says no (409, 422), somebody else was faster (409, 412), we are not able now
(429, 503). HTTP statuses are chosen here and in the routes, never below the doors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
RETRYABLE = frozenset({429, 503})
DETAILS: Mapping[int, str] = {
    404: "nothing here that this credential may see: check the id and the key's limits",
    405: "this address does not answer to that method: see the Allow header",
}


class ProblemFault(BaseModel):
    """One thing that is wrong, and where."""

    path: str = Field(description="JSON Pointer into the body, or `/name` of the parameter")
    code: str = Field(description="Open list: accept codes you do not know")
    message: str
    in_: str | None = Field(
        default=None, alias="in", description="query, path or header when it is not the body"
    )


class ProblemOut(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:orderloom:problem:invalid",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "1 fault: see errors",
                    "code": "invalid",
                    "retryable": False,
                    "request_id": "req_0193b2f0a1c27d3e8f4a5b6c7d8e9f00",
                    "errors": [
                        {"path": "/lines/0/quantity", "code": "too_small", "message": "must be at least 1"}
                    ],
                }
            ]
        },
    )
    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Open list: accept codes you do not know")
    retryable: bool
    request_id: str
    errors: list[ProblemFault] = []


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `path` is a JSON Pointer, `place` is set when it is not the body."""

    path: str
    code: str
    message: str
    place: str | None = None

    def json(self) -> dict[str, str]:
        found = {"path": self.path, "code": self.code, "message": self.message}
        return found | ({"in": self.place} if self.place else {})


class Problem(Exception):
    """A request that is refused; raised by a route, it undoes what the route did."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = more
        # A refusal undoes what the route did; one that is itself on record (a wrong scan) keeps it.
        self.keeps_effect = False
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)

    def response(self, request_id: str) -> Response:
        """As it goes out."""
        body = {
            "type": f"urn:orderloom:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.status in RETRYABLE or self.code == "idempotency_in_progress",
            "request_id": request_id,
            "errors": [fault.json() for fault in self.errors],
            **self.more,
        }
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)


def not_found(what: str = "") -> Problem:
    """Not there, or outside the credential's nodes and channels: no difference is shown."""
    return Problem(
        404, "not_found", f"no such {what}: check the id and the key's limits" if what else DETAILS[404]
    )


def refused(code: str, detail: str, **more: Any) -> Problem:
    """Refused by the present state."""
    return Problem(409, code, detail, **more)


def invalid(faults: Sequence[Fault], **more: Any) -> Problem:
    """All that is wrong with the request, at once."""
    count = len(faults)
    return Problem(422, "invalid", f"{count} fault{'s' * (count != 1)}: see errors", errors=faults, **more)


def wrong(path: str, code: str, message: str, *, place: str | None = None) -> Problem:
    """One thing that is wrong with the request."""
    return invalid([Fault(path, code, message, place)])


def away(detail: str = "the database cannot be reached: the same request may succeed in a moment") -> Problem:
    """We are not able now."""
    return Problem(503, "unavailable", detail, retry_after_s=1)


# --- what pydantic found, in our words ------------------------------------------------------------------------

_CODES: Mapping[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_many",
    "too_short": "too_few",
    "greater_than_equal": "too_small",
    "greater_than": "too_small",
    "less_than_equal": "too_large",
    "less_than": "too_large",
    "literal_error": "unknown_value",
    "enum": "unknown_value",
    "string_pattern_mismatch": "wrong_form",
    "model_attributes_type": "wrong_type",
    "model_type": "wrong_type",
    "value_error": "invalid",
}
_MESSAGES: Mapping[str, str] = {
    "missing": "this is required",
    "extra_forbidden": "no field has this name here: see the API document",
    "model_attributes_type": "this is an object with fields of its own: see the API document",
    "model_type": "this is an object with fields of its own: see the API document",
}


def of_validation(error: RequestValidationError) -> Problem:
    """All faults of a request, at once; a body that is no JSON is a 400."""
    return of_findings(error.errors(), whole=True)


def of_findings(found: Sequence[Any], *, whole: bool = False) -> Problem:
    """What pydantic found in a body, or in a whole request."""
    if any(fault["type"] == "json_invalid" for fault in found):
        return Problem(400, "malformed", f"the body is not JSON: {found[0].get('ctx', {}).get('error', '')}")
    return invalid(faults_of(found, whole=whole))


def faults_of(found: Sequence[Any], *, whole: bool = True) -> list[Fault]:
    """Pydantic's findings as ours; `whole`: their places begin with body, query, path or header."""
    return [_fault(fault, list(fault["loc"]) if whole else ["body", *fault["loc"]]) for fault in found]


def _fault(found: Mapping[str, Any], loc: list[str | int]) -> Fault:
    place, *path = loc
    kind = found["type"]
    custom = found.get("ctx", {}).get("code")
    message = _MESSAGES.get(kind) or str(found["msg"]).removeprefix("Value error, ")
    return Fault(
        pointer(path), custom or _CODES.get(kind, kind), message, None if place == "body" else str(place)
    )


def pointer(path: Sequence[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
