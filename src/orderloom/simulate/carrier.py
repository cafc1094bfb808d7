"""The simulated carriers: a process of its own over HTTP, with a ledger that survives kill -9, misbehaving on demand.

    python -m orderloom.simulate.carrier --port 8092 --data-dir DIR

- A label is bought under the buyer's reference, once; looked up and voided by it. A void of an unknown reference
  bars it, so that a purchase still under way comes to nothing.
- `GET /ledger` counts the labels of each reference: the other side's truth, to compare ours with.
- `GET /labels?since=N` tells the simulated world which parcels exist.
- `POST /control` sets how often it refuses, delays, fails, loses its answer, or talks nonsense.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orderloom.plumbing import clock
from orderloom.shipping.tracking import tracking_number
from orderloom.simulate.journal import Journal

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Control:
    """How it misbehaves: each rate is a chance from 0 to 1 a call, of those of the carriers named (all if none).

    refusal: says no, with a reason. server_error: 503 before anything happened. lost_response: does it, then
    hangs for hang_ms and answers 504. garbage: does it, then answers with what is not JSON. delay: waits delay_ms.
    """

    refusal: float = 0.0
    server_error: float = 0.0
    lost_response: float = 0.0
    garbage: float = 0.0
    delay: float = 0.0
    delay_ms: int = 200
    hang_ms: int = 0
    carriers: tuple[str, ...] = ()


class Ledger:
    """What was bought, voided and manifested, in memory and in an append-only journal of JSON lines."""

    def __init__(self, path: Path) -> None:
        self.labels: dict[tuple[str, str], Json] = {}
        self.in_order: list[Json] = []
        self.by_number: dict[tuple[str, str], Json] = {}
        self.manifests: dict[tuple[str, str], Json] = {}
        self.bought: dict[tuple[str, str], int] = {}
        self.journal = Journal(path)
        for entry in self.journal.entries():
            self._apply(entry)

    def enter(self, entry: Json) -> None:
        """Write, then apply: what was answered for is always in the journal."""
        self.journal.add(entry)
        self._apply(entry)

    def _apply(self, entry: Json) -> None:
        match entry["entry"]:
            case "bought":
                key = (entry["carrier"], entry["reference"])
                self.bought[key] = self.bought.get(key, 0) + 1
                label = {**entry["label"], "n": len(self.in_order) + 1, "voided_at": None}
                self.labels[key] = label
                self.by_number[key[0], label["tracking_number"]] = label
                self.in_order.append(label)
            case "voided":
                key = (entry["carrier"], entry["reference"])
                known = self.labels.setdefault(
                    key, {"carrier": key[0], "reference": key[1], "tracking_number": None}
                )
                known |= {"status": "voided", "voided_at": entry["at"]}
            case "manifested":
                self.manifests[entry["carrier"], entry["number"]] = entry["manifest"]
            case other:
                raise ValueError(f"the journal holds an entry of an unknown kind: {other!r}")


class CarrierWorld:
    """The carriers behind the HTTP interface."""

    def __init__(self, ledger: Ledger, *, seed: int = 0) -> None:
        self.ledger = ledger
        self.control = Control()
        self._dice = random.Random(seed)

    async def buy(self, request: Request) -> Response:
        """One label a reference."""
        carrier, order = request.path_params["carrier"], await request.json()
        reference = str(order.get("reference", ""))
        known = self.ledger.labels.get((carrier, reference))
        if known is not None:
            return JSONResponse(known)
        if problem := _objection(order):
            return JSONResponse({"code": "bad_request", "message": problem}, 422)
        if self._minds(carrier) and self._rolls(self.control.refusal):
            return JSONResponse({"code": "refused", "message": "the carrier declines this parcel"}, 422)
        label = {
            "id": f"sim_{carrier}_{reference}",
            "carrier": carrier,
            "reference": reference,
            "status": "purchased",
            "tracking_number": tracking_number(carrier=carrier, reference=reference),
            "created_at": clock.now().isoformat(),
            **{name: order.get(name) for name in _KEPT},
        }
        self.ledger.enter({"entry": "bought", "carrier": carrier, "reference": reference, "label": label})
        return JSONResponse(self.ledger.labels[carrier, reference], 201)

    async def find(self, request: Request) -> Response:
        """By reference."""
        known = self.ledger.labels.get((request.path_params["carrier"], request.path_params["reference"]))
        return (
            JSONResponse(known)
            if known
            else JSONResponse({"code": "not_found", "message": "no such label"}, 404)
        )

    async def void(self, request: Request) -> Response:
        """Once and for all, known or not."""
        key = (request.path_params["carrier"], request.path_params["reference"])
        if self.ledger.labels.get(key, {}).get("status") != "voided":
            at = clock.now().isoformat()
            self.ledger.enter({"entry": "voided", "carrier": key[0], "reference": key[1], "at": at})
        return JSONResponse(self.ledger.labels[key])

    async def manifest(self, request: Request) -> Response:
        """One manifest a number; numbers of labels not known, or voided, are named."""
        carrier, order = request.path_params["carrier"], await request.json()
        number, numbers = str(order.get("number", "")), list(order.get("tracking_numbers", []))
        known = self.ledger.manifests.get((carrier, number))
        if known is not None:
            return JSONResponse(known)
        if not number or not numbers:
            return JSONResponse(
                {"code": "bad_request", "message": "a manifest needs a number and labels"}, 422
            )
        by_number = self.ledger.by_number
        good = {one for one in numbers if by_number.get((carrier, one), {}).get("status") == "purchased"}
        made = {
            "id": f"sim_{carrier}_{number}",
            "number": number,
            "accepted": [one for one in numbers if one in good],
            "unknown": [one for one in numbers if one not in good],
        }
        self.ledger.enter({"entry": "manifested", "carrier": carrier, "number": number, "manifest": made})
        return JSONResponse(made, 201)

    async def labels(self, request: Request) -> Response:
        """Labels bought after the n-th, oldest first; `next` is where to go on."""
        since, limit = int(request.query_params.get("since", 0)), int(request.query_params.get("limit", 500))
        found = self.ledger.in_order[since : since + min(limit, 5_000)]
        return JSONResponse({"labels": found, "next": since + len(found)})

    async def read_ledger(self, request: Request) -> Response:  # noqa: ARG002 - the framework hands it over
        """How many labels each reference has, and which manifests there are."""
        rows = [
            {
                "carrier": carrier,
                "reference": reference,
                "tracking_number": label["tracking_number"],
                "status": label["status"],
                "bought": self.ledger.bought.get((carrier, reference), 0),
            }
            for (carrier, reference), label in self.ledger.labels.items()
        ]
        totals = {
            "labels": sum(row["bought"] for row in rows),
            "voided": sum(row["status"] == "voided" for row in rows),
            "manifests": len(self.ledger.manifests),
        }
        return JSONResponse({"labels": rows, "totals": totals})

    async def set_control(self, request: Request) -> Response:
        """Change what is named, keep the rest; a `seed` sets the dice anew."""
        wanted = dict(await request.json())
        if (seed := wanted.pop("seed", None)) is not None:
            self._dice = random.Random(seed)
        unknown = set(wanted) - {one.name for one in fields(Control)}
        if unknown:
            return JSONResponse(
                {"code": "bad_request", "message": f"no such control: {sorted(unknown)}"}, 422
            )
        if "carriers" in wanted:
            wanted["carriers"] = tuple(wanted["carriers"])
        self.control = replace(self.control, **wanted)
        return JSONResponse(asdict(self.control))

    def misbehaving(self, handle: _Handler) -> _Handler:
        """The handler, with the present misbehaviour around it."""

        async def handled(request: Request) -> Response:
            control = self.control
            if not self._minds(request.path_params["carrier"]):
                return await handle(request)
            if self._rolls(control.delay):
                await asyncio.sleep(control.delay_ms / 1000)
            if self._rolls(control.server_error):
                return JSONResponse({"code": "unavailable", "message": "try again"}, 503)
            answer = await handle(request)
            if self._rolls(control.lost_response):
                await asyncio.sleep(control.hang_ms / 1000)
                return JSONResponse({"code": "gateway_timeout", "message": "nobody knows"}, 504)
            if self._rolls(control.garbage):
                return Response("<html>It works!</html>", media_type="text/html")
            return answer

        return handled

    def _minds(self, carrier: str) -> bool:
        return not self.control.carriers or carrier in self.control.carriers

    def _rolls(self, chance: float) -> bool:
        return chance > 0 and self._dice.random() < chance


_Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
_KEPT = (
    "service",
    "sender",
    "recipient",
    "length_mm",
    "width_mm",
    "height_mm",
    "weight_g",
    "sequence",
    "of",
    "order_number",
    "ship_on",
    "cost",
    "currency",
    "purpose",
)


def _objection(order: Json) -> str:
    """What every real carrier would complain of."""
    if not order.get("reference"):
        return "a reference is missing"
    if not order.get("service"):
        return "a service is missing"
    if not isinstance(order.get("weight_g"), int) or order["weight_g"] <= 0:
        return "the parcel weighs nothing"
    recipient = order.get("recipient") or {}
    missing = [name for name in ("country", "postcode") if not recipient.get(name)]
    return f"the recipient's address has no {' and no '.join(missing)}" if missing else ""


def make_app(data_dir: Path, *, seed: int = 0) -> Starlette:
    """The application on its ledger in that folder."""
    world = CarrierWorld(Ledger(data_dir / "carrier.jsonl"), seed=seed)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    label = "/carriers/{carrier}/labels"
    return Starlette(
        routes=[
            Route(label, world.misbehaving(world.buy), methods=["POST"]),
            Route(label + "/{reference}", world.misbehaving(world.find)),
            Route(label + "/{reference}/void", world.misbehaving(world.void), methods=["POST"]),
            Route("/carriers/{carrier}/manifests", world.misbehaving(world.manifest), methods=["POST"]),
            Route("/labels", world.labels),
            Route("/ledger", world.read_ledger),
            Route("/control", world.set_control, methods=["POST"]),
            Route("/health", health),
        ]
    )


def main(port: int, data_dir: Path, *, seed: int = 0) -> None:
    """Serve on loopback until told to stop."""
    import uvicorn  # noqa: PLC0415 - the application above is usable without a server

    uvicorn.run(
        make_app(data_dir, seed=seed),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="The simulated carriers.")
    parser.add_argument("--port", type=int, default=8092)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.port, given.data_dir, seed=given.seed)
