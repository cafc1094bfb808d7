"""The back office in the browser: units set aside, safety stock, a count with its losers, a file of orders, an invoice."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
MUG = "MUG00-CEDA"


async def sent(desk, button: str, said: str) -> None:
    await desk.page.click(f"button:has-text('{button}')")
    await desk.page.wait_for_selector(f"p[role=status]:has-text('{said}')")


async def open_to_everybody(desk):
    """As `test_screens` has it, of the page as it stands."""
    assert await desk.faults() == []
    await desk.page.set_viewport_size({"width": 320, "height": 640})
    assert await desk.page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_units_are_set_aside_from_the_items_page_and_the_effect_is_seen(owner):
    await owner.go(f"/inventory/{MUG}")
    await owner.page.click("a.button:has-text('Allotments')")
    await owner.page.wait_for_selector("h1:has-text('Allotments')")
    await owner.page.select_option("section select[name=channel]", "counter")
    await owner.page.select_option("select[name=kind]", "share")
    await owner.page.fill("input[name=amount]", "80")
    await owner.page.click("button:has-text('Set aside')")
    await owner.page.wait_for_selector("p[role=alert]:has-text('leave 75 %')")
    assert await owner.page.input_value("input[name=amount]") == "80", "what was typed stays"
    await owner.page.select_option("select[name=kind]", "fixed")
    await owner.page.fill("input[name=amount]", "7")
    await sent(owner, "Set aside", "It holds from now on")
    row = owner.page.locator("tr:has-text('counter')")
    cells = [text.strip() for text in await row.locator("td").all_inner_texts()]
    assert cells[:4] == ["counter", "7 units", "0", "7"]
    await row.locator("button").click()
    await owner.page.wait_for_selector("p[role=status]:has-text('no more')")
    assert await owner.page.locator("tr:has-text('counter')").count() == 0
    await open_to_everybody(owner)


async def test_a_safety_rule_is_set_and_taken_away(owner):
    await owner.go(f"/inventory-safety?sku={MUG}")
    assert "computed for 0.1 %" in await owner.page.inner_text("tr:has-text('CMH')")
    assert "nothing was sold down yet" in await owner.page.inner_text("section:has(#s-achieved)")
    await owner.page.fill("section input[name=sku]", "NO-SUCH")
    await owner.page.fill("input[name=units]", "3")
    await owner.page.click("button:has-text('Set the rule')")
    await owner.page.wait_for_selector("p[role=alert]:has-text('no item NO-SUCH')")
    await owner.page.fill("section input[name=sku]", MUG)
    await owner.page.select_option("select[name=node]", "ATL")
    await sent(owner, "Set the rule", "It holds from now on")
    row = owner.page.locator("tr:has-text('ATL')")
    assert "set by hand" in await row.inner_text()
    await row.locator("button").click()
    await owner.page.wait_for_selector("p[role=status]:has-text('no more')")
    assert await owner.page.locator("tr:has-text('ATL')").count() == 0
    await open_to_everybody(owner)


async def test_a_count_is_begun_recorded_and_posted_by_keyboard(owner):
    await owner.go(f"/inventory-counts?node=ATL&sku={MUG}")
    assert await owner.page.input_value("textarea[name=skus]") == MUG
    await sent(owner, "Begin the count", "is begun")
    assert await owner.page.locator("th:has-text('Expected')").count() == 0, "a blind count hides it"
    assert await owner.faults() == []
    await owner.page.focus("input[name=units]")
    await owner.page.keyboard.type("1")
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector("p[role=status]:has-text('recorded')")
    assert "to recount" in await owner.page.inner_text("tbody tr")
    await owner.page.click("button:has-text('Post the count')")
    await owner.page.wait_for_selector("p[role=alert]:has-text('still to be counted')")
    await owner.page.check("input[name=as_it_is]")
    await sent(owner, "Post the count", "is posted")
    text = await owner.page.inner_text("main")
    assert "Who lost what was not there" in text or "Nobody lost a claim" in text
    assert await owner.page.locator("th:has-text('Expected')").count() == 1
    assert [said for said in owner.said if "409" not in said] == []
    await open_to_everybody(owner)


async def test_a_file_shows_how_far_it_is_and_its_bad_rows(owner):
    await owner.go("/orders")
    await owner.page.click("a.button:has-text('Files of orders')")
    await owner.page.click("a:has-text('monday.ndjson')")
    await owner.page.wait_for_selector("h1:has-text('monday.ndjson')")
    row = await owner.page.inner_text("section:has(#j-failed) tbody tr")
    assert "W-29999" in row
    assert "no item 'NO-SUCH-MUG'" in row
    async with owner.page.expect_download() as given:
        await owner.page.click("a.button:has-text('Failed rows as CSV')")
    assert (await given.value).suggested_filename == "failed-rows.csv"
    await open_to_everybody(owner)


async def test_an_invoice_shows_its_differences_and_gives_the_dispute_file(owner):
    await owner.go("/shipments")
    await owner.page.click("a.button:has-text('Carrier invoices')")
    await owner.page.click("a:has-text('E12345106')")
    await owner.page.wait_for_selector("h1:has-text('Invoice E12345106')")
    causes = await owner.page.inner_text("section:has(#i-causes)")
    assert "Duplicate" in causes
    assert "Unknown tracking" in causes
    async with owner.page.expect_download() as given:
        await owner.page.click("a.button:has-text('Dispute file')")
    assert (await given.value).suggested_filename == "disputes.csv"
    await open_to_everybody(owner)
