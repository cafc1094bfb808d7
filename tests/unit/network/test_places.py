"""Where postcodes lie."""

import pytest

from orderloom.network.places import kilometres, located, place_of
from orderloom.terms import Address


def test_a_zip_code_has_a_position_and_a_time_zone():
    place = place_of(postcode="10001")
    assert (round(place.latitude, 1), round(place.longitude, 1)) == (40.7, -74.0)
    assert place.time_zone == "America/New_York"


def test_zip_plus_four_and_spaces_are_understood():
    assert place_of(postcode=" 10001-1234 ") == place_of(postcode="10001")


def test_an_unknown_zip_falls_back_to_its_first_three_digits():
    near = place_of(postcode="10098")
    assert kilometres((near.latitude, near.longitude), (40.75, -73.99)) < 20


@pytest.mark.parametrize("postcode", ["", "1", "abcde", "00000"])
def test_what_is_no_zip_is_nowhere(postcode):
    assert place_of(postcode=postcode) is None


def test_another_country_is_not_looked_up_among_zip_codes():
    assert place_of(postcode="10115", country="DE") is None


def test_an_address_own_position_wins_over_its_postcode():
    place = located(Address(postcode="10001", latitude=40.0, longitude=-75.0))
    assert (place.latitude, place.longitude, place.time_zone) == (40.0, -75.0, "America/New_York")


def test_new_york_to_los_angeles_is_3936_kilometres():
    assert round(kilometres((40.7128, -74.0060), (34.0522, -118.2437))) == 3936
