"""Promises: how well dates have been kept, and how well what was learnt from deliveries tells them."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import AwareDatetime, Field

from orderloom.api.door import Here, Routes
from orderloom.api.wire import Out
from orderloom.insight import deliveries

routes = Routes("promises")
WEEKS = 12


class KeptOut(Out):
    """Orders promised for a week."""

    week: date = Field(description="Its Monday")
    promised: int
    kept: int = Field(description="There by the promised moment")
    mean_days: float = Field(description="From order to promise")


class LateServiceOut(Out):
    """Days after the contract's own by which a service's parcels are there."""

    service: str
    deliveries: int
    p50: int
    p80: int
    p95: int


class CalibrationOut(Out):
    """Promises kept, and what was learnt held against the weeks after it was. All empty where nothing was learnt."""

    kept: list[KeptOut]
    version: int | None = Field(description="Of what was learnt and is in use")
    learnt_at: AwareDatetime | None
    deliveries: int = Field(description="Shipments it was learnt from")
    services: list[LateServiceOut]
    weeks: list[dict[str, Any]] = Field(
        description="By week: shipments, coverage and pinball loss of P50, P80, P95, mean days late"
    )


@routes.get("/promises/calibration", scope="orders:read")
async def read_calibration(call: Here) -> CalibrationOut:
    """How well promises were kept in the last weeks, and how well what was learnt foretold it"""
    kept = await deliveries.kept_by_week(call.db, scope=call.scope, now=call.now, weeks=WEEKS)
    found = await deliveries.calibration(call.db)
    return CalibrationOut(
        kept=[
            KeptOut(week=one.week, promised=one.promised, kept=one.kept, mean_days=round(one.days, 2))
            for one in kept
        ],
        version=found.version if found else None,
        learnt_at=found.learnt_at if found else None,
        deliveries=found.deliveries if found else 0,
        services=[
            LateServiceOut(**{name: getattr(one, name) for name in LateServiceOut.model_fields})
            for one in (found.services if found else ())
        ],
        weeks=list(found.weeks) if found else [],
    )
