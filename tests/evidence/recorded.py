"""The whole recorded store by one way: ``python -m tests.evidence.recorded killed|webhooks|lost``.

Prints how many accounts there are and how many differ from the second author's arithmetic or, by a
ledger key, from an undisturbed backfill.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests import databases
from tests.flows import recorded_ways
from tests.flows.operator import RECORDED
from tests.flows.recorded_oracle import read_store

KILLS, SEED = 12, 3
WAYS = {"killed": f"killed {KILLS} times", "webhooks": "webhooks alone", "lost": "40 % lost"}


async def gone(way: str) -> dict[str, int | str]:
    """Go one way, compare, and return the figures."""
    with tempfile.TemporaryDirectory() as name, databases.empty(Path(name)) as empty:
        folder = Path(name)
        for one in ("reference", "way"):
            (folder / one).mkdir()
        reference = await recorded_ways.backfilled(empty, folder / "reference", RECORDED)
        match way:
            case "killed":
                outcome = await asyncio.to_thread(
                    recorded_ways.killed, folder / "way", RECORDED, KILLS, SEED
                )
            case "webhooks":
                outcome = await recorded_ways.by_webhooks(empty, folder / "way", RECORDED, SEED)
            case _:
                outcome = await recorded_ways.with_loss(empty, folder / "way", RECORDED, SEED)
    balances = read_store(RECORDED).balances()
    return {
        "details": outcome.details,
        "accounts": len(outcome.held),
        "accounts_differing": recorded_ways.differing(outcome.held, balances),
        "ledger_keys": len(outcome.entries),
        "ledger_keys_differing": len(set(outcome.entries.items()) ^ set(reference.entries.items())),
    }


def main(way: str) -> int:
    """Print one way's figures and return the exit code."""
    figures = asyncio.run(gone(way))
    accounts, keys = figures["accounts_differing"], figures["ledger_keys_differing"]
    sys.stdout.write(f"{figures['details']}\n")
    sys.stdout.write(f"{WAYS[way]}: {figures['accounts']} accounts, {accounts} differ\n")
    sys.stdout.write(f"{figures['ledger_keys']} ledger keys, {keys} differ from a backfill's\n")
    return 0 if not accounts and not keys else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
