"""Reading a source's files, and taking only the first of its orders."""

import gzip
import json

import pytest

from orderloom.orders.channels.channel import Remark
from orderloom.simulate import importing

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
ROWS = (
    "1,10001,A,2,2010-06-01 10:00:00,1.00,7,United Kingdom\n"
    "2,10002,B,3,2010-06-02 10:00:00,1.00,7,United Kingdom\n"
    "C3,10001,A,-1,2010-06-03 10:00:00,1.00,7,United Kingdom\n"
    "C4,10002,B,-1,2010-06-03 10:00:00,1.00,7,United Kingdom\n"
)


def test_a_file_is_read_gzipped_or_not_with_a_byte_order_mark_or_without(tmp_path):
    (tmp_path / "plain.csv").write_text("\ufeff" + HEADER + ROWS, encoding="utf-8")
    with gzip.open(tmp_path / "packed.csv.gz", "wt", encoding="utf-8") as file:
        file.write(HEADER + ROWS)
    plain = importing.translate_file("online-retail", tmp_path / "plain.csv")
    packed = importing.translate_file("online-retail", tmp_path / "packed.csv.gz")
    assert plain.drafts == packed.drafts
    assert len(plain.drafts) == 2


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(importing.MissingTable, match=r"olist_orders_dataset\.csv"):
        importing.translate_folder("olist", tmp_path)


def test_the_first_orders_come_with_the_stock_fates_and_credits_they_need(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER + ROWS)
    whole = importing.translate_file("online-retail", tmp_path / "x.csv")
    part = importing.first(whole, 1)
    assert [draft.external_id for draft in part.drafts] == ["1"]
    assert part.stock == {("OR-UK", "10001"): 2}
    assert set(part.fates) == {"1"}
    assert [credit.order for credit in part.credits] == ["1"]
    assert importing.first(whole, None) is whole


def test_the_report_has_one_json_object_a_remark(tmp_path):
    importing.write_report(
        tmp_path / "deep/report.jsonl", [Remark("t", 7, "odd"), Remark("t", 9, "mended", kept=True)]
    )
    lines = [json.loads(line) for line in (tmp_path / "deep/report.jsonl").read_text().splitlines()]
    assert lines == [
        {"file": "t", "row": 7, "reason": "odd", "kept": False},
        {"file": "t", "row": 9, "reason": "mended", "kept": True},
    ]
