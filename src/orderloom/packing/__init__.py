"""How goods go into boxes: cartonization, waves, picking and packing by scan, packages.

Owns cartons, pack plans, waves, scans and packages. Promises that what was scanned is what is packed, that a wrong or
surplus unit is refused with the way out, and that every scan is on record. Never chooses a node, touches stock (a
short pick is answered with what is to be corrected), or knows carriers.

- `cartonize` is the pure decision, usable alone, and `picture` draws its answer · `planning` makes articles of items and keeps plans
- `houserules` says how a house packs, and which cartons a node has
- `picking`, `scanning`, `packages` are the work at the node, station by station; `packages` and `picking` also take a
  node's word for whole sets (`pack_as_planned`, `pick_as_listed`) · `store` keeps the cartons

Everything here runs in the caller's transaction and locks the fulfillment orders it changes, in key order, their
orders before them.
"""

from __future__ import annotations

from orderloom.packing.cartonize import cartonize
from orderloom.packing.packages import cancel_packages, close_package, pack_as_planned, packages_of
from orderloom.packing.picking import create_wave, pick_as_listed, pick_list, report_short
from orderloom.packing.planning import ToPack, articles, houses, offered, plan_for, put_node_cartons
from orderloom.packing.scanning import scan, take_back
from orderloom.packing.store import cartons, cartons_at, house_rules, plans_of, put_cartons

__all__ = [
    "ToPack",
    "articles",
    "cancel_packages",
    "cartonize",
    "cartons",
    "cartons_at",
    "close_package",
    "create_wave",
    "house_rules",
    "houses",
    "offered",
    "pack_as_planned",
    "packages_of",
    "pick_as_listed",
    "pick_list",
    "plan_for",
    "plans_of",
    "put_cartons",
    "put_node_cartons",
    "report_short",
    "scan",
    "take_back",
]
