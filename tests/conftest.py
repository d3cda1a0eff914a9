"""What holds for every test: an odd local zone, no traffic but loopback, repeatable examples."""

from __future__ import annotations

import ipaddress
import os
import sys
import time

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


def _loopback_only(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every connection that would leave this machine."""
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0]).partition("%")[0]
    try:
        allowed = ipaddress.ip_address(host).is_loopback
    except ValueError:
        allowed = host == "localhost"
    if not allowed:
        raise AssertionError(f"a test tried to connect to {host}")


sys.addaudithook(_loopback_only)
