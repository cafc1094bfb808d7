"""What buyers are told: which events, over which way, in which language, once each; and what our own people are.

Owns notices. Promises one intent an (order, event, trigger, way), and that however often an unanswered sending is
tried again its provider sees the same key. Never tells buyers of history, and never decides that something happened:
it reads the event log.
"""

from __future__ import annotations

from orderloom.notices.sending import prepare_sending, record_sending, send
from orderloom.notices.store import of_order
from orderloom.notices.telling import alert, telling

__all__ = ["alert", "of_order", "prepare_sending", "record_sending", "send", "telling"]
