"""Payment gateways, one file each, by the name a tender bears; third parties add theirs by entry point.

An entry point of the group `orderloom.gateways` names a callable that returns a `Gateway`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from orderloom.payments.gateways import sandbox
from orderloom.payments.gateways.gateway import Gateway


def _stripe() -> Gateway:
    # Stripe's library is an extra and large: it is imported where it is used and nowhere else.
    from orderloom.payments.gateways import stripe  # noqa: PLC0415

    return stripe.configured()


GATEWAYS: dict[str, Callable[[], Gateway]] = {
    "sandbox": sandbox.configured,
    "stripe": _stripe,
}


class NoSuchGateway(LookupError):
    """No payment gateway of that name is installed."""


@cache
def gateway_named(name: str) -> Gateway:
    """The gateway, set up from the settings at first use. Raises NoSuchGateway."""
    if name in GATEWAYS:
        return GATEWAYS[name]()
    for point in entry_points(group="orderloom.gateways", name=name):
        made: Gateway = point.load()()
        return made
    raise NoSuchGateway(f"no payment gateway named {name!r}: there are {', '.join(sorted(GATEWAYS))}")
