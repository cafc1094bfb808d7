"""Rendering: whole pages, or the fragment htmx asks for; links to static files carry the file's hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from orderloom.console import words
from orderloom.plumbing import clock

HERE = Path(__file__).parent


@cache
def asset(name: str) -> str:
    """The address of a static file, with the hash of its content."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/console/static/{name}?v={digest}"


def readable_json(value: object) -> str:
    """Indented, with times and ids as text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | bytes):
        return value.hex() if isinstance(value, bytes) else str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def query(params: Mapping[str, Any], **changes: Any) -> str:
    """`?a=1&a=2`: the parameters with changes; None and empty values are left out."""
    merged = {**params, **changes}
    pairs = [
        (name, value)
        for name, values in merged.items()
        for value in (values if isinstance(values, list | tuple) else [values])
        if value not in (None, "", False)
    ]
    return "?" + urlencode(pairs)


def moment(text: object) -> datetime | None:
    """An ISO time out of a decision's JSON; None for anything else."""
    if isinstance(text, datetime):
        return text
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


@cache
def templates() -> Environment:
    """The templates and all they may say. A name that was not given is an error, not nothing."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset, query=query, STATIONS=words.STATIONS)
    environment.filters.update(
        money=words.money, count=words.count, words=words.words, sentence=words.sentence, day=words.day,
        span=words.span, weight=words.weight, tone=words.tone, rank=words.rank_word, rank_tone=words.rank_tone,
        track=words.track, event_words=words.event_words, event_icon=words.event_icon,
        event_facts=words.event_facts, actor=words.actor, readable=readable_json, moment=moment, date=words.date, capitalized=words.capitalized,
    )  # fmt: skip
    return environment


def wants_fragment(request: Request) -> bool:
    """Whether htmx will put the answer into a page that stands already."""
    return request.headers.get("HX-Request-Type") == "partial"


def page(
    request: Request, template: str, *, status: int = 200, fragment: str | None = None, **values: Any
) -> HTMLResponse:
    """The template as an answer; the fragment instead when htmx asks for a part."""
    partial = fragment is not None and wants_fragment(request)
    context = {
        "visitor": getattr(request.state, "visitor", None),
        "here": request.url.path,
        "now": clock.now(),
        "did": None,
        **values,
    }
    text = templates().get_template(fragment if partial and fragment else template).render(context)
    return HTMLResponse(text, status_code=status, headers={"Vary": "HX-Request-Type, Cookie"})
