"""What Python answers and what TypeScript expects are one schema."""

import json

from tests.house.contract import TARGET, contract


def test_the_widgets_contract_is_the_views():
    assert TARGET.read_text(encoding="utf-8") == contract(), "run python -m tests.house.contract"


async def test_an_answer_has_exactly_the_contracts_fields(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product(), 12, maya)
    await town.settle()
    await town.redeem(maya)

    answer = (await town.state(maya)).json()

    document = json.loads(contract())
    assert sorted(answer) == sorted(document["properties"])
    for part in ("store", "program", "visitor"):
        fields = document["$defs"][part.capitalize()]["properties"]
        assert sorted(answer[part]) == sorted(fields)
    redemption = document["$defs"]["Redemption"]["properties"]
    assert sorted(answer["visitor"]["redemptions"][0]) == sorted(redemption)
