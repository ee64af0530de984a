"""What of persons is kept with their points.

In the file of a person: ``accounts``, each with its ``account`` key, ``available`` and ``pending``
points, where it stands and ``lines``, its ledger with every entry explained, as the customer's page
has it; ``decisions`` by merchants and imports, ``acts`` that other systems told, ``claims`` on
mailboxes of the last day, and ``stamps``, what was noted of orders.
"""

from collections.abc import Mapping, Sequence

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from connector.commerce import erasure
from connector.commerce.identity import customer_of
from connector.commerce.models import OrderRow, StoreRow
from connector.features.loyalty.explain import explained
from connector.features.loyalty.imports import MAILBOX
from connector.features.loyalty.models import ActRow, ClaimRow, DecisionRow, StampRow
from connector.features.loyalty.rules.decided import BY_HAND
from connector.kernel.clock import Clock
from connector.kernel.vault import Vault
from connector.ledger.models import EntryRow

DECISION = (
    "account", "kind", "points", "tier", "is_locked", "reason", "decided_at", "expires_at", "batch",
    "undone_at", "body",
)  # fmt: skip
ACT = ("account", "kind", "name", "happened_at", "noted_at")
STAMP = ("order_id", "body", "stamped_at")
TOGETHER = 500  # orders whose stamps are read at once


class Personal:
    """Tells what is kept of persons here, and erases it."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    async def told(self, store: StoreRow, accounts: Sequence[str]) -> Mapping[str, object]:
        """Return all that is kept of accounts."""
        of = {"store": store.id, "account__in": list(accounts)}
        now = self._clock()
        decisions = DecisionRow.filter(**of).order_by("decided_at", "id")
        acts = ActRow.filter(**of).order_by("happened_at", "id")
        boxes = DecisionRow.filter(**of, mailbox__not_isnull=True)
        return {
            "accounts": [await explained(store, account, now) for account in accounts],
            "decisions": await decisions.values(*DECISION),
            "mailboxes": [self._mailbox(row) for row in await boxes.order_by("decided_at", "id")],
            "acts": await acts.values(*ACT),
            "claims": [self._claim(row) for row in await _claims(store.id, accounts)],
            "stamps": await _stamps(store.id, accounts),
        }

    def _mailbox(self, row: DecisionRow) -> Mapping[str, object]:
        email = self._vault.open(row.store, MAILBOX, bytes(row.mailbox or b""))
        return {"account": row.account, "email": email, "batch": row.batch}

    def _claim(self, row: ClaimRow) -> Mapping[str, object]:
        email = self._vault.open(row.store, "claim", bytes(row.email))
        return {"account": row.account, "email": email, "asked_at": row.asked_at}

    async def erase(self, store: StoreRow, accounts: Sequence[str]) -> None:
        """Forget claims and mailboxes, and what merchants wrote. In a transaction.

        Of the ledger that is words alone: no points, and nothing that they follow from.
        """
        of = {"store": store.id, "account__in": list(accounts)}
        await _claims(store.id, accounts).delete()
        decisions = DecisionRow.filter(**of)
        await decisions.filter(mailbox__not_isnull=True).update(mailbox=None)
        await decisions.filter(batch=None).update(reason=erasure.WORD)
        by_hand = EntryRow.filter(**of, kind="adjust", why__startswith=BY_HAND)
        await by_hand.update(why=f"{BY_HAND}{erasure.WORD}")


def _claims(store: str, accounts: Sequence[str]) -> QuerySet[ClaimRow]:
    """Return the claims by customers, and on the mailboxes of guests."""
    ids = [id_ for account in accounts if (id_ := customer_of(account)) is not None]
    return ClaimRow.filter(Q(customer_id__in=ids) | Q(account__in=list(accounts)), store=store)


async def _stamps(store: str, accounts: Sequence[str]) -> list[dict[str, object]]:
    orders = OrderRow.filter(store=store, account__in=list(accounts)).order_by("platform_id")
    ids = await orders.values_list("platform_id", flat=True)
    found: list[dict[str, object]] = []
    for first in range(0, len(ids), TOGETHER):
        some = StampRow.filter(store=store, order_id__in=ids[first : first + TOGETHER])
        found += await some.order_by("order_id").values(*STAMP)
    return found
