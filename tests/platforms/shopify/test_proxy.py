"""The app proxy's signature: others' vectors hold at their time, and nothing that was changed.

``vectors.json`` has them with where each is from.
"""

import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from platforms.errors import Malformed, SignatureInvalid
from platforms.shopify.proxy import AppProxy

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_bytes())["app_proxy_signature"]
PROXY, NOW = AppProxy(), datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "hush"
STAMP = str(int(NOW.timestamp()))


def signed(*pairs, secret=SECRET):
    """Return a query of pairs with Shopify's signature, written by its documentation."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    said = "".join(f"{name}={','.join(values[name])}" for name in sorted(values))
    signature = hmac.new(secret.encode(), said.encode(), "sha256").hexdigest()
    return urlencode([*pairs, ("signature", signature)])


def usual(**more):
    fields = {
        "shop": "a.myshopify.com",
        "logged_in_customer_id": "42",
        "path_prefix": "/apps/perennial",
        "timestamp": STAMP,
    }
    return list((fields | more).items())


def of(vector):
    """Return the whole query of a vector, its secret and its time."""
    query = f"{vector['query']}&signature={vector['signature']}"
    stamp = int(dict(parse_qsl(vector["query"]))["timestamp"])
    return query, vector["secret"], datetime.fromtimestamp(stamp, UTC)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["src"][:30])
def test_a_vector_holds_at_its_time(vector):
    signed_in = dict(parse_qsl(vector["query"])).get("logged_in_customer_id")
    assert PROXY.customer_of(*of(vector)) == signed_in


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["src"][:30])
def test_a_vector_with_one_letter_changed_does_not(vector):
    query, secret, at = of(vector)
    for place, letter in enumerate(query):
        if letter in "&=%[]":
            continue
        other = "0" if letter != "0" else "1"
        changed = query[:place] + other + query[place + 1 :]
        if parse_qsl(changed, keep_blank_values=True) == parse_qsl(query, keep_blank_values=True):
            continue
        with pytest.raises(SignatureInvalid):
            PROXY.customer_of(changed, secret, at)


@pytest.mark.parametrize("seconds", [-90, 0, 90])
def test_it_holds_for_a_minute_and_a_half(seconds):
    at = NOW + timedelta(seconds=seconds)
    assert PROXY.customer_of(signed(*usual()), SECRET, at) == "42"


@pytest.mark.parametrize("seconds", [-91, 91, 86_400])
def test_and_no_longer(seconds):
    with pytest.raises(SignatureInvalid, match="not now"):
        PROXY.customer_of(signed(*usual()), SECRET, NOW + timedelta(seconds=seconds))


def test_a_blank_customer_is_a_guest_and_signed_all_the_same():
    query = signed(*usual(logged_in_customer_id=""))
    assert "logged_in_customer_id=&" in query
    assert PROXY.customer_of(query, SECRET, NOW) is None
    with pytest.raises(SignatureInvalid):
        PROXY.customer_of(query.replace("logged_in_customer_id=&", ""), SECRET, NOW)


def test_parameters_of_the_page_may_repeat():
    query = signed(*usual(), ("extra", "1"), ("extra", "2"))
    assert PROXY.customer_of(query, SECRET, NOW) == "42"


@pytest.mark.parametrize("name", ["shop", "logged_in_customer_id", "path_prefix", "timestamp"])
def test_none_that_says_who_and_when_may_though_it_is_signed(name):
    for value in ("999", "1", STAMP):
        for pairs in ([*usual(), (name, value)], [(name, value), *usual()]):
            with pytest.raises(SignatureInvalid, match=f"{name} more than once"):
                PROXY.customer_of(signed(*pairs), SECRET, NOW)


def test_nor_the_signature_itself():
    query = signed(*usual())
    with pytest.raises(SignatureInvalid, match="signature more than once"):
        PROXY.customer_of(f"{query}&signature=0", SECRET, NOW)


@pytest.mark.parametrize("id_", ["4x", "gid://shopify/Customer/4", "-1", "1.0", "९", "1" * 21])
def test_a_customers_id_is_a_number(id_):
    with pytest.raises(SignatureInvalid, match="is a number"):
        PROXY.customer_of(signed(*usual(logged_in_customer_id=id_)), SECRET, NOW)


@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-1", "9" * 30])
def test_a_time_is_a_number(stamp):
    with pytest.raises(SignatureInvalid, match="not now"):
        PROXY.customer_of(signed(*usual(timestamp=stamp)), SECRET, NOW)


@pytest.mark.parametrize("query", ["", "signature=", "&&&", "%", "signature=%C3%A9"])
def test_nonsense_is_nobodys(query):
    with pytest.raises(SignatureInvalid):
        PROXY.customer_of(query, SECRET, NOW)


def test_which_store_it_is_from_is_read_as_an_address():
    assert PROXY.store_url(signed(*usual())) == "https://a.myshopify.com"
    for shop in ("", "evil.com", "a.myshopify.com.evil.com"):
        with pytest.raises(Malformed):
            PROXY.store_url(f"shop={quote(shop)}")
