"""The demo: a store, its shoppers and everything of ours in one process, on this machine."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from connector import database, worker
from connector.app import create_app
from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.demo.shopper import Merchant
from connector.features.loyalty.service import Loyalty
from connector.kernel.clock import system_clock
from connector.system import System, running
from connector.web import servers
from connector.web.sessions import admin_link
from platforms.protocol import Platform

PLATFORM: Final = "woocommerce"
KEY: Final = "ck_demo0000000000000000000000000000000000"
SECRET: Final = "cs_demo0000000000000000000000000000000000"  # noqa: S105 - opens the demo only
PROGRAM = Path(__file__).parent / "program.toml"
REWARDS = re.compile(r"^\[\[reward\]\]\n(?:.+\n)+\n?", re.MULTILINE)
Say = Callable[[str], None]


def has_codes(platform: Platform) -> bool:
    """Return whether a platform's stores take discount codes of ours."""
    return bool(platform.capabilities.discount_kinds)


def program_for(platform: Platform) -> str:
    """Return the demo's program; without rewards where the platform can't make them."""
    text = PROGRAM.read_text(encoding="utf-8")
    return text if has_codes(platform) else REWARDS.sub("", text)


async def stay_up(settings: Settings, platform: Platform, port: int, say: Say) -> None:
    """Serve a sandbox store and Perennial, connect them as a merchant would, and stay up.

    Raises:
        PerennialError: a port is taken, or the store could not be connected.
    """
    shop_url = f"http://127.0.0.1:{port + 1}"
    shop = platform.sandbox(url=shop_url, folder=None, key=KEY, secret=SECRET)
    async with running(settings) as system:
        await database.migrate(settings.database_url, system.models)
        stop = servers.stop_on_signals()
        apps: list[servers.Served] = [
            (create_app(system), servers.listen("127.0.0.1", port)),
            (shop, servers.listen("127.0.0.1", port + 1)),
        ]
        for _, bound in apps:
            bound.listen()  # whoever connects before a server is up waits
        async with asyncio.TaskGroup() as group:
            group.create_task(servers.serve(apps, stop))
            group.create_task(worker.work(system, stop))
            try:
                await _set_up(system, platform, shop_url, say)
            except BaseException:
                stop.set()
                raise


async def _set_up(system: System, platform: Platform, shop: str, say: Say) -> None:
    say(f"sandbox store at {shop} (relaxed: plain-http callbacks, any port)")
    service = system.settings.public_url
    merchant = await asyncio.to_thread(Merchant, shop)
    id_ = ""
    if access := await asyncio.to_thread(merchant.access):
        opened = platform.access(access)
        id_ = (await system.stores.connect(platform.name, opened, system_clock())).id
    store = await StoreRow.get(id=await asyncio.to_thread(merchant.connect, service, id_))
    await Loyalty(system.tools).programs.publish(store, program_for(platform))
    await system.passes.run(store, "sync")
    link = await admin_link(system.tools.ids, system_clock, service, store.id)
    lines: Mapping[str, str] = {
        "store": f"{shop}/  (shopper maya@example.test, password shopper)",
        "back office": f"{shop}{merchant.map['office']}  (admin, password admin)",
        "merchant page": f"{link}  (good once, 10 minutes)",
        "database": system.settings.database_url,
    }
    say("\n".join(f"{name + ':':<15}{text}" for name, text in lines.items()))
    say("Perennial is up. Ctrl-C stops it.")
