"""A channel's listing against what we published (pure): what may differ, what must not, and what puts it right.

The two are read at different moments, so a difference alone proves nothing. What proves something is a version: a
channel that accepted version 7 before it was asked, and shows 6 or nothing, has lost it; one that shows 7 with another
quantity has changed it; one that shows 8 when there never was one got it from elsewhere. A number still on its way is
none of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from orderloom.sync.feeds.feed import Listed

Kind: TypeAlias = Literal["missing", "stale", "different", "ahead", "surplus"]
DETAIL_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPublish:
    """What a channel may sell of a SKU, as just worked out."""

    channel_id: UUID
    sku: str
    quantity: int
    next_at: datetime | None = None
    next_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a channel was last told of a SKU. `pushed` is the newest version that it accepted."""

    channel_id: UUID
    sku: str
    quantity: int
    next_at: datetime | None
    next_units: int
    version: int
    changed_at: datetime
    pushed: int
    pushed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """A SKU of which the channel shows what it should not. `surplus`: we never published it there."""

    sku: str
    kind: Kind
    ours: int | None
    theirs: int | None
    our_version: int | None
    their_version: int | None

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How a listing compared: SKUs looked at, those still on their way, and those that diverge."""

    compared: int
    on_the_way: int
    divergences: tuple[Divergence, ...]

    @property
    def kinds(self) -> dict[str, int]:
        """How many of each kind."""
        return dict(Counter(each.kind for each in self.divergences))

    def json(self) -> dict[str, Any]:
        """The stored form; of very many the first ones."""
        return {
            "kinds": self.kinds,
            "on_the_way": self.on_the_way,
            "divergences": [each.json() for each in self.divergences[:DETAIL_MOST]],
        }

    def above(self) -> dict[str, int]:
        """By SKU, the version at which it is to be pushed again so that the channel takes it."""
        return {
            each.sku: (each.their_version or 0) + 1 if each.kind in ("different", "ahead") else 0
            for each in self.divergences
            if each.kind != "surplus"
        }


def compare(
    *, before: Mapping[str, Published], listed: Mapping[str, Listed], after: Mapping[str, Published]
) -> Compared:
    """The listing against what was published just before it was read and just after."""
    found: list[Divergence] = []
    on_the_way = 0
    for sku in sorted(before.keys() | after.keys() | listed.keys()):
        kind = _kind(before.get(sku), listed.get(sku), after.get(sku))
        if kind == "on_the_way":
            on_the_way += 1
        elif kind is not None:
            ours, theirs = after.get(sku), listed.get(sku)
            found.append(
                Divergence(
                    sku=sku,
                    kind=kind,
                    ours=ours.quantity if ours else None,
                    theirs=theirs.quantity if theirs else None,
                    our_version=ours.version if ours else None,
                    their_version=theirs.version if theirs else None,
                )
            )
    return Compared(
        compared=len(before.keys() | after.keys() | listed.keys()),
        on_the_way=on_the_way,
        divergences=tuple(found),
    )


def _kind(
    before: Published | None, theirs: Listed | None, after: Published | None
) -> Kind | Literal["on_the_way"] | None:
    if after is None:
        return "surplus"
    had = before.pushed if before else 0
    if theirs is None:
        return "missing" if had else "on_the_way"
    if theirs.version > after.version:
        return "ahead"
    if theirs.version < had:
        return "stale"
    told = [p.quantity for p in (before, after) if p is not None and p.version == theirs.version]
    if told and theirs.quantity not in told:
        return "different"
    return None if theirs.version == after.version else "on_the_way"
