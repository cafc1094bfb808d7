"""What is learnt of how late parcels come: ordered, drawn from parent to own, fair to what is under way."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.delivery.transit import (
    LEAST,
    LEVELS,
    MOST,
    NOTHING,
    STRENGTH,
    Delivery,
    Learnt,
    learn,
    path_of,
    weeks_held_against,
)

TODAY = date(2030, 6, 3)
NEAR = path_of(carrier="swift", service="ground", origin="CA", destination="NV", node="LAX")
FAR = path_of(carrier="swift", service="ground", origin="CA", destination="ME", node="LAX")
ages = st.integers(1, 200)
slips = st.integers(-4, 12)
deliveries = st.lists(
    st.builds(
        lambda path, age, slip, open_: Delivery(
            path,
            TODAY - timedelta(days=age),
            None if open_ else TODAY - timedelta(days=age - slip),
        ),
        st.sampled_from([NEAR, FAR]),
        ages,
        slips,
        st.booleans(),
    ),
    min_size=1,
    max_size=80,
)
levels = st.floats(0.01, 0.99)


def _came(path: tuple[str, ...], slip: int, many: int, age: int = 60) -> list[Delivery]:
    planned = TODAY - timedelta(days=age)
    return [Delivery(path, planned, planned + timedelta(days=slip)) for _ in range(many)]


@given(deliveries, levels, levels, st.sampled_from([NEAR, FAR, NEAR[:1]]))
def test_a_higher_level_is_never_sooner_and_shares_only_rise(
    known: list[Delivery], one: float, other: float, path: tuple[str, ...]
) -> None:
    found = learn(known, today=TODAY)
    low, high = sorted((one, other))
    assert found.slip(path, low) <= found.slip(path, high)
    chances = [found.probability(path, slip) for slip in range(LEAST - 1, MOST + 2)]
    if chances[0] is not None:
        assert chances == sorted(chances)  # type: ignore[type-var]
        assert all(0 <= chance <= 1 + 1e-9 for chance in chances if chance is not None)


@given(st.integers(0, 400), st.integers(1, 400))
def test_more_history_goes_from_the_parents_to_the_lanes_own(many: int, more: int) -> None:
    """Others of the service are on time, this lane three days late: the more of it is known, the likelier that is."""
    others = _came(FAR, 0, 200)

    def late(units: int) -> float:
        return 1 - (learn(others + _came(NEAR, 3, units), today=TODAY).probability(NEAR, 2) or 0)

    # The parent knows of the lane too; never less than half of what the lane itself shows counts past STRENGTH.
    assert late(many) <= late(many + more) + 1e-9
    if many * 0.5 ** (60 / 120) >= STRENGTH:
        assert late(many) >= 0.5


def test_where_nothing_was_learnt_the_contract_stands() -> None:
    assert NOTHING.slip(NEAR, 0.99) == 0
    assert NOTHING.probability(NEAR, 0) is None
    only = learn(_came(NEAR, 1, 10), today=TODAY)
    assert only.slip(path_of(carrier="other", service="air", origin="", destination="", node=""), 0.9) == 0


def test_a_new_node_and_lane_take_after_their_service() -> None:
    found = learn(_came(NEAR, 2, 100), today=TODAY)
    assert found.slip((NEAR[0], "TX>FL", "MIA"), 0.9) == 2
    assert found.cell((NEAR[0], NEAR[1], "SFO")) == NEAR[:2]


def test_parcels_under_way_count_against_being_on_time() -> None:
    came = _came(NEAR, 0, 60, age=10)
    stuck = [Delivery(NEAR, TODAY - timedelta(days=10), None)] * 40
    assert learn(came, today=TODAY).slip(NEAR, 0.8) == 0
    assert learn(came + stuck, today=TODAY).slip(NEAR, 0.8) > 0


def test_what_was_late_of_late_moves_every_cell() -> None:
    """A storm: all parcels of the last weeks are later than ever. Lanes with little of their own follow at once."""
    chance = random.Random(3)
    calm = [d for age in range(29, 180) for d in _came(NEAR, chance.choice((0, 0, 0, 1, 2)), 4, age)]
    storm = [d for age in range(3, 28) for d in _came(NEAR, chance.choice((1, 2, 2)), 6, age)]
    before, after = learn(calm, today=TODAY), learn(calm + storm, today=TODAY)
    assert after.slip(NEAR, 0.5) > before.slip(NEAR, 0.5)
    assert (after.probability(NEAR, 0) or 0) < (before.probability(NEAR, 0) or 0)


def test_being_late_to_hand_over_is_part_of_it() -> None:
    planned = TODAY - timedelta(days=9)
    assert Delivery(NEAR, planned, planned + timedelta(days=1), behind=2).slip(TODAY) == 3


def test_what_comes_later_is_not_known_yet() -> None:
    one = Delivery(NEAR, TODAY - timedelta(days=2), TODAY + timedelta(days=3))
    assert not one.came(TODAY)
    assert one.slip(TODAY) == 2


@given(deliveries)
def test_it_reads_back_as_it_was_stored(known: list[Delivery]) -> None:
    found = learn(known, today=TODAY)
    back = Learnt.of(json.loads(json.dumps(found.json())), version=4)
    for path in (NEAR, FAR):
        for level in LEVELS:
            assert back.slip(path, level) == found.slip(path, level)


def test_weeks_are_held_against_what_was_known_before_them() -> None:
    chance = random.Random(11)
    slips = (-1, 0, 0, 0, 1, 1, 2, 4)
    known = [d for age in range(1, 250) for _ in range(8) for d in _came(NEAR, chance.choice(slips), 1, age)]
    weeks = weeks_held_against(known, today=TODAY, weeks=6)
    assert [w["week"] for w in weeks] == sorted(w["week"] for w in weeks)
    assert len(weeks) == 6
    for name, level in (("p50", 0.5), ("p80", 0.8), ("p95", 0.95)):
        mean = sum(w["coverage"][name] for w in weeks) / len(weeks)
        # Whole days cover somewhat more than asked; never much less.
        assert level - 0.08 <= mean
    assert weeks[0]["mean_slip"] == pytest.approx(0.9, abs=0.5)
