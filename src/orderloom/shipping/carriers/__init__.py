"""Carriers, one file each: `carrier.Carrier` is what an adapter does, ADAPTERS which there are.

Third parties add theirs as entry points of the group `orderloom.carriers` (`plumbing/adapters.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from orderloom.plumbing import adapters
from orderloom.shipping.carriers import simulated
from orderloom.shipping.carriers.carrier import Carrier, LabelOrder, ManifestOrder
from orderloom.shipping.carriers.flat import Flat

ADAPTERS: Mapping[str, Callable[[], Carrier]] = {
    "flat": Flat,
    "simulated": simulated.configured,
}
_GROUP = "orderloom.carriers"


@cache
def adapter(name: str) -> Carrier:
    """The adapter of that name, set up from the settings at first use. Raises NoSuchAdapter."""
    return adapters.made(ADAPTERS, group=_GROUP, kind="carrier adapter", name=name)


def adapter_names() -> list[str]:
    """All adapters that are installed."""
    return adapters.adapter_names(ADAPTERS, group=_GROUP)


__all__ = [
    "ADAPTERS",
    "Carrier",
    "LabelOrder",
    "ManifestOrder",
    "adapter",
    "adapter_names",
]
