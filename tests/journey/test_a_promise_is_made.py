"""A date is promised from stock, cut-offs, calendars and what deliveries taught; routing counts with the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from orderloom import network, shipping
from orderloom.delivery import learning
from orderloom.delivery.transit import Delivery
from orderloom.insight.order_promise import order_promise
from orderloom.journey import deciding, promising
from orderloom.journey.promising import Answer
from orderloom.routing.store import decisions_of
from orderloom.shipping.model import ContractDraft
from tests.journey.house import HOME, House

SLIP = 3


async def asked(house: House, units: dict[str, int], now: datetime) -> Answer:
    async with house.database.transaction() as db:
        [channel] = (await network.channels_of(db, codes=["web"])).values()
        answer = await promising.ask(
            db, channel=channel, lines=units, to=HOME, levels=list(channel.promise_days), now=now
        )
    assert isinstance(answer, Answer)
    return answer


async def late_by(house: House, days: int, now: datetime) -> int:
    """Every service of every carrier has come so many days late lately."""
    planned = now.date() - timedelta(days=40)
    services = [f"{c.code}/{s['code']}" for c in house.world.carriers for s in c.terms["services"]]
    came = [Delivery((name, ">", "N"), planned, planned + timedelta(days=days)) for name in services]
    async with house.database.transaction() as db:
        version = await learning.learn_from(db, deliveries=came * 40, now=now)
    assert version is not None
    return version


async def test_the_date_asked_for_is_the_date_bound_and_says_why(house: House) -> None:
    now, mug = datetime.now(UTC), house.item()
    answer = await asked(house, {mug: 2}, now)
    assert list(answer.levels)
    assert not answer.short
    [order_id] = await house.place(house.draft({mug: 2}, placed_at=now))
    order = await house.order(order_id)
    standard = answer.levels["standard"]
    assert order.promise_at == standard.at
    assert standard.why is not None
    assert standard.why["promise_at"] == order.promise_at.isoformat()
    assert (standard.why["probability"], standard.why["learnt"]) == (None, None), "no chance is made up"
    assert datetime.fromisoformat(standard.why["order_by"]) >= now
    async with house.database.transaction() as db:
        told = await order_promise(db, order_id=order_id)
    assert told is not None
    assert (told.why, told.first_at, told.moves) == (dict(standard.why), order.promise_at, [])


async def test_what_more_is_wanted_of_than_there_is_has_no_date(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 2})
    answer = await asked(house, {mug: 3}, datetime.now(UTC))
    assert (dict(answer.levels), dict(answer.short)) == ({}, {mug: None})


async def test_what_deliveries_taught_moves_dates_and_routing_and_a_replay_is_the_same(house: House) -> None:
    now, mug = datetime.now(UTC), house.item()
    [before] = await house.place(house.draft({mug: 1}, placed_at=now))
    version = await late_by(house, SLIP, now)
    standard = (await asked(house, {mug: 1}, now)).levels["standard"]
    assert standard.why is not None
    arrives, due = (date.fromisoformat(standard.why[day]) for day in ("arrives_on", "due_on"))
    assert (due - arrives).days >= SLIP
    assert standard.why["learnt"] == version
    assert standard.why["probability"] >= 0.9
    [order_id] = await house.place(house.draft({mug: 1}, placed_at=now))
    assert (await house.order(order_id)).promise_at == standard.at
    await house.settle()
    async with house.database.transaction() as db:
        decided = [await decisions_of(db, order) for order in (before, order_id)]
        for [decision] in decided:
            assert decision["request"]["learnt"] == {"version": version, "confidence": 900}
            [part] = decision["answer"]["plan"]["shipments"]
            assert (date.fromisoformat(part["due"]) - date.fromisoformat(part["arrives"])).days >= SLIP
            again = await deciding.replay(db, decision_id=decision["id"])
            assert again is not None
            assert (again.same, again.moved) == (True, ())
        await db.execute("DELETE FROM delivery.transit_models")
        gone = await deciding.replay(db, decision_id=decided[0][0]["id"])
        assert gone is not None
        assert gone.moved == (f"what was learnt as version {version} is no longer kept",)
    await house.sound()


async def test_a_carrier_that_is_owed_shipments_gets_them_until_the_commitment_is_met(house: House) -> None:
    now, mug = datetime.now(UTC), house.item()
    [first] = await house.place(house.draft({mug: 1}))
    await house.settle()
    async with house.database.transaction() as db:
        [decision] = await decisions_of(db, first)
        [usual] = decision["answer"]["plan"]["shipments"]
        owed = next(c for c in house.world.carriers if c.code != usual["carrier"])
        terms = {**owed.terms, "commitments": [{"shipments": 2, "worth": 10_000, "days": 30}]}
        await shipping.put_contracts(
            db,
            contracts=[ContractDraft(carrier=owed.code, valid_from=now - timedelta(days=1), terms=terms)],
        )
    orders = await house.place(*(house.draft({mug: 1}) for _ in range(3)))
    await house.settle()
    taken, credits_ = [], []
    async with house.database.transaction() as db:
        for order in orders:
            [decision] = await decisions_of(db, order)
            [part] = decision["answer"]["plan"]["shipments"]
            taken.append(part["carrier"])
            credits_.append(part.get("credit", 0) > 0)
            again = await deciding.replay(db, decision_id=decision["id"])
            assert again is not None
            assert again.same
    assert sorted(taken) == sorted([owed.code, owed.code, usual["carrier"]])
    assert credits_ == [carrier == owed.code for carrier in taken]
    await house.sound()


async def test_what_a_carrier_takes_no_more_of_today_goes_by_the_next_best(house: House) -> None:
    now, mug = datetime.now(UTC), house.item()
    async with house.database.transaction() as db:
        await shipping.put_contracts(
            db,
            contracts=[
                ContractDraft(
                    carrier=c.code,
                    valid_from=now - timedelta(days=1),
                    terms={
                        **c.terms,
                        "day_limits": [
                            {"shipments": 1, "services": [s["code"]]} for s in c.terms["services"]
                        ],
                    },
                )
                for c in house.world.carriers
            ],
        )
    orders = await house.place(*(house.draft({mug: 1}) for _ in range(3)))
    await house.settle()
    taken = []
    async with house.database.transaction() as db:
        for order in orders:
            [decision] = await decisions_of(db, order)
            [part] = decision["answer"]["plan"]["shipments"]
            taken.append((part["carrier"], part["service"], part["ship_by"][:10]))
            assert list(taken[-1]) not in decision["request"].get("closed", [])
            again = await deciding.replay(db, decision_id=decision["id"])
            assert again is not None
            assert (again.same, again.moved) == (True, ())
    assert len(set(taken)) == len(orders)
    await house.sound()
