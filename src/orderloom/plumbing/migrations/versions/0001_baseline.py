"""The whole house, one schema a capability."""

from pathlib import Path

from orderloom.plumbing.migrate import apply_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    apply_script(Path(__file__).with_suffix(".sql"))
