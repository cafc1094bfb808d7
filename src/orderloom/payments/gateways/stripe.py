"""Stripe, by its own library (the extra `stripe`), over PaymentIntents that are captured by hand.

- A tender's token is a PaymentMethod's id; the promise's reference is the PaymentIntent's.
- Every operation bears its key twice: as `Idempotency-Key`, which Stripe honours for 24 hours, and in metadata,
  by which `find` recognises it later. Stripe's search lags by up to a minute, so the newest PaymentIntents are
  looked through as well; what both miss is safe to ask again, since the key is still honoured then.
- **Several shipments on one promise** need multicapture, which Stripe grants by account and card. Where it does, a
  capture that leaves something says so (`final_capture=false`). Where it does not, the first capture releases the
  rest, the next is refused as expired, and the order is authorised anew for what is left.
- A void cancels the PaymentIntent; Stripe releases what was not captured.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import stripe

from orderloom.payments.model import AUTHORIZATION_EXPIRED, Absent, Approved, GatewayCall, Refused
from orderloom.plumbing import http
from orderloom.plumbing.settings import settings

KEY = "orderloom_key"
ORDER = "orderloom_order"
NEWEST = 100
# Refusals by a card that may pass at another time.
_PASSING = {"try_again_later", "processing_error", "issuer_not_available", "reenter_transaction"}
_GONE = {"succeeded", "canceled"}
# Stripe's own faults, and "not now": whether the operation took effect is not known.
_UNSURE = (stripe.APIError, stripe.RateLimitError, stripe.IdempotencyError)
_T = TypeVar("_T")


class Stripe:
    """Stripe's PaymentIntents. With `url` it speaks to a stand-in that refuses parameters it does not know."""

    def __init__(self, *, api_key: str, url: str | None = None, timeout_s: float = 10) -> None:
        self._plain = url is not None
        self._stripe = stripe.StripeClient(
            api_key,
            http_client=_OverPlumbing(timeout_s),
            base_addresses={"api": url} if url else None,
            max_network_retries=0,
        ).v1

    async def authorize(self, call: GatewayCall) -> Approved | Refused:
        asked: dict[str, Any] = {
            "amount": call.amount,
            "currency": call.currency.lower(),
            "payment_method": call.token,
            "capture_method": "manual",
            "confirm": True,
            "off_session": True,
            "metadata": {KEY: call.key, ORDER: call.order_id.hex},
        }
        if not self._plain:
            asked["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
        made = self._stripe.payment_intents.create_async(asked, _under(call))  # type: ignore[arg-type]
        return await _said(self._promised(made))

    async def _promised(self, made: Awaitable[stripe.PaymentIntent]) -> Approved | Refused:
        return _promise(await made)

    async def capture(self, call: GatewayCall) -> Approved | Refused:
        return await _said(self._capture(call))

    async def _capture(self, call: GatewayCall) -> Approved | Refused:
        promise = _reference(call)
        asked: dict[str, Any] = {"amount_to_capture": call.amount}
        if not self._plain:
            asked["metadata"] = {call.key: str(call.amount)}
            if call.left and await self._many(promise):
                asked["final_capture"] = False
        try:
            await self._stripe.payment_intents.capture_async(promise, asked, _under(call))  # type: ignore[arg-type]
        except stripe.InvalidRequestError:
            intent = await self._stripe.payment_intents.retrieve_async(promise)
            if intent.status in _GONE:
                return Refused(AUTHORIZATION_EXPIRED, f"nothing of {promise} is promised any more")
            raise
        return Approved(f"{promise}/{call.key}", call.amount)

    async def _many(self, promise: str) -> bool:
        """Whether this promise may be captured in parts."""
        intent = await self._stripe.payment_intents.retrieve_async(promise, {"expand": ["latest_charge"]})
        charge = intent.to_dict().get("latest_charge") or {}
        card = (charge.get("payment_method_details") or {}).get("card") or {}
        return bool((card.get("multicapture") or {}).get("status") == "available")

    async def void(self, call: GatewayCall) -> Approved | Refused:
        return await _said(self._void(call))

    async def _void(self, call: GatewayCall) -> Approved | Refused:
        promise = _reference(call)
        try:
            await self._stripe.payment_intents.cancel_async(promise, {}, _under(call))
        except stripe.InvalidRequestError:
            # A final capture, the bank or an earlier void has released it already.
            intent = await self._stripe.payment_intents.retrieve_async(promise)
            if intent.status not in _GONE:
                raise
        return Approved(f"{promise}/void", call.amount)

    async def refund(self, call: GatewayCall) -> Approved | Refused:
        return await _said(self._refund(call))

    async def _refund(self, call: GatewayCall) -> Approved | Refused:
        refund = await self._stripe.refunds.create_async(
            {"payment_intent": _reference(call), "amount": call.amount, "metadata": {KEY: call.key}},
            _under(call),
        )
        return _refunded(refund)

    async def find(self, call: GatewayCall) -> Approved | Refused | Absent:
        match call.kind:
            case "authorize":
                found = await self._find_promise(call.key)
                return Absent() if found is None else _promise(found)
            case "capture":
                return await self._find_capture(call)
            case "void":
                intent = await self._retrieve(_reference(call))
                gone = intent.status == "canceled"
                return Approved(f"{intent.id}/void", call.amount) if gone else Absent()
            case _:
                return await self._find_refund(call)

    async def _find_promise(self, key: str) -> stripe.PaymentIntent | None:
        try:
            found = await self._stripe.payment_intents.search_async({"query": f"metadata['{KEY}']:'{key}'"})
            pages = [found.data]
        except stripe.InvalidRequestError:
            pages = []  # a stand-in has no search
        except _UNSURE as fault:
            raise http.Unavailable(f"stripe: {fault}") from fault
        newest = await _answered(self._stripe.payment_intents.list_async({"limit": NEWEST}))
        for intent in [intent for page in [*pages, newest.data] for intent in page]:
            if _metadata(intent).get(KEY) == key:
                return intent
        return None

    async def _find_capture(self, call: GatewayCall) -> Approved | Absent:
        intent = await self._retrieve(_reference(call))
        # A stand-in bears no mark of the capture, but it knows only one a promise.
        taken = intent.status == "succeeded" if self._plain else call.key in _metadata(intent)
        return Approved(f"{intent.id}/{call.key}", call.amount) if taken else Absent()

    async def _find_refund(self, call: GatewayCall) -> Approved | Refused | Absent:
        asked = self._stripe.refunds.list_async({"payment_intent": _reference(call), "limit": NEWEST})
        for refund in (await _answered(asked)).data:
            if _metadata(refund).get(KEY) == call.key:
                return _refunded(refund)
        return Absent()

    async def _retrieve(self, promise: str) -> stripe.PaymentIntent:
        return await _answered(self._stripe.payment_intents.retrieve_async(promise))


def configured() -> Stripe:
    """As the settings have it. Raises KeyMissing."""
    given = settings()
    if given.gateway_secret is None:
        raise KeyMissing
    return Stripe(
        api_key=given.gateway_secret.get_secret_value(),
        url=given.stripe_url,
        timeout_s=given.provider_seconds,
    )


class KeyMissing(RuntimeError):
    """ORDERLOOM_GATEWAY_SECRET must hold a Stripe API key."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


def _under(call: GatewayCall) -> stripe.RequestOptions:
    return {"idempotency_key": call.key}


def _reference(call: GatewayCall) -> str:
    assert call.authorization is not None, call.key  # noqa: S101 - whoever prepares a call knows the promise
    return call.authorization


def _metadata(found: stripe.PaymentIntent | stripe.Refund) -> dict[str, str]:
    return found.to_dict().get("metadata") or {}


def _promise(intent: stripe.PaymentIntent) -> Approved | Refused:
    match intent.status:
        case "requires_capture" | "succeeded" | "canceled":
            return Approved(intent.id, intent.amount)
        case "processing":
            raise http.Unavailable(f"stripe: {intent.id} is still being processed")
        case "requires_action":
            return Refused("authentication_required", "the buyer must authenticate the payment")
        case _:
            error = intent.to_dict().get("last_payment_error") or {}
            code = error.get("decline_code") or error.get("code") or "card_declined"
            return Refused(code, error.get("message") or "the card was declined", code in _PASSING)


def _refunded(refund: stripe.Refund) -> Approved | Refused:
    if refund.status in {"failed", "canceled"}:
        return Refused("refund_failed", f"stripe could not pay {refund.id} back", retryable=True)
    return Approved(refund.id, refund.amount)


async def _said(asked: Awaitable[Approved | Refused]) -> Approved | Refused:
    """The answer, an error of Stripe's told as what it means. Raises Unavailable when nobody knows."""
    try:
        return await asked
    except stripe.CardError as refused:
        code = refused.error.decline_code if refused.error else None
        code = code or refused.code or "card_declined"
        return Refused(code, refused.user_message or "the card was declined", code in _PASSING)
    except stripe.InvalidRequestError as wrong:
        return Refused(wrong.code or "invalid_request", wrong.user_message or str(wrong))
    except _UNSURE as fault:
        raise http.Unavailable(f"stripe: {fault}") from fault


async def _answered(asked: Awaitable[_T]) -> _T:
    try:
        return await asked
    except _UNSURE as fault:
        raise http.Unavailable(f"stripe: {fault}") from fault


class _OverPlumbing(stripe.HTTPClient):
    """Stripe's library on our one way out: never in a transaction, bounded in time, unknown when unanswered."""

    name = "orderloom"

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s = timeout_s

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        content = post_data.encode() if isinstance(post_data, str) else post_data
        status, said, body = await http.exchange(
            method.upper(), url, content=content, headers=dict(headers), timeout_s=self._timeout_s
        )
        return body, status, said
