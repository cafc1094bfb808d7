"""All Olist orders the whole way, from the source's rows to each order's end; prints the figures as JSON.

    .venv/bin/python scripts/whole_way.py ../shared/data/olist [--limit N] [--workers N] [--kills N]

With `--kills N` the API, the workers and the gateway are killed (`kill -9`) that many times at random meanwhile and
started again (`scripts/whole_way_killed.py` is the same with twenty). Exits 0 only if every order ended as the source
says, money agrees to the cent with the source, the gateway and our ledger, nothing was charged, labelled or told
twice by anybody's books, and the audit finds nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from orderloom.insight import audit
from orderloom.orders.channels.channel import Translation
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.migrate import migrate
from orderloom.simulate import importing
from orderloom.simulate.sabotage import Killer
from orderloom.simulate.whole_way import WholeWay

VICTIMS = ("api", "worker", "gateway")
SEED = 20


def main(kills: int = 0) -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the Olist CSV files")
    parser.add_argument("--limit", type=int, help="take the first so many orders only")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kills", type=int, default=kills)
    parser.add_argument(
        "--pause", type=float, nargs=2, default=(2.0, 12.0), help="seconds between kills, from and to"
    )
    parser.add_argument(
        "--within", type=float, default=6 * 60, help="minutes; what has not settled then failed"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--data-dir", type=Path, help="a temporary one, removed afterwards, when left out")
    asked = parser.parse_args()
    translation = importing.first(importing.translate_folder("olist", asked.folder), asked.limit)
    with tempfile.TemporaryDirectory(prefix="orderloom-whole-way-") as temporary:
        # A system user of its own runs the private database and must be able to pass through.
        Path(temporary).chmod(0o711)
        data_dir = asked.data_dir or Path(temporary)
        server = EmbeddedPostgres(data_dir)
        server.start()
        try:
            result = asyncio.run(_run(translation, server.url(), data_dir, asked))
        finally:
            # Before the directory goes that it lives in.
            server.release()
    print(json.dumps(result))
    sys.exit(0 if result["good"] else 1)


async def _run(
    translation: Translation, url: str, data_dir: Path, asked: argparse.Namespace
) -> dict[str, object]:
    await migrate(url)
    killer = Killer(times=asked.kills, victims=VICTIMS, pause_s=tuple(asked.pause), seed=asked.seed)
    database = await Database.open(url, statement_timeout_s=3600)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        run = WholeWay(
            database=database,
            name="olist",
            translation=translation,
            data_dir=data_dir,
            workers=asked.workers,
            tell=tell,
            sabotage=killer if asked.kills else None,
            within=timedelta(minutes=asked.within),
        )
        figures = await run.run()
    findings = await audit.of_database(database)
    await database.close()
    violated = {finding.invariant.key: finding.json() for finding in findings if finding.count}
    return {
        **figures,
        "kills": dict(killer.killed),
        "audit": {"invariants": len(findings), "violated": violated},
        "good": figures["good"] and not violated and killer.killed.total() == asked.kills,
    }


if __name__ == "__main__":
    main()
