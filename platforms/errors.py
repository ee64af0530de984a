"""Errors by what one does about them; the worker's ``match`` on these is the only retry policy.

::

    PlatformError
    ├── TransientError        try again later
    │   └── RateLimited       ... not before ``retry_after_s``
    ├── PermanentError        trying again changes nothing
    │   ├── AccessRevoked     the merchant must reconnect
    │   ├── Rejected          the platform understood and said no
    │   ├── Unsupported       this platform can't
    │   └── Malformed         what came can't be read
    └── SignatureInvalid      nobody we know sent it

Each has a ``name``, by which ``perennial doctor`` calls what is wrong, and an ``advice``: the next
step of whoever looks after the store. An adapter that knows better gives its own.
"""

from typing import ClassVar


class PlatformError(Exception):
    """Anything that goes wrong between us and a platform."""

    usual_name: ClassVar[str] = "platform-error"
    usual_advice: ClassVar[str] = "look into the log"

    def __init__(self, message: str, *, name: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.name = name or self.usual_name
        self.advice = advice or self.usual_advice


class TransientError(PlatformError):
    """Try again later: a time-out, a 5xx, a cut connection."""

    usual_name = "store-failing"
    usual_advice = "look into the store's error log if it stays so"


class RateLimited(TransientError):
    """The platform asks for patience."""

    usual_name = "store-busy"
    usual_advice = "wait as long as the store asks"

    def __init__(
        self, message: str, *, retry_after_s: float, name: str = "", advice: str = ""
    ) -> None:
        super().__init__(message, name=name, advice=advice)
        self.retry_after_s = retry_after_s


class PermanentError(PlatformError):
    """Trying the same again changes nothing."""


class AccessRevoked(PermanentError):
    """The store's keys no longer open it: the merchant must reconnect."""

    usual_name = "access-revoked"
    usual_advice = "connect the store again with keys that may read and write"


class Rejected(PermanentError):
    """The platform understood the request and refused it."""

    usual_name = "rejected"
    usual_advice = "the store's own words say why"


class Unsupported(PermanentError):
    """This platform can't do that."""

    usual_name = "unsupported"
    usual_advice = "choose something that this platform can do"


class Malformed(PermanentError):
    """What came can't be read as what it should be."""

    usual_name = "answer-unreadable"
    usual_advice = "look whether a plugin changes what the store's API answers"


class SignatureInvalid(PlatformError):
    """A delivery or token that the store's secret did not sign."""

    usual_name = "signature-invalid"
    usual_advice = "connect the store again, which gives it the right secret"
