"""Lighthouse over the merchant's pages, as on a slow phone and on a desk: ``measured()``.

Lighthouse is fetched by npm when this runs, and is no part of the project. It scores 0 to 100:
https://developer.chrome.com/docs/lighthouse/performance/performance-scoring
"""

import asyncio
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from connector.web.sessions import COOKIE
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.office import Office, opened

LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices")
PAGES = {"home": "/admin/", "program": "/admin/program/", "customers": "/admin/customers/"}
RUNS = 5


@dataclass(frozen=True)
class Visit:
    """A page as one device opens it, by Lighthouse's own presets."""

    page: str
    device: str

    @property
    def preset(self) -> list[str]:
        """Return the switches: without any it is a slow phone."""
        return ["--preset=desktop"] if self.device == "desk" else []


async def measured() -> dict[str, dict[str, float]]:
    """Return the median score of each category, by ``page on device``.

    The visits take turns, so that a slow minute of the machine meets all of them.
    """
    visits = [Visit(page, device) for page in PAGES for device in ("phone", "desk")]
    scores: dict[Visit, list[dict[str, float]]] = defaultdict(list)
    async with opened() as office:
        cookie = await office.cookie("owner", office.town.store)
        for _ in range(RUNS):
            for visit in visits:
                scores[visit].append(await _scores(office, visit, cookie))
    return {
        f"{visit.page} on {visit.device}": {
            category: median(one[category] for one in found) for category in CATEGORIES
        }
        for visit, found in scores.items()
    }


async def _scores(office: Office, visit: Visit, cookie: str) -> dict[str, float]:
    """Run Lighthouse once."""
    address = office.base + PAGES[visit.page]
    process = await asyncio.create_subprocess_exec(
        *("bash", "widgets/npm.sh", "exec", "--yes", "--", LIGHTHOUSE, address),
        *("--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}"),
        *visit.preset,
        f"--chrome-flags=--headless=new {' '.join(FLAGS)}",
        "--extra-headers=" + json.dumps({"Cookie": f"{COOKIE}={cookie}"}),
        env={**os.environ, "CHROME_PATH": CHROMIUM},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    told = json.loads(out)
    assert told["finalDisplayedUrl"] == address, "somebody was not let in"
    return {name: 100 * told["categories"][name]["score"] for name in CATEGORIES}
