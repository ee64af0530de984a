"""What real stores said: the adapter reads it, and the stage answers in the same shape."""

from collections.abc import Iterator, Sequence
from functools import partial

import orjson

from platforms.conformance.check import Check, Failed, expect, expect_equal
from platforms.conformance.ground import Ground
from platforms.conformance.stage import Sample
from platforms.errors import Malformed, PlatformError
from platforms.model import Delivery

READS = "Platform.read_sample in platforms/protocol.py"
REPLAYS = "Stage.replay in platforms/conformance/stage.py"


def sample_checks(samples: Sequence[Sample]) -> Iterator[Check]:
    """Yield the checks of these samples: all are read, answers are asked for again."""
    for sample in samples:
        yield Check(
            name=f"samples.{sample.name}.read",
            says=f"what a store said as {sample.name} verifies and is read, or is an error of ours",
            read=READS,
            run=partial(_is_read, sample),
        )
        if not sample.is_delivery:
            yield Check(
                name=f"samples.{sample.name}.shape",
                says=f"the stage answers as the store did in {sample.name}: status, keys, types",
                read=REPLAYS,
                run=partial(_is_alike, sample),
            )


async def _is_read(sample: Sample, on: Ground) -> None:
    delivery = Delivery(headers=sample.headers, body=sample.body)
    if sample.is_delivery and not on.platform.is_ping(delivery):
        on.platform.verify(delivery, sample.secret)
    try:
        await on.platform.read_sample(sample)
    except PlatformError as error:
        is_good = sample.is_delivery or 200 <= sample.status < 300
        is_excused = isinstance(error, Malformed) and sample.is_delivery and _is_error(sample.body)
        if is_good and not is_excused:
            raise Failed(f"a good {sample.name} was refused: {error}") from error


def _is_error(body: bytes) -> bool:
    """Return whether a body is an error and no record: what is gone when it is delivered."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and not {"code", "error", "errors"}.isdisjoint(value)


async def _is_alike(sample: Sample, on: Ground) -> None:
    answer = await on.stage.replay(sample)
    expect_equal(answer.status_code, sample.status, "the status")
    try:
        real = orjson.loads(sample.body)
    except orjson.JSONDecodeError:
        return
    found = list(differences(real, orjson.loads(answer.content)))
    expect(not found, "; ".join(found[:10]))


def differences(real: object, ours: object, path: str = "") -> Iterator[str]:
    """Name where ``ours`` has other keys or types than ``real``; null and empty say nothing."""
    if isinstance(real, dict) and isinstance(ours, dict):
        yield from (f"{path}.{key} is missing" for key in real.keys() - ours.keys())
        yield from (f"{path}.{key} is more" for key in ours.keys() - real.keys())
        for key in real.keys() & ours.keys():
            yield from differences(real[key], ours[key], f"{path}.{key}")
    elif isinstance(real, list) and isinstance(ours, list):
        for one, other in zip(real[:1], ours[:1], strict=False):
            yield from differences(one, other, f"{path}[]")
    elif _says(real) and _says(ours) and _kind(real) is not _kind(ours):
        yield f"{path}: {_kind(real).__name__} became {_kind(ours).__name__}"


def _says(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)
