"""Sales channels' own formats: one file each, a pure translation of their rows into items, nodes and order drafts."""

from __future__ import annotations

from collections.abc import Mapping

from orderloom.orders.channels.channel import Format
from orderloom.orders.channels.olist import Olist
from orderloom.orders.channels.online_retail import OnlineRetail

FORMATS: Mapping[str, Format] = {"olist": Olist(), "online-retail": OnlineRetail()}
