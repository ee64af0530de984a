"""What tiers give, as perks that accounts hold."""

from datetime import datetime

from connector.errors import BenefitUnavailable
from connector.features.loyalty.rules.program import Benefit, Program
from connector.rewards.entitlements import Perk
from platforms.model import DiscountKind


def perks_of(program: Program, tier: str | None, currency: str) -> list[Perk]:
    """Return what a tier gives in a store of a currency."""
    benefits = program.benefits.get(tier, []) if tier is not None else []
    return [perk_of(one, currency) for one in benefits if one.is_in(currency)]


def perk_of(one: Benefit, currency: str) -> Perk:
    """Return the perk that a benefit is in a store of a currency."""
    return Perk(
        benefit=one.id,
        kind=one.kind,
        discount=_discount(one),
        basis_points=(one.percent or 0) * 100,
        amount_minor=one.value_minor.get(currency, 0),
        product_ids=tuple(one.products) if one.value_minor else (),
        minimum_minor=one.minimum_minor.get(currency, 0),
        currency=currency,
    )


def _discount(one: Benefit) -> DiscountKind | None:
    match one.kind:
        case "free_shipping":
            return "free_shipping"
        case "member_price":
            return "percent" if one.percent else "product_amount"
    return None


def opened(program: Program, benefit: str, at: datetime) -> Benefit:
    """Return a benefit that is early access, and open at an instant.

    Raises:
        BenefitUnavailable: there is none such, or not now.
    """
    one = next((one for one in program.benefit if one.id == benefit), None)
    if one is None or one.kind != "early_access":
        raise BenefitUnavailable(f"there is no early access {benefit!r}")
    if not one.is_open(at):
        raise BenefitUnavailable(f"{benefit!r} is not open now")
    return one
