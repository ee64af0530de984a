"""The least that a backfill takes: every page fetched and decoded by the adapter, nothing kept."""

import asyncio
import json
import sys
import time

from platforms import http
from platforms.keeping import opened_by
from platforms.pace import Pace
from platforms.woocommerce.adapter import PLATFORM
from tests.flows.operator import KEY, SECRET


async def main(url: str) -> None:
    access = {"url": url, "key": KEY, "secret": SECRET}
    count, cursor, is_begun = 0, None, False
    async with http.SafeTransport(allow_loopback=True) as network:
        client = opened_by(PLATFORM, access, http.client(network, Pace(), "bulk"))
        await client.info()
        began = time.perf_counter()
        while cursor is not None or not is_begun:
            page = await client.page("order", cursor, None)
            count, cursor, is_begun = count + len(page.items), page.next_cursor, True
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"orders": count, "rate": count / seconds}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
