"""The sandbox gateway over HTTP: a process of its own (`orderloom.simulate.gateway`) that moves no real money."""

from __future__ import annotations

from typing import Any

from orderloom.payments.model import Absent, Approved, GatewayCall, Refused
from orderloom.plumbing import http
from orderloom.plumbing.settings import settings

_OK, _NOT_FOUND = 200, 404


class Sandbox:
    """A gateway that honours `Idempotency-Key` and answers for a key it has seen."""

    def __init__(self, *, url: str, timeout_s: float = 10) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    async def authorize(self, call: GatewayCall) -> Approved | Refused:
        body = {
            "token": call.token,
            "amount": call.amount,
            "currency": call.currency,
            "reference": call.order_id.hex,
        }
        return await self._ask(call, "/authorizations", body)

    async def capture(self, call: GatewayCall) -> Approved | Refused:
        return await self._ask(call, f"/authorizations/{call.authorization}/capture", _money(call))

    async def void(self, call: GatewayCall) -> Approved | Refused:
        return await self._ask(call, f"/authorizations/{call.authorization}/void", {})

    async def refund(self, call: GatewayCall) -> Approved | Refused:
        return await self._ask(call, f"/authorizations/{call.authorization}/refund", _money(call))

    async def find(self, call: GatewayCall) -> Approved | Refused | Absent:
        url = f"{self._url}/operations/{call.key}"
        status, body = await http.call("GET", url, timeout_s=self._timeout_s)
        return Absent() if status == _NOT_FOUND else _answer(url, status, body)

    async def _ask(self, call: GatewayCall, path: str, body: dict[str, Any]) -> Approved | Refused:
        url = f"{self._url}{path}"
        headers = {"Idempotency-Key": call.key}
        status, said = await http.call("POST", url, json=body, headers=headers, timeout_s=self._timeout_s)
        return _answer(url, status, said)


def configured() -> Sandbox:
    """As the settings have it."""
    return Sandbox(url=settings().gateway_url, timeout_s=settings().provider_seconds)


def _money(call: GatewayCall) -> dict[str, Any]:
    return {"amount": call.amount, "currency": call.currency}


def _answer(url: str, status: int, body: Any) -> Approved | Refused:
    match body:
        case {"status": "succeeded", "id": str(reference), "amount": int(amount)} if status == _OK:
            return Approved(reference, amount)
        case {"status": "refused", "code": str(code), "message": str(message), "retryable": bool(retryable)}:
            return Refused(code, message, retryable)
        case _:
            raise http.Unavailable(f"{url}: answered {status} with nothing an answer could be read from")
