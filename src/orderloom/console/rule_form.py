"""A sourcing rule as a form (pure): the usual cases in fields, and read back as the JSON that a profile holds.

What the form has no field for is kept as it was in the strategy of the same name. Conditions that it cannot show (a set
of several fields of which one must hold) are for the JSON, and `shown` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SETS = {"all": "all of these hold", "any": "one of these holds", "unless": "none of these holds"}
# What a condition may be about, how it is compared, and by which field of a rule.
CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "Channel": {"channel": "is one of"},
    "Service level": {"service_level": "is one of"},
    "Tags": {"tags_any": "have one of", "tags_all": "have all of", "tags_none": "have none of"},
    "Priority": {"priority_from": "at least", "priority_to": "at most"},
    "Country": {"country": "is one of"},
    "Region": {"region": "is one of"},
    "Postcode": {"postcode": "begins with one of"},
    "Destination is a home": {"residential": "yes or no"},
    "Goods’ value, minor units": {"value_from": "at least", "value_to": "at most"},
    "SKU among the units": {"sku": "is one of"},
    "Dangerous goods": {"hazmat": "yes or no"},
    "Fragile goods": {"fragile": "yes or no"},
    "Units": {"units_from": "at least", "units_to": "at most"},
    "Weight in grams": {"weight_g_from": "at least", "weight_g_to": "at most"},
}
NUMBERS = {
    "within_days": "There in so many days",
    "max_shipments": "Parts at most",
    "nearest": "Of the nearest nodes, so many",
    "stores_most": "Stores at most",
}
FLAGS = {"may_be_late": "May be late", "ship_complete": "Ship complete"}
_NUMERIC = {name for ways in CONDITIONS.values() for name in ways if name.endswith(("_from", "_to"))}
_YES = {"residential", "hazmat", "fragile"}
_OF_STRATEGY = {"name", "only", "never", "services", "handicaps", *NUMBERS, *FLAGS}
_KINDS = {"group": "groups", "type": "types"}
BLANK_CONDITIONS, BLANK_STRATEGIES = 3, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What stands in the form's fields, as text."""

    name: str = ""
    conditions: Sequence[tuple[str, str, str]] = ()
    strategies: Sequence[Mapping[str, str]] = ()
    otherwise: str = "channel"
    then: Mapping[str, str]
    whole: bool = True
    """False: the rule says more than the form can show."""


def shown(rule: Mapping[str, Any]) -> Shown:
    """A rule in the form's fields."""
    when = rule.get("when", {})
    clauses = [("all", {n: v for n, v in when.items() if n not in SETS})]
    clauses += [(kind, one) for kind in ("any", "unless") for one in when.get(kind, ())]
    strategies = rule.get("strategies", ())
    then = rule.get("then", {})
    told = then.get("notify") or {}
    return Shown(
        name=rule.get("name", ""),
        conditions=[(kind, n, _text(value)) for kind, clause in clauses for n, value in clause.items()],
        strategies=[_strategy_shown(one) for one in strategies],
        otherwise=rule.get("otherwise", "channel"),
        then={
            "add_tags": _text(then.get("add_tags", [])),
            "priority": _text(then.get("priority")),
            "hold": _text(then.get("hold")),
            "notify_to": _text(told.get("to", [])),
            "notify_says": _text(told.get("says")),
        },
        whole=all(len(clause) == 1 for kind, clause in clauses if kind != "all")
        and all(len(one.get("handicaps", ())) <= 1 for one in strategies),
    )


def _strategy_shown(strategy: Mapping[str, Any]) -> dict[str, str]:
    [handicap] = strategy.get("handicaps", ())[:1] or [{}]
    return {
        "name": strategy.get("name", ""),
        "only": _those_shown(strategy.get("only")),
        "never": _those_shown(strategy.get("never")),
        "services": _text(strategy.get("services", [])),
        "rank": _those_shown({n: v for n, v in handicap.items() if n != "a_unit"}),
        "rank_by": _text(handicap.get("a_unit")),
        **{name: _text(strategy.get(name)) for name in (*NUMBERS, *FLAGS)},
    }


def _those_shown(those: Mapping[str, Any] | None) -> str:
    those = those or {}
    named = [f"{kind}:{one}" for kind, field in _KINDS.items() for one in those.get(field) or ()]
    return ", ".join([*(those.get("nodes") or ()), *named])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def read(given: Mapping[str, Sequence[str]], *, base: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The rule that the fields say, and what cannot be said so. What is no number stays text, for its check to tell."""
    when, faults = _when(zip(given["set"], given["on"], given["value"], strict=True))
    before = {one.get("name"): one for one in base.get("strategies", ())}
    columns = ("name", "only", "never", "services", "rank", "rank_by", *NUMBERS, *FLAGS)
    rows = zip(*(given["s_" + name] for name in columns), strict=True)
    strategies = [
        _strategy(dict(zip(columns, row, strict=True)), before)
        for row in rows
        if any(cell.strip() for cell in row)
    ]
    one = {name: values[0].strip() for name, values in given.items() if len(values) == 1}
    then = {
        "add_tags": _words(one["add_tags"]),
        "priority": _number(one["priority"]),
        "hold": one["hold"],
        "notify": {"to": _words(one["notify_to"]), "says": one["notify_says"]},
    }
    if not one["notify_to"] and not one["notify_says"]:
        del then["notify"]
    rule = {
        "name": one["name"],
        "when": when,
        "strategies": strategies,
        "otherwise": "" if one["otherwise"] == "channel" else one["otherwise"],
        "then": {name: value for name, value in then.items() if value not in ("", [], None)},
    }
    return {name: value for name, value in rule.items() if value not in ({}, [], "")}, faults


def _when(rows: Iterable[tuple[str, str, str]]) -> tuple[dict[str, Any], list[str]]:
    when: dict[str, Any] = {}
    faults = []
    for kind, name, text in rows:
        if not name and not text.strip():
            continue
        if not name or not text.strip():
            faults.append(
                f"a condition needs both what it is about and a value: {name or text!r} stands alone"
            )
            continue
        value = _number(text) if name in _NUMERIC else _flag(text) if name in _YES else _words(text)
        if kind != "all":
            when.setdefault(kind, []).append({name: value})
        elif name in when:
            faults.append(
                f"{name} stands twice among those that all must hold: a row may have several values"
            )
        else:
            when[name] = value
    return when, faults


def _strategy(row: Mapping[str, str], before: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    name = row["name"].strip()
    kept = {field: value for field, value in before.get(name, {}).items() if field not in _OF_STRATEGY}
    told: dict[str, Any] = {"name": name}
    told |= {field: those for field in ("only", "never") if (those := _those(row[field]))}
    if services := _words(row["services"]):
        told["services"] = services
    if row["rank"].strip() or row["rank_by"].strip():
        told["handicaps"] = [{**_those(row["rank"]), "a_unit": _number(row["rank_by"])}]
    told |= {field: _number(row[field]) for field in NUMBERS if row[field].strip()}
    return told | {field: _flag(row[field]) for field in FLAGS if row[field].strip()} | kept


def _those(text: str) -> dict[str, list[str]]:
    """`CMH, group:west, type:store` as the nodes it names."""
    those: dict[str, list[str]] = {}
    for word in _words(text):
        kind, _, name = word.partition(":")
        field = _KINDS.get(kind.strip().lower()) if name else None
        those.setdefault(field or "nodes", []).append(name.strip() if field else word)
    return those


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _number(text: str) -> int | str | None:
    try:
        return int(text) if text.strip() else None
    except ValueError:
        return text.strip()


def _flag(text: str) -> bool | str:
    return {"yes": True, "no": False}.get(text.strip().lower(), text.strip())
