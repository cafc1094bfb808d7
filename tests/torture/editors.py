"""What buyers have changed in orders of theirs: lines raised, lowered, removed and added, previewed and done.

Most edits name the version that they were made on, and half of those were shown first. What became of the others is as
certain: the answer says which units are kept more and fewer, and the checker does not take its word for it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.torture.buyers import buy_the_last
from tests.torture.history import Facts, live
from tests.torture.plans import KIT, LAST, LAST_UNITS, PRICE, Acting, Json, Plan, one_of, taken_apart

STEPS = (-2, -1, -1, 1, 1, 2)


async def edit_lines(me: Acting) -> Plan | None:
    """Something of what it has, or something more, or both at once."""
    order = one_of(me, me.orders)
    found = await me.look(f"/v1/orders/{order}") if order else None
    if not found:
        return None
    changes, added = _changes(me, found), _added(me)
    plan = edit_plan(me, found, changes, added, versioned=me.dice.random() < 0.7)
    if plan.facts.had is not None and me.dice.random() < 0.5:
        shown = await me.look(f"{plan.path}?dry_run=true", plan.body)
        plan.facts.shown = [shown["total"], shown["owed"]] if shown else None
    return plan


async def preview_edit(me: Acting) -> Plan | None:
    """What it would come to; nothing of it is done."""
    order = one_of(me, me.orders)
    found = await me.look(f"/v1/orders/{order}") if order else None
    if not found:
        return None
    asked = edit_plan(me, found, _changes(me, found), _added(me), versioned=False)
    return Plan(path=f"{asked.path}?dry_run=true", body=asked.body, known=order, preview=True)


async def own_some_of_the_last(me: Acting) -> Plan:
    """An order to be edited."""
    plan = await buy_the_last(me)

    def learn(answer: Any) -> None:
        me.orders[answer["id"]] = {LAST: LAST_UNITS}

    plan.learn = learn
    return plan


async def want_the_last_too(me: Acting) -> Plan | None:
    """An order that has some of what nobody else deals in is to have all that is left of it."""
    return await _the_last(me, LAST_UNITS)


async def give_the_last_back(me: Acting) -> Plan | None:
    """Whoever got them gives them back."""
    return await _the_last(me, -LAST_UNITS)


async def _the_last(me: Acting, more: int) -> Plan | None:
    [(order, units)] = me.orders.items()
    found = await me.look(f"/v1/orders/{order}")
    if not found or units[LAST] + more <= 0:
        return None
    [line] = found["lines"]
    return edit_plan(me, found, {line["id"]: units[LAST] + more}, [], versioned=False)


def _changes(me: Acting, found: Json) -> dict[str, int]:
    """One or two lines as they are to be, by id."""
    whole = [line for line in found["lines"] if line["kit_line_id"] is None]
    chosen = me.dice.sample(whole, min(len(whole), me.dice.randint(1, 2)))
    return {line["id"]: max(0, _now(found, line) + me.dice.choice(STEPS)) for line in chosen}


def _added(me: Acting) -> list[tuple[str, int]]:
    if me.dice.random() < 0.7:
        return []
    return [(me.dice.choice((*me.skus, KIT)), me.dice.randint(1, 2))]


def _parts(found: Json, line: Json) -> list[tuple[Json, int]]:
    """The lines that hold a line's units, with how many there are of each in one of it."""
    if not line["is_kit"]:
        return [(line, 1)]
    parts = [part for part in found["lines"] if part["kit_line_id"] == line["id"]]
    return [(part, part["quantity"] // line["quantity"]) for part in parts]


def _now(found: Json, line: Json) -> int:
    return min(sum(live([part]).values()) // each for part, each in _parts(found, line))


def edit_plan(
    me: Acting, found: Json, changes: dict[str, int], added: list[tuple[str, int]], *, versioned: bool
) -> Plan:
    """The edit of an order as it was found; not knowing the answer, all that it names may have come, and all of it gone."""
    order, lines = found["id"], {line["id"]: line for line in found["lines"]}
    asked, may_come, may_go = Counter(taken_apart(added)), Counter(taken_apart(added)), Counter[str]()
    for id_, quantity in changes.items():
        more = quantity - _now(found, lines[id_])
        for part, each in _parts(found, lines[id_]):
            asked[part["sku"]] += more * each
            may_come[part["sku"]] += quantity * each
            if more < 0:
                may_go[part["sku"]] = me.orders[order].get(part["sku"], 0)
    facts = Facts(
        edits=order,
        claims=dict(may_come),
        frees=dict(may_go),
        asked={sku: n for sku, n in asked.items() if n},
        unsure=found["channel"] == "market",
        had=dict(live(found["lines"])) if versioned else None,
    )

    def learn(answer: Any) -> None:
        kept = Counter[str]()
        for held in answer["stock"]:
            kept[held["sku"]] += held["units"]
        facts.claims, facts.frees = dict(+kept), dict(Counter(answer["requested"]) + -kept)
        me.orders[order] = dict(live(answer["order"]["lines"]))

    def lost() -> None:
        me.orders[order] = dict(Counter(me.orders[order]) + may_come)

    body: Json = {
        "lines": [{"line_id": id_, "quantity": quantity} for id_, quantity in changes.items()],
        "add": [
            {"sku": sku, "quantity": n, "unit_price": {"amount": PRICE, "currency": "USD"}}
            for sku, n in added
        ],
        "reason": me.reason,
    }
    body |= {"expected_version": found["version"]} if versioned else {}
    return Plan(path=f"/v1/orders/{order}/edit", body=body, facts=facts, known=order, learn=learn, lost=lost)
