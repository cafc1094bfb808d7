"""Safety stock computed from a target: what the ledger and the channels' lag teach, put in place as rules, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom.inventory.allotting import SafetyRule
from orderloom.inventory.safety import Learnt, Safety, safety
from orderloom.inventory.store import learning
from orderloom.journey.limiting import secure
from orderloom.plumbing.database import Db
from orderloom.plumbing.settings import settings
from orderloom.sync.store import availability

WINDOW = timedelta(days=56)
# Where no channel has accepted anything yet, nobody knows how late it will be.
LAG_UNKNOWN_S = 60.0
TOGETHER = 500
# So many movements of a balance are read in a moment; more are summed.
TALLIED_OVER = 2_000
FIRST = (UUID(int=0), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to compute for. `lag_s` None takes what was measured; `nodes` and `skus` None mean all."""

    target: float
    lag_s: float | None = None
    nodes: Sequence[UUID] | None = None
    skus: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a balance should keep back. `by_hand`: somebody set a number for it, which is left as it is."""

    node_id: UUID
    sku: str
    was: int
    safety: Safety
    by_hand: bool


async def measured_lag(db: Db, *, now: datetime) -> float:
    """How old a channel's number may be: what 95 of 100 took to be accepted in a day, and the pause of the readers."""
    found = await availability.lag(db, since=now - timedelta(days=1))
    return LAG_UNKNOWN_S if found is None else found + settings().availability_milliseconds / 1000


async def propose(
    db: Db, *, asked: Asked, now: datetime, after: tuple[UUID, str] = FIRST, limit: int = TOGETHER
) -> list[Proposal]:
    """The safety stock of balances with something on hand, by key; fewer than `limit` are the last."""
    begun = await learning.first_moved(db)
    if begun is None:
        return []
    since = max(begun, now - WINDOW)
    rows = await learning.balances(db, nodes=asked.nodes, skus=asked.skus, after=after, limit=limit)
    keys = [(row["node_id"], row["sku"]) for row in rows]
    sizes = await learning.sizes(db, keys, since=since)
    picks = await learning.picks(db, sorted({node for node, _ in keys}), since=since)
    by_hand = await learning.set_by_hand(db, keys)
    lag = asked.lag_s if asked.lag_s is not None else await measured_lag(db, now=now)
    found = []
    for row, key in zip(rows, keys, strict=True):
        picked, missed = picks.get(row["node_id"], (0, 0))
        learnt = Learnt(
            on_hand=row["on_hand"],
            sizes=sizes.get(key, {}),
            window_s=max(1.0, (now - since).total_seconds()),
            picked=picked,
            missed=missed,
        )
        computed = safety(learnt=learnt, lag_s=lag, target=asked.target)
        found.append(
            Proposal(
                node_id=row["node_id"],
                sku=row["sku"],
                was=row["safety_stock"],
                safety=computed,
                by_hand=key in by_hand,
            )
        )
    return found


async def apply(db: Db, *, proposals: Sequence[Proposal]) -> int:
    """Put proposals in place as rules; what was set by hand stays. Returns how many balances keep another number."""
    ours = [p for p in proposals if not p.by_hand]
    if not ours:
        return 0
    rules = [SafetyRule(units=p.safety.units, node_id=p.node_id, sku=p.sku) for p in ours]
    await secure(db, rules=rules, source="computed", basis=[p.safety.basis() for p in ours])
    return sum(p.was != p.safety.units for p in ours)


async def achieved(db: Db, *, nodes: Sequence[UUID] | None = None) -> list[dict[str, Any]]:
    """Target against what came of it, since the rules were set."""
    return await learning.achieved(db, nodes=nodes)


async def tally(db: Db, now: datetime) -> None:
    """A chore: sum the ledger up where it has grown long, and count what computed rules have achieved."""
    await learning.tally(db, since=now - timedelta(days=1), over=TALLIED_OVER, most=TOGETHER)
    await learning.note_seen(db)
