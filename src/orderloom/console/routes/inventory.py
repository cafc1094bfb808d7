"""Stock: the grid of SKU by node, and the ledger behind each cell."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import inventory_grid

router = APIRouter()
May = Annotated[Visitor, Depends(needs("inventory:read"))]
PAGE, COLUMNS, MOVEMENTS = 50, 12, 100
SHOWN = ("all", "out", "unsellable")


@router.get("/inventory")
async def grid(
    request: Request,
    who: May,
    q: Annotated[str, Query(max_length=100)] = "",
    show: str = "all",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    text, shown = q.strip().replace("\0", ""), show if show in SHOWN else "all"
    async with reading(request) as db:
        nodes = await inventory_grid.stocked_nodes(db, scope=who.scope, limit=COLUMNS + 1)
        items = await inventory_grid.items(
            db, scope=who.scope, text=text, show=shown, after=after, limit=PAGE
        )
        cells = await inventory_grid.cells(
            db,
            scope=who.scope,
            skus=[item["sku"] for item in items[:PAGE]],
            nodes=[node["code"] for node in nodes[:COLUMNS]],
        )
    return page(
        request,
        "inventory.html",
        fragment="_inventory.html",
        nodes=nodes[:COLUMNS],
        more_nodes=len(nodes) > COLUMNS,
        items=items[:PAGE],
        cells={(cell["sku"], cell["node"]): cell for cell in cells},
        params={"q": text, "show": shown},
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
        rows = await inventory_grid.movements(
            db, scope=who.scope, sku=sku, node=node, before=before, limit=MOVEMENTS
        )
    return page(
        request,
        "ledger.html",
        item=item,
        cells=sorted(cells, key=lambda cell: cell["node"]),
        rows=rows[:MOVEMENTS],
        node=node,
        more=rows[MOVEMENTS - 1]["id"] if len(rows) > MOVEMENTS else None,
    )
