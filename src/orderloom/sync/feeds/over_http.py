"""Availability by HTTP: signed JSON batches posted to the channel's address, its listing read from the same.

    POST {url}                  {"channel": "web", "items": [{"sku", "quantity", "version", "next_at", "next_units"}]}
    GET  {url}?after=…&limit=…  {"items": [{"sku", "quantity", "version"}], "after": "…" or null}

Both are signed after Standard Webhooks with the channel's secret, over an empty body for the GET. 2xx takes the whole
batch; 429 and every 5xx mean "not now"; anything else refuses it. The page is the channel's: `after` is handed back as
it came, until it is null.

A channel's secret is stored nowhere: it follows from the deployment's own secret, the channel's code, and the number
`key` in its settings. Raising that number by one makes a new secret; the one before goes on signing beside it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, Field, ValidationError

from orderloom.plumbing import outbound
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.settings import settings as deployment
from orderloom.sync.feeds.feed import Accepted, Batch, Inquiry, Listed, Refused, Verdict
from orderloom.sync.signing import secret_of, signed

TIMEOUT_S = 5.0
PAGE = 1_000
PAGE_BYTES_MOST = 2_000_000
PAGES_MOST = 10_000


class _Line(BaseModel):
    """One SKU of the channel's answer."""

    sku: str = Field(max_length=200)
    quantity: int = Field(ge=0, lt=2**31)
    version: int = Field(ge=0, lt=2**62)


class _Page(BaseModel):
    items: list[_Line] = Field(max_length=100_000)
    after: str | None = Field(default=None, max_length=500)


class OverHttp:
    """Speaks to the channel's own endpoint."""

    def __init__(self, *, private: bool, root: str) -> None:
        self._private = private
        self._root = root.encode()

    def secret(self, channel: str, *, key: int = 1) -> str:
        """What the channel checks our signatures by."""
        return secret_of(hmac.digest(self._root, f"availability feed {key} {channel}".encode(), "sha256"))

    def _secrets(self, channel: str, settings: Mapping[str, Any]) -> list[str]:
        key = int(settings.get("key", 1))
        return [self.secret(channel, key=each) for each in range(key, max(0, key - 2), -1)]

    def faults(self, settings: Mapping[str, Any]) -> list[str]:
        """An address we may go to, and which secret to sign with."""
        found = [f"{name!r} is not known here" for name in sorted(set(settings) - {"url", "key"})]
        key = settings.get("key", 1)
        if type(key) is not int or not 1 <= key <= 10_000:
            found.append("key: a number from 1 on, one more for a new secret")
        try:
            outbound.check(str(settings.get("url", "")), private=self._private)
        except outbound.Forbidden as closed:
            found.append(f"url: {closed}")
        return found

    async def push(self, batch: Batch) -> Verdict:
        """One POST; its id is that of its content, the same when the same numbers go again."""
        body = _encoded({"channel": batch.channel, "items": [item.json() for item in batch.items]})
        secrets = self._secrets(batch.channel, batch.settings)
        headers = signed(name=f"avl_{_digest(batch)}", now=batch.sent_at, body=body, secrets=secrets)
        try:
            said = await outbound.post(
                batch.settings["url"],
                body=body,
                headers=headers,
                timeout_s=TIMEOUT_S,
                private=self._private,
            )
        except outbound.Forbidden as closed:
            return Refused(f"we do not go there: {closed}")
        if said.status == 429 or said.status >= 500:
            raise Unavailable(f"{batch.channel}: answered {said.status}")
        return Accepted() if 200 <= said.status < 300 else Refused(f"answered {said.status}")

    async def read(self, inquiry: Inquiry) -> Mapping[str, Listed]:
        """Page after page, until the channel says that there is no more."""
        found: dict[str, Listed] = {}
        after: str | None = None
        for _ in range(PAGES_MOST):
            page = await self._page(inquiry, after)
            found |= {line.sku: Listed(line.quantity, line.version) for line in page.items}
            if page.after is None:
                return found
            after = page.after
        raise Unavailable(f"{inquiry.channel}: its listing does not end after {PAGES_MOST} pages")

    async def _page(self, inquiry: Inquiry, after: str | None) -> _Page:
        asked = {"limit": str(PAGE), **({} if after is None else {"after": after})}
        url = f"{inquiry.settings['url']}?{urlencode(asked)}"
        name = f"avl_{hashlib.sha256(url.encode()).hexdigest()[:32]}"
        secrets = self._secrets(inquiry.channel, inquiry.settings)
        headers = signed(name=name, now=inquiry.asked_at, body=b"", secrets=secrets)
        try:
            status, body = await outbound.get(
                url,
                headers=headers,
                timeout_s=TIMEOUT_S,
                most_bytes=PAGE_BYTES_MOST,
                private=self._private,
            )
        except outbound.Forbidden as closed:
            raise Unavailable(f"{inquiry.channel}: we do not go there: {closed}") from closed
        if status != 200:
            raise Unavailable(f"{inquiry.channel}: answered {status}")
        try:
            return _Page.model_validate_json(body)
        except ValidationError as wrong:
            problem = f"{inquiry.channel}: its listing cannot be read: {wrong.error_count()} faults"
            raise Unavailable(problem) from wrong


def _digest(batch: Batch) -> str:
    told = "\n".join(f"{item.sku} {item.version}" for item in batch.items)
    return hashlib.sha256(f"{batch.subject}\n{told}".encode()).hexdigest()[:32]


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def configured() -> OverHttp:
    """From the settings."""
    found = deployment()
    return OverHttp(private=found.webhook_private_hosts, root=found.secret_key.get_secret_value())
