"""Small routing questions made by rule: real nodes, cartons and tariffs of the demo, made-up goods and stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from orderloom.network.model import Node
from orderloom.packing.model import Article
from orderloom.routing.explaining import Explanation, explained
from orderloom.routing.model import Decision, Policy, Request, Source, Want
from orderloom.shipping import contract as contracts
from orderloom.shipping.tariff import Tariff, compile_contract
from orderloom.simulate import demo_carriers, demo_data
from orderloom.terms import Address, Quantities

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
AUSTIN = Address(city="Austin", region="TX", postcode="78701", country="US", latitude=30.27, longitude=-97.74)
SIZES = {"PIN": (40, 30, 20, 30), "MUG": (110, 100, 90, 350), "LAMP": (420, 250, 240, 2600)}
CARTONS = tuple(demo_data.cartons())


@cache
def nodes() -> dict[str, Node]:
    """The demo's nodes by code."""
    return {node.code: node for node in demo_data.nodes()}


@cache
def tariffs() -> tuple[Tariff, ...]:
    """Two carriers are enough to choose from."""
    terms = demo_carriers.terms()
    return tuple(
        compile_contract(contracts.parse(carrier=code, version=1, terms=terms[code]))
        for code in sorted(terms)[:2]
    )


def want(sku: str, quantity: int, *, key: str | None = None, **more: Any) -> Want:
    """Units of one line."""
    length, width, height, weight = SIZES[sku]
    hazmat = more.pop("hazmat_class", None)
    article = Article(
        sku=sku,
        length=length,
        width=width,
        height=height,
        weight_g=weight,
        quantity=quantity,
        hazmat_class=hazmat,
    )
    return Want(key=key or sku, article=article, quantity=quantity, **more)


def question(wants: tuple[Want, ...], stock: Mapping[str, Mapping[str, int]], **more: Any) -> Request:
    """What is asked, by node code what each has."""
    values: dict[str, Any] = {
        "wants": wants,
        "sources": tuple(
            Source(node=nodes()[code], available=Quantities(units)) for code, units in sorted(stock.items())
        ),
        "destination": AUSTIN,
        "tariffs": tariffs(),
        "cartons": CARTONS,
        "now": NOW,
        "promise_at": NOW + timedelta(days=8),
        "policy": Policy(),
    }
    return Request(**{**values, **more})


def explanation(decision: Decision) -> Explanation:
    """Why it was decided so."""
    return explained(decision.request, decision.json())


UNITS = st.integers(0, 4)


@st.composite
def questions(draw: st.DrawFn, *, at_most: int = 3) -> Request:
    """A few lines, a few nodes with little of each, a promise that is near or far or not there."""
    skus = draw(st.lists(st.sampled_from(sorted(SIZES)), min_size=1, max_size=3, unique=True))
    codes = draw(
        st.lists(
            st.sampled_from(["RNO", "ATL", "NYC", "DFW", "SEA"]), min_size=1, max_size=at_most, unique=True
        )
    )
    wants = tuple(want(sku, draw(st.integers(1, 4))) for sku in skus)
    stock = {code: {sku: draw(UNITS) for sku in skus} for code in codes}
    days = draw(st.sampled_from([None, 2, 4, 9]))
    return question(wants, stock, promise_at=NOW + timedelta(days=days) if days else None)
