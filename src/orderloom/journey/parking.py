"""What becomes of a subject that stops: a case for a person, with the way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from orderloom.orders import exceptions
from orderloom.orders.exceptions import NewException
from orderloom.orders.reading import fulfillments_of
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import Parked
from orderloom.returns.reading import returns_of

_DUE = timedelta(hours=4)


def parked(entity: str) -> Parked:
    """The hook that opens an exception for each subject of this kind that stops."""

    async def open_cases(db: Db, stops: Sequence[tuple[UUID, str, str]]) -> None:
        ids = [subject for subject, _, _ in stops]
        orders: dict[UUID, UUID | None] = {}
        if entity == "order":
            orders = {subject: subject for subject in ids}
        elif entity == "fulfillment":
            orders = {w.id: w.order_id for w in (await fulfillments_of(db, ids=ids)).values()}
        elif entity == "return":
            orders = {i: back.order_id for i, (back, _) in (await returns_of(db, ids=ids)).items()}
        await exceptions.open_(
            db,
            cases_=[
                NewException(
                    kind=f"{entity}_stopped_at_{step}",
                    entity=entity,
                    entity_id=subject,
                    order_id=orders.get(subject),
                    detail=problem,
                    way_out="Put right what it names, then retry the step; or skip it, rewind, or cancel.",
                    due_at=clock.now() + _DUE,
                )
                for subject, step, problem in stops
            ],
        )

    return open_cases
