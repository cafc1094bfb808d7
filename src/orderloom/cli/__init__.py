"""The command line's door: `orderloom COMMAND`. Each file here translates one command, or a few that belong together."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer


def main() -> None:
    """The `orderloom` program."""
    application()()


def application() -> typer.Typer:
    """All commands: every file in this folder that has a `register(app)`."""
    app = typer.Typer(
        name="orderloom",
        help="Order management: from “buy” to “delivered”, and back again when it is returned.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # With a callback a single command would still be named on the line.
    app.callback()(lambda: None)
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        if module.name == "__main__":
            continue
        register = getattr(import_module(f"{__name__}.{module.name}"), "register", None)
        if register is not None:
            register(app)
    return app
