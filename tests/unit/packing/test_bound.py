"""The bound: what no packing can beat."""

from orderloom.packing.bound import Burden, lower_bound

ROOM = [(100, 10_000, 0, 1), (1_000, 10_000, 0, 1)]
SMALL_ONLY, LARGE_ONLY, EITHER = 0b01, 0b10, 0b11


def bound(*burdens, room=ROOM):
    return lower_bound([Burden(fits, load) for fits, load in burdens], room)


def test_nothing_needs_nothing():
    assert bound() == 0


def test_volume_counts():
    assert bound((EITHER, (2_001, 0, 0, 0))) == 3


def test_weight_counts():
    assert bound((EITHER, (1, 20_001, 0, 0))) == 3


def test_units_that_share_with_no_other_count():
    assert bound((LARGE_ONLY, (1, 1, 0, 4))) == 4


def test_standing_height_counts():
    assert bound((EITHER, (1, 1, 90, 0)), room=[(100, 100, 40, 1)]) == 3


def test_what_fits_only_one_type_is_not_borne_by_another():
    assert bound((LARGE_ONLY, (500, 0, 0, 0)), (SMALL_ONLY, (150, 0, 0, 0))) == 3
    assert bound((LARGE_ONLY, (500, 0, 0, 0)), (EITHER, (150, 0, 0, 0))) == 1


def test_many_types_do_not_make_it_slow_or_wrong():
    room = [(100 + n, 1_000 - n, 0, 1) for n in range(40)]
    everywhere = (1 << 40) - 1
    assert 8 <= bound((everywhere, (1_000, 8_000, 0, 0)), room=room) <= 11
