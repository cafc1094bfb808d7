"""Who is at the door and how often: API keys, scopes, rate limits by lane. Cookies are ignored here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Literal, TypeAlias

from fastapi import Request

from orderloom.api.problems import Problem
from orderloom.plumbing import credentials
from orderloom.plumbing.credentials import Credential
from orderloom.plumbing.database import Database
from orderloom.plumbing.throttle import Throttle, Verdict

# A checkout must never wait for a back office's import, so each has its own lane.
Lane: TypeAlias = Literal["storefront", "office", "bulk"]
LANES: Mapping[str, str] = {"storefront": "120000/minute", "office": "30000/minute", "bulk": "6000/minute"}
STRANGERS = "strangers"
STRANGERS_LIMIT = "600/minute"
# A revoked key is out within this many seconds. In the last third of them it is asked for anew, for which nobody waits.
REMEMBERED_S = 1.0
_REMEMBERED_MOST = 10_000


class Admission:
    """Lets requests in, or says why not."""

    def __init__(self, database: Database, lanes: Mapping[str, str] = LANES) -> None:
        self._database = database
        self._throttle = Throttle({STRANGERS: STRANGERS_LIMIT, **lanes})
        self._known: dict[bytes, tuple[float, Credential]] = {}
        self._asking: dict[bytes, asyncio.Task[Credential | None]] = {}

    async def credential(self, request: Request) -> Credential:
        """Raises Problem 401 for no valid key, 429 for an address that tried too many."""
        text = _bearer(request)
        if text is None:
            raise _unknown("send an API key as `Authorization: Bearer ol_…`")
        mark = credentials.fingerprint(text)
        remembered = self._known.get(mark)
        now = time.monotonic()
        if remembered is not None and remembered[0] > now:
            if remembered[0] - now < REMEMBERED_S / 3:
                self._asked_for(text, mark)
            return remembered[1]
        address = request.client.host if request.client else "nowhere"
        if not (verdict := self._throttle.look(STRANGERS, address)).allowed:
            raise _too_often(verdict)
        found = await asyncio.shield(self._asked_for(text, mark))
        if found is None:
            self._throttle.take(STRANGERS, address)
            raise _unknown(
                "this key is unknown, expired or revoked: make another with `orderloom apikey create`"
            )
        return found

    def _asked_for(self, text: str, mark: bytes) -> asyncio.Task[Credential | None]:
        """A storefront's many requests at once ask once."""
        asking = self._asking.get(mark)
        if asking is None:
            asking = self._asking[mark] = asyncio.create_task(self._ask(text, mark))
            # Where nobody waits for it nobody hears of its fault either: whoever comes next asks again, and does.
            asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asking

    async def _ask(self, text: str, mark: bytes) -> Credential | None:
        try:
            async with self._database.transaction(reserved=True) as db:
                found = await credentials.key_credential(db, text)
        finally:
            del self._asking[mark]
        if found is None:
            self._known.pop(mark, None)
        else:
            if len(self._known) >= _REMEMBERED_MOST:
                self._known.clear()
            self._known[mark] = (time.monotonic() + REMEMBERED_S, found)
        return found

    def check_rate(self, credential: Credential, lane: Lane, cost: int = 1) -> dict[str, str]:
        """The headers that tell how much room is left. Raises Problem 429."""
        verdict = self._throttle.take(lane, str(credential.id), cost=cost)
        if not verdict.allowed:
            raise _too_often(verdict)
        return _headers(verdict)


def check_scope(credential: Credential, scope: str) -> None:
    """Raises Problem 403."""
    if not credential.may(scope):
        raise Problem(
            403, "scope_missing", f"this needs the scope {scope}, which the key does not have", scope=scope
        )


def _bearer(request: Request) -> str | None:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    text = text.strip()
    return (
        text
        if kind.lower() == "bearer" and text.startswith(("ol_live_", "ol_test_")) and text.isascii()
        else None
    )


def _unknown(detail: str) -> Problem:
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="orderloom"'})


def _too_often(verdict: Verdict) -> Problem:
    return Problem(
        429,
        "too_many_requests",
        f"at most {verdict.limit} a minute here: come again in {verdict.reset_s} s",
        retry_after_s=verdict.reset_s,
        headers=_headers(verdict),
    )


def _headers(verdict: Verdict) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(verdict.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset_s),
    }
