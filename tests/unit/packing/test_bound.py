"""The bound: what no packing can beat."""

from itertools import permutations

from orderloom.packing.bound import Demand, lower_bound
from orderloom.packing.effort import Effort
from orderloom.packing.shapes import Box, Kind


def kind(length, width, height, *, weight_g=1, upright=True):
    turns = {(length, width, height), (width, length, height)}
    if not upright:
        turns = set(permutations((length, width, height)))
    return Kind(tuple(sorted(turns)), weight_g, fragile=False, volume=length * width * height)


def box(length, width, height, *, bears=10_000):
    return Box((length, width, height), bears, length * width * height)


CUBE = box(100, 100, 100)


def bound(goods, *boxes, closely=True):
    demand = Demand([one for one, _ in goods], [units for _, units in goods], boxes, Effort(1_000_000))
    return lower_bound(demand, closely=closely)


def test_nothing_needs_nothing():
    assert bound([], CUBE) == 0


def test_volume_counts():
    assert bound([(kind(10, 10, 10), 2_001)], CUBE) == 3


def test_weight_counts():
    assert bound([(kind(1, 1, 1, weight_g=5_001), 3)], CUBE) == 3


def test_units_that_share_with_no_other_count():
    assert bound([(kind(60, 60, 60), 4)], CUBE) == 4


def test_what_must_be_piled_counts_by_height():
    assert bound([(kind(60, 60, 30), 10)], CUBE) == 4


def test_a_pile_is_as_high_as_whole_units_make_it():
    thin = box(100, 100, 40)
    assert bound([(kind(60, 60, 6), 12)], thin) == 2
    assert bound([(kind(60, 60, 6), 13)], thin) == 3


def test_one_small_unit_upon_those_that_leave_it_no_room_beside_them():
    assert bound([(kind(60, 60, 30), 3), (kind(45, 45, 20), 1)], CUBE) == 2
    assert bound([(kind(60, 60, 30), 3), (kind(40, 40, 20), 1)], CUBE) == 1


def test_the_long_take_a_share_of_the_cross_section():
    assert bound([(kind(60, 10, 10, upright=False), 1_001)], CUBE, closely=False) > 1


def test_what_fits_only_one_type_is_not_borne_by_another():
    small, large = box(10, 10, 10), box(100, 10, 10)
    assert bound([(kind(50, 10, 10), 1), (kind(10, 10, 10), 5)], small, large) == 1
    assert bound([(kind(50, 10, 10), 3), (kind(10, 10, 10), 1)], small, large) == 2


def test_what_is_light_in_the_one_is_too_large_for_the_other():
    roomy, strong = box(100, 100, 100, bears=100), box(50, 50, 50, bears=1_000)
    # Either box would do by weight or by volume; together they cannot take so much that is both.
    goods = [(kind(10, 10, 10, weight_g=2), 400)]
    assert bound(goods, roomy, strong, closely=False) <= bound(goods, roomy, strong)
    assert bound(goods, roomy, strong) >= 4


def test_limited_cartons_are_counted():
    few = Box((100, 100, 100), 10_000, 1_000_000, stock=1, twin=0)
    small = box(60, 60, 60)
    assert bound([(kind(60, 60, 60), 2)], few, small) == 2


def test_many_types_do_not_make_it_slow_or_wrong():
    boxes = [box(100 + n, 100, 100, bears=1_000 - n) for n in range(40)]
    assert 8 <= bound([(kind(100, 100, 100, weight_g=900), 9)], *boxes) <= 9
