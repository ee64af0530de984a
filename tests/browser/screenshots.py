"""Contact sheets of every state of the widgets: ``python -m tests.browser.screenshots OUT_DIR``.

Each state is pictured at 390, 1440 and 320 px, then a page of these pictures is pictured in turn;
the pages of the real demo likewise. Names after OUT_DIR choose states; ``demo`` chooses the demo.
"""

import asyncio
import copy
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.pictures import pictures
from tests.browser.stage import (
    CODE,
    NOW,
    TOMAS,
    Play,
    Stage,
    benefit,
    gift,
    part,
    perk,
    redemption,
    reward,
    served,
    tier,
    times,
)

SIZES = {390: 844, 1440: 900}
COLUMNS = {390: 5, 1440: 3}
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"


@dataclass(frozen=True)
class Shot:
    name: str
    tab: int = 0
    query: dict[str, str] | None = None
    set_up: Callable[[Play], None] = lambda _: None
    act: Callable[[Page], Awaitable[None]] | None = None
    is_open: bool = True


def guest(play: Play) -> None:
    play.visitor = None


def empty(play: Play) -> None:
    play.visitor = dict(TOMAS)


def loading(play: Play) -> None:
    play.personal_delay_s = 4


def down(play: Play) -> None:
    play.state_status = 503


def with_code(play: Play) -> None:
    assert play.visitor
    used = redemption(2, "used", code="ABC")
    play.visitor["redemptions"] = [redemption(1, "issued", code=CODE), used]
    play.visitor["available"] = 740


def never_issued(play: Play) -> None:
    play.polls_until_issued = 99


def refused(play: Play) -> None:
    play.redeem_problems = [(409, "insufficient-points")]


def unsure(play: Play) -> None:
    play.redeem_problems = [(500, "internal")]


def cart_says_no(play: Play) -> None:
    with_code(play)
    play.cart_refusal = "The minimum spend for this coupon is &euro;20.00."


def overfull(play: Play) -> None:
    assert play.visitor
    assert play.program
    codes = [redemption(n, "issued", code=f"{n:02}QK3M2XD6FTAW5H") for n in range(1, 10)]
    play.visitor |= {"available": 12_345_678, "pending": 1_234_567, "redemptions": codes}
    values = (500, 1000, 1500, 2500, 5000, 7550, 10_000, 25_000, 50_000, 100_000, 2_000_000)
    play.program["rewards"] = [
        reward(value * 9, value, minimum=value * 3, days=60) for value in (*values, 9_999_999)
    ]
    play.visitor["history"] = play.visitor["history"] * 4


def long_words(play: Play) -> None:
    assert play.visitor
    assert play.program
    play.visitor["first_name"] = LONG
    play.program["name"] = f"{LONG} Rewards"
    play.visitor["history"][0]["order_number"] = LONG


def close_costs(play: Play) -> None:
    assert play.program
    play.program["rewards"] = [reward(1100, 1000), reward(1180, 1100), reward(1300, 1200)]


def limited(play: Play) -> None:
    assert play.program
    few, gone, one = play.program["rewards"]
    few["left"], gone["left"], one["left"] = 3, 0, 1


def campaign(play: Play) -> None:
    assert play.program
    play.program["earn"][0]["caps"] = [
        {"points": 500, "per": "day"},
        {"points": 5000, "per": "month"},
    ]
    play.program["multipliers"] = [
        times("2", ends_at="2026-12-01T00:00:00+01:00"),
        times(
            "1.5",
            product="12",
            begins_at="2026-12-20T00:00:00+01:00",
            ends_at="2027-01-02T00:00:00+01:00",
        ),
    ]


def deeds(play: Play) -> None:
    """Have the program pay for more than orders, and have paid for it."""
    assert play.program
    assert play.visitor
    kinds = ("review", "newsletter", "birthday", "event", "social_share")
    rule = play.program["earn"][0] | {"per_minor": {}, "caps": []}
    play.program["earn"] += [
        rule | {"id": kind, "kind": kind, "points": 20 * n} for n, kind in enumerate(kinds, 1)
    ]
    line = play.visitor["history"][0] | {"kind": "earn", "order_number": None, "is_pending": False}
    play.visitor["history"][:0] = [
        *(line | {"about": kind, "points": 20 * n} for n, kind in enumerate(kinds, 1)),
        line | {"kind": "redeem", "about": "reservation", "points": -300},
        line | {"kind": "release", "about": "reservation", "points": 300},
    ]


def first_tier(play: Play) -> None:
    assert play.visitor
    play.visitor["standing"] = copy.deepcopy(TOMAS["standing"])
    play.visitor["standing"]["reach"]["counted"] = 4350


def top_tier(play: Play) -> None:
    assert play.visitor
    play.visitor["standing"] |= {"tier": "Gold", "reach": None}
    play.visitor["standing"]["keep"] |= {"tier": "Gold", "counted": 0, "needed": 60000}


def perks(play: Play) -> None:
    """A member with a code to use, one that comes, the next that comes, and two without any."""
    assert play.program
    assert play.visitor
    all_of_it = [
        benefit("free_shipping", "free_shipping", minimum_minor={"EUR": 2000}),
        benefit("tenth", "member_price", percent=10),
        benefit("bag", "member_price", value_minor={"EUR": 300}),
        benefit("first-look", "early_access", ends_at="2026-12-01T00:00:00+01:00"),
        benefit("free_returns", "free_returns"),
    ]
    tiers = play.program["tiers"]["tiers"]
    tiers[1] |= {"benefits": all_of_it, "entry_points": 100}
    tiers[2] |= {"benefits": all_of_it[:1], "entry_points": 300}
    codes = {"free_shipping": {"code": CODE}, "bag": {"used_at": "2026-11-19T10:00:00Z"}}
    play.visitor["perks"] = [perk(one, **codes.get(one["id"], {})) for one in all_of_it]


def by_orders(play: Play) -> None:
    assert play.program
    assert play.visitor
    play.program["tiers"] = {
        "window": "lifetime",
        "months": None,
        "tiers": [tier("Regular", orders=3), tier("Friend of the house", orders=10)],
    }
    play.visitor["standing"] |= {"tier": "Regular", "keep": None}
    play.visitor["standing"]["reach"] |= {
        "tier": "Friend of the house",
        "measure": "orders",
        "counted": 9,
        "needed": 10,
    }


def long_tier(play: Play) -> None:
    assert play.program
    assert play.visitor
    play.program["tiers"]["tiers"][1]["name"] = LONG
    play.visitor["standing"] |= {"tier": LONG}


def no_tiers(play: Play) -> None:
    assert play.program
    assert play.visitor
    play.program |= {"tiers": None, "multipliers": []}
    play.visitor["standing"] = None


def all_kinds(play: Play) -> None:
    assert play.program
    rewards = play.program["rewards"]
    rewards += [copy.deepcopy(rewards[0]) for _ in range(3)]
    none: dict[str, int] = {}
    rewards[3] |= {"id": "ship", "kind": "free_shipping", "cost": 300, "value_minor": none}
    rewards[4] |= {"id": "tenth", "kind": "percent_off", "cost": 900, "value_minor": none}
    rewards[4] |= {"percent": 10, "ends_at": "2026-12-01T00:00:00+01:00"}
    rewards[5] |= {"id": "bag", "kind": "product_off", "cost": 2000}


def in_part(play: Play) -> None:
    assert play.program
    play.program["rewards"].insert(0, part(100, 2000, days=60))


def in_part_later(play: Play) -> None:
    in_part(play)
    nothing_affordable(play)
    assert play.program
    play.program["rewards"][0]["minimum_points"] = 500


def gifts(play: Play) -> None:
    assert play.program
    several = gift(1200, "Enamel mug", f"{LONG} {LONG} tea", "شاي أخضر بالنعناع", "Candle")
    play.program["rewards"] = [several, gift(400, "Enamel mug") | {"id": "mug"}]


def cheaper(play: Play) -> None:
    assert play.program
    first, _, last = play.program["rewards"]
    first["cost_in"], last["cost_in"] = {"Silver": 300}, {"Silver": 1300}


def had_already(play: Play) -> None:
    assert play.visitor
    play.visitor["used_up"] = ["5-off"]


def idle(play: Play) -> None:
    assert play.program
    play.program["expiry"] = "inactivity"


def for_gold(play: Play) -> None:
    assert play.program
    play.program["rewards"][1]["tiers"] = ["Gold"]


def sold_out(play: Play) -> None:
    play.redeem_problems = [(409, "reward-sold-out")]


def all_reached(play: Play) -> None:
    assert play.visitor
    play.visitor["available"] = 5000


def nothing_affordable(play: Play) -> None:
    assert play.visitor
    play.visitor |= {"available": 120, "pending": 0}


async def use(page: Page) -> None:
    await page.locator("perennial-panel .pn-btn-invert").click()


async def use_and_wait(page: Page) -> None:
    await use(page)
    await page.locator("perennial-panel code").first.wait_for()


async def slide(page: Page) -> None:
    slider = page.locator("perennial-panel input[type=range]")
    for _ in range(6):
        await slider.press("ArrowUp")


async def take(page: Page) -> None:
    await page.get_by_role("radio").nth(1).check()
    await page.locator("perennial-panel fieldset + .pn-btn").click()
    await page.locator("perennial-panel code").first.wait_for()


async def apply(page: Page) -> None:
    await page.locator("perennial-panel .pn-reward .pn-btn").first.click()


async def go_offline(page: Page) -> None:
    await page.context.set_offline(offline=True)


def no_address(play: Play) -> None:
    play.claim_problems = [(400, "request-invalid")]


async def open_claim(page: Page) -> None:
    await page.locator("perennial-panel .pn-more summary").click()


async def ask_for_code(page: Page) -> None:
    await open_claim(page)
    await page.locator("perennial-panel input").fill("maya.longer-than-usual@example.com")
    await page.locator("perennial-panel form button").click()
    await page.locator("perennial-panel #claim-code").wait_for()


async def hand_in_code(page: Page) -> None:
    await ask_for_code(page)
    await page.locator("perennial-panel input").fill("AAAA-BBBB")
    await page.locator("perennial-panel form button").click()
    await page.locator("perennial-panel :is(.pn-err, .pn-note)").first.wait_for()


async def mistype(page: Page) -> None:
    await open_claim(page)
    await page.locator("perennial-panel input").fill("maya")
    await page.locator("perennial-panel form button").click()
    await page.locator("perennial-panel .pn-err").wait_for()


ARABIC = {"lang": "ar", "dir": "rtl"}
DARK = {"scheme": "dark", "accent": "#f3b48b", "body_class": "is-dark"}
SHOTS = [
    Shot("closed", is_open=False),
    Shot("home"),
    Shot("earn", tab=1),
    Shot("more to do", set_up=deeds, tab=1),
    Shot("more done", set_up=deeds, tab=3),
    Shot("arabic more done", set_up=deeds, tab=3, query=ARABIC),
    Shot("rewards", tab=2),
    Shot("history", tab=3),
    Shot("guest", set_up=guest),
    Shot("empty", set_up=empty),
    Shot("loading", set_up=loading),
    Shot("offline", act=go_offline),
    Shot("silent", set_up=down, is_open=False),
    Shot("refused", set_up=refused, act=use),
    Shot("unsure", set_up=unsure, act=use),
    Shot("reserved", set_up=never_issued, act=use),
    Shot("issued", act=use_and_wait),
    Shot("code at home", set_up=with_code),
    Shot("codes", tab=2, set_up=with_code),
    Shot("applied", tab=2, set_up=with_code, act=apply),
    Shot("cart refuses", tab=2, set_up=cart_says_no, act=apply),
    Shot("overfull", set_up=overfull),
    Shot("overfull rewards", tab=2, set_up=overfull),
    Shot("long words", set_up=long_words),
    Shot("long history", tab=3, set_up=long_words),
    Shot("close costs", set_up=close_costs),
    Shot("claim", tab=1, act=open_claim),
    Shot("claim code", tab=1, act=ask_for_code),
    Shot("claimed", tab=1, act=hand_in_code),
    Shot("claim wrong", tab=1, set_up=no_address, act=mistype),
    Shot("dark claim", tab=1, query=DARK, act=ask_for_code),
    Shot("arabic claim", tab=1, query=ARABIC, act=ask_for_code),
    Shot("all reached", set_up=all_reached),
    Shot("nothing affordable", tab=2, set_up=nothing_affordable),
    Shot("limited", set_up=limited),
    Shot("limited rewards", tab=2, set_up=limited),
    Shot("campaign", tab=1, set_up=campaign),
    Shot("arabic campaign", tab=1, query=ARABIC, set_up=campaign),
    Shot("no tiers", set_up=no_tiers),
    Shot("first tier", set_up=first_tier),
    Shot("top tier", set_up=top_tier),
    Shot("benefits", set_up=perks),
    Shot("tiers by orders", set_up=by_orders),
    Shot("long tier", set_up=long_tier),
    Shot("all kinds at home", set_up=all_kinds),
    Shot("all kinds", tab=2, set_up=all_kinds),
    Shot("arabic kinds", tab=2, query=ARABIC, set_up=all_kinds),
    Shot("slider", tab=2, set_up=in_part, act=slide),
    Shot("slider at home", set_up=in_part),
    Shot("slider with too few points", tab=2, set_up=in_part_later),
    Shot("arabic slider", tab=2, query=ARABIC, set_up=in_part, act=slide),
    Shot("dark slider", tab=2, query=DARK, set_up=in_part, act=slide),
    Shot("gift choice", tab=2, set_up=gifts),
    Shot("gift at home", set_up=gifts),
    Shot("arabic gift choice", tab=2, query=ARABIC, set_up=gifts),
    Shot("dark gift choice", tab=2, query=DARK, set_up=gifts),
    Shot("gift code issued", tab=2, set_up=gifts, act=take),
    Shot("arabic gift code issued", tab=2, query=ARABIC, set_up=gifts, act=take),
    Shot("tier price", tab=2, set_up=cheaper),
    Shot("arabic tier price", tab=2, query=ARABIC, set_up=cheaper),
    Shot("polish slider", tab=2, query={"lang": "pl"}, set_up=in_part),
    Shot("japanese gift choice", tab=2, query={"lang": "ja"}, set_up=gifts),
    Shot("had already", tab=2, set_up=had_already),
    Shot("idle", tab=1, set_up=idle),
    Shot("arabic idle", tab=1, query=ARABIC, set_up=idle),
    Shot("reward for gold", tab=2, set_up=for_gold),
    Shot("arabic earn", tab=1, query=ARABIC),
    Shot("dark top tier", query=DARK, set_up=top_tier),
    Shot("sold out meanwhile", set_up=sold_out, act=use),
    Shot("arabic", query=ARABIC),
    Shot("arabic limited", tab=2, query=ARABIC, set_up=limited),
    Shot("arabic rewards", tab=2, query=ARABIC, set_up=with_code),
    Shot("japanese", query={"lang": "ja"}),
    Shot("polish rewards", tab=2, query={"lang": "pl"}),
    Shot("dark", query=DARK),
    Shot("dark rewards", tab=2, query=DARK, set_up=with_code),
    Shot("dark limited", tab=2, query=DARK, set_up=limited),
    Shot("dark guest", query=DARK, set_up=guest),
    Shot("dark refused", query=DARK, set_up=refused, act=use),
    Shot("yellow, start", query={"accent": "#ffd400", "position": "start"}),
]


async def picture(browser: Browser, stage: Stage, shot: Shot, width: int) -> bytes:
    """Return one state as PNG."""
    stage.play = Play()
    shot.set_up(stage.play)
    viewport = {"width": width, "height": SIZES.get(width, 720)}
    context = await browser.new_context(
        base_url=stage.base,
        viewport={"width": viewport["width"], "height": viewport["height"]},
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
    )
    page = await context.new_page()
    await page.clock.set_fixed_time(NOW)
    await page.goto("/?" + urlencode(shot.query or {}))
    if shot.is_open:
        await page.locator("perennial-launcher button").click()
        await page.locator("perennial-panel .pn-panel").wait_for()
        if shot.name != "loading":
            await page.locator("perennial-panel .pn-sk").first.wait_for(state="detached")
        if shot.tab:
            await page.locator("perennial-panel .pn-tabs button").nth(shot.tab).click()
        if shot.act:
            await shot.act(page)
    await page.wait_for_timeout(400)
    png = await page.screenshot()
    await context.close()
    return png


async def sheet(browser: Browser, pictures: dict[str, bytes], width: int, path: Path) -> None:
    """Picture a page of pictures."""
    cells = "".join(
        f"<figure><figcaption>{name}</figcaption>"
        f"<img src='data:image/png;base64,{b64encode(png).decode()}'></figure>"
        for name, png in pictures.items()
    )
    shown = 390 if width < 1000 else 720
    columns = COLUMNS.get(width, 5)
    style = (
        f"body{{display:grid;align-items:start;grid-template-columns:repeat({columns},{shown}px);gap:16px;margin:16px;"
        f"background:#bbb;font:600 14px sans-serif}}figure{{margin:0}}img{{width:{shown}px}}"
    )
    page = await browser.new_page(viewport={"width": columns * (shown + 16) + 16, "height": 600})
    await page.set_content(f"<style>{style}</style>{cells}")
    await page.screenshot(path=path, full_page=True)
    await page.close()


async def main(out: Path, wanted: list[str]) -> list[str]:
    """Write single pictures and sheets of ten; return what the demo's pages get wrong."""
    faults: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        if wanted != ["demo"]:
            with served() as stage:
                for width in [*SIZES, 320]:
                    shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
                    states = {
                        shot.name: await picture(browser, stage, shot, width) for shot in shots
                    }
                    await write(browser, states, width, out)
        if not wanted or "demo" in wanted:
            found, faults = await pictures(browser)
            for width, pages in found.items():
                named = {f"demo {name}": png for name, png in pages.items()}
                await write(browser, named, width, out, "demo-")
        await browser.close()
    return faults


async def write(
    browser: Browser, shots: dict[str, bytes], width: int, out: Path, kind: str = ""
) -> None:
    """Write pictures of one width, and sheets of ten of them."""
    for name, png in shots.items():
        (out / f"{name.replace(' ', '-').replace(',', '')}-{width}.png").write_bytes(png)
    names = list(shots)
    for start in range(0, len(names), 10):
        part = {name: shots[name] for name in names[start : start + 10]}
        await sheet(browser, part, width, out / f"sheet-{kind}{width}-{start // 10 + 1}.png")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if wrong := asyncio.run(main(folder, sys.argv[2:])):
        sys.exit("\n".join(wrong))
