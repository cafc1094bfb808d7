"""How decision records are kept (pure): the JSON of question and answer, compressed against the words they all share.

A record is written for every order, and read by a person seldom: it has what was asked and what was decided, and what
explains it is worked out when it is read (`explaining`). The dictionary is text that most records have in common; what is
kept begins with its number, so that a better one may follow and everything kept before stays readable. A dictionary that
was in use never changes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

# The rarer words first, then a whole record with what differs from one to the next left out.
_WORDS = (
    b'"outcome":"held","partial","backorder","unroutable","currency":null,"plan":null,"runner_up":null,"capac'
    b'ity_left":99,"scarcity":{"":12},"cartons":{"S":400,"M":400},"packing":{"segregated":null,"limited_g":{}'
    b',"class_units":{},"support_permille":600,"clearance_mm":0,"centred":false,"off_centre_permille":500,"fi'
    b'll_permille":1000},"refused":"it does not ship for ","it is closed: ","consolidate_day_cost":25,"order"'
    b':{"channel":"","service_level":"standard","priority":0,"tags":[]},"learnt":{"version":1,"confidence":90'
    b'0},"closed":[["","","2026-"],"credits":[["","","2026-","rest":{"lines":[],"expected":{"":{"":1}},"ready'
    b'_at":"2026-"}},"late":true,"due":"2026-","credit":"uncovered":{"1":1},"sourcing":{"profile":"","version'
    b'":1,"rule":"","passed_over":[{"rule":"","for":""}],"because":{},"strategies":[{"strategy":"","outcome":'
    b'"routed","cost":,"short":null}],"strategy":"","otherwise":null,"then":{}},"consolidation":{"held":false'
    b',"because":"the rest comes after the last moment in time","waits_for":[{"sku":"","quantity":1}],"expect'
    b'ed":{},"ready_at":"","until":null,"apart":null,"together":null,"saving":0,"waiting":0}{"engine":"0.1.0"'
    b',"request":{"lines":[{"line":"1","sku":"","quantity":1,"fixed_node":null},{"line":"2","sku":"","quantit'
    b'y":1,"fixed_node":null}],"nodes":[{"node":"","version":1,"available":{"":1,"":1},"capacity_left":null,"'
    b'refused":null},{"node":"","version":1,"available":{"":1,"":1},"capacity_left":null,"refused":null},{"no'
    b'de":"","version":1,"available":{"":1,"":1},"capacity_left":null,"refused":null},{"node":"","version":1,'
    b'"available":{"":1,"":1},"capacity_left":null,"refused":null},{"node":"","version":1,"available":{"":1,"'
    b'":1},"capacity_left":null,"refused":null}],"destination":{"postcode":"","city":"","region":"OK","countr'
    b'y":"US","residential":true,"latitude":35.,"longitude":-98.},"contracts":[{"carrier":"","version":1},{"c'
    b'arrier":"","version":1}],"cartons":["CUBE","FLAT","L","LONG","M","S","XL","XS"],"now":"2026-11-2T15:12:'
    b'44.+00:00","promise_at":"2026-11-2T23:59:59-06:00","policy":{"max_shipments":4,"ship_complete":false,"s'
    b'plit_from":0,"groups":null,"types":null,"stores_most":null,"store_units_most":null,"nearest":200,"effor'
    b't":20000},"value":2538},"answer":{"outcome":"routed","currency":"USD","plan":{"cost":1264,"late":false,'
    b'"shipments":[{"node":"","carrier":"","service":"economy","zone":3,"cost":1264,"cost_parts":{"carriage":'
    b'947,"cartons":82,"picking":235},"ship_by":"2026-11-2T17:00:00-06:00","arrives":"2026-11-2","late":false'
    b',"lines":[{"line":"1","sku":"","quantity":1},{"line":"2","sku":"","quantity":1}],"parcels":[{"carton":"'
    b'L","contents":{"":1,"":1},"weight_g":3587,"outer_mm":[407,305,254]}]}]},"runner_up":{"cost":1367,"late"'
    b':false,"shipments":[{"node":"","carrier":"","service":"economy","zone":4,"cost":1367,"cost_parts":{"car'
    b'riage":947,"cartons":82,"picking":235},"ship_by":"2026-11-2T17:00:00-07:00","arrives":"2026-11-2","late'
    b'":false,"lines":[{"line":"1","sku":"","quantity":1},{"line":"2","sku":"","quantity":1}],"parcels":[{"ca'
    b'rton":"L","contents":{"":1,"":1},"weight_g":3587,"outer_mm":[407,305,254]}]}]},"uncovered":{},"proven":'
    b'true,"bound":1264,"gap":0,"without":{"":1367},"promise_at":"2026-11-2T23:59:59-06:00","late":false,"eff'
    b'ort":{"spent":3,"limit":20000,"complete":true,"runner_up_proven":true}}}'
)
# What was kept under 1 and 2, before any release, had the explanation with it and is read no more.
_DICTIONARIES = {3: _WORDS}
_LATEST = 3
# Taking the words in and finding memory is much of the work: it is done once, and copied. Window and table are no larger
# than a record asks for, so that little is copied; at this level all of it takes as long as at the least.
_PRIMED = zlib.compressobj(level=3, wbits=-13, memLevel=5, zdict=_DICTIONARIES[_LATEST])


def packed(record: Mapping[str, Any]) -> bytes:
    """The form that is kept."""
    deflating = _PRIMED.copy()
    return bytes((_LATEST,)) + deflating.compress(to_json(record)) + deflating.flush()


def unpacked(kept: bytes) -> dict[str, Any]:
    """The record as it was. Raises KeyError for a dictionary this release does not know."""
    inflating = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_DICTIONARIES[kept[0]])
    record: dict[str, Any] = json.loads(inflating.decompress(kept[1:]) + inflating.flush())
    return record
