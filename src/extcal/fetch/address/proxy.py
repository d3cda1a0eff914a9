"""A proxy, by explicit argument only: text in, a sealed value out. Pure.

With a proxy, the proxy looks names up and connects. So the addresses of a name cannot be judged
here; use a proxy that refuses private addresses itself. Its credentials are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from extcal.arguments import safe_repr
from extcal.fetch.address.url import Refusal, read_url

__all__ = ["Proxy", "read_proxy"]

_FORM = re.compile(r"http://(?:([^:@/\s]+)(?::([^@/\s]*))?@)?([^@/?#\s]+:[0-9]+)/?", re.IGNORECASE)


@safe_repr
class Proxy:
    """Where requests go instead of to their server."""

    __slots__ = ("_credentials", "host", "port")

    def __init__(self, host: str, port: int, credentials: tuple[bytes, bytes] | None) -> None:
        self.host = host
        self.port = port
        # A closure, because tools that list attributes (debuggers, error reporters) do not open it.
        self._credentials: Callable[[], tuple[bytes, bytes] | None] = lambda: credentials

    def credentials(self) -> tuple[bytes, bytes] | None:
        """User name and password for the proxy (RFC 9110 section 11.7.2), in clear, or None."""
        return self._credentials()

    def __repr__(self) -> str:
        return f"<Proxy {self.host}:{self.port}>"


def read_proxy(secret_proxy: object) -> Proxy | ValueError | TypeError | None:
    """Read ``http://[user:password@]host:port``.

    An error is returned and not raised: a frame of its traceback would hold the credentials.
    """
    if secret_proxy is None:
        return None
    if not isinstance(secret_proxy, str):
        return TypeError(f"proxy takes a str or None, not {type(secret_proxy).__name__}")
    match = _FORM.fullmatch(secret_proxy.strip())
    url = read_url(f"http://{match[3]}/") if match is not None else None
    if match is None or url is None or isinstance(url, Refusal):
        return ValueError("proxy takes an address like 'http://proxy.example:3128'")
    user, password = match[1], match[2] or ""
    if user is None:
        return Proxy(url.host, url.port, None)
    return Proxy(url.host, url.port, (unquote_to_bytes(user), unquote_to_bytes(password)))
