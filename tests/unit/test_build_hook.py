"""The console's assets are made from their packages at build time."""

import pytest

import hatch_build

ATLAS = {
    "transform": {"scale": [2, 2], "translate": [10, 20]},
    "arcs": [[[0, 0], [5, 0], [0, 5]], [[0, 0], [0, 5], [5, 0]]],
    "objects": {
        "states": {
            "geometries": [
                {"type": "Polygon", "id": "06", "properties": {"name": "California"}, "arcs": [[0, ~1]]},
                {"type": "Polygon", "id": "72", "properties": {"name": "Puerto Rico"}, "arcs": [[0, ~1]]},
            ]
        }
    },
}


def test_a_state_is_decoded_from_the_arcs_around_it():
    drawn = hatch_build.state_map(ATLAS)
    assert (
        '<path id="us-CA" d="M10.0,20.0L20.0,20.0L20.0,30.0L10.0,30.0Z"><title>California</title></path>'
        in drawn
    )
    assert "Puerto Rico" not in drawn


def test_icons_become_symbols_of_one_sheet():
    sheet = hatch_build.sprite({"truck": '<!-- a -->\n<svg\n  class="b"\n>\n  <path d="M1 2" />\n</svg>\n'})
    assert '<symbol id="truck" viewBox="0 0 24 24"' in sheet
    assert '><path d="M1 2" /></symbol>' in sheet


def test_without_the_packages_and_their_copies_the_build_says_what_to_do(tmp_path):
    hook = object.__new__(hatch_build.VendoredAssets)
    hook._BuildHookInterface__root = str(tmp_path)
    with pytest.raises(FileNotFoundError, match="npm ci"):
        hook.initialize("standard", {})


def test_copies_that_are_in_place_will_do(tmp_path):
    vendor = tmp_path / hatch_build.VENDOR
    vendor.mkdir(parents=True)
    for name in (*hatch_build.COPIED, hatch_build.MAP, hatch_build.SPRITE, hatch_build.NOTICE):
        (vendor / name).touch()
    hook = object.__new__(hatch_build.VendoredAssets)
    hook._BuildHookInterface__root = str(tmp_path)
    hook.initialize("standard", {})
