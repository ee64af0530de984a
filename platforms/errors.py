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
"""


class PlatformError(Exception):
    """Anything that goes wrong between us and a platform."""


class TransientError(PlatformError):
    """Try again later: a time-out, a 5xx, a cut connection."""


class RateLimited(TransientError):
    """The platform asks for patience."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PermanentError(PlatformError):
    """Trying the same again changes nothing."""


class AccessRevoked(PermanentError):
    """The store's keys no longer open it: the merchant must reconnect."""


class Rejected(PermanentError):
    """The platform understood the request and refused it."""


class Unsupported(PermanentError):
    """This platform can't do that."""


class Malformed(PermanentError):
    """What came can't be read as what it should be."""


class SignatureInvalid(PlatformError):
    """A delivery or token that the store's secret did not sign."""
