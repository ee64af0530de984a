"""Every page and form of the merchant's, asked by everybody: a table, and what must stand in it.

``make test`` writes the table to ``build/roles.md``.
"""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from connector.app import create_app
from connector.commerce.models import StoreRow
from connector.features.loyalty.models import DecisionRow
from connector.web.models import DeedRow, SessionRow
from connector.web.sessions import ROLES
from tests.flows.merchant import merchant

OPEN = {
    ("GET", "/admin/enter"),
    ("GET", "/admin/reload"),
    ("GET", "/admin/static/{hash}/{file}"),
    ("GET", "/admin/look/preview/widgets/loader.js"),
    ("GET", "/admin/look/preview/widgets/{hash}/{file}"),
}
LEAST = {
    ("GET", "/admin/"): "analyst",
    ("POST", "/admin/leave"): "analyst",
    ("POST", "/admin/switch"): "analyst",
    ("POST", "/admin/language"): "analyst",
    ("GET", "/admin/customers/"): "analyst",
    ("GET", "/admin/customers/{account}"): "analyst",
    ("POST", "/admin/customers/{account}/adjust"): "support",
    ("POST", "/admin/customers/{account}/undo"): "support",
    ("POST", "/admin/customers/{account}/export"): "manager",
    ("POST", "/admin/customers/{account}/erase"): "manager",
    ("POST", "/admin/customers/{account}/joining"): "manager",
    ("POST", "/admin/customers/{account}/join"): "manager",
    ("POST", "/admin/customers/{account}/part"): "manager",
    ("GET", "/admin/start/"): "analyst",
    ("POST", "/admin/start/propose"): "manager",
    ("POST", "/admin/start/check"): "analyst",
    ("GET", "/admin/look/"): "analyst",
    ("POST", "/admin/look/"): "manager",
    ("POST", "/admin/look/try"): "analyst",
    ("POST", "/admin/look/find"): "analyst",
    ("GET", "/admin/look/preview/"): "analyst",
    ("POST", "/admin/look/preview/"): "analyst",
    ("GET", "/admin/look/preview/storefront/v1/state"): "analyst",
    ("GET", "/admin/program/"): "analyst",
    ("GET", "/admin/program/history"): "analyst",
    ("GET", "/admin/program/text"): "analyst",
    ("POST", "/admin/program/begin"): "manager",
    ("POST", "/admin/program/save"): "manager",
    ("POST", "/admin/program/text"): "manager",
    ("POST", "/admin/program/discard"): "manager",
    ("POST", "/admin/program/take-back"): "manager",
    ("POST", "/admin/program/undo"): "manager",
    ("POST", "/admin/program/again"): "manager",
    ("GET", "/admin/analytics/"): "analyst",
    ("GET", "/admin/analytics/figures.csv"): "analyst",
    ("GET", "/admin/analytics/customers.csv"): "analyst",
    ("GET", "/admin/analytics/points.csv"): "analyst",
    ("GET", "/admin/analytics/cohorts.csv"): "analyst",
    ("POST", "/admin/analytics/refresh"): "analyst",
    ("GET", "/admin/settings/"): "owner",
    ("POST", "/admin/settings/disconnect"): "owner",
    ("GET", "/admin/settings/keys"): "owner",
    ("POST", "/admin/settings/keys"): "owner",
    ("POST", "/admin/settings/keys/revoke"): "owner",
    ("GET", "/admin/settings/webhooks"): "owner",
    ("POST", "/admin/settings/webhooks"): "owner",
    ("GET", "/admin/settings/webhooks/{webhook}"): "owner",
    ("POST", "/admin/settings/webhooks/{webhook}/end"): "owner",
    ("POST", "/admin/settings/webhooks/{webhook}/send"): "owner",
    ("GET", "/admin/settings/export"): "owner",
    ("POST", "/admin/settings/export"): "owner",
    ("GET", "/admin/settings/mail"): "owner",
    ("POST", "/admin/settings/mail"): "owner",
    ("POST", "/admin/settings/mail/test"): "owner",
    ("GET", "/admin/help/"): "analyst",
    ("GET", "/admin/help/{part}"): "analyst",
    ("GET", "/admin/access/"): "owner",
    ("POST", "/admin/access/"): "owner",
    ("POST", "/admin/access/end"): "owner",
}
"""The least role of each, from what the roles are for; whoever adds a page adds its line."""
FORMS = {
    "/admin/customers/{account}/adjust": {"points": "5", "reason": "a gift", "key": "k"},
    "/admin/customers/{account}/undo": {"decision": "none"},
    "/admin/customers/{account}/erase": {"name": "somebody else"},
    "/admin/customers/{account}/joining": {"who": "order:1"},
    "/admin/customers/{account}/join": {"guest": "guest:1"},
    "/admin/customers/{account}/part": {"guest": "guest:1"},
    "/admin/look/": {"accent": "#1a7f5a"},
    "/admin/settings/disconnect": {"name": "another town"},
    "/admin/settings/keys": {"name": "the till", "scope:read": "on", "key": "k"},
    "/admin/settings/keys/revoke": {"id": "none"},
    "/admin/settings/webhooks": {"url": "https://a.test/", "event:tier.changed": "on"},
    "/admin/settings/webhooks/{webhook}/send": {"message": "1", "key": "k"},
    "/admin/access/": {"name": "Ben", "role": "support", "key": "k"},
    "/admin/access/end": {"session": "none"},
}
ROOT = Path(__file__).parents[2]


def asked(town):
    app = create_app(town.system)
    assert isinstance(app, Starlette)
    routes = [one for one in app.routes if isinstance(one, Route)]
    found = {
        (method, one.path)
        for one in routes
        if one.path.startswith("/admin")
        for method in (one.methods or set()) - {"HEAD"}
    }
    return found - OPEN


async def answered(town, browser, method, path, account, *, is_ours=True):
    form = dict(FORMS.get(path, {}))
    if is_ours:
        sessions = town.system.tools.sessions
        cookie = browser.http.cookies.get("perennial_admin", "")
        row = await SessionRow.get_or_none(id=cookie.partition(".")[0])
        form["csrf"] = sessions.csrf(row) if row else ""
    data = form if method == "POST" else None
    answer = await browser.http.request(method, path.replace("{account}", account), data=data)
    return answer.status_code


async def seen(town, account):
    """Return the answer to each request by everybody who might ask."""
    table = {}
    for method, path in sorted(asked(town)):
        line: dict[str, int] = {}
        for role in ROLES:
            browser = await merchant(town, role)
            line[role] = await answered(town, browser, method, path, account)
        browser = await merchant(town)
        line["no token"] = await answered(town, browser, method, path, account, is_ours=False)
        line["another store's"] = await answered(town, browser, method, path, "customer:999")
        browser.http.cookies.clear()
        line["no session"] = await answered(town, browser, method, path, account)
        browser.http.cookies.set("perennial_admin", "abc.def", domain="rewards.example.test")
        line["forged"] = await answered(town, browser, method, path, account)
        table[method, path] = line
    return table


async def test_everybody_gets_what_their_role_may(town):
    await town.connect()
    maya = town.shopper()
    await town.settle()

    table = await seen(town, f"customer:{maya}")
    assert set(table) == set(LEAST)
    for (method, path), line in table.items():
        least = LEAST[method, path]
        for role in ROLES:
            may = ROLES.index(role) >= ROLES.index(least)
            assert (line[role] == 403) is not may, (method, path, role, line)
            assert line[role] < 500
        assert (line["no session"], line["forged"]) == (401, 401), (method, path)
        if method == "POST":
            assert line["no token"] == 403, path
        if "{account}" in path:
            assert line["another store's"] == 404, path
    write(table)


async def test_a_session_that_is_over_is_none(town):
    await town.connect()
    ada = await merchant(town)
    town.clock.forward(hours=8)
    for method, path in asked(town):
        assert await answered(town, ada, method, path, "customer:1") == 401, path


async def test_a_refused_form_changes_nothing(town):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    ada, eve = await merchant(town), await merchant(town, "analyst")
    for browser, is_ours in ((ada, False), (eve, True)):
        for method, path in asked(town):
            if method == "POST" and not (is_ours and LEAST[method, path] == "analyst"):
                await answered(town, browser, method, path, f"customer:{maya}", is_ours=is_ours)
    assert (await DecisionRow.all().count(), await DeedRow.all().count()) == (0, 0)


async def test_nothing_of_another_store_is_shown_or_done(town):
    await town.connect()
    maya = town.shopper("only-here@example.test")
    await town.settle()
    here = await town.row()
    there = {name: getattr(here, name) for name in here._meta.fields_map}
    await StoreRow.create(**there | {"id": "other", "url": "https://other.example.test"})
    ada, home = await merchant(town, who="Ada-of-here"), town.store
    town.store = "other"
    eve = await merchant(town, who="Eve")
    town.store = home

    account = f"customer:{maya}"
    assert "only-here@example.test" in (await ada.get("/customers/")).words
    for path in ("/customers/", "/customers/?q=only", "/access/"):
        page = await eve.get(path)
        assert page.status == 200
        assert "only-here" not in page.words
        assert "Ada-of-here" not in page.words
    assert (await eve.get(f"/customers/{account}")).status == 404
    assert await answered(town, eve, "POST", "/admin/customers/{account}/adjust", account) == 404
    adas = await SessionRow.get(who="Ada-of-here")
    form = {"csrf": (await eve.get("/access/")).form("leave")["csrf"], "session": adas.id}
    assert (await eve.send("/access/end", form)).status == 400
    assert (await ada.get("/")).status == 200
    assert await DecisionRow.all().count() == 0


def write(table):
    """Write the table for people."""
    who = [*ROLES, "no token", "another store's", "no session", "forged"]
    lines = [f"| request | {' | '.join(who)} |", f"| --- |{' --- |' * len(who)}"]
    for (method, path), line in table.items():
        lines.append(f"| {method} {path} | {' | '.join(str(line[one]) for one in who)} |")
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "roles.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
