"""What every carrier's adapter keeps to, over all adapters; and what the simulated carrier does to one on purpose."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.http import Unavailable
from orderloom.shipping.carriers import (
    ADAPTERS,
    LabelOrder,
    ManifestOrder,
    adapter,
    adapter_names,
)
from orderloom.shipping.carriers.flat import Flat
from orderloom.shipping.carriers.simulated import Simulated
from orderloom.shipping.model import Bought, ManifestAccepted, NotFound, Refused, Voided
from orderloom.terms import Address
from tests.conformance.carrier_process import CarrierProcess

HOME = Address(name="Ann Doe", line1="1 Elm St", city="Chicago", region="IL", postcode="60601")
NODE = Address(
    name="East", line1="9 Dock Rd", city="Newark", region="NJ", postcode="07101", residential=False
)


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    running = CarrierProcess(tmp_path_factory.mktemp("carrier"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def simulated(process):
    process.control()
    return Simulated(url=process.url, timeout_s=5)


@pytest.fixture(params=sorted(ADAPTERS))
def carrier(request, simulated):
    """Every adapter in turn; a new one is listed here with whatever stands in for its carrier."""
    return {"flat": Flat(), "simulated": simulated}[request.param]


def order(**changes):
    return LabelOrder(
        **{
            "reference": f"{uuid4().hex}-1",
            "carrier": "swift",
            "service": "ground",
            "sender": NODE,
            "recipient": HOME,
            "length_mm": 300,
            "width_mm": 200,
            "height_mm": 100,
            "weight_g": 900,
            "sequence": 1,
            "of": 1,
            "order_number": "100001",
            "ship_on": date(2026, 1, 5),
            "cost": 812,
            "currency": "USD",
            **changes,
        }
    )


class TestEveryCarrier:
    async def test_a_label_has_a_number_a_name_at_the_carrier_and_a_price(self, carrier):
        wanted = order()
        answer = await carrier.buy(wanted)
        assert isinstance(answer, Bought)
        assert answer.reference == wanted.reference
        assert answer.tracking_number
        assert answer.provider_ref
        assert answer.cost is None or (answer.cost >= 0 and answer.currency == "USD")

    async def test_the_same_reference_twice_is_one_label(self, carrier):
        wanted = order()
        assert await carrier.buy(wanted) == await carrier.buy(wanted)

    async def test_two_references_are_two_labels(self, carrier):
        one, other = await carrier.buy(order()), await carrier.buy(order())
        assert one.tracking_number != other.tracking_number

    async def test_asking_first_and_buying_then_gives_the_label_of_the_lost_answer(self, carrier):
        wanted = order()
        lost = await carrier.buy(wanted)
        found = await carrier.find(carrier=wanted.carrier, reference=wanted.reference)
        assert isinstance(found, Bought | NotFound)
        assert lost == (await carrier.buy(wanted) if isinstance(found, NotFound) else found)

    async def test_a_reference_never_heard_of_is_not_found(self, carrier):
        wanted = order()
        assert await carrier.find(carrier="swift", reference=wanted.reference) == NotFound(wanted.reference)

    async def test_a_void_twice_is_one_void(self, carrier):
        wanted = order()
        await carrier.buy(wanted)
        for _ in range(2):
            assert await carrier.void(carrier="swift", reference=wanted.reference) == Voided(wanted.reference)
        assert not isinstance(await carrier.find(carrier="swift", reference=wanted.reference), Bought)

    async def test_a_reference_never_bought_can_be_voided(self, carrier):
        wanted = order()
        assert await carrier.void(carrier="swift", reference=wanted.reference) == Voided(wanted.reference)

    async def test_a_refusal_is_returned_and_says_why(self, carrier):
        abroad = replace(HOME, country="CA", postcode="")
        answer = await carrier.buy(order(recipient=abroad))
        assert isinstance(answer, Refused)
        assert answer.problem
        assert answer.code

    async def test_the_same_manifest_twice_is_one(self, carrier):
        label = await carrier.buy(order())
        list_ = ManifestOrder(
            number=f"M{uuid4().hex[:8]}",
            carrier="swift",
            ship_date=date(2026, 1, 5),
            sender=NODE,
            tracking_numbers=(label.tracking_number,),
        )
        answer = await carrier.manifest(list_)
        assert isinstance(answer, ManifestAccepted)
        assert answer.unknown == ()
        assert await carrier.manifest(list_) == answer

    async def test_an_order_survives_its_stored_form(self, carrier):
        assert LabelOrder.of_json(order().json()).reference


class TestAMisbehavingCarrier:
    async def test_a_label_whose_answer_was_lost_is_found_and_bought_once(self, simulated, process):
        wanted = order()
        process.control(lost_response=1)
        with pytest.raises(Unavailable):
            await simulated.buy(wanted)
        process.control()
        found = await simulated.find(carrier="swift", reference=wanted.reference)
        assert isinstance(found, Bought)
        assert found == await simulated.buy(wanted)
        assert process.bought(wanted.reference) == 1

    @pytest.mark.parametrize("fault", ["server_error", "garbage", "lost_response"])
    @pytest.mark.parametrize("verb", ["buy", "find", "void", "manifest"])
    async def test_what_nobody_knows_is_unavailable(self, simulated, process, fault, verb):
        wanted = order()
        await simulated.buy(wanted)
        list_ = ManifestOrder(
            number="M1", carrier="swift", ship_date=date(2026, 1, 5), sender=NODE, tracking_numbers=("x",)
        )
        calls = {
            "buy": lambda: simulated.buy(wanted),
            "find": lambda: simulated.find(carrier="swift", reference=wanted.reference),
            "void": lambda: simulated.void(carrier="swift", reference=wanted.reference),
            "manifest": lambda: simulated.manifest(list_),
        }
        process.control(**{fault: 1})
        with pytest.raises(Unavailable):
            await calls[verb]()

    async def test_a_hung_answer_is_unavailable_within_the_time_limit(self, process):
        process.control(lost_response=1, hang_ms=3000)
        with pytest.raises(Unavailable):
            await Simulated(url=process.url, timeout_s=0.2).buy(order())

    async def test_a_refusal_of_one_carrier_leaves_the_others_alone(self, simulated, process):
        process.control(refusal=1, carriers=["swift"])
        assert isinstance(await simulated.buy(order()), Refused)
        assert isinstance(await simulated.buy(order(carrier="summit")), Bought)

    async def test_a_void_bars_a_purchase_that_is_still_under_way(self, simulated, process):
        wanted = order()
        await simulated.void(carrier="swift", reference=wanted.reference)
        late = await simulated.buy(wanted)
        assert isinstance(late, Refused)
        assert late.code == "voided"
        assert process.bought(wanted.reference) == 0

    async def test_one_label_a_reference_whatever_goes_wrong(self, simulated, process):
        process.control(server_error=0.2, lost_response=0.3, garbage=0.2, seed=5)
        wanted = [order() for _ in range(30)]
        for one in wanted:
            await until_known(simulated, one)
        process.control()
        assert [process.bought(one.reference) for one in wanted] == [1] * 30

    async def test_the_manifest_names_labels_the_carrier_does_not_know(self, simulated):
        bought, voided = await simulated.buy(order()), order()
        gone = await simulated.buy(voided)
        await simulated.void(carrier="swift", reference=voided.reference)
        answer = await simulated.manifest(
            ManifestOrder(
                number=f"M{uuid4().hex[:8]}",
                carrier="swift",
                ship_date=date(2026, 1, 5),
                sender=NODE,
                tracking_numbers=(bought.tracking_number, gone.tracking_number, "nonsense"),
            )
        )
        assert answer.unknown == (gone.tracking_number, "nonsense")


async def until_known(carrier, wanted):
    """As the journey does: ask by reference before every further try."""
    unsure = False
    for _ in range(60):
        try:
            if unsure:
                found = await carrier.find(carrier=wanted.carrier, reference=wanted.reference)
                if isinstance(found, Bought):
                    return found
            return await carrier.buy(wanted)
        except Unavailable:
            unsure = True
    raise AssertionError("never known")


class TestTheLedger:
    async def test_it_survives_a_kill_and_a_line_cut_short(self, tmp_path):
        process = CarrierProcess(tmp_path)
        process.start()
        carrier = Simulated(url=process.url)
        kept, voided = order(), order()
        label = await carrier.buy(kept)
        await carrier.buy(voided)
        await carrier.void(carrier="swift", reference=voided.reference)
        process.kill()
        with (tmp_path / "carrier.jsonl").open("a") as journal:
            journal.write('{"entry":"bought","carrier":"sw')
        process.start()
        try:
            carrier = Simulated(url=process.url)
            assert await carrier.find(carrier="swift", reference=kept.reference) == label
            assert isinstance(await carrier.find(carrier="swift", reference=voided.reference), Voided)
            await carrier.buy(order())
            process.kill()
            process.start()
            assert process.get("/ledger")["totals"] == {"labels": 3, "voided": 1, "manifests": 0}
        finally:
            process.kill()

    async def test_the_world_learns_which_parcels_exist(self, simulated, process):
        begin = process.get("/labels?since=0&limit=5000")["next"]
        label = await simulated.buy(order(service="express"))
        told = process.get(f"/labels?since={begin}")
        assert [(one["tracking_number"], one["service"]) for one in told["labels"]] == [
            (label.tracking_number, "express")
        ]
        assert told["labels"][0]["recipient"]["postcode"] == "60601"
        assert process.get(f"/labels?since={told['next']}")["labels"] == []


def test_an_adapter_is_had_by_name():
    assert isinstance(adapter("flat"), Flat)
    assert adapter("flat") is adapter("flat")
    assert isinstance(adapter("simulated"), Simulated)
    assert set(ADAPTERS) <= set(adapter_names())


def test_an_adapter_that_is_not_installed():
    with pytest.raises(NoSuchAdapter, match="there are flat, simulated"):
        adapter("pigeon")
