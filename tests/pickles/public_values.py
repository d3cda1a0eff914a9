"""One of every public value that can be pickled, always the same.

``python tests/pickles/public_values.py`` writes a file for each that is not there yet into
``tests/pickles/0.1.0``. What has been written once is never written anew: it stands for what hosts
keep in sessions, queues and files.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

FOLDER = Path(__file__).parent / "0.1.0"
_URL = "https://calendar.example.org/ada.ics"
_START, _END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 11, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_WIRE = 10 * 1024 * 1024  # the default of 0.1.0


def values() -> Iterator[tuple[str, object]]:
    """Names and values; a name is a file's too."""
    berlin = {"tz": "Europe/Berlin"}
    text = feed_text(
        event("2027-01-04T09:00", "PT1H", uid="meeting", summary="Planning", **berlin),
        event(
            "2027-01-05T09:00", "PT2H", uid="away", extra="X-MICROSOFT-CDO-BUSYSTATUS:OOF", **berlin
        ),
        event("2027-01-06", "P1D", uid="holiday", summary="Holiday"),
    )
    expansion = extcal.expand(text, _START, _END, timezone="Europe/Berlin")
    yield "Expansion", expansion
    yield "ExternalEvent", expansion.events[0]
    yield "Problem", extcal.Problem("odd", "something is odd", 3, "meeting", "ignored")
    yield "FreeBusy", expansion.free_busy
    yield "BusyPeriod", expansion.free_busy.periods[0]
    yield "Period", extcal.Period(_START, _END)
    yield "FBType", tuple(extcal.FBType)
    yield "BLOCKING", extcal.BLOCKING
    ada = extcal.FreeBusy.from_periods((_START, _END), [(_START, _END - 9 * _HOUR)])
    people = {"Ada": ada, "Bob": expansion.free_busy, "Eve": ada}
    yield "CommonFree", extcal.common_free(people, _HOUR, optional=["Eve"], at_least=1, step=_HOUR)
    yield "WorkingHours", extcal.WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin")
    yield "BusyPolicy", extcal.BusyPolicy()
    yield "Rule", extcal.Rule("FREE", title_word="commute", shorter_than=_HOUR)
    yield "Limits", extcal.Limits(max_steps=1_000, max_wire_bytes=_WIRE)
    feed = extcal.Feed(_URL, timezone="Europe/Berlin", owner="ada@example.org", detail="busy")
    yield "Feed", feed
    yield (
        "FetchRequest",
        extcal.FetchRequest(feed, '"1"', None, 20.0, extcal.Limits(max_wire_bytes=_WIRE)),
    )
    yield "Fetched", extcal.Fetched(b"BEGIN:VCALENDAR", '"1"', None, None)
    yield "NotModified", extcal.NotModified()
    yield "Gone", extcal.Gone(410)
    yield "Refused", extcal.Refused(403, None)
    yield "Failed", extcal.Failed("timeout")
    yield "UrlPolicy", extcal.UrlPolicy()
    clock = ManualClock("2027-01-04T08:00Z")
    cache = extcal.CalendarCache(fetcher=FakeFetcher({_URL: text}), clock=clock)
    snapshot = cache.get(_URL)
    yield "Snapshot", snapshot
    yield "State", tuple(extcal.State)
    table = cache.availability({"Ada": _URL, "Bob": expansion.free_busy}, _START, _END)
    yield "Availability", table
    yield "Stats", extcal.CalendarCache(clock=clock).stats()
    yield "ExtcalError", extcal.ExtcalError("text")
    yield "FeedUrlError", _raised(lambda: extcal.Feed("ftp://example.org/a.ics"))
    yield "FetchError", extcal.FetchError("text", kind="timeout")
    yield "NotACalendar", _raised(lambda: extcal.expand(b"x", _START, _END))
    yield "LimitExceeded", extcal.LimitExceeded("text", kind="max_steps")
    yield (
        "OutsideHorizon",
        _raised(
            lambda: cache.free_busy(
                _URL, _START + 999 * timedelta(days=9), _END + 9999 * _HOUR * 24
            )
        ),
    )
    nothing = extcal.CalendarCache(fetcher=FakeFetcher({}), clock=clock)
    yield "Unavailable", _raised(lambda: nothing.get(_URL))


def _raised(call: object) -> BaseException:
    assert callable(call)
    try:
        call()
    except Exception as error:
        return error.with_traceback(None)
    raise AssertionError("nothing was raised")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, value in values():
        path = FOLDER / f"{name}.pickle"
        if not path.exists():
            path.write_bytes(pickle.dumps(value, protocol=4))
