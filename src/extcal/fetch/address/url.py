"""The syntax of a feed's address: text in, an :class:`Url` or a :class:`Refusal` out.

Accepted is only a URI of RFC 3986 in printable ASCII, with a scheme of feeds, and an authority that
every parser reads in the same way. :mod:`extcal.fetch.policy` decides what may be *reached*. No
I/O. Nothing here raises for any text, so that no frame with a secret is part of a traceback.
"""

from __future__ import annotations

import re

from extcal.arguments import safe_repr
from extcal.messages.addresses import refused
from extcal.patterns import pattern
from extcal.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ipaddress
    from typing import Self

__all__ = [
    "MAX_URL_LENGTH",
    "Refusal",
    "Url",
    "fold_at_sign",
    "literal_of",
    "read_url",
    "resolve_reference",
]

MAX_URL_LENGTH = 4_096
DEFAULT_PORTS = {"https": 443, "http": 80}
FEED_SCHEMES = {"https": "https", "http": "http", "webcal": "https", "webcals": "https"}

# RFC 3986 section 3.1: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
_SCHEME = pattern(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
# RFC 3986 section 2: unreserved / gen-delims / sub-delims / "%"; so no \ " < > ^ ` { | } or space.
_PRINTABLE = pattern(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
# RFC 1123 section 2.1, and the underscore, which real host names contain.
_LABEL = pattern(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = pattern(r"(?:[0-9]+|0x[0-9a-f]*)")
_EMPTY_AUTHORITY = pattern(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[/?#]|$)")
_PORT = pattern(r"[1-9][0-9]{0,4}")
_WHITE = " \t\r\n\f\v"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an address is refused: a stable word, a sentence, and what to do instead."""

    kind: str
    message: str
    advice: str

    @classmethod
    def of(cls, key: str, *, provider: str | None = None, **parameters: object) -> Self:
        """The refusal whose words are under ``key`` in :mod:`extcal.messages.addresses`."""
        return cls(*refused(key, provider=provider, **parameters))


@safe_repr
@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A canonical address: lower-case scheme and host, explicit port, no fragment.

    ``host`` is a name, a dotted quad, or an IPv6 address without its brackets; empty for ``file``.
    ``target`` is path and query, byte for byte as they were given; it is secret.
    """

    scheme: str
    host: str
    port: int
    target: str

    def __repr__(self) -> str:
        return f"<Url {self.host or self.scheme}>"

    @property
    def authority(self) -> str:
        """The value of the Host header: the host, an IPv6 address in brackets, and an unusual
        port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def text(self) -> str:
        """The whole address: secret."""
        authority = "" if self.scheme == "file" else self.authority
        return f"{self.scheme}://{authority}{self.target}"


_NOT_AN_ADDRESS = Refusal.of("scheme")
_BAD_HOST = Refusal.of("host")
_BAD_PORT = Refusal.of("port")


def read_url(secret_url: str, max_length: int = MAX_URL_LENGTH) -> Url | Refusal:
    """Read an address of a feed, or say what is wrong with it."""
    secret_url = secret_url.strip(_WHITE)
    if not secret_url:
        return Refusal.of("empty")
    if len(secret_url) > max_length:
        return Refusal.of("too-long", length=max_length)
    match = _SCHEME.fullmatch(secret_url)
    if match is None:
        return _NOT_AN_ADDRESS
    if not _PRINTABLE.fullmatch(secret_url):
        return Refusal.of("chars")
    scheme, rest = match[1].lower(), match[2]
    rest = rest.partition("#")[0]
    if scheme == "file":
        return _read_file(rest)
    if scheme not in FEED_SCHEMES or not rest.startswith("//"):
        return _NOT_AN_ADDRESS
    return _read_web(FEED_SCHEMES[scheme], rest[2:])


def _read_file(rest: str) -> Url | Refusal:
    """RFC 8089: ``file:///path`` and ``file:/path``; files of other machines are refused."""
    path = rest[2:] if rest.startswith("//") else rest
    if path.startswith("localhost/"):
        path = path.removeprefix("localhost")
    if not path.startswith("/") or path.startswith("//"):
        return Refusal.of("host/file")
    return Url("file", "", 0, path)


def _read_web(scheme: str, rest: str) -> Url | Refusal:
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:]
    if "@" in authority:
        return Refusal.of("userinfo/here")
    if "%" in authority:
        return Refusal.of("pct-host")
    split = _split_port(authority, DEFAULT_PORTS[scheme])
    if isinstance(split, Refusal):
        return split
    host = _read_host(split[0])
    if isinstance(host, Refusal):
        return host
    return Url(scheme, host, split[1], target if target.startswith("/") else "/" + target)


def _split_port(authority: str, default: int) -> tuple[str, int] | Refusal:
    if authority.startswith("["):
        literal, bracket, after = authority.partition("]")
        if not bracket or (after and not after.startswith(":")):
            return _BAD_HOST
        host, colon, digits = literal + "]", after[:1], after[1:]
    else:
        host, colon, digits = authority.partition(":")
        if ":" in digits:
            return _BAD_HOST
    if not colon:
        return host, default
    if not _PORT.fullmatch(digits) or int(digits) > 65_535:
        return _BAD_PORT
    return host, int(digits)


def _read_host(host: str) -> str | Refusal:
    if host.startswith("["):
        import ipaddress

        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            return _BAD_HOST
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        import ipaddress

        # The URL standard also reads "127.1" and "0x7f.0.0.1" as addresses; they are refused.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return Refusal.of("ip-odd")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return _BAD_HOST
    return host


def literal_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a canonical host consists of, or None if it is a name."""
    if not host[-1:].isdigit() and ":" not in host:
        return None
    import ipaddress

    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def fold_at_sign(target: str) -> str:
    """Replace ``%40`` by ``@`` in the path; the query is not changed (it may be signed)."""
    path, mark, query = target.partition("?")
    return path.replace("%40", "@") + mark + query


def resolve_reference(base: Url, secret_reference: str) -> Url | Refusal:
    """Where a Location header leads from ``base`` (RFC 3986 section 5.2, RFC 9110 10.2.2)."""
    from urllib.parse import quote, urljoin

    # Servers write raw UTF-8 and spaces into Location, which arrives as latin-1; "%" is kept, so
    # nothing is encoded twice.
    secret_reference = secret_reference.strip(_WHITE)
    try:
        octets = secret_reference.encode("latin-1")
    except UnicodeEncodeError:
        # Characters beyond latin-1 cannot come from a header; they must not be replaced by "?".
        octets = secret_reference.encode("utf-8", "surrogatepass")
    reference = quote(octets, safe="%:/?#[]@!$&'()*+,;=~-._\\\"<>^`{|}")
    if not _PRINTABLE.fullmatch(reference):
        # To browsers "\" is a slash: "https:\\a.org/.." leads to a.org, but to urljoin it is a
        # folder, which ".." takes away. So it is refused before it is joined, not behind.
        return Refusal.of("chars")
    if _EMPTY_AUTHORITY.match(reference):
        # As in "https:///a.org": by RFC 3986 there is no host, browsers take "a.org" for the host,
        # and urljoin takes it for a path. So it is refused.
        return _BAD_HOST
    try:
        return read_url(urljoin(base.text, reference))
    except ValueError:
        return _BAD_HOST
