"""All that people have is taken away in the browser, and another installation goes on with it."""

import io
import tempfile
import zipfile
from pathlib import Path

import orjson

from connector.features.loyalty import taking
from connector.ledger.models import AccountRow
from connector.web.models import DeedRow
from tests.flows.merchant import merchant

PATH = "/admin/settings/export"


async def taken(ada):
    form = (await ada.get("/settings/export")).form(PATH)
    return await ada.http.post(PATH, data=form)


def left_over():
    return list(Path(tempfile.gettempdir()).glob("perennial-*"))


async def bought(town):
    await town.connect()
    tea = town.product("10.00")
    town.order(tea, 2, town.shopper())
    town.order(tea, 3, email="guest@example.test")
    await town.settle()


async def test_the_file_is_that_of_the_command(town, tmp_path):
    await bought(town)
    before = left_over()
    answer = await taken(await merchant(town))

    assert answer.headers["content-type"] == "application/zip"
    name = f'filename="perennial-{town.store}-{town.clock():%Y-%m-%d}.zip"'
    assert name in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        files = {one: packed.read(one) for one in packed.namelist()}
    await town.export(tmp_path / "there")
    assert {*files} == {one.name for one in (tmp_path / "there").iterdir()} | {taking.ABOUT}
    for file in (tmp_path / "there").iterdir():
        assert files[file.name] == file.read_bytes(), file.name
    assert left_over() == before
    assert [(one.what, one.about) for one in await DeedRow.all()] == [
        ("everything exported", town.store)
    ]


async def test_what_is_not_settled_yet_is_settled_first(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    town.order(town.product("10.00"), 5, maya)
    await town.shop.deliveries_done()
    await town.system.inbox.read_some(await town.row())

    answer = await taken(await merchant(town))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        entries = [orjson.loads(line) for line in packed.read("entries.jsonl").splitlines()]
    assert sorted(one["points"] for one in entries) == [100, 250]


async def test_it_says_from_when_it_is_and_what_to_do_with_it(town):
    await bought(town)
    answer = await taken(await merchant(town))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        about = packed.read(taking.ABOUT).decode()
        head = orjson.loads(packed.read("members.jsonl").splitlines()[0])
    assert f"earn_from = {town.clock().isoformat()}" in about
    assert head["as_of"] in {town.clock().isoformat(), f"{town.clock():%Y-%m-%dT%H:%M:%SZ}"}


async def test_of_too_many_the_page_says_where_it_is_made(town):
    await bought(town)
    names = [f"customer:x{n}" for n in range(taking.ACCOUNTS_MAX)]
    rows = [AccountRow(store=town.store, key=name) for name in names]
    await AccountRow.bulk_create(rows, batch_size=1000)
    page = await (await merchant(town)).get("/settings/export")
    assert f"perennial export {town.store} FOLDER" in page.words
    assert not [to for to, _ in page.forms if to == PATH]
