"""The shop that journeys are measured in: 1,000 SKUs at 5 nodes, two carriers' contracts, buyers at 3,000 real ZIP codes."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime

import zipcodes

from orderloom.catalog.model import Item
from orderloom.journey.setup import CarrierTerms, Setup, put
from orderloom.network.model import Channel
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.simulate import demo_carriers, demo_data
from orderloom.simulate.people import STREETS, somebody
from orderloom.terms import Address

SEED = 20_261_123
SKUS, PLACES = 1_000, 3_000
NODES = ("RNO", "CMH", "ATL", "DFW", "DEN")
CARRIERS = ("swift", "bluebird")
CHANNEL, GATEWAY = "web", "instant"
# Units of a SKU at a node: enough that nothing runs out while a bench runs.
UNITS = 1_000_000


def setup() -> Setup:
    """The network."""
    terms = demo_carriers.terms()
    return Setup(
        items=tuple(items()),
        nodes=tuple(node for node in demo_data.nodes() if node.code in NODES),
        channels=(
            Channel(
                code=CHANNEL,
                name="Webshop",
                type="site",
                currency="USD",
                time_zone="America/New_York",
                promise_days={"standard": 6, "expedited": 3},
                review_above=1_000_000,
            ),
        ),
        cartons=tuple(demo_data.cartons()),
        carriers=tuple(
            CarrierTerms(code=code, name=demo_carriers.NAMES[code], adapter="simulated", terms=terms[code])
            for code in CARRIERS
        ),
        stock={(node, sku(n)): UNITS for node in NODES for n in range(SKUS)},
    )


def sku(number):
    return f"SKU-{number:04d}"


def items():
    """Things one finds in a parcel: from a phone case to a pair of boots."""
    dice = random.Random(SEED)
    for number in range(SKUS):
        edges = sorted((dice.randrange(30, 330) for _ in range(3)), reverse=True)
        yield Item(
            sku=sku(number),
            name=f"Thing {number}",
            weight_g=max(40, edges[0] * edges[1] * edges[2] // 5_000 + dice.randrange(400)),
            length_mm=edges[0],
            width_mm=edges[1],
            height_mm=edges[2],
            list_price=dice.randrange(500, 9_000),
            currency="USD",
        )


async def furnish(database):
    """Put the network in place."""
    async with database.transaction() as db:
        await put(db, wanted=setup())


class Buyers:
    """Who orders: 1 to 3 lines by Zipf, at places drawn once from all ZIP codes."""

    def __init__(self, seed=SEED):
        self._dice = random.Random(seed)
        standard = [
            row
            for row in zipcodes.list_all()
            if row["zip_code_type"] == "STANDARD" and row["active"] and row["state"] not in {"PR", "VI", "GU"}
        ]
        self._places = random.Random(SEED).sample(standard, PLACES)
        self._weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(SKUS)))
        self._numbers = itertools.count()
        self._seed = seed

    def order(self) -> OrderDraft:
        dice = self._dice
        numbers = {self._sku() for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))}
        lines = tuple(
            LineDraft(
                sku=sku(number), quantity=dice.choice((1, 1, 1, 1, 1, 2, 3)), unit_price=1_000 + number % 900
            )
            for number in sorted(numbers)
        )
        total = sum(line.total for line in lines) + 695
        buyer, _ = somebody(dice)
        place = dice.choice(self._places)
        return OrderDraft(
            channel=CHANNEL,
            external_id=f"B{self._seed}-{next(self._numbers)}",
            placed_at=datetime.now(UTC),
            currency="USD",
            buyer=buyer,
            ship_to=Address(
                name=buyer["name"],
                line1=f"{dice.randrange(1, 9_900)} {dice.choice(STREETS)}",
                city=place["city"],
                region=place["state"],
                postcode=place["zip_code"],
                residential=dice.random() < 0.9,
            ),
            lines=lines,
            tenders=(TenderDraft(method="card", token="tok_ok", gateway=GATEWAY, amount=total),),  # noqa: S106
            shipping=695,
            total=total,
            service_level=dice.choice(("standard", "standard", "standard", "expedited")),
        )

    def _sku(self):
        return self._dice.choices(range(SKUS), cum_weights=self._weights)[0]
