"""Adapters by which channels are told what they may sell, one file each; third parties add or replace one by entry point.

An entry point of the group `orderloom.feeds` bears an adapter's name and names a callable that returns a `Feed`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from orderloom.sync.feeds import csv_file, over_http
from orderloom.sync.feeds.feed import Feed

FEEDS: dict[str, Callable[[], Feed]] = {
    "http": over_http.configured,
    "csv": csv_file.configured,
}


class NoSuchFeed(LookupError):
    """No adapter of availability feeds has that name."""


@cache
def feed_named(name: str) -> Feed:
    """The adapter of that name, set up from the settings at first use; a third party's goes before ours."""
    for point in entry_points(group="orderloom.feeds", name=name):
        made: Feed = point.load()()
        return made
    if name not in FEEDS:
        raise NoSuchFeed(f"no availability feed is called {name!r}: there are {', '.join(sorted(FEEDS))}")
    return FEEDS[name]()
