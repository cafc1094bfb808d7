"""What a sender of notices must do for us.

An adapter is one file: a class with one coroutine, which is given a `Sending` and answers with a value:

- `Sent(reference)`: the provider has taken it. `reference` is the provider's own name for it, if it has one.
- `Rejected(code, message)`: it will never be taken as it stands, and a person should see why.

It raises `plumbing.http.Unavailable` for everything else: no answer, half an answer, "not now". Nobody knows then
whether the message was taken, and the same `Sending` comes again. So `call.key` must go to the provider in the form
by which it, or whatever stands behind it, tells a repeat: a Message-ID, an idempotency key.

A worked example, the whole of a sender that writes to a printer in the shop:

    class Printer:
        def __init__(self) -> None:
            self._printed: set[str] = set()

        async def send(self, call: Sending) -> Sent | Rejected:
            if not call.recipient:
                return Rejected("no_recipient", "nobody to hand the sheet to")
            if call.key not in self._printed:
                self._printed.add(call.key)
                print(call.title, call.text, sep=": ")
            return Sent()
"""

from __future__ import annotations

from typing import Protocol

from orderloom.notices.model import Answer, Sending


class Sender(Protocol):
    """One way to buyers."""

    async def send(self, call: Sending) -> Answer:
        """Hand one message over. May raise `plumbing.http.Unavailable`."""
