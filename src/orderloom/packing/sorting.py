"""From articles and cartons to what the packer works with: kinds, boxes, and the rules between kinds."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from operator import attrgetter

from orderloom.packing.fill import ROOM
from orderloom.packing.model import Article, Carton, PackRules
from orderloom.packing.shapes import FREE, Box, Edges, Kind, Rules
from orderloom.terms import Dimensions

PLAIN = PackRules()
# A bag is looked at filled to each of so many thicknesses.
FILLINGS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """Boxes in order of preference, and the carton each is. One object stands for one offer, as with kinds."""

    cartons: tuple[Carton, ...]
    boxes: tuple[Box, ...]


def offering(cartons: Iterable[Carton], rules: PackRules) -> Offer:
    """The cartons as these rules fill them, whatever order they come in."""
    return _offer(tuple(sorted(cartons, key=_by_code)), rules.clearance_mm, rules.fill_permille)


_by_code = attrgetter("code")


@lru_cache(maxsize=512)
def _offer(cartons: tuple[Carton, ...], clearance_mm: int, fill_permille: int) -> Offer:
    """The cartons, smallest first; a bag once for each thickness."""
    ways = [(carton, filled) for carton in cartons for filled in _fillings(carton)]
    ways.sort(key=lambda way: (_taken_up(*way), way[0].cost, way[0].code))
    firsts: dict[str, int] = {}
    boxes = []
    for at, (carton, filled) in enumerate(ways):
        twin = firsts.setdefault(carton.code, at)
        inner = inside(carton, filled)
        edges = tuple(max(edge - 2 * clearance_mm, 0) for edge in inner)
        boxes.append(
            Box(
                (edges[0], edges[1], edges[2]),
                carton.max_weight_g - carton.tare_g,
                edges[0] * edges[1] * edges[2] * (1000 if carton.flexible else fill_permille) // 1000,
                carton.flexible,
                carton.stock,
                twin,
            )
        )
    return Offer(tuple(carton for carton, _ in ways), tuple(boxes))


@lru_cache(maxsize=65_536)
def taking(kind: Kind, offered: Offer) -> int:
    """The boxes that take one unit of the kind, as bits."""
    return sum(1 << at for at, box in enumerate(offered.boxes) if box.takes(kind))


def _fillings(carton: Carton) -> Iterable[int]:
    if not carton.flexible:
        return (carton.inner.height,)
    thickest = carton.inner.height
    return sorted({max(thickest * part // FILLINGS, 1) for part in range(1, FILLINGS + 1)})


def _taken_up(carton: Carton, filled: int) -> int:
    if not carton.flexible:
        return carton.outer.volume
    return carton.outer.length * carton.outer.width * (carton.outer.height + filled)


def inside(carton: Carton, filled: int) -> Dimensions:
    """The room in a carton; in a bag filled to a thickness, what its sides then leave."""
    if not carton.flexible:
        return carton.inner
    return Dimensions(max(carton.inner.length - filled, 0), max(carton.inner.width - filled, 0), filled)


# --- kinds ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16_384)
def _kind(edges: Edges, weight_g: int, held: str, fragile: bool, bears_g: int | None, pitch: int, squeezed: int) -> Kind:  # noqa: FBT001  # fmt: skip
    turns = _turns(edges, held)
    soft: tuple[Edges, ...] = ()
    volume = edges[0] * edges[1] * edges[2]
    if not fragile and held == "any" and not pitch:
        soft = _turns((edges[0], edges[1], squeezed), held) if squeezed else turns
        volume = min(volume, edges[0] * edges[1] * squeezed) if squeezed else volume
    if pitch:
        volume = edges[0] * edges[1] * pitch
    return Kind(turns, weight_g, fragile, volume, soft, bears_g, pitch)


def _turns(edges: Edges, held: str) -> tuple[Edges, ...]:
    """The orientations allowed: any, two when the height must stay vertical, or just this; repeats left out."""
    if held == "locked":
        return (edges,)
    if held == "upright":
        return tuple(sorted({edges, (edges[1], edges[0], edges[2])}))
    return tuple(sorted({(a, b, c) for a, b, c in permutations(edges)}))


def kind_of(article: Article, *, keep_flat: bool) -> Kind:
    """The kind of its units. An item nobody measured still takes up a millimetre."""
    height = max(article.height, 1)
    held = "upright" if article.this_side_up or article.keep_flat or keep_flat else "any"
    if article.locked:
        held = "locked"
    pitch = 0
    if article.nesting_mm is not None and article.nesting_mm < height:
        pitch, held = max(article.nesting_mm, 1), "locked" if article.locked else "upright"
    squeezed = 0 if article.compressed_mm is None else max(min(article.compressed_mm, height), 1)
    return _kind(
        (max(article.length, 1), max(article.width, 1), height),
        article.weight_g,
        held,
        article.fragile,
        article.max_load_g,
        pitch,
        squeezed,
    )


# --- rules ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Goods:
    """Kinds, largest first, the units of each by SKU, and the rules between them."""

    kinds: tuple[Kind, ...]
    counts: tuple[int, ...]
    units: list[deque[tuple[str, int]]]
    rules: Rules


def sorted_out(goods: Sequence[tuple[Kind, Article]], rules: PackRules) -> Goods:
    """Units alike in all that packing knows are of one kind, whatever their SKUs."""
    plain = rules is PLAIN or (
        rules.support_permille == FREE.support
        and not rules.limited_g
        and rules.off_centre_permille >= FREE.off_centre
        and rules.fill_permille >= 1000
    )
    excluded: set[str] = set()
    for _, article in goods:
        excluded.update(article.excludes)
    by_kind: dict[tuple[Kind, object], list[Article]] = {}
    for kind, article in goods:
        tag = _tag(article, excluded, rules)
        plain = plain and tag is None
        alike = by_kind.get((kind, tag))
        if alike is None:
            by_kind[kind, tag] = [article]
        else:
            alike.append(article)
    # Largest first, as the search expects.
    keys = sorted(
        by_kind,
        key=lambda key: (-key[0].volume, -key[0].weight_g, key[0].turns, key[0].fragile, by_kind[key][0].sku),
    )
    kinds, counts, units = [], [], []
    for key in keys:
        group = by_kind[key]
        kinds.append(key[0])
        counts.append(sum([article.quantity for article in group]))
        units.append(deque([(article.sku, article.quantity) for article in group]))
    bound = FREE if plain else _rules([by_kind[key][0] for key in keys], rules)
    return Goods(tuple(kinds), tuple(counts), units, bound)


def _tag(article: Article, excluded: set[str], rules: PackRules) -> object:
    """What sets an article apart from others of its shape; None for most."""
    named = article.sku if article.excludes or article.sku in excluded else None
    hazmat = article.hazmat_class or "" if rules.segregated is not None or rules.limited_g else None
    counted = article.unit_class if article.unit_class in rules.class_units else None
    if named or article.together or article.apart or hazmat or counted:
        return (named, article.together, article.apart, hazmat, counted)
    return None


def _rules(kinds: Sequence[Article], rules: PackRules) -> Rules:
    bars = []
    pairs = {frozenset(pair) for pair in rules.segregated or ()}
    for one in kinds:
        mask = 0
        for at, other in enumerate(kinds):
            if one is not other and _barred(one, other, pairs):
                mask |= 1 << at
        bars.append(mask)
    caps = []
    for hazmat, most in sorted(rules.limited_g.items()):
        each = tuple(kind.weight_g if kind.hazmat_class == hazmat else 0 for kind in kinds)
        caps.append((each, most))
    for unit_class, most in sorted(rules.class_units.items()):
        caps.append((tuple(int(kind.unit_class == unit_class) for kind in kinds), most))
    if rules.fill_permille < 1000:
        caps.append((tuple(_taking_up(kind) for kind in kinds), ROOM))
    together: dict[str, int] = defaultdict(int)
    for at, kind in enumerate(kinds):
        if kind.together is not None:
            together[kind.together] |= 1 << at
    return Rules(
        tuple(bars) if any(bars) else (),
        tuple((each, most) for each, most in caps if any(each)),
        tuple(mask for _, mask in sorted(together.items())),
        rules.support_permille,
        rules.off_centre_permille,
    )


def _taking_up(article: Article) -> int:
    """What a unit takes up of a carton's room: of a nested one what it adds."""
    height = max(article.height, 1)
    adds = height if article.nesting_mm is None else max(min(article.nesting_mm, height), 1)
    return max(article.length, 1) * max(article.width, 1) * adds


def _barred(one: Article, other: Article, pairs: set[frozenset[str]]) -> bool:
    if one.sku in other.excludes or other.sku in one.excludes:
        return True
    if one.apart is not None and other.apart is not None and one.apart != other.apart:
        return True
    return frozenset((one.hazmat_class or "", other.hazmat_class or "")) in pairs
