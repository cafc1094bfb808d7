"""A sourcing profile in the browser: drafted with its faults told, tested, tried on orders, made active, retired."""

import json

import pytest

from orderloom.journey import trials
from orderloom.plumbing.database import Database
from orderloom.routing import examples

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
RULE = {"name": "not from Columbus", "strategies": [{"name": "elsewhere", "never": {"nodes": ["CMH"]}}]}
TEST = {"name": "it routes", "order": examples.ROUTE, "expect": {"outcome": "routed"}}


async def sound(desk, heading: str) -> None:
    """The page is there, open to everybody, and fits a narrow phone."""
    await desk.page.wait_for_selector(f"h1:has-text('{heading}')")
    assert await desk.faults() == []
    await desk.page.set_viewport_size({"width": 320, "height": 640})
    assert await desk.page.evaluate("document.documentElement.scrollWidth") <= 320
    await desk.page.set_viewport_size({"width": 1440, "height": 900})


async def test_a_version_goes_from_draft_to_active_and_out_of_use(owner, console):
    page = owner.page
    await owner.go("/sourcing")
    await page.fill("input[name=name]", "us")
    await page.fill("textarea[name=text]", json.dumps({"rules": [{**RULE, "colour": "red"}]}))
    await page.click("button:has-text('Keep as a draft')")
    assert "/rules/0/colour" in await page.inner_text("[role=alert]")
    await page.fill("textarea[name=text]", json.dumps({"rules": [RULE], "tests": [TEST]}))
    await page.click("button:has-text('Keep as a draft')")
    await sound(owner, "us@")
    assert "not from Columbus" in await page.inner_text("section:has(#v-rules)")
    await page.click("a:has-text('not from Columbus')")
    await sound(owner, "not from Columbus")
    await page.select_option("select[name=on] >> nth=0", "units_from")
    await page.fill("input[name=value] >> nth=0", "many")
    await page.fill("input[name=s_nearest] >> nth=0", "4")
    await page.fill("input[name=add_tags]", "moved, east")
    await page.click("button:has-text('Keep as a draft')")
    assert "units_from" in await page.inner_text("[role=alert]")
    assert await owner.faults() == []
    await page.fill("input[name=value] >> nth=0", "1")
    await page.click("button:has-text('Keep as a draft')")
    await sound(owner, "us@")
    told = await page.inner_text("section:has(#v-rules)")
    assert all(text in told for text in ("units from 1", "never (nodes CMH); nearest 4", "moved, east"))
    await page.click("button:has-text('Run its tests')")
    await page.wait_for_selector("section:has(#v-tests) .pill:has-text('passed')")

    await page.fill("input[name=last]", "5")
    await page.click("button:has-text('Try it on them')")
    await page.wait_for_selector("h1:has-text('Trial of us@')")
    database = await Database.open(console.database_url)
    done = 1
    while done:
        async with database.transaction() as db:
            done = await trials.go_on(db)
    await database.close()
    await page.wait_for_selector("dd:has-text('5 of 5')", timeout=60_000)
    await sound(owner, "Trial of us@")
    assert "elsewhere" in await page.inner_text("table:has(caption:has-text('By rule'))")

    await page.click("p.crumb a:has-text('us@')")
    await page.fill("form[action$=activate] input[name=reason]", "Columbus moves")
    await page.click("button:has-text('Activate')")
    await page.wait_for_selector("p[role=status]:has-text('Decisions follow this version')")
    await page.fill("form[action$=retire] input[name=reason]", "it has moved")
    await page.click("button:has-text('Retire')")
    await page.wait_for_selector("p[role=status]:has-text('out of use')")
    await owner.go("/sourcing")
    await sound(owner, "Sourcing profiles")
    assert "retired" in await page.inner_text("tbody")


async def test_orders_planned_together_are_seen_before_they_are_put_in_force(owner):
    page = owner.page
    await owner.go("/planning")
    await page.click("button:has-text('See what would change')")
    await page.wait_for_selector("dt:has-text('No plan costs less than')")
    await sound(owner, "Planning")
    await page.click("button:has-text('Put it in force')")
    await page.wait_for_selector("p[role=status]:has-text('It is in force')")
    assert await page.locator("table:has(caption:has-text('The last runs')) tbody tr").count() == 1
