"""Signatures of Standard Webhooks 1.0: over id, time and body, by every secret that is valid. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook as Signer

from orderloom.terms import wire

PREFIX = "whsec_"


def secret_of(entropy: bytes) -> str:
    """A secret in the form that receivers' libraries expect."""
    return PREFIX + base64.b64encode(entropy).decode()


def headers(*, delivery_id: UUID, now: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The signed headers. The id is the delivery's, the same over its retries; time and signature are new each time."""
    return signed(name=wire("delivery", delivery_id), now=now, body=body, secrets=secrets)


def signed(*, name: str, now: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The signed headers of a message by that name."""
    signatures = [Signer(secret).sign(name, now, body.decode()) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Orderloom-Webhooks/1.0",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
