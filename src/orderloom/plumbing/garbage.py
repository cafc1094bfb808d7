"""Python's search for garbage in cycles, set for processes that hold whole sets in hand."""

from __future__ import annotations

import gc

# A set of 500 orders is some hundred thousand objects that all live until it is written. With Python's own setting
# (700) they were looked through two thousand times in 3,000 orders, a fifth of a worker's CPU, and little was found;
# with 50,000 still once a set, a thirtieth.
MIDDLE, OLD = 20, 20


def search_seldom(*, beyond: int) -> None:
    """For a long-lived process, once everything is imported: what is there now is never looked through again.

    `beyond` so many new objects there is a search, which stops the process for up to a tenth of a microsecond for each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(beyond, MIDDLE, OLD)
