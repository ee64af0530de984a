"""Only what the store signed is believed, and a delivery is told from its repetition."""

from collections.abc import Callable
from dataclasses import replace

from platforms.conformance.check import Failed, Terms, expect, expect_equal, refuses
from platforms.conformance.ground import Ground
from platforms.errors import SignatureInvalid
from platforms.model import Delivery, Kind

SIGNED = Terms(read="Platform.verify in platforms/protocol.py")
OWN = replace(SIGNED, rests_on="own_secret")
KEYED = Terms(read="Platform.delivery_key in platforms/protocol.py")
KINDS: dict[str, Kind] = {"order": "order", "customer": "customer", "product": "product"}


def signature_of(on: Ground, delivery: Delivery) -> str:
    """Return the name of the header without which a delivery does not verify."""
    for name in delivery.headers:
        rest = {key: text for key, text in delivery.headers.items() if key != name}
        try:
            on.platform.verify(replace(delivery, headers=rest), on.secret)
        except SignatureInvalid:
            return name
    raise Failed("a delivery verifies without any one of its headers")


@SIGNED.each("signatures.{}.verifies", "a delivery about a new {} verifies", KINDS)
async def verifies(on: Ground, kind: Kind) -> None:
    delivery = await on.delivery_of(kind)
    on.platform.verify(delivery, on.secret)


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "longer": lambda body: body + b" ",
    "shorter": lambda body: body[:-1],
    "empty": lambda _: b"",
    "one-bit-off": lambda body: bytes([body[0] ^ 1]) + body[1:],
}


@SIGNED.each("signatures.body-{}", "a body that is {} than what was signed is refused", BODIES)
async def body_changed(on: Ground, change: Callable[[bytes], bytes]) -> None:
    delivery = await on.delivery_of("order")
    changed = replace(delivery, body=change(delivery.body))
    with refuses(SignatureInvalid, "verifying another body"):
        on.platform.verify(changed, on.secret)


@SIGNED.check("signatures.missing", "a delivery without its signature is refused")
async def missing(on: Ground) -> None:
    signature_of(on, await on.delivery_of("order"))


HEADERS = {
    "empty": "",
    "nonsense": "nonsense",
    "not-ascii": "s\u00eb\u00f1\u00e5t\u00fcre",
    "long": "A" * 10_000,
    "a-list": "aaaa, bbbb",
    "of-zeros": "0" * 64,
}


@SIGNED.each("signatures.header-{}", "a signature that is {} is refused", HEADERS)
async def header_changed(on: Ground, text: str) -> None:
    delivery = await on.delivery_of("order")
    name = signature_of(on, delivery)
    with refuses(SignatureInvalid, f"verifying with {name}: {text[:40]!r}"):
        on.platform.verify(replace(delivery, headers={**delivery.headers, name: text}), on.secret)


@SIGNED.check("signatures.swapped", "one delivery's signature does not serve another's body")
async def swapped(on: Ground) -> None:
    first, second = await on.delivery_of("order"), await on.delivery_of("customer")
    with refuses(SignatureInvalid, "verifying with another delivery's headers"):
        on.platform.verify(replace(second, headers=first.headers), on.secret)


OTHER_SECRETS: dict[str, Callable[[str], str]] = {
    "another": lambda _: "another secret",
    "empty": lambda _: "",
    "longer": lambda secret: f"{secret} ",
}


@SIGNED.each("signatures.secret-{}", "a secret that is {} does not verify", OTHER_SECRETS)
async def secret_changed(on: Ground, change: Callable[[str], str]) -> None:
    delivery = await on.delivery_of("order")
    with refuses(SignatureInvalid, "verifying with a secret that did not sign"):
        on.platform.verify(delivery, change(on.secret))


ODD_SECRETS = {
    "quotes": "s3cret & \"quoted\" 'too'",
    "letters-beyond-ascii": "s3cret <\u00e9> \u0141\u00f3d\u017a \u65e5\u672c",
    "percent-signs": "100%25 & more + less",
    "one-letter": "s",
}


@OWN.each("signatures.secret-of-{}", "a secret of {} signs and verifies", ODD_SECRETS)
async def odd_secret(on: Ground, secret: str) -> None:
    await on.listen(secret)
    await on.buy()
    expect(await on.arrived(secret), "nothing was delivered")


@KEYED.check("signatures.keys-repeat", "a delivery that repeats has the same key")
async def keys_repeat(on: Ground) -> None:
    delivery = await on.delivery_of("order")
    again = Delivery(headers=dict(delivery.headers), body=bytes(delivery.body))
    expect_equal(
        on.platform.delivery_key(again), on.platform.delivery_key(delivery), "the key of a repeat"
    )


@KEYED.check("signatures.keys-differ", "deliveries about two records in one second differ")
async def keys_differ(on: Ground) -> None:
    await on.listen()
    await on.buy()
    await on.buy()
    came = await on.arrived()
    keys = {on.platform.delivery_key(delivery) for delivery in came}
    expect_equal(len(keys), len(came), "the number of keys")


@KEYED.check("signatures.keys-undone", "an edit and its undoing are two deliveries")
async def keys_undone(on: Ground) -> None:
    order = await on.buy(pays="never")
    await on.listen()
    came: list[Delivery] = []
    for word in ("first word", "second word", "first word"):
        await on.stage.edit(order, word)
        came += await on.arrived()
        on.stage.forward(1)
    expect(len(came) >= 3, f"three edits brought {len(came)} deliveries")
    keys = {on.platform.delivery_key(delivery) for delivery in came}
    expect_equal(len(keys), len(came), "the number of keys")


@KEYED.check("signatures.keys-of-anything", "whatever comes has a key, headers or none")
async def keys_of_anything(on: Ground) -> None:
    for headers in ({}, {"x-odd": "\u00e9"}):
        for body in (b"", b"\xff\xfe", b"{}"):
            key = on.platform.delivery_key(Delivery(headers=headers, body=body))
            expect(key, f"{body!r} has none")


@KEYED.check("signatures.no-ping", "a signed delivery is no ping")
async def no_ping(on: Ground) -> None:
    for kind in KINDS.values():
        expect(not on.platform.is_ping(await on.delivery_of(kind)), f"a {kind} reads as a ping")
