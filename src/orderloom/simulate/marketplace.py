"""A simulated marketplace that is told its availability: a process of its own over HTTP, misbehaving on demand.

    python -m orderloom.simulate.marketplace --port 8093 --secret whsec_…

- `POST /availability` takes a signed batch: each SKU's number, unless it has that version or a newer one.
- `GET /availability?after=…&limit=…` is its listing, page by page, under the same signature.
- `GET /ledger` is the other side's truth: what it took, what it left out as old, in the order it came.
- `POST /control` sets how often it refuses, delays, fails, loses its answer, forgets, or takes a batch twice, late.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeAlias

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json: TypeAlias = dict[str, Any]
PAGE_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Control:
    """How it misbehaves: each rate is a chance from 0 to 1 a batch.

    refusal: 422. server_error: 503 before anything happened. lost: takes it, then answers 504. forgotten: answers 200
    and keeps nothing. repeated: takes the same batch once more, repeat_ms later, when newer ones may be there. delay:
    waits delay_ms first.
    """

    refusal: float = 0.0
    server_error: float = 0.0
    lost: float = 0.0
    forgotten: float = 0.0
    repeated: float = 0.0
    repeat_ms: int = 200
    delay: float = 0.0
    delay_ms: int = 200


class Marketplace:
    """Its listing, and what became of every number that came."""

    def __init__(self, *, secret: str, seed: int = 0) -> None:
        self.listing: dict[str, Json] = {}
        self.taken: list[Json] = []
        self.old = 0
        self.batches = 0
        self.control = Control()
        self._signed = Webhook(secret)
        self._dice = random.Random(seed)
        self._late: set[asyncio.Task[None]] = set()

    async def take(self, request: Request) -> Response:
        """One batch."""
        body = await request.body()
        if not self._is_signed(body, request):
            return JSONResponse({"code": "unsigned"}, 401)
        items = json.loads(body)["items"]
        control = self.control
        if self._rolls(control.delay):
            await asyncio.sleep(control.delay_ms / 1000)
        if self._rolls(control.server_error):
            return JSONResponse({"code": "unavailable"}, 503)
        if self._rolls(control.refusal):
            return JSONResponse({"code": "refused"}, 422)
        self.batches += 1
        if self._rolls(control.forgotten):
            return JSONResponse({"status": "ok"})
        self._apply(items)
        if self._rolls(control.repeated):
            late = asyncio.create_task(self._again(items, control.repeat_ms / 1000))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
        if self._rolls(control.lost):
            return JSONResponse({"code": "gateway_timeout"}, 504)
        return JSONResponse({"status": "ok"})

    async def _again(self, items: list[Json], after_s: float) -> None:
        await asyncio.sleep(after_s)
        self._apply(items)

    def _apply(self, items: list[Json]) -> None:
        for item in items:
            there = self.listing.get(item["sku"])
            if there is not None and there["version"] >= item["version"]:
                self.old += 1
                continue
            self.listing[item["sku"]] = item
            self.taken.append({name: item[name] for name in ("sku", "quantity", "version")})

    async def show(self, request: Request) -> Response:
        """The listing by SKU, from after one."""
        if not self._is_signed(b"", request):
            return JSONResponse({"code": "unsigned"}, 401)
        after, limit = (
            request.query_params.get("after", ""),
            int(request.query_params.get("limit", PAGE_MOST)),
        )
        later = sorted(sku for sku in self.listing if sku > after)
        page = later[: min(limit, PAGE_MOST)]
        more = page[-1] if len(later) > len(page) else None
        return JSONResponse({"items": [self.listing[sku] for sku in page], "after": more})

    async def read_ledger(self, request: Request) -> Response:  # noqa: ARG002 - the framework hands it over
        """Everything that was taken, in order."""
        return JSONResponse({"taken": self.taken, "old": self.old, "batches": self.batches})

    async def set_control(self, request: Request) -> Response:
        """Change what is named, keep the rest; `drop` and `put` change the listing behind everybody's back."""
        wanted = dict(await request.json())
        for sku in wanted.pop("drop", []):
            self.listing.pop(sku, None)
        for sku, quantity in wanted.pop("put", {}).items():
            self.listing[sku] = {**self.listing[sku], "quantity": quantity}
        unknown = set(wanted) - {one.name for one in fields(Control)}
        if unknown:
            return JSONResponse(
                {"code": "bad_request", "message": f"no such control: {sorted(unknown)}"}, 422
            )
        self.control = replace(self.control, **wanted)
        return JSONResponse(asdict(self.control))

    def _is_signed(self, body: bytes, request: Request) -> bool:
        try:
            self._signed.verify(body, dict(request.headers), json_parse=False)
        except WebhookVerificationError:
            return False
        return True

    def _rolls(self, chance: float) -> bool:
        return chance > 0 and self._dice.random() < chance


def make_app(*, secret: str, seed: int = 0) -> Starlette:
    """The application with an empty listing."""
    market = Marketplace(secret=secret, seed=seed)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/availability", market.take, methods=["POST"]),
            Route("/availability", market.show),
            Route("/ledger", market.read_ledger),
            Route("/control", market.set_control, methods=["POST"]),
            Route("/health", health),
        ]
    )


def main(port: int, *, secret: str, seed: int = 0) -> None:
    """Serve on loopback until told to stop."""
    import uvicorn  # noqa: PLC0415 - the application above is usable without a server

    # Who is kept waiting for minutes on purpose does not keep it from ending.
    uvicorn.run(
        make_app(secret=secret, seed=seed),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="A simulated marketplace.")
    parser.add_argument("--port", type=int, default=8093)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.port, secret=given.secret, seed=given.seed)
