"""What an operation is: a function of its client that makes one request of what the client knows, and says what it means.

`facts` are what the checker holds against the end; `learn` is told what was answered, `lost` that nobody will ever say.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.torture.history import Facts

Json = dict[str, Any]
KIT, PARTS = "HOT-KIT", {"HOT-A": 1, "HOT-B": 2}
LAST, LAST_UNITS = "LAST", 2
PRICE = 1000


@dataclass(slots=True, kw_only=True)
class Plan:
    """One request to be made."""

    path: str
    body: Json | None = None
    method: str = "POST"
    facts: Facts = field(default_factory=Facts)
    known: str | None = None
    preview: bool = False
    """Shows what it would do: it takes no key, and what it tells of never is."""
    learn: Callable[[Any], None] = lambda _answer: None
    lost: Callable[[], None] = lambda: None

    @property
    def writes(self) -> bool:
        """Whether it is to change anything."""
        return self.method != "GET" and not self.preview


class Acting(Protocol):
    """What an operation sees of its client."""

    name: str
    dice: random.Random
    skus: tuple[str, ...]
    nodes: tuple[str, ...]
    reason: str
    orders: dict[str, dict[str, int]]
    """Own orders by id, with their units; an order leaves once it is cancelled."""
    carts: dict[str, dict[str, int]]
    """Own open carts by id, with their units."""
    counted: list[tuple[str, str, str, str]]
    """Snapshots taken: source, node, SKU, moment."""

    async def look(self, path: str, body: Json | None = None) -> Any: ...


Operation = Callable[[Acting], Awaitable[Plan | None]]


def one_of(me: Acting, known: dict[str, Any]) -> str | None:
    """One of what is known, if anything is."""
    return me.dice.choice(sorted(known)) if known else None


def parts_of(sku: str) -> dict[str, int]:
    """Units by SKU that one of it is made of."""
    return PARTS if sku == KIT else {sku: 1}


def taken_apart(lines: list[tuple[str, int]]) -> dict[str, int]:
    """Units by SKU, kits taken apart."""
    units: Counter[str] = Counter()
    for sku, n in lines:
        for part, each in parts_of(sku).items():
            units[part] += each * n
    return dict(units)
