"""Whether the process lives, whether it can work, and what it counts: for supervisors, open to all, telling nothing else."""

from __future__ import annotations

from fastapi import Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from orderloom.api.door import Desk, Routes
from orderloom.api.wire import Out

routes = Routes("vitals", prefix="")


class Vital(Out):
    """It works."""

    status: str


@routes.get("/healthz", scope=None)
async def healthz() -> Vital:
    """Whether the process answers"""
    return Vital(status="alive")


@routes.get("/readyz", scope=None, refuses=(503,))
async def readyz(request: Request) -> Vital:
    """Whether the database answers too: 503 takes this process out of rotation"""
    desk: Desk = request.app.state.desk
    async with desk.database.transaction(readonly=True) as db:
        await db.execute("SELECT 1")
    return Vital(status="ready")


@routes.get("/metrics", scope=None, media_type="text/plain")
async def metrics(request: Request) -> Response:
    """Counters for Prometheus"""
    return Response(generate_latest(request.app.state.meters.registry), media_type=CONTENT_TYPE_LATEST)
