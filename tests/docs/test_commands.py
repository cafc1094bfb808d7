"""Every command that a page, a screen or a message tells somebody to type is there, with the options it is shown with."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from orderloom.cli import application

ROOT = Path(__file__).parents[2]
TOLD = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src/orderloom").rglob("*.html")),
    *sorted((ROOT / "src/orderloom").rglob("*.py")),
]
# In code of a page, a screen or a docstring, up to what ends the command.
_COMMAND = re.compile(r"(?:`|<code>|^|\bbin/)orderloom ((?:[a-z][a-z-]*)(?:[^`<|#\n]*))", re.MULTILINE)
_OPTION = re.compile(r"(?<!\S)\[?(--[a-z][a-z-]*)")


@cache
def commands() -> Any:
    """All of them; one that is a group has `commands` of its own."""
    return typer.main.get_command(application())


def shown(text: str) -> list[str]:
    return [found.strip() for found in _COMMAND.findall(text)]


def wrong(told: str) -> str:
    """What is wrong with a command line as it is told; nothing where it can be typed."""
    at = commands()
    for word in told.split():
        if not hasattr(at, "commands"):
            break
        if not re.fullmatch(r"[a-z][a-z-]*", word):
            return "" if at.name != "orderloom" else f"no command {word!r}"
        if word not in at.commands:
            return f"no command {word!r} of {at.name}"
        at = at.commands[word]
    known = {name for parameter in at.params for name in parameter.opts + parameter.secondary_opts}
    unknown = [option for option in _OPTION.findall(told) if option not in known]
    return f"{at.name} has no {', '.join(unknown)}" if unknown and not hasattr(at, "commands") else ""


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ("user create ann@example.com --role owner", ""),
        ("user add ann@example.com", "no command 'add' of user"),
        ("migrate --fast", "migrate has no --fast"),
        ("decide", ""),
    ],
)
def test_a_command_that_is_not_there_is_seen(told, fault):
    assert wrong(told) == fault


def test_what_is_told_can_be_typed():
    found = {
        f"{path.relative_to(ROOT)}: orderloom {told}": fault
        for path in TOLD
        for told in shown(path.read_text())
        if (fault := wrong(told))
    }
    assert not found
