"""Wakes the loops of this process. A hint, no more: loops also look by themselves."""

import asyncio


class Bell:
    """Rings for everybody who waits or is about to."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def listen(self) -> asyncio.Event:
        """Return an event of the caller's own, to be set at each ring."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def ring(self, *, but: asyncio.Event | None = None) -> None:
        """Wake everybody, or all but one."""
        for event in self._waiting:
            if event is not but:
                event.set()
