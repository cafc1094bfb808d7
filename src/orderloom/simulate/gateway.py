"""A payment gateway that moves no money: a process of its own over HTTP, honest in its books and rude on demand.

    python -m orderloom.simulate.gateway --port 8091 --data DIR

`POST /authorizations`, `/authorizations/{id}/capture | void | refund` with an `Idempotency-Key`;
`GET /operations/{key}` says what became of a key; `GET /ledger?after=N` lists every operation, for reconciliation
and for proving that nothing was charged twice; `GET | POST /control` reads and sets its misbehaviour (`Mischief`).
Some tokens misbehave by themselves: tok_decline, tok_decline_once, tok_capture_decline, tok_slow,
tok_timeout_after_success, tok_5xx.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import uvicorn

from orderloom.plumbing import clock
from orderloom.simulate.gateway_ledger import GatewayLedger, KeyReused, Malformed, Operation

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

PAGE = 1000
# Before the effect: hang, error, throttle. After it: the answer is lost, late, an error, no JSON, or wrong.
BEFORE, AFTER = ("hang", "error", "throttle"), ("lost", "late", "error_after", "garbage", "wrong_amount")


@dataclass(slots=True, kw_only=True)
class Mischief:
    """How it misbehaves: chances from 0 to 1, each an operation's own throw of seeded dice.

    `next` is a list of faults for the next operations, one each, before any dice; `decline` is one of them.
    """

    seed: int = 0
    decline: float = 0
    hang: float = 0
    error: float = 0
    throttle: float = 0
    lost: float = 0
    late: float = 0
    error_after: float = 0
    garbage: float = 0
    wrong_amount: float = 0
    delay_ms: tuple[int, int] = (0, 0)
    hang_s: float = 30
    slow_s: float = 2
    clock_ahead_s: float = 0
    next: list[str] = field(default_factory=list)

    def change(self, wanted: dict[str, Any]) -> list[str]:
        """Set what is named; returns what is wrong with it, and changes nothing then."""
        known = {f.name for f in fields(self)}
        faults = {"decline", "fine", *BEFORE, *AFTER}
        wrong = [f"no such setting: {name}" for name in wanted if name not in known]
        wrong += [f"no such fault: {fault}" for fault in wanted.get("next", []) if fault not in faults]
        wrong += [
            f"{name} is a chance from 0 to 1"
            for name in faults & wanted.keys()
            if not (isinstance(wanted[name], int | float) and 0 <= wanted[name] <= 1)
        ]
        if not wrong:
            for name, value in wanted.items():
                setattr(self, name, tuple(value) if name == "delay_ms" else value)
        return wrong

    def faults(self, dice: random.Random, *, scripted: bool) -> set[str]:
        """What goes wrong with this operation."""
        if scripted and self.next:
            return {self.next.pop(0)}
        return {name for name in ("decline", *BEFORE, *AFTER) if dice.random() < getattr(self, name)}


class SandboxGateway:
    """The gateway as an ASGI application."""

    def __init__(self, ledger: GatewayLedger) -> None:
        self.ledger = ledger
        self.mischief = Mischief()
        self._tries: Counter[str] = Counter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        parts = [part for part in scope["path"].split("/") if part]
        match scope["method"], parts:
            case "POST", ["authorizations"]:
                await self._operate("authorize", "", scope, receive, send)
            case "POST", ["authorizations", authorization, "capture" | "void" | "refund" as kind]:
                await self._operate(kind, authorization, scope, receive, send)
            case "GET", ["operations", key]:
                await self._look_up(key, send)
            case "GET", ["ledger"]:
                await self._list(parse_qs(scope["query_string"].decode()), send)
            case "GET", ["control"]:
                await _answer(send, 200, asdict(self.mischief))
            case "POST", ["control"]:
                wrong = self.mischief.change(await _body(receive))
                await _answer(
                    send, 400 if wrong else 200, {"wrong": wrong} if wrong else asdict(self.mischief)
                )
            case "GET", ["health"]:
                await _answer(send, 200, {"status": "ok", "operations": len(self.ledger.operations)})
            case _:
                await _answer(send, 404, {"code": "not_found", "message": "no such address"})

    async def _operate(
        self, kind: str, authorization: str, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        key = next((value.decode() for name, value in scope["headers"] if name == b"idempotency-key"), "")
        try:
            body = await _body(receive)
        except ValueError:
            await _answer(send, 400, {"code": "malformed", "message": "the body is not JSON"})
            return
        if not key:
            await _answer(send, 400, {"code": "malformed", "message": "Idempotency-Key is missing"})
            return
        # The dice belong to the key and the attempt, so that a run repeats whatever order requests arrive in.
        self._tries[key] += 1
        dice = random.Random(f"{self.mischief.seed}:{key}:{self._tries[key]}")
        faults = self.mischief.faults(dice, scripted=True) | _by_token(body.get("token"), self._tries[key])
        if await self._before(faults, dice, body, send):
            return
        try:
            now = clock.now() + timedelta(seconds=self.mischief.clock_ahead_s)
            done = self.ledger.perform(
                kind=kind,
                key=key,
                authorization=authorization,
                body=body,
                now=now,
                decline="decline" in faults,
            )
        except KeyReused:
            await _answer(send, 422, {"code": "key_reused", "message": "the key came with another request"})
        except Malformed as fault:
            await _answer(send, 400, {"code": "malformed", "message": str(fault)})
        else:
            await self._after(faults, done, send)

    async def _before(self, faults: set[str], dice: random.Random, body: dict[str, Any], send: Send) -> bool:
        """Whether that was all the client gets."""
        low, high = self.mischief.delay_ms
        if high:
            await asyncio.sleep(dice.uniform(low, high) / 1000)
        if body.get("token") == "tok_slow":
            await asyncio.sleep(self.mischief.slow_s)
        if "hang" in faults:
            await asyncio.sleep(self.mischief.hang_s)
            await _close(send)
        elif "error" in faults:
            await _answer(send, 503, {"code": "unavailable", "message": "try again"})
        elif "throttle" in faults:
            await _answer(send, 429, {"code": "rate_limited", "message": "too many requests"})
        else:
            return False
        return True

    async def _after(self, faults: set[str], done: Operation, send: Send) -> None:
        said = done.answer()
        if "late" in faults:
            await asyncio.sleep(self.mischief.hang_s)
        if "lost" in faults or "late" in faults:
            await _close(send)
        elif "error_after" in faults:
            await _answer(send, 500, {"code": "internal", "message": "something went wrong after the fact"})
        elif "garbage" in faults:
            await _send(send, 200, b"<html><h1>Gateway maintenance</h1>", b"text/html")
        elif "wrong_amount" in faults and done.status == "succeeded":
            await _answer(send, 200, said | {"amount": done.amount + 1})
        else:
            await _answer(send, 200 if done.status == "succeeded" else 402, said)

    async def _look_up(self, key: str, send: Send) -> None:
        self._tries["?" + key] += 1
        dice = random.Random(f"{self.mischief.seed}:?{key}:{self._tries['?' + key]}")
        faults = self.mischief.faults(dice, scripted=False)
        if {"error", "throttle"} & faults:
            await _answer(send, 503, {"code": "unavailable", "message": "try again"})
            return
        done = self.ledger.find(key)
        if done is None:
            await _answer(send, 404, {"code": "not_found", "message": "no such key"})
        else:
            await _answer(send, 200 if done.status == "succeeded" else 402, done.answer())

    async def _list(self, query: dict[str, list[str]], send: Send) -> None:
        after, limit = int(query.get("after", ["0"])[0]), int(query.get("limit", [str(PAGE)])[0])
        page = self.ledger.operations[after : after + limit]
        await _answer(
            send,
            200,
            {
                "operations": [asdict(one) for one in page],
                "more": after + limit < len(self.ledger.operations),
                "totals": self.ledger.totals(),
            },
        )


def _by_token(token: object, tries: int) -> set[str]:
    match token:
        case "tok_5xx":
            return {"error"}
        case "tok_timeout_after_success" if tries == 1:
            return {"late"}
        case _:
            return set()


async def _body(receive: Receive) -> dict[str, Any]:
    """The request's JSON object. Raises ValueError when it is none."""
    text = b""
    while True:
        message = await receive()
        text += message.get("body", b"")
        if not message.get("more_body"):
            break
    body = json.loads(text or b"{}")
    if not isinstance(body, dict):
        raise Malformed("the body is not an object")
    return body


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    await _send(send, status, json.dumps(body, separators=(",", ":")).encode(), b"application/json")


async def _send(send: Send, status: int, body: bytes, media_type: bytes) -> None:
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _close(send: Send) -> None:
    """Half an answer: the server closes a connection whose promised body never comes."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})


def main(port: int, data_dir: Path, host: str = "127.0.0.1") -> None:
    """Serve until told to stop."""
    ledger = GatewayLedger(data_dir / "gateway.jsonl")
    config = uvicorn.Config(
        SandboxGateway(ledger), host=host, port=port, log_level="critical", access_log=False, lifespan="off"
    )
    # A hung request must not keep the process from ending.
    config.timeout_graceful_shutdown = 1
    try:
        uvicorn.Server(config).run()
    finally:
        ledger.journal.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="orderloom.simulate.gateway", description="The sandbox payment gateway."
    )
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="where its journal is kept")
    asked = parser.parse_args()
    main(asked.port, asked.data, asked.host)
