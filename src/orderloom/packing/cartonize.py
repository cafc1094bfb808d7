"""Which units go into which carton, and where each lies: fewest parcels first, then the least volume, then cost.

A pure function in integers. Effort is counted work (places looked at), never time, so the same question and the same
budget have the same answer everywhere. `model.Article`, `Carton` and `PackRules` say what rules are kept.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from operator import attrgetter
from typing import TypeAlias

from orderloom.packing.model import Article, Carton, PackPlan, PackRules, Parcel, Placement
from orderloom.packing.search import search
from orderloom.packing.shapes import FREE, Block, Box, Edges, Kind
from orderloom.packing.sorting import PLAIN, Goods, Offer, kind_of, offering, sorted_out, taking
from orderloom.packing.steady import shift, steadied
from orderloom.terms import Dimensions, Quantities

EFFORT = 160_000
# What plans of fulfillment orders are made with, and what routing and promises foresee of them: a worker plans whole
# sets, and a hard order must not keep all others waiting for its last box.
PLANNED_EFFORT = 10_000
# The units of one kind that are not packed yet, by SKU.
_Units: TypeAlias = deque[tuple[str, int]]


@dataclass(slots=True)
class _Work:
    """A plan in the making."""

    offer: Offer
    rules: PackRules
    effort: int
    parcels: list[Parcel] = field(default_factory=list)
    unpackable: list[tuple[str, str]] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    least: int = 0
    spent: int = 0
    ran_out: bool = False

    def boxes(self) -> tuple[Box, ...]:
        """The boxes with what is left of those that are limited."""
        if not self.used:
            return self.offer.boxes
        return tuple(
            box if box.stock is None else box._replace(stock=box.stock - self.used.get(carton.code, 0))
            for carton, box in zip(self.offer.cartons, self.offer.boxes, strict=True)
        )


def cartonize(
    articles: Iterable[Article],
    cartons: Iterable[Carton] | Offer,
    *,
    keep_flat: bool = False,
    effort: int = EFFORT,
    rules: PackRules = PLAIN,
) -> PackPlan:
    """Pack everything that fits somewhere. What fits nowhere is named with the reason and left out of the parcels.

    Who packs much into the same cartons by the same rules may hand over `offering` of both.
    """
    offered = cartons if isinstance(cartons, Offer) else offering(cartons, rules)
    # Sorted, so that the answer does not depend on the order of lines.
    goods = sorted(articles, key=_by_sku)
    rules = _told_apart(goods, rules)
    work = _Work(offered, rules, effort, spent=len(goods))
    groups: dict[str, list[tuple[Kind, Article]]] = {}
    for article in goods:
        if article.quantity <= 0:
            continue
        if article.own_container:
            work.parcels += [_bare(article)] * article.quantity
            continue
        kind = kind_of(article, keep_flat=keep_flat)
        fits = _takers(kind, article.hazmat_class, offered, rules)
        if article.ships_alone:
            _each_alone(work, article, kind, fits)
        elif not fits:
            work.unpackable.append((article.sku, _why_not(article, kind, work)))
        else:
            hazmat = (article.hazmat_class or "") if rules.segregated is None else ""
            groups.setdefault(hazmat, []).append((kind, article))
    work.least = len(work.parcels)
    for hazmat in sorted(groups):
        _pack(work, sorted_out(groups[hazmat], rules))
    return PackPlan(
        parcels=tuple(work.parcels),
        lower_bound=work.least,
        # With the cartons that there are, others might have held what is left.
        proven=len(work.parcels) == work.least and not work.ran_out,
        unpackable=tuple(work.unpackable),
        effort=work.spent,
    )


def whole(
    articles: Iterable[Article],
    cartons: Iterable[Carton] | Offer,
    *,
    effort: int = EFFORT,
    rules: PackRules = PLAIN,
) -> PackPlan:
    """A plan that leaves nothing out: what fits no carton ships in its own packaging."""
    goods = tuple(articles)
    offered = cartons if isinstance(cartons, Offer) else offering(cartons, rules)
    plan = cartonize(goods, offered, effort=effort, rules=rules)
    if not plan.unpackable:
        return plan
    return cartonize(bared(goods, plan), offered, effort=effort, rules=rules)


def bared(goods: Iterable[Article], plan: PackPlan) -> list[Article]:
    """The goods with what the plan had to leave out in its own packaging."""
    left = {sku for sku, _ in plan.unpackable}
    return [replace(a, own_container=True) if a.sku in left else a for a in goods]


def _told_apart(goods: Sequence[Article], rules: PackRules) -> PackRules:
    """What must stay together may be of several classes: then the classes are kept apart by name, not packed in turn."""
    if rules.segregated is not None:
        return rules
    for article in goods:
        if article.together is not None:
            break
    else:
        return rules
    classes = sorted({article.hazmat_class or "" for article in goods})
    return replace(rules, segregated=tuple(combinations(classes, 2)))


_by_sku = attrgetter("sku", "length", "width", "height", "weight_g")


# --- what fits where --------------------------------------------------------------------------------------------


def _takers(kind: Kind, hazmat_class: str | None, offered: Offer, rules: PackRules) -> int:
    """The boxes that take one unit, as bits."""
    most = rules.limited_g.get(hazmat_class or "") if rules.limited_g else None
    return 0 if most is not None and kind.weight_g > most else taking(kind, offered)


def takers(article: Article, cartons: Iterable[Carton] | Offer, rules: PackRules = PLAIN) -> frozenset[str]:
    """The cartons that take one unit of it, by code; none of them: `whole` leaves it in its own packaging."""
    if article.own_container:
        return frozenset()
    offered = cartons if isinstance(cartons, Offer) else offering(cartons, rules)
    fits = _takers(kind_of(article, keep_flat=False), article.hazmat_class, offered, rules)
    return frozenset(carton.code for at, carton in enumerate(offered.cartons) if fits >> at & 1)


def lacking(
    plan: PackPlan, articles: Iterable[Article], cartons: Iterable[Carton], rules: PackRules = PLAIN
) -> bool:
    """Whether the plan leaves goods without a carton that go into one of these: it was offered too few of them.

    What must stay together may be too much for any, and is not looked at.
    """
    bare = {sku for parcel in plan.parcels if parcel.carton is None for sku in parcel.contents}
    left = [article for article in articles if article.sku in bare and article.together is None]
    return any(takers(article, cartons, rules) for article in left)


def _why_not(article: Article, kind: Kind, work: _Work) -> str:
    offered = [c for c in work.offer.cartons if not c.flexible] or list(work.offer.cartons)
    if not offered:
        return "there is no carton to choose from"
    roomy = [
        carton for carton, box in zip(work.offer.cartons, work.offer.boxes, strict=True) if box.turns_of(kind)
    ]
    size = f"{article.length} x {article.width} x {article.height} mm"
    if not roomy:
        largest = max(offered, key=lambda carton: (carton.inner.volume, carton.code))
        inner = " x ".join(str(edge) for edge in largest.inner)
        return f"{size} fits no carton; the largest, {largest.code}, is {inner} mm inside"
    strongest = max(roomy, key=lambda carton: (carton.max_weight_g - carton.tare_g, carton.code))
    bears = strongest.max_weight_g - strongest.tare_g
    if article.weight_g > bears:
        return f"{article.weight_g} g is too heavy: of the cartons it fits, {strongest.code} bears most, {bears} g of contents"
    return f"{article.weight_g} g of class {article.hazmat_class} is more than a parcel may hold of it"


# --- parcels ----------------------------------------------------------------------------------------------------


def _bare(article: Article) -> Parcel:
    """One unit as it is: its packaging is its own."""
    size = Dimensions(max(article.length, 1), max(article.width, 1), max(article.height, 1))
    return Parcel(
        carton=None,
        contents=Quantities({article.sku: 1}),
        placements=(Placement(article.sku, 0, 0, 0, *size),),
        weight_g=article.weight_g,
        outer=size,
        inner=size,
    )


def _each_alone(work: _Work, article: Article, kind: Kind, fits: int) -> None:
    """Each unit in the smallest carton it fits and that is there, or as it is when it fits none."""
    if not fits:
        work.parcels += [_bare(article)] * article.quantity
        return
    for nth in range(article.quantity):
        for at, box in enumerate(work.boxes()):
            if box.stock != 0 and fits >> at & 1:
                block = Block(0, 0, 0, 0, box.turns_of(kind)[0], (1, 1, 1), kind.pitch)
                work.parcels.append(_parcel(work, at, (block,), (kind,), (deque([(article.sku, 1)]),)))
                break
        else:
            left = article.quantity - nth
            work.ran_out = True
            work.unpackable.append((article.sku, f"{left} more: no carton is left that takes it"))
            return


def _pack(work: _Work, goods: Goods) -> None:
    rules = goods.rules
    boxes = work.boxes()
    packing = search(goods.kinds, goods.counts, boxes, effort=work.effort, rules=rules)
    if rules.off_centre < FREE.off_centre:
        packing = steadied(packing, boxes, rules, effort=work.effort)
    work.parcels += [
        _parcel(work, at, blocks, packing.kinds, goods.units, up) for at, blocks, up in packing.boxes
    ]
    work.least += packing.lower_bound
    work.spent += packing.effort
    if not any(packing.left):
        return
    work.ran_out = True
    left: Counter[str] = Counter()
    for at, count in enumerate(packing.left):
        for sku, some in _taken(goods.units[at], count):
            left[sku] += some
    for sku, count in sorted(left.items()):
        work.unpackable.append(
            (sku, f"{count} more: no carton is left, or what must stay together does not fit in one")
        )


def _parcel(
    work: _Work, at: int, blocks: Sequence[Block], kinds: Sequence[Kind], units: Sequence[_Units], up: int = 2
) -> Parcel:
    """The carton with these blocks, and in them the next of the units of each kind."""
    carton, box = work.offer.cartons[at], work.offer.boxes[at]
    if carton.stock is not None:
        work.used[carton.code] = work.used.get(carton.code, 0) + 1
    shift = _shift(work.rules, box, blocks, up, kinds)
    weight_g = carton.tare_g
    contents: list[tuple[str, int]] = []
    placements: list[Placement] = []
    for block in blocks:
        count = block.units
        weight_g += kinds[block.kind].weight_g * count
        taken = _taken(units[block.kind], count)
        contents += taken
        placements += _placed(block, taken, shift)
    work.spent += len(placements)
    inner, outer = carton.inner, carton.outer
    if carton.flexible:
        gap = 2 * work.rules.clearance_mm
        inner = Dimensions(box.inner[0] + gap, box.inner[1] + gap, box.inner[2] + gap)
        thick = max((place.z + place.height for place in placements), default=0) + work.rules.clearance_mm
        outer = Dimensions(outer.length, outer.width, outer.height + thick)
    return Parcel(
        carton=carton.code,
        contents=Quantities(contents),
        placements=tuple(placements),
        weight_g=weight_g,
        outer=outer,
        inner=inner,
        up=up,
    )


def _shift(rules: PackRules, box: Box, blocks: Sequence[Block], up: int, kinds: Sequence[Kind]) -> Edges:
    """How far everything moves together: off the faces, and towards the middle if that is wanted."""
    off = rules.clearance_mm
    if up != 2 or not (rules.centred or rules.off_centre_permille < FREE.off_centre):
        return (off, off, off)
    return (off + shift(box, blocks, kinds, 0)[0], off + shift(box, blocks, kinds, 1)[0], off)


def _taken(units: _Units, count: int) -> list[tuple[str, int]]:
    """The next units of one kind, SKU by SKU: alike in all that packing knows, they are interchangeable."""
    taken = []
    while count:
        sku, available = units.popleft()
        some = min(available, count)
        if available > some:
            units.appendleft((sku, available - some))
        count -= some
        taken.append((sku, some))
    return taken


def _placed(block: Block, units: Sequence[tuple[str, int]], shift: Edges) -> list[Placement]:
    """Each unit of a block in its place: they follow one another as the corners do."""
    x, y, z = block.x + shift[0], block.y + shift[1], block.z + shift[2]
    length, width, height = block.edges
    across, along, up = block.grid
    if across == along == up == 1:
        return [Placement(units[0][0], x, y, z, length, width, height)]
    skus = [sku for sku, count in units for _ in range(count)]
    corners = [
        (x + i * length, y + j * width, z + k * block.pitch)
        for i in range(across)
        for j in range(along)
        for k in range(up)
    ]
    return [Placement(sku, *corner, length, width, height) for sku, corner in zip(skus, corners, strict=True)]
