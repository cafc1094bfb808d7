"""Which units go into which carton, and where each lies: fewest parcels first, then the least volume, then cost.

A pure function in integers. Effort is counted work (places looked at), never time, so the same question and the same
budget have the same answer everywhere. Rules kept: inner sizes, orientations, gross weight, nothing above a fragile
unit, dangerous goods of a class by themselves, and a parcel each for what ships alone.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from orderloom.packing.model import Article, Carton, PackPlan, Parcel, Placement
from orderloom.packing.search import Packing, search
from orderloom.packing.shapes import Block, Box, Edges, Kind
from orderloom.terms import Dimensions, Quantities


def cartonize(
    articles: Iterable[Article], cartons: Iterable[Carton], *, keep_flat: bool = False, effort: int = 80_000
) -> PackPlan:
    """Pack everything that fits somewhere. What fits nowhere is named with the reason and left out of the parcels."""
    offered = _by_size(tuple(cartons))
    boxes = tuple(_box(carton) for carton in offered)
    groups: dict[str | None, list[Article]] = defaultdict(list)
    parcels: list[Parcel] = []
    unpackable: list[tuple[str, str]] = []
    # Sorted, so that the answer does not depend on the order of the lines.
    for article in sorted(articles, key=_by_sku):
        if article.quantity <= 0:
            continue
        fitting = _first_fitting(article, boxes, keep_flat=keep_flat)
        if article.ships_alone:
            parcels += [_alone(article, fitting, offered, boxes, keep_flat=keep_flat)] * article.quantity
        elif fitting is None:
            unpackable.append((article.sku, _why_not(article, offered, keep_flat=keep_flat)))
        else:
            groups[article.hazmat_class].append(article)
    least, spent = len(parcels), 0
    for hazmat_class in sorted(groups, key=lambda name: name or ""):
        packing, units = _packed(groups[hazmat_class], boxes, keep_flat=keep_flat, effort=effort)
        parcels += _parcels(packing, units, offered)
        least += packing.lower_bound
        spent += packing.effort
    return PackPlan(
        parcels=tuple(parcels),
        lower_bound=least,
        proven=len(parcels) == least,
        unpackable=tuple(unpackable),
        effort=spent,
    )


def whole(articles: Iterable[Article], cartons: Iterable[Carton], *, effort: int = 80_000) -> PackPlan:
    """A plan that leaves nothing out: what fits no carton ships in its own packaging."""
    goods, offered = tuple(articles), tuple(cartons)
    plan = cartonize(goods, offered, effort=effort)
    if not plan.unpackable:
        return plan
    bare = {sku for sku, _ in plan.unpackable}
    return cartonize(
        [replace(a, ships_alone=True) if a.sku in bare else a for a in goods], offered, effort=effort
    )


def _by_sku(article: Article) -> tuple[str, int, int, int, int]:
    return (article.sku, article.length, article.width, article.height, article.weight_g)


@lru_cache(maxsize=256)
def _by_size(cartons: tuple[Carton, ...]) -> tuple[Carton, ...]:
    return tuple(sorted(cartons, key=lambda carton: (carton.outer.volume, carton.cost, carton.code)))


@lru_cache(maxsize=1024)
def _box(carton: Carton) -> Box:
    length, width, height = carton.inner
    return Box((length, width, height), carton.max_weight_g - carton.tare_g, carton.inner.volume)


# --- articles and kinds -----------------------------------------------------------------------------------------


@lru_cache(maxsize=16_384)
def _turns(length: int, width: int, height: int, *, upright: bool) -> tuple[Edges, ...]:
    """The orientations allowed: two when the height must stay vertical, else six; repeats left out."""
    if upright:
        return tuple(sorted({(length, width, height), (width, length, height)}))
    return tuple(sorted(set(_any_way(length, width, height))))


def _any_way(a: int, b: int, c: int) -> tuple[Edges, ...]:
    return ((a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a))


@lru_cache(maxsize=16_384)
def _kind(length: int, width: int, height: int, weight_g: int, *, fragile: bool, upright: bool) -> Kind:
    # An item nobody measured still takes up a millimetre.
    edges = (max(length, 1), max(width, 1), max(height, 1))
    return Kind(_turns(*edges, upright=upright), weight_g, fragile, edges[0] * edges[1] * edges[2])


def _kind_of(article: Article, *, keep_flat: bool) -> Kind:
    return _kind(
        article.length,
        article.width,
        article.height,
        article.weight_g,
        fragile=article.fragile,
        upright=article.this_side_up or keep_flat,
    )


def _first_fitting(article: Article, boxes: Sequence[Box], *, keep_flat: bool) -> int | None:
    kind = _kind_of(article, keep_flat=keep_flat)
    return next((at for at, box in enumerate(boxes) if box.takes(kind)), None)


def _why_not(article: Article, offered: Sequence[Carton], *, keep_flat: bool) -> str:
    if not offered:
        return "there is no carton to choose from"
    kind = _kind_of(article, keep_flat=keep_flat)
    roomy = [carton for carton in offered if _box(carton).turns_of(kind)]
    size = f"{article.length} x {article.width} x {article.height} mm"
    if not roomy:
        largest = max(offered, key=lambda carton: (carton.inner.volume, carton.code))
        inside = " x ".join(str(edge) for edge in largest.inner)
        return f"{size} fits no carton; the largest, {largest.code}, is {inside} mm inside"
    strongest = max(roomy, key=lambda carton: (carton.max_weight_g - carton.tare_g, carton.code))
    bears = strongest.max_weight_g - strongest.tare_g
    return f"{article.weight_g} g is too heavy: of the cartons it fits, {strongest.code} bears most, {bears} g of contents"


# --- parcels ----------------------------------------------------------------------------------------------------


def _alone(
    article: Article, fitting: int | None, offered: Sequence[Carton], boxes: Sequence[Box], *, keep_flat: bool
) -> Parcel:
    """One unit in the smallest carton it fits, or as it is when it fits none: its packaging is its own."""
    contents = Quantities({article.sku: 1})
    if fitting is None:
        size = Dimensions(max(article.length, 1), max(article.width, 1), max(article.height, 1))
        place = Placement(article.sku, 0, 0, 0, *size)
        return Parcel(
            carton=None,
            contents=contents,
            placements=(place,),
            weight_g=article.weight_g,
            outer=size,
            inner=size,
        )
    turn = boxes[fitting].turns_of(_kind_of(article, keep_flat=keep_flat))[0]
    return _parcel(offered[fitting], contents, (Placement(article.sku, 0, 0, 0, *turn),), article.weight_g)


def _packed(
    articles: Sequence[Article], boxes: tuple[Box, ...], *, keep_flat: bool, effort: int
) -> tuple[Packing, dict[Kind, deque[tuple[str, int]]]]:
    """The packing of one group, and by kind the units that its blocks stand for."""
    units: dict[Kind, deque[tuple[str, int]]] = defaultdict(deque)
    for article in articles:
        units[_kind_of(article, keep_flat=keep_flat)].append((article.sku, article.quantity))
    # Largest first, as the search expects.
    kinds = sorted(units, key=lambda kind: (-kind.volume, -kind.weight_g, kind.turns, kind.fragile))
    counts = tuple(sum(count for _, count in units[kind]) for kind in kinds)
    return search(tuple(kinds), counts, boxes, effort=effort), units


def _parcels(
    packing: Packing, units: dict[Kind, deque[tuple[str, int]]], offered: Sequence[Carton]
) -> Iterator[Parcel]:
    for at, blocks, up in packing.boxes:
        placements: list[Placement] = []
        contents: dict[str, int] = defaultdict(int)
        weight = 0
        for block in blocks:
            kind = packing.kinds[block.kind]
            weight += kind.weight_g * block.units
            skus = _taken(units[kind], block.units)
            for sku, corner in zip(skus, _corners(block), strict=True):
                contents[sku] += 1
                placements.append(Placement(sku, *corner, *block.edges))
        yield _parcel(offered[at], Quantities(contents), tuple(placements), weight, up)


def _parcel(
    carton: Carton, contents: Quantities, placements: tuple[Placement, ...], weight_g: int, up: int = 2
) -> Parcel:
    return Parcel(
        carton=carton.code,
        contents=contents,
        placements=placements,
        weight_g=weight_g + carton.tare_g,
        outer=carton.outer,
        inner=carton.inner,
        up=up,
    )


def _taken(units: deque[tuple[str, int]], count: int) -> Iterator[str]:
    """The next units of one kind, SKU by SKU: alike in all that packing knows, they are interchangeable."""
    while count:
        sku, available = units.popleft()
        some = min(available, count)
        if available > some:
            units.appendleft((sku, available - some))
        count -= some
        yield from [sku] * some


def _corners(block: Block) -> Iterator[Edges]:
    length, width, height = block.edges
    for i in range(block.grid[0]):
        for j in range(block.grid[1]):
            for k in range(block.grid[2]):
                yield (block.x + i * length, block.y + j * width, block.z + k * height)
