"""The operator's door: pages in the browser, rendered here, made lively by htmx, usable without it.

Owns: what an operator sees and does at `/console`. Promises: every page stands behind a login and a scope, every list
within the reader's channels and nodes; every form carries the session's token; nothing is decided here: an action is
one call of the same function the API calls. Never: SQL, a business rule, a script or style inside a page.
"""

from __future__ import annotations

from fastapi import FastAPI

from orderloom.console.application import application
from orderloom.plumbing.database import Database
from orderloom.plumbing.settings import Settings

__all__ = ["application", "mount"]


def mount(app: FastAPI, *, database: Database | None, settings: Settings) -> FastAPI:
    """Serve the console at `/console` of the application; returned, so that a database opened later can be set.

    A door that opens its database only when it starts passes None and sets `state.database` of what is returned.
    """
    console = application(database=database, settings=settings)
    app.mount("/console", console, name="console")
    return console
