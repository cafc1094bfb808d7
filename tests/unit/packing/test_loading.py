"""Loading one container: what any load must keep."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.container_loading import faults, turns
from orderloom.packing.loading import Cargo, load

INNER = (120, 80, 60)
edges = st.integers(8, 60)
kinds = st.tuples(
    st.tuples(edges, edges, edges),
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.just(1)),
    st.integers(1, 12),
)


def cargos(goods):
    return [Cargo(turns(edges, standing), quantity) for edges, standing, quantity in goods]


@given(goods=st.lists(kinds, min_size=1, max_size=4))
@settings(max_examples=10, deadline=None)
def test_a_load_has_no_fault(goods):
    loaded = load(INNER, cargos(goods), effort=60)
    assert list(faults(INNER, goods, loaded)) == []


def test_a_load_is_the_same_again():
    goods = [((50, 40, 30), (1, 1, 1), 6), ((33, 21, 17), (0, 1, 1), 9)]
    assert load(INNER, cargos(goods), effort=60) == load(INNER, cargos(goods), effort=60)


def test_what_fits_exactly_fills_it():
    loaded = load((40, 40, 40), [Cargo(((20, 20, 20),), 8)])
    assert loaded.volume == 64_000


def test_an_edge_that_may_not_stand_does_not():
    lying = turns((50, 10, 10), (0, 1, 1))
    assert all(turn[2] != 50 for turn in lying)
    assert load((10, 10, 60), [Cargo(lying, 1)], effort=10).units == ()
