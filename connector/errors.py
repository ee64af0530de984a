"""Errors of the backend, each with the HTTP status and the stable code that it is told with.

::

    PerennialError
    ├── SettingsInvalid            the environment is not what it must be
    ├── DatabaseUnusable     500   the database can't be opened
    ├── InvalidProgram       422   a program document has a mistake
    ├── StoreUnknown         404   no such store
    ├── DeliveryForged       401   a webhook that the store's secret did not sign
    ├── BodyTooLarge         413   a request longer than it may be
    ├── VisitorUnknown       401   no token, or one that is not good
    ├── KeyUnknown           401   no API key, or one that is not good
    ├── ScopeMissing         403   an API key that may not do this
    ├── RecordUnknown        404   the store has no member, redemption or program of that id
    ├── AdminUnknown         401   a merchant's link is used up or too old
    ├── RoleMissing          403   a role at the merchant's pages that may not do this
    ├── FormUnknown          403   a form that is not of the session that sent it
    ├── CodeUnknown          404   a pairing code or installation that is used up or too old
    ├── RequestInvalid       400   a request that can't be right
    ├── RewardUnavailable    404   no such reward in the program now
    ├── RewardSoldOut        409   as many as there are of a reward are taken
    ├── BenefitUnavailable   403   a benefit that the customer's tier does not have, or not now
    ├── PassInvalid          403   a pass that is not ours, too old, or of who lost the benefit
    ├── InsufficientPoints   409   the balance is less than the reward costs
    ├── ReservationEnded     409   reserved points that were captured or given back before
    ├── TooMany              429   asked for too often; later it is good again
    ├── MailboxTaken         409   orders under an address are another customer's already
    ├── KeyReused            422   one Idempotency-Key, two different requests
    ├── ConnectFailed        422   a store could not be connected; the sentence says what to do
    └── NotReady             503   our own trouble: try again
"""

from typing import ClassVar


class PerennialError(Exception):
    """Anything that we tell somebody about in one sentence."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"


class SettingsInvalid(PerennialError):
    """Settings are missing or wrong; the message names all of them."""

    code = "settings-invalid"


class DatabaseUnusable(PerennialError):
    """The database can't be opened; the message names the setting."""

    code = "database-unusable"


class InvalidProgram(PerennialError):
    """A program document has a mistake; the message has its path and what would be right."""

    status, code = 422, "invalid-program"


class StoreUnknown(PerennialError):
    """There is no such store."""

    status, code = 404, "store-unknown"


class DeliveryForged(PerennialError):
    """A webhook that the store's secret did not sign."""

    status, code = 401, "delivery-forged"


class BodyTooLarge(PerennialError):
    """A request whose body is longer than we read."""

    status, code = 413, "body-too-large"


class VisitorUnknown(PerennialError):
    """The request names no visitor, or its token is not good."""

    status, code = 401, "visitor-unknown"


class KeyUnknown(PerennialError):
    """The request has no API key, or one that is not good."""

    status, code = 401, "key-unknown"


class ScopeMissing(PerennialError):
    """The API key may not do this."""

    status, code = 403, "scope-missing"


class RecordUnknown(PerennialError):
    """The store has none of that id."""

    status, code = 404, "record-unknown"


class AdminUnknown(PerennialError):
    """The link into the merchant pages is used up, too old, or never was."""

    status, code = 401, "admin-unknown"


class RoleMissing(PerennialError):
    """Somebody's role at the merchant's pages may not do this."""

    status, code = 403, "role-missing"


class FormUnknown(PerennialError):
    """A form that is not of the session that sent it."""

    status, code = 403, "form-unknown"


class CodeUnknown(PerennialError):
    """A pairing code or an installation that is used up, too old, or never was."""

    status, code = 404, "code-unknown"


class RequestInvalid(PerennialError):
    """The request can't be right; the message says what would be."""

    status, code = 400, "request-invalid"


class RewardUnavailable(PerennialError):
    """The program in force has no such reward, or not now, not in this currency or not for them."""

    status, code = 404, "reward-unavailable"


class RewardSoldOut(PerennialError):
    """As many as there are of a reward are taken; nothing was spent."""

    status, code = 409, "reward-sold-out"


class BenefitUnavailable(PerennialError):
    """The customer's tier has no such benefit, or it is not open now."""

    status, code = 403, "benefit-unavailable"


class PassInvalid(PerennialError):
    """The pass is not ours, too old, or its holder has lost the benefit since."""

    status, code = 403, "pass-invalid"


class InsufficientPoints(PerennialError):
    """The balance is less than the reward costs; nothing was spent."""

    status, code = 409, "insufficient-points"


class ReservationEnded(PerennialError):
    """The reserved points were captured, or given back, before."""

    status, code = 409, "reservation-ended"


class TooMany(PerennialError):
    """Asked for too often; later it is good again."""

    status, code = 429, "rate-limited"


class MailboxTaken(PerennialError):
    """Orders under an e-mail address are another customer's already."""

    status, code = 409, "mailbox-taken"


class KeyReused(PerennialError):
    """The Idempotency-Key was used for a different request."""

    status, code = 422, "key-reused"


class ConnectFailed(PerennialError):
    """A store could not be connected; the message says why and what to do."""

    status, code = 422, "connect-failed"


class NotReady(PerennialError):
    """Our own trouble: the request was fine, try it again."""

    status, code = 503, "not-ready"
