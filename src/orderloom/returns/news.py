"""What returns append to the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from orderloom.plumbing import events as log
from orderloom.plumbing.database import Db
from orderloom.returns.model import Return


async def tell(
    db: Db,
    kind: str,
    returns: Sequence[Return],
    *,
    versions: Mapping[UUID, int] | None = None,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """One event for each return, at its present version unless a newer one is named."""
    newer = versions or {}
    await log.append(
        db,
        [
            log.News(
                type=kind,
                entity="return",
                entity_id=each.id,
                order_id=each.order_id,
                node_id=each.node_id,
                version=newer.get(each.id, each.version),
                reason=reason,
                data={"number": each.number, **(data or {})},
            )
            for each in returns
        ],
    )
