"""Bring a channel's history in: read its files, put what its orders stand on in place, capture them in sets.

A rerun changes nothing: items and nodes are compared, stock is set only where there was none, and an order's natural
key is taken once.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from uuid import UUID

from orderloom.journey import placing, setup
from orderloom.journey.setup import Setup
from orderloom.orders.capture import Raced
from orderloom.orders.channels import FORMATS
from orderloom.orders.channels.channel import Remark, Row, Translation, numbered
from orderloom.orders.model import OrderDraft, Placed, Refused
from orderloom.plumbing.database import Database, Deadlock
from orderloom.simulate import foreign_carriers

SET_SIZE = 500
ENDINGS = (".csv", ".csv.gz")
CARRIERS = {"olist": foreign_carriers.correio, "online-retail": foreign_carriers.pennypost}


class MissingTable(FileNotFoundError):
    """A table of the format is not in the folder; the message names it."""


@dataclass(slots=True)
class Captured:
    """What became of the drafts. `orders` are ids by external id, `numbers` external ids by order number."""

    orders: dict[str, UUID] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    new: int = 0
    refused: list[Remark] = field(default_factory=list)


def translate_folder(name: str, folder: Path) -> Translation:
    """A format of several tables, each a file of the table's name. Raises MissingTable."""
    format_ = FORMATS[name]
    return format_.translate(tables_in(folder, format_.tables))


def tables_in(folder: Path, tables: Sequence[str]) -> dict[str, Iterator[Row]]:
    """The rows of these tables, each a file of the table's name. Raises MissingTable."""
    return {table: _rows(_find(folder, table)) for table in tables}


def translate_file(name: str, file: Path) -> Translation:
    """A format of one table. Raises MissingTable."""
    if not file.is_file():
        raise MissingTable(f"there is no file {file}")
    [table] = FORMATS[name].tables
    return FORMATS[name].translate({table: _rows(file)})


def _find(folder: Path, table: str) -> Path:
    for ending in ENDINGS:
        if (file := folder / f"{table}{ending}").is_file():
            return file
    raise MissingTable(f"{folder} has neither {' nor '.join(table + ending for ending in ENDINGS)}")


def _rows(file: Path) -> Iterator[Row]:
    # Some editions carry a byte order mark, and the older ones are in Latin-1.
    open_ = gzip.open if file.suffix == ".gz" else open
    with open_(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:
        yield from numbered(csv.DictReader(text))


def setup_of(name: str, translation: Translation) -> Setup:
    """What the orders stand on: the source's items, nodes and channel, and the carrier and cartons it does not tell."""
    return Setup(
        items=translation.items,
        nodes=translation.nodes,
        channels=translation.channels,
        cartons=tuple(foreign_carriers.cartons()),
        carriers=(CARRIERS[name](),),
        stock=translation.stock,
    )


async def prepare(database: Database, *, wanted: Setup) -> int:
    """Put it in place in one transaction; returns how many things changed."""
    async with database.transaction() as db:
        return len(await setup.put(db, wanted=wanted))


async def capture(
    database: Database, *, drafts: Sequence[OrderDraft], done: Callable[[int], None] = lambda _: None
) -> Captured:
    """Place the orders, a set a transaction; `done` is told how many after each."""
    captured = Captured()
    pending = iter(drafts)
    while batch := list(islice(pending, SET_SIZE)):
        for draft, outcome in zip(batch, await _place(database, batch), strict=True):
            if isinstance(outcome, Placed):
                captured.orders[draft.external_id] = outcome.order_id
                captured.numbers[outcome.number] = draft.external_id
                captured.new += not outcome.duplicate
            else:
                captured.refused += _remarks(draft, outcome)
        done(len(batch))
    return captured


async def _place(database: Database, batch: Sequence[OrderDraft]) -> list[Placed | Refused]:
    # Where somebody else took one of the keys meanwhile, the next look finds it.
    return await database.run(lambda db: placing.place(db, drafts=batch), again=(Raced, Deadlock))


def _remarks(draft: OrderDraft, refused: Refused) -> Iterator[Remark]:
    for fault in refused.faults:
        yield Remark(draft.channel, 0, f"order {draft.external_id} {fault.path}: {fault.message}")


def write_report(file: Path, remarks: Sequence[Remark]) -> None:
    """One JSON object a line: file, row, reason, and whether the row was kept."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(remark.json(), ensure_ascii=False) + "\n" for remark in remarks)


def first(translation: Translation, limit: int | None) -> Translation:
    """The translation with its first so many orders only, and the stock and credits those need."""
    if limit is None or limit >= len(translation.drafts):
        return translation
    drafts = translation.drafts[:limit]
    taken = {draft.external_id for draft in drafts}
    stock: dict[tuple[str, str], int] = {}
    for draft in drafts:
        for line in draft.lines:
            if line.node_code is not None:
                stock[line.node_code, line.sku] = stock.get((line.node_code, line.sku), 0) + line.quantity
    return replace(
        translation,
        drafts=drafts,
        stock=stock,
        fates={key: fate for key, fate in translation.fates.items() if key in taken},
        totals={
            "orders": len(drafts),
            "money": sum(draft.computed_total for draft in drafts),
            "mismatches": sum(flag["code"] == "payment_mismatch" for draft in drafts for flag in draft.flags),
        },
        credits=[credit for credit in translation.credits if credit.order in taken],
    )
