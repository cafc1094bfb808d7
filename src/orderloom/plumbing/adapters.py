"""Adapters of a family by name: the house's own, and those that other packages add by entry point.

An entry point's group is the family's, its name the adapter's; it names a callable that takes nothing and returns the
adapter, set up from the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import TypeVar

Adapter = TypeVar("Adapter")


class NoSuchAdapter(LookupError):
    """No adapter of that name is installed, or more than one."""


def made(ours: Mapping[str, Callable[[], Adapter]], *, group: str, kind: str, name: str) -> Adapter:
    """The adapter of that name. Ours come first, so that no package can take the place of one unseen."""
    if name in ours:
        return ours[name]()
    found = entry_points(group=group, name=name)
    if len(found) > 1:
        packages = ", ".join(sorted(point.value for point in found))
        raise NoSuchAdapter(f"more than one {kind} is called {name!r}: {packages}")
    for point in found:
        adapter: Adapter = point.load()()
        return adapter
    raise NoSuchAdapter(
        f"no {kind} is called {name!r}: there are {', '.join(adapter_names(ours, group=group))}"
    )


def adapter_names(ours: Mapping[str, Callable[[], Adapter]], *, group: str) -> list[str]:
    """All that are installed."""
    return sorted({*ours, *entry_points(group=group).names})
