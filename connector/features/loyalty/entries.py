"""An account's entries as merchants read them: titled in words, chosen by kind, with an undo."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.commerce import records
from connector.features.loyalty.explain import Explanation, Line
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.views import order_of
from connector.web.catalogues import n_, t

WORDS = {
    "sign_up": n_("Signed up"),
    "newsletter": n_("Agreed to mail"),
    "review": n_("Wrote a review"),
    "birthday": n_("Birthday"),
    "social_share": n_("Shared, as they said"),
    "event": n_("Did something that earns"),
    "tier": n_("Reached a tier"),
    "redemption": n_("Took a reward"),
    "reservation": n_("Spent at a till"),
    "adjustment": n_("Changed by hand"),
    "import": n_("Taken over from elsewhere"),
}
"""What causes are, in words."""
ENDS = {"expire": n_("Expired"), "forgive": n_("Forgiven"), "release": n_("Given back")}
"""What kinds of entries are, whatever their cause."""
KINDS = {
    "": (n_("All"), ()),
    "earned": (n_("Earned"), ("earn", "release", "forgive", "import")),
    "spent": (n_("Spent"), ("redeem",)),
    "lost": (n_("Taken back"), ("clawback", "expire")),
    "hand": (n_("By hand"), ("adjust",)),
}
"""By which kinds entries can be chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry in the ledger of a page; ``undo`` is the decision that it can be undone by."""

    line: Line
    title: str
    undo: str | None


async def rows_of(store: str, account: str, lines: Sequence[Line], *, may_undo: bool) -> list[Row]:
    """Return lines with their titles and, for who ``may_undo``, how."""
    orders = {order_of(line.cause) for line in lines} - {""}
    numbers = await records.order_numbers(store, orders)
    undone = DecisionRow.filter(store=store, account=account, kind="adjust")
    ids = {row.id for row in await undone.filter(undone_at=None)}
    return [
        Row(
            line=line,
            title=_title(line, numbers),
            undo=_decision(line, ids) if may_undo else None,
        )
        for line in lines
    ]


def chosen(explained: Explanation, kind: str) -> list[Line]:
    """Return the lines of a kind, the newest first."""
    _, kinds = KINDS[kind]
    return [line for line in reversed(explained.lines) if not kinds or line.kind in kinds]


def _decision(line: Line, ids: set[str]) -> str | None:
    id_ = line.cause.removeprefix("adjustment:")
    return id_ if line.kind == "adjust" and id_ in ids else None


def _title(line: Line, numbers: dict[str, str]) -> str:
    order = order_of(line.cause)
    if order:
        name = numbers.get(order, order)
        match line.kind:
            case "clawback":
                return t("Refund or cancel of order %s") % name
            case "expire":
                return t("Expired, of order %s") % name
        return t("Order %s") % name
    return t(ENDS.get(line.kind) or WORDS.get(line.cause.partition(":")[0], line.cause))
