"""`orderloom serve`: the API and the console on one address."""

from __future__ import annotations

import socket
import sys
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from orderloom import console
from orderloom.api.app import create_app
from orderloom.cli import session, several
from orderloom.network import places
from orderloom.plumbing import garbage, http
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
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="How many share the port; about one a core for a busy API.")
    ] = 1,
    shared: Annotated[bool, typer.Option("--shared", hidden=True)] = False,
) -> None:
    """Serve the API under /v1 and the console under /console. Any number of these may run."""
    if processes > 1 and not several.able():
        print(
            "--processes needs Linux, where the kernel shares a port out: run several on ports of their own."
        )
        raise typer.Exit(1)
    if not demo:
        try:
            settings().require_secret()
        except SecretMissing as missing:
            print(f"{missing} (`serve --demo` goes without)")
            raise typer.Exit(1) from None
    address = (host or settings().api_host, settings().api_port if port is None else port)
    if processes > 1:
        session.run(_share(*address, processes, demo=demo, migrated=migrated))
    else:
        session.run(_serve(*address, migrated=migrated, shared=shared))


async def _serve(host: str, port: int, *, migrated: bool, shared: bool) -> None:
    places.read_table()
    garbage.search_seldom(beyond=garbage.BETWEEN_REQUESTS)
    async with session.opened(migrated=migrated) as database:
        await serve(
            database, settings(), host=host, port=port, on=several.listening(host, port) if shared else None
        )


async def _share(host: str, port: int, processes: int, *, demo: bool, migrated: bool) -> None:
    """Processes that serve on one port, begun anew when one ends; this one only watches over them."""
    async with session.opened(migrated=migrated):
        with several.reserved(host, port) as kept:
            command = [sys.executable, "-m", "orderloom.cli", "serve", "--shared"]
            command += ["--host", host, "--port", str(kept), *(["--demo"] if demo else [])]
            await several.keep(command, count=processes)


async def serve(
    database: Database, chosen: Settings, *, host: str, port: int, on: socket.socket | None = None
) -> None:
    """Answer until told to stop by SIGINT or SIGTERM, on a socket that is bound already or one of our own.

    Requests at work are let finish.
    """
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
        await server.serve(sockets=[on] if on else None)
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
    programs = create_app(database, chosen)

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
                # Line and end at once: processes that share a port share this output as well, and lines would run together.
                told = f"Orderloom answers at http://{host}:{port} (console: /console, API: /v1)\n"
                print(told, end="", flush=True)
