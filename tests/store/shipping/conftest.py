"""A shipped-to-be order with contracts in force, for the tests of labels and manifests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from orderloom import shipping
from orderloom.shipping.model import CarrierRow, ContractDraft, LabelRequest, PackageToShip
from orderloom.terms import Address, Dimensions
from tests.store.ordered import Ordered, an_order
from tests.unit.shipping.terms import terms

AS_OF = datetime(2026, 1, 6, 12, tzinfo=UTC)
NODE = Address(line1="9 Dock Rd", city="New York", postcode="10001", latitude=40.75, longitude=-73.99)
HOME = Address(
    name="Ann", line1="1 Elm St", city="Chicago", postcode="60601", latitude=41.88, longitude=-87.63
)


@pytest.fixture
async def contracts(db):
    """Two carriers whose contracts hold since 2020."""
    await put_contracts(db)


async def put_contracts(db: Any) -> None:
    """The same, wherever it is wanted."""
    await shipping.put_carriers(
        db,
        carriers=[
            CarrierRow(code="acme", name="Acme", adapter="simulated"),
            CarrierRow(code="vans", name="Our vans", adapter="flat"),
        ],
    )
    since = datetime(2020, 1, 1, tzinfo=UTC)
    local = terms(
        services=[
            {"code": "van", "name": "Van", "level": "local", "transit_days": {"2": 0}, "max_weight": 40}
        ],
        rates=[{"service": "van", "breaks": [40], "amounts": {"2": [500]}}],
        dim=[],
        discounts=[],
        minimum_charges={},
        surcharges=[],
    )
    await shipping.put_contracts(
        db,
        contracts=[
            ContractDraft(carrier="acme", valid_from=since, terms=terms()),
            ContractDraft(carrier="vans", valid_from=since, terms=local),
        ],
    )


async def asked(db: Any, *, packages: int = 1, **changes: Any) -> tuple[Ordered, LabelRequest]:
    """An order with closed packages, and the request for their labels."""
    put = await an_order(db, packages=packages)
    for sequence, package in enumerate(put.packages, 1):
        await db.execute(
            "INSERT INTO packing.packages (id, fulfillment_id, order_id, sequence, status) VALUES ($1, $2, $3, $4, 'packed')",
            package,
            put.fulfillment,
            put.order,
            sequence,
        )
    request = LabelRequest(
        order_id=put.order,
        order_number=put.number,
        fulfillment_id=put.fulfillment,
        node_id=put.node,
        sender=NODE,
        recipient=HOME,
        carrier="acme",
        service="ground",
        packages=tuple(
            PackageToShip(package, n, Dimensions(200, 150, 50), 400)
            for n, package in enumerate(put.packages, 1)
        ),
        currency="USD",
        ship_on=date(2026, 1, 6),
        as_of=AS_OF,
        promise_at=datetime(2026, 1, 20, tzinfo=UTC),
    )
    return put, replace(request, **changes)
