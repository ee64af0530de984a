"""Fifty at once spend what there is, and no more: in one process, and between several."""

import asyncio

import pytest

from tests.flows import contention


@pytest.mark.parametrize("is_busy", [False, True])
async def test_fifty_at_once_spend_what_one_account_has(town, is_busy):
    sums = await contention.in_process(town, is_busy=is_busy)

    assert sums.holds, sums
    assert sums.keys_granted == 20


async def test_fifty_shoppers_at_once_get_what_there_is_of_a_limited_reward(town):
    sums = await contention.limited(town)

    assert sums.holds, sums
    assert (sums.keys_granted, sums.start, sums.available) == (20, 30_000, 20_000)


@pytest.mark.timeout(180)
async def test_fifty_at_once_between_processes(tmp_path):
    one, many = await asyncio.to_thread(contention.between_processes, tmp_path)

    assert one.holds, one
    assert one.keys_granted == one.start // one.cost >= contention.COUNT
    assert many.holds, many
    assert many.keys_granted == contention.STOCK
