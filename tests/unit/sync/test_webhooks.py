"""When endpoints are tried again, what they are sent, and how it is signed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from orderloom.plumbing.events import Event
from orderloom.sync.payload import body_of, encoded
from orderloom.sync.retrying import LONGEST, PATIENCE, given_up, next_try, wanted
from orderloom.sync.signing import headers, secret_of
from orderloom.terms import new_id, wire

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEY = new_id()


@pytest.mark.parametrize(
    ("types", "kind", "is_wanted"),
    [
        ((), "anything.at_all", True),
        (("order.*",), "order.captured", True),
        (("order.*",), "orders.captured", False),
        (("order.cancelled", "shipment.shipped"), "shipment.shipped", True),
        (("order.cancelled",), "order.captured", False),
    ],
)
def test_types_filter_by_name_or_family(types, kind, is_wanted):
    assert wanted(types, kind) is is_wanted


@given(st.integers(1, 10_000))
def test_each_try_is_later_but_never_further_than_the_longest_with_its_jitter(failures):
    wait = next_try(failures=failures, now=NOW, key=KEY) - NOW
    assert timedelta(seconds=4) <= wait <= LONGEST * 1.2
    assert next_try(failures=failures, now=NOW, key=KEY) - NOW == wait


def test_an_endpoint_is_tried_many_times_over_three_days():
    at, tries = NOW, 0
    while not given_up(since=NOW, now=at):
        tries += 1
        at = next_try(failures=tries, now=at, key=KEY)
    assert 18 <= tries <= 30
    assert at - NOW < PATIENCE + LONGEST * 1.2


def an_event(**more):
    return Event(
        **{
            "cursor": "1-1",
            "event_id": new_id(),
            "type": "order.captured",
            "entity": "order",
            "entity_id": new_id(),
            "order_id": None,
            "node_id": None,
            "channel_id": None,
            "version": 3,
            "actor": "cli",
            "request_id": None,
            "reason": None,
            "data": {"é": 1},
            "occurred_at": NOW,
            **more,
        }
    )


def test_a_thin_body_has_ids_and_version_alone():
    event = an_event()
    body = body_of(event, order=None, fat=False)
    assert body["id"] == wire("event", event.event_id)
    assert body["entity_id"] == wire("order", event.entity_id)
    assert (body["type"], body["version"], body["order_id"]) == ("order.captured", 3, None)
    assert "data" not in body


def test_an_entity_without_a_prefix_keeps_its_bare_id():
    event = an_event(entity="curiosity")
    assert body_of(event, order=None, fat=True)["entity_id"] == event.entity_id.hex


def test_the_bytes_do_not_depend_on_the_order_of_keys():
    body = body_of(an_event(), order=None, fat=True)
    assert encoded(body) == encoded(dict(reversed(body.items())))


def signed(*secrets, at=None):
    body = encoded(body_of(an_event(), order=None, fat=True))
    return body, headers(delivery_id=new_id(), now=at or datetime.now(UTC), body=body, secrets=secrets)


def test_a_receiver_with_the_usual_library_accepts_it():
    secret = secret_of(b"k" * 32)
    body, sent = signed(secret)
    assert Receiver(secret).verify(body, sent)["type"] == "order.captured"
    assert sent["webhook-id"].startswith("whd_")


def test_while_a_secret_rotates_both_are_accepted():
    old, new = secret_of(b"o" * 32), secret_of(b"n" * 32)
    body, sent = signed(new, old)
    for secret in (old, new):
        assert Receiver(secret).verify(body, sent)


@pytest.mark.parametrize("broken", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
def test_whatever_is_changed_is_noticed(broken):
    secret = secret_of(b"k" * 32)
    body, sent = signed(secret)
    if broken == "body":
        body = body.replace(b"captured", b"cancelled")
    else:
        sent[broken] = {
            "webhook-id": "whd_other",
            "webhook-timestamp": str(int(sent["webhook-timestamp"]) - 1),
            "webhook-signature": signed(secret_of(b"x" * 32))[1]["webhook-signature"],
        }[broken]
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(body, sent)


def test_an_old_signature_is_refused():
    secret = secret_of(b"k" * 32)
    body, sent = signed(secret, at=datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(body, sent)
