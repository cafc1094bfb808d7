"""Olist's tables as orders of the past: what is read, what is left out, what may be missing; and the command on top."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orderloom.cli import application
from orderloom.delivery.evaluation import KNOWN_BEFORE
from orderloom.delivery.olist_past import TABLES, orders_of_the_past
from orderloom.orders.channels.olist import CENTROIDS, CUSTOMERS, ITEMS, ORDERS, PRODUCTS, SELLERS

PLACED = "2030-01-04 12:00:00"


def _tables(**changed: Any) -> dict[str, list[dict[str, str]]]:
    order = {
        "order_id": "o1",
        "customer_id": "c1",
        "order_status": "delivered",
        "order_purchase_timestamp": PLACED,
        "order_delivered_carrier_date": "2030-01-06 12:00:00",
        "order_delivered_customer_date": "2030-01-10 00:00:00",
        "order_estimated_delivery_date": "2030-01-20 00:00:00",
    }
    item = {
        "order_id": "o1",
        "order_item_id": "1",
        "product_id": "p1",
        "seller_id": "s1",
        "shipping_limit_date": "2030-01-08 12:00:00",
        "freight_value": "10.50",
    }
    made = {
        ORDERS: [order],
        ITEMS: [item, item | {"order_item_id": "2", "product_id": "p2", "freight_value": "1.50"}],
        CUSTOMERS: [{"customer_id": "c1", "customer_zip_code_prefix": "20000", "customer_state": "RJ"}],
        PRODUCTS: [
            {"product_id": "p1", "product_weight_g": "300"},
            {"product_id": "p2", "product_weight_g": ""},
        ],
        SELLERS: [{"seller_id": "s1", "seller_zip_code_prefix": "1001", "seller_state": "SP"}],
        CENTROIDS: [
            {"geolocation_zip_code_prefix": "01001", "lat": "-23.55", "lng": "-46.63", "state": "SP"},
            {"geolocation_zip_code_prefix": "20000", "lat": "-22.91", "lng": "-43.17", "state": "RJ"},
        ],
    }
    for table, cells in changed.items():
        made[table] = [row | cells for row in made[table]]
    return made


def _read(tables: Mapping[str, Sequence[Mapping[str, str]]]) -> Any:
    return orders_of_the_past({name: enumerate(map(dict, rows), 2) for name, rows in tables.items()})


def test_an_order_is_read_whole() -> None:
    [order] = _read(_tables())
    assert (order.handed - order.placed, order.delivered - order.placed) == (2.0, 5.5)
    assert order.estimated - order.placed == 15.5
    assert (order.origin, order.destination, order.seller) == ("SP", "RJ", "s1")
    # The seller's prefix lost its leading nought; São Paulo to Rio is about 360 km.
    assert order.km == pytest.approx(360, abs=10)
    # A product without weight weighs as the others of the order do.
    assert (order.limit, order.weight_g, order.freight) == (4.0, 600.0, 12.0)


@pytest.mark.parametrize("status", ["canceled", "unavailable"])
def test_what_was_cancelled_is_no_delivery(status: str) -> None:
    assert _read(_tables(**{ORDERS: {"order_status": status}})) == []


def test_an_order_without_items_or_purchase_time_is_left_out() -> None:
    assert _read(_tables() | {ITEMS: []}) == []
    assert _read(_tables(**{ORDERS: {"order_purchase_timestamp": "yesterday"}})) == []


def test_what_is_missing_is_none() -> None:
    [order] = _read(
        _tables(
            **{
                ORDERS: {"order_delivered_carrier_date": "", "order_delivered_customer_date": ""},
                ITEMS: {"shipping_limit_date": "", "freight_value": "?"},
                PRODUCTS: {"product_weight_g": "nan"},
                CENTROIDS: {"lat": ""},
            }
        )
        | {CUSTOMERS: [], SELLERS: []}
    )
    assert (order.handed, order.delivered, order.km, order.limit, order.weight_g) == (None,) * 5
    assert (order.freight, order.origin, order.destination) == (0.0, "", "")


def test_delivered_before_it_was_bought_is_delivered_at_once() -> None:
    [order] = _read(_tables(**{ORDERS: {"order_delivered_customer_date": "2029-12-30 00:00:00"}}))
    assert order.delivered == order.placed


def _folder(folder: Path, orders: int) -> Path:
    tables = _tables()
    first, item = tables[ORDERS][0], tables[ITEMS][0]
    start = datetime.fromisoformat(PLACED)
    tables[ORDERS], tables[ITEMS] = [], []
    for n in range(orders):
        at = start + timedelta(hours=n / 2)
        tables[ORDERS].append(
            first
            | {
                "order_id": f"o{n}",
                "order_purchase_timestamp": at.isoformat(sep=" "),
                "order_delivered_carrier_date": (at + timedelta(days=1)).isoformat(sep=" "),
                "order_delivered_customer_date": (at + timedelta(days=3 + n * 7 % 11)).isoformat(sep=" "),
                "order_estimated_delivery_date": (at + timedelta(days=12)).isoformat(sep=" "),
            }
        )
        tables[ITEMS].append(item | {"order_id": f"o{n}"})
    for name in TABLES:
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(tables[name][0]))
            writer.writeheader()
            writer.writerows(tables[name])
    return folder


def _run(*asked: str) -> Any:
    return CliRunner().invoke(application(asked="promise"), ["promise", "evaluate", *asked])


def test_the_command_reports_and_writes_its_answers(tmp_path: Path) -> None:
    folder, answers = _folder(tmp_path, 2 * KNOWN_BEFORE), tmp_path / "answers.ndjson"
    ran = _run(str(folder), "--json", "--answers", str(answers))
    assert ran.exit_code == 0, ran.output
    report = json.loads(ran.stdout)
    assert set(report["months"]) == {"2030-04"}
    said = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    assert len(said) == report["overall"]["all"]["n"]
    assert (
        report["overall"]["delivered"]["ours"]["on_time"]
        >= report["overall"]["delivered"]["source"]["on_time"]
    )
    assert "2030-04" in _run(str(folder)).output


def test_a_folder_too_small_or_not_of_this_layout_is_refused(tmp_path: Path) -> None:
    assert _run(str(tmp_path)).exit_code == 2
    ran = _run(str(_folder(tmp_path, 300)))
    assert ran.exit_code == 2
    assert str(KNOWN_BEFORE) in ran.output
