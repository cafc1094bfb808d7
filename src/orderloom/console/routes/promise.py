"""The promise: whether dates were kept, what was learnt of lateness, and how well that has told the weeks after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from orderloom import network
from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import deliveries
from orderloom.journey import promising
from orderloom.journey.promising import Answer
from orderloom.network.model import Channel
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db
from orderloom.terms import Address

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]
LEVELS = ("p50", "p80", "p95")


class Asked:
    """What is asked after, as the address bar has it."""

    def __init__(
        self,
        *,
        channel: str = "",
        sku: str = "",
        quantity: Annotated[int, Query(ge=1, le=10_000)] = 1,
        postcode: Annotated[str, Query(max_length=20)] = "",
        region: Annotated[str, Query(max_length=40)] = "",
    ) -> None:
        self.channel, self.sku, self.quantity = channel, sku.strip(), quantity
        self.postcode, self.region = postcode.strip(), region.strip().upper()


@router.get("/promise")
async def show(request: Request, who: May, asked: Annotated[Asked, Depends()]) -> Response:
    now = clock.now()
    async with reading(request) as db:
        kept = await deliveries.kept_by_week(db, scope=who.scope, now=now)
        found = await deliveries.calibration(db)
        channels = {
            c.code: c for c in (await network.channels_of(db, ids=who.scope.channels)).values() if c.active
        }
        said = await _answer(db, asked, channels, now)
    return page(
        request,
        "promise.html",
        kept=kept,
        found=found,
        levels=LEVELS,
        asked=asked,
        channels=sorted(channels),
        answer=said if isinstance(said, Answer) else None,
        unknown=", ".join(said) if isinstance(said, tuple) else "",
    )


async def _answer(
    db: Db, asked: Asked, channels: Mapping[str, Channel], now: datetime
) -> Answer | tuple[str, ...] | None:
    """None while nothing is asked."""
    channel = channels.get(asked.channel)
    if channel is None or not asked.sku:
        return None
    return await promising.ask(
        db,
        channel=channel,
        lines={asked.sku: asked.quantity},
        to=Address(postcode=asked.postcode, region=asked.region),
        levels=list(channel.promise_days),
        now=now,
    )
