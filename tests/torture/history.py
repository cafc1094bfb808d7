"""What clients write down: what they asked for, what they were told, and when. The checker knows nothing else.

Shares nothing with the product but the wire. A history is kept as JSON lines, so that a failing run can be looked at.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


@dataclass(slots=True, kw_only=True)
class Facts:
    """What an operation means for the goods, if it took effect. `moves` are by "node sku"."""

    claims: dict[str, int] = field(default_factory=dict)
    """Units by SKU that this keeps for a buyer."""
    unsure: bool = False
    """Taken whether there is stock or not: it promises to supply, and no unit that is there."""
    frees: dict[str, int] = field(default_factory=dict)
    """Units by SKU, at most, that this gives up for a buyer."""
    moves: dict[str, int] = field(default_factory=dict)
    """Units that come to a node or leave it, by hand."""
    elastic: bool = False
    """A count is always recorded as far as there are units: of what it takes away less may have gone."""
    counted: bool = False
    """An absolute quantity: the answer says what the difference was."""
    order: str | None = None
    """The external id of the order that this creates."""
    edits: str | None = None
    """The id of the order whose lines this changes. Unknown, `claims` and `frees` are the most that it may have done."""
    asked: dict[str, int] = field(default_factory=dict)
    """Units by SKU that the edit is to bring more or, below nought, fewer."""
    had: dict[str, int] | None = None
    """Units by SKU that the order had at the version that the edit names, if it names one."""
    shown: list[Any] | None = None
    """Total and what is owed as a preview of the edit at that version told them."""
    cart: str | None = None
    """The cart that this makes, changes or ends; what it kept before is no longer certain from here on."""
    keeps: dict[str, int] = field(default_factory=dict)
    """Units by SKU that the cart is told to keep, for `ttl_s` at least, if nobody counts fewer."""
    ttl_s: float = 0.0
    ends: str | None = None
    """What becomes of the cart: consumed or cancelled."""


@dataclass(slots=True, kw_only=True)
class Did:
    """One operation of one client, from its first attempt to the last answer."""

    client: int
    number: int
    operation: str
    key: str
    path: str
    body: Any = None
    invoked: float = 0.0
    answered: float | None = None
    outcome: str = UNKNOWN
    status: int | None = None
    answer: Any = None
    tried: list[str] = field(default_factory=list)
    """Each attempt: a status, or what broke."""
    repeats: list[tuple[int, Any]] = field(default_factory=list)
    """What the very same request was answered later, once its outcome was known."""
    misused: int | None = None
    """What another body under the same key was answered."""
    facts: Facts = field(default_factory=Facts)
    seen: list[tuple[str, int]] = field(default_factory=list)
    """Objects in the answer, each with its version."""
    wrote: bool = True
    known: str | None = None
    """An object that some client has been told exists, and that this operation reads."""

    @property
    def reason(self) -> str:
        """Written into the ledger with every unit that it moves."""
        return f"c{self.client}-{self.number}"


@dataclass(slots=True, kw_only=True)
class Final:
    """What the API shows when all is over, what log and audit say, and what gateway and carrier have that we have not."""

    levels: list[dict[str, Any]]
    movements: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    carts: list[dict[str, Any]] = field(default_factory=list)
    deadlocks: int = 0
    audit: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def live(lines: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Units by SKU that are not cancelled, of lines as the API shows them."""
    found: Counter[str] = Counter()
    for line in lines:
        for piece in line["slices"]:
            if piece["status"] != "cancelled":
                found[line["sku"]] += piece["quantity"]
    return found


def keep(path: Path, history: Iterable[Did], final: Final) -> None:
    """One line an operation, the final state last."""
    with path.open("w") as file:
        for did in history:
            file.write(json.dumps(asdict(did), default=str) + "\n")
        file.write(json.dumps({"final": asdict(final)}, default=str) + "\n")


def read(path: Path) -> tuple[list[Did], Final]:
    """What `keep` wrote."""
    *lines, last = path.read_text().splitlines()
    return [_did(json.loads(line)) for line in lines], Final(**json.loads(last)["final"])


def _did(row: Mapping[str, Any]) -> Did:
    known = {
        **row,
        "facts": Facts(**row["facts"]),
        "seen": [(name, version) for name, version in row["seen"]],
        "repeats": [(status, answer) for status, answer in row["repeats"]],
    }
    return Did(**known)
