"""Floors under carriage and cartons: what no packing of some goods, into however many parcels, is carried for less.

A relaxation of packing and rating. One parcel holds everything only in a carton that no plain measure rules out. Of
several, each holds a unit of something and costs what a unit asks for at the least, the heaviest has its share of the
weight, the roomiest its share of the volume, and together they cost what equal shares would if a card were convex: the
lower hulls of its prices, by weight and by the room of cartons. A parcel costs at least what the card has from its
billable weight on, with the surcharges that no size or weight calls for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from orderloom.routing.boxes import NOWHERE, Boxes, Load
from orderloom.routing.ways import Lane, Way
from orderloom.shipping.model import NG, Parcel

_GRAM = NG["g"]
# So many parcels more than the fewest are looked at one by one; beyond them each costs the least of all.
_PARCELS_MORE = 24


def least_by(way: Way, load: Load, boxes: Boxes, most: int) -> int:
    """The same by one way, or more than `most` where that is sure."""
    return way.weighed(_floor(way, load, boxes, most + way.credit + 1)) + load.work


def floor(lane: Lane, load: Load, boxes: Boxes) -> int:
    """No parcels of at least this load go down the lane for less, cartons included, a commitment's worth taken off."""
    best = NOWHERE
    for way in lane.ways:
        if way.opening < best:
            most = best + way.credit if best < NOWHERE else NOWHERE
            found = _floor(way, load, boxes, most)
            if found < most:
                best = way.weighed(found)
    return best + load.work


def _floor(way: Way, load: Load, boxes: Boxes, most: int) -> int:
    """By one way: the best of one parcel and of several, or `most` where both come to more."""
    if not load.ones:
        billed = load.weight_g * _GRAM
        best = min(most, _bare(way, load))
        return best if billed > way.heaviest else min(best, _least(way, bisect_left(way.breaks, billed)))
    best = _one(way, load, boxes, most)
    # Two parcels of anything may be dearer already.
    if best <= 2 * (way.first + boxes.cheapest):
        return best
    return _several(way, load, boxes, best)


def _one(way: Way, load: Load, boxes: Boxes, best: int) -> int:
    """In one of the cartons that may hold everything, if that is less."""
    billed = (load.weight_g + boxes.tare_g) * _GRAM
    if billed <= way.heaviest:
        weighs = _least(way, bisect_left(way.breaks, billed))
        costs, sized = boxes.costs, _sized(way, boxes)
        for at in load.single:
            weighed, size = weighs + costs[at], sized[at]
            if weighed < best and size < best:
                best = max(weighed, size)
    return best


def _several(way: Way, load: Load, boxes: Boxes, best: int) -> int:
    """In two parcels or more, if that is less."""
    weight, volume, tare = load.weight_g, load.volume, boxes.tare_g
    fewest = max(2, -(-volume // boxes.volumes[-1]), -(-weight // boxes.bears_g))
    ones = [_unit(way, one, boxes) for one in load.ones]
    largest, other, cheapest = max(ones), min(ones), boxes.cheapest
    for parcels in range(fewest, fewest + _PARCELS_MORE):
        others = (parcels - 1) * other
        if others + largest >= best:
            return best
        billed = (weight + parcels * tare) * _GRAM
        if billed > parcels * way.heaviest:
            continue
        at = max(
            bisect_left(way.breaks, -(-billed // parcels)),
            billed_at(way, boxes, boxes.roomy(-(-volume // parcels))),
        )
        heaviest = _least(way, at) + cheapest + others
        if heaviest < best:
            found = max(
                heaviest,
                largest + others,
                _shared(_by_weight(way, boxes), billed, parcels) + parcels * cheapest,
                _shared(_by_volume(way, boxes), volume, parcels),
            )
            best = min(best, found)
    return min(best, (fewest + _PARCELS_MORE) * other)


def _unit(way: Way, one: tuple[int, int], boxes: Boxes) -> int:
    """What a parcel with a unit comes to: one that these cartons take, and that weighs so much."""
    found = way.units.get(one)
    if found is None:
        some, weighs = one
        at = max(bisect_left(way.breaks, (weighs + boxes.tare_g) * _GRAM), billed_at(way, boxes, some))
        found = way.units[one] = _least(way, at) + boxes.cost(some)
    return found


def _bare(way: Way, load: Load) -> int:
    """Several, where not everything is sure to be put in a carton: each other costs the least of all."""
    best = NOWHERE
    for parcels in range(2, 2 + _PARCELS_MORE):
        others = (parcels - 1) * way.first
        if others + way.first >= best:
            return best
        billed = -(-load.weight_g // parcels) * _GRAM
        if billed <= way.heaviest:
            best = min(best, _least(way, bisect_left(way.breaks, billed)) + others)
    return min(best, (2 + _PARCELS_MORE) * way.first)


def _least(way: Way, at: int) -> int:
    return way.least(min(at, len(way.breaks) - 1))


# --- cartons by way -------------------------------------------------------------------------------------------


def billed_at(way: Way, boxes: Boxes, some: int) -> int:
    """The lowest break of the way's card at which one of these cartons is billed for its size."""
    found = way.by_cartons.get(some)
    if found is None:
        sizes = _by_size(way, boxes)
        found = min((size for at, size in enumerate(sizes) if some >> at & 1), default=0)
        way.by_cartons[some] = found
    return found


def _by_size(way: Way, boxes: Boxes) -> Sequence[int]:
    """By carton the break of the way's card at which it is billed for its size."""
    if way.by_size is None:
        way.by_size = [_break(way, parcel) for parcel in boxes.parcels]
    return way.by_size


def _sized(way: Way, boxes: Boxes) -> Sequence[int]:
    """By carton what a parcel in it costs for its size, the carton included."""
    if way.sized is None:
        sizes = _by_size(way, boxes)
        way.sized = [_least(way, size) + cost for size, cost in zip(sizes, boxes.costs, strict=True)]
    return way.sized


def _break(way: Way, parcel: Parcel) -> int:
    rule, unit = way.service.terms.edges, way.service.tariff.weight_unit
    if not rule.divisor:
        return 0
    a, b, c = rule.read(parcel.edges)
    cube = a * b * c
    if cube <= rule.cube_above:
        return 0
    return bisect_left(way.breaks, -(-cube // (rule.unit**3 * rule.divisor)) * unit)


# --- equal shares ---------------------------------------------------------------------------------------------

# Corners of a convex function, from left to right.
Hull = Sequence[tuple[int, int]]


def _shared(hull: Hull, total: int, parcels: int) -> int:
    """What parcels that have so much together come to at the least: as much as equal shares would on the hull."""
    x, y = hull[0]
    for right, above in hull[1:]:
        if total <= parcels * right:
            return parcels * y + (above - y) * (total - parcels * x) // (right - x)
        x, y = right, above
    return NOWHERE


def _by_weight(way: Way, boxes: Boxes) -> Hull:
    """What a parcel costs by its billed weight, up to the heaviest."""
    if way.by_weight is None:
        most = min(way.heaviest, boxes.gross_g * _GRAM)
        left = (0, *[one for one in way.breaks[:-1] if one < most])
        points = [(x, way.least(at)) for at, x in enumerate(left)]
        way.by_weight = _hull([*points, (most, points[-1][1])])
    return way.by_weight


def _by_volume(way: Way, boxes: Boxes) -> Hull:
    """What a parcel costs with its carton by the volume in it, up to the roomiest."""
    if way.by_volume is None:
        costs = _sized(way, boxes)
        points = [
            (x, min(costs[at:])) for at, x in enumerate((0, *boxes.volumes[:-1])) if x < boxes.volumes[-1]
        ]
        way.by_volume = _hull([*points, (boxes.volumes[-1], points[-1][1])])
    return way.by_volume


def _hull(points: Iterable[tuple[int, int]]) -> Hull:
    """The lower convex hull of points from left to right."""
    hull: list[tuple[int, int]] = []
    for x, y in points:
        while len(hull) > 1:
            (a, b), (c, d) = hull[-2:]
            if (d - b) * (x - a) < (y - b) * (c - a):
                break
            hull.pop()
        if hull and hull[-1][0] == x:
            hull[-1] = (x, min(y, hull[-1][1]))
        else:
            hull.append((x, y))
    return hull
