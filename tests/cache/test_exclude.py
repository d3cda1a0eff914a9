"""``exclude`` means the same through every door: one table, and each door gives the same answer.

A date names the instance of that local day, midnight in whatever zone that of an all-day series,
any other datetime an instant.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import pytest

import extcal
from extcal import AsyncCalendarCache, CalendarCache, FreeBusy, MemoryStore
from extcal.ical import Excluded
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

BERLIN, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")
URL = "https://calendar.example.org/exclude.ics"
START, END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 12, tzinfo=UTC)
DAILY = "RRULE:FREQ=DAILY;COUNT=5"

EVENTS = (
    event("2027-01-05T09:00", "PT1H", tz="Europe/Berlin", uid="daily", extra=DAILY),
    event("2027-01-05T00:30", "PT1H", tz="Pacific/Auckland", uid="early", extra=DAILY),
    event("2027-01-05T23:30", "PT15M", tz="America/New_York", uid="late", extra=DAILY),
    event("2027-01-05", "P1D", uid="days", extra=DAILY),
    event("2027-01-06T12:00", "PT1H", tz="Europe/Berlin", uid="once"),
    event("2027-01-06", "P1D", uid="one-day"),
    event("2027-01-05T15:00", "PT1H", tz="Europe/Berlin", uid="moved", extra=DAILY),
    event(
        "2027-01-08T18:00",
        "PT1H",
        tz="Europe/Berlin",
        uid="moved",
        extra="RECURRENCE-ID;TZID=Europe/Berlin:20270106T150000",
    ),
    event(
        "2027-01-10T10:00",
        "PT1H",
        tz="Europe/Berlin",
        uid="days",
        extra="RECURRENCE-ID;VALUE=DATE:20270107",
    ),
)


def body_of(exclude: Any) -> str:
    """A calendar with the events that are asked about, so that no other one hides what goes."""
    uids = {item if isinstance(item, str) else item[0] for item in exclude if item != 7}
    return feed_text(*[each for each in EVENTS if any(f"UID:{u}\r\n" in each for u in uids)])


CASES: dict[str, Excluded] = {
    "a UID": "daily",
    "a UID without an instance": ("daily", None),  # type: ignore[dict-item]
    "an instant in its zone": ("daily", datetime(2027, 1, 6, 9, tzinfo=BERLIN)),
    "an instant in UTC": ("daily", datetime(2027, 1, 6, 8, tzinfo=UTC)),
    "no instance begins then": ("daily", datetime(2027, 1, 6, 9, tzinfo=UTC)),
    "midnight is no timed instance": ("daily", datetime(2027, 1, 6, tzinfo=BERLIN)),
    "a date of a timed series": ("daily", date(2027, 1, 6)),
    "a local day that is another one in UTC": ("early", date(2027, 1, 6)),
    "the same from the other side": ("late", date(2027, 1, 6)),
    "a date of an all-day series": ("days", date(2027, 1, 6)),
    "its midnight in the owner's zone": ("days", datetime(2027, 1, 6, tzinfo=BERLIN)),
    "its midnight in UTC": ("days", datetime(2027, 1, 6, tzinfo=UTC)),
    "midnight anywhere": ("days", datetime(2027, 1, 6, tzinfo=timezone(timedelta(hours=-9)))),
    "the instant it begins at": ("days", datetime(2027, 1, 5, 23, tzinfo=UTC)),
    "an override by its date": ("days", date(2027, 1, 7)),
    "an override by midnight in UTC": ("days", datetime(2027, 1, 7, tzinfo=UTC)),
    "an override by the instant it was planned for": ("days", datetime(2027, 1, 6, 23, tzinfo=UTC)),
    "where an override is now is nobody's name": ("days", date(2027, 1, 10)),
    "a timed override by what it was planned for": (
        "moved",
        datetime(2027, 1, 6, 15, tzinfo=BERLIN),
    ),
    "a timed override by its day": ("moved", date(2027, 1, 6)),
    "where it takes place": ("moved", datetime(2027, 1, 8, 18, tzinfo=BERLIN)),
    "a single event by its day": ("once", date(2027, 1, 6)),
    "a single event by its instant": ("once", datetime(2027, 1, 7, 0, tzinfo=AUCKLAND)),
    "a single all-day event": ("one-day", datetime(2027, 1, 6, tzinfo=UTC)),
    "somebody else's UID": ("nobody", date(2027, 1, 6)),
}


def by_free_busy(exclude: list[Excluded], **_: Any) -> FreeBusy:
    return extcal.free_busy(body_of(exclude), START, END, timezone="Europe/Berlin", exclude=exclude)


def by_expand(exclude: list[Excluded], **_: Any) -> FreeBusy:
    found = extcal.expand(body_of(exclude), START, END, timezone="Europe/Berlin", exclude=exclude)
    return found.free_busy


def by_events(exclude: list[Excluded], **_: Any) -> FreeBusy:
    found = extcal.expand(body_of(exclude), START, END, timezone="Europe/Berlin", exclude=exclude)
    spans = [(e.start, e.end, e.fbtype) for e in found.events]
    return FreeBusy.from_periods(extcal.Period(START, END), spans)


def made(exclude: list[Excluded], kind: Any = CalendarCache, **arguments: Any) -> Any:
    return kind(
        fetcher=FakeFetcher({URL: body_of(exclude)}),
        clock=ManualClock("2027-01-04T08:00Z"),
        **arguments,
    )


def by_cache(exclude: list[Excluded], feed: extcal.Feed) -> FreeBusy:
    found: FreeBusy = made(exclude).free_busy(feed, START, END, exclude=exclude)
    return found


def by_a_store(exclude: list[Excluded], feed: extcal.Feed) -> FreeBusy:
    """As another process, which decodes what the first one stored."""
    store = MemoryStore()
    made(exclude, store=store).get(feed)
    found: FreeBusy = made(exclude, store=store).free_busy(feed, START, END, exclude=exclude)
    return found


def by_availability(exclude: list[Excluded], feed: extcal.Feed) -> FreeBusy:
    table = made(exclude).availability({"Ada": feed}, START, END, exclude=exclude)
    found: FreeBusy = table["Ada"]
    return found


def by_tasks(exclude: list[Excluded], feed: extcal.Feed) -> FreeBusy:
    async def main() -> FreeBusy:
        async with made(exclude, AsyncCalendarCache) as calendars:
            found: FreeBusy = await calendars.free_busy(feed, START, END, exclude=exclude)
            again = await calendars.free_busy(feed, START, END, exclude=exclude)
            table = await calendars.availability({"Ada": feed}, START, END, exclude=exclude)
            assert found == again == table["Ada"]
            return found

    return anyio.run(main)


DOORS = [by_expand, by_events, by_cache, by_a_store, by_availability, by_tasks]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("detail", ["events", "busy"])
def test_every_door_leaves_out_the_same(
    door: Callable[..., FreeBusy], case: str, detail: Any
) -> None:
    feed = extcal.Feed(URL, timezone="Europe/Berlin", detail=detail)
    assert door([CASES[case]], feed=feed) == by_free_busy([CASES[case]])


def test_the_table_says_something() -> None:
    """Most cases change the answer, and those that must not do not."""
    nothing = set()
    for case, excluded in CASES.items():
        whole = extcal.free_busy(body_of([excluded]), START, END, timezone="Europe/Berlin")
        if by_free_busy([excluded]) == whole:
            nothing.add(case)
    assert nothing == {
        "no instance begins then",
        "midnight is no timed instance",
        "where an override is now is nobody's name",
        "where it takes place",
        "somebody else's UID",
    }


@pytest.mark.parametrize("exclude", [[7], [("daily",)], [("daily", 7)], [(7, None)]])
@pytest.mark.parametrize("door", [by_free_busy, *DOORS])
def test_every_door_refuses_the_same(door: Callable[..., FreeBusy], exclude: Any) -> None:
    with pytest.raises(TypeError, match="exclude takes"):
        door(exclude, feed=extcal.Feed(URL, timezone="Europe/Berlin"))
