"""Payment gateways, one file each, by the name a tender bears.

Third parties add theirs as entry points of the group `orderloom.gateways` (`plumbing/adapters.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from orderloom.payments.gateways import sandbox
from orderloom.payments.gateways.gateway import Gateway
from orderloom.plumbing.adapters import made


def _stripe() -> Gateway:
    # Stripe's library is an extra and large: it is imported where it is used and nowhere else.
    from orderloom.payments.gateways import stripe  # noqa: PLC0415

    return stripe.configured()


GATEWAYS: dict[str, Callable[[], Gateway]] = {
    "sandbox": sandbox.configured,
    "stripe": _stripe,
}


@cache
def gateway_named(name: str) -> Gateway:
    """The gateway, set up from the settings at first use. Raises NoSuchAdapter."""
    return made(GATEWAYS, group="orderloom.gateways", kind="payment gateway", name=name)
