"""Python's search for garbage in cycles, set for processes that hold whole sets in hand."""

from __future__ import annotations

import gc

# A set of 500 orders is some hundred thousand objects that all live until it is written. With Python's own setting
# (700) they were looked through two thousand times in 3,000 orders, a fifth of a worker's CPU, and little was found;
# with 50,000 still once a set, a thirtieth. Nobody waits for a worker: there it is looked for when two sets live.
# Buyers wait for the API, and a search of so many objects stops it for a twentieth of a second: there it is made often.
IN_SETS, BETWEEN_REQUESTS = 500_000, 50_000
_MIDDLE, _OLD = 20, 20


def search_seldom(*, beyond: int) -> None:
    """For a long-lived process, once everything is imported: what is there now is never looked through again.

    What comes is, whenever so many objects are new.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(beyond, _MIDDLE, _OLD)
