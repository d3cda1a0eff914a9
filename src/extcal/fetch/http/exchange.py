"""The decisions of a fetch: what to send, what an answer's head means, where to go next.

A request in, an :class:`Ask` out; a head in, another Ask, a :class:`Read`, an :class:`Accident` or
a final answer out; an accident in, a :class:`Pause` or a final answer out. Pure: no I/O, no clock,
no chance, no threads, so that the drivers for threads and for tasks share every decision. Nothing
in an answer repeats what a server wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from importlib import import_module

from extcal.fetch.address.providers import provider_of
from extcal.fetch.address.url import Refusal, Url, resolve_reference
from extcal.fetch.body import failure_of, sign_in_page
from extcal.fetch.feed import fingerprint_of
from extcal.fetch.policy import UrlPolicy
from extcal.fetch.protocol import (
    Failed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Gone,
    NotModified,
    Refused,
)
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
    "default_user_agent",
]

# Where a publisher can read who asks; the documentation's address in pyproject.toml is the same.
ABOUT = "https://extcal.readthedocs.io/"
ACCEPT = "text/calendar, text/plain;q=0.5, */*;q=0.1"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
ACCIDENTS = frozenset({502, 503, 504})  # a gateway's words for "not just now"
SHORTEST_PAUSE = 0.5  # seconds before the one other try; up to one more second is left to chance
LONGEST_PAUSE = 1.5
WORTH_TRYING = 1.0  # with fewer seconds left, another try would only turn its answer into a timeout
_SIGN_IN_HOSTS = frozenset(
    {
        "accounts.google.com",
        "login.live.com",
        "login.microsoftonline.com",
        "login.microsoftonline.us",
    }
)
# RFC 9110 section 5.5, and no longer than anybody's validator: what is echoed must be harmless.
_ECHOED = re.compile(r"[\x20-\x7e]{1,1024}")
_SECONDS = re.compile(r"[0-9]{1,10}")

_FAULT = "The server has a fault of its own."
_NOBODY_ASKED = Failed("protocol", looks_like="The server answered something nobody asked for.")
_NOT_HTTP = Failed("protocol", looks_like="What the server answered is not HTTP.")
_NO_ANSWER = Failed("connect", looks_like="The server closed the connection without an answer.")
_CUT = Failed("truncated", looks_like="The answer broke off before its end.")
_NO_SINGLE_ADDRESS = Failed(
    "redirect_refused", looks_like="The server names no single new address."
)

_CLIENT_REFUSED = (
    "Microsoft turns this program away by its User-Agent; the calendar itself may be fine. Another"
    " one can be set with HttpFetcher(user_agent=...)."
)


def default_user_agent() -> str:
    """Who asks, honestly (RFC 9110 section 10.1.5)."""
    # By name: the face knows every room, and this room must know none to its right.
    version = import_module("extcal").__version__
    return f"extcal/{version} (+{ABOUT})"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer: status and header fields in order, names in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"<Head {self.status}>"

    @classmethod
    def from_raw(cls, status: int, raw: list[tuple[bytes, bytes]]) -> Head:
        """Read header fields as they came; RFC 9110 section 5.5 calls their bytes opaque."""
        pairs = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw)
        return cls(status, tuple(pairs))

    def get(self, name: str) -> str | None:
        """The first field of that name, trimmed."""
        return next((value.strip() for key, value in self.fields if key == name), None)

    def all(self, name: str) -> list[str]:
        """The members of a comma-separated field, over all its lines (section 5.6.1)."""
        values = ",".join(value for key, value in self.fields if key == name)
        return [member.strip().lower() for member in values.split(",") if member.strip()]


@dataclass(frozen=True, slots=True)
class Ask:
    """Send GET for ``url`` with ``headers``, and come back with the head."""

    url: Url
    headers: tuple[tuple[str, str], ...]
    hops: int = 0
    permanent: bool = True
    again: bool = False

    def __repr__(self) -> str:
        return f"<Ask {self.url!r}>"


@dataclass(frozen=True, slots=True)
class Accident:
    """An answer that one more try may better: a reset, silence, a gateway that is not ready."""

    ask: Ask
    answer: Failed


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait ``seconds``, then send ``ask`` from the beginning: look up, vet, connect."""

    seconds: float
    ask: Ask


@dataclass(frozen=True, slots=True)
class Read:
    """Read the body into a :class:`~extcal.fetch.body.Body`, and come back with its bytes."""

    gzipped: bool
    answer: Fetched
    provider: str | None
    refuses_clients: bool = False

    def finish(self, body: bytes | Failed) -> FetchResponse:
        """What the whole body amounts to."""
        if isinstance(body, Failed):
            return body
        failed = failure_of(body, self.provider)
        if failed is None:
            return replace(self.answer, body=body)
        if self.refuses_clients:
            return Failed("client_refused", looks_like=_CLIENT_REFUSED)
        return failed


Step = Ask | Accident | Pause | FetchResponse
"""What a driver does next; a response is the end."""


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything about one fetch that does not change on the way."""

    request: FetchRequest
    policy: UrlPolicy
    limits: Limits
    user_agent: str

    def begin(self) -> Ask | FetchResponse:
        """The first step."""
        url = self.request.feed.url.open()
        if len(url.text) > self.limits.max_url_length:
            return Failed("blocked_url", looks_like="The address is longer than is fetched.")
        refusal = self.policy.judge(url)
        if refusal is not None:
            return Failed("blocked_url", looks_like=_spoken(refusal))
        return Ask(url, self._headers(url))

    def _headers(self, url: Url) -> tuple[tuple[str, str], ...]:
        """A fresh set for every hop: nothing a hop said is carried to the next one."""
        headers = [
            ("Host", url.authority),
            ("User-Agent", self.user_agent),
            ("Accept", ACCEPT),
            ("Accept-Encoding", "gzip"),
            ("Connection", "close"),
        ]
        if url.origin == self.request.feed.url.open().origin:
            headers += self._conditions()
        return tuple(headers)

    def _conditions(self) -> list[tuple[str, str]]:
        """RFC 9110 section 13.1.3: If-Modified-Since is for those without an entity tag."""
        etag, last_modified = self.request.etag, self.request.last_modified
        if etag is not None and _ECHOED.fullmatch(etag):
            return [("If-None-Match", etag)]
        if last_modified is not None and _ECHOED.fullmatch(last_modified):
            return [("If-Modified-Since", last_modified)]
        return []

    def head(self, ask: Ask, head: Head) -> Read | Step:
        """What the head of the answer to ``ask`` means."""
        status = head.status
        refuses_clients = _refuses_clients(head)
        provider = provider_of(ask.url)
        if status == 200:
            return self._body(ask, head, provider, refuses_clients)
        microsoft = provider == "outlook" and status == 500
        if refuses_clients or microsoft:
            return Failed("client_refused", retry_after(head), _CLIENT_REFUSED)
        if status in REDIRECTS:
            return self._redirect(ask, head)
        if status == 304:
            return self._not_modified(ask)
        if status == 410:
            return Gone(status)
        if 400 <= status < 500:
            return Refused(status, retry_after(head))
        if 500 <= status < 600:
            failed = Failed("server_error", retry_after(head), _FAULT)
            return Accident(ask, failed) if status in ACCIDENTS else failed
        if status in (204, 205):
            return Failed("empty", looks_like="The answer is empty.")
        if 300 <= status < 400:
            return _NO_SINGLE_ADDRESS
        return _NOBODY_ASKED

    def broken(
        self, ask: Ask, *, reset: bool, reading: bool, heard: bool, ended: bool
    ) -> Accident | Failed:
        """What a connection that broke comes to.

        ``reset``: the network broke it, not a peer that speaks wrongly. ``reading``: the head was
        read already. ``heard``: the server said anything at all. ``ended``: it said its last byte.
        """
        if reset:
            return Accident(ask, _CUT if reading else _NO_ANSWER)
        if reading:
            return _CUT if ended else _NOT_HTTP
        return _NOT_HTTP if heard else Accident(ask, _NO_ANSWER)

    def try_again(self, accident: Accident, *, left: float, chance: float) -> Pause | Failed:
        """One other try for an accident, if ``left`` seconds allow; ``chance`` is in [0, 1).

        The hop begins anew, so that its name is looked up and judged once more. A server that asks
        to wait longer (Retry-After) is left alone.
        """
        ask, answer = accident.ask, accident.answer
        asked_for = answer.retry_after or 0.0
        seconds = max(SHORTEST_PAUSE + chance * (LONGEST_PAUSE - SHORTEST_PAUSE), asked_for)
        if ask.again or asked_for > LONGEST_PAUSE or seconds + WORTH_TRYING > left:
            return answer
        return Pause(seconds, replace(ask, again=True))

    def _not_modified(self, ask: Ask) -> FetchResponse:
        if any(name in ("If-None-Match", "If-Modified-Since") for name, _ in ask.headers):
            return NotModified()
        return _NOBODY_ASKED

    def _body(
        self, ask: Ask, head: Head, provider: str | None, refuses_clients: bool
    ) -> Read | FetchResponse:
        encodings = [word for word in head.all("content-encoding") if word != "identity"]
        if encodings not in ([], ["gzip"], ["x-gzip"]):
            return Failed(
                "bad_encoding", looks_like="The answer is compressed as nobody asked for."
            )
        length = head.get("content-length") or ""
        if _SECONDS.fullmatch(length) and int(length) > self.limits.max_wire_bytes:
            return Failed("too_large", looks_like="The calendar is larger than is read.")
        moved = ask.hops > 0 and ask.permanent
        # A validator goes back only to the origin that issued it, and that is the feed's own.
        own = ask.url.origin == self.request.feed.url.open().origin
        answer = Fetched(
            b"",
            etag=_validator(head, "etag") if own else None,
            last_modified=_validator(head, "last-modified") if own else None,
            moved_to=fingerprint_of(ask.url) if moved else None,
        )
        return Read(bool(encodings), answer, provider, refuses_clients)

    def _redirect(self, ask: Ask, head: Head) -> Ask | FetchResponse:
        """RFC 9110 section 15.4, every hop judged from the beginning."""
        location = head.get("location")
        if not location:
            return Failed("redirect_refused", looks_like="The server redirects, but not anywhere.")
        if len({value for name, value in head.fields if name == "location"}) > 1:
            return _NO_SINGLE_ADDRESS
        url = resolve_reference(ask.url, location)
        if isinstance(url, Refusal) or len(url.text) > self.limits.max_url_length:
            return Failed("redirect_refused", looks_like="The server redirects to no web address.")
        if url.path.lower().endswith("/errorfe.aspx"):
            return Failed("client_refused", retry_after(head), _CLIENT_REFUSED)
        if url.host in _SIGN_IN_HOSTS:
            return sign_in_page(provider_of(ask.url))
        if ask.url.scheme == "https" and url.scheme != "https":
            return Failed("redirect_refused", looks_like="The server redirects to plain http.")
        if self.policy.judge(url) is not None:
            return Failed(
                "redirect_refused", looks_like="The server redirects to where nothing is fetched."
            )
        if ask.hops >= self.limits.max_redirects:
            return Failed("too_many_redirects", looks_like="The server redirects again and again.")
        permanent = ask.permanent and head.status in PERMANENT
        return Ask(url, self._headers(url), ask.hops + 1, permanent, ask.again)


def address_refused(refusal: Refusal) -> Failed:
    """The answer when a name led to where the policy does not go."""
    kind = "dns" if refusal.kind == "dns-empty" else "blocked_address"
    return Failed(kind, looks_like=_spoken(refusal))


def _spoken(refusal: Refusal) -> str:
    return f"{refusal.message} {refusal.advice}"


def _refuses_clients(head: Head) -> bool:
    """Outlook's own word for a User-Agent it does not like; 4xx may have other reasons for it."""
    reason = head.get("x-owa-error")
    if reason is None or head.status == 410:
        return False
    return "unsupported" in reason.lower() or not 400 <= head.status < 500


def _validator(head: Head, name: str) -> str | None:
    value = head.get(name)
    return value if value is not None and _ECHOED.fullmatch(value) else None


def retry_after(head: Head) -> float | None:
    """Seconds the server asks to wait (RFC 9110 section 10.2.3), or None.

    A date is measured against the answer's own Date, so that no clock of ours is asked.
    """
    value = head.get("retry-after")
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        wait = until - parsedate_to_datetime(head.get("date") or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return max(wait, timedelta(0)).total_seconds()
