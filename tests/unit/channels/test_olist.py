"""Olist's tables in our words."""

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime

import pytest

from orderloom.orders.channels import FORMATS
from orderloom.orders.channels import olist as format_
from orderloom.orders.channels.channel import numbered

OLIST = FORMATS["olist"]


def order(**cells):
    return {
        "order_id": "o1",
        "customer_id": "c1",
        "order_status": "delivered",
        "order_purchase_timestamp": "2017-07-01 12:00:00",
        "order_approved_at": "2017-07-01 12:30:00",
        "order_delivered_carrier_date": "2017-07-03 10:00:00",
        "order_delivered_customer_date": "2017-07-10 18:00:00",
        "order_estimated_delivery_date": "2017-07-20 00:00:00",
    } | cells


def item(**cells):
    return {
        "order_id": "o1",
        "order_item_id": "1",
        "product_id": "p1",
        "seller_id": "s1",
        "shipping_limit_date": "",
        "price": "10.00",
        "freight_value": "2.5",
    } | cells


def payment(**cells):
    return {
        "order_id": "o1",
        "payment_sequential": "1",
        "payment_type": "credit_card",
        "payment_installments": "1",
        "payment_value": "12.5",
    } | cells


def product(**cells):
    return {
        "product_id": "p1",
        "product_category_name": "cama_mesa",
        "product_weight_g": "225.0",
        "product_length_cm": "16.0",
        "product_height_cm": "10.0",
        "product_width_cm": "14.0",
    } | cells


CUSTOMER = {
    "customer_id": "c1",
    "customer_unique_id": "u1",
    "customer_zip_code_prefix": "35182",
    "customer_city": "timoteo",
    "customer_state": "MG",
}
SELLER = {
    "seller_id": "s1",
    "seller_zip_code_prefix": "1001",
    "seller_city": "sao paulo",
    "seller_state": "SP",
}
CENTROIDS = [
    {"geolocation_zip_code_prefix": "01001", "lat": "-23.5", "lng": "-46.6", "state": "SP"},
    {"geolocation_zip_code_prefix": "35182", "lat": "-19.5", "lng": "-42.6", "state": "MG"},
]


def translate(orders=None, items=None, payments=None, products=None, sellers=None):
    return OLIST.translate(
        {
            format_.ORDERS: numbered(orders or [order()]),
            format_.ITEMS: numbered([item()] if items is None else items),
            format_.CUSTOMERS: numbered([CUSTOMER]),
            format_.PAYMENTS: numbered([payment()] if payments is None else payments),
            format_.PRODUCTS: numbered(products or [product()]),
            format_.SELLERS: numbered(sellers or [SELLER]),
            format_.CENTROIDS: numbered(CENTROIDS),
        }
    )


def reasons(translation):
    return [remark.reason for remark in translation.remarks if not remark.kept]


def test_times_are_brazilian_and_the_promise_lasts_to_the_end_of_the_estimated_day():
    [draft] = translate().drafts
    assert draft.placed_at == datetime(2017, 7, 1, 15, 0, tzinfo=UTC)
    assert draft.decide_as_of == draft.placed_at
    assert draft.promise_at == datetime(2017, 7, 21, 2, 59, 59, tzinfo=UTC)


def test_item_rows_alike_in_product_seller_and_price_are_one_line():
    rows = [item(), item(order_item_id="2"), item(order_item_id="3", price="9.00")]
    [draft] = translate(items=rows, payments=[payment(payment_value="36.50")]).drafts
    assert [(line.sku, line.quantity, line.unit_price, line.node_code) for line in draft.lines] == [
        ("p1", 2, 1000, "s1"),
        ("p1", 1, 900, "s1"),
    ]
    assert (draft.shipping, draft.adjustment, draft.computed_total) == (750, 0, 3650)


def test_a_payment_that_differs_is_an_adjustment_flagged_beyond_a_cent():
    [draft] = translate(payments=[payment(payment_value="15.00")]).drafts
    assert (draft.adjustment, draft.computed_total) == (250, 1500)
    assert draft.flags == ({"code": "payment_mismatch", "difference": 250},)
    [draft] = translate(payments=[payment(payment_value="12.51")]).drafts
    assert (draft.adjustment, draft.flags) == (1, ())


def test_payments_come_in_sequence_and_those_of_nothing_are_kept_out():
    rows = [
        payment(payment_sequential="2", payment_type="voucher", payment_value="2.50"),
        payment(payment_sequential="3", payment_value="0.0"),
        payment(payment_value="10.00"),
    ]
    translation = translate(payments=rows)
    assert [(t.method, t.amount) for t in translation.drafts[0].tenders] == [
        ("credit_card", 1000),
        ("voucher", 250),
    ]
    assert reasons(translation) == ["payment of nothing"]


def test_an_order_without_payments_owes_its_price_and_one_without_items_keeps_its_payments():
    [draft] = translate(payments=[]).drafts
    assert (draft.computed_total, draft.tenders, draft.flags) == (1250, (), ({"code": "no_payment"},))
    [draft] = translate(items=[]).drafts
    assert [(line.sku, line.unit_price) for line in draft.lines] == [(format_.UNLISTED, 1250)]
    assert draft.flags == ({"code": "no_items"},)


def test_stock_is_exactly_what_the_orders_need():
    rows = [item(), item(order_item_id="2"), item(order_id="o2")]
    translation = translate(orders=[order(), order(order_id="o2")], items=rows)
    assert translation.stock == {("s1", "p1"): 3}


def test_a_sellers_postcode_gets_its_leading_zero_back():
    translation = translate()
    seller = translation.nodes[0]
    assert (seller.address.postcode, seller.latitude) == ("01001-000", -23.5)
    assert any("leading zero" in remark.reason and remark.kept for remark in translation.remarks)


def test_a_prefix_without_a_position_gets_its_states():
    translation = translate(sellers=[SELLER | {"seller_zip_code_prefix": "09999"}])
    assert (translation.nodes[0].latitude, translation.nodes[0].longitude) == (-23.5, -46.6)
    assert any("the state's is taken" in remark.reason for remark in translation.remarks)


def test_products_without_measures_get_flagged_ones():
    translation = translate(products=[product(product_weight_g="", product_length_cm="0")])
    found = translation.items[0]
    assert (found.weight_g, tuple(found.size)) == (500, (100, 100, 100))
    assert sum(remark.file == format_.PRODUCTS for remark in translation.remarks) == 2


@pytest.mark.parametrize("status", ["canceled", "unavailable"])
def test_what_the_source_gave_up_is_to_be_cancelled(status):
    assert translate(orders=[order(order_status=status)]).fates["o1"].cancelled == status


def test_every_other_order_has_a_handover_before_its_delivery():
    fate = translate(
        orders=[
            order(order_status="invoiced", order_delivered_carrier_date="", order_delivered_customer_date="")
        ]
    ).fates["o1"]
    assert fate.shipped_at < fate.delivered_at
    swapped = order(order_delivered_carrier_date="2017-07-11 00:00:00")
    fate = translate(orders=[swapped]).fates["o1"]
    assert fate.shipped_at < fate.delivered_at == datetime(2017, 7, 10, 21, 0, tzinfo=UTC)


def test_rows_that_cannot_be_read_are_listed_and_kept_out():
    translation = translate(
        orders=[
            order(),
            order(),
            order(order_id="o2", customer_id="?"),
            order(order_id="o3", order_purchase_timestamp="soon"),
        ],
        items=[item(), item(product_id="?"), item(seller_id="?"), item(price="free")],
        payments=[payment(), payment(payment_value="much")],
    )
    assert len(translation.drafts) == 1
    assert len(reasons(translation)) == 7


def test_the_real_source_gives_its_known_figures(real_data):
    folder = real_data("olist")

    def rows(name):
        with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8-sig", newline="") as file:
            yield from numbered(csv.DictReader(file))

    translation = OLIST.translate({name: rows(name) for name in OLIST.tables})
    assert translation.totals == {
        "orders": 22_328,
        "price": 299_081_646,
        "freight": 48_647_944,
        "payments": 360_255_672,
        "mismatches": 88,
    }
    assert Counter(fate.cancelled for fate in translation.fates.values()) == {
        None: 21_345,
        "canceled": 424,
        "unavailable": 559,
    }
    flags = Counter(flag["code"] for draft in translation.drafts for flag in draft.flags)
    assert flags == {"no_items": 645, "payment_mismatch": 88, "no_payment": 1}
    paid = sum(draft.computed_total for draft in translation.drafts if draft.tenders)
    assert paid == translation.totals["payments"]
    padded = sum("leading zero" in remark.reason for remark in translation.remarks)
    assert padded == 1_027
