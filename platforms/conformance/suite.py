"""Runs the checks over an adapter: each over a store of its own, or all over a real one."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import anyio
import httpx

from platforms.conformance.check import CHECKS, Check, Failed
from platforms.conformance.checks import load
from platforms.conformance.checks.samples import sample_checks
from platforms.conformance.ground import Ground
from platforms.protocol import Access, Platform

CHECK_S_MAX = 120.0
Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a check came to. ``message`` says why it failed, or which capability is missing."""

    check: Check
    status: Status
    message: str = ""


async def checks_of(platform: Platform) -> Sequence[Check]:
    """Return all checks of an adapter: those that everybody has, and some for each sample."""
    load()
    async with platform.stage() as stage:
        return [*CHECKS.values(), *sample_checks(stage.samples())]


def live_checks() -> Sequence[Check]:
    """Return the checks that run against a real store."""
    load()
    return [check for check in CHECKS.values() if check.needs != "stage"]


async def run(platform: Platform, check: Check) -> Result:
    """Try a check over a store that is put up for it alone."""
    async with platform.stage(currency=check.currency, timezone=check.timezone) as stage:
        ground = Ground(platform, access=stage.access, transport=stage.transport, stage=stage)
        return await _tried(check, ground)


async def run_live(
    platform: Platform, check: Check, access: Access, transport: httpx.AsyncBaseTransport
) -> Result:
    """Try a check that needs no stage over a real store; it undoes what it wrote."""
    return await _tried(check, Ground(platform, access=access, transport=transport))


async def _tried(check: Check, ground: Ground) -> Result:
    if not check.applies(ground.platform.capabilities):
        lacks = ground.platform.capabilities.lacks
        missing = f"{ground.platform.title} says that it can't do {check.rests_on}"
        missing = lacks.get(check.rests_on, missing)
        return Result(check=check, status="skipped", message=missing)
    try:
        with anyio.fail_after(CHECK_S_MAX):
            await _ended(check, ground)
    except Failed as failed:
        return Result(check=check, status="failed", message=str(failed))
    except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the table goes on
        message = f"{type(error).__name__}: {error}{_place(error)}"
        return Result(check=check, status="failed", message=message)
    return Result(check=check, status="passed")


async def _ended(check: Check, ground: Ground) -> None:
    """Try a check and undo what it wrote; why it failed comes before what can't be undone."""
    try:
        await check.run(ground)
    except Exception:
        with suppress(Failed):
            await ground.end()
        raise
    await ground.end()


def _place(error: BaseException) -> str:
    """Return where an error came from, the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
