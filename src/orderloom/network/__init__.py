"""Nodes with their calendars, cut-offs, capacity and outages; sales channels; where a postcode lies.

Owns nodes and channels. Promises that putting the same ones twice changes nothing, and that a version grows by one
exactly when something changed. Never counts stock and never chooses a node: that is `inventory` and `routing`.
"""

from __future__ import annotations

from orderloom.network.model import Channel, Node
from orderloom.network.store import (
    channels_of,
    close,
    closed,
    nodes_at,
    nodes_of,
    put_channels,
    put_nodes,
    reopen,
)

__all__ = [
    "Channel",
    "Node",
    "channels_of",
    "close",
    "closed",
    "nodes_at",
    "nodes_of",
    "put_channels",
    "put_nodes",
    "reopen",
]
