"""The console's routes, a file a screen."""

from __future__ import annotations

from orderloom.console.routes import (
    configuration,
    counting,
    editing,
    entry,
    exceptions,
    inventory,
    invoices,
    jobs,
    limits,
    messages,
    nodes,
    order,
    order_actions,
    orders,
    overview,
    parcels,
    planning,
    promise,
    returns,
    sourcing,
    stock,
)

ROUTERS = (
    entry.router,
    overview.router,
    orders.router,
    jobs.router,
    order.router,
    order_actions.router,
    editing.router,
    exceptions.router,
    # Before the items' own pages, whose address takes whatever follows.
    stock.router,
    limits.router,
    counting.router,
    inventory.router,
    nodes.router,
    parcels.router,
    invoices.router,
    promise.router,
    sourcing.router,
    planning.router,
    returns.router,
    messages.router,
    configuration.router,
)
