"""The simulated buyers who send things back, and the docks that take them in again."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from orderloom.simulate.client import Client, Json, Refusal

REASONS = ("too_small", "changed_mind", "damaged", "not_as_described", "defective")
WORN = frozenset({"damaged", "defective"})
# A parcel that has just been scanned as delivered may take a moment to be so in the order's books.
LOOKS_MOST = 40


@dataclass(slots=True)
class Returners:
    """Orders whose buyers will send something back, by order number, and how often each was looked at."""

    client: Client
    dice: random.Random
    likelihood: float = 0.05
    asked: int = 0
    _thinking: deque[tuple[str, int]] = field(default_factory=deque)

    def delivered(self, order_number: str) -> None:
        """A parcel of that order has come: perhaps it does not please."""
        if self.dice.random() < self.likelihood:
            self._thinking.append((order_number, 0))

    @property
    def undecided(self) -> int:
        """Buyers who still want to send something back."""
        return len(self._thinking)

    async def round(self) -> int:
        """Ask for returns, receive what has arrived, judge it; returns how much that was."""
        return await self._ask() + await self._receive() + await self._inspect()

    async def _ask(self) -> int:
        count = 0
        for _ in range(len(self._thinking)):
            number, looks = self._thinking.popleft()
            found = (await self.client.get("/orders", number=number))["data"]
            lines = (await self.client.get(f"/orders/{found[0]['id']}/returnable"))["lines"] if found else []
            possible = [line for line in lines if line["returnable"]]
            if possible:
                line = self.dice.choice(possible)
                quantity = self.dice.randint(1, line["returnable"])
                body = {"line_id": line["line_id"], "quantity": quantity, "reason": self.dice.choice(REASONS)}
                if await self._do(f"/orders/{found[0]['id']}/returns", {"lines": [body]}):
                    self.asked += 1
                    count += 1
            elif looks < LOOKS_MOST:
                self._thinking.append((number, looks + 1))
        return count

    async def _receive(self) -> int:
        count = 0
        async for page in self.client.pages("/returns", status="in_transit"):
            for back in page:
                lines = [
                    {"return_line_id": line["id"], "quantity": line["quantity"] - line["received"]}
                    for line in back["lines"]
                    if line["quantity"] > line["received"]
                ]
                count += bool(lines) and await self._do(f"/returns/{back['id']}/receive", {"lines": lines})
        return count

    async def _inspect(self) -> int:
        count = 0
        async for page in self.client.pages("/returns", status="received"):
            for back in page:
                lines = [
                    {
                        "return_line_id": line["id"],
                        "disposition": "destroy" if line["reason"] in WORN else "restock",
                        "grade": "C" if line["reason"] in WORN else "A",
                    }
                    for line in back["lines"]
                    if line["received"] and line["disposition"] is None
                ]
                count += bool(lines) and await self._do(f"/returns/{back['id']}/inspect", {"lines": lines})
        return count

    async def _do(self, path: str, body: Json) -> bool:
        try:
            await self.client.post(path, body)
        except Refusal as refusal:
            if refusal.status not in {404, 409, 422}:
                raise
            return False
        return True
