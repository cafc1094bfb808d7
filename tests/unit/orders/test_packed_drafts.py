"""A row of a file waits as JSON and is the same order when it is taken."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from orderloom.orders.bulk import packed, unpacked
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.terms import Address

AT = datetime(2026, 3, 2, 15, 4, 5, 678901, UTC)
PLAIN = OrderDraft(
    channel="web",
    external_id="W-1",
    placed_at=AT,
    currency="USD",
    buyer={"name": "Ada", "notify": ["email"]},
    ship_to=Address(name="Ada", line1="500 Main St", city="Columbus", region="OH", postcode="43215"),
    lines=(LineDraft(sku="MUG", quantity=2, unit_price=1000, name="Møg"),),
)
FULL = OrderDraft(
    **{name: getattr(PLAIN, name) for name in OrderDraft.__dataclass_fields__}
    | {
        "tenders": (TenderDraft(method="card", token="tok", amount=2000),),
        "total": 2000,
        "tags": ("vip", "gift"),
        "flags": ({"kind": "adjusted"},),
        "promise_at": AT,
        "decide_as_of": AT,
        "reservation_id": uuid4(),
        "priority": 3,
    }
)


def test_it_is_the_same_order_in_every_word():
    for draft in (PLAIN, FULL):
        again = unpacked(json.loads(json.dumps(packed(draft))))
        assert again == draft
        assert again.digest() == draft.digest()
