"""Every setting of a deployment, read from the environment (and a ``.env`` file), each with what it means.

``DATABASE_URL`` keeps its common name; all others begin with ``ORDERLOOM_``. Modules are handed the values they need: nothing reads
the environment but this.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEMO_SECRET = "orderloom-demo-secret-not-for-production"  # noqa: S105 - refused outside the demo, see ``require_secret``


def default_data_dir() -> Path:
    """Where this user's programs keep data on this system."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/orderloom"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "orderloom"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "orderloom"


class Settings(BaseSettings):
    """The deployment's settings; the field's description is the documentation."""

    model_config = SettingsConfigDict(env_prefix="ORDERLOOM_", env_file=".env", extra="ignore", frozen=True)

    # --- data
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="PostgreSQL 18 to use; without it a private one is started in the data directory.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Holds the private PostgreSQL and what the demo keeps between starts.",
    )
    pool_min: int = Field(default=2, ge=0, description="Database connections kept open by each process.")
    pool_max: int = Field(
        default=10,
        ge=1,
        description="Most database connections of each process; hot rows want 10 to 20 in all.",
    )
    statement_seconds: float = Field(default=30, gt=0, description="Longest a single statement may take.")
    lock_seconds: float = Field(default=5, gt=0, description="Longest a statement waits for a lock.")
    database_start_seconds: float = Field(
        default=300,
        gt=0,
        description="Patience with the private PostgreSQL's start; crash recovery takes time.",
    )

    # --- doors
    api_host: str = Field(default="127.0.0.1", description="Address the API and the console listen on.")
    api_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of the API and the console; 0 takes a free one."
    )
    public_url: str | None = Field(
        default=None,
        description="Address under which buyers and providers reach us, for links and callbacks.",
    )
    body_limit_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Largest request body, imports excepted; larger is 413."
    )
    bulk_streams: int = Field(
        default=4,
        ge=1,
        description="Streams of orders that one API process takes at a time; one more is told to come again.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(DEMO_SECRET),
        description="Signs session tokens and links. At least 32 characters of your own outside the demo.",
    )
    session_idle_minutes: int = Field(
        default=30, ge=1, description="A console session ends after so long unused."
    )
    session_hours: int = Field(
        default=12, ge=1, description="A console session ends after so long in any case."
    )

    # --- journeys
    worker_set_size: int = Field(default=500, ge=1, description="Most subjects a worker claims at a time.")
    lease_seconds: float = Field(
        default=30,
        gt=0,
        description="A worker's claim lapses after so long without renewal; another then takes over.",
    )
    poll_seconds: float = Field(
        default=1, gt=0, description="How often a worker looks for due work that no notification told it of."
    )

    reoptimise_minutes: int = Field(
        default=0,
        ge=0,
        description="How often a worker plans unreleased orders anew together and prices scarce units; 0 is never.",
    )

    # --- providers
    smtp_host: str = Field(default="127.0.0.1", description="Mail server that notices are handed to.")
    smtp_port: int = Field(default=1025, ge=0, le=65535, description="Its port.")
    smtp_username: str | None = Field(default=None, description="Its user, if it asks for one.")
    smtp_password: SecretStr | None = Field(default=None, description="Its password, if it asks for one.")
    smtp_starttls: bool = Field(default=False, description="Whether to insist on STARTTLS.")
    smtp_sender: str = Field(
        default="Orderloom <orders@orderloom.example>", description="Sender of the mails that buyers get."
    )
    sms_url: str | None = Field(
        default=None, description="HTTP gateway that text messages are posted to; without one none are sent."
    )
    sms_token: SecretStr | None = Field(default=None, description="Bearer token for the SMS gateway.")
    sms_sender: str = Field(default="Orderloom", description="Sender that text messages show.")
    senders: dict[str, str] = Field(
        default={},
        description='Senders of installed packages that go instead of ours, by way, as JSON: `{"email": "ses"}`.',
    )
    webhook_private_hosts: bool = Field(
        default=False,
        description="Whether webhooks may go to private addresses and plain http; only for demo and tests.",
    )
    feed_dir: Path | None = Field(
        default=None,
        description="Folder of the CSV files that channels fetch their availability from; `feeds` in the data "
        "directory without one.",
    )
    availability_milliseconds: int = Field(
        default=1000,
        ge=0,
        description="A SKU's availability is worked out anew for its channels at most this often.",
    )
    reconcile_minutes: int = Field(
        default=60,
        ge=1,
        description="How often each channel's own listing is compared with what we published, and put right.",
    )
    gateway: str = Field(
        default="sandbox", description="Payment gateway by its registered name: sandbox, stripe."
    )
    gateway_url: str = Field(
        default="http://127.0.0.1:8091",
        description="Address of the sandbox gateway.",
    )
    stripe_url: str | None = Field(
        default=None, description="Address of a stand-in for Stripe, for tests; without it Stripe itself."
    )
    gateway_secret: SecretStr | None = Field(default=None, description="API key at the payment gateway.")
    carrier_url: str = Field(default="http://127.0.0.1:8092", description="Address of the simulated carrier.")
    provider_seconds: float = Field(
        default=10,
        gt=0,
        description="Longest a single call to a provider may take; its outcome is then unknown.",
    )
    provider_concurrency: int = Field(default=16, ge=1, description="Most calls to one provider at a time.")

    # --- telling
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least weight of what is logged."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Lines for people, or one JSON object a line."
    )

    def require_secret(self) -> None:
        """Outside the demo the secret must be the deployment's own."""
        secret = self.secret_key.get_secret_value()
        if secret == DEMO_SECRET or len(secret) < 32:
            raise SecretMissing


class SecretMissing(RuntimeError):
    """ORDERLOOM_SECRET_KEY must be set to at least 32 characters of your own."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


@cache
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()


def as_markdown() -> str:
    """The settings as a page of the documentation; a test compares it with ``docs/settings.md``."""
    rows = [
        f"| `{_variable(name)}` | {_default(name)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Read from the environment, or from a file `.env` in the working directory. Generated by `make docs` from",
            "[`plumbing/settings.py`](../src/orderloom/plumbing/settings.py).",
            "",
            "| variable | default | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _variable(name: str) -> str:
    return "DATABASE_URL" if name == "database_url" else f"ORDERLOOM_{name.upper()}"


def _default(name: str) -> str:
    if name == "data_dir":
        return "the user's data directory"
    if name == "secret_key":
        return "one for the demo"
    default = Settings.model_fields[name].default
    return "" if default is None else f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
