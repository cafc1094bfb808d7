"""The simulated world's way in: the API over HTTP with a key, patient with whatever is down or being restarted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode
from uuid import uuid4

from orderloom.plumbing import http
from orderloom.plumbing.http import Unavailable

Json: TypeAlias = dict[str, Any]
PAGE = 200
PATIENCE_S = 300.0
PAUSE_FIRST_S, PAUSE_LAST_S = 0.05, 2.0
CREATED_OK = (200, 201, 202)
IN_PROGRESS = "idempotency_in_progress"


class Refusal(Exception):
    """The API said no; `status` and `problem` are what it answered."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(self.problem.get("code", ""))


class Client:
    """Calls the API. A key is made before the first attempt and used for every retry, so nothing happens twice."""

    def __init__(self, address: str, api_key: str, *, patience_s: float = PATIENCE_S) -> None:
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._patience_s = patience_s
        self.retries = 0

    async def get(self, path: str, **query: Any) -> Json:
        """Read. Raises Refusal, and Unavailable once patience is at its end."""
        given = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()
        }
        asked = urlencode({name: value for name, value in given.items() if value is not None})
        return await self._call("GET", f"{path}?{asked}" if asked else path)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[list[Json]]:
        """A list page by page."""
        after = None
        while True:
            page = await self.get(path, limit=PAGE, after=after, **query)
            yield page["data"]
            after = page.get("after")
            if not after:
                return

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Json:
        """Change something, once, however often it has to be sent. Raises Refusal, Unavailable."""
        return await self._call(
            "POST", path, None if body is None else dict(body), {"Idempotency-Key": key or uuid4().hex}
        )

    async def put(self, path: str, body: Mapping[str, Any]) -> Json:
        """Make something so. Raises Refusal, Unavailable."""
        return await self._call("PUT", path, dict(body))

    async def _call(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        async with asyncio.timeout(self._patience_s):
            pause = PAUSE_FIRST_S
            while True:
                try:
                    status, answer = await http.call(
                        method,
                        f"{self._address}/v1{path}",
                        json=body,
                        headers={**self._headers, **(headers or {})},
                        timeout_s=60,
                    )
                except Unavailable:
                    answer = None
                else:
                    if status in CREATED_OK:
                        return answer or {}
                    if (answer or {}).get("code") != IN_PROGRESS:
                        raise Refusal(status, answer or {})
                self.retries += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(PAUSE_LAST_S, pause * 2)
