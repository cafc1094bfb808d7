"""What the back office has done that afternoon: units set aside, safety stock, a file of orders, a carrier's invoice."""

from __future__ import annotations

from dataclasses import replace

from orderloom import network
from orderloom.inventory.allotting import SafetyRule
from orderloom.journey import importing, limiting
from orderloom.orders import bulk
from orderloom.orders.model import OrderDraft
from orderloom.plumbing.database import Database, Db
from orderloom.shipping import auditing
from orderloom.simulate import demo_data
from orderloom.worker import Worker

MUG = "MUG00-CEDA"


async def work(database: Database, worker: Worker, sample: OrderDraft) -> None:
    """Fill the desks."""
    async with database.transaction() as db:
        await _limits(db)
        await _file(db, sample)
        await _invoice(db)
    await worker.run_until_idle()


async def _limits(db: Db) -> None:
    channels = {c.code: c.id for c in (await network.channels_of(db)).values()}
    nodes = {n.code: n.id for n in (await network.nodes_of(db)).values()}
    await limiting.allot(db, sku=MUG, channel_id=channels[demo_data.WEB], units=5)
    await limiting.allot(db, sku=MUG, channel_id=channels[demo_data.MARKET], permille=250, takes_shared=False)
    rule = SafetyRule(units=1, channel_id=channels[demo_data.MARKET], node_id=None, sku=MUG)
    await limiting.secure(db, rules=[rule])
    basis = {
        "target": 0.001,
        "risk": 0.0007,
        "units_per_day": 1.5,
        "missed": 1,
        "picked": 140,
        "lag_seconds": 2.4,
    }
    rule = SafetyRule(units=2, channel_id=None, node_id=nodes["CMH"], sku=MUG)
    await limiting.secure(db, rules=[rule], source="computed", basis=[basis])


async def _file(db: Db, sample: OrderDraft) -> None:
    """One order that is there already, and one of an item that nobody knows."""
    job = await bulk.open_(db, on_error="reject_failed", name="monday.ndjson")
    assert isinstance(job, bulk.Job)
    line = replace(sample.lines[0], sku="NO-SUCH-MUG")
    unknown = replace(sample, external_id="W-29999", lines=(line,))
    await bulk.add(db, job_id=job.id, rows=[bulk.NewRow(1, sample), bulk.NewRow(2, unknown)])
    await importing.begin(db, job_id=job.id)


async def _invoice(db: Db) -> None:
    """A parcel billed twice, and one that was never ours."""
    row = await db.fetchrow(
        "SELECT carrier, tracking_number, service FROM shipping.labels WHERE status = 'used' "
        "ORDER BY tracking_number LIMIT 1"
    )
    assert row is not None
    ours = f"{row['tracking_number']},{row['service']},2026-03-02,12,4,14.35,2.94\n"
    text = "tracking_number,service,ship_date,billed_weight,zone,charge_freight,charge_fuel\n" + ours + ours
    text += "1Z999AA10123456784,ground,2026-03-02,3,2,9.10,1.80\n"
    report = await auditing.audit_invoice(
        db,
        carrier=row["carrier"],
        number="E12345106",
        text=text.splitlines(keepends=True),
        by="user:olga@loom.example",
    )
    assert isinstance(report, auditing.Report), report
