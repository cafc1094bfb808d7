"""How decision records are kept (pure): the JSON of question and answer, compressed against the words they all share.

A record is read once by a person, or never, and written for every order: stored as it reads it is a third of all that
an order writes. The dictionary is text that most records have in common; what is kept begins with its number, so that
a better one may follow and everything kept before stays readable. A dictionary that was in use never changes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

_FIRST = (
    b'{"cost":null,"verdict":"refused","reasons":["has none of it","its capacity for the day is used up",'
    b'"cannot keep the promise","it does not ship for ","has not enough of anything","the node is not active"],'
    b'"outcome":"split","partial","backorder","unroutable","cheaper by ","or the chosen plan dearer by as much",'
    b'"residential":true,"latitude":40.7,"longitude":-74.0}]},"uncovered":{},"ships_hazmat","same_day","overnight",'
    b'"request":{"lines":[{"line":"1","sku":"","quantity":1,"fixed_node":null},{"line":"2","sku":"'
    b'"}],"nodes":[{"node":"","version":1,"available":{"":10},"capacity_left":null,"refused":null},{"node":"'
    b'}],"destination":{"postcode":"10025","city":"","region":"CA","country":"US","residential":true,"latitude":'
    b'40.1,"longitude":-80.1},"contracts":[{"carrier":"","version":1},{"carrier":"","version":1}],"cartons":["'
    b'"],"now":"2026-11-23T08:18:00.335655+00:00","promise_at":"2026-12-01T22:59:59-06:00","policy":{'
    b'"max_shipments":4,"ship_complete":false,"split_from":0,"groups":null,"types":null,"stores_most":null,'
    b'"store_units_most":null,"nearest":200,"effort":20000},"value":null},"answer":{"outcome":"routed",'
    b'"currency":"USD","plan":{"cost":1217,"late":false,"shipments":[{"node":"","carrier":"","service":"ground",'
    b'"zone":4,"cost":1217,"cost_parts":{"carriage":877,"cartons":55,"picking":285},"ship_by":"2026-11-23T17:00:'
    b'00-05:00","arrives":"2026-11-27","late":false,"lines":[{"line":"1","sku":"","quantity":1}],"parcels":['
    b'{"carton":"S","contents":{"":1},"weight_g":3238,"outer_mm":[305,254,204]}]}]},"runner_up":{"cost":1259,'
    b'"late":false,"shipments":[{"node":"","carrier":"","uncovered":{},"proven":true,"bound":1217,"gap":0,"why":{'
    b'"candidates":[{"node":"","name":"","latitude":33.6,"longitude":-84.4,"covers":{"":1},"verdict":"chosen",'
    b'"reasons":[],"cost":1217,"arrives":"2026-11-27"},{"node":"","name":" fulfillment center","latitude":39.8,'
    b'"longitude":-104.8,"covers":{"":1},"verdict":"considered","reasons":[],"cost":1301,"arrives":"2026-11-28"},'
    b'"promise_at":"2026-12-01T22:59:59-06:00","late":false,"flips":[{"change":"shipping from ","amount":43}],'
    b'"effort":{"spent":30,"limit":20000,"complete":true}}}'
)
_DICTIONARIES = {1: _FIRST}
_LATEST = 1


def packed(record: Mapping[str, Any]) -> bytes:
    """The form that is kept."""
    deflating = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS, zdict=_DICTIONARIES[_LATEST])
    return bytes((_LATEST,)) + deflating.compress(to_json(record)) + deflating.flush()


def unpacked(kept: bytes) -> dict[str, Any]:
    """The record as it was. Raises KeyError for a dictionary this release does not know."""
    inflating = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_DICTIONARIES[kept[0]])
    record: dict[str, Any] = json.loads(inflating.decompress(kept[1:]) + inflating.flush())
    return record
