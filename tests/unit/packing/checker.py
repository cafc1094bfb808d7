"""A checker of pack plans that shares nothing with the packer: it reads placements as bare numbers."""

from collections import Counter
from itertools import combinations

from orderloom.packing.model import PackRules


def faults(articles, cartons, plan, *, keep_flat=False, rules=None):
    """Everything wrong with the plan, as sentences."""
    rules = rules or PackRules()
    found = []
    known = {article.sku: article for article in articles}
    offered = {carton.code: carton for carton in cartons}
    for number, parcel in enumerate(plan.parcels):
        found += [
            f"parcel {number}: {fault}" for fault in parcel_faults(parcel, known, offered, keep_flat, rules)
        ]
    found += count_faults(articles, plan)
    found += stock_faults(offered, plan)
    found += group_faults(known, plan)
    if plan.lower_bound > len(plan.parcels):
        found.append(f"{len(plan.parcels)} parcels, below the bound {plan.lower_bound}")
    # Where cartons ran out, equal to the bound is not proven.
    if plan.proven != (plan.lower_bound == len(plan.parcels)) and (plan.proven or not plan.unpackable):
        found.append("proven does not say what the bound says")
    return found


def stock_faults(offered, plan):
    used = Counter(parcel.carton for parcel in plan.parcels if parcel.carton)
    for code, count in used.items():
        if offered[code].stock is not None and count > offered[code].stock:
            yield f"{count} of carton {code}, of which there are {offered[code].stock}"


def group_faults(known, plan):
    """All packed units of a group lie in one carton; units that ship alone are none of it."""
    seen = {}
    for number, parcel in enumerate(plan.parcels):
        for sku in parcel.contents:
            word = known[sku].together
            if word is None or known[sku].ships_alone or known[sku].own_container:
                continue
            if seen.setdefault(word, number) != number:
                yield f"{word} is torn between parcels {seen[word]} and {number}"


def count_faults(articles, plan):
    wanted = Counter()
    for article in articles:
        wanted[article.sku] += max(article.quantity, 0)
    packed = Counter()
    for parcel in plan.parcels:
        packed.update(parcel.contents)
    for sku, _ in plan.unpackable:
        # Some of it may have found room.
        if wanted[sku] > packed[sku]:
            wanted[sku] = packed[sku]
        else:
            wanted[sku] = -1
    return [
        f"{sku}: {wanted[sku]} wanted, {packed[sku]} packed"
        for sku in sorted(wanted | packed)
        if wanted[sku] != packed[sku]
    ]


def parcel_faults(parcel, known, offered, keep_flat, rules):
    placed = Counter(place.sku for place in parcel.placements)
    if placed != Counter(parcel.contents):
        yield f"contents {dict(parcel.contents)} but placements {dict(placed)}"
    if not parcel.placements:
        yield "is empty"
    soft = parcel.carton is not None and offered[parcel.carton].flexible
    free = rules.clearance_mm if parcel.carton else 0
    yield from weight_faults(parcel, known, offered, free)
    yield from rule_faults(parcel, known, rules)
    if parcel.carton is not None:
        yield from balance_faults(parcel, known, rules)
        if not soft:
            yield from fill_faults(parcel, known, rules)
    boxes = [
        (p.sku, (p.x, p.y, p.z), (p.x + p.length, p.y + p.width, p.z + p.height)) for p in parcel.placements
    ]
    size = tuple(parcel.inner)
    for place in parcel.placements:
        yield from orientation_faults(place, known[place.sku], keep_flat, soft)
    for sku, low, high in boxes:
        if min(low) < free or any(end > edge - free for end, edge in zip(high, size, strict=True)):
            yield f"{sku} at {low} sticks out of {size}"
    for (sku, low, high), (other, other_low, other_high) in combinations(boxes, 2):
        if all(low[axis] < other_high[axis] and other_low[axis] < high[axis] for axis in range(3)) and not (
            nests(known[sku], low, high, known[other], other_low, other_high)
        ):
            yield f"{sku} at {low} overlaps {other} at {other_low}"
    if parcel.carton is not None:
        yield from fragile_faults(boxes, known)
        yield from load_faults(boxes, known)
        yield from floating(boxes, parcel.up, free, known, rules.support_permille)
    if parcel.up != 2 and any(
        known[sku].this_side_up or known[sku].keep_flat or known[sku].locked or keep_flat
        for sku in parcel.contents
    ):
        yield "lies on a side with what must stay upright"


def nests(article, low, high, other, other_low, other_high):
    """Do two units of one shape stand in one another, the upper at least the pitch higher?"""
    if article.nesting_mm is None or other.nesting_mm is None:
        return False
    shape = (article.length, article.width, article.height, article.nesting_mm)
    if shape != (other.length, other.width, other.height, other.nesting_mm):
        return False
    same_base = low[:2] == other_low[:2] and high[:2] == other_high[:2]
    return same_base and abs(low[2] - other_low[2]) >= max(article.nesting_mm, 1)


def load_faults(boxes, known):
    """What rests on a unit, directly or through others, each counted in full, is not above what it bears."""
    if all(known[sku].max_load_g is None for sku, _, _ in boxes):
        return
    order = sorted(range(len(boxes)), key=lambda at: -boxes[at][1][2])
    above = {at: set() for at in order}
    for at in order:
        sku, low, high = boxes[at]
        for under in order:
            other, other_low, other_high = boxes[under]
            touches = other_high[2] == low[2] or (
                under != at
                and other_low[2] < low[2]
                and nests(known[sku], low, high, known[other], other_low, other_high)
            )
            if touches and _share(low, high, other_low, other_high):
                above[under] |= {at} | above[at]
    for at, resting in above.items():
        sku, low, _ = boxes[at]
        most = known[sku].max_load_g
        grams = sum(known[boxes[other][0]].weight_g for other in resting)
        if most is not None and grams > most:
            yield f"{sku} at {low} bears {grams} g, may bear {most}"


def weight_faults(parcel, known, offered, free):
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
    if carton.flexible:
        thick = max(p.z + p.height for p in parcel.placements) + free
        filled = parcel.inner.height
        room = (max(carton.inner.length - filled, 0), max(carton.inner.width - filled, 0), filled)
        if tuple(parcel.inner) != room or thick > filled > carton.inner.height:
            yield f"is no bag of {carton.inner} filled to {filled}"
        if tuple(parcel.outer) != (carton.outer.length, carton.outer.width, carton.outer.height + thick):
            yield "is not as thick as what it holds"
    elif (parcel.inner, parcel.outer) != (carton.inner, carton.outer):
        yield "is not as large as its carton"


def balance_faults(parcel, known, rules):
    """The centre of mass lies near the middle of the floor, to a millimetre."""
    weights = [max(known[place.sku].weight_g, 1) for place in parcel.placements]
    for axis, name in enumerate(("length", "width")):
        edge = tuple(parcel.inner)[axis] - 2 * rules.clearance_mm
        centre = sum(
            weight * (place[1 + axis] + place[4 + axis] / 2)
            for weight, place in zip(weights, parcel.placements, strict=True)
        ) / sum(weights)
        off = abs(centre - tuple(parcel.inner)[axis] / 2)
        if rules.off_centre_permille < 500 and off > rules.off_centre_permille * edge / 1_000 + 1:
            yield f"its centre of mass lies {off:.0f} mm off the middle of its {name}"


def fill_faults(parcel, known, rules):
    """What is to be kept for void fill is free."""
    goods = 0
    for sku, count in parcel.contents.items():
        one = known[sku]
        adds = one.height if one.nesting_mm is None else min(one.nesting_mm, one.height)
        goods += max(one.length, 1) * max(one.width, 1) * max(adds, 1) * count
    room = 1
    for edge in parcel.inner:
        room *= edge - 2 * rules.clearance_mm
    if goods * 1_000 > room * rules.fill_permille:
        yield f"goods fill {goods} of {room} mm³"


def rule_faults(parcel, known, rules):
    inside = [known[sku] for sku in parcel.contents]
    yield from class_faults(parcel, known, rules, inside)
    yield from company_faults(parcel, inside)


def class_faults(parcel, known, rules, inside):
    classes = {article.hazmat_class or "" for article in inside}
    if rules.segregated is None:
        if len(classes) > 1:
            yield "mixes dangerous goods with others"
    else:
        for pair in rules.segregated:
            if set(pair) <= classes and len(set(pair)) > 1:
                yield f"mixes {pair}"
    for hazmat, most in rules.limited_g.items():
        grams = sum(
            known[sku].weight_g * count
            for sku, count in parcel.contents.items()
            if known[sku].hazmat_class == hazmat
        )
        if grams > most and parcel.carton is not None and sum(parcel.contents.values()) > 1:
            yield f"{grams} g of class {hazmat}, at most {most}"
    for unit_class, most in rules.class_units.items():
        units = sum(count for sku, count in parcel.contents.items() if known[sku].unit_class == unit_class)
        if units > most:
            yield f"{units} units of {unit_class}, at most {most}"


def company_faults(parcel, inside):
    if len({article.apart for article in inside if article.apart is not None}) > 1:
        yield "mixes what stays apart"
    for one in inside:
        if set(one.excludes) & (set(parcel.contents) - {one.sku}):
            yield f"{one.sku} shares with what it excludes"
    if any(article.ships_alone for article in inside) and sum(parcel.contents.values()) > 1:
        yield "has company for what ships alone"
    if parcel.carton is None and not all(article.ships_alone or article.own_container for article in inside):
        yield "has no carton"
    if parcel.carton is not None and any(article.own_container for article in inside):
        yield "boxes what ships in its own container"


def orientation_faults(place, article, keep_flat, soft):
    edges = (place.length, place.width, place.height)
    given = tuple(max(edge, 1) for edge in (article.length, article.width, article.height))
    nested = article.nesting_mm is not None and article.nesting_mm < given[2]
    upright = keep_flat or article.this_side_up or article.keep_flat or nested
    if soft and (article.fragile or upright or article.locked):
        yield f"{place.sku} may not go into a bag"
    if soft and article.compressed_mm is not None:
        given = (*given[:2], max(min(article.compressed_mm, given[2]), 1))
    if sorted(edges) != sorted(given):
        yield f"{place.sku} is {given}, lies as {edges}"
    if upright and edges[2] != given[2]:
        yield f"{place.sku} must keep its height {given[2]} upright, lies as {edges}"
    if article.locked and edges != given:
        yield f"{place.sku} is locked as {given}, lies as {edges}"


def fragile_faults(boxes, known):
    for sku, low, high in boxes:
        if not known[sku].fragile:
            continue
        for other, other_low, other_high in boxes:
            if other_low[2] >= high[2] and _share(low, high, other_low, other_high):
                yield f"{other} lies above the fragile {sku}"


def floating(boxes, up, floor, known, support):
    """Something must bear the asked share of every base that is not on the floor."""
    for sku, low, high in boxes:
        if low[up] <= floor:
            continue
        borne = sum(
            _share(low, high, other_low, other_high, up)
            for other, other_low, other_high in boxes
            if other_high[up] == low[up]
            or (other_low[2] < low[2] and nests(known[sku], low, high, known[other], other_low, other_high))
        )
        x, y = (axis for axis in range(3) if axis != up)
        if 1_000 * borne < support * (high[x] - low[x]) * (high[y] - low[y]):
            yield f"{sku} at {low} floats"


def _share(low, high, other_low, other_high, up=2):
    x, y = (axis for axis in range(3) if axis != up)
    across = min(high[x], other_high[x]) - max(low[x], other_low[x])
    along = min(high[y], other_high[y]) - max(low[y], other_low[y])
    return across * along if across > 0 and along > 0 else 0
