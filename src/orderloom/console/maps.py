"""A routing decision drawn on a map: points projected here, states drawn from one cached sheet of symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin, sqrt
from typing import Any

WIDTH, HEIGHT = 975.0, 610.0
_SCALE = 1300.0
_MIDDLE = (487.5, 305.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A node or the destination on the picture; `label_x`, `label_y` and `anchor` place its name."""

    kind: str  # destination, chosen, considered, refused
    name: str
    title: str
    x: float
    y: float
    label_x: float = 0.0
    label_y: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Leg:
    """From a node to the destination, as an SVG path."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What the template draws. `states`: whether the sheet of US states lies beneath; else `grid` has the degrees."""

    states: bool
    marks: Sequence[Mark]
    legs: Sequence[Leg]
    grid: Sequence[tuple[float, float, float, float]]


# --- Albers, as the atlas was drawn ---------------------------------------------------------------------------


def _conic(longitude: float, latitude: float, south: float, north: float) -> tuple[float, float]:
    """Albers' equal-area conic with two standard parallels, on the unit sphere."""
    sine = sin(radians(south))
    n = (sine + sin(radians(north))) / 2
    c = 1 + sine * (2 * n - sine)
    r = sqrt(max(0.0, c - 2 * n * sin(radians(latitude)))) / n
    angle = radians(longitude) * n
    return r * sin(angle), sqrt(c) / n - r * cos(angle)


@dataclass(frozen=True, slots=True)
class _Inset:
    turn: float
    center: tuple[float, float]
    parallels: tuple[float, float]
    size: float
    at: tuple[float, float]

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        x, y = _conic((longitude + self.turn + 180) % 360 - 180, latitude, *self.parallels)
        x0, y0 = _conic(*self.center, *self.parallels)
        k = _SCALE * self.size
        return _MIDDLE[0] + self.at[0] * _SCALE + k * (x - x0), _MIDDLE[1] + self.at[1] * _SCALE - k * (
            y - y0
        )


# The atlas is the composite projection of d3: the lower states, Alaska made smaller, Hawaii moved in.
_LOWER = _Inset(96, (-0.6, 38.7), (29.5, 45.5), 1.0, (0.0, 0.0))
_ALASKA = _Inset(154, (-2.0, 58.5), (55.0, 65.0), 0.35, (-0.307, 0.201))
_HAWAII = _Inset(157, (-3.0, 19.9), (8.0, 18.0), 1.0, (-0.205, 0.212))


def us_point(latitude: float, longitude: float) -> tuple[float, float] | None:
    """Where a place lies on the sheet of states, 975 by 610; None outside the United States."""
    if 24 <= latitude <= 50 and -125.5 <= longitude <= -66:
        return _LOWER.point(latitude, longitude)
    if 51 <= latitude <= 72 and (longitude <= -129 or longitude >= 172):
        return _ALASKA.point(latitude, longitude)
    if 18.5 <= latitude <= 22.5 and -161 <= longitude <= -154:
        return _HAWAII.point(latitude, longitude)
    return None


# --- the picture of a decision --------------------------------------------------------------------------------


def picture(answer: Mapping[str, Any], ship_to: Mapping[str, Any]) -> Picture | None:
    """The decision on a map, None when no place of it is known."""
    places = list(_places(answer, ship_to))
    if len(places) < 2:
        return None
    points = [us_point(latitude, longitude) for _, _, _, latitude, longitude in places]
    states = all(point is not None for point in points)
    grid: Sequence[tuple[float, float, float, float]] = ()
    if not states:
        flat = _fitted([(latitude, longitude) for _, _, _, latitude, longitude in places])
        points, grid = list(flat.points), flat.grid
    marks = [
        Mark(kind=kind, name=name, title=title, x=round(point[0], 1), y=round(point[1], 1))
        for (kind, name, title, _, _), point in zip(places, points, strict=True)
        if point is not None
    ]
    home = next((mark for mark in marks if mark.kind == "destination"), None)
    legs = (
        []
        if home is None
        else [Leg(m.kind, _arc(m, home)) for m in marks if m.kind in ("chosen", "runner_up")]
    )
    return Picture(states, _labelled(marks), legs, grid)


def _places(
    answer: Mapping[str, Any], ship_to: Mapping[str, Any]
) -> Iterable[tuple[str, str, str, float, float]]:
    runner_up = {part.get("node") for part in (answer.get("runner_up") or {}).get("shipments") or ()}
    chosen = {part.get("node") for part in (answer.get("plan") or {}).get("shipments") or ()}
    order = {"refused": 0, "considered": 1, "runner_up": 2, "chosen": 3}
    nodes = []
    for node in answer.get("candidates") or ():
        latitude, longitude = node.get("latitude"), node.get("longitude")
        if latitude is None or longitude is None:
            continue
        code = str(node.get("node", ""))
        kind = (
            "chosen"
            if code in chosen
            else "runner_up"
            if code in runner_up
            else str(node.get("verdict", "considered"))
        )
        nodes.append((kind, code, str(node.get("name") or code), float(latitude), float(longitude)))
    # The chosen last, so that they lie on top.
    yield from sorted(nodes, key=lambda place: order.get(place[0], 1))
    if ship_to.get("latitude") is not None and ship_to.get("longitude") is not None:
        city = str(ship_to.get("city") or "destination")
        yield (
            "destination",
            city,
            f"Destination: {city}",
            float(ship_to["latitude"]),
            float(ship_to["longitude"]),
        )


@dataclass(frozen=True, slots=True)
class _Flat:
    points: Sequence[tuple[float, float]]
    grid: Sequence[tuple[float, float, float, float]]


def _fitted(places: Sequence[tuple[float, float]]) -> _Flat:
    """Equirectangular, fitted to the places, with the parallels and meridians that fall into view."""
    south, north = min(p[0] for p in places), max(p[0] for p in places)
    west, east = min(p[1] for p in places), max(p[1] for p in places)
    squeeze = max(0.2, cos(radians((south + north) / 2)))
    k = min(WIDTH * 0.7 / max((east - west) * squeeze, 0.5), HEIGHT * 0.7 / max(north - south, 0.5))

    def point(latitude: float, longitude: float) -> tuple[float, float]:
        return (
            _MIDDLE[0] + (longitude - (west + east) / 2) * squeeze * k,
            _MIDDLE[1] - (latitude - (south + north) / 2) * k,
        )

    step = next(size for size in (1, 2, 5, 10, 20, 45, 90) if size * k >= 60 or size == 90)
    grid = []
    for degree in range(-180, 181, step):
        x, y = point(degree, degree)
        if 0 <= x <= WIDTH:
            grid.append((round(x, 1), 0.0, round(x, 1), HEIGHT))
        if 0 <= y <= HEIGHT:
            grid.append((0.0, round(y, 1), WIDTH, round(y, 1)))
    return _Flat([point(*place) for place in places], grid)


def _arc(start: Mark, end: Mark) -> str:
    """A line that bends upwards, so that several into one place can be told apart."""
    middle_x, middle_y = (start.x + end.x) / 2, (start.y + end.y) / 2
    bend = hypot(end.x - start.x, end.y - start.y) * 0.16
    return f"M{start.x},{start.y}Q{middle_x:.1f},{middle_y - bend:.1f} {end.x},{end.y}"


_LETTER, _LINE = 10.0, 20.0


def _labelled(marks: Sequence[Mark]) -> list[Mark]:
    """Names beside their marks, each where it covers the fewest others: right, left, above, below."""
    taken = [(m.x - 9, m.y - 9, m.x + 9, m.y + 9) for m in marks]
    placed = []
    for mark in reversed(marks):
        width = len(mark.name) * _LETTER
        spots = [
            (mark.x + 14, mark.y + 6, "start", mark.x + 12),
            (mark.x - 14, mark.y + 6, "end", mark.x - 12 - width),
            (mark.x, mark.y - 15, "middle", mark.x - width / 2),
            (mark.x, mark.y + 27, "middle", mark.x - width / 2),
        ]
        boxes = [(left, y - _LINE + 4, left + width, y + 4) for _, y, _, left in spots]
        best = min(range(4), key=lambda i: (_covered(boxes[i], taken) + _outside(boxes[i]), i))
        x, y, anchor, _ = spots[best]
        taken.append(boxes[best])
        placed.append(
            Mark(kind=mark.kind, name=mark.name, title=mark.title, x=mark.x, y=mark.y,
                 label_x=round(x, 1), label_y=round(y, 1), anchor=anchor)
        )  # fmt: skip
    return placed[::-1]


def _covered(
    box: tuple[float, float, float, float], taken: Iterable[tuple[float, float, float, float]]
) -> float:
    return sum(
        max(0.0, min(box[2], t[2]) - max(box[0], t[0])) * max(0.0, min(box[3], t[3]) - max(box[1], t[1]))
        for t in taken
    )


def _outside(box: tuple[float, float, float, float]) -> float:
    return 1e6 if box[0] < 0 or box[1] < 0 or box[2] > WIDTH or box[3] > HEIGHT else 0.0
