"""${message}."""

from pathlib import Path

from orderloom.plumbing.migrate import apply_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    apply_script(Path(__file__).with_suffix(".sql"))
