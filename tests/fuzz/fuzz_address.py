"""Addresses: what is pasted, what a redirect says, and what a name leads to.

The first byte of an input chooses how the others are read: as a pasted text, as the address of a
feed, as a reference of a redirect, or as the bytes of IP addresses, which are spelt in many ways.

Laws: nothing is raised but FeedUrlError. What is accepted is stable: the accepted address reads as
itself, by ``read_url``, by a paste and in a Feed. Other readers (urllib, and the C library for
numbers) see the same host. No answer shows what was pasted. No address is admitted that tables
written here a second time, or ``ipaddress``, call private, however it is spelt, mapped or embedded.
"""

from __future__ import annotations

import ipaddress
import json
import random
import re
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from harness import HERE, Harness, chance_of, is_sampled, words_of

from extcal import Feed
from extcal.errors import FeedUrlError
from extcal.fetch import UrlPolicy
from extcal.fetch.address.paste import read_paste
from extcal.fetch.address.url import Refusal, Url, read_url, resolve_reference

__all__ = ["HARNESS"]

COUNTS: Counter[str] = Counter()
TESTS = HERE.parent
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

STRICT = UrlPolicy()
LITERALS = UrlPolicy(allow_ip_literals=True, allow_http=True, ports=range(1, 65_536))
DENYING = UrlPolicy(
    allow_ip_literals=True, allow_nat64=True, deny_networks=("8.8.0.0/16", "2606:4700::/32")
)
INSIDE = UrlPolicy(allow_ip_literals=True, allow_networks=("10.0.0.0/8", "fd00::/8"))
OF_NAT64 = UrlPolicy(allow_ip_literals=True, allow_nat64=True)
POLICIES = (STRICT, LITERALS, DENYING, INSIDE, OF_NAT64)
BASES = tuple(
    url
    for text in (
        "https://calendar.example.net/ada/a.ics?x=1",
        "https://cal.example.org:8443/",
        "https://[2606:4700::1111]/a",
    )
    if isinstance(url := read_url(text), Url)
)
_WHITE = " \t\r\n\f\v"


def one(data: bytes) -> None:
    """Hold every law over one address."""
    if not data:
        return
    COUNTS["addresses"] += 1
    kind, rest = data[0] % 4, data[1:]
    if kind == 3:
        _numbers(rest, POLICIES[data[0] // 4 % len(POLICIES)])
        return
    text = rest.decode("utf-8", "surrogateescape" if data[0] & 64 else "replace")
    if kind == 0:
        _pasted(text, data)
    elif kind == 1:
        found = read_url(text)
        if isinstance(found, Url):
            _is_stable(found)
            _reads_alike(found, text)
            _judged(found)
    else:
        base = BASES[data[0] // 4 % len(BASES)]
        found = resolve_reference(base, text)
        if isinstance(found, Url):
            _is_where_browsers_go(text, found)
            _is_stable(found)
            _judged(found)


# As the URL standard of browsers reads it: two slashes or more, of any kind, then the authority.
_AUTHORITY = re.compile(r"(?:https?:)?[/\\]{2,}(?:[^/\\?#]*@)?([^/\\?#]*)", re.IGNORECASE)


def _is_where_browsers_go(reference: str, found: Url) -> None:
    """A reference with an authority leads there, or nowhere."""
    named = _AUTHORITY.match(reference.strip(_WHITE))
    if named is not None and ":" not in found.host:
        host = named[1].partition(":")[0].lower().removesuffix(".")
        assert found.host == host, f"browsers go to {host}, and we to {found.host}"


# -- text -----------------------------------------------------------------------------------------


def _pasted(text: str, data: bytes) -> None:
    read = read_paste(text)
    if isinstance(read, Refusal):
        _is_discreet(read, text)
    else:
        url, auth = read
        COUNTS["pastes accepted"] += 1
        if url.scheme != "file":
            _is_stable(url)
            _judged(url)
        again = read_paste(url.text)
        if auth is None:
            assert again == (url, None), "a pasted address is corrected twice"
    if is_sampled(data, 10):
        _as_feed(text, read)


def _is_discreet(refusal: Refusal, text: str) -> None:
    said = refusal.message + refusal.advice
    assert refusal.kind
    assert refusal.message
    words = [word for word in text.split() if len(word) > 24]
    assert not any(word in said for word in words), "advice that repeats what was pasted"


def _as_feed(text: str, read: Any) -> None:
    try:
        feed = Feed.from_user_input(text)
    except FeedUrlError as error:
        assert isinstance(read, Refusal) or read[0].scheme == "file"
        assert error.kind
        return
    assert not isinstance(read, Refusal)
    assert feed.url.open() == read[0]
    shown = repr(feed) + str(feed)
    target = read[0].target
    assert len(target) < 9 or target not in shown, "a repr with the secret in it"
    try:
        STRICT.check(feed)
    except FeedUrlError as error:
        assert error.kind


def _is_stable(url: Url) -> None:
    text = url.text
    assert text.isascii()
    assert not any(character in text for character in ' \t\r\n\\"<>^`{|}\0')
    assert read_url(text, 10 * len(text) + 99) == url, "an address that reads as another one"
    if url.scheme == "file":
        return
    assert "@" not in url.authority
    assert "%" not in url.authority
    assert url.scheme in ("http", "https")
    assert 0 < url.port < 65_536
    assert url.host == url.host.lower()
    split = urlsplit(text)
    assert split.hostname == url.host, f"urllib sees {split.hostname}, and we {url.host}"
    assert (split.port or url.port) == url.port
    assert "#" not in url.target


def _reads_alike(url: Url, text: str) -> None:
    """urllib reads the same host in what was given."""
    if url.scheme == "file":
        return
    given = urlsplit(text.strip(_WHITE))
    host = (given.hostname or "").removesuffix(".")
    if ":" in url.host:
        assert ipaddress.IPv6Address(host.partition("%")[0]) == ipaddress.IPv6Address(url.host)
    else:
        assert host == url.host, f"urllib sees {host}, and we {url.host}"


def _judged(url: Url) -> None:
    """A host that any resolver would read as a number is one that is public."""
    address = _as_number(url.host)
    for policy in (STRICT, LITERALS):
        if policy.judge(url) is not None:
            continue
        if address is not None:
            assert policy is LITERALS, "an IP address in place of a name"
            assert not _is_private(address), f"{url.host} is {address}"
        else:
            name = url.host.split(".")
            assert len(name) > 1
            assert name[-1] not in _LOCAL, "a name of a private network"
            assert policy is not STRICT or (url.scheme == "https" and url.port in (443, 8443))


_LOCAL = frozenset("local localhost internal lan corp onion test invalid home localdomain".split())


def _as_number(host: str) -> Address | None:
    """As the C library does: 127.1, 0x7f.1, 017700000001 and 2130706433 are addresses, too."""
    if ":" in host:
        return ipaddress.IPv6Address(host)
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if host.isascii() else None
    except (OSError, ValueError):
        return None


# -- numbers --------------------------------------------------------------------------------------

# The registries of IANA, once more and in another form: by numbers, first and last.
_PRIVATE_V4 = [
    (int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last)))
    for first, last in (
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("168.63.129.16", "168.63.129.16"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.31.196.0", "192.31.196.255"),
        ("192.52.193.0", "192.52.193.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("192.175.48.0", "192.175.48.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
    )
]
_INTERESTING_V4 = [edge + by for span in _PRIVATE_V4 for edge in span for by in (-1, 0, 1)]


def _is_private(address: Address) -> bool:
    """Whether it, or an IPv4 address inside it, is none of the public internet."""
    number = int(address)
    if address.version == 4:
        return not address.is_global or any(low <= number <= high for low, high in _PRIVATE_V4)
    low = ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    top = number >> 96
    if number >> 32 == 0xFFFF:  # ::ffff:a.b.c.d
        return _is_private(low)
    if number >> 32 == 0x64FF9B << 64:  # 64:ff9b::a.b.c.d
        return _is_private(low)
    if (number >> 32) & 0xFCFF_FFFF == 0x5EFE and _is_private(low):  # ISATAP under any prefix
        return True
    return (
        number >> 125 != 1  # 2000::/3
        or top >> 9 == 0x2001_0000 >> 9  # 2001::/23
        or top == 0x2001_0DB8
        or top >> 16 == 0x2002
        or number >> 80 == 0x2620_004F_8000
        or top >> 12 == 0x3FFF0
        or not address.is_global
    )


def _numbers(data: bytes, policy: UrlPolicy) -> None:
    """IP addresses made of ``data``, as a resolver may give them and as a host may be written."""
    chance = chance_of(data)
    raw = (data + bytes(16))[:16]
    word = int.from_bytes(raw[:4])
    if raw[4] & 1:
        word = _INTERESTING_V4[word % len(_INTERESTING_V4)] % 2**32
    inner = ipaddress.IPv4Address(word)
    whole = int.from_bytes(raw)
    prefix = chance.choice((0x2606_4700 << 96, whole >> 64 << 64, 0xFE80 << 112, 0xFD00 << 112))
    forms: list[Address] = [
        inner,
        ipaddress.IPv6Address(whole),
        ipaddress.IPv6Address(0xFFFF << 32 | word),
        ipaddress.IPv6Address(word),
        ipaddress.IPv6Address(0x64FF9B << 96 | word),
        ipaddress.IPv6Address(0x64FF9B0001 << 80 | word),
        ipaddress.IPv6Address(0x2002 << 112 | word << 80),
        ipaddress.IPv6Address(0x2001 << 112 | (word ^ 0xFFFF_FFFF)),
        ipaddress.IPv6Address(
            (prefix >> 64 << 64) | chance.choice((0x5EFE, 0x0200_5EFE, 0x0100_5EFE)) << 32 | word
        ),
        ipaddress.IPv6Address(0xFFFF << 48 | word),
        ipaddress.IPv6Address((0x2000 << 112) + whole % 2**125),
    ]
    for address in forms:
        for text in _spelt(address, chance):
            _vetted(text, address, policy)
    _vetted_together(forms, policy)
    _spelt_as_host(inner, chance, policy)


def _spelt(address: Address, chance: Any) -> Iterator[str]:
    yield str(address)
    if address.version == 6:
        full = address.exploded
        yield chance.choice((full, full.upper(), full.replace("0000", "0"), f"{full}%eth0"))
        quad = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        yield f"{full[:30]}{quad}"


def _may_pass(address: Address, policy: UrlPolicy) -> bool:
    """Whether ``policy`` could admit it, judged by the tables here."""
    if address.version == 6 and int(address) >> 32 == 0xFFFF:
        address = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    number = int(address)
    low = ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    isatap = address.version == 6 and (number >> 32) & 0xFCFF_FFFF == 0x5EFE
    nat64 = address.version == 6 and number >> 32 == 0x64FF9B << 64
    if policy is DENYING:
        denied = low if nat64 or isatap else address
        if denied.version == 4 and int(denied) >> 16 == 0x0808:
            return False
        if address.version == 6 and number >> 96 == 0x2606_4700:
            return False
    if policy is INSIDE:
        inside = number >> 24 == 10 if address.version == 4 else number >> 120 == 0xFD
        if inside:
            return not isatap or not _is_private(low) or int(low) >> 24 == 10
    if nat64:
        return policy in (OF_NAT64, DENYING) and not _is_private(low)
    return not _is_private(address)


def _vetted(text: str, address: Address, policy: UrlPolicy) -> None:
    COUNTS["spellings"] += 1
    found = policy.vet([text], "calendar.example.net")
    if isinstance(found, Refusal):
        return
    assert "%" not in text
    assert _may_pass(address, policy), f"{text} is admitted"
    (kept,) = found
    assert kept == address or kept == getattr(address, "ipv4_mapped", None)


def _vetted_together(forms: list[Address], policy: UrlPolicy) -> None:
    """One address that is refused refuses them all."""
    found = policy.vet(list(map(str, forms)), "calendar.example.net")
    if not isinstance(found, Refusal):
        assert all(_may_pass(address, policy) for address in forms)


def _spelt_as_host(inner: ipaddress.IPv4Address, chance: Any, policy: UrlPolicy) -> None:
    word = int(inner)
    a, b, c, d = inner.packed
    hosts = (
        str(inner),
        f"{inner}.",
        str(word),
        hex(word),
        oct(word).replace("0o", "0"),
        f"{a}.{b}.{c << 8 | d}",
        f"{a}.{b << 16 | c << 8 | d}",
        f"0x{a:x}.0{b:o}.{c}.{d}",
        f"{a:03}.{b:03}.{c:03}.{d:03}",
        f"[::ffff:{inner}]",
        f"[::ffff:{a:x}{b:02x}:{c:x}{d:02x}]",
        f"[::{inner}]",
        f"[64:ff9b::{inner}]",
        f"[2606:4700::5efe:{inner}]",
    )
    host = chance.choice(hosts)
    url = read_url(f"https://{host}/a.ics")
    if isinstance(url, Refusal):
        return
    address = _as_number(url.host)
    if address is not None and policy.judge(url) is None:
        assert policy is not STRICT, "an IP address in place of a name"
        assert _may_pass(address, policy), f"{url.host} is admitted"


# -- seeds ----------------------------------------------------------------------------------------


def _sources() -> Iterator[bytes]:
    pasted = json.loads((TESTS / "fetch" / "pasted.json").read_text("utf-8"))
    for each in pasted:
        yield b"\0" + each["pasted"].encode("utf-8", "surrogatepass")
    for line in (TESTS / "fetch" / "addresses.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            address = line.split(maxsplit=2)[-1].encode()
            yield b"\1" + address
            yield b"\2" + address
    for reference in ("b.ics", "../b", "//other.example.net/x", "?y=2", "https:///a.org", "/a b"):
        yield b"\2" + reference.encode()
    for policy in range(len(POLICIES)):
        for text in ("8.8.8.8", "127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16"):
            number = ipaddress.IPv4Address(text).packed
            yield bytes([3 + 4 * policy]) + number + bytes(12)
            yield bytes([3 + 4 * policy]) + number + bytes([1]) + bytes(11)
        yield bytes([3 + 4 * policy]) + ipaddress.IPv6Address("2606:4700::5efe:a00:1").packed


def _other_bytes(data: bytes, chance: random.Random) -> bytes:
    """Numbers anew, often near an edge of a table or of what a policy names."""
    policy = chance.randrange(len(POLICIES))
    raw = chance.randbytes(16)
    if chance.random() < 0.3:
        named = POLICIES[policy].deny_networks + POLICIES[policy].allow_networks
        v4 = [network for network in named if network.version == 4]
        if v4:
            network = chance.choice(v4)
            spot = chance.choice((0, network.num_addresses - 1, chance.randrange(2**16), -1))
            word = (int(network.network_address) + spot) % 2**32
            raw = word.to_bytes(4) + bytes([raw[4] & 0xFE]) + raw[5:]
    return bytes([3 + 4 * policy]) + raw


# -- addresses from a grammar ---------------------------------------------------------------------

_SCHEMES = (
    *("https://", "https://", "https://", "http://", "webcal://", "webcals://", "feed:", "ical:"),
    *(
        "HTTPS://",
        "https:",
        "https//",
        "ttps://",
        "https ://",
        "https:\\\\",
        "//",
        "",
        "",
        "ftp://",
    ),
)
_HOSTS = (
    *("calendar.example.net", "calendar.example.net", "Cal.Example.ORG", "a.org.", "pl.n"),
    *("calendar.google.com", "outlook.office365.com", "cloud.example.org", "p01-caldav.icloud.com"),
    *(
        "127.0.0.1",
        "[::1]",
        "[2606:4700::1111]",
        "8.8.8.8",
        "0x7f.1",
        "localhost",
        "b\u00fccher.de",
    ),
)
_PORTS = ("", "", "", "", "", ":443", ":8443", ":80", ":0", ":99999", ":")
_SEGMENTS = (
    *("a.ics", "calendar", "ical", "ada%40example.net", "private-1", "basic.ics", "owa", "1"),
    *("calendar.html", "calendar.ics", "published", "remote.php", "dav", "public-calendars", "u"),
    *("index.php", "apps", "apps/calendar", "apps/calendar/p/b", "apps/calendar/embed/b", "p"),
    *("embed", "SOGo", "home", "Work.html", "calendars", "ada", "..", ".", "", "%2F", "a b", "r"),
)
_QUERIES = ("", "", "", "", "?export", "?cid=ada@example.net", "?x=1&amp;y=2", "#a", "?fmt=html")
_AROUND = ("", "", "", "", " ", "<{}>", "({})", "URL: {}", "[x]({})", "see {}.", "\u200b", '"{}"')


def _address(chance: random.Random) -> str:
    schemes = "".join(chance.choice(_SCHEMES) for _ in range(chance.choice((1, 1, 1, 1, 2, 3))))
    user = chance.choice(("", "", "", "", "", "ada:secret@", "ada@", "@"))
    host = chance.choice(_HOSTS) + chance.choice(_PORTS)
    path = "".join("/" + chance.choice(_SEGMENTS) for _ in range(chance.choice((0, 1, 2, 3, 5))))
    return schemes + user + host + path + chance.choice(_QUERIES)


def _made(chance: random.Random) -> bytes:
    """An address in parts that fit or not, once or twice, with something around it; or numbers."""
    kind = chance.random()
    if kind < 0.25:
        return _other_bytes(b"", chance)
    text = _address(chance)
    if kind < 0.4:
        again = chance.choice((text, text, text.removeprefix("https://"), _address(chance)))
        text = chance.choice((text, text[1:])) + chance.choice(("", "", "", " ", "\n")) + again
    around = chance.choice(_AROUND)
    text = around.format(text) if "{}" in around else around + text
    return bytes([chance.choice((0, 0, 0, 1, 2)) + 4 * chance.randrange(32)]) + text.encode()


HARNESS = Harness("address", one, _sources, words_of("address"), COUNTS, [_other_bytes], _made)
