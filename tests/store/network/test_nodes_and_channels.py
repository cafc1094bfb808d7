"""Nodes and channels in the database."""

from dataclasses import replace
from datetime import date

from orderloom import network
from orderloom.network import Channel, Node
from orderloom.terms import Address

RENO = Node(
    code="RNO",
    name="Reno",
    type="fulfillment_center",
    address=Address(city="Reno", region="NV", postcode="89502"),
    latitude=39.5,
    longitude=-119.8,
    time_zone="America/Los_Angeles",
    working_days=(1, 2, 3, 4, 5, 6),
    holidays=(date(2026, 12, 25),),
    cutoffs={"*": "16:00"},
    daily_capacity=500,
    pick_cost=120,
    services=("swift/ground",),
    groups=("west",),
)
SHOP = Node(code="SHOP", name="Shop", type="store", address=Address(), time_zone="UTC", channels=("web",))
WEB = Channel(code="web", name="Web", type="site", currency="USD", review_above=100_000)


async def test_nodes_are_read_back_as_put(db):
    assert await network.put_nodes(db, nodes=[RENO, SHOP]) == {"RNO", "SHOP"}
    assert await network.nodes_of(db, codes=["RNO"]) == {RENO.id: RENO}
    assert await network.nodes_of(db, ids=[SHOP.id]) == {SHOP.id: SHOP}
    assert list((await network.nodes_of(db)).values()) == [RENO, SHOP]


async def test_putting_nodes_again_changes_nothing_and_a_change_counts_one(db):
    await network.put_nodes(db, nodes=[RENO, SHOP])
    assert await network.put_nodes(db, nodes=[RENO, SHOP]) == set()
    assert await network.put_nodes(db, nodes=[replace(RENO, daily_capacity=600), SHOP]) == {"RNO"}
    changed = (await network.nodes_of(db, codes=["RNO"]))[RENO.id]
    assert (changed.version, changed.daily_capacity) == (2, 600)


async def test_channels_likewise(db):
    assert await network.put_channels(db, channels=[WEB]) == {"web"}
    assert await network.put_channels(db, channels=[WEB]) == set()
    assert await network.put_channels(db, channels=[replace(WEB, on_shortage="accept")]) == {"web"}
    assert (await network.channels_of(db, codes=["web"]))[WEB.id].version == 2
    assert await network.channels_of(db, ids=[WEB.id]) == {WEB.id: replace(WEB, on_shortage="accept")}


def test_a_node_serves_the_channels_it_names_or_all():
    assert RENO.serves(channel="anything")
    assert SHOP.serves(channel="web")
    assert not SHOP.serves(channel="pos")
    assert not replace(RENO, active=False).serves(channel="web")
