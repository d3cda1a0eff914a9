"""TLS by name, with authorities of our own choosing (design section 4)."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from raw_servers import ANSWER, CALENDAR, NAME, Script, read_head, trusting

from extcal.fetch import Failed, Feed, Fetched, Fetcher, FetchRequest, FetchResponse
from extcal.limits import Limits

trustme = pytest.importorskip("trustme", reason="certificates are made with trustme")

EXPIRED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FetchFrom = Callable[..., FetchResponse]


def serving(context: ssl.SSLContext, answer: bytes) -> Script:
    """Shake hands, read the request, answer."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secure:
            if read_head(secure):
                secure.sendall(answer)

    return script


def server_context(certificate: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def fetch_from(make: Callable[..., Fetcher]) -> FetchFrom:
    """Fetch by name; the name leads to loopback."""

    def fetch(port: int, context: ssl.SSLContext | None, deadline: float = 5.0) -> FetchResponse:
        fetcher = make(
            allow_networks="127.0.0.1/32",
            ports=[port],
            ssl_context=context,
            resolver=lambda host, port: ["127.0.0.1"],
        )
        feed = Feed(f"https://{NAME}:{port}/a.ics")
        return fetcher.fetch(FetchRequest(feed, deadline=deadline, limits=Limits()))

    return fetch


def test_a_certificate_for_the_name(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    names: list[str | None] = []
    context = server_context(authority.issue_cert(NAME))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server = raw(serving(context, ANSWER))
    assert fetch_from(server.port, trusting(authority)) == Fetched(CALENDAR)
    assert names == [NAME]


def test_a_literal_with_a_certificate_for_it(
    raw: Callable[[Script], Any], authority: Any, make: Callable[..., Fetcher]
) -> None:
    server = raw(serving(server_context(authority.issue_cert("127.0.0.1")), ANSWER))
    fetcher = make(allow_networks="127.0.0.1/32", ssl_context=trusting(authority))
    feed = Feed(f"https://127.0.0.1:{server.port}/a.ics")
    assert fetcher.fetch(FetchRequest(feed)) == Fetched(CALENDAR)


@pytest.mark.parametrize("names", [("other.example.net",), ("127.0.0.1",), ("*.net",)])
def test_a_certificate_for_something_else(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom, names: tuple[str, ...]
) -> None:
    server = raw(serving(server_context(authority.issue_cert(*names)), ANSWER))
    answer = fetch_from(server.port, trusting(authority))
    assert isinstance(answer, Failed)
    assert answer.kind == "tls"
    assert "certificate" in (answer.looks_like or "")


def test_an_expired_certificate(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    certificate = authority.issue_cert(NAME, not_before=EXPIRED, not_after=EXPIRED)
    server = raw(serving(server_context(certificate), ANSWER))
    answer = fetch_from(server.port, trusting(authority))
    assert isinstance(answer, Failed)
    assert answer.kind == "tls"


@pytest.mark.parametrize("own", [True, False])
def test_an_authority_nobody_trusts(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom, own: bool
) -> None:
    """Neither another authority of ours nor those of the system vouch for it."""
    server = raw(serving(server_context(trustme.CA().issue_cert(NAME)), ANSWER))
    answer = fetch_from(server.port, trusting(authority) if own else None)
    assert isinstance(answer, Failed)
    assert answer.kind == "tls"


def test_the_environment_cannot_add_an_authority(
    raw: Callable[[Script], Any],
    authority: Any,
    fetch_from: FetchFrom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor have the keys of a connection written to a file."""
    file, keys = tmp_path / "authority.pem", tmp_path / "keys.log"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    server = raw(serving(server_context(authority.issue_cert(NAME)), ANSWER))
    answer = fetch_from(server.port, None)
    assert isinstance(answer, Failed)
    assert answer.kind == "tls"
    assert not keys.exists()


def test_a_server_that_knows_only_old_protocols(
    raw: Callable[[Script], Any], authority: Any
) -> None:
    from extcal.fetch.http.connect.trust import new_ssl_context

    assert new_ssl_context().minimum_version == ssl.TLSVersion.TLSv1_2
    assert new_ssl_context().verify_mode == ssl.CERT_REQUIRED
    assert new_ssl_context().check_hostname


def test_plain_text_where_tls_is_due(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    def script(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(ANSWER)

    answer = fetch_from(raw(script).port, trusting(authority))
    assert isinstance(answer, Failed)
    assert answer.kind == "tls"


def test_a_handshake_that_drips(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    def script(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while not stop.wait(0.01):
            connection.sendall(b"\x02")

    answer = fetch_from(raw(script).port, trusting(authority), deadline=0.4)
    assert isinstance(answer, Failed)
    assert answer.kind in {"timeout", "tls"}


def test_a_body_that_drips_inside_tls(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    context = server_context(authority.issue_cert(NAME))

    def script(connection: socket.socket, stop: threading.Event) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65_536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not stop.wait(0.01):
                secure.sendall(b"B")

    answer = fetch_from(raw(script).port, trusting(authority), deadline=0.4)
    assert isinstance(answer, Failed)
    assert answer.kind == "timeout"


def test_a_body_cut_inside_tls(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    context = server_context(authority.issue_cert(NAME))
    server = raw(serving(context, ANSWER[:-5]))
    answer = fetch_from(server.port, trusting(authority))
    assert isinstance(answer, Failed)
    assert answer.kind == "truncated"


def hang_up(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65_536)


def reset(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65_536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def alert(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


def nonsense(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"\x16\x03\x03\x00\x04\xff\xff\xff\xff" * 50)


def silence(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(10)


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        (hang_up, {"tls", "connect"}),
        (reset, {"tls", "connect"}),
        (alert, {"tls"}),
        (nonsense, {"tls"}),
        (silence, {"timeout"}),
    ],
)
def test_a_handshake_that_goes_wrong(
    raw: Callable[[Script], Any],
    authority: Any,
    fetch_from: FetchFrom,
    script: Script,
    kinds: set[str],
) -> None:
    deadline = 0.25 if "timeout" in kinds else 1.4
    answer = fetch_from(raw(script).port, trusting(authority), deadline=deadline)
    assert isinstance(answer, Failed)
    assert answer.kind in kinds


@pytest.mark.parametrize("cut", ["before the head", "in the head", "in the body"])
def test_a_reset_inside_tls(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom, cut: str
) -> None:
    said = {"before the head": b"", "in the head": ANSWER[:9], "in the body": ANSWER[:-5]}[cut]
    context = server_context(authority.issue_cert(NAME))

    def script(connection: socket.socket, stop: threading.Event) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65_536)
            secure.sendall(said)
            stop.wait(0.05)
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    answer = fetch_from(raw(script).port, trusting(authority), deadline=1.4)
    assert isinstance(answer, Failed)
    # OpenSSL may call a reset the end; then what is there is judged.
    kinds = {"before the head": {"connect"}, "in the body": {"truncated"}}
    assert answer.kind in kinds.get(cut, {"connect", "protocol"})


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_that_offers_only_what_was_given_up(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    """TLS 1.2 is the least (RFC 8996)."""
    context = server_context(authority.issue_cert(NAME))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    answer = fetch_from(raw(serving(context, ANSWER)).port, trusting(authority), deadline=1.4)
    assert isinstance(answer, Failed)
    assert answer.kind == "tls"


@pytest.mark.parametrize(
    "location",
    [
        f"http://{NAME}/a.ics",
        "http://127.0.0.1/a.ics",
        "//10.0.0.1/",
        "webcal://127.0.0.1:1/",
        f"https://{NAME}:22/",
        "/a.ics",
    ],
)
def test_where_a_redirect_may_not_lead(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom, location: str
) -> None:
    """From https to https only, and every hop from zero; a loop ends."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    server = raw(serving(server_context(authority.issue_cert(NAME)), head))
    answer = fetch_from(server.port, trusting(authority))
    assert isinstance(answer, Failed)
    expected = {"/a.ics": "too_many_redirects", "webcal://127.0.0.1:1/": "connect"}
    assert answer.kind == expected.get(location, "redirect_refused")


def test_a_large_body_and_a_large_request(
    raw: Callable[[Script], Any], authority: Any, fetch_from: FetchFrom
) -> None:
    """Many records, in both directions."""
    body = CALENDAR + b"X" * 3_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    server = raw(serving(server_context(authority.issue_cert(NAME)), head + body))
    answer = fetch_from(server.port, trusting(authority))
    assert answer == Fetched(body)


def test_no_fault_of_tls_tells_the_address(
    raw: Callable[[Script], Any], authority: Any, make: Callable[..., Fetcher], watch: Any
) -> None:
    good, other = server_context(authority.issue_cert(NAME)), trustme.CA().issue_cert(NAME)
    expired = authority.issue_cert(NAME, not_before=EXPIRED, not_after=EXPIRED)
    wrong = authority.issue_cert("other.example.net")
    scripts = [hang_up, reset, alert, nonsense, serving(good, ANSWER), serving(good, ANSWER[:-5])]
    scripts += [serving(server_context(each), ANSWER) for each in (other, expired, wrong)]
    head = f"HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1/{watch.secret}\r\n\r\n".encode()
    scripts.append(serving(good, head))
    for script in scripts:
        server = raw(script)
        fetcher = make(
            allow_networks="127.0.0.1/32",
            ports=[server.port],
            ssl_context=trusting(authority),
            resolver=lambda host, port: ["127.0.0.1"],
        )
        feed = Feed(f"https://{NAME}:{server.port}/{watch.secret}?key={watch.secret}")
        answer = fetcher.fetch(FetchRequest(feed, deadline=1.4))
        assert watch.leaks(answer, fetcher) == []
