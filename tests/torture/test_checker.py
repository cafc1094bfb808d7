"""The judge is judged: an honest history passes, and each kind of lie put into it is found by the rule for it."""

from __future__ import annotations

import copy

import pytest

from tests.torture.checker import RULES, check
from tests.torture.clients import seen_in
from tests.torture.history import OK, REFUSED, UNKNOWN, Did, Facts, Final, keep, read
from tests.torture.world import other_sides

SKU, HERE, THERE = "MUG", "ATL", "DFW"


def did(number: int, operation: str, outcome: str = OK, **more) -> Did:
    """What client 0 did, each operation a second after the one before, answered half a second later."""
    status = more.pop("status", 200 if outcome == OK else 409 if outcome == REFUSED else None)
    values = {
        "client": 0,
        "number": number,
        "operation": operation,
        "key": f"key-{number}",
        "path": f"/v1/{operation}",
        "invoked": float(number),
        "answered": None if outcome == UNKNOWN else number + 0.5,
        "outcome": outcome,
        "status": status,
        "tried": [str(status)],
    }
    return Did(**{**values, **more})


def order(name: str, *pieces: tuple[int, str, str | None]) -> dict:
    """Of one line, a unit of which is ten."""
    slices = [{"quantity": n, "status": status, "node": node} for n, status, node in pieces]
    units = sum(n for n, *_ in pieces)
    line = {
        "id": f"orl_{name}",
        "sku": SKU,
        "quantity": units,
        "is_kit": False,
        "kit_line_id": None,
        "unit_price": usd(10),
        "discount": usd(0),
        "tax": usd(0),
        "total": usd(units * 10),
        "slices": slices,
    }
    money = {"total": usd(units * 10), "shipping": usd(0), "adjustment": usd(0)}
    return {"id": f"ord_{name}", "external_id": name, "lines": [line], "money": money}


def usd(amount: int) -> dict:
    return {"amount": amount, "currency": "USD"}


def edited(of: dict, *, before: int, owed: int, **more) -> dict:
    """What an edit is answered."""
    answer = {"total_before": usd(before), "total": of["money"]["total"], "owed": usd(owed)}
    return {**answer, "to_authorize": usd(0), "requested": {}, "order": of, **more}


def moved(node: str, kind: str, reason: str | None, **deltas: int) -> dict:
    buckets = ("on_hand", "reserved", "allocated", "damaged", "quality_control")
    return {
        "node": node,
        "sku": SKU,
        "kind": kind,
        "reason": reason,
        **{f"{bucket}_delta": deltas.get(bucket, 0) for bucket in buckets},
    }


def level(node: str, **buckets: int) -> dict:
    names = ("on_hand", "reserved", "allocated", "damaged", "quality_control", "backorder_limit")
    return {"node": node, "sku": SKU, **{name: buckets.get(name, 0) for name in names}}


class Story:
    """Four units here, two there. A shipped two and gave one up; B has one allocated; C's cart keeps one; D got none.

    Somebody found one more here, and sent one there; what became of another find nobody knows. B was to be two, and then
    one again, as it had been shown; to make it four was refused.
    """

    def __init__(self) -> None:
        claims = {SKU: 2}
        self.a = did(
            1,
            "place_order",
            status=201,
            facts=Facts(claims={SKU: 3}, order="A"),
            body={"total": usd(30)},
            answer={"id": "ord_A"},
        )
        self.cancel = did(
            2,
            "cancel_order_partly",
            path="/v1/orders/ord_A/cancel",
            facts=Facts(frees={SKU: 1}),
            answer={"requested": {}},
        )
        self.b = did(
            3,
            "place_order",
            status=201,
            facts=Facts(claims={SKU: 1}, order="B"),
            body={"total": usd(10)},
            answer={"id": "ord_B"},
        )
        self.found = did(4, "adjust", facts=Facts(moves={f"{HERE} {SKU}": 1}), seen=[(f"{HERE} {SKU}", 5)])
        self.sent = did(5, "transfer", facts=Facts(moves={f"{HERE} {SKU}": -1, f"{THERE} {SKU}": 1}))
        self.maybe = did(6, "adjust", UNKNOWN, facts=Facts(moves={f"{THERE} {SKU}": 1}))
        self.cart = did(7, "keep_cart", status=201, facts=Facts(cart="rsv_C", keeps={SKU: 1}, ttl_s=60))
        self.d = did(8, "place_order", REFUSED, facts=Facts(claims=claims, order="D"), answer={"code": "x"})
        self.seen = did(9, "read_order", known="ord_A", wrote=False, seen=[(f"{HERE} {SKU}", 6)])
        self._edit()
        self.late = did(10, "take_late_snapshot", answer={"lines": [{"delta": 0}]})
        self.final = Final(
            levels=[level(HERE, on_hand=2, allocated=1), level(THERE, on_hand=3, reserved=1)],
            movements=[
                moved(HERE, "received", "first stock", on_hand=4),
                moved(THERE, "received", "first stock", on_hand=2),
                moved(HERE, "reserved", None, reserved=5),
                moved(HERE, "unreserved", None, reserved=-5),
                moved(HERE, "allocated", None, allocated=3),
                moved(HERE, "shipped", None, on_hand=-2, allocated=-2),
                moved(HERE, "adjusted", "c0-4", on_hand=1),
                moved(HERE, "transferred", "c0-5", on_hand=-1),
                moved(THERE, "transferred", "c0-5", on_hand=1),
                moved(THERE, "reserved", None, reserved=1),
            ],
            orders=[
                order("A", (2, "shipped", HERE), (1, "cancelled", None)),
                order("B", (1, "allocated", HERE)),
            ],
            carts=[
                {
                    "id": "rsv_C",
                    "state": "open",
                    "order_id": None,
                    "units": [{"node": THERE, "sku": SKU, "quantity": 1}],
                }
            ],
        )

    def _edit(self) -> None:
        raised, lowered = order("B", (2, "reserved", HERE)), order("B", (1, "reserved", HERE))
        self.more = did(
            11,
            "edit_lines",
            path="/v1/orders/ord_B/edit",
            facts=Facts(edits="ord_B", claims={SKU: 1}, asked={SKU: 1}, had={SKU: 1}),
            answer=edited(raised, before=10, owed=20, to_authorize=usd(10)),
        )
        self.fewer = did(
            12,
            "edit_lines",
            path="/v1/orders/ord_B/edit",
            facts=Facts(
                edits="ord_B", frees={SKU: 1}, asked={SKU: -1}, had={SKU: 2}, shown=[usd(10), usd(10)]
            ),
            answer=edited(lowered, before=20, owed=10),
        )
        self.too_many = did(
            13,
            "edit_lines",
            REFUSED,
            path="/v1/orders/ord_B/edit",
            facts=Facts(edits="ord_B", claims={SKU: 3}),
        )

    @property
    def history(self) -> list[Did]:
        return [value for value in vars(self).values() if isinstance(value, Did)]


def test_an_honest_history_passes() -> None:
    story = Story()
    assert check(story.history, story.final) == {}


def _oversold(s):
    s.cart.facts.keeps = {SKU: 6}


def _oversold_for_a_moment(s):
    # Given up only after D was promised what A still had: too late, though in the end the sum is right.
    s.b.facts.claims = {SKU: 4}
    s.b.answered, s.cancel.invoked = 1.8, 2.0


def _more_promised_than_there(s):
    s.final.levels[0]["allocated"] = 3


def _drift(s):
    s.final.levels[0]["on_hand"] += 1


def _nobodys_promise(s):
    s.final.levels[1]["reserved"] = 2


def _forgotten_claim(s):
    s.final.orders[1]["lines"][0]["slices"][0]["status"] = "reserved"


def _unit_from_nowhere(s):
    s.final.movements.append(moved(HERE, "adjusted", "a ghost", on_hand=1))


def _done_twice(s):
    s.final.movements.append(moved(HERE, "adjusted", "c0-4", on_hand=1))


def _acknowledged_and_not_done(s):
    del s.final.movements[6]


def _half_a_transfer(s):
    del s.final.movements[8]


def _refused_and_done(s):
    s.found.outcome = REFUSED


def _unknown_and_done_twice(s):
    s.final.movements += [moved(THERE, "adjusted", "c0-6", on_hand=1)] * 2


def _an_old_snapshot_applied(s):
    s.final.movements.append(moved(HERE, "counted", "snapshot of c0-10", on_hand=-1))


def _shipped_to_nobody(s):
    s.final.movements.append(moved(HERE, "shipped", None, on_hand=-1))


def _lost_order(s):
    del s.final.orders[1]


def _lost_unit_of_an_order(s):
    s.final.orders[0]["lines"][0]["slices"][0]["quantity"] = 1


def _promise_dropped(s):
    s.final.orders[1]["lines"][0]["slices"][0].update(status="backordered", node=None, quantity=1)
    s.cancel.facts.frees = s.fewer.facts.frees = {}


def _refused_and_there(s):
    s.final.orders.append(order("D", (2, "reserved", HERE)))


def _twice_there(s):
    s.final.orders.append(copy.deepcopy(s.final.orders[1]))


def _nobodys_order(s):
    s.final.orders.append(order("X", (1, "reserved", HERE)))


def _cancelled_unasked(s):
    s.final.orders[0]["lines"][0]["slices"][0]["status"] = "cancelled"


def _cart_lost(s):
    s.final.carts.clear()


def _cart_cancelled_and_open(s):
    s.cart.facts.ends = "cancelled"


def _cart_without_its_order(s):
    s.final.carts[0].update(state="consumed", order_id="ord_Z")


def _another_answer(s):
    s.a.repeats = [(201, {"id": "ord_other"})]


def _a_key_for_two(s):
    s.a.misused = 201


def _own_duplicate(s):
    s.a.status = 200


def _defect(s):
    s.a.tried = ["503 unavailable", "500 defect", "201"]


def _oversold_by_an_edit(s):
    s.more.facts.claims = {SKU: 9}


def _edit_acknowledged_and_lost(s):
    del s.fewer


def _edit_refused_and_done(s):
    s.more.outcome = REFUSED


def _given_back_and_still_kept(s):
    s.final.levels[0]["allocated"] += 1
    s.final.movements.append(moved(HERE, "allocated", None, allocated=1))


def _edited_to_something_else(s):
    s.more.facts.asked = {SKU: 2}


def _edited_and_told_otherwise(s):
    s.more.facts.claims = {}


def _not_as_it_was_shown(s):
    s.fewer.facts.shown = [usd(10), usd(20)]


def _a_line_that_does_not_add_up(s):
    s.final.orders[1]["lines"][0]["total"] = usd(20)
    s.final.orders[1]["money"]["total"] = usd(20)


def _an_order_that_does_not_add_up(s):
    s.final.orders[1]["money"]["total"] = usd(20)


def _a_line_of_other_units(s):
    s.final.orders[0]["lines"][0]["slices"].pop()
    s.cancel.facts.frees = {}


def _an_edits_total_lost(s):
    s.fewer.answer["total_before"] = usd(10)


def _owed_for_nothing(s):
    s.fewer.answer["owed"] = usd(20)


def _not_covered(s):
    s.more.answer["to_authorize"] = usd(0)


def _older_version(s):
    s.seen.seen = [(f"{HERE} {SKU}", 4)]


def _not_found(s):
    s.seen.outcome, s.seen.status = REFUSED, 404


def _deadlock(s):
    s.final.deadlocks = 1


def _audited(s):
    s.final.audit = ["S2.oversold: …"]


def _charged_unknown(s):
    s.final.outside = other_sides({}, [{"kind": "capture", "key": "k", "status": "succeeded"}], [])


def _charged_and_called_failed(s):
    done = {"kind": "capture", "key": "k", "status": "succeeded"}
    s.final.outside = other_sides({"k": "failed"}, [done], [])


def _charged_here_alone(s):
    s.final.outside = other_sides({"k": "succeeded"}, [], [])


def _two_labels(s):
    s.final.outside = other_sides({}, [], [{"reference": "r", "bought": 2}])


LIES = {
    _oversold: "never_oversold",
    _oversold_for_a_moment: "never_oversold",
    _oversold_by_an_edit: "never_oversold",
    _more_promised_than_there: "no_shelf_holds_less_than_is_promised",
    _drift: "ledger_is_the_balance",
    _nobodys_promise: "promises_are_somebodys",
    _given_back_and_still_kept: "promises_are_somebodys",
    _forgotten_claim: "promises_are_somebodys",
    _unit_from_nowhere: "no_unit_appears_or_vanishes",
    _done_twice: "no_unit_appears_or_vanishes",
    _acknowledged_and_not_done: "no_unit_appears_or_vanishes",
    _half_a_transfer: "no_unit_appears_or_vanishes",
    _refused_and_done: "no_unit_appears_or_vanishes",
    _unknown_and_done_twice: "no_unit_appears_or_vanishes",
    _an_old_snapshot_applied: "no_unit_appears_or_vanishes",
    _shipped_to_nobody: "no_unit_appears_or_vanishes",
    _lost_order: "nothing_acknowledged_is_lost",
    _lost_unit_of_an_order: "nothing_acknowledged_is_lost",
    _promise_dropped: "no_promise_is_dropped",
    _edit_acknowledged_and_lost: "nothing_acknowledged_is_lost",
    _edit_refused_and_done: "nothing_acknowledged_is_lost",
    _edited_to_something_else: "an_edit_does_what_was_asked",
    _edited_and_told_otherwise: "an_edit_does_what_was_asked",
    _not_as_it_was_shown: "an_edit_does_what_was_asked",
    _a_line_that_does_not_add_up: "money_follows_the_units",
    _an_order_that_does_not_add_up: "money_follows_the_units",
    _a_line_of_other_units: "money_follows_the_units",
    _an_edits_total_lost: "money_follows_the_units",
    _owed_for_nothing: "money_follows_the_units",
    _not_covered: "money_follows_the_units",
    _refused_and_there: "no_order_out_of_nowhere",
    _twice_there: "no_order_out_of_nowhere",
    _nobodys_order: "no_order_out_of_nowhere",
    _cancelled_unasked: "what_was_given_up_was_theirs",
    _cart_lost: "a_cart_ends_once",
    _cart_cancelled_and_open: "a_cart_ends_once",
    _cart_without_its_order: "a_cart_ends_once",
    _another_answer: "a_repeat_gets_the_same_answer",
    _a_key_for_two: "a_repeat_gets_the_same_answer",
    _own_duplicate: "a_repeat_gets_the_same_answer",
    _defect: "no_defect_is_answered",
    _older_version: "versions_only_grow",
    _not_found: "what_is_known_is_found",
    _deadlock: "nobody_waits_in_a_circle",
    _audited: "the_audit_is_clean",
    _charged_unknown: "the_other_sides_agree",
    _charged_and_called_failed: "the_other_sides_agree",
    _charged_here_alone: "the_other_sides_agree",
    _two_labels: "the_other_sides_agree",
}


@pytest.mark.parametrize(("lie", "rule"), LIES.items(), ids=lambda one: getattr(one, "__name__", one))
def test_every_kind_of_lie_is_found(lie, rule) -> None:
    story = Story()
    lie(story)
    assert rule in check(story.history, story.final)


def test_every_rule_has_a_lie() -> None:
    assert {rule.__name__ for rule in RULES} == set(LIES.values())


def test_what_nobody_knows_may_have_happened_or_not() -> None:
    story = Story()
    story.final.movements.append(moved(THERE, "adjusted", "c0-6", on_hand=1))
    story.final.levels[1]["on_hand"] += 1
    assert check(story.history, story.final) == {}
    story.b.outcome, story.b.answered = UNKNOWN, None
    assert check(story.history, story.final) == {}


def test_a_history_is_read_as_it_was_kept(tmp_path) -> None:
    story = Story()
    story.a.repeats = [(201, {"id": "ord_A"})]
    keep(tmp_path / "history.jsonl", story.history, story.final)
    assert read(tmp_path / "history.jsonl") == (story.history, story.final)


def test_versions_are_seen_wherever_they_stand_in_an_answer() -> None:
    answer = {"levels": [{"node": "A", "sku": "B", "version": 3}], "order": {"id": "ord_1", "version": 2}}
    assert sorted(seen_in(answer)) == [("A B", 3), ("ord_1", 2)]
