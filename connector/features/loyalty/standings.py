"""Where accounts stand among the tiers, as their rows keep it for whoever shows it."""

import msgspec

from connector.features.loyalty.rules.tiers import Stand
from connector.ledger.models import AccountRow


def written(stand: Stand | None) -> str | None:
    """Return a standing as a row keeps it."""
    return msgspec.json.encode(stand).decode() if stand else None


def stand_of(account: AccountRow | None) -> Stand | None:
    """Return where an account stood when it was last settled, None where there are no tiers."""
    if account is None or account.standing is None:
        return None
    return msgspec.json.decode(account.standing, type=Stand)
