"""A check: one plain sentence that must hold for every adapter, and the function that tries it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from platforms.errors import PlatformError

if TYPE_CHECKING:
    from platforms.conformance.ground import Ground
    from platforms.protocol import Capabilities

T = TypeVar("T")
Run = Callable[["Ground"], Awaitable[None]]
Need = Literal["nothing", "store", "stage"]
CHECKS: dict[str, "Check"] = {}
WAYS = frozenset(
    {"install", "own_secret", "trash", "any_status", "negative_fees", "other_currencies"}
)
"""What stores have unless a platform says that they lack it."""


class Failed(Exception):
    """What a check says when its sentence does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold.

    ``name`` is stable, ``says`` the sentence, ``read`` where to read on when it fails. ``needs``:
    ``nothing`` but the adapter; a ``store``, through its client alone, so that it runs against a
    real one; or a ``stage``, to move the store. ``rests_on`` names the capability, the kind of
    discount, or what stores may lack, without which there is nothing to check.
    """

    name: str
    says: str
    read: str
    run: Run
    needs: Need = "stage"
    rests_on: str = ""
    currency: str = "EUR"
    timezone: str = "Europe/Berlin"

    def applies(self, capabilities: "Capabilities") -> bool:
        """Return whether the platform can do what this check rests on."""
        if self.rests_on in WAYS:
            return self.rests_on not in capabilities.lacks
        flags = {one.name for one in fields(capabilities)} - {"discount_kinds", "apart", "lacks"}
        if self.rests_on in flags:
            return bool(getattr(capabilities, self.rests_on))
        return not self.rests_on or self.rests_on in capabilities.discount_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the checks of one subject share: what to read, what they need and rest on."""

    read: str
    needs: Need = "stage"
    rests_on: str = ""
    currency: str = "EUR"
    timezone: str = "Europe/Berlin"

    def check(self, name: str, says: str) -> Callable[[Run], Run]:
        """Register a check."""

        def register(run: Run) -> Run:
            self._add(name, says, run)
            return run

        return register

    def each(
        self, name: str, says: str, cases: Mapping[str, T]
    ) -> Callable[
        [Callable[["Ground", T], Awaitable[None]]], Callable[["Ground", T], Awaitable[None]]
    ]:
        """Register a check for each case; ``{}`` in its name and sentence is the case's word."""

        def register(
            run: Callable[["Ground", T], Awaitable[None]],
        ) -> Callable[["Ground", T], Awaitable[None]]:
            for word, case in cases.items():
                told = says.format(word.replace("-", " "))
                self._add(name.format(word), told, partial(_tried, run, case))
            return run

        return register

    def _add(self, name: str, says: str, run: Run) -> None:
        name = name.lower().replace("_", "-")
        assert name not in CHECKS, f"two checks are called {name}"
        CHECKS[name] = Check(
            name=name,
            says=says,
            read=self.read,
            run=run,
            needs=self.needs,
            rests_on=self.rests_on,
            currency=self.currency,
            timezone=self.timezone,
        )


async def _tried(run: Callable[["Ground", T], Awaitable[None]], case: T, on: "Ground") -> None:
    await run(on, case)


def expect(holds: object, otherwise: str) -> None:
    """Fail with these words unless it holds."""
    if not holds:
        raise Failed(otherwise)


def expect_equal(got: object, wanted: object, what: str) -> None:
    """Fail unless the two are equal."""
    if got != wanted:
        raise Failed(f"{what} is {got!r}, and should be {wanted!r}")


@dataclass(slots=True)
class Refusal:
    """The error that a block raised, once it has ended."""

    error: PlatformError | None = None


@contextmanager
def refuses(wanted: type[PlatformError], what: str) -> Iterator[Refusal]:
    """Fail unless the block raises this error, with a name and an advice."""
    refusal = Refusal()
    try:
        yield refusal
    except PlatformError as error:
        refusal.error = error
        said = f"{type(error).__name__} ({error})"
        expect(isinstance(error, wanted), f"{what} raised {said}, and not {wanted.__name__}")
        expect(error.name and error.advice, f"{said} has no name or no advice")
        return
    raise Failed(f"{what} raised nothing, and should raise {wanted.__name__}")
