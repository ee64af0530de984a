"""The vectors of the visitor token: what Python accepts is what PHP must sign."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platforms.errors import SignatureInvalid
from platforms.woocommerce.adapter import WooCommerce

DOCUMENT = json.loads(Path("manifest/woocommerce/visitor.json").read_text(encoding="utf-8"))
KEYS = {DOCUMENT["key_id"]: base64.urlsafe_b64decode(DOCUMENT["key"] + "=")}
NOW = datetime.fromtimestamp(DOCUMENT["now"], UTC)


@pytest.mark.parametrize("vector", DOCUMENT["vectors"], ids=lambda vector: vector["name"])
def test_each_vector_is_judged_as_it_says(vector):
    verify = WooCommerce().verify_visitor

    if vector["good"]:
        who = verify(vector["token"], DOCUMENT["store"], KEYS, NOW)
        assert who == vector["claims"]["sub"]
    else:
        with pytest.raises(SignatureInvalid):
            verify(vector["token"], DOCUMENT["store"], KEYS, NOW)
