"""The simulated carriers: the HTTP interface of `orderloom.simulate.carrier`, a process with a ledger of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from orderloom.plumbing.http import Unavailable, call
from orderloom.plumbing.settings import settings
from orderloom.shipping.carriers.carrier import LabelOrder, ManifestOrder
from orderloom.shipping.model import Bought, ManifestAccepted, NotFound, Refused, Voided
from orderloom.shipping.tracking import is_valid

_OK, _CREATED, _NOT_FOUND, _REFUSED = 200, 201, 404, 422


class Simulated:
    """Talks to the simulated carriers' process. One address serves all carrier codes."""

    def __init__(self, *, url: str, timeout_s: float = 10) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    async def buy(self, order: LabelOrder) -> Bought | Refused:
        """POST the order under its reference; the carrier keeps one label a reference."""
        status, body = await self._call("POST", f"/carriers/{quote(order.carrier)}/labels", order.json())
        if status == _REFUSED:
            return _refused(body)
        answer = _label(status, body, order.reference, expect=(_OK, _CREATED))
        # A reference that was voided meanwhile buys nothing: say so, the next attempt has a new one.
        return answer if isinstance(answer, Bought) else Refused("the label was voided", code="voided")

    async def find(self, *, carrier: str, reference: str) -> Bought | Voided | NotFound:
        """GET by reference."""
        status, body = await self._call("GET", f"/carriers/{quote(carrier)}/labels/{quote(reference)}")
        if status == _NOT_FOUND:
            return NotFound(reference)
        return _label(status, body, reference, expect=(_OK,))

    async def void(self, *, carrier: str, reference: str) -> Voided | Refused:
        """POST the void; the carrier bars a reference it does not know, so no late purchase slips through."""
        path = f"/carriers/{quote(carrier)}/labels/{quote(reference)}/void"
        status, body = await self._call("POST", path, {})
        if status == _REFUSED:
            return _refused(body)
        answer = _label(status, body, reference, expect=(_OK,))
        if not isinstance(answer, Voided):
            raise Unavailable("void: the carrier answered with a label that is still good")
        return answer

    async def manifest(self, order: ManifestOrder) -> ManifestAccepted | Refused:
        """POST the list under our number."""
        payload = {
            "number": order.number,
            "ship_date": order.ship_date.isoformat(),
            "tracking_numbers": list(order.tracking_numbers),
        }
        status, body = await self._call("POST", f"/carriers/{quote(order.carrier)}/manifests", payload)
        if status == _REFUSED:
            return _refused(body)
        if status not in (_OK, _CREATED) or not _has(body, id=str, unknown=list):
            raise Unavailable(f"manifest: the carrier's answer makes no sense ({status})")
        return ManifestAccepted(order.number, body["id"], tuple(str(one) for one in body["unknown"]))

    async def _call(self, method: str, path: str, json: Any = None) -> tuple[int, Any]:
        return await call(method, f"{self._url}{path}", json=json, timeout_s=self._timeout_s)


def configured() -> Simulated:
    """From the settings."""
    found = settings()
    return Simulated(url=found.carrier_url, timeout_s=found.provider_seconds)


def _label(status: int, body: Any, reference: str, *, expect: tuple[int, ...]) -> Bought | Voided:
    """Read a label as hostile input: what is not one means that we do not know."""
    if status not in expect or not _has(body, reference=str, status=str) or body["reference"] != reference:
        raise Unavailable(f"the carrier's answer makes no sense ({status})")
    if body["status"] == "voided":
        return Voided(reference)
    if body["status"] != "purchased" or not _has(body, tracking_number=str, id=str, cost=int, currency=str):
        raise Unavailable(f"the carrier's answer makes no sense ({status}, {str(body['status'])[:20]})")
    if not is_valid(body["tracking_number"]):
        raise Unavailable("the carrier's tracking number fails its check digit")
    return Bought(reference, body["tracking_number"], body["id"], body["cost"], body["currency"])


def _refused(body: Any) -> Refused:
    if not _has(body, message=str, code=str):
        raise Unavailable("the carrier refused without saying why")
    return Refused(body["message"][:500], code=body["code"][:50])


def _has(body: Any, **fields: type) -> bool:
    return isinstance(body, dict) and all(isinstance(body.get(name), kind) for name, kind in fields.items())
