"""The command line's door: `orderloom COMMAND`. Each file here translates one command, or a few that belong together."""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

# Commands whose file has another name than theirs.
ELSEWHERE = {"import": "imports", "export": "apply"}


def main() -> None:
    """The `orderloom` program."""
    application(asked=sys.argv[1] if len(sys.argv) > 1 else None)()


def application(*, asked: str | None = None) -> typer.Typer:
    """All commands: every file in this folder that has a `register(app)`; only `asked`'s when it names one."""
    app = typer.Typer(
        name="orderloom",
        help="Order management: from “buy” to “delivered”, and back again when it is returned.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # With a callback a single command would still be named on the line.
    app.callback()(lambda: None)
    files = sorted(module.name for module in iter_modules(__path__) if module.name != "__main__")
    wanted = ELSEWHERE.get(asked or "", asked)
    # A command starts without waiting for the imports of all the others.
    for name in [wanted] if wanted in files else files:
        register = getattr(import_module(f"{__name__}.{name}"), "register", None)
        if register is not None:
            register(app)
    return app
