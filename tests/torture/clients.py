"""Clients that know nothing of one another: each does its operations one by one and writes down what it is told.

A request that got no answer, or 429 or 503, is asked again with the same key until it is known what became of it.
Some that were answered are sent once more all the same, and some keys are used for another body: both must be met.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from bench.wire import NoAnswer, Said, Wire
from tests.torture.history import OK, REFUSED, Did
from tests.torture.operations import OPERATIONS
from tests.torture.plans import Json, Operation, Plan

TIMEOUT_S = 10
PATIENCE_S = 60
REPEATED, MISUSED = 0.12, 0.03
DEFECTS_MOST = 3


class TortureClient:
    """One of them. Its dice are its own, so that a seed repeats what it wanted, if not what it met."""

    def __init__(
        self,
        number: int,
        *,
        seed: int,
        addresses: list[str],
        api_key: str,
        skus: tuple[str, ...],
        nodes: tuple[str, ...],
        repeated: float = REPEATED,
    ) -> None:
        self.repeated = repeated
        self.number, self.name = number, f"c{number}"
        self.dice = random.Random(seed * 1000 + number)
        self.skus, self.nodes = skus, nodes
        self.orders: dict[str, dict[str, int]] = {}
        self.carts: dict[str, dict[str, int]] = {}
        self.counted: list[tuple[str, str, str, str]] = []
        self.reason = ""
        self.history: list[Did] = []
        self._wires = [Wire(address, api_key) for address in addresses]

    async def work(self, operations: int, on: Callable[[], bool]) -> None:
        """Do so many, and go on for as long as it is said."""
        kinds, weights = list(OPERATIONS), list(OPERATIONS.values())
        while len(self.history) < operations or on():
            await self.do(self.dice.choices(kinds, weights)[0])
        await self.leave()

    async def do(self, operation: Operation) -> None:
        """One thing, if there is something to do it to."""
        self.reason = f"{self.name}-{len(self.history)}"
        plan = await operation(self)
        if plan is not None:
            await self._do(operation.__name__, plan)

    async def leave(self) -> None:
        """Hang up."""
        for wire in self._wires:
            await wire.close()

    async def look(self, path: str, body: Json | None = None) -> Any:
        """A reading on the side, or a preview, to have something to act on; None when there is no answer."""
        try:
            method = "GET" if body is None else "POST"
            said = await self._wire().call(method, path, body, timeout_s=TIMEOUT_S)
        except NoAnswer:
            await asyncio.sleep(0.1)
            return None
        return said.body if said.status == 200 else None

    def _wire(self) -> Wire:
        return self.dice.choice(self._wires)

    async def _do(self, operation: str, plan: Plan) -> None:
        did = Did(
            client=self.number,
            number=len(self.history),
            operation=operation,
            key=str(UUID(int=self.dice.getrandbits(128), version=4)),
            path=plan.path,
            body=plan.body,
            facts=plan.facts,
            wrote=plan.writes,
            known=plan.known,
            invoked=time.monotonic(),
        )
        # On record before it is sent: what is not answered happened, perhaps, all the same.
        self.history.append(did)
        said = await self._until_known(did, plan)
        if said is None:
            plan.lost()
            return
        did.answered = time.monotonic()
        did.status, did.answer = said.status, said.body
        did.outcome = OK if 200 <= said.status < 300 else REFUSED
        if did.outcome == OK:
            # What a preview tells of may never be.
            did.seen = [] if plan.preview else seen_in(said.body)
            plan.learn(said.body)
        if plan.method == "POST" and plan.writes and (did.outcome == OK or said.status == 409):
            await self._ask_again(did, plan)

    async def _until_known(self, did: Did, plan: Plan) -> Said | None:
        end = time.monotonic() + PATIENCE_S
        pause = 0.02
        while time.monotonic() < end and sum(map(_defect, did.tried)) < DEFECTS_MOST:
            said = await self._attempt(did, plan, plan.body, did.tried)
            if said is not None and said.status < 500 and said.status != 429 and not _at_work(said):
                return said
            await asyncio.sleep(pause * self.dice.uniform(0.5, 1.5))
            pause = min(0.5, pause * 2)
        return None

    async def _attempt(self, did: Did, plan: Plan, body: Any, tried: list[str]) -> Said | None:
        key = did.key if did.wrote else None
        try:
            said = await self._wire().call(plan.method, plan.path, body, key=key, timeout_s=TIMEOUT_S)
        except NoAnswer as broken:
            tried.append(str(broken)[:120])
            return None
        tried.append(f"{said.status} {said.code}".strip())
        return said

    async def _ask_again(self, did: Did, plan: Plan) -> None:
        aside: list[str] = []
        if self.dice.random() < self.repeated:
            said = await self._attempt(did, plan, plan.body, aside)
            if said is not None and said.status < 500 and said.status != 429 and not _at_work(said):
                did.repeats.append((said.status, said.body))
        if plan.body and self.dice.random() < MISUSED:
            said = await self._attempt(did, plan, {**plan.body, "reason": "another"}, aside)
            if said is not None and said.status < 500 and said.status != 429 and not _at_work(said):
                did.misused = said.status
        did.tried += [tried for tried in aside if tried.startswith("5")]


def _defect(tried: str) -> bool:
    return tried.startswith("5") and not tried.startswith("503")


def _at_work(said: Said) -> bool:
    return said.code == "idempotency_in_progress"


def seen_in(answer: Any) -> list[tuple[str, int]]:
    """Every object in an answer that has a version."""
    if isinstance(answer, list):
        return [one for part in answer for one in seen_in(part)]
    if not isinstance(answer, dict):
        return []
    found = [one for part in answer.values() for one in seen_in(part)]
    if "version" in answer and ("id" in answer or {"node", "sku"} <= answer.keys()):
        name = answer.get("id") or f"{answer['node']} {answer['sku']}"
        found.append((name, answer["version"]))
    return found
