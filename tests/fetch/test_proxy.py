"""A proxy only by explicit argument, and nothing of the environment (security section 1)."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from raw_servers import (
    ANSWER,
    CALENDAR,
    NAME,
    Fetch,
    Make,
    Raw,
    Script,
    each_time,
    kind,
    read_head,
    trusting,
)

from extcal.fetch import Fetched, Fetcher, Refused
from extcal.testing.server import FeedServer


class TestAProxy:
    """By explicit argument only; the proxy looks names up, so only literals can be judged."""

    def refused(self, host: str, port: int) -> list[str]:
        raise AssertionError("the proxy looks names up")

    def proxied(self, make: Make, port: int, **options: Any) -> Fetcher:
        proxy = options.pop("proxy", f"http://127.0.0.1:{port}")
        return make(proxy=proxy, resolver=self.refused, **options)

    def tunnel(self, heads: list[bytes], context: Any, answer: bytes = ANSWER) -> Script:
        """A proxy that is the server behind itself."""

        def script(connection: socket.socket, stop: threading.Event) -> None:
            heads.append(read_head(connection))
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                heads.append(read_head(secure))
                if answer:
                    secure.sendall(answer)

        return script

    def context(self, authority: Any, name: str = NAME) -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    def test_https_goes_through_a_tunnel_and_tls_is_by_name(
        self, raw: Raw, fetch: Fetch, make: Make, authority: Any, watch: Any
    ) -> None:
        heads: list[bytes] = []
        server = raw(self.tunnel(heads, self.context(authority)))
        fetcher = self.proxied(
            make,
            server.port,
            proxy=f"http://ada:{watch.secret}%40@127.0.0.1:{server.port}/",
            ssl_context=trusting(authority),
        )
        answer = fetch(f"https://{NAME}/{watch.secret}", fetcher=fetcher)
        assert answer == Fetched(CALENDAR)
        assert heads[0].startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n".encode())
        password = base64.b64encode(f"ada:{watch.secret}@".encode())
        assert b"Proxy-Authorization: Basic " + password in heads[0]
        assert heads[1].startswith(f"GET /{watch.secret} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization" not in heads[1]
        assert watch.leaks(answer, fetcher) == []

    def test_a_proxy_cannot_pretend_to_be_the_server(
        self, raw: Raw, fetch: Fetch, make: Make, authority: Any
    ) -> None:
        server = raw(self.tunnel([], self.context(authority, "other.example.net")))
        fetcher = self.proxied(make, server.port, ssl_context=trusting(authority))
        assert kind(fetch(f"https://{NAME}/", fetcher=fetcher)) == "tls"

    @pytest.mark.usefixtures("second_try_soon")
    def test_a_server_that_is_silent_behind_the_tunnel_is_asked_once_more(
        self, raw: Raw, fetch: Fetch, make: Make, authority: Any
    ) -> None:
        heads: list[bytes] = []
        server = raw(self.tunnel(heads, self.context(authority), b""))
        fetcher = self.proxied(
            make, server.port, ssl_context=trusting(authority), jitter=lambda: 0.0
        )
        assert kind(fetch(f"https://{NAME}/", fetcher=fetcher)) == "connect"
        assert len(heads) == 4

    def test_http_is_forwarded(self, raw: Raw, fetch: Fetch, make: Make) -> None:
        heads: list[bytes] = []

        def script(connection: socket.socket, stop: threading.Event) -> None:
            heads.append(read_head(connection))
            connection.sendall(ANSWER)

        fetcher = self.proxied(make, raw(script).port, allow_http=True)
        assert fetch(f"http://{NAME}/a.ics?x", fetcher=fetcher) == Fetched(CALENDAR)
        assert heads[0].startswith(f"GET http://{NAME}:80/a.ics?x HTTP/1.1\r\n".encode())
        assert f"Host: {NAME}\r\n".encode() in heads[0]

    def test_an_ipv6_literal_keeps_its_brackets(self, raw: Raw, fetch: Fetch, make: Make) -> None:
        heads: list[bytes] = []

        def script(connection: socket.socket, stop: threading.Event) -> None:
            heads.append(read_head(connection))
            connection.sendall(b"HTTP/1.1 403 No\r\n\r\n")

        fetcher = self.proxied(make, raw(script).port, allow_ip_literals=True, allow_http=True)
        assert kind(fetch("https://[2606:4700::1111]/", fetcher=fetcher)) == "connect"
        assert fetch("http://[2606:4700::1111]/", fetcher=fetcher) == Refused(403)
        assert heads[0].startswith(b"CONNECT [2606:4700::1111]:443 ")
        assert heads[1].startswith(b"GET http://[2606:4700::1111]:80/ ")

    @pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Who", b"502 Bad Gateway", b"302 x"])
    def test_a_proxy_that_refuses(
        self, raw: Raw, fetch: Fetch, make: Make, status: bytes, watch: Any
    ) -> None:
        head = b"HTTP/1.1 " + status + watch.secret.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        fetcher = self.proxied(make, raw(each_time(head)).port, ssl_context=trusting())
        answer = fetch(f"https://{NAME}/{watch.secret}", fetcher=fetcher, deadline=1.4)
        assert kind(answer) == "connect"
        assert "proxy" in (getattr(answer, "looks_like", None) or "")
        assert watch.leaks(answer) == []

    @pytest.mark.parametrize(
        "url",
        [
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
            "https://metadata.google.internal/",
            f"http://{NAME}/",
            f"https://{NAME}:22/",
        ],
    )
    def test_what_can_be_judged_is_judged(self, fetch: Fetch, make: Make, url: str) -> None:
        fetcher = self.proxied(make, 9, allow_ip_literals=True)
        assert kind(fetch(url, fetcher=fetcher)) == "blocked_url"

    def test_a_veto_judges_literals_too(self, fetch: Fetch, make: Make) -> None:
        fetcher = self.proxied(
            make, 9, allow_ip_literals=True, address_policy=lambda host, address: False
        )
        assert kind(fetch("https://8.8.8.8/", fetcher=fetcher)) == "blocked_url"

    def test_a_redirect_is_judged(self, raw: Raw, fetch: Fetch, make: Make, authority: Any) -> None:
        head = b"HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"
        server = raw(self.tunnel([], self.context(authority), head))
        fetcher = self.proxied(
            make, server.port, ssl_context=trusting(authority), allow_ip_literals=True
        )
        assert kind(fetch(f"https://{NAME}/", fetcher=fetcher)) == "redirect_refused"

    def test_a_proxy_may_have_a_name(self, raw: Raw, fetch: Fetch, make: Make) -> None:
        server = raw(each_time(ANSWER))
        asked: list[str] = []

        def resolver(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        fetcher = make(
            proxy=f"http://proxy.internal:{server.port}", resolver=resolver, allow_http=True
        )
        assert fetch(f"http://{NAME}/", fetcher=fetcher) == Fetched(CALENDAR)
        assert asked == ["proxy.internal"]

    def test_nobody_there(self, fetch: Fetch, make: Make) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        answer = fetch(f"https://{NAME}/", fetcher=self.proxied(make, port, ssl_context=trusting()))
        assert kind(answer) == "connect"


def test_the_environment_is_never_looked_at(
    server: FeedServer, fetch: Fetch, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither its proxies, nor its passwords, nor its certificates, nor its key log."""
    nowhere = "http://127.0.0.1:9/"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, nowhere)
        monkeypatch.setenv(name.lower(), nowhere)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert fetch(server.serve("ada.ics", CALENDAR)) == Fetched(CALENDAR)
    (seen,) = server.requests
    assert seen.path == "/ada.ics"
    assert "authorization" not in seen.headers
    # The next hop would need TLS, and so reads certificates.
    answer = fetch(server.url("ada.ics").replace("http:", "https:"), deadline=1.4)
    assert kind(answer) in {"tls", "connect"}
    assert not (tmp_path / "SSLKEYLOGFILE").exists()
