"""`orderloom user`: who may log in to the console."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orderloom.cli import session
from orderloom.plumbing import credentials
from orderloom.plumbing.credentials import EmailTaken, UnknownScope, WeakPassword

app = typer.Typer(help="Make and change the console's users.", no_args_is_help=True)
Password = Annotated[
    str,
    typer.Option(
        prompt=True,
        confirmation_prompt=True,
        hide_input=True,
        envvar="ORDERLOOM_USER_PASSWORD",
        help=f"At least {credentials.PASSWORD_LENGTH} characters; asked for when not given.",
    ),
]


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="user")


@app.command()
def create(
    email: str,
    *,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(credentials.ROLES)}.")],
    password: Password,
    name: Annotated[str, typer.Option(help="What to call them.")] = "",
) -> None:
    """Let somebody log in."""
    session.run(_create(email, role, password, name))


async def _create(email: str, role: str, password: str, name: str) -> None:
    async with session.opened() as database, database.transaction() as db:
        try:
            user = await credentials.create_user(db, email=email, password=password, role=role, name=name)
        except EmailTaken:
            raise typer.BadParameter(
                f"{email} is a user already: `orderloom user password {email}` sets another"
            ) from None
        except (UnknownScope, WeakPassword) as refused:
            raise typer.BadParameter(str(refused)) from None
    print(f"{user.email} may log in as {user.role}.")


@app.command("list")
def list_all() -> None:
    """Every user with their role."""
    session.run(_list())


async def _list() -> None:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        users = await credentials.list_users(db)
    table = Table("e-mail", "name", "role", "may log in", box=None)
    for user in users:
        table.add_row(user.email, user.name, user.role, "yes" if user.active else "no")
    Console().print(table)


@app.command("password")
def set_password(email: str, *, password: Password) -> None:
    """Set another password; the user is logged out everywhere."""
    session.run(_set_password(email, password))


async def _set_password(email: str, password: str) -> None:
    async with session.opened() as database, database.transaction() as db:
        try:
            found = await credentials.set_password(db, email=email, password=password)
        except WeakPassword as refused:
            raise typer.BadParameter(str(refused)) from None
    _refuse_unknown(email, found=found)
    print("Done; all sessions have ended.")


@app.command()
def disable(email: str) -> None:
    """Keep a user out from now on; all their sessions end."""
    session.run(_set_active(email, active=False))


@app.command()
def enable(email: str) -> None:
    """Let a user in again."""
    session.run(_set_active(email, active=True))


async def _set_active(email: str, *, active: bool) -> None:
    async with session.opened() as database, database.transaction() as db:
        found = await credentials.set_active(db, email=email, active=active)
    _refuse_unknown(email, found=found)
    print("Done.")


def _refuse_unknown(email: str, *, found: bool) -> None:
    if not found:
        raise typer.BadParameter(f"nobody has the e-mail {email}: see `orderloom user list`")
