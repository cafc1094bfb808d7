"""What an item is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from orderloom.terms import Dimensions, new_id


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Item:
    """One thing that is sold and shipped, in whole grams and millimetres.

    `as_given` keeps weights and lengths in the unit they came in (12 in kept as 305 mm alone would be rated as 13 in);
    `list_price` is a catalogue figure for checks; a buyer pays it only for a line added later without a price. `backorder` says what is taken without stock:
    nothing ("refuse"), as many as are on their way ("from_supply"), any number ("always"). `sold_from` makes it a
    pre-order until that day. `tracked_by` ("lot", "serial") asks for the lot of every unit. `handling` is what
    packing is asked beside the four flags, by the names of its `Article`; only what is said. Never changed; not frozen,
    since sets read hundreds.
    """

    sku: str
    name: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    gtin: str | None = None
    as_given: dict[str, Any] | None = None
    list_price: int | None = None
    currency: str | None = None
    fragile: bool = False
    this_side_up: bool = False
    hazmat_class: str | None = None
    ships_alone: bool = False
    handling: dict[str, Any] = field(default_factory=dict)
    backorder: str = "refuse"
    sold_from: date | None = None
    tracked_by: str | None = None
    active: bool = True
    id: UUID = field(default_factory=new_id, compare=False)
    version: int = field(default=1, compare=False)

    @property
    def size(self) -> Dimensions:
        """Length, width, height; height is the edge that points up."""
        return Dimensions(self.length_mm, self.width_mm, self.height_mm)
