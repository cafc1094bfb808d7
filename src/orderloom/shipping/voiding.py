"""The undo of the label step: labels given up at the carrier, those with an unknown purchase included."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.shipping.labelling import tell_voided
from orderloom.shipping.model import CarrierAnswer, CarrierCall, Refused, Voided
from orderloom.shipping.store import contracts as contract_store
from orderloom.shipping.store import labels as store


async def prepare_voids(db: Db, *, subjects: Sequence[UUID]) -> list[CarrierCall]:
    """One call for each label of these fulfillment orders or returns that is, or may be, good.

    Labels already used are in the carrier's hands: their call has a problem and `perform` answers it with Refused.
    """
    adapters = {code: row.adapter for code, row in (await contract_store.carriers(db)).items()}
    return [
        CarrierCall(
            subject=label.subject,
            provider=label.carrier,
            verb="none" if label.status == "used" else "void",
            label_id=label.id,
            reference=label.reference,
            adapter=adapters[label.carrier],
            unsure=label.status in ("requested", "unknown"),
            problem=f"{label.tracking_number} is in the carrier's hands" if label.status == "used" else None,
        )
        for label in await store.live_labels(db, subjects=subjects)
    ]


async def record_voids(
    db: Db, *, answers: Sequence[tuple[CarrierCall, CarrierAnswer]]
) -> dict[UUID, Voided | Refused]:
    """Keep what was voided. A subject with a refused void has that refusal as its outcome; one that had no label
    is absent: there was nothing to take back.
    """
    outcomes: dict[UUID, Voided | Refused] = {}
    gone: list[UUID] = []
    for call, answer in answers:
        if isinstance(answer, Voided) and call.label_id:
            gone.append(call.label_id)
            outcomes.setdefault(call.subject, answer)
        elif isinstance(answer, Refused):
            outcomes[call.subject] = answer
    await tell_voided(db, gone)
    return outcomes
