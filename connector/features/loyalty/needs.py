"""What of the program waits for somebody's decision."""

from collections.abc import Sequence
from fractions import Fraction

from connector.commerce.models import StoreRow
from connector.features.loyalty.editor.admin import PROGRAM, START, TEXT
from connector.features.loyalty.editor.drafts import Drafts
from connector.features.loyalty.service import Loyalty
from connector.rewards.admissions import given_out
from connector.web.catalogues import t
from connector.web.keyfigures import Need
from connector.web.merchant import BASE
from connector.web.pages import number

NEAR_END = Fraction(9, 10)  # of a budget


class Needs:
    """A program to begin with, a draft to publish, a budget near its end."""

    def __init__(self, loyalty: Loyalty, own: Drafts) -> None:
        self._loyalty = loyalty
        self._drafts = own

    async def needs(self, store: StoreRow) -> Sequence[Need]:
        """Return what waits."""
        version = await self._loyalty.programs.program(store.id)
        draft = await self._drafts.find(store.id)
        found = []
        budget = version.program.budget if version else None
        if budget is not None:
            given = await given_out(store.id, budget.points)
            if given.used >= NEAR_END * given.limit:
                what = t("%(used)s of the budget of %(limit)s points are given out") % {
                    "used": number(given.used),
                    "limit": number(given.limit),
                }
                advice = t("After that nobody earns any: raise it, or let it end.")
                found.append(Need(what, advice, f"{BASE}{TEXT}", t("Change it")))
        if draft is not None:
            what = t("Your draft of the program is not published")
            advice = t("Nobody sees it until you publish it.")
            found.append(Need(what, advice, f"{BASE}{PROGRAM}", t("Look at it")))
        elif version is None:
            what = t("There is no program yet")
            advice = t("We propose one that fits what you sold, with what it would have cost.")
            found.append(Need(what, advice, f"{BASE}{START}", t("Set up")))
        return found
