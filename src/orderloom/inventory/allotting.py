"""How much of a SKU each sales channel may claim (pure): allotments, the shared pool, and safety stock of a channel.

Supply is what can be promised now and what channels have drawn since their allotments were set; selling and shipping
do not change it. An allotment entitles its channel to `units`, or to its share of the supply. What it has not drawn is
unused, and nobody else's; what is left over is the shared pool.

When stock falls below what is set aside, shares are cut before fixed units, each kind by one factor for all its
channels. The factor is taken of what a channel is entitled to, not of what it has left: so a channel that sells, or
takes back what it sold, never changes what another has unused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

Kind: TypeAlias = Literal["fixed", "share", "none"]
_WHOLE = 1_000_000  # the finest step by which entitlements are cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """A channel's part of a SKU. `drawn`: claimed since it was set, net of what was given back.

    `ended`: its time is over by the database's clock, and what was unused is in the shared pool.
    """

    sku: str
    channel_id: UUID
    kind: Kind = "none"
    units: int | None = None
    permille: int | None = None
    takes_shared: bool = True
    drawn: int = 0
    ends_at: datetime | None = None
    ended: bool = False
    version: int = 1

    def entitled(self, supply: int) -> int:
        """Units set aside for the channel out of this supply, drawn ones included."""
        if self.ended or self.kind == "none":
            return 0
        return self.units or 0 if self.kind == "fixed" else (self.permille or 0) * supply // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyRule:
    """Units never offered. Without a channel: at every node it names. With one: on top, for that channel alone."""

    units: int
    channel_id: UUID | None = None
    node_id: UUID | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Units that belong to orders in line: by balance, and by whose channel draws them."""

    at: dict[tuple[UUID, str], int] = field(default_factory=dict)
    by: dict[tuple[UUID, str], int] = field(default_factory=dict)

    def add(self, *, channel_id: UUID, node_id: UUID, sku: str, units: int) -> None:
        """So many more."""
        self.at[node_id, sku] = self.at.get((node_id, sku), 0) + units
        self.by[channel_id, sku] = self.by.get((channel_id, sku), 0) + units


NOTHING_CLAIMED = Claimed()


def unused(allotments: Sequence[Allotment], atp: int) -> dict[UUID, int]:
    """What each channel has set aside and not drawn; all together never more than `atp` (invariant S4)."""
    supply = atp + sum(a.drawn for a in allotments)
    entitled = {a.channel_id: a.entitled(supply) for a in allotments}
    drawn = {a.channel_id: a.drawn for a in allotments}
    if sum(max(drawn[c], entitled[c]) for c in drawn) > supply:
        # Shares first: fixed units are cut only when there were too few of them with no shares at all.
        shares = {a.channel_id for a in allotments if a.kind == "share"}
        fixed = _cut({c: 0 if c in shares else units for c, units in entitled.items()}, drawn, supply)
        entitled = _cut(entitled, drawn, supply, kept={c: fixed[c] for c in drawn if c not in shares})
    return {c: max(0, entitled[c] - drawn[c]) for c in drawn}


def _cut(
    entitled: Mapping[UUID, int],
    drawn: Mapping[UUID, int],
    supply: int,
    kept: Mapping[UUID, int] | None = None,
) -> dict[UUID, int]:
    """These entitlements, but those `kept`, cut by the one factor that leaves no more claims than supply."""
    kept = kept or {}

    def at(factor: int) -> dict[UUID, int]:
        return {c: kept.get(c, units * factor // _WHOLE) for c, units in entitled.items()}

    def too_many(factor: int) -> bool:
        return sum(max(drawn[c], units) for c, units in at(factor).items()) > supply

    return at(max(0, bisect_left(range(_WHOLE + 1), x=True, key=too_many) - 1))


def allowance(allotments: Sequence[Allotment], channel_id: UUID, atp: int) -> int:
    """Units the channel may claim now: its own unused and, where it may, the shared pool."""
    left = unused(allotments, atp)
    shares = next((a.takes_shared for a in allotments if a.channel_id == channel_id), True)
    return left.get(channel_id, 0) + (max(0, atp - sum(left.values())) if shares else 0)


class Limits:
    """The allotments and channels' safety stock that bear on some SKUs, and what has been drawn on them since."""

    def __init__(self, allotments: Iterable[Allotment] = (), rules: Iterable[SafetyRule] = ()) -> None:
        self._allotments: dict[str, dict[UUID, Allotment]] = defaultdict(dict)
        for allotment in allotments:
            self._allotments[allotment.sku][allotment.channel_id] = allotment
        self._drawn: set[tuple[str, UUID]] = set()
        self._at_nodes = {
            (r.channel_id, r.node_id, r.sku): r.units for r in rules if r.channel_id and r.node_id
        }
        self._safety = {(r.channel_id, r.sku): r.units for r in rules if r.channel_id and not r.node_id}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._allotments or self._at_nodes or self._safety)

    @property
    def guards_nodes(self) -> bool:
        """Whether any channel has safety stock of its own at single nodes."""
        return bool(self._at_nodes)

    def bind(self, channel_id: UUID, sku: str) -> bool:
        """Whether anything here bears on the channel's claims to the SKU."""
        return bool(self._allotments or self._safety) and (
            sku in self._allotments or self.safety(channel_id, sku) > 0
        )

    def allotted(self, sku: str) -> Collection[Allotment]:
        """The SKU's allotments, as drawn so far; none: every channel may claim all there is."""
        return self._allotments[sku].values() if sku in self._allotments else ()

    def safety(self, channel_id: UUID, sku: str) -> int:
        """Units of the whole network never offered to the channel; a rule for the SKU is stronger."""
        by_sku = self._safety.get((channel_id, sku))
        return self._safety.get((channel_id, None), 0) if by_sku is None else by_sku

    def node_safety(self, channel_id: UUID, node_id: UUID, sku: str) -> int:
        """Units of one node never offered to the channel; a rule for the SKU is stronger."""
        if not self._at_nodes:
            return 0
        by_sku = self._at_nodes.get((channel_id, node_id, sku))
        return self._at_nodes.get((channel_id, node_id, None), 0) if by_sku is None else by_sku

    def draw(self, channel_id: UUID, sku: str, units: int) -> None:
        """The channel claims units, or gives them back (negative). What it had before its allotment gives none."""
        if not units or sku not in self._allotments:
            return
        mine = self._allotments[sku].get(channel_id) or Allotment(sku=sku, channel_id=channel_id)
        self._allotments[sku][channel_id] = replace(mine, drawn=max(0, mine.drawn + units))
        self._drawn.add((sku, channel_id))

    def as_if_drawn(self, claimed: Claimed, sku: str) -> Collection[Allotment]:
        """The SKU's allotments once those in line have what is theirs."""
        limits = Limits()
        limits._allotments[sku] = dict(self._allotments[sku])
        for (channel_id, of), units in claimed.by.items():
            if of == sku:
                limits.draw(channel_id, sku, units)
        return limits.allotted(sku)

    def drawn(self) -> list[Allotment]:
        """The allotments that were drawn on, in key order."""
        return [self._allotments[sku][channel] for sku, channel in sorted(self._drawn)]
