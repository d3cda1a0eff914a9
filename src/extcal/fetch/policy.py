"""Where a fetcher may go: scheme, port, host name, and every address the name leads to.

An address or DNS answers in, nothing or a :class:`~extcal.fetch.address.url.Refusal` out. Pure:
nothing is looked up here, nothing is connected to. An application runs inside its own network and
fetches addresses that strangers pasted. So every address is refused that is not public.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from extcal.arguments import call_of, discreet, flag_of, made_discreetly, several
from extcal.errors import FeedUrlError
from extcal.fetch.address.networks import (
    Address,
    Network,
    embedded,
    inside,
    is_isatap,
    is_public,
    unwrap,
)
from extcal.fetch.address.url import Refusal, Url, literal_of, read_url
from extcal.fetch.feed import Feed, read_feed

__all__ = ["MAX_ANSWERS", "AddressPolicy", "UrlPolicy"]

AddressPolicy = Callable[[str, Address], bool]
"""Takes a host name and one of its IP addresses; returns whether it may be connected to."""

MAX_ANSWERS = 64
_PORTS = {"https": frozenset({443, 8443}), "http": frozenset({80, 8080})}

# RFC 6761 and its updates, RFC 6762 appendix G, RFC 8375, RFC 9476; and names that ICANN does not
# give out because private networks use them. No public host name ends with one of these.
_SPECIAL_USE = frozenset(
    {"alt", "arpa", "corp", "domain", "example", "home", "internal", "intranet", "invalid", "lan"}
    | {"local", "localdomain", "localhost", "mail", "onion", "private", "test"}
    | {"consul", "docker", "svc"}  # names inside clusters
)

_NOT_PUBLIC = Refusal.of("ip-not-public")
_VETOED = Refusal.of("address-policy")
_TOO_MANY = Refusal.of("dns-many")


@made_discreetly
@dataclass(frozen=True, slots=True, init=False)
class UrlPolicy:
    """What one fetcher may ask, as data.

    ``allow_networks``: networks ("10.1.0.0/16") that are allowed although they are not public; an
    IP address in them may be pasted instead of a name, and is then allowed over http and on any
    port. ``deny_networks``: networks that are never allowed, for public ranges of your own.
    ``allow_http``: also plain http. ``allow_ip_literals``: also public IP addresses instead of a
    name. ``allow_nat64``: also addresses of the well-known NAT64 prefix, judged by the IPv4 address
    in them. ``ports``: the
    ports that may be asked, instead of 443 and 8443 for https, 80 and 8080 for http.
    ``allow_hosts``: names ("exchange.corp.lan") that are asked although they are names of a private
    network; what they lead to must still be public or inside ``allow_networks``.
    ``address_policy``: called with the host and each address (an ``ipaddress`` object) that all of
    the above admits; unless it returns true, the name is refused. It can refuse more, never less.

    Raises TypeError or ValueError for what is not a network, a port or a name.
    """

    allow_networks: tuple[Network, ...]
    deny_networks: tuple[Network, ...]
    allow_http: bool
    allow_ip_literals: bool
    allow_nat64: bool
    ports: frozenset[int] | None
    allow_hosts: frozenset[str]
    address_policy: AddressPolicy | None

    def __init__(
        self,
        *,
        allow_networks: str | Network | Iterable[str | Network] = (),
        deny_networks: str | Network | Iterable[str | Network] = (),
        allow_http: bool = False,
        allow_ip_literals: bool = False,
        allow_nat64: bool = False,
        ports: int | Iterable[int] | None = None,
        allow_hosts: str | Iterable[str] = (),
        address_policy: AddressPolicy | None = None,
    ) -> None:
        if address_policy is not None:
            call_of("address_policy", address_policy, "a callable of a host name and an address")
        object.__setattr__(self, "allow_networks", _read_networks("allow_networks", allow_networks))
        object.__setattr__(self, "deny_networks", _read_networks("deny_networks", deny_networks))
        object.__setattr__(self, "allow_http", flag_of("allow_http", allow_http))
        literals = flag_of("allow_ip_literals", allow_ip_literals)
        object.__setattr__(self, "allow_ip_literals", literals)
        object.__setattr__(self, "allow_nat64", flag_of("allow_nat64", allow_nat64))
        object.__setattr__(self, "ports", _read_ports(ports))
        object.__setattr__(self, "allow_hosts", _read_hosts(allow_hosts))
        object.__setattr__(self, "address_policy", address_policy)

    @discreet
    def check(self, feed: Feed | str) -> None:
        """Raise :class:`~extcal.errors.FeedUrlError` if this policy would never fetch ``feed``.

        For a profile form, so that an address is refused when it is pasted. No name is looked up;
        the addresses of a name are checked at every fetch.
        """
        found = read_feed(feed)
        # A traceback may show local variables, and must not show the address.
        del feed
        if isinstance(found, FeedUrlError):
            raise found
        refusal = self.judge(found.url.open())
        if refusal is not None:
            raise FeedUrlError(refusal.message, kind=refusal.kind, advice=refusal.advice)

    @discreet
    def judge(self, url: Url) -> Refusal | None:
        """Judge scheme, host and port, and an IP address instead of a host name; None allows
        them."""
        if url.scheme not in _PORTS:
            return Refusal.of("scheme/web")
        literal = literal_of(url.host)
        if literal is not None:
            literal = unwrap(literal)
            if self._denies(literal):
                return _NOT_PUBLIC
            if self._allows(literal):
                return self._ask_host(url.host, literal)
        if url.scheme == "http" and not self.allow_http:
            if literal is None:
                private = self._judge_name(url.host) is not None
            else:
                private = not is_public(literal, allow_nat64=self.allow_nat64)
            # For http://10.0.0.1 the advice to write https would help nobody.
            return Refusal.of("http/private" if private else "http")
        ports = _PORTS[url.scheme] if self.ports is None else self.ports
        if url.port not in ports:
            return Refusal.of("port/policy")
        if literal is None:
            return self._judge_name(url.host)
        return self._judge_literal(url.host, literal)

    def _judge_name(self, host: str) -> Refusal | None:
        if host in self.allow_hosts:
            return None
        if "." not in host:
            return Refusal.of("single-label")
        if host.rpartition(".")[2] in _SPECIAL_USE:
            return Refusal.of("special-use")
        return None

    def _judge_literal(self, host: str, literal: Address) -> Refusal | None:
        if not self.allow_ip_literals:
            return Refusal.of("ip-literal")
        return self._judge_address(host, literal)

    def vet(
        self, answers: Iterable[str | Address], host: str = ""
    ) -> tuple[Address, ...] | Refusal:
        """Judge all addresses of ``host``: if one of them is refused, the name is refused.

        Returns the addresses to connect to, in the order given, mapped ones unwrapped. A name with
        more than 64 addresses is refused, because not all of them are read.
        """
        found: dict[Address, None] = {}
        read = list(islice(answers, MAX_ANSWERS + 1))
        if len(read) > MAX_ANSWERS:
            return _TOO_MANY
        for answer in read:
            # As text, because ip_address() would also read a number as an address.
            address = answer if isinstance(answer, ipaddress.IPv4Address) else _parsed(str(answer))
            if isinstance(address, Refusal):
                return address
            refusal = self._judge_address(host, address)
            if refusal is not None:
                return refusal
            found[address] = None
        if not found:
            return Refusal.of("dns-empty")
        return tuple(found)

    def _denies(self, address: Address) -> bool:
        translated = embedded(address)
        return inside(address, self.deny_networks) or (
            translated is not None and inside(translated, self.deny_networks)
        )

    def _allows(self, address: Address) -> bool:
        """Whether it is in ``allow_networks``, and what it may be a tunnel to is admitted, too."""
        if not inside(address, self.allow_networks):
            return False
        inner = embedded(address) if is_isatap(address) else None
        return inner is None or is_public(inner) or inside(inner, self.allow_networks)

    def _judge_address(self, host: str, address: Address) -> Refusal | None:
        if self._denies(address):
            return _NOT_PUBLIC
        public = is_public(address, allow_nat64=self.allow_nat64)
        if not public and not self._allows(address):
            return _NOT_PUBLIC
        return self._ask_host(host, address)

    def _ask_host(self, host: str, address: Address) -> Refusal | None:
        if self.address_policy is None:
            return None
        try:
            return None if self.address_policy(host, address) else _VETOED
        except Exception:
            # If the function of the application fails, the address is refused.
            return _VETOED


def _parsed(answer: str) -> Address | Refusal:
    if "%" in answer:
        return Refusal.of("ip-zone")
    try:
        return unwrap(ipaddress.ip_address(answer))
    except ValueError:
        return Refusal.of("ip-odd/answer")


_NETWORK_TYPES = (
    str,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
)


def _read_networks(
    name: str, networks: str | Network | Iterable[str | Network]
) -> tuple[Network, ...]:
    # A network is iterable itself: millions of addresses.
    takes = "networks like '10.1.0.0/16'"
    if isinstance(networks, _NETWORK_TYPES):
        networks = (networks,)
    given = several(name, networks, takes)
    for network in given:
        # A number would be read as an address.
        if not isinstance(network, _NETWORK_TYPES):
            raise TypeError(f"{name} takes {takes}, not {type(network).__name__}")
    try:
        return tuple(_unwrap_network(ipaddress.ip_network(network)) for network in given)
    except ValueError as error:
        raise ValueError(f"{name} takes {takes}: {error}") from None


def _unwrap_network(network: Network) -> Network:
    """Addresses are judged unwrapped, so a network of IPv4-mapped addresses is an IPv4
    network."""
    first = unwrap(network.network_address)
    if network.version == 4 or first.version == 6 or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((first, network.prefixlen - 96))


def _read_ports(ports: int | Iterable[int] | None) -> frozenset[int] | None:
    if ports is None:
        return None
    given = frozenset((ports,) if isinstance(ports, int) else several("ports", ports, "numbers"))
    for port in given:
        if isinstance(port, bool) or not isinstance(port, int):
            raise TypeError(f"ports takes numbers, not {type(port).__name__}")
        if not 1 <= port <= 65_535:
            raise ValueError(f"ports takes numbers from 1 to 65535, not {port}")
    return given


def _read_hosts(hosts: str | Iterable[str]) -> frozenset[str]:
    """Names as in a canonical address: lower case, no dot at the end."""
    takes = "names like 'exchange.corp.lan'"
    given = (hosts,) if isinstance(hosts, str) else several("allow_hosts", hosts, takes)
    found = set()
    for host in given:
        if not isinstance(host, str):
            raise TypeError(f"allow_hosts takes names as str, not {type(host).__name__}")
        name = host.lower().removesuffix(".")
        url = read_url(f"https://{name}/")
        if isinstance(url, Refusal) or url.host != name or literal_of(name) is not None:
            raise ValueError(f"allow_hosts takes {takes}, not {host!r}")
        found.add(name)
    return frozenset(found)
