"""The payment axis is folded from intents and transactions."""

from uuid import uuid4

import pytest

from orderloom.payments.keys import first_key, next_key
from orderloom.payments.model import Account, Intent, PaymentStatus, Transaction
from orderloom.payments.status import promised, refundable, summary

ORDER = uuid4()


def intent(status="authorized", amount=1000, sequence=1):
    return Intent(uuid4(), ORDER, sequence, "sandbox", "card", "tok", amount, "USD", status)


def moved(of, kind, amount, status="succeeded"):
    return Transaction(
        uuid4(), of.id, ORDER, kind, uuid4(), amount, "USD", uuid4().hex, status, None, None, None
    )


CASES = [
    ("unpaid", None, [], 0),
    ("pending", "pending", [], 0),
    ("pending", "pending", [("authorize", 1000, "unknown")], 0),
    ("unpaid", "declined", [("authorize", 1000, "failed")], 0),
    ("authorized", "authorized", [("authorize", 1000)], 0),
    ("authorized", "authorized", [("authorize", 1000), ("capture", 400, "failed")], 400),
    ("partially_paid", "authorized", [("authorize", 1000), ("capture", 400)], 400),
    ("partially_paid", "captured", [("authorize", 1000), ("capture", 1000)], 1200),
    ("paid", "captured", [("authorize", 1000), ("capture", 1000)], 1000),
    ("paid", "captured", [("authorize", 1000), ("capture", 400), ("void", 600)], 400),
    ("voided", "voided", [("authorize", 1000), ("void", 1000)], 0),
    ("expired", "expired", [("authorize", 1000)], 0),
    ("partially_refunded", "captured", [("authorize", 1000), ("capture", 1000), ("refund", 1)], 1000),
    ("paid", "captured", [("authorize", 1000), ("capture", 1000), ("refund", 1, "failed")], 1000),
    ("refunded", "captured", [("authorize", 1000), ("capture", 1000), ("refund", 1000)], 1000),
]


@pytest.mark.parametrize(("expected", "status", "moves", "charged"), CASES)
def test_every_status_has_its_facts(expected, status, moves, charged):
    purse = intent(status) if status else None
    account = Account((purse,) if purse else (), tuple(moved(purse, *move) for move in moves), charged)
    assert summary(account).status == PaymentStatus(expected)


def test_a_declined_tender_beside_an_authorised_one_is_pending():
    good, bad = intent(), intent("declined", sequence=2)
    moves = (moved(good, "authorize", 1000), moved(bad, "authorize", 1000, "failed"))
    assert summary(Account((good, bad), moves)).status == PaymentStatus.PENDING


def test_figures_leave_out_what_failed_and_reserve_what_is_unknown():
    purse = intent()
    moves = [
        moved(purse, "authorize", 1000),
        moved(purse, "capture", 300),
        moved(purse, "capture", 200, "unknown"),
        moved(purse, "capture", 100, "failed"),
        moved(purse, "refund", 50, "requested"),
    ]
    assert promised(purse, moves) == 500
    assert refundable(moves) == 250
    figures = summary(Account((purse,), tuple(moves), 600))
    assert (figures.authorized, figures.captured, figures.refunded, figures.balance_due) == (500, 300, 0, 300)


def test_keys_are_stable_short_and_new_after_a_refusal():
    one, other = uuid4(), uuid4()
    key = first_key(intent_id=one, kind="capture", subject_id=other)
    assert key == first_key(intent_id=one, kind="capture", subject_id=other)
    assert key != first_key(intent_id=one, kind="void", subject_id=other)
    second = next_key(intent_id=one, refused=key)
    assert len({key, second, next_key(intent_id=one, refused=second)}) == 3
    assert len(key) <= 40
