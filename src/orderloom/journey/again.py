"""Stored routing decisions put again: their requests as they were kept, the rest as it is now or was then, read at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from orderloom import catalog, network, packing, shipping
from orderloom.delivery import learning
from orderloom.delivery.transit import BY_CONTRACT, Assured, Learnt
from orderloom.network.calendar import zone
from orderloom.network.model import Channel, Node
from orderloom.network.places import located
from orderloom.orders.model import Order
from orderloom.orders.reading import orders_of
from orderloom.packing.houserules import HouseRules
from orderloom.packing.model import Article, Carton
from orderloom.plumbing.database import Db
from orderloom.routing.model import Asker, Policy, Request, Rest, Source, Want
from orderloom.shipping.contracts import ContractBook
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address, Quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What stored decisions rest on and is not kept with them."""

    articles: Mapping[str, Article]
    nodes: Mapping[str, Node]
    cartons: Mapping[str, Carton]
    contracts: ContractBook
    orders: Mapping[UUID, Order]
    channels: Mapping[UUID, Channel]
    learnt: Mapping[int, Learnt]


async def present_for(db: Db, rows: Sequence[Mapping[str, Any]], *, at: datetime | None = None) -> Present:
    """What the decisions rest on, as it is now; or items, nodes and cartons as they were at a moment."""
    kept = [row["request"] for row in rows]
    lines = [line for one in kept for line in (*one["lines"], *one.get("rest", {}).get("lines", ()))]
    skus = {line["sku"] for line in lines}
    codes = sorted({node["node"] for one in kept for node in one["nodes"]})
    if at is None:
        items = await catalog.items_of(db, skus=skus)
        nodes = await network.nodes_of(db, codes=codes)
        cartons = await packing.cartons(db)
    else:
        items = await catalog.items_at(db, skus=skus, at=at)
        nodes = await network.nodes_at(db, codes=codes, at=at)
        cartons = await packing.cartons_at(db, at=at)
    orders = await orders_of(db, sorted({row["order_id"] for row in rows}))
    return Present(
        articles={a.sku: a for a in packing.articles(items=items, units=dict.fromkeys(items, 1))},
        nodes={node.code: node for node in nodes.values()},
        cartons={carton.code: carton for carton in cartons},
        contracts=await shipping.contract_book(db, retired=at is not None),
        orders=orders,
        channels=await network.channels_of(db, ids={order.channel_id for order in orders.values()}),
        learnt=await _learnt(db, {one["learnt"]["version"] for one in kept if one.get("learnt")}),
    )


def request_of(row: Mapping[str, Any], present: Present) -> tuple[Request, list[str]]:
    """The stored decision's question, and what it was decided on that is no more as it was then."""
    kept: Mapping[str, Any] = row["request"]
    order = present.orders.get(row["order_id"])
    moved: list[str] = []
    # The place as it was kept; the street, which tells a post-office box, from the order.
    destination = Address.of({**(order.ship_to.json() if order else {}), **kept["destination"]})
    request = Request(
        wants=tuple(_wants(kept["lines"], present, moved)),
        sources=tuple(_sources(kept["nodes"], present, moved)),
        destination=destination,
        tariffs=_tariffs(kept, present, moved),
        cartons=_cartons(kept["cartons"], present, moved),
        now=datetime.fromisoformat(kept["now"]),
        promise_at=_promised(kept["promise_at"], destination) if kept["promise_at"] else None,
        policy=Policy(**kept["policy"]),
        value=kept.get("value"),
        order=Asker(**kept["order"]) if "order" in kept else None,
        assured=_assured(kept.get("learnt"), present, moved),
        closed=frozenset((c, s, date.fromisoformat(day)) for c, s, day in kept.get("closed", ())),
        packing=HouseRules.of(kept.get("packing", {})),
        credits=frozenset((c, s, date.fromisoformat(day), n) for c, s, day, n in kept.get("credits", ())),
        rest=_rest(kept["rest"], present, moved) if "rest" in kept else None,
    )
    return request, moved


def _promised(kept: str, to: Address) -> datetime:
    """A moment of the buyer's day, on whose clock an earlier day ends otherwise where clocks are set in between."""
    found = located(to)
    at = datetime.fromisoformat(kept)
    return at.astimezone(zone(found.time_zone)) if found else at


async def _learnt(db: Db, versions: Collection[int]) -> dict[int, Learnt]:
    found = {number: await learning.version(db, number) for number in sorted(versions)}
    return {number: learnt for number, learnt in found.items() if learnt is not None}


def asker_of(order: Order, channel: Channel) -> Asker:
    """What sourcing rules read of an order."""
    return Asker(
        channel=channel.code,
        service_level=order.service_level,
        priority=order.priority,
        tags=tuple(order.tags),
    )


def with_asker(request: Request, order: Order, present: Present) -> Request:
    """The question with the order as it is now: it was put while no sourcing profile was looked at."""
    return replace(request, order=asker_of(order, present.channels[order.channel_id]))


def _wants(kept: Sequence[Mapping[str, Any]], present: Present, moved: list[str]) -> list[Want]:
    articles = present.articles
    moved += [f"item {line['sku']} is gone" for line in kept if line["sku"] not in articles]
    return [
        Want(
            key=line["line"],
            article=replace(articles[line["sku"]], quantity=line["quantity"]),
            quantity=line["quantity"],
            fixed_node=line["fixed_node"],
        )
        for line in kept
        if line["sku"] in articles
    ]


def _rest(kept: Mapping[str, Any], present: Present, moved: list[str]) -> Rest:
    return Rest(
        wants=tuple(_wants(kept["lines"], present, moved)),
        expected=kept["expected"],
        ready_at=datetime.fromisoformat(kept["ready_at"]),
    )


def _sources(kept: Sequence[Mapping[str, Any]], present: Present, moved: list[str]) -> list[Source]:
    found: list[Source] = []
    for one in kept:
        node = present.nodes.get(one["node"])
        if node is None:
            moved.append(f"node {one['node']} is gone")
            continue
        if node.version != one["version"]:
            moved.append(f"node {node.code} is at version {node.version}, it was at {one['version']}")
        found.append(
            Source(
                node=node,
                available=Quantities(one["available"]),
                capacity_left=one["capacity_left"],
                refused=one["refused"],
                scarcity=one.get("scarcity", {}),
                cartons=one.get("cartons"),
                packing=HouseRules.of(one["packing"]) if "packing" in one else None,
            )
        )
    return found


def _tariffs(kept: Mapping[str, Any], present: Present, moved: list[str]) -> tuple[Tariff, ...]:
    """The versions, with what their earned tiers had come to at the time."""
    now = datetime.fromisoformat(kept["now"])
    known = {(one.carrier, one.version): one for one in present.contracts.versions}
    keys = [(one["carrier"], one["version"]) for one in kept["contracts"]]
    moved += [
        f"{carrier}'s contract {version} is out of use"
        for carrier, version in keys
        if (carrier, version) not in known
    ]
    return tuple([present.contracts.tariff(known[key], at=now) for key in keys if key in known])


def _cartons(kept: Sequence[str], present: Present, moved: list[str]) -> tuple[Carton, ...]:
    moved += [f"carton {code} is out of use" for code in kept if code not in present.cartons]
    return tuple([present.cartons[code] for code in kept if code in present.cartons])


def _assured(kept: Mapping[str, int] | None, present: Present, moved: list[str]) -> Assured:
    if kept is None:
        return BY_CONTRACT
    found = present.learnt.get(kept["version"])
    if found is None:
        moved.append(f"what was learnt as version {kept['version']} is no longer kept")
        return BY_CONTRACT
    return Assured(found, kept["confidence"])
