"""A tracking number is the same for the same reference, and a mistyped one is seen."""

from hypothesis import given
from hypothesis import strategies as st

from orderloom.shipping.tracking import is_valid, tracking_number

NUMBERS = st.builds(
    lambda reference, carrier: tracking_number(carrier=carrier, reference=reference),
    st.text(min_size=1),
    st.sampled_from(["swift", "summit", "q", "7"]),
)


def test_the_reference_alone_decides():
    first = tracking_number(carrier="swift", reference="a-1")
    assert first == tracking_number(carrier="swift", reference="a-1")
    assert first != tracking_number(carrier="swift", reference="a-2")
    assert first.startswith("SW")
    assert len(first) == 19


@given(number=NUMBERS)
def test_a_number_we_make_is_valid(number):
    assert is_valid(number)
    assert is_valid(f" {number[:6]} {number[6:]} ".lower())


@given(number=NUMBERS, at=st.integers(2, 18), other=st.sampled_from("0123456789"))
def test_one_wrong_digit_always_shows(number, at, other):
    mistyped = number[:at] + other + number[at + 1 :]
    assert is_valid(mistyped) == (mistyped == number)


def test_what_is_no_number():
    assert not is_valid("")
    assert not is_valid("1Z999AA10123456784")
