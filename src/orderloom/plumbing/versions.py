"""Which migrations a database has, held against those of this code.

Every command looks, so it is done without Alembic, whose import takes a third of the time a command takes to start. A migration's
fingerprint is kept with the database that ran it: before the first release the baseline is edited in place, and a database made by
an earlier one differs in ways that no version number tells.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import asyncpg

SCRIPTS = Path(__file__).parent / "migrations" / "versions"
COMMENT = re.compile(r"--.*")


class MadeOtherwise(Exception):
    """The database was made by another version of Orderloom, and no migration leads from it to this one."""


@cache
def scripts() -> dict[str, str]:
    """The fingerprint of each migration of this code by its version, oldest first."""
    return {version_of(path): fingerprint(path.read_text()) for path in sorted(SCRIPTS.glob("*.sql"))}


def version_of(script: Path) -> str:
    """What a script's file is named after."""
    return script.name.partition("_")[0]


def newest() -> str:
    """The version this code wants."""
    return list(scripts())[-1]


def fingerprint(sql: str) -> str:
    """Of what a script does: its comments and its lay-out do not count."""
    return hashlib.sha256(" ".join(COMMENT.sub("", sql).split()).encode()).hexdigest()


async def lacking(url: str) -> list[str]:
    """The versions of this code that a database does not have yet, oldest first: all of them if it was never migrated.

    Raises MadeOtherwise.
    """
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
            return list(scripts())
        if await connection.fetchval("SELECT to_regclass('plumbing.migrations')") is None:
            raise MadeOtherwise("was made before migrations were kept with their fingerprints")
        rows = await connection.fetch("SELECT version, fingerprint FROM plumbing.migrations ORDER BY version")
    finally:
        await connection.close()
    for version, found in rows:
        if version not in scripts():
            raise MadeOtherwise(f"has migration {version}, which this version of Orderloom does not know")
        if found != scripts()[version]:
            raise MadeOtherwise(f"was made by another migration {version} than this version of Orderloom has")
    return [version for version in scripts() if version not in {row["version"] for row in rows}]
