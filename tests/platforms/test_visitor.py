"""The visitor token in time: good for its ten minutes and a minute of differing clocks."""

import base64
from datetime import timedelta

import jwt
import pytest

from platforms.errors import SignatureInvalid
from platforms.visitor import LEEWAY_S, LIFE_MAX_S, customer_of
from tests.manifest.test_visitor import DOCUMENT, KEYS, NOW

CLAIMS = DOCUMENT["vectors"][0]["claims"]
GOOD = DOCUMENT["vectors"][0]["token"]
ISSUED = NOW + timedelta(seconds=CLAIMS["iat"] - DOCUMENT["now"])


@pytest.mark.parametrize("after_s", [-LEEWAY_S, 0, LIFE_MAX_S, LIFE_MAX_S + LEEWAY_S - 1])
def test_within_its_life_and_the_leeway_it_is_good(after_s):
    assert customer_of(GOOD, CLAIMS["iss"], KEYS, ISSUED + timedelta(seconds=after_s)) == "42"


@pytest.mark.parametrize("after_s", [-LEEWAY_S - 1, LIFE_MAX_S + LEEWAY_S])
def test_before_and_after_it_is_not(after_s):
    with pytest.raises(SignatureInvalid):
        customer_of(GOOD, CLAIMS["iss"], KEYS, ISSUED + timedelta(seconds=after_s))


@pytest.mark.parametrize("claim", ["iat", "exp"])
def test_a_time_that_is_no_number_is_refused(claim):
    (key,) = KEYS.values()
    token = jwt.encode({**CLAIMS, claim: "soon"}, key, "HS256", headers={"kid": "1"})
    with pytest.raises(SignatureInvalid):
        customer_of(token, CLAIMS["iss"], KEYS, NOW)


def test_another_live_key_is_good_too():
    newer = base64.urlsafe_b64decode(DOCUMENT["key"] + "=")[::-1]
    token = jwt.encode(CLAIMS, newer, "HS256", headers={"kid": "2"})
    assert customer_of(token, CLAIMS["iss"], {**KEYS, "2": newer}, NOW) == "42"
