"""What must hold at every commit, as queries that return the rows which break it.

One file a capability; each offers `INVARIANTS`. Adding one: write the query, then its planting in
`tests/store/insight_audit/plantings/`, without which the tests fail.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from orderloom.insight.invariants.invariant import Invariant


def collected() -> tuple[Invariant, ...]:
    """Every invariant of every file in this folder, ordered by key. Raises ValueError for a key given twice."""
    found = [
        invariant
        for module in iter_modules(__path__)
        if module.name != "invariant"
        for invariant in import_module(f"{__name__}.{module.name}").INVARIANTS
    ]
    by_key = {invariant.key: invariant for invariant in found}
    if len(by_key) != len(found):
        doubled = sorted({i.key for i in found if sum(other.key == i.key for other in found) > 1})
        msg = f"invariants share the keys {', '.join(doubled)}"
        raise ValueError(msg)
    return tuple(by_key[key] for key in sorted(by_key))
