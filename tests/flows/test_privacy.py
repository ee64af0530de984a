"""A person is erased from all that is kept, and stays so; nobody's points change."""

import json
from urllib.parse import quote

import httpx
from hypothesis import given
from hypothesis import strategies as st

from connector import worker
from connector.commerce import erasure, records
from connector.commerce.identity import customer_account, guest_key, guest_of
from connector.commerce.models import CustomerRow, OrderRow
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.models import ClaimRow, DecisionRow
from connector.ledger.models import EntryRow, LinkRow
from connector.rewards.models import RedemptionRow
from connector.sync import privacy as requests
from connector.sync.models import InboxRow, MessageRow, PrivacyRow
from connector.web.models import DeedRow
from connector.web.privacy import PAGE, TOGETHER
from platforms.model import Order, Seen
from platforms.woocommerce.fake import orders, people
from tests.flows import histories, privacy
from tests.flows.merchant import merchant
from tests.flows.privacy import EMAIL, FIRST, LAST, PERSONAL, SECOND
from tests.flows.test_database_laws import few


async def entries():
    rows = EntryRow.all().order_by("id")
    return await rows.values_list("id", "account", "cause", "kind", "effective_at", "points")


async def explained(town, customer):
    told = await explain_account(await town.row(), str(customer), town.clock())
    return [(one.cause, one.points, one.balance, one.why) for one in told.lines]


async def erased(town):
    """Have the person erased, and return who that is."""
    customer = privacy.zbigniewa(town)
    await privacy.asked(town)
    await worker.drain(town.system)
    return customer


async def ask(town, row, **named):
    vault = town.system.tools.vault
    accounts = requests.accounts_of(vault, row, **named)
    return await requests.ask(vault, row, "erase", accounts, by="shop", now=town.clock())


async def test_nothing_of_an_erased_person_is_anywhere_and_no_points_change(town):
    await privacy.lived(town)
    assert privacy.told_of(town) == set(PERSONAL)
    before, ledger = await privacy.balances(town), await entries()
    lines = await explained(town, privacy.zbigniewa(town))

    customer = await erased(town)

    assert privacy.told_of(town) == set()
    assert (await privacy.balances(town), await entries()) == (before, ledger)
    assert [one[:3] for one in await explained(town, customer)] == [one[:3] for one in lines]
    by_hand = [why for cause, *_, why in await explained(town, customer) if "adjust" in cause]
    assert by_hand == ["by the merchant: erased"] * 2
    assert "order 2: goods 80.00 EUR x 5 per 1.00, floor, program version 1" in lines[0]
    assert "bea@example.test" in privacy.dumped(town)
    assert await CustomerRow.filter(email="bea@example.test").count() == 1


async def test_nothing_that_the_store_says_later_brings_them_back(town):
    await privacy.lived(town)
    customer = await erased(town)
    before = await privacy.balances(town)

    for order in [*town.shop.records["order"].values()]:
        town.clock.forward(seconds=1)
        orders.update(town.shop, order, {"customer_note": f"for {FIRST}"})
    people.update(town.shop, town.shop.records["customer"][customer], {"first_name": FIRST})
    await town.settle()
    assert privacy.told_of(town) == set()

    await CustomerRow.all().update(dirty_gen=99)  # each is fetched
    await OrderRow.all().update(dirty_gen=99)
    await worker.drain(town.system)
    for aim in ("sync", "reconcile", "audit"):
        await town.system.passes.run(await town.row(), aim)
        await town.settle()
        assert privacy.told_of(town) == set(), aim
    assert await privacy.balances(town) == before

    privacy.buys(town, customer)
    privacy.buys(town, email=f" {EMAIL.upper()}")
    privacy.buys(town, email=SECOND)
    await town.settle()
    after = await privacy.balances(town)
    assert privacy.told_of(town) == set()
    account = customer_account(str(customer))
    assert after[account][0] == before[account][0] + 200  # hers, and of the mailbox she proved
    assert sum(one for one, _ in after.values()) == sum(one for one, _ in before.values()) + 300


async def test_what_was_sent_is_not_kept_once_it_is_read(town):
    await privacy.lived(town)
    assert await InboxRow.filter(body__not_isnull=True).exists()

    customer = await erased(town)

    assert not await InboxRow.filter(body__not_isnull=True).exists()
    privacy.buys(town, customer)
    await town.shop.deliveries_done()
    assert await InboxRow.filter(body__not_isnull=True, state="waiting").exists()
    assert privacy.told_of(town) == {*PERSONAL} - {"the one in a wheelchair"}
    (first, *_) = await InboxRow.filter(state="waiting").order_by("id")
    await InboxRow.filter(id=first.id).update(body=f"{{{LAST}".encode())  # which nobody can read
    await worker.drain(town.system, ["inbox"])
    assert privacy.told_of(town) == set()
    assert (await InboxRow.get(id=first.id)).state == "parked"


async def test_points_that_are_imported_later_wait_without_an_address(town):
    await privacy.lived(town)
    await erased(town)
    row = await town.row()
    account = guest_of(EMAIL, guest_key(town.system.tools.vault, row))
    before = await privacy.balances(town)

    await privacy.take_in(town, f"email,points\n{EMAIL},70\nnoor@example.test,5\n")

    assert (await privacy.balances(town))[account][0] == before[account][0] + 70
    kept = {one.account: one.mailbox for one in await DecisionRow.filter(kind="import")}
    assert kept[account] is None
    assert sum(one is not None for one in kept.values()) == 1  # noor's


async def test_erased_twice_is_erased_once(town):
    await privacy.lived(town)
    await erased(town)
    kept = (CustomerRow, OrderRow, EntryRow, DecisionRow, MessageRow, RedemptionRow, LinkRow)
    before = [await table.all().order_by("id").values() for table in kept]

    await erased(town)

    assert [await table.all().order_by("id").values() for table in kept] == before
    rows = await PrivacyRow.all().order_by("id")
    assert [(one.kind, one.accounts, one.done_at is None) for one in rows] == [
        ("erase", [], False)
    ] * 2
    assert rows[0].about == rows[1].about
    assert "customer" not in rows[0].about


async def test_the_same_request_while_it_is_open_is_one(town):
    await privacy.lived(town)
    first = await privacy.asked(town)
    assert (await privacy.asked(town)).id == first.id


async def test_a_person_of_many_orders_is_erased_some_at_a_time(town):
    row = await town.connect()
    customer = privacy.sign_up(town)
    await town.settle()
    at = town.clock()
    many = [
        Order(
            id=f"o{number:03}", number="1", customer_id=str(customer), email=EMAIL, status="x",
            is_paid=True, is_cancelled=False, currency="EUR", total_minor=100, placed_at=at,
            paid_at=at, updated_at=at,
        )
        for number in range(PAGE + TOGETHER + 1)
    ]  # fmt: skip
    await town.system.records.take_in(row, [Seen(one) for one in many], at)
    await privacy.asked(town)

    left = []
    while await town.system.tools.privacy.erase_some(row):
        bodies = await OrderRow.all().values_list("body", flat=True)
        left.append(sum(EMAIL.encode() in body for body in bodies))
    assert [one for one in dict.fromkeys(left) if one < len(many)] == [
        len(many) - done for done in (*range(TOGETHER, len(many), TOGETHER), len(many))
    ]
    assert (await PrivacyRow.get()).done_at == town.clock()


async def test_a_person_of_the_same_address_at_another_store_is_untouched(town):
    ann = histories.EMAILS[0]
    async with histories.opened(town) as here, histories.opened(town) as there:
        for shop in (here, there):
            await shop.passed("sync")
        before = await there.rows()

        await ask(town, await here.row(), customer_id=str(here.customers[0]))
        await worker.drain(town.system)

        assert ann not in str(await here.rows())
        assert (await there.rows(), ann in str(before)) == (before, True)


@few
@given(history=histories.steps(3), data=st.data())
async def test_whoever_is_erased_whenever_points_are_the_same_and_no_name_is_left(
    town, history, data
):
    async with histories.opened(town) as shop, histories.opened(town) as other:
        whom = data.draw(st.integers(0, 3))
        email = [*histories.EMAILS, *histories.GUESTS][whom]
        named = {"customer_id": str(shop.customers[whom])} if whom < 2 else {"email": email}
        at, sent = data.draw(st.integers(0, len(history))), list[httpx.Request]()
        for number, step in enumerate([*history, None]):
            if number == at:
                await ask(town, await shop.row(), **named)
            if step is None:
                break
            sent += await shop.happen(step)
            repeats = data.draw(st.lists(st.sampled_from(sent), max_size=3)) if sent else []
            for request in [*sent[-2:], *repeats]:
                assert (await shop.post(request)).status_code == 200
            for request in await other.happen(step):
                assert (await other.post(request)).status_code == 200
            if data.draw(st.booleans()):
                await worker.drain(town.system)
        await histories.settle(town)
        await shop.passed("audit")
        await histories.settle(town)

        assert email.lower() not in str(await shop.rows()).lower()
        assert await shop.ledger() == await histories.read_at_once(shop)
        assert await other.ledger() == await histories.read_at_once(other)
        assert "erased" not in str((await other.rows())["order"])


async def test_somebody_who_signs_up_anew_gave_their_name_again(town):
    await privacy.lived(town)
    customer = await erased(town)
    people.delete(town.shop, town.shop.records["customer"][customer])
    town.clock.forward(days=1)

    again = privacy.sign_up(town)
    privacy.buys(town, again)
    await town.settle()

    found = await records.customer(town.store, str(again))
    assert (found.first_name, found.last_name, found.email) == (FIRST, LAST, EMAIL)
    gone = await records.customer(town.store, str(customer))
    assert (gone.first_name, gone.last_name, gone.email) == ("", "", None)
    accounts = [customer_account(str(id_)) for id_ in (customer, again)]
    (newest,) = (await records.orders_of(town.store, accounts))[accounts[1]]
    assert newest.email == EMAIL

    await privacy.asked(town)  # and may be erased again
    await worker.drain(town.system)
    assert privacy.told_of(town) == set()


async def test_a_guest_is_erased_by_the_address(town):
    await privacy.lived(town)
    vault, row = town.system.tools.vault, await town.row()
    people.delete(town.shop, town.shop.records["customer"][privacy.zbigniewa(town)])
    guest = "guest-only@private.example"
    order = privacy.buys(town, email=guest)
    await town.settle()
    accounts = requests.accounts_of(vault, row, email=f" {guest.upper()} ")
    assert accounts == [await privacy.ledger_of(town, str(order["id"]))]

    await requests.ask(vault, row, "erase", accounts, by="woocommerce", now=town.clock())
    await worker.drain(town.system)

    assert guest not in privacy.dumped(town)
    assert EMAIL in privacy.dumped(town)  # another mailbox
    assert (await privacy.balances(town))[accounts[0]] == (100, 0)
    erased = await erasure.erased(vault, row.id, [*accounts, "customer:1"])
    assert list(erased) == accounts


async def test_who_is_erased_gets_no_code_and_has_the_points_back(town):
    await privacy.lived(town)
    customer = await erased(town)
    before = (await town.visitor(customer))["available"]
    assert before >= 500

    assert (await town.redeem(customer)).status_code == 201
    await town.settle()
    town.clock.forward(hours=2)
    await town.settle()

    assert (await town.visitor(customer))[
        "available"
    ] == before + 10  # nor was the till's sale made
    assert await RedemptionRow.filter(email__not_isnull=True).count() == 0


async def test_claims_go_with_whose_they_are(town):
    await privacy.lived(town)
    customer, vault = privacy.zbigniewa(town), town.system.tools.vault
    at = town.clock()
    for id_, whose in (("hers", str(customer)), ("another's", "999")):
        sealed = vault.seal(town.store, "claim", "x@example.test")
        await ClaimRow.create(
            id=id_, store=town.store, customer_id=whose, account="guest:1", email=sealed,
            locale="en", asked_at=at,
        )  # fmt: skip
    await erased(town)
    assert [one.id for one in await ClaimRow.all()] == ["another's"]


async def exported(town, account):
    """Download the file of an account's person; return it as text and as it is read."""
    ada = await merchant(town, "manager")
    there = f"/customers/{account}"
    form = (await ada.get(there)).form("/export")
    answer = await ada.http.post(f"/admin{there}/export", data=form)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="person-{account.replace(":", "-")}.json"'
    )
    return answer.text, json.loads(answer.text)


async def test_the_file_of_a_person_has_all_that_is_kept_of_them(town):
    await privacy.lived(town)
    account = customer_account(str(privacy.zbigniewa(town)))

    text, file = await exported(town, account)

    (link,) = await LinkRow.all()
    assert file["format"] == "perennial/person/1"
    assert file["accounts"] == sorted([account, link.account])
    (known,) = file["customers"]
    assert (known["first_name"], known["last_name"], known["email"]) == (FIRST, LAST, EMAIL)
    assert [one["email"] for one in file["orders"]] == [EMAIL, EMAIL, SECOND]
    assert [(one["account"], one["owner"]) for one in file["links"]] == [(link.account, account)]
    (taken,) = await RedemptionRow.all()
    assert [(one["code"], one["email"]) for one in file["redemptions"]] == [(taken.code, EMAIL)]
    assert [one["note"] for one in file["reservations"]] == [f"for {LAST}"]
    assert [one["what"] for one in file["audit"]] == ["points adjusted"]
    assert {one["body"]["data"]["member"] for one in file["messages"]} == {*file["accounts"]}
    reasons = [one["reason"] for one in file["loyalty"]["decisions"] if one["kind"] == "adjust"]
    assert sorted(reasons) == sorted([f"{FIRST}, {privacy.ROOM}", f"sorry, {FIRST}"])
    balances = await privacy.balances(town)
    for one in file["loyalty"]["accounts"]:
        key = one["account"]
        assert (one["available"], one["pending"]) == balances[key]
        assert len(one["lines"]) == await EntryRow.filter(account=key).count()
    assert "bea@example.test" not in text


async def test_a_merchant_answers_what_the_platform_asked_for(town):
    await privacy.lived(town)
    account = customer_account(str(privacy.zbigniewa(town)))
    row = await privacy.asked(town, "export")
    page = await (await merchant(town)).get("/settings/")
    assert page.links["All that is kept of somebody"] == f"/admin/customers/{quote(account)}"
    assert "Waits for you" in page.words

    await exported(town, account)
    await row.refresh_from_db()
    assert (row.done_at, row.by) == (town.clock(), "woocommerce")
    await exported(town, account)
    rows = await PrivacyRow.all().order_by("id")
    assert [one.by for one in rows] == ["woocommerce", "Ada"]
    deeds = await DeedRow.filter(what="personal data downloaded")
    assert [(one.who, one.role, one.about, one.said) for one in deeds] == [
        ("Ada", "manager", account, "")
    ] * 2


async def test_the_file_of_who_was_erased_has_no_name(town):
    await privacy.lived(town)
    account = customer_account(str(await erased(town)))
    text, file = await exported(town, account)
    assert [value for value in PERSONAL if value in text] == []
    assert len(file["orders"]) == 3


async def test_an_export_of_somebody_unknown_is_done_at_once(town):
    row, vault = await town.connect(), town.system.tools.vault
    accounts = requests.accounts_of(vault, row, customer_id="999", email="nobody@example.test")
    asked = await requests.ask(vault, row, "export", accounts, by="shop", now=town.clock())
    assert asked.done_at == town.clock()


async def test_a_merchant_erases_by_writing_the_name(town):
    await privacy.lived(town)
    account = customer_account(str(privacy.zbigniewa(town)))
    there = f"/customers/{account}"
    ben = await merchant(town, "manager", who="Ben")
    page = await ben.get(there)

    wrong = await ben.send(f"{there}/erase", page.form("/erase") | {"name": "Bea"})
    assert wrong.status == 400
    assert "Write the name or the e-mail address, as it is known here." in wrong.words
    assert await PrivacyRow.all().count() == 0

    done = await ben.send(f"{there}/erase", wrong.form("/erase") | {"name": f" {EMAIL.upper()} "})
    assert "This person is being erased" in done.words
    assert "Erased on 21 November 2026" in done.words
    again = await ben.send(f"{there}/erase", wrong.form("/erase"))
    assert "This person is erased already" in again.words
    await worker.drain(town.system)
    assert privacy.told_of(town) == set()

    ada = await merchant(town)
    listed = await ada.get("/settings/")
    at = "21 November 2026, 13:00"
    assert f"Erase somebody asked by Ben on {at} · done on {at} Done" in listed.words
    rows = await DeedRow.all().order_by("id")
    row = await PrivacyRow.get()
    assert [(one.who, one.role, one.what, one.about) for one in rows][1:] == [
        ("Ben", "manager", "erasure asked for", account),
        ("Ben", "", "person erased", row.about),
    ]


async def test_a_guests_page_erases_by_the_address(town):
    await town.connect()
    town.product("10.00")
    order = privacy.buys(town, email=SECOND)
    await town.settle()
    there = f"/customers/{await privacy.ledger_of(town, str(order['id']))}"
    ada = await merchant(town)

    form = (await ada.get(there)).form("/erase")
    assert (await ada.send(f"{there}/erase", form | {"name": EMAIL})).status == 400
    done = await ada.send(f"{there}/erase", form | {"name": SECOND})
    assert "This person is being erased" in done.words
    await worker.drain(town.system)
    assert privacy.told_of(town) == set()


async def test_the_list_of_requests_goes_on_where_a_page_ends(town):
    await town.connect()
    ada = await merchant(town)
    assert "Nobody asked yet" in (await ada.get("/settings/")).words
    for number in range(1, 23):
        at = town.clock()
        await PrivacyRow.create(
            store=town.store, kind="erase", by=f"by-{number:02}", about="x", accounts=[],
            stage="rest", asked_at=at, done_at=at,
        )  # fmt: skip
    await PrivacyRow.create(
        store="other", kind="erase", by="neighbour", about="x", accounts=[], stage="people",
        asked_at=town.clock(),
    )  # fmt: skip

    first = await ada.get("/settings/")
    older = await ada.http.get(first.links["Older"])
    assert [f"by-{n:02}" in first.words for n in (22, 3, 2)] == [True, True, False]
    assert [f"by-{n:02}" in older.text for n in (3, 2, 1)] == [False, True, True]
    assert "neighbour" not in first.words + older.text
