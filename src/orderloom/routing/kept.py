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
# A whole record, with what differs from one to the next left out, after the phrases that are rarer.
_SECOND = (
    b'"partial","backorder","unroutable","its capacity for the day is used up","does not ship for ","cannot ke'
    b'ep the promise","no service carries it: ","refused","reasons":["has none of it"],"cost":null,"arrives":n'
    b'ull},"late":true,"due":"2026-","more of "," at , which would then have shipped everything for less","sav'
    b'es":"kind":"cutoff","minutes":"change":"deciding it "," min later:  would have handed it over on another'
    b' day, too late for "," h ","kind":"hour"," parcels: fewer cannot hold it"," parcels: at least "," are ne'
    b'eded"," shipments: everything from  alone costs "," more"," shipments: no node could ship everything in '
    b'time"," is the smallest carton that takes the unit"," would cost "," less and arrive on 2026-",", too la'
    b'te","slower":{"service":" is the only service in time"," is the cheapest in time:  costs "," more"{"requ'
    b'est":{"lines":[{"line":"1","sku":"","quantity":1,"fixed_node":null},{"line":"2","sku":"","quantity":1,"f'
    b'ixed_node":null}],"nodes":[{"node":"","version":1,"available":{"":1,"":1},"capacity_left":null,"refused"'
    b':null},{"node":"","version":1,"available":{"":1,"":1},"capacity_left":null,"refused":null},{"node":"","v'
    b'ersion":1,"available":{"":1,"":1},"capacity_left":null,"refused":null},{"node":"","version":1,"available'
    b'":{"":1,"":1},"capacity_left":null,"refused":null},{"node":"","version":1,"available":{"":1,"":1},"capac'
    b'ity_left":null,"refused":null}],"destination":{"postcode":"","city":"","region":"OK","country":"US","res'
    b'idential":true,"latitude":3,"longitude":-9},"contracts":[{"carrier":"","version":1},{"carrier":"","versi'
    b'on":1}],"cartons":["CUBE","FLAT","L","LONG","M","S","XL","XS"],"now":"2026-11-2T15:19:02.+00:00","promis'
    b'e_at":"2026-11-2T23:59:59-06:00","policy":{"max_shipments":4,"ship_complete":false,"split_from":0,"group'
    b's":null,"types":null,"stores_most":null,"store_units_most":null,"nearest":200,"effort":20000},"value":25'
    b'38},"answer":{"outcome":"routed","currency":"USD","plan":{"cost":1264,"late":false,"shipments":[{"node":'
    b'"","carrier":"","service":"economy","zone":3,"cost":1264,"cost_parts":{"carriage":947,"cartons":82,"pick'
    b'ing":235},"ship_by":"2026-11-2T17:00:00-06:00","arrives":"2026-11-2","late":false,"lines":[{"line":"1","'
    b'sku":"","quantity":1},{"line":"2","sku":"","quantity":1}],"parcels":[{"carton":"L","contents":{"":1,"":1'
    b'},"weight_g":3587,"outer_mm":[407,305,254]}]}]},"runner_up":{"cost":1367,"late":false,"shipments":[{"nod'
    b'e":"","carrier":"","service":"economy","zone":4,"cost":1367,"cost_parts":{"carriage":1050,"cartons":82,"'
    b'picking":235},"ship_by":"2026-11-2T17:00:00-07:00","arrives":"2026-11-2","late":false,"lines":[{"line":"'
    b'1","sku":"","quantity":1},{"line":"2","sku":"","quantity":1}],"parcels":[{"carton":"L","contents":{"":1,'
    b'"":1},"weight_g":3587,"outer_mm":[407,305,254]}]}]},"uncovered":{},"proven":true,"bound":1264,"gap":0,"w'
    b'hy":[{"about":"node","node":"","text":"the best plan without  costs 103 more","more":103},{"about":"spli'
    b't","text":"one shipment: no division over several nodes costs less"},{"about":"carton","node":"","parcel'
    b's":1,"text":"L is the smallest carton that takes all 2 units"},{"about":"service","node":"","more":557,"'
    b'next":" parcel","text":" economy is the cheapest in time:  parcel costs 557 more"}],"candidates":[{"node'
    b'":"","name":" fulfillment center","latitude":33.,"longitude":-84.,"covers":{"":1,"":1},"verdict":"consid'
    b'ered","reasons":[],"cost":2080,"arrives":"2026-11-2"},{"node":"","name":" fulfillment center","latitude"'
    b':39.,"longitude":-82.,"covers":{"":1,"":1},"verdict":"considered","reasons":[],"cost":2080,"arrives":"20'
    b'26-11-2"},{"node":"","name":" partner warehouse","latitude":39.,"longitude":-104.,"covers":{"":1,"":1},"'
    b'verdict":"considered","reasons":[],"cost":1367,"arrives":"2026-11-2"},{"node":"","name":" partner wareho'
    b'use","latitude":32.,"longitude":-96.,"covers":{"":1,"":1},"verdict":"chosen","reasons":[],"cost":1264,"a'
    b'rrives":"2026-11-2"},{"node":"","name":" fulfillment center","latitude":39.,"longitude":-119.,"covers":{'
    b'"":1,"":1},"verdict":"considered","reasons":[],"cost":2248,"arrives":"2026-11-2"}],"promise_at":"2026-11'
    b'-2T23:59:59-06:00","late":false,"flips":[{"kind":"price","change":"shipping from  dearer by 104, or from'
    b'  cheaper by as much","node":"","amount":104},{"kind":"stock","change":"1 fewer of  at , which then coul'
    b'd not have shipped its part","node":"","sku":"","units":1}],"effort":{"spent":9,"limit":20000,"complete"'
    b':true,"runner_up_proven":true}}}'
)
_DICTIONARIES = {1: _FIRST, 2: _SECOND}
_LATEST = 2
# Taking the words in and finding memory is a tenth of the work: it is done once, and copied. Both windows and tables
# are no larger than a record asks for.
_PRIMED = zlib.compressobj(level=1, wbits=-14, memLevel=7, zdict=_DICTIONARIES[_LATEST])


def packed(record: Mapping[str, Any]) -> bytes:
    """The form that is kept."""
    deflating = _PRIMED.copy()
    return bytes((_LATEST,)) + deflating.compress(to_json(record)) + deflating.flush()


def unpacked(kept: bytes) -> dict[str, Any]:
    """The record as it was. Raises KeyError for a dictionary this release does not know."""
    inflating = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_DICTIONARIES[kept[0]])
    record: dict[str, Any] = json.loads(inflating.decompress(kept[1:]) + inflating.flush())
    return record
