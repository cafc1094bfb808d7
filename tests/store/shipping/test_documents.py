"""Labels and manifests are drawn from what is stored."""

from datetime import date

import pypdfium2
import pytest
import zxingcpp

from orderloom import shipping
from orderloom.shipping.labels import VOID
from orderloom.shipping.model import Bought, Voided
from orderloom.shipping.tracking import tracking_number
from orderloom.terms import new_id
from tests.store.shipping.conftest import HOME, NODE, asked

pytestmark = pytest.mark.usefixtures("contracts")


async def bought(db, **changes):
    put, request = await asked(db, **changes)
    (call,) = await shipping.prepare_labels(db, requests=[request])
    number = tracking_number(carrier=call.provider, reference=call.reference)
    await shipping.record_labels(
        db, subjects=[put.fulfillment], answers=[(call, Bought(call.reference, number, "p"))]
    )
    return put, call, number


async def test_a_label_in_both_forms(db):
    put, call, number = await bought(db)
    zpl = (await shipping.label_document(db, label_id=call.label_id, form="zpl")).decode()
    assert "ACME GROUND" in zpl
    assert put.number in zpl
    assert VOID in zpl  # the carrier is simulated
    pdf = await shipping.label_document(db, label_id=call.label_id, form="pdf")
    (code,) = zxingcpp.read_barcodes(pypdfium2.PdfDocument(pdf)[0].render(scale=3).to_pil())
    assert code.text == number


async def test_a_voided_label_says_so(db):
    _, call, _ = await bought(db, carrier="vans", service="van", recipient=NODE)
    assert VOID not in (await shipping.label_document(db, label_id=call.label_id, form="zpl")).decode()
    await shipping.record_voids(db, answers=[(call, Voided(call.reference))])
    assert VOID in (await shipping.label_document(db, label_id=call.label_id, form="zpl")).decode()


async def test_a_manifest(db):
    put, _, _ = await bought(db)
    day = date(2026, 1, 6)
    manifest = await shipping.close_manifest(db, node_id=put.node, carrier="acme", ship_date=day, by="ann")
    pdf = await shipping.manifest_document(db, manifest_id=manifest.id, sender=NODE)
    assert manifest.number in pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()


async def test_what_was_never_bought_or_closed(db):
    _, request = await asked(db)
    (call,) = await shipping.prepare_labels(db, requests=[request])
    for label_id in (new_id(), call.label_id):
        with pytest.raises(shipping.NoSuchDocument):
            await shipping.label_document(db, label_id=label_id, form="pdf")
    with pytest.raises(shipping.NoSuchDocument):
        await shipping.manifest_document(db, manifest_id=new_id(), sender=HOME)
