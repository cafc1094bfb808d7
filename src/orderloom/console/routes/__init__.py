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
    returns,
)

ROUTERS = (
    entry.router,
    overview.router,
    orders.router,
    order.router,
    order_actions.router,
    exceptions.router,
    inventory.router,
    nodes.router,
    parcels.router,
    returns.router,
    messages.router,
    configuration.router,
)
