"""A deployment's configuration as one value: what would change, and putting it in place, all or nothing.

Items, kits, nodes, channels, cartons and how they are packed into, carriers with their contracts, and first stock belong
to six capabilities; a folder of files, the demo and the importers all bring them together, so they meet here. Putting
the same in place twice changes nothing. Stock, of goods as of cartons, is only ever set where there was none: later counts
are the warehouse's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from orderloom import catalog, inventory, network, packing
from orderloom.catalog.model import Item
from orderloom.inventory import lots, reading
from orderloom.inventory.counting import tell_changed
from orderloom.inventory.marking import tell_offer_changed
from orderloom.inventory.model import Leg, Posting
from orderloom.journey import boxing, publishing_stock
from orderloom.network.model import Channel, Node
from orderloom.packing import store as packing_store
from orderloom.packing.houserules import HouseRules
from orderloom.packing.model import Carton
from orderloom.plumbing.database import Db
from orderloom.shipping import contracts
from orderloom.shipping.model import CarrierRow, ContractDraft
from orderloom.shipping.store import contracts as shipping_store

# A contract without a first day was in force before anything we decide on.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
STOCK_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierTerms:
    """A carrier, the adapter that speaks to it, and the contract in force from a day on."""

    code: str
    name: str
    adapter: str
    terms: Mapping[str, Any]
    valid_from: datetime = ALWAYS

    def __post_init__(self) -> None:
        # Stored as JSON, where every key is text: compared and sent in that form.
        object.__setattr__(self, "terms", json.loads(json.dumps(self.terms, default=str)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is to be in place. Stock is units on hand by (node code, SKU).

    `node_cartons`: all that a node keeps of its own, by its code, None of one that never runs out; a node that is not named
    keeps what it has. `pack_rules` by the codes of node and channel, None for all.
    """

    items: Sequence[Item] = ()
    kits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    nodes: Sequence[Node] = ()
    channels: Sequence[Channel] = ()
    cartons: Sequence[Carton] = ()
    node_cartons: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    pack_rules: Mapping[tuple[str | None, str | None], HouseRules] = field(default_factory=dict)
    carriers: Sequence[CarrierTerms] = ()
    stock: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new (no `fields`) or differs, each field with what it was and what it is to be."""

    kind: str
    key: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


async def present(db: Db) -> Setup:
    """Everything that is in place. Stock is what is on hand now."""
    nodes = list((await network.nodes_of(db)).values())
    codes = {node.id: node.code for node in nodes}
    levels = await reading.levels(db, nodes=list(codes))
    channels = await network.channels_of(db)
    kept = await packing_store.node_cartons(db, nodes=codes)
    return Setup(
        items=list((await catalog.all_items(db)).values()),
        kits=await catalog.kits_of(db),
        nodes=nodes,
        channels=list(channels.values()),
        cartons=await packing.cartons(db),
        node_cartons={codes[node]: own for node, own in kept.items()},
        pack_rules={
            (
                codes[one.node_id] if one.node_id else None,
                channels[one.channel_id].code if one.channel_id else None,
            ): one.rules
            for one in await packing.house_rules(db)
        },
        carriers=await _carriers(db),
        stock={(codes[level.node_id], level.sku): level.on_hand for level in levels if level.on_hand},
    )


async def differences(db: Db, *, wanted: Setup) -> list[Change]:
    """What `put` would change, field by field."""
    there = await present(db)
    known = {
        (level.node_id, level.sku) for level in await reading.levels(db, nodes=[n.id for n in there.nodes])
    }
    ids = {node.code: node.id for node in there.nodes}
    kits = {item.sku: dict(there.kits.get(item.sku, {})) for item in there.items}
    new_stock = [(node, sku) for node, sku in wanted.stock if (ids.get(node), sku) not in known]
    return [
        *_differing(
            "item", {item.sku: item for item in there.items}, {item.sku: item for item in wanted.items}
        ),
        *(
            Change("kit", sku, {"components": (kits.get(sku, {}), dict(parts))})
            for sku, parts in wanted.kits.items()
            if kits.get(sku, {}) != dict(parts)
        ),
        *_differing(
            "node", {node.code: node for node in there.nodes}, {node.code: node for node in wanted.nodes}
        ),
        *_differing("channel", {c.code: c for c in there.channels}, {c.code: c for c in wanted.channels}),
        *_differing("carton", {c.code: c for c in there.cartons}, {c.code: c for c in wanted.cartons}),
        *_differing_packing(there, wanted),
        *_differing("carrier", {c.code: c for c in there.carriers}, {c.code: c for c in wanted.carriers}),
        *(Change("stock", f"{node} {sku}") for node, sku in sorted(new_stock)),
    ]


def _differing(kind: str, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Change]:
    for key, value in sorted(wanted.items()):
        if key not in there:
            yield Change(kind, key)
        elif there[key] != value:
            names = [f.name for f in fields(value) if f.compare]
            pairs = {name: (getattr(there[key], name), getattr(value, name)) for name in names}
            yield Change(kind, key, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


def _differing_packing(there: Setup, wanted: Setup) -> Iterator[Change]:
    for node, own in sorted(wanted.node_cartons.items()):
        before = there.node_cartons.get(node, {})
        if (after := counted(before, own)) != before:
            yield Change("node cartons", node, {"cartons": (before, after)} if before else {})
    for key, house in sorted(wanted.pack_rules.items(), key=lambda pair: _named(pair[0])):
        known = there.pack_rules.get(key)
        if known is None:
            yield Change("pack rules", _named(key))
        elif known != house:
            was, now = known.json(), house.json()
            yield Change("pack rules", _named(key), {k: (was[k], now[k]) for k in now if was[k] != now[k]})


def counted(before: Mapping[str, int | None], wanted: Mapping[str, int | None]) -> dict[str, int | None]:
    """The cartons wanted with the counts there are: what is counted already is the warehouse's business."""
    return {
        code: before[code] if stock is not None and before.get(code) is not None else stock
        for code, stock in wanted.items()
    }


def _named(key: tuple[str | None, str | None]) -> str:
    """Of a node and a channel, as people say it."""
    node, channel = key
    return " for ".join(name for name in (node or "every node", channel) if name)


async def put(db: Db, *, wanted: Setup) -> list[Change]:
    """Put everything in place; returns what was new or differed, in the order things depend on one another."""
    changes = [Change("item", key) for key in sorted(await catalog.put_items(db, items=wanted.items))]
    await lots.begin(db, skus=[change.key for change in changes])
    changes += [Change("kit", key) for key in sorted(await catalog.put_kits(db, kits=wanted.kits))]
    changes += [Change("node", key) for key in sorted(await network.put_nodes(db, nodes=wanted.nodes))]
    told = await network.channels_of(db, codes=[channel.code for channel in wanted.channels])
    changes += [
        Change("channel", key) for key in sorted(await network.put_channels(db, channels=wanted.channels))
    ]
    await _connect(db, {channel.code: channel.availability_feed for channel in told.values()}, wanted)
    changes += [
        Change("carton", key) for key in sorted(await packing.put_cartons(db, cartons=wanted.cartons))
    ]
    changes += await _put_packing(db, wanted)
    changes += [Change("carrier", key) for key in await _put_carriers(db, wanted.carriers)]
    await _tell_offers(db, changes)
    changes += [Change("stock", f"{node} {sku}") for node, sku in await _put_stock(db, wanted.stock)]
    return changes


async def _put_packing(db: Db, wanted: Setup) -> list[Change]:
    """What nodes have of cartons, and the rules; work that waits for a carton that is gone is planned anew."""
    if not wanted.node_cartons and not wanted.pack_rules:
        return []
    nodes = {node.code: node.id for node in (await network.nodes_of(db)).values()}
    channels = {channel.code: channel.id for channel in (await network.channels_of(db)).values()}
    kept = await packing_store.node_cartons(db, nodes=[nodes[code] for code in wanted.node_cartons], to="use")
    changes = []
    for code, own in sorted(wanted.node_cartons.items()):
        before = kept.get(nodes[code], {})
        if (after := counted(before, own)) != before:
            await packing.put_node_cartons(db, node_id=nodes[code], stock=after, prices=boxing.prices)
            changes.append(Change("node cartons", code))
    for key, house in sorted(wanted.pack_rules.items(), key=lambda pair: _named(pair[0])):
        node = None if key[0] is None else nodes[key[0]]
        channel = None if key[1] is None else channels[key[1]]
        if await packing_store.put_house_rules(db, node_id=node, channel_id=channel, rules=house):
            changes.append(Change("pack rules", _named(key)))
    return changes


async def _connect(db: Db, before: Mapping[str, Any], wanted: Setup) -> None:
    """A channel that is told another way than before has none of its numbers yet."""
    codes = [c.code for c in wanted.channels if c.availability_feed != before.get(c.code)]
    if codes:
        await publishing_stock.tell_all(db, channels=list(await network.channels_of(db, codes=codes)))


async def _tell_offers(db: Db, changes: Sequence[Change]) -> None:
    """What channels may sell depends on nodes and channels for every SKU, on items and kits for their own."""
    if any(change.kind in ("node", "channel") for change in changes):
        await tell_offer_changed(db, skus=None, reason="nodes or channels changed")
    elif skus := {change.key for change in changes if change.kind in ("item", "kit")}:
        await tell_offer_changed(db, skus=skus, reason="items changed")


async def _put_carriers(db: Db, carriers: Sequence[CarrierTerms]) -> list[str]:
    rows = [CarrierRow(code=c.code, name=c.name, adapter=c.adapter) for c in carriers]
    drafts = [ContractDraft(carrier=c.code, terms=c.terms, valid_from=c.valid_from) for c in carriers]
    changed = await contracts.put_carriers(db, carriers=rows)
    return sorted({*changed, *await contracts.put_contracts(db, contracts=drafts)})


async def _carriers(db: Db) -> list[CarrierTerms]:
    """The carriers in use with the newest version of their contracts."""
    rows = await shipping_store.carriers(db)
    latest = await shipping_store.latest_versions(db, list(rows))
    return [
        CarrierTerms(
            code=code, name=row.name, adapter=row.adapter, terms=latest[code][3], valid_from=latest[code][1]
        )
        for code, row in rows.items()
        if code in latest
    ]


async def _put_stock(db: Db, stock: Mapping[tuple[str, str], int]) -> list[tuple[str, str]]:
    """Receive units where a (node, SKU) has never had any movement; leave every other balance as it is."""
    nodes = {
        node.code: node.id
        for node in (await network.nodes_of(db, codes={code for code, _ in stock})).values()
    }
    keys = sorted(stock)
    received: list[tuple[str, str]] = []
    for start in range(0, len(keys), STOCK_AT_ONCE):
        wanted = {(nodes[code], sku): (code, sku) for code, sku in keys[start : start + STOCK_AT_ONCE]}
        known = {(level.node_id, level.sku) for level in await reading.levels(db, keys=list(wanted))}
        fresh = [pair for key, pair in wanted.items() if key not in known and stock[pair]]
        await inventory.post(
            db,
            postings=[
                Posting(
                    cause_type="setup",
                    cause_id=None,
                    reason="first stock",
                    legs=tuple(
                        Leg(node_id=nodes[code], sku=sku, kind="received", on_hand=stock[code, sku])
                        for code, sku in fresh
                    ),
                )
            ]
            if fresh
            else [],
        )
        await tell_changed(db, keys=[(nodes[code], sku) for code, sku in fresh], reason="first stock")
        received += fresh
    return received
