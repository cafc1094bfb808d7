"""The demo's network is what it promises to be, the same every time."""

from collections import Counter

from orderloom.shipping.contract import parse
from orderloom.simulate import demo_carriers, demo_catalogue, demo_data, foreign_carriers


def test_there_are_500_items_with_kits_and_every_kind_of_handling():
    items = demo_catalogue.items()
    assert len(items) == len({item.sku for item in items}) == 500
    assert all(item.weight_g > 0 and min(item.size) > 0 for item in items)
    for flag in ("fragile", "this_side_up", "ships_alone", "hazmat_class"):
        assert any(getattr(item, flag) for item in items), flag
    assert {item.backorder for item in items} == {"refuse", "always"}
    skus = {item.sku for item in items}
    kits = demo_catalogue.kits()
    assert len(kits) == 10
    assert all(part in skus and part not in kits for parts in kits.values() for part in parts)


def test_gtins_have_their_check_digit():
    for item in demo_catalogue.items():
        if item.gtin:
            digits = list(map(int, item.gtin))
            assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_at_least_six_nodes_of_three_types_have_positions_and_zones():
    nodes = list(demo_data.nodes())
    assert len(nodes) >= 6
    assert len({node.type for node in nodes}) == 3
    assert all(node.latitude and node.longitude and "/" in node.time_zone for node in nodes)


def test_four_carriers_have_twelve_services_under_sound_contracts():
    contracts = [parse(carrier=c, version=1, terms=t) for c, t in demo_carriers.terms().items()]
    assert len(contracts) == 4
    assert sum(len(contract.terms.services) for contract in contracts) == 12
    assert set(demo_carriers.NAMES) == {contract.carrier for contract in contracts}
    for terms in (foreign_carriers.correio(), foreign_carriers.pennypost()):
        parse(carrier=terms.code, version=1, terms=terms.terms)


def test_hazardous_goods_lie_only_where_they_may_ship():
    setup = demo_data.setup()
    hazardous = {item.sku for item in setup.items if item.hazmat_class}
    may = {node.code for node in setup.nodes if node.ships_hazmat}
    assert {node for node, sku in setup.stock if sku in hazardous} <= may
    assert not set(setup.kits) & {sku for _, sku in setup.stock}


def test_no_carton_is_larger_inside_than_outside():
    for carton in (*demo_data.cartons(), *foreign_carriers.cartons()):
        assert all(inner < outer for inner, outer in zip(carton.inner, carton.outer, strict=True))


def test_two_demos_are_alike():
    first, second = demo_data.setup(), demo_data.setup()
    assert first.items == second.items
    assert first.stock == second.stock
    assert Counter(first.nodes[0].cutoffs) == Counter(second.nodes[0].cutoffs)
