"""A whole store read by bulk operations: the same records as by pages, whatever goes wrong."""

import asyncio
import random
from itertools import islice

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.conformance.check import CHECKS
from platforms.conformance.stage import Basket
from platforms.conformance.suite import checks_of, run
from platforms.errors import Malformed, Rejected, TransientError
from platforms.http import streamed
from platforms.keeping import opened_by
from platforms.model import Page, Seen, Touched
from platforms.shopify import bulk
from platforms.shopify.adapter import Shopify
from platforms.shopify.bulk import BUSY_S, POLL_S, Place
from platforms.shopify.fake import create_api
from platforms.shopify.fake.bulk import refused
from platforms.shopify.fake.data import HOST, Bucket, BulkWays, Shop
from platforms.shopify.fake.stage import ShopifyStage
from platforms.shopify.spool import Spool

KINDS = ("order", "customer", "product")
ORDERS = 250  # three pages
OTHERWISE = {  # checks that have tests of their own here
    "listing.short-pages": "takes rows out of an answer that is one JSON value",
    "listing.unreadable-row": "spoils a row of an answer that is one JSON value",
}
TILES = sorted(
    check.name
    for check in asyncio.run(checks_of(Shopify()))
    if check.name.startswith("listing.")
    and check.applies(Shopify.capabilities)
    and check.name not in OTHERWISE
)


@pytest.mark.parametrize("name", TILES)
async def test_conformance_of_listings_in_bulk(name):
    result = await run(Shopify(bulk_from=1), CHECKS[name])
    assert result.status == "passed", result.message


class Ground:
    """A store with some orders, and clients of it."""

    def __init__(self, **ways):
        self.now = [0.0]
        self.shop = Shop(bucket=Bucket.endless(), bulk=BulkWays(**ways))
        self.stage = ShopifyStage(self.shop)
        self.transport: httpx.AsyncBaseTransport = httpx.ASGITransport(
            create_api(self.shop, lambda: self.now[0])
        )
        self.asked = []

    def client(self, bulk_from=1):
        async def note(request):
            self.asked.append(request)

        http = httpx.AsyncClient(transport=self.transport, event_hooks={"request": [note]})
        access = {
            "url": f"https://{HOST}",
            "client_id": self.shop.client_id,
            "client_secret": self.shop.client_secret,
        }
        return opened_by(Shopify(bulk_from=bulk_from), access, http)

    async def fill(self, orders=ORDERS, seed=1):
        draw = random.Random(seed)
        goods = [await self.stage.add_product(f"Tea {n}", f"{n + 1}.50") for n in range(9)]
        await self.stage.shelve(goods[0], [f"shelf-{n}" for n in range(12)])
        buyers = [await self.stage.add_customer(f"b{n}@example.test") for n in range(5)]
        self.shop.codes["tenoff"] = 1000
        ids = []
        for n in range(orders):
            items = [(one, draw.randint(1, 3)) for one in draw.sample(goods, 1 + n % 7)]
            who = draw.choice([None, *buyers])
            codes = ["tenoff"] if n % 3 == 0 else []
            pays = draw.choice(["now", "never"])
            ids.append(
                await self.stage.place(
                    Basket(items=items, customer_id=who, codes=codes, pays=pays, fee_minor=n % 2)
                )
            )
        for n, id_ in enumerate(ids[:30]):
            if n % 3 == 0:
                await self.stage.refund(id_, "1.00", {})
            await self.stage.send(id_)
        return ids

    def queries(self):
        return sum(b"bulkOperationRunQuery" in one.content for one in self.asked)


async def pages(client, kind="order", cursor=None):
    found = []
    for _ in range(1000):
        page = await client.page(kind, cursor, None)
        found.append(page)
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the listing has no end")


def items(found):
    return {one.id: one for page in found for one in page.items}


async def records(client, kind):
    """Return all records of a kind, whole: those that are only named are fetched."""
    listed = items(await pages(client, kind))
    named = [one.id for one in listed.values() if isinstance(one, Touched)]
    shown = {one.id: one.record for one in listed.values() if isinstance(one, Seen)}
    return shown | dict(await client.fetch(kind, named))


@pytest.mark.parametrize("kind", KINDS)
async def test_bulk_and_pages_come_to_the_same_records(kind):
    ground = Ground(seed=7)
    await ground.fill()
    in_bulk, by_pages = ground.client(1), ground.client(10**9)
    assert await records(in_bulk, kind) == await records(by_pages, kind)
    assert ground.queries() == 1


async def test_it_shows_at_least_what_a_page_shows():
    ground = Ground()
    await ground.fill()
    in_bulk = items(await pages(ground.client(1)))
    by_pages = items(await pages(ground.client(10**9)))
    for id_, one in by_pages.items():
        if isinstance(one, Seen):
            assert in_bulk[id_] == one
    refunded = {id_ for id_, one in in_bulk.items() if isinstance(one, Touched)}
    assert len(refunded) == 10  # six goods or more are shown: only refunds are asked for apart


async def test_few_records_and_changes_are_read_by_pages():
    ground = Ground()
    await ground.fill(20)
    assert len(items(await pages(ground.client(21)))) == 20
    await ground.client(1).page("order", None, ground.stage.now())
    assert ground.queries() == 0


async def test_it_waits_while_shopify_is_at_work_and_reads_pages_of_ids_in_order():
    ground = Ground(seconds=30)
    ids = await ground.fill()
    client = ground.client()
    begun = await client.page("order", None, None)
    waiting = await client.page("order", begun.next_cursor, None)
    assert waiting == Page((), begun.next_cursor, wait_s=POLL_S)
    ground.now[0] = 30.0
    found = await pages(client, cursor=begun.next_cursor)
    assert [len(one.items) for one in found] == [100, 100, 50]
    assert [one.id for page in found for one in page.items] == sorted(ids, key=int)


async def test_another_process_goes_on_with_the_operation_and_after_the_last_record():
    ground = Ground()
    ids = await ground.fill()
    begun = await ground.client().page("order", None, None)
    first = await ground.client().page("order", begun.next_cursor, None)
    rest = await pages(ground.client(), cursor=first.next_cursor)
    assert sorted([*items([first]), *items(rest)], key=int) == sorted(ids, key=int)
    assert len(first.items) + sum(len(one.items) for one in rest) == ORDERS
    assert ground.queries() == 1


async def test_two_listings_at_once_of_one_client_do_not_disturb_each_other():
    ground = Ground()
    ids = await ground.fill()
    client = ground.client()
    listed = await asyncio.gather(*(pages(client) for _ in range(3)))
    assert [sorted(items(one)) for one in listed] == [sorted(ids)] * 3


async def test_the_token_is_not_sent_to_where_the_results_lie():
    ground = Ground()
    await ground.fill(5)
    await pages(ground.client())
    (fetched,) = [one for one in ground.asked if one.url.host == "storage.example.test"]
    assert not [name for name in fetched.headers if "shopify" in name or name == "authorization"]


@pytest.mark.parametrize(
    "fate",
    [
        "FAILED TIMEOUT",
        "FAILED INTERNAL_SERVER_ERROR",
        "FAILED ACCESS_DENIED",
        "CANCELED",
        "EXPIRED",
    ],
)
async def test_an_operation_that_comes_to_nothing_is_run_again(fate):
    ground = Ground(fates=[fate])
    ids = await ground.fill(20)
    assert sorted(items(await pages(ground.client()))) == sorted(ids)
    assert ground.queries() == 2


async def test_after_three_operations_it_goes_by_pages():
    ground = Ground(fates=["FAILED TIMEOUT"] * 3)
    ids = await ground.fill(20)
    assert sorted(items(await pages(ground.client()))) == sorted(ids)
    assert ground.queries() == 3


async def test_one_that_was_cancelled_by_hand_is_run_again():
    ground = Ground(seconds=10)
    ids = await ground.fill(20)
    client = ground.client()
    begun = await client.page("order", None, None)
    gid = Place.read(begun.next_cursor).operation
    cancel = "mutation C($id: ID!) { bulkOperationCancel(id: $id) { userErrors { message } } }"
    async with httpx.AsyncClient(transport=ground.transport) as http:
        await http.post(
            f"https://{HOST}/admin/api/2026-10/graphql.json",
            json={"query": cancel, "variables": {"id": gid}},
            headers={"X-Shopify-Access-Token": ground.shop.grant()},
        )
    assert (await client.page("order", begun.next_cursor, None)).wait_s == POLL_S
    ground.now[0] = 10.0
    again = await client.page("order", begun.next_cursor, None)
    assert Place.read(again.next_cursor) == Place(tries=1)
    begun = await client.page("order", again.next_cursor, None)
    ground.now[0] = 20.0
    assert sorted(items(await pages(client, cursor=begun.next_cursor))) == sorted(ids)


async def test_results_that_are_gone_are_made_again_and_read_on():
    ground = Ground(life_s=60)
    ids = await ground.fill()
    begun = await ground.client().page("order", None, None)
    first = await ground.client().page("order", begun.next_cursor, None)
    ground.now[0] = 61.0
    rest = await pages(ground.client(), cursor=first.next_cursor)
    assert [*items([first]), *items(rest)] == sorted(ids, key=int)
    assert ground.queries() == 2


async def test_five_at_a_time_and_the_sixth_waits():
    ground = Ground(seconds=10)
    await ground.fill(3)
    for _ in range(5):
        begun = await ground.client().page("order", None, None)
        assert Place.read(begun.next_cursor).operation
    sixth = await ground.client().page("order", None, None)
    assert sixth == Page((), str(Place()), wait_s=BUSY_S)
    ground.now[0], ground.shop.bulk.seconds = 10.0, 0.0
    assert len(items(await pages(ground.client(), cursor=sixth.next_cursor))) == 3


async def test_nothing_to_show_is_no_file():
    ground = Ground()
    begun, end = await pages(ground.client(0))
    assert (begun.items, end) == ((), Page(()))


def without_last(lines):
    found = list(lines)
    return found[:-1]


def cut(lines):
    text = b"".join(lines)
    return [text[: len(text) // 2]]


def without_newline(lines):
    return [b"".join(lines).removesuffix(b"\n")]


def no_json(lines):
    return [*list(lines)[:-1], b"<html>\n"]


def of_no_type(lines):
    found = [orjson.loads(one) for one in lines]
    return [orjson.dumps(one | {"__typename": "Cat"}) + b"\n" for one in found]


def one_twice(lines):
    found = list(lines)
    return [*found, found[0]]


@pytest.mark.parametrize("spoiled", [without_last, cut, no_json, of_no_type, one_twice])
async def test_a_file_that_is_not_whole_is_never_taken_for_all(spoiled):
    ground = Ground(spoiled=spoiled)
    ids = await ground.fill(20)
    found = await pages(ground.client())
    assert sorted(items(found)) == sorted(ids)
    assert [one.items for one in found[:6]] == [()] * 6  # begun and not whole, thrice: then pages
    assert ground.queries() == 3


async def test_blank_lines_and_no_last_newline_are_no_trouble():
    ground = Ground(spoiled=lambda lines: [b"\n\n", *without_newline(lines)])
    ids = await ground.fill(20)
    assert sorted(items(await pages(ground.client()))) == sorted(ids)
    assert ground.queries() == 1


async def test_a_child_without_its_parent_names_it():
    ground = Ground()
    (gone, kept) = await ground.fill(2)

    def swap(lines):
        """Put a child of an order that is not there in the place of that order."""
        found = [one for one in lines if orjson.loads(one).get("id", "").rpartition("/")[2] != gone]
        child = {
            "__typename": "ShippingLine",
            "__parentId": f"gid://shopify/Order/{gone}",
        }
        return [*found, orjson.dumps(child)]

    plain, counted = await ground.client().page("order", None, None), ground.shop.bulk
    counted.spoiled = swap
    gid = plain.next_cursor
    found = items(await pages(ground.client(), cursor=gid))
    assert found.keys() == {gone, kept}  # counts differ, so it came by pages


def test_orphans_and_their_order_in_the_spool():
    spool = Spool()
    child = {"__typename": "LineItem", "id": "gid://shopify/LineItem/9"}
    spool.add(
        [
            orjson.dumps(child | {"__parentId": "gid://shopify/Order/4"}),
            orjson.dumps({"id": "gid://shopify/Order/2"}),
        ]
    )
    spool.end()
    two, four = spool.page(0, 10)
    assert two.node is not None
    assert (two.id, four.id, four.node, spool.lines, spool.roots) == (2, 4, None, 2, 1)
    assert orjson.loads(two.node)["lineItems"] == {"nodes": []}


@pytest.mark.parametrize(
    "line",
    [
        b"nothing",
        b"[]",
        b"{}",
        b'{"id": "gid://shopify/Order/x"}',
        b'{"id": "gid://shopify/Order/99999999999999999999"}',
        b'{"id": 3}',
        b'{"__parentId": "gid://shopify/Order/3"}',
        b'{"__parentId": "gid://shopify/Order/3", "__typename": "Cat"}',
    ],
)
def test_a_line_that_is_nothing_is_refused(line):
    with pytest.raises(Malformed):
        Spool().add([line])


def _written(children):
    """Return the lines of records with these many children of two types."""
    lines = []
    for number, (goods, ways) in enumerate(children, 1):
        gid = f"gid://shopify/Order/{number}"
        lines.append(orjson.dumps({"id": gid, "name": f"#{number}"}))
        for n in range(goods):
            one = {"id": f"gid://shopify/LineItem/{number * 100 + n}", "__typename": "LineItem"}
            lines.append(orjson.dumps(one | {"__parentId": gid}))
        lines += [orjson.dumps({"__typename": "ShippingLine", "__parentId": gid})] * ways
    return lines


def _read(lines):
    spool = Spool()
    for begin in range(0, len(lines), 3):
        spool.add(lines[begin : begin + 3])
    spool.end()
    found, after = [], 0
    while page := spool.page(after, 2):
        found += page
        after = page[-1].id
    spool.close()
    return found


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=6).flatmap(
        lambda children: st.tuples(st.just(children), st.permutations(_written(children)))
    )
)
def test_lines_in_any_order_come_to_the_same_records(drawn):
    children, shuffled = drawn
    found = _read(shuffled)
    assert found == _read(_written(children))
    for one, (goods, ways) in zip(found, children, strict=True):
        node = orjson.loads(one.node)
        assert [len(node[name]["nodes"]) for name in ("lineItems", "shippingLines")] == [
            goods,
            ways,
        ]


async def _as_file(chunks):
    for one in chunks:
        yield one


@given(st.lists(st.binary(max_size=20), max_size=10), st.data())
def test_lines_are_found_however_the_file_is_cut(lines, data):
    lines = [one.replace(b"\n", b"") for one in lines]
    text = b"\n".join(lines)
    chunks, rest = [], text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        chunks.append(rest[:size])
        rest = rest[size:]

    async def read():
        return [one async for batch in bulk._batches(_as_file(chunks)) for one in batch]

    assert asyncio.run(read()) == [one for one in lines if one]


async def test_a_line_without_end_is_refused():
    piece = b"x" * 1_000_000
    with pytest.raises(Malformed, match="a line is longer"):
        async for _ in bulk._batches(_as_file([piece] * 12)):
            pass


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, Malformed),
        (302, TransientError),
        (404, Rejected),
        (429, TransientError),
        (503, TransientError),
    ],
)
async def test_a_stream_is_bounded_and_says_what_it_met(status, error):
    def answer(_):
        return httpx.Response(status, content=b"x" * 100, headers={"location": "https://b.test"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        request = http.build_request("GET", "https://a.test/file")
        with pytest.raises(error):
            async for _ in streamed(http, request, 99):
                pass


async def test_a_download_that_breaks_off_is_tried_again_with_the_same_operation():
    ground = Ground()
    ids = await ground.fill(20)
    begun = await ground.client().page("order", None, None)

    def breaks(lines):
        yield from islice(lines, 3)
        raise httpx.ReadError("the line broke")

    ground.shop.bulk.spoiled = breaks
    with pytest.raises(TransientError):
        await ground.client().page("order", begun.next_cursor, None)
    ground.shop.bulk.spoiled = iter
    assert sorted(items(await pages(ground.client(), cursor=begun.next_cursor))) == sorted(ids)
    assert ground.queries() == 1


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{ shop { name } }", "at least one connection"),
        ("mutation { bulkOperationCancel(id: 1) { userErrors { field } } }", "must be one query"),
        ("{ orders { edges { node { cash } } } }", "Cannot query field 'cash'"),
        (
            "{ orders { edges { node { id refunds { refundLineItems { edges { node { quantity } } }"
            " } } } } }",
            "within a list",
        ),
        (
            "{ customers { edges { node { id orders { edges { node { id lineItems { edges { node"
            " { id } } } } } } } } } }",
            "nesting depth",
        ),
        (
            "{ "
            + " ".join(f"a{n}: orders {{ edges {{ node {{ id }} }} }}" for n in range(6))
            + " }",
            "more than 5",
        ),
        ("{", "Syntax Error"),
    ],
)
def test_the_fake_refuses_what_may_not_run_in_bulk(query, why):
    assert why in str(refused(query))


async def test_what_is_refused_is_told():
    def answer(request):
        if request.url.path.endswith("access_token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 86_399})
        if b"RunBulk" not in request.content:
            count = {"count": 5}
            data = {"ordersCount": count, "customersCount": count, "productsCount": count}
            return httpx.Response(200, json={"data": data})
        errors = [{"code": "INVALID", "message": "No."}]
        begun = {"bulkOperation": None, "userErrors": errors}
        return httpx.Response(200, json={"data": {"bulkOperationRunQuery": begun}})

    ground = Ground()
    ground.transport = httpx.MockTransport(answer)
    with pytest.raises(Rejected, match=r"orders can't be read in bulk: No\."):
        await ground.client().page("order", None, None)
