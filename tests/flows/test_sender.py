"""Who mail to customers is from: set for a store, tried, and only ever what was typed."""

from datetime import timedelta

import pytest

from connector.web.models import DeedRow
from tests.flows.merchant import merchant
from tests.post import open_office
from tests.town import founded

MAIL = "/settings/mail"


@pytest.fixture
async def office():
    async with open_office() as one:
        yield one


@pytest.fixture
async def town(office, empty_database, tmp_path):
    async with founded(empty_database, tmp_path, smtp_url=office.url) as one:
        await one.connect()
        yield one


async def save(ada, **fields):
    return await ada.send(MAIL, (await ada.get(MAIL)).form(f"/admin{MAIL}") | fields)


async def try_it(ada, to):
    return await ada.send(f"{MAIL}/test", (await ada.get(MAIL)).form("test") | {"to": to})


async def test_a_test_comes_as_the_operator_has_it(town, office):
    done = await try_it(await merchant(town), "ada@town.example")
    assert "Sent to ada@town.example" in done.words
    (mail,) = office.mails
    assert (mail["From"], mail["To"]) == ("Town club <club@town.example>", "ada@town.example")
    assert mail["Reply-To"] is None
    assert mail["Subject"] == "A test from Town"


async def test_a_name_and_an_address_for_answers_stand_on_mail(town, office):
    ada = await merchant(town)
    saved = await save(ada, mail_name="  The  Bean, Ltd. ", reply_to="help@town.example")
    assert 'Now "The Bean, Ltd." <club@town.example>' in saved.words
    await try_it(ada, "ada@town.example")
    (mail,) = office.mails
    assert mail["From"].addresses[0].display_name == "The Bean, Ltd."
    assert mail["From"].addresses[0].addr_spec == "club@town.example"
    assert mail["Reply-To"] == "help@town.example"
    deeds = [(one.what, one.about, one.said) for one in await DeedRow.all().order_by("id")]
    assert deeds == [
        ("sender of mail changed", "The Bean, Ltd.", "help@town.example"),
        ("test mail sent", "ada@town.example", ""),
    ]


async def test_it_is_undone_by_one_button(town):
    ada = await merchant(town)
    await save(ada, mail_name="First")
    saved = await save(ada, mail_name="Second", reply_to="help@town.example")
    (undo,) = [form for to, form in saved.forms if form.get("mail_name") == "First"]
    await ada.send(MAIL, undo)
    row = await town.row()
    assert (row.mail_name, row.reply_to) == ("First", None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mail_name": "n" * 101}, "Write a name of 100 characters at most."),
        ({"mail_name": "a\u0007b"}, "Write a name of 100 characters at most."),
        ({"reply_to": "help"}, "Write an e-mail address, such as help@store.example."),
        ({"reply_to": "a@b.example\r\nBcc: all@town.example"}, "Write an e-mail address"),
        ({"reply_to": "a@b.example, c@d.example"}, "Write an e-mail address"),
        ({"reply_to": f"{'a' * 320}@b.example"}, "Write an e-mail address"),
    ],
)
async def test_what_cannot_stand_on_mail_is_refused_beside_its_field(town, fields, words):
    ada = await merchant(town)
    answer = await save(ada, **fields)
    assert (answer.status, words in answer.words) == (400, True)
    row = await town.row()
    assert (row.mail_name, row.reply_to) == (None, None)


async def test_a_name_brings_no_headers_of_its_own(town, office):
    ada = await merchant(town)
    await save(ada, mail_name="Bean\r\nBcc: all@town.example")
    await try_it(ada, "ada@town.example")
    (mail,) = office.mails
    assert mail["Bcc"] is None
    assert mail["From"].addresses[0].display_name == "Bean Bcc: all@town.example"


async def test_an_address_that_the_server_refuses_is_told(town, office):
    office.answers = ["550 no such mailbox"]
    answer = await try_it(await merchant(town), "gone@town.example")
    assert answer.status == 400
    assert "The mail server takes no mail for this address." in answer.words
    assert answer.form("test")["to"] == "gone@town.example"


async def test_a_server_that_is_down_is_told_with_the_next_step(town, office):
    office.answers = ["451 later"]
    answer = await try_it(await merchant(town), "ada@town.example")
    assert answer.status == 400
    assert "look at PERENNIAL_SMTP_URL" in answer.words


async def test_only_so_many_tests_go_out_in_an_hour(town, office):
    ada = await merchant(town)
    for _ in range(5):
        await try_it(ada, "ada@town.example")
    refused = await try_it(ada, "ada@town.example")
    assert (refused.status, len(office.mails)) == (400, 5)
    assert "That was tried 5 times within an hour" in refused.words
    town.clock.at += timedelta(hours=1)
    await try_it(ada, "ada@town.example")
    assert len(office.mails) == 6


async def test_without_a_server_the_page_says_so(empty_database, tmp_path):
    async with founded(empty_database, tmp_path) as town:
        await town.connect()
        page = await (await merchant(town)).get(MAIL)
        assert "No mail is sent" in page.words
        assert "PERENNIAL_SMTP_URL, PERENNIAL_MAIL_FROM" in page.words
