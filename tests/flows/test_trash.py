"""What happened to an order before it was put into the trash counts, however late we hear of it."""

import pytest

from connector.ledger.models import EntryRow
from platforms.woocommerce.fake import orders, refunds


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_refund_of_an_order_that_is_in_the_trash_by_now_takes_points_back(town, is_told):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product("10.00"), 3, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150
    hooks = list(town.shop.all("webhook"))
    for hook in hooks:
        hook["status"] = "active" if is_told else "paused"

    refunds.create(town.shop, order, {"amount": "10.00"})
    orders.delete(town.shop, order, force=False)
    await town.settle()
    await town.system.passes.run(await town.row(), "audit")
    await town.settle()

    assert (await town.visitor(maya))["available"] == 100
    entries = await EntryRow.all().order_by("id")
    assert [(one.kind, one.points) for one in entries] == [("earn", 150), ("clawback", -50)]
