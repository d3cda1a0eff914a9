"""The kinds of hostile bodies: each makes its text, of about so many characters as it is told.

``hostile_bodies.py`` measures them. The kinds of ``hostile.py`` are repeated up to that size, under
other UIDs; ``hostile_more.py`` has further ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from hostile import HOSTILE, Hostile

__all__ = ["DAILY", "KINDS", "LONG", "MOST_EVENTS", "MOST_LINES", "NOW", "RULE", "Maker", "body"]
__all__ += ["events", "filled", "lines", "long", "numbers", "parts", "times"]

MOST_LINES = 1_990_000  # just below Limits.max_lines
MOST_EVENTS = 199_000  # just below Limits.max_vevents
LONG = 900_000  # just below Limits.max_line_bytes
_HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//hostile//EN\r\n"
NOW = "DTSTART:20270105T090000Z\r\nDTEND:20270105T100000Z\r\n"
_LAST = "BEGIN:VEVENT\r\nUID:last\r\n" + NOW + "END:VEVENT\r\nEND:VCALENDAR\r\n"

Maker = Callable[[int], str]


def body(*inside: str) -> str:
    """A calendar of these parts, with an event at its end."""
    return "".join((_HEAD, *inside, _LAST))


def filled(part: str, size: int, most: int) -> str:
    """``part`` over and over, with a number where it has one."""
    first, *rest = part.split("%d")
    count = max(1, min(most, size // (len(part) + 5 * len(rest))))
    if not rest:
        return part * count
    numbered = (f"{n:07}" for n in range(count))
    if len(rest) == 1:
        return first + (rest[0] + first).join(numbered) + rest[0]
    return "".join(part.replace("%d", number) for number in numbered)


def lines(line: str, inside: str = "VEVENT", own: str = NOW) -> Maker:
    """One component with so many lines of a kind."""
    start, end = f"BEGIN:{inside}\r\nUID:a\r\n{own}", f"END:{inside}\r\n"
    return lambda size: body(start, filled(line + "\r\n", size, MOST_LINES), end)


def parts(part: str) -> Maker:
    """So many components of a kind."""
    return lambda size: body(filled(part, size, MOST_LINES // part.count("\n")))


def events(own: str) -> Maker:
    """So many events with these lines, filled up to the whole size."""

    def make(size: int) -> str:
        event = f"BEGIN:VEVENT\r\n{own}X:%s\r\nEND:VEVENT\r\n"
        more = max(1, size // MOST_EVENTS - len(event))
        return body(
            filled(
                event % ("x" * more) if "%d" not in event else event.replace("%s", "x" * more),
                size,
                MOST_EVENTS,
            )
        )

    return make


def times(count: int, step: int = 3600) -> str:
    first = datetime(2027, 1, 4, tzinfo=UTC)
    return ",".join(f"{first + timedelta(seconds=step * n):%Y%m%dT%H%M%SZ}" for n in range(count))


def long(own: str) -> Maker:
    """So many events with these lines, which are long."""
    event = f"BEGIN:VEVENT\r\n{own}END:VEVENT\r\n"
    return lambda size: body(filled(event, size, MOST_EVENTS))


def numbers(first: int, behind: int) -> str:
    return ",".join(map(str, range(first, behind)))


def _repeated(one: Hostile, size: int) -> str:
    """What stands in the calendar of ``hostile.py``, so often that it fills the size."""
    inside = one.make().decode("utf-8", "replace").partition("\n")[2].rpartition("END:VCALENDAR")[0]
    often = max(1, size * 19 // 20 // max(1, len(inside.encode())))
    return body(*(inside.replace("UID:", f"UID:{number}-") for number in range(often)))


RULE = "RRULE:FREQ=DAILY\r\n"
DAILY = "UID:%d\r\n" + RULE

KINDS: dict[str, Maker] = {
    "short lines": lambda size: body("A:\r\n" * (size // 4)),
    "lines that are not needed": lines("A:" + "x" * 27),
    "the same in lower case": lines("a:" + "x" * 27),
    "lines that are none": lines("?" + "x" * 28),
    "newlines": lambda size: body("\r\n" * MOST_LINES),
    "lone CRs": lambda size: events(NOW + "UID:%d\r\n")(size).replace("\r\n", "\r"),
    "mixed line ends": lambda size: events(NOW + "UID:%d\r\n")(size).replace("Z\r\n", "Z\n"),
    "NULs in names": lines("SUM\0MARY:" + "x" * 20),
    "NULs in values": lines("SUMMARY:" + "\0" * 21),
    "byte order marks": lines("\ufeffA:" + "x" * 22),
    "folds by one": lines("SUMMARY:" + "\r\n x" * 200_000),
    "folds": lines("SUMMARY:\r\n " + "x" * 22),
    "one folded line": lambda size: lines("SUMMARY:" + ("\r\n " + "x" * 29) * (size // 32))(1),
    "one long line": lambda size: lines("X-A:" + "x" * size)(1),
    "long texts": lines("SUMMARY:%d" + "x" * LONG),
    "escapes": lines("SUMMARY:" + "\\n" * (LONG // 2)),
    "not UTF-8": lines("SUMMARY:" + "\xe4" * LONG),
    "wide characters": lines("SUMMARY:\U0001f600" + "x" * LONG),
    "SUMMARYs": lines("SUMMARY:%dxxxxxxxxxxxxxx"),
    "UIDs": lines("UID:%dxxxxxxxxxxxxxxxxxx"),
    "DTSTARTs": lines("DTSTART:20270105T090000Z      ", own=""),
    "STATUSes": lines("STATUS:%dxxxxxxxxxxxxxxx"),
    "CATEGORIES": lines("CATEGORIES:" + "a," * (LONG // 2)),
    "X- lines": lines("X-A;X=1:xxxxxxxxxxxxxxxxxxxx"),
    "ATTENDEEs": lines("ATTENDEE:mailto:%d@example.org"),
    "FREEBUSY lines": lines("FREEBUSY:20270105T090000Z/PT1H", "VFREEBUSY", ""),
    "FREEBUSY periods": lambda size: lines(
        "FREEBUSY:" + times(50_000).replace(",", "/PT2M,"), "VFREEBUSY", "")(size),
    "VFREEBUSYs": parts("BEGIN:VFREEBUSY\r\nUID:%d\r\nEND:VFREEBUSY\r\n"),
    "VTODOs": parts("BEGIN:VTODO\r\nUID:%d\r\nSUMMARY:x\r\nEND:VTODO\r\n"),
    "VALARMs": lines("BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM"),
    "unknown components": lines("BEGIN:X-AAA\r\nEND:X-AAA"),
    "nested components": parts("BEGIN:X\r\n" * 900 + "END:X\r\n" * 900),
    "VCALENDARs": lambda size: (
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" * min(MOST_LINES // 2, size // 32) + body()),
    "VTIMEZONEs": parts(
        "BEGIN:VTIMEZONE\r\nTZID:z%d\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    ),
    "names of zones": events("UID:%d\r\nDTSTART;TZID=Zone %d:20270105T090000\r\n"),
    "RDATE lines": lines("RDATE:20270105T090000Z"),
    "RDATEs": lambda size: lines("RDATE:" + times(50_000))(size),
    "EXDATE lines": lines("EXDATE:20270105T090000Z"),
    "EXDATEs": lambda size: lines("RRULE:FREQ=DAILY\r\nEXDATE:" + times(50_000))(size),
    "RRULEs": lines("RRULE:FREQ=DAILY;INTERVAL=%d"),
    "BY lists": lines("RRULE:FREQ=YEARLY;INTERVAL=%d;BYYEARDAY=" + "99,-9," * 150_000 + "1"),
    "overrides": events("UID:a\r\nRECURRENCE-ID:20270105T090000Z\r\nSEQUENCE:%d\r\n" + NOW),
    "copies": events("UID:a\r\nSEQUENCE:%d\r\nRRULE:FREQ=DAILY\r\n" + NOW),
    "series": events("UID:%d\r\nRRULE:FREQ=DAILY\r\n" + NOW),
    "events": events("UID:%d\r\n" + NOW),
    "events without a UID": events("SEQUENCE:%d\r\n" + NOW),
    "events in lower case": lambda size: events("UID:%d\r\n" + NOW)(size).lower(),
    "unreadable events": events("UID:%d\r\nDTSTART:soon\r\n"),
    "quoted parameters": lines("DTSTART" + ';X="a;b"' * 100_000 + ":20270105T090000Z", own=""),
    "parameters": lines("DTSTART" + ";X=a" * 200_000 + ":20270105T090000Z", own=""),
    "VAVAILABILITYs": parts(
        "BEGIN:VAVAILABILITY\r\nUID:%d\r\nBEGIN:AVAILABLE\r\nUID:x\r\n" + NOW
        + "END:AVAILABLE\r\nEND:VAVAILABILITY\r\n"
    ),
    "UTF-16": lambda size: events("UID:%d\r\n" + NOW)(size // 2),
    "UTF-16 without a mark": lambda size: "\0".join(events("UID:%d\r\n" + NOW)(size // 2)),
    "NULs everywhere": lambda size: "\0" * size,
    "a BEGIN in folds": lambda size: "B\r\n E\r\n G" * (size // 10),
    "a page behind the calendar": lambda size: body() + "<p>x</p>\n" * (size // 9),
    "byte order marks in events": lambda size: events("UID:%d\r\n" + NOW)(size)
    .replace("\r\nDT", "\r\n\ufeffDT"),
    "a UID of 900 kB each": long("UID:%d" + "x" * LONG + "\r\n" + NOW),
    "one UID of 60 kB": long("UID:" + "x" * 60_000 + "\r\nSEQUENCE:%d\r\n" + NOW),
    "titles of 300 kB": long(DAILY + NOW + "SUMMARY:%d" + "\U0001f600" * 70_000 + "\r\n"),
    "titles of escapes": long(DAILY + NOW + "SUMMARY:%d" + '\\n\\\\"' * 50_000 + "\r\n"),
    "parameters of 500 kB": long(
        'UID:%d\r\nDTSTART;X="' + "a;b:c," * 70_000 + '":20270105T090000Z\r\n'),
    "deep components": lines("BEGIN:X-AAAAAAA"),
    "RDATE periods": long(
        "UID:%d\r\n" + NOW + "RDATE;VALUE=PERIOD:" + times(9_000, 420).replace(",", "/PT5M,")
        + "\r\n"),
    "EXDATEs in zones": lambda size: lines("RRULE:FREQ=HOURLY", own=NOW + "".join(
        f"EXDATE;TZID=Zone{n % 1_900}:20270105T090000\r\n" for n in range(size // 40)))(1),
    "EXRULEs": long(DAILY + NOW + "".join(
        f"EXRULE:FREQ=MINUTELY;INTERVAL={n}\r\n" for n in range(2, 2_000))),
    "overrides of many UIDs": lambda size: body(*(
        f"BEGIN:VEVENT\r\nUID:{n % 2_000}\r\nRECURRENCE-ID:202701{n // 2_000 + 5:02}T090000Z\r\n"
        f"{NOW}X:{'x' * (size // 45_000 - 150)}\r\nEND:VEVENT\r\n"
        for n in range(min(45_000, size // 150)))),
    "THISANDFUTURE": long(
        "UID:a\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270105T09%dZ\r\n" + NOW + "X:"
        + "x" * 9_000 + "\r\n"),
    "BYSETPOS of everything": long(
        "UID:%d\r\nDTSTART:19000101T000000Z\r\nRRULE:FREQ=YEARLY;BYHOUR=" + numbers(0, 24)
        + ";BYMINUTE=" + numbers(0, 60) + ";BYSECOND=" + numbers(0, 60) + ";BYSETPOS="
        + numbers(1, 367) + "\r\n"),
    "BYDAY of everything": long(
        "UID:%d\r\nDTSTART:19000101T000000Z\r\nRRULE:FREQ=YEARLY;BYDAY=" + ",".join(
            f"{n}{day}" for n in range(1, 54) for day in ("MO", "TU", "WE", "TH", "FR"))
        + "\r\n"),
    "SECONDLY that never matches": long(
        "UID:%d\r\nDTSTART:19010101T000000Z\r\nRRULE:FREQ=SECONDLY;INTERVAL=86399;COUNT=999999999;"
        "BYMONTH=2;BYMONTHDAY=29;BYHOUR=3;BYSECOND=7\r\nX:" + "x" * 3_000 + "\r\n"),
    "COUNTs from 1901": long(
        "UID:%d\r\nDTSTART:19010113T000000Z\r\nRRULE:FREQ=MONTHLY;COUNT=99999;BYMONTHDAY=13,-1;"
        "BYDAY=FR;BYSETPOS=1,-1\r\nX:" + "x" * 3_000 + "\r\n"),
    "long DURATIONs": events("UID:%d\r\nDTSTART:20270105T090000Z\r\nDURATION:P" + "9" * 200
                              + "D\r\n"),
    "the years 1 and 9999": lambda size: body(*(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART:{('0001', '9999')[n % 2]}0101T090000Z\r\n"
        f"{RULE}X:{'x' * (size // MOST_EVENTS - 120)}\r\nEND:VEVENT\r\n"
        for n in range(min(MOST_EVENTS, size // 150)))),
    "hourly series": long(
        "UID:%d\r\nRRULE:FREQ=HOURLY\r\n" + NOW + "X:" + "x" * 3_000 + "\r\n"),
    "series that never overlap": lambda size: body(*(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nRRULE:FREQ=DAILY\r\nDTSTART:20270105T{n // 240 % 24:02}"
        f"{n // 4 % 60:02}{n % 4 * 15:02}Z\r\nDURATION:PT5S\r\nX:{'x' * 30}\r\nEND:VEVENT\r\n"
        for n in range(min(MOST_EVENTS, size // 150)))),
    "20,000 series with texts": long(DAILY + NOW + "SUMMARY:%d" + "x" * 3_000 + "\r\n"),
    "18,000 series, 36,000 events": lambda size: body(*(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nRRULE:FREQ=DAILY;COUNT=2\r\n"
        f"DTSTART:202701{4 + n % 25:02}T00{n % 60:02}00Z\r\nDURATION:PT{n % 50 + 1}M\r\n"
        f"SUMMARY:{n} {'title ' * 60}\r\nLOCATION:{n} {'place ' * 60}\r\nEND:VEVENT\r\n"
        for n in range(min(18_000, size // 900)))),
    "past and future of one UID": lambda size: body(*(
        f"BEGIN:VEVENT\r\nUID:{n % min(95_000, size // 300)}\r\n"
        f"DTSTART:20{20 + 7 * (n % 2)}0105T090000Z\r\n"
        f"DTEND:20{20 + 7 * (n % 2)}0105T100000Z\r\nX:{'x' * (size // MOST_EVENTS - 110)}\r\n"
        "END:VEVENT\r\n" for n in range(min(MOST_EVENTS, size // 150)))),
    "past events": lambda size: events("UID:%d\r\n" + NOW.replace("2027", "2020"))(size),
    "future series": events("UID:%d\r\nRRULE:FREQ=SECONDLY\r\nDTSTART:20300105T090000Z\r\n"),
    "AVAILABLEs": lines(
        "BEGIN:AVAILABLE\r\nUID:%d\r\n" + NOW + "RRULE:FREQ=HOURLY\r\nX:" + "x" * 60_000
        + "\r\nEND:AVAILABLE", "VAVAILABILITY", ""),
    "VFREEBUSYs with periods": parts(
        "BEGIN:VFREEBUSY\r\nUID:%d\r\nFREEBUSY:20270105T090000Z/PT1H\r\nX:" + "x" * 2_000
        + "\r\nEND:VFREEBUSY\r\n"),
    "VCALENDARs with an event": lambda size: "".join(
        f"BEGIN:VCALENDAR\r\nPRODID:{n}\r\nX-WR-TIMEZONE:z{n}\r\nBEGIN:VEVENT\r\nUID:{n}\r\n{NOW}"
        f"X:{'x' * (size // 180_000 - 180)}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        for n in range(min(180_000, size // 180))) + body(),
    "Google's stamps in folds": lambda size: (
        "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\n"
        "DTSTAMP:20270104T080000Z\r\nD" + "\r\n " * (size // 3) + body()),
    **{f"hostile: {one.name}": partial(_repeated, one) for one in HOSTILE},
}  # fmt: skip
