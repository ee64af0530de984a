"""Histories with their points, by an author who has not seen the code, and what we make of them.

``python -m tests.connector.features.loyalty.worked`` prints how many there are, and how many
differ. The document's head says how it is read.
"""

import ast
import operator
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from connector.commerce.identity import canonical_email
from connector.features.loyalty.rules.budget import Book, has_budget
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.facts import (
    Act,
    Adjustment,
    Facts,
    Import,
    Joined,
    Redemption,
    united,
)
from connector.features.loyalty.rules.fold import Folded, fold
from connector.features.loyalty.rules.program import Publication, in_force, publications
from connector.features.loyalty.rules.stamps import BLANK, Stamp
from connector.features.loyalty.rules.tiers import Placement
from connector.ledger.merges import Homes
from platforms.model import Charge, Order, OrderLine, Refund, RefundLine

FILE = Path(__file__).with_name("worked_examples.toml")
Fact = Mapping[str, Any]
FUNCTIONS: Mapping[str, Callable[..., Fraction | int]] = {
    "floor": floor,
    "ceil": ceil,
    "half_up": lambda value: floor(value + Fraction(1, 2)),
    "min": min,
    "max": max,
}
OPERATORS: Mapping[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass
class Story:
    """What is known at an instant: each order's newest state, and the decisions that were made."""

    history: Mapping[str, Any]
    versions: tuple[Publication, ...]
    orders: dict[str, Order] = field(default_factory=dict)
    redemptions: dict[str, Redemption] = field(default_factory=dict)
    asked: dict[str, Fact] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    early: dict[str, list[Fact]] = field(default_factory=dict)
    signed_up: dict[str, datetime] = field(default_factory=dict)
    decided: list[Fact] = field(default_factory=list)
    done: list[Fact] = field(default_factory=list)
    claimed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    merged: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    collections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    segments: dict[str, set[str]] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(self.versions)

    @classmethod
    def at(cls, history: Mapping[str, Any], at: datetime) -> "Story":
        """Tell a history up to an instant."""
        published = [
            (one["at"], parse(one["document"]), one.get("re_rate_from"))
            for one in history["version"]
            if one["at"] <= at
        ]
        story = cls(history, publications(published))
        told: list[Fact] = []
        for fact in history["fact"]:
            if fact["at"] <= at and fact not in told:  # the same again is the same body
                now = max([fact["at"], *(one["at"] for one in told)])
                story.tell(fact, now)
                story.settle(now)
                told.append(fact)
        return story

    def settle(self, now: datetime) -> None:
        """Stamp what is new, and give out the program's budget to whom asks for some of it."""
        self.stamp()
        accounts = {*map(_account, self.orders.values()), *self.signed_up}
        accounts |= {customer for customer, _ in self.claimed.values()}
        again = has_budget(self.versions)
        while again:
            for account in sorted(accounts):
                self.book.note(account, self.fold(account, now).claims)
            again = self.book.admit()

    def stamp(self) -> None:
        """Write down what orders' rules read that nobody dates, once."""
        for order in self.orders.values():
            version = in_force(self.versions, order.placed_at)
            held = self.stamps.get(order.id, BLANK)
            if version is not None:
                lacks = held.lacks_products(order, version.program)
                collections = {one: self.collections.get(one, ()) for one in lacks}
                theirs = tuple(self.segments.get(order.customer_id or "", ()))
                asks = held.lacks_segments(version.program)
                self.stamps[order.id] = held.more(collections, theirs if asks else None)

    def tell(self, fact: Fact, now: datetime) -> None:
        """Let one fact become known."""
        match fact["kind"]:
            case "redeem":
                self._redeem(fact, now)
            case "sign_up":
                self.signed_up[f"customer:{fact['customer']}"] = fact["at"]
            case "review" | "event" | "birthday" | "newsletter":
                self.done.append(fact)
            case "adjust" | "manual_tier" | "import":
                self.decided.append(fact)
            case "product" | "segment" | "customer":
                self._sort(fact)
            case "release":
                one = self.redemptions[fact["redemption"]]
                self.redemptions[one.id] = replace(one, released_at=fact["at"])
            case "claim":
                guest = f"guest:{canonical_email(fact['guest'])}"
                self.claimed[guest] = (f"customer:{fact['customer']}", fact["at"])
            case _:
                self._tell_of_order(fact, now)

    def _sort(self, fact: Fact) -> None:
        """Put a product into collections, or a customer into a segment or out of it.

        Where a customer only gets an address, nobody is joined.
        """
        if fact["kind"] == "product":
            self.collections[fact["id"]] = tuple(fact["collections"])
        if fact["kind"] == "segment":
            theirs = self.segments.setdefault(fact["customer"], set())
            theirs.discard(fact["segment"])
            theirs |= {fact["segment"]} if fact["member"] else set()

    def _tell_of_order(self, fact: Fact, now: datetime) -> None:
        match fact["kind"]:
            case "order":
                self.orders[fact["id"]] = _order(fact)
                for early in self.early.pop(fact["id"], ()):
                    self.tell(early, now)
            case _ if fact["order"] not in self.orders:
                self.early.setdefault(fact["order"], []).append(fact)
            case "move":
                was = self.orders[fact["order"]]
                moved = replace(was, customer_id=fact["customer"])
                self.orders[was.id] = moved
                # an account that is left empty was merged: its customer is gone from the store
                if not any(_account(one) == _account(was) for one in self.orders.values()):
                    self.merged[_account(was)] = (_account(moved), fact["at"])
            case _:
                order = self.orders[fact["order"]]
                self.orders[order.id] = replace(order, **_changed(order, fact))

    def _redeem(self, fact: Fact, now: datetime) -> None:
        version = in_force(self.versions, fact["at"])
        reward = version.program.find_reward(fact["reward"]) if version else None
        held = [
            one
            for one in self.redemptions.values()
            if self.asked[one.id]["reward"] == fact["reward"] and one.released_at is None
        ]
        mine = [one for one in held if self.asked[one.id]["customer"] == fact["customer"]]
        is_there = reward is not None and (
            (reward.stock is None or len(held) < reward.stock)
            and (reward.limit_per_customer is None or len(mine) < reward.limit_per_customer)
        )
        folded = self.fold(f"customer:{fact['customer']}", now)
        available = folded.purse.available()
        tier = folded.stand.tier if folded.stand else None
        is_theirs = reward is not None and (not reward.tiers or tier in reward.tiers)
        if reward is None or not is_there or not is_theirs or available < reward.cost:
            self.refused.append(fact["id"])
            return
        self.asked[fact["id"]] = fact
        self.redemptions[fact["id"]] = Redemption(
            id=fact["id"], cost=reward.cost, code=f"code-{fact['id']}", redeemed_at=fact["at"]
        )

    def fold(self, account: str, at: datetime) -> Folded:
        """Return an account's points at an instant."""
        facts = self._facts(account)
        for guest, (customer, joined_at) in self.claimed.items():
            if account == guest:
                facts = Facts(versions=self.versions, is_anothers=True)
            elif account == customer:
                theirs = self._facts(guest)
                facts = united(facts, Joined(account=guest, joined_at=joined_at, facts=theirs))
        return fold(self.book.of(account, facts), at)

    def _is_of(self, account: str, fact: Fact) -> bool:
        """Return whether a fact that no order carries is an account's."""
        return Homes(self.merged).of(_whose(fact), fact["at"]) == account

    def _facts(self, account: str) -> Facts:
        return Facts(
            orders=[one for one in self.orders.values() if _account(one) == account],
            adjustments=[
                Adjustment(id=one["id"], points=one["points"], adjusted_at=one["at"], reason="-")
                for one in self.decided
                if one["kind"] == "adjust" and self._is_of(account, one)
            ],
            acts=[_act(n, one) for n, one in enumerate(self.done) if self._is_of(account, one)],
            placements=[
                Placement(id=str(n), tier=one["tier"], is_locked=one["lock"], placed_at=one["at"])
                for n, one in enumerate(self.decided)
                if one["kind"] == "manual_tier" and self._is_of(account, one)
            ],
            imports=[
                Import(
                    id=f"{one['id']}.{n}",
                    points=lot["points"],
                    imported_at=one["at"],
                    expires_at=lot.get("expires_at"),
                    batch="-",
                )
                for one in self.decided
                if one["kind"] == "import" and self._is_of(account, one)
                for n, lot in enumerate(one["lots"])
            ],
            signed_up_at=self.signed_up.get(account),
            coded_orders=list(self.orders.values()),
            redemptions=[
                one for one in self.redemptions.values() if self._is_of(account, self.asked[one.id])
            ],
            versions=self.versions,
            stamps=self.stamps,
            cancel_restores_use=self.history.get("cancel_restores_use", True),
        )


def histories() -> list[dict[str, Any]]:
    """Return all histories."""
    found: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["history"]
    return found


def _act(number: int, fact: Fact) -> Act:
    consent = {True: "yes", False: "no", None: ""}[fact.get("consent")]
    name = fact.get("event") or fact.get("date", "")[-5:] or consent
    return Act(id=fact.get("id", str(number)), kind=fact["kind"], at=fact["at"], name=name)


def differences(history: Mapping[str, Any]) -> Iterator[str]:
    """Yield what comes out otherwise than the author says."""
    for expected in history["expect"]:
        at, account = expected["at"], expected["account"]
        story = Story.at(history, at)
        folded = story.fold(account, at)
        postings = folded.postings
        available = sum(one.points for one in postings if one.effective_at <= at)
        pending = sum(one.points for one in postings if one.effective_at > at)
        if (available, pending) != (expected["available"], expected["pending"]):
            wanted = f"{expected['available']} + {expected['pending']}"
            yield f"{at:%Y-%m-%d %H:%M} {account}: {available} + {pending}, not {wanted}"
        tier = (folded.stand and folded.stand.tier) or ""
        if tier != expected.get("tier", tier):
            yield f"{at:%Y-%m-%d %H:%M} {account}: in tier {tier!r}, not {expected['tier']!r}"
        if "refused" in expected and expected["refused"] not in story.refused:
            yield f"{at:%Y-%m-%d %H:%M} {account}: {expected['refused']} was admitted"


def evaluated(why: str) -> Fraction:
    """Return what a line of arithmetic comes to, exactly."""
    return _value(ast.parse(why, mode="eval").body)


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant():
            return Fraction(ast.unparse(node))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=args):
            return Fraction(FUNCTIONS[name](*map(_value, args)))
    raise ValueError(f"no arithmetic: {ast.unparse(node)}")


def _whose(fact: Fact) -> str:
    if "customer" in fact:
        return f"customer:{fact['customer']}"
    return f"guest:{canonical_email(fact['guest'])}"


def _account(order: Order) -> str:
    return (
        f"customer:{order.customer_id}"
        if order.customer_id
        else f"guest:{canonical_email(order.email or '')}"
    )


def _order(fact: Fact) -> Order:
    bare = Order(
        id=fact["id"],
        number=fact["id"],
        customer_id=fact.get("customer"),
        email=fact.get("guest"),
        status="",
        is_paid="paid_at" in fact,
        is_cancelled=False,
        currency=fact["currency"],
        total_minor=0,
        placed_at=fact["at"],
        paid_at=fact.get("paid_at"),
        updated_at=fact["at"],
        codes=tuple(f"code-{one}" for one in fact.get("uses", ())),
    )
    return replace(bare, **_goods(fact))


def _goods(fact: Fact) -> dict[str, Any]:
    lines = tuple(
        OrderLine(
            id=str(number),
            product_id=line["product"],
            quantity=line["quantity"],
            total_minor=line["total_minor"],
            tax_minor=line["tax_minor"],
        )
        for number, line in enumerate(fact["lines"])
    )
    total = sum(line.total_minor + line.tax_minor for line in lines)
    charges = fact["shipping_minor"] + fact["fees_minor"]
    return {
        "lines": lines,
        "total_minor": total + charges,
        "shipping": Charge(total_minor=fact["shipping_minor"]),
        "fees": Charge(total_minor=fact["fees_minor"]),
    }


def _changed(order: Order, fact: Fact) -> dict[str, Any]:
    match fact["kind"]:
        case "edit":
            return _goods(fact)
        case "cancel":
            dated = {"cancelled_at": fact["at"]} if fact["dated"] else {"is_paid": False}
            return {"is_cancelled": True, **dated}
        case "deliver":
            return {"delivered_at": fact["at"]}
        case "delete" | "restore":
            return {"is_deleted": fact["kind"] == "delete"}
        case "pay":
            return {"is_paid": True, "paid_at": fact["at"]}
        case "refund":
            return {"refunds": (*order.refunds, _refund(fact))}
    raise AssertionError(fact["kind"])


def _refund(fact: Fact) -> Refund:
    lines = tuple(
        RefundLine(
            line_id=str(line["line"]),
            quantity=1,
            total_minor=line["total_minor"],
            tax_minor=line["tax_minor"],
        )
        for line in fact["lines"]
    )
    return Refund(
        id=fact["id"],
        amount_minor=fact["amount_minor"],
        refunded_at=fact["at"],
        lines=lines,
        other_minor=fact["other_minor"],
        shipping=Charge(total_minor=fact.get("shipping_minor", 0)),
    )


def main() -> int:
    """Print the sums."""
    differ = []
    for history in histories():
        if found := list(differences(history)):
            differ.append(history["id"])
            sys.stdout.write("".join(f"{history['id']}: {one}\n" for one in found))
    sys.stdout.write(f"{len(histories())} histories\n{len(differ)} differ\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
