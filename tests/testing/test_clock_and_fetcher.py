"""The clock moves when told to; the fetcher says what was written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from extcal.fetch import Failed, Feed, Fetched, FetchRequest, Gone, NotModified, Refused
from extcal.testing import FakeFetcher, ManualClock, feed_text

URL = "https://example.org/ada.ics"


def ask(fetcher: FakeFetcher, url: str = URL, etag: str | None = None) -> object:
    return fetcher.fetch(FetchRequest(Feed(url), etag=etag))


def test_a_manual_clock_stands_still() -> None:
    """It is a callable that returns an aware datetime."""
    clock = ManualClock("2027-01-04T08:00Z")
    assert clock() == clock() == datetime(2027, 1, 4, 8, tzinfo=UTC)


def test_a_manual_clock_moves_when_told() -> None:
    """advance() goes by a timedelta, either way; set() jumps."""
    clock = ManualClock(datetime(2027, 1, 4, 8, tzinfo=UTC))
    assert clock.advance(timedelta(minutes=31)) == clock()
    assert clock() == datetime(2027, 1, 4, 8, 31, tzinfo=UTC)
    assert clock.advance(-timedelta(hours=1)) < clock.set("2028-01-01T00:00+01:00")
    assert repr(clock) == "ManualClock('2028-01-01T00:00:00+01:00')"


@pytest.mark.parametrize("naive", ["2027-01-04T08:00", datetime(2027, 1, 4, 8), 3])
def test_a_clock_without_a_zone_is_refused(naive: object) -> None:
    """A naive time is a TypeError that says what to write."""
    with pytest.raises(TypeError):
        ManualClock(naive)  # type: ignore[arg-type]


def test_bodies_and_responses() -> None:
    """Text, bytes and any FetchResponse are answers; an unknown address is a 404."""
    fetcher = FakeFetcher({URL: "text", f"{URL}2": b"bytes", f"{URL}3": Gone(410)})
    assert ask(fetcher) == Fetched(b"text")
    assert ask(fetcher, f"{URL}2") == Fetched(b"bytes")
    assert ask(fetcher, f"{URL}3") == Gone(410)
    assert ask(fetcher, f"{URL}4") == Refused(404)


def test_one_answer_after_the_other() -> None:
    """A sequence gives one answer per call; the last repeats."""
    fetcher = FakeFetcher({URL: ["one", Failed("dns"), lambda request: "three"]})
    answers = [ask(fetcher) for _ in range(4)]
    assert answers == [Fetched(b"one"), Failed("dns"), Fetched(b"three"), Fetched(b"three")]
    with pytest.raises(ValueError):
        fetcher.set(URL, [])


def test_a_callable_gets_the_request_and_may_raise() -> None:
    """What a host's own fetcher does wrong can be played, too."""

    def broken(request: FetchRequest) -> str:
        raise RuntimeError(request.feed.host)

    with pytest.raises(RuntimeError, match=r"example\.org"):
        ask(FakeFetcher({URL: broken}))


def test_requests_are_counted_by_address() -> None:
    """Feeds that differ only in how they are read share an address."""
    fetcher = FakeFetcher({Feed(URL, timezone="Asia/Tokyo"): feed_text()})
    ask(fetcher)
    ask(fetcher)
    ask(fetcher, "https://example.org/bob.ics")
    assert fetcher.count(URL) == fetcher.count(Feed(URL, detail="busy")) == 2
    assert fetcher.count() == len(fetcher.requests) == 3


def test_etags() -> None:
    """With etags=True a body is sent once, and then "not modified" until it changes."""
    fetcher = FakeFetcher({URL: "one"}, etags=True)
    first = ask(fetcher)
    assert isinstance(first, Fetched)
    assert ask(fetcher, etag=first.etag) == NotModified()
    fetcher.set(URL, "two")
    assert isinstance(ask(fetcher, etag=first.etag), Fetched)


def test_nothing_shows_the_address() -> None:
    """A fake in a failing test's output gives no address away."""
    assert "ada" not in repr(FakeFetcher({URL: "x"}))
