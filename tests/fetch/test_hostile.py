"""What a stranger may paste, in more disguises than the list of hostile addresses has.

One line per address: the kinds of refusal under the default policy and under the permissive one
(plain http and IP literals allowed), "-" for none, and the address as Python would write it.
"""

from __future__ import annotations

import ast
import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest

from extcal.errors import FeedUrlError
from extcal.fetch import Feed, UrlPolicy
from extcal.fetch.address.url import Refusal, Url, literal_of, read_url, resolve_reference

pytestmark = pytest.mark.core

DEFAULT = UrlPolicy()
PERMISSIVE = UrlPolicy(allow_http=True, allow_ip_literals=True)

ADDRESSES = r"""
ip-odd       ip-odd         https://0177.0.0.1/
ip-odd       ip-odd         https://0X7F.0.0.1/
ip-odd       ip-odd         https://127.0x1/
ip-odd       ip-odd         https://0x7f000001./
ip-odd       ip-odd         https://127.000.000.001/
ip-odd       ip-odd         https://08.8.8.8/
ip-odd       ip-odd         https://256.1.1.1/
ip-odd       ip-odd         https://1.2.3/
ip-odd       ip-odd         https://1.2.3.4.5.6/
ip-odd       ip-odd         https://a.b.c.4/
ip-odd       ip-odd         https://example.1/
ip-odd       ip-odd         https://cal.0xffffffffffffffffff/
ip-odd       ip-odd         https://0x/
ip-odd       ip-odd         https://cal.extcal.dev,127.0.0.1/
host         host           https://8.8.8.8../
port         port           https://8.8.8.8:22/
ip-literal   -              https://8.8.8.8:8443/
ip-literal   -              https://8.8.8.8./
ip-literal   ip-not-public  https://192.0.0.9/
ip-literal   ip-not-public  https://192.31.196.1/
ip-literal   ip-not-public  https://168.63.129.16/
ip-literal   ip-not-public  https://100.100.100.200/
ip-literal   ip-not-public  https://[::ffff:a00:1]/
ip-literal   ip-not-public  https://[::ffff:0:0]/
ip-literal   ip-not-public  https://[0:0:0:0:0:ffff:7f00:0001]/
ip-literal   -              https://[0000:0000:0000:0000:0000:ffff:8.8.8.8]/
ip-literal   -              https://[2001:4860:4860::8888]:8443/
port         port           https://[2001:4860:4860::8888]:22/
ip-literal   ip-not-public  https://[::8.8.8.8]/
ip-literal   ip-not-public  https://[::ffff:0:8.8.8.8]/
ip-literal   ip-not-public  https://[64:ff9b::8.8.8.8]/
ip-literal   ip-not-public  https://[64:ff9b:1::8.8.8.8]/
ip-literal   ip-not-public  https://[2002:808:808::]/
ip-literal   ip-not-public  https://[2001::]/
ip-literal   ip-not-public  https://[100::1]/
ip-literal   ip-not-public  https://[4000::1]/
ip-literal   ip-not-public  https://[fe80::1]/
ip-literal   ip-not-public  https://[::1]:443/
pct-host     pct-host       https://[fe80::1%25lo]/
pct-host     pct-host       https://[fe80::1%lo]/
host         host           https://[[::1]]/
host         host           https://[::1]]/
host         host           https://[]/
host         host           https://[v1.fe80::a]/
host         host           https://[::1
host         host           https://::ffff:127.0.0.1/
host         host           https://[::ffff:127.1]/
host         host           https://[::ffff:0x7f.0.0.1]/
host         host           https://[::ffff:127.0.0.1.]/
host         host           https://[1:2:3:4:5:6:7:8:9]/
userinfo     userinfo       https://:@cal.extcal.dev/
userinfo     userinfo       https://@cal.extcal.dev/
userinfo     userinfo       https://cal.extcal.dev@/
userinfo     userinfo       https://a@b@cal.extcal.dev/
userinfo     userinfo       https://cal.extcal.dev;@127.0.0.1/
userinfo     userinfo       https://cal.extcal.dev&@127.0.0.1/
-            -              webcal://user:pw@cal.extcal.dev/
userinfo     userinfo       http://user:pw@cal.extcal.dev/
userinfo     userinfo       https://user:@cal.extcal.dev/
userinfo     userinfo       https://user:%00@cal.extcal.dev/
userinfo     userinfo       https://user:%ff@cal.extcal.dev/
userinfo     userinfo       https://us%3Aer:pw@cal.extcal.dev/
userinfo     userinfo       https://127.1:80@cal.extcal.dev/
userinfo     userinfo       https://0x7f:80@cal.extcal.dev/
userinfo     userinfo       https://localhost:443@cal.extcal.dev/
ip-literal   ip-not-public  https://user:pw@127.0.0.1/
special-use  special-use    https://user:pw@metadata.google.internal/
port         port           https://user:pw@cal.extcal.dev:22/
chars        chars          https://user:pw\@cal.extcal.dev/
pct-host     pct-host       https://cal.extcal.dev%40evil.net/
pct-host     pct-host       https://cal.extcal.dev%00.evil.net/
userinfo     userinfo       https://cal.extcal.dev%2f@evil.net
-            -              https://cal.extcal.dev#@127.0.0.1/
-            -              https://cal.extcal.dev?@127.0.0.1/
-            -              https://cal.extcal.dev/@127.0.0.1/
ip-literal   ip-not-public  https://127.0.0.1#@cal.extcal.dev/
ip-literal   ip-not-public  https://127.0.0.1?@cal.extcal.dev/
host         host           https://cal.extcal.dev!/
host         host           https://cal.extcal.dev:443:443/
port         port           https://cal.extcal.dev:00443/
port         port           https://cal.extcal.dev:443x/
port         port           https://cal.extcal.dev:0x1bb/
port         port           https://cal.extcal.dev:+443/
port         port           https://cal.extcal.dev:8443./
port         port           https://cal.extcal.dev:80/
port         port           https://cal.extcal.dev:22/
port         port           webcal://cal.extcal.dev:80/
http         port           http://cal.extcal.dev:443/
http         -              http://cal.extcal.dev:8080/
http         -              http://8.8.8.8/
http         ip-not-public  http://127.0.0.1/
http         ip-not-public  http://169.254.169.254/latest/meta-data/
http         ip-not-public  http://[::ffff:169.254.169.254]/
http         single-label   http://localhost/
ip-literal   ip-not-public  webcal://127.0.0.1/
single-label single-label   webcal://localhost/
single-label single-label   https://LOCALHOST./
single-label single-label   https://ip6-localhost/
single-label single-label   https://xn--a/
single-label single-label   https://_/
special-use  special-use    https://localhost.localdomain/
special-use  special-use    https://printer.local/
special-use  special-use    https://x.INTERNAL/
special-use  special-use    https://x.lan./
special-use  special-use    https://x.onion/
special-use  special-use    https://x.test/
special-use  special-use    https://x.example/
special-use  special-use    https://x.invalid/
special-use  special-use    https://x.alt/
special-use  special-use    https://x.corp/
special-use  special-use    https://x.home/
special-use  special-use    https://x.private/
special-use  special-use    https://8.8.8.8.in-addr.arpa/
special-use  special-use    https://x.default.svc/
special-use  special-use    https://x.cluster.local/
special-use  special-use    https://host.docker.internal/
-            -              https://127.0.0.1.nip.io/
-            -              https://local.extcal.dev/
-            -              https://xn--80ak6aa92e.com/
-            -              https://xn--fsqu00a.xn--0zwm56d/
-            -              https://_caldav._tcp.extcal.dev/
-            -              https://0xg.dev/
host         host           https://-/
host         host           https://a.-b.dev/
host         host           https://a.b-.dev/
host         host           https://a b.dev/
host         host           https:///cal.extcal.dev/
host         host           https:////cal.extcal.dev/
host         host           https://
host         host           https://./
host         host           https://../
host         host           https://cal..dev/
chars        chars          https:\\cal.extcal.dev/
chars        chars          https:/\cal.extcal.dev/
chars        chars          https://cal.extcal.dev\
chars        chars          https://cal.extcal.dev/<script>
chars        chars          https://cal.extcal.dev/a|b
scheme       scheme         //cal.extcal.dev/a
scheme       scheme         /etc/passwd
scheme       scheme         https
scheme       scheme         https:cal.extcal.dev
scheme       scheme         about:blank
scheme       scheme         blob:https://cal.extcal.dev/x
scheme       scheme         view-source:https://cal.extcal.dev/
scheme       scheme         feed:https://cal.extcal.dev/
scheme       scheme         ldap://127.0.0.1/
scheme       scheme         unix:/var/run/docker.sock
scheme       scheme         https+unix://x/
scheme       scheme         ws://cal.extcal.dev/
-            -              https://cal.extcal.dev/%0d%0aHost:%20127.0.0.1
-            -              https://cal.extcal.dev/../../etc/passwd
""".strip()
# Several hundred more lie in a file beside this one: hostile ones, and odd ones of real feeds.
MORE = (Path(__file__).parent / "addresses.txt").read_text("ascii").splitlines()
# The same, for characters that cannot stand in a table.
DISGUISES = r"""
chars  'https://cal.extcal.dev\u3002evil.net/'
chars  'https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/'
chars  'https://\u2460\u2461\u2466.0.0.1/'
chars  'https://\u0661\u0662\u0667.0.0.1/'
chars  'https://cal.extcal.dev\u2024evil/'
chars  'https://stra\xdfe.de/'
chars  'https://cal.extcal.dev\x00.evil.net/'
chars  'https://cal.extcal.dev\xad.evil.net/'
chars  'https://cal.extcal.dev\u200d.evil.net/'
chars  'https://cal.extcal.dev/\x7f'
chars  'https://cal.extcal.dev:\uff14\uff14\uff13/'
chars  'https://cal.extcal.dev\r\nHost: 127.0.0.1/'
chars  'https://cal.extcal.dev\t/'
chars  'https://cal.extcal.dev/\x1b[2J'
scheme '\x00https://cal.extcal.dev/'
scheme '\x01https://cal.extcal.dev/'
scheme 'ht\ntps://cal.extcal.dev/'
scheme 'ht\u200dtps://cal.extcal.dev/'
scheme '\u017fcheme://cal.extcal.dev/'
scheme 'http\u017f://cal.extcal.dev/'
""".strip()


def verdict(policy: UrlPolicy, text: str) -> str:
    try:
        policy.check(text)
    except FeedUrlError as refused:
        return refused.kind
    return "-"


def test_every_address_under_both_policies() -> None:
    wrong = []
    assert len(MORE) > 300
    for line in [*ADDRESSES.splitlines(), *MORE]:
        default, permissive, address = line.split(maxsplit=2)
        # A space ends a table's column, and is no character of a host either.
        expected = ("chars", "chars") if " " in address else (default, permissive)
        got = verdict(DEFAULT, address), verdict(PERMISSIVE, address)
        if got != expected:
            wrong.append((address, got))
    assert wrong == []


def test_every_disguise() -> None:
    wrong = []
    for line in DISGUISES.splitlines():
        kind, literal = line.split(maxsplit=1)
        address = ast.literal_eval(literal)
        if {verdict(DEFAULT, address), verdict(PERMISSIVE, address)} != {kind}:
            wrong.append(address)
    assert wrong == []


def test_a_form_admits_nothing_that_a_policy_refuses() -> None:
    """A form adds a missing scheme and takes off what came along; it opens no door."""
    for line in [*ADDRESSES.splitlines(), *MORE]:
        address = line.split(maxsplit=2)[2]
        try:
            feed = Feed.from_user_input(address)
            DEFAULT.check(feed)
        except FeedUrlError:
            continue
        assert feed.host in {"cal.extcal.dev", *_admitted()}


def _admitted() -> set[str]:
    lines = [line.split(maxsplit=2) for line in [*ADDRESSES.splitlines(), *MORE]]
    hosts = set()
    for default, _, address in lines:
        url = read_url(address)
        if default == "-" and isinstance(url, Url):
            hosts.add(url.host)
    return hosts


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("//127.0.0.1/", "127.0.0.1"),
        ("//[::1]/", "::1"),
        ("https:evil", "cal.extcal.dev"),
        ("https:/evil", "cal.extcal.dev"),
        ("//cal.extcal.dev#@127.0.0.1", "cal.extcal.dev"),
        ("/a//127.0.0.1/", "cal.extcal.dev"),
        ("?//127.0.0.1/", "cal.extcal.dev"),
        ("..//..//127.0.0.1/", "cal.extcal.dev"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("\t https://127.0.0.1/", "127.0.0.1"),
        ("///127.0.0.1/", None),
        ("////127.0.0.1/", None),
        ("https:///127.0.0.1/", None),
        ("//", None),
        ("https://", None),
        ("//?@127.0.0.1/", None),
        ("//#@127.0.0.1/", None),
        ("https://?x", None),
        ("//\u3002dev/", None),
        ("//\uff11.1.1.1/", None),
        ("//\ud800/", None),
        ("/\u3002/", "cal.extcal.dev"),
        ("//evil\t.dev/", None),
        ("https://a.dev, https://127.0.0.1/", None),
        ("/\n//127.0.0.1/", "cal.extcal.dev"),
        ("//[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("\\\\127.0.0.1\\", None),
        ("/\\127.0.0.1/", None),
        ("https:\\\\127.0.0.1/", None),
        ("https:\\\\127.0.0.1/..", None),
        ("a\\b/../c.ics", None),
        ('"a"/../c.ics', None),
        ("https://cal.extcal.dev\\@127.0.0.1/", None),
        ("https://a@127.0.0.1/", None),
        ("https://127.1/", None),
        ("https://%31%32%37.0.0.1/", None),
        ("https://cal.extcal.dev\u00e2\u0080\u00ae/", None),
        ("https://\u00ef\u00bd\u008c/", None),
        ("javascript:alert(1)", None),
        ("data:text/calendar,BEGIN:VCALENDAR", None),
        ("jar:https://cal.extcal.dev!/", None),
        ("file:///etc/passwd", None),
        ("file:/etc/passwd", ""),
        ("https://[::1", None),
        ("https://cal.extcal.dev:99999/", None),
    ],
)
def test_where_a_location_leads(location: str, host: str | None) -> None:
    """Read as every client reads it, or not at all; then judged like any other address."""
    base = read_url("https://cal.extcal.dev/secret/a.ics")
    assert isinstance(base, Url)
    url = resolve_reference(base, location)
    if host is None or isinstance(url, Refusal):
        assert isinstance(url, Refusal)
        assert host is None
    else:
        # Python 3.13 spells mapped addresses in another way.
        assert url.host == host or literal_of(url.host) == literal_of(host or "")
        assert (DEFAULT.judge(url) is None) is (host == "cal.extcal.dev")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        (["127.0.0.1", "8.8.8.8"], "ip-not-public"),
        (["8.8.8.8"] * 63 + ["10.0.0.1"], "ip-not-public"),
        (["8.8.8.8"] * 64 + ["10.0.0.1"], "dns-many"),  # what nobody reads, nobody has judged
        (["8.8.8.8"] * 65, "dns-many"),
        (["8.8.8.8"] * 64, ""),
        (["::ffff:0:127.0.0.1"], "ip-not-public"),
        (["::ffff:127.0.0.1"], "ip-not-public"),
        (["::127.0.0.1"], "ip-not-public"),
        (["100::1"], "ip-not-public"),
        (["5f00::1"], "ip-not-public"),
        (["fec0::1"], "ip-not-public"),
        (["4000::1"], "ip-not-public"),
        (["2002:7f00:1::1"], "ip-not-public"),
        (["64:ff9b:1::7f00:1"], "ip-not-public"),
        (["::1%1"], "ip-zone"),
        (["8.8.8.8%1"], "ip-zone"),
        (["127.0.0.01"], "ip-odd"),
        (["0x7f000001"], "ip-odd"),
        (["2130706433"], "ip-odd"),
        (["127.1"], "ip-odd"),
        (["[::1]"], "ip-odd"),
        (["8.8.8.8:443"], "ip-odd"),
        (["localhost"], "ip-odd"),
        ([""], "ip-odd"),
        ([" 8.8.8.8"], "ip-odd"),
        (["\u0668.8.8.8"], "ip-odd"),
        (["8.8.8.8\n"], "ip-odd"),
        (["8.8.8.8\x00"], "ip-odd"),
        (["2001:4860:4860::8888", "fe80::1"], "ip-not-public"),
        (["64:ff9b::808:808"], "ip-not-public"),
        ([ipaddress.ip_address("8.8.8.8")], ""),
        ([ipaddress.ip_address("10.0.0.1")], "ip-not-public"),
        ([ipaddress.ip_address("fe80::1%1")], "ip-zone"),
        ([2130706433], "ip-odd"),
        ([b"8.8.8.8"], "ip-odd"),
        ([b"\x08\x08\x08\x08"], "ip-odd"),
        ([None], "ip-odd"),
    ],
)
def test_what_a_name_may_lead_to(answers: list[Any], kind: str) -> None:
    vetted = DEFAULT.vet(answers)
    assert (vetted.kind if isinstance(vetted, Refusal) else "") == kind


# Which test holds each sequence of the list: redirects, rebinding, and what stands around them.
SEQUENCES = {
    "dns rebinding: public then private": "test_a_name_is_looked_up_once",
    "rebinding across redirect hop to same host": (
        "test_a_name_that_leads_elsewhere_at_the_second_hop"
    ),
    "rebinding across keep-alive expiry / retry": "test_the_name_is_looked_up_and_judged_again",
    "rebinding between cache refreshes": "test_a_name_that_leads_elsewhere_at_the_next_refresh",
    "redirect https->http same host": "test_where_a_redirect_may_not_lead",
    "redirect to file://": "test_refused",
    "redirect to gopher/ftp/data": "test_refused",
    "redirect to odd ip": "test_refused",
    "redirect with userinfo": "test_refused",
    "redirect to port 22": "test_where_a_redirect_may_not_lead",
    "redirect loop / >5 hops": "test_five_hops_and_no_more",
    "redirect without Location / 300 / 304 without validator": "test_without_location",
    "redirect protocol-relative to public host": "test_followed",
    "redirect cross-host must not carry Authorization, Cookie, Referer, If-None-Match": (
        "test_validators_stay_with_the_origin_that_issued_them"
    ),
    "Refresh header / meta refresh / HTML body must not be followed": (
        "test_refresh_is_not_followed"
    ),
    "Set-Cookie on hop must not be sent to next hop": (
        "test_cookies_stay_in_one_fetch_and_at_one_origin"
    ),
    "HTTP(S)_PROXY, ALL_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE, SSL_CERT_FILE, .netrc set": (
        "test_the_environment_is_never_looked_at"
    ),
    "connected peer differs from vetted address (transparent proxy/NAT hook)": (
        "test_a_peer_that_is_not_the_judged_address"
    ),
    "certificate for other name / self-signed / expired / IP-only SAN": (
        "test_a_certificate_for_something_else"
    ),
    "dead first address, live second": "test_the_next_address_is_tried_when_one_is_dead",
    "slow DNS (getaddrinfo blocks 30 s)": (
        "test_a_resolver_that_hangs_costs_no_more_than_the_deadline"
    ),
    "SSRF through CNAME to internal name": "test_one_bad_answer_refuses_the_name",
    "host in search domain: 'cal' + resolv.conf search": "test_every_address_under_both_policies",
}


def test_every_sequence_of_the_list_is_held_by_a_test() -> None:
    here = Path(__file__).parent
    listed = json.loads((here.parent / "data" / "hostile_urls.json").read_text("utf-8"))
    names = {entry["name"] for entry in listed["entries"] if entry["kind"] == "sequence"}
    assert names == set(SEQUENCES)
    written = "".join(path.read_text("utf-8") for path in here.glob("test_*.py"))
    assert [name for name in SEQUENCES.values() if f"def {name}(" not in written] == []
