"""How a house packs, as data: rules for every carton, what to aim at, and which cartons a node has.

Of several rules the most specific holds, whole: of a node and channel, of a node, of a channel, of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self
from uuid import UUID

from orderloom.packing.cartonize import PLANNED_EFFORT
from orderloom.packing.landed import Costs, Landing
from orderloom.packing.model import Article, Carton, PackRules, Parcel
from orderloom.packing.sorting import PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """`landed`: pack at the least landed cost, with these costs of packing itself; None: into the fewest cartons."""

    rules: PackRules = PLAIN
    landed: Costs | None = None

    def landing(
        self,
        articles: Iterable[Article],
        cartons: Iterable[Carton],
        *,
        effort: int = PLANNED_EFFORT,
        keep_flat: bool = False,
    ) -> Landing | None:
        """The goods as this house packs them where it goes by landed cost; None: into the fewest cartons."""
        if self.landed is None:
            return None
        return Landing(
            articles, cartons, costs=self.landed, keep_flat=keep_flat, effort=effort, rules=self.rules
        )

    def json(self) -> dict[str, Any]:
        """The form on the wire and in the database."""
        landed = None if self.landed is None else asdict(self.landed)
        return {**self.rules.json(), "landed": landed}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form."""
        landed = stored.get("landed")
        return cls(rules=PackRules.of(stored), landed=None if landed is None else Costs(**landed))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRules:
    """Rules as they are stored, for a node, a channel, both, or (neither) all."""

    id: UUID
    node_id: UUID | None
    channel_id: UUID | None
    rules: HouseRules
    version: int


USUAL = HouseRules()


def in_force(stored: Iterable[StoredRules], *, node_id: UUID | None, channel_id: UUID | None) -> HouseRules:
    """The rules that hold at a node for a channel."""
    of = {(one.node_id, one.channel_id): one.rules for one in stored}
    for key in ((node_id, channel_id), (node_id, None), (None, channel_id), (None, None)):
        if key in of:
            return of[key]
    return USUAL


def stocked(cartons: Iterable[Carton], left: Mapping[str, int | None]) -> tuple[Carton, ...]:
    """Those of the cartons of which there are some, each with how many."""
    return tuple(
        replace(carton, stock=left[carton.code]) for carton in cartons if left.get(carton.code, 0) != 0
    )


@dataclass(slots=True)
class Offered:
    """The cartons in use, and of nodes that keep cartons of their own what they have; None never runs out."""

    cartons: tuple[Carton, ...]
    own: Mapping[UUID, Mapping[str, int | None]]
    taken: dict[UUID, Counter[str]] = field(default_factory=dict)

    def left(self, node_id: UUID) -> dict[str, int | None] | None:
        """What a node has left of cartons of its own; None where it packs into any."""
        own = self.own.get(node_id)
        if own is None:
            return None
        taken = self.taken.get(node_id, Counter())
        return {code: None if stock is None else max(stock - taken[code], 0) for code, stock in own.items()}

    def at(self, node_id: UUID) -> tuple[Carton, ...]:
        """What the node may still pack into."""
        left = self.left(node_id)
        return self.cartons if left is None else stocked(self.cartons, left)

    def take(self, node_id: UUID, parcels: Sequence[Parcel]) -> None:
        """What is planned next must not count on these."""
        if node_id in self.own:
            self.taken.setdefault(node_id, Counter()).update(p.carton for p in parcels if p.carton)


@dataclass(frozen=True, slots=True)
class Houses:
    """How nodes pack, and into what: the rules there are, and the cartons nodes have."""

    stored: Sequence[StoredRules]
    offered: Offered

    def usual(self, channel_id: UUID | None) -> HouseRules:
        """The rules for a channel wherever a node has none of its own."""
        return in_force(self.stored, node_id=None, channel_id=channel_id)

    def own(self, node_id: UUID, channel_id: UUID | None) -> HouseRules | None:
        """Those a node has of its own."""
        if all(one.node_id != node_id for one in self.stored):
            return None
        return in_force(self.stored, node_id=node_id, channel_id=channel_id)

    def cartons(self, node_id: UUID, *, units: int) -> dict[str, int | None] | None:
        """What a node has of cartons of its own for so many units, which take no more of any than they are."""
        left = self.offered.left(node_id)
        if left is None:
            return None
        return {code: None if stock is None or stock >= units else stock for code, stock in left.items()}
