"""Limits a day close a service, open commitments make it count as cheaper; the runner-up is kept, ties are settled."""

from datetime import date

from orderloom.shipping.model import Quote
from orderloom.shipping.quota import Limits, Quota, looks_back
from orderloom.shipping.select import select
from tests.unit.shipping.terms import tariff

DAY = date(2026, 1, 6)


def quoted(service, cost, *, arrives=8):
    return Quote("acme", service, "ground", cost, "USD", 2, date(2026, 1, arrives), ())


def quota(made=None, **terms):
    return Quota([tariff(**terms)], day=DAY, made=made or {})


def chosen(held, *quotes):
    found = select(
        quotes=quotes or [quoted("ground", 900), quoted("express", 1000)], promise_at=None, quota=held
    )
    return found.chosen and found.chosen.service, found


def test_a_used_up_limit_closes_the_service_until_the_next_day():
    limits = [{"shipments": 2, "services": ["ground"]}]
    held = quota({("acme", "ground", DAY): 1, ("acme", "ground", date(2026, 1, 5)): 9}, day_limits=limits)
    assert chosen(held)[0] == "ground"
    held.take("acme", "ground")
    service, found = chosen(held)
    assert service == "express"
    assert found.rejected[0].reasons == ("its 2 shipments of 2026-01-06 are used up",)


def test_a_limit_over_all_services_counts_them_together():
    held = quota({("acme", "ground", DAY): 1, ("acme", "express", DAY): 1}, day_limits=[{"shipments": 2}])
    assert chosen(held)[0] is None


def test_an_open_commitment_counts_as_cheaper_and_costs_what_it_costs():
    commitments = [{"shipments": 3, "worth": 150, "days": 7, "services": ["express"]}]
    held = quota({("acme", "express", date(2025, 12, 31)): 2}, commitments=commitments)
    service, found = chosen(held)
    assert (service, found.chosen.cost, found.runner_up.service) == ("express", 1000, "ground")
    held.take("acme", "express")
    assert chosen(held)[0] == "ground"


def test_shipments_before_the_period_do_not_count():
    commitments = [{"shipments": 1, "worth": 150, "days": 7, "services": ["express"]}]
    assert (
        chosen(quota({("acme", "express", date(2025, 12, 30)): 5}, commitments=commitments))[0] == "express"
    )


def test_ties_go_to_the_sooner_then_by_name():
    assert chosen(None, quoted("b", 900), quoted("a", 900))[0] == "a"
    assert chosen(None, quoted("b", 900, arrives=7), quoted("a", 900))[0] == "b"


def test_what_must_be_known():
    assert looks_back([tariff()]) == 0
    assert looks_back([tariff(day_limits=[{"shipments": 2}])]) == 1
    assert looks_back([tariff(commitments=[{"shipments": 1, "worth": 1, "days": 30}])]) == 30


def test_commitments_ahead_are_credited_on_each_day_until_they_are_met():
    contract = tariff(commitments=[{"shipments": 3, "worth": 150, "days": 7, "services": ["express"]}])
    limits = Limits([contract], today=DAY, planned={("acme", "express", date(2026, 1, 1)): 2})
    days = {day for _, _, day, _ in limits.credits}
    assert {(carrier, service, worth) for carrier, service, _, worth in limits.credits} == {
        ("acme", "express", 150)
    }
    assert DAY in days
    limits.take("acme", "express", date(2026, 1, 7))
    assert not {DAY, date(2026, 1, 7)} & {day for _, _, day, _ in limits.credits}
    assert date(2026, 1, 14) in {day for _, _, day, _ in limits.credits}, "a week later it is owed anew"
    assert Limits([tariff()], today=DAY, planned={}).credits == frozenset()


def test_limits_ahead_close_a_service_for_its_day_alone_as_orders_are_planned():
    contract = tariff(day_limits=[{"shipments": 2, "services": ["ground"]}])
    other = date(2026, 1, 7)
    limits = Limits([contract], today=DAY, planned={("acme", "ground", DAY): 1})
    assert limits.closed == frozenset()
    limits.take("acme", "ground", DAY)
    assert limits.closed == {("acme", "ground", DAY)}
    limits.take("acme", "express", other)
    assert limits.closed == {("acme", "ground", DAY)}
    assert Limits([tariff()], today=DAY, planned={}).closed == frozenset()
