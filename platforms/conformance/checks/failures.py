"""Bad weather becomes an error of ours that says what to do, and passes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from platforms.conformance.check import Failed, Terms, expect, expect_equal, refuses
from platforms.conformance.ground import SECRET, Ground
from platforms.conformance.weather import Instead
from platforms.errors import (
    AccessRevoked,
    PermanentError,
    PlatformError,
    RateLimited,
    TransientError,
)
from platforms.http import BYTES_MAX
from platforms.model import Discount, Profile
from platforms.protocol import Capabilities, StoreClient

WEATHER = Terms(
    read="platforms/errors.py, and call and checked in platforms/http.py", needs="store"
)
PAGE = b"<!doctype html><html><body><h1>Briefly unavailable for maintenance.</h1></body></html>"
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Case:
    """What comes in place of an answer, and the error that it must become."""

    wanted: type[PlatformError]
    status: int = 0
    body: bytes = b'{"code":"failed","message":"It failed."}'
    headers: tuple[tuple[str, str], ...] = ()
    raised: type[httpx.TransportError] | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request with it."""
        if self.raised is not None:
            raise self.raised("bad weather", request=request)
        return httpx.Response(self.status, headers=JSON | dict(self.headers), content=self.body)


HTML = (("content-type", "text/html"),)
CASES = {
    "a-web-page": Case(TransientError, 200, PAGE, HTML),
    "a-web-page-of-404": Case(PlatformError, 404, PAGE, HTML),
    "a-web-page-of-503": Case(TransientError, 503, PAGE, HTML),
    "a-redirect": Case(TransientError, 302, b"", (("location", "https://elsewhere.invalid/"),)),
    "a-lasting-redirect": Case(
        TransientError, 301, b"", (("location", "https://elsewhere.invalid/"),)
    ),
    "401": Case(AccessRevoked, 401),
    "403": Case(PermanentError, 403),
    "404": Case(PlatformError, 404),
    "400": Case(PermanentError, 400),
    "429": Case(RateLimited, 429),
    "408": Case(TransientError, 408),
    "500": Case(TransientError, 500),
    "502": Case(TransientError, 502, PAGE, HTML),
    "503": Case(TransientError, 503),
    "504": Case(TransientError, 504, b""),
    "nothing": Case(TransientError, 200, b""),
    "half-an-answer": Case(TransientError, 200, b'[{"id":1,"name":"Cof'),
    "no-UTF-8": Case(PlatformError, 200, b'{"name":"\xff\xfe"}'),
    "other-JSON": Case(PlatformError, 200, b'{"hello":"world"}'),
    "a-number": Case(PlatformError, 200, b"42"),
    "null": Case(PlatformError, 200, b"null"),
    "too-much": Case(PlatformError, 200, b'["' + b"x" * (BYTES_MAX + 10) + b'"]'),
    "nesting": Case(PlatformError, 200, b"[" * 200_000 + b"]" * 200_000),
    "silence": Case(TransientError, raised=httpx.ReadTimeout),
    "no-connection": Case(TransientError, raised=httpx.ConnectError),
    "a-slow-connection": Case(TransientError, raised=httpx.ConnectTimeout),
    "a-cut": Case(TransientError, raised=httpx.ReadError),
    "a-broken-protocol": Case(TransientError, raised=httpx.RemoteProtocolError),
    "a-full-pool": Case(TransientError, raised=httpx.PoolTimeout),
}
Act = Callable[[StoreClient], Awaitable[object]]
READS: dict[str, Act] = {
    "info": lambda client: client.info(),
    "newest": lambda client: client.newest(),
    "a count": lambda client: client.count("order"),
    "an order listing": lambda client: client.page("order", None, None),
    "a customer listing": lambda client: client.page("customer", None, None),
    "a product listing": lambda client: client.page("product", None, None),
    "a fetch": lambda client: client.fetch("order", ["1", "2"]),
    "reading subscriptions": lambda client: client.subscriptions("https://ours.invalid/"),
}


def storm(on: Ground, case: Case) -> tuple[StoreClient, Instead]:
    """Return a client to which nothing but this case comes, and the switch of it."""
    found: list[Instead] = []

    def wrap(inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        found.append(Instead(inner, case.answer))
        return found[0]

    return on.through(wrap), found[0]


@WEATHER.each(
    "failures.{}", "where {} comes for an answer, the error is ours, and it passes", CASES
)
async def failure(on: Ground, case: Case) -> None:
    for what, act in READS.items():
        client, weather = storm(on, case)
        with refuses(case.wanted, what):
            await act(client)
        weather.is_on = False
        await client.info()
        await client.page("order", None, None)


OTHER_WAITS = {"none": (None, 0, 60), "a-number": ("17", 17, 17), "a-date": (
    "Wed, 21 Oct 2026 07:28:00 GMT", 0, 3600), "too-much": ("999999999", 1, 3600),
    "less-than-none": ("-5", 0, 60), "no-number": ("nan", 0, 60)}  # fmt: skip


@WEATHER.each("failures.patience.{}", "429 that asks for a wait of {} says how long to wait",
              OTHER_WAITS)  # fmt: skip
async def patience(on: Ground, wait: tuple[str | None, float, float]) -> None:
    text, least, most = wait
    headers = () if text is None else (("retry-after", text),)
    client, _ = storm(on, Case(RateLimited, 429, headers=headers))
    with refuses(RateLimited, "info") as refusal:
        await client.info()
    asked = refusal.error.retry_after_s if isinstance(refusal.error, RateLimited) else -1.0
    expect(least <= asked <= most, f"we are to wait {asked} s")


@WEATHER.check("failures.redirect-followed", "a redirect to another host is never followed")
async def redirect_followed(on: Ground) -> None:
    own = httpx.URL((await on.client.info()).url).host
    for name in ("a-redirect", "a-lasting-redirect"):
        client, weather = storm(on, CASES[name])
        for what, act in READS.items():
            with refuses(TransientError, what):
                await act(client)
        expect_equal(weather.hosts, {own}, "the hosts that were asked")


@WEATHER.check("failures.keys-hidden", "no error tells the keys of the store")
async def keys_hidden(on: Ground) -> None:
    for name, case in CASES.items():
        client, _ = storm(on, case)
        for act in READS.values():
            with refuses(PlatformError, name) as refusal:
                await act(client)
            _is_discreet(on, refusal.error)


def _is_discreet(on: Ground, error: PlatformError | None) -> None:
    told = f"{error} {error and error.advice} {error!r}"
    for field, text in on.access.items():
        if field != "url" and len(text) > 3:
            expect(text not in told, f"the {field} is in {told[:200]!r}")


@WEATHER.check("failures.wrong-keys", "keys that the store does not know are AccessRevoked")
async def wrong_keys(on: Ground) -> None:
    wrong = {key: text if key == "url" else text[:-1] + "~" for key, text in on.access.items()}
    client = on.through(lambda transport: transport, wrong)
    with refuses(AccessRevoked, "info with wrong keys") as refusal:
        await client.info()
    _is_discreet(on, refusal.error)


def _writes(currency: str, can: Capabilities) -> dict[str, Act]:
    """Return the writes that a platform can do."""
    wanted = Discount(code="never", redemption_id="r", currency=currency, amount_minor=500)
    acts: dict[str, Act] = {
        "subscribing": lambda client: client.subscribe("https://ours.invalid/", SECRET),
        "unsubscribing": lambda client: client.unsubscribe("https://ours.invalid/"),
    }
    if can.discount_kinds:
        acts["issuing"] = lambda client: client.issue_discounts([wanted])
        acts["reading a discount"] = lambda client: client.read_discount("never")
        acts["revoking"] = lambda client: client.revoke_discount("never")
    if can.profiles:
        acts["a profile"] = lambda client: client.write_profile("1", Profile(points=1))
        acts["reading a profile"] = lambda client: client.read_profile("1")
    if can.order_notes:
        acts["a note"] = lambda client: client.write_note("1", "Earned 120 points.")
        acts["reading notes"] = lambda client: client.read_notes("1")
    return acts


WRITE_CASES = {
    name: CASES[name] for name in ("401", "429", "500", "503", "silence", "half-an-answer",
                                   "a-web-page", "a-redirect", "other-JSON", "null", "nothing")
}  # fmt: skip


@WEATHER.each("failures.writing.{}", "where {} comes to a write, the error is ours", WRITE_CASES)
async def writing(on: Ground, case: Case) -> None:
    for what, act in _writes(await on.currency(), on.platform.capabilities).items():
        client, _ = storm(on, case)
        try:
            outcome = await act(client)
        except PlatformError as error:
            expect(error.name and error.advice, f"{error!r} has no name or no advice")
            if case.wanted is not PlatformError and case.wanted is not AccessRevoked:
                expect(isinstance(error, TransientError), f"{what} raised {error!r}")
            continue
        if what == "issuing" and isinstance(outcome, list | tuple):
            expect(isinstance(outcome[0], PlatformError), f"{what} came to {outcome!r}")
        elif case.status != 200 or case is CASES["a-web-page"]:
            raise Failed(f"{what} came to {outcome!r}")
