"""The demo's items: five hundred things of a home and outdoor shop, made by rule, the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from orderloom.catalog.model import Item
from orderloom.terms import Measure

SEED = 20_260_701
COUNT = 500
CURRENCY = "USD"
# Noun, inches (length, width, height), pounds, dollars, and how it must be handled.
KINDS: tuple[tuple[str, tuple[float, float, float], float, int, frozenset[str]], ...] = (
    ("mug", (5, 4, 4.5), 0.9, 14, frozenset({"fragile"})),
    ("wine glass, pair", (8, 8, 9), 1.4, 28, frozenset({"fragile", "this_side_up"})),
    ("candle", (4, 4, 5), 1.2, 22, frozenset()),
    ("lamp oil, quart", (4, 4, 10), 2.3, 16, frozenset({"hazmat", "this_side_up"})),
    ("power bank", (6, 3, 1), 0.8, 39, frozenset({"hazmat"})),
    ("blanket", (14, 11, 4), 3.1, 59, frozenset()),
    ("pillow", (18, 13, 6), 2.0, 34, frozenset()),
    ("kettle", (11, 8, 9), 3.4, 64, frozenset()),
    ("skillet", (19, 12, 3), 6.2, 49, frozenset()),
    ("chef's knife", (14, 4, 1.5), 0.7, 72, frozenset()),
    ("cutting board", (18, 12, 1.5), 4.4, 44, frozenset()),
    ("lantern", (8, 8, 12), 3.8, 55, frozenset({"fragile"})),
    ("backpack", (20, 13, 6), 2.9, 89, frozenset()),
    ("sleeping bag", (16, 9, 9), 3.6, 119, frozenset()),
    ("tent", (25, 8, 8), 7.9, 219, frozenset({"ships_alone"})),
    ("folding chair", (36, 7, 7), 8.4, 54, frozenset({"ships_alone"})),
    ("notebook", (8.5, 6, 0.8), 0.6, 12, frozenset()),
    ("field guide", (9, 6, 1.2), 1.1, 24, frozenset()),
    ("socks, three pair", (9, 5, 2), 0.4, 18, frozenset()),
    ("rain jacket", (12, 10, 3), 1.3, 98, frozenset()),
    ("wool sweater", (13, 11, 3), 1.6, 84, frozenset()),
    ("planter", (10, 10, 11), 5.5, 36, frozenset({"fragile", "this_side_up"})),
    ("garden shears", (10, 4, 1.5), 0.9, 27, frozenset()),
    ("coffee, two pounds", (9, 5, 4), 2.1, 31, frozenset()),
    ("hot sauce", (3, 3, 8), 0.9, 9, frozenset({"fragile"})),
)
LOOKS = (
    "cedar", "indigo", "juniper", "sand", "slate", "ember", "fern", "harbor", "linen", "maple",
    "moss", "night", "ochre", "pebble", "plum", "rust", "sage", "snow", "storm", "wheat",
)  # fmt: skip
KITS = 10
# The one item whose lots are followed.
BY_LOT = "COF23-CEDA"


def items() -> list[Item]:
    """All items, kits included."""
    return [*_singles(), *_kits()]


def kits() -> dict[str, dict[str, int]]:
    """What each kit is made of: three or four things of one look."""
    dice = random.Random(SEED + 1)
    # The last look is not made in every kind.
    looks = dice.sample(range(len(LOOKS) - 1), KITS)
    chosen: dict[str, dict[str, int]] = {}
    for number, look in enumerate(looks, 1):
        kinds = dice.sample([k for k, kind in enumerate(KINDS) if not kind[4]], dice.choice((3, 4)))
        chosen[f"KIT-{number:02d}"] = {_sku(kind, look): dice.choice((1, 1, 2)) for kind in sorted(kinds)}
    return chosen


def gtin13(number: int) -> str:
    """A restricted-circulation GTIN-13 (prefix 200) with its check digit."""
    digits = f"200{number:09d}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"


def _sku(kind: int, look: int) -> str:
    return f"{KINDS[kind][0][:3].upper()}{kind:02d}-{LOOKS[look][:4].upper()}"


def _singles() -> Iterator[Item]:
    dice = random.Random(SEED)
    pairs = [(kind, look) for look in range(len(LOOKS)) for kind in range(len(KINDS))][: COUNT - KITS]
    for number, (kind, look) in enumerate(pairs, 1):
        name, inches, pounds, dollars, handling = KINDS[kind]
        # Looks differ a little, so that no two kinds pack quite alike.
        scale = dice.uniform(0.9, 1.15)
        length, width, height = (Measure(round(side * scale * 4) / 4, "in") for side in inches)
        weight = Measure(round(pounds * scale, 2), "lb")
        yield Item(
            sku=_sku(kind, look),
            name=f"{LOOKS[look].capitalize()} {name}",
            gtin=gtin13(number),
            weight_g=weight.grams(),
            length_mm=length.millimetres(),
            width_mm=width.millimetres(),
            height_mm=height.millimetres(),
            as_given={
                "weight": weight.json(),
                "length": length.json(),
                "width": width.json(),
                "height": height.json(),
            },
            list_price=dollars * 100 + dice.choice((-5, -1, 0, 50, 95)),
            currency=CURRENCY,
            fragile="fragile" in handling,
            this_side_up="this_side_up" in handling,
            hazmat_class=("9" if name == "power bank" else "3") if "hazmat" in handling else None,
            ships_alone="ships_alone" in handling,
            tracked_by="lot" if _sku(kind, look) == BY_LOT else None,
            backorder="always" if dice.random() < 0.2 else "refuse",
        )


def _kits() -> Iterator[Item]:
    by_sku = {item.sku: item for item in _singles()}
    for sku, parts in kits().items():
        pieces = [(by_sku[part], count) for part, count in parts.items()]
        yield Item(
            sku=sku,
            name=f"Gift set: {', '.join(item.name.lower() for item, _ in pieces)}",
            weight_g=sum(item.weight_g * count for item, count in pieces),
            length_mm=max(item.length_mm for item, _ in pieces),
            width_mm=max(item.width_mm for item, _ in pieces),
            height_mm=sum(item.height_mm * count for item, count in pieces),
            list_price=sum((item.list_price or 0) * count for item, count in pieces) * 9 // 10,
            currency=CURRENCY,
        )
