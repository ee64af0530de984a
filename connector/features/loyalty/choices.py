"""What a customer chose of a reward, and the terms on which they have it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import KeyReused, RequestInvalid
from connector.features.loyalty.rules.program import Reward
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The reward; how many ``points`` for a part of a cart, which ``product`` of several gifts."""

    reward: str
    points: int | None = None
    product: str | None = None

    def require_same(self, before: RedemptionRow) -> None:
        """Refuse a key that redeemed something else.

        Raises:
            KeyReused: it did.
        """
        is_same = before.reward_id == self.reward
        is_same = is_same and self.points in {None, before.cost}
        if not is_same or (self.product and self.product not in (before.product_ids or ())):
            raise KeyReused(f"this Idempotency-Key redeemed {before.reward_id!r}: use a new one")


def terms_of(
    reward: Reward, choice: Choice, tier: str | None, currency: str, now: datetime
) -> Terms:
    """Return the terms on which a customer in a tier, or in none, has what they chose.

    Raises:
        RequestInvalid: nobody can choose that, with what can be chosen.
    """
    cost, amount = _paid(reward, choice, tier), reward.value_minor.get(currency, 0)
    least = reward.minimum_minor.get(currency, 0)
    if reward.maximum_points:
        amount *= cost // reward.cost
        least = max(least, amount)  # what is more than the cart would be lost
    days = reward.code_expires_days
    ends_at = now + timedelta(days=days) if days else None
    return Terms(
        reward_id=reward.id,
        kind=reward.kind,
        stock=reward.stock,
        limit=reward.limit_per_customer,
        cost=cost,
        amount_minor=amount,
        basis_points=(reward.percent or 0) * 100,
        product_ids=_gift(reward, choice),
        minimum_minor=least,
        currency=currency,
        expires_at=ends_at,
        lapses_at=ends_at if reward.gives_back else None,
    )


def _paid(reward: Reward, choice: Choice, tier: str | None) -> int:
    if not reward.maximum_points:
        if choice.points is not None:
            raise RequestInvalid(f"points: {reward.id!r} has a price of its own")
        return reward.price(tier)
    least, most = reward.minimum_points or reward.cost, reward.maximum_points
    points = choice.points
    if points is None or points % reward.cost or not least <= points <= most:
        raise RequestInvalid(
            f"points: for {reward.id!r} write a multiple of {reward.cost} from {least} to {most}"
        )
    return points


def _gift(reward: Reward, choice: Choice) -> list[str]:
    if reward.kind != "free_product":
        if choice.product is not None:
            raise RequestInvalid(f"product: there is none to choose for {reward.id!r}")
        return reward.products
    product = reward.products[0] if len(reward.products) == 1 else choice.product
    if product not in reward.products or choice.product not in {None, product}:
        raise RequestInvalid(
            f"product: for {reward.id!r} choose one of {', '.join(reward.products)}"
        )
    return [product]
