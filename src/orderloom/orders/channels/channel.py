"""What every channel format offers, and the values it answers with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from orderloom.catalog.model import Item
from orderloom.network.model import Channel, Node
from orderloom.orders.model import OrderDraft

# A row's number as an editor shows it (the header is 1), and its cells by column name.
Row: TypeAlias = tuple[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Remark:
    """A row that is not as it should be: kept out, or (`kept`) taken in the way that `reason` tells."""

    file: str
    row: int
    reason: str
    kept: bool = False

    def json(self) -> dict[str, object]:
        """The form in a report."""
        return {"file": self.file, "row": self.row, "reason": self.reason, "kept": self.kept}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of an order in the source: cancelled for a reason, or handed over and delivered at these times."""

    cancelled: str | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Goods that came back, or a sale taken back. `order` is the sale's external id, None when it is not known."""

    external_id: str
    sku: str
    quantity: int
    unit_price: int
    currency: str
    node: str
    at: datetime
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A source in our words. `stock` is what each order needs to be possible, by (node code, SKU)."""

    channels: Sequence[Channel]
    nodes: Sequence[Node]
    items: Sequence[Item]
    stock: Mapping[tuple[str, str], int]
    drafts: Sequence[OrderDraft]
    fates: Mapping[str, Fate] = field(default_factory=dict)
    credits: Sequence[Credit] = ()
    remarks: Sequence[Remark] = ()
    totals: Mapping[str, int] = field(default_factory=dict)


class Format(Protocol):
    """One file format of a channel. Pure: rows in, values out; faults in rows become remarks, never exceptions.

        class Olist:
            tables = ("olist_orders_dataset", ...)

            def translate(self, tables):
                for number, row in tables["olist_orders_dataset"]: ...
                return Translation(channels=[...], drafts=[...], remarks=[Remark("olist_orders_dataset", 7, "…")])

    The same rows always give the same drafts with the same external ids, so that a rerun changes nothing.
    """

    tables: Sequence[str]

    def translate(self, tables: Mapping[str, Iterable[Row]]) -> Translation:
        """Everything at once, drafts in the order in which they were placed."""
        ...


def numbered(rows: Iterable[Mapping[str, str]]) -> Iterator[Row]:
    """Number the rows of a file with a header line."""
    return enumerate(rows, 2)
