"""A manifest lists the bought labels of a node and carrier that none has yet; a label is on at most one."""

import asyncio
from datetime import date

import pytest

from orderloom import shipping
from orderloom.shipping.model import Bought, Manifest, ManifestAccepted, NothingToManifest, Refused
from orderloom.terms import Address
from tests.store.shipping.conftest import asked, put_contracts

DAY = date(2026, 1, 6)


async def labelled(db, **changes):
    put, request = await asked(db, **changes)
    calls = await shipping.prepare_labels(db, requests=[request])
    answers = [(call, Bought(call.reference, f"T{call.reference}", "p")) for call in calls]
    await shipping.record_labels(db, subjects=[put.fulfillment], answers=answers)
    return put


@pytest.mark.usefixtures("contracts")
async def test_the_days_labels_and_then_nothing(db):
    put = await labelled(db, packages=2)
    manifest = await shipping.close_manifest(db, node_id=put.node, carrier="acme", ship_date=DAY, by="ann")
    assert isinstance(manifest, Manifest)
    assert manifest.number.startswith("MAN-3")
    assert [line.order_number for line in manifest.labels] == [put.number] * 2
    assert manifest.labels[0].postcode == "60601"
    assert await shipping.manifest_of(db, manifest_id=manifest.id) == manifest
    again = await shipping.close_manifest(db, node_id=put.node, carrier="acme", ship_date=DAY, by="ann")
    assert again == NothingToManifest(put.node, "acme")
    told = await db.fetchval("SELECT data FROM plumbing.events WHERE entity_id = $1", manifest.id)
    assert told["labels"] == 2


@pytest.mark.usefixtures("contracts")
async def test_one_for_each_node_and_carrier_at_once(db):
    one, other = await labelled(db), await labelled(db)
    near = Address(postcode="10005", latitude=40.7, longitude=-74.0)
    third = await labelled(db, carrier="vans", service="van", recipient=near)
    closed = await shipping.close_manifests(db, ship_date=DAY, by="night")
    assert {(m.node_id, m.carrier, len(m.labels)) for m in closed} == {
        (one.node, "acme", 1),
        (other.node, "acme", 1),
        (third.node, "vans", 1),
    }


@pytest.mark.usefixtures("contracts")
async def test_handing_it_over(db):
    put = await labelled(db)
    manifest = await shipping.close_manifest(db, node_id=put.node, carrier="acme", ship_date=DAY, by="ann")
    accepted = await shipping.hand_over(manifest=manifest, adapter_name="flat", sender=Address())
    assert accepted == ManifestAccepted(manifest.number, manifest.number)
    refused = await shipping.hand_over(manifest=manifest, adapter_name="pigeon", sender=Address())
    assert isinstance(refused, Refused)


async def test_two_closings_at_once_list_each_label_once(database):
    async with database.transaction() as db:
        await put_contracts(db)
        puts = [await labelled(db) for _ in range(5)]

    async def close():
        async with database.transaction() as db:
            return await shipping.close_manifests(db, ship_date=DAY, by="x")

    closed = [manifest for batch in await asyncio.gather(*(close() for _ in range(6))) for manifest in batch]
    assert sorted(manifest.node_id for manifest in closed) == sorted(put.node for put in puts)
