"""The judge: whether what clients were told, and what is there in the end, can both be true of goods that exist.

Pure, and independent of the product: it reads histories and answers of the API, and knows no table. Each rule returns
what breaks it as sentences; `check` puts them together by rule. `test_checker.py` doctors histories, one kind of lie
for each rule, and every lie must be found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.torture.history import OK, REFUSED, UNKNOWN, Did, Final, live

BUCKETS = ("on_hand", "reserved", "allocated", "damaged", "quality_control")
KEPT, BOUND = {"reserved"}, {"allocated", "released", "acknowledged", "picking", "picked", "packed"}
GONE, OVER = {"shipped", "delivered"}, {"cancelled"}
ENDED = {"expired", "cancelled"}
FIRST_STOCK = "first stock"
Rule = Callable[[Sequence[Did], Final], Iterator[str]]


def check(history: Sequence[Did], final: Final) -> dict[str, list[str]]:
    """Violations by rule; nothing when all is well."""
    found = {rule.__name__: list(rule(history, final)) for rule in RULES}
    return {name: said for name, said in found.items() if said}


# --- goods ----------------------------------------------------------------------------------------------------


def never_oversold(history: Sequence[Did], final: Final) -> Iterator[str]:
    """At no moment have more units been promised for certain than may have been there at all.

    An unknown outcome is an interval: as a claim it counts for nothing, as supply for all it may have brought.
    """
    changes: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    for sku, units in _first_stock(final).items():
        changes[sku].append((float("-inf"), 0, units))
    moved = _by_reason(final)
    for did in history:
        for sku, claimed, supplied, at in _bounds(did, moved.get(did.reason, {})):
            changes[sku].append((at, claimed, supplied))
    for sku, claimed, at in _cart_claims(history):
        changes[sku].append((at, claimed, 0))
    for sku, of in changes.items():
        claimed = supplied = 0
        # At one moment what adds room comes first: two clocks that agree prove nothing.
        for at, more_claimed, more_supplied in sorted(of, key=lambda c: (c[0], c[1] - c[2])):
            claimed += more_claimed
            supplied += more_supplied
            if claimed > supplied:
                yield f"{sku}: {claimed} units were promised at {at:.3f}, and {supplied} can have been there"
                break


def _bounds(did: Did, moved: Mapping[str, int]) -> Iterator[tuple[str, int, int, float]]:
    """(sku, certain claims, possible supply, when): room counts from the request on, its use from the answer on."""
    if did.outcome == REFUSED:
        return
    if did.outcome == OK and not did.facts.unsure:
        for sku, units in did.facts.claims.items():
            yield sku, units, 0, did.answered or did.invoked
    for sku, units in did.facts.frees.items():
        yield sku, -units, 0, did.invoked
    of_sku: Counter[str] = Counter()
    for place, units in (moved if did.outcome == OK else did.facts.moves).items():
        of_sku[place.split(" ")[1]] += units  # a transfer's two legs are nothing
    for sku, units in of_sku.items():
        if units > 0:
            yield sku, 0, units, did.invoked
        elif units and did.outcome == OK:
            yield sku, 0, units, did.answered or did.invoked


def _cart_claims(history: Sequence[Did]) -> Iterator[tuple[str, int, float]]:
    """A cart keeps its units for certain from an answer until its end comes, or the next thing is asked of it."""
    by_cart: dict[str, list[Did]] = defaultdict(list)
    for did in history:
        if did.facts.cart is not None and did.outcome != REFUSED:
            by_cart[did.facts.cart].append(did)
    for of in by_cart.values():
        for did, then in zip(of, [*of[1:], None], strict=True):
            begins, ends = did.answered or did.invoked, did.invoked + did.facts.ttl_s
            ends = min(ends, then.invoked) if then is not None else ends
            if did.outcome == OK and begins < ends:
                for sku, units in did.facts.keeps.items():
                    yield sku, units, begins
                    yield sku, -units, ends


def no_shelf_holds_less_than_is_promised(_history: Sequence[Did], final: Final) -> Iterator[str]:
    """The balances as the API shows them."""
    for level in final.levels:
        promised = level["reserved"] + level["allocated"] + level["damaged"] + level["quality_control"]
        if promised > level["on_hand"] + level["backorder_limit"] or min(level[b] for b in BUCKETS) < 0:
            yield f"{level['node']} {level['sku']}: { ({b: level[b] for b in BUCKETS}) }"


def ledger_is_the_balance(_history: Sequence[Did], final: Final) -> Iterator[str]:
    """Every bucket of every balance is the sum of its movements."""
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for entry in final.movements:
        for bucket in BUCKETS:
            sums[entry["node"], entry["sku"]][bucket] += entry[f"{bucket}_delta"]
    for level in final.levels:
        for bucket in BUCKETS:
            told = sums[level["node"], level["sku"]][bucket]
            if told != level[bucket]:
                yield f"{level['node']} {level['sku']}: {bucket} is {level[bucket]}, its movements sum to {told}"


def promises_are_somebodys(_history: Sequence[Did], final: Final) -> Iterator[str]:
    """What a shelf keeps is what orders and open carts say they have there, unit by unit."""
    kept: Counter[tuple[str, str, str]] = Counter()
    for line, piece in _pieces(final, KEPT | BOUND):
        bucket = "reserved" if piece["status"] in KEPT else "allocated"
        kept[piece["node"], line["sku"], bucket] += piece["quantity"]
    for cart in final.carts:
        if cart["state"] == "open":
            for unit in cart["units"]:
                kept[unit["node"], unit["sku"], "reserved"] += unit["quantity"]
    for level in final.levels:
        for bucket in ("reserved", "allocated"):
            owners = kept.pop((level["node"], level["sku"], bucket), 0)
            if owners != level[bucket]:
                yield f"{level['node']} {level['sku']}: {bucket} is {level[bucket]}, orders and carts have {owners}"
    for (node, sku, bucket), units in kept.items():
        yield f"{node} {sku}: orders have {units} {bucket} where there is no balance"


def no_unit_appears_or_vanishes(history: Sequence[Did], final: Final) -> Iterator[str]:
    """Each unit that came or went has one cause that somebody asked for, once; what shipped is what orders shipped."""
    by_reason = _by_reason(final)
    known = {did.reason for did in history}
    left: Counter[str] = Counter()
    for entry in final.movements:
        place, units = f"{entry['node']} {entry['sku']}", entry["on_hand_delta"]
        if entry["kind"] == "shipped":
            left[place] -= units
        elif units and _cause(entry) not in known and entry["reason"] != FIRST_STOCK:
            yield f"{place}: {units:+} units for {entry['reason']!r}, which nobody asked for"
    for did in history:
        found = {place: units for place, units in by_reason.get(did.reason, {}).items() if units}
        if not _moved_right(did, found):
            yield f"{did.reason} {did.operation} ({did.outcome}): moved {found}, asked for {did.facts.moves}"
    for line, piece in _pieces(final, GONE):
        left[f"{piece['node']} {line['sku']}"] -= piece["quantity"]
    for place, units in left.items():
        if units:
            yield f"{place}: {units:+} units left without an order that they went to"


def _cause(entry: Mapping[str, Any]) -> str:
    """Every operation names itself in what is written to the ledger; a snapshot does by its source."""
    return (entry["reason"] or "").removeprefix("snapshot of ").split(" ")[0]


def _by_reason(final: Final) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in final.movements:
        if entry["kind"] != "shipped" and entry["on_hand_delta"]:
            found[_cause(entry)][f"{entry['node']} {entry['sku']}"] += entry["on_hand_delta"]
    return found


def _moved_right(did: Did, found: Mapping[str, int]) -> bool:
    wanted = {place: units for place, units in did.facts.moves.items() if units}
    if did.outcome == REFUSED or (did.outcome == UNKNOWN and not found):
        return not found
    if did.facts.counted:
        told = sum(line["delta"] for line in did.answer["lines"]) if did.outcome == OK else None
        return told is None or told == sum(found.values())
    if did.facts.elastic:
        return all(min(0, wanted.get(p, 0)) <= n <= max(0, wanted.get(p, 0)) for p, n in found.items())
    return dict(found) == wanted


def _pieces(final: Final, statuses: set[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for order in final.orders:
        for line in order["lines"]:
            for piece in line["slices"]:
                if piece["status"] in statuses:
                    yield line, piece


def _first_stock(final: Final) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in final.movements:
        if entry["reason"] == FIRST_STOCK:
            found[entry["sku"]] += entry["on_hand_delta"]
    return found


# --- orders ---------------------------------------------------------------------------------------------------


def nothing_acknowledged_is_lost(history: Sequence[Did], final: Final) -> Iterator[str]:
    """Every order that was answered with 2xx is there, whole.

    Of one that was edited, so many are not cancelled as edits that were answered have left, and cancellations may have.
    """
    there = {order["external_id"]: order for order in final.orders}
    meant = _by_order(history)
    for did in history:
        if did.facts.order is None or did.outcome != OK:
            continue
        order = there.get(did.facts.order)
        if order is None:
            yield f"{did.reason}: order {did.facts.order} was acknowledged and is not there"
            continue
        units: Counter[str] = Counter()
        for line in order["lines"]:
            for piece in line["slices"]:
                units[line["sku"]] += piece["quantity"]
        done = meant[order["id"]]
        if any(one.facts.edits for one in done):
            least, most = _left(did.facts.claims, done)
            has = live(order["lines"])
            if least - has or has - most:
                yield f"order {did.facts.order} has {dict(has)}, edited to {dict(least)} at least, {dict(most)} at most"
        elif units != Counter(did.facts.claims):
            yield f"{did.reason}: order {did.facts.order} has {dict(units)} of {did.facts.claims}"


def no_promise_is_dropped(history: Sequence[Did], final: Final) -> Iterator[str]:
    """The units of an acknowledged order are kept, shipped, or were given up by somebody."""
    sure = {did.facts.order for did in history if did.outcome == OK and not did.facts.unsure}
    bare: Counter[str] = Counter()
    for order in final.orders:
        if order["external_id"] in sure:
            for line in order["lines"]:
                for piece in line["slices"]:
                    if piece["status"] not in KEPT | BOUND | GONE | OVER:
                        bare[line["sku"]] += piece["quantity"]
    freed: Counter[str] = Counter()
    for did in history:
        if did.outcome != REFUSED:
            freed.update(did.facts.frees)
    for sku, units in bare.items():
        if units > freed[sku]:
            yield f"{sku}: {units} acknowledged units have no stock, and only {freed[sku]} were given up"


def _by_order(history: Sequence[Did]) -> dict[str, list[Did]]:
    """What was asked of each order by its id, and may have been done."""
    found: dict[str, list[Did]] = defaultdict(list)
    for did in history:
        if did.outcome != REFUSED and did.wrote and did.path.startswith("/v1/orders/"):
            found[did.path.split("/")[3]].append(did)
    return found


def _left(claims: Mapping[str, int], done: Sequence[Did]) -> tuple[Counter[str], Counter[str]]:
    """The fewest and the most units that are not cancelled after all that was, or may have been, done to an order."""
    least, most = Counter(claims), Counter(claims)
    for did in done:
        sure = did.facts.edits is not None and did.outcome == OK
        most.update(did.facts.claims)
        least.update(did.facts.claims if sure else {})
        least.subtract(did.facts.frees)
        # What a node was asked to let go may stay.
        most.subtract(Counter(did.facts.frees) - Counter(did.answer["requested"]) if sure else {})
    return least, most


def an_edit_does_what_was_asked(history: Sequence[Did], _final: Final) -> Iterator[str]:
    """By the version that it names it was made on what its client saw: what came of it is what was asked, and was shown.

    Once a node was asked to let units go, or nobody knows, an order has fewer that can be lowered than it shows.
    """
    for order, done in _by_order(history).items():
        plain = True
        for did in done:
            plain = plain and did.outcome == OK and not did.answer.get("requested")
            if did.facts.had is None or did.outcome != OK:
                continue
            has, had = live(did.answer["order"]["lines"]), did.facts.had
            came = {sku: n for sku in {*has, *had} if (n := has[sku] - had.get(sku, 0))}
            told = Counter(did.facts.claims)
            told.subtract(Counter(did.facts.frees) - Counter(did.answer["requested"]))
            if came != {sku: n for sku, n in told.items() if n}:
                yield f"{did.reason}: order {order} was told {dict(told)}, and came to {came}"
            if plain and came != did.facts.asked:
                yield f"{did.reason}: order {order} came to {came}, and {did.facts.asked} was asked"
            figures = [did.answer["total"], did.answer["owed"]]
            if did.facts.shown not in (None, figures):
                yield f"{did.reason}: {did.facts.shown} were shown as total and owed, and it is {figures}"


def money_follows_the_units(history: Sequence[Did], final: Final) -> Iterator[str]:
    """An order comes to its lines and a line to its units; what is owed is that of units not cancelled, and covered."""
    for order in final.orders:
        money, lines = order["money"], [line for line in order["lines"] if not line["is_kit"]]
        worth = sum(line["total"]["amount"] for line in lines)
        if money["total"]["amount"] != worth + money["shipping"]["amount"] + money["adjustment"]["amount"]:
            yield f"order {order['external_id']} comes to {money['total']}, its lines to {worth}"
        for line in lines:
            if line["quantity"] != sum(piece["quantity"] for piece in line["slices"]):
                yield f"order {order['external_id']}: {line['quantity']} of {line['sku']}, and {line['slices']}"
            if not line["kit_line_id"] and line["total"]["amount"] != _worth(line, line["quantity"]):
                yield f"order {order['external_id']}: {line['quantity']} of {line['sku']} come to {line['total']}"
    placed = {did.answer["id"]: did for did in history if did.facts.order is not None and did.outcome == OK}
    there = {order["id"]: order for order in final.orders}
    for id_, done in _by_order(history).items():
        if id_ in placed and id_ in there:
            yield from _edited_money(placed[id_], done, there[id_])


def _worth(line: Mapping[str, Any], units: int) -> int:
    gross = units * line["unit_price"]["amount"]
    return int(gross - line["discount"]["amount"] + line["tax"]["amount"])


def _edited_money(placed: Did, done: Sequence[Did], order: Mapping[str, Any]) -> Iterator[str]:
    """One edit begins where the one before ended; tenders cover what is owed, which is that of the units."""
    total: int | None = placed.body["total"]["amount"]
    covered = float(placed.body["total"]["amount"])
    for did in (one for one in done if one.facts.edits is not None):
        if did.outcome == UNKNOWN:
            total, covered = None, float("inf")
            continue
        told = {
            name: did.answer[name]["amount"] for name in ("total_before", "total", "owed", "to_authorize")
        }
        covered += told["to_authorize"]
        if total not in (None, told["total_before"]):
            yield f"{did.reason}: the order came to {total}, and before the edit to {told['total_before']}"
        if told["owed"] > covered:
            yield f"{did.reason}: {told['owed']} are owed, and {covered} is all that tenders were asked for"
        owed = _owed(did.answer["order"])
        if owed not in (None, told["owed"]):
            yield f"{did.reason}: {told['owed']} are told to be owed, for units of {owed}"
        total = told["total"]
    if total not in (None, order["money"]["total"]["amount"]):
        yield f"order {order['external_id']} was edited to {total}, and comes to {order['money']['total']}"


def _owed(order: Mapping[str, Any]) -> int | None:
    """By its units and their prices; of kits nobody can tell from outside."""
    if any(line["is_kit"] for line in order["lines"]):
        return None
    return sum(sum(live([line]).values()) * int(line["unit_price"]["amount"]) for line in order["lines"])


def no_order_out_of_nowhere(history: Sequence[Did], final: Final) -> Iterator[str]:
    """Whoever was refused has no order, and nobody has two."""
    asked = {did.facts.order: did for did in history if did.facts.order is not None}
    for external_id, times in Counter(order["external_id"] for order in final.orders).items():
        did = asked.get(external_id)
        if times > 1:
            yield f"order {external_id} is there {times} times"
        if did is None:
            yield f"order {external_id} is there, and nobody placed it"
        elif did.outcome == REFUSED:
            yield f"{did.reason}: order {external_id} was refused with {did.status} and is there"


def what_was_given_up_was_theirs(history: Sequence[Did], final: Final) -> Iterator[str]:
    """No order has more units cancelled than somebody asked to cancel."""
    asked: dict[str, Counter[str]] = defaultdict(Counter)
    done = _by_order(history)
    for id_ in done:
        for did in done[id_]:
            asked[id_].update(did.facts.frees)
    for order in final.orders:
        if any(did.facts.edits for did in done[order["id"]]):
            continue  # of such, what is left is held against what was asked
        gone: Counter[str] = Counter()
        for line in order["lines"]:
            for piece in line["slices"]:
                if piece["status"] in OVER:
                    gone[line["sku"]] += piece["quantity"]
        if beyond := gone - asked[order["id"]]:
            yield f"order {order['external_id']}: {dict(beyond)} cancelled, and nobody asked"


def a_cart_ends_once(history: Sequence[Did], final: Final) -> Iterator[str]:
    """What ended a cart is its end: the order that took it over is its only one, and nothing is done to it after."""
    ended: dict[str, Did] = {}
    there = {cart["id"]: cart for cart in final.carts}
    orders = {order["id"] for order in final.orders}
    for did in history:
        cart = did.facts.cart
        if cart is None or did.outcome != OK:
            continue
        if cart in ended:
            yield f"{did.reason} {did.operation}: cart {cart} had been ended by {ended[cart].reason}"
        if cart not in there:
            yield f"{did.reason} {did.operation}: cart {cart} was acknowledged and is not there"
        elif did.facts.ends is not None:
            ended[cart] = did
            # One whose time was over, or whose units were not found, is bought from what is free, if there is enough.
            gone = did.facts.ends == "consumed" and there[cart]["state"] in ENDED
            if there[cart]["state"] != did.facts.ends and not gone:
                yield f"{did.reason}: cart {cart} is {there[cart]['state']}, and was {did.facts.ends}"
    for cart in final.carts:
        if (cart["state"] == "consumed") != (cart["order_id"] in orders):
            yield f"cart {cart['id']} is {cart['state']} with order {cart['order_id']}"


# --- answers --------------------------------------------------------------------------------------------------


def a_repeat_gets_the_same_answer(history: Sequence[Did], _final: Final) -> Iterator[str]:
    """Same key and body: the stored answer. Same key and another body: 422. A retry never meets its own first try."""
    for did in history:
        for status, answer in did.repeats:
            if (status, answer) != (did.status, did.answer):
                yield f"{did.reason} {did.operation}: first {did.status} {did.answer}, then {status} {answer}"
        if did.misused not in (None, 422):
            yield f"{did.reason} {did.operation}: another body under its key was answered {did.misused}"
        if did.facts.order is not None and did.status == 200:
            yield f"{did.reason}: order {did.facts.order} met itself as a duplicate, its key was lost"


def no_defect_is_answered(history: Sequence[Did], _final: Final) -> Iterator[str]:
    """While processes die the only answer of the 500s is 503."""
    for did in history:
        bad = [tried for tried in did.tried if tried.startswith("5") and not tried.startswith("503")]
        if bad:
            yield f"{did.reason} {did.operation}: {', '.join(bad)}"


def versions_only_grow(history: Sequence[Did], _final: Final) -> Iterator[str]:
    """Once anybody has seen a version of an object, no request sent later sees an older one (read your writes too)."""
    seen = [
        (did.answered, did.invoked, name, version, did)
        for did in history
        if did.outcome == OK and did.answered is not None and len(did.tried) == 1
        for name, version in did.seen
    ]
    by_object: dict[str, list[tuple[float, float, int, Did]]] = defaultdict(list)
    for answered, invoked, name, version, did in seen:
        by_object[name].append((answered, invoked, version, did))
    for name, of in by_object.items():
        ends = sorted(of, key=lambda one: one[0])
        newest, upto = (0, ""), 0
        for _, invoked, version, did in sorted(of, key=lambda one: one[1]):
            while upto < len(ends) and ends[upto][0] < invoked:
                newest = max(newest, (ends[upto][2], ends[upto][3].reason))
                upto += 1
            if version < newest[0]:
                yield f"{name}: {did.reason} saw version {version} after {newest[1]} had seen {newest[0]}"


def what_is_known_is_found(history: Sequence[Did], _final: Final) -> Iterator[str]:
    """Nobody is told 404 of what somebody had been told exists."""
    for did in history:
        if did.known is not None and did.status == 404:
            yield f"{did.reason}: {did.known} was not found"


def nobody_waits_in_a_circle(_history: Sequence[Did], final: Final) -> Iterator[str]:
    """PostgreSQL has broken no deadlock."""
    if final.deadlocks:
        yield f"{final.deadlocks} deadlocks in the server's log"


def the_audit_is_clean(_history: Sequence[Did], final: Final) -> Iterator[str]:
    """The product's own auditor agrees."""
    yield from final.audit


def the_other_sides_agree(_history: Sequence[Did], final: Final) -> Iterator[str]:
    """Gateway and carrier have done nothing twice, and nothing that is not known here."""
    yield from final.outside


RULES: tuple[Rule, ...] = (
    never_oversold,
    no_shelf_holds_less_than_is_promised,
    ledger_is_the_balance,
    promises_are_somebodys,
    no_unit_appears_or_vanishes,
    nothing_acknowledged_is_lost,
    no_promise_is_dropped,
    an_edit_does_what_was_asked,
    money_follows_the_units,
    no_order_out_of_nowhere,
    what_was_given_up_was_theirs,
    a_cart_ends_once,
    a_repeat_gets_the_same_answer,
    no_defect_is_answered,
    versions_only_grow,
    what_is_known_is_found,
    nobody_waits_in_a_circle,
    the_audit_is_clean,
    the_other_sides_agree,
)
