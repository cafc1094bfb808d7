"""The console as an operator meets it: real server, real database, real Chromium; skipped where there is no Chromium."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from orderloom.plumbing.database import Database
from orderloom.simulate.processes import fleet
from orderloom.simulate.surroundings import planned
from tests.browser import world
from tests.browser.world import World
from tests.conftest import clone, drop, forget_adapters

playwright = pytest.importorskip(
    "playwright.async_api", reason="browser tests skipped: playwright is not installed"
)

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--hide-scrollbars",
]  # fmt: skip
WINDOW = {"viewport": {"width": 1440, "height": 900}, "timezone_id": "UTC", "locale": "en-US"}


def chromium() -> str | None:
    """The system's Chromium; playwright's own download is not used."""
    given = os.environ.get("ORDERLOOM_CHROMIUM")
    return given or next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))),
        None,
    )


@dataclass(frozen=True)
class Running:
    """The console and what is in it."""

    url: str
    world: World
    database_url: str


@asynccontextmanager
async def serving(database_url: str) -> AsyncIterator[Running]:
    """The world made, and the server that shows it."""
    place = Path(tempfile.mkdtemp(prefix="orderloom-browser-"))
    around = planned(database_url=database_url, data_dir=place)
    before = dict(os.environ)
    os.environ.update(around.addresses.environment)
    forget_adapters()
    try:
        async with fleet() as ours:
            await ours.start(*around.outside, around.api)
            database = await Database.open(database_url)
            made = await world.make(database)
            await database.close()
            yield Running(f"{around.addresses.api}/console", made, database_url)
    finally:
        os.environ.clear()
        os.environ.update(before)
        forget_adapters()
        shutil.rmtree(place, ignore_errors=True)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def console(postgres) -> AsyncIterator[Running]:
    if chromium() is None:
        pytest.skip(
            "browser tests skipped: no Chromium on this machine (install it, or name it in ORDERLOOM_CHROMIUM)"
        )
    name = await clone(postgres)
    async with serving(postgres.url(name)) as running:
        yield running
    await drop(postgres, name)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser(console):
    async with playwright.async_playwright() as driver:
        opened = await driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        await opened.close()


@pytest.fixture(scope="session")
def sessions() -> dict:
    """The cookies of whoever has logged in during this run, by role."""
    return {}


class Desk:
    """A browser window at which somebody sits; every message in its console is kept."""

    def __init__(self, page, url: str, sessions: dict) -> None:
        self.page, self.url, self._sessions = page, url, sessions
        self.said: list[str] = []
        page.on(
            "console", lambda message: self.said.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: self.said.append(str(error)))

    async def log_in(self, role: str = "owner") -> None:
        """With the role's session of this run: logging in anew each time would be throttled, as it should. No page is open yet."""
        if role not in self._sessions:
            await self.come_in(role)
            self._sessions[role] = await self.page.context.cookies()
            await self.page.goto("about:blank")
        await self.page.context.add_cookies(self._sessions[role])

    async def come_in(self, role: str) -> None:
        """By the form."""
        await self.page.goto(f"{self.url}/login")
        await self.page.fill("input[name=email]", world.PEOPLE[role])
        await self.page.fill("input[name=password]", world.PASSWORD)
        await self.page.click("button.primary")
        await self.page.wait_for_selector(".side")

    async def go(self, path: str):
        return await self.page.goto(f"{self.url}{path}")

    async def faults(self, *rules: str) -> list[str]:
        """What axe finds that is serious or critical, with the element; of all its rules, or of these alone."""
        # Injected as a script of the page's own world: the page's policy forbids inline scripts, and must.
        if not await self.page.evaluate("() => Boolean(window.axe)"):
            await self.page.evaluate(AXE.read_text())
        asked = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
        found = await self.page.evaluate("asked => axe.run(document, asked)", asked)
        return [
            f"{v['id']} ({v['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"][:3]
        ]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def profile(browser):
    """What a browser remembers, emptied after each test: to make one anew took longer than most of them."""
    context = await browser.new_context(**WINDOW)
    context.set_default_timeout(60_000)
    yield context
    await context.close()


@pytest.fixture
async def desk(console, profile, sessions) -> AsyncIterator[Desk]:
    """A fresh window, nobody logged in."""
    page = await profile.new_page()
    yield Desk(page, console.url, sessions)
    if page.url.startswith(console.url):
        await page.evaluate("localStorage.clear()")
    for opened in profile.pages:
        await opened.close()
    await profile.clear_cookies()


@pytest.fixture
async def owner(desk) -> Desk:
    """The same with the owner logged in."""
    await desk.log_in()
    return desk
