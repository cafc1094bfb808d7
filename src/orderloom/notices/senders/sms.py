"""Text messages through an HTTP gateway: one POST of JSON, with the notice's key as idempotency key.

The gateway answers 2xx with `{"id": …}`, 4xx with `{"code": …, "message": …}` when it will never send this, and
anything else when it cannot now. Whichever provider is used stands behind a gateway of this form.
"""

from __future__ import annotations

from typing import Any

from orderloom.notices.model import Answer, Rejected, Sending, Sent
from orderloom.plumbing.http import Unavailable, call
from orderloom.plumbing.settings import settings

# Ten joined messages of GSM 03.38; longer ones are refused or cut by networks.
TEXT_MOST = 1530
# Our own credentials or address are at fault, not the message: keep it until they are mended.
_OURS_TO_MEND = frozenset({401, 403, 404, 405, 408, 415})


class Sms:
    """A gateway at one address."""

    def __init__(self, *, url: str | None, token: str | None, sender: str, timeout_s: float) -> None:
        self._url = url
        self._token = token
        self._sender = sender
        self._timeout_s = timeout_s

    async def send(self, call_: Sending) -> Answer:
        """Post the text."""
        if self._url is None:
            return Rejected("no_gateway", "set ORDERLOOM_SMS_URL to send text messages")
        headers = {"idempotency-key": call_.key}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        status, body = await call(
            "POST",
            self._url,
            json={"to": call_.recipient, "from": self._sender, "text": _short(call_)},
            headers=headers,
            timeout_s=self._timeout_s,
        )
        told: dict[str, Any] = body if isinstance(body, dict) else {}
        if 200 <= status < 300:
            return Sent(str(told["id"]) if "id" in told else None)
        if status in _OURS_TO_MEND or status < 400:
            raise Unavailable(f"the SMS gateway answered {status}")
        return Rejected(
            str(told.get("code", status)), str(told.get("message", "the gateway refused it"))[:500]
        )


def _short(call_: Sending) -> str:
    text = " ".join(call_.text.split())
    return text if len(text) <= TEXT_MOST else text[: TEXT_MOST - 1] + "…"


def configured() -> Sms:
    """The gateway of the settings."""
    chosen = settings()
    return Sms(
        url=chosen.sms_url,
        token=chosen.sms_token.get_secret_value() if chosen.sms_token else None,
        sender=chosen.sms_sender,
        timeout_s=chosen.provider_seconds,
    )
