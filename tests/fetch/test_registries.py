"""Our tables of addresses beside the registries of IANA (security section 2).

The registries are vendored in ``tests/data`` with the day of their review. Whoever reviews them
anew changes the files first; what then fails here is what the tables have to learn.
"""

from __future__ import annotations

import csv
import datetime
import ipaddress
import re
from pathlib import Path

import pytest

from extcal.errors import FeedUrlError
from extcal.fetch import UrlPolicy
from extcal.fetch.address.networks import (
    DENIED_IPV4,
    DENIED_IPV6,
    NAT64,
    PUBLIC_IPV6,
    Address,
    Network,
    is_public,
    unwrap,
)
from extcal.fetch.address.url import Refusal

pytestmark = pytest.mark.core

DATA = Path(__file__).parents[1] / "data"
FILES = ("iana-ipv4-special-registry.csv", "iana-ipv6-special-registry.csv")
# What the tables refuse although no registry calls it special, and why.
OURS = {
    "168.63.129.16/32": "Azure's wire server",
    "224.0.0.0/4": "multicast has a registry of its own (RFC 5771)",
}


def rows(name: str) -> list[dict[str, str]]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return list(csv.DictReader(lines[1:]))


ROWS = [(row["Address Block"], row["Globally Reachable"]) for name in FILES for row in rows(name)]


@pytest.mark.parametrize("name", FILES)
def test_the_files_say_when_they_were_reviewed(name: str) -> None:
    first = (DATA / name).read_text("utf-8").splitlines()[0]
    match = re.search(r"reviewed (\d{4}-\d{2}-\d{2})", first)
    assert match is not None
    assert datetime.date.fromisoformat(match[1]) >= datetime.date(2026, 11, 22)
    assert len(rows(name)) >= 25
    for row in rows(name):
        assert row["RFC"].startswith("RFC ")
        assert row["Globally Reachable"] in ("True", "False", "N/A")


def edges(network: Network) -> list[Address]:
    """The address before the first, the first, the last, and the one after: what there is."""
    first, last = int(network.network_address), int(network.broadcast_address)
    make = type(network.network_address)
    most = 2**network.max_prefixlen - 1
    return [make(each) for each in (first - 1, first, last, last + 1) if 0 <= each <= most]


def owed(address: Address) -> bool:
    """Whether ``address`` is public, by the registries and by nothing of ours but the reasons."""
    address = unwrap(address)
    special = [network for network, _ in REGISTERED if network.version == address.version]
    if any(address in network for network in special):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in ipaddress.ip_network(network) for network in OURS)
    return address in PUBLIC_IPV6


REGISTERED = [(ipaddress.ip_network(block), reachable) for block, reachable in ROWS]
EVERY_NETWORK = sorted(
    {network for network, _ in REGISTERED}
    | {*DENIED_IPV4, *DENIED_IPV6, NAT64, PUBLIC_IPV6, ipaddress.ip_network("ff00::/8")},
    key=lambda network: (network.version, network),
)


@pytest.mark.parametrize("network", EVERY_NETWORK, ids=str)
def test_every_network_with_its_neighbours(network: Network) -> None:
    """Just outside, first, last, just outside; alone, mapped, and as an answer to a look-up."""
    for address in edges(network):
        assert is_public(unwrap(address)) is owed(address), address
        vetted = UrlPolicy().vet([str(address)])
        assert isinstance(vetted, Refusal) is not owed(address), address
        if isinstance(address, ipaddress.IPv4Address):
            mapped = UrlPolicy().vet([f"::ffff:{address}"])
            assert mapped == vetted


@pytest.mark.parametrize(("network", "reachable"), REGISTERED, ids=str)
def test_what_a_registry_calls_special_is_refused(network: Network, reachable: str) -> None:
    """Even what it calls reachable: relays and anycast services serve no calendars."""
    table = DENIED_IPV4 if network.version == 4 else DENIED_IPV6
    inside = any(network.subnet_of(denied) for denied in table)  # type: ignore[arg-type]
    never_public = network.version == 6 and not network.subnet_of(PUBLIC_IPV6)  # type: ignore[arg-type]
    assert inside or never_public


@pytest.mark.parametrize("network", [*DENIED_IPV4, *DENIED_IPV6], ids=str)
def test_what_the_tables_refuse_has_a_reason(network: Network) -> None:
    registered = network in [each for each, _ in REGISTERED]
    assert registered is not (str(network) in OURS)


def test_what_is_refused_for_a_reason_of_ours_stands_in_the_table() -> None:
    """It does not depend on what the standard library thinks of it."""
    assert {*map(ipaddress.ip_network, OURS)} <= {*DENIED_IPV4}


def test_nat64_is_admitted_only_on_request_and_by_the_address_inside() -> None:
    policy = UrlPolicy(allow_nat64=True)
    assert isinstance(UrlPolicy().vet(["64:ff9b::8.8.8.8"]), Refusal)
    assert not isinstance(policy.vet(["64:ff9b::8.8.8.8"]), Refusal)
    for hidden in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "168.63.129.16"):
        assert isinstance(policy.vet([f"64:ff9b::{hidden}"]), Refusal)
    assert isinstance(policy.vet(["64:ff9b:1::8.8.8.8"]), Refusal)


HIDDEN = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "168.63.129.16", "0.0.0.0", "224.0.0.1")


@pytest.mark.parametrize("prefix", ["2600:1f00:0:0", "2a00:1450:4001:801", "3ffe:ffff:f:f"])
@pytest.mark.parametrize("bits", ["0:5efe", "200:5efe", "100:5efe", "300:5efe"])
def test_isatap_is_judged_by_the_address_inside(prefix: str, bits: str) -> None:
    """RFC 5214 section 6.1: under any prefix, whatever the bits u and g say."""
    literals = UrlPolicy(allow_ip_literals=True)
    for hidden in HIDDEN:
        tunnel = ipaddress.ip_address(f"{prefix}:{bits}:{hidden}")
        assert not is_public(tunnel)
        assert isinstance(UrlPolicy().vet([tunnel]), Refusal)
        with pytest.raises(FeedUrlError):
            literals.check(f"https://[{tunnel}]/")
    tunnel = ipaddress.ip_address(f"{prefix}:{bits}:8.8.8.8")
    assert UrlPolicy().vet([tunnel]) == (tunnel,)
    literals.check(f"https://[{tunnel}]/")
    assert isinstance(UrlPolicy(deny_networks="8.8.8.0/24").vet([tunnel]), Refusal)
    assert not isinstance(UrlPolicy(deny_networks="8.8.8.9").vet([tunnel]), Refusal)
    assert isinstance(UrlPolicy(deny_networks="8.8.8.9").vet([tunnel + 1]), Refusal)
    no_tunnel = ipaddress.ip_address(f"{prefix}:{bits}:10.0.0.1".replace("5efe", "5eff"))
    assert UrlPolicy().vet([no_tunnel]) == (no_tunnel,)


def test_a_prefix_that_is_allowed_allows_no_tunnel_out_of_it() -> None:
    """The address inside has to be public, or allowed, too."""
    tunnel = "fd00::5efe:10.0.0.1"
    assert isinstance(UrlPolicy(allow_networks="fd00::/8").vet([tunnel]), Refusal)
    assert not isinstance(UrlPolicy(allow_networks="fd00::/8").vet(["fd00::5efe:8.8.8.8"]), Refusal)
    both = UrlPolicy(allow_networks=["fd00::/8", "10.0.0.0/8"])
    assert not isinstance(both.vet([tunnel]), Refusal)
    both.check("http://[fd00::5efe:a00:1]/")
    with pytest.raises(FeedUrlError):
        UrlPolicy(allow_networks="fd00::/8").check("http://[fd00::5efe:a00:1]/")
    assert not isinstance(UrlPolicy(allow_networks="fd00::/8").vet(["fd00::1:5efe:a00:1"]), Refusal)
