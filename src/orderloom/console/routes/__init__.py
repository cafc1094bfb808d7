"""The console's routes, a file a screen."""

from __future__ import annotations

from orderloom.console.routes import (
    configuration,
    entry,
    exceptions,
    inventory,
    messages,
    nodes,
    order,
    order_actions,
    orders,
    overview,
    parcels,
    promise,
    returns,
    stock,
)

ROUTERS = (
    entry.router,
    overview.router,
    orders.router,
    order.router,
    order_actions.router,
    exceptions.router,
    # Before the items' own pages, whose address takes whatever follows.
    stock.router,
    inventory.router,
    nodes.router,
    parcels.router,
    promise.router,
    returns.router,
    messages.router,
    configuration.router,
)
