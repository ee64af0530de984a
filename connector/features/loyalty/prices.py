"""What points can be spent on, in money, for whoever shows what they would cost."""

from connector.commerce.models import StoreRow
from connector.features.loyalty.programs import Programs
from connector.features.loyalty.rules.value import best
from connector.kernel.clock import Clock


class Prices:
    """By the program in force now."""

    def __init__(self, programs: Programs, clock: Clock) -> None:
        self._programs = programs
        self._clock = clock

    async def cost_minor(self, store: StoreRow, points: int) -> int | None:
        """Return what so many points would cost at most: all spent on the best reward."""
        version = await self._programs.program(store.id)
        worth = best(version.program, store.currency, self._clock()) if version else None
        return worth.of(points) if worth else None
