"""Take the README's picture of the console: a routing decision on the map.

    python -m tests.browser.shoot --url http://127.0.0.1:8080/console --email … --password …   (a running demo)
    python -m tests.browser.shoot                                                              (a world of its own)

Looks through the newest orders for one that two nodes ship, and writes docs/images/console.png.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.migrate import migrate
from tests.browser.conftest import FLAGS, chromium, playwright, serving
from tests.browser.world import PASSWORD, PEOPLE

PICTURE = Path(__file__).parents[2] / "docs/images/console.png"
LARGEST = 300_000
LOOKED_AT = 40


async def shoot(page, url: str, out: Path) -> None:
    """The routing page of the first split order found, else of the newest order."""
    await page.goto(f"{url}/orders?view=all")
    numbers = await page.locator("[data-row]").all_inner_texts()
    for number in [*numbers[:LOOKED_AT], numbers[0]]:
        await page.goto(f"{url}/orders/{number}?tab=routing")
        if await page.locator(".map .mark.chosen").count() > 1:
            break
    await page.wait_for_timeout(400)
    picture = await page.screenshot(path=out)
    assert len(picture) < LARGEST, f"{len(picture)} bytes are too many for a README"


@asynccontextmanager
async def somewhere(given: str | None):
    """The console to picture: the one named, or one of our own."""
    if given:
        yield given.rstrip("/")
        return
    server = EmbeddedPostgres(Path(tempfile.mkdtemp(prefix="orderloom-shoot-")))
    server.start()
    try:
        await migrate(server.url("postgres"))
        async with serving(server.url("postgres")) as running:
            yield running.url
    finally:
        server.release()


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url")
    parser.add_argument("--email", default=PEOPLE["owner"])
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--out", type=Path, default=PICTURE)
    return parser.parse_args()


async def main(given: argparse.Namespace) -> None:
    async with somewhere(given.url) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.goto(f"{url}/login")
        await page.fill("input[name=email]", given.email)
        await page.fill("input[name=password]", given.password)
        await page.click("button.primary")
        await page.wait_for_selector(".side")
        await shoot(page, url, given.out)
        await browser.close()


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(asked()))
