"""What an argument means is the same through every door that takes it: a table, and all doors.

The doors of a reading: free_busy, expand, a cache for threads and for tasks, what another process
finds in its store, availability, a snapshot, the command line. Those of free time: FreeBusy,
common_free, Availability, is_free of both caches, the command line. Each gives the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import pytest
from click.testing import CliRunner

import extcal
from extcal import (
    AsyncCalendarCache,
    BusyPolicy,
    CalendarCache,
    FBType,
    Feed,
    FreeBusy,
    MemoryStore,
    Period,
    WorkingHours,
)
from extcal.cli.app import Setting, app
from extcal.ical import Excluded
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

BERLIN, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")
URL = "https://calendar.example.org/exclude.ics"
START, END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
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


# -- exclude -------------------------------------------------------------------------------------
# A date names the instance of that local day, midnight in whatever zone that of an all-day series,
# any other datetime an instant.


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


# -- the doors of a reading ----------------------------------------------------------------------


class Asked:
    """One question: a calendar, how to read it, a window, and what to leave out."""

    def __init__(
        self,
        body: str,
        *,
        window: tuple[datetime, datetime] = (START, END),
        exclude: Any = (),
        detail: Any = "events",
        **reading: Any,
    ) -> None:
        self.body, self.window, self.exclude, self.detail = body, window, exclude, detail
        self.reading = {"timezone": "Europe/Berlin", **reading}

    @property
    def feed(self) -> Feed:
        return Feed(URL, detail=self.detail, **self.reading)

    def cache(self, kind: Any = CalendarCache, **arguments: Any) -> Any:
        fetcher = FakeFetcher({URL: self.body})
        return kind(fetcher=fetcher, clock=ManualClock("2027-01-04T08:00Z"), **arguments)


def by_free_busy(asked: Asked) -> FreeBusy:
    return extcal.free_busy(asked.body, *asked.window, **asked.reading, exclude=asked.exclude)


def by_expand(asked: Asked) -> FreeBusy:
    how = {"exclude": asked.exclude, "detail": asked.detail}
    return extcal.expand(asked.body, *asked.window, **asked.reading, **how).free_busy


def by_events(asked: Asked) -> FreeBusy:
    how = {"exclude": asked.exclude, "detail": asked.detail}
    found = extcal.expand(asked.body, *asked.window, **asked.reading, **how)
    spans = [(each.start, each.end, each.fbtype) for each in found.events]
    return FreeBusy.from_periods(Period(*asked.window), spans)


def by_cache(asked: Asked) -> FreeBusy:
    found: FreeBusy = asked.cache().free_busy(asked.feed, *asked.window, exclude=asked.exclude)
    return found


def by_a_store(asked: Asked) -> FreeBusy:
    """As another process, which decodes what the first one stored."""
    store = MemoryStore()
    asked.cache(store=store).get(asked.feed)
    found: FreeBusy = asked.cache(store=store).free_busy(
        asked.feed, *asked.window, exclude=asked.exclude
    )
    return found


def by_availability(asked: Asked) -> FreeBusy:
    table = asked.cache().availability({"Ada": asked.feed}, *asked.window, exclude=asked.exclude)
    found: FreeBusy = table["Ada"]
    return found


def by_tasks(asked: Asked) -> FreeBusy:
    async def main() -> FreeBusy:
        how = {"exclude": asked.exclude}
        async with asked.cache(AsyncCalendarCache) as calendars:
            found: FreeBusy = await calendars.free_busy(asked.feed, *asked.window, **how)
            again = await calendars.free_busy(asked.feed, *asked.window, **how)
            table = await calendars.availability({"Ada": asked.feed}, *asked.window, **how)
            assert found == again == table["Ada"]
            return found

    return anyio.run(main)


def by_snapshot(asked: Asked) -> FreeBusy:
    found: FreeBusy = asked.cache().get(asked.feed).free_busy
    return found.clip(*asked.window)


DOORS = [by_expand, by_events, by_cache, by_a_store, by_availability, by_tasks]
each_detail = pytest.mark.parametrize("detail", ["events", "busy"])


@pytest.mark.parametrize("case", CASES)
@each_detail
def test_every_door_leaves_out_the_same(case: str, detail: Any) -> None:
    asked = Asked(body_of([CASES[case]]), exclude=[CASES[case]], detail=detail)
    expected = by_free_busy(asked)
    for door in DOORS:
        assert door(asked) == expected, door.__name__


def test_the_table_of_what_to_leave_out_says_something() -> None:
    """Most cases change the answer, and those that must not do not."""
    nothing = {
        case
        for case, excluded in CASES.items()
        if by_free_busy(Asked(body_of([excluded]), exclude=[excluded]))
        == by_free_busy(Asked(body_of([excluded])))
    }
    assert nothing == {
        "no instance begins then",
        "midnight is no timed instance",
        "where an override is now is nobody's name",
        "where it takes place",
        "somebody else's UID",
    }


@pytest.mark.parametrize("exclude", [[7], [("daily",)], [("daily", 7)], [(7, None)]])
@pytest.mark.parametrize("door", [by_free_busy, *DOORS])
def test_every_door_refuses_the_same(door: Callable[[Asked], FreeBusy], exclude: Any) -> None:
    with pytest.raises(TypeError, match="exclude takes"):
        door(Asked(feed_text(EVENTS[0]), exclude=exclude))


# -- timezone, owner, policy, the window ---------------------------------------------------------

ME = "ATTENDEE;PARTSTAT={}:mailto:me@example.org"
WEEK = feed_text(
    event("2027-01-03T22:00Z", "PT4H"),  # over the start of the window
    event("2027-01-05T09:00", "PT1H"),  # in the reader's zone
    event("2027-01-06", "P1D"),
    event("2027-01-07T09:00Z", "PT1H", extra=ME.format("DECLINED")),
    event("2027-01-07T12:00Z", "PT1H", extra=ME.format("NEEDS-ACTION")),
    event("2027-01-08T09:00Z", "PT1H", extra="X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"),
    event("2027-01-08T12:00Z", "PT1H", status="TENTATIVE"),
    event("2027-01-11T22:00Z", "PT4H"),  # over its end
)
ME_TOO = "me@example.org"
READINGS: dict[str, dict[str, Any]] = {
    "no zone": {"timezone": None},
    "a zone by its name": {"timezone": "America/New_York"},
    "a zone": {"timezone": AUCKLAND},
    "an owner": {"owner": ME_TOO},
    "several owners": {"owner": ["ada@example.net", "ME@example.org"]},
    "somebody else": {"owner": "ada@example.net"},
    "no day blocks": {"policy": BusyPolicy(all_day="free")},
    "an answer is owed": {"policy": BusyPolicy(unanswered="busy"), "owner": ME_TOO},
    "elsewhere is busy": {"policy": BusyPolicy(working_elsewhere="busy")},
    "a window in another zone": {
        "window": (datetime(2027, 1, 5, 23, tzinfo=AUCKLAND), datetime(2027, 1, 7, tzinfo=BERLIN))
    },
    "a window within an event": {"window": (START + HOUR, START + timedelta(minutes=90))},
    "a window of a second": {"window": (END - timedelta(seconds=1), END)},
}


@pytest.mark.parametrize("case", READINGS)
@each_detail
def test_every_door_reads_the_same(case: str, detail: Any) -> None:
    asked = Asked(WEEK, detail=detail, **READINGS[case])
    expected = by_free_busy(asked)
    for door in (*DOORS, by_snapshot):
        assert door(asked) == expected, door.__name__


def test_the_table_of_readings_says_something() -> None:
    """Every case but that of a stranger changes the answer."""
    plain = by_free_busy(Asked(WEEK))
    same = {case for case, how in READINGS.items() if by_free_busy(Asked(WEEK, **how)) == plain}
    assert same == {"somebody else"}


NO_TIME = FreeBusy.from_periods((START, END))
TABLE = CalendarCache(fetcher=FakeFetcher({})).availability({"Ada": NO_TIME}, START, END)
WORKING = WorkingHours("MO-FR", "09:00", "17:00", "UTC")
ZONE_NAMES = {
    "Europe/Berlin": True,
    "UTC": True,
    "Tokyo Standard Time": False,  # a Windows name, which feeds may use
    "Europe/Berlin ": False,
    "+01:00": False,
    "localtime": False,  # the zone of this machine, which some systems keep among the others
    "": False,
}
NAMES_IN_FEEDS = ("Europe/Berlin", "Tokyo Standard Time", "+01:00")
ZONE_DOORS: dict[str, Callable[[str], object]] = {
    "expand": lambda name: extcal.expand(WEEK, START, END, timezone=name),
    "free_busy": lambda name: extcal.free_busy(WEEK, START, END, timezone=name),
    "Feed": lambda name: Feed(URL, timezone=name),
    "from_user_input": lambda name: Feed.from_user_input(URL, timezone=name),
    "days": lambda name: extcal.days("2027-01-04", 1, name),
    "astimezone": lambda name: Period(START, END).astimezone(name),
    "hours": lambda name: WorkingHours("MO-FR", "09:00", "17:00", name),
    "exceptions": lambda name: WORKING.with_exceptions("2027-01-04 10:00-11:00", timezone=name),
    "common_free": lambda name: extcal.common_free([NO_TIME], HOUR, timezone=name),
    "to_records": lambda name: NO_TIME.to_records(name),
    "to_svg": lambda name: NO_TIME.to_svg(name or "none"),
    "availability": lambda name: TABLE.to_records(name),
    "recurring": lambda name: TABLE.recurring("FREQ=DAILY", START, HOUR, timezone=name),
}


@pytest.mark.parametrize("door", ZONE_DOORS)
@pytest.mark.parametrize("name", ZONE_NAMES, ids=repr)
def test_every_door_takes_the_same_names_of_zones(door: str, name: str) -> None:
    """IANA names as tzdata writes them, so that equal zones make equal feeds and equal keys."""
    # These two read the words of feeds, too: "Tokyo Standard Time", "Europe/Berlin ".
    as_in_feeds = door in ("expand", "free_busy") and name.strip() in NAMES_IN_FEEDS
    if ZONE_NAMES[name] or as_in_feeds:
        ZONE_DOORS[door](name)
    else:
        with pytest.raises(ValueError, match="IANA name"):
            ZONE_DOORS[door](name)


def on_the_command_line(file: Path, command: str, *words: str) -> Any:
    setting = Setting(clock=ManualClock("2027-01-04T08:00Z"), fetcher=None)
    asked = [command, str(file), "--json", "--from", "2027-01-04", "--days", "8", *words]
    result = CliRunner().invoke(app, asked, obj=setting)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("owner", [[], [ME_TOO], ["ada@example.net", ME_TOO]], ids=len)
def test_the_command_line_reads_the_same(tmp_path: Path, zone: str, owner: list[str]) -> None:
    file = tmp_path / "ada.ics"
    file.write_bytes(WEEK if isinstance(WEEK, bytes) else WEEK.encode())
    words = [word for each in owner for word in ("--owner", each)]
    (person,) = on_the_command_line(file, "busy", "--timezone", zone, *words)["people"]
    first = datetime(2027, 1, 4, tzinfo=ZoneInfo(zone))
    window = (first, first + timedelta(days=8))
    expected = by_free_busy(Asked(WEEK, timezone=zone, owner=owner, window=window))
    assert [
        (datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]), each["fbtype"])
        for each in person["periods"]
    ] == [(each.start, each.end, each.fbtype.value) for each in expected.periods]


# -- blocks and hours ----------------------------------------------------------------------------

HOURS_ASKED = [START + number * HOUR for number in range(8 * 24)]


def whole_hours(periods: Any) -> list[datetime]:
    """The full hours of the window that lie in one of ``periods``."""
    spans = [(each.start, each.end) for each in periods]
    return [at for at in HOURS_ASKED if any(lo <= at and at + HOUR <= hi for lo, hi in spans)]


def free_periods(asked: Asked, **how: Any) -> list[datetime]:
    return whole_hours(by_free_busy(asked).free(HOUR, **how))


def free_hour_by_hour(asked: Asked, **how: Any) -> list[datetime]:
    found = by_free_busy(asked)
    return [at for at in HOURS_ASKED if found.is_free(at, at + HOUR, **how)]


def common_to_one(asked: Asked, **how: Any) -> list[datetime]:
    return whole_hours(extcal.common_free([by_free_busy(asked)], HOUR, **how).slots)


def common_by_name(asked: Asked, **how: Any) -> list[datetime]:
    return whole_hours(extcal.common_free({"Ada": by_free_busy(asked)}, HOUR, **how).slots)


def common_of_a_table(asked: Asked, **how: Any) -> list[datetime]:
    table = asked.cache().availability({"Ada": asked.feed}, *asked.window)
    return whole_hours(table.common_free(HOUR, **how).slots)


def common_of_a_table_for_tasks(asked: Asked, **how: Any) -> list[datetime]:
    async def main() -> list[datetime]:
        async with asked.cache(AsyncCalendarCache) as calendars:
            table = await calendars.availability({"Ada": asked.feed}, *asked.window)
            return whole_hours(table.common_free(HOUR, **how).slots)

    return anyio.run(main)


def free_by_cache(asked: Asked, **how: Any) -> list[datetime]:
    calendars = asked.cache()
    return [at for at in HOURS_ASKED if calendars.is_free(asked.feed, at, at + HOUR, **how)]


def free_by_tasks(asked: Asked, **how: Any) -> list[datetime]:
    async def main() -> list[datetime]:
        async with asked.cache(AsyncCalendarCache) as calendars:
            return [
                at
                for at in HOURS_ASKED
                if await calendars.is_free(asked.feed, at, at + HOUR, **how)
            ]

    return anyio.run(main)


COMMON = [common_to_one, common_by_name, common_of_a_table, common_of_a_table_for_tasks]
BLOCKS: dict[str, Any] = {
    "what blocks by itself": extcal.BLOCKING,
    "BUSY alone": [FBType.BUSY],
    "in a tuple": (FBType.BUSY_TENTATIVE, FBType.WORKING_ELSEWHERE),
    "every type": [each for each in FBType if each is not FBType.FREE],
    "nothing": [],
}


@pytest.mark.parametrize("door", [free_periods, *COMMON, free_by_cache, free_by_tasks])
@pytest.mark.parametrize("case", BLOCKS)
def test_every_door_blocks_the_same(door: Callable[..., list[datetime]], case: str) -> None:
    asked = Asked(WEEK)
    assert door(asked, blocks=BLOCKS[case]) == free_hour_by_hour(asked, blocks=BLOCKS[case])


def test_the_table_of_what_blocks_says_something() -> None:
    """Each case leaves other hours free."""
    found = [free_hour_by_hour(Asked(WEEK), blocks=blocks) for blocks in BLOCKS.values()]
    assert len({tuple(hours) for hours in found}) == len(BLOCKS)


HOURS: dict[str, tuple[str, WorkingHours]] = {
    "a week": ("MO-FR 09:00-17:00", WorkingHours("MO-FR", "09:00", "17:00", BERLIN)),
    "some days": ("TU,TH 08:00-12:00", WorkingHours("TU,TH", "08:00", "12:00", "Europe/Berlin")),
    "over midnight": ("FR 22:00-04:00", WorkingHours("FR", "22:00", "04:00", BERLIN)),
}


@pytest.mark.parametrize(("door", "own"), [*product(COMMON, [False]), *product(COMMON[1:], [True])])
@pytest.mark.parametrize("case", HOURS)
def test_every_door_knows_the_same_hours(
    door: Callable[..., list[datetime]], case: str, own: bool
) -> None:
    """Those of all, or each person's own: free time within :meth:`WorkingHours.periods`."""
    asked, hours = Asked(WEEK), HOURS[case][1]
    found = door(asked, hours={"Ada": hours} if own else hours)
    assert found == free_in(asked, hours)


def free_in(asked: Asked, hours: WorkingHours) -> list[datetime]:
    within = set(whole_hours(hours.periods(*asked.window)))
    return [at for at in free_hour_by_hour(asked) if at in within]


@pytest.mark.parametrize("case", HOURS)
def test_the_command_line_knows_the_same_hours(tmp_path: Path, case: str) -> None:
    file = tmp_path / "ada.ics"
    file.write_bytes(WEEK if isinstance(WEEK, bytes) else WEEK.encode())
    words = ("--timezone", "Europe/Berlin", "--duration", "1h", "--hours", HOURS[case][0])
    found = on_the_command_line(file, "slots", *words)["slots"]
    periods = [Period(*map(datetime.fromisoformat, (each["start"], each["end"]))) for each in found]
    first = datetime(2027, 1, 4, tzinfo=BERLIN)
    asked = Asked(WEEK, window=(first, first + timedelta(days=8)))
    within = free_in(asked, HOURS[case][1])
    assert whole_hours(periods) == [at for at in within if at + HOUR <= asked.window[1]]
    assert within
