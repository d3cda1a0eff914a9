"""Where a fetcher may go (security sections 1 and 2)."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.errors import FeedUrlError
from extcal.fetch import Feed, UrlPolicy
from extcal.fetch.address.networks import DENIED_IPV4, DENIED_IPV6, PUBLIC_IPV6, is_public, unwrap
from extcal.fetch.address.url import Refusal

pytestmark = pytest.mark.core

ENTRIES = json.loads((Path(__file__).parents[1] / "data" / "hostile_urls.json").read_text("utf-8"))[
    "entries"
]
POLICIES = {
    "default": UrlPolicy(),
    "permissive": UrlPolicy(allow_http=True, allow_ip_literals=True),
}


def kind_of(policy: UrlPolicy, url: str) -> str:
    """The kind of the refusal, or nothing."""
    try:
        policy.check(url)
    except FeedUrlError as refused:
        return refused.kind
    return ""


class TestTheHostileList:
    """Every address and every set of answers of the list, under both of its policies."""

    def test_the_list_is_there(self) -> None:
        assert len([entry for entry in ENTRIES if entry["kind"] == "url"]) >= 127
        assert len([entry for entry in ENTRIES if entry["kind"] == "dns"]) >= 31

    @pytest.mark.parametrize("name", POLICIES)
    def test_addresses(self, name: str) -> None:
        policy = POLICIES[name]
        wrong = []
        for entry in ENTRIES:
            if entry["kind"] != "url":
                continue
            kind = kind_of(policy, entry["url"])
            owed = {"", entry["code"], entry.get("code_observed")}
            verdict = "deny" if kind else "allow"
            if verdict != entry[name] or (name == "default" and kind not in owed):
                wrong.append((entry["url"], kind))
        assert wrong == []

    def test_a_form_takes_no_hostile_address_either(self) -> None:
        """A missing scheme is added; nothing else that is refused becomes admitted."""
        wrong = []
        for entry in ENTRIES:
            if entry["kind"] == "url" and entry["default"] == "deny" and "://" in entry["url"]:
                try:
                    POLICIES["default"].check(Feed.from_user_input(entry["url"]))
                except FeedUrlError:
                    continue
                wrong.append(entry["url"])
        assert wrong == []

    def test_answers(self) -> None:
        wrong = []
        for entry in ENTRIES:
            if entry["kind"] != "dns":
                continue
            vetted = POLICIES["default"].vet(entry["answers"])
            kind = vetted.kind if isinstance(vetted, Refusal) else ""
            if ("deny" if kind else "allow") != entry["default"] or kind != entry["code"]:
                wrong.append((entry["answers"], kind))
        assert wrong == []


class TestTheTables:
    """Each network of the tables with its neighbours: just outside, first, last, just outside."""

    @pytest.mark.parametrize("network", DENIED_IPV4, ids=str)
    def test_ipv4(self, network: ipaddress.IPv4Network) -> None:
        for address in (network.network_address, network.broadcast_address):
            assert not is_public(address)
        for neighbour in (int(network.network_address) - 1, int(network.broadcast_address) + 1):
            if 0 <= neighbour < 2**32:
                address = ipaddress.IPv4Address(neighbour)
                elsewhere = any(address in other for other in DENIED_IPV4)
                assert is_public(address) is not elsewhere

    @pytest.mark.parametrize("network", DENIED_IPV6, ids=str)
    def test_ipv6(self, network: ipaddress.IPv6Network) -> None:
        for address in (network.network_address, network.broadcast_address):
            assert not is_public(address)
        for neighbour in (int(network.network_address) - 1, int(network.broadcast_address) + 1):
            address = ipaddress.IPv6Address(neighbour)
            elsewhere = any(address in other for other in DENIED_IPV6)
            assert is_public(address) is (not elsewhere and address in PUBLIC_IPV6)

    def test_only_what_iana_has_handed_out_is_public_ipv6(self) -> None:
        first, last = PUBLIC_IPV6.network_address, PUBLIC_IPV6.broadcast_address
        assert is_public(first)
        assert not is_public(ipaddress.IPv6Address(int(first) - 1))
        assert not is_public(ipaddress.IPv6Address(int(last) + 1))

    @pytest.mark.parametrize(
        "address",
        "::  ::1 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::7f00:1"
        " 100::1 100:0:0:1::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1 4000::1 5f00::1"
        " 2001::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2620:4f:8000::1 3fff::1".split(),
    )
    def test_what_the_standard_library_was_wrong_about(self, address: str) -> None:
        assert not is_public(ipaddress.ip_address(address))

    @given(st.ip_addresses(v=4))
    def test_a_mapped_address_is_judged_as_its_ipv4_address(
        self, address: ipaddress.IPv4Address
    ) -> None:
        mapped = ipaddress.IPv6Address(f"::ffff:{address}")
        assert unwrap(mapped) == address
        assert not is_public(mapped)
        one, other = UrlPolicy().vet([str(address)]), UrlPolicy().vet([str(mapped)])
        assert one == other

    @given(st.ip_addresses(v=4))
    def test_nat64_is_judged_by_the_address_inside(self, address: ipaddress.IPv4Address) -> None:
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))
        assert not is_public(wrapped)
        assert is_public(wrapped, allow_nat64=True) is is_public(address)

    @given(st.ip_addresses())
    def test_nothing_is_public_that_the_standard_library_calls_otherwise(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address
    ) -> None:
        if is_public(address):
            assert address.is_global
            assert not address.is_multicast
            assert not address.is_loopback

    @pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
    def test_what_the_standard_library_has_learnt_since_is_not_public_either(
        self, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A later Python may know of a network that the tables do not have yet."""
        public = ipaddress.ip_address(address)
        assert is_public(public)
        monkeypatch.setattr(type(public), "is_global", False)
        assert not is_public(public)


class TestNamesAndPorts:
    """What is refused before anything is looked up."""

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            ("https://calendar.example.net/", ""),
            ("https://calendar.example.net:8443/", ""),
            ("https://calendar.example.net:444/", "port"),
            ("http://calendar.example.net/", "http"),
            ("file:///etc/passwd", "scheme"),
            ("https://localhost/", "single-label"),
            ("https://calendar.localhost/", "special-use"),
            ("https://1.0.0.127.in-addr.arpa/", "special-use"),
            ("https://a.b.ip6.arpa/", "special-use"),
            ("https://nas.HOME.ARPA./", "special-use"),
            ("https://x.svc.cluster.local/", "special-use"),
            ("https://metadata.google.internal/", "special-use"),
            ("https://abc.onion/", "special-use"),
            ("https://kubernetes.default.svc/", "special-use"),
            ("https://8.8.8.8/", "ip-literal"),
            ("https://internal.example.net/", ""),
        ],
    )
    def test_by_default(self, url: str, kind: str) -> None:
        assert kind_of(UrlPolicy(), url) == kind

    def test_no_public_name_ends_like_this(self) -> None:
        """RFC 6761 and the like, what ICANN does not give out, and names inside clusters."""
        for name in (
            "alt arpa corp domain example home internal intranet invalid lan local localdomain"
            " localhost mail onion private test consul docker svc"
        ).split():
            assert kind_of(UrlPolicy(), f"https://calendar.{name}/a.ics"), name
        assert not kind_of(UrlPolicy(), "https://calendar.example.org/a.ics")

    def test_a_name_has_253_characters_at_most(self) -> None:
        longest = ".".join(["a" * 63] * 3 + ["a" * 57 + ".org"])
        assert not kind_of(UrlPolicy(), f"https://{longest}/")
        assert kind_of(UrlPolicy(), f"https://{longest.replace('.org', 'a.org')}/")

    def test_http_and_its_ports(self) -> None:
        policy = UrlPolicy(allow_http=True)
        assert kind_of(policy, "http://calendar.example.net/") == ""
        assert kind_of(policy, "http://calendar.example.net:8080/") == ""
        assert kind_of(policy, "http://calendar.example.net:443/") == "port"
        assert kind_of(policy, "https://calendar.example.net:80/") == "port"

    def test_ports_replace_the_usual_ones(self) -> None:
        policy = UrlPolicy(ports=[444], allow_http=True)
        assert kind_of(policy, "https://calendar.example.net:444/") == ""
        assert kind_of(policy, "http://calendar.example.net:444/") == ""
        assert kind_of(policy, "https://calendar.example.net/") == "port"
        assert UrlPolicy(ports=444, allow_http=True) == policy

    def test_literals_are_judged_as_addresses(self) -> None:
        policy = UrlPolicy(allow_ip_literals=True)
        assert kind_of(policy, "https://8.8.8.8/") == ""
        assert kind_of(policy, "https://[::ffff:8.8.8.8]/") == ""
        assert kind_of(policy, "https://10.0.0.1/") == "ip-not-public"
        assert kind_of(policy, "https://[::ffff:10.0.0.1]/") == "ip-not-public"
        assert kind_of(policy, "https://[64:ff9b::808:808]/") == "ip-not-public"
        assert (
            kind_of(
                UrlPolicy(allow_ip_literals=True, allow_nat64=True), "https://[64:ff9b::808:808]/"
            )
            == ""
        )

    def test_a_literal_inside_allow_networks_needs_nothing_else(self) -> None:
        """Design section 4: over http and on any port, so that a demo needs nothing else."""
        policy = UrlPolicy(allow_networks=["127.0.0.0/8", "fd00::/8"])
        assert kind_of(policy, "http://127.0.0.1:49152/a.ics") == ""
        assert kind_of(policy, "https://127.0.0.1:1/") == ""
        assert kind_of(policy, "http://[fd00::1]:8000/") == ""
        assert kind_of(policy, "http://[::ffff:127.0.0.1]:8000/") == ""
        assert kind_of(policy, "http://10.0.0.1/") == "http"
        assert kind_of(policy, "https://10.0.0.1/") == "ip-literal"
        assert kind_of(policy, "http://localhost:49152/a.ics") == "http"

    def test_a_name_may_lead_into_allow_networks(self) -> None:
        policy = UrlPolicy(allow_networks="10.1.0.0/16")
        assert not isinstance(policy.vet(["10.1.2.3", "8.8.8.8"]), Refusal)
        translated = UrlPolicy(allow_networks="64:ff9b::/96")  # whatever their NAT64 leads to
        assert not isinstance(translated.vet(["64:ff9b::10.0.0.1"]), Refusal)
        assert isinstance(policy.vet(["10.1.2.3", "10.2.0.1"]), Refusal)

    def test_deny_networks_win(self) -> None:
        policy = UrlPolicy(allow_networks="10.0.0.0/8", deny_networks=["10.9.0.0/16", "8.8.8.0/24"])
        assert not isinstance(policy.vet(["10.1.2.3"]), Refusal)
        assert isinstance(policy.vet(["10.9.2.3"]), Refusal)
        assert isinstance(policy.vet(["8.8.8.8"]), Refusal)
        assert isinstance(policy.vet(["::ffff:8.8.8.8"]), Refusal)
        assert kind_of(policy, "http://10.9.2.3/") == "ip-not-public"

    def test_deny_networks_see_through_every_disguise(self) -> None:
        """Mapped addresses, mapped networks, and what a NAT64 address stands for."""
        policy = UrlPolicy(deny_networks="8.8.8.0/24", allow_nat64=True, allow_ip_literals=True)
        for answer in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"):
            assert isinstance(policy.vet([answer]), Refusal)
        assert kind_of(policy, "https://[64:ff9b::808:808]/") == "ip-not-public"
        assert not isinstance(policy.vet(["64:ff9b::8.8.4.4"]), Refusal)
        admitted = UrlPolicy(allow_networks="64:ff9b::/96", deny_networks="8.8.8.0/24")
        assert isinstance(admitted.vet(["64:ff9b::8.8.8.8"]), Refusal)
        mapped = UrlPolicy(deny_networks=["::ffff:8.8.8.0/120", "2600::/12", "::/64"])
        assert isinstance(mapped.vet(["8.8.8.8"]), Refusal)
        assert isinstance(mapped.vet(["2600::1"]), Refusal)
        assert not isinstance(mapped.vet(["8.8.4.4"]), Refusal)
        assert mapped.deny_networks[0] == ipaddress.ip_network("8.8.8.0/24")
        assert UrlPolicy(allow_networks="::ffff:10.1.0.0/112").vet(["10.1.2.3"])
        assert kind_of(UrlPolicy(allow_networks="::ffff:10.1.0.0/112"), "http://10.1.2.3/") == ""


class TestNamesOfAPrivateNetwork:
    """``allow_hosts``: the name is admitted, its addresses are judged as ever."""

    policy = UrlPolicy(allow_hosts=["Exchange.Corp.LAN.", "intranet"], allow_networks="10.1.0.0/16")

    def test_the_name_itself_and_no_other(self) -> None:
        assert self.policy.allow_hosts == {"exchange.corp.lan", "intranet"}
        assert kind_of(self.policy, "https://exchange.corp.lan/owa/calendar/1/2/calendar.ics") == ""
        assert kind_of(self.policy, "https://EXCHANGE.corp.lan./") == ""
        assert kind_of(self.policy, "https://intranet/") == ""
        assert kind_of(self.policy, "https://a.exchange.corp.lan/") == "special-use"
        assert kind_of(self.policy, "https://corp.lan/") == "special-use"
        assert kind_of(self.policy, "https://localhost/") == "single-label"

    def test_scheme_and_port_as_ever(self) -> None:
        assert kind_of(self.policy, "http://exchange.corp.lan/") == "http"
        assert kind_of(self.policy, "https://exchange.corp.lan:444/") == "port"

    def test_it_is_written_in_any_case_and_with_a_dot_at_the_end(self) -> None:
        given = UrlPolicy(allow_hosts=["Exchange.CORP.lan.", "intranet"])
        assert given.allow_hosts == {"exchange.corp.lan", "intranet"}
        assert given == UrlPolicy(allow_hosts=("exchange.corp.lan", "intranet."))

    def test_its_addresses_must_be_public_or_inside_allow_networks(self) -> None:
        assert not isinstance(self.policy.vet(["10.1.2.3"], "exchange.corp.lan"), Refusal)
        assert not isinstance(self.policy.vet(["8.8.8.8"], "exchange.corp.lan"), Refusal)
        assert isinstance(self.policy.vet(["10.2.0.1"], "exchange.corp.lan"), Refusal)
        assert isinstance(self.policy.vet(["127.0.0.1"], "exchange.corp.lan"), Refusal)

    @pytest.mark.parametrize(
        "host", ["", "10.1.2.3", "[::1]", "*.corp.lan", "a.lan:443", "a.lan:1", "a.lan/x", "a b"]
    )
    def test_it_takes_names_only(self, host: str) -> None:
        with pytest.raises(ValueError, match="allow_hosts"):
            UrlPolicy(allow_hosts=[host])

    def test_one_name_or_several(self) -> None:
        assert UrlPolicy(allow_hosts="a.lan") == UrlPolicy(allow_hosts=("a.lan",))
        with pytest.raises(TypeError, match="allow_hosts"):
            UrlPolicy(allow_hosts=[b"a.lan"])  # type: ignore[list-item]


class TestTheVeto:
    """``address_policy`` can refuse more, and never less."""

    def test_it_is_asked_about_spelled_out_addresses_too(self) -> None:
        """Already in the form where an address is pasted."""
        policy = UrlPolicy(
            address_policy=lambda host, address: not isinstance(host, str),
            allow_networks="10.0.0.0/8",
            allow_ip_literals=True,
        )
        assert kind_of(policy, "https://10.0.0.1/") == "address-policy"
        assert kind_of(policy, "https://8.8.8.8/") == "address-policy"
        assert kind_of(policy, "https://calendar.example.net/") == ""

    def test_it_judges_what_the_rest_admits(self) -> None:
        seen: list[tuple[str, str]] = []

        def veto(host: str, address: object) -> bool:
            seen.append((host, str(address)))
            return str(address) != "8.8.4.4"

        policy = UrlPolicy(address_policy=veto)
        assert not isinstance(policy.vet(["8.8.8.8"], "a.example.net"), Refusal)
        vetted = policy.vet(["8.8.8.8", "::ffff:8.8.4.4"], "a.example.net")
        assert isinstance(vetted, Refusal)
        assert vetted.kind == "address-policy"
        assert seen == [("a.example.net", "8.8.8.8")] * 2 + [("a.example.net", "8.8.4.4")]

    def test_it_admits_nothing(self) -> None:
        policy = UrlPolicy(address_policy=lambda host, address: True, deny_networks="8.8.8.0/24")
        for answer in ("127.0.0.1", "10.0.0.1", "8.8.8.8", "fe80::1%1", "x"):
            assert isinstance(policy.vet([answer]), Refusal)

    @pytest.mark.parametrize("verdict", [False, None, 0, ""])
    def test_whatever_is_not_true_refuses(self, verdict: object) -> None:
        policy = UrlPolicy(address_policy=lambda host, address: verdict)  # type: ignore[arg-type,return-value]
        assert isinstance(policy.vet(["8.8.8.8"]), Refusal)

    def test_one_that_stumbles_admits_nobody(self) -> None:
        def broken(host: str, address: object) -> bool:
            raise KeyError(host)

        assert isinstance(UrlPolicy(address_policy=broken).vet(["8.8.8.8"]), Refusal)

    def test_it_is_callable(self) -> None:
        with pytest.raises(TypeError, match="address_policy"):
            UrlPolicy(address_policy="no")  # type: ignore[arg-type]


class TestAnswers:
    """All answers of a name are judged before one is used."""

    def test_order_is_kept_and_doubles_are_dropped(self) -> None:
        assert UrlPolicy().vet(["8.8.4.4", "8.8.8.8", "::ffff:8.8.4.4"]) == (
            ipaddress.ip_address("8.8.4.4"),
            ipaddress.ip_address("8.8.8.8"),
        )

    def test_more_than_64_answers_are_refused(self) -> None:
        """What is not read is not judged; and no resolver is read for ever."""

        def endless() -> Iterator[str]:
            number = int(ipaddress.IPv4Address("9.0.0.0"))
            while True:
                yield str(ipaddress.IPv4Address(number))
                number += 1

        vetted = UrlPolicy().vet(endless())
        assert isinstance(vetted, Refusal)
        assert vetted.kind == "dns-many"
        vetted = UrlPolicy().vet(islice(endless(), 64))
        assert not isinstance(vetted, Refusal)
        assert len(vetted) == 64

    def test_what_is_no_address_is_refused(self) -> None:
        for answers, kind in ((["x"], "ip-odd"), (["fe80::1%2"], "ip-zone"), ([], "dns-empty")):
            vetted = UrlPolicy().vet(answers)
            assert isinstance(vetted, Refusal)
            assert vetted.kind == kind


class TestTheCallersMistakes:
    """A policy that cannot be is refused when it is made."""

    @pytest.mark.parametrize("networks", [["10.0.0.0/33"], ["10.0.0.1/8"], "everything"])
    def test_networks(self, networks: object) -> None:
        for name in ("allow_networks", "deny_networks"):
            with pytest.raises(ValueError, match=name):
                UrlPolicy(**{name: networks})  # type: ignore[arg-type]

    def test_one_network_is_one_network(self) -> None:
        """Not the sixteen million addresses it can be iterated over."""
        network = ipaddress.ip_network("10.0.0.0/8")
        for one in (network, "10.0.0.0/8", [network], ["10.0.0.0/8"]):
            assert UrlPolicy(allow_networks=one).allow_networks == (network,)  # type: ignore[arg-type]
        for wrong in (10, b"\x0a\x00\x00\x00", None, 1.5):
            with pytest.raises(TypeError, match="networks like"):
                UrlPolicy(deny_networks=[wrong])  # type: ignore[list-item]

    def test_the_first_and_the_last_port(self) -> None:
        assert UrlPolicy(ports=[1, 65_535]).ports == {1, 65_535}
        with pytest.raises(ValueError, match="from 1 to 65535"):
            UrlPolicy(ports=[65_536])

    def test_a_network_of_mapped_addresses_is_one_of_ipv4(self) -> None:
        """All of them, or a part."""
        for denied, refused in (("::ffff:0:0/96", True), ("::ffff:8.0.0.0/104", True)):
            policy = UrlPolicy(deny_networks=denied)
            assert isinstance(policy.vet(["8.8.8.8"]), Refusal) is refused
        assert not isinstance(policy.vet(["9.9.9.9"]), Refusal)

    def test_ports(self) -> None:
        with pytest.raises(ValueError, match="65535"):
            UrlPolicy(ports=[0])
        for wrong in (["443"], [443.0], True, [True]):
            with pytest.raises(TypeError, match="ports takes numbers"):
                UrlPolicy(ports=wrong)  # type: ignore[arg-type]

    def test_it_is_a_value(self) -> None:
        assert UrlPolicy(allow_networks="127.0.0.0/8") == UrlPolicy(
            allow_networks=[ipaddress.ip_network("127.0.0.0/8")]
        )
        assert hash(UrlPolicy(ports=[443])) == hash(UrlPolicy(ports=(443,)))

    def test_check_never_shows_the_address(self) -> None:
        with pytest.raises(FeedUrlError) as refused:
            UrlPolicy().check(Feed("http://calendar.example.net/SECRET"))
        assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    "private", ["10.0.0.1", "192.168.1.5:8080", "127.0.0.1", "[fd00::1]", "nas.local", "localhost"]
)
def test_advice_for_a_private_network_can_help(private: str) -> None:
    """Not "write https": that address would be refused as well."""
    with pytest.raises(FeedUrlError) as refused:
        UrlPolicy().check(f"http://{private}/ada.ics")
    assert refused.value.kind == "http"
    assert "anybody on the internet can open" in (refused.value.advice or "")
    with pytest.raises(FeedUrlError, match="https://"):
        UrlPolicy().check("http://example.org/ada.ics")
