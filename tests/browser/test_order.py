"""The page of one order: why it ships from where it does, and what may be done to it."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def test_the_decision_stands_on_the_map(owner, console):
    await owner.go(f"/orders/{console.world.split}?tab=routing")
    chosen = owner.page.locator(".map .mark.chosen")
    # Two nodes have it all between them; late in the day a third may be the cheaper one to be in time.
    nodes = await chosen.count()
    assert nodes in {2, 3}
    assert await owner.page.locator(".map .leg.chosen").count() == nodes
    assert await owner.page.locator(".map .mark.destination").count() == 1
    # The states are there: the sheet of symbols has been fetched and drawn.
    box = await owner.page.locator(".map .states").bounding_box()
    assert box
    assert box["width"] > 300
    label = await owner.page.locator(".map").get_attribute("aria-label")
    for code in await chosen.locator("text").all_text_contents():
        assert code in label


async def test_the_plan_says_what_it_costs_and_what_was_next_best(owner, console):
    await owner.go(f"/orders/{console.world.split}?tab=routing")
    assert await owner.page.locator("#r-plan").is_visible()
    assert "would cost" in await owner.page.inner_text("main")
    verdicts = await owner.page.locator("table:has(caption:text('Every node')) tbody tr").count()
    assert verdicts == 8


async def test_tabs_change_without_a_new_page_and_go_back(owner, console):
    await owner.go(f"/orders/{console.world.split}")
    await owner.page.evaluate("window.mark = 1")
    await owner.page.click(".tabs a:has-text('Money')")
    await owner.page.wait_for_selector("#m-ledger")
    assert "tab=money" in owner.page.url
    assert await owner.page.evaluate("window.mark") == 1
    assert "balances" in await owner.page.inner_text("#m-ledger")
    await owner.page.go_back()
    await owner.page.wait_for_selector("#s-lines")


async def test_a_hold_is_cleared_and_the_order_goes_on(owner, console):
    await owner.go(f"/orders/{console.world.held}")
    assert "holds back ship, capture" in await owner.page.inner_text("main")
    await owner.page.click("button:has-text('Clear hold')")
    await owner.page.wait_for_selector("[role=status]:has-text('cleared')")
    await owner.page.click(".tabs a:has-text('History')")
    await owner.page.wait_for_selector(".timeline >> text=Hold cleared")
    assert "olga@loom.example" in await owner.page.inner_text(".timeline li:has-text('Hold cleared')")


async def test_a_hold_is_raised_with_its_reason(owner, console):
    await owner.go(f"/orders/{console.world.hostile}")
    await owner.page.click("summary:has-text('Hold')")
    await owner.page.select_option("select[name=type]", "address_problem")
    await owner.page.fill(".pop textarea >> nth=0", "House number is missing.")
    await owner.page.click("button:has-text('Raise hold')")
    await owner.page.wait_for_selector(".message.warn:has-text('House number is missing.')")


async def test_an_edit_is_shown_before_it_is_saved(owner, console):
    await owner.go(f"/orders/{console.world.hostile}")
    await owner.page.click("a:has-text('Edit')")
    units = owner.page.locator("input[name=units] >> nth=0")
    more = int(await units.input_value()) + 1
    await units.fill(str(more))
    await owner.page.fill("input[name=reason]", "The buyer wants one more.")
    await owner.page.click("button:has-text('Preview')")
    preview = await owner.page.inner_text("section:has(#e-preview)")
    assert "+1" in preview
    assert "Nothing is changed yet." in preview
    # What was not shown is shown first.
    await owner.page.fill("input[name=units] >> nth=0", str(more + 1))
    await owner.page.click("button:has-text('Save as shown')")
    await owner.page.wait_for_selector("li:has-text('+2')")
    more += 1
    await owner.page.click("button:has-text('Save as shown')")
    await owner.page.wait_for_selector("[role=status]:has-text('The order is changed')")
    assert str(more) in await owner.page.inner_text("table.lines tbody tr >> nth=0")


async def test_address_charges_and_discount_are_edited_on_the_page(owner, console):
    await owner.go(f"/orders/{console.world.hostile}/edit")
    page = owner.page
    await page.fill("input[name=line2]", "Flat 7")
    await page.fill("input[name=adjustment]", "-0.25")
    await page.fill("input[name=discount] >> nth=0", "0.10")
    await page.fill("input[name=reason]", "The buyer has moved up.")
    await page.click("button:has-text('Preview')")
    assert "goes back to be routed" in await page.inner_text("section:has(#e-preview)")
    assert await page.input_value("input[name=line2]") == "Flat 7"
    await page.click("button:has-text('Save as shown')")
    await page.wait_for_selector("[role=status]:has-text('The order is changed')")
    await owner.go(f"/orders/{console.world.hostile}/edit")
    assert await page.input_value("input[name=line2]") == "Flat 7"
    assert await page.input_value("input[name=adjustment]") == "-0.25"
    # A field is emptied as it is filled in.
    await page.fill("input[name=line2]", "")
    await page.fill("input[name=node] >> nth=0", "MOON")
    await page.fill("input[name=reason]", "Back again.")
    await page.click("button:has-text('Preview')")
    assert "No node 'MOON'" in await page.inner_text("[role=alert]")
    assert await page.input_value("input[name=line2]") == ""


async def test_cancelling_says_first_what_it_will_do(owner, console):
    await owner.go("/orders?view=at_nodes")
    number = await owner.page.locator("tr:has-text('released') [data-row]").last.inner_text()
    await owner.go(f"/orders/{number}")
    await owner.page.click("summary:has-text('Cancel')")
    effects = await owner.page.inner_text(".effects")
    assert "cancelled at once" in effects
    await owner.page.click("button:has-text('Cancel the order')")
    await owner.page.wait_for_selector("[role=status]")
    assert await owner.page.locator("h1 .pill:has-text('cancelled')").count()


async def test_an_exception_is_settled_in_the_queue(owner):
    await owner.go("/exceptions?kind=address_undeliverable")
    assert "Ask the buyer for the address" in await owner.page.inner_text("tbody")
    await owner.page.fill("input[name=resolution]", "Asked; the street is 510.")
    await owner.page.click("tbody button:has-text('Resolve')")
    await owner.page.wait_for_selector("[role=status]:has-text('resolved')")
    await owner.go("/exceptions")
    assert "address undeliverable" not in (await owner.page.inner_text("main")).lower()


async def test_a_journey_is_paused_and_resumed_for_a_reason(owner, console):
    await owner.go(f"/orders/{console.world.split}")
    for button, said in (("Pause", "paused"), ("Resume", "goes on")):
        await owner.page.click("summary:has-text('Steer order')")
        await owner.page.fill("details[open] input[name=reason]", f"{button}: the buyer called.")
        await owner.page.click(f"details[open] button:has-text('{button}')")
        await owner.page.wait_for_selector(f"[role=status]:has-text('{said}')")
    assert "Pause: the buyer called." in await owner.page.locator(".timeline").inner_text()


async def test_a_label_is_had_as_pdf_and_as_zpl(owner, console):
    await owner.go(f"/orders/{console.world.delivered}?tab=parcels")
    for form, begins in (("PDF", b"%PDF"), ("ZPL", b"^XA")):
        href = await owner.page.locator(f".parcel a:text-is('{form}')").first.get_attribute("href")
        answer = await owner.page.request.get(owner.url.removesuffix("/console") + href)
        assert (await answer.body()).strip().startswith(begins)
        assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_return_is_approved_on_its_page(owner):
    await owner.go("/returns/R900001")
    await owner.page.click("button:has-text('Approve')")
    await owner.page.wait_for_selector("[role=status]:has-text('approved')")


async def test_an_order_that_is_not_there_is_a_page_that_says_so(owner):
    answer = await owner.go("/orders/OL-1")
    assert answer.status == 404
    assert "nothing here" in await owner.page.inner_text("main")


async def test_the_overview_moves_by_itself(owner, console):
    await owner.go("/overview")
    before = await owner.page.inner_text(".news li >> nth=0")
    other = await owner.page.context.new_page()
    await other.goto(f"{owner.url}/orders/{console.world.hostile}")
    await other.click("summary:has-text('Hold')")
    await other.click("button:has-text('Raise hold')")
    await other.wait_for_selector("[role=status]")
    await owner.page.wait_for_function(
        "before => document.querySelector('.news li').innerText !== before", arg=before, timeout=60_000
    )
    assert "Hold raised" in await owner.page.inner_text(".news li >> nth=0")
