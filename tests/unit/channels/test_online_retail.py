"""Online Retail II in our words."""

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime

import pytest

from orderloom.orders.channels import FORMATS
from orderloom.orders.channels.channel import numbered

ONLINE_RETAIL = FORMATS["online-retail"]
FIRST_YEAR = (
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
)
SECOND_YEAR = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)


def row(
    invoice="500001",
    code="85123A",
    quantity="2",
    price="2.55",
    customer="13085",
    at="2010-06-01 10:00:00",
    name="LIGHT",
    country="United Kingdom",
):
    return (invoice, code, name, quantity, at, price, customer, country)


def translate(*rows, columns=FIRST_YEAR):
    return ONLINE_RETAIL.translate(
        {"online_retail": numbered(dict(zip(columns, cells, strict=True)) for cells in rows)}
    )


def out(translation):
    return [remark.reason for remark in translation.remarks if not remark.kept]


@pytest.mark.parametrize("columns", [FIRST_YEAR, SECOND_YEAR])
def test_both_years_column_names_are_read(columns):
    [draft] = translate(row(), row(code="84029", quantity="1", price="3.39"), columns=columns).drafts
    assert draft.external_id == "500001"
    assert draft.placed_at == datetime(2010, 6, 1, 9, 0, tzinfo=UTC)
    assert [(line.sku, line.quantity, line.unit_price) for line in draft.lines] == [
        ("85123A", 2, 255),
        ("84029", 1, 339),
    ]
    assert (draft.computed_total, draft.tenders[0].amount) == (849, 849)


def test_postage_is_shipping_and_other_codes_that_are_no_product_are_kept_out():
    translation = translate(
        row(), row(code="POST", quantity="1", price="18.00"), row(code="M"), row(invoice="500002", code="DOT")
    )
    [draft] = translation.drafts
    assert (draft.shipping, len(draft.lines)) == (1800, 1)
    assert out(translation) == ["M is no product", "DOT on an invoice without goods"]


def test_an_exact_duplicate_counts_once():
    translation = translate(row(), row())
    assert translation.drafts[0].lines[0].quantity == 2
    assert (translation.totals["duplicates"], out(translation)) == (1, ["exact duplicate"])


def test_write_offs_bad_debt_and_free_lines_are_kept_out():
    translation = translate(
        row(quantity="-3", name="damages"),
        row(invoice="A506401", code="B", price="-53594.36"),
        row(price="0"),
        row(quantity="x"),
        row(invoice="C5", quantity="3"),
    )
    assert translation.drafts == []
    assert len(out(translation)) == 5


def test_a_price_of_three_decimals_is_rounded_and_the_difference_kept_as_money():
    [draft] = translate(row(quantity="1000", price="0.001")).drafts
    assert (draft.lines[0].unit_price, draft.adjustment, draft.computed_total) == (0, 100, 100)
    assert draft.flags == ({"code": "price_rounded", "difference": 100},)


def test_an_invoice_over_two_timestamps_is_one_order_at_the_first():
    [draft] = translate(row(at="2010-06-01 10:01:00"), row(code="84029")).drafts
    assert draft.placed_at == datetime(2010, 6, 1, 9, 0, tzinfo=UTC)


def test_codes_differing_in_case_are_one_item():
    translation = translate(row(code="85123a"), row(code="85123A", quantity="1"))
    assert [item.sku for item in translation.items] == ["85123A"]
    assert translation.stock == {("OR-UK", "85123A"): 3}


def test_a_credit_binds_to_the_latest_earlier_sale_with_units_left():
    found = translate(
        row(quantity="2", at="2010-06-01 10:00:00"),
        row(invoice="500002", quantity="1", at="2010-06-02 10:00:00"),
        row(invoice="500003", quantity="9", at="2010-06-04 10:00:00"),
        row(invoice="C500004", quantity="-4", at="2010-06-03 10:00:00"),
        row(invoice="C500005", quantity="-1", at="2010-06-03 11:00:00", customer="99999"),
    ).credits
    assert [(c.order, c.quantity) for c in found] == [("500002", 1), ("500001", 2), (None, 1), (None, 1)]


def test_a_customer_less_invoice_has_a_guest_and_an_unknown_country_is_noted():
    translation = translate(row(customer="", country="Unspecified"))
    [draft] = translation.drafts
    assert draft.buyer["email"] == "guest-500001@example.com"
    assert draft.ship_to.country == "GB"
    assert any("Unspecified" in remark.reason for remark in translation.remarks)


@pytest.mark.slow
def test_the_real_source_gives_its_known_figures(real_data):
    file = real_data("online_retail") / "online_retail_II_2009-2010.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as text:
        translation = ONLINE_RETAIL.translate({"online_retail": numbered(csv.DictReader(text))})
    kept_out = Counter(reason.split(":")[0] for reason in out(translation))
    assert translation.totals["duplicates"] == kept_out["exact duplicate"] == 6_865
    assert kept_out["adjusts bad debt"] == 3
    assert kept_out["a credit of a positive quantity"] == 1
    assert translation.totals["sale_lines"] == 504_730
    assert translation.totals["sale_invoices"] == 20_951
    assert translation.totals["sale_value"] == 10_271_762_664
    lines = sum(len(draft.lines) for draft in translation.drafts)
    carriage = sum(draft.shipping > 0 for draft in translation.drafts)
    assert (len(translation.drafts), lines) == (20_573, 502_322)
    assert carriage > 1_000
    assert translation.totals["money"] == 996_809_894
    assert sum(credit.order is not None for credit in translation.credits) == 8_112
