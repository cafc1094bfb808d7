"""Learning from the shipments that are in the database: what is observed, kept in versions, used and shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from orderloom import delivery
from orderloom.delivery import learning
from orderloom.delivery.model import Parcel, TrackingEvent
from orderloom.delivery.transit import NOTHING, Delivery, path_of
from orderloom.insight.deliveries import calibration, deliveries, kept_by_week
from orderloom.insight.scope import EVERYTHING, Scope
from orderloom.plumbing.database import Db
from orderloom.routing import examples
from orderloom.routing.deciding import decide
from orderloom.routing.questions import PromiseQuestion
from orderloom.routing.world import EMPTY, with_given
from orderloom.terms import new_id
from tests.store.ordered import Ordered, an_order

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
PATH = path_of(carrier="swift", service="ground", origin="CA", destination="NV", node="LAX")


async def _shipped(
    db: Db, *, planned: date, came: datetime | None, behind: int = 0, as_of: datetime | None = None
) -> Ordered:
    put = await an_order(db, as_of=as_of)
    bought = datetime(2026, 5, 20, 12, tzinfo=UTC)
    await db.execute(
        "UPDATE orders.fulfillments SET ship_by = $2 WHERE id = $1",
        put.fulfillment,
        bought - timedelta(days=behind),
    )
    await db.execute(
        "INSERT INTO shipping.shipments (id, number, order_id, fulfillment_id, node_id, carrier, service, selection, "
        "currency, created_at) VALUES ($1, $2, $3, $4, $5, 'swift', 'ground', $6, 'USD', $7)",
        new_id(),
        f"S{put.number}",
        put.order,
        put.fulfillment,
        put.node,
        {"chosen": {"arrives_on": planned.isoformat()}},
        bought,
    )
    number = f"1Z{put.number}"
    await delivery.follow(
        db,
        parcels=[
            Parcel(
                carrier="swift",
                tracking_number=number,
                order_id=put.order,
                package_id=put.packages[0],
                fulfillment_id=put.fulfillment,
            )
        ],
    )
    if came is not None:
        event = TrackingEvent(
            carrier="swift", tracking_number=number, code="delivered", occurred_at=came, raw={}
        )
        await delivery.take_events(db, events=[event])
    return put


async def test_shipments_are_observed_as_planned_and_as_they_came(db: Db) -> None:
    planned = date(2026, 5, 25)
    late = await _shipped(db, planned=planned, came=datetime(2026, 5, 27, 9, tzinfo=UTC), behind=2)
    history = await _shipped(
        db, planned=planned, came=datetime(2026, 5, 24, 9, tzinfo=UTC), behind=300, as_of=NOW
    )
    under_way = await _shipped(db, planned=planned, came=None)
    await _shipped(db, planned=date(2026, 6, 9), came=None)
    seen = {one.path[2]: one for one in await deliveries(db, now=NOW)}
    codes = {r["id"]: r["code"] for r in await db.fetch("SELECT id, code FROM network.nodes")}
    mine = [seen.get(codes[put.node]) for put in (late, history, under_way)]
    assert [one and (one.path[0], one.path[1], one.planned) for one in mine] == [
        ("swift/ground", ">NV", planned)
    ] * 3
    assert [one and one.slip(NOW.date()) for one in mine] == [4, -1, 9]
    assert mine[2] is not None
    assert not mine[2].came(NOW.date())
    assert all(one.planned <= NOW.date() for one in seen.values())


def _came(slip: int, many: int) -> list[Delivery]:
    return [
        Delivery(PATH, NOW.date() - timedelta(days=age), NOW.date() - timedelta(days=age - slip))
        for age in range(10, 10 + many)
    ]


async def test_what_was_learnt_is_kept_in_versions_and_the_newest_is_used(db: Db) -> None:
    assert await learning.learnt(db) is NOTHING
    assert await learning.due(db, now=NOW)
    assert await learning.learn_from(db, deliveries=_came(0, learning.DELIVERIES_LEAST - 1), now=NOW) is None
    first = await learning.learn_from(db, deliveries=_came(0, 100), now=NOW)
    assert (await learning.learnt(db)).slip(PATH, 0.9) == 0
    assert not await learning.due(db, now=NOW + timedelta(hours=23))
    assert await learning.due(db, now=NOW + timedelta(hours=24))
    later = NOW + timedelta(hours=24)
    second = await learning.learn_from(db, deliveries=_came(2, 100), now=later)
    found = await learning.learnt(db)
    assert first is not None
    assert found.version == second == first + 1
    assert found.slip(PATH, 0.9) == 2
    shown = await calibration(db)
    assert shown is not None
    assert (shown.version, shown.learnt_at, shown.deliveries) == (second, later, 100)
    assert [(s.service, s.deliveries, s.p80) for s in shown.services] == [("swift/ground", 100, 2)]
    assert shown.weeks
    # A decision made with the first is made again with it.
    before = await learning.version(db, first)
    assert before is not None
    assert before.slip(PATH, 0.9) == 0


async def test_promises_kept_are_counted_by_week_within_the_readers_scope(db: Db) -> None:
    put = await an_order(db)
    promised = NOW - timedelta(days=9)
    await db.execute(
        "UPDATE orders.orders SET promise_at = $2, delivered_at = $2, placed_at = $3 WHERE id = $1",
        put.order,
        promised,
        promised - timedelta(days=4),
    )
    everybody = await kept_by_week(db, scope=EVERYTHING, now=NOW)
    [mine] = await kept_by_week(db, scope=Scope(channels=[put.channel]), now=NOW)
    assert (mine.week, mine.promised, mine.kept, mine.days) == (date(2026, 5, 25), 1, 1, 4.0)
    assert sum(one.promised for one in everybody) >= 1
    assert await kept_by_week(db, scope=Scope(channels=[new_id()]), now=NOW) == []


async def test_a_promise_is_made_from_what_was_learnt_and_says_how_sure_it_is(db: Db) -> None:
    question = PromiseQuestion.model_validate(examples.PROMISE)
    world = with_given(question, EMPTY)
    plain = decide(question, present=EMPTY, now=NOW)["answer"]["earliest"]
    assert plain["probability"] is None
    source = next(s for s in world.sources if s.node.code == plain["node"])
    path = path_of(
        carrier=plain["carrier"],
        service=plain["service"],
        origin=source.node.address.region or source.node.address.country,
        destination=question.ship_to.address.region or question.ship_to.address.country,
        node=plain["node"],
    )
    await learning.learn_from(
        db, deliveries=[replace(d, path=path) for d in _came(2, 60) + _came(0, 20)], now=NOW
    )
    # The question as before, but of the present contracts: of those it brings itself nothing was learnt.
    present = replace(world, learnt=await learning.learnt(db))
    asked = question.model_copy(update={"contracts": None})
    made = decide(asked, present=present, now=NOW)["answer"]
    way = next(
        w for w in made["by_service"] if (w["carrier"], w["service"]) == (plain["carrier"], plain["service"])
    )
    assert made["confidence"] == 900
    assert made["learnt"] == present.learnt.version
    assert way["probability"] >= 0.9
    assert way["learnt_from"] == 80
    assert way["p50"] <= way["p80"] <= way["p95"]
    assert way["promise_at"] > plain["promise_at"]
    surer = decide(asked.model_copy(update={"confidence": 500}), present=present, now=NOW)["answer"]
    assert surer["earliest"]["promise_at"] <= made["earliest"]["promise_at"]
