"""The OpenAPI 3.1 document, written from the routes and their rules, so that it cannot say anything else than they do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from orderloom.api.door import KEY_LENGTH, Door, Streams
from orderloom.api.problems import MEDIA_TYPE, ProblemOut
from orderloom.plumbing.credentials import SCOPES

DESCRIPTION = """
Orderloom takes an order from "buy" to "delivered", and back again when it is returned.

- Ids are opaque strings with a typed prefix. Money is `{"amount": 1999, "currency": "USD"}` in integer minor units. Time is
  RFC 3339 in UTC.
- Send an `Idempotency-Key` with every POST and PATCH, made before the first attempt and kept for every retry.
- Every object has a version, which is its `ETag`; `If-Match` makes a write conditional.
- Refusals are `application/problem+json` and tell all faults at once. Values of enumerations may be added at any time: accept
  those you do not know.
"""
_REF = {"$ref": "#/components/schemas/ProblemOut"}
_MEANING = {
    400: "Not parseable, or a required header is missing",
    401: "No valid credential",
    403: "The credential lacks the scope",
    404: "Not there, or outside the credential's nodes and channels",
    409: "Refused by the present state",
    412: "The version has moved",
    413: "The body is too large",
    415: "The body has another content type than application/json",
    422: "Parseable but invalid: all faults at once",
    429: "Too many requests",
    500: "A defect of ours",
    503: "Not able now: try again",
}


def write(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    doors = [route for route in app.routes if isinstance(route, Door)]
    document = get_openapi(
        title="Orderloom",
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=doors,
        tags=[{"name": tag} for tag in dict.fromkeys(str(tag) for door in doors for tag in door.tags)],
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["ProblemOut"] = problem
    document["components"]["securitySchemes"] = {
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ol_live_… or ol_test_…",
            "description": "An API key. Scopes: " + "; ".join(f"`{s}` {what}" for s, what in SCOPES.items()),
        }
    }
    for door in doors:
        if door.rules.streams is not None:
            _stream(document["paths"][door.path]["post"], door, door.rules.streams, schemas)
        for method in door.methods or ():
            _complete(document["paths"][door.path][method.lower()], door)
    return document


def _complete(operation: dict[str, Any], door: Door) -> None:
    rules = door.rules
    operation["security"] = [{"api_key": [rules.scope]}] if rules.scope else []
    parameters = operation.setdefault("parameters", [])
    parameters += _parameters(door)
    if not parameters:
        del operation["parameters"]
    responses = operation["responses"]
    responses.pop("422", None)
    for status in sorted(_statuses(door, has_parameters=bool(parameters))):
        responses[str(status)] = {
            "description": responses.get(str(status), {}).get("description")
            or _MEANING.get(status)
            or HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": _REF}},
        }
    for status, response in responses.items():
        if status.startswith("2"):
            _success(response, operation, door)


def _stream(operation: dict[str, Any], door: Door, streams: Streams, schemas: dict[str, Any]) -> None:
    """Lines in, lines out. One line alone is a body of JSON like any other."""
    for model in (streams.takes, *streams.answers):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {name: found for name, found in schema.pop("$defs", {}).items() if name not in schemas}
        schemas.setdefault(model.__name__, schema)
    taken = {"schema": {"$ref": f"#/components/schemas/{streams.takes.__name__}"}}
    told = {"anyOf": [{"$ref": f"#/components/schemas/{model.__name__}"} for model in streams.answers]}
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": taken, streams.media_type: taken},
    }
    operation["requestBody"]["content"] |= {kind: {"schema": {"type": "string"}} for kind in streams.or_as}
    operation["responses"][str(door.status_code)]["content"] = {streams.answers_as: {"schema": told}}


def _success(response: dict[str, Any], operation: dict[str, Any], door: Door) -> None:
    if door.rules.media_type:
        response["content"] = {door.rules.media_type: {"schema": {"type": "string"}}}
    elif "content" not in response and door.status_code != HTTPStatus.NO_CONTENT:
        main = operation["responses"].get(str(door.status_code), {})
        if "content" in main:
            response["content"] = main["content"]
    headers = response.setdefault("headers", {})
    headers["X-Request-Id"] = {
        "schema": {"type": "string"},
        "description": "Names this request in logs and events",
    }
    if door.rules.key != "none":
        headers["Idempotent-Replayed"] = {
            "schema": {"type": "string"},
            "description": "`true` when this is the kept answer to an earlier request with the same key",
        }


def _parameters(door: Door) -> list[dict[str, Any]]:
    rules, found = door.rules, []
    if rules.key != "none":
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": rules.key == "required",
                "description": "Made by the client before the first attempt and kept for every retry (a UUID)",
                "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH},
            }
        )
    if rules.conditional:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "Act only while the object has this ETag; 412 otherwise",
                "schema": {"type": "string"},
            }
        )
    if rules.dry_run:
        found.append(
            {
                "name": "dry_run",
                "in": "query",
                "required": False,
                "description": "Answer as the real call would, and change nothing",
                "schema": {"type": "boolean", "default": False},
            }
        )
    return found


def _statuses(door: Door, *, has_parameters: bool) -> set[int]:
    rules = door.rules
    found = set(rules.refuses) | {500}
    if rules.scope:
        found |= {401, 403, 429, 503}
    if "{" in door.path:
        found |= {404, 422}
    if has_parameters:
        found.add(422)
    if door.body_field is not None or rules.streams is not None:
        found |= {400, 413, 415, 422}
    if rules.key != "none":
        found |= {400, 409, 422}
    if rules.conditional:
        found.add(412)
    return found
