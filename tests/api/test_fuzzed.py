"""Every route under fire: generated requests against a served API, held against its own document."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orderloom.plumbing import credentials

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"


@pytest.fixture
async def served(database_url, database, tmp_path):
    """The address of a process that serves this database, and a key."""
    async with database.transaction() as db:
        _, key = await credentials.create_key(db, name="fuzz", scopes=credentials.SCOPES)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orderloom.cli", "serve", "--demo", "--port", "0"),
        env={**os.environ, "DATABASE_URL": database_url, "ORDERLOOM_DATA_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    told = (await server.stdout.readline()).decode()
    yield re.search(r"http://[\d.:]+", told).group(), key
    server.terminate()
    await server.wait()


@pytest.mark.slow
def test_no_request_breaks_the_api_or_its_word(served, tmp_path):
    address, key = served
    run = subprocess.run(
        [
            BIN / "st", "run", f"{address}/v1/openapi.json", "-H", f"Authorization: Bearer {key}",
            "--phases", "examples,fuzzing", "--max-examples", "1", "--generation-deterministic",
            "--checks", CHECKS, "--exclude-path-regex", "events$", "--no-color",
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.api.fuzz_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[run.stdout.find("= FAILURES") :][:6000] + run.stderr[-2000:]
