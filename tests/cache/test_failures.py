"""What is known is not lost when a source cannot be read; an error never looks like no events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from extcal import (
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    Gone,
    Limits,
    NotModified,
    Refresh,
    Refused,
    State,
    Unavailable,
)
from extcal.cache.freshness.failures import failure, unavailable, unreadable
from extcal.cache.freshness.values import Failure
from extcal.fetch import FAILURE_KINDS
from extcal.messages.unavailable import REASONS
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def raising(request: FetchRequest) -> str:
    raise RuntimeError("https://calendar.example.org/ical/SECRET-7f3a/basic.ics is broken")


UNREADABLE = [
    pytest.param(Refused(404), "not_found", id="404"),
    pytest.param(Refused(401), "unauthorized", id="401"),
    pytest.param(Refused(403), "forbidden", id="403"),
    pytest.param(Refused(429), "rate_limited", id="429"),
    pytest.param(Refused(418), "refused", id="418"),
    pytest.param(Failed("server_error"), "server_error", id="500"),
    pytest.param(Failed("timeout"), "timeout", id="timeout"),
    pytest.param("<!DOCTYPE html><title>Sign in</title>", "not_a_calendar", id="html-200"),
    pytest.param(b"", "not_a_calendar", id="empty-body"),
    pytest.param(b"\x00\xff" * 50, "not_a_calendar", id="noise"),
    pytest.param(raising, "fetcher_error", id="raises"),
    pytest.param(lambda request: None, "fetcher_error", id="wrong-type"),
    pytest.param(NotModified(), "protocol", id="304-unasked"),
    pytest.param(lambda request: Fetched(3), "fetcher_error", id="wrong-body"),  # type: ignore[arg-type]
]


class Odd:
    """A host's own fetcher, with mistakes in it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def fetch(self, request: FetchRequest) -> object:
        return self.answer(request) if callable(self.answer) else self.answer


def answering(answer: object) -> object:
    if isinstance(answer, (str, bytes)):
        return Fetched(answer.encode() if isinstance(answer, str) else answer)
    return answer


@pytest.mark.parametrize(("answer", "kind"), UNREADABLE)
def test_the_last_good_reading_is_served_flagged(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    url: str,
    body: str,
    answer: object,
    kind: str,
) -> None:
    """For 24 hours to the second, with its age and the reason; then Unavailable."""
    source = Odd(Fetched(body.encode()))
    calendars = make(fetcher=source)
    good = calendars.get(url)
    source.answer = answering(answer)
    clock.advance(31 * MINUTE)
    stale = calendars.get(url)
    assert (stale.state, stale.last_error) == (State.ERROR_STALE, kind)
    assert (stale.free_busy, stale.events) == (good.free_busy, good.events)
    assert stale.fetched_at == good.fetched_at
    # Without refusals piling up to "gone", a day passes.
    source.answer = Failed("connect")
    clock.set(good.fetched_at + 24 * HOUR)
    assert calendars.get(url).fetched_at == good.fetched_at
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(Unavailable):
        calendars.get(url)


@pytest.mark.parametrize(("answer", "kind"), UNREADABLE)
def test_unavailable_when_nothing_is_known(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    url: str,
    body: str,
    answer: object,
    kind: str,
) -> None:
    """A typed error with advice; it is raised again without a request until the next try is due."""
    asked: list[FetchRequest] = []
    source = Odd(answering(answer))

    def fetch(request: FetchRequest) -> object:
        asked.append(request)
        return source.fetch(request)

    calendars = make(fetcher=Odd(fetch))
    with pytest.raises(Unavailable) as raised:
        calendars.get(url)
    assert raised.value.kind == kind
    assert raised.value.advice
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    once = len(asked)
    # Networks heal by themselves; a wrong address waits for a person.
    patience = {"rate_limited": 5 * MINUTE, "server_error": MINUTE, "timeout": MINUTE}
    patience |= dict.fromkeys(("not_found", "unauthorized", "forbidden"), HOUR)
    patience |= dict.fromkeys(("fetcher_error", "protocol", "refused", "unreadable"), MINUTE)
    clock.advance(patience.get(kind, 10 * MINUTE) - timedelta(microseconds=1))
    with pytest.raises(Unavailable) as again:
        calendars.get(url)
    assert (again.value.kind, len(asked)) == (kind, once)
    source.answer = Fetched(body.encode())
    clock.advance(timedelta(microseconds=1))
    assert calendars.get(url).state is State.FRESH
    assert len(asked) == once + 1


def test_a_404_that_lasts_is_gone(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Refused for a day: the owner meant it, and the calendar is no longer shown.

    The host hears why each attempt came to nothing, as callers do.
    """
    heard: list[Refresh] = []
    fetcher = FakeFetcher({url: [body, Refused(404), Refused(404), Refused(404), body]})
    calendars = make(fetcher=fetcher, on_refresh=heard.append)
    calendars.get(url)
    for hours in (1, 22):
        clock.advance(hours * HOUR)
        assert calendars.get(url).last_error == "not_found"
    clock.advance(2 * HOUR)
    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            calendars.get(url)
        assert raised.value.kind == "gone"
    assert fetcher.count() == 4
    clock.advance(24 * HOUR)
    assert calendars.get(url).state is State.FRESH
    calendars.close()
    assert [each.error for each in heard] == [None, "not_found", "not_found", "gone", None]


def test_each_try_of_a_fetch_counts_as_a_request(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """A fetch that asked seven times has used up what may be asked in a day beyond the usual."""
    fetcher = FakeFetcher({url: [Failed("connect", tries=7), Failed("connect")]})
    calendars = make(fetcher=fetcher)
    for minutes, count in ((0, 1), (29, 1), (30, 2)):
        clock.set(f"2027-01-04T08:{minutes:02}Z")
        with pytest.raises(Unavailable):
            calendars.get(url)
        assert fetcher.count() == count


def test_requests_are_counted_and_whether_they_carried_validators(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """A refusal is one request; and one that came of validators is not provoked again at once."""
    whole = Fetched(body.encode(), etag='"1"', tries=3)
    fetcher = FakeFetcher({url: [whole, Refused(412), whole]})
    calendars = make(fetcher=fetcher)
    early = []
    for _ in range(4):
        calendars.get(url)
        known = calendars._repository.load(calendars._repository.keys(Feed(url)))
        early.append(len(known.attempts.early))
        clock.advance(31 * MINUTE)
    assert early == [2, 2, 4, 6]
    assert [request.etag for request in fetcher.requests] == [None, '"1"', None, None]


def test_410_is_gone_at_once_until_somebody_refreshes(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """It is not asked for again for a day, unless a person does."""
    fetcher = FakeFetcher({url: [body, Gone(410), body]})
    calendars = make(fetcher=fetcher)
    calendars.get(url)
    clock.advance(31 * MINUTE)
    with pytest.raises(Unavailable, match="no longer published"):
        calendars.get(url)
    clock.advance(23 * HOUR)
    with pytest.raises(Unavailable):
        calendars.get(url)
    assert fetcher.count() == 2
    assert calendars.refresh(url).state is State.FRESH
    assert calendars.get(url).state is State.FRESH


def test_retry_after_holds_for_everybody_who_reads_the_address(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Back-off belongs to the URL: another zone is no excuse to ask again."""
    fetcher = FakeFetcher({url: Refused(429, retry_after=7200)})
    calendars = make(fetcher=fetcher)
    for feed in (Feed(url), Feed(url, timezone="Asia/Tokyo"), Feed(url, detail="busy")):
        with pytest.raises(Unavailable):
            calendars.get(feed)
        with pytest.raises(Unavailable):
            calendars.refresh(feed)
    clock.advance(2 * HOUR - timedelta(microseconds=1))
    with pytest.raises(Unavailable):
        calendars.refresh(url)
    assert fetcher.count() == 1
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(Unavailable):
        calendars.get(url)
    assert fetcher.count() == 2


def test_the_fetchers_own_advice_is_passed_on(make: Callable[..., CalendarCache], url: str) -> None:
    """What a fetcher says about a page helps its user; an address in it does not."""
    advice = "This is a page with a calendar on it. Look for the link that ends in .ics."
    for said, expected in ((advice, advice), (f"see {url}", None)):
        calendars = make(fetcher=FakeFetcher({url: Failed("html", looks_like=said)}))
        with pytest.raises(Unavailable) as raised:
            calendars.get(url)
        assert (raised.value.advice == expected) is (expected is not None)
        assert "SECRET" not in str(raised.value)


def test_what_a_fetcher_only_states_is_followed_by_what_to_do(
    make: Callable[..., CalendarCache], url: str
) -> None:
    """One sentence says what it is; nobody is left without the other."""
    stated = "The name of the server is not known."
    with pytest.raises(Unavailable) as raised:
        make(fetcher=FakeFetcher({url: Failed("dns", looks_like=stated)})).get(url)
    assert raised.value.advice == f"{stated} {unavailable('dns').advice}"


def test_a_mistake_of_ours_is_one_more_way_of_failing(
    make: Callable[..., CalendarCache], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever reading stumbles over costs this feed its reading, and nobody an exception."""

    def stumble(*given: object, **named: object) -> None:
        raise KeyError("a body nobody thought of")

    monkeypatch.setattr("extcal.cache.snapshot.reading.expand", stumble)
    with pytest.raises(Unavailable, match="report it") as raised:
        make().get(url)
    assert raised.value.kind == "unreadable"


@pytest.mark.parametrize(
    ("response", "signed_in", "expected"),
    [
        (Gone(), False, Failure("gone", 410)),
        (Refused(401), False, Failure("unauthorized", 401)),
        (Refused(401), True, Failure("wrong_password", 401)),
        (Refused(403), True, Failure("forbidden", 403)),
        (Refused(404, 60.0), False, Failure("not_found", 404, 60.0)),
        (Refused(410), False, Failure("gone", 410)),
        (Refused(429, 60.0), False, Failure("rate_limited", 429, 60.0)),
        (Refused(418), True, Failure("refused", 418)),
        (Refused(403, 60.0, challenge=True), True, Failure("challenge", None, 60.0)),
        (Failed("timeout"), False, Failure("timeout")),
        (Failed("server_error", retry_after=60.0), False, Failure("server_error", None, 60.0)),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_each_answer_means(
    response: Gone | Refused | Failed, signed_in: bool, expected: Failure
) -> None:
    """A challenge says nothing about the calendar, so its status is not learnt from."""
    assert failure(response, signed_in=signed_in) == expected
    if not signed_in:
        assert failure(response) == expected


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("It is a web page.", True),
        ("x" * 300, True),
        ("x" * 301, False),
        ("See https://calendar.example.org/SECRET", False),
        ("two\nlines", False),
        (None, False),
    ],
)
def test_a_fetchers_own_sentence_is_short_and_holds_no_address(
    said: str | None, kept: bool
) -> None:
    assert failure(Failed("html", looks_like=said)).hint == (said if kept else None)


def test_every_kind_has_words() -> None:
    """Every way a fetcher can fail is said in a sentence; unknown ones too."""
    assert REASONS.keys() >= FAILURE_KINDS
    for kind in [*REASONS, "of a host's own"]:
        error = unavailable(kind)
        assert error.kind == kind
        assert str(error).startswith("The calendar is not available: ")
        assert error.advice
        assert error.advice.endswith(".")
        problem = unreadable(kind, "unknown")
        assert (problem.code, problem.action) == (kind, "unknown")
        assert problem.message.startswith("a calendar could not be read: ")


# -- incomplete and odd bodies ----------------------------------------------------------------


def test_a_cut_feed_does_not_replace_a_whole_one(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """The last whole reading is served for 24 hours, then the half one with its unknown time."""
    whole = feed_text(event("2027-01-04T09:00Z"), event("2027-01-05T09:00Z", uid="b"))
    cut = whole[: whole.index("UID:b")]
    fetcher = FakeFetcher({url: [whole, cut]})
    calendars = make(fetcher=fetcher)
    good = calendars.get(url)
    clock.advance(31 * MINUTE)
    kept = calendars.get(url)
    assert (kept.state, kept.last_error) == (State.ERROR_STALE, "incomplete")
    assert kept.free_busy == good.free_busy
    assert calendars.get(url).state is State.ERROR_STALE
    assert fetcher.count() == 2
    clock.set(good.fetched_at + 24 * HOUR + timedelta(microseconds=1))
    half = calendars.get(url)
    assert (half.state, half.complete) == (State.FRESH, False)
    assert half.free_busy.unknown == (half.window,)


def test_a_cut_feed_is_better_than_nothing(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """It is served with everything unknown, and read again in full next time."""
    fetcher = FakeFetcher({url: body[:-20]}, etags=True)
    calendars = make(fetcher=fetcher)
    snapshot = calendars.get(url)
    assert not snapshot.complete
    assert snapshot.free_busy.unknown == (snapshot.window,)
    clock.advance(31 * MINUTE)
    fetcher.set(url, body)
    assert calendars.get(url).complete
    assert fetcher.requests[1].etag is None


def test_one_broken_event_among_good_ones(make: Callable[..., CalendarCache], url: str) -> None:
    """The others are read, and a Problem names the one."""
    broken = "BEGIN:VEVENT\r\nUID:broken\r\nDTSTAMP:20260101T000000Z\r\nEND:VEVENT"
    feed = feed_text(event("2027-01-05T09:00Z", uid="good"), broken)
    snapshot = make(fetcher=FakeFetcher({url: feed})).get(url)
    assert [found.uid for found in snapshot.events] == ["good"]
    assert [(p.code, p.uid) for p in snapshot.problems] == [("event_lost", "broken")]


def test_a_feed_over_its_limits_is_unknown_not_free(
    make: Callable[..., CalendarCache], url: str, body: str
) -> None:
    """Limits are the cache's, and hold for what it reads and what it asks for."""
    fetcher = FakeFetcher({url: body})
    limits = Limits(max_vevents=0, fetch_deadline=3.0)
    snapshot = make(fetcher=fetcher, limits=limits).get(url)
    assert not snapshot.complete
    assert snapshot.free_busy.unknown == (snapshot.window,)
    assert (fetcher.requests[0].limits, fetcher.requests[0].deadline) == (limits, 3.0)


def test_a_full_feed_that_is_suddenly_empty_is_flagged(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Flagged for a day, not overruled: people do empty calendars."""
    calendars = make(fetcher=FakeFetcher({url: [body, feed_text()]}))
    assert calendars.get(url).problems == ()
    for _ in range(3):
        clock.advance(8 * HOUR)
        snapshot = calendars.get(url)
        assert snapshot.state is State.FRESH
        assert snapshot.free_busy.periods == ()
        assert [problem.code for problem in snapshot.problems] == ["suddenly_empty"]
    clock.advance(HOUR)
    assert calendars.get(url).problems == ()


def test_a_feed_that_was_always_empty_is_not_flagged(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Nothing happened to it."""
    calendars = make(fetcher=FakeFetcher({url: feed_text()}))
    calendars.get(url)
    clock.advance(HOUR)
    assert calendars.get(url).problems == ()


def test_a_permanent_move_is_reported(make: Callable[..., CalendarCache], url: str) -> None:
    """By fingerprint, and only if it is one."""
    for moved_to, codes in (("3f9a1c02", ["moved_permanently"]), ("https://x.org/SECRET", [])):
        answer = Fetched(feed_text().encode(), moved_to=moved_to)
        snapshot = make(fetcher=FakeFetcher({url: answer})).get(url)
        assert [problem.code for problem in snapshot.problems] == codes


@pytest.mark.parametrize("etag", ["x" * 2000, "two\r\nlines", "\N{SNOWMAN}"])
def test_validators_that_cannot_be_sent_back_are_not(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str, etag: str
) -> None:
    """Byte for byte or not at all."""
    answer = Fetched(body.encode(), etag=etag)
    fetcher = FakeFetcher({url: answer})
    calendars = make(fetcher=fetcher)
    calendars.get(url)
    clock.advance(HOUR)
    calendars.get(url)
    assert fetcher.requests[1].etag is None


def test_a_304_without_a_snapshot_is_asked_again_once(
    make: Callable[..., CalendarCache], url: str, body: str
) -> None:
    """Unconditionally; a source that insists is not proper HTTP."""
    fetcher = FakeFetcher({url: [NotModified(), body]})
    assert make(fetcher=fetcher).get(url).state is State.FRESH
    assert [request.etag for request in fetcher.requests] == [None, None]


def test_an_asynchronous_fetcher_is_refused(make: Callable[..., CalendarCache]) -> None:
    """At once, and not by a calendar that is never available."""

    class Asynchronous:
        async def fetch(self, request: FetchRequest) -> Fetched:
            return Fetched(b"")

    with pytest.raises(TypeError, match="asynchronous"):
        make(fetcher=Asynchronous())


def test_a_store_that_fails_is_not_hidden(
    make: Callable[..., CalendarCache], url: str, body: str
) -> None:
    """Its error is the host's to see, also when it happens on the way back from a fetch."""
    from extcal import MemoryStore

    class Broken(MemoryStore):
        def put(self, key: str, cell: object, token: str | None, /) -> bool:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        make(store=Broken()).get(url)


def test_a_refresh_that_fails_says_so(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Who pressed the button learns it, though the calendar is younger than 30 minutes; then it is
    as fresh as its age.
    """
    calendars = make(fetcher=FakeFetcher({url: [body, Failed("timeout")]}))
    good = calendars.get(url)
    clock.advance(MINUTE)
    refreshed = calendars.refresh(url)
    assert (refreshed.state, refreshed.last_error) == (State.ERROR_STALE, "timeout")
    assert refreshed.free_busy == good.free_busy
    assert calendars.get(url).state is State.FRESH
    assert calendars.last_attempt(url) == clock()
