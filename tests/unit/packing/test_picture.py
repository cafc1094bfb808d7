"""The picture of a parcel: it shows every unit, hides none wrongly, and says what it shows."""

from xml.etree import ElementTree as ET

from orderloom.packing.cartonize import cartonize
from orderloom.packing.model import Parcel, Placement
from orderloom.packing.picture import _back_to_front, at_step, isometric, steps
from orderloom.terms import Dimensions, Quantities
from tests.unit.packing.test_cartonize import CARTONS, article

SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture):
    return ET.fromstring(picture)  # noqa: S314  it is our own picture


def test_every_unit_is_drawn_and_named():
    (parcel,) = cartonize(
        [article("mug", 90, 90, 100, quantity=3), article("tea", 60, 60, 80)], CARTONS
    ).parcels
    picture = drawn(isometric(parcel))
    units = [group.find(f"{SVG}title").text for group in picture.iter(f"{SVG}g")]
    assert sorted(units) == ["mug", "mug", "mug", "tea"]


def test_it_says_what_it_shows():
    (parcel,) = cartonize([article("a<b>&", 90, 90, 100)], CARTONS).parcels
    picture = drawn(isometric(parcel))
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == picture.find(f"{SVG}title").text == "S: 1 of a<b>&"


def test_everything_lies_on_the_paper():
    (parcel,) = cartonize([article("a", 190, 140, 90)], CARTONS).parcels
    picture = drawn(isometric(parcel, width=100))
    wide, high = (float(edge) for edge in picture.get("viewBox").split()[2:])
    points = [
        tuple(float(number) for number in point.split())
        for path in picture.iter(f"{SVG}path")
        for point in path.get("d").replace("Z", "").replace("M", "L").strip("L").split("L")
    ]
    assert all(0 <= across <= wide and 0 <= down <= high for across, down in points)


def test_what_is_behind_or_below_is_drawn_first():
    below, above, near = (
        Placement("below", 0, 0, 0, 10, 10, 10),
        Placement("above", 0, 0, 10, 10, 10, 1),
        Placement("near", 10, 0, 0, 1, 10, 30),
    )
    assert [p.sku for p in _back_to_front([near, above, below])] == ["below", "above", "near"]


def test_own_packaging_is_drawn_too():
    size = Dimensions(900, 400, 100)
    parcel = Parcel(
        carton=None,
        contents=Quantities({"sofa": 1}),
        placements=(Placement("sofa", 0, 0, 0, *size),),
        weight_g=1,
        outer=size,
        inner=size,
    )
    assert "Own packaging: 1 of sofa" in isometric(parcel)


def test_step_by_step_nothing_is_laid_before_what_it_rests_on():
    (parcel,) = cartonize(
        [article("book", 200, 150, 30, quantity=2), article("glass", 90, 90, 30, fragile=True)], CARTONS
    ).parcels
    taken = steps(parcel)
    assert [(sku, count) for sku, count, _ in taken] == [("book", 2), ("glass", 1)]
    assert at_step(parcel, 1).contents == {"book": 2}
    assert at_step(parcel, len(taken)).contents == parcel.contents
    pale = isometric(parcel, step=2)
    assert pale.count("12%") == 6
