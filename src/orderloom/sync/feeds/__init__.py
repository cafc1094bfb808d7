"""Adapters by which channels are told what they may sell, one file each.

Third parties add theirs as entry points of the group `orderloom.feeds` (`plumbing/adapters.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from orderloom.plumbing.adapters import made
from orderloom.sync.feeds import csv_file, over_http
from orderloom.sync.feeds.feed import Feed

FEEDS: dict[str, Callable[[], Feed]] = {
    "http": over_http.configured,
    "csv": csv_file.configured,
}


@cache
def feed_named(name: str) -> Feed:
    """The adapter of that name, set up from the settings at first use. Raises NoSuchAdapter."""
    return made(FEEDS, group="orderloom.feeds", kind="availability feed", name=name)
