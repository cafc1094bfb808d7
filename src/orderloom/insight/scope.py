"""Whose orders a reader may see: every list and page is bounded by the credential's channels and nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """Channels and nodes a reader is bound to; None means all of them."""

    channels: Sequence[UUID] | None = None
    nodes: Sequence[UUID] | None = None


EVERYTHING = Scope()

# Every statement that reads orders takes the scope's channels as $1 and its nodes as $2, and has this in its WHERE.
ORDER_IN_SCOPE = """
  ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR EXISTS (
    SELECT 1 FROM orders.slices AS seen WHERE seen.order_id = o.id AND seen.node_id = ANY($2)))
"""
