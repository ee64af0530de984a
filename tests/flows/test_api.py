"""What a merchant's own system asks and does with a key, also wrongly."""

import pytest

from connector.errors import RequestInvalid
from connector.features.loyalty.service import Loyalty
from connector.web.keys import Keys
from platforms.woocommerce.fake import people
from tests.flows.histories import PLAIN, opened
from tests.flows.test_tiers import TIERED
from tests.town import PROGRAM

SCOPES = ("events", "points", "programs", "read", "redemptions", "webhooks")


class Client:
    """A system of the merchant's, with a key."""

    def __init__(self, town, key):
        self.town, self.key = town, key
        self.made = 0

    async def get(self, path, **query):
        headers = {"Authorization": f"Bearer {self.key}"}
        return await self.town.http.get(f"/api/v1{path}", params=query, headers=headers)

    async def post(self, path, body, key=None, **headers):
        self.made += 1
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Idempotency-Key": key or f"request-{self.made}",
            **headers,
        }
        return await self.town.http.post(f"/api/v1{path}", json=body, headers=headers)


async def client(town, *scopes, store=None):
    keys = Keys(town.system.tools.clock, town.system.tools.ids)
    row = store or await town.row()
    return Client(town, await keys.new(row, "till", scopes or SCOPES, SCOPES))


def code(answer):
    return answer.status_code, answer.json()["code"]


async def test_members_are_found_by_their_address_as_it_is_now(town):
    await town.connect()
    maya, bea = town.shopper("Maya@Example.test "), town.shopper("bea@example.test")
    for customer in (maya, bea):
        town.order(town.product("10.00"), 1, customer)
    await town.settle()
    api = await client(town)

    async def found(email):
        answer = await api.get("/members", email=email)
        return [one["id"] for one in answer.json()["data"]]

    assert await found(" MAYA@example.test") == [f"customer:{maya}"]
    assert await found("bea@example.test") == [f"customer:{bea}"]
    people.update(town.shop, town.shop.get("customer", maya), {"email": "new@example.test"})
    await town.settle()
    assert await found("maya@example.test") == []
    assert await found("new@example.test") == [f"customer:{maya}"]
    assert await found("nobody@example.test") == []
    assert (await api.get("/members", email="a" * 321)).status_code == 400


async def test_a_member_is_shown_with_points_entries_and_redemptions(town):
    await town.connect(PROGRAM.replace("points = 5", "points = 50"))
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    asks = await client(town)

    shown = await asks.get(f"/members/customer:{maya}")
    made = await asks.post(f"/members/customer:{maya}/redemptions", {"reward": "5-off"})
    await town.settle()

    assert shown.json() == {
        "id": f"customer:{maya}",
        "customer_id": str(maya),
        "email": "maya@example.test",
        "available": 1000,
        "pending": 0,
        "pending_at": None,
        "next_expiry": None,
        "tier": None,
        "joined_to": None,
    }
    assert shown.headers["cache-control"] == "no-store"
    assert (made.status_code, made.json()["cost"], made.json()["code"]) == (201, 500, None)
    redemption = (await asks.get(f"/redemptions/{made.json()['id']}")).json()
    assert redemption["state"] == "issued"
    assert redemption["code"] == next(town.shop.all("coupon"))["code"].upper()
    listed = (await asks.get(f"/members/customer:{maya}/redemptions")).json()
    assert listed == {"data": [redemption], "has_more": False}
    entries = (await asks.get(f"/members/customer:{maya}/entries")).json()["data"]
    assert [(one["kind"], one["points"]) for one in entries] == [("earn", 1000), ("redeem", -500)]
    assert {one["member"] for one in entries} == {f"customer:{maya}"}


async def test_lists_go_on_after_the_last_one_that_is_known(town):
    await town.connect()
    people = sorted(f"customer:{town.shopper(f'p{n}@example.test')}" for n in range(5))
    coffee = town.product("10.00")
    for who in people:
        town.order(coffee, 1, int(who.removeprefix("customer:")))
    await town.settle()
    asks = await client(town)

    first = (await asks.get("/members", limit=3)).json()
    rest = (await asks.get("/members", limit=3, after=first["data"][-1]["id"])).json()

    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [one["id"] for one in first["data"] + rest["data"]] == people
    assert {one["available"] for one in first["data"]} == {50}
    for path in ("/members", f"/members/{people[0]}/entries", "/programs"):
        whole = (await asks.get(path)).json()["data"]
        last = whole[-1].get("id") or whole[-1]["version"]
        assert (await asks.get(path, after=last)).json() == {"data": [], "has_more": False}


async def test_a_write_is_done_once_by_its_key(town):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    asks = await client(town)
    path, body = f"/members/customer:{maya}/adjustments", {"points": 120, "reason": "late"}

    first = await asks.post(path, body, "parcel-17")
    again = await asks.post(path, body, "parcel-17")
    other = await asks.post(path, body | {"points": 5}, "parcel-17")

    assert [one.status_code for one in (first, again)] == [201, 201]
    assert [one.json()["available"] for one in (first, again)] == [120, 120]
    assert code(other) == (422, "key-reused")


async def test_a_tier_is_given_and_what_is_not_there_refused(town):
    await town.connect(TIERED)
    maya = town.shopper()
    await town.settle()
    asks = await client(town)
    path = f"/members/customer:{maya}/placements"

    given = await asks.post(path, {"tier": "Gold", "reason": "as promised", "is_locked": True})
    unknown = await asks.post(path, {"tier": "Lead", "reason": "a joke"})

    assert (given.status_code, given.json()["tier"]) == (201, "Gold")
    assert code(unknown) == (400, "request-invalid")
    assert "Gold" in unknown.json()["detail"]


async def test_a_program_is_published_once_by_its_key_and_its_versions_are_kept(town):
    await town.connect()
    asks = await client(town)
    richer = PROGRAM.replace("points = 5", "points = 7")

    made = await asks.post("/programs", {"document": richer}, "autumn-1")
    back = await asks.post("/programs", {"document": PROGRAM}, "autumn-2")
    late = await asks.post("/programs", {"document": richer}, "autumn-1")
    wrong = await asks.post("/programs", {"document": "name = 5"})

    assert [one.json()["version"] for one in (made, back, late)] == [2, 3, 2]
    assert code(wrong) == (422, "invalid-program")
    versions = (await asks.get("/programs")).json()["data"]
    assert [one["document"] for one in versions] == [PROGRAM, richer, PROGRAM]
    assert (await asks.get("/programs/2")).json() == versions[1]
    reused = await asks.post("/programs", {"document": PROGRAM}, "autumn-1")
    assert code(reused) == (422, "key-reused")


async def test_a_key_does_what_its_scopes_say_until_it_is_revoked(town):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    keys = Keys(town.system.tools.clock, town.system.tools.ids)
    row = await town.row()
    reader = await client(town, "read")

    assert (await reader.get(f"/members/customer:{maya}")).status_code == 200
    refused = await reader.post(
        f"/members/customer:{maya}/adjustments", {"points": 5, "reason": "x"}
    )
    assert code(refused) == (403, "scope-missing")
    writer = await client(town, "points")
    assert code(await writer.get("/members")) == (403, "scope-missing")

    first = next(one for one in await keys.all(row) if one.scopes == ["read"])
    await keys.revoke(row, first.id)
    assert code(await reader.get("/members")) == (401, "key-unknown")
    with pytest.raises(RequestInvalid, match="there is no key"):
        await keys.revoke(row, first.id)
    for wrong in ("", "pk_x_y", writer.key[:-1] + "!", writer.key[:-8] + "AAAAAAAA"):
        assert code(await Client(town, wrong).get("/members")) == (401, "key-unknown")


@pytest.mark.parametrize(
    ("name", "scopes", "says"),
    [
        (" ", ["read"], "give the key a name"),
        ("till", [], "give the key a scope: write one or more of events, points, programs"),
        (
            "till",
            ["reed"],
            "there is no scope 'reed': write one or more of events, points",
        ),
    ],
)
async def test_a_key_that_can_do_nothing_is_not_made(town, name, scopes, says):
    await town.connect()
    keys = Keys(town.system.tools.clock, town.system.tools.ids)

    with pytest.raises(RequestInvalid, match=says):
        await keys.new(await town.row(), name, scopes, SCOPES)


async def test_a_key_reaches_nothing_of_another_store(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), 60, maya)
    await town.settle()
    mine = await client(town)
    made = (await mine.post(f"/members/customer:{maya}/redemptions", {"reward": "5-off"})).json()

    async with opened(town) as shop:
        theirs = await client(town, store=await shop.row())

        assert (await theirs.get("/members")).json()["data"] == []
        member = f"/members/customer:{maya}"
        for path in (member, f"{member}/entries", f"/redemptions/{made['id']}", "/programs/2"):
            assert code(await theirs.get(path)) == (404, "record-unknown")
        (published,) = (await theirs.get("/programs")).json()["data"]
        assert published["document"] == PLAIN
        body = {"points": 5, "reason": "not mine"}
        assert code(await theirs.post(f"{member}/adjustments", body)) == (404, "record-unknown")


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/members", {"limit": "0"}, "`int` >= 1"),
        ("/members", {"limit": "many"}, "`int`"),
        ("/members", {"page": "2"}, "unknown field `page`"),
        ("/members", {"after": "x" * 101}, "length <= 100"),
    ],
)
async def test_a_query_that_is_not_right_is_told_so(town, path, query, says):
    await town.connect()

    answer = await (await client(town)).get(path, **query)

    assert code(answer) == (400, "request-invalid")
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"points": 0, "reason": "x"}, {"points": 1, "reason": " "}])
async def test_a_body_that_is_not_right_is_told_so(town, body):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    asks = await client(town)

    answer = await asks.post(f"/members/customer:{maya}/adjustments", body)

    assert code(answer) == (400, "request-invalid")
    short = await asks.post(f"/members/customer:{maya}/adjustments", body, key="short")
    assert "Idempotency-Key of 8 to 100" in short.json()["detail"]


async def test_a_guest_has_points_and_no_code(town):
    await town.connect()
    town.order(town.product("10.00"), 60, 0, billing={"email": "guest@example.test"})
    await town.settle()
    asks = await client(town)
    (guest,) = (await asks.get("/members")).json()["data"]

    assert (guest["customer_id"], guest["email"], guest["available"]) == (None, None, 3000)
    refused = await asks.post(f"/members/{guest['id']}/redemptions", {"reward": "5-off"})
    assert code(refused) == (404, "reward-unavailable")


@pytest.mark.parametrize("id_", ["guest:" + "a" * 64, "x" * 101, "%00", "%C3%A9", "-1", "9" * 30])
@pytest.mark.parametrize(
    "path",
    ["/members/{}", "/redemptions/{}", "/reservations/{}", "/programs/{}", "/webhooks/{}"],
)
async def test_an_id_that_nothing_has_is_unknown(town, path, id_):
    await town.connect()

    assert code(await (await client(town)).get(path.format(id_))) == (404, "record-unknown")


@pytest.mark.parametrize("after", ["x" * 100, "\0", "é", "9" * 30])
@pytest.mark.parametrize("path", ["/members", "/members/{}/redemptions", "/programs", "/webhooks"])
async def test_a_list_goes_on_after_nothing_that_cannot_be(town, path, after):
    await town.connect()
    maya = town.shopper()
    await town.settle()

    answer = await (await client(town)).get(path.format(f"customer:{maya}"), after=after)

    assert answer.status_code in {200, 400, 404}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("adjustments", {"points": 5, "reason": "a\0b"}),
        ("placements", {"tier": None, "reason": "a\0b"}),
        ("reservations", {"points": 5, "note": "a\0b"}),
        ("events", {"kind": "review", "at": "0001-01-01T00:00:00+14:00"}),
    ],
)
async def test_what_no_database_or_calendar_has_is_refused(town, path, body):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    asks = await client(town)

    answer = await asks.post(f"/members/customer:{maya}/{path}", body)

    assert code(answer) == (400, "request-invalid")
    far = {"document": PROGRAM, "re_rate_from": "9999-12-31T23:59:59-14:00"}
    assert code(await asks.post("/programs", far)) == (400, "request-invalid")


async def test_a_program_that_was_in_force_is_not_published_again_by_a_late_retry(town):
    await town.connect()
    asks = await client(town)

    first = await asks.post("/programs", {"document": PROGRAM}, "nothing-new")
    await asks.post("/programs", {"document": PROGRAM.replace("= 5\n", "= 7\n")}, "richer-now")
    late = await asks.post("/programs", {"document": PROGRAM}, "nothing-new")

    assert late.json() == first.json()
    assert (await asks.get("/programs")).json()["data"][-1]["version"] == 3


async def test_points_that_ended_are_in_no_list(town):
    await town.connect(f'{PROGRAM}\n[expiry]\nkind = "lot"\nmonths = 1\n')
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    asks = await client(town)
    town.clock.forward(days=40)

    (listed,) = (await asks.get("/members")).json()["data"]

    assert listed["available"] == 0
    assert listed == (await asks.get(f"/members/customer:{maya}")).json()


async def test_a_key_stays_the_same_when_a_guest_joins(town):
    await town.connect(PROGRAM)
    maya = town.shopper()
    town.order(town.product("10.00"), 20, 0, billing={"email": "ann@example.test"})
    await town.settle()
    asks = await client(town)
    (guest,) = [one["id"] for one in (await asks.get("/members")).json()["data"]]
    held, given = f"/members/{guest}/reservations", f"/members/{guest}/adjustments"

    made = await asks.post(held, {"points": 300}, "sale-00001")
    await asks.post(given, {"points": 10, "reason": "late"}, "parcel-001")
    await Loyalty(town.system.tools).join(await town.row(), guest, str(maya))
    again = await asks.post(held, {"points": 300}, "sale-00001")
    await asks.post(given, {"points": 10, "reason": "late"}, "parcel-001")

    assert again.json()["id"] == made.json()["id"]
    member = (await asks.get(f"/members/customer:{maya}")).json()
    assert member["available"] == 1000 - 300 + 10
