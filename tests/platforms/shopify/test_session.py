"""Session tokens: every claim counts, now, for this app and of one store; else nobody asks."""

import base64
import hmac
import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.errors import SignatureInvalid
from platforms.shopify.adapter import Shopify
from platforms.shopify.session import LENGTH_MAX, who_asks

ID = "c11e47-1d"
SECRET, OLD = f"shpss_{'5' * 32}", f"shpss_{'0' * 32}"
NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
AT = int(NOW.timestamp())
SHOP = "https://perennial-test.myshopify.com"
CLAIMS = {
    "iss": f"{SHOP}/admin",
    "dest": SHOP,
    "aud": ID,
    "sub": "42",
    "exp": AT + 30,
    "nbf": AT - 30,
    "iat": AT - 30,
    "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
}
"""As they are at https://shopify.dev/docs/apps/build/authentication-authorization/session-tokens."""


def part(said):
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def signed(claims, secret=SECRET, digest="sha256", **header):
    """Return a token as RFC 7515 says, without the library that reads it."""
    head = json.dumps({"alg": "HS256", "typ": "JWT"} | header).encode()
    text = f"{part(head)}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.digest(secret.encode(), text.encode(), digest))}"


def asked(token, now=NOW, secrets=(SECRET, OLD)):
    return who_asks(token, ID, secrets, now)


def is_refused(token, **more):
    with pytest.raises(SignatureInvalid):
        asked(token, **more)
    return True


def test_a_whole_token_says_who_asks_and_from_which_store():
    assert asked(signed(CLAIMS)) == (SHOP, "42")
    assert asked(signed(CLAIMS | {"sid": "aaea182f", "more": [1]})) == (SHOP, "42")


def test_both_secrets_sign_while_both_are_set():
    assert asked(signed(CLAIMS, OLD)) == (SHOP, "42")
    assert is_refused(signed(CLAIMS, OLD), secrets=[SECRET])
    assert is_refused(signed(CLAIMS), secrets=[])


@pytest.mark.parametrize("name", [*CLAIMS])
def test_no_claim_may_lack_or_be_of_another_kind(name):
    rest = {key: value for key, value in CLAIMS.items() if key != name}
    assert is_refused(signed(rest))
    for value in (None, [], {}, True, "", [CLAIMS[name]], {"a": CLAIMS[name]}):
        assert is_refused(signed(CLAIMS | {name: value}))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_times_are_numbers(name):
    for value in ("1", f"{CLAIMS[name]}", "nan", math.nan, math.inf, -math.inf, AT + 0.5):
        assert is_refused(signed(CLAIMS | {name: value}))


@pytest.mark.parametrize("sub", ["\ud800", "\u0664\u0662", "4 2", "42\n", "\x00"])
def test_a_person_is_named_by_what_can_be_kept(sub):
    assert is_refused(signed(CLAIMS | {"sub": sub}))


@pytest.mark.parametrize(("seconds", "is_good"), [(39, 1), (40, 0), (-70, 1), (-71, 0)])
def test_ten_seconds_more_or_less_are_the_clocks(seconds, is_good):
    now, token = NOW + timedelta(seconds=seconds), signed(CLAIMS | {"nbf": AT - 60, "iat": AT - 60})
    assert asked(token, now=now) == (SHOP, "42") if is_good else is_refused(token, now=now)


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_what_begins_later_is_not_good_yet(name):
    assert asked(signed(CLAIMS | {name: AT + 10})) == (SHOP, "42")
    assert is_refused(signed(CLAIMS | {name: AT + 11}))


@pytest.mark.parametrize(
    ("dest", "iss"),
    [
        (SHOP, "https://another.myshopify.com/admin"),
        ("https://another.myshopify.com", f"{SHOP}/admin"),
        (SHOP, SHOP),
        (SHOP, f"{SHOP}/admin/"),
        ("perennial-test.myshopify.com", f"{SHOP}/admin"),
        (f"{SHOP}/", f"{SHOP}/admin"),
        (f"{SHOP}.evil.test", f"{SHOP}.evil.test/admin"),
        ("https://evil.test/.myshopify.com", "https://evil.test/.myshopify.com/admin"),
        ("https://evil.test#.myshopify.com", "https://evil.test#.myshopify.com/admin"),
        ("https://a_b.myshopify.com", "https://a_b.myshopify.com/admin"),
        ("https://-a.myshopify.com", "https://-a.myshopify.com/admin"),
        ("http://perennial-test.myshopify.com", "http://perennial-test.myshopify.com/admin"),
        ("https://PERENNIAL-test.myshopify.com", "https://PERENNIAL-test.myshopify.com/admin"),
        (f"{SHOP}\n", f"{SHOP}\n/admin"),
    ],
)
def test_a_store_is_named_twice_alike_and_wholly(dest, iss):
    assert is_refused(signed(CLAIMS | {"dest": dest, "iss": iss}))


def test_a_sandbox_is_a_store_of_this_machine():
    here = "http://127.0.0.1:8411"
    token = signed(CLAIMS | {"dest": here, "iss": f"{here}/admin"})
    assert asked(token) == (here, "42")


def test_a_token_for_another_app_is_not_ours():
    assert is_refused(signed(CLAIMS | {"aud": "another"}))


@pytest.mark.parametrize("place", range(len(signed(CLAIMS)) - 1))  # of the last, bits mean nothing
def test_one_byte_changed_and_nobody_asks(place):
    token = signed(CLAIMS)
    other = "A" if token[place] != "A" else "B"
    changed = token[:place] + other + token[place + 1 :]
    assert is_refused(changed)


@pytest.mark.parametrize(
    ("digest", "name"), [("sha512", "HS512"), ("sha256", "none"), ("sha256", "RS256")]
)
def test_no_other_algorithm_will_do(digest, name):
    assert is_refused(signed(CLAIMS, digest=digest, alg=name))
    head, body, _ = signed(CLAIMS, alg=name).split(".")
    assert is_refused(f"{head}.{body}.")


@given(st.one_of(st.text(max_size=200), st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}")))
def test_anything_else_is_nobody(text):
    assert is_refused(text)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_a_body_that_is_no_claims_is_nobody(body):
    assert is_refused(signed(body))


def test_a_token_of_any_length_is_not_read():
    assert asked(signed(CLAIMS | {"sid": "x" * 100})) == (SHOP, "42")
    assert is_refused(signed(CLAIMS | {"sid": "x" * LENGTH_MAX}))


def test_without_an_apps_keys_nobody_asks():
    with pytest.raises(SignatureInvalid):
        Shopify().app.visit(signed(CLAIMS), NOW)


def test_a_visit_opens_the_store_by_its_token():
    app = Shopify(keys={"client_id": ID, "client_secret": SECRET}).app
    token = signed(CLAIMS)
    visit = app.visit(token, NOW)
    assert (visit.url, visit.user) == (SHOP, "42")
    assert visit.access == {"url": SHOP, "session_token": token}
