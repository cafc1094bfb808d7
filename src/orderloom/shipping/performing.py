"""One call to a carrier, with no transaction open."""

from __future__ import annotations

from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.shipping.carriers import LabelOrder, adapter
from orderloom.shipping.model import CarrierAnswer, CarrierCall, NotFound, Refused


async def perform(call: CarrierCall) -> CarrierAnswer:
    """Make the call. An unsure purchase asks by reference first: what is there is never bought again.

    Raises `plumbing.http.Unavailable` when nobody knows what became of it.
    """
    if call.verb == "none":
        return Refused(call.problem or "nothing to call for", code="ineligible")
    try:
        carrier = adapter(call.adapter)
    except NoSuchAdapter as missing:
        return Refused(str(missing), code="no_adapter")
    if call.verb == "void":
        return await carrier.void(carrier=call.provider, reference=call.reference)
    if call.unsure:
        found = await carrier.find(carrier=call.provider, reference=call.reference)
        if not isinstance(found, NotFound):
            return found
    return await carrier.buy(LabelOrder.of_json(call.request))
