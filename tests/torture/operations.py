"""What clients do, as a table. Each operation makes one request from what its client knows, and says what it means.

To add one: write a function of the client that returns a `Plan` (or None when there is nothing to do it to), beside
those of the same people, and give it a weight here.
"""

from __future__ import annotations

from tests.torture import buyers, carts, editors, nodes, stockkeepers
from tests.torture.plans import Operation

OPERATIONS: dict[Operation, int] = {
    buyers.place_order: 30,
    carts.keep_cart: 12,
    carts.change_cart: 5,
    carts.extend_cart: 3,
    carts.move_cart: 3,
    carts.cancel_cart: 3,
    carts.convert_cart: 8,
    buyers.read_order: 6,
    buyers.cancel_order: 6,
    buyers.cancel_order_partly: 6,
    buyers.change_priority: 3,
    editors.edit_lines: 12,
    editors.preview_edit: 2,
    stockkeepers.adjust: 6,
    stockkeepers.put_aside: 3,
    stockkeepers.set_stock: 5,
    stockkeepers.take_snapshot: 5,
    stockkeepers.take_late_snapshot: 2,
    stockkeepers.allot: 1,
    stockkeepers.transfer: 4,
    stockkeepers.send_transfer: 3,
    stockkeepers.expect_supply: 3,
    stockkeepers.receive: 5,
    nodes.accept: 8,
    nodes.reject: 2,
    nodes.report_short: 4,
    nodes.answer_cancellation: 3,
    nodes.pack: 8,
    nodes.close_day: 4,
}
