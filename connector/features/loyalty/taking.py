"""The merchant's page on which all that people have is taken away, as one file.

The files in it are those of ``perennial export``: see ``export``. Made while the browser waits, so
only of so many accounts; more are written out where the service runs.
"""

import asyncio
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

from connector.commerce.models import StoreRow
from connector.features.loyalty.customers import PAGES
from connector.features.loyalty.export import Export
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow
from connector.web.catalogues import n_
from connector.web.feature import Tools
from connector.web.merchant import View, Visit
from connector.web.pages import HEADERS, number

EXPORT = "/settings/export"
ACCOUNTS_MAX = 20_000
ABOUT = "about.txt"
PIECE = 100_000


class ExportAdmin:
    """Shows what the file has, and makes it."""

    def __init__(self, tools: Tools, loyalty: Loyalty) -> None:
        self._vault = tools.vault
        self._clock = tools.clock
        self._sessions = tools.sessions
        self._loyalty = loyalty
        self._turn = asyncio.Semaphore(1)  # they take memory and a core each

    def views(self) -> Sequence[View]:
        """Return the views."""
        return [
            View(method="GET", path=EXPORT, role="owner", serve=self.show),
            View(method="POST", path=EXPORT, role="owner", serve=self.make),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show what the file has, and how it is made."""
        return await self._shown(visit)

    async def make(self, visit: Visit) -> Response:
        """Answer with the file, in the state of one instant."""
        store = visit.store
        if await _accounts(store) > ACCOUNTS_MAX:
            return await self._shown(visit, 400)
        async with self._turn:
            with tempfile.TemporaryDirectory(prefix="perennial-") as folder:
                file = await self._written(store, Path(folder))
                whole = file.open("rb")  # it goes once nobody reads it any more
                size = file.stat().st_size
        await self._sessions.note(visit.session, n_("everything exported"), store.id, "")
        name = f"perennial-{store.id}-{self._clock():%Y-%m-%d}.zip"
        headers = {
            **HEADERS,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(size),
        }
        return StreamingResponse(_pieces(whole), headers=headers, media_type="application/zip")

    async def _written(self, store: StoreRow, folder: Path) -> Path:
        settling = self._loyalty.settling
        for settle in (settling.settle_dirty, settling.settle_due):
            while await settle(store):  # so that the ledger is as far as the lots are
                pass
        files = folder / "files"
        done = await Export(self._loyalty, store, self._vault, self._clock()).write(
            files, lambda _: None
        )
        (files / ABOUT).write_text(
            f"All that the people of {store.name} have, at {done.as_of.isoformat()}.\n"
            "What each file has: see the README of Perennial, under Moving.\n"
            f"To go on elsewhere, publish there with earn_from = {done.as_of.isoformat()},\n"
            "unpack this file, then perennial import STORE FOLDER.\n"
            f"Left out, as no address of theirs is known: {done.nameless} with"
            f" {done.nameless_points} points, who are in accounts.csv alone.\n"
            f"Codes that are not used yet: {done.unused_codes}, for {done.unused_points} points.\n",
            encoding="utf-8",
        )
        whole = folder / "whole.zip"
        await asyncio.to_thread(_zipped, files, whole)
        return whole

    async def _shown(self, visit: Visit, status: int = 200) -> Response:
        accounts = await _accounts(visit.store)
        return visit.page(
            PAGES,
            "export.html",
            status,
            accounts=number(accounts),
            most=number(ACCOUNTS_MAX),
            is_too_many=accounts > ACCOUNTS_MAX,
        )


async def _accounts(store: StoreRow) -> int:
    return await AccountRow.filter(store=store.id).count()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _zipped(folder: Path, whole: Path) -> None:
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for file in sorted(folder.iterdir()):
            packed.write(file, file.name)
