"""An in-house courier: no network, no account; a label is a number we derive from its reference.

The file to copy for a carrier of one's own.
"""

from __future__ import annotations

from orderloom.shipping.carriers.carrier import LabelOrder, ManifestOrder
from orderloom.shipping.model import Bought, ManifestAccepted, NotFound, Refused, Voided
from orderloom.shipping.tracking import tracking_number


class Flat:
    """Our own vans, inside one country."""

    async def buy(self, order: LabelOrder) -> Bought | Refused:
        """The same reference always bears the same number."""
        if order.sender.country != order.recipient.country:
            return Refused(f"our vans stay in {order.sender.country}", code="not_served")
        number = tracking_number(carrier=order.carrier, reference=order.reference)
        return Bought(order.reference, number, provider_ref=number, cost=order.cost, currency=order.currency)

    async def find(self, *, carrier: str, reference: str) -> Bought | Voided | NotFound:  # noqa: ARG002
        """Nothing is kept outside our database; buying again gives the same label, so that is safe to say."""
        return NotFound(reference)

    async def void(self, *, carrier: str, reference: str) -> Voided | Refused:  # noqa: ARG002
        """There is nobody to tell."""
        return Voided(reference)

    async def manifest(self, order: ManifestOrder) -> ManifestAccepted | Refused:
        """The list is for our own driver."""
        return ManifestAccepted(order.number, provider_ref=order.number)
