"""A deployment as a folder of files: read, checked as a whole with every fault named, and written back.

    items.csv | .yaml | .json     sku, name, weight ("1.2 lb"), length, width, height ("12 in"), gtin, price, …
    nodes.yaml, channels.yaml, cartons.yaml, carriers.yaml (each with its contract's terms)
    node_cartons.csv              node, carton, stock: the cartons a node keeps of its own (no stock: it never runs out)
    pack_rules.yaml               how a node packs for a channel, as `PUT /v1/pack-rules` takes it
    stock.csv                     node, sku, quantity: first stock, set only where a node has never had any

Every file may be CSV, YAML or JSON, and any may be missing. In CSV a list is separated by spaces and a mapping is
written `MUG:2 BOX:1`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from orderloom.cli.rows import (
    CarrierRow,
    CartonRow,
    ChannelRow,
    ItemRow,
    NodeCartonRow,
    NodeRow,
    PackRulesRow,
    StockRow,
)
from orderloom.journey.setup import Setup
from orderloom.shipping.contract import BadTerms, parse

ENDINGS = (".csv", ".yaml", ".yml", ".json")
# Cells that CSV can only hold as text.
LISTS = {"working_days", "holidays", "services", "channels", "groups", "notices"}
MAPPINGS = {"components", "cutoffs", "promise_days"}
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: in which file and row, at which field, and what to do about it."""

    file: str
    row: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file} row {self.row}" if self.row else self.file
        return f"{place} {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class Faulty(ValueError):
    """The folder cannot be applied; `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Known:
    """What is in place already, for references out of the folder."""

    skus: frozenset[str]
    kits: frozenset[str]
    nodes: frozenset[str]
    channels: frozenset[str] = frozenset()
    cartons: frozenset[str] = frozenset()


def read(folder: Path, known: Known) -> Setup:
    """The folder's contents. Raises Faulty with all faults."""
    faults: list[Fault] = []
    items = _rows(folder, "items", ItemRow, faults, key=lambda row: row.sku)
    nodes = _rows(folder, "nodes", NodeRow, faults, key=lambda row: row.code)
    channels = _rows(folder, "channels", ChannelRow, faults, key=lambda row: row.code)
    cartons = _rows(folder, "cartons", CartonRow, faults, key=lambda row: row.code)
    own = _rows(folder, "node_cartons", NodeCartonRow, faults, key=lambda row: f"{row.node} {row.carton}")
    rules = _rows(folder, "pack_rules", PackRulesRow, faults, key=lambda row: " ".join(map(str, row.key)))
    carriers = _rows(folder, "carriers", CarrierRow, faults, key=lambda row: row.code)
    stock = _rows(folder, "stock", StockRow, faults, key=lambda row: f"{row.node} {row.sku}")
    faults += _kit_faults(items, known)
    faults += _carrier_faults(carriers)
    faults += _stock_faults(stock, items, nodes, known)
    faults += _absent(
        [*own, *rules],
        {
            "node": known.nodes | {row.code for _, _, row in nodes},
            "channel": known.channels | {row.code for _, _, row in channels},
            "carton": known.cartons | {row.code for _, _, row in cartons},
        },
    )
    unknown = sorted(p.name for p in folder.iterdir() if p.suffix in ENDINGS and p.stem not in TABLES)
    faults += [Fault(name, 0, "", f"is not one of {', '.join(TABLES)}") for name in unknown]
    if faults:
        raise Faulty(faults)
    return Setup(
        items=[row.item() for _, _, row in items],
        kits={row.sku: row.components for _, _, row in items if row.components},
        nodes=[row.node() for _, _, row in nodes],
        channels=[row.channel() for _, _, row in channels],
        cartons=[row.carton() for _, _, row in cartons],
        node_cartons=_by_node(own),
        pack_rules={row.key: row.rules() for _, _, row in rules},
        carriers=[row.carrier() for _, _, row in carriers],
        stock={(row.node, row.sku): row.quantity for _, _, row in stock},
    )


TABLES = ("items", "nodes", "channels", "cartons", "node_cartons", "pack_rules", "carriers", "stock")
Read = list[tuple[str, int, Model]]


def _rows(
    folder: Path, table: str, model: type[Model], faults: list[Fault], *, key: Callable[[Model], str]
) -> Read[Model]:
    """The valid rows of a table, from whichever file holds it, with file and row."""
    found: Read[Model] = []
    seen: dict[str, int] = {}
    for file in (folder / f"{table}{ending}" for ending in ENDINGS):
        if not file.exists():
            continue
        for number, cells in _cells(file, faults):
            try:
                row = model.model_validate(cells)
            except ValidationError as invalid:
                faults += [
                    Fault(file.name, number, "/" + "/".join(map(str, e["loc"])), e["msg"])
                    for e in invalid.errors(include_url=False)
                ]
                continue
            if key(row) in seen:
                faults.append(Fault(file.name, number, "", f"{key(row)} is in row {seen[key(row)]} before"))
            seen[key(row)] = number
            found.append((file.name, number, row))
    return found


def _cells(file: Path, faults: list[Fault]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows with their numbers: an editor's line in CSV, the place in the list elsewhere."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".csv":
            for number, cells in enumerate(csv.DictReader(text.splitlines()), 2):
                yield (
                    number,
                    {name: _from_csv(name, cell) for name, cell in cells.items() if cell not in ("", None)},
                )
            return
        # YAML contains JSON; the safe loader makes plain values only.
        rows = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, csv.Error) as broken:
        faults.append(Fault(file.name, 0, "", f"cannot be read: {broken}"))
        return
    if rows is not None and not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        faults.append(Fault(file.name, 0, "", "must be a list of mappings"))
        return
    yield from enumerate(rows or [], 1)


def _from_csv(name: str, cell: str) -> Any:
    if name in LISTS:
        return cell.split()
    if name in MAPPINGS:
        return {key: value for key, _, value in (part.rpartition(":") for part in cell.split())}
    return cell


# --- what each row allows and the whole does not --------------------------------------------------------------


def _kit_faults(items: Read[ItemRow], known: Known) -> Iterator[Fault]:
    kits = known.kits | {row.sku for _, _, row in items if row.components}
    skus = known.skus | {row.sku for _, _, row in items}
    for file, number, row in items:
        for part in row.components:
            if part not in skus:
                yield Fault(file, number, f"/components/{part}", "there is no such item, here or in place")
            elif part in kits:
                yield Fault(file, number, f"/components/{part}", "is a kit itself: name what it is made of")


def _carrier_faults(carriers: Read[CarrierRow]) -> Iterator[Fault]:
    for file, number, row in carriers:
        try:
            parse(carrier=row.code, version=1, terms=row.terms)
        except BadTerms as bad:
            for fault in bad.faults:
                yield Fault(file, number, f"/terms/{fault.path.replace('.', '/')}", fault.message)


def _absent(rows: Read[Any], known: Mapping[str, frozenset[str]]) -> Iterator[Fault]:
    """References to what is neither in the folder nor in place, by the name of the field."""
    for file, number, row in rows:
        for field, codes in known.items():
            code = getattr(row, field, None)
            if code is not None and code not in codes:
                yield Fault(file, number, f"/{field}", f"there is no {field} {code!r}, here or in place")


def _by_node(own: Read[NodeCartonRow]) -> dict[str, dict[str, int | None]]:
    found: dict[str, dict[str, int | None]] = {}
    for _, _, row in own:
        found.setdefault(row.node, {})[row.carton] = row.stock
    return found


def _stock_faults(
    stock: Read[StockRow], items: Read[ItemRow], nodes: Read[NodeRow], known: Known
) -> Iterator[Fault]:
    codes = known.nodes | {row.code for _, _, row in nodes}
    skus = known.skus | {row.sku for _, _, row in items}
    for file, number, row in stock:
        if row.node not in codes:
            yield Fault(file, number, "/node", f"there is no node {row.node!r}, here or in place")
        if row.sku not in skus:
            yield Fault(file, number, "/sku", f"there is no item {row.sku!r}, here or in place")


# --- writing --------------------------------------------------------------------------------------------------


def write(folder: Path, present: Setup) -> list[Path]:
    """Write what is in place as YAML (stock as CSV), in the form that `read` takes; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict[str, Any]]] = {
        "items": [ItemRow.of(item, present.kits.get(item.sku, {})).written() for item in present.items],
        "nodes": [NodeRow.of(node).written() for node in present.nodes],
        "channels": [ChannelRow.of(channel).written() for channel in present.channels],
        "cartons": [CartonRow.of(carton).written() for carton in present.cartons],
        "pack_rules": [PackRulesRow.of(key, house).written() for key, house in present.pack_rules.items()],
        "carriers": [CarrierRow.of(carrier).written() for carrier in present.carriers],
    }
    files = []
    for table, rows in tables.items():
        files.append(folder / f"{table}.yaml")
        # By way of JSON, so that only plain values are written.
        plain = json.loads(json.dumps(rows, default=str))
        files[-1].write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110))
    own = [(node, *one) for node, stock in present.node_cartons.items() for one in stock.items()]
    stock = [(node, sku, units) for (node, sku), units in present.stock.items()]
    files.append(_lines(folder / "node_cartons.csv", ("node", "carton", "stock"), own))
    files.append(_lines(folder / "stock.csv", ("node", "sku", "quantity"), stock))
    return files


def _lines(path: Path, head: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(sorted(rows))
    return path
