"""Who may: what a merchant pastes, how they approve in the browser, and who a shopper is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from platforms.conformance.check import Terms, expect, expect_equal, refuses
from platforms.conformance.ground import Ground
from platforms.errors import Malformed, SignatureInvalid

PASTED = Terms(read="Platform.access in platforms/protocol.py")
TYPED = Terms(
    read="Install.store_url in platforms/protocol.py", needs="nothing", rests_on="install"
)
INSTALL = Terms(read="Install in platforms/protocol.py", needs="nothing", rests_on="install")
TOLD = Terms(read="Platform in platforms/protocol.py", needs="nothing")
VISITOR = Terms(read="platforms/visitor.py", needs="nothing")

ADDRESSES = {
    "nothing": "",
    "blanks": "   ",
    "words": "my little shop",
    "a-file": "file:///etc/passwd",
    "another-protocol": "ftp://store.example",
    "a-script": "javascript:alert(1)",
    "a-name-and-password": "https://admin:password@store.example",
    "no-host": "https://",
    "no-port": "https://store.example:port",
    "a-port-beyond": "https://store.example:99999",
    "a-line-break": "https://store.example\r\nHost: other.example",
}


@TYPED.each("access.typed.{}", "{} for an address is Malformed, with a hint", ADDRESSES)
async def typed(on: Ground, text: str) -> None:
    with refuses(Malformed, f"typing {text!r}") as refusal:
        on.install.store_url(text)
    expect("https://" in str(refusal.error), f"{refusal.error} does not say what to type")


@TYPED.check("access.typed", "an address is one, however it is typed")
async def canonical(on: Ground) -> None:
    url = on.install.store_url("https://store.example")
    for text in ("store.example", " https://store.example/ ", "https://STORE.example", url):
        expect_equal(on.install.store_url(text), url, f"the address of {text!r}")


def needed(on: Ground) -> list[str]:
    """Return what a merchant must paste."""
    return [option.name for option in on.platform.connect_options if option.is_needed]


@PASTED.check("access.pasted", "what opens the store is made of what a merchant pastes")
async def pasted(on: Ground) -> None:
    names = needed(on)
    expect(set(names) <= set(on.access), f"the access {sorted(on.access)} lacks some of {names}")
    options = {name: f" {on.access[name]} " if name == "url" else on.access[name] for name in names}
    expect_equal(dict(on.platform.access(options)), dict(on.access), "the access")


@PASTED.each("access.pasted.{}", "{} for an address is Malformed when pasted, too", ADDRESSES)
async def pasted_nonsense(on: Ground, text: str) -> None:
    options = {name: on.access[name] for name in needed(on)}
    if "url" in options:
        with refuses(Malformed, f"pasting {text!r}"):
            on.platform.access({**options, "url": text})


@PASTED.check("access.pasted-keys", "keys that can't be right are Malformed, and not told")
async def pasted_keys(on: Ground) -> None:
    names = needed(on)
    for name in set(names) - {"url"}:
        for text in ("", "  ", "\u00e9\u00e8"):
            options = {one: on.access[one] for one in names} | {name: text}
            with refuses(Malformed, f"pasting {text!r} for {name}"):
                on.platform.access(options)


@TOLD.check("access.named", "the platform has a name for addresses and a title for people")
async def named(on: Ground) -> None:
    expect(on.platform.name.isidentifier() and on.platform.name.islower(), on.platform.name)
    expect(on.platform.title, "it has no title")
    for option in on.platform.connect_options:
        expect(option.name.isidentifier() and option.help, f"{option!r} is no flag with a help")


@INSTALL.check("install.approval", "the approval page is the store's own, and is told our token")
async def approval(on: Ground) -> None:
    url = on.install.store_url("store.example")
    token = "t0ken"  # noqa: S105 - it opens nothing
    page = on.install.approval_url(
        url, token=token, callback="https://ours.example/callback", back="https://ours.example/"
    )
    expect(page.startswith(f"{url}/"), f"{page} is not on {url}")
    expect(token in page and "ours.example%2Fcallback" in page, f"{page} lacks something")


@INSTALL.check(
    "install.finished", "the merchant ends on the store's own page, with the pairing code"
)
async def finished(on: Ground) -> None:
    url = on.install.store_url("store.example")
    page = on.install.finished_url(url, service="https://ours.example", pairing="p4ir")
    expect(page.startswith(f"{url}/") and "p4ir" in page, f"it is {page}")


CALLBACKS = {
    "nothing": b"",
    "a-web-page": b"<html>",
    "a-list": b"[]",
    "an-empty-object": b"{}",
    "no-UTF-8": b'{"token":"\xff"}',
    "nesting": b"[" * 100_000,
    "numbers": b'{"token":1,"user_id":1,"key":1,"consumer_key":1,"consumer_secret":1}',
}


@INSTALL.each("install.callback.{}", "{} for the approval's answer is Malformed", CALLBACKS)
async def callback(on: Ground, body: bytes) -> None:
    with refuses(Malformed, "reading it"):
        on.install.read_callback(body)


@INSTALL.check("install.denied", "a browser that comes back without a yes has not approved")
async def denied(on: Ground) -> None:
    for query in ({}, {"success": "0", "approved": "0"}, {"error": "access_denied"}):
        expect(not on.install.is_approved(query), f"{query!r} counts as a yes")
    expect_equal(on.install.returned_token({}), "", "the token that did not come back")


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STORE = "s7k2m4q6t8v2x4z6"
KEYS: Mapping[str, bytes] = {"1": bytes(range(32))}


def token(key: bytes = KEYS["1"], *, at: datetime = NOW, kid: str = "1", **claims: Any) -> str:  # noqa: ANN401
    """Return a visitor token as a store's plugin signs it, but for these claims."""
    issued = int(at.timestamp())
    said = {
        "iss": STORE,
        "sub": "42",
        "aud": "perennial-storefront",
        "iat": issued,
        "exp": issued + 600,
        "jti": "00112233445566778899aabbccddeeff",
    }
    said = {name: value for name, value in (said | claims).items() if value is not None}
    return jwt.encode(said, key, "HS256", headers={"kid": kid})


@VISITOR.check("visitors.good", "a good token speaks for its customer")
async def visitor(on: Ground) -> None:
    expect_equal(on.platform.verify_visitor(token(), STORE, KEYS, NOW), "42", "the customer")


@VISITOR.check("visitors.next-key", "of two live keys each is good")
async def next_key(on: Ground) -> None:
    newer = bytes(reversed(range(32)))
    told = on.platform.verify_visitor(token(newer, kid="2"), STORE, {**KEYS, "2": newer}, NOW)
    expect_equal(told, "42", "the customer")


FORGED = {
    "for-another-store": token(iss="another"),
    "by-another-key": token(bytes(32)),
    "by-an-unknown-key": token(kid="7"),
    "of-yesterday": token(at=NOW - timedelta(days=1)),
    "of-tomorrow": token(at=NOW + timedelta(days=1)),
    "of-a-week": token(exp=int(NOW.timestamp()) + 7 * 86_400),
    "for-something-else": token(aud="another"),
    "of-nobody": token(sub=""),
    "without-an-end": token(exp=None),
    "without-a-number": token(jti=None),
    "of-no-algorithm": jwt.encode({"iss": STORE, "sub": "42"}, "", "none", headers={"kid": "1"}),
    "of-no-words": "nonsense",
    "of-nothing": "",
    "cut-short": token()[:-4],
}


@VISITOR.each("visitors.{}", "a token {} is refused", FORGED)
async def forged(on: Ground, text: str) -> None:
    with refuses(SignatureInvalid, "verifying it"):
        on.platform.verify_visitor(text, STORE, KEYS, NOW)
