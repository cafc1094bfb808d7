"""Earned tiers rest on what was really spent: summed by weeks, holding from a day on, so that a past day stays as it was."""

from datetime import UTC, date, datetime, timedelta

from orderloom import shipping
from orderloom.shipping.model import CarrierRow, ContractDraft, Parcel, Place
from orderloom.shipping.rate import rate
from orderloom.shipping.spending import earnings, sum_when_due
from orderloom.terms import Dimensions, new_id
from tests.store.ordered import an_order
from tests.unit.shipping.terms import terms

SINCE = datetime(2024, 1, 1, tzinfo=UTC)
MONDAY = datetime(2026, 1, 12, 6, tzinfo=UTC)
EARNED = [{"days": 14, "tiers": [{"spend": 5_000, "permille": 100}, {"spend": 9_000, "permille": 200}]}]


async def a_contract(db, earned=EARNED):
    await shipping.put_carriers(db, carriers=[CarrierRow(code="acme", name="Acme", adapter="flat")])
    agreed = terms(earned=earned, discounts=[], minimum_charges={}, surcharges=[])
    await shipping.put_contracts(
        db, contracts=[ContractDraft(carrier="acme", valid_from=SINCE, terms=agreed)]
    )


async def shipped(db, *, on, cost, status="used", currency="USD"):
    """A parcel that was handed over on a day; its label's id."""
    put, label = await an_order(db), new_id()
    at = datetime(on.year, on.month, on.day, 15, tzinfo=UTC)
    shipment = await db.fetchval(
        "INSERT INTO shipping.shipments (number, order_id, fulfillment_id, node_id, carrier, service, currency, shipped_at) "
        "VALUES ($1, $2, $3, $4, 'acme', 'ground', $5, $6) RETURNING id",
        f"S-{label}",
        put.order,
        put.fulfillment,
        put.node,
        currency,
        at,
    )
    await db.execute(
        "INSERT INTO shipping.labels (id, order_id, shipment_id, package_id, reference, carrier, service, status, request, "
        "tracking_number, cost, currency) VALUES ($1, $2, $3, $4, $5, 'acme', 'ground', $6, '{}', $5, $7, $8)",
        label,
        put.order,
        shipment,
        put.packages[0],
        f"R-{label}",
        status,
        cost,
        currency,
    )
    return label


async def billed(db, label, amount, disputed=0):
    invoice = await db.fetchval(
        "INSERT INTO shipping.invoices (carrier, number, currency, billed, disputed, summary, audited_by) "
        "VALUES ('acme', 'I1', 'USD', $1, 0, '{}', 'test') RETURNING id",
        amount,
    )
    await db.execute(
        "INSERT INTO shipping.invoice_lines (invoice_id, line, carrier, tracking_number, label_id, codes, billed, expected, "
        "disputed, answer) VALUES ($1, 2, 'acme', $2, $3, '{freight}', $4::bigint, $4::bigint - $5::bigint, $5::bigint, '{}')",
        invoice,
        f"R-{label}",
        label,
        amount,
        disputed,
    )


async def off(db, day, *, known_at=None):
    """What was earned off a card of 900."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    [tariff] = await shipping.tariffs(db, at=at, known_at=known_at)
    answer = rate(
        contract=tariff,
        service="ground",
        parcel=Parcel.of(dimensions=Dimensions(100, 100, 100), weight_g=400),
        origin=Place("US", "10001"),
        destination=Place("US", "60601"),
        at=day,
    )
    return 900 - answer.total


async def test_a_week_is_summed_once_it_is_over_and_counts_from_the_day_after(db):
    await a_contract(db)
    await shipped(db, on=date(2026, 1, 5), cost=3_000)
    await shipped(db, on=date(2026, 1, 11), cost=2_000)
    await shipped(db, on=date(2026, 1, 8), cost=9_999, status="purchased")
    await shipped(db, on=date(2026, 1, 8), cost=9_999, currency="EUR")
    await shipped(db, on=date(2026, 1, 12), cost=9_999)
    for _ in range(2):
        await sum_when_due(db, now=MONDAY)
    found = await db.fetch("SELECT week, amount, holds_from FROM shipping.weekly_spend ORDER BY week")
    tuesday = date(2026, 1, 13)
    assert [tuple(row) for row in found] == [
        (date(2025, 12, 29), 0, tuesday),
        (date(2026, 1, 5), 5_000, tuesday),
    ]
    assert [await off(db, tuesday + timedelta(days=n)) for n in (-1, 0, 6, 7, 13, 14)] == [
        0,
        90,
        90,
        90,
        90,
        0,
    ]


async def test_a_past_day_rates_as_then_whatever_is_learnt_later(db):
    await a_contract(db)
    label = await shipped(db, on=date(2026, 1, 6), cost=5_000)
    await sum_when_due(db, now=MONDAY)
    before = [await off(db, date(2026, 1, day)) for day in range(12, 20)]
    await billed(db, label, 9_500)
    await sum_when_due(db, now=MONDAY + timedelta(days=7))
    assert [await off(db, date(2026, 1, day)) for day in range(12, 20)] == before
    assert await off(db, date(2026, 1, 20)) == 180
    assert await off(db, date(2026, 1, 20), known_at=SINCE + timedelta(days=3650)) == 180


async def test_what_is_disputed_of_an_invoice_is_not_spent(db):
    await a_contract(db)
    label = await shipped(db, on=date(2026, 1, 6), cost=5_000)
    await billed(db, label, 9_500, disputed=501)
    await sum_when_due(db, now=MONDAY)
    week = date(2026, 1, 5)
    found = await db.fetchval("SELECT amount FROM shipping.weekly_spend WHERE week = $1", week)
    assert (found, await off(db, date(2026, 1, 13))) == (8_999, 90)


async def test_what_was_not_yet_recorded_was_not_known(db):
    await a_contract(db)
    await shipped(db, on=date(2026, 1, 6), cost=5_000)
    await sum_when_due(db, now=MONDAY)
    await db.execute("UPDATE shipping.contracts SET created_at = $1", SINCE)
    await db.execute("UPDATE shipping.weekly_spend SET recorded_at = $1", MONDAY)
    day = date(2026, 1, 14)
    assert await off(db, day, known_at=MONDAY) == 90
    assert await off(db, day, known_at=MONDAY - timedelta(seconds=1)) == 0


async def test_each_rule_looks_back_on_its_own_weeks(db):
    rules = [
        {"code": "month", "days": 28, "tiers": [{"spend": 6_000, "permille": 50}]},
        {
            "code": "week",
            "days": 7,
            "tiers": [{"spend": 4_000, "permille": 10}, {"spend": 8_000, "permille": 30}],
        },
    ]
    await a_contract(db, rules)
    await shipped(db, on=date(2025, 12, 23), cost=2_000)
    await shipped(db, on=date(2026, 1, 6), cost=4_000)
    await sum_when_due(db, now=MONDAY)
    assert await off(db, date(2026, 1, 13)) == 45 + 9
    told = await earnings(db, carrier="acme", at=MONDAY + timedelta(days=1))
    month, week = told.standings
    assert (month.since, month.until, month.spent) == (date(2025, 12, 15), date(2026, 1, 12), 6_000)
    assert (month.reached.permille, month.ahead) == (50, None)
    assert (week.spent, week.reached.permille, week.ahead.spend) == (4_000, 10, 8_000)
    assert [one.amount for one in told.weeks] == [0, 2_000, 0, 4_000]
    assert await earnings(db, carrier="nobody", at=MONDAY) is None


async def test_a_longer_window_gets_the_weeks_before(db):
    await a_contract(db)
    await shipped(db, on=date(2025, 12, 23), cost=7_000)
    await sum_when_due(db, now=MONDAY)
    assert await off(db, date(2026, 1, 14)) == 0
    await a_contract(db, [{**EARNED[0], "days": 28}])
    await sum_when_due(db, now=MONDAY + timedelta(days=1))
    assert await off(db, date(2026, 1, 14)) == 90


async def test_without_tiers_nothing_is_summed(db):
    await a_contract(db, [])
    await shipped(db, on=date(2026, 1, 6), cost=5_000)
    await sum_when_due(db, now=MONDAY)
    assert await db.fetchval("SELECT count(*) FROM shipping.weekly_spend") == 0
