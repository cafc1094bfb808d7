"""Orders edited at random among what else happens to them: money and stock add up, and a preview keeps its word."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from orderloom.catalog.model import Item
from orderloom.insight import audit
from orderloom.journey import cancelling, editing, releasing, setup, sourcing
from orderloom.journey.editing import CannotEdit, Edited
from orderloom.journey.placing import place
from orderloom.journey.setup import Setup
from orderloom.orders.editing import Added, Edit, LineEdit
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.orders.reading import lines_of, orders_of, slices_of
from orderloom.payments import store as payment_rows
from orderloom.plumbing.database import Db
from orderloom.simulate import demo_data
from orderloom.terms import Address, Rank

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOME = Address(name="Ann", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")
SKUS = ("CUP", "JAR", "POT", "SET")


async def furnished(db: Db) -> list[UUID]:
    """Two nodes with cups and jars, a set of both, pots sold ahead; and three orders."""
    world = demo_data.setup()
    size = {"weight_g": 300, "length_mm": 100, "width_mm": 80, "height_mm": 60, "currency": "USD"}
    items = [Item(sku=sku, name=sku, list_price=1000 + 333 * i, **size) for i, sku in enumerate(SKUS)]
    items[2] = replace(items[2], backorder="always")
    wanted = Setup(
        nodes=[node for node in world.nodes if node.code in ("ATL", "CMH")],
        channels=world.channels,
        cartons=world.cartons,
        carriers=[carrier for carrier in world.carriers if carrier.code == "swift"],
        items=items,
        kits={"SET": {"CUP": 2, "JAR": 1}},
        stock={("ATL", "CUP"): 9, ("CMH", "CUP"): 3, ("ATL", "JAR"): 5, ("CMH", "POT"): 2},
    )
    await setup.put(db, wanted=wanted)
    drafts = []
    for i, (sku, tax) in enumerate((("CUP", 71), ("SET", 33), ("POT", 0))):
        line = LineDraft(sku=sku, quantity=2, unit_price=1001, tax=tax, discount=7)
        drafts.append(
            OrderDraft(
                channel="web",
                external_id=f"E-{i}",
                placed_at=NOW,
                currency="USD",
                buyer={"name": "Ann", "email": "ann@example.com"},
                ship_to=HOME,
                lines=(line,),
                shipping=499,
                tenders=(TenderDraft(method="card", token="tok_ok", amount=line.total + 499),),
            )
        )
    return [placed.order_id for placed in await place(db, drafts=drafts)]


def drawn(dice: random.Random, lines: list[Any]) -> Edit:
    """One change, or two at once."""
    own = [line for line in lines if line.kit_line_id is None]
    line = dice.choice(own)
    changes: dict[str, Any] = {"line_id": line.id, "quantity": dice.choice((0, 1, 2, 3, 4))}
    if dice.random() < 0.3:
        changes["unit_price"] = dice.choice((999, 1500))
    more: dict[str, Any] = {"lines": (LineEdit(**changes),)}
    if dice.random() < 0.4:
        more["add"] = (Added(sku=dice.choice(SKUS), quantity=dice.choice((1, 2))),)
    if dice.random() < 0.2:
        more["ship_to"] = replace(HOME, line1=f"{dice.randint(1, 99)} Main St")
    if dice.random() < 0.2:
        more |= {"shipping": dice.choice((0, 700)), "adjustment": dice.choice((-50, 25))}
    return Edit(**more)


async def seen(db: Db, order: UUID) -> tuple[Any, ...]:
    """What an edit may change."""
    known = (await orders_of(db, [order]))[order]
    pieces = sorted(
        (p.sku, int(p.rank), str(p.node_id), p.quantity) for p in await slices_of(db, orders=[order])
    )
    stock = await db.fetch("SELECT * FROM inventory.stock ORDER BY node_id, sku")
    intents = await payment_rows.intents_of(db, [order])
    return known, (await lines_of(db, [order]))[order], pieces, [dict(row) for row in stock], intents


async def test_money_and_stock_add_up_whatever_is_edited_when(db: Db) -> None:
    dice = random.Random(1)
    orders = await furnished(db)
    done = 0
    for _ in range(24):
        order = dice.choice(orders)
        happening = dice.random()
        if happening < 0.2:
            await sourcing.route(db, [order], NOW)
        elif happening < 0.25:
            await sourcing.unallocate(db, [order], NOW)
        elif happening < 0.3:
            await releasing.recall(db, [order], NOW)
        elif happening < 0.35:
            [line, *_] = [x for x in (await lines_of(db, [order]))[order] if not x.is_kit]
            await cancelling.cancel(db, order_id=order, reason="one less", quantities={line.id: 1})
        else:
            edit = drawn(dice, (await lines_of(db, [order]))[order])
            before = await seen(db, order)
            asked = {"order_id": order, "edit": edit, "reason": "at random", "now": NOW}
            preview = await editing.edit(db, **asked, keep=False)
            assert await seen(db, order) == before
            assert await editing.edit(db, **asked) == preview
            if not isinstance(preview, Edited):
                assert await seen(db, order) == before
                assert not isinstance(preview, CannotEdit) or all(f.message for f in preview.faults)
                continue
            done += 1
            after, lines, pieces, _, intents = await seen(db, order)
            assert after.total == preview.total[1]
            assert (
                after.total == sum(x.total for x in lines if not x.is_kit) + after.shipping + after.adjustment
            )
            [change] = edit.lines
            line = next(x for x in lines if x.id == change.line_id)
            live = sum(n for _, rank, _, n in pieces if rank != Rank.CANCELLED)
            assert live > 0
            assert not change.quantity or line.quantity >= change.quantity
            assert sum(i.amount for i in intents if i.status != "voided") >= preview.owed[1]
    assert done > 4
    findings = [f for f in await audit.run(db) if f.count]
    assert not findings, findings


async def test_a_line_gets_stock_while_another_waits_for_more_as_it_did_before(db: Db) -> None:
    await furnished(db)
    # A market's orders are taken without stock too. Two sets have two of five jars: of four, one waits.
    line = LineDraft(sku="JAR", quantity=4, unit_price=1001)
    draft = OrderDraft(
        channel="market",
        external_id="E-M",
        placed_at=NOW,
        currency="USD",
        buyer={"name": "Ann", "email": "ann@example.com"},
        ship_to=HOME,
        lines=(line,),
    )
    [placed] = await place(db, drafts=[draft])
    [jars] = (await lines_of(db, [placed.order_id]))[placed.order_id]
    edit = Edit(lines=(LineEdit(line_id=jars.id, quantity=6),), add=(Added(sku="CUP", quantity=1),))
    said = await editing.edit(db, order_id=placed.order_id, edit=edit, reason="more", now=NOW)
    assert isinstance(said, Edited), said
    pieces = [(p.sku, p.rank, p.quantity) for p in await slices_of(db, orders=[placed.order_id])]
    assert sorted(pieces) == [
        ("CUP", Rank.RESERVED, 1),
        ("JAR", Rank.CREATED, 3),
        ("JAR", Rank.RESERVED, 3),
    ]
