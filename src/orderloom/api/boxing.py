"""How a house packs: which cartons a node has and how many, and the rules for every carton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from orderloom import network, packing
from orderloom.api.door import Call, Here, Routes
from orderloom.api.network import read_node
from orderloom.api.problems import Fault, invalid, not_found
from orderloom.api.wire import (
    Amount,
    Code,
    In,
    Limit,
    Out,
    PackRulesId,
    Page,
    Text,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.journey import boxing
from orderloom.packing import store
from orderloom.packing.houserules import HouseRules, StoredRules
from orderloom.packing.landed import Costs
from orderloom.packing.model import PackRules

routes = Routes("configuration")
_FIRST = UUID(int=0)
CARTONS_MOST = 200
Most = Annotated[int, Field(strict=True, ge=1, le=100_000)]
HazmatClass = Annotated[str, Field(strict=True, pattern=r"^([1-9](\.[1-9])?[A-S]?)?$")]

# --- the cartons of a node ------------------------------------------------------------------------------------


class NodeCarton(In):
    """A carton that a node has."""

    carton: Code
    stock: Whole | None = Field(
        default=None, description="How many are there, less one for each parcel closed; null: never runs out"
    )


class NodeCartonsIn(In):
    """All the cartons a node has; none at all: it packs into any carton in use."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cartons": [{"carton": "BOX-S", "stock": 40}, {"carton": "BOX-L"}]}]}
    )
    cartons: Annotated[list[NodeCarton], Field(max_length=CARTONS_MOST)]


class NodeCartonOut(Out):
    """A carton that a node has, and how many are left."""

    carton: str
    stock: int | None


class NodeCartonsOut(Out):
    """The cartons of a node; none at all: it packs into any carton in use."""

    node: str
    cartons: list[NodeCartonOut]


@routes.put("/nodes/{code}/cartons", scope="config:write", dry_run=True)
async def put_node_cartons(call: Here, code: Code, body: NodeCartonsIn) -> NodeCartonsOut:
    """Say which cartons a node has, and how many; what waits there for one it has no more is planned anew"""
    node = await read_node(call, code)
    known = {carton.code for carton in await packing.cartons(call.db)}
    faults = [
        Fault(f"/cartons/{i}/carton", "unknown_carton", f"no carton {one.carton!r} in use")
        for i, one in enumerate(body.cartons)
        if one.carton not in known
    ]
    if faults:
        raise invalid(faults)
    stock = {one.carton: one.stock for one in body.cartons}
    await packing.put_node_cartons(call.db, node_id=node.id, stock=stock, prices=boxing.prices)
    return await _node_cartons(call, node.id, code)


@routes.get("/nodes/{code}/cartons", scope="config:read")
async def get_node_cartons(call: Here, code: Code) -> NodeCartonsOut:
    """The cartons a node has, and how many are left"""
    return await _node_cartons(call, (await read_node(call, code)).id, code)


async def _node_cartons(call: Call, node_id: UUID, code: str) -> NodeCartonsOut:
    found = (await store.node_cartons(call.db, nodes=[node_id])).get(node_id, {})
    return NodeCartonsOut(
        node=code, cartons=[NodeCartonOut(carton=carton, stock=stock) for carton, stock in found.items()]
    )


# --- rules for every carton -----------------------------------------------------------------------------------


class CostsShape(In):
    """What packing itself costs, in minor units."""

    fill_per_litre: Amount = 0
    per_parcel: Amount = 0
    per_unit: Amount = 0


class PackRulesIn(In):
    """How a node packs for a channel; leave out either for all of them. The most specific rules hold, whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "node": None,
                    "clearance_mm": 5,
                    "limited_g": {"3": 5000},
                    "landed": {"fill_per_litre": 3, "per_parcel": 75},
                }
            ]
        }
    )
    node: Code | None = None
    channel: Code | None = None
    segregated: Annotated[list[tuple[HazmatClass, HazmatClass]], Field(max_length=500)] | None = Field(
        default=None,
        description='Pairs of hazmat classes that share no carton, "" for none; null: each class by itself',
    )
    limited_g: Annotated[dict[HazmatClass, Whole], Field(max_length=100)] = Field(
        default={}, description="By hazmat class, the most net grams in a parcel"
    )
    class_units: Annotated[dict[Text, Most], Field(max_length=100)] = Field(
        default={}, description="By unit class, the most units in a carton"
    )
    support_permille: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        default=600, description="Of every base this many thousandths rest on something"
    )
    clearance_mm: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        default=0, description="Left free at every face for void fill"
    )
    centred: bool = Field(default=False, description="Goods are moved towards the middle of the floor")
    off_centre_permille: Annotated[int, Field(strict=True, ge=0, le=500)] = Field(
        default=500,
        description="The centre of mass lies at most so many thousandths of an edge off the middle; 500: anywhere",
    )
    fill_permille: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=1000, description="Goods take up so many thousandths of the room; the rest is void fill"
    )
    landed: CostsShape | None = Field(
        default=None,
        description="Pack at the least landed cost, by the service chosen for the work; null: in the fewest cartons",
    )

    def rules(self) -> HouseRules:
        said = self.model_dump(exclude={"node", "channel", "landed"})
        return HouseRules(
            rules=PackRules.of(said), landed=Costs(**self.landed.model_dump()) if self.landed else None
        )


class PackRulesOut(Out):
    """Rules in force."""

    id: PackRulesId
    version: int
    node: str | None
    channel: str | None
    rules: dict[str, Any] = Field(description="As they were set, with what was left out")


@routes.put("/pack-rules", scope="config:write", dry_run=True)
async def put_pack_rules(call: Here, body: PackRulesIn) -> PackRulesOut:
    """Set how a node packs for a channel: for work that is released from now on"""
    nodes = await network.nodes_of(call.db, codes=[body.node]) if body.node else {}
    channels = await network.channels_of(call.db, codes=[body.channel]) if body.channel else {}
    node, channel = next(iter(nodes), None), next(iter(channels), None)
    faults = [
        Fault(f"/{field}", f"unknown_{field}", f"no {field} {code!r}: correct the code")
        for field, code, key in (("node", body.node, node), ("channel", body.channel, channel))
        if code is not None and (key is None or not call.credential.sees(**{field: key}))
    ]
    if not faults and not call.credential.covers(node=node, channel=channel):
        faults = [Fault("", "limited_credential", "name a node or channel within the key's limits")]
    if faults:
        raise invalid(faults)
    await store.put_house_rules(call.db, node_id=node, channel_id=channel, rules=body.rules())
    rows = await store.house_rules(call.db)
    return (await _told(call, [row for row in rows if (row.node_id, row.channel_id) == (node, channel)]))[0]


@routes.get("/pack-rules", scope="config:read")
async def list_pack_rules(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[PackRulesOut]:
    """How the house packs, the oldest rules first"""
    begin = place(after, UUID) or (_FIRST,)
    rows = sorted(await store.house_rules(call.db), key=lambda row: row.id)
    seen = [row for row in rows if row.id > begin[0] and _within(call, row)]
    return page_of(await _told(call, seen[: limit + 1]), limit, lambda one: cursor(one.id))


@routes.delete("/pack-rules/{rules_id}", scope="config:write", refuses=(404,))
async def delete_pack_rules(call: Here, rules_id: PackRulesId) -> None:
    """Take rules away: the next most specific hold from now on"""
    for row in await store.house_rules(call.db):
        if row.id == rules_id and call.credential.covers(node=row.node_id, channel=row.channel_id):
            await store.drop_house_rules(call.db, rules_id)
            return
    raise not_found("pack rules")


def _within(call: Call, row: StoredRules) -> bool:
    return call.credential.sees(node=row.node_id, channel=row.channel_id)


async def _told(call: Call, rows: Sequence[StoredRules]) -> list[PackRulesOut]:
    nodes = {node.id: node.code for node in (await network.nodes_of(call.db)).values()}
    channels = {channel.id: channel.code for channel in (await network.channels_of(call.db)).values()}
    return [
        PackRulesOut(
            id=row.id,
            version=row.version,
            node=nodes[row.node_id] if row.node_id else None,
            channel=channels[row.channel_id] if row.channel_id else None,
            rules=row.rules.json(),
        )
        for row in rows
    ]
