"""Coming in: the right people, and what each role may see and do."""

import pytest

from tests.browser import world

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def test_the_owner_comes_in_and_goes_out(desk):
    await desk.come_in("owner")
    assert await desk.page.inner_text("h1") == "Overview"
    await desk.page.click("button[title='Log out']")
    await desk.page.wait_for_selector("input[name=password]")
    await desk.go("/orders")
    assert "/login" in desk.page.url


async def test_a_page_that_was_asked_for_is_shown_after_login(desk, console):
    await desk.go(f"/orders/{console.world.split}?tab=money")
    await desk.page.fill("input[name=email]", world.PEOPLE["owner"])
    await desk.page.fill("input[name=password]", world.PASSWORD)
    await desk.page.click("button.primary")
    await desk.page.wait_for_selector("#m-ledger")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/console/\\evil.example"])
async def test_nobody_is_sent_elsewhere_by_a_login(desk, elsewhere):
    await desk.page.goto(f"{desk.url}/login?next={elsewhere}")
    assert await desk.page.input_value("input[name=next]") == ""


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(desk):
    said = set()
    for email in (world.PEOPLE["auditor"], "nobody@loom.example"):
        await desk.go("/login")
        await desk.page.fill("input[name=email]", email)
        await desk.page.fill("input[name=password]", "wrong wrong wrong")
        await desk.page.click("button.primary")
        said.add(await desk.page.inner_text("[role=alert]"))
    assert said == {"E-mail or password is wrong."}


async def test_the_cookie_is_out_of_a_scripts_reach(owner):
    await owner.go("/")
    (cookie,) = await owner.page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert await owner.page.evaluate("document.cookie") == ""


async def test_the_auditor_sees_everything_and_has_no_buttons(desk, console):
    await desk.log_in("auditor")
    for path in (f"/orders/{console.world.held}", "/exceptions", "/orders"):
        await desk.go(path)
        assert await desk.page.locator("main form[method=post] button").count() == 0
        assert await desk.page.locator("main form[action$=cancel], main form[action$=hold]").count() == 0


async def test_the_auditor_is_refused_what_no_button_offers(desk, console):
    await desk.log_in("auditor")
    await desk.go("/")
    csrf = await desk.page.input_value("input[name=csrf] >> nth=0")
    answer = await desk.page.request.post(
        f"{desk.url}/orders/{console.world.held}/cancel",
        form={"csrf": csrf, "reason": "fraud"},
        headers={"Origin": desk.url.removesuffix("/console")},
    )
    assert answer.status == 403
    assert "may not" in await answer.text()


async def test_a_warehouse_sees_its_work_and_neither_orders_nor_buyers(desk, console):
    await desk.log_in("warehouse")
    await desk.go("/")
    assert await desk.page.inner_text("h1") == "Pick and pack"
    for path in ("/orders", "/overview", "/notices", "/settings", f"/orders/{console.world.split}"):
        assert (await desk.go(path)).status == 403
    await desk.go(f"/work/{console.world.to_pick}")
    text = await desk.page.inner_text("main")
    assert "@example.com" not in text
    assert "$" not in text


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({}, {"Origin": "same"}),
        ({"csrf": "wrong"}, {"Origin": "same"}),
        ({"csrf": "right"}, {"Origin": "https://evil.example"}),
        ({"csrf": "right"}, {"Sec-Fetch-Site": "cross-site"}),
    ],
)
async def test_a_form_from_elsewhere_is_refused(owner, console, form, headers):
    await owner.go("/")
    csrf = await owner.page.input_value("input[name=csrf] >> nth=0")
    answer = await owner.page.request.post(
        f"{owner.url}/orders/{console.world.held}/hold",
        form={
            "type": "manual",
            "blocks": "route",
            **{k: csrf if v == "right" else v for k, v in form.items()},
        },
        headers={k: owner.url.removesuffix("/console") if v == "same" else v for k, v in headers.items()},
    )
    assert answer.status == 403


async def test_every_page_forbids_inline_scripts_and_frames(owner, console):
    for path in ("/overview", "/login", "/static/console.css", "/nowhere", f"/orders/{console.world.split}"):
        answer = await owner.page.request.get(owner.url + path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_too_many_attempts_at_one_account_are_refused(desk):
    answer = None
    for _ in range(10):
        answer = await desk.page.request.post(
            f"{desk.url}/login",
            form={"email": "guessed@loom.example", "password": "wrong wrong wrong"},
            headers={"Origin": desk.url.removesuffix("/console")},
        )
    assert answer is not None
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
