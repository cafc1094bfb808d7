"""A sourcing profile's own tests (pure): an order each, decided by the profile, held against what is expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orderloom.routing.profiles import Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What came of one test. `misses` says what was expected and what was found instead, field by field."""

    name: str
    misses: Sequence[Mapping[str, Any]]
    found: Mapping[str, Any]

    def json(self) -> dict[str, Any]:
        """The stored form."""
        misses = [dict(miss) for miss in self.misses]
        return {"test": self.name, "passed": not misses, "misses": misses, "found": dict(self.found)}


def judged(name: str, expected: Expected, record: Mapping[str, Any]) -> Tested:
    """The test, given the decision record of its order."""
    found = told(record["answer"])
    return Tested(name=name, misses=tuple(_misses(expected, found)), found=found)


def unanswered(name: str, why: Sequence[str]) -> Tested:
    """The test whose order could not be decided at all."""
    return Tested(name=name, misses=[{"field": "order", "problem": problem} for problem in why], found={})


def problem(miss: Mapping[str, Any]) -> str:
    """A miss in a sentence."""
    return miss.get("problem") or f"{miss['field']} is {miss['found']!r}, expected was {miss['expected']!r}"


def told(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a routing answer comes to, in the words that tests and comparisons use."""
    plan = answer["plan"]
    shipments = plan["shipments"] if plan else []
    sourcing = answer.get("sourcing") or {}
    return {
        "rule": sourcing.get("rule"),
        "strategy": sourcing.get("strategy"),
        "outcome": answer["outcome"],
        "nodes": sorted(part["node"] for part in shipments),
        "services": sorted(f"{part['carrier']}/{part['service']}" for part in shipments),
        "shipments": len(shipments),
        "late": answer["late"],
        "cost": plan["cost"] if plan else None,
        "currency": answer["currency"],
    }


def _misses(expected: Expected, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for field in sorted(expected.model_fields_set):
        wanted = getattr(expected, field)
        has = found["cost" if field == "cost_most" else field]
        match field:
            case "cost_most":
                right = wanted is None or (has is not None and has <= wanted)
            case "nodes" | "services":
                right = wanted is None or sorted(wanted) == has
            case _:
                right = wanted == has
        if not right:
            yield {"field": field, "expected": wanted, "found": has}
