"""Nothing a person wrote into a feed that is read for busy time only gets into a store.

A word that occurs nowhere else is put into every place a feed has for text; a UID may hold it, so
that a meeting can be left out of its own availability.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal import CalendarCache, Feed, MemoryStore, Snapshot
from extcal.testing import FakeFetcher, ManualClock

WORD = "CANARY"
URL = "https://calendar.example.org/SECRET-7f3a/basic.ics"
PLAIN = {
    "DTSTAMP": "20260101T000000Z",
    "DTSTART": "20270104T090000Z",
    "DTEND": "20270104T100000Z",
}
PROPERTIES = """
SUMMARY LOCATION DESCRIPTION COMMENT CONTACT CATEGORIES STATUS TRANSP CLASS RRULE EXRULE RDATE
EXDATE DURATION DTSTART DTEND DTSTAMP RECURRENCE-ID ORGANIZER ATTENDEE SEQUENCE PRIORITY URL GEO
LAST-MODIFIED X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-CDO-INTENDEDSTATUS X-MICROSOFT-CDO-ALLDAYEVENT
X-MICROSOFT-MSNCALENDAR-BUSYSTATUS X-CANARY
""".split()
PARAMETERS = """
;CANARY=CANARY ;TZID=CANARY ;TZID="CANARY" ;VALUE=CANARY ;PARTSTAT=CANARY ;RANGE=CANARY
;FBTYPE=CANARY ;CN=CANARY
""".split()
RULES = [
    f"FREQ={part}"
    for part in """
CANARY DAILY;CANARY=1 DAILY;CANARY=1;CANARY=2 DAILY;BYDAY=CANARY DAILY;COUNT=CANARY
DAILY;UNTIL=CANARY DAILY;WKST=CANARY DAILY;INTERVAL=CANARY DAILY;SKIP=CANARY DAILY;RSCALE=CANARY
MONTHLY;BYMONTHDAY=CANARY YEARLY;BYMONTH=CANARY DAILY;COUNT=CANARY;COUNT=CANARY
""".split()
]
VALUES = [WORD, f"{WORD};{WORD}={WORD}", *RULES, "20270105T090000", f"20270105T090000{WORD}"]
VALUES += [f"P{WORD}", f"mailto:{WORD}", f"{WORD}/{WORD}", f"20270105T090000Z/P{WORD}"]
HEADS = """
PRODID VERSION METHOD X-WR-TIMEZONE X-WR-CALNAME X-WR-CALDESC CALSCALE REFRESH-INTERVAL
X-PUBLISHED-TTL X-CANARY
""".split()
STRAY = [WORD, f"BEGIN:{WORD}", f"END:{WORD}", f"{WORD}:{WORD}", f"{WORD} {WORD}", f" {WORD}"]


def component(name: str, lines: Iterable[str], **properties: str) -> str:
    plain = (f"{key}:{value}" for key, value in properties.items())
    return "".join(f"{line}\r\n" for line in (f"BEGIN:{name}", *plain, *lines, f"END:{name}"))


def with_line(name: str, line: str, number: int) -> str:
    rest = {key: value for key, value in PLAIN.items() if key != name}
    if name == "DURATION":
        del rest["DTEND"]
    return component("VEVENT", [f"UID:{WORD}-{number}", line], **rest)


def calendar(*parts: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(parts)}END:VCALENDAR\r\n"


def kept(body: str) -> tuple[Snapshot, bytes]:
    """What a cache for busy time only knows of ``body``, and all that it has stored."""
    feed, store = Feed(URL, detail="busy"), MemoryStore()
    fetcher = FakeFetcher({feed: body})
    clock = ManualClock("2027-01-04T08:00Z")
    snapshot = CalendarCache(fetcher=fetcher, clock=clock, store=store).get(feed)
    cells = b"".join(cell.data for cell in store._cells.values())
    return snapshot, cells.replace(snapshot.reading.packed, b"")


def check(body: str) -> None:
    """The word may stand in UIDs only, and nowhere at all in what is for everybody."""
    snapshot, cells = kept(body)
    told = [{**asdict(problem), "uid": None} for problem in snapshot.problems]
    assert WORD not in repr(told).upper()
    for event in snapshot.events:
        bare = {name: getattr(event, name) for name in event.__slots__ if name != "uid"}
        assert WORD not in repr(bare).upper()
    uids = {problem.uid for problem in snapshot.problems} - {None}
    for uid in sorted(map(str, uids), key=len, reverse=True):
        cells = cells.replace(uid.encode(), b"")
    assert WORD.encode() not in cells.upper()
    shown = snapshot.redacted()
    packed = zlib.decompress(shown.reading.packed)
    assert WORD.encode() not in packed.upper()
    assert WORD not in repr((shown.problems, shown.events, shown.reading.etag)).upper()


@pytest.mark.parametrize("name", PROPERTIES)
def test_no_property_of_an_event(name: str) -> None:
    """Whatever it holds, in whatever parameters, of series and of single events."""
    lines = [f"{name}{parameter}:{value}" for parameter in ("", *PARAMETERS) for value in VALUES]
    check(calendar(*(with_line(name, line, number) for number, line in enumerate(lines))))


@pytest.mark.parametrize("name", HEADS)
def test_no_property_of_the_calendar(name: str) -> None:
    """With times in UTC, and with times that need the calendar's zone."""
    floating = {"DTSTART": "20270104T090000", "DTEND": "20270104T100000"}
    for times in (PLAIN, PLAIN | floating):
        check(calendar(f"{name}:{WORD}\r\n", component("VEVENT", ["UID:a"], **times)))


def zones() -> Iterator[str]:
    for start in ("19700101T000000", WORD):
        for offset in ("+0100", WORD):
            for line in ("", f"RRULE:{WORD}", f"RRULE:FREQ=YEARLY;{WORD}=1", f"RDATE:{WORD}"):
                observance = component(
                    "STANDARD",
                    [f"TZNAME:{WORD}", *filter(None, [line])],
                    DTSTART=start,
                    TZOFFSETFROM=offset,
                    TZOFFSETTO="+0200",
                )
                yield f"BEGIN:VTIMEZONE\r\nTZID:{WORD}\r\n{observance}END:VTIMEZONE\r\n"


def test_no_zone() -> None:
    """By its name or in its definition, whether it can be used or not; several of one name."""
    meeting = component(
        "VEVENT", ["UID:a", f"DTSTART;TZID={WORD}:20270104T090000", "DURATION:PT1H"]
    )
    floating = component("VEVENT", ["UID:b", "DTSTART:20270105T090000", "DURATION:PT1H"])
    unknown = component("VEVENT", ["UID:c", f"DTSTART;TZID={WORD}2:20270106T090000"])
    for zone in zones():
        check(calendar(zone, meeting))
        check(calendar(zone, meeting, floating))
        check(calendar(zone, floating, unknown))
    check(calendar(*zones(), meeting))
    named = f"X-WR-TIMEZONE:{WORD}\r\n"
    other = f"X-WR-TIMEZONE:{WORD}2\r\n"
    check(calendar(named, next(zones()), meeting) + calendar(other, meeting) + calendar(floating))


@pytest.mark.parametrize("name", ["VFREEBUSY", "VAVAILABILITY"])
def test_no_published_time(name: str) -> None:
    """Neither its types nor what its parts say."""
    within = {"DTSTART": "20270104T090000Z", "DTEND": "20270204T090000Z"}
    for key in ("FREEBUSY", "BUSYTYPE", "PRIORITY", "SUMMARY", "ORGANIZER", "ATTENDEE", "RRULE"):
        for parameter in ("", *PARAMETERS):
            parts = []
            for number, value in enumerate(VALUES[:3] + VALUES[-4:]):
                line = f"{key}{parameter}:{value}"
                part = component("AVAILABLE", [f"UID:b{number}", "DURATION:PT1H", line], **PLAIN)
                extra = part if name == "VAVAILABILITY" else ""
                body = component(name, [f"UID:{number}", line], **within)
                parts.append(body.replace(f"END:{name}", f"{extra}END:{name}"))
            check(calendar(*parts))


@pytest.mark.parametrize("stray", STRAY)
def test_no_stray_line(stray: str) -> None:
    """Between components, inside of one, and where the body ends."""
    meeting = component("VEVENT", ["UID:a", stray], **PLAIN)
    check(calendar(meeting))
    check(calendar(f"{stray}\r\n", meeting))
    check(calendar(meeting) + f"{stray}\r\n")
    check(calendar(meeting)[: -len("END:VCALENDAR\r\n")] + f"{stray}\r\n")


@given(
    st.sampled_from(PROPERTIES),
    st.sampled_from(["", *PARAMETERS]),
    st.sampled_from(VALUES),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12),
)
def test_nor_anything_around_it(name: str, parameter: str, value: str, text: str) -> None:
    """Other text before and after does not carry it past."""
    check(calendar(with_line(name, f"{name}{parameter}:{text}{value}{text}", 1)))


def test_the_owner_still_reads_what_is_odd(make: Callable[..., CalendarCache]) -> None:
    """Under detail="events" sentences quote the feed; under "busy" they say the same without."""
    body = calendar(with_line("RRULE", f"RRULE:FREQ=DAILY;{WORD}=1", 1))
    whole, bare = (
        make(fetcher=FakeFetcher({URL: body})).get(Feed(URL, detail=detail))
        for detail in ("events", "busy")
    )
    assert WORD in whole.problems[0].message.upper()
    assert bare.problems[0].message == "a part of a recurrence rule is none that is known"
    assert [each.code for each in bare.problems] == [each.code for each in whole.problems]
    assert bare.free_busy == whole.free_busy
