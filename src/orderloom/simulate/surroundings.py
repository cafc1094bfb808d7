"""Everything a run needs around the database, as processes: gateway, carriers, mailbox, API with console, workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orderloom.simulate.processes import Process, free_port, python
from orderloom.sync.feeds import over_http


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where everything answers."""

    gateway: str
    carrier: str
    mailbox: str
    smtp_port: int
    api: str
    marketplace: str | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings by which Orderloom's own processes find the others."""
        # What a marketplace on this machine is told goes to a private address.
        private = {"ORDERLOOM_WEBHOOK_PRIVATE_HOSTS": "true"} if self.marketplace else {}
        return {
            **private,
            "ORDERLOOM_GATEWAY_URL": self.gateway,
            "ORDERLOOM_CARRIER_URL": self.carrier,
            "ORDERLOOM_SMTP_HOST": "127.0.0.1",
            "ORDERLOOM_SMTP_PORT": str(self.smtp_port),
            "ORDERLOOM_PUBLIC_URL": self.api,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The processes of a run, not yet started, by the order in which they are."""

    addresses: Addresses
    outside: tuple[Process, ...]
    api: Process
    workers: tuple[Process, ...]


def planned(
    *, database_url: str, data_dir: Path, workers: int = 1, api_port: int = 0, marketplace: str | None = None
) -> Surroundings:
    """Processes on free loopback ports; their journals and logs are kept in the data directory.

    `marketplace`: the channel whose availability a simulated marketplace is told; without it there is none.
    """
    gateway, carrier, mailbox, smtp, market = (free_port() for _ in range(5))
    port = free_port(api_port)
    addresses = Addresses(
        gateway=f"http://127.0.0.1:{gateway}",
        carrier=f"http://127.0.0.1:{carrier}",
        mailbox=f"http://127.0.0.1:{mailbox}",
        smtp_port=smtp,
        api=f"http://127.0.0.1:{port}",
        marketplace=f"http://127.0.0.1:{market}" if marketplace else None,
    )
    world, logs = data_dir / "world", data_dir / "logs"
    for place in (world, logs):
        place.mkdir(parents=True, exist_ok=True)
    ours = {**addresses.environment, "DATABASE_URL": database_url, "ORDERLOOM_DATA_DIR": str(data_dir)}
    commands = {
        "gateway": ("orderloom.simulate.gateway", "--port", str(gateway), "--data", str(world / "gateway")),
        "carrier": (
            "orderloom.simulate.carrier",
            "--port",
            str(carrier),
            "--data-dir",
            str(world / "carrier"),
        ),
        "mailbox": (
            "orderloom.simulate.mailbox",
            *("--smtp-port", str(smtp), "--http-port", str(mailbox), "--data", str(world / "mailbox")),
        ),
    }
    ready = {
        "gateway": f"{addresses.gateway}/control",
        "carrier": f"{addresses.carrier}/health",
        "mailbox": f"{addresses.mailbox}/stats",
    }
    if marketplace:
        secret = over_http.configured().secret(marketplace)
        commands["marketplace"] = (
            "orderloom.simulate.marketplace",
            *("--port", str(market), "--secret", secret),
        )
        ready["marketplace"] = f"{addresses.marketplace}/health"
    return Surroundings(
        addresses=addresses,
        outside=tuple(
            Process(name, python(*command), logs / f"{name}.log", ready_url=ready[name])
            for name, command in commands.items()
        ),
        api=Process(
            "api",
            python("orderloom.cli", "serve", "--demo", "--port", str(port)),
            logs / "api.log",
            ours,
            f"{addresses.api}/healthz",
        ),
        workers=tuple(
            Process(f"worker-{n}", python("orderloom.cli", "worker"), logs / f"worker-{n}.log", ours)
            for n in range(1, workers + 1)
        ),
    )
