"""A flash sale over real HTTP: many buyers, each on a connection of their own, for few units. Prints figures.

    .venv/bin/python bench/buyers.py [--buyers 1000] [--sale one|spread|lines|carts|ahead] [--json]

Each sale starts a private PostgreSQL with durable commits and one `orderloom serve`. What must hold in each, whatever
the machine: exactly the units there were are sold, every other buyer gets a 409 `insufficient_stock` that says what is
left, nobody gets a 5xx, and PostgreSQL counts no deadlock. `tests/api/test_many_buyers.py` asserts it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.wire import NoAnswer, Said, Wire
from orderloom.catalog.model import Item
from orderloom.journey import setup
from orderloom.journey.setup import Setup
from orderloom.plumbing import credentials, http
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.migrate import migrate
from orderloom.simulate import demo_data
from orderloom.simulate.processes import Process, free_port, python

NODES = ("RNO", "CMH", "ATL", "DFW", "DEN")
HOT = 20
UNITS = 50
COMING = 30
# What a buyer's own machine does when it is told that somebody else's order is at work, or to come again.
PATIENCE = 40


@dataclass(frozen=True, slots=True)
class Sale:
    """What is on the shelves, and what a buyer wants of it."""

    name: str
    says: str
    stock: dict[tuple[str, str], int]
    lines_each: int = 1
    carts: bool = False
    coming: int = 0
    """Units of each SKU that a purchase order brings in three days."""
    ahead: bool = False
    """What is on its way is sold too."""

    def wanted(self, dice: random.Random) -> dict[str, int]:
        """Units by SKU, in the order in which the lines are sent."""
        skus = sorted({sku for _, sku in self.stock})
        return dict.fromkeys(dice.sample(skus, self.lines_each), 1)


def sales(buyers: int) -> dict[str, Sale]:
    """All of them. The three-line sale is as scarce: fewer units of twenty SKUs than its buyers want."""
    each = max(1, buyers * 3 // HOT // 3)
    hot = {(NODES[(n + k) % 5], f"HOT-{n:02}"): each // 2 or 1 for n in range(HOT) for k in range(2)}
    return {
        sale.name: sale
        for sale in (
            Sale("one", f"{UNITS} units of one SKU at one node", {("RNO", "HOT-00"): UNITS}),
            Sale(
                "spread",
                f"{UNITS} units of one SKU over five nodes",
                {(node, "HOT-00"): UNITS // 5 for node in NODES},
            ),
            Sale("lines", "three lines in any order over twenty hot SKUs", hot, lines_each=3),
            Sale(
                "carts",
                "half of the buyers through a cart",
                {("RNO", "HOT-00"): UNITS},
                carts=True,
                coming=COMING,
            ),
            Sale(
                "ahead",
                f"{UNITS - COMING} units there and {COMING} on their way, sold ahead",
                {("RNO", "HOT-00"): UNITS - COMING},
                coming=COMING,
                ahead=True,
            ),
        )
    }


@dataclass(slots=True)
class Outcome:
    """What the buyers met."""

    sold: list[dict[str, int]] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    refused: list[tuple[dict[str, int], list[dict[str, Any]]]] = field(default_factory=list)
    """What each wanted, and by SKU what the answer says is available and when more comes."""
    strange: Counter[str] = field(default_factory=Counter)
    later: int = 0
    seconds: list[float] = field(default_factory=list)
    lasted_s: float = 0.0
    levels: list[dict[str, Any]] = field(default_factory=list)

    def units_sold(self) -> Counter[str]:
        """By SKU."""
        return Counter({sku: sum(order.get(sku, 0) for order in self.sold) for sku in self.skus()})

    def skus(self) -> set[str]:
        """All that somebody wanted."""
        return {sku for order in (*self.sold, *(wanted for wanted, _ in self.refused)) for sku in order}

    def json(self) -> dict[str, Any]:
        """The figures."""
        ordered = sorted(self.seconds)
        return {
            "sold_orders": len(self.sold),
            "sold_units": sum(self.units_sold().values()),
            "refused": len(self.refused),
            "errors": dict(self.strange),
            "asked_to_come_again": self.later,
            "answers_per_second": round(len(ordered) / self.lasted_s, 1),
            "orders_per_second": round(len(self.sold) / self.lasted_s, 1),
            "p50_ms": round(statistics.median(ordered) * 1000, 1),
            "p99_ms": round(ordered[int(len(ordered) * 0.99) - 1] * 1000, 1),
        }


async def furnish(url: str, sale: Sale) -> str:
    """Nodes, a channel, items and the units on sale; returns an API key."""
    world = demo_data.setup()
    size = {"weight_g": 300, "length_mm": 100, "width_mm": 80, "height_mm": 60}
    backorder = "from_supply" if sale.ahead else "refuse"
    items = [
        Item(sku=sku, name=sku, list_price=1000, backorder=backorder, **size)
        for sku in sorted({sku for _, sku in sale.stock})
    ]
    database = await Database.open(url)
    async with database.transaction() as db:
        nodes = [node for node in world.nodes if node.code in NODES]
        wanted = Setup(items=items, nodes=nodes, channels=world.channels, stock=sale.stock)
        await setup.put(db, wanted=wanted)
        _, key = await credentials.create_key(db, name="buyers", scopes=credentials.SCOPES)
    await database.close()
    return key


@asynccontextmanager
async def serving(
    url: str, folder: Path, count: int = 1, *, command: Sequence[str] = ("orderloom.cli",)
) -> AsyncIterator[list[str]]:
    """So many `orderloom serve` on this database; their addresses."""
    own = {"DATABASE_URL": url, "ORDERLOOM_LOG_LEVEL": "warning"}
    ports = [free_port() for _ in range(count)]
    servers = [
        Process(
            f"api-{n}",
            python(*command, "serve", "--demo", "--port", str(port)),
            folder / f"api-{n}.log",
            own,
            f"http://127.0.0.1:{port}/healthz",
        )
        for n, port in enumerate(ports)
    ]
    try:
        for server in servers:
            await server.start()
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for server in servers:
            await server.stop()
        await http.close()


async def rush(url: str, addresses: Sequence[str], sale: Sale, *, buyers: int, seed: int = 1) -> Outcome:
    """All buyers at once."""
    key = await furnish(url, sale)
    out = Outcome()
    wires = [Wire(addresses[n % len(addresses)], key) for n in range(buyers)]
    # Connections are opened first, so that the rush is on the stock and not on the handshake.
    await asyncio.gather(*(wire.call("GET", "/v1/channels/web") for wire in wires))
    await _expect(wires[0], sale)
    started = time.perf_counter()
    dice = random.Random(seed)
    wanted = [sale.wanted(dice) for _ in range(buyers)]
    await asyncio.gather(*(_buy(wire, out, sale, n, wanted[n]) for n, wire in enumerate(wires)))
    out.lasted_s = time.perf_counter() - started
    for sku in sorted({sku for _, sku in sale.stock}):
        out.levels += (await wires[0].call("GET", f"/v1/inventory/levels?sku={sku}")).body["data"]
    for wire in wires:
        await wire.close()
    return out


async def _expect(wire: Wire, sale: Sale) -> None:
    """The purchase order, if there is one."""
    if sale.coming:
        skus = sorted({sku for _, sku in sale.stock})
        order = {
            "kind": "purchase_order",
            "reference": "PO-1",
            "node": "RNO",
            "due_at": (datetime.now(UTC) + timedelta(days=3)).isoformat(),
            "lines": [{"sku": sku, "quantity": sale.coming} for sku in skus],
        }
        said = await wire.call("POST", "/v1/inventory/supplies", order, key=uuid4().hex)
        if said.status != 201:
            raise RuntimeError(f"the purchase order was answered {said.status} {said.body}")


async def _buy(wire: Wire, out: Outcome, sale: Sale, buyer: int, wanted: dict[str, int]) -> None:
    began = time.perf_counter()
    through_cart = sale.carts and buyer % 2 == 0
    more: dict[str, Any] = {}
    if through_cart:
        cart = {
            "channel": "web",
            "owner": f"cart-{buyer}",
            "lines": [{"sku": sku, "quantity": n} for sku, n in wanted.items()],
        }
        said = await _patiently(wire, "/v1/reservations", cart, out)
        if said is None or said.status != 201:
            _note(out, wanted, said, time.perf_counter() - began)
            return
        more = {"reservation_id": said.body["id"]}
    said = await _patiently(wire, "/v1/orders", _order(buyer, wanted) | more, out)
    _note(out, wanted, said, time.perf_counter() - began)


async def _patiently(wire: Wire, path: str, body: dict[str, Any], out: Outcome) -> Said | None:
    """The same request under the same key until it is answered: a 429 or 503 is not an answer but a `later`."""
    key = uuid4().hex
    for again in range(PATIENCE):
        try:
            said = await wire.call("POST", path, body, key=key, timeout_s=60)
        except NoAnswer as broken:
            out.strange[str(broken)] += 1
            return None
        if said.status not in (429, 503) and said.code != "idempotency_in_progress":
            return said
        out.later += 1
        await asyncio.sleep(min(1.0, 0.05 * (again + 1)))
    out.strange["turned away to the end"] += 1
    return None


def _note(out: Outcome, wanted: dict[str, int], said: Said | None, seconds: float) -> None:
    out.seconds.append(seconds)
    if said is None:
        return
    if said.status == 201:
        out.sold.append(wanted)
        out.orders.append(said.body["id"])
    elif said.status == 409 and said.code == "insufficient_stock":
        out.refused.append((wanted, said.body["available"]))
    else:
        out.strange[f"{said.status} {said.code}"] += 1


def _order(buyer: int, wanted: dict[str, int]) -> dict[str, Any]:
    total = {"amount": sum(wanted.values()) * 1000, "currency": "USD"}
    return {
        "channel": "web",
        "external_id": f"B-{buyer:05}",
        "placed_at": datetime.now(UTC).isoformat(),
        "currency": "USD",
        "buyer": {"name": "Ada Buyer", "email": f"buyer-{buyer}@example.com"},
        "ship_to": {"line1": "500 W 2nd St", "city": "Austin", "region": "TX", "postcode": "78701"},
        "lines": [
            {"sku": sku, "quantity": n, "unit_price": {"amount": 1000, "currency": "USD"}}
            for sku, n in wanted.items()
        ],
        "tenders": [{"method": "card", "token": "tok_ok", "amount": total}],
        "total": total,
    }


async def deadlocks(url: str) -> int:
    """What PostgreSQL has counted. A backend tells at the latest when it ends: ask once the servers are stopped."""
    database = await Database.open(url)
    async with database.transaction() as db:
        found = await db.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    await database.close()
    return int(found)


async def _run(asked: argparse.Namespace, server: EmbeddedPostgres, sale: Sale) -> dict[str, Any]:
    await migrate(server.url())
    async with serving(server.url(), server.data_dir, asked.servers) as addresses:
        out = await rush(server.url(), addresses, sale, buyers=asked.buyers, seed=asked.seed)
    return {
        "says": sale.says,
        "buyers": asked.buyers,
        **out.json(),
        "deadlocks": await deadlocks(server.url()),
    }


def _hold(asked: argparse.Namespace, sale: Sale) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="orderloom-buyers-") as temporary:
        # The private database's own system user must be able to pass through.
        Path(temporary).chmod(0o711)
        server = EmbeddedPostgres(Path(temporary))
        server.start()
        try:
            return asyncio.run(_run(asked, server, sale))
        finally:
            server.release()


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--buyers", type=int, default=1000)
    parser.add_argument("--sale", choices=list(sales(1)))
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, asked.buyers * 2 + 500), hard))
    chosen = [sale for name, sale in sales(asked.buyers).items() if asked.sale in (None, name)]
    figures = {sale.name: _hold(asked, sale) for sale in chosen}
    if asked.json:
        print(json.dumps(figures))
        return
    for told in figures.values():
        print(f"{told['says']}:", ", ".join(f"{k} {v}" for k, v in told.items() if k != "says"))


if __name__ == "__main__":
    main()
