"""A label can be scanned, read, and never speaks to the printer in the buyer's words."""

import re
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from orderloom.shipping.labels import VOID, LabelFace, label_pdf, label_zpl, manifest_pdf
from orderloom.shipping.model import Manifest, ManifestLabel
from orderloom.shipping.tracking import tracking_number
from orderloom.terms import Address

FACE = LabelFace(
    carrier="Summit",
    service="Ground",
    tracking_number=tracking_number(carrier="summit", reference="r-1"),
    sender=Address(name="Node East", line1="9 Dock Rd", city="Newark", region="NJ", postcode="07101"),
    recipient=Address(
        name="Ann Doe", line1="1 Elm St", line2="Apt 4", city="Reno", region="NV", postcode="89501"
    ),
    weight_g=1361,
    sequence=2,
    of=3,
    order_number="100001",
    ship_on=date(2026, 1, 5),
)


def page(pdf, *, scale=3):
    document = pypdfium2.PdfDocument(pdf)
    return document[0].render(scale=scale).to_pil(), document[0].get_textpage().get_text_range()


@pytest.mark.parametrize(
    "number",
    [
        FACE.tracking_number,
        "1Z999AA10123456784",
        "9400110200793123456784",
        "96110196029401234567890123456789",
    ],
)
@pytest.mark.parametrize("test", [False, True])
def test_the_printed_barcode_is_read_back(number, test):
    image, _ = page(label_pdf(replace(FACE, tracking_number=number, test=test)))
    (found,) = zxingcpp.read_barcodes(image)
    assert found.text == number
    assert found.format == zxingcpp.BarcodeFormat.Code128


def test_all_of_it_stands_on_the_page():
    _, text = page(label_pdf(FACE))
    for words in ("Ann Doe", "Apt 4", "Reno NV 89501", "SUMMIT GROUND", "3.1 LB", "2 of 3", "ORDER 100001"):
        assert words in text
    assert VOID not in text


def test_a_test_label_says_that_it_is_void():
    assert VOID in page(label_pdf(replace(FACE, test=True)))[1]
    assert VOID in label_zpl(replace(FACE, test=True))
    assert VOID not in label_zpl(FACE)


def test_a_return_label_says_so():
    assert "RETURN TO" in page(label_pdf(replace(FACE, purpose="return")))[1]


@pytest.mark.parametrize("city", ["São Paulo", "Łódź", "北京市", "Αθήνα", "Köln\N{ZERO WIDTH SPACE}"])
def test_names_of_the_whole_world_are_printed(city):
    pdf = label_pdf(replace(FACE, recipient=replace(FACE.recipient, city=city, country="XX")))
    assert zxingcpp.read_barcodes(page(pdf)[0])
    assert city.replace("\N{ZERO WIDTH SPACE}", "") in label_zpl(
        replace(FACE, recipient=replace(FACE.recipient, city=city))
    )


def test_kilograms_outside_the_united_states():
    face = replace(FACE, sender=replace(FACE.sender, country="BR"))
    assert face.weight == "1.4 KG"
    assert replace(FACE, weight_g=454).weight == "1.1 LB"
    assert replace(FACE, weight_g=453).weight == "1 LB"


def test_zpl_holds_the_number_once_as_a_barcode():
    zpl = label_zpl(FACE)
    assert zpl.startswith("^XA\n^CI28\n^PW812\n^LL1218")
    assert zpl.endswith("^XZ\n")
    assert re.findall(r"\^BC\S*\^FH_\^FD(\w+)\^FS", zpl) == [FACE.tracking_number]


@given(name=st.text(max_size=60))
def test_no_name_gives_the_printer_orders(name):
    plain = label_zpl(replace(FACE, recipient=replace(FACE.recipient, name="x")))
    zpl = label_zpl(replace(FACE, recipient=replace(FACE.recipient, name=name or "x")))
    assert commands(zpl) == commands(plain)


def commands(zpl):
    # What stands between ^FD and ^FS is data; nothing in it may begin a command.
    shape = re.sub(r"\^FD[^^~\n]*\^FS", "^FD^FS", zpl)
    assert "~" not in shape
    return re.findall(r"\^[A-Z0-9]{2}", shape)


def test_the_same_label_is_the_same_bytes():
    assert label_pdf(FACE) == label_pdf(FACE)


def test_a_manifest_lists_every_parcel_over_its_pages():
    labels = tuple(
        ManifestLabel(
            uuid4(), tracking_number(carrier="s", reference=str(n)), "ground", str(n), 500, "89501", "US"
        )
        for n in range(41)
    )
    manifest = Manifest(uuid4(), "MAN-3001", uuid4(), "summit", date(2026, 1, 5), labels)
    pdf = manifest_pdf(manifest, sender=FACE.sender, carrier_name="Summit")
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 2
    text = "".join(document[n].get_textpage().get_text_range() for n in range(2))
    assert all(label.tracking_number in text for label in labels)
    assert "41 parcels, 20.500 kg" in text
    (found,) = zxingcpp.read_barcodes(page(pdf, scale=2)[0])
    assert found.text == "MAN-3001"
