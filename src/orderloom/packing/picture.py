"""A parcel drawn: an isometric picture of where each unit lies, as a small SVG that says in words what it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from orderloom.packing.model import Parcel, Placement
from orderloom.terms import Quantities

# cos 30°, in thousandths: the picture leans on integers as the packing does.
_COS30 = 866
# Hues far apart, so that neighbours differ also to most colour-blind eyes; their light comes from the face.
_HUES = (210, 35, 150, 285, 0, 60, 180, 320)
_TOP, _RIGHT, _LEFT = 72, 55, 42
_PADDING = 6


def steps(parcel: Parcel) -> list[tuple[str, int, int]]:
    """The parcel packed step by step: SKU, how many of it now, and how many units then lie in it. Lowest first."""
    found: list[tuple[str, int, int]] = []
    for placed, unit in enumerate(_laid(parcel), 1):
        if found and found[-1][0] == unit.sku:
            found[-1] = (unit.sku, found[-1][1] + 1, placed)
        else:
            found.append((unit.sku, 1, placed))
    return found


def _laid(parcel: Parcel) -> list[Placement]:
    """In the order in which a hand can lay them: nothing before what it rests on."""
    return sorted(
        parcel.placements, key=lambda p: ((p.x, p.y, p.z)[parcel.up], p.sku, (p.z, p.y, p.x), p.height)
    )


def at_step(parcel: Parcel, step: int) -> Parcel:
    """The parcel as it is after the first so many steps."""
    taken = steps(parcel)[:step]
    laid = _laid(parcel)[: taken[-1][2] if taken else 0]
    return replace(parcel, placements=tuple(laid), contents=Quantities(Counter(p.sku for p in laid)))


def isometric(parcel: Parcel, *, width: int = 240, title: str | None = None, step: int | None = None) -> str:
    """The parcel seen from above at the corner away from the origin, `width` pixels wide.

    At a step what it lays is drawn in full colour, what lay there before is pale; an item keeps its colour throughout.
    """
    hues = {sku: _HUES[at % len(_HUES)] for at, sku in enumerate(sorted(parcel.contents))}
    latest = 0
    if step is not None:
        latest = steps(parcel)[step - 1][1]
        parcel = at_step(parcel, step)
    length, depth, height = parcel.inner
    fresh = set(parcel.placements[-latest:]) if latest else set(parcel.placements)
    scale = 1000 * (width - 2 * _PADDING) / ((length + depth) * _COS30)
    pen = _Pen(scale, depth)
    high = round((height + (length + depth) / 2) * scale) + 2 * _PADDING
    pen.down = height * scale + _PADDING
    words = escape(title or _words(parcel))
    drawn = "".join(
        _unit(pen, placement, hues[placement.sku], pale=placement not in fresh)
        for placement in _back_to_front(parcel.placements)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {high}" width="{width}"'
        f' height="{high}" aria-label="{words}"><title>{words}</title>'
        f'<path d="{_behind(pen, length, depth, height)}" fill="none" stroke="#999" stroke-width="1"/>'
        f'{drawn}<path d="{_before(pen, length, depth, height)}" fill="none" stroke="#999" stroke-width="1"'
        f' stroke-dasharray="3 3"/></svg>'
    )


def _words(parcel: Parcel) -> str:
    contents = ", ".join(f"{count} of {sku}" for sku, count in sorted(parcel.contents.items()))
    return f"{parcel.carton or 'Own packaging'}: {contents}"


class _Pen:
    """From millimetres in the box to points on the paper."""

    def __init__(self, scale: float, depth: int) -> None:
        self.scale = scale
        self.right = depth * _COS30 * scale / 1000 + _PADDING
        self.down = 0.0

    def at(self, x: int, y: int, z: int) -> str:
        across = self.right + (x - y) * _COS30 * self.scale / 1000
        below = self.down + ((x + y) / 2 - z) * self.scale
        return f"{across:.1f} {below:.1f}"

    def face(self, *corners: tuple[int, int, int]) -> str:
        return "M" + "L".join(self.at(*corner) for corner in corners) + "Z"


def _unit(pen: _Pen, p: Placement, hue: int, *, pale: bool = False) -> str:
    x, y, z = p.x, p.y, p.z
    x2, y2, z2 = x + p.length, y + p.width, z + p.height
    faces = (
        (_TOP, pen.face((x, y, z2), (x2, y, z2), (x2, y2, z2), (x, y2, z2))),
        (_RIGHT, pen.face((x2, y, z), (x2, y2, z), (x2, y2, z2), (x2, y, z2))),
        (_LEFT, pen.face((x, y2, z), (x2, y2, z), (x2, y2, z2), (x, y2, z2))),
    )
    paths = "".join(
        f'<path d="{path}" fill="hsl({hue} {12 if pale else 55}% {light + 14 if pale else light}%)"/>'
        for light, path in faces
    )
    return f'<g stroke="#333" stroke-width=".6" stroke-linejoin="round"><title>{escape(p.sku)}</title>{paths}</g>'


def _behind(pen: _Pen, length: int, depth: int, height: int) -> str:
    """The floor and the two walls the units stand before."""
    return (
        pen.face((0, 0, 0), (length, 0, 0), (length, depth, 0), (0, depth, 0))
        + pen.face((0, 0, 0), (length, 0, 0), (length, 0, height), (0, 0, height))
        + pen.face((0, 0, 0), (0, depth, 0), (0, depth, height), (0, 0, height))
    )


def _before(pen: _Pen, length: int, depth: int, height: int) -> str:
    """The three edges nearest the eye."""
    near = (length, depth, height)
    ends = ((0, depth, height), (length, 0, height), (length, depth, 0))
    return "".join(f"M{pen.at(*near)}L{pen.at(*end)}" for end in ends)


def _back_to_front(placements: Sequence[Placement]) -> list[Placement]:
    """Painter's order: a unit comes after every unit it may hide."""
    left = sorted(placements, key=lambda p: (p.x + p.y + p.z, p.z, p.y, p.x))
    drawn: list[Placement] = []
    while left:
        # Of boxes that hide one another in a ring the farthest goes first: one of them must.
        free = next((p for p in left if not any(_behind_of(q, p) for q in left if q is not p)), left[0])
        left.remove(free)
        drawn.append(free)
    return drawn


def _behind_of(q: Placement, p: Placement) -> bool:
    """Does q lie behind, left behind or below p, where p may hide it?"""
    if p.x + p.length <= q.x or p.y + p.width <= q.y or p.z + p.height <= q.z:
        return False
    return q.x + q.length <= p.x or q.y + q.width <= p.y or q.z + q.height <= p.z
