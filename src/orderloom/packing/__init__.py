"""How goods go into boxes: cartonization, waves, picking and packing by scan, packages.

Owns cartons, pack plans, waves, scans and packages. Promises that what was scanned is what is packed, that a wrong or
surplus unit is refused with the way out, and that every scan is on record. Never chooses a node, touches stock (a
short pick is answered with what is to be corrected), or knows carriers.

- `cartonize` is the pure decision and `picture` draws its answer · `planning` makes articles of items and keeps plans
- `picking`, `scanning`, `packages` are the work at the node, station by station; `packages` and `picking` also take a
  node's word for whole sets (`pack_as_planned`, `pick_as_listed`) · `store` keeps the cartons (`cartons`, `put_cartons`)

Everything here runs in the caller's transaction and locks the fulfillment orders it changes, in key order, their
orders before them.
"""

from __future__ import annotations

from orderloom.packing.packages import close_package, pack_as_planned
from orderloom.packing.picking import create_wave, pick_list, report_short
from orderloom.packing.planning import plan_for
from orderloom.packing.scanning import scan
from orderloom.packing.store import packages_of

__all__ = [
    "close_package",
    "create_wave",
    "pack_as_planned",
    "packages_of",
    "pick_list",
    "plan_for",
    "report_short",
    "scan",
]
