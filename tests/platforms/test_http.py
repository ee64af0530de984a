"""The one client for addresses that merchants give."""

import httpx
import pytest

from platforms.errors import AccessRevoked, Malformed, RateLimited, Rejected, TransientError
from platforms.http import BYTES_MAX, SafeTransport, UnsafeAddress, call, checked, client, is_safe


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1", "2002:7f00:1::", "fec0::1", "::127.0.0.1", "192.0.0.8", "5f00::1",
    ],
)  # fmt: skip
def test_what_is_not_the_public_internet_is_refused(address):
    assert is_safe(address, allow_loopback=False) is False


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_are_fine(address):
    assert is_safe(address, allow_loopback=False) is True


def test_loopback_needs_the_operators_switch_and_opens_nothing_else():
    assert is_safe("127.0.0.1", allow_loopback=True) is True
    assert is_safe("::1", allow_loopback=True) is True
    assert is_safe("10.0.0.1", allow_loopback=True) is False


async def test_a_name_that_leads_inside_is_refused_before_a_connection():
    async with client(SafeTransport()) as http:
        with pytest.raises(UnsafeAddress):
            await call(http, http.build_request("GET", "https://localhost:1/"))


async def test_plain_http_is_for_development():
    async with client(SafeTransport()) as http:
        with pytest.raises(UnsafeAddress, match="must be reached over https"):
            await call(http, http.build_request("GET", "http://store.example/"))


async def test_a_name_that_leads_nowhere_is_to_be_tried_again():
    async with client(SafeTransport()) as http:
        with pytest.raises(TransientError):
            await call(http, http.build_request("GET", "https://nowhere.invalid/"))


async def test_an_answer_beyond_the_limit_is_malformed():
    big = httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * (BYTES_MAX + 1)))
    async with client(big) as http:
        with pytest.raises(Malformed):
            await call(http, http.build_request("GET", "https://store.example/"))


async def test_redirects_are_not_followed():
    away = httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": "http://x/"}))
    async with client(away) as http:
        answer = await call(http, http.build_request("GET", "https://store.example/"))
        with pytest.raises(TransientError, match="leads on to http://x/"):
            checked(answer)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected), (404, Rejected), (401, AccessRevoked), (403, AccessRevoked),
        (408, TransientError), (500, TransientError), (503, TransientError), (429, RateLimited),
    ],
)  # fmt: skip
def test_each_status_is_an_error_by_its_recovery(status, error):
    request = httpx.Request("GET", "https://store.example/")
    with pytest.raises(error):
        checked(httpx.Response(status, request=request))


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [("7", 7.0), ("soon", 1.0), ("nan", 1.0), ("inf", 1.0), ("99999", 3600.0), ("-5", 0.0)],
)
def test_patience_is_as_long_as_asked_within_reason(said, wait_s):
    request = httpx.Request("GET", "https://store.example/")
    with pytest.raises(RateLimited) as caught:
        checked(httpx.Response(429, request=request, headers={"Retry-After": said}))
    assert caught.value.retry_after_s == wait_s
