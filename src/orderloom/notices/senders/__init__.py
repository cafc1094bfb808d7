"""Senders of notices, one file each, by the way they go.

Another package's sender goes instead of one of ours where the setting `senders` names it for that way; it is an entry
point of the group `orderloom.senders` (`plumbing/adapters.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from orderloom.notices.senders import app, sms, smtp
from orderloom.notices.senders.sender import Sender
from orderloom.plumbing.adapters import made
from orderloom.plumbing.settings import settings

SENDERS: dict[str, Callable[[], Sender]] = {
    "email": smtp.configured,
    "sms": sms.configured,
    "app": app.configured,
}


@cache
def sender_for(way: str) -> Sender:
    """The sender of that way, set up from the settings at first use. Raises NoSuchAdapter."""
    name = settings().senders.get(way, way)
    return made(SENDERS, group="orderloom.senders", kind="sender of notices", name=name)
