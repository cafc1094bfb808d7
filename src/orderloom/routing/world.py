"""What a question is decided on (pure): the present world, with the parts that the question itself gives in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orderloom.delivery.transit import NOTHING, Learnt
from orderloom.network.model import Channel, Node
from orderloom.network.places import located
from orderloom.orders.model import Fault
from orderloom.packing.houserules import USUAL, HouseRules
from orderloom.packing.model import Article, Carton, handled
from orderloom.routing.model import Source
from orderloom.routing.profiles import Version
from orderloom.routing.questions import (
    UNITS_MOST,
    CartonAsked,
    ContractAsked,
    HouseRulesAsked,
    ItemAsked,
    LineAsked,
    NodeAsked,
    Question,
    given,
)
from orderloom.shipping.contract import BadTerms, parse
from orderloom.shipping.quota import Quota
from orderloom.shipping.tariff import Tariff, compile_contract
from orderloom.terms import Dimensions, Quantities


class Unanswerable(ValueError):
    """The question names what is not there or contradicts itself; `faults` says everything that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Articles by SKU (one unit each), kits by SKU, nodes with what they can give, tariffs, cartons, the channel.

    `packing` are the house's rules for every carton, of the node that is asked of or wherever a node has none of its own.
    `quota` is what the present contracts' carriers may still take on the day asked about.
    `learnt` is what is known of how late parcels come by the present contracts' services; `sourcing` the profile in use.
    """

    articles: Mapping[str, Article]
    sources: tuple[Source, ...]
    tariffs: tuple[Tariff, ...]
    cartons: tuple[Carton, ...]
    kits: Mapping[str, Mapping[str, int]]
    channel: Channel | None = None
    learnt: Learnt = NOTHING
    sourcing: Version | None = None
    packing: HouseRules = USUAL
    quota: Quota | None = None


EMPTY = World(articles={}, sources=(), tariffs=(), cartons=(), kits={})


def with_given(question: Question, present: World) -> World:
    """The world the question is about. Raises Unanswerable when what it gives cannot be used."""
    faults: list[Fault] = []
    items: Sequence[ItemAsked] | None = given(question, "items")
    nodes: Sequence[NodeAsked] | None = given(question, "nodes")
    contracts: Sequence[ContractAsked] | None = given(question, "contracts")
    cartons: Sequence[CartonAsked] | None = given(question, "cartons")
    faults += [
        *_twice("items", "sku", [item.sku for item in items or ()]),
        *_twice("nodes", "code", [node.code for node in nodes or ()]),
        *_twice("contracts", "carrier", [contract.carrier for contract in contracts or ()]),
        *_twice("cartons", "code", [carton.code for carton in cartons or ()]),
    ]
    have = {one.code for one in (present.cartons if cartons is None else cartons)}
    faults += [
        Fault(f"/nodes/{i}/cartons/{code}", "unknown_carton", f"no carton {code!r} in use")
        for i, node in enumerate(nodes or ())
        for code in sorted((node.cartons or {}).keys() - have)
    ]
    tariffs = list(present.tariffs if contracts is None else _tariffs(contracts, faults))
    if faults:
        raise Unanswerable(faults)
    sources = present.sources if nodes is None else tuple(_source(node) for node in nodes)
    rules: HouseRulesAsked | None = getattr(question, "rules", None)
    if rules is not None:
        sources = tuple(replace(source, packing=None) for source in sources)
    return replace(
        present,
        articles=present.articles if items is None else {item.sku: _article(item) for item in items},
        kits=present.kits if items is None else {},
        sources=sources,
        packing=present.packing if rules is None else rules.house,
        tariffs=tuple(tariffs),
        cartons=present.cartons if cartons is None else tuple(_carton(carton) for carton in cartons),
        # Of a contract that the question brings nothing was learnt, whatever its services are called.
        learnt=present.learnt if contracts is None else NOTHING,
        quota=present.quota if contracts is None else None,
    )


def _twice(part: str, key: str, values: Sequence[str]) -> Iterator[Fault]:
    for i, value in enumerate(values):
        if value in values[:i]:
            yield Fault(f"/{part}/{i}/{key}", "repeated", f"{value} stands there twice")


# --- what is given, in our words ------------------------------------------------------------------------------


def _article(item: ItemAsked) -> Article:
    length, width, height = (edge.millimetres() for edge in item.size.measures)
    return Article(
        sku=item.sku,
        length=length,
        width=width,
        height=height,
        weight_g=item.weight.measure.grams(),
        fragile=item.fragile,
        this_side_up=item.this_side_up,
        hazmat_class=item.hazmat_class,
        ships_alone=item.ships_alone,
        **handled(item.handling.model_dump(exclude_defaults=True) if item.handling else {}),
    )


def _source(node: NodeAsked) -> Source:
    address = node.address.address
    place = located(address)
    return Source(
        node=Node(
            code=node.code,
            name=node.name or node.code,
            type=node.type,
            address=address,
            latitude=place.latitude if place else None,
            longitude=place.longitude if place else None,
            time_zone=node.time_zone or (place.time_zone if place else "UTC"),
            working_days=tuple(node.working_days),
            holidays=tuple(node.holidays),
            cutoffs=dict(node.cutoffs),
            processing_hours=node.processing_hours,
            pick_cost=node.pick_cost,
            unit_cost=node.unit_cost,
            ships_hazmat=node.ships_hazmat,
            services=None if node.services is None else tuple(node.services),
            groups=tuple(node.groups),
        ),
        available=Quantities(node.stock),
        capacity_left=node.capacity_left,
        scarcity=dict(node.scarcity),
        cartons=node.cartons,
    )


def _tariffs(contracts: Sequence[ContractAsked], faults: list[Fault]) -> Iterator[Tariff]:
    for i, contract in enumerate(contracts):
        try:
            read = parse(carrier=contract.carrier, version=contract.version, terms=contract.terms)
        except BadTerms as bad:
            faults += [
                Fault(f"/contracts/{i}/terms/{fault.path.replace('.', '/')}", "invalid", fault.message)
                for fault in bad.faults
            ]
        else:
            yield compile_contract(read, spend=contract.spend)


def _carton(carton: CartonAsked) -> Carton:
    """An outside is rounded up to millimetres, an inside down."""
    return Carton(
        code=carton.code,
        name=carton.name or carton.code,
        inner=Dimensions(*(edge.room() for edge in carton.inner.measures)),
        outer=Dimensions(*(edge.millimetres() for edge in carton.outer.measures)),
        tare_g=carton.tare.measure.grams(),
        max_weight_g=carton.max_weight.measure.grams(),
        cost=carton.cost,
        stock=carton.stock,
        flexible=carton.flexible,
    )


# --- lines ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """Units of one article that a line calls for; a kit's line calls for several. `at` is the line's place."""

    key: str
    article: Article
    quantity: int
    node: str | None
    at: int


def leaves(lines: Sequence[LineAsked], world: World) -> list[Leaf]:
    """The units wanted, kits exploded. Raises Unanswerable when a line names what is not there."""
    faults: list[Fault] = []
    found: list[Leaf] = []
    keys = [line.line or str(i) for i, line in enumerate(lines, start=1)]
    nodes = {source.node.code for source in world.sources}
    faults += [
        Fault(f"/lines/{i}/line", "repeated", f"{key} names two lines")
        for i, key in enumerate(keys)
        if key in keys[:i]
    ]
    for i, (key, line) in enumerate(zip(keys, lines, strict=True)):
        if line.node is not None and line.node not in nodes:
            known = ", ".join(sorted(nodes)[:8]) or "none"
            faults.append(
                Fault(
                    f"/lines/{i}/node",
                    "unknown_node",
                    f"no node {line.node!r} has any of it; there are: {known}",
                )
            )
        parts = world.kits.get(line.sku)
        for sku, per_kit in (parts or {line.sku: 1}).items():
            if sku not in world.articles:
                faults.append(Fault(f"/lines/{i}/sku", "unknown_sku", _unknown(sku)))
                continue
            name = f"{key}.{sku}" if parts else key
            found.append(Leaf(name, world.articles[sku], line.quantity * per_kit, line.node, i))
    units = sum(leaf.quantity for leaf in found)
    if units > UNITS_MOST:
        faults.append(Fault("/lines", "too_many", f"{units} units in all: a dry run takes {UNITS_MOST}"))
    if faults:
        raise Unanswerable(faults)
    return found


def _unknown(sku: str) -> str:
    return f"no item {sku!r}: add it to the catalogue, or give it in `items`"


def articles_of(found: Sequence[Leaf]) -> tuple[Article, ...]:
    """The articles with their units, one entry a SKU."""
    units = Quantities((leaf.article.sku, leaf.quantity) for leaf in found)
    by_sku = {leaf.article.sku: leaf.article for leaf in found}
    return tuple(replace(by_sku[sku], quantity=many) for sku, many in sorted(units.items()))
