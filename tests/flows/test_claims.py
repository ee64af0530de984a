"""A shopper claims what they bought without signing in: by a code that comes to its mailbox."""

import re
import uuid

import httpx
import pytest

from connector.database import sql
from connector.features.loyalty.models import ClaimRow
from connector.sync.models import OutboxRow
from tests.flows.test_joining import ADA, balances
from tests.post import open_office
from tests.town import founded

CODE = re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b")


@pytest.fixture
async def office():
    async with open_office() as one:
        yield one


@pytest.fixture
async def mailing(empty_database, tmp_path, office):
    """A town that can send mail."""
    async with founded(empty_database, tmp_path, smtp_url=office.url) as one:
        await one.connect()
        yield one


async def claim(town, customer, email=ADA, code=None, key=None, **body):
    headers = {
        "Authorization": f"Bearer {town.token(customer)}",
        "Idempotency-Key": key or uuid.uuid4().hex,
        "X-Perennial": "1",
    }
    body |= {"email": email} | ({"code": code} if code else {})
    path = "/storefront/v1/claims"
    return await town.http.post(path, params={"store": town.store}, headers=headers, json=body)


async def asked(town, office, customer, email=ADA, **body):
    """Ask for a code and return the one that came."""
    assert (await claim(town, customer, email, **body)).status_code == 202
    await town.settle()
    return CODE.findall(office.mails[-1].get_content())[0]


async def test_who_reads_the_mailbox_gets_what_it_bought(mailing, office):
    maya = mailing.shopper()
    mailing.order(mailing.product("10.00"), 8, email=ADA)  # 400 points
    await mailing.settle()

    code = await asked(mailing, office, maya, f"  {ADA.upper()}")
    (mail,) = office.mails
    assert (mail["To"], mail["From"]) == (ADA, "Town club <club@town.example>")
    assert mail["Subject"] == f"{code} is your code for Town"
    assert (await mailing.visitor(maya))["available"] == 0

    answer = await claim(mailing, maya, code=code.lower().replace("-", " "))
    assert (answer.status_code, answer.json()["visitor"]["available"]) == (201, 400)
    assert [one["about"] for one in answer.json()["visitor"]["history"]] == ["order"]
    again = await claim(mailing, maya, code=code)  # whoever did not hear the answer
    assert (again.status_code, again.json()["visitor"]["available"]) == (201, 400)


async def test_a_code_is_good_for_its_shopper_and_mailbox_alone(mailing, office):
    maya, noor = mailing.shopper(), mailing.shopper("noor@example.test")
    mailing.order(mailing.product("10.00"), 8, email=ADA)
    await mailing.settle()
    code = await asked(mailing, office, maya)

    for who, email in ((noor, ADA), (maya, "other@example.test")):
        answer = await claim(mailing, who, email, code)
        assert (answer.status_code, answer.json()["code"]) == (404, "code-unknown")
    assert await balances(mailing) == {"guest": 400}


async def test_a_code_can_be_tried_five_times_and_for_half_an_hour(mailing, office):
    maya = mailing.shopper()
    mailing.order(mailing.product("10.00"), 8, email=ADA)
    await mailing.settle()
    code = await asked(mailing, office, maya)
    for _ in range(5):
        assert (await claim(mailing, maya, code="AAAA-AAAA")).status_code == 404
    assert (await claim(mailing, maya, code=code)).status_code == 404

    mailing.clock.forward(minutes=1)
    code = await asked(mailing, office, maya)
    mailing.clock.forward(minutes=30)
    assert "too old" in (await claim(mailing, maya, code=code)).json()["detail"]
    assert (await balances(mailing))["guest"] == 400


async def test_the_newest_code_is_the_one_that_is_good(mailing, office):
    maya = mailing.shopper()
    first = await asked(mailing, office, maya)
    mailing.clock.forward(minutes=1)
    second = await asked(mailing, office, maya)
    assert first != second

    assert (await claim(mailing, maya, code=first)).status_code == 404
    assert (await claim(mailing, maya, code=second)).status_code == 201


async def test_nobody_floods_a_mailbox(mailing, office):
    people = [mailing.shopper(f"{n}@example.test") for n in range(6)]
    for customer in people[:5]:
        assert (await claim(mailing, customer)).status_code == 202
    answer = await claim(mailing, people[5])
    assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
    for n in range(5):
        assert (await claim(mailing, people[5], f"guest{n}@example.test")).status_code == 202
    assert (await claim(mailing, people[5], "guest9@example.test")).status_code == 429

    mailing.clock.forward(hours=1)
    assert (await claim(mailing, people[5])).status_code == 202
    await mailing.settle()
    assert len(office.mails) == 1  # the others' codes had grown too old to be sent


async def test_the_same_key_asks_once(mailing, office):
    maya = mailing.shopper()
    for _ in range(3):
        assert (await claim(mailing, maya, key="k" * 16)).status_code == 202
    other = await claim(mailing, maya, "other@example.test", key="k" * 16)
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    await mailing.settle()
    assert (len(office.mails), await ClaimRow.all().count()) == (1, 1)


async def test_what_is_no_address_is_refused(mailing):
    maya = mailing.shopper()
    bad = ["", "ada", "ada@", "@example.test", "a b@example.test", "x@y.z\nBcc: all@y.z", "a" * 400]
    bad += ["a..b@x.yz", ".a@x.yz", "a@b..c", "a\x7f@x.yz", "ü@x.yz", "a@b", "a@x.yz, b@x.yz"]
    for email in bad:
        answer = await claim(mailing, maya, email)
        assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
    assert await ClaimRow.all().count() == 0


async def test_mail_that_is_not_taken_is_sent_later_and_a_wrong_address_is_let_go(mailing, office):
    maya = mailing.shopper()
    office.answers = ["451 later", "550 nobody here"]
    assert (await claim(mailing, maya)).status_code == 202
    await mailing.settle()
    assert "451" in (await OutboxRow.get(kind="claim_mail")).trouble
    mailing.clock.forward(minutes=1)
    await mailing.settle()
    row = await OutboxRow.get(kind="claim_mail")
    assert (row.wanted_gen, row.is_parked, office.mails) == (row.agreed_gen, False, [])


async def test_the_mail_is_in_the_shoppers_language(mailing, office):
    said = {"pl": "kod", "pl-PL": "kod", "ja": "コード", "ar": "رمزك", "xx": "your code"}
    for n, (locale, word) in enumerate(said.items()):
        maya = mailing.shopper(f"{n}@example.test")
        code = await asked(mailing, office, maya, f"{n}@mail.test", locale=locale)
        assert word in office.mails[-1]["Subject"]
        assert code in office.mails[-1]["Subject"]


async def test_a_store_that_does_not_answer_holds_no_mail_back(mailing, office):
    maya = mailing.shopper()
    mailing.order(mailing.product("10.00"), 8, maya)
    await mailing.settle()
    mailing.wire.fault = lambda answer: httpx.Response(503)
    mailing.order(mailing.product("10.00"), 1, maya)
    await mailing.shop.deliveries_done()
    await asked(mailing, office, maya)
    assert len(office.mails) == 1


async def test_addresses_are_sealed_and_kept_for_a_day(mailing, office):
    maya = mailing.shopper()
    await asked(mailing, office, maya)
    (row,) = await sql.rows("SELECT * FROM claim")
    assert ADA not in str(dict(row))

    mailing.clock.forward(days=1, minutes=1)
    await asked(mailing, office, maya, "else@example.test")
    assert await ClaimRow.all().count() == 1


async def test_without_a_mail_server_nothing_can_be_claimed(town):
    await town.connect()
    maya = town.shopper()
    assert (await town.state(maya)).json()["can_claim"] is False
    assert (await claim(town, maya)).json()["code"] == "request-invalid"


async def test_who_is_not_signed_in_claims_nothing(mailing, office):
    answer = await mailing.http.post(
        "/storefront/v1/claims",
        params={"store": mailing.store},
        headers={"Idempotency-Key": "k", "X-Perennial": "1"},
        json={"email": ADA},
    )
    assert answer.status_code == 401
    assert (await mailing.state()).json()["can_claim"] is True
