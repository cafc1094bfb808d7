"""Orders edited after capture: lines raised, lowered, removed and added, with what has been asked of nodes meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from orderloom.journey import editing
from orderloom.journey.editing import CannotEdit, Edited
from orderloom.orders.editing import Added, Edit, LineEdit
from orderloom.orders.model import Refused
from tests.store.inventory_model.model import CANCELLED, SHIPPED, SHORT, Model, demand
from tests.store.inventory_model.shop import KIT, SKUS, Shop

ACKNOWLEDGED = 450
PRICE = 1000
_LINES = """
SELECT l.id, l.kit_line_id, l.is_kit, l.sku, l.quantity, coalesce(s.live, 0)::int AS live, coalesce(s.here, 0)::int AS here,
       coalesce(r.asked, 0)::int AS asked
FROM orders.lines AS l
LEFT JOIN (
  SELECT line_id, sum(quantity) FILTER (WHERE rank < 900) AS live, sum(quantity) FILTER (WHERE rank < 700) AS here
  FROM orders.slices GROUP BY line_id
) AS s ON s.line_id = l.id
LEFT JOIN (SELECT line_id, sum(quantity) AS asked FROM orders.cancellation_requests GROUP BY line_id) AS r ON r.line_id = l.id
WHERE l.order_id = $1 ORDER BY l.position
"""


@dataclass(slots=True)
class Line:
    """Units of it that nobody has cancelled or asked a node to let go, and those of them that have not shipped."""

    id: UUID
    sku: str
    quantity: int
    left: int
    here: int
    parts: list[tuple[Line, int]]
    """What one of it is made of; itself if it is no kit."""

    @property
    def now(self) -> int:
        return min(part.left // each for part, each in self.parts)


def _lines(shop: Shop, order: UUID) -> list[Line]:
    rows = shop.run(shop.db.fetch(_LINES, order))
    made = {
        row["id"]: Line(
            row["id"], row["sku"], row["quantity"], row["live"] - row["asked"], row["here"] - row["asked"], []
        )
        for row in rows
    }
    for row in rows:
        line, kit = made[row["id"]], made.get(row["kit_line_id"])
        line.parts += [] if row["is_kit"] else [(line, 1)]
        if kit is not None:
            kit.parts.append((line, line.quantity // kit.quantity))
    return [made[row["id"]] for row in rows]


class Editing(Model):
    """Its rule."""

    @precondition(lambda self: self.going)
    @rule(
        data=st.data(),
        steps=st.lists(st.sampled_from((-9, -2, -1, -1, 1, 2)), max_size=2),
        added=st.lists(st.tuples(st.sampled_from((*SKUS, KIT)), st.integers(1, 2)), max_size=1),
    )
    def edit_lines(self, data: st.DataObject, steps: list[int], added: list[tuple[str, int]]) -> None:
        order = data.draw(st.sampled_from(self.going))
        lines = _lines(self.shop, order)
        inner = {part.id for line in lines for part, _ in line.parts if part is not line}
        whole = [line for line in lines if line.id not in inner]
        wanted = {
            line.id: max(0, line.now + step)
            for line, step in zip(data.draw(st.permutations(whole)), steps, strict=False)
        }
        if not wanted and not added:
            return
        changes = [(line, wanted[line.id] - line.now) for line in whole if line.id in wanted]
        more = demand(added) + _units([(line, n) for line, n in changes if n > 0])
        fewer = _units([(line, -n) for line, n in changes if n < 0])
        refusing = order not in self.of_market
        there = {sku: self.atp(sku, "web" if refusing else "market") for sku in SKUS}
        waiting = {sku: self.waiting(sku) for sku in SKUS}
        forbidden = self._forbidden(order, lines, changes, more)
        before = self.orders[order]
        said = self._edit(order, wanted, added)
        assert isinstance(said, CannotEdit) == forbidden, said
        if isinstance(said, Edited):
            assert not refusing or all(there[sku] + fewer[sku] >= n for sku, n in more.items())
            self._edited(order, lines, changes, added, said)
            if refusing:
                assert _short(self.orders[order]) <= _short(before), "sold though it is not there"
        elif isinstance(said, Refused):
            assert refusing
            assert any(there[sku] - waiting[sku] < n for sku, n in more.items()), (
                "refused though there was enough"
            )
            self.settle()
        else:
            self.settle()

    def _edit(self, order: UUID, wanted: dict[UUID, int], added: list[tuple[str, int]]) -> Any:
        edit = Edit(
            lines=tuple(LineEdit(line_id=line, quantity=n) for line, n in wanted.items()),
            add=tuple(Added(sku=sku, quantity=n, unit_price=PRICE) for sku, n in added),
        )
        db = self.shop.db
        return self.shop.call(
            lambda: editing.edit(db, order_id=order, edit=edit, reason="model", now=datetime.now(UTC))
        )

    def _forbidden(
        self, order: UUID, lines: list[Line], changes: list[tuple[Line, int]], more: Counter[str]
    ) -> bool:
        """By how far the order has come, and what is left of it."""
        live = {rank for _, rank, _ in +self.orders[order] if rank < CANCELLED}
        if not live:
            return True
        left = sum(_held(lines).values())
        fewer = [(line, -n) for line, n in changes if n < 0]
        beyond = any(part.here < n * each for line, n in fewer for part, each in line.parts)
        nothing = bool(fewer) and not more and left == sum(_units(fewer).values())
        over = any(n > 0 and not line.now for line, n in changes)
        return (bool(more) and max(live) >= SHIPPED) or beyond or nothing or over

    def _edited(
        self,
        order: UUID,
        lines: list[Line],
        changes: list[tuple[Line, int]],
        added: list[tuple[str, int]],
        said: Edited,
    ) -> None:
        begun = any(ACKNOWLEDGED <= rank < CANCELLED for _, rank, _ in +self.orders[order])
        # A line becomes smaller while no node has begun; one that is removed stays, cancelled.
        gone = [(line, -n) for line, n in changes if n < 0 and line.now + n and not begun]
        self.ordered[order] += demand(added) + _units([(line, n) for line, n in changes if n > 0])
        self.ordered[order] -= _units(gone)
        self.settle(order)
        left = Counter({line.id: line.left for line in lines})
        for line, n in changes:
            left.update({part.id: n * each for part, each in line.parts})
        after = _lines(self.shop, order)
        assert all(line.left == left[line.id] for line in after if line.id in left)
        assert _held([line for line in after if line.id not in left]) == demand(added)
        came, told = _units(changes), Counter[str]()
        came.update(demand(added))
        for held in said.stock:
            told[held.sku] += held.units
        told.subtract(said.requested)
        assert {s: n for s, n in told.items() if n} == {s: n for s, n in came.items() if n}
        if KIT not in (line.sku for line in after):
            assert said.owed[1] == PRICE * sum(
                n for (_, r, _), n in self.orders[order].items() if r < CANCELLED
            )


def _units(changes: list[tuple[Line, int]]) -> Counter[str]:
    """Units by SKU that lines are changed by."""
    found: Counter[str] = Counter()
    for line, n in changes:
        for part, each in line.parts:
            found[part.sku] += n * each
    return found


def _held(lines: list[Line]) -> Counter[str]:
    """Units by SKU of lines that hold any themselves."""
    found: Counter[str] = Counter()
    for line in lines:
        if line.parts == [(line, 1)]:
            found[line.sku] += line.left
    return found


def _short(pieces: Counter[Any]) -> Counter[str]:
    """Units by SKU that wait for stock."""
    found: Counter[str] = Counter()
    for (sku, rank, _), n in pieces.items():
        found[sku] += n if rank in SHORT else 0
    return found
