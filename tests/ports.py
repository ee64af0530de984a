"""Ports for servers that tests start, below those that the system gives to clients."""

import random
import socket


def free_port(count: int = 1) -> int:
    """Return a port that is free, with ``count - 1`` free ones after it."""
    while True:
        first = random.randrange(20_000, 30_000, count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
