"""Many parcels by one service from one place on one day, without traces: what is the same for all is read once. Pure.

A destination is looked up by the letters of its postcode that the contract reads at all; only a zone by distance is
worked out anew. A plain parcel, one that exceeds no limit and asks for nothing, is weighed in whole units of its
reading. Whatever is not plain is left to be rated by itself, so that the answers are always the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from math import gcd
from typing import NamedTuple, TypeAlias

from orderloom.shipping.lanes import ALWAYS, MEASURES, NO_LIMIT, Plan, Way
from orderloom.shipping.model import NG, NOTHING_ASKED, Ineligible, Parcel, Place, Rate

_GRAM = NG["g"]
# What is kept at most; beyond it all is forgotten and worked out again.
_RUNS_MOST = 200
_ROWS_MOST = 20_000
_made = tuple.__new__


# The letters of a postcode that are read, the country, whether it is a home, whether a post-office box.
Key: TypeAlias = tuple[str, str, bool, bool]


class Row:
    """A way with its totals of plain parcels by break; `open` while parcels go this way at all."""

    __slots__ = ("open", "plain", "totals", "way", "zone")

    def __init__(self, way: Way) -> None:
        self.way, self.zone, self.plain = way, way.zone, ALWAYS & way.mask
        self.open = not way.gate & ALWAYS
        self.totals: list[int | None] = [None] * len(way.terms.breaks)


class Plain(NamedTuple):
    """How a plain parcel is weighed: edges in whole units, cube times `by` over `per` steps; what it may not exceed."""

    add: int
    unit: int
    cube_above: int
    by: int
    per: int
    step: int
    cube: int
    weight: int
    sized: bool
    """Whether there is any limit of a length."""
    longest: int
    second: int
    girth: int


class Run:
    """One service from one place on a plan's day, with the rows of the destinations it has met."""

    __slots__ = (
        "_chart",
        "_kinds",
        "_rows",
        "bands",
        "known",
        "letters",
        "limits",
        "origin",
        "plain",
        "plan",
        "service",
    )

    def __init__(self, plan: Plan, service: str, origin: Place) -> None:
        self.plan, self.service, self.origin = plan, service, origin
        self._chart = plan.tariff.legs.chart(service)
        self.limits = self._chart.limits
        self.letters = max(self._chart.letters, plan.letters)
        self.plain = _plain(plan, service)
        self.known: dict[Key, Row] = {}
        """Of destinations whose zone their postcode or country tells."""
        # Of the others by band of distance; those that the contract's lists tell alike share their bands.
        self.bands: dict[Key, dict[int, Row]] = {}
        self._kinds: dict[tuple[object, ...], dict[int, Row]] = {}
        self._rows: dict[Way, Row] = {}

    def key(self, to: Place) -> Key:
        """What tells destinations apart, distance aside."""
        return to.postcode[: self.letters], to.country, to.residential, to.po_box

    def row(self, key: Key, to: Place) -> Row:
        """The row of a destination."""
        bands = self.bands.get(key)
        if bands is None:
            if key in self.known:
                return self.known[key]
            if self._chart.told(self.origin, to) is not None:
                found = self.known[key] = self._row(to)
                return found
            kind = (self.plan.listing(to.postcode), *key[1:])
            bands = self.bands[key] = self._kinds.setdefault(kind, {})
        here, there = self.origin.position, to.position
        at = -1
        if here is not None and there is not None:
            x, y, z = here[0] - there[0], here[1] - there[1], here[2] - there[2]
            at = bisect_left(self.limits, x * x + y * y + z * z)
        return bands.get(at) or bands.setdefault(at, self._row(to))

    def _row(self, to: Place) -> Row:
        way = self.plan.lane(self.origin, to).by_code[self.service]
        return self._rows.get(way) or self._rows.setdefault(way, Row(way))

    def forget(self) -> None:
        """Begin anew once too much is remembered."""
        if len(self.known) + len(self.bands) >= _ROWS_MOST:
            for remembered in (self.known, self.bands, self._kinds, self._rows):
                remembered.clear()


def run_of(plan: Plan, service: str, origin: Place) -> Run:
    """The run, the one there is where it was asked for before."""
    key = (service, origin)
    run: Run | None = plan.runs.get(key)
    if run is None:
        if len(plan.runs) >= _RUNS_MOST:
            plan.runs.clear()
        run = plan.runs[key] = Run(plan, service, origin)
    run.forget()
    return run


def _plain(plan: Plan, service: str) -> Plain | None:
    """None where the service's weights are more than one rule and its steps."""
    offered = next(one for one in plan.offered if one.terms.code == service)
    (dims, scale) = plan.compiled[offered.scale]
    if len(dims) > 1 or scale.weighing or any(one.cube_most != NO_LIMIT for one in dims):
        return None
    rounding, unit = plan.reads[offered.reading]
    if rounding == "exact":
        unit = 1
    add = {"up": unit - 1, "nearest": unit // 2, "exact": 0}[rounding]
    limits = [NO_LIMIT] * len(MEASURES)
    for check in plan.checks:
        if check.bit & offered.mask:
            limits[check.measure] = min(limits[check.measure], check.limit)
    if dims:
        [dim] = dims
        common = gcd(dim.by * unit**3, dim.per)
        by, per = dim.by * unit**3 // common, dim.per // common
        above, step = dim.cube_above // unit**3, dim.step
    else:
        above, by, per, step = NO_LIMIT, 1, 1, 1
    return Plain(
        add,
        unit,
        above,
        by,
        per,
        step,
        cube=limits[MEASURES["cube"]] // unit**3,
        weight=limits[MEASURES["weight"]],
        sized=min(limits[MEASURES[name]] for name in ("longest", "second", "length_plus_girth")) < NO_LIMIT,
        longest=limits[MEASURES["longest"]] // unit,
        second=limits[MEASURES["second"]] // unit,
        girth=limits[MEASURES["length_plus_girth"]] // unit,
    )


def together(
    run: Run,
    jobs: Iterable[tuple[Parcel, Place]],
    one: Callable[[Parcel, Place, Way], Rate | Ineligible],
    *,
    plainly: bool,
) -> list[Rate | Ineligible]:
    """Every parcel's rate: of plain ones without a trace, if that is wanted, else as `one` has it."""
    if not plainly or run.plain is None:
        return [one(parcel, to, run.row(run.key(to), to).way) for parcel, to in jobs]
    known, bands_of, letters, row_of = run.known, run.bands, run.letters, run.row
    limits, (x, y, z) = run.limits, run.origin.position or (0, 0, 0)
    add, unit, above, by, per, step, cube_most, most, sized, longest, second, girth = run.plain
    offered, carrier = run.plan.tariff.services[run.service], run.plan.tariff.carrier
    code, currency, breaks, last = offered.code, run.plan.tariff.currency, offered.breaks, len(offered.breaks)
    answers: list[Rate | Ineligible] = []
    append = answers.append
    for parcel, to in jobs:
        key = (to.postcode[:letters], to.country, to.residential, to.po_box)
        if (bands := bands_of.get(key)) is None or (there := to.position) is None:
            row = known.get(key) or row_of(key, to)
        else:
            dx, dy, dz = there[0] - x, there[1] - y, there[2] - z
            row = bands.get(bisect_left(limits, dx * dx + dy * dy + dz * dz)) or row_of(key, to)
        a, b, c = parcel.edges
        a, b, c = (a + add) // unit, (b + add) // unit, (c + add) // unit
        cube, billable = a * b * c, parcel.weight
        if cube > above and (dimensional := -(-cube * by // per) * step) > billable:
            billable = dimensional
        at = bisect_left(breaks, billable)
        if (
            at == last
            or cube > cube_most
            or parcel.weight > most
            or (sized and (a > longest or b > second or a + 2 * (b + c) > girth))
            or parcel.asked is not NOTHING_ASKED
            or parcel.hazmat
            or not row.open
        ):
            append(one(parcel, to, row.way))
            continue
        total = row.totals[at]
        if total is None:
            total = row.totals[at] = row.way.price(row.plain, at, NOTHING_ASKED)
        append(_made(Rate, (carrier, code, row.zone, -(-billable // _GRAM), total, currency, ())))
    return answers
