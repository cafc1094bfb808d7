"""Coming in and going out: login, logout, and the page a visitor is led to first."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import (
    Visitor,
    cookie_name,
    refuse_foreign,
    the_database,
    the_settings,
    visitor,
)
from orderloom.console.page import page
from orderloom.plumbing import credentials

router = APIRouter()


def first_page(who: Visitor) -> str:
    """Where a role begins its day."""
    return "/console/overview" if who.may("orders:read") else "/console/work"


@router.get("/")
async def home(who: Annotated[Visitor, Depends(visitor)]) -> Response:
    return RedirectResponse(first_page(who), status_code=303)


@router.get("/login")
async def login_form(request: Request, next: str = "") -> Response:  # noqa: A002 - the word in the address
    return page(request, "login.html", problem=None, email="", next=_own(next))


@router.post("/login")
async def login(
    request: Request,
    email: Annotated[str, Form(max_length=320)],
    password: Annotated[str, Form(max_length=1024)],
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002 - the word in the address
) -> Response:
    """Throttled by address and by account, and answers the same to a wrong password and an unknown user."""
    refuse_foreign(request)
    logins = request.app.state.logins
    address = request.client.host if request.client else "unknown"
    by_address, by_account = logins.take("address", address), logins.take("account", email.strip().lower())
    if not (by_address.allowed and by_account.allowed):
        wait_s = max(by_address.reset_s, by_account.reset_s)
        refused = page(
            request,
            "login.html",
            status=429,
            problem="Too many attempts. Wait a few minutes.",
            email=email,
            next=_own(next),
        )
        refused.headers["Retry-After"] = str(wait_s)
        return refused
    longest = timedelta(hours=the_settings(request).session_hours)
    async with the_database(request).transaction() as db:
        found = await credentials.login(db, email, password, longest=longest)
    if found is None:
        return page(
            request,
            "login.html",
            status=401,
            problem="E-mail or password is wrong.",
            email=email,
            next=_own(next),
        )
    _, token = found
    answer = RedirectResponse(_own(next) or "/console/", status_code=303)
    answer.set_cookie(
        cookie_name(request),
        token,
        max_age=int(longest.total_seconds()),
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="lax",
    )
    return answer


@router.post("/logout")
async def logout(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> Response:
    del who
    async with the_database(request).transaction() as db:
        await credentials.logout(db, request.cookies[cookie_name(request)])
    answer = RedirectResponse("/console/login", status_code=303)
    answer.delete_cookie(
        cookie_name(request), httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer


def _own(path: str) -> str:
    """Only a place of the console is gone to after login: never another host, however it is written."""
    if (
        path.startswith("/console/")
        and "\\" not in path
        and "//" not in path.partition("?")[0]
        and path.isprintable()
    ):
        return path
    return ""
