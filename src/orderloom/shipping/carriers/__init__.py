"""Carriers, one file each: `carrier.Carrier` is what an adapter does, ADAPTERS which there are.

Third parties add theirs by an entry point in the group `orderloom.carriers`: a name, and a callable that is given
the deployment's settings and returns an adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points

from orderloom.plumbing.settings import Settings, settings
from orderloom.shipping.carriers.carrier import Carrier, LabelOrder, ManifestOrder
from orderloom.shipping.carriers.flat import Flat
from orderloom.shipping.carriers.simulated import Simulated

ADAPTERS: Mapping[str, Callable[[Settings], Carrier]] = {
    "flat": lambda _: Flat(),
    "simulated": lambda s: Simulated(url=s.carrier_url, timeout_s=s.provider_seconds),
}
GROUP = "orderloom.carriers"


class NoSuchAdapter(LookupError):
    """No carrier adapter of that name is installed."""


@cache
def adapter(name: str) -> Carrier:
    """The adapter of that name. Ours come first, so that no package can take their place unseen."""
    make = ADAPTERS.get(name)
    if make is None:
        found = [point for point in entry_points(group=GROUP) if point.name == name]
        if not found:
            raise NoSuchAdapter(
                f"no carrier adapter is called {name!r}; there are {', '.join(adapter_names())}"
            )
        make = found[0].load()
    return make(settings())


def adapter_names() -> list[str]:
    """All adapters that are installed."""
    return sorted({*ADAPTERS, *(point.name for point in entry_points(group=GROUP))})


__all__ = [
    "ADAPTERS",
    "Carrier",
    "LabelOrder",
    "ManifestOrder",
    "NoSuchAdapter",
    "adapter",
    "adapter_names",
]
