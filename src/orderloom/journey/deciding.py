"""Decisions as dry runs over what is present, and stored routing decisions made again. Nothing is written here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import catalog, network, packing, routing, shipping
from orderloom.journey import again
from orderloom.journey.posing import barred, take_snapshot
from orderloom.network.model import Channel, Node
from orderloom.orders.model import Fault
from orderloom.packing.houserules import in_force
from orderloom.packing.model import Article
from orderloom.plumbing.database import Db
from orderloom.routing.explaining import Explanation, explained
from orderloom.routing.following import put
from orderloom.routing.model import Decision, Request, Source
from orderloom.routing.profiles import Version
from orderloom.routing.questions import PackQuestion, Question, RateQuestion, given, moment
from orderloom.routing.store import ENGINE, read_version, version_of
from orderloom.routing.store import decision as stored_decision
from orderloom.routing.world import EMPTY, Unanswerable, World
from orderloom.shipping.labelling import quota_on
from orderloom.terms import Quantities

_OTHERWISE = "today it would be decided otherwise: made again, it shows where"
_ALL = ("items", "nodes", "contracts", "cartons")


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The nodes and channels the asker may see; None is all of them."""

    nodes: Collection[UUID] | None = None
    channels: Collection[UUID] | None = None


def needs_present(question: Question) -> bool:
    """Whether anything must be read to answer it."""
    asked = type(question).model_fields
    left_out = [part for part in _ALL if part in asked and given(question, part) is None]
    if isinstance(question, RateQuestion) and question.node is None:
        left_out = [part for part in left_out if part != "nodes"]
    if isinstance(question, PackQuestion) and question.ship_to is None:
        left_out = [part for part in left_out if part != "contracts"]
    at_node = isinstance(question, PackQuestion) and question.node is not None
    return bool(left_out) or at_node or getattr(question, "channel", None) is not None


async def present(db: Db, question: Question, *, now: datetime, within: Within) -> World:
    """What the question leaves out, as it is now. Raises Unanswerable for a channel that is not there."""
    at = moment(question, now)
    channel = await _channel(db, getattr(question, "channel", None), within)
    if isinstance(question, RateQuestion):
        nodes = (await network.nodes_of(db, codes=[question.node])).values() if question.node else ()
        seen = [node for node in nodes if within.nodes is None or node.id in within.nodes]
        tariffs = await shipping.tariffs(db, at=at, known_at=question.known_at)
        return replace(
            EMPTY,
            sources=tuple(Source(node=node, available=Quantities()) for node in seen),
            tariffs=tuple(tariffs),
            quota=await quota_on(db, contracts=tariffs, day=question.ship_on or at.date()),
        )
    skus = {line.sku for line in question.lines}
    kits = await catalog.kits_of(db, skus=skus)
    skus |= {component for parts in kits.values() for component in parts}
    if isinstance(question, PackQuestion):
        items = await catalog.items_of(db, skus=skus)
        node = await _node(db, question.node, within)
        offered = await packing.offered(db, nodes=[node.id] if node else ())
        rules = in_force(
            await packing.house_rules(db),
            node_id=node.id if node else None,
            channel_id=channel.id if channel else None,
        )
        return replace(
            EMPTY,
            articles=_articles(items),
            sources=(Source(node=node, available=Quantities()),) if node else (),
            tariffs=tuple(await shipping.tariffs(db, at=at)) if question.ship_to else (),
            kits=kits,
            cartons=offered.at(node.id) if node else offered.cartons,
            packing=rules,
        )
    snapshot = await take_snapshot(db, skus=skus, orders=(), now=at)
    houses = snapshot.houses
    sources = [
        Source(
            node=node,
            available=Quantities(
                (sku, snapshot.shelves.for_channel(node.id, sku, channel.id if channel else None))
                for sku in sorted(skus)
            ),
            capacity_left=snapshot.room.get(node.id),
            refused=barred(node, channel),
            cartons=houses.offered.left(node.id),
            packing=houses.own(node.id, channel.id if channel else None),
        )
        for node in sorted(snapshot.nodes.values(), key=lambda node: node.code)
        if within.nodes is None or node.id in within.nodes
    ]
    return World(
        articles=_articles(snapshot.items),
        sources=tuple(sources),
        tariffs=snapshot.tariffs,
        cartons=houses.offered.cartons,
        packing=houses.usual(channel.id if channel else None),
        kits=kits,
        channel=channel,
        learnt=snapshot.learnt,
        sourcing=snapshot.sourcing.version,
    )


async def _channel(db: Db, code: str | None, within: Within) -> Channel | None:
    if code is None:
        return None
    for channel in (await network.channels_of(db, codes=[code])).values():
        if within.channels is None or channel.id in within.channels:
            return channel
    raise Unanswerable([Fault("/channel", "unknown_channel", f"no channel {code!r}")])


async def _node(db: Db, code: str | None, within: Within) -> Node | None:
    if code is None:
        return None
    for node in (await network.nodes_of(db, codes=[code])).values():
        if within.nodes is None or node.id in within.nodes:
            return node
    raise Unanswerable([Fault("/node", "unknown_node", f"no node {code!r}")])


def _articles(items: Mapping[str, catalog.Item]) -> dict[str, Article]:
    units = dict.fromkeys(items, 1)
    return {article.sku: article for article in packing.articles(items=items, units=units)}


# --- a decision made again ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A stored decision made again. `moved` names what it was decided on and is no more as it was then."""

    decision_id: UUID
    same: bool
    differs: tuple[str, ...]
    moved: tuple[str, ...]
    answer: Mapping[str, Any]

    def json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "same": self.same,
            "differs": list(self.differs),
            "moved": list(self.moved),
            "answer": dict(self.answer),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Then:
    """What a stored decision was decided on. `whole`: all that it speaks of is there still."""

    asked: Request
    version: Version | None
    moved: tuple[str, ...]
    whole: bool


async def _then(db: Db, row: Mapping[str, Any]) -> _Then:
    asked, moved = again.request_of(row, await again.present_for(db, [row], at=row["created_at"]))
    profile = await version_of(db, row["profile_id"]) if row["profile_id"] else None
    kept = row["request"]
    there = (len(asked.wants), len(asked.sources), len(asked.tariffs))
    if row["engine"] != ENGINE:
        moved.append(f"it was decided by Orderloom {row['engine']}, this is {ENGINE}")
    return _Then(
        asked=asked,
        version=read_version(profile) if profile else None,
        moved=tuple(moved),
        whole=there == (len(kept["lines"]), len(kept["nodes"]), len(kept["contracts"])),
    )


async def replay(db: Db, *, decision_id: UUID) -> Replay | None:
    """Decide again on what it was decided on: the kept request, contracts and profile in their versions, nodes, items and
    cartons as they were at its moment; or None. What cannot be had any more is named in `moved`.
    """
    row = await stored_decision(db, decision_id)
    if row is None:
        return None
    then = await _then(db, row)
    decision = routing.decide(then.asked, then.version)
    answer = _plain(decision)
    differs = tuple(_differences("", row["answer"], answer))
    told = explained(decision.request, answer)
    return Replay(
        decision_id=decision_id,
        same=not differs,
        differs=differs,
        moved=then.moved,
        answer={**answer, **told.json()},
    )


def _plain(decision: Decision) -> dict[str, Any]:
    """As it reads once it has been stored."""
    found: dict[str, Any] = json.loads(json.dumps(decision.json()))
    return found


# --- a decision explained -------------------------------------------------------------------------------------


async def with_reasons(db: Db, *, decision: Mapping[str, Any]) -> dict[str, Any]:
    """A stored decision as it is read: with the reasons for its plan, on what it was decided on.

    `moved` names what of that cannot be had any more, and whether today's engine would decide otherwise.
    """
    then = await _then(db, decision)
    # In a thread: many nodes take their time, and nobody else in this process shall wait for it.
    told, otherwise = await asyncio.to_thread(_reasons, decision, then)
    moved = (*then.moved, *([_OTHERWISE] if otherwise else ()))
    return {**decision, "answer": {**decision["answer"], **told.json()}, "moved": moved}


def _reasons(decision: Mapping[str, Any], then: _Then) -> tuple[Explanation, bool]:
    answer = decision["answer"]
    if not then.whole:
        text = f"it cannot be explained any more: {'; '.join(then.moved)}"
        return Explanation(why=({"about": "outcome", "text": text},), candidates=(), flips=()), False
    told = explained(put(then.asked, then.version, answer.get("sourcing")), answer)
    # An engine is sure of its own answers.
    differs = decision["engine"] != ENGINE and _plain(routing.decide(then.asked, then.version)) != answer
    return told, differs


def _differences(path: str, before: Any, after: Any) -> Iterator[str]:
    """The paths at which two answers differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(f"{path}/{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}/{i}", one, other)
    elif before != after:
        yield path
