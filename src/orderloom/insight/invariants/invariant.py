"""What an invariant is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A statement about the data that must always be true, and the query that finds where it is not.

        Invariant(
            key="S2.oversold",
            says="no more units are promised than are there",
            sql="SELECT node_id, sku FROM inventory.stock WHERE reserved + allocated > on_hand + backorder_limit",
        )

    `key` begins with the letter and number of the contract it belongs to (S stock, M money, O orders and journeys,
    P parcels, E events, N notices, W work, A audit); the part after the dot tells several of one number apart. The
    query takes no arguments, uses the database's clock, and returns one row for each violation, with whatever columns
    help to find the cause.
    """

    key: str
    says: str
    sql: str
