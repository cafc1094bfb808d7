"""Telling that what may be offered of SKUs has changed though no unit moved: allotments, safety stock, nodes, channels.

Movements need no telling: whoever publishes availability follows the ledger itself.
"""

from __future__ import annotations

from collections.abc import Collection

from orderloom.inventory.store import stock
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import new_id

OFFER_CHANGED = "stock.offer_changed"
# SKUs of one event: what changes every SKU is worked off in parts that a reader can take in hand.
TOGETHER = 100


async def tell_offer_changed(db: Db, *, skus: Collection[str] | None, reason: str) -> None:
    """Append that the offer of these SKUs has to be worked out anew; None: of all that are stocked anywhere."""
    changed = sorted(set(skus)) if skus is not None else await stock.stocked(db)
    await events.append(
        db,
        [
            News(
                type=OFFER_CHANGED,
                entity="stock",
                entity_id=new_id(),
                reason=reason,
                data={"skus": changed[start : start + TOGETHER]},
            )
            for start in range(0, len(changed), TOGETHER)
        ],
    )
