"""Senders of notices, one file each, by the way they go; third parties add or replace one by entry point.

An entry point of the group `orderloom.senders` bears a way's name and names a callable that returns a `Sender`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from orderloom.notices.senders import app, sms, smtp
from orderloom.notices.senders.sender import Sender

SENDERS: dict[str, Callable[[], Sender]] = {
    "email": smtp.configured,
    "sms": sms.configured,
    "app": app.configured,
}


class NoSuchSender(LookupError):
    """No sender goes that way."""


@cache
def sender_for(way: str) -> Sender:
    """The sender of that way, set up from the settings at first use; a third party's goes before ours."""
    for point in entry_points(group="orderloom.senders", name=way):
        made: Sender = point.load()()
        return made
    if way not in SENDERS:
        raise NoSuchSender(f"no sender goes by {way!r}: there are {', '.join(sorted(SENDERS))}")
    return SENDERS[way]()
