"""Labels and manifests as papers, drawn anew from what is stored whenever they are asked for."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.shipping.agreed import Service
from orderloom.shipping.contracts import contract_book
from orderloom.shipping.labels import LabelFace, label_pdf, label_zpl, manifest_pdf
from orderloom.shipping.store import contracts as contract_store
from orderloom.shipping.store import labels as store
from orderloom.shipping.store import manifests as manifest_store
from orderloom.terms import Address

# Labels of these adapters are accepted by nobody in the real world.
_TEST_ADAPTERS = {"simulated"}


class NoSuchDocument(LookupError):
    """No label was bought, or no manifest closed, under that id."""


async def label_document(db: Db, *, label_id: UUID, form: Literal["zpl", "pdf"]) -> bytes:
    """The label to print. One that is voided or simulated says so. Raises NoSuchDocument."""
    label = (await store.labels_by_id(db, [label_id])).get(label_id)
    if label is None or label.tracking_number is None:
        raise NoSuchDocument
    carrier = (await contract_store.carriers(db))[label.carrier]
    service = await _service(db, label.carrier, label.service)
    face = LabelFace.of_request(
        label.request,
        carrier=carrier.name,
        service=service.name if service else label.service,
        tracking_number=label.tracking_number,
        test=label.status == "voided" or carrier.adapter in _TEST_ADAPTERS,
    )
    return label_zpl(face).encode() if form == "zpl" else label_pdf(face)


async def _service(db: Db, carrier: str, service: str) -> Service | None:
    """The service as the newest contract that has it calls it."""
    book = await contract_book(db)
    for version in book.versions:
        if version.carrier == carrier and (found := book.compiled[version.id].tariff.services.get(service)):
            return found.service
    return None


async def manifest_document(db: Db, *, manifest_id: UUID, sender: Address) -> bytes:
    """The manifest to print, under the node's address. Raises NoSuchDocument."""
    manifest = (await manifest_store.manifests_by_id(db, [manifest_id])).get(manifest_id)
    if manifest is None:
        raise NoSuchDocument
    carrier = (await contract_store.carriers(db))[manifest.carrier]
    return manifest_pdf(manifest, sender=sender, carrier_name=carrier.name)
