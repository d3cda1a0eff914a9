"""The request of the cache to a fetcher, and the closed list of answers.

A fetcher has one method. It returns an answer, and never raises because of a server, a network or
an address. The cache decides what an answer means for freshness. The only time here is the number
of seconds that a request may take. Nothing here shows an address.
"""

from __future__ import annotations

from types import NoneType

from extcal._former_modules import loads_earlier_pickles
from extcal.arguments import count_of, flag_of, made_discreetly, one_of_type
from extcal.errors import Problem
from extcal.fetch.feed import Feed
from extcal.limits import Limits
from extcal.messages import kind_of
from extcal.messages.answers import HINTS
from extcal.values import dataclass, field

__all__ = [
    "FAILURE_KINDS",
    "Failed",
    "FetchRequest",
    "FetchResponse",
    "Fetched",
    "Gone",
    "NotModified",
    "Refused",
    "failed",
]

FAILURE_KINDS = frozenset(
    {
        "bad_encoding",  # compressed in a way that was not requested, or damaged
        "blocked_address",  # the host's name led to an address the policy refuses
        "blocked_url",  # the policy refuses scheme, port or host
        "client_refused",  # the provider refuses this User-Agent
        "connect",
        "dns",
        "empty",
        "fetcher_error",  # an error in the fetcher itself
        "html",
        "json",
        "not_a_calendar",
        "not_found_file",
        "protocol",  # the answer is not HTTP
        "redirect_refused",
        "server_error",  # 5xx
        "timeout",
        "tls",
        "too_large",
        "too_many_redirects",
        "truncated",
    }
)
"""Every word :attr:`Failed.kind` can be."""


_TEXT = (str, NoneType)
_SECONDS = (int, float, NoneType)


@loads_earlier_pickles
@made_discreetly
@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One question to a source.

    ``etag`` and ``last_modified`` are the validators of the stored snapshot, byte for byte as the
    source sent them, or None. ``deadline`` is the number of seconds the whole answer may take,
    from the look-up of the name to the last byte. ``limits`` bounds sizes and redirects. ``again``:
    whether the fetcher may ask a second time after an accident such as a reset; not if the last
    fetch failed, so that a source in trouble is not asked twice as often.
    """

    feed: Feed
    etag: str | None = None
    last_modified: str | None = None
    deadline: float = 20.0
    limits: Limits = field(default_factory=Limits)
    again: bool = field(default=True, repr=False)

    def __post_init__(self) -> None:
        one_of_type("feed", self.feed, Feed, "a Feed")
        one_of_type("etag", self.etag, _TEXT, "a str or None")
        one_of_type("last_modified", self.last_modified, _TEXT, "a str or None")
        one_of_type("deadline", self.deadline, (int, float), "a number of seconds")
        one_of_type("limits", self.limits, Limits, "Limits")
        flag_of("again", self.again)


@loads_earlier_pickles
@made_discreetly
@dataclass(frozen=True, slots=True)
class Fetched:
    """A body that begins like a calendar.

    ``etag`` and ``last_modified`` are the source's validators. ``moved_to`` is the fingerprint of
    the new address, if every redirect was permanent. Tell the user; the stored address is not
    replaced. ``as_browser``: whether the source was asked as :attr:`UserAgents.browser
    <extcal.fetch.UserAgents>`, because it accepts nothing else. ``age``: how many seconds ago an
    HTTP cache on the way got this from the source (the Age header, RFC 9111 section 5.1); 0 without
    this header. ``problems``: irregularities of the answer, although the calendar in it is
    complete. ``tries``: how many requests it took, 2 after an accident.
    """

    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None
    as_browser: bool = field(default=False, compare=False)
    age: float = 0.0
    problems: tuple[Problem, ...] = ()
    tries: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        one_of_type("body", self.body, bytes, "bytes")
        one_of_type("etag", self.etag, _TEXT, "a str or None")
        one_of_type("last_modified", self.last_modified, _TEXT, "a str or None")
        one_of_type("moved_to", self.moved_to, _TEXT, "a fingerprint or None")
        flag_of("as_browser", self.as_browser)
        _age_of(self.age)
        count_of("tries", self.tries)
        for problem in one_of_type("problems", self.problems, tuple, "a tuple of Problems"):
            one_of_type("problems", problem, Problem, "a tuple of Problems")

    def __repr__(self) -> str:
        return f"<Fetched {len(self.body)} bytes>"


@loads_earlier_pickles
@made_discreetly
@dataclass(frozen=True, slots=True)
class NotModified:
    """The stored snapshot is still current; the fields are those of :class:`Fetched`."""

    as_browser: bool = field(default=False, compare=False, repr=False)
    age: float = field(default=0.0, repr=False)
    tries: int = field(default=1, compare=False, repr=False)

    def __post_init__(self) -> None:
        flag_of("as_browser", self.as_browser)
        _age_of(self.age)
        count_of("tries", self.tries)


@made_discreetly
@dataclass(frozen=True, slots=True)
class Gone:
    """The source says that the feed was removed permanently (410)."""

    status: int = 410

    def __post_init__(self) -> None:
        count_of("status", self.status)


@loads_earlier_pickles
@made_discreetly
@dataclass(frozen=True, slots=True)
class Refused:
    """A status 4xx other than 410. ``retry_after``: seconds that the source asked to wait, or
    None.

    ``redirected``: the feed's own host did not refuse, but one that it redirected to.
    ``challenge``: a protection of the site wants to see a person's browser, with any status. That
    says nothing about the calendar.
    """

    status: int
    retry_after: float | None = None
    redirected: bool = field(default=False, compare=False, repr=False)
    challenge: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        count_of("status", self.status)
        one_of_type("retry_after", self.retry_after, _SECONDS, "a number of seconds or None")
        flag_of("redirected", self.redirected)
        flag_of("challenge", self.challenge)


@loads_earlier_pickles
@made_discreetly
@dataclass(frozen=True, slots=True)
class Failed:
    """There was no usable answer.

    ``kind`` is one of :data:`FAILURE_KINDS`. ``retry_after``: seconds that the source asked to
    wait, or None. ``looks_like`` says in one sentence what the answer seems to be and what the user
    can do about it. The sentence is one of a fixed list, and contains no text of the server.
    ``tries``: how many requests it took. ``elsewhere``: the failure says nothing about the feed's
    own host, because it happened behind a redirect to another origin, or because this process had
    no place left to ask.
    """

    kind: str
    retry_after: float | None = None
    looks_like: str | None = None
    tries: int = field(default=1, compare=False, repr=False)
    elsewhere: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        flag_of("elsewhere", self.elsewhere)
        if one_of_type("kind", self.kind, str, "one of FAILURE_KINDS") not in FAILURE_KINDS:
            raise ValueError(f"kind takes one of FAILURE_KINDS, and {self.kind!r} is none of them")
        one_of_type("retry_after", self.retry_after, _SECONDS, "a number of seconds or None")
        one_of_type("looks_like", self.looks_like, _TEXT, "a sentence or None")


def failed(key: str, retry_after: float | None = None) -> Failed:
    """The failure whose words are under ``key`` in :mod:`extcal.messages.answers`."""
    return Failed(kind_of(key), retry_after, HINTS[key])


FetchResponse = Fetched | NotModified | Gone | Refused | Failed
"""One of the five answers of a fetcher."""


def _age_of(age: float) -> None:
    takes = "a number of seconds, 0 or more"
    one_of_type("age", age, (int, float), takes)
    if not 0 <= age < float("inf"):
        raise ValueError(f"age takes {takes}")
