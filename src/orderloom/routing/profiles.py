"""Sourcing profiles as data (pure): rules over the order, strategies with fall-backs, what is done after, own tests.

A profile is read from JSON; unknown fields are refused and all faults are told. `docs/sourcing.md` explains each word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, le
from typing import Annotated, Any, Literal, TypeAlias, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from orderloom.routing import examples
from orderloom.routing.questions import (
    UNITS_MOST,
    Asked,
    Cartons,
    Contracts,
    Flag,
    Items,
    Minor,
    Nodes,
    Prose,
    RouteQuestion,
    Word,
)

Priority: TypeAlias = Annotated[int, Field(strict=True, ge=-100, le=100)]
Words: TypeAlias = Annotated[list[Word], Field(min_length=1, max_length=200)]
Units: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Named = TypeVar("Named", "Strategy", "Rule", "Example")


class Clause(Asked):
    """All that it names must hold of the order. Lists hold when one of them does."""

    channel: Words | None = None
    service_level: Words | None = None
    tags_any: Words | None = None
    tags_all: Words | None = None
    tags_none: Words | None = None
    priority_from: Priority | None = None
    priority_to: Priority | None = None
    country: Words | None = None
    region: Words | None = None
    postcode: Words | None = Field(default=None, description="Begins with one of these")
    residential: Flag | None = None
    value_from: Minor | None = Field(default=None, description="The goods' value, in minor units, or more")
    value_to: Minor | None = Field(default=None, description="That value or less")
    sku: Words | None = Field(default=None, description="One of these is among the units to be shipped")
    hazmat: Flag | None = Field(default=None, description="Dangerous goods are among them")
    fragile: Flag | None = None
    units_from: Units | None = None
    units_to: Units | None = None
    weight_g_from: Units | None = None
    weight_g_to: Units | None = None


class When(Clause):
    """Which orders: all that it names holds, one of `any` does where there is any, and none of `unless` does."""

    any: list[Clause] = Field(default=[], max_length=20)
    unless: list[Clause] = Field(default=[], max_length=20)


class Those(Asked):
    """Nodes: one that is named, is in one of the groups, or is of one of the types."""

    nodes: Words | None = None
    groups: Words | None = None
    types: Words | None = None


class Handicap(Those):
    """These nodes ship a unit only where the plan is cheaper by so much: it guides the choice, and is no cost."""

    a_unit: Minor


class Strategy(Asked):
    """One way to try. What it leaves out is as the channel has it."""

    name: Word
    only: Those | None = Field(default=None, description="No other nodes ship")
    never: Those | None = Field(default=None, description="These nodes do not ship")
    handicaps: list[Handicap] = Field(default=[], max_length=20)
    services: Words | None = Field(
        default=None, description='By these services alone: "ground", or "ups/ground" of one carrier'
    )
    within_days: Annotated[int, Field(strict=True, ge=0, le=365)] | None = Field(
        default=None, description="Everything is there in so many days, where that is before the promise"
    )
    may_be_late: Flag = Field(default=False, description="Good enough even where it misses the day")
    max_shipments: Annotated[int, Field(strict=True, ge=1, le=20)] | None = None
    ship_complete: Flag | None = None
    split_from: Minor | None = None
    stores_most: Annotated[int, Field(strict=True, ge=0, le=20)] | None = None
    store_units_most: Annotated[int, Field(strict=True, ge=0, le=UNITS_MOST)] | None = None
    nearest: Annotated[int, Field(strict=True, ge=1, le=200)] | None = None
    consolidate_day_cost: Minor | None = Field(
        default=None, description="Held for a rest on its way where that saves more than so much a day"
    )


Email: TypeAlias = Annotated[
    str, StringConstraints(strict=True, max_length=320, pattern=r"^[^\s@,;<>]+@[^\s@,;<>]+$")
]


class Told(Asked):
    """Who of the house is told by e-mail, and what."""

    to: Annotated[list[Email], Field(min_length=1, max_length=5)]
    says: Annotated[Prose, Field(min_length=1)]


class Afterwards(Asked):
    """What is done with an order once it was routed by the rule."""

    add_tags: list[Word] = Field(default=[], max_length=20)
    priority: Priority | None = None
    hold: Prose | None = Field(
        default=None, description="Kept from release, once, until a person clears it: why"
    )
    notify: Told | None = Field(default=None, description="People are told by e-mail, once an order")


class Rule(Asked):
    """Which orders, the strategies in the order in which they are tried, and what is done after.

    `otherwise`: where no strategy covers the whole order in time, it goes by the `channel`'s own policy, or it is to
    `stop` for a person.
    """

    name: Word
    when: When = When()
    strategies: list[Strategy] = Field(default=[], max_length=8)
    otherwise: Literal["channel", "stop"] = "channel"
    then: Afterwards = Afterwards()

    @field_validator("strategies")
    @classmethod
    def _once(cls, given: list[Strategy]) -> list[Strategy]:
        return _named_once(given)


class Expected(Asked):
    """What must come of a test's order; what is left out is not looked at. `rule`, `strategy`: null means none."""

    rule: Word | None = None
    strategy: Word | None = None
    outcome: Word | None = None
    nodes: Annotated[list[Word], Field(max_length=20)] | None = None
    services: Annotated[list[Word], Field(max_length=20)] | None = None
    shipments: Annotated[int, Field(strict=True, ge=0, le=20)] | None = None
    late: Flag | None = None
    cost_most: Minor | None = None


class Example(Asked):
    """A test of the profile: an order, and what must come of it."""

    name: Word
    order: RouteQuestion
    expect: Expected


class Given(Asked):
    """What the tests have in common, in place of what there is; an order's own parts go before."""

    items: Items | None = None
    nodes: Nodes | None = None
    contracts: Contracts | None = None
    cartons: Cartons | None = None


class Profile(Asked):
    """Rules, of which the first that an order meets holds for it; an order that meets none goes by its channel's policy."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROFILE]})
    rules: list[Rule] = Field(default=[], max_length=100)
    world: Given = Given()
    tests: list[Example] = Field(default=[], max_length=100)

    @field_validator("rules", "tests")
    @classmethod
    def _once(cls, given: list[Any]) -> list[Any]:
        return _named_once(given)

    @field_validator("tests")
    @classmethod
    def _of_rules_that_are_there(cls, tests: list[Example], info: ValidationInfo) -> list[Example]:
        rules = {rule.name: {s.name for s in rule.strategies} for rule in info.data.get("rules", ())}
        for i, test in enumerate(tests):
            rule, strategy = test.expect.rule, test.expect.strategy
            if rule is not None and rule not in rules:
                raise PydanticCustomError("unknown_rule", f"test {i} expects {rule!r}, which is no rule here")
            if strategy is not None and not any(strategy in names for names in rules.values()):
                raise PydanticCustomError(
                    "unknown_strategy", f"test {i} expects {strategy!r}, which is no strategy here"
                )
        return tests

    def example(self, test: Example) -> RouteQuestion:
        """A test's order, with what the tests have in common where it gives nothing of its own."""
        shared = {name: getattr(self.world, name) for name in type(self.world).model_fields}
        return test.order.model_copy(
            update={name: part for name, part in shared.items() if getattr(test.order, name) is None}
        )


def _named_once(given: list[Named]) -> list[Named]:
    names = [one.name for one in given]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise PydanticCustomError("repeated", f"{name!r} names two of them")
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a profile, as decisions follow it and name it."""

    id: UUID
    name: str
    number: int
    profile: Profile


# --- what of an order rules read ------------------------------------------------------------------------------


def _one_of(has: Any, wanted: Any) -> bool:
    return has in wanted


def _same(has: Any, wanted: Any) -> bool:
    return bool(has == wanted)


def _among(has: Any, wanted: Any) -> bool:
    return not set(wanted).isdisjoint(has)


def _all(has: Any, wanted: Any) -> bool:
    return set(wanted).issubset(has)


def _none(has: Any, wanted: Any) -> bool:
    return set(wanted).isdisjoint(has)


def _begins(has: Any, wanted: Any) -> bool:
    return bool(has.startswith(tuple(wanted)))


# What of the order each field of a clause looks at, and how. Nothing holds of what is not known.
_READS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "channel": ("channel", _one_of),
    "service_level": ("service_level", _one_of),
    "tags_any": ("tags", _among),
    "tags_all": ("tags", _all),
    "tags_none": ("tags", _none),
    "priority_from": ("priority", ge),
    "priority_to": ("priority", le),
    "country": ("country", _one_of),
    "region": ("region", _one_of),
    "postcode": ("postcode", _begins),
    "residential": ("residential", _same),
    "value_from": ("value", ge),
    "value_to": ("value", le),
    "sku": ("skus", _among),
    "hazmat": ("hazmat", _same),
    "fragile": ("fragile", _same),
    "units_from": ("units", ge),
    "units_to": ("units", le),
    "weight_g_from": ("weight_g", ge),
    "weight_g_to": ("weight_g", le),
}


def unmet(clause: Clause, order: Mapping[str, Any]) -> str | None:
    """The first of its fields that does not hold of the order; None when all do."""
    for name, (about, holds) in _READS.items():
        wanted = getattr(clause, name)
        if wanted is not None and (order[about] is None or not holds(order[about], wanted)):
            return name
    return None


def misses(when: When, order: Mapping[str, Any]) -> str | None:
    """Why the order is none of these; None when it is one of them."""
    if (field := unmet(when, order)) is not None:
        return field
    if when.any and all(unmet(one, order) for one in when.any):
        return "any"
    return "unless" if not all(unmet(one, order) for one in when.unless) else None


def because(when: When, order: Mapping[str, Any]) -> dict[str, Any]:
    """What the condition looks at, as the order has it."""
    clauses = (when, *when.any, *when.unless)
    return {
        about: order[about]
        for name, (about, _) in _READS.items()
        if any(getattr(clause, name) is not None for clause in clauses)
    }


def named(those: Those, *, code: str, groups: Sequence[str], kind: str) -> bool:
    """Whether a node is one of those."""
    return (
        code in (those.nodes or ())
        or kind in (those.types or ())
        or not set(those.groups or ()).isdisjoint(groups)
    )
