"""Documents that cannot drift: every page has its place, every link its end, every adapter its line, the example runs."""

import asyncio
import re
import socket
from pathlib import Path

import pytest
import uvicorn
import yaml

from orderloom.api.app import create_app
from orderloom.journey import setup
from orderloom.notices.senders import SENDERS
from orderloom.orders.channels import FORMATS
from orderloom.payments.gateways import GATEWAYS
from orderloom.plumbing import credentials
from orderloom.plumbing.settings import Settings
from orderloom.shipping.carriers import ADAPTERS
from orderloom.simulate import demo_data
from orderloom.sync.feeds import FEEDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]
FAMILIES = {
    "Carriers": ADAPTERS,
    "Gateways": GATEWAYS,
    "Channels": FORMATS,
    "Senders": SENDERS,
    "Availability feeds": FEEDS,
}
_LINK = re.compile(r"(!?)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")


class _Loader(yaml.SafeLoader):
    """Reads past the one tag that names a function."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda *_: None)


def named(part) -> list[str]:
    """The pages under a part of the navigation."""
    if isinstance(part, str):
        return [part]
    inner = part.values() if isinstance(part, dict) else part
    return [page for one in inner for page in named(one)]


def navigation() -> list[str]:
    return named(yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)["nav"])  # noqa: S506 - a safe loader with one tag more


def links(page: Path) -> list[tuple[bool, str]]:
    """Relative links, and whether each is a picture's. Code is not a link, but a link's words may be code."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [(bool(bang), to) for bang, to in _LINK.findall(text) if not re.match(r"\w+:", to)]


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_page_is_in_the_navigation_once():
    pages = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
    assert sorted(navigation()) == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    lost = []
    for picture, to in links(page):
        path, _, anchor = to.partition("#")
        target = (page.parent / path).resolve() if path else page
        if picture and not (DOCS / "images").is_dir():
            continue  # a checkout in which no picture has been taken yet
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(to)
    assert lost == []


def test_the_tables_of_adapters_name_those_there_are():
    chapters = re.split(r"^## ", (DOCS / "adapters.md").read_text(), flags=re.MULTILINE)[1:]
    told = {
        chapter.split("\n", 1)[0]: re.findall(r"^\| `([\w-]+)` \|", chapter, re.MULTILINE)
        for chapter in chapters
    }
    assert told == {family: list(registry) for family, registry in FAMILIES.items()}


def test_every_decision_says_what_was_refused():
    for page in sorted((DOCS / "decisions").glob("*.md")):
        number = int(page.name[:4])
        text = page.read_text()
        assert text.startswith(f"# {number}. "), page.name
        heads = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        assert heads == ["Question", "Decision", "Why", "Refused", "Costs"], page.name
        assert f"decisions/{page.name}" in (DOCS / "architecture.md").read_text(), page.name


def test_the_lines_that_ask_for_a_decision_run():
    [example] = re.findall(
        r"^```python\n(.*?)^```", (DOCS / "howto/ask-a-decision.md").read_text(), re.MULTILINE | re.DOTALL
    )
    found = {}
    exec(example, found)  # noqa: S102 - our own page
    assert found["record"]["outcome"] == "chosen"


async def test_the_ten_lines_of_the_readme_run(database, monkeypatch, capsys):
    [example] = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    async with database.transaction() as db:
        await setup.put(db, wanted=demo_data.setup())
        scopes = ["orders:write", "orders:read"]
        _, key = await credentials.create_key(db, name="readme", scopes=scopes)
    app = create_app(database, Settings(_env_file=None))
    # Listening already, so that whoever connects before the server has started waits for it.
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[door]))
    port = door.getsockname()[1]
    monkeypatch.setenv("ORDERLOOM_KEY", key)
    code = example.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{port}")
    try:
        await asyncio.to_thread(exec, code, {})
        number, status = capsys.readouterr().out.split()
        assert (number[:3], status) == ("OL-", "reserved")
        await asyncio.to_thread(exec, code, {})
        assert capsys.readouterr().out.split() == [number, status], "sent again it is the same order"
    finally:
        server.should_exit = True
        await serving
