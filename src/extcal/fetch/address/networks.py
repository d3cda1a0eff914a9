"""Which IP addresses are part of the public internet: extcal's own tables. Pure.

The standard library's ``is_global`` changed between patch releases, and it calls multicast, cloud
metadata services and most transition mechanisms global. So it is only a second check here. The
tables follow the IANA special-purpose registries (RFC 6890 and its updates) as of 2026-11.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

__all__ = [
    "DENIED_IPV4",
    "DENIED_IPV6",
    "NAT64",
    "PUBLIC_IPV6",
    "Address",
    "Network",
    "embedded",
    "inside",
    "is_isatap",
    "is_public",
    "unwrap",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DENIED_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private use (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); Alibaba's metadata service is here
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's wire server: an internal service with a public address
        "169.254.0.0/16",  # link local; the metadata service of most clouds
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # protocol assignments (RFC 6890); 192.0.0.192 is Oracle's metadata service
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # AMT (RFC 7450)
        "192.88.99.0/24",  # 6to4 relay anycast (RFC 7526)
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112 direct delegation (RFC 7534)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast address
    )
)
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")  # all that IANA has assigned (RFC 4291)
DENIED_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: contains an IPv4 address, which would not be checked
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation (RFC 9637)
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
# RFC 5214 section 6.1: under any prefix, 0000:5efe or 0200:5efe, then the bits of an IPv4 address.
# 0200 and 0100 are the bits u and g of an interface identifier, whatever they say.
_ISATAP, _ANY_U_G = 0x0000_5EFE, 0x0300_0000


def unwrap(address: Address) -> Address:
    """The IPv4 address of an IPv4-mapped IPv6 address (RFC 4291); other addresses unchanged."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in a NAT64 or ISATAP address, or None."""
    if isinstance(address, ipaddress.IPv6Address) and (address in NAT64 or is_isatap(address)):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def is_isatap(address: Address) -> bool:
    """Whether a router may unpack what is sent to ``address`` and send it to an IPv4 address."""
    return address.version == 6 and (int(address) >> 32) & 0xFFFF_FFFF & ~_ANY_U_G == _ISATAP


def inside(address: Address, networks: Iterable[Network]) -> bool:
    """Whether ``address`` is in one of ``networks``."""
    return any(address.version == network.version and address in network for network in networks)


def is_public(address: Address, *, allow_nat64: bool = False) -> bool:
    """Whether ``address``, already unwrapped, is public."""
    if isinstance(address, ipaddress.IPv4Address):
        return not inside(address, DENIED_IPV4) and address.is_global and not address.is_multicast
    translated = embedded(address)
    if translated is not None and not is_public(translated):
        return False
    if address in NAT64:
        return allow_nat64
    return address in PUBLIC_IPV6 and not inside(address, DENIED_IPV6) and address.is_global
