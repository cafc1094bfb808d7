"""The one way a gateway is called: no transaction open, the key asked for first when it may have been used."""

from __future__ import annotations

from dataclasses import replace

from orderloom.payments.gateways import gateway_named
from orderloom.payments.gateways.gateway import Gateway
from orderloom.payments.model import Absent, Approved, GatewayAnswer, GatewayCall, Kind, Refused
from orderloom.plumbing.http import Unavailable


async def perform(call: GatewayCall, *, gateway: Gateway | None = None) -> GatewayAnswer:
    """Make the call. Raises Unavailable when nobody knows whether it took effect; the key then finds out later."""
    at = gateway or gateway_named(call.provider)
    if call.unsure:
        found = await at.find(call)
        if not isinstance(found, Absent):
            return _agreed(call, found)
    match call.kind:
        case Kind.AUTHORIZE:
            return _agreed(call, await at.authorize(call))
        case Kind.CAPTURE:
            return _agreed(call, await at.capture(call))
        case Kind.VOID:
            return await _void(at, call)
        case Kind.REFUND:
            return _agreed(call, await at.refund(call))


async def _void(at: Gateway, call: GatewayCall) -> GatewayAnswer:
    """Release a promise; one whose own outcome is unknown is looked for first, and may never have been made."""
    if call.authorization is not None:
        return _agreed(call, await at.void(call))
    if call.authorization_key is None:
        return Absent()
    asked = replace(call, kind=Kind.AUTHORIZE, key=call.authorization_key)
    match await at.find(asked):
        case Approved(reference, amount):
            answer = _agreed(call, await at.void(replace(call, authorization=reference, amount=amount)))
            return replace(answer, authorization=reference) if isinstance(answer, Approved) else answer
        case Refused() | Absent():
            return Absent()


def _agreed(call: GatewayCall, answer: GatewayAnswer) -> GatewayAnswer:
    """What was approved must be what was asked: another amount leaves the operation unknown, for a person to see."""
    if isinstance(answer, Approved) and answer.amount != call.amount:
        raise Unavailable(
            f"{call.provider} approved {answer.amount} instead of {call.amount} {call.currency} for {call.key}"
        )
    return answer
