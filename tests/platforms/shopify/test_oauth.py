"""What comes back from an installation: others' vectors hold at their time, and nothing changed.

``vectors.json`` has them with where each is from.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import shopify
from hypothesis import given
from hypothesis import strategies as st

from platforms.errors import Malformed, SignatureInvalid
from platforms.shopify.oauth import OAuth, digest

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_bytes())["oauth_query_hmac"]
RETURNS = [one for one in VECTORS if "timestamp" in one["params"]]
ID, SECRET, OLD = "an-app", f"shpss_{'5' * 32}", f"shpss_{'0' * 32}"
KEYS = {"client_id": ID, "client_secret": SECRET, "old_client_secret": OLD}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def fields(params):
    return {name: value if isinstance(value, list) else [value] for name, value in params.items()}


def name_of(vector):
    return vector["src"][:30]


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_a_vector_is_signed_as_its_author_says(vector):
    assert digest(fields(vector["params"]), vector["secret"]) == vector["hmac"]


def returned(vector):
    """Return the address by which the browser comes back, the app, and its time."""
    query = urlencode(vector["params"] | {"hmac": vector["hmac"]})
    app = OAuth({"client_id": ID, "client_secret": vector["secret"]})
    return app, query, datetime.fromtimestamp(int(vector["params"]["timestamp"]), UTC)


@pytest.mark.parametrize("vector", RETURNS, ids=name_of)
def test_a_vector_opens_its_store_at_its_time(vector):
    app, query, at = returned(vector)
    assert app.returned_access(query, at) == {
        "url": f"https://{vector['params']['shop']}",
        "code": vector["params"]["code"],
    }


@pytest.mark.parametrize("vector", RETURNS, ids=name_of)
def test_a_vector_with_one_letter_changed_opens_none(vector):
    app, query, at = returned(vector)
    for place, letter in enumerate(query):
        other = "0" if letter != "0" else "1"
        changed = query[:place] + other + query[place + 1 :]
        if parse_qsl(changed) == parse_qsl(query):
            continue
        with pytest.raises(SignatureInvalid):
            app.returned_access(changed, at)


def signed(secret=SECRET, **more):
    params = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvYQ",
        "shop": "a.myshopify.com",
        "state": "token",
        "timestamp": str(int(NOW.timestamp())),
    } | more
    said = {name: value for name, value in params.items() if value is not None}
    return urlencode({**said, "hmac": digest(fields(said), secret)})


@pytest.mark.parametrize("secret", [SECRET, OLD])
@pytest.mark.parametrize("seconds", [-90, 0, 90])
def test_it_holds_for_a_minute_and_a_half_by_both_secrets(secret, seconds):
    found = OAuth(KEYS).returned_access(signed(secret), NOW + timedelta(seconds=seconds))
    assert found["url"] == "https://a.myshopify.com"


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (signed(), 91),
        (signed(), -91),
        (signed("guessed"), 0),
        (signed() + "&shop=b.myshopify.com", 0),
        (signed() + "&hmac=0", 0),
        (signed(shop="a.myshopify.com.evil.test"), 0),
        (signed(shop=None), 0),
        (signed(code=None), 0),
        (signed(timestamp=None), 0),
        (signed(timestamp="soon"), 0),
        (signed(timestamp="9" * 400), 0),
        ("", 0),
    ],
)
def test_nothing_else_opens_a_store(query, seconds):
    with pytest.raises(SignatureInvalid):
        OAuth(KEYS).returned_access(query, NOW + timedelta(seconds=seconds))


@given(st.text(max_size=100))
def test_no_text_opens_a_store(text):
    with pytest.raises(SignatureInvalid):
        OAuth(KEYS).returned_access(text, NOW)


@given(
    st.dictionaries(
        st.text("abc%&=[] é", min_size=1), st.text(max_size=20), min_size=1, max_size=5
    ).filter(lambda one: not any(name.endswith("[]") or name == "hmac" for name in one))
)
def test_it_signs_as_shopifys_own_package(params):
    shopify.Session.secret = SECRET
    assert digest(fields(params), SECRET) == shopify.Session.calculate_hmac(params)


def test_the_merchant_approves_what_scopes_say_and_comes_back_here():
    url = OAuth(KEYS).approval_url(
        "https://a.myshopify.com", token="abc", callback="https://x/c", back="https://x/r"
    )
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        "https://a.myshopify.com/admin/oauth/authorize"
    )
    assert parse_qs(parts.query) == {
        "client_id": [ID],
        "scope": ["read_customers,read_orders,read_products"],
        "redirect_uri": ["https://x/r"],
        "state": ["abc"],
    }


def test_shopify_sends_no_keys_by_itself():
    with pytest.raises(Malformed, match="browser brings a code"):
        OAuth(KEYS).read_callback(b"{}")
