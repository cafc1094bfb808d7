"""What gateway, carriers and mailbox have on their books: the other side's truth, to hold ours against."""

from __future__ import annotations

from collections import Counter
from typing import Any

from orderloom.plumbing import http
from orderloom.simulate.surroundings import Addresses

PAGE = 1_000


async def read(addresses: Addresses) -> dict[str, Any]:
    """The books in figures, with whatever happened twice."""
    return {
        "gateway": await _gateway(addresses.gateway),
        "carrier": await _carrier(addresses.carrier),
        "mailbox": (await http.call("GET", f"{addresses.mailbox}/stats"))[1],
    }


async def _gateway(address: str) -> dict[str, Any]:
    """Money by kind, and authorizations that were captured twice for the same purpose."""
    sums: Counter[str] = Counter()
    charged: Counter[tuple[str, str, int]] = Counter()
    keys: Counter[str] = Counter()
    after = 0
    while True:
        _, page = await http.call("GET", f"{address}/ledger?after={after}&limit={PAGE}")
        for one in page["operations"]:
            if one["status"] == "succeeded":
                sums[one["kind"]] += one["amount"]
                keys[one["key"]] += 1
                if one["kind"] == "capture":
                    charged[one["authorization"], one["key"], one["amount"]] += 1
        after += len(page["operations"])
        if not page["more"]:
            break
    return {
        "operations": after,
        "sums": dict(sums),
        "repeated_keys": sum(count > 1 for count in keys.values()),
        "repeated_captures": sum(count > 1 for count in charged.values()),
    }


async def _carrier(address: str) -> dict[str, Any]:
    _, ledger = await http.call("GET", f"{address}/ledger", timeout_s=60)
    return {**ledger["totals"], "repeated": sum(label["bought"] > 1 for label in ledger["labels"])}
