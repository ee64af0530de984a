"""Requests over plain http carry a nonce each, and a store refuses one that it has seen before.

The vendor's own signing draws eight digits from the process's common random numbers: of 20,000
nonces two came twice, and the store's refusal reads like that of a key that was taken away.
"""

import random

import httpx

from platforms.woocommerce import auth


def test_a_nonce_follows_from_no_numbers_that_others_draw_too():
    request = httpx.Request("GET", "http://store.example.test/wp-json/wc/v3/orders")
    access = {"url": "http://store.example.test", "key": "ck_1", "secret": "cs_1"}
    before = random.getstate()

    nonces = []
    for _ in range(2):
        random.setstate(before)
        nonces.append(auth.signed(request, access).url.params["oauth_nonce"])

    assert nonces[0] != nonces[1]
