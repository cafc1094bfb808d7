"""The structure of a migrated database as text, for people to read and for a test to compare with ``schema.sql``.

``python -m orderloom.plumbing.schema`` (``make schema``) writes that file from the sum of the migrations.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

from .embedded import EmbeddedPostgres, clean_environment
from .migrate import migrate

FILE = Path(__file__).with_name("schema.sql")
HEADER = "-- Generated from the migrations by `make schema`: read it, never edit it.\n"


def dump(server: EmbeddedPostgres, database: str) -> str:
    """The structure by pg_dump, without owners, rights, versions, and the random key of recent releases."""
    command = [
        server.program("pg_dump"), "--schema-only", "--no-owner", "--no-privileges", "--no-comments",
        "--exclude-table=public.alembic_version*", server.url(database),
    ]  # fmt: skip
    text = subprocess.run(  # noqa: S603 - the wheel's own program
        command, check=True, capture_output=True, text=True, env=clean_environment()
    ).stdout
    noise = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*)\n", re.MULTILINE)
    return HEADER + re.sub(r"\n{3,}", "\n\n", "\n" + noise.sub("", text).strip()) + "\n"


def main() -> None:
    """Write ``schema.sql``."""
    with tempfile.TemporaryDirectory(prefix="orderloom-schema-") as place:
        server = EmbeddedPostgres(Path(place), options={"fsync": "off"})
        server.start()
        try:
            asyncio.run(migrate(server.url()))
            FILE.write_text(dump(server, "orderloom"))
        finally:
            server.release()


if __name__ == "__main__":
    main()
