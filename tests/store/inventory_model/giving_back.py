"""What comes back to the nodes: of orders or of nobody knows which, asked for or not, and what becomes of it."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from orderloom.returns.model import Disposition, Moved, Requested
from tests.store.inventory_model.model import DELIVERED, Model, Place
from tests.store.inventory_model.shop import NODES, SKUS

HELD = (Disposition.NEEDS_INSPECTION, Disposition.REFURBISH)
BECOMES = (*HELD, Disposition.RESTOCK, Disposition.DESTROY)
nodes, skus, few = st.sampled_from(NODES), st.sampled_from(SKUS), st.integers(1, 3)


class GivingBack(Model):
    """Its rules."""

    @rule(node=nodes, sku=skus, units=few, becomes=st.sampled_from(BECOMES))
    def have_goods_back(self, node: str, sku: str, units: int, becomes: Disposition) -> None:
        self._back(self.shop.have_back(node, sku, units, becomes), (node, sku), units, becomes)

    def _back(self, back: UUID, at: Place, units: int, becomes: Disposition) -> None:
        self.on_hand[at] += 0 if becomes == Disposition.DESTROY else units
        if becomes in HELD:
            self.aside[at] += units
            self.backs[back] = (at, units)
        self.settle()

    @rule(
        data=st.data(),
        node=nodes,
        units=few,
        came=st.integers(0, 3),
        blind=st.booleans(),
        becomes=st.sampled_from(BECOMES),
    )
    def have_goods_of_an_order_back(
        self, data: st.DataObject, node: str, units: int, came: int, blind: bool, becomes: Disposition
    ) -> None:
        """Never more of a line than was delivered and has not been asked back; what the buyer keeps may be again."""
        delivered = [o for o, pieces in self.orders.items() if {r for _, r, _ in +pieces} == {DELIVERED}]
        order = data.draw(st.sampled_from(delivered))
        line, sku, sold = data.draw(st.sampled_from(self.shop.lines(order)))
        said = self.shop.ask_back(order, line, units, node, blind=blind)
        assert isinstance(said, Requested) == (units <= sold - self.asked_back[line])
        if not isinstance(said, Requested):
            self.settle()
            return
        came = units if blind or becomes in HELD else min(came, units)
        if not blind:
            self.shop.send_back(said.return_id, came)
        self.asked_back[line] += units if came else 0
        if came:
            self.shop.judge(said.return_id, becomes)
        if 0 < came < units:
            assert isinstance(self.shop.expect_no_more(said.return_id), Moved)
        self._back(said.return_id, (node, sku), came, becomes)

    @precondition(lambda self: self.backs)
    @rule(data=st.data(), becomes=st.sampled_from((Disposition.RESTOCK, Disposition.DESTROY)))
    def judge_what_was_put_aside(self, data: st.DataObject, becomes: Disposition) -> None:
        back = data.draw(st.sampled_from(sorted(self.backs)))
        at, units = self.backs.pop(back)
        self.shop.judge(back, becomes)
        # Where a count has let them go meanwhile, stock cannot tell them apart: a person's matter.
        if self.aside[at] >= units:
            self.aside[at] -= units
            self.on_hand[at] -= units if becomes == Disposition.DESTROY else 0
        self.settle()
