"""A merchant says that a guest is a customer: shown first, joined, and taken apart again."""

from hypothesis import given
from hypothesis import strategies as st

from connector import worker
from connector.commerce.identity import customer_account
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow, EntryRow, LinkRow
from connector.web.models import DeedRow
from platforms.woocommerce.fake import orders, refunds
from tests.flows.histories import TIMED, opened, read_at_once, settle, steps
from tests.flows.merchant import merchant
from tests.flows.test_database_laws import few, told
from tests.flows.test_joining import ADA, balances, guest_of

OTHER = "noor@example.test"


async def bought(town):
    """Have a guest buy for 400 points, and Maya for 150; return Maya and the guest's order."""
    await town.connect()
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 8, email=ADA)
    town.order(coffee, 3, maya)
    await town.settle()
    return maya, order


async def joined(ada, maya, who=ADA):
    """Look what would move, and join."""
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("/joining")
    seen = await ada.send(f"{there}/joining", form | {"who": who})
    return seen, await ada.send(f"{there}/join", seen.form("/join"))


async def guest_with(points):
    """Return the account of the guest whose order earned so many points."""
    return (await EntryRow.get(account__startswith="guest:", points=points)).account


async def net(town):
    """Return what each account's causes net to; of guests there is one."""
    found: dict[tuple[str, str, str], int] = {}
    for one in await EntryRow.filter(store=town.store):
        key = (one.account, one.cause, one.kind)
        found[key] = found.get(key, 0) + one.points
    return {key: points for key, points in found.items() if points}


async def test_what_would_move_is_shown_and_nothing_has_moved(town):
    maya, order = await bought(town)
    entries = await EntryRow.all().count()
    ada = await merchant(town, "manager")
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("/joining")
    for who in (f"  {ADA.upper()} ", f"order:{order['id']}", await guest_of(town)):
        page = await ada.send(f"{there}/joining", form | {"who": who})
        assert page.status == 200
        assert "Points that can be spent 400 Points on their way 0" in page.words
        assert "Orders without an account 1 Spent at a till 0" in page.words
        assert "before. 150 points Available then" in page.words
        assert "once they are one. 550 points Pending then" in page.words

    assert await balances(town) == {"guest": 400, str(maya): 150}
    assert (await LinkRow.all().count(), await EntryRow.all().count()) == (0, entries)
    assert await DeedRow.all().count() == 0


async def test_a_guest_is_joined_once_however_often_it_is_said(town):
    maya, order = await bought(town)
    ada = await merchant(town, "manager")
    _, page = await joined(ada, maya)
    guest = await guest_of(town)
    assert "They are one now" in page.words
    assert f"A guest · orders: {order['number']} joined on 21 November 2026 · by hand, by Ada" in (
        page.words
    )
    assert (await town.visitor(maya))["available"] == 550

    there = f"/customers/customer:{maya}"
    again = await ada.send(f"{there}/join", page.form("/part"))
    assert again.status == 200
    refused = await ada.send(f"{there}/joining", page.form("/joining") | {"who": ADA})
    assert (refused.status, "That guest is this customer already." in refused.words) == (400, True)
    assert [(one.what, one.about, one.said) for one in await DeedRow.all()] == [
        ("guest joined", f"customer:{maya}", guest)
    ]


async def test_taken_apart_each_has_what_it_would_have_and_what_came_meanwhile(town):
    maya, order = await bought(town)
    coffee = next(iter(town.shop.records["product"]))
    before = await net(town)
    ada = await merchant(town, "manager")
    _, page = await joined(ada, maya)
    guest = await guest_of(town)

    late = town.order(coffee, 5, email=ADA)
    own = town.order(coffee, 1, maya)
    back = refunds.create(town.shop, order, {"amount": "40.00"})  # half of it
    await town.settle()
    assert await balances(town) == {"guest": 0, str(maya): 550 + 250 + 50 - 200}

    there, form = f"/customers/customer:{maya}", page.form("/part")
    parted = await ada.send(f"{there}/part", form)
    assert "They are apart again" in parted.words
    assert await balances(town) == {"guest": 400 - 200 + 250, str(maya): 150 + 50}
    assert await net(town) == before | {
        (guest, f"order:{order['id']}/refund:{back['id']}", "clawback"): -200,
        (guest, f"order:{late['id']}", "earn"): 250,
        (customer_account(str(maya)), f"order:{own['id']}", "earn"): 50,
    }
    await ada.send(f"{there}/part", form)
    assert await DeedRow.filter(what="guest parted").count() == 1
    _, page = await joined(ada, maya)  # and one again
    assert await balances(town) == {"guest": 0, str(maya): 650}


async def test_points_spent_meanwhile_stay_spent_by_the_customer(town):
    maya, _ = await bought(town)
    ada = await merchant(town)
    _, page = await joined(ada, maya)
    town.clock.forward(minutes=1)
    assert (await town.redeem(maya)).status_code == 201  # 500

    await ada.send(f"/customers/customer:{maya}/part", page.form("/part"))
    assert await balances(town) == {"guest": 400, str(maya): 150 - 500}


async def test_what_a_code_proved_too_is_not_taken_apart_by_hand(town):
    maya, _ = await bought(town)
    ada = await merchant(town)
    _, page = await joined(ada, maya)
    guest = await guest_of(town)
    await Loyalty(town.system.tools).join(await town.row(), guest, str(maya))  # who had a code

    there = f"/customers/customer:{maya}"
    await ada.send(f"{there}/part", page.form("/part"))
    assert await balances(town) == {"guest": 0, str(maya): 550}
    assert "by a code to their mailbox" in (await ada.get(there)).words


async def test_who_cannot_be_joined_is_refused_in_words(town):
    maya, _ = await bought(town)
    noor = town.shopper(OTHER)
    await town.settle()
    guest, ada = await guest_of(town), await merchant(town)
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("/joining")

    async def said(who, customer=maya):
        page = await ada.send(f"/customers/customer:{customer}/joining", form | {"who": who})
        assert page.status == 400
        return page.words

    assert "Write order:ID, or the e-mail address they ordered with." in await said("  ")
    assert "Nobody ordered so without an account." in await said("nobody@example.test")
    assert "Nobody ordered so without an account." in await said("order:999")
    for who in (str(maya), OTHER, f"customer:{maya}"):
        assert "That is a customer. Make two customers one in your store" in await said(who)
    await joined(ada, maya)
    assert "That guest is another customer already." in await said(ADA, noor)
    answer = await ada.send(f"/customers/customer:{noor}/join", form | {"guest": guest})
    assert (answer.status, await LinkRow.all().count()) == (400, 1)
    answer = await ada.send(f"{there}/join", form | {"guest": "guest:of-another-store"})
    assert (answer.status, "There is no such guest here." in answer.words) == (400, True)


async def test_who_was_erased_is_joined_to_nobody_on_either_side(town):
    maya, _ = await bought(town)
    noor = town.shopper(OTHER)
    town.order(next(iter(town.shop.records["product"])), 1, email="eve@example.test")
    await town.settle()
    guest, ada = await guest_with(50), await merchant(town)
    there = f"/customers/{guest}"
    erase = (await ada.get(there)).form("/erase") | {"name": "eve@example.test"}
    assert (await ada.send(f"{there}/erase", erase)).status == 200
    gone = f"/customers/customer:{noor}"
    erase = (await ada.get(gone)).form("/erase")
    assert (await ada.send(f"{gone}/erase", erase | {"name": OTHER})).status == 200

    form = (await ada.get(f"/customers/customer:{maya}")).form("/joining")
    refused = await ada.send(
        f"/customers/customer:{maya}/joining", form | {"who": "eve@example.test"}
    )
    assert "Who was erased is joined to nobody." in refused.words
    for account, who in (
        (f"customer:{maya}", guest),
        (f"customer:{noor}", await guest_with(400)),
    ):
        answer = await ada.send(f"/customers/{account}/join", form | {"guest": who})
        assert answer.status == 400
    assert await LinkRow.all().count() == 0


async def test_a_guests_page_leads_to_the_customer_and_takes_nobody_in(town):
    await bought(town)
    guest, ada = await guest_of(town), await merchant(town)
    page = await ada.get(f"/customers/{guest}")
    assert "open that customer and join this guest there" in page.words
    assert not [to for to, _ in page.forms if to.endswith("/joining")]
    form = page.form("/leave") | {"guest": guest}
    assert (await ada.send(f"/customers/{guest}/join", form)).status == 400


async def test_what_the_store_made_one_is_told_and_not_taken_apart_here(town):
    maya, order = await bought(town)
    orders.update(town.shop, order, {"customer_id": maya})
    await town.settle()
    page = await (await merchant(town)).get(f"/customers/customer:{maya}")
    assert "A guest joined on 21 November 2026 · by your store" in page.words
    assert not [to for to, _ in page.forms if to.endswith("/part")]


@few
@given(history=steps(9 * 24 * 60), data=st.data())
async def test_who_was_joined_by_hand_and_taken_apart_was_never_joined(town, history, data):
    async with opened(town, TIMED) as shop:
        loyalty, row = Loyalty(town.system.tools), await shop.row()
        joined_at = data.draw(st.integers(0, len(history)))
        customer = str(shop.customers[data.draw(st.integers(0, 1))])
        for number, step in enumerate(history):
            if number == joined_at:
                await worker.drain(town.system)
                guests = await AccountRow.filter(store=shop.id, key__startswith="guest:")
                for guest in guests:
                    before = await shop.rows()
                    tried = await loyalty.try_join(row, guest.key, customer)
                    assert await shop.rows() == before
                    folded = await loyalty.join(row, guest.key, customer, by="Ada")
                    assert tried.balance.available == folded.purse.available()
            await told(shop, step)
        await settle(town)
        for link in await LinkRow.filter(store=shop.id):
            assert await loyalty.part(row, link.account, link.owner)
        await settle(town)

        assert await shop.ledger() == await read_at_once(shop, TIMED)
