"""The one HTTP client for addresses that merchants gave: safe, bounded, patient.

``SafeTransport`` resolves a name once, refuses what is not a public address, and connects to the
address it checked, with the original Host and TLS name, so that a name cannot change its mind in
between. No redirects, no proxies from the environment, 10 MB and 30 s at most; files are streamed.
"""

import ipaddress
import math
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager

import anyio
import anyio.to_thread
import httpcore
import httpx
import msgspec
from typing_extensions import override

from platforms.errors import (
    AccessRevoked,
    Malformed,
    RateLimited,
    Rejected,
    TransientError,
)
from platforms.pace import TIMEOUT_S, Lane, Pace, PacedClient

NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")  # all that is assigned as global, RFC 4291
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")  # hides an IPv4 address
PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")
BYTES_MAX = 10_000_000
RETRY_AFTER_MAX_S = 3600.0


class UnsafeAddress(Rejected):
    """The address leads to a network that is not the public internet."""

    usual_name = "not-public"
    usual_advice = "use the address that shoppers use, over https"


def is_safe(address: str, *, allow_loopback: bool) -> bool:
    """Return whether we may connect there: globally routable, mapped and NAT64 forms unwrapped."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.ipv4_mapped
        if inner is None and not (allow_loopback and ip.is_loopback):
            return ip.is_global and ip in UNICAST and ip not in SIX_TO_FOUR
        ip = inner or ip
    if ip in PROTOCOL_ASSIGNMENTS:
        return False
    return (ip.is_global and not ip.is_multicast) or (allow_loopback and ip.is_loopback)


async def resolve(host: str) -> list[str]:
    """Return the addresses of a host name, by the system's resolver.

    Raises:
        TransientError: the name does not resolve now.
    """
    try:
        found = await anyio.to_thread.run_sync(
            lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError) as error:
        raise TransientError(f"{host} cannot be found: {error}") from error
    return [str(entry[4][0]) for entry in found]


class _SafeBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore: resolves, checks, and connects to what was checked."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        self._inner = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolve(host)
        if not all(is_safe(one, allow_loopback=self._allow_loopback) for one in addresses):
            raise UnsafeAddress(f"{host} is not on the public internet")
        address = min(addresses, key=lambda one: ":" in one)  # IPv4 first: few stores lack it
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    @override
    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class SafeTransport(httpx.AsyncHTTPTransport):
    """Connects to checked addresses only, over TLS; see the module's docstring.

    ``allow_loopback`` is for development: stores on this machine, and plain http.
    ``plain_http`` names the hosts that an operator lets us reach without TLS.
    """

    def __init__(
        self, *, allow_loopback: bool = False, plain_http: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(trust_env=False)
        self._allow_http = allow_loopback
        self._plain_http = plain_http
        # httpx has no public way to pass a network backend. Pools go by host name, not by
        # address, so two stores behind one CDN never share a TLS connection.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            network_backend=_SafeBackend(allow_loopback=allow_loopback),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
        )

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        is_allowed = self._allow_http or host in self._plain_http
        if request.url.scheme != "https" and not is_allowed:
            raise UnsafeAddress(
                f"{host} must be reached over https",
                name="plain-http",
                advice=f"give the store a certificate, or add {host} to PERENNIAL_PLAIN_HTTP",
            )
        return await super().handle_async_request(request)


def client(
    transport: httpx.AsyncBaseTransport, pace: Pace | None = None, lane: Lane = "live"
) -> httpx.AsyncClient:
    """Return the client that every call to a store goes through, at the store's pace if given."""
    return PacedClient(transport, pace or Pace(), lane)


async def call(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send a request and return the whole answer, of any status; network trouble becomes ours.

    Raises:
        TransientError: it could not be sent, or not answered in time, or the answer broke off.
        UnsafeAddress: the address is not a public one.
        Malformed: the answer is larger than ``BYTES_MAX``.
    """
    if not isinstance(http, PacedClient):
        return await _called(http, request)
    async with http.turn(request) as answered:
        response = await _called(http, request)
        answered.status = response.status_code
    return response


async def _called(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    limit_s = http.timeout.read or TIMEOUT_S
    with _as_ours(request.url.host, limit_s), anyio.fail_after(limit_s):
        response = await http.send(request, stream=True)
        try:
            response._content = await _bounded(response)
        finally:
            await response.aclose()
    return response


@contextmanager
def _as_ours(host: str, limit_s: float) -> Iterator[None]:
    """Turn network trouble into ours."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise TransientError(
            f"{host} did not answer within {limit_s:.0f} s",
            name="store-silent",
            advice="see whether the store is up",
        ) from error
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError) as error:
        raise cut(f"{host}: {type(error).__name__}") from error
    except httpx.HTTPError as error:
        raise TransientError(
            f"{host} cannot be reached: {type(error).__name__} {error}",
            name="store-unreachable",
            advice="check the address, and whether the store is up",
        ) from error


async def streamed(
    http: httpx.AsyncClient, request: httpx.Request, bytes_max: int
) -> AsyncIterator[bytes]:
    """Yield a large file piece by piece, each in time; it takes no turn of the store's pace.

    For files that lie elsewhere than the store: send nothing along that opens it.

    Raises:
        TransientError: it could not be had, or broke off.
        UnsafeAddress: the address is not a public one.
        Rejected: it is not there (any more).
        Malformed: it is larger than ``bytes_max``.
    """
    host, come = request.url.host, 0
    with _as_ours(host, http.timeout.read or TIMEOUT_S):
        response = await http.send(request, stream=True)
        try:
            status = response.status_code
            if status >= 500 or status in {408, 425, 429} or response.is_redirect:
                raise TransientError(f"{host} failed with {status}")
            if status != 200:
                raise Rejected(f"{host}: {status}")
            async for chunk in response.aiter_bytes():
                come += len(chunk)
                if come > bytes_max:
                    raise Malformed(f"the file is larger than {bytes_max} bytes")
                yield chunk
        finally:
            await response.aclose()


def cut(what: str) -> TransientError:
    """Return the error of an answer that broke off."""
    return TransientError(
        f"the store's answer broke off ({what})",
        name="answer-cut",
        advice="look into the store's error log if it stays so",
    )


async def _bounded(response: httpx.Response) -> bytes:
    """Read a body, decoded, and give up where it grows past the limit."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > BYTES_MAX:
            raise Malformed(
                f"the answer is larger than {BYTES_MAX} bytes",
                name="answer-too-large",
                advice="look whether a plugin adds much to what the store's API answers",
            )
    return bytes(body)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Return the patience that an answer asks for, 1 s where it names none we can read."""
    try:
        asked = float(headers.get("retry-after", "1"))
    except ValueError:
        return 1.0
    return min(max(asked, 0.0), RETRY_AFTER_MAX_S) if math.isfinite(asked) else 1.0


def checked(response: httpx.Response, message: str = "") -> httpx.Response:
    """Return the answer if it is a success that may hold data.

    Raises:
        RateLimited: 429. TransientError: 408, 425, 5xx, a redirect, or a web page in place of
        data. AccessRevoked: 401 or 403. Rejected: any other refusal.
    """
    said = message or f"{response.request.method} {response.request.url.path}"
    status = response.status_code
    if status == 429:
        wait = retry_after_s(response.headers)
        raise RateLimited(f"{said}: the store asks us to wait {wait:.0f} s", retry_after_s=wait)
    if response.is_redirect:
        target = response.headers.get("location", "").partition("?")[0][:200]
        raise TransientError(
            f"{said}: the store's address leads on to {target}",
            name="store-moved",
            advice="connect the store again by the address that it leads to",
        )
    if status >= 500 or status in {408, 425}:
        raise TransientError(f"{said}: the store failed with {status}")
    if is_page(response):
        raise TransientError(
            f"{said}: the store answered {status} with a web page where data belongs",
            name="answer-is-a-page",
            advice="let requests to the store's API through its firewall, cache or security plugin",
        )
    if status in {401, 403}:
        raise AccessRevoked(f"{said}: the store refused our keys ({status})")
    if not response.is_success:
        raise Rejected(f"{said}: {status}")
    return response


def is_page(response: httpx.Response) -> bool:
    """Return whether the body is a web page: no API that we speak to answers with one."""
    return response.content.lstrip()[:1] == b"<"


def parsed(response: httpx.Response) -> bytes:
    """Return the body, known to be whole JSON.

    Raises:
        TransientError: it is cut, or never was JSON.
    """
    try:
        msgspec.json.decode(response.content, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise cut(f"{response.request.url.path}: {error}") from error
    return response.content
