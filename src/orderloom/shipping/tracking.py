"""Tracking numbers of the simulated and the in-house carriers: two letters, sixteen digits, a check digit.

They are derived from the label's reference, so that buying again after a lost answer gives the same number.
"""

from __future__ import annotations

import hashlib
import re

_FORM = re.compile(r"^[A-Z]{2}[0-9]{17}$")
SERIALS = 10**16


def tracking_number(*, carrier: str, reference: str) -> str:
    """The number of the label with that reference at that carrier."""
    digest = hashlib.sha256(f"{carrier}\n{reference}".encode()).digest()
    body = f"{prefix(carrier)}{int.from_bytes(digest[:8], 'big') % SERIALS:016}"
    return f"{body}{check_digit(body)}"


def prefix(carrier: str) -> str:
    """The two letters a carrier's numbers begin with."""
    letters = [letter for letter in carrier.upper() if "A" <= letter <= "Z"]
    return "".join([*letters, "X", "X"][:2])


def check_digit(body: str) -> int:
    """Weights 3 and 1 from the right, letters counting 10 to 35: a mistyped digit always shows."""
    total = sum(int(sign, 36) * (3 if i % 2 == 0 else 1) for i, sign in enumerate(reversed(body)))
    return -total % 10


def is_valid(text: str) -> bool:
    """Whether it has the form and the right check digit; spaces between digits are noise."""
    number = text.replace(" ", "").upper()
    return bool(_FORM.match(number)) and check_digit(number[:-1]) == int(number[-1])
