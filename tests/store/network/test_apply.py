"""A deployment as a folder of files: faults all at once, a diff, and a second time that changes nothing."""

from dataclasses import replace

import pytest

from orderloom import network
from orderloom.cli import folder
from orderloom.cli.folder import Faulty, Known
from orderloom.journey import setup
from orderloom.journey.setup import Change, Setup
from orderloom.packing import put_node_cartons
from orderloom.packing.houserules import HouseRules
from orderloom.packing.landed import Costs
from orderloom.packing.model import PackRules
from orderloom.simulate import demo_data

NOTHING = Known(frozenset(), frozenset(), frozenset())

ITEMS = """sku,name,weight,length,width,height,fragile,components
MUG,Mug,12 oz,5 in,4 in,4.5 in,true,
BOX,Box,100 g,200 mm,200 mm,100 mm,,
SET,Gift set,1 kg,200 mm,200 mm,150 mm,,MUG:2 BOX:1
"""
NODES = """
- code: CHI
  name: Chicago
  type: store
  address: {line1: 2000 N Halsted St, city: Chicago, region: IL, postcode: "60614"}
  cutoffs: {"*": "16:00"}
"""


def write(place, **files):
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (place / f"{stem}.{ending}").write_text(text)
    return place


def test_a_folder_is_read_with_units_kept_and_places_looked_up(tmp_path):
    read = folder.read(
        write(tmp_path, items_csv=ITEMS, nodes_yaml=NODES, stock_csv="node,sku,quantity\nCHI,MUG,7\n"),
        NOTHING,
    )
    mug = read.items[0]
    assert (mug.weight_g, mug.length_mm, mug.fragile) == (341, 127, True)
    assert mug.as_given["length"] == {"value": 5.0, "unit": "in"}
    assert read.items[1].as_given is None
    assert read.kits == {"SET": {"MUG": 2, "BOX": 1}}
    assert read.nodes[0].time_zone == "America/Chicago"
    assert round(read.nodes[0].latitude) == 42
    assert read.stock == {("CHI", "MUG"): 7}


def test_all_faults_are_named_at_once_with_file_row_and_path(tmp_path):
    bad_items = (
        ITEMS
        + "LAMP,Lamp,heavy,1 in,1 in,1 in,,\nMUG,Mug again,1 g,1 mm,1 mm,1 mm,,\nKIT,Kit,1 g,1 mm,1 mm,1 mm,,SET:1 GHOST:1\n"
    )
    with pytest.raises(Faulty) as faulty:
        folder.read(
            write(
                tmp_path,
                items_csv=bad_items,
                nodes_yaml=NODES.replace("type: store", "type: shed").replace("cutoffs", "cutofs"),
                channels_json='{"code": "web"}',
                cartons_yaml="- [",
                carriers_yaml="- {code: x, name: X, adapter: flat, terms: {currency: USD}}",
                stock_csv="node,sku,quantity\nNOWHERE,MUG,1\nNOWHERE,GHOST,0\n",
                prices_csv="a\n1\n",
            ),
            NOTHING,
        )
    told = sorted(str(fault) for fault in faulty.value.faults)
    for beginning in (
        "cartons.yaml: cannot be read",
        "channels.json: must be a list of mappings",
        "carriers.yaml row 1 /terms/services",
        "items.csv row 5 /weight",
        "items.csv row 6: MUG is in row 2 before",
        "items.csv row 7 /components/GHOST",
        "items.csv row 7 /components/SET: is a kit itself",
        "nodes.yaml row 1 /cutofs",
        "nodes.yaml row 1 /type",
        "prices.csv: is not one of",
        "stock.csv row 2 /node",
        "stock.csv row 3 /quantity",
    ):
        assert any(line.startswith(beginning) for line in told), (beginning, told)


def test_what_is_in_place_may_be_referred_to(tmp_path):
    known = Known(frozenset({"MUG"}), frozenset(), frozenset({"CHI"}))
    read = folder.read(write(tmp_path, stock_csv="node,sku,quantity\nCHI,MUG,7\n"), known)
    assert read.stock == {("CHI", "MUG"): 7}


async def test_applying_twice_changes_nothing(db):
    wanted = demo_data.setup()
    first = await setup.put(db, wanted=wanted)
    assert {change.kind for change in first} == {
        "item",
        "kit",
        "node",
        "channel",
        "carton",
        "carrier",
        "stock",
    }
    assert await setup.differences(db, wanted=wanted) == []
    assert await setup.put(db, wanted=wanted) == []


async def test_the_diff_names_each_field_and_what_is_put_is_what_was_shown(db):
    wanted = demo_data.setup()
    await setup.put(db, wanted=wanted)
    item, node = wanted.items[0], wanted.nodes[0]
    changed = replace(
        wanted,
        items=[replace(item, weight_g=item.weight_g + 1)],
        nodes=[replace(node, active=False)],
        stock={},
    )
    changes = await setup.differences(db, wanted=changed)
    assert changes == [
        Change("item", item.sku, {"weight_g": (item.weight_g, item.weight_g + 1)}),
        Change("node", node.code, {"active": (True, False)}),
    ]
    put = await setup.put(db, wanted=changed)
    assert [(c.kind, c.key) for c in put if c.kind != "kit"] == [("item", item.sku), ("node", node.code)]


async def test_other_terms_are_a_new_version_of_the_contract(db):
    wanted = demo_data.setup()
    await setup.put(db, wanted=wanted)
    terms = {**wanted.carriers[0].terms, "minimum_charges": {"*": 500}}
    changed = replace(wanted, carriers=[replace(wanted.carriers[0], terms=terms)], stock={})
    assert [c.kind for c in await setup.put(db, wanted=changed)] == ["carrier"]
    assert await setup.differences(db, wanted=changed) == []


async def test_an_export_applied_again_changes_nothing(db, tmp_path):
    await setup.put(db, wanted=demo_data.setup())
    folder.write(tmp_path, await setup.present(db))
    assert await setup.differences(db, wanted=folder.read(tmp_path, NOTHING)) == []


def test_cartons_of_nodes_and_rules_refer_to_what_is_there(tmp_path):
    known = Known(frozenset(), frozenset(), frozenset({"CHI"}), frozenset({"web"}), frozenset({"S"}))
    place = write(
        tmp_path,
        node_cartons_csv="node,carton,stock\nCHI,S,40\nCHI,XL,\nCHI,S,1\n",
        pack_rules_yaml="- {node: LAX, channel: web, clearance_mm: 5}\n- {channel: shop, fill_permille: 0}",
    )
    with pytest.raises(Faulty) as faulty:
        folder.read(place, known)
    told = [str(fault) for fault in faulty.value.faults]
    assert any(line.startswith("pack_rules.yaml row 2 /fill_permille") for line in told)
    assert {line for line in told if "fill" not in line} == {
        "node_cartons.csv row 3 /carton: there is no carton 'XL', here or in place",
        "node_cartons.csv row 4: CHI S is in row 2 before",
        "pack_rules.yaml row 1 /node: there is no node 'LAX', here or in place",
    }


async def test_cartons_of_nodes_and_rules_are_put_and_counts_are_the_warehouses(db, tmp_path):
    wanted = demo_data.setup()
    await setup.put(db, wanted=wanted)
    node, channel = wanted.nodes[0].code, wanted.channels[0].code
    usual = HouseRules(rules=PackRules(fill_permille=900))
    special = HouseRules(rules=PackRules(segregated=(("3", "8"),)), landed=Costs(per_parcel=75))
    own = Setup(
        node_cartons={node: {"S": 40, "L": None}},
        pack_rules={(None, None): usual, (node, channel): special},
    )
    names = ["every node", f"{node} for {channel}"]
    shown = [Change("node cartons", node), *(Change("pack rules", name) for name in sorted(names))]
    assert sorted(await setup.differences(db, wanted=own), key=str) == sorted(shown, key=str)
    assert sorted(await setup.put(db, wanted=own), key=str) == sorted(shown, key=str)
    [at] = await network.nodes_of(db, codes=[node])
    await put_node_cartons(db, node_id=at, stock={"S": 7, "L": None})
    assert await setup.put(db, wanted=own) == []
    folder.write(tmp_path, await setup.present(db))
    read = folder.read(tmp_path, NOTHING)
    assert (read.pack_rules, read.node_cartons) == (own.pack_rules, {node: {"L": None, "S": 7}})
    assert await setup.differences(db, wanted=read) == []
    other = replace(own, node_cartons={node: {"M": None, "S": None}}, pack_rules={(None, None): special})
    changes = {change.kind: change.fields for change in await setup.differences(db, wanted=other)}
    assert changes["node cartons"] == {"cartons": ({"L": None, "S": 7}, {"M": None, "S": None})}
    assert changes["pack rules"]["fill_permille"] == (900, 1000)


async def test_stock_is_first_stock_only(db):
    wanted = demo_data.setup()
    await setup.put(db, wanted=wanted)
    more = replace(wanted, stock={key: units + 5 for key, units in wanted.stock.items()})
    assert [c for c in await setup.put(db, wanted=more) if c.kind == "stock"] == []
