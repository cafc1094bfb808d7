"""What the console says and draws without a database: money, spreadsheet cells, points on the map."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.console.maps import HEIGHT, WIDTH, picture, us_point
from orderloom.console.spreadsheet import csv_lines, harmless
from orderloom.console.words import money, rank_word, span, track
from orderloom.plumbing import clock
from orderloom.terms import Rank

STATES = Path(__file__).parents[2] / "src/orderloom/console/static/vendor/us-states.svg"
CAPITALS = {
    "CA": (38.58, -121.49), "TX": (30.27, -97.74), "ME": (44.31, -69.78), "FL": (30.44, -84.28), "WA": (47.04, -122.9),
    "DC": (38.9, -77.03), "AK": (58.3, -134.42), "HI": (21.3, -157.86), "RI": (41.82, -71.42), "AZ": (33.45, -112.07),
}  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123456, "USD", "$1,234.56"),
        (-5, "USD", "−$0.05"),
        (1500, "JPY", "¥1,500"),
        (1234, "KWD", "1.234 KWD"),
        (None, "USD", "–"),
    ],
)
def test_money_is_written_as_people_write_it(amount, currency, text):
    assert money(amount, currency) == text


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        '"=1',
        "',=1",
        "a,=1",
        'a";=cmd',
        "＝1",
        "\N{NO-BREAK SPACE}=1",
        "\x1f=1",
    ],
)
def test_a_formula_is_disarmed(cell):
    assert harmless(cell).startswith("'")


@given(st.text(max_size=80))
def test_no_cell_of_the_file_begins_as_a_formula(text):
    (_, line) = csv_lines(["a"], [[text]])
    assert not re.match(r'^"[\s\'",;]*[=+\-@]', line) or line.startswith("\"'")


@pytest.mark.parametrize("cell", ["OL-100001", "Ann Smith", "ann@example.com", "4x4", "", None])
def test_an_ordinary_cell_stays_as_it_is(cell):
    assert harmless(cell) == (cell or "")


@pytest.mark.parametrize("state", CAPITALS)
def test_a_capital_lies_in_its_state(state):
    outline = re.search(rf'id="us-{state}" d="([^"]+)"', STATES.read_text())
    points = [tuple(map(float, p.split(","))) for p in re.findall(r"[\d.]+,[\d.]+", outline[1])]
    x, y = us_point(*CAPITALS[state])
    assert min(p[0] for p in points) <= x <= max(p[0] for p in points)
    assert min(p[1] for p in points) <= y <= max(p[1] for p in points)


@pytest.mark.parametrize("place", [(-23.5, -46.6), (51.5, -0.1), (0, 0), (19.4, -99.1)])
def test_a_place_elsewhere_is_not_on_the_sheet_of_states(place):
    assert us_point(*place) is None


def answer(*places: tuple[str, float, float]) -> dict:
    return {
        "plan": {"shipments": [{"node": places[0][0]}]},
        "candidates": [{"node": code, "latitude": lat, "longitude": lon} for code, lat, lon in places],
    }


def test_a_decision_abroad_gets_a_grid_instead_of_states():
    drawn = picture(
        answer(("SP", -23.5, -46.6), ("RJ", -22.9, -43.2)),
        {"latitude": -15.8, "longitude": -47.9, "city": "Brasília"},
    )
    assert not drawn.states
    assert drawn.grid
    assert [leg.kind for leg in drawn.legs] == ["chosen"]


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=12
    )
)
def test_every_mark_of_every_decision_is_in_the_picture(places):
    drawn = picture(answer(*places), {"latitude": 10.0, "longitude": 10.0})
    assert len(drawn.marks) == len(places) + 1
    assert all(0 <= m.x <= WIDTH and 0 <= m.y <= HEIGHT for m in drawn.marks)


def test_a_decision_without_places_has_no_picture():
    assert picture({"candidates": [{"node": "A"}]}, {}) is None
    assert picture({}, {"latitude": 1.0, "longitude": 1.0}) is None


def test_the_track_fills_as_an_order_goes():
    assert track(Rank.RESERVED, Rank.SHIPPED) == ["full", "part", "part", "part", "none"]
    assert set(track(Rank.CANCELLED, Rank.CANCELLED)) == {"gone"}
    assert rank_word(400, 700) == "partially shipped"


def test_times_are_said_from_where_one_stands():
    now = clock.now()
    assert span(now, now) == "now"
    assert span(None, now) == "–"
