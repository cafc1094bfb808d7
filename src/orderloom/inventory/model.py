"""The values of stock: balances, postings and their legs, ledger entries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

BUCKETS = ("on_hand", "reserved", "allocated", "damaged", "quality_control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The balance of one (node, sku). `damaged` and `quality_control` are part of `on_hand`, as are the promised."""

    node_id: UUID
    sku: str
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    damaged: int = 0
    quality_control: int = 0
    safety_stock: int = 0
    backorder_limit: int = 0
    version: int = 0

    @property
    def available(self) -> int:
        """What is there and promised to nobody."""
        return self.on_hand - self.damaged - self.quality_control - self.reserved - self.allocated

    @property
    def to_promise(self) -> int:
        """What may be promised now: available less safety stock, plus what may be sold ahead of supply."""
        return max(0, self.available - self.safety_stock + self.backorder_limit)

    @property
    def sound(self) -> bool:
        """Invariant S2, as the table's CHECK has it."""
        return (
            min(self.damaged, self.quality_control, self.reserved, self.allocated) >= 0
            and self.on_hand >= self.damaged + self.quality_control
            and self.available + self.backorder_limit >= 0
        )


@dataclass(frozen=True, slots=True)
class LotUnits:
    """So many units of one lot, signed; a serial number is a lot of one."""

    lot: str
    quantity: int
    expires_on: date | None = None


@dataclass(slots=True)
class Balance:
    """A level while it is posted on. Changed in place: a set of orders posts thousands of legs on few of them."""

    node_id: UUID
    sku: str
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    damaged: int = 0
    quality_control: int = 0
    safety_stock: int = 0
    backorder_limit: int = 0
    version: int = 0

    @classmethod
    def of(cls, level: Level) -> Balance:
        """A copy to post on."""
        return cls(**{name: getattr(level, name) for name in Level.__dataclass_fields__})

    def level(self) -> Level:
        """As it stands now."""
        return Level(**{name: getattr(self, name) for name in Level.__dataclass_fields__})

    @property
    def free(self) -> int:
        """What is there and promised to nobody, and what may be sold ahead of supply."""
        return (
            self.on_hand
            - self.damaged
            - self.quality_control
            - self.reserved
            - self.allocated
            + self.backorder_limit
        )

    @property
    def to_promise(self) -> int:
        """As `Level.to_promise`."""
        units = self.free - self.safety_stock
        return max(units, 0)

    @property
    def sound(self) -> bool:
        """As `Level.sound`."""
        return (
            self.free >= 0
            and self.reserved >= 0
            and self.allocated >= 0
            and self.damaged >= 0
            and self.quality_control >= 0
            and self.on_hand >= self.damaged + self.quality_control
        )

    def units(self) -> tuple[int, ...]:
        """The buckets, in their order."""
        return self.on_hand, self.reserved, self.allocated, self.damaged, self.quality_control

    def set(self, units: tuple[int, ...]) -> None:
        """Put the buckets back."""
        self.on_hand, self.reserved, self.allocated, self.damaged, self.quality_control = units

    def as_there(self, leg: Leg) -> Leg:
        """The leg, taking units as far as they are on the books: what was sold ahead of supply may never come into them.

        Units that ship beyond the fit ones had come in and gone out between two counts. Of units not found those sold
        ahead come first: nobody had said that they were there.
        """
        if leg.kind == "shipped":
            gone = min(-leg.on_hand, self.on_hand - self.damaged - self.quality_control)
        elif leg.kind == "counted" and leg.allocated:
            gone = -leg.on_hand - min(-leg.on_hand, max(0, self.backorder_limit - self.free))
        else:
            return leg
        return leg if gone == -leg.on_hand else replace(leg, on_hand=-gone)

    def add(self, leg: Leg) -> None:
        """Change every bucket by the leg."""
        self.on_hand += leg.on_hand
        self.reserved += leg.reserved
        self.allocated += leg.allocated
        self.damaged += leg.damaged
        self.quality_control += leg.quality_control


# Legs, postings and entries are never changed; frozen, they would take three times as long to make, thousands in a set.


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Leg:
    """One balance's part in a posting: signed changes of its buckets, in units."""

    node_id: UUID
    sku: str
    kind: str
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    damaged: int = 0
    quality_control: int = 0
    lots: tuple[LotUnits, ...] = ()
    """Of a tracked item: which lots `on_hand` changes. Left out, the first to expire go first."""

    @property
    def key(self) -> tuple[UUID, str]:
        """Which balance it changes."""
        return self.node_id, self.sku


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Posting:
    """A change of stock that happens whole or not at all, with its cause."""

    cause_type: str
    cause_id: UUID | None
    legs: tuple[Leg, ...]
    reason: str | None = None
    as_of: datetime | None = None
    """A count is true as of then, though it is posted later."""
    within_safety: bool = False
    """Refuse to dip into safety stock: for promises to buyers, not for what is already promised."""
    unpromised: bool = False
    """Take only units that nobody was promised: a node sold ahead of supply gives nothing away that it owes."""
    channel_id: UUID | None = None
    """For whom units are claimed or given back; needed only where a posting changes how many are claimed."""

    def drawn(self) -> dict[str, int]:
        """Units by SKU claimed by it (positive) or given back: shipping a claimed unit is neither."""
        net: dict[str, int] = {}
        for leg in self.legs:
            if leg.kind != "shipped" and (units := leg.reserved + leg.allocated):
                net[leg.sku] = net.get(leg.sku, 0) + units
        return net


@dataclass(frozen=True, slots=True)
class Short:
    """A posting that was refused: which balance would not bear it, and what it has for it."""

    node_id: UUID
    sku: str
    to_promise: int


@dataclass(slots=True, unsafe_hash=True)
class Entry:
    """A ledger entry to be written: a leg with its posting's cause."""

    leg: Leg
    cause_type: str
    cause_id: UUID | None
    reason: str | None
    as_of: datetime | None = None
    actor: str | None = None
    """Who did it, where the shelves serve several; else whoever is `acting`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A ledger entry as it stands."""

    id: int
    node_id: UUID
    sku: str
    kind: str
    on_hand_delta: int
    reserved_delta: int
    allocated_delta: int
    damaged_delta: int
    quality_control_delta: int
    cause_type: str
    cause_id: UUID | None
    actor: str
    reason: str | None
    moved_at: datetime
