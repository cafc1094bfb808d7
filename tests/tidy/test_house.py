"""The house rules, held against every file of the repository."""

import subprocess
from functools import cache
from pathlib import Path, PurePath

import pytest

from tests.tidy import code, data_law, papers

ROOT = Path(__file__).parents[2]
PACKAGE = PurePath("src/orderloom")
MIGRATIONS = PACKAGE / "plumbing/migrations/versions"


@cache
def tracked() -> dict[PurePath, str]:
    """Every text file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        try:
            texts[PurePath(name)] = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return texts


def python(under: PurePath | None = None) -> dict[PurePath, str]:
    """The Python files, all or below one folder, named from there."""
    files = {path: text for path, text in tracked().items() if path.suffix == ".py"}
    return (
        files
        if under is None
        else {p.relative_to(under): t for p, t in files.items() if p.is_relative_to(under)}
    )


def faults(judged: dict[PurePath, list[str]]) -> str:
    return "\n".join(f"{path}: {fault}" for path, found in judged.items() for fault in found)


def test_modules_and_public_classes_say_what_they_are():
    assert not faults({path: code.missing_docstrings(text) for path, text in python(PACKAGE).items()})


def test_files_and_functions_stay_in_budget():
    assert not faults({path: code.over_budget(text) for path, text in python().items()})


def test_names_say_something():
    assert not faults({path: code.banned_names(path, text) for path, text in python(PACKAGE).items()})


def test_nobody_below_the_doors_asks_the_clock():
    assert not faults({path: code.clocks(path.parts[0], text) for path, text in python(PACKAGE).items()})


def test_sql_is_written_and_not_put_together():
    assert not faults({path: code.composed_sql(text) for path, text in python(PACKAGE).items()})


def test_a_schema_is_named_by_its_owner_alone():
    schemas = {
        name
        for path, text in tracked().items()
        if path.is_relative_to(MIGRATIONS) and path.suffix == ".sql"
        for name in data_law.schemas_of(text)
    }
    assert "plumbing" in schemas
    files = {
        path.relative_to(PACKAGE): text
        for path, text in tracked().items()
        if path.is_relative_to(PACKAGE) and path.suffix in {".py", ".sql"} and "migrations" not in path.parts
    }
    del files[PurePath("plumbing/schema.sql")]
    assert not faults({path: data_law.foreign_schemas(path, text, schemas) for path, text in files.items()})


def test_no_registry_is_named():
    assert not faults({path: papers.registries(path, text) for path, text in tracked().items()})


def test_no_machine_is_named():
    assert not faults({path: papers.machine_paths(text) for path, text in tracked().items()})


def test_nothing_of_others_is_tracked():
    assert not faults({path: papers.vendored(path, text) for path, text in tracked().items()})


def test_the_changelog_can_be_read():
    assert papers.changelog((ROOT / "CHANGELOG.md").read_text()) == []
