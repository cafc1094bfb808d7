"""Labels that are taken back: the undo of the label step, the same for what goes out and what would come home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom import delivery, shipping
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import Answer, Outcomes, Outward, Park
from orderloom.shipping.model import Refused


async def ask_label_voids(db: Db, subjects: Sequence[UUID], _now: datetime) -> Sequence[object]:
    """The carrier calls that void the labels of fulfillment orders that were taken back, or of returns nobody will send."""
    return await shipping.prepare_voids(db, subjects=subjects)


async def note_label_voids(
    db: Db, subjects: Sequence[UUID], answers: Sequence[Answer], _now: datetime
) -> Outcomes:
    """Forget the parcels of voided labels."""
    answered = await shipping.record_voids(db, answers=answers)
    voided = await shipping.labels_of(db, subjects=subjects, statuses=["voided"])
    await delivery.unfollow(
        db, parcels=[(x.carrier, x.tracking_number) for x in voided if x.tracking_number is not None]
    )
    return {
        subject: Park(f"label not voided: {said.problem}")
        for subject, said in answered.items()
        if isinstance(said, Refused)
    }


VOID_LABELS = Outward(prepare=ask_label_voids, call=shipping.perform, record=note_label_voids)
