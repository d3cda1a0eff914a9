"""Counts, log records and a callback: none of them shows an address."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from extcal import (
    AsyncCalendarCache,
    CalendarCache,
    Failed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Gone,
    HttpFetcher,
    MemoryStore,
    NotModified,
    Refresh,
    Refused,
    SQLiteStore,
    State,
    Stats,
    Unavailable,
)
from extcal.cache.refresh.log import FIELDS, tell
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer

pytestmark = pytest.mark.core

BOB = feed_text(event("2027-01-04T09:00Z", "PT1H"))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def attempt(calendars: CalendarCache, url: str) -> None:
    with suppress(Unavailable):
        calendars.get(url)


def tagged(body: str) -> Fetched:
    return Fetched(body.encode(), etag='"1"')


def landed() -> None:
    """Callbacks come after answers: wait for the threads that bring them."""
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(30)


# -- stats ----------------------------------------------------------------------------------------


def test_stats_tell_how_old_the_answers_were() -> None:
    """By class, so that a dashboard shows how many people saw something old."""
    clock, web = ManualClock("2027-01-04T08:00Z"), FakeFetcher({"https://x.example/b.ics": BOB})
    calendars = CalendarCache(fetcher=web, clock=clock)
    attempt(calendars, "https://x.example/b.ics")
    web.set("https://x.example/b.ics", Failed("timeout"))
    for age in (30 * MINUTE, 60 * MINUTE, 5 * HOUR, 23 * HOUR):
        clock.set("2027-01-04T08:00Z")
        clock.advance(age)
        attempt(calendars, "https://x.example/b.ics")
    assert calendars.stats().ages == {"30m": 2, "2h": 1, "24h": 2, "older": 0}
    assert calendars.stats().answers == 5


def test_stats_tell_a_store_that_is_down(tmp_path: Path) -> None:
    """Answers go on from memory; an operator sees that processes no longer share."""
    web = FakeFetcher({"https://x.example/b.ics": BOB})
    store = SQLiteStore(tmp_path / "cells.db")
    calendars = CalendarCache(store=store, fetcher=web, clock=ManualClock("2027-01-04T08:00Z"))
    attempt(calendars, "https://x.example/b.ics")
    assert not calendars.stats().store_down
    store.close()
    (tmp_path / "cells.db").unlink()
    (tmp_path / "cells.db").mkdir()
    calendars.get("https://x.example/b.ics")
    assert calendars.stats().store_down


def test_what_was_answered_and_what_was_asked(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Every answer and every attempt counts once."""
    fetcher = FakeFetcher(
        {url: [tagged(body), NotModified(), Failed("timeout"), Refused(404), body]}
    )
    calendars = make(fetcher=fetcher)
    assert calendars.stats() == Stats()
    for step in (timedelta(0), MINUTE, 30 * MINUTE, 31 * MINUTE, HOUR, HOUR, timedelta(days=2)):
        clock.advance(step)
        attempt(calendars, url)
    attempt(calendars, "https://example.org/nobody.ics")
    calendars.availability({"Ada": url}, clock(), clock() + HOUR)
    stats = calendars.stats()
    assert (stats.fetches, stats.read, stats.unchanged) == (fetcher.count(), 3, 1)
    assert stats.as_browser == 0
    assert stats.failures == {"not_found": 2, "timeout": 1}
    assert (stats.fresh, stats.error_stale, stats.unavailable) == (6, 2, 1)
    assert (stats.answers, stats.in_flight, stats.stale, stats.spared) == (9, 0, 0, 0)
    assert pickle.loads(pickle.dumps(stats)) == stats


def test_how_often_a_source_was_asked_as_a_browser(
    make: Callable[..., CalendarCache], clock: ManualClock
) -> None:
    """Bob's publisher turns programs away: both his body and his 304 came to the second string."""
    with FeedServer() as server:
        bob = server.serve("/owa/calendar/b0b/calendar.ics", BOB, etag='"1"')
        server.fail("/owa/calendar/b0b/calendar.ics", "not a browser")
        calendars = make(fetcher=HttpFetcher(allow_networks=server.networks))
        for _ in range(2):
            calendars.get(bob)
            clock.advance(HOUR)
        asked = [request.headers["user-agent"][:7] for request in server.requests]
    assert asked == ["extcal/", "Mozilla", "Mozilla"]
    stats = calendars.stats()
    assert (stats.fetches, stats.read, stats.unchanged, stats.as_browser) == (2, 1, 1, 2)


# -- on_refresh -----------------------------------------------------------------------------------


def test_the_host_hears_what_came_of_every_attempt(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """With what was known before, so that it can tell people what changed."""
    moved = feed_text(event("2027-01-04T11:00Z", "PT1H", uid="talk"))
    heard: list[Refresh] = []
    fetcher = FakeFetcher({url: [body, tagged(moved), NotModified(), Failed("tls"), Gone()]})
    calendars = make(fetcher=fetcher, on_refresh=heard.append)
    for _ in range(7):
        attempt(calendars, url)
        landed()
        clock.advance(HOUR)
    first, second, third, fourth, fifth = heard
    assert (first.previous, first.error) == (None, None)
    assert first.snapshot is not None
    assert second.snapshot is not None
    assert second.previous == first.snapshot
    difference = second.snapshot.diff(first.snapshot)
    assert [period.start.hour for period in difference.added] == [11]
    assert [period.start.hour for period in difference.removed] == [9]
    assert third.snapshot is not None
    assert not third.snapshot.diff(second.snapshot)
    assert (fourth.error, fourth.snapshot is not None) == ("tls", True)
    assert (fifth.error, fifth.snapshot) == ("gone", None)
    assert all(each.seconds >= 0 and each.feed.fingerprint for each in heard)


def test_a_callback_that_raises_harms_nobody(
    make: Callable[..., CalendarCache], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by its type: its text could be the address it was given."""

    def broken(refresh: Refresh) -> None:
        raise RuntimeError(refresh.feed.reveal())

    calendars = make(on_refresh=broken)
    assert calendars.get(url).complete
    landed()
    (record,) = [each for each in caplog.records if each.msg.startswith("%s") and each.levelno > 30]
    assert record.extcal["event"] == "callback_failed"  # type: ignore[attr-defined]
    assert record.extcal["kind"] == "RuntimeError"  # type: ignore[attr-defined]
    assert "SECRET" not in caplog.text


class Broken:
    """A host's own fetcher, with a mistake in it that knows the address."""

    def fetch(self, request: FetchRequest) -> FetchResponse:
        raise KeyError(request.feed.reveal())


@pytest.mark.parametrize("awaited", [False, True])
def test_a_fetcher_that_raises_is_named_by_its_mistake(
    clock: ManualClock, url: str, caplog: pytest.LogCaptureFixture, *, awaited: bool
) -> None:
    """Once an attempt, as a warning: the type, because the text may be the address."""

    async def ask() -> None:
        async with AsyncCalendarCache(fetcher=Broken(), clock=clock) as calendars:
            with pytest.raises(Unavailable, match="fetcher"):
                await calendars.get(url)

    if awaited:
        anyio.run(ask)
    else:
        with pytest.raises(Unavailable, match="fetcher"):
            CalendarCache(fetcher=Broken(), clock=clock).get(url)
    said = [each for each in caplog.records if "fetcher_failed" in each.getMessage()]
    assert [each.levelno for each in said] == [logging.WARNING]
    assert said[0].extcal["kind"] == "KeyError"  # type: ignore[attr-defined]
    assert "SECRET" not in caplog.text


def test_a_callback_that_ends_its_thread_ends_no_flight(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """SystemExit in a thread is silence; the worker it hits goes on."""

    def leave(refresh: Refresh) -> None:
        raise SystemExit

    calendars = make(on_refresh=leave, max_fetches=1)
    for _ in range(3):
        assert calendars.get(url).state is State.FRESH
        clock.advance(31 * MINUTE)
    landed()
    assert calendars._flights._workers == 0


# -- log records ----------------------------------------------------------------------------------


def test_log_records_have_a_shape(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    url: str,
    body: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A constant word, host and fingerprint, and fields of a closed list."""
    caplog.set_level(logging.INFO, "extcal.cache")
    answers: list[Any] = [
        body,
        tagged(feed_text()),
        NotModified(),
        Failed("dns"),
        Refused(404),
        Gone(),
    ]
    calendars = make(fetcher=FakeFetcher({url: answers}))
    for _ in answers:
        attempt(calendars, url)
        clock.advance(2 * HOUR)
    records = [record.extcal for record in caplog.records]  # type: ignore[attr-defined]
    assert [(each["event"], each.get("outcome") or each.get("kind")) for each in records] == [
        ("refreshed", "read"),
        ("refreshed", "read"),
        ("suddenly_empty", None),
        ("refreshed", "unchanged"),
        ("suddenly_empty", None),
        ("failed", "dns"),
        ("failed", "not_found"),
        ("gone", "gone"),
    ]
    assert records[0]["events"] == 1
    assert records[0]["bytes"] == len(body)
    assert records[-2]["status"] == 404
    assert records[-3]["next_try"] > clock() - timedelta(days=1)
    for record in records:
        assert record.keys() <= set(FIELDS)
        assert record["host"] == "calendar.example.org"
        assert len(record["feed"]) == 8
    levels = [record.levelname for record in caplog.records]
    assert levels == ["INFO", "INFO", "WARNING", "INFO", "WARNING", "INFO", "INFO", "WARNING"]
    assert "SECRET" not in caplog.text
    assert b"SECRET" not in pickle.dumps([vars(record) for record in caplog.records])
    assert "failed <Feed calendar.example.org #" in caplog.text


def test_a_host_that_goes_down_and_comes_back_is_told_of_once(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    body: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However many feeds it has."""
    urls = [f"https://example.org/{number}.ics" for number in range(10)]
    fetcher = FakeFetcher(dict.fromkeys(urls, Failed("connect")))
    calendars = make(fetcher=fetcher)
    caplog.set_level(logging.INFO, "extcal.cache")
    for url in urls:
        attempt(calendars, url)
    with suppress(Unavailable):
        calendars.refresh(urls[-1])  # a person may ask, and the host is down still
    for url in urls:
        fetcher.set(url, body)
    clock.advance(2 * MINUTE)
    for url in urls:
        attempt(calendars, url)
    told = [record.extcal["event"] for record in caplog.records]  # type: ignore[attr-defined]
    assert told.count("host_down") == 1
    assert told.count("host_up") == 1
    assert told.count("failed") == 6


def test_a_host_that_makes_its_feeds_wait_is_told_of_once(
    make: Callable[..., CalendarCache], caplog: pytest.LogCaptureFixture
) -> None:
    """When the third of its feeds is answered with 429; a redirect's 429 is not the host's."""
    urls = [f"https://example.org/{number}.ics" for number in range(9)]
    answers = Refused(429, redirected=True), Refused(503), Refused(429)
    fetcher = FakeFetcher({url: answers[place // 3] for place, url in enumerate(urls)})
    calendars = make(fetcher=fetcher)
    caplog.set_level(logging.INFO, "extcal.cache")
    for url in urls:
        attempt(calendars, url)
    records = [record.extcal for record in caplog.records]  # type: ignore[attr-defined]
    slowed = [each for each in records if each["event"] == "host_slowed"]
    assert [each["status"] for each in slowed] == [429]
    assert [record.levelname for record in caplog.records].count("WARNING") == 9 + 1


def test_files_have_no_host_that_could_wait(make: Callable[..., CalendarCache]) -> None:
    """Three of them that a fetcher answers with 429 do not delay a fourth."""
    urls = [f"file:///srv/{number}.ics" for number in range(4)]
    fetcher = FakeFetcher(dict.fromkeys(urls[:3], Refused(429)))
    fetcher.set(urls[3], feed_text())
    calendars = make(fetcher=fetcher)
    for url in urls[:3]:
        attempt(calendars, url)
    assert calendars.get(urls[3]).state is State.FRESH


def test_the_list_of_fields_is_closed(
    make: Callable[..., CalendarCache], caplog: pytest.LogCaptureFixture
) -> None:
    """What is not on it does not get into a record by mistake."""
    from extcal import Feed

    caplog.set_level(logging.INFO, "extcal.cache")
    with pytest.raises(AssertionError, match="url"):
        tell(logging.INFO, "refreshed", Feed("https://example.org/a.ics"), url="https://")
    assert not caplog.records


def test_silent_unless_somebody_listens(
    make: Callable[..., CalendarCache], url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A library writes to nobody's stderr."""
    attempt(make(fetcher=FakeFetcher({url: Failed("dns")}), store=MemoryStore()), url)
    assert capfd.readouterr() == ("", "")
