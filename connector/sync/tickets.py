"""Things that may be used once, and not for long: links and codes, kept as hashes only."""

import hashlib
from datetime import datetime, timedelta

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from connector.kernel.ids import Ids
from connector.sync.models import TicketRow

LIFE = timedelta(minutes=10)


def _digest(purpose: str, secret: str) -> str:
    return hashlib.sha256(f"{purpose}:{secret}".encode()).hexdigest()


async def issue(
    ids: Ids,
    now: datetime,
    purpose: str,
    subject: str,
    *,
    platform: str = "",
    life: timedelta = LIFE,
) -> str:
    """Return a new secret for a purpose; ``subject`` is what it will stand for."""
    secret = ids() + ids()
    await TicketRow.create(
        digest=_digest(purpose, secret),
        purpose=purpose,
        platform=platform,
        subject=subject,
        expires_at=now + life,
    )
    return secret


async def follow(before: TicketRow, purpose: str, secret: str, store: str, now: datetime) -> None:
    """Let the secret of a redeemed ticket stand for the next step."""
    await TicketRow.create(
        digest=_digest(purpose, secret),
        purpose=purpose,
        platform=before.platform,
        subject=before.subject,
        store=store,
        expires_at=now + LIFE,
    )


async def spend(now: datetime, purpose: str, secret: str, *, life: timedelta = LIFE) -> bool:
    """Return whether something that another made is used for the first time.

    It must be good for less than its ``life``: so long is it remembered. Outside a transaction.
    """
    digest = _digest(purpose, secret)
    try:
        await TicketRow.create(digest=digest, purpose=purpose, subject="", expires_at=now + life)
    except IntegrityError:
        return False
    return True


async def redeem(now: datetime, purpose: str, secret: str) -> TicketRow | None:
    """Return what a secret stands for and use it up; None if it isn't good (any more)."""
    async with in_transaction():
        found = await TicketRow.get_or_none(digest=_digest(purpose, secret), expires_at__gt=now)
        if found is not None:
            await found.delete()
        await TicketRow.filter(expires_at__lte=now).delete()
        return found
