"""Who is looking: the session behind the cookie, what its role opens, and that a form came from our own page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from secrets import compare_digest
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile

from orderloom.insight.scope import Scope
from orderloom.plumbing import credentials
from orderloom.plumbing.credentials import Credential, Session
from orderloom.plumbing.database import Database, Db
from orderloom.plumbing.events import Actor, acting
from orderloom.plumbing.settings import Settings

SAFE = {"GET", "HEAD", "OPTIONS"}


class LoginNeeded(Exception):
    """No session, or one that has ended."""


class Forbidden(Exception):
    """The role does not open this, or the form did not come from our page."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is logged in."""

    session: Session
    credential: Credential
    scope: Scope

    def may(self, scope: str) -> bool:
        return self.credential.may(scope)


def cookie_name(request: Request) -> str:
    """Behind TLS the prefix makes browsers refuse a cookie that a neighbouring host set."""
    return "__Host-orderloom" if request.url.scheme == "https" else "orderloom_session"


def the_database(request: Request) -> Database:
    database: Database | None = request.app.state.database
    if database is None:
        msg = "the console was mounted without a database, and none was set when the application started"
        raise RuntimeError(msg)
    return database


def the_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def visitor(request: Request) -> Visitor:
    """The visitor behind the cookie. Raises LoginNeeded; for an unsafe request Forbidden, unless it is from our page."""
    token = request.cookies.get(cookie_name(request))
    if not token:
        raise LoginNeeded
    idle = timedelta(minutes=the_settings(request).session_idle_minutes)
    async with the_database(request).transaction() as db:
        session = await credentials.session(db, token, idle=idle)
    if session is None:
        raise LoginNeeded
    request.state.visitor = found = _visitor(session)
    if request.method not in SAFE:
        refuse_foreign(request)
        await _refuse_forged(request, session)
    return found


def _visitor(session: Session) -> Visitor:
    credential = session.credential()
    limits = Scope(
        channels=None if credential.channels is None else sorted(credential.channels),
        nodes=None if credential.nodes is None else sorted(credential.nodes),
    )
    return Visitor(session, credential, limits)


def needs(scope: str) -> Callable[[Request], Awaitable[Visitor]]:
    """A dependency: the visitor, whose role opens the scope. Raises LoginNeeded, Forbidden."""

    async def allowed(request: Request) -> Visitor:
        found = await visitor(request)
        if not found.may(scope):
            raise Forbidden(
                f"Your role, {found.session.user.role.replace('_', ' ')}, may not {credentials.SCOPES[scope]}."
            )
        return found

    return allowed


def refuse_foreign(request: Request) -> None:
    """A form must come from a page of this host: browsers say so in headers that no page can set."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise Forbidden("The form came from another site.")
    if origin is not None and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("The form came from another site.")
    if site is None and origin in {None, "null"}:
        raise Forbidden("The form does not say which site it came from.")


async def _refuse_forged(request: Request, session: Session) -> None:
    form = await request.form()
    given = form.get("csrf") or request.headers.get("x-csrf-token") or ""
    if isinstance(given, UploadFile) or not compare_digest(given.encode(), session.csrf.encode()):
        raise Forbidden("The form is out of date: reload the page and send it again.")


@asynccontextmanager
async def reading(request: Request) -> AsyncIterator[Db]:
    """A transaction that can change nothing."""
    async with the_database(request).transaction(readonly=True) as db:
        yield db


@asynccontextmanager
async def changing(request: Request, who: Visitor) -> AsyncIterator[Db]:
    """A transaction in the visitor's name."""
    mark = acting.set(Actor(who.credential.actor, getattr(request.state, "request_id", None)))
    try:
        async with the_database(request).transaction() as db:
            yield db
    finally:
        acting.reset(mark)
