"""Invented buyers at real ZIP codes, the larger the city the more of them."""

from __future__ import annotations

import random
from typing import Any

FIRST = (
    "Ada", "Ben", "Carmen", "Dev", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Luis", "Mei", "Noor",
    "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wanda", "Ximena", "Yusuf", "Zoe",
)  # fmt: skip
LAST = (
    "Abbott", "Bauer", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen", "Kim",
    "Lopez", "Mbeki", "Nguyen", "Okafor", "Patel", "Quiroga", "Rossi", "Sato", "Tanaka", "Ueda", "Varga", "Weber",
    "Xu", "Young", "Zhang",
)  # fmt: skip
STREETS = (
    "Oak St",
    "Maple Ave",
    "Cedar Ln",
    "2nd St",
    "Lake Dr",
    "Hill Rd",
    "Park Ave",
    "Elm St",
    "River Rd",
    "Main St",
)
# City, state, ZIP, how many thousand of each hundred thousand buyers live about there.
CITIES = (
    ("New York", "NY", "10025", 90), ("Brooklyn", "NY", "11215", 70), ("Los Angeles", "CA", "90026", 80),
    ("Chicago", "IL", "60618", 60), ("Houston", "TX", "77007", 50), ("Phoenix", "AZ", "85016", 35),
    ("Philadelphia", "PA", "19103", 35), ("San Antonio", "TX", "78209", 30), ("San Diego", "CA", "92103", 30),
    ("Dallas", "TX", "75206", 30), ("Austin", "TX", "78704", 30), ("San Jose", "CA", "95126", 25),
    ("Jacksonville", "FL", "32205", 20), ("Columbus", "OH", "43201", 20), ("Charlotte", "NC", "28205", 20),
    ("Indianapolis", "IN", "46205", 18), ("San Francisco", "CA", "94110", 35), ("Seattle", "WA", "98103", 32),
    ("Denver", "CO", "80211", 25), ("Washington", "DC", "20009", 30), ("Boston", "MA", "02130", 30),
    ("Nashville", "TN", "37206", 18), ("Detroit", "MI", "48202", 15), ("Portland", "OR", "97211", 22),
    ("Memphis", "TN", "38104", 12), ("Louisville", "KY", "40204", 12), ("Milwaukee", "WI", "53211", 12),
    ("Albuquerque", "NM", "87106", 10), ("Tucson", "AZ", "85719", 10), ("Fresno", "CA", "93704", 8),
    ("Kansas City", "MO", "64111", 14), ("Atlanta", "GA", "30307", 30), ("Miami", "FL", "33133", 28),
    ("Minneapolis", "MN", "55408", 22), ("New Orleans", "LA", "70115", 12), ("Cleveland", "OH", "44113", 12),
    ("Honolulu", "HI", "96816", 5), ("Anchorage", "AK", "99501", 3), ("Boise", "ID", "83702", 8),
    ("Salt Lake City", "UT", "84103", 12), ("Omaha", "NE", "68105", 8), ("Raleigh", "NC", "27607", 14),
    ("Pittsburgh", "PA", "15217", 14), ("Burlington", "VT", "05401", 4), ("Missoula", "MT", "59801", 2),
    ("Fargo", "ND", "58102", 2), ("Santa Fe", "NM", "87505", 3), ("Savannah", "GA", "31401", 5),
)  # fmt: skip


def somebody(dice: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A buyer and an address, as the API takes them. Nine in ten live there, the others work there."""
    first, last = dice.choice(FIRST), dice.choice(LAST)
    city, state, postcode, _ = dice.choices(CITIES, weights=[row[3] for row in CITIES])[0]
    buyer = {
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{dice.randrange(1000)}@example.com".lower(),
        "phone": f"+1 555 01{dice.randrange(10**5):05d}",
        "notify": ["email"],
    }
    address = {
        "name": buyer["name"],
        "line1": f"{dice.randrange(1, 9_900)} {dice.choice(STREETS)}",
        "city": city,
        "region": state,
        "postcode": postcode,
        "residential": dice.random() < 0.9,
    }
    return buyer, address
