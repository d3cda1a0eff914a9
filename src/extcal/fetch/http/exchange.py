"""The decisions of a fetch: what to send, what an answer's head means, where to go next.

A request in, an :class:`Ask` out; a head in, another Ask, a :class:`Read`, an :class:`Accident` or
a final answer out; an accident in, a :class:`Pause` or a final answer out. Pure: no I/O, no clock,
no chance, no threads, so that the drivers for threads and for tasks share every decision. Nothing
in an answer repeats what a server wrote.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import unquote

from extcal.errors import problem_of
from extcal.fetch.address.providers import MICROSOFT_CLOUDS, provider_of
from extcal.fetch.address.url import Refusal, Url, resolve_reference
from extcal.fetch.body import completed, failure_of, is_whole, sign_in_page
from extcal.fetch.feed import SealedUrl, fingerprint_of
from extcal.fetch.http.message.cookies import Cookie, cookie_header, with_cookies
from extcal.fetch.http.message.head import ECHOED, SECONDS, Head, age_of, retry_after, validator
from extcal.fetch.policy import UrlPolicy
from extcal.fetch.protocol import (
    Failed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Gone,
    NotModified,
    Refused,
    failed,
)
from extcal.fetch.user_agents import UserAgents
from extcal.limits import Limits

__all__ = [
    "Accident",
    "Ask",
    "Head",
    "Journey",
    "Pause",
    "Read",
    "Step",
    "address_refused",
    "age_of",
    "retry_after",
    "turned_away_by",
]

ACCEPT = "text/calendar, text/plain;q=0.5, */*;q=0.1"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
ACCIDENTS = frozenset({502, 503, 504})  # a gateway's statuses for a temporary failure
SHORTEST_PAUSE = 0.5  # seconds before the second try, plus a random part of one second
LONGEST_PAUSE = 1.5
WORTH_TRYING = 1.0  # with fewer seconds left, a second try would only end in a timeout
_SIGN_IN_HOSTS = frozenset(
    {
        "accounts.google.com",
        "login.live.com",
        "login.microsoftonline.com",
        "login.microsoftonline.us",
    }
)
_ERROR_PAGE = "/errorfe.aspx"  # the page to which Exchange redirects a refused program, in any case
# Matches "https://mail.example.net" and "//mail.example.net" at the beginning of an address.
_AUTHORITY = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#\\]*")
MOST_BROWSER_HOSTS = 256  # that a fetcher remembers

_NOBODY_ASKED = failed("protocol/unasked")
_NOT_HTTP = failed("protocol")
_NO_ANSWER = failed("connect/closed")
_CUT = failed("truncated")
_NO_SINGLE_ADDRESS = failed("redirect_refused/several")

# RFC 9110 section 8.4.1 and IANA's registry of content codings. Real servers also send values that
# are no compression, and these are ignored: "utf-8", "none", "binary", "8bit", "aws-chunked".
_COMPRESSIONS = frozenset(
    {"br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress"}
    | {"x-gzip", "zstd", "bzip2", "x-bzip2", "xz", "lzma"}
)
_NO_COMPRESSION = problem_of("encoding_unknown")
_UNANNOUNCED = problem_of("gzip_unannounced")
_CODED_TWICE = problem_of("chunked_twice")
_ENDED_EARLY = problem_of("ended_early")
_LAST_LINE_CUT = problem_of("last_line_cut")


@dataclass(frozen=True, slots=True)
class Ask:
    """Send GET for ``url`` with ``headers``, then call :meth:`Journey.head` with the answer's head.

    ``hops``: how many redirects led here; ``permanent``: whether all of them were permanent.
    ``again``: the second try of this fetch is used up. ``browser_hosts``: the hosts that it asks as
    a browser; ``switched``: it has already changed its User-Agent once. ``spent``: how many bytes
    of earlier bodies were read and not used. ``credentials``: the sealed address with the name and
    password to send; it is opened when the request is written. ``cookies``: set by earlier hops.
    """

    url: Url
    headers: tuple[tuple[str, str], ...]
    hops: int = 0
    permanent: bool = True
    again: bool = False
    browser_hosts: frozenset[str] = frozenset()
    switched: bool = False
    spent: int = 0
    credentials: SealedUrl | None = None
    cookies: tuple[Cookie, ...] = ()

    def __repr__(self) -> str:
        return f"<Ask {self.url!r}>"


@dataclass(frozen=True, slots=True)
class Accident:
    """A failure that may be temporary: a reset, no answer, a gateway that is not ready.

    ``otherwise``: if the server refused the User-Agent, the same request with another one.
    """

    ask: Ask
    answer: Failed | Gone
    otherwise: Ask | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait ``seconds``, then send ``ask`` from the beginning: look up, vet, connect."""

    seconds: float
    ask: Ask


@dataclass(frozen=True, slots=True)
class Read:
    """Read the body into a :class:`~extcal.fetch.body.Body`, then call :meth:`finish`.

    ``spent``: bytes of earlier bodies of this fetch, which count against the same limits.
    ``turned_away``: the answer if the body is no calendar, and the head says why.
    """

    gzipped: bool
    answer: Fetched
    provider: str | None
    spent: int = 0
    turned_away: Accident | Failed | Gone | None = None

    def noting(self, *, unannounced: bool, coded_twice: bool) -> Read:
        """The same, with these irregularities noted.

        ``unannounced``: the body was compressed, and no field said so. ``coded_twice``: its
        transfer coding was named more than once.
        """
        odd = (_UNANNOUNCED,) * unannounced + (_CODED_TWICE,) * coded_twice
        return replace(self, answer=replace(self.answer, problems=self.answer.problems + odd))

    def finish(self, body: bytes | Failed) -> Accident | FetchResponse:
        """The answer for the whole body."""
        if isinstance(body, Failed):
            return body
        failed = failure_of(body, self.provider)
        if failed is None:
            whole = completed(body)
            if whole is None:
                return replace(self.answer, body=body)
            return replace(
                self.answer, body=whole, problems=(*self.answer.problems, _LAST_LINE_CUT)
            )
        turned_away = self.turned_away
        if isinstance(turned_away, Accident) and turned_away.otherwise is not None:
            otherwise = replace(turned_away.otherwise, spent=self.spent + len(body))
            return replace(turned_away, otherwise=otherwise)
        return turned_away or failed

    def rescue(self, body: bytes | Failed) -> Fetched | None:
        """The calendar, if it is complete although the connection broke or timed out; else None."""
        if isinstance(body, Failed) or not (is_whole(body) or completed(body)):
            return None
        found = self.finish(body)
        if not isinstance(found, Fetched):
            return None
        return replace(found, problems=(*found.problems, _ENDED_EARLY))


Step = Ask | Accident | Pause | FetchResponse
"""What a driver does next; after a response the fetch is over."""


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything about one fetch that does not change on the way.

    ``browser_hosts``: the hosts that, as the fetcher has learnt, accept only a browser.
    """

    request: FetchRequest
    policy: UrlPolicy
    limits: Limits
    user_agents: UserAgents
    browser_hosts: frozenset[str] = frozenset()

    def begin(self) -> Ask | FetchResponse:
        """The first step."""
        url = self.request.feed.url.open()
        if len(url.text) > self.limits.max_url_length:
            return failed("blocked_url/length")
        refusal = self.policy.judge(url)
        if refusal is not None:
            return Failed("blocked_url", looks_like=_spoken(refusal))
        headers = self._headers(url, self.browser_hosts, ())
        return Ask(
            url,
            headers,
            browser_hosts=self.browser_hosts,
            credentials=self._credentials(url),
        )

    def is_own(self, url: Url) -> bool:
        """Whether ``url`` has the feed's own origin, the only one that gets its credentials."""
        return url.origin == self.request.feed.url.open().origin

    def blamed(self, ask: Ask, answer: Failed) -> Failed:
        """``answer`` to ``ask``; a failure behind a redirect is none of the feed's own host."""
        return answer if self.is_own(ask.url) else replace(answer, elsewhere=True)

    def _credentials(self, url: Url) -> SealedUrl | None:
        """RFC 7617: from the first request on, to the feed's own origin, and never in clear."""
        sealed = self.request.feed.url
        known = sealed.open_auth() is not None and url.scheme == "https"
        return sealed if known and self.is_own(url) else None

    def _headers(
        self, url: Url, browser_hosts: frozenset[str], cookies: tuple[Cookie, ...]
    ) -> tuple[tuple[str, str], ...]:
        """The header fields of one hop. Of earlier hops only cookies are sent, to their origin."""
        headers = [
            ("Host", url.authority),
            ("User-Agent", self.user_agents.to(url.host, as_browser=url.host in browser_hosts)),
            ("Accept", ACCEPT),
            ("Accept-Encoding", "gzip"),
        ]
        if self.is_own(url):
            headers += self._conditions()
        cookie = cookie_header(cookies, url.origin)
        if cookie is not None:
            headers.append(("Cookie", cookie))
        return tuple(headers)

    def _conditions(self) -> list[tuple[str, str]]:
        """RFC 9110 section 13.1.3: If-Modified-Since is sent only if there is no entity tag."""
        etag, last_modified = self.request.etag, self.request.last_modified
        if etag is not None and ECHOED.fullmatch(etag):
            return [("If-None-Match", etag)]
        if last_modified is not None and ECHOED.fullmatch(last_modified):
            return [("If-Modified-Since", last_modified)]
        return []

    def head(self, ask: Ask, head: Head) -> Read | Step:
        """What the head of the answer to ``ask`` means."""
        status, refusal = head.status, turned_away_by(ask.url, head)
        if status == 200:
            return self._body(ask, head, refusal)
        if refusal is not None:
            return self._otherwise(ask, _turned_away(head, refusal))
        if status >= 400 and "challenge" in head.all("cf-mitigated"):
            # Cloudflare wants to see a person's browser. This says nothing about the calendar.
            return Refused(status, retry_after(head), challenge=True)
        if _owa_errors(head) and not 400 <= status < 500:
            return failed("client_refused", retry_after(head))
        if status in REDIRECTS:
            return self._redirect(ask, head)
        if status == 304:
            return self._not_modified(ask, head)
        if status == 410:
            return Gone(status)
        if 400 <= status < 500:
            return Refused(status, retry_after(head), redirected=not self.is_own(ask.url))
        if 500 <= status < 600:
            answer = failed("server_error", retry_after(head))
            return Accident(ask, answer) if status in ACCIDENTS else answer
        if status in (204, 205):
            return failed("empty")
        if 300 <= status < 400:
            return _NO_SINGLE_ADDRESS
        return _NOBODY_ASKED

    def broken(
        self, ask: Ask, *, reset: bool, reading: bool, heard: bool, ended: bool
    ) -> Accident | Failed:
        """The result for a connection that broke.

        ``reset``: the network broke it; it was not a violation of HTTP by the server. ``reading``:
        the head was read already. ``heard``: at least one byte was received. ``ended``: the server
        closed its side.
        """
        if reset:
            return Accident(ask, _CUT if reading else _NO_ANSWER)
        if reading:
            return _CUT if ended else _NOT_HTTP
        return _NOT_HTTP if heard else Accident(ask, _NO_ANSWER)

    def informed(self, ask: Ask, known: Collection[str]) -> Ask:
        """``ask`` when its turn has come; ``known``: the browser hosts learnt until now."""
        host = ask.url.host
        if ask.switched or host in ask.browser_hosts or host not in known:
            return ask
        browser_hosts = ask.browser_hosts | {host}
        headers = self._headers(ask.url, browser_hosts, ask.cookies)
        return replace(ask, headers=headers, browser_hosts=browser_hosts)

    def try_again(
        self, accident: Accident, *, left: float, chance: float
    ) -> Ask | Pause | Failed | Gone:
        """A second try after an accident, if ``left`` seconds are enough; ``chance`` is in [0, 1).

        An Ask is sent at once. After a Pause the hop begins again, so that its name is looked up
        and judged once more. If the server asks to wait longer (Retry-After), there is no second
        try.
        """
        ask, answer = accident.ask, accident.answer
        asked_for = 0.0 if isinstance(answer, Gone) else answer.retry_after or 0.0
        if accident.otherwise is not None:
            # No pause unless the server asks for one: a refused User-Agent is no temporary failure.
            if asked_for > min(LONGEST_PAUSE, left):
                return answer
            return Pause(asked_for, accident.otherwise) if asked_for else accident.otherwise
        seconds = max(SHORTEST_PAUSE + chance * (LONGEST_PAUSE - SHORTEST_PAUSE), asked_for)
        once = ask.again or not self.request.again
        if once or asked_for > LONGEST_PAUSE or seconds + WORTH_TRYING > left:
            return answer
        return Pause(seconds, replace(ask, again=True))

    def _otherwise(self, ask: Ask, answer: Failed | Gone) -> Accident | Failed | Gone:
        """``answer``, unless the same fetch can ask once more with another User-Agent.

        If a host was asked as a browser, the other one is the usual one, because the host may have
        changed since the fetcher learnt that it accepts only a browser.
        """
        browser_hosts = ask.browser_hosts ^ {ask.url.host}
        headers = self._headers(ask.url, browser_hosts, ask.cookies)
        if ask.switched or headers == ask.headers:
            return answer
        other = replace(ask, headers=headers, browser_hosts=browser_hosts, switched=True)
        return Accident(ask, answer, other)

    def _not_modified(self, ask: Ask, head: Head) -> FetchResponse:
        if any(name in ("If-None-Match", "If-Modified-Since") for name, _ in ask.headers):
            return NotModified(as_browser=ask.url.host in ask.browser_hosts, age=age_of(head))
        return _NOBODY_ASKED

    def _body(self, ask: Ask, head: Head, refusal: str | None) -> Read | FetchResponse:
        named = [word for word in head.all("content-encoding") if word != "identity"]
        encodings = [word for word in named if word in _COMPRESSIONS]
        if encodings not in ([], ["gzip"], ["x-gzip"]):
            return failed("bad_encoding/unasked")
        length = head.get("content-length") or ""
        if SECONDS.fullmatch(length) and ask.spent + int(length) > self.limits.max_wire_bytes:
            return failed("too_large")
        moved = ask.hops > 0 and ask.permanent
        # A validator is kept only from the feed's own origin, the one to which it is sent back.
        own = self.is_own(ask.url)
        answer = Fetched(
            b"",
            etag=validator(head, "etag") if own else None,
            last_modified=validator(head, "last-modified") if own else None,
            moved_to=fingerprint_of(ask.url) if moved else None,
            as_browser=ask.url.host in ask.browser_hosts,
            age=age_of(head),
            problems=(_NO_COMPRESSION,) if encodings != named else (),
        )
        away: Accident | Failed | Gone | None = None
        if refusal is not None:
            away = self._otherwise(ask, _turned_away(head, refusal))
        elif _owa_errors(head):
            away = _turned_away(head, "header")
        return Read(bool(encodings), answer, provider_of(ask.url), ask.spent, away)

    def _redirect(self, ask: Ask, head: Head) -> Ask | FetchResponse:
        """RFC 9110 section 15.4, every hop judged from the beginning."""
        if _error_pages(head):
            return failed("client_refused", retry_after(head))
        location = head.get("location")
        if not location:
            return failed("redirect_refused/nowhere")
        if len({value for name, value in head.fields if name == "location"}) > 1:
            return _NO_SINGLE_ADDRESS
        url = resolve_reference(ask.url, location)
        if isinstance(url, Refusal) or len(url.text) > self.limits.max_url_length:
            return failed("redirect_refused/no-address")
        if url.host in _SIGN_IN_HOSTS:
            return sign_in_page(provider_of(ask.url))
        if ask.url.scheme == "https" and url.scheme != "https":
            # Some servers redirect to http and from there back to https. So https is asked at once.
            secure = replace(url, scheme="https", port=443)
            here = url.host == ask.url.host and url.port == 80
            if not here or secure == ask.url:
                return failed("redirect_refused/http")
            url = secure
        if self.policy.judge(url) is not None:
            return failed("redirect_refused/policy")
        if ask.hops >= self.limits.max_redirects:
            return failed("too_many_redirects")
        permanent = ask.permanent and head.status in PERMANENT
        browser_hosts = ask.browser_hosts
        if ask.url.host in browser_hosts and {ask.url.host, url.host} <= MICROSOFT_CLOUDS.keys():
            browser_hosts |= {url.host}  # Microsoft's hosts all refuse the same User-Agents
        cookies = with_cookies(ask.cookies, ask.url.origin, head)
        return replace(
            ask,
            url=url,
            headers=self._headers(url, browser_hosts, cookies),
            hops=ask.hops + 1,
            cookies=cookies,
            permanent=permanent,
            browser_hosts=browser_hosts,
            credentials=self._credentials(url),
        )

    def learnt(self, ask: Ask, step: object) -> dict[str, bool]:
        """The hosts about which the answer to ``ask`` showed whether they accept only a browser.

        Only a calendar, a 304, and a redirect that is followed show that.
        """
        if not isinstance(step, Fetched | NotModified | Ask):
            return {}
        changed = ask.browser_hosts ^ self.browser_hosts
        return {host: host in ask.browser_hosts for host in sorted(changed)}


def address_refused(refusal: Refusal) -> Failed:
    """The answer when a name led to an address that the policy refuses."""
    kind = "dns" if refusal.kind == "dns-empty" else "blocked_address"
    return Failed(kind, looks_like=_spoken(refusal))


def _spoken(refusal: Refusal) -> str:
    return f"{refusal.message} {refusal.advice}"


def turned_away_by(url: Url, head: Head) -> str | None:
    """How a server of Microsoft's refused a program for its User-Agent; None if it did not.

    ``"header"``: X-OWA-Error contains "Unsupported". ``"redirect"``: to the page errorfe.aspx, with
    OwaBasicUnsupportedException in its query. ``"500"``: one of Microsoft's own hosts answered 500
    without any reason, which can also be an error of the server.
    """
    reasons = _owa_errors(head)
    if head.status != 304 and any("unsupported" in _decoded(reason) for reason in reasons):
        return "header"
    pages = _error_pages(head)
    if pages:
        named = any("owabasicunsupportedexception" in _decoded(page) for page in pages)
        return "redirect" if named else None
    bare = head.status == 500 and not reasons and url.host in MICROSOFT_CLOUDS
    return "500" if bare else None


def _owa_errors(head: Head) -> list[str]:
    """The errors that Exchange names in its header field; empty fields are left out."""
    return [value for name, value in head.fields if name == "x-owa-error" and value.strip()]


def _error_pages(head: Head) -> list[str]:
    """The addresses of Exchange's error page to which this redirects, without scheme and host.

    They are searched as text and not parsed, because the redirect is not followed. So an invalid
    address ("...&refurl=a|b") counts, too.
    """
    if head.status not in REDIRECTS:
        return []
    locations = [value.strip() for name, value in head.fields if name == "location"]
    pages = [_AUTHORITY.sub("", location, count=1) for location in locations]
    return [page for page in pages if _ERROR_PAGE in _path_of(page)]


def _path_of(reference: str) -> str:
    path = re.split(r"[?#]", reference, maxsplit=1)[0]
    return _decoded("/" + path).replace("\\", "/")


def _turned_away(head: Head, refusal: str) -> Failed | Gone:
    if head.status == 410:
        return Gone(head.status)
    # Retry-After of a redirect is for the redirected request (section 10.2.3), so it is ignored.
    wait = None if head.status in REDIRECTS else retry_after(head)
    return failed("server_error/microsoft" if refusal == "500" else "client_refused", wait)


def _decoded(text: str) -> str:
    """In lower case, and without percent-encoding, which may have been applied twice."""
    return unquote(unquote(text)).lower()
