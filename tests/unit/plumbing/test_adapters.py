"""Adapters by name: ours cannot be replaced unseen, a package's are found, and who asks for none is told which there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orderloom.notices import senders
from orderloom.plumbing.adapters import NoSuchAdapter, adapter_names, made
from orderloom.plumbing.settings import Settings

GROUP = "orderloom.pigeons"
OURS = {"grey": lambda: "our grey one"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a package whose entry points name a builtin that can be called without anything."""

    def install(name: str, group: str = GROUP, **points: str) -> None:
        home = tmp_path / name
        told = home / f"{name}-1.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        lines = [f"{point} = {value}" for point, value in points.items()]
        (told / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        monkeypatch.syspath_prepend(str(home))

    return install


def test_a_packages_adapter_is_had_by_its_name(package: Callable[..., None]) -> None:
    package("loft", white="builtins:dict")
    assert made(OURS, group=GROUP, kind="pigeon", name="white") == {}
    assert adapter_names(OURS, group=GROUP) == ["grey", "white"]


def test_a_package_cannot_take_the_place_of_one_of_ours(package: Callable[..., None]) -> None:
    package("loft", grey="builtins:dict")
    assert made(OURS, group=GROUP, kind="pigeon", name="grey") == "our grey one"


def test_two_packages_with_one_name_are_told_apart_by_nobody(package: Callable[..., None]) -> None:
    package("loft", white="builtins:dict")
    package("cote", white="builtins:list")
    with pytest.raises(
        NoSuchAdapter, match="more than one pigeon is called 'white': builtins:dict, builtins:list"
    ):
        made(OURS, group=GROUP, kind="pigeon", name="white")


def test_an_unknown_name_is_answered_with_those_there_are(package: Callable[..., None]) -> None:
    package("loft", white="builtins:dict")
    with pytest.raises(NoSuchAdapter, match="no pigeon is called 'black': there are grey, white"):
        made(OURS, group=GROUP, kind="pigeon", name="black")


def test_the_settings_say_which_sender_goes_instead_of_ours(
    package: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    package("post", group="orderloom.senders", ses="builtins:dict", email="builtins:list")
    chosen: dict[str, str] = {}
    monkeypatch.setattr(senders, "settings", lambda: Settings(senders=chosen))
    by_way = senders.sender_for.__wrapped__
    assert isinstance(by_way("email"), senders.smtp.Smtp)
    chosen["email"] = "ses"
    assert by_way("email") == {}
