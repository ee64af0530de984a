"""What we log: an event a line, as logfmt on stderr, with ids and never people.

The text of an exception may be about somebody (a value that a constraint refused, an address that
was asked), so its type is told and the places that it came through. Libraries' lines go the same
way, the first line of each.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import structlog
from typing_extensions import override

PLACES_MAX = 12  # of one exception, the innermost first
CAUSES_MAX = 5
log = structlog.get_logger()


def configure() -> None:
    """Log this process' events, and those of its libraries that are warnings or worse."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _without_texts,
            structlog.processors.LogfmtRenderer(
                key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    root = logging.getLogger()
    root.handlers[:] = [_Passed()]
    root.setLevel(logging.WARNING)


class _Passed(logging.Handler):
    """Passes what libraries say on to our log."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = record.getMessage().partition("\n")[0]
        except (TypeError, ValueError) as error:  # its own mistake, and nothing to break it for
            said = f"a line that can't be written: {type(error).__name__}"
        level = record.levelno // 10 * 10
        log.log(min(level, logging.CRITICAL), said, logger=record.name, exc_info=record.exc_info)


def _without_texts(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Tell an event's exception by its types and places."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        errors = list(_causes(error))
        event["error"] = " from ".join(type(one).__name__ for one in errors)
        event["at"] = " from ".join(" < ".join(_places(one)) for one in errors)
    return event


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, then what it came from; of a group the first."""
    one: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if one is None:
            return
        yield one
        if isinstance(one, BaseExceptionGroup):
            one = one.exceptions[0]
        else:
            one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _places(error: BaseException) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames[-PLACES_MAX:]):
        yield f"{Path(frame.filename).stem}:{frame.lineno}:{frame.name}"
