"""The widgets on a store's page, as shoppers meet them: by keyboard, signed out, in trouble."""

from pathlib import Path

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser.screenshots import cheaper, deeds, gifts, in_part, in_part_later, perks
from tests.browser.stage import CODE, TOMAS, Json, Stage, part, redemption

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


async def open_panel(page: Page, query: str = "") -> None:
    await page.goto(f"/{query}")
    await expect(page.locator("perennial-launcher button")).to_be_visible()
    await page.locator("perennial-launcher button").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of that name has the focus."""
    wanted = page.get_by_role("button", name=name, exact=True)
    for _ in range(30):
        if await wanted.evaluate("node => node.getRootNode().activeElement === node"):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"no way to {name} by keyboard")


async def test_redeems_and_applies_by_keyboard(page: Page, stage: Stage) -> None:
    await open_panel(page)
    dialog = page.get_by_role("dialog", name="Northlight Rewards")
    await expect(dialog.get_by_text("Good afternoon, Maya")).to_be_visible()

    await tab_to(page, "Use 1,000 points for €10 off")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Getting your code…").first).to_be_visible()
    await expect(dialog.locator("code")).to_have_text(CODE)
    await expect(dialog.get_by_text("Your code for €10 off is ready")).to_have_count(1)
    await expect(page.locator("perennial-launcher .pn-num")).to_contain_text("240")

    await page.evaluate(
        "document.addEventListener('perennial:applied', e => { window.told = e.detail })"
    )
    await tab_to(page, "Apply to my cart")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("button", name="Applied to your cart")).to_be_focused()

    assert await page.evaluate("window.told") == {"code": CODE}
    assert stage.play.cart == [CODE]
    assert len(stage.play.keys) == 1


async def test_benefits_say_what_they_are_and_apply_their_code(page: Page, stage: Stage) -> None:
    perks(stage.play)
    await open_panel(page)
    mine = page.get_by_role("dialog").get_by_role("group", name="Your benefits")

    rows = mine.get_by_role("listitem")
    await expect(rows).to_have_count(5)
    await expect(rows.nth(0)).to_contain_text("Free shipping")
    await expect(rows.nth(0)).to_contain_text("Good for one order; then you get a new code")
    await expect(rows.nth(0).locator("code")).to_have_text(CODE)
    await expect(rows.nth(1)).to_contain_text("10% off for members")
    await expect(rows.nth(1)).to_contain_text("Your code is on its way")
    await expect(rows.nth(2)).to_contain_text("Used. Your next code is on its way")
    await expect(rows.nth(3)).to_contain_text("Early access")
    await expect(rows.nth(4)).to_contain_text("Free returns")
    brings = "Gold brings: Free shipping\u00a0· 300 points when you reach it"
    await expect(page.get_by_role("dialog").get_by_text(brings)).to_be_visible()

    await tab_to(page, "Apply to my cart")
    await page.keyboard.press("Enter")
    await expect(rows.nth(0).get_by_role("button", name="Applied to your cart")).to_be_focused()
    assert stage.play.cart == [CODE]


async def test_escape_closes_and_gives_the_focus_back(page: Page) -> None:
    await open_panel(page)
    await expect(page.get_by_role("button", name="Close")).to_be_focused()

    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    launcher = page.locator("perennial-launcher button")
    await expect(launcher).to_be_focused()
    await expect(launcher).to_have_attribute("aria-expanded", "false")


async def test_keeps_the_focus_inside_on_a_narrow_screen(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await open_panel(page)

    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="History")).to_be_focused()
    await page.keyboard.press("Tab")

    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    await expect(page.get_by_role("dialog")).to_have_attribute("aria-modal", "true")


async def test_guest_is_shown_the_way_in(page: Page, stage: Stage) -> None:
    stage.play.visitor = None

    await open_panel(page)

    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("link", name="Sign in or join")).to_have_attribute(
        "href", "/my-account/"
    )
    await expect(dialog.get_by_text("500 points is €5 off")).to_be_visible()
    await expect(dialog.get_by_role("navigation")).to_have_count(0)
    await expect(page.locator("perennial-launcher .pn-num")).to_be_hidden()


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_a_failing_service_draws_nothing(page: Page, stage: Stage, status: int) -> None:
    stage.play.state_status = status

    async with page.expect_response("**/state?*"):
        await page.goto("/")
    await page.wait_for_timeout(200)

    await expect(page.locator("perennial-launcher")).to_have_count(0)
    assert await page.evaluate("document.body.lastElementChild.tagName") == "SCRIPT"


async def test_an_unreachable_service_draws_nothing(page: Page) -> None:
    await page.route("**/storefront/**", lambda route: route.abort())

    await page.goto("/")
    await page.wait_for_timeout(200)

    await expect(page.locator("perennial-launcher")).to_have_count(0)


async def test_no_program_draws_nothing(page: Page, stage: Stage) -> None:
    stage.play.program = None

    await page.goto("/")
    await page.wait_for_timeout(200)

    await expect(page.locator("perennial-launcher")).to_have_count(0)


async def test_bundles_that_fail_draw_nothing(page: Page) -> None:
    await page.route("**/widgets/*/panel.js", lambda route: route.abort())
    await page.goto("/")

    await page.locator("perennial-launcher button").click()

    await expect(page.locator("perennial-launcher")).to_have_count(0)


async def test_a_refusal_says_what_to_do_and_that_no_points_went(page: Page, stage: Stage) -> None:
    stage.play.redeem_problems = [(409, "insufficient-points")]
    await open_panel(page)

    await page.get_by_role("button", name="Use 1,000 points for €10 off").click()

    note = page.get_by_role("alert")
    await expect(note).to_contain_text(
        "You don\u2019t have enough points for this reward any more."
    )
    await expect(note).to_contain_text("No points were taken.")
    assert stage.play.keys == []


async def test_a_reward_that_is_sold_out_is_said_and_not_offered(page: Page, stage: Stage) -> None:
    assert stage.play.program
    few, gone, _ = stage.play.program["rewards"]
    few["left"], gone["left"] = 3, 0
    stage.play.redeem_problems = [(409, "reward-sold-out")]
    await open_panel(page)

    await page.get_by_role("button", name="Use 500 points for €5 off").click()
    note = page.get_by_role("alert")
    await expect(note).to_contain_text("This reward has just run out. Choose another one.")
    await expect(note).to_contain_text("No points were taken.")

    await page.get_by_role("button", name="Rewards", exact=True).click()
    first, last = (page.get_by_role("article", name=name) for name in ("€5 off", "€10 off"))
    await expect(first).to_contain_text("3 left")
    await expect(last).to_contain_text("Sold out")
    await expect(last.get_by_role("button")).to_have_count(0)


async def test_a_lost_answer_is_retried_under_the_same_key(page: Page, stage: Stage) -> None:
    stage.play.redeem_problems = [(500, "internal")]
    sent: list[str] = []

    def note_key(request: Request) -> None:
        if request.method == "POST" and "redemptions" in request.url:
            sent.append(request.headers["idempotency-key"])

    page.on("request", note_key)
    await open_panel(page)

    await page.get_by_role("button", name="Use 1,000 points for €10 off").click()
    note = page.get_by_role("alert")
    await expect(note).to_contain_text("We\u2019re checking whether it went through")
    await expect(note).not_to_contain_text("No points were taken")
    await note.get_by_role("button", name="Try again").click()

    await expect(page.locator("perennial-panel code")).to_have_text(CODE)
    assert len(set(sent)) == 1
    assert len(sent) == 2


async def test_an_answer_lost_after_it_went_through_is_found(page: Page, stage: Stage) -> None:
    stage.play.redeem_problems = [(504, "gateway")]
    await open_panel(page)

    await page.get_by_role("button", name="Use 1,000 points for €10 off").click()

    await expect(page.locator("perennial-panel code")).to_have_text(CODE)
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert len(stage.play.keys) == 1


async def test_an_expired_token_is_renewed_once(page: Page, stage: Stage) -> None:
    await open_panel(page)
    stage.play.token = "token-2"

    await page.get_by_role("button", name="Use 1,000 points for €10 off").click()

    await expect(page.locator("perennial-panel code")).to_have_text(CODE)
    assert stage.play.visits == 2


async def test_the_cart_refusing_is_told_in_its_own_words(page: Page, stage: Stage) -> None:
    assert stage.play.visitor
    stage.play.visitor["redemptions"] = [redemption(1, "issued", code=CODE)]
    stage.play.cart_refusal = 'Minimum spend is <b>&euro;20</b> for &quot;X&quot;<img onerror="x">'
    await open_panel(page)
    await page.get_by_role("button", name="Rewards", exact=True).click()

    await page.get_by_role("button", name="Apply to my cart").click()

    await expect(page.get_by_role("alert")).to_have_text('Minimum spend is €20 for "X"')
    await expect(page.get_by_role("button", name=f"Copy the code {CODE}")).to_be_visible()


async def test_a_cart_page_is_read_again_once_the_code_is_in(page: Page, stage: Stage) -> None:
    assert stage.play.visitor
    stage.play.visitor["redemptions"] = [redemption(1, "issued", code=CODE)]
    await open_panel(page, "?body_class=woocommerce-cart")
    await page.get_by_role("button", name="Rewards", exact=True).click()

    async with page.expect_navigation():
        await page.get_by_role("button", name="Apply to my cart").click()

    await expect(page.locator("perennial-launcher button")).to_be_visible()
    assert stage.play.cart == [CODE]


async def test_data_that_cannot_be_drawn_breaks_nothing(page: Page, stage: Stage) -> None:
    assert stage.play.visitor
    stage.play.visitor["redemptions"] = [redemption(1, "issued", code=CODE) | {"currency": "?"}]
    await open_panel(page)

    await page.get_by_role("button", name="Rewards", exact=True).click()

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("perennial-launcher button")).to_be_focused()


async def test_points_that_arrive_are_said_once(page: Page, stage: Stage) -> None:
    await page.goto("/")
    launcher = page.locator("perennial-launcher")
    await expect(launcher.locator(".pn-num")).to_contain_text("1,240")

    assert stage.play.visitor
    stage.play.visitor["available"] = 1358
    await page.clock.set_fixed_time("2026-11-20T14:03:00")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    await expect(launcher.locator(".pn-num")).to_contain_text("1,358")
    await expect(launcher.get_by_role("status")).to_have_text("118 points arrived")


async def test_after_an_order_points_come_by_themselves(page: Page, stage: Stage) -> None:
    await page.goto("/?body_class=woocommerce-order-received")
    launcher = page.locator("perennial-launcher")
    await expect(launcher.locator(".pn-num")).to_contain_text("1,240")

    assert stage.play.visitor
    stage.play.visitor["available"] = 1358

    await expect(launcher.locator(".pn-num")).to_contain_text("1,358")
    await expect(launcher.get_by_role("status")).to_have_text("118 points arrived")


async def test_elsewhere_a_page_asks_once(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/")
    await expect(page.locator("perennial-launcher .pn-num")).to_contain_text("1,240")

    await page.wait_for_timeout(1500)

    assert len([url for url in asked if "/state" in url]) == 2  # everybody's part and the shopper's


async def test_offline_says_since_when_and_holds_redeeming_back(page: Page) -> None:
    await open_panel(page)
    await expect(page.get_by_text("Good afternoon, Maya")).to_be_visible()

    await page.context.set_offline(offline=True)

    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("You\u2019re offline. This is your balance from 14:02")
    use = page.get_by_role("button", name="Use 1,000 points for €10 off")
    await expect(use).to_have_attribute("aria-disabled", "true")


async def test_empty_and_loading_states(page: Page, stage: Stage) -> None:
    stage.play.visitor = dict(TOMAS)
    stage.play.personal_delay_s = 1

    await open_panel(page)

    dialog = page.get_by_role("dialog")
    await expect(dialog).to_have_attribute("aria-busy", "true")
    await expect(dialog.get_by_text("Your first points are one order away")).to_be_visible()


async def test_mirrors_in_arabic(page: Page) -> None:
    await page.set_viewport_size({"width": 1440, "height": 900})
    await open_panel(page, "?lang=ar&dir=rtl")

    box = await page.get_by_role("dialog").bounding_box()
    assert box
    assert box["x"] == 24
    await expect(page.get_by_text("نقاط متاحة")).to_be_visible()


async def test_names_from_the_service_are_never_markup(page: Page, stage: Stage) -> None:
    assert stage.play.visitor
    stage.play.visitor["first_name"] = "<img src=x onerror=alert(1)>"

    await open_panel(page)

    await expect(page.get_by_text("Good afternoon, <img src=x onerror=alert(1)>")).to_be_visible()


async def test_claims_what_was_ordered_without_signing_in_by_keyboard(
    page: Page, stage: Stage
) -> None:
    stage.play.claim_problems = [(400, "request-invalid")]
    await open_panel(page)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Earn", exact=True).click()
    await dialog.get_by_text("Ordered without signing in?").click()

    await dialog.get_by_label("E-mail address on the order").fill("ada@example")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Check the e-mail address")).to_be_visible()
    field = dialog.get_by_label("E-mail address on the order")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("ada@example")
    await field.fill("ada@example.test")
    await page.keyboard.press("Enter")
    code = dialog.get_by_label("Code from the e-mail")
    await expect(code).to_be_focused()
    await expect(dialog.get_by_text("We sent a code to ada@example.test")).to_be_visible()

    stage.play.claim_problems = [(404, "code-unknown")]
    await code.fill("AAAA-BBBB")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("ask for a new one")).to_be_visible()
    await code.fill("CCCC-DDDD")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("What you ordered with ada@example.test")).to_be_visible()
    await expect(page.locator("perennial-launcher .pn-num")).to_contain_text("1,640")

    asked, again, guessed, right = stage.play.claims
    assert asked["key"] != again["key"]  # another address is another request
    assert (guessed["code"], right["code"]) == ("AAAA-BBBB", "CCCC-DDDD")
    assert again["locale"] == "en-GB"


async def test_what_earns_besides_buying_is_shown_and_stands_in_the_history(
    page: Page, stage: Stage
) -> None:
    deeds(stage.play)
    await open_panel(page)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Earn", exact=True).click()
    for name, points in (("Review", "20 points"), ("Newsletter", "40"), ("Birthday", "60")):
        line = dialog.get_by_role("listitem").filter(has_text=name)
        await expect(line).to_contain_text(points)
    await expect(dialog.get_by_text("Bonus")).to_have_count(0)  # whoever told us knows of what

    await dialog.get_by_role("button", name="History").click()
    for name, points in (
        ("Review", "+20"),
        ("Bonus", "+80"),
        ("Points used", "300"),
        ("Points returned", "+300"),
    ):
        line = dialog.get_by_role("listitem").filter(has_text=name)
        await expect(line.first).to_contain_text(points)


async def test_where_no_mail_can_be_sent_nothing_is_offered(page: Page, stage: Stage) -> None:
    stage.play.can_claim = False
    await open_panel(page)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Earn", exact=True).click()
    await expect(dialog.get_by_text("Ways to earn")).to_be_visible()
    await expect(dialog.get_by_text("Ordered without signing in?")).to_have_count(0)


async def test_the_slider_redeems_by_keyboard_what_it_says(page: Page, stage: Stage) -> None:
    in_part(stage.play)
    await open_panel(page)
    await page.get_by_role("button", name="Rewards", exact=True).click()
    card = page.get_by_role("article", name="Money off your cart")
    slider = card.get_by_role("slider", name="Points to use")
    for name, said in (("min", "100"), ("max", "1200"), ("step", "50")):
        await expect(slider).to_have_attribute(name, said)
    await expect(slider).to_have_attribute("aria-valuetext", "100 points is €1.00 off")

    await slider.focus()
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await expect(card).to_contain_text("250 points = €2.50 off")
    await expect(slider).to_have_attribute("aria-valuetext", "250 points is €2.50 off")
    await expect(card).to_contain_text("On orders from €2.50")
    await expect(card).to_contain_text("Unused, your points come back")
    await page.evaluate("dispatchEvent(new Event('online'))")  # the view is drawn again
    await expect(slider).to_be_focused()
    await expect(slider).to_have_value("250")

    await page.keyboard.press("Tab")
    await expect(card.get_by_role("button", name="Use 250 points")).to_be_focused()
    await page.keyboard.press("Enter")

    code = page.get_by_role("article", name="€2.50 off")
    await expect(code.locator("code")).to_have_text(CODE)
    await expect(code).to_contain_text("Unused, your points come back")
    assert stage.play.asked == [{"reward": "part", "points": 250}]
    assert stage.play.visitor
    assert stage.play.visitor["available"] == 990
    assert stage.play.visitor["redemptions"][0]["value_minor"] == 250


async def test_a_choice_whose_answer_was_lost_is_asked_for_again(page: Page, stage: Stage) -> None:
    in_part(stage.play)
    stage.play.redeem_problems = [(500, "internal")]
    await open_panel(page)
    await page.get_by_role("button", name="Rewards", exact=True).click()
    slider = page.get_by_role("slider", name="Points to use")
    await slider.press("ArrowRight")
    await page.get_by_role("button", name="Use 150 points").click()
    await expect(slider).to_have_value("150")
    await slider.press("ArrowRight")  # what is chosen by now is another redemption

    await page.get_by_role("alert").get_by_role("button", name="Try again").click()

    await expect(page.locator("perennial-panel code")).to_have_text(CODE)
    assert stage.play.asked == [{"reward": "part", "points": 150}]


async def test_too_few_points_for_the_slider_say_what_is_missing(page: Page, stage: Stage) -> None:
    in_part_later(stage.play)
    await open_panel(page)
    await page.get_by_role("button", name="Rewards", exact=True).click()

    card = page.get_by_role("article", name="Money off your cart")
    await expect(card).to_contain_text("500 points = €5 off")
    await expect(card).to_contain_text("380 points to go")
    await expect(card.get_by_role("slider")).to_have_count(0)
    await expect(card.get_by_role("button")).to_have_count(0)


async def test_where_there_is_one_step_there_is_nothing_to_slide(page: Page, stage: Stage) -> None:
    assert stage.play.program
    stage.play.program["rewards"] = [part(1200, 2000)]
    await open_panel(page)
    await page.get_by_role("button", name="Choose a reward").click()

    card = page.get_by_role("article", name="Money off your cart")
    await expect(card.get_by_role("slider")).to_have_count(0)
    await card.get_by_role("button", name="Use 1,200 points").click()
    await expect(page.locator("perennial-panel code")).to_have_text(CODE)
    assert stage.play.asked == [{"reward": "part", "points": 1200}]


async def test_a_gift_is_chosen_by_keyboard(page: Page, stage: Stage) -> None:
    gifts(stage.play)
    assert stage.play.program
    title = stage.play.program["rewards"][0]["gifts"][2]["title"]
    await open_panel(page)
    await tab_to(page, "Choose a reward")
    await page.keyboard.press("Enter")
    group = page.get_by_role("group", name="Choose your gift")
    await expect(group.get_by_role("radio")).to_have_count(4)
    await expect(group.get_by_role("radio", name="Enamel mug")).to_be_checked()

    await group.get_by_role("radio", name="Enamel mug").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    tea = group.get_by_role("radio", name=title)
    await page.evaluate("dispatchEvent(new Event('online'))")  # the view is drawn again
    await expect(tea).to_be_focused()
    await expect(tea).to_be_checked()
    await tab_to(page, "Choose this gift for 1,200 points")
    await page.keyboard.press("Enter")

    code = page.get_by_role("article").filter(has=page.locator("code"))
    await expect(code.locator("code")).to_have_text(CODE)
    await expect(code.get_by_role("heading")).to_have_text(f"\u2068{title}\u2069 for free")
    await expect(code).to_contain_text("Put it into your cart, then use the code.")
    await expect(code.get_by_role("link", name="Go to your gift")).to_have_attribute(
        "href", "https://store.example/product/73"
    )
    assert stage.play.asked == [{"reward": "gift", "product": "73"}]


async def test_one_gift_is_taken_at_once_and_links_to_the_web_alone(
    page: Page, stage: Stage
) -> None:
    gifts(stage.play)
    assert stage.play.program
    stage.play.program["rewards"] = stage.play.program["rewards"][1:]
    stage.play.program["rewards"][0]["gifts"][0]["url"] = "javascript:alert(1)"
    await open_panel(page)

    name = "Use 400 points for \u2068Enamel mug\u2069 for free"
    await page.get_by_role("button", name=name).click()

    code = page.get_by_role("article").filter(has=page.locator("code"))
    await expect(code).to_contain_text("Put it into your cart, then use the code.")
    await expect(code.get_by_role("link")).to_have_count(0)
    assert stage.play.asked == [{"reward": "mug", "product": "71"}]


async def test_a_tiers_price_stands_beside_the_usual_one(page: Page, stage: Stage) -> None:
    cheaper(stage.play)
    await open_panel(page)
    await page.get_by_role("button", name="Rewards", exact=True).click()

    card = page.get_by_role("article", name="€5 off")
    await expect(card.locator("s")).to_have_text("500")
    await expect(card).to_contain_text("300 points instead of 500 points")
    await card.get_by_role("button", name="Use 300 points for €5 off").click()

    await expect(page.locator("perennial-panel code")).to_have_text(CODE)
    assert stage.play.visitor
    assert stage.play.visitor["available"] == 940


WORN = """host => {
  const drawn = host.shadowRoot.querySelector('.pn-launcher, .pn-panel')
  const isLeft = drawn.getBoundingClientRect().left < innerWidth / 2
  const accent = getComputedStyle(host).getPropertyValue('--a')
  return [host.dataset.pnScheme, host.dataset.pnPosition, accent, isLeft]
}"""


@pytest.mark.parametrize(
    ("look", "worn"),
    [
        (None, ["light", "end", "#ffd400", False]),
        ({"accent": None, "scheme": "dark", "position": None},
         ["dark", "end", "#ffd400", False]),
        ({"accent": "#1a7f5a", "scheme": "dark", "position": "start"},
         ["dark", "start", "#1a7f5a", True]),
    ],
)  # fmt: skip
async def test_what_the_merchant_chose_goes_before_the_script_tag(
    page: Page, stage: Stage, look: Json | None, worn: list[object]
) -> None:
    stage.play.look = look
    stage.play.visitor = None
    await page.goto("/?accent=%23ffd400")
    launcher = page.locator("perennial-launcher")
    await expect(launcher.locator("button")).to_be_visible()

    assert await launcher.evaluate(WORN) == worn
    await launcher.locator("button").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await page.locator("perennial-panel").evaluate(WORN) == worn


@pytest.mark.parametrize("query", ["", "?scheme=dark&accent=%23f3b48b", "?lang=ar&dir=rtl"])
async def test_axe_finds_nothing(page: Page, stage: Stage, query: str) -> None:
    assert stage.play.visitor
    cheaper(stage.play)
    assert stage.play.program
    costly = stage.play.program["rewards"][:1]
    gifts(stage.play)
    stage.play.program["rewards"] += costly
    in_part(stage.play)
    stage.play.visitor["redemptions"] = [redemption(1, "issued", code=CODE)]
    await open_panel(page, query)
    await page.add_script_tag(path=AXE)

    for number in range(4):
        await page.locator("perennial-panel .pn-tabs button").nth(number).click()
        found = await page.evaluate(
            "axe.run([['perennial-panel'], ['perennial-launcher']])"
            ".then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].target))"
        )
        assert found == []
