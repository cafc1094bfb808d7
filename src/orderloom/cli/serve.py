"""`orderloom serve`: the API and the console on one address."""

from __future__ import annotations

import socket
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from orderloom import api, console
from orderloom.cli import session
from orderloom.plumbing import http
from orderloom.plumbing.database import Database
from orderloom.plumbing.settings import SecretMissing, Settings, settings

ENDING_SECONDS = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(command)


def command(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; ORDERLOOM_API_HOST otherwise.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; ORDERLOOM_API_PORT otherwise, 0 takes a free one.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Allow the demo's secret.")] = False,
    migrated: Annotated[
        bool, typer.Option("--migrate", help="Bring the database up to the code first.")
    ] = False,
) -> None:
    """Serve the API under /v1 and the console under /console. Any number of these may run."""
    if not demo:
        try:
            settings().require_secret()
        except SecretMissing as missing:
            print(f"{missing} (`serve --demo` goes without)")
            raise typer.Exit(1) from None
    session.run(
        _serve(host or settings().api_host, settings().api_port if port is None else port, migrated=migrated)
    )


async def _serve(host: str, port: int, *, migrated: bool) -> None:
    async with session.opened(migrated=migrated) as database:
        await serve(database, settings(), host=host, port=port)


async def serve(database: Database, chosen: Settings, *, host: str, port: int) -> None:
    """Answer until told to stop by SIGINT or SIGTERM; requests at work are let finish."""
    server = _Announcing(
        uvicorn.Config(
            assembled(database, chosen),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
    )
    try:
        await server.serve()
    finally:
        await http.close()


def assembled(database: Database, chosen: Settings) -> ASGIApp:
    """Both doors as one application, each with its own way of saying no."""
    pages = Starlette(
        routes=[
            *(Route(path, lambda _: RedirectResponse("/console/")) for path in ("/", "/console")),
            Mount("/console", console.application(database=database, settings=chosen)),
        ]
    )
    programs = api.create_app(database, chosen)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        door = pages if path in {"/", "/console"} or path.startswith("/console/") else programs
        await door(scope, receive, send)

    return either


class _Announcing(uvicorn.Server):
    """Says where it answers once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for bound in server.sockets:
                host, port = bound.getsockname()[:2]
                print(f"Orderloom answers at http://{host}:{port} (console: /console, API: /v1)", flush=True)
