"""Connecting in the browser, pairing the plugin, the merchant's page: each also done wrongly."""

from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from connector.commerce.models import StoreRow
from connector.errors import ConnectFailed
from connector.sync import tickets
from connector.sync.models import OutboxRow, TicketRow
from connector.web.sessions import admin_link
from platforms.woocommerce.fake.webhooks import sign
from tests.town import KEY, SECRET, SERVICE, SHOP


async def begun(town):
    """Begin an installation; return what the store is asked."""
    answer = await town.http.get("/install/woocommerce", params={"url": SHOP + "/wp-admin/"})
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{SHOP}/wc-auth/v1/authorize"
    return {name: values[0] for name, values in parse_qs(address.query).items()}


async def called_back(town, asked, **changes):
    body = {
        "key_id": 5,
        "user_id": asked["user_id"],
        "consumer_key": KEY,
        "consumer_secret": SECRET,
        "key_permissions": "read_write",
    }
    path = urlsplit(asked["callback_url"]).path
    return await town.http.post(path, json=body | changes)


async def returned(town, asked, success="1", http=None):
    query = {"success": success, "user_id": asked["user_id"]}
    return await (http or town.http).get(urlsplit(asked["return_url"]).path, params=query)


async def pair(town, code, secret=None):
    """Ask for the key as the store's server does: signed as its deliveries are."""
    secret = secret or town.system.stores.webhook_secret(await StoreRow.get())
    body = orjson.dumps({"code": code})
    headers = {"X-WC-Webhook-Signature": sign(secret, body)}
    return await town.http.post("/install/woocommerce/pair", content=body, headers=headers)


async def test_a_pairing_code_in_the_wrong_hands_opens_nothing(town):
    asked = await begun(town)
    await called_back(town, asked)
    query = parse_qs(urlsplit((await returned(town, asked)).headers["location"]).query)

    answer = await pair(town, query["pairing"][0], secret="guessed")

    assert (answer.status_code, answer.json()["code"]) == (401, "delivery-forged")
    assert "key" not in answer.json()


@pytest.mark.parametrize("body", [b'{"code": "\xff"}', b'{"x":' + b"[" * 5000, b"[]", b""])
@pytest.mark.parametrize("path", ["pair", "callback"])
async def test_bodies_that_are_none_are_told_so(town, path, body):
    answer = await town.http.post(f"/install/woocommerce/{path}", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")


@pytest.mark.parametrize("url", ["http://[", "https://a\u2100b", "https://x/" + "y" * 600, "\x00"])
async def test_addresses_that_cannot_be_are_told_so(town, url):
    answer = await town.http.get("/install/woocommerce", params={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")


async def test_approved_the_store_is_connected_and_its_plugin_paired(town):
    asked = await begun(town)
    assert (asked["app_name"], asked["scope"]) == ("Perennial", "read_write")
    assert asked["callback_url"] == f"{SERVICE}/install/woocommerce/callback"

    assert (await called_back(town, asked)).status_code == 200
    back = await returned(town, asked)

    address = urlsplit(back.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{SHOP}/wp-admin/admin.php"
    query = parse_qs(address.query)
    assert (query["page"], query["service"]) == (["perennial"], [SERVICE])
    store = await StoreRow.get()
    paired = await pair(town, query["pairing"][0])
    key_id, key = town.system.tools.visitors.newest_key(store.id)
    assert paired.json() == {
        "store": store.id, "service": SERVICE, "key_id": key_id, "key": key,
        "admin_key": town.system.tools.sessions.key(store.id),
    }  # fmt: skip
    assert paired.headers["cache-control"] == "no-store"
    again = await pair(town, query["pairing"][0])
    assert (again.status_code, again.json()["code"]) == (404, "code-unknown")
    hooks = list(town.shop.all("webhook"))
    assert {hook["delivery_url"] for hook in hooks} == {
        f"{SERVICE}/webhooks/woocommerce/{store.id}"
    }


async def test_the_greeting_of_a_new_webhook_is_answered(town):
    await town.connect()

    assert len(town.shop.hub.log) == len(list(town.shop.all("webhook")))
    assert {sent.status for sent in town.shop.hub.log} == {200}


async def test_where_subscribing_fails_no_store_is_left(town):
    town.wire.cut = [("POST", "/wp-json/wc/v3/webhooks")]

    with pytest.raises(ConnectFailed, match="see whether the store is up"):
        await town.connect()

    assert await StoreRow.all().count() == 0


async def test_only_the_hash_of_a_token_is_kept(town):
    asked = await begun(town)

    (ticket,) = await TicketRow.all()
    assert asked["user_id"] not in (ticket.digest, ticket.subject)


async def test_a_callback_works_once_and_not_after_ten_minutes(town):
    asked = await begun(town)
    assert (await called_back(town, asked)).status_code == 200
    assert (await called_back(town, asked)).json()["code"] == "code-unknown"

    late = await begun(town)
    town.clock.forward(seconds=tickets.LIFE.total_seconds())
    assert (await called_back(town, late)).status_code == 404
    assert await StoreRow.all().count() == 1


async def test_keys_that_do_not_open_the_store_are_not_saved(town):
    asked = await begun(town)

    answer = await called_back(town, asked, consumer_secret="cs_wrong")

    assert (answer.status_code, answer.json()["code"]) == (422, "connect-failed")
    assert "make a key with Read/Write permissions" in answer.json()["detail"]
    assert await StoreRow.all().count() == 0


async def test_keys_that_may_not_write_are_refused(town):
    asked = await begun(town)
    assert (await called_back(town, asked, key_permissions="read")).status_code == 400
    assert await StoreRow.all().count() == 0


async def test_another_browser_cannot_finish(town):
    asked = await begun(town)
    await called_back(town, asked)

    async with httpx.AsyncClient(transport=town.wire, base_url=SERVICE) as other:
        answer = await returned(town, asked, http=other)

    assert (answer.status_code, answer.json()["code"]) == (404, "code-unknown")


async def test_denied_nothing_is_connected(town):
    asked = await begun(town)
    answer = await returned(town, asked, success="0")
    assert (answer.status_code, answer.json()["code"]) == (422, "connect-failed")
    assert await StoreRow.all().count() == 0


async def test_a_person_is_told_on_a_page(town):
    answer = await town.http.get("/admin/", headers={"Accept": "text/html,*/*"})

    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "<h1>That didn" in answer.text
    assert "Open this page by a link: perennial admin-link prints one." in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_an_address_that_is_none_is_told_so(town):
    answer = await town.http.get("/install/woocommerce", params={"url": "ftp://x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
    assert (await town.http.get("/install/nowhere", params={"url": SHOP})).status_code == 404


async def test_connecting_again_keeps_the_store_and_retries_what_was_parked(town):
    first = await town.connect()
    await OutboxRow.create(
        store=first.id, kind="discount", target="x", due_at=town.clock(), is_parked=True
    )

    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    again = await town.system.stores.connect("woocommerce", access, town.clock())

    assert again.id == first.id
    assert await StoreRow.all().count() == 1
    assert await OutboxRow.filter(is_parked=True).count() == 0


async def test_the_merchants_link_opens_one_store_once(town):
    await town.connect()
    tools = town.system.tools
    link = await admin_link(tools.ids, tools.clock, SERVICE, town.store)

    answer = await town.http.get(link)
    page = await town.http.get("/admin/")
    assert (answer.status_code, page.status_code) == (303, 200)
    assert "Town" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"

    async with httpx.AsyncClient(transport=town.wire, base_url=SERVICE) as other:
        assert (await other.get(link)).status_code == 401
        assert (await other.get("/admin/")).json()["code"] == "admin-unknown"


async def test_health_and_ready_tell_the_truth(town):
    assert (await town.http.get("/health")).json() == {"status": "ok"}
    ready = await town.http.get("/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "inbox_lag_s": 0.0})


async def test_what_is_nowhere_is_a_problem_too(town):
    answer = await town.http.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "http-404")
    assert answer.headers["content-type"] == "application/problem+json"
