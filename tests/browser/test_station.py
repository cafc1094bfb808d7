"""The pick and pack station, worked by scans alone."""

import pytest

from orderloom import network
from orderloom.network import Node
from orderloom.plumbing.database import Database
from orderloom.terms import Address

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def scan(desk, code: str) -> str:
    """As a wedge scanner does it: keys in a burst and Enter, into whatever has the focus."""
    before = await desk.page.locator("#station").inner_text()
    await desk.page.keyboard.type(code)
    await desk.page.keyboard.press("Enter")
    await desk.page.wait_for_function("b => document.querySelector('#station').innerText !== b", arg=before)
    return await desk.page.inner_text(".verdict")


async def test_a_fulfillment_order_is_picked_and_packed_by_scan(desk, console):
    await desk.log_in("warehouse")
    await desk.go(f"/work/{console.world.to_pick}/station")
    wanted = {}
    for row in await desk.page.locator("tbody tr:has(.left)").all():
        wanted[(await row.locator("th").inner_text()).split()[0]] = int(
            await row.locator(".left").inner_text()
        )
    assert "no item we know" in await scan(desk, "4006381333931")
    assert await desk.page.locator(".verdict.bad").count()
    for sku, units in wanted.items():
        for _ in range(units):
            assert f"{sku}: right" in await scan(desk, sku)
    assert "Pack: scan" in await desk.page.inner_text("#station")
    for sku, units in wanted.items():
        for _ in range(units):
            assert f"{sku}: right" in await scan(desk, sku)
    assert "too many" in await scan(desk, next(iter(wanted)))
    await desk.page.fill("input[name=weight_g]", "1")
    await desk.page.click("button:has-text('Close parcel')")
    await desk.page.wait_for_selector(".verdict.bad:has-text('scale says')")
    await desk.page.click("button:has-text('Close parcel')")
    await desk.page.wait_for_selector(".verdict.good:has-text('All packed')")


async def press(page, text, *, gap_ms):
    """The keys of a text and Enter, so far apart by their own time stamps: how busy the machine is does not matter."""
    await page.evaluate(
        """([text, gap]) => {
            const start = performance.now();
            [...text, "Enter"].forEach((key, n) => {
                const event = new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true});
                Object.defineProperty(event, "timeStamp", {value: start + n * gap});
                document.body.dispatchEvent(event);
            });
        }""",
        [text, gap_ms],
    )


async def test_a_scan_with_the_focus_elsewhere_still_counts(desk, console):
    await desk.log_in("warehouse")
    await desk.go("/work?show=to_pick")
    # Of one with several units, so that it is still being picked after the first scan.
    rows = desk.page.locator("tbody tr")
    units = [int(text) for text in await rows.locator("td.num:nth-child(4)").all_inner_texts()]
    await (
        rows.nth(next(i for i, count in enumerate(units) if count > 1))
        .locator("a:has-text('Station')")
        .click()
    )
    await desk.page.wait_for_selector("#station")
    sku = (await desk.page.locator("tbody th").first.inner_text()).split()[0]
    await desk.page.evaluate("document.activeElement.blur()")
    await press(desk.page, sku, gap_ms=300)
    assert await desk.page.input_value("[data-scanner] input[name=code]") == "", "a person typed that"
    await press(desk.page, sku, gap_ms=10)
    await desk.page.wait_for_selector(f".verdict.good:has-text('{sku}: right')")
    await desk.page.click("button:has-text('Undo one')")
    await desk.page.wait_for_selector(f".verdict.good:has-text('One {sku} taken back')")


async def test_a_node_is_closed_and_opened_again(owner, console):
    # One of its own, so that nothing others look at goes elsewhere.
    annex = Node(code="ANNEX", name="Annex", type="store", address=Address(), time_zone="UTC")
    database = await Database.open(console.database_url)
    async with database.transaction() as db:
        await network.put_nodes(db, nodes=[annex])
    await database.close()
    await owner.go("/work?node=ANNEX")
    await owner.page.click("summary:has-text('Close ANNEX')")
    await owner.page.fill("form.pop input[name=reason]", "burst pipe")
    await owner.page.click("button:has-text('Close ANNEX')")
    await owner.page.wait_for_selector("text=burst pipe")
    await owner.page.click("button:has-text('Open ANNEX again')")
    await owner.page.wait_for_selector("summary:has-text('Close ANNEX')")
