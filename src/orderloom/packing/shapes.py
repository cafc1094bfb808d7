"""What the packer works with: kinds of unit, boxes, blocks of like units, and the rules that bind kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Edges: TypeAlias = tuple[int, int, int]
# A free space or a solid: its two corners, x1 y1 z1 x2 y2 z2.
Cuboid: TypeAlias = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What units have in common that packing cares for. One object stands for one kind: it is compared by identity.

    `turns` are the orientations allowed, without repeats, and `soft_turns` those of a unit squeezed in a bag, if it
    may go into one; `pitch` is what each further unit adds to a pile of nested ones, nought when they do not nest;
    `volume` is the least a unit takes up; `bears_g` is what may lie on one, None when that is not limited.
    """

    turns: tuple[Edges, ...]
    weight_g: int
    fragile: bool
    volume: int
    soft_turns: tuple[Edges, ...] = ()
    bears_g: int | None = None
    pitch: int = 0


class Box(NamedTuple):
    """A carton as the search sees it. `soft`: a bag or mailer, filled to some thickness. `volume`: what goods may take up.

    `stock` is how many there are, None for any number; `twin` is the first of the boxes that draw on that same stock.
    """

    inner: Edges
    room_g: int
    volume: int
    soft: bool = False
    stock: int | None = None
    twin: int = -1

    def turns_of(self, kind: Kind) -> list[Edges]:
        """The orientations in which one unit goes in."""
        length, width, height = self.inner
        turns = kind.soft_turns if self.soft else kind.turns
        return [t for t in turns if t[0] <= length and t[1] <= width and t[2] <= height]

    def takes(self, kind: Kind) -> bool:
        """Is it large and strong enough for one unit?"""
        if kind.weight_g > self.room_g:
            return False
        turns = self.turns_of(kind)
        if not turns or self.soft or kind.pitch:
            return bool(turns)
        return turns[0][0] * turns[0][1] * turns[0][2] <= self.volume


class Block(NamedTuple):
    """A stack of like units in a grid: its corner, one unit's edges, how many along each axis, and the rise of a pile."""

    kind: int
    x: int
    y: int
    z: int
    edges: Edges
    grid: Edges
    pitch: int

    @property
    def units(self) -> int:
        """How many units."""
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def far(self) -> Edges:
        """The corner farthest from the origin."""
        (length, width, height), (across, along, up) = self.edges, self.grid
        return (self.x + length * across, self.y + width * along, self.z + height + (up - 1) * self.pitch)


class Rules(NamedTuple):
    """What binds kinds together or keeps them apart; kinds by their place in the list.

    `bars`: by kind, as bits, the kinds it never shares a box with. `caps`: by kind what a unit counts, and how much one
    box may hold of it. `groups`: kinds, as bits, that stay together: all their units in one box.
    `support`: how many thousandths of a base must rest on what lies below it; less would tip or dent. `off_centre`: how many
    thousandths of an edge the centre of mass may lie off the middle of the floor; half the edge is anywhere.
    """

    bars: tuple[int, ...] = ()
    caps: tuple[tuple[tuple[int, ...], int], ...] = ()
    groups: tuple[int, ...] = ()
    support: int = 600
    off_centre: int = 500


FREE = Rules()
