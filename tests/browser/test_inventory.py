"""Stock in the browser: from the grid to why a number is so, putting it right, and what channels are told."""

import re

import pytest

from orderloom.plumbing.database import Database

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
WHY = "/inventory-why?node=CMH&sku=MUG00-CEDA"


async def available(desk) -> int:
    text = await desk.page.locator("dl.head dd strong").first.inner_text()
    return int(text)


async def test_a_cell_leads_to_why_its_number_is_so(owner):
    await owner.go("/inventory?q=MUG00-CEDA&node=CMH")
    assert "120" in await owner.page.inner_text("tr:has-text('MUG00-CEDA')"), (
        "what is on order stands beside it"
    )
    await owner.page.click("a.cell")
    await owner.page.wait_for_selector("h1:has-text('Why MUG00-CEDA at CMH is so')")
    text = await owner.page.inner_text("main")
    assert "does not add up" not in text
    assert "PO-7001" in text
    steps = await owner.page.inner_text("section:has(#w-channels)")
    assert re.search(r"CMH: available less safety stock, plus its backorder limit\s+\+\d+", steps)
    assert "may sell" in steps


async def test_a_count_is_put_right_with_a_reason(owner):
    await owner.go(WHY)
    before = await available(owner)
    on_hand = int(await owner.page.input_value("input[name=units]"))
    await owner.page.fill("input[name=units]", str(on_hand - 2))
    await owner.page.fill("input[name=reason]", "two broken mugs under the shelf")
    await owner.page.click("button:has-text('Put it right')")
    await owner.page.wait_for_selector("p[role=status]:has-text('put right')")
    assert await available(owner) == before - 2
    assert "two broken mugs under the shelf" in await owner.page.inner_text("section:has(#w-moves)")
    await owner.page.fill("input[name=limit]", "3")
    await owner.page.click("button:has-text('Set the limit')")
    await owner.page.wait_for_selector("dl.head:has-text('0 of 3')")
    assert await owner.faults() == []
    await owner.page.fill("input[name=limit]", "0")
    await owner.page.click("button:has-text('Set the limit')")
    await owner.page.wait_for_selector("dl.head:has-text('never')")


async def test_who_decided_on_an_old_number_is_told_the_new_one(owner):
    await owner.go(WHY)
    await owner.page.evaluate("document.querySelector('input[name=expected]').value = '1'")
    await owner.page.fill("input[name=reason]", "a count")
    await owner.page.click("button:has-text('Put it right')")
    await owner.page.wait_for_selector("p[role=alert]:has-text('not the 1 you saw')")
    assert [text for text in owner.said if "409" not in text] == []


async def test_who_may_only_look_is_offered_nothing_to_change(desk):
    await desk.log_in("auditor")
    await desk.go(WHY)
    assert await desk.page.locator("button:has-text('Put it right'), button:has-text('limit')").count() == 0
    assert await desk.page.locator("h1:has-text('Why MUG00-CEDA')").count() == 1


@pytest.fixture
async def spoiled(console):
    """A balance that its ledger does not explain."""
    database = await Database.open(console.database_url)
    async with database.transaction() as db:
        sku = await db.fetchval(
            "UPDATE inventory.stock AS s SET on_hand = on_hand + 7 WHERE (node_id, sku) = (SELECT t.node_id, t.sku "
            "FROM inventory.stock AS t JOIN network.nodes AS n ON n.id = t.node_id WHERE n.code = 'CMH' "
            "AND t.sku > 'P' ORDER BY t.sku LIMIT 1) RETURNING s.sku"
        )
    await database.close()
    return sku


async def test_a_number_that_does_not_add_up_is_shown_in_red(owner, spoiled):
    await owner.go(f"/inventory-why?node=CMH&sku={spoiled}")
    assert "do not add up" in await owner.page.inner_text("p[role=alert]")
    assert await owner.page.locator("td.bad-text").count() >= 1
    assert await owner.faults() == []


async def test_a_channel_shows_its_lag_and_what_diverged(owner):
    await owner.go("/inventory-channels")
    row = await owner.page.inner_text("tr:has-text('market')")
    assert "2.4 s" in row
    assert "1 of 40" in row
    await owner.page.click("tr:has-text('market') a")
    await owner.page.wait_for_selector("h1:has-text('market')")
    assert "MUG00-CEDA: missing" in await owner.page.inner_text("section:has(#c-compared)")
    await owner.page.select_option("select[name=show]", "waiting")
    await owner.page.click("button:has-text('Apply')")
    await owner.page.wait_for_url("**show=waiting**")
    assert await owner.page.locator("[aria-label=Numbers] tbody tr").count() == 1
    await owner.page.click("button:has-text('Compare its listing now')")
    await owner.page.wait_for_selector("p[role=status]:has-text('compared in a moment')")
