"""Available to promise by date: never more than comes, never twice, and the same whichever way it is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orderloom.inventory.promising import Coming, Covered, Outlook, Promisable, Wanted, by_date, kits_expected

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)


def day(n: int) -> datetime:
    return DAY_0 + timedelta(days=n)


def supply(at: int, units: int, node: UUID = A, sku: str = "MUG") -> Coming:
    return Coming(at=day(at), units=units, node_id=node, sku=sku, kind="purchase_order", reference=f"PO-{at}")


def looking(*coming: Coming, here: int = 0, wanted: tuple[Wanted, ...] = ()) -> Outlook:
    return Outlook(here={(A, "MUG"): here}, coming=coming, now=DAY_0, wanted=wanted)


class TestAnOutlook:
    def test_a_demand_is_covered_by_what_is_there_then_by_what_comes_first(self) -> None:
        ahead = looking(supply(9, 5), supply(3, 4), here=2)
        assert ahead.take(Wanted(sku="MUG", units=2)) == Covered(DAY_0, 0)
        assert ahead.take(Wanted(sku="MUG", units=5)) == Covered(day(9), 0)
        assert [(c.at, c.units) for c in ahead.left("MUG")] == [(day(9), 4)]

    def test_what_nothing_brings_has_no_date(self) -> None:
        assert looking(supply(3, 4)).take(Wanted(sku="MUG", units=5)) == Covered(None, 1)

    def test_only_nodes_that_may_ship_count(self) -> None:
        ahead = looking(supply(1, 5, A), supply(4, 5, B))
        assert ahead.take(Wanted(sku="MUG", units=3, nodes=frozenset({B}))) == Covered(day(4), 0)
        assert sum(c.units for c in ahead.left("MUG", nodes={B})) == 2

    def test_an_overdue_supply_is_expected_now(self) -> None:
        assert looking(supply(-3, 1)).take(Wanted(sku="MUG", units=1)) == Covered(DAY_0, 0)

    def test_those_who_wait_already_come_first(self) -> None:
        ahead = looking(supply(2, 3), supply(8, 3), wanted=(Wanted(sku="MUG", units=4),))
        assert ahead.take(Wanted(sku="MUG", units=2), only_coming=True) == Covered(day(8), 0)


class TestByDate:
    def test_a_unit_promised_early_is_not_missing_later(self) -> None:
        told = by_date(available=5, coming=[(day(10), 4)], wanted=[(day(5), 3), (day(12), 2)])
        assert told == [Promisable(day(5), 2), Promisable(day(10), 4)]

    def test_nothing_is_promised_while_more_is_wanted_than_comes(self) -> None:
        assert by_date(available=0, coming=[(day(3), 2)], wanted=[(day(1), 5)]) == [Promisable(day(1), 0)]


dated = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=8)
nodes = st.sampled_from([None, frozenset({A}), frozenset({B}), frozenset({A, B})])


class TestWhateverComes:
    @given(st.integers(0, 20), dated, dated)
    def test_every_date_bears_what_is_promised_for_it(
        self, here: int, coming: list[tuple[int, int]], wanted: list[tuple[int, int]]
    ) -> None:
        told = by_date(
            available=here,
            coming=[(day(d), n) for d, n in coming],
            wanted=[(day(d), n) for d, n in wanted],
        )
        assert [p.units for p in told] == sorted(p.units for p in told), "it only grows with time"
        for at, units in ((p.at, p.units) for p in told if p.units):
            for later in [at, *(day(d) for d, _ in coming + wanted if day(d) >= at)]:
                arrived = here + sum(n for d, n in coming if day(d) <= later)
                spoken = sum(n for d, n in wanted if day(d) <= later)
                assert units <= arrived - spoken

    @given(st.integers(0, 20), dated, st.lists(st.integers(1, 9), max_size=8))
    def test_handing_out_and_counting_agree(
        self, here: int, coming: list[tuple[int, int]], wanted: list[int]
    ) -> None:
        ahead = looking(
            *(supply(d, n) for d, n in coming),
            here=here,
            wanted=tuple(Wanted(sku="MUG", units=n) for n in wanted),
        )
        told = by_date(
            available=here,
            coming=[(DAY_0, 0), *((day(d), n) for d, n in coming)],
            wanted=[(DAY_0, n) for n in wanted],
        )
        rest = max(0, here - sum(wanted))
        for at in (day(n) for n in range(21)):
            by_hand = rest + sum(c.units for c in ahead.left("MUG") if c.at <= at)
            assert by_hand == [p.units for p in told if p.at <= at][-1]

    @given(
        st.integers(0, 9),
        st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9), st.sampled_from([A, B])), max_size=8),
        st.lists(st.tuples(st.integers(1, 9), nodes), max_size=10),
    )
    def test_no_unit_is_given_twice_and_none_is_lost(
        self,
        here: int,
        coming: list[tuple[int, int, UUID]],
        wanted: list[tuple[int, frozenset[UUID] | None]],
    ) -> None:
        ahead = looking(*(supply(*c) for c in coming), here=here)
        given_out = sum(n - ahead.take(Wanted(sku="MUG", units=n, nodes=at)).missing for n, at in wanted)
        left = sum(c.units for c in ahead.left("MUG"))
        assert all(c.units > 0 for c in ahead.left("MUG"))
        rest_here = here + sum(n for _, n, _ in coming) - given_out - left
        assert 0 <= rest_here <= here


class TestKits:
    def test_more_come_with_the_last_of_their_parts_and_at_one_node(self) -> None:
        here = {(A, "MUG"): 5, (A, "LID"): 2, (B, "MUG"): 0, (B, "LID"): 9}
        coming = [supply(1, 4, sku="MUG"), supply(3, 5, sku="LID"), supply(5, 9, B, "MUG")]
        kit = {"MUG": 2, "LID": 1}
        assert kits_expected(kit, here=here, coming=coming) == [(day(3), 2), (day(5), 4)]
        assert kits_expected(kit, here=here, coming=coming[:1]) == []

    def test_without_supply_no_more_come(self) -> None:
        assert kits_expected({"MUG": 2}, here={(A, "MUG"): 4}, coming=[]) == []
