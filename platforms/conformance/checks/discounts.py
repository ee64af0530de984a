"""A discount is ours, once, on the terms we wrote, or it is not there."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from platforms.conformance.check import Terms, expect, expect_equal, refuses
from platforms.conformance.ground import Ground
from platforms.conformance.stage import Basket
from platforms.conformance.weather import Spoiled, lost_after_writing
from platforms.errors import PlatformError, Rejected, TransientError, Unsupported
from platforms.model import Discount, DiscountKind, DiscountSeen

ISSUE = Terms(
    read="StoreClient.issue_discounts in platforms/protocol.py", needs="store", rests_on="amount"
)
STAGED = replace(ISSUE, needs="stage")
REVOKE = Terms(
    read="StoreClient.revoke_discount in platforms/protocol.py", needs="store", rests_on="amount"
)
KINDS: Mapping[DiscountKind, Callable[[Discount], Discount]] = {
    "amount": lambda bare: replace(bare, kind="amount", amount_minor=1234),
    "percent": lambda bare: replace(bare, kind="percent", basis_points=1250),
    "product_amount": lambda bare: replace(bare, kind="product_amount", amount_minor=300),
    "free_product": lambda bare: replace(bare, kind="free_product"),
    "free_shipping": lambda bare: replace(bare, kind="free_shipping"),
}
EMAIL = "ada@example.test"
FAR = datetime(2031, 1, 15, 10, 30, tzinfo=UTC)


async def bare(on: Ground) -> Discount:
    """Return a discount in the store's currency with a code of its own, and no terms."""
    code = on.code()
    return Discount(code=code, redemption_id=f"r-{code}", currency=await on.currency())


async def of_kind(on: Ground, kind: DiscountKind) -> Discount:
    """Return a plain discount of the kind."""
    wanted = KINDS[kind](await bare(on))
    if kind in {"product_amount", "free_product"}:
        wanted = replace(wanted, product_ids=(await on.stage.add_product("Coffee", "12.00"),))
    return wanted


async def _is_issued(on: Ground, kind: DiscountKind) -> None:
    wanted = await of_kind(on, kind)
    seen = await on.issue(wanted)
    expect_equal(seen.discount, wanted, "the discount")
    expect_equal(seen.redemption_id, wanted.redemption_id, "its redemption")
    expect(seen.is_usable and seen.times_used == 0, f"it is {seen!r}")
    expect_equal(await on.client.read_discount(wanted.code), seen, "what is read")


async def _is_issued_once(on: Ground, kind: DiscountKind) -> None:
    wanted = await of_kind(on, kind)
    first = await on.issue(wanted)
    expect_equal(await on.issue(wanted), first, "what is issued again")


async def _keeps_all_terms(on: Ground, kind: DiscountKind) -> None:
    wanted = replace(
        await of_kind(on, kind), minimum_minor=2050, email=EMAIL, expires_at=FAR, is_alone=True
    )
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount with all terms")


async def _is_used(on: Ground, kind: DiscountKind) -> None:
    wanted = await of_kind(on, kind)
    await on.issue(wanted)
    order = await on.order(await on.buy(3, "20.00", codes=[wanted.code]))
    expect_equal(order.codes, (wanted.code,), "the codes of the order")
    seen = await on.client.read_discount(wanted.code)
    expect(seen and seen.times_used == 1 and not seen.is_usable, f"used once it is {seen!r}")


async def _other_terms_are_rejected(on: Ground, kind: DiscountKind) -> None:
    wanted = await of_kind(on, kind)
    await on.issue(wanted)
    for other in (
        replace(wanted, minimum_minor=100),
        replace(wanted, email="bob@example.test"),
        replace(wanted, redemption_id="another"),
    ):
        with refuses(Rejected, f"issuing {other!r} over {wanted!r}"):
            await on.issue(other)
    seen = await on.client.read_discount(wanted.code)
    expect_equal(seen and seen.discount, wanted, "the discount that was there")


async def _is_revoked(on: Ground, kind: DiscountKind) -> None:
    wanted = await of_kind(on, kind)
    await on.issue(wanted)
    await on.client.revoke_discount(wanted.code)
    expect(not await on.is_usable(wanted.code), "it can still be used")


async def _is_together(on: Ground, kind: DiscountKind) -> None:
    can = on.platform.capabilities
    for other in sorted(can.discount_kinds):
        both = [await of_kind(on, kind), await of_kind(on, other)]
        for one in both:
            await on.issue(one)
        goods = {product for one in both for product in one.product_ids}
        goods.add(await on.stage.add_product("Tea", "20.00"))
        basket = Basket(items=[(one, 2) for one in sorted(goods)], codes=[one.code for one in both])
        taken = (await on.order(await on.stage.place(basket))).codes
        wanted = 1 if frozenset({kind, other}) in can.apart else 2
        expect_equal(len(taken), wanted, f"the number of codes on an order with {other}")


OF_KIND = (
    ("issued", "a discount of kind {} reads back as it was wanted", _is_issued),
    ("once", "a discount of kind {} that is issued twice is one", _is_issued_once),
    ("all-terms", "a discount of kind {} keeps minimum, e-mail, end, and is alone",
     _keeps_all_terms),
    ("used", "an order with a code of kind {} counts as its use", _is_used),
    ("together", "a code of kind {} goes with others in one order, but for those that stand apart",
     _is_together),
    ("other-terms", "a discount of kind {} is not adopted on other terms",
     _other_terms_are_rejected),
    ("revoked", "a revoked discount of kind {} can't be used", _is_revoked),
)  # fmt: skip
for _kind in KINDS:
    for _word, _says, _run in OF_KIND:
        replace(STAGED, rests_on=_kind).check(
            f"discounts.{_kind}.{_word}", _says.format(_kind.replace("_", " "))
        )(partial(_run, kind=_kind))


@replace(ISSUE, rests_on="").check(
    "discounts.unsupported", "a kind of discount that the platform can't issue is Unsupported"
)
async def unsupported(on: Ground) -> None:
    for kind in KINDS.keys() - on.platform.capabilities.discount_kinds:
        bare = Discount(code="never", redemption_id="r", currency=await on.currency())
        (outcome,) = await on.client.issue_discounts([KINDS[kind](bare)])
        expect(isinstance(outcome, Unsupported), f"{kind} came to {outcome!r}")


Change = Callable[[Discount], Discount]
OTHERS: dict[str, Change] = {
    "redemption": lambda was: replace(was, redemption_id="another"),
    "larger-amount": lambda was: replace(was, amount_minor=was.amount_minor + 1),
    "smaller-amount": lambda was: replace(was, amount_minor=was.amount_minor - 1),
    "minimum": lambda was: replace(was, minimum_minor=was.minimum_minor + 1),
    "e-mail": lambda was: replace(was, email="bob@example.test"),
    "e-mail-or-none": lambda was: replace(was, email=None),
    "end": lambda was: replace(was, expires_at=FAR + timedelta(days=1)),
    "end-or-none": lambda was: replace(was, expires_at=None),
    "company": lambda was: replace(was, is_alone=not was.is_alone),
}


@ISSUE.each("discounts.other.{}", "what is there is not adopted for another {}", OTHERS)
async def other(on: Ground, change: Change) -> None:
    there = replace(await bare(on), amount_minor=500, minimum_minor=1000)
    there = replace(there, email=EMAIL, expires_at=FAR)
    await on.issue(there)
    with refuses(Rejected, "issuing it on other terms"):
        await on.issue(change(there))
    seen = await on.client.read_discount(there.code)
    expect_equal(seen and seen.discount, there, "the discount that was there")


ADDRESSES = {
    "no-at-sign": "not an address",
    "spaces": "ada lovelace@example.test",
    "nothing-after-the-at": "ada@",
    "a-comma": "ada@example.test, bob@example.test",
}


@ISSUE.each("discounts.email.{}", "an address of {} is kept, or nothing usable is left", ADDRESSES)
async def odd_email(on: Ground, email: str) -> None:
    wanted = replace(await bare(on), amount_minor=500, email=email)
    try:
        seen = await on.issue(wanted)
    except Rejected:
        expect(not await on.is_usable(wanted.code), "it is refused, and open to everybody")
        return
    expect_equal(seen.discount, wanted, "the discount")


@ISSUE.check("discounts.email.dropped", "an address that no store takes is Rejected")
async def dropped_email(on: Ground) -> None:
    wanted = replace(await bare(on), amount_minor=500, email="not an address")
    with refuses(Rejected, "issuing for no address"):
        await on.issue(wanted)
    expect(not await on.is_usable(wanted.code), "a discount is left that everybody may use")


@ISSUE.check("discounts.email.in-capitals", "an address in capitals restricts all the same")
async def email_in_capitals(on: Ground) -> None:
    wanted = replace(await bare(on), amount_minor=500, email="Ada@Example.TEST")
    await on.issue(wanted)
    seen = await on.issue(wanted)
    kept = "" if seen.discount is None else seen.discount.email or ""
    expect_equal(kept.lower(), EMAIL.lower(), "the address")


@ISSUE.check("discounts.currency", "a discount in another currency than the store's is Rejected")
async def other_currency(on: Ground) -> None:
    own = await bare(on)
    wanted = replace(own, amount_minor=500, currency="CHF" if own.currency != "CHF" else "SEK")
    with refuses(Rejected, "issuing it"):
        await on.issue(wanted)
    expect(not await on.is_usable(wanted.code), "it is there all the same")


@ISSUE.check("discounts.code-in-capitals", "a code in capitals is the code in small letters")
async def code_in_capitals(on: Ground) -> None:
    wanted = replace(await bare(on), amount_minor=500)
    seen = await on.issue(wanted)
    expect_equal(await on.client.read_discount(wanted.code.upper()), seen, "what is read")
    await on.client.revoke_discount(wanted.code.upper())
    expect(not await on.is_usable(wanted.code), "it can still be used")


ENDS = {
    "winter": datetime(2031, 1, 15, 10, 30, tzinfo=UTC),
    "summer": datetime(2031, 7, 15, 10, 30, tzinfo=UTC),
    "a-second-past-midnight": datetime(2031, 3, 1, 0, 0, 1, tzinfo=UTC),
    "the-missing-hour": datetime(2031, 3, 30, 1, 30, tzinfo=UTC),
}


@ISSUE.each("discounts.ends.{}", "a discount that ends in {} ends at that instant", ENDS)
async def ends(on: Ground, at: datetime) -> None:
    wanted = replace(await bare(on), amount_minor=500, expires_at=at)
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount")
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount, issued again")


FOLDS = {
    "Europe/Berlin": datetime(2031, 10, 26, 0, 30, tzinfo=UTC),
    "America/New_York": datetime(2031, 11, 2, 5, 30, tzinfo=UTC),
}


async def _ends_in_the_fold(on: Ground, at: datetime) -> None:
    for instant in (at, at + timedelta(hours=1)):
        wanted = replace(await bare(on), amount_minor=500, expires_at=instant)
        seen = await on.issue(wanted)
        kept = None if seen.discount is None else seen.discount.expires_at
        is_kept = kept is not None and instant <= kept <= instant + timedelta(hours=2)
        expect(is_kept, f"{instant} is kept as {kept}")
        expect_equal(await on.issue(wanted), seen, "what is issued again")


for _zone, _at in FOLDS.items():
    _city = _zone.partition("/")[2]
    replace(STAGED, timezone=_zone).check(
        f"discounts.ends.twice-in-{_city}",
        f"an end in the hour that {_city} has twice is never early, and late until it is over",
    )(partial(_ends_in_the_fold, at=_at))


@STAGED.check("discounts.ends.local-midnight", "an end at the store's midnight is exact")
async def ends_at_midnight(on: Ground) -> None:
    zone = ZoneInfo((await on.client.info()).timezone)
    at = datetime(2031, 5, 1, tzinfo=zone).astimezone(UTC)
    wanted = replace(await bare(on), amount_minor=500, expires_at=at)
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount")


POINTS = {"one": 1, "a-twelfth": 833, "half": 5000, "all": 10_000}


@replace(ISSUE, rests_on="percent").each(
    "discounts.percent.of-{}", "a percentage of {} in a hundredth of a percent is exact", POINTS
)
async def percent(on: Ground, points: int) -> None:
    wanted = replace(await bare(on), kind="percent", basis_points=points)
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount")


@STAGED.check("discounts.foreign.read", "somebody else's discount is not read as ours")
async def foreign_read(on: Ground) -> None:
    await on.stage.add_foreign_discount("welcome10")
    seen = await on.client.read_discount("welcome10")
    expect(seen is not None, "it is not there")
    expect_equal(seen and seen.redemption_id, None, "its redemption")


@STAGED.check("discounts.foreign.adopted", "somebody else's discount is not adopted")
async def foreign_adopted(on: Ground) -> None:
    await on.stage.add_foreign_discount("welcome10")
    before = await on.client.read_discount("welcome10")
    wanted = replace(await bare(on), code="welcome10", amount_minor=500)
    with refuses(Rejected, "issuing a code that is taken"):
        await on.issue(wanted)
    expect_equal(await on.client.read_discount("welcome10"), before, "the discount of theirs")


@STAGED.check("discounts.foreign.revoked", "somebody else's discount is not revoked")
async def foreign_revoked(on: Ground) -> None:
    await on.stage.add_foreign_discount("welcome10")
    before = await on.client.read_discount("welcome10")
    with refuses(Rejected, "revoking a discount that is not ours"):
        await on.client.revoke_discount("welcome10")
    expect_equal(await on.client.read_discount("welcome10"), before, "the discount of theirs")


@REVOKE.check("discounts.revoked-twice", "revoking twice is revoking once")
async def revoked_twice(on: Ground) -> None:
    wanted = replace(await bare(on), amount_minor=500)
    await on.issue(wanted)
    await on.client.revoke_discount(wanted.code)
    await on.client.revoke_discount(wanted.code)
    expect(not await on.is_usable(wanted.code), "it can still be used")


@REVOKE.check("discounts.revoked-absent", "revoking what never was is done")
async def revoked_absent(on: Ground) -> None:
    await on.client.revoke_discount(on.code())


@replace(REVOKE, read="StoreClient.read_discount in platforms/protocol.py").check(
    "discounts.absent", "a code that never was is None"
)
async def absent(on: Ground) -> None:
    expect_equal(await on.client.read_discount(on.code()), None, "the discount")


async def _many(on: Ground, count: int) -> list[Discount]:
    one = await bare(on)
    many = [
        replace(one, code=f"{one.code}-{number}", redemption_id=f"r{number}", amount_minor=500)
        for number in range(count)
    ]
    for each in many:
        on.undo(partial(on.client.revoke_discount, each.code))
    return many


def _terms_of(outcome: DiscountSeen | PlatformError) -> Discount | PlatformError | None:
    return outcome.discount if isinstance(outcome, DiscountSeen) else outcome


@STAGED.check("discounts.many", "120 discounts are issued at once, each answered in its place")
async def many(on: Ground) -> None:
    wanted = await _many(on, 120)
    outcomes = await on.client.issue_discounts(wanted)
    expect_equal([_terms_of(one) for one in outcomes], wanted, "the discounts")
    again = await on.client.issue_discounts(wanted)
    expect_equal(list(again), list(outcomes), "the discounts, issued again")


@ISSUE.check("discounts.one-bad", "one that is refused stops no other")
async def one_bad(on: Ground) -> None:
    wanted = await _many(on, 5)
    wanted[2] = replace(wanted[2], email="not an address")
    outcomes = await on.client.issue_discounts(wanted)
    bad = outcomes[2]
    expect(isinstance(bad, Rejected), f"the bad one came to {bad!r}")
    good = [_terms_of(one) for one in (*outcomes[:2], *outcomes[3:])]
    expect_equal(good, [*wanted[:2], *wanted[3:]], "the good ones")


@ISSUE.check("discounts.some-there", "of many, those that are there are adopted")
async def some_there(on: Ground) -> None:
    wanted = await _many(on, 6)
    await on.client.issue_discounts(wanted[:3])
    outcomes = await on.client.issue_discounts(wanted)
    expect_equal([_terms_of(one) for one in outcomes], wanted, "the discounts")


@ISSUE.check("discounts.none", "issuing none is done")
async def none(on: Ground) -> None:
    expect_equal(list(await on.client.issue_discounts([])), [], "the outcomes")


@ISSUE.check("discounts.interrupted", "an answer lost after writing leaves exactly one discount")
async def interrupted(on: Ground) -> None:
    wanted = replace(await bare(on), amount_minor=500, email=EMAIL)
    unlucky = on.through(lambda inner: Spoiled(inner, lost_after_writing))
    try:
        (outcome,) = await unlucky.issue_discounts([wanted])
        expect(not isinstance(outcome, Rejected), f"a lost answer came to {outcome!r}")
    except TransientError:
        pass
    seen = await on.issue(wanted)
    expect_equal(seen.discount, wanted, "the discount")
    expect(seen.is_usable, "it can't be used")
    await on.client.revoke_discount(wanted.code)
    expect(not await on.is_usable(wanted.code), "a second one is left")


@ISSUE.check(
    "discounts.interrupted-many", "an answer lost after writing many loses and doubles none"
)
async def interrupted_many(on: Ground) -> None:
    wanted = await _many(on, 8)
    unlucky = on.through(lambda inner: Spoiled(inner, lost_after_writing))
    with suppress(TransientError):
        await unlucky.issue_discounts(wanted)
    outcomes = await on.client.issue_discounts(wanted)
    expect_equal([_terms_of(one) for one in outcomes], wanted, "the discounts")


@ISSUE.check("discounts.at-once", "two that issue the same discount at once come to one")
async def at_once(on: Ground) -> None:
    wanted = replace(await bare(on), amount_minor=500, email=EMAIL)
    clients = [on.through(lambda transport: transport) for _ in range(3)]
    await asyncio.gather(*(on.issue(wanted, client) for client in clients), return_exceptions=True)
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount")
    await on.client.revoke_discount(wanted.code)
    expect(not await on.is_usable(wanted.code), "another is left")


async def _used(on: Ground) -> tuple[str, str]:
    wanted = replace(await bare(on), amount_minor=500)
    await on.issue(wanted)
    return wanted.code, await on.buy(1, "20.00", codes=[wanted.code])


@replace(STAGED, rests_on="cancel_restores_use").check(
    "discounts.use-restored", "cancelling the order gives a discount its use back"
)
async def use_restored(on: Ground) -> None:
    code, order = await _used(on)
    await on.stage.cancel(order)
    seen = await on.client.read_discount(code)
    expect(seen and seen.times_used == 0 and seen.is_usable, f"it is {seen!r}")


@STAGED.check("discounts.use-told", "whether cancelling restores a use is as capabilities say")
async def use_told(on: Ground) -> None:
    code, order = await _used(on)
    await on.stage.cancel(order)
    restores = on.platform.capabilities.cancel_restores_use
    expect_equal(await on.is_usable(code), restores, "whether it can be used again")


@STAGED.check("discounts.use-kept", "a refund gives a discount no use back")
async def use_kept(on: Ground) -> None:
    code, order = await _used(on)
    await on.stage.refund(order, "15.00", {})
    expect(not await on.is_usable(code), "it can be used again")


@STAGED.check("discounts.used-adopted", "a used discount is still ours, and says that it is used")
async def used_adopted(on: Ground) -> None:
    code, _ = await _used(on)
    seen = await on.client.read_discount(code)
    expect(seen is not None and seen.discount is not None, f"it is {seen!r}")
    if seen is not None and seen.discount is not None:
        expect_equal(await on.issue(seen.discount), seen, "what is issued again")
