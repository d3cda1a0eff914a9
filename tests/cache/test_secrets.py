"""The address of a feed is a secret, and so are its titles: neither is where it should not be.

"Where it should not be" is every repr, error, traceback with its locals, store and log.
"""

from __future__ import annotations

import copy
import gc
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import extcal
from extcal import (
    CalendarCache,
    ExtcalError,
    Failed,
    Fetched,
    FetchRequest,
    Gone,
    MemoryStore,
    NotModified,
    OutsideHorizon,
    Refused,
    Snapshot,
)
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

ROOM = os.path.join(os.path.dirname(os.path.realpath(extcal.__file__)), "cache", "")
MARKER = "SECRET-7f3a"
FORMS = [MARKER, MARKER.lower(), MARKER[::-1], "SECRET%2D7f3a", "U0VDUkVULTdmM2"]
URL = f"https://calendar.example.org/ical/{MARKER}/basic.ics?token={MARKER}"


def raising(request: FetchRequest) -> str:
    try:
        raise KeyError(request.feed.reveal())
    except KeyError as error:
        raise RuntimeError(f"GET {request.feed.reveal()} failed") from error


ANSWERS: list[Any] = [
    Refused(404),
    Refused(429, retry_after=60),
    Gone(410),
    Failed("timeout"),
    Failed("html", looks_like=f"{URL} is a page"),
    NotModified(),
    Fetched(b"", moved_to=URL),
    f"<html>{URL}</html>",
    raising,
    lambda request: URL.encode,
]


def clean(text: str) -> None:
    for form in FORMS:
        assert form not in text


def shown(error: BaseException) -> Iterator[str]:
    """All that a reporter of errors could ship, with the locals of the library's own frames."""
    seen: list[BaseException | None] = [error]
    for each in seen:
        if each is not None and seen.count(each) == 1:
            seen += [each.__cause__, each.__context__]
            yield repr(each) + str(each) + repr(vars(each)) + repr(getattr(each, "__notes__", ""))
            for frame in traceback.TracebackException.from_exception(
                each, capture_locals=True
            ).stack:
                if os.path.realpath(frame.filename).startswith(ROOM):
                    yield repr(frame.locals)


def attempt(calendars: CalendarCache) -> Snapshot | ExtcalError:
    try:
        return calendars.get(URL)
    except ExtcalError as error:
        return error


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("known", [False, True], ids=["first", "refresh"])
def test_no_failure_shows_the_address(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Any,
    known: bool,
) -> None:
    """Whatever the fetcher returns or raises, on the first fetch and on the next."""
    caplog.set_level(logging.DEBUG)
    store = MemoryStore()
    body = feed_text(event("2027-01-04T09:00Z"))
    fetcher = FakeFetcher({URL: [body, answer, answer] if known else answer})
    calendars = make(fetcher=fetcher, store=store)
    for _ in range(3):
        found = attempt(calendars)
        if isinstance(found, ExtcalError):
            assert (found.__cause__, found.__context__) == (None, None)
            for text in shown(found):
                clean(text)
        else:
            clean(repr(found) + repr(found.reading) + repr(found.problems))
        clock.advance(timedelta(hours=9))
    table = calendars.availability({"Ada": URL}, clock(), clock() + timedelta(hours=1))
    clean(repr(table) + repr(dict(table.problems)) + table.to_html())
    for key in list(store._cells):
        cell = store.get(key)
        assert cell is not None
        clean(key + cell.data.decode("latin-1"))
    clean(repr([calendars, calendars._repository, store, fetcher]))
    clean(caplog.text + "".join(capfd.readouterr()))


def test_no_object_of_the_cache_shows_the_address(calendars: CalendarCache) -> None:
    """No repr of anything the room made and still holds."""
    calendars._fetcher = FakeFetcher({URL: feed_text(event("2027-01-04T09:00Z"))})
    snapshot = calendars.get(URL)
    held = [
        each for each in gc.get_objects() if str(type(each).__module__).startswith("extcal.cache")
    ]
    assert any(each is snapshot for each in held)
    for each in held:
        clean(repr(each))
    clean(repr(copy.deepcopy(snapshot)))


def test_outside_horizon_does_not_tell_whose(calendars: CalendarCache, clock: ManualClock) -> None:
    """It is about time."""
    calendars._fetcher = FakeFetcher({URL: feed_text()})
    with pytest.raises(OutsideHorizon) as raised:
        calendars.events(URL, clock() + timedelta(365), clock() + timedelta(366))
    for text in shown(raised.value):
        clean(text)


def test_busy_detail_keeps_titles_out_of_the_store(
    make: Callable[..., CalendarCache], clock: ManualClock
) -> None:
    """And out of everything else; UIDs stay, so that ``exclude`` works."""
    from extcal import Feed
    from extcal.cache.snapshot.codec import decode_reading

    body = feed_text(event("2027-01-04T09:00Z", uid="u", summary=MARKER, location=MARKER))
    store = MemoryStore()
    calendars = make(fetcher=FakeFetcher({URL: body}), store=store)
    feed = Feed(URL, detail="busy")
    (found,) = calendars.get(feed).events
    assert (found.uid, found.summary, found.location) == ("u", None, None)
    key = calendars._repository.keys(feed).snapshot
    cell = store.get(key)
    assert cell is not None
    reading = decode_reading(cell.data, key)
    assert reading is not None
    import zlib

    clean(zlib.decompress(reading.packed).decode())
