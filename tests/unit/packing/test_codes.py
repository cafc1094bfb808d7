"""Scanned codes: taken apart, or described, and never a failure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.packing.codes import read

GTIN = "4006381333931"


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.text("0123456789()]CEdQ\x1d ", max_size=40) | st.from_regex(r"\A\d{8,20}\Z"))
def test_whatever_is_scanned_is_described(text):
    code = read(text)
    assert code.looks_like
    assert all(gtin.isdigit() and int(gtin) == int(code.gtins[0]) for gtin in code.gtins)


@pytest.mark.parametrize(
    ("text", "gtins"),
    [
        (GTIN, ("0" + GTIN, GTIN)),
        ("036000291452", ("00036000291452", "0036000291452", "036000291452")),
        ("96385074", ("00000096385074", "0000096385074", "000096385074", "96385074")),
        ("14006381333938", ("14006381333938",)),
    ],
)
def test_a_gtin_is_looked_up_in_every_length_it_may_be_kept_in(text, gtins):
    assert read(text).gtins == gtins


def test_a_gs1_string_tells_lot_serial_and_count():
    code = read(f"]C1010{GTIN}10LOT7\x1d21SER9\x1d3712")
    assert (code.gtins[0], code.lot, code.serial, code.count) == ("0" + GTIN, "LOT7", "SER9", 12)


def test_a_bare_number_is_a_gtin_though_it_might_be_read_otherwise():
    code = read("3712345678901")
    assert (code.gtins[1], code.count) == (code.text, None)
