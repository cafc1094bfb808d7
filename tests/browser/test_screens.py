"""Every screen: nothing serious for axe, light and dark; nothing wider than a narrow phone; nothing refused by its own policy."""

import pytest
import pytest_asyncio

from tests.browser.conftest import WINDOW, Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SCREENS = {
    "overview": "/overview",
    "orders": "/orders?view=all",
    "orders, nothing found": "/orders?q=nothing+of+the+kind",
    "order": "/orders/{split}",
    "order on hold": "/orders/{held}",
    "order edited": "/orders/{split}/edit",
    "routing": "/orders/{split}?tab=routing",
    "parcels": "/orders/{split}?tab=parcels",
    "money": "/orders/{split}?tab=money",
    "messages": "/orders/{delivered}?tab=messages",
    "history": "/orders/{split}?tab=history",
    "raw": "/orders/{split}?tab=raw",
    "exceptions": "/exceptions",
    "inventory": "/inventory",
    "inventory of a channel at a node": "/inventory?node=CMH&channel=market&show=all",
    "ledger": "/inventory/MUG00-CEDA",
    "why a number is so": "/inventory-why?node=CMH&sku=MUG00-CEDA",
    "what channels are told": "/inventory-channels",
    "what a channel is told": "/inventory-channels/market",
    "supply on its way": "/inventory-supplies",
    "cycle counts": "/inventory-counts",
    "files of orders": "/jobs",
    "carrier invoices": "/carrier-invoices",
    "work": "/work?show=all",
    "pick list": "/work/{to_pick}",
    "packing slip": "/work/{to_pick}/slip",
    "station": "/work/{to_pick}/station",
    "shipments": "/shipments",
    "manifests": "/manifests",
    "promise": "/promise",
    "planning": "/planning",
    "returns": "/returns",
    "return": "/returns/R900001",
    "notices": "/notices",
    "nodes": "/settings?part=nodes",
    "channels": "/settings?part=channels",
    "carriers": "/settings?part=carriers",
    "contract": "/settings/carriers/atlas",
    "cartons": "/settings?part=cartons",
    "packing rules": "/settings?part=packing",
    "webhooks": "/settings?part=webhooks",
    "API keys": "/settings?part=api_keys",
    "users": "/settings?part=users",
    "not there": "/orders/none",
}


def address(console, screen: str) -> str:
    return SCREENS[screen].format(**vars(console.world))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def walker(console, browser, sessions):
    """The owner in one window of their own, who looks at one screen after the other."""
    context = await browser.new_context(**WINDOW)
    context.set_default_timeout(60_000)
    desk = Desk(await context.new_page(), console.url, sessions)
    await desk.log_in()
    yield desk
    await context.close()


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_screen_is_open_to_everybody_and_fits_a_narrow_phone(walker, console, screen):
    walker.said.clear()
    await walker.page.set_viewport_size(WINDOW["viewport"])
    await walker.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await walker.go(address(console, screen))
    assert await walker.page.locator("h1").count() == 1
    assert await walker.faults() == []
    await walker.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert await walker.faults("color-contrast") == [], "in the dark colours alone are others"
    assert [text for text in walker.said if "404" not in text] == []
    await walker.page.set_viewport_size({"width": 320, "height": 640})
    assert await walker.page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_the_login_is_open_to_everybody(desk):
    await desk.go("/login")
    assert await desk.faults() == []


async def test_what_opens_on_top_is_open_to_everybody(owner, console):
    await owner.go("/orders?view=all")
    await owner.page.keyboard.press("j")
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector("#panel .map")
    assert await owner.faults() == []
    await owner.page.click("summary:has-text('Payment')")
    assert await owner.faults() == []
    await owner.page.keyboard.press("Escape")
    await owner.page.keyboard.press("?")
    assert await owner.faults() == []
    await owner.page.keyboard.press("Escape")
    await owner.page.keyboard.press("Control+k")
    await owner.page.keyboard.type("or")
    await owner.page.wait_for_selector("#palette-screens a")
    assert await owner.faults() == []
    await owner.go(f"/orders/{console.world.hostile}")
    await owner.page.click("summary:has-text('Hold')")
    assert await owner.faults() == []


async def test_the_list_works_without_scripts(console, browser):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{console.url}/login")
    await page.fill("input[name=email]", "olga@loom.example")
    await page.fill("input[name=password]", "correct horse battery")
    async with page.expect_navigation():
        await page.click("button.primary")
    await page.goto(f"{console.url}/orders?view=all")
    await page.fill("#q", "W-20417")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert await page.locator("tbody tr").count() == 1
    async with page.expect_navigation():
        await page.click("tbody th a")
    assert await page.locator("#s-lines").count() == 1
    await context.close()
