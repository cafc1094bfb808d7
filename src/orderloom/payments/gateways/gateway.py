"""What a payment gateway must do for us.

An adapter is one file: a class with five coroutines. Each is given a `GatewayCall` and answers with a value:

- `Approved(reference, amount)`: it happened. `reference` is unique among operations of its kind, and that of an
  authorisation comes back as `call.authorization` with every later operation on it.
- `Refused(code, message, retryable)`: it did not happen, and asking again under this key gives the same answer.
- `Absent()`, from `find` alone: the gateway has never heard of the key.

It raises `plumbing.http.Unavailable` for everything else: no answer, half an answer, "not now". Nobody knows then
whether it took effect, and the next attempt asks `find` first. So the key must go to the gateway with the
operation, and `find` must answer by it; an operation asked for twice under one key must happen once.

A worked example, the whole of a gateway that keeps its books in memory:

    class Purse:
        def __init__(self) -> None:
            self._done: dict[str, Approved] = {}

        async def authorize(self, call: GatewayCall) -> Approved | Refused:
            if call.token == "empty":
                return Refused("insufficient_funds", "the purse is empty")
            return self._done.setdefault(call.key, Approved(f"auth-{len(self._done)}", call.amount))

        async def capture(self, call: GatewayCall) -> Approved | Refused:
            return self._done.setdefault(call.key, Approved(f"capture-{len(self._done)}", call.amount))

        async def void(self, call: GatewayCall) -> Approved | Refused: ...
        async def refund(self, call: GatewayCall) -> Approved | Refused: ...

        async def find(self, call: GatewayCall) -> Approved | Refused | Absent:
            return self._done.get(call.key, Absent())
"""

from __future__ import annotations

from typing import Protocol

from orderloom.payments.model import Absent, Approved, GatewayCall, Refused


class Gateway(Protocol):
    """One payment provider. Every coroutine may raise `plumbing.http.Unavailable`."""

    async def authorize(self, call: GatewayCall) -> Approved | Refused:
        """Have `call.amount` of `call.token` promised."""

    async def capture(self, call: GatewayCall) -> Approved | Refused:
        """Take `call.amount` of the promise; `call.left` of it stays promised."""

    async def void(self, call: GatewayCall) -> Approved | Refused:
        """Release all of the promise that was not taken; answers with the amount asked for."""

    async def refund(self, call: GatewayCall) -> Approved | Refused:
        """Pay `call.amount` of what was taken back."""

    async def find(self, call: GatewayCall) -> Approved | Refused | Absent:
        """What became of `call.key`, if it was ever asked."""
