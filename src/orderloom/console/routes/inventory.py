"""Stock: the grid of SKU by node, and the ledger behind each cell."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import catalogue_pages, inventory_grid

router = APIRouter()
May = Annotated[Visitor, Depends(needs("inventory:read"))]
PAGE, COLUMNS, MOVEMENTS, NODES, LOTS = 50, 12, 100, 200, 50
SHOWN = ("all", "out", "unsellable")


@router.get("/inventory")
async def grid(
    request: Request,
    who: May,
    q: Annotated[str, Query(max_length=100)] = "",
    show: str = "all",
    node: Annotated[str, Query(max_length=100)] = "",
    channel: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    text, shown = q.strip().replace("\0", ""), show if show in SHOWN else "all"
    async with reading(request) as db:
        nodes = await inventory_grid.stocked_nodes(db, scope=who.scope, limit=NODES)
        channels = await catalogue_pages.channels(db, scope=who.scope, limit=NODES)
        asked = next((each["id"] for each in channels if each["code"] == channel), None)
        columns = [each for each in nodes if node in ("", each["code"])]
        items = await inventory_grid.items(
            db, scope=who.scope, text=text, show=shown, node=node, channel=asked, after=after, limit=PAGE
        )
        cells = await inventory_grid.cells(
            db,
            scope=who.scope,
            skus=[item["sku"] for item in items[:PAGE]],
            nodes=[each["code"] for each in columns[:COLUMNS]],
        )
    return page(
        request,
        "inventory.html",
        fragment="_inventory.html",
        every_node=nodes,
        channels=channels,
        nodes=columns[:COLUMNS],
        more_nodes=len(columns) > COLUMNS,
        items=items[:PAGE],
        cells={(cell["sku"], cell["node"]): cell for cell in cells},
        params={"q": text, "show": shown, "node": node, "channel": channel if asked else ""},
        more=items[PAGE - 1]["sku"] if len(items) > PAGE else None,
    )


@router.get("/inventory/{sku:path}")
async def ledger(
    request: Request,
    sku: str,
    who: May,
    node: Annotated[str, Query(max_length=100)] = "",
    before: Annotated[int, Query(ge=1, le=inventory_grid.LAST)] = inventory_grid.LAST,
) -> Response:
    async with reading(request) as db:
        item = await inventory_grid.item(db, sku=sku)
        if item is None:
            raise HTTPException(404)
        cells = await inventory_grid.cells(db, scope=who.scope, skus=[sku], nodes=[])
        coming = await inventory_grid.coming(db, scope=who.scope, sku=sku)
        offered = await inventory_grid.offered(db, scope=who.scope, sku=sku)
        lots = (
            await inventory_grid.lots(db, scope=who.scope, sku=sku, limit=LOTS) if item["tracked_by"] else []
        )
        rows = await inventory_grid.movements(
            db, scope=who.scope, sku=sku, node=node, before=before, limit=MOVEMENTS
        )
    return page(
        request,
        "ledger.html",
        item=item,
        cells=sorted(cells, key=lambda cell: cell["node"]),
        coming=coming,
        offered=offered,
        lots=lots[:LOTS],
        more_lots=len(lots) > LOTS,
        rows=rows[:MOVEMENTS],
        node=node,
        more=rows[MOVEMENTS - 1]["id"] if len(rows) > MOVEMENTS else None,
    )
