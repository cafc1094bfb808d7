"""The list of orders by keyboard, by filter, by address, and as a file."""

import csv
import io

import pytest

from tests.browser.world import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def focused(desk) -> str:
    return await desk.page.evaluate("document.activeElement.textContent.trim()")


async def test_the_list_is_walked_by_keyboard(owner):
    await owner.go("/orders?view=all")
    numbers = await owner.page.locator("[data-row]").all_inner_texts()
    for key in "jjk":
        await owner.page.keyboard.press(key)
    assert await focused(owner) == numbers[0]
    await owner.page.keyboard.press("j")
    assert await focused(owner) == numbers[1]
    await owner.page.keyboard.press("x")
    assert await owner.page.inner_text("[data-count]") == "1"
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector(f"#panel h2:has-text('{numbers[1]}')")
    assert f"open={numbers[1]}" in owner.page.url
    await owner.page.keyboard.press("Escape")
    assert not await owner.page.locator("#panel").is_visible()
    assert await focused(owner) == numbers[1]


async def test_a_second_enter_opens_the_whole_page(owner):
    await owner.go("/orders?view=all")
    number = await owner.page.locator("[data-row]").first.inner_text()
    await owner.page.keyboard.press("j")
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector("#panel h2")
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector(f"h1:has-text('{number}')")


async def test_letters_are_letters_inside_a_field(owner):
    await owner.go("/orders?view=all")
    await owner.page.keyboard.press("/")
    await owner.page.keyboard.type("jxk?")
    assert await owner.page.input_value("#q") == "jxk?"
    assert not await owner.page.locator("#keys").is_visible()


async def test_the_keys_are_listed_and_can_be_switched_off(owner):
    await owner.go("/orders?view=all")
    await owner.page.keyboard.press("?")
    await owner.page.wait_for_selector("#keys[open]")
    await owner.page.uncheck("#letters")
    await owner.page.keyboard.press("Escape")
    await owner.page.keyboard.press("j")
    assert await owner.page.evaluate("document.activeElement.closest('[data-rows]') === null")


async def test_the_palette_finds_screens_orders_and_items(owner, console):
    await owner.go("/overview")
    await owner.page.keyboard.press("Control+k")
    await owner.page.keyboard.type("invent")
    await owner.page.wait_for_selector("#palette-screens a:has-text('Inventory')")
    await owner.page.fill("#palette-text", console.world.split)
    await owner.page.wait_for_selector(f"#palette-found a:has-text('{console.world.split}')")
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector(f"h1:has-text('{console.world.split}')")


async def test_typing_narrows_the_list_and_the_address_keeps_it(owner, console):
    await owner.go("/orders?view=all")
    await owner.page.fill("#q", "W-20417")
    await owner.page.wait_for_function("() => document.querySelectorAll('[data-row]').length === 1")
    assert "q=W-20417" in owner.page.url
    await owner.page.reload()
    assert await owner.page.locator("[data-row]").all_inner_texts() == [console.world.split]
    await owner.page.fill("#q", "no such thing")
    await owner.page.wait_for_selector(".empty a:has-text('Clear filters')")


async def test_filters_of_different_kinds_narrow_and_of_one_kind_widen(owner):
    async def shown(query: str) -> set[str]:
        await owner.go(f"/orders?view=all&{query}")
        return set(await owner.page.locator("[data-row]").all_inner_texts())

    ohio, nevada = await shown("node=CMH"), await shown("node=RNO")
    assert await shown("node=CMH&node=RNO") == ohio | nevada
    market = await shown("channel=market")
    assert await shown("node=CMH&channel=market") == ohio & market


async def test_an_alert_above_the_list_is_a_filter_switched_on_and_off(owner):
    await owner.go("/orders?view=open")
    alert = owner.page.locator(".alerts a:has-text('payment declined')")
    async with owner.page.expect_navigation():
        await alert.click()
    assert await owner.page.locator("[data-row]").count() == 1
    assert "exception=payment_declined" in owner.page.url
    async with owner.page.expect_navigation():
        await alert.click()
    assert "exception=" not in owner.page.url


async def test_pages_follow_one_another_without_gap_or_repeat(owner):
    await owner.go("/orders?view=all")
    total = int((await owner.page.inner_text(".tabs a[aria-current] .count")).replace(",", ""))
    seen = await owner.page.locator("[data-row]").all_inner_texts()
    while await owner.page.locator("a[rel=next]").count():
        await owner.page.click("a[rel=next]")
        await owner.page.wait_for_load_state()
        seen += await owner.page.locator("[data-row]").all_inner_texts()
    assert len(seen) == len(set(seen)) == total


async def test_orders_selected_are_held_together(owner):
    await owner.go("/orders?view=at_nodes")
    boxes = owner.page.locator("tbody input[type=checkbox]")
    chosen = [await boxes.nth(i).get_attribute("value") for i in range(2)]
    for i in range(2):
        await boxes.nth(i).check()
    await owner.page.click(".selection button")
    await owner.page.wait_for_selector("h1:has-text('Orders')")
    assert set(chosen) <= set(await owner.page.locator("[data-row]").all_inner_texts())


async def test_the_file_has_every_row_and_no_formula(owner, console):
    answer = await owner.page.request.get(f"{owner.url}/orders.csv?view=all")
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(await answer.text()))
    buyers = {row[header.index("number")]: row[header.index("buyer")] for row in rows}
    assert console.world.hostile in buyers
    assert len(rows) == len(buyers) >= 70
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


async def test_what_a_buyer_writes_is_shown_and_never_run(owner, console):
    ran = []
    owner.page.on("dialog", lambda dialog: ran.append(dialog.message))
    for path in (
        "/orders?view=all",
        f"/orders/{console.world.hostile}",
        f"/orders/{console.world.hostile}?tab=raw",
    ):
        await owner.go(path)
        assert HOSTILE in await owner.page.inner_text("main")
        assert await owner.page.locator("main img[src=x]").count() == 0
    assert not ran
    assert not owner.said
