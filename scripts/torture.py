"""Clients at random on few hot SKUs while processes and the database die; prints the verdict as JSON.

    .venv/bin/python scripts/torture.py --clients 16 --operations 300 --seed 7 --kill api,worker,database,gateway,carrier
    .venv/bin/python scripts/torture.py --clients 16 --minutes 10 --seed 7 --kill api,worker,database,gateway,carrier
    .venv/bin/python scripts/torture.py --check DIRECTORY/history.jsonl

Exits 0 only if the checker finds nothing. What is checked, and how the checker itself is, is told in `docs/proof.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.torture.checker import check
from tests.torture.history import read
from tests.torture.torturing import Asked, torture
from tests.torture.world import VICTIMS


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--operations", type=int, default=100, help="of each client")
    parser.add_argument("--minutes", type=float, default=0.0, help="go on for so long at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apis", type=int, default=2, help="processes that answer HTTP")
    parser.add_argument("--kill", default="", help=f"any of {','.join(VICTIMS)}")
    parser.add_argument("--kills", type=int, default=1_000_000, help="at most so many")
    parser.add_argument(
        "--pause", type=float, nargs=2, default=(1.0, 4.0), help="seconds between kills, from and to"
    )
    parser.add_argument("--data-dir", type=Path, help="kept; a temporary one that is kept if left out")
    parser.add_argument("--check", type=Path, help="judge the history of an earlier run again")
    asked = parser.parse_args()
    if asked.check:
        violations = check(*read(asked.check))
        print(json.dumps(violations, indent=1))
        sys.exit(bool(violations))
    victims = tuple(name for name in asked.kill.split(",") if name)
    if unknown := set(victims) - set(VICTIMS):
        parser.error(f"--kill knows {', '.join(VICTIMS)}, not {', '.join(sorted(unknown))}")
    folder = asked.data_dir or Path(tempfile.mkdtemp(prefix="orderloom-torture-"))
    # The private database's own system user must be able to pass through.
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    wanted = Asked(
        clients=asked.clients,
        operations=0 if asked.minutes else asked.operations,
        seed=asked.seed,
        kill=victims,
        kills=asked.kills,
        pause_s=tuple(asked.pause),
        minutes=asked.minutes,
        apis=asked.apis,
    )
    verdict = asyncio.run(torture(wanted, folder))
    print(json.dumps({**verdict.json(), "history": str(folder / "history.jsonl")}, indent=1))
    sys.exit(bool(verdict.violations))


if __name__ == "__main__":
    main()
