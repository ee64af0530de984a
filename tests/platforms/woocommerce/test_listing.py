"""The walk over a listing: whatever leaves, arrives or moves meanwhile, nothing is missed."""

from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platforms.errors import Malformed, TransientError
from platforms.woocommerce import wire
from platforms.woocommerce.listing import PER_PAGE, Place, Walk, is_last, page_count

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def row(id_, second=0):
    at = (BEGIN + timedelta(seconds=second)).replace(tzinfo=None).isoformat()
    return {"id": id_, "name": "x", "permalink": "x", "date_modified_gmt": at}


def answered(rows, begin, *, headers=True, size=PER_PAGE):
    here = rows[begin : begin + size]
    total = len(rows) if here else 0  # past the end the vendor says 0
    shown = {"X-WP-Total": str(total)} if headers else {}
    request = httpx.Request("GET", "https://store.example/")
    return httpx.Response(200, content=orjson.dumps(here), headers=shown, request=request)


async def walked(ask, key):
    """Walk to the end, each step by a new walk that knows only the cursor's text."""
    ids, text = [], str(Place())
    for _ in range(1000):
        rows, place, is_end = await Walk("product", ask, key, "").step(Place.read(text))
        ids += [one.id for one in rows]
        if is_end:
            return ids
        text = str(place)
    raise AssertionError("the walk does not end")


happenings = st.lists(
    st.tuples(st.sampled_from(["leave", "arrive", "change"]), st.integers(0, 10_000)), max_size=40
)


@given(st.integers(0, 450), st.lists(happenings, max_size=8), st.booleans(), st.integers(30, 100))
async def test_by_id_everything_that_stays_is_shown(count, between, has_headers, size):
    rows = [row(id_) for id_ in range(1, count + 1)]
    gone, batches = set(), iter(between)

    async def ask(position):
        answer = answered(rows, position, headers=has_headers, size=size)
        for what, place in next(batches, []):
            if what == "leave" and rows:
                gone.add(rows.pop(place % len(rows))["id"])
            elif what == "arrive":
                rows.append(row(max((one["id"] for one in rows), default=count) + 1))
        return answer

    shown = await walked(ask, wire.id_key)

    assert set(range(1, count + 1)) - gone <= set(shown)


@given(st.integers(0, 450), st.lists(happenings, max_size=8), st.integers(1, 3))
@settings(max_examples=50)
async def test_by_change_everything_is_shown_as_it_last_was(count, between, seconds):
    rows = [row(id_, id_ % seconds) for id_ in range(1, count + 1)]
    rows.sort(key=lambda one: (one["date_modified_gmt"], one["id"]))
    state = {"gone": set(), "now": seconds}
    batches = iter(between)

    async def ask(position):
        answer = answered(rows, position)
        for what, place in next(batches, []):
            if not rows:
                break
            state["now"] += 1
            moved = rows.pop(place % len(rows))
            if what == "leave":
                state["gone"].add(moved["id"])
            else:
                rows.append(row(moved["id"], state["now"]))
        return answer

    shown = await walked(ask, wire.stamp_key)

    assert set(range(1, count + 1)) - state["gone"] <= set(shown)


async def test_undisturbed_each_row_comes_once_and_two_requests_are_under_way():
    rows = [row(id_) for id_ in range(1, 401)]
    asked = []

    async def ask(position):
        asked.append(position)
        return answered(rows, position)

    assert await walked(ask, wire.id_key) == list(range(1, 401))
    assert asked == [0, 99, 198, 297, 396, 495]


@pytest.mark.parametrize(
    ("headers", "position", "shows_more", "last"),
    [
        ({"X-WP-Total": "250"}, 250, True, True),
        ({"X-WP-Total": "250"}, 200, True, False),
        ({"X-WP-Total": "0"}, 300, False, True),
        ({}, 300, True, False),
        ({}, 300, False, True),
    ],
)
def test_the_end_is_where_the_total_says(headers, position, shows_more, last):
    assert is_last(httpx.Response(200, headers=headers), position, shows_more=shows_more) is last


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 199, 200])
async def test_the_smallest_and_the_fullest_come_to_an_end(count, headers):
    rows = [row(id_) for id_ in range(1, count + 1)]

    async def ask(position):
        return answered(rows, position, headers=headers)

    assert await walked(ask, wire.id_key) == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("headers", "rows", "pages"),
    [({"X-WP-TotalPages": "3"}, 10, 3), ({}, 100, float("inf")), ({}, 99, 1)],
)
def test_pages_are_as_many_as_the_header_says(headers, rows, pages):
    assert page_count(httpx.Response(200, headers=headers), rows) == pages


def test_a_cursor_of_somebody_elses_is_refused():
    with pytest.raises(Malformed):
        Place.read("any|:")


def test_rows_of_another_host_are_refused():
    body = [row(1) | {"_links": {"self": [{"href": "https://else.example/wp-json/wc/v3/x/1"}]}}]
    request = httpx.Request("GET", "https://store.example/")
    answer = httpx.Response(200, content=orjson.dumps(body), request=request)
    with pytest.raises(TransientError) as caught:
        wire.decode_rows("product", answer, "store.example")
    assert caught.value.name == "answer-of-another-store"
    assert [one.id for one in wire.decode_rows("product", answer, "else.example")] == [1]
