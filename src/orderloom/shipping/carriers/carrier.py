"""What a carrier's adapter does. Copy `flat.py` for a new one; `docs/howto/add-a-carrier.md` is the checklist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, Protocol, Self

from orderloom.shipping.model import Bought, ManifestAccepted, NotFound, Refused, Voided
from orderloom.terms import Address, Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOrder:
    """One label to be bought. `reference` is ours, stable, and the only name of it that survives a lost answer.

    carrier is the carrier's code: one adapter may serve several. cost is what we rated, in minor units.
    """

    reference: str
    carrier: str
    service: str
    sender: Address
    recipient: Address
    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int
    sequence: int
    of: int
    order_number: str
    ship_on: date
    cost: int
    currency: str
    purpose: Literal["outbound", "return"] = "outbound"
    hazmat: bool = False
    given: tuple[Measure, Measure, Measure, Measure] | None = None
    """Edges and weight in the unit they were given in, as rating read them."""

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {
            **asdict(self),
            "sender": self.sender.json(),
            "recipient": self.recipient.json(),
            "ship_on": self.ship_on.isoformat(),
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Self:
        """From its stored form."""
        given = stored.get("given")
        return cls(
            **{
                **stored,
                "given": tuple(Measure(**one) for one in given) if given else None,
                "sender": Address.of(stored["sender"]),
                "recipient": Address.of(stored["recipient"]),
                "ship_on": date.fromisoformat(stored["ship_on"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestOrder:
    """The list of a day's labels, handed to the carrier under our number of it."""

    number: str
    carrier: str
    ship_date: date
    sender: Address
    tracking_numbers: tuple[str, ...]


class Carrier(Protocol):
    """A carrier's adapter. It keeps nothing: what was bought is in our database and at the carrier.

    All methods may be called again with the same arguments and then answer the same. What the carrier decides
    (refused, voided, not found) is returned; `orderloom.plumbing.http.Unavailable` is raised when nobody knows
    whether the call took effect, be it a timeout, a 5xx, or an answer that makes no sense. Never retry inside:
    the journey comes again, and asks `find` before it buys.

    A worked example, for a carrier with a JSON API that takes our reference::

        class Pigeon:
            def __init__(self, *, url: str) -> None:
                self._url = url

            async def buy(self, order: LabelOrder) -> Bought | Refused:
                status, body = await call("POST", f"{self._url}/labels", json={"ref": order.reference, ...})
                if status == 422:
                    return Refused(body["message"], code=body["code"])
                return Bought(order.reference, body["number"], body["id"], body["price_cents"], "USD")

            async def find(self, *, carrier: str, reference: str) -> Bought | Voided | NotFound:
                status, body = await call("GET", f"{self._url}/labels?ref={reference}")
                if not body["labels"]:
                    return NotFound(reference)
                label = body["labels"][0]
                if label["cancelled"]:
                    return Voided(reference)
                return Bought(reference, label["number"], label["id"], label["price_cents"], "USD")

            async def void(self, *, carrier: str, reference: str) -> Voided | Refused: ...

            async def manifest(self, order: ManifestOrder) -> ManifestAccepted | Refused: ...
    """

    async def buy(self, order: LabelOrder) -> Bought | Refused:
        """Buy one label. The same reference twice is one label with one tracking number.

        A carrier that does not know references must be asked in `find` by something it does know; if it can be
        asked by nothing, it is no carrier for an unattended journey.
        """
        ...

    async def find(self, *, carrier: str, reference: str) -> Bought | Voided | NotFound:
        """What became of a reference. Called when the answer to `buy` was lost. Must not change anything."""
        ...

    async def void(self, *, carrier: str, reference: str) -> Voided | Refused:
        """Give the label up: afterwards none of that reference is valid, or becomes so by a late purchase.

        Called also for a reference whose purchase is unknown; one the carrier never heard of is Voided too.
        """
        ...

    async def manifest(self, order: ManifestOrder) -> ManifestAccepted | Refused:
        """Hand over the day's list. The same number twice is one manifest."""
        ...
