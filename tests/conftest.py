"""What holds for every test: an odd local zone, no traffic but loopback, repeatable examples."""

from __future__ import annotations

import ipaddress
import os
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Chatham keeps +12:45/+13:45: whatever reads the machine's own zone gives a visibly wrong answer.
os.environ["TZ"] = "Pacific/Chatham"
if hasattr(time, "tzset"):
    time.tzset()

# Machines differ in speed and are shared: no example fails for being slow.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")


_TRIED: list[str] = []  # where this process tried to go, beyond loopback


def _loopback_only(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every connection, datagram and look-up that would leave this machine."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
        allowed = _is_loopback
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        # A literal is only read, whatever it says; a name would be asked for.
        host, allowed = arguments[0], _is_address
    else:
        return
    if host is None:
        return
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    text = text.partition("%")[0]
    if text not in ("", "localhost") and not allowed(text):
        _TRIED.append(text)
        raise AssertionError(f"a test tried to connect to {text}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback


sys.addaudithook(_loopback_only)


class Guard:
    """What the socket guard has seen during one test."""

    def __init__(self) -> None:
        self._seen = len(_TRIED)

    def tried(self) -> list[str]:
        """Where the test tried to go; told once, for a test that tries on purpose."""
        tried = _TRIED[self._seen :]
        self._seen = len(_TRIED)
        return tried


@pytest.fixture(autouse=True)
def socket_guard() -> Iterator[Guard]:
    """Fail a test that tried to leave this machine, even if what it tested said nothing."""
    guard = Guard()
    yield guard
    assert guard.tried() == []
