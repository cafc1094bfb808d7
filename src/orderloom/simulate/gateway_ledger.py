"""The sandbox gateway's own books: every operation once, in a journal on disk that a kill -9 leaves whole.

The rules are a strict gateway's: one effect a key, nothing captured beyond what was authorised, nothing refunded beyond what
was captured, and a promise that runs out after seven days.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from orderloom.simulate.journal import Journal

PROMISE_LASTS = timedelta(days=7)
_PREFIX = {"authorize": "auth", "capture": "capt", "void": "void", "refund": "refd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One line of the journal: what was asked under a key, and what came of it."""

    sequence: int
    id: str
    key: str
    kind: str
    authorization: str
    amount: int
    currency: str
    token: str
    reference: str
    asked: str
    status: str
    code: str | None
    message: str | None
    retryable: bool
    at: str

    def answer(self) -> dict[str, Any]:
        """What a client is told."""
        said: dict[str, Any] = {
            "id": self.id,
            "key": self.key,
            "kind": self.kind,
            "authorization": self.authorization,
            "status": self.status,
            "amount": self.amount,
            "currency": self.currency,
        }
        if self.status == "refused":
            said |= {"code": self.code, "message": self.message, "retryable": self.retryable}
        return said


@dataclass(slots=True)
class _Promise:
    amount: int
    currency: str
    token: str
    until: datetime
    captured: int = 0
    refunded: int = 0
    voided: int = 0

    @property
    def left(self) -> int:
        return self.amount - self.captured - self.voided


@dataclass(frozen=True, slots=True)
class _No:
    code: str
    message: str
    retryable: bool = False


class KeyReused(Exception):
    """The key came before with another request."""


class Malformed(ValueError):
    """The request lacks what its kind needs."""


class GatewayLedger:
    """The books, kept in memory and in the journal."""

    def __init__(self, path: Path) -> None:
        self.operations: list[Operation] = []
        self._by_key: dict[str, Operation] = {}
        self._promises: dict[str, _Promise] = {}
        self._declined_once: set[str] = set()
        self.journal = Journal(path)
        for entry in self.journal.entries():
            self._apply(Operation(**entry))

    def find(self, key: str) -> Operation | None:
        """What became of a key."""
        return self._by_key.get(key)

    def perform(
        self,
        *,
        kind: str,
        key: str,
        authorization: str,
        body: Mapping[str, Any],
        now: datetime,
        decline: bool = False,
    ) -> Operation:
        """Do it, or answer as before for a key that was seen. Raises KeyReused, Malformed."""
        asked = json.dumps([kind, authorization, body], sort_keys=True)
        if before := self._by_key.get(key):
            if before.asked != asked:
                raise KeyReused(key)
            return before
        amount = 0 if kind == "void" else _amount(body)
        made = f"{_PREFIX[kind]}_{uuid4().hex}"
        promise = self._promises.get(authorization)
        refusal = self._refusal(kind, promise, body, amount, now=now, decline=decline)
        if kind == "void" and promise is not None and refusal is None:
            amount = promise.left
        done = Operation(
            sequence=len(self.operations) + 1,
            id=made,
            key=key,
            kind=kind,
            authorization=made if kind == "authorize" else authorization,
            amount=amount,
            currency=str(body.get("currency") or (promise.currency if promise else "")),
            token=str(body.get("token", "")),
            reference=str(body.get("reference", "")),
            asked=asked,
            status="refused" if refusal else "succeeded",
            code=refusal.code if refusal else None,
            message=refusal.message if refusal else None,
            retryable=refusal.retryable if refusal else False,
            at=now.isoformat(),
        )
        self.journal.add(asdict(done))
        self._apply(done)
        return done

    def totals(self) -> dict[str, int]:
        """What succeeded, in all, by kind."""
        sums = dict.fromkeys(_PREFIX, 0)
        for operation in self.operations:
            if operation.status == "succeeded":
                sums[operation.kind] += operation.amount
        return sums

    def _refusal(
        self,
        kind: str,
        promise: _Promise | None,
        body: Mapping[str, Any],
        amount: int,
        *,
        now: datetime,
        decline: bool,
    ) -> _No | None:
        if kind == "authorize":
            return self._no_promise(body, decline=decline)
        if promise is None:
            return _No("no_such_authorization", "nothing of that reference was authorised here")
        if kind != "void" and body.get("currency") != promise.currency:
            return _No("wrong_currency", f"the authorisation is in {promise.currency}")
        if kind == "refund":
            room = promise.captured - promise.refunded
            return _No("exceeds_captured", f"{room} can be refunded") if amount > room else None
        return _used_up(promise, now) or (
            _no_capture(promise, amount, decline=decline) if kind == "capture" else None
        )

    def _no_promise(self, body: Mapping[str, Any], *, decline: bool) -> _No | None:
        match body.get("token"):
            case "tok_decline":
                return _No("card_declined", "the issuer refused")
            case "tok_decline_once" if str(body.get("reference")) not in self._declined_once:
                return _No("try_again", "the issuer refused this time", retryable=True)
            case str(token) if token:
                return _No("card_declined", "the issuer refused") if decline else None
            case _:
                raise Malformed("an authorisation needs a token")

    def _apply(self, done: Operation) -> None:
        self.operations.append(done)
        self._by_key[done.key] = done
        if done.status == "refused":
            if done.token == "tok_decline_once":  # noqa: S105 - a test token's name
                self._declined_once.add(done.reference)
            return
        if done.kind == "authorize":
            until = datetime.fromisoformat(done.at) + PROMISE_LASTS
            self._promises[done.id] = _Promise(done.amount, done.currency, done.token, until)
            return
        promise = self._promises[done.authorization]
        match done.kind:
            case "capture":
                promise.captured += done.amount
            case "void":
                promise.voided += done.amount
            case _:
                promise.refunded += done.amount


def _used_up(promise: _Promise, now: datetime) -> _No | None:
    if promise.left == 0:
        return _No("nothing_promised", "all of it was captured or voided")
    if now >= promise.until:
        return _No("authorization_expired", f"it ran out at {promise.until.isoformat()}")
    return None


def _no_capture(promise: _Promise, amount: int, *, decline: bool) -> _No | None:
    if amount > promise.left:
        return _No("exceeds_authorized", f"{promise.left} can be captured")
    if decline or promise.token == "tok_capture_decline":  # noqa: S105 - a test token's name
        return _No("card_declined", "the issuer refused the capture", retryable=True)
    return None


def _amount(body: Mapping[str, Any]) -> int:
    amount, currency = body.get("amount"), body.get("currency")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise Malformed("amount is a whole number of minor units above nought")
    if not isinstance(currency, str) or len(currency) != 3:
        raise Malformed("currency is a code of three letters")
    return amount
