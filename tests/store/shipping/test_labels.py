"""The label step in its three parts, and its undo: every label once, whatever is repeated, lost or refused."""

from dataclasses import replace

import pytest

from orderloom import shipping
from orderloom.plumbing.http import Unavailable
from orderloom.shipping import performing
from orderloom.shipping.model import Bought, CarrierCall, Labelled, NotFound, PackageToShip, Refused, Voided
from orderloom.terms import Dimensions, new_id
from tests.store.shipping.conftest import asked

pytestmark = pytest.mark.usefixtures("contracts")


class Notebook:
    """A carrier that writes down what it is asked, and answers as told."""

    def __init__(self, *, buys=None, finds=None):
        self.asked = []
        self._buys, self._finds = buys, finds

    async def buy(self, order):
        self.asked.append(("buy", order.reference))
        return self._buys or Bought(order.reference, f"T{order.reference}", "p", order.cost, order.currency)

    async def find(self, *, carrier, reference):
        self.asked.append(("find", reference))
        return self._finds or NotFound(reference)

    async def void(self, *, carrier, reference):
        self.asked.append(("void", reference))
        return Voided(reference)


@pytest.fixture
def notebook(monkeypatch):
    def use(**told):
        carrier = Notebook(**told)
        monkeypatch.setattr(performing, "adapter", lambda _: carrier)
        return carrier

    return use


async def buy(db, request):
    calls = await shipping.prepare_labels(db, requests=[request])
    answers = [(call, await shipping.perform(call)) for call in calls]
    outcomes = await shipping.record_labels(db, subjects=[request.subject], answers=answers)
    return calls, outcomes[request.subject]


async def events_of(db, put, kind):
    rows = await db.fetch(
        "SELECT data, version FROM plumbing.events WHERE order_id = $1 AND type = $2 ORDER BY id",
        put.order,
        kind,
    )
    return [(row["version"], row["data"]) for row in rows]


async def statuses(db, put):
    rows = await db.fetch(
        "SELECT status FROM shipping.labels WHERE order_id = $1 ORDER BY request ->> 'sequence', attempt",
        put.order,
    )
    return [row["status"] for row in rows]


async def test_each_package_gets_its_label_and_the_shipment_its_cost(db, notebook):
    notebook()
    put, request = await asked(db, packages=2)
    calls, outcome = await buy(db, request)
    assert [(c.verb, c.unsure, c.provider, c.subject) for c in calls] == [
        ("buy", False, "acme", put.fulfillment)
    ] * 2
    assert [c.reference for c in calls] == [f"{package.hex}-1" for package in put.packages]
    assert isinstance(outcome, Labelled)
    assert len(outcome.tracking_numbers) == 2
    shipment = await db.fetchrow("SELECT * FROM shipping.shipments WHERE order_id = $1", put.order)
    assert shipment["number"].startswith("SHP-7")
    assert shipment["cost"] == outcome.cost > 0
    assert shipment["selection"]["chosen"]["service"] == "ground"
    told = await events_of(db, put, "label.purchased")
    assert [data["tracking_number"] for _, data in told] == list(outcome.tracking_numbers)


async def test_after_a_crash_the_same_labels_are_asked_for_before_buying(db, notebook):
    put, request = await asked(db)
    (first,) = await shipping.prepare_labels(db, requests=[request])
    (again,) = await shipping.prepare_labels(db, requests=[request])
    assert again == replace(first, unsure=True)
    assert await statuses(db, put) == ["unknown"]
    carrier = notebook(finds=Bought(first.reference, "T1", "p", 100, "USD"))
    answer = await shipping.perform(again)
    assert carrier.asked == [("find", first.reference)]
    outcomes = await shipping.record_labels(db, subjects=[put.fulfillment], answers=[(again, answer)])
    assert outcomes[put.fulfillment].tracking_numbers == ("T1",)


async def test_what_the_carrier_never_heard_of_is_bought_under_the_same_reference(db, notebook):
    _, request = await asked(db)
    await shipping.prepare_labels(db, requests=[request])
    (again,) = await shipping.prepare_labels(db, requests=[request])
    carrier = notebook()
    await shipping.perform(again)
    assert carrier.asked == [("find", again.reference), ("buy", again.reference)]


async def test_a_bought_label_is_passed_over(db, notebook):
    notebook()
    put, request = await asked(db)
    _, first = await buy(db, request)
    calls, second = await buy(db, request)
    assert calls == []
    assert second == first
    assert len(await events_of(db, put, "label.purchased")) == 1


async def test_an_answer_recorded_twice_changes_nothing(db, notebook):
    notebook()
    put, request = await asked(db)
    (call,) = await shipping.prepare_labels(db, requests=[request])
    answer = await shipping.perform(call)
    for _ in range(2):
        outcomes = await shipping.record_labels(db, subjects=[put.fulfillment], answers=[(call, answer)])
        assert isinstance(outcomes[put.fulfillment], Labelled)
    assert len(await events_of(db, put, "label.purchased")) == 1


async def test_a_subject_with_an_unknown_call_has_no_outcome(db, notebook):
    notebook()
    put, request = await asked(db, packages=2)
    one, _ = await shipping.prepare_labels(db, requests=[request])
    outcomes = await shipping.record_labels(
        db, subjects=[put.fulfillment], answers=[(one, await shipping.perform(one))]
    )
    assert outcomes == {}
    assert await statuses(db, put) == ["purchased", "requested"]


async def test_a_refusal_is_kept_and_the_next_attempt_has_a_new_reference(db, notebook):
    put, request = await asked(db)
    notebook(buys=Refused("bad address", "address"))
    _, outcome = await buy(db, request)
    assert outcome == Refused("bad address", "address")
    assert await statuses(db, put) == ["failed"]
    notebook()
    calls, outcome = await buy(db, request)
    assert calls[0].reference.endswith("-2")
    assert isinstance(outcome, Labelled)


async def test_a_label_found_voided_is_voided_here_too(db, notebook):
    put, request = await asked(db)
    await shipping.prepare_labels(db, requests=[request])
    (again,) = await shipping.prepare_labels(db, requests=[request])
    notebook(finds=Voided(again.reference))
    answer = await shipping.perform(again)
    outcomes = await shipping.record_labels(db, subjects=[put.fulfillment], answers=[(again, answer)])
    assert outcomes[put.fulfillment].code == "voided"
    assert await statuses(db, put) == ["voided"]


class TestSelection:
    async def test_the_routed_service_is_kept_though_another_is_cheaper(self, db, notebook):
        notebook()
        _, request = await asked(db, service="express")
        _, outcome = await buy(db, request)
        assert outcome.service == "express"

    async def test_a_routed_service_that_does_not_carry_it_gives_way(self, db, notebook):
        notebook()
        put, request = await asked(db, service="express")
        heavy = PackageToShip(put.packages[0], 1, Dimensions(300, 300, 300), 40_000)
        _, outcome = await buy(db, replace(request, packages=(heavy,)))
        assert (outcome.carrier, outcome.service) == ("acme", "ground")
        selection = await db.fetchval(
            "SELECT selection FROM shipping.shipments WHERE order_id = $1", put.order
        )
        assert "express" in {one["service"] for one in selection["rejected"]}

    async def test_without_routing_the_cheapest_in_time(self, db, notebook):
        notebook()
        _, request = await asked(db, carrier=None, service=None)
        _, outcome = await buy(db, request)
        assert (outcome.carrier, outcome.service) == ("acme", "ground")

    async def test_what_no_service_carries_is_refused_with_the_reasons(self, db, notebook):
        carrier = notebook()
        put, request = await asked(db)
        huge = PackageToShip(put.packages[0], 1, Dimensions(5000, 2000, 2000), 900_000)
        calls, outcome = await buy(db, replace(request, packages=(huge,)))
        assert [call.verb for call in calls] == ["none"]
        assert isinstance(outcome, Refused)
        assert "acme ground: weighs 900000 g" in outcome.problem
        assert carrier.asked == []
        assert (
            await db.fetchval("SELECT count(*) FROM shipping.shipments WHERE order_id = $1", put.order) == 0
        )

    async def test_as_of_a_moment_without_contracts(self, db):
        _, request = await asked(db)
        (call,) = await shipping.prepare_labels(
            db, requests=[replace(request, as_of=request.as_of.replace(year=2019))]
        )
        assert call.problem == "no carrier's contract is in force"

    async def test_a_second_package_follows_the_first_ones_service(self, db, notebook):
        notebook()
        put, request = await asked(db, packages=2)
        await buy(db, replace(request, packages=request.packages[:1], service="express"))
        _, outcome = await buy(db, request)
        assert outcome.service == "express"
        assert len(outcome.tracking_numbers) == 2
        assert (
            await db.fetchval("SELECT count(*) FROM shipping.shipments WHERE order_id = $1", put.order) == 1
        )


class TestVoiding:
    async def test_all_labels_of_the_subject_and_once(self, db, notebook):
        carrier = notebook()
        put, request = await asked(db, packages=2)
        await buy(db, request)
        await shipping.close_manifests(db, ship_date=request.ship_on, by="test")
        for times in (2, 0):
            calls = await shipping.prepare_voids(db, subjects=[put.fulfillment])
            assert len(calls) == times
            answers = [(call, await shipping.perform(call)) for call in calls]
            outcomes = await shipping.record_voids(db, answers=answers)
            assert [type(one) for one in outcomes.values()] == [Voided] * (times > 0)
        assert [verb for verb, _ in carrier.asked].count("void") == 2
        assert await statuses(db, put) == ["voided"] * 2
        assert await db.fetchval("SELECT cost FROM shipping.shipments WHERE order_id = $1", put.order) == 0
        assert await db.fetchval("SELECT count(*) FROM shipping.manifest_labels") == 0
        assert [version for version, _ in await events_of(db, put, "label.voided")] == [3, 3]

    async def test_one_whose_purchase_is_unknown_is_voided_too(self, db, notebook):
        notebook()
        put, request = await asked(db)
        await shipping.prepare_labels(db, requests=[request])
        (call,) = await shipping.prepare_voids(db, subjects=[put.fulfillment])
        assert call.unsure
        await shipping.record_voids(db, answers=[(call, await shipping.perform(call))])
        assert await statuses(db, put) == ["voided"]

    async def test_a_used_label_is_not_taken_back(self, db, notebook):
        notebook()
        put, request = await asked(db)
        await buy(db, request)
        await shipping.shipped(db, fulfillments=[put.fulfillment], at=request.as_of)
        (call,) = await shipping.prepare_voids(db, subjects=[put.fulfillment])
        outcomes = await shipping.record_voids(db, answers=[(call, await shipping.perform(call))])
        assert isinstance(outcomes[put.fulfillment], Refused)
        assert await statuses(db, put) == ["used"]

    async def test_bought_anew_after_a_void(self, db, notebook):
        notebook()
        put, request = await asked(db)
        await buy(db, request)
        (call,) = await shipping.prepare_voids(db, subjects=[put.fulfillment])
        await shipping.record_voids(db, answers=[(call, await shipping.perform(call))])
        calls, outcome = await buy(db, replace(request, service="express"))
        assert calls[0].reference.endswith("-2")
        assert outcome.service == "express"


class TestReturns:
    async def test_a_return_label_travels_the_same_way(self, db, notebook):
        notebook()
        put, request = await asked(db)
        back = new_id()
        await db.execute(
            "INSERT INTO returns.returns (id, number, order_id, node_id, requested_by, currency) "
            "VALUES ($1, 'R1', $2, $3, 'buyer', 'USD')",
            back,
            put.order,
            put.node,
        )
        parcel = PackageToShip(None, 1, Dimensions(200, 150, 50), 400)
        wanted = replace(
            request,
            return_id=back,
            fulfillment_id=None,
            sender=request.recipient,
            recipient=request.sender,
            packages=(parcel,),
        )
        calls, outcome = await buy(db, wanted)
        assert (calls[0].subject, calls[0].reference) == (back, f"{back.hex}-1")
        assert isinstance(outcome, Labelled)
        row = await db.fetchrow("SELECT * FROM shipping.labels WHERE return_id = $1", back)
        assert (row["purpose"], row["shipment_id"], row["package_id"]) == ("return", None, None)
        await shipping.mark_used(db, subjects=[back])
        assert await statuses(db, put) == ["used"]


class TestDispatch:
    async def test_shipped_once_delivered_once(self, db, notebook):
        notebook()
        put, request = await asked(db)
        _, outcome = await buy(db, request)
        for _ in range(2):
            await shipping.shipped(db, fulfillments=[put.fulfillment], at=request.as_of)
            await shipping.delivered(db, arrivals={put.fulfillment: request.as_of})
        assert await statuses(db, put) == ["used"]
        ((version, data),) = await events_of(db, put, "shipment.shipped")
        assert (version, data["tracking_numbers"]) == (2, list(outcome.tracking_numbers))
        assert await events_of(db, put, "shipment.delivered") == []  # delivery tells it, who learnt of it
        row = await db.fetchrow(
            "SELECT delivered_at, version FROM shipping.shipments WHERE order_id = $1", put.order
        )
        assert (row["delivered_at"], row["version"]) == (request.as_of, 3)

    async def test_it_did_not_leave_after_all(self, db, notebook):
        notebook()
        put, request = await asked(db)
        await buy(db, request)
        await shipping.shipped(db, fulfillments=[put.fulfillment], at=request.as_of)
        await shipping.unshipped(db, fulfillments=[put.fulfillment])
        assert await statuses(db, put) == ["purchased"]
        assert (
            await db.fetchval("SELECT shipped_at FROM shipping.shipments WHERE order_id = $1", put.order)
            is None
        )


async def test_an_adapter_that_is_not_installed_refuses():
    call = CarrierCall(
        subject=new_id(),
        provider="x",
        verb="buy",
        label_id=new_id(),
        reference="r",
        adapter="pigeon",
        unsure=False,
    )
    answer = await shipping.perform(call)
    assert isinstance(answer, Refused)
    assert answer.code == "no_adapter"


async def test_an_unknown_answer_is_raised(db, monkeypatch):
    class Silent(Notebook):
        async def buy(self, order):
            raise Unavailable("nobody knows")

    _, request = await asked(db)
    (call,) = await shipping.prepare_labels(db, requests=[request])
    monkeypatch.setattr(performing, "adapter", lambda _: Silent())
    with pytest.raises(Unavailable):
        await shipping.perform(call)
