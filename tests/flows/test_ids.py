"""Ids that no number of JavaScript's can hold arrive as texts, digit by digit."""

import json

import pytest

from platforms.conformance.stage import Basket
from platforms.shopify.fake.data import FIRST_ID
from tests import databases
from tests.flows.test_api import client
from tests.flows.test_shopify import led_on, state, visit
from tests.market import EARNING, opened

SAFE = 2**53 - 1  # https://tc39.es/ecma262/#sec-number.max_safe_integer


@pytest.fixture
async def market(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        async with opened(url) as one:
            yield one


def told(answer):
    """Return all numbers and all texts of a JSON answer."""
    assert answer.status_code == 200, answer.text
    numbers: list[float] = []
    texts: list[str] = []

    def walk(value):
        if isinstance(value, dict):
            texts.extend(value)
            value = [*value.values()]
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, str):
            texts.append(value)
        elif value is not None:
            numbers.append(value)

    walk(json.loads(answer.text))
    return numbers, texts


async def test_every_answer_has_a_platforms_ids_as_texts(market):
    await market.connect()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    order = await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))
    ids = {tea, maya, order}
    assert min(int(one) for one in ids) > FIRST_ID > SAFE
    twice = f'\n[[multiplier]]\nwhen = {{ product = "{tea}" }}\nfactor = "2"\n'
    await market.publish(EARNING + twice)
    await market.settle()
    token = (await visit(market, led_on(market, maya))).json()["token"]
    api = await client(market)
    account = f"customer:{maya}"

    answers = [
        await state(market),
        await state(market, token),
        await api.get("/members"),
        await api.get(f"/members/{account}"),
        await api.get(f"/members/{account}/entries"),
        await api.get("/programs"),
        await api.get("/programs/1"),
    ]

    said = set[str]()
    for answer in answers:
        numbers, texts = told(answer)
        assert [one for one in numbers if abs(one) > SAFE] == []
        said |= {id_ for id_ in ids for text in texts if id_ in text}
        for id_ in ids:
            near = [str(int(id_) + by) for by in (-1, 1) if str(int(id_) + by) not in ids]
            assert not [text for text in texts if any(one in text for one in near)]
    assert said == ids
