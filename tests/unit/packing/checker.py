"""A checker of pack plans that shares nothing with the packer: it reads placements as bare numbers."""

from collections import Counter
from itertools import combinations


def faults(articles, cartons, plan, *, keep_flat=False):
    """Everything wrong with the plan, as sentences."""
    found = []
    known = {article.sku: article for article in articles}
    offered = {carton.code: carton for carton in cartons}
    for number, parcel in enumerate(plan.parcels):
        found += [f"parcel {number}: {fault}" for fault in parcel_faults(parcel, known, offered, keep_flat)]
    found += count_faults(articles, plan)
    if plan.lower_bound > len(plan.parcels):
        found.append(f"{len(plan.parcels)} parcels, below the bound {plan.lower_bound}")
    if plan.proven != (plan.lower_bound == len(plan.parcels)):
        found.append("proven does not say what the bound says")
    return found


def count_faults(articles, plan):
    wanted = Counter()
    for article in articles:
        wanted[article.sku] += max(article.quantity, 0)
    for sku, _ in plan.unpackable:
        wanted.pop(sku, None)
    packed = Counter()
    for parcel in plan.parcels:
        packed.update(parcel.contents)
    return [
        f"{sku}: {wanted[sku]} wanted, {packed[sku]} packed"
        for sku in sorted(wanted | packed)
        if wanted[sku] != packed[sku]
    ]


def parcel_faults(parcel, known, offered, keep_flat):
    placed = Counter(place.sku for place in parcel.placements)
    if placed != Counter(parcel.contents):
        yield f"contents {dict(parcel.contents)} but placements {dict(placed)}"
    if not parcel.placements:
        yield "is empty"
    yield from weight_faults(parcel, known, offered)
    yield from rule_faults(parcel, known)
    boxes = [
        (p.sku, (p.x, p.y, p.z), (p.x + p.length, p.y + p.width, p.z + p.height)) for p in parcel.placements
    ]
    size = tuple(parcel.inner)
    for place in parcel.placements:
        yield from orientation_faults(place, known[place.sku], keep_flat)
    for sku, low, high in boxes:
        if min(low) < 0 or any(end > edge for end, edge in zip(high, size, strict=True)):
            yield f"{sku} at {low} sticks out of {size}"
    for (sku, low, high), (other, other_low, other_high) in combinations(boxes, 2):
        if all(low[axis] < other_high[axis] and other_low[axis] < high[axis] for axis in range(3)):
            yield f"{sku} at {low} overlaps {other} at {other_low}"
    yield from fragile_faults(boxes, known)
    yield from floating(boxes, parcel.up)
    if parcel.up != 2 and any(known[sku].this_side_up or keep_flat for sku in parcel.contents):
        yield "lies on a side with what must stay upright"


def weight_faults(parcel, known, offered):
    net = sum(known[sku].weight_g * count for sku, count in parcel.contents.items())
    if parcel.carton is None:
        if parcel.weight_g != net:
            yield f"weighs {net}, says {parcel.weight_g}"
        return
    carton = offered[parcel.carton]
    if parcel.weight_g != net + carton.tare_g:
        yield f"weighs {net + carton.tare_g}, says {parcel.weight_g}"
    if net + carton.tare_g > carton.max_weight_g:
        yield f"weighs {net + carton.tare_g}, may weigh {carton.max_weight_g}"
    if (parcel.inner, parcel.outer) != (carton.inner, carton.outer):
        yield "is not as large as its carton"


def rule_faults(parcel, known):
    inside = [known[sku] for sku in parcel.contents]
    if len({article.hazmat_class for article in inside}) > 1:
        yield "mixes dangerous goods with others"
    if any(article.ships_alone for article in inside) and sum(parcel.contents.values()) > 1:
        yield "has company for what ships alone"
    if parcel.carton is None and not all(article.ships_alone for article in inside):
        yield "has no carton"


def orientation_faults(place, article, keep_flat):
    edges = (place.length, place.width, place.height)
    given = tuple(max(edge, 1) for edge in (article.length, article.width, article.height))
    if sorted(edges) != sorted(given):
        yield f"{place.sku} is {given}, lies as {edges}"
    if (keep_flat or article.this_side_up) and edges[2] != given[2]:
        yield f"{place.sku} must keep its height {given[2]} upright, lies as {edges}"


def fragile_faults(boxes, known):
    for sku, low, high in boxes:
        if not known[sku].fragile:
            continue
        for other, other_low, other_high in boxes:
            if other_low[2] >= high[2] and _share(low, high, other_low, other_high):
                yield f"{other} lies above the fragile {sku}"


def floating(boxes, up):
    """Something must bear at least half of every base that is not on the floor."""
    for sku, low, high in boxes:
        if low[up] == 0:
            continue
        borne = sum(
            _share(low, high, other_low, other_high, up)
            for _, other_low, other_high in boxes
            if other_high[up] == low[up]
        )
        x, y = (axis for axis in range(3) if axis != up)
        if 2 * borne < (high[x] - low[x]) * (high[y] - low[y]):
            yield f"{sku} at {low} floats"


def _share(low, high, other_low, other_high, up=2):
    x, y = (axis for axis in range(3) if axis != up)
    across = min(high[x], other_high[x]) - max(low[x], other_low[x])
    along = min(high[y], other_high[y]) - max(low[y], other_low[y])
    return across * along if across > 0 and along > 0 else 0
