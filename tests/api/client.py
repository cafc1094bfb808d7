"""A client of the API for tests, speaking ASGI without a socket."""

from __future__ import annotations

from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2

from orderloom.api.app import create_app
from orderloom.plumbing import credentials
from orderloom.plumbing.settings import Settings


class Client(httpx2.AsyncClient):
    """Every POST carries an idempotency key of its own unless the test says otherwise."""

    def __init__(self, app, key: str | None = None, **kwargs) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        super().__init__(
            transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://orderloom.test",
            headers=headers,
            **kwargs,
        )
        self.app = app
        self.database = app.state.desk.database

    async def post(self, url, json=None, *, key: str | None = None, **kwargs):
        headers = {"Idempotency-Key": key or str(uuid4()), **(kwargs.pop("headers", None) or {})}
        return await super().post(url, json=json, headers=headers, **kwargs)

    async def ok(self, method: str, url: str, json=None, *, status=(200, 201, 202, 204), **kwargs):
        """The body of a call that must succeed."""
        headers = {"Idempotency-Key": str(uuid4()), **(kwargs.pop("headers", None) or {})}
        answer = await self.request(method, url, json=json, headers=headers, **kwargs)
        assert answer.status_code in status, f"{method} {url}: {answer.status_code} {answer.text}"
        return (
            answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.content
        )

    async def limited(self, **limits) -> Client:
        """Another client on the same application, with a key of fewer scopes, nodes or channels."""
        limits.setdefault("scopes", credentials.SCOPES)
        async with self.database.transaction() as db:
            _, text = await credentials.create_key(db, name="limited", **limits)
        return Client(self.app, text)


@asynccontextmanager
async def open_client(database, *, settings=None, **app):
    """A client with a key of every scope."""
    app = create_app(database, Settings(_env_file=None, **(settings or {})), **app)
    async with database.transaction() as db:
        _, text = await credentials.create_key(db, name="tests", scopes=credentials.SCOPES)
    async with Client(app, text) as client:
        yield client
