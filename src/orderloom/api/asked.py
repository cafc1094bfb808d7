"""What the headers, the address and the shape of the body say, read alike for every route."""

from __future__ import annotations

import re

from fastapi import Request

from orderloom.api.problems import Fault, Problem, invalid

DEPTH_MOST = 32
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"')


def check_body(request: Request, body: bytes, *, takes_one: bool) -> None:
    if not body:
        return
    check_type(request, "application/json")
    if not takes_one:
        raise invalid([Fault("", "unknown_field", "this takes no body: send none")])
    if body.count(b"[") + body.count(b"{") > DEPTH_MOST and _depth(body) > DEPTH_MOST:
        raise Problem(400, "malformed", f"the body is nested deeper than {DEPTH_MOST} levels")


def check_type(request: Request, *taken: str) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in taken:
        raise Problem(415, "wrong_content_type", f"send the body as `Content-Type: {taken[0]}`")


def _depth(body: bytes) -> int:
    deepest = level = 0
    for byte in _STRINGS.sub(b"", body):
        if byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest


def flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in {"true", "1"}


def if_match(request: Request) -> int | None:
    given = request.headers.get("if-match")
    if given is None or given == "*":
        return None
    text = given.removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > 9:
        raise invalid([Fault("/If-Match", "wrong_form", "send the ETag as it was given", "header")])
    return int(text)
