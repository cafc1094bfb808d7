"""Floors under carriage and cartons: what no packing of some goods, into however many parcels, is carried for less.

A relaxation of packing and rating. One parcel holds everything only in a carton that takes every article and has the
volume; of several, the heaviest has its share of the weight, the roomiest its share of the volume, one is as large as
the largest article asks for, and each of the others costs the least a parcel can. A parcel costs at least what the
card has from its billable weight on, with the surcharges that no size or weight calls for.
"""

from __future__ import annotations

from bisect import bisect_left

from orderloom.routing.boxes import NOWHERE, Boxes, Load
from orderloom.routing.ways import Lane, Way
from orderloom.shipping.model import NG, Parcel

_GRAM = NG["g"]
# So many parcels more than the fewest are looked at one by one; beyond them each costs the least of all.
_PARCELS_MORE = 24


def floor(lane: Lane, load: Load, boxes: Boxes) -> int:
    """No parcels of at least this load go down the lane for less, cartons included, a commitment's worth taken off."""
    best = NOWHERE
    for way in (*[way for _, way in lane.cheapest], *lane.later):
        if way.weighed(way.first) < best:
            found = _floor(way, load, boxes)
            best = min(best, way.weighed(found) if found < NOWHERE else found)
    return best


def _floor(way: Way, load: Load, boxes: Boxes) -> int:
    """By one way: the best of one parcel and of several."""
    best = _several(way, load, boxes)
    billed = load.weight_g * _GRAM
    if not load.fits:
        return best if billed > way.heaviest else min(best, _least(way, bisect_left(way.breaks, billed)))
    billed += boxes.tare_g * _GRAM
    single = load.common & boxes.roomy(load.volume)
    if not single or billed > way.heaviest or load.weight_g > boxes.bears_g:
        return best
    at = max(bisect_left(way.breaks, billed), billed_at(way, boxes, single))
    return min(best, _least(way, at) + boxes.cost(single))


def _several(way: Way, load: Load, boxes: Boxes) -> int:
    """By two parcels or more. Every further one costs the least of all."""
    weight, volume, tare, fewest = load.weight_g, load.volume, 0, 2
    largest = other = way.first
    if load.fits:
        tare = boxes.tare_g
        fewest = max(2, -(-volume // boxes.volumes[-1]), -(-weight // boxes.bears_g))
        cheapest = boxes.cost(boxes.every)
        other = _least(way, billed_at(way, boxes, boxes.every)) + cheapest
        largest = max(_least(way, billed_at(way, boxes, some)) + boxes.cost(some) for some in load.fits)
    else:
        cheapest = 0
    best = NOWHERE
    for parcels in range(fewest, fewest + _PARCELS_MORE):
        others = (parcels - 1) * other
        if others + largest >= best:
            return best
        billed = (-(-weight // parcels) + tare) * _GRAM
        if billed > way.heaviest:
            continue
        at = bisect_left(way.breaks, billed)
        if load.fits:
            at = max(at, billed_at(way, boxes, boxes.roomy(-(-volume // parcels))))
        best = min(best, max(_least(way, at) + cheapest, largest) + others)
    return min(best, (fewest + _PARCELS_MORE) * other)


def _least(way: Way, at: int) -> int:
    return way.least(min(at, len(way.breaks) - 1))


def billed_at(way: Way, boxes: Boxes, some: int) -> int:
    """The lowest break of the way's card at which one of these cartons is billed for its size."""
    found = way.by_cartons.get(some)
    if found is None:
        every = range(len(boxes.cartons))
        found = min((_break(way, boxes.parcels[at]) for at in every if some >> at & 1), default=0)
        way.by_cartons[some] = found
    return found


def _break(way: Way, parcel: Parcel) -> int:
    rule, unit = way.service.terms.edges, way.service.tariff.weight_unit
    if not rule.divisor:
        return 0
    a, b, c = rule.read(parcel.edges)
    cube = a * b * c
    if cube <= rule.cube_above:
        return 0
    return bisect_left(way.breaks, -(-cube // (rule.unit**3 * rule.divisor)) * unit)
