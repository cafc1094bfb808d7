"""Which units go into which carton, and where each lies: fewest parcels first, then the least volume, then cost.

A pure function in integers. Effort is counted work (places looked at), never time, so the same question and the same
budget have the same answer everywhere. `model.Article`, `Carton` and `PackRules` say what rules are kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from typing import TypeAlias

from orderloom.packing.model import Article, Carton, PackPlan, PackRules, Parcel, Placement
from orderloom.packing.search import Packing, search
from orderloom.packing.shapes import FREE, Block, Box, Edges, Kind
from orderloom.packing.sorting import PLAIN, Goods, Offer, kind_of, offer, sorted_out
from orderloom.packing.steady import shift, steadied
from orderloom.terms import Dimensions, Quantities

EFFORT = 160_000
# A block, and the units in it by SKU.
_Laid: TypeAlias = tuple[Block, list[tuple[str, int]]]


@dataclass(slots=True)
class _Work:
    """A plan in the making."""

    offer: Offer
    rules: PackRules
    keep_flat: bool
    effort: int
    parcels: list[Parcel] = field(default_factory=list)
    unpackable: list[tuple[str, str]] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    least: int = 0
    spent: int = 0

    def boxes(self) -> tuple[Box, ...]:
        """The boxes with what is left of those that are limited."""
        if not self.used:
            return self.offer.boxes
        return tuple(
            box if box.stock is None else box._replace(stock=box.stock - self.used[carton.code])
            for carton, box in zip(self.offer.cartons, self.offer.boxes, strict=True)
        )


def cartonize(
    articles: Iterable[Article],
    cartons: Iterable[Carton],
    *,
    keep_flat: bool = False,
    effort: int = EFFORT,
    rules: PackRules = PLAIN,
) -> PackPlan:
    """Pack everything that fits somewhere. What fits nowhere is named with the reason and left out of the parcels."""
    # Sorted, so that the answer does not depend on the order of cartons and lines.
    offered = offer(tuple(sorted(cartons, key=_by_code)), rules.clearance_mm, rules.fill_permille)
    goods = sorted(articles, key=_by_sku)
    rules = _told_apart(goods, rules)
    work = _Work(offered, rules, keep_flat, effort, spent=len(goods))
    groups: dict[str | None, list[Article]] = defaultdict(list)
    for article in goods:
        if article.quantity <= 0:
            continue
        if article.own_container:
            work.parcels += [_bare(article)] * article.quantity
        elif article.ships_alone:
            _each_alone(work, article)
        elif not _fits(work, article):
            work.unpackable.append((article.sku, _why_not(article, work)))
        else:
            groups[article.hazmat_class if rules.segregated is None else None].append(article)
    work.least = len(work.parcels)
    for hazmat_class in sorted(groups, key=lambda name: name or ""):
        _pack(work, sorted_out(groups[hazmat_class], rules, keep_flat=keep_flat))
    return PackPlan(
        parcels=tuple(work.parcels),
        lower_bound=work.least,
        proven=len(work.parcels) == work.least,
        unpackable=tuple(work.unpackable),
        effort=work.spent,
    )


def whole(
    articles: Iterable[Article], cartons: Iterable[Carton], *, effort: int = EFFORT, rules: PackRules = PLAIN
) -> PackPlan:
    """A plan that leaves nothing out: what fits no carton ships in its own packaging."""
    goods, offered = tuple(articles), tuple(cartons)
    plan = cartonize(goods, offered, effort=effort, rules=rules)
    if not plan.unpackable:
        return plan
    bare = {sku for sku, _ in plan.unpackable}
    own = [replace(a, own_container=True) if a.sku in bare else a for a in goods]
    return cartonize(own, offered, effort=effort, rules=rules)


def _told_apart(goods: Sequence[Article], rules: PackRules) -> PackRules:
    """What must stay together may be of several classes: then the classes are kept apart by name, not packed in turn."""
    if rules.segregated is not None or all(article.together is None for article in goods):
        return rules
    classes = sorted({article.hazmat_class or "" for article in goods})
    return replace(rules, segregated=tuple(combinations(classes, 2)))


def _by_sku(article: Article) -> tuple[str, int, int, int, int]:
    return (article.sku, article.length, article.width, article.height, article.weight_g)


def _by_code(carton: Carton) -> str:
    return carton.code


# --- what fits where --------------------------------------------------------------------------------------------


def _fits(work: _Work, article: Article) -> bool:
    """Does one unit go into any of the boxes? The largest take most, and are asked first."""
    kind = kind_of(article, keep_flat=work.keep_flat)
    weight = kind.weight_g
    most = work.rules.limited_g.get(article.hazmat_class or "")
    if most is not None and weight > most:
        return False
    return any(box.takes(kind) for box in reversed(work.offer.boxes))


def takers(article: Article, cartons: Iterable[Carton], rules: PackRules = PLAIN) -> frozenset[str]:
    """The cartons that take one unit of it, by code; none of them: `whole` leaves it in its own packaging."""
    if article.own_container:
        return frozenset()
    offered = offer(tuple(sorted(cartons, key=_by_code)), rules.clearance_mm, rules.fill_permille)
    kind = kind_of(article, keep_flat=False)
    most = rules.limited_g.get(article.hazmat_class or "")
    if most is not None and kind.weight_g > most:
        return frozenset()
    return frozenset(
        carton.code for carton, box in zip(offered.cartons, offered.boxes, strict=True) if box.takes(kind)
    )


def lacking(
    plan: PackPlan, articles: Iterable[Article], cartons: Iterable[Carton], rules: PackRules = PLAIN
) -> bool:
    """Whether the plan leaves goods without a carton that go into one of these: it was offered too few of them.

    What must stay together may be too much for any, and is not looked at.
    """
    bare = {sku for parcel in plan.parcels if parcel.carton is None for sku in parcel.contents}
    left = [article for article in articles if article.sku in bare and article.together is None]
    return any(takers(article, cartons, rules) for article in left)


def _why_not(article: Article, work: _Work) -> str:
    offered = [c for c in work.offer.cartons if not c.flexible] or list(work.offer.cartons)
    if not offered:
        return "there is no carton to choose from"
    kind = kind_of(article, keep_flat=work.keep_flat)
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


def _each_alone(work: _Work, article: Article) -> None:
    """Each unit in the smallest carton it fits and that is there, or as it is when it fits none."""
    if not _fits(work, article):
        work.parcels += [_bare(article)] * article.quantity
        return
    kind = kind_of(article, keep_flat=work.keep_flat)
    for nth in range(article.quantity):
        for at, box in enumerate(work.boxes()):
            if box.stock != 0 and box.takes(kind):
                block = Block(0, 0, 0, 0, box.turns_of(kind)[0], (1, 1, 1), kind.pitch)
                laid = [(block, [(article.sku, 1)])]
                work.parcels.append(_parcel(work, at, laid, article.weight_g, kinds=(kind,)))
                break
        else:
            left = article.quantity - nth
            work.unpackable.append((article.sku, f"{left} more: no carton is left that takes it"))
            return


def _pack(work: _Work, goods: Goods) -> None:
    rules = goods.rules
    boxes = work.boxes()
    packing = search(goods.kinds, goods.counts, boxes, effort=work.effort, rules=rules)
    if rules.off_centre < FREE.off_centre:
        packing = steadied(packing, boxes, rules, effort=work.effort)
    work.parcels += _parcels(work, packing, goods)
    work.least += packing.lower_bound
    work.spent += packing.effort
    left: Counter[str] = Counter()
    for at, count in enumerate(packing.left):
        for sku, some in _taken(goods.units[at], count):
            left[sku] += some
    for sku, count in sorted(left.items()):
        work.unpackable.append(
            (sku, f"{count} more: no carton is left, or what must stay together does not fit in one")
        )


def _parcels(work: _Work, packing: Packing, goods: Goods) -> Iterator[Parcel]:
    for at, blocks, up in packing.boxes:
        laid: list[_Laid] = []
        weight = 0
        for block in blocks:
            units = block.units
            weight += packing.kinds[block.kind].weight_g * units
            laid.append((block, _taken(goods.units[block.kind], units)))
        yield _parcel(work, at, laid, weight, up, packing.kinds)


def _parcel(
    work: _Work, at: int, laid: Sequence[_Laid], weight_g: int, up: int = 2, kinds: Sequence[Kind] = ()
) -> Parcel:
    carton, box = work.offer.cartons[at], work.offer.boxes[at]
    if carton.stock is not None:
        work.used[carton.code] += 1
    contents: dict[str, int] = defaultdict(int)
    for _, units in laid:
        for sku, count in units:
            contents[sku] += count
    placements = _placed(laid, _shift(work.rules, box, [block for block, _ in laid], up, kinds))
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
        placements=placements,
        weight_g=weight_g + carton.tare_g,
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


def _taken(units: deque[tuple[str, int]], count: int) -> list[tuple[str, int]]:
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


def _placed(laid: Sequence[_Laid], shift: Edges) -> tuple[Placement, ...]:
    """Each unit in its place: units follow one another as the corners of their block do."""
    dx, dy, dz = shift
    placements: list[Placement] = []
    for block, units in laid:
        corners = _corners(block)
        length, width, height = block.edges
        for sku, count in units:
            for x, y, z in islice(corners, count):
                placements.append(Placement(sku, x + dx, y + dy, z + dz, length, width, height))
    return tuple(placements)


def _corners(block: Block) -> Iterator[Edges]:
    length, width, _ = block.edges
    for i in range(block.grid[0]):
        for j in range(block.grid[1]):
            for k in range(block.grid[2]):
                yield (block.x + i * length, block.y + j * width, block.z + k * block.pitch)
