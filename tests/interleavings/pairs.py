"""The hot transactions, on a small world that is made anew for every permutation: one SKU, two nodes, four claims.

On hand are six at ATL and one at CMH. One is reserved for order X, one released to a node for Y, one packed and scanned
for V, one in the cart of Z: two and one are free, which is fewer than any two of the transactions want together.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from orderloom import delivery, network
from orderloom.catalog.model import Item
from orderloom.delivery.model import Parcel, TrackingEvent
from orderloom.inventory import counting, reading, reservations, supplies
from orderloom.inventory.snapshots import Line, Snapshot
from orderloom.inventory.store import allotments
from orderloom.inventory.supply import Arrived, Supply, SupplyLine
from orderloom.journey import (
    asking_back,
    cancelling,
    carts,
    editing,
    limiting,
    recounting,
    releasing,
    reserving,
    returning,
    setup,
    snapshotting,
    sourcing,
    working,
)
from orderloom.journey.carts import CartDraft
from orderloom.journey.fulfillment import FULFILLMENT, dispatch
from orderloom.journey.placing import place
from orderloom.journey.setup import Setup
from orderloom.orders.editing import Edit, LineEdit
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.orders.reading import fulfillments_of, lines_of, slices_of
from orderloom.plumbing import journeys
from orderloom.plumbing.journeys import Again
from orderloom.returns.model import Asked, Disposition, Finding
from orderloom.returns.reading import returns_of
from orderloom.simulate import demo_data
from orderloom.terms import Address, Rank, new_id

HOME = Address(
    name="Ann Buyer", line1="500 W 2nd St", city="Austin", region="TX", postcode="78701", country="US"
)
STOCK = {"ATL": 6, "CMH": 1}
_numbers = itertools.count(1)


@dataclass(slots=True)
class Small:
    """One world."""

    sku: str
    nodes: dict[str, UUID]
    x: UUID
    y: UUID
    v: UUID
    work: UUID
    cart: UUID
    told_at: datetime
    web: UUID
    w: UUID | None = None
    supply: UUID | None = None
    new: list[UUID] = field(default_factory=list)


def draft(
    sku: str, units: int, cart: UUID | None = None, node: str | None = None, channel: str = "web"
) -> OrderDraft:
    return OrderDraft(
        channel=channel,
        external_id=f"I-{next(_numbers)}",
        placed_at=datetime.now(UTC),
        currency="USD",
        buyer={"name": "Ann Buyer", "email": "ann@example.com", "notify": []},
        ship_to=HOME,
        lines=(LineDraft(sku=sku, quantity=units, unit_price=1000, node_code=node),),
        tenders=(TenderDraft(method="card", token="tok_ok", amount=units * 1000),),
        total=units * 1000,
        reservation_id=cart,
    )


async def furnish(db: Any) -> None:
    """What all worlds share."""
    world = demo_data.setup()
    wanted = Setup(
        nodes=[node for node in world.nodes if node.code in STOCK],
        channels=world.channels,
        cartons=world.cartons,
        carriers=[carrier for carrier in world.carriers if carrier.code == "swift"],
    )
    await setup.put(db, wanted=wanted)


async def worlds(db: Any, count: int, *, allotted: bool = False, waited_for: bool = False) -> list[Small]:
    """So many at once: they cost little more than one. `allotted`: one of the free units is the market's alone.

    `waited_for`: W has the free units and waits for one more; two are on their way.
    """
    size = {"weight_g": 300, "length_mm": 100, "width_mm": 80, "height_mm": 60}
    skus = [f"I-{next(_numbers)}" for _ in range(count)]
    items = [Item(sku=sku, name=sku, list_price=1000, **size) for sku in skus]
    stock = {(node, sku): units for sku in skus for node, units in STOCK.items()}
    await setup.put(db, wanted=Setup(items=items, stock=stock))
    nodes = {node.code: node.id for node in (await network.nodes_of(db)).values()}
    channels = {channel.code: channel.id for channel in (await network.channels_of(db)).values()}
    for sku in skus if allotted else ():
        await limiting.allot(db, sku=sku, channel_id=channels["market"], units=1)
        await limiting.allot(db, sku=sku, channel_id=channels["web"], permille=500)
    drafts = [draft(sku, 1, node="ATL") for sku in skus for _ in range(3)]
    ids = [placed.order_id for placed in await place(db, drafts=drafts)]
    x, y, v = ids[::3], ids[1::3], ids[2::3]
    now = datetime.now(UTC)
    await sourcing.route(db, [*y, *v], now)
    await _released(db, [*y, *v])
    works = {work.order_id: work for work in (await fulfillments_of(db, orders=v)).values()}
    await _packed(db, [work.id for work in works.values()])
    for order, work in works.items():
        number = f"TRK{work.id.hex}"
        parcel = Parcel(carrier="swift", tracking_number=number, order_id=order, fulfillment_id=work.id)
        scan = TrackingEvent(carrier="swift", tracking_number=number, code="in_transit", occurred_at=now)
        await delivery.follow(db, parcels=[parcel])
        await working.track(db, scans=[scan], now=now)
    asked = [CartDraft(channel="web", lines=((sku, 1),), owner=f"Z-{sku}") for sku in skus]
    kept = [made.reservation.id for made in await carts.keep(db, drafts=asked, now=now)]
    made = [
        Small(sku, nodes, x[i], y[i], v[i], works[v[i]].id, kept[i], datetime.now(UTC), channels["web"])
        for i, sku in enumerate(skus)
    ]
    if waited_for:
        waiting = await place(db, drafts=[draft(sku, 4, channel="market") for sku in skus])
        # Its journey stands where the worker would have it by now: looking for units.
        orders = [placed.order_id for placed in waiting]
        await db.execute("UPDATE plumbing.subjects SET step = 'reserve' WHERE subject_id = ANY($1)", orders)
        for world, order in zip(made, orders, strict=True):
            world.w, world.supply = order, await _on_its_way(db, world)
    return made


async def _on_its_way(db: Any, w: Small) -> UUID:
    line = SupplyLine(position=1, sku=w.sku, expected=2)
    supply = Supply(
        id=new_id(),
        kind="purchase_order",
        reference=f"PO-{w.sku}",
        node_id=w.nodes["CMH"],
        from_node=None,
        due_at=w.told_at,
        lines=(line,),
    )
    await supplies.expect(db, supply=supply)
    return supply.id


async def _released(db: Any, orders: Sequence[UUID]) -> None:
    if any(piece.rank == Rank.ALLOCATED for piece in await slices_of(db, orders=orders)):
        await releasing.release(db, orders, datetime.now(UTC))


async def _packed(db: Any, works: Sequence[UUID]) -> None:
    [submit] = [step for step in FULFILLMENT.steps if step.name == "submit"]
    await submit.do(db, works, datetime.now(UTC))
    await working.accept(db, works=works)
    said = await working.pack(db, works=works)
    assert not said.refused, said.refused


# --- the transactions -----------------------------------------------------------------------------------------


async def capture(db: Any, w: Small) -> str:
    """A buyer wants two."""
    [said] = await place(db, drafts=[draft(w.sku, 2)])
    if hasattr(said, "order_id"):
        w.new.append(said.order_id)
    return type(said).__name__


async def keep(db: Any, w: Small) -> str:
    """Another's cart wants two."""
    asked = CartDraft(channel="web", lines=((w.sku, 2),), owner=None)
    [said] = await carts.keep(db, drafts=[asked], now=datetime.now(UTC))
    return type(said).__name__


async def convert(db: Any, w: Small) -> str:
    """Z buys what the cart has, and one more."""
    [said] = await place(db, drafts=[draft(w.sku, 2, cart=w.cart)])
    if hasattr(said, "order_id"):
        w.new.append(said.order_id)
    return type(said).__name__


async def grow(db: Any, w: Small) -> str:
    """Z wants three instead of one."""
    found = (await reservations.of(db, keys=[w.cart]))[w.cart]
    said = await carts.change(db, reservation=found, lines=[(w.sku, 3)], now=datetime.now(UTC))
    return type(said).__name__


async def expire(db: Any, w: Small) -> str:
    """Z's time is over."""
    await carts.expire(db, datetime.now(UTC))
    return "done"


async def route(db: Any, w: Small) -> str:
    """X is bound to a node."""
    said = await sourcing.route(db, [w.x], datetime.now(UTC))
    return "again" if any(isinstance(one, Again) for one in said.values()) else "done"


async def cancel(db: Any, w: Small) -> str:
    """Y is given up; no node has begun it."""
    said = await cancelling.cancel(db, order_id=w.y, reason="interleaved")
    return type(said).__name__


async def ship(db: Any, w: Small) -> str:
    """V leaves."""
    await dispatch(db, [w.work], datetime.now(UTC))
    return "done"


async def lose(db: Any, w: Small) -> str:
    """Four units are not there."""
    said = await recounting.adjust(
        db,
        node_id=w.nodes["ATL"],
        sku=w.sku,
        changes={"on_hand": -4},
        reason="interleaved",
        now=datetime.now(UTC),
    )
    return f"{said.loss}"


async def count(db: Any, w: Small) -> str:
    """Two are counted."""
    said = await recounting.set_on_hand(
        db, node_id=w.nodes["ATL"], sku=w.sku, quantity=2, reason="interleaved", now=datetime.now(UTC)
    )
    return f"{said.loss}"


async def told(db: Any, w: Small) -> str:
    """A warehouse tells late that there were three."""
    said = Snapshot(
        source="wms", node_id=w.nodes["ATL"], lines=(Line(sku=w.sku, on_hand=3),), as_of=w.told_at
    )
    [line] = await snapshotting.take(db, snapshot=said, now=datetime.now(UTC))
    return f"{line.outcome} {line.loss}"


async def transfer(db: Any, w: Small) -> str:
    """Two go to the other node."""
    said = await counting.transfer(
        db,
        from_node=w.nodes["ATL"],
        to_node=w.nodes["CMH"],
        sku=w.sku,
        quantity=2,
        reason="interleaved",
        transfer_id=new_id(),
    )
    return type(said).__name__


async def capture_elsewhere(db: Any, w: Small) -> str:
    """The market sells two: the unit set aside for it, and one that is anybody's."""
    [said] = await place(db, drafts=[draft(w.sku, 2, channel="market")])
    if hasattr(said, "order_id"):
        w.new.append(said.order_id)
    return type(said).__name__


async def allot(db: Any, w: Small) -> str:
    """The web shop has two set aside from now on, and nothing of what is anybody's."""
    said = await limiting.allot(db, sku=w.sku, channel_id=w.web, units=2, takes_shared=False, afresh=True)
    return type(said).__name__


async def reserve(db: Any, w: Small) -> str:
    """W gets what there is now; its journey is held as a worker would hold it."""
    assert w.w is not None
    await journeys.hold_still(db, "order", w.w)
    await reserving.reserve(db, [w.w], datetime.now(UTC))
    return "done"


async def receive(db: Any, w: Small) -> str:
    """The two that were on their way have come."""
    assert w.supply is not None
    arrived = [Arrived(position=1, received=2)]
    return type(await supplies.receive(db, supply_id=w.supply, arrived=arrived)).__name__


async def short(db: Any, w: Small) -> str:
    """The node does not find Y's unit."""
    [work] = await fulfillments_of(db, orders=[w.y])
    said = await working.report_short(db, work=work, sku=w.sku, quantity=1, reason="interleaved")
    return type(said).__name__


async def come_back(db: Any, w: Small) -> str:
    """A unit that somebody had bought once is on the shelf again."""
    back = await asking_back.take_blind(
        db,
        node_id=w.nodes["ATL"],
        currency="USD",
        lines=[Asked(quantity=1, reason="other", sku=w.sku)],
    )
    _, [line] = (await returns_of(db, ids=[back.return_id]))[back.return_id]
    found = Finding(return_line_id=line.id, disposition=Disposition.RESTOCK)
    await asking_back.inspect(db, return_id=back.return_id, findings=[found])
    await returning.restock(db, [back.return_id], datetime.now(UTC))
    return "done"


async def _edited(db: Any, order: UUID, units: int, **more: Any) -> str:
    [line] = (await lines_of(db, [order]))[order]
    wanted = Edit(lines=(LineEdit(line_id=line.id, quantity=units, **more),))
    said = await editing.edit(db, order_id=order, edit=wanted, reason="interleaved", now=datetime.now(UTC))
    return f"{said.total[1]}" if isinstance(said, editing.Edited) else type(said).__name__


async def edit(db: Any, w: Small) -> str:
    """X is to be two units, both at its own node."""
    return await _edited(db, w.x, 2)


async def edit_again(db: Any, w: Small) -> str:
    """X is to be three, at another price."""
    return await _edited(db, w.x, 3, unit_price=900)


async def edit_away(db: Any, w: Small) -> str:
    """Y, which no node has begun, goes to another address."""
    wanted = Edit(ship_to=replace(HOME, line1="501 W 2nd St"))
    said = await editing.edit(db, order_id=w.y, edit=wanted, reason="interleaved", now=datetime.now(UTC))
    return type(said).__name__


async def edit_down(db: Any, w: Small) -> str:
    """W, which has four and waits for one, wants three."""
    assert w.w is not None
    return await _edited(db, w.w, 3)


async def edit_kept(db: Any, w: Small) -> str:
    """V, packed and scanned, is to be two: the carrier may have it first."""
    return await _edited(db, w.v, 2)


async def cancel_x(db: Any, w: Small) -> str:
    """X is given up."""
    said = await cancelling.cancel(db, order_id=w.x, reason="interleaved")
    return type(said).__name__


HOT = (capture, keep, convert, grow, expire, route, cancel, ship, lose, count, told, transfer)
PAIRS = tuple(itertools.combinations_with_replacement(HOT, 2))
LIMITED = (capture, capture_elsewhere, keep, convert, expire, cancel, lose, allot)
LIMITED_PAIRS = tuple(itertools.combinations_with_replacement(LIMITED, 2))
IN_LINE = (capture, keep, expire, cancel, count, transfer, reserve, receive, short, come_back)
PAIRS_IN_LINE = tuple(itertools.combinations_with_replacement(IN_LINE, 2))

EDITED = (
    (edit, capture),
    (edit, keep),
    (edit, convert),
    (edit, expire),
    (edit, route),
    (edit, edit_again),
    (edit, cancel_x),
    (edit, count),
    (edit, told),
    (edit, transfer),
    (edit_again, lose),
    (edit_kept, ship),
    (edit_away, cancel),
    (edit_away, short),
)
EDITED_WITH_LIMITS = ((edit, allot), (edit, capture_elsewhere))
EDITED_IN_LINE = ((edit_down, reserve), (edit_down, receive), (edit, reserve), (edit, receive))


async def overdue(db: Any, w: Small) -> None:
    """Z's cart has a minute less to live than it has."""
    await db.execute(
        "UPDATE inventory.reservations SET expires_at = clock_timestamp() - interval '1 second' WHERE id = $1",
        w.cart,
    )


async def state(db: Any, w: Small) -> tuple[Any, ...]:
    """What is there in the end, in words that do not differ between worlds."""
    codes = {node: code for code, node in w.nodes.items()}
    levels = sorted(
        (codes[level.node_id], level.on_hand, level.reserved, level.allocated)
        for level in await reading.levels(db, skus=[w.sku])
    )
    names = {w.x: "x", w.y: "y", w.v: "v"} | dict.fromkeys(w.new, "new") | ({w.w: "w"} if w.w else {})
    pieces = sorted(
        (names[piece.order_id], int(piece.rank), codes.get(piece.node_id, ""), piece.quantity)
        for piece in await slices_of(db, orders=list(names))
    )
    cart = (await reservations.of(db, keys=[w.cart]))[w.cart]
    kept = sorted((codes[unit.node_id], unit.quantity) for unit in cart.units)
    drawn = sorted(
        (a.channel_id == w.web, a.units, a.permille, a.drawn) for a in await allotments.of(db, skus=[w.sku])
    )
    return (*levels, *pieces, cart.state, *kept, *drawn)


_BROKEN = """
SELECT s.node_id, s.on_hand, s.reserved, s.allocated, m.on_hand AS by_ledger, m.reserved AS reserved_by_ledger,
       m.allocated AS allocated_by_ledger, k.reserved AS by_slices, k.allocated AS allocated_by_slices, c.units AS in_carts
FROM inventory.stock AS s
LEFT JOIN (SELECT node_id, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
                  sum(allocated_delta) AS allocated
           FROM inventory.movements WHERE sku = $1 GROUP BY node_id) AS m USING (node_id)
LEFT JOIN (SELECT node_id, coalesce(sum(quantity) FILTER (WHERE rank = 200), 0) AS reserved,
                  coalesce(sum(quantity) FILTER (WHERE rank BETWEEN 300 AND 600), 0) AS allocated
           FROM orders.slices WHERE sku = $1 GROUP BY node_id) AS k USING (node_id)
LEFT JOIN (SELECT u.node_id, sum(u.quantity) AS units
           FROM inventory.reservation_units AS u JOIN inventory.reservations AS r ON r.id = u.reservation_id
           WHERE u.sku = $1 AND r.state = 'open' GROUP BY u.node_id) AS c USING (node_id)
WHERE s.sku = $1 AND (
  s.on_hand <> m.on_hand OR s.reserved <> m.reserved OR s.allocated <> m.allocated
  OR s.reserved <> coalesce(k.reserved, 0) + coalesce(c.units, 0) OR s.allocated <> coalesce(k.allocated, 0)
  OR s.reserved + s.allocated + s.damaged + s.quality_control > s.on_hand OR least(s.on_hand, s.reserved, s.allocated) < 0)
"""


async def broken(db: Any, w: Small) -> list[dict[str, Any]]:
    """The invariants of stock for this world's SKU alone, so that a thousand worlds cost no more than one."""
    return [dict(row) for row in await db.fetch(_BROKEN, w.sku)]
