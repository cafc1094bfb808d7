"""A carrier's contract read from JSON: typed, immutable, every fault named at once.

Amounts are integer minor units of the contract's currency; lengths and weights are numbers in the contract's own
units, since that is what the carrier's tariff says. `docs/howto/add-a-carrier.md` shows a whole one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orderloom.shipping.agreed import BadTerms, Contract, Fault, Terms
from orderloom.shipping.contradictions import contradictions

__all__ = ["BadTerms", "Contract", "Fault", "Terms", "parse"]

_TERMS: TypeAdapter[Terms] = TypeAdapter(Terms)


def parse(*, carrier: str, version: int, terms: Mapping[str, Any]) -> Contract:
    """The contract the JSON stands for. Raises BadTerms with all faults."""
    try:
        read = _TERMS.validate_python(terms)
    except ValidationError as invalid:
        raise BadTerms(_faults(invalid)) from None
    faults = tuple(contradictions(read))
    if faults:
        raise BadTerms(faults)
    return Contract(carrier=carrier, version=version, terms=read)


def _faults(invalid: ValidationError) -> tuple[Fault, ...]:
    found = [(tuple(map(str, error["loc"])), error["type"], error["msg"]) for error in invalid.errors()]
    # A list whose only entry is faulty counts as empty too: that says nothing the entry's own fault does not.
    inner = {place[:n] for place, _, _ in found for n in range(len(place))}
    return tuple(
        Fault(".".join(place) or "terms", message)
        for place, kind, message in found
        if not (kind == "too_short" and place in inner)
    )
