"""`orderloom apikey`: make, list, rotate and revoke the API's keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, cast
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Column, Table

from orderloom import network
from orderloom.cli import session
from orderloom.plumbing import clock, credentials
from orderloom.plumbing.credentials import ApiKey, UnknownScope
from orderloom.plumbing.database import Db
from orderloom.terms import WrongId, unwire, wire

app = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="apikey")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    scope: Annotated[list[str] | None, typer.Option(help="What it opens; may be repeated.")] = None,
    all_scopes: Annotated[bool, typer.Option("--all-scopes", help="Everything.")] = False,
    live: Annotated[bool, typer.Option("--live", help="For live providers; a test key otherwise.")] = False,
    node: Annotated[list[str] | None, typer.Option(help="Limit it to nodes, by code.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Limit it to channels, by code.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="It expires after so many days.")] = None,
) -> None:
    """Make a key and print it, once. Scopes: see the API document, or ask for one that does not exist."""
    session.run(
        _create(name, list(credentials.SCOPES) if all_scopes else scope or [], node, channel, days, live=live)
    )


async def _create(
    name: str,
    scopes: Sequence[str],
    nodes: list[str] | None,
    channels: list[str] | None,
    days: int | None,
    *,
    live: bool,
) -> None:
    async with session.opened() as database, database.transaction() as db:
        try:
            key, text = await credentials.create_key(
                db,
                name=name,
                scopes=scopes,
                mode="live" if live else "test",
                nodes=await _nodes(db, nodes),
                channels=await _channels(db, channels),
                expires_at=clock.now() + timedelta(days=days) if days else None,
            )
        except UnknownScope as unknown:
            raise typer.BadParameter(str(unknown)) from None
    _show(key, text)


@app.command("list")
def list_all() -> None:
    """Every key, without its secret."""
    session.run(_list())


async def _list() -> None:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        keys = await credentials.list_keys(db)
    table = Table(
        Column("id", min_width=36, no_wrap=True), "name", "scopes", "made", "last used", "ends", box=None
    )
    for key in keys:
        ends = "revoked" if key.revoked_at else _day(key.expires_at)
        scopes = "all" if set(key.scopes) == set(credentials.SCOPES) else " ".join(key.scopes)
        table.add_row(
            wire("key", key.id),
            f"{key.name} ({key.prefix}_…)",
            scopes,
            _day(key.created_at),
            _day(key.last_used_at),
            ends,
        )
    Console().print(table)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, from `apikey list`.")]) -> None:
    """End a key at once."""
    session.run(_revoke(_id(key_id)))


async def _revoke(key_id: UUID) -> None:
    async with session.opened() as database, database.transaction() as db:
        if not await credentials.revoke_key(db, key_id):
            raise typer.BadParameter("no key has that id: see `orderloom apikey list`")
    print("Revoked.")


@app.command()
def rotate(
    key_id: Annotated[str, typer.Argument(help="The key's id, from `apikey list`.")],
    *,
    hours: Annotated[int, typer.Option(min=0, help="How long the old key still works.")] = 24,
) -> None:
    """Make a successor with the same rights; the old key ends after an overlap."""
    session.run(_rotate(_id(key_id), timedelta(hours=hours)))


async def _rotate(key_id: UUID, overlap: timedelta) -> None:
    async with session.opened() as database, database.transaction() as db:
        old = next((key for key in await credentials.list_keys(db) if key.id == key_id), None)
        if old is None:
            raise typer.BadParameter("no key has that id: see `orderloom apikey list`")
        key, text = await credentials.create_key(
            db,
            name=old.name,
            scopes=old.scopes,
            mode=cast("Literal['live', 'test']", old.mode),
            nodes=old.nodes,
            channels=old.channels,
            expires_at=None,
        )
        await credentials.revoke_key(db, key_id, after=overlap)
    _show(key, text)


def _show(key: ApiKey, text: str) -> None:
    print(
        f"{text}\n\nThis is shown once. Its id is {wire('key', key.id)}; send it as `Authorization: Bearer …`."
    )


def _id(text: str) -> UUID:
    try:
        return unwire("key", text)
    except WrongId as wrong:
        raise typer.BadParameter(str(wrong)) from None


async def _nodes(db: Db, codes: Sequence[str] | None) -> list[UUID] | None:
    if codes is None:
        return None
    found = {node.code: node.id for node in (await network.nodes_of(db, codes=codes)).values()}
    return _all_of("node", codes, found)


async def _channels(db: Db, codes: Sequence[str] | None) -> list[UUID] | None:
    if codes is None:
        return None
    found = {channel.code: channel.id for channel in (await network.channels_of(db, codes=codes)).values()}
    return _all_of("channel", codes, found)


def _all_of(kind: str, codes: Sequence[str], found: dict[str, UUID]) -> list[UUID]:
    if unknown := [code for code in codes if code not in found]:
        raise typer.BadParameter(f"no {kind} is called {', '.join(unknown)}")
    return [found[code] for code in codes]


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else "never"
