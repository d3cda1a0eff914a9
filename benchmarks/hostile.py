"""Hostile feeds: each is small, but a careless expander would need almost endless time for it.

``HOSTILE`` lists them; each makes its bytes when it is called. ``truth`` is busy time, computed by
hand from the standard: the answer may be busy or unknown there, but never free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import pairwise

from feeds import END, START

__all__ = ["HOSTILE", "Hostile"]

_LO, _HI = int(START.timestamp()), int(END.timestamp())
_HOUR = 3600
_NINE = _LO + 9 * _HOUR  # of the first Monday, in UTC
_ANCHOR = "BEGIN:VEVENT\nUID:anchor\nDTSTART:20270104T090000Z\nDTEND:20270104T100000Z\nEND:VEVENT\n"


@dataclass(frozen=True, slots=True)
class Hostile:
    """One hostile feed: its description, its bytes, and the time that is certainly busy."""

    name: str
    make: Callable[[], bytes]
    truth: tuple[tuple[int, int], ...] = ((_NINE, _NINE + _HOUR),)


def _calendar(*parts: str) -> bytes:
    """A calendar of the parts, with a meeting at its end that must be read."""
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example//hostile//EN\n"
    return (head + "".join(parts) + _ANCHOR + "END:VCALENDAR\n").encode()


def _event(*lines: str, uid: str = "hostile", start: str = "20200101T000000Z") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", *lines, "END:VEVENT", ""])


def _series(rule: str, *lines: str, start: str = "20200101T000000Z") -> Callable[[], bytes]:
    return lambda: _calendar(_event("DURATION:PT1S", f"RRULE:{rule}", *lines, start=start))


def _days(count: int, first: datetime = datetime(2020, 1, 1)) -> Iterable[str]:
    """``count`` full hours, one after the other; formatted day by day, which is quick."""
    while count > 0:
        day, hours = f"{first:%Y%m%dT}", range(first.hour, min(24, first.hour + count))
        yield from (f"{day}{hour:02}0000Z" for hour in hours)
        count -= len(hours)
        first += timedelta(hours=len(hours))


def _many_series() -> bytes:
    rule = "RRULE:FREQ=SECONDLY;BYSECOND=1,7,13"
    return _calendar(*(_event(rule, "DURATION:PT1S", uid=f"u{n}") for n in range(1_000)))


def _exdates() -> bytes:
    exdates = (f"EXDATE:{day}" for day in _days(100_000))
    return _calendar(_event("DURATION:PT1H", "RRULE:FREQ=HOURLY;INTERVAL=5", *exdates))


def _rdates() -> bytes:
    return _calendar(_event("DURATION:PT1S", "RDATE:" + ",".join(_days(200_000))))


def _folded_line() -> bytes:
    text = "\n ".join(["DESCRIPTION:x", *["x" * 72] * 14_000])
    return _calendar(_event("DURATION:PT1H", text, start="20270105T090000Z"))


def _folded_by_one() -> bytes:
    return _calendar(_event("DURATION:PT1H", "SUMMARY:" + "\n x" * 350_000))


def _newlines() -> bytes:
    return b"BEGIN:VCALENDAR\n" + b"\n" * 1_000_000 + _calendar().split(b"\n", 1)[1]


def _overrides() -> bytes:
    overrides = (
        _event(f"RECURRENCE-ID:{day}", "DURATION:PT1H", start=day, uid="one")
        for day in _days(50_000, datetime(2021, 1, 1))
    )
    master = _event("RRULE:FREQ=HOURLY", "DURATION:PT1H", uid="one")
    return _calendar(master, *overrides)


def _following() -> bytes:
    overrides = (
        _event(f"RECURRENCE-ID;RANGE=THISANDFUTURE:{day}", "DURATION:PT1H", start=day, uid="one")
        for day in _days(5_000, datetime(2026, 9, 1))
    )
    return _calendar(_event("RRULE:FREQ=HOURLY", "DURATION:PT1H", uid="one"), *overrides)


def _zone(name: str, rules: int = 1, freq: str = "YEARLY") -> str:
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    for number in range(rules):
        lines += [f"BEGIN:{('STANDARD', 'DAYLIGHT')[number % 2]}", "TZOFFSETFROM:+0100"]
        lines += [f"TZOFFSETTO:+0{number % 9}00", f"RRULE:FREQ={freq}"]
        lines += [f"DTSTART:19{70 + number % 30}0{1 + number % 9}01T020000"]
        lines += [f"END:{('STANDARD', 'DAYLIGHT')[number % 2]}"]
    return "\n".join([*lines, "END:VTIMEZONE", ""])


def _big_zone(freq: str = "YEARLY") -> bytes:
    event = "BEGIN:VEVENT\nUID:z\nDTSTART;TZID=big:20270105T090000\nDURATION:PT1H\nEND:VEVENT\n"
    return _calendar(_zone("big", 2_000, freq), event)


def _availabilities() -> bytes:
    one = (
        "BEGIN:VAVAILABILITY\nUID:a{0}\nPRIORITY:{1}\nDTSTART:20260101T000000Z\n"
        "BEGIN:AVAILABLE\nUID:b{0}\nDTSTART:20260105T090000Z\nDTEND:20260105T170000Z\n"
        "RRULE:FREQ=DAILY\nEND:AVAILABLE\nEND:VAVAILABILITY\n"
    )
    return _calendar(*(one.format(number, number % 10) for number in range(5_000)))


def _copies() -> bytes:
    lines = ("DURATION:PT1H", "RRULE:FREQ=DAILY")
    many = (_event(f"SEQUENCE:{n}", *lines, uid="one") for n in range(20_000))
    return _calendar(*many)


def _masters() -> bytes:
    many = (
        _event(
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY",
            uid="one",
            start=f"20200101T{n % 24:02}{n % 60:02}00Z",
        )
        for n in range(5_000)
    )
    return _calendar(*many)


def _long_instances() -> bytes:
    many = (
        _event("DURATION:P3650D", "RRULE:FREQ=DAILY", uid=f"u{n}", start="20190101T000000Z")
        for n in range(200)
    )
    return _calendar(*many)


def _listed() -> bytes:
    lines = (f"FREEBUSY:{day}/PT30M\n" for day in _days(100_000))
    return _calendar("BEGIN:VFREEBUSY\nUID:f\n", *lines, "END:VFREEBUSY\n")


def _tzids() -> bytes:
    many = (
        f"BEGIN:VEVENT\nUID:u{n}\nDTSTART;TZID=No Such Zone {n}:20270105T090000\nEND:VEVENT\n"
        for n in range(20_000)
    )
    return _calendar(*many)


def _broken() -> bytes:
    return _calendar(*("BEGIN:VEVENT\nUID:x\nDTSTART:rubbish\nEND:VEVENT\n" for _ in range(50_000)))


# Found by searching for slow code, package by package.


def _zoned(name: str, number: int = 0) -> str:
    return (
        f"BEGIN:VEVENT\nUID:z{number}\nDTSTART;TZID={name}:20270105T090000\nDURATION:PT1H\n"
        "END:VEVENT\n"
    )


def _zones_of_one_name() -> bytes:
    many = (_zone("same").replace("+0100", f"+{n % 14:02}{n % 60:02}") for n in range(6_000))
    return _calendar(*many, _zoned("same"))


def _zones_that_are_named() -> bytes:
    zones = (_zone(f"z{n}", 40) for n in range(200))
    return _calendar(*zones, *(_zoned(f"z{n}", n) for n in range(200)))


def _zones_with_folds() -> bytes:
    many = (_zone(f"z{n}").replace("TZID:", "TZ\n ID:") for n in range(6_000))
    return _calendar(*many, _zoned("z7"))


def _zone_of_dates() -> bytes:
    dates = ",".join(day[:-1] for day in _days(40_000))
    return _calendar(_zone("big").replace("DTSTART", f"RDATE:{dates}\nDTSTART"), _zoned("big"))


def _names_of_zones() -> bytes:
    return _calendar(*(_zoned(f'"(UTC+01:00) Berlin, Bern, {n}"', n) for n in range(1_999)))


def _calendars() -> bytes:
    one = "BEGIN:VCALENDAR\nX-WR-TIMEZONE:a{0}\nBEGIN:VTIMEZONE\nTZID:a{0}\nEND:VTIMEZONE\n"
    many = (one.format(number) + "END:VCALENDAR\n" for number in range(9_000))
    return "".join(many).encode() + _calendar(_event("DURATION:PT1H", start="20270105T090000"))


def _freebusy(*lines: str) -> Callable[[], bytes]:
    return lambda: _calendar("BEGIN:VFREEBUSY\nUID:f\n", *lines, "END:VFREEBUSY\n")


def _periods_with_ends() -> bytes:
    days = list(_days(25_001))
    return _freebusy(*(f"FREEBUSY:{a}/{b}\n" for a, b in pairwise(days)))()


def _daily_availabilities() -> bytes:
    one = (
        "BEGIN:VAVAILABILITY\nUID:a{0}\nPRIORITY:{1}\nDTSTART:20260101T000000Z\n"
        "BEGIN:AVAILABLE\nUID:b{0}\nDTSTART:202601{2:02}T{3:02}0000Z\nDURATION:PT{4}M\n"
        "RRULE:FREQ=DAILY\nEND:AVAILABLE\nEND:VAVAILABILITY\n"
    )
    return _calendar(*(one.format(n, n % 10, 1 + n % 28, n % 24, 1 + n % 50) for n in range(500)))


def _hourly_available() -> bytes:
    one = (
        "BEGIN:AVAILABLE\nUID:b{0}\nDTSTART:20260101T00{1:02}{2:02}Z\nDURATION:PT1M\n"
        "RRULE:FREQ=HOURLY\nEND:AVAILABLE\n"
    )
    many = (one.format(n, n % 60, n % 59) for n in range(999))
    start = "BEGIN:VAVAILABILITY\nUID:a\nDTSTART:20260101T000000Z\n"
    return _calendar(start, *many, "END:VAVAILABILITY\n")


def _exdates_in_a_line() -> bytes:
    exdates = "EXDATE:" + ",".join(_days(60_000))
    return _calendar(_event("DURATION:PT1H", "RRULE:FREQ=HOURLY", exdates))


def _carets() -> bytes:
    event = _event("DURATION:PT1H", start="20270105T090000Z")
    return _calendar(event.replace("DTSTART:", "DTSTART;X=" + "^n" * 400_000 + ":"))


def _nested() -> bytes:
    odd = ["BEGIN:X\nBEGIN:Y\nEND:Y\nEND:X"] * 20
    start = "20270105T090000Z"
    return _calendar(
        *(_event("DURATION:PT1H", *odd, uid=f"u{n}", start=start) for n in range(1_200))
    )


def _zones_of_the_world() -> bytes:
    lines = "DURATION:PT1H\nRRULE:FREQ=DAILY\nEND:VEVENT\n"
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return _calendar(
        *(
            f"BEGIN:VEVENT\nUID:u{number}\nDTSTART;TZID={name}:20270105T090000\n{lines}"
            for number, name in enumerate(names)
        )
    )


def _short_events() -> bytes:
    one = "BEGIN:VEVENT\nUID:{0}\nDTSTART:202701{1:02}T{2:02}{3:02}00Z\nEND:VEVENT\n"
    return _calendar(*(one.format(n, 1 + n % 28, n % 24, n % 60) for n in range(5_000)))


def _exrules() -> bytes:
    rules = [f"EXRULE:FREQ=DAILY;INTERVAL={number}" for number in range(2, 22)]
    lines = ("DURATION:PT1H", "RRULE:FREQ=DAILY", *rules)
    return _calendar(*(_event(*lines, uid=f"u{n}") for n in range(800)))


def _rdates_with_periods() -> bytes:
    parts = []
    for number in range(700):
        days = _days(40, datetime(2027, 1, 4) + timedelta(hours=number))
        rdates = ",".join(f"{day}/PT{30 + number % 20}M" for day in days)
        lines = ("DURATION:PT1H", "RRULE:FREQ=DAILY", f"RDATE;VALUE=PERIOD:{rdates}")
        parts.append(_event(*lines, uid=f"u{number}"))
    return _calendar(*parts)


def _digits() -> bytes:
    many = "9" * 300_000
    return _calendar(
        _event(f"DURATION:P{many}D", uid="a"),
        _event(f"RRULE:FREQ=DAILY;COUNT={many}", uid="b"),
        _event(f"SEQUENCE:{many}", "DURATION:PT1H", uid="c"),
    )


def _ended_by_lone_lfs() -> bytes:
    past = "BEGIN:VEVENT\nDTSTART:20200105T090000Z\nDTEND:20200105T100000Z\nUID:x\n"
    plain = _event("DURATION:PT1H").replace("\n", "\r\n")
    return _calendar(
        "X:y\r\n", plain, plain[:-12], f"{past}END:VEVENT\n" * 12_000, "END:VEVENT\r\n", plain
    )


_EVERYTHING = "BYHOUR={};BYMINUTE={};BYSECOND={}".format(
    *(",".join(map(str, range(size))) for size in (24, 60, 60))
)
_WHOLE = ((_LO, _HI),)

HOSTILE: tuple[Hostile, ...] = (
    # Well-known hostile feeds; each of them stalls or breaks some library.
    Hostile("FREQ=SECONDLY without end", _series("FREQ=SECONDLY"), _WHOLE),
    Hostile(
        "SECONDLY;INTERVAL=7;COUNT=1000000000", _series("FREQ=SECONDLY;INTERVAL=7;COUNT=1000000000")
    ),
    Hostile("30 February, YEARLY", _series("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")),
    Hostile("30 February, DAILY", _series("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")),
    Hostile("30 February, SECONDLY", _series("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")),
    Hostile("100,000 EXDATEs", _exdates),
    Hostile("one folded line of 1 MB", _folded_line),
    Hostile("a megabyte of bare newlines", _newlines),
    Hostile("50,000 overrides of one UID", _overrides),
    Hostile("a 2,000-rule VTIMEZONE", _big_zone),
    # More of the same kinds.
    Hostile("a VTIMEZONE of 2,000 SECONDLY rules", lambda: _big_zone("SECONDLY")),
    Hostile(
        "every second by BY lists, and the last of each year",
        _series(f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{_EVERYTHING};BYSETPOS=-1"),
    ),
    Hostile("every second by BY lists", _series(f"FREQ=DAILY;{_EVERYTHING}"), _WHOLE),
    Hostile("1,000 SECONDLY series", _many_series),
    Hostile(
        "COUNT over years of Fridays 13th",
        _series("FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR;COUNT=100000", start="19000101T000000Z"),
    ),
    Hostile("DAILY from the year 1", _series("FREQ=DAILY", start="00010101T090000Z")),
    Hostile("INTERVAL=0", _series("FREQ=MINUTELY;INTERVAL=0")),
    Hostile("INTERVAL of 30 digits", _series("FREQ=DAILY;INTERVAL=" + "9" * 30)),
    Hostile(
        "5,000 RRULEs in one event",
        _series("FREQ=DAILY", *["RRULE:FREQ=HOURLY;BYMINUTE=7"] * 5_000),
    ),
    Hostile("200,000 RDATEs", _rdates),
    Hostile("5,000 THISANDFUTURE overrides", _following),
    Hostile("20,000 copies of one series", _copies),
    Hostile("5,000 masters of one UID", _masters),
    Hostile("200 daily series of ten-year instances", _long_instances, _WHOLE),
    Hostile("5,000 VAVAILABILITY", _availabilities, ()),
    Hostile("100,000 FREEBUSY lines", _listed),
    Hostile("50,000 VTIMEZONEs", lambda: _calendar(*(_zone(f"z{n}") for n in range(50_000)))),
    Hostile("20,000 unknown TZIDs", _tzids),
    Hostile("50,000 unreadable events", _broken),
    Hostile("a line of 350,000 folds", _folded_by_one),
    Hostile("100,000 components deep", lambda: _calendar("BEGIN:X\n" * 100_000)),
    Hostile("100,000 VEVENTs never ended", lambda: _calendar("BEGIN:VEVENT\n" * 100_000)),
    Hostile(
        "a megabyte of quotes and semicolons", lambda: _calendar(_event('X;A="' + ';B="' * 250_000))
    ),
    Hostile(
        "a TZID of one megabyte",
        lambda: _calendar(
            _event(start="20270105T090000").replace(
                "DTSTART:", 'DTSTART;TZID="' + "(" * 1_000_000 + '":'
            )
        ),
    ),
    # The next slow places.
    Hostile("6,000 VTIMEZONEs of one name", _zones_of_one_name),
    Hostile("200 VTIMEZONEs of 40 observances, all in use", _zones_that_are_named),
    Hostile("6,000 VTIMEZONEs with folded names", _zones_with_folds),
    Hostile("a VTIMEZONE of 40,000 RDATEs", _zone_of_dates),
    Hostile("1,999 display names that are none", _names_of_zones),
    Hostile("9,000 VCALENDARs", _calendars),
    Hostile(
        "35,000 periods in one FREEBUSY line",
        _freebusy("FREEBUSY:", ",".join(f"{day}/PT30M" for day in _days(35_000)), "\n"),
    ),
    Hostile("25,000 FREEBUSY periods that have an end", _periods_with_ends),
    Hostile(
        "30,000 unreadable FREEBUSY lines",
        _freebusy(*(f"FREEBUSY:{d}/PT\n" for d in _days(30_000))),
    ),
    Hostile(
        "20,000 FREEBUSY lines in lower case",
        _freebusy(*(f"freebusy:{day}/PT30M\n" for day in _days(20_000))),
    ),
    Hostile("500 VAVAILABILITY, each with its days", _daily_availabilities),
    Hostile("999 hourly AVAILABLE", _hourly_available),
    Hostile("60,000 EXDATEs in one line", _exdates_in_a_line),
    Hostile("a parameter of 400,000 carets", _carets),
    Hostile("400,000 lines that are none", lambda: _calendar("?\n" * 400_000)),
    Hostile("400,000 lone CRs behind the end", lambda: _calendar() + b"x\r" * 400_000),
    Hostile("80,000 ENDs without a BEGIN", lambda: _calendar("END:X\n" * 80_000)),
    Hostile("1,200 events with 40 unknown components each", _nested),
    Hostile("a daily series in every zone of the world", _zones_of_the_world),
    Hostile("5,000 bare events in the window", _short_events),
    Hostile("800 series with 20 EXRULEs each", _exrules),
    Hostile(
        "BYSETPOS that names every minute",
        _series(
            "FREQ=HOURLY;BYMINUTE={};BYSETPOS={}".format(
                ",".join(map(str, range(60))), ",".join(map(str, range(1, 61)))
            )
        ),
    ),
    Hostile("700 series of 40 RDATEs that are periods", _rdates_with_periods),
    Hostile("numbers of 300,000 digits", _digits),
    Hostile(
        "a title of 900,000 backslashes",
        lambda: _calendar(_event("SUMMARY:" + "\\" * 900_000, start="20270105T090000Z")),
    ),
    Hostile(
        "a date behind 900,000 blanks",
        lambda: _calendar(_event(start=" " * 900_000 + "20270105T090000Z")),
    ),
    Hostile(
        "a date in front of 900,000 blanks",
        lambda: _calendar(_event(start="20270105T090000" + " " * 900_000 + "Z")),
    ),
    Hostile(
        "900,000 newlines in an event without a UID",
        lambda: _calendar(_event("\n" * 900_000, start="20270105T090000Z").replace("UID", "X-ID")),
    ),
    Hostile("12,000 events that lone LFs end", _ended_by_lone_lfs),
)
