"""What a node and a sales channel are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from orderloom.terms import Address, new_id


class NodeType(StrEnum):
    """What kind of place ships."""

    FULFILLMENT_CENTER = "fulfillment_center"
    STORE = "store"
    THIRD_PARTY = "third_party"
    DROP_SHIP = "drop_ship"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place that holds stock and ships.

    `working_days` are ISO weekdays (1 = Monday) in the node's own time zone; `cutoffs` maps "carrier/service", or "*"
    for all others, to the local time ("15:00") until which a parcel leaves the same day; `services` and `channels`
    limit what it ships by and for whom, None meaning all. Costs are minor units a shipment and a unit. `closed_because`
    says why it ships nothing for the time being; that is no part of how it is set up.
    """

    code: str
    name: str
    type: str
    address: Address
    time_zone: str
    latitude: float | None = None
    longitude: float | None = None
    working_days: tuple[int, ...] = (1, 2, 3, 4, 5)
    holidays: tuple[date, ...] = ()
    cutoffs: dict[str, str] = field(default_factory=dict)
    processing_hours: int = 4
    daily_capacity: int | None = None
    pick_cost: int = 0
    unit_cost: int = 0
    ships_hazmat: bool = False
    services: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    groups: tuple[str, ...] = ()
    active: bool = True
    closed_because: str | None = field(default=None, compare=False)
    id: UUID = field(default_factory=new_id, compare=False)
    version: int = field(default=1, compare=False)

    @property
    def open(self) -> bool:
        """Whether it ships at all now."""
        return self.active and self.closed_because is None

    def serves(self, *, channel: str) -> bool:
        """Whether it ships for that channel now."""
        return self.open and (self.channels is None or channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way orders come in. `on_shortage` says whether one without stock is refused or accepted as backorder.

    `promise_confidence` is the chance, permille, with which dates that it promises from what was learnt shall be kept.
    `excluded_nodes` are codes of nodes it never draws on; `availability_feed` is the adapter its availability is pushed
    by, with its settings, None meaning that the channel reads it by cursor. `edit_rules` say what of its orders is not
    edited, from which stage on and by which roles (`orders.editing.barred`).
    """

    code: str
    name: str
    type: str
    currency: str
    time_zone: str = "UTC"
    on_shortage: str = "refuse"
    promise_days: dict[str, int] = field(
        default_factory=lambda: {"standard": 5, "expedited": 2, "overnight": 1}
    )
    promise_confidence: int = 900
    split_policy: dict[str, Any] = field(default_factory=lambda: {"max_shipments": 4})
    review_above: int | None = None
    notices: tuple[str, ...] = ("email",)
    excluded_nodes: tuple[str, ...] = ()
    availability_feed: dict[str, Any] | None = None
    edit_rules: tuple[Mapping[str, Any], ...] = ()
    active: bool = True
    id: UUID = field(default_factory=new_id, compare=False)
    version: int = field(default=1, compare=False)

    def draws_on(self, node: Node) -> bool:
        """Whether its orders may be kept at and shipped from that node."""
        return node.code not in self.excluded_nodes and node.serves(channel=self.code)
