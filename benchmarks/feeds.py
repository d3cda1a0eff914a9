"""Seeded feeds that look like real ones: ten years of history up to a few months past the window.

In: the number of VEVENTs, and a seed. Out: bytes, the same on every machine. A meeting is planned
first, as a value, and then written as one publisher writes it; so both publishers have the same
meetings. About one meeting in twenty is a series. Most series have ended, some have not; they have
EXDATEs and overrides for instances that exist. Every DTSTART is an instance of its rule, and no
local time is in an hour that a clock change skips or repeats. So all libraries can agree on the
answer.
"""

from __future__ import annotations

import calendar
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from vtimezones import GOOGLE_ZONES, WINDOWS_ZONES, google_vtimezones, windows_vtimezones

__all__ = ["END", "START", "google_like", "outlook_like", "recurrence_heavy"]

START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=90)
"""The window of all measurements."""

_HISTORY = date(2017, 1, 9)
_DAYS = (END.date() - _HISTORY).days + 90
_DAY_NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORDS = (
    "review planning customer budget travel weekly notes agenda minutes draft contract onboarding "
    "retrospective design support incident roadmap Zürich naïve café quarterly numbers please see "
    "https://docs.example.org/document/d/1a2b3cXyZ_-9/edit the and with for from before after team "
    "bring\\, then\\; finally\\n\\n answers: DTSTART:20270105T090000Z RRULE – ✓"
).split(" ")
_BASE32 = "0123456789abcdefghijklmnopqrstuv"


@dataclass(slots=True)
class _Series:
    """A planned recurrence set: steps of ``kind``, of which the first ``length`` are used."""

    kind: str
    interval: int
    length: int
    bounded: str  # "", "UNTIL" or "COUNT"
    days: tuple[str, ...] = ()  # WEEKLY: of its BYDAY, the first instance's among them
    place: int = 0  # MONTHLY: the number of the weekday in the month; 0 means by day of the month


@dataclass(slots=True)
class _Meeting:
    """One meeting, as both publishers know it; all times are local to ``zone``."""

    start: datetime
    minutes: int
    zone: int | None  # index into the publisher's zones; None is UTC
    all_day: int = 0  # the number of days, if it is an all-day event
    rule: str | None = None
    exdates: list[datetime] = field(default_factory=list)
    original: datetime | None = None  # of an override: the instance it replaces
    cancelled: bool = False
    status: str = "BUSY"  # in Microsoft's words
    uid: int = 0
    created: datetime = datetime(2017, 1, 1)
    guests: int = 0
    description: str = ""
    title: str = ""
    place: str = ""
    alarms: int = 0

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=self.all_day, minutes=self.minutes)

    @property
    def free(self) -> bool:
        return self.status in {"FREE", "WORKINGELSEWHERE"}


_Writer = Callable[[_Meeting], Iterator[str]]


def google_like(events: int, seed: int = 1) -> bytes:
    """Return a feed of ``events`` VEVENTs as Google writes it, about 1,120 bytes each."""
    chance = random.Random(f"google {seed}")
    return _feed(_GOOGLE_HEAD, _meetings(chance, events, words=52), _google_event)


def outlook_like(events: int, seed: int = 1) -> bytes:
    """Return a feed of ``events`` VEVENTs as Exchange publishes it, about 1,600 bytes each."""
    chance = random.Random(f"outlook {seed}")
    return _feed(_OUTLOOK_HEAD, _meetings(chance, events, words=86), _outlook_event)


def recurrence_heavy(series: int = 500, seed: int = 1) -> bytes:
    """Return ``series`` unending series since 2005 as Google writes them, of four kinds."""
    chance = random.Random(f"heavy {seed}")
    return _feed(_GOOGLE_HEAD, _unending(chance, series), _google_event)


# Planning ----------------------------------------------------------------------------------------


def _meetings(chance: random.Random, events: int, words: int) -> Iterator[_Meeting]:
    paragraphs = [_prose(chance, words) for _ in range(500)]
    overrides: list[_Meeting] = []  # publishers list them anywhere after their master
    for left in range(events, 0, -1):
        if overrides and (chance.random() < 0.1 or len(overrides) >= left):
            meeting = overrides.pop(chance.randrange(len(overrides)))
        else:
            meeting, *more = _plan(chance)
            overrides += more
        meeting.description = chance.choice(paragraphs)
        meeting.title = " ".join(chance.choices(_WORDS[:18], k=chance.randrange(1, 6)))
        meeting.place = " ".join(chance.choices(_WORDS[:18], k=chance.randrange(0, 5)))
        meeting.alarms = chance.choice((0, 1, 1, 2))
        meeting.guests = chance.choice((0, 0, 0, 1, 2, 6))
        meeting.created = meeting.start - timedelta(days=chance.randrange(1, 60), hours=3)
        yield meeting


def _plan(chance: random.Random) -> list[_Meeting]:
    """One meeting, and the overrides if it is a series."""
    day = _HISTORY + timedelta(days=chance.randrange(_DAYS))
    start = datetime(
        day.year, day.month, day.day, chance.randrange(7, 18), 15 * chance.randrange(4)
    )
    recurring = chance.random() < 0.05
    zone = chance.choices((0, 1, 2), (90, 7, 3))[0]
    meeting = _Meeting(start, chance.choice((25, 30, 45, 50, 60, 90, 120)), zone)
    meeting.uid = chance.getrandbits(130)
    meeting.status = chance.choices(
        ("BUSY", "FREE", "TENTATIVE", "OOF", "WORKINGELSEWHERE"), (86, 5, 5, 3, 1)
    )[0]
    if chance.random() < 0.08:
        meeting.start = start.replace(hour=0, minute=0)
        meeting.minutes, meeting.all_day = 0, chance.choice((1, 1, 1, 2, 5, 14))
        meeting.status = chance.choice(("FREE", "FREE", "FREE", "OOF"))
    elif not recurring and chance.random() < 0.8:
        meeting.zone = None
    if not recurring:
        return [meeting]
    series = _series(chance, meeting)
    meeting.rule = _rule(series, meeting)
    steps = range(1, max(2, series.length - 1))
    instances = sorted({_instance(meeting.start, series, number) for number in steps})
    chosen = chance.sample(instances, min(len(instances), chance.choice((0, 1, 2, 4, 8))))
    gone = len(chosen) // 2
    meeting.exdates = sorted(chosen[:gone])
    return [meeting, *(_override(chance, meeting, original) for original in chosen[gone:])]


def _series(chance: random.Random, meeting: _Meeting) -> _Series:
    kind = chance.choices(("WEEKLY", "DAILY", "MONTHLY", "YEARLY"), (65, 12, 15, 8))[0]
    if meeting.all_day:
        kind = "YEARLY"
    interval = chance.choice((1, 1, 1, 2)) if kind in {"WEEKLY", "DAILY"} else 1
    live = chance.random() < 0.08
    days = {"WEEKLY": 7, "DAILY": 1, "MONTHLY": 31, "YEARLY": 366}[kind] * interval
    until_now = max(4, (END.date() - meeting.start.date()).days // days)
    length = until_now if live else chance.randrange(4, {"YEARLY": 6, "MONTHLY": 24}.get(kind, 60))
    series = _Series(
        kind, interval, length, "" if live else chance.choice(("UNTIL",) * 4 + ("COUNT",))
    )
    _fit(chance, meeting, series)
    return series


def _fit(chance: random.Random, meeting: _Meeting, series: _Series) -> None:
    """Choose the BY parts so that the rule generates the first instance."""
    if series.kind == "WEEKLY":
        own = meeting.start.weekday()
        others = chance.sample(range(5), chance.choice((0, 0, 0, 1, 2)))
        series.days = tuple(_DAY_NAMES[day] for day in sorted({own, *others}))
    elif series.kind == "MONTHLY":
        if meeting.start.day > 28:
            meeting.start -= timedelta(days=3)
        if chance.random() < 0.6:
            series.place = (meeting.start.day - 1) // 7 + 1
    elif meeting.start.month == 2 and meeting.start.day == 29:
        meeting.start -= timedelta(days=1)


def _rule(series: _Series, meeting: _Meeting) -> str:
    parts = [f"FREQ={series.kind}"]
    if series.bounded == "UNTIL":
        last = _instance(meeting.start, series, series.length)
        parts.append(f"UNTIL={_until(last, meeting)}")
    elif series.bounded == "COUNT":
        parts.append(f"COUNT={series.length * max(1, len(series.days))}")
    if series.interval > 1:
        parts.append(f"INTERVAL={series.interval}")
    if series.days:
        parts += ["BYDAY=" + ",".join(series.days), "WKST=MO"]
    elif series.place:
        parts.append(f"BYDAY={series.place}{_DAY_NAMES[meeting.start.weekday()]}")
    elif series.kind == "MONTHLY":
        parts.append(f"BYMONTHDAY={meeting.start.day}")
    return ";".join(parts)


def _until(last: datetime, meeting: _Meeting) -> str:
    """The end of the last day in the meeting's zone, in UTC (3.3.10)."""
    if meeting.all_day:
        return f"{last:%Y%m%d}"
    zone = ZoneInfo(GOOGLE_ZONES[meeting.zone or 0])
    evening = last.replace(hour=23, minute=59, second=59, tzinfo=zone)
    return f"{evening.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _instance(start: datetime, series: _Series, number: int) -> datetime:
    """The instance ``number`` steps after the first one."""
    if series.kind == "WEEKLY":
        return start + timedelta(weeks=number * series.interval)
    if series.kind == "DAILY":
        return start + timedelta(days=number * series.interval)
    if series.kind == "YEARLY":
        return start.replace(year=start.year + number)
    month = start.month - 1 + number
    year, month = start.year + month // 12, month % 12 + 1
    if not series.place:
        return start.replace(year=year, month=month)
    first = calendar.weekday(year, month, 1)
    day = 1 + (start.weekday() - first) % 7 + 7 * (series.place - 1)
    if day > calendar.monthrange(year, month)[1]:  # this month has no fifth one
        return _instance(start, series, number + 1)
    return start.replace(year=year, month=month, day=day)


def _override(chance: random.Random, master: _Meeting, original: datetime) -> _Meeting:
    moved = timedelta(
        minutes=chance.choice((-90, 0, 30, 60, 120)), days=chance.choice((0, 0, 1, 7))
    )
    if master.all_day:
        moved = timedelta(days=moved.days)
    return _Meeting(
        original + moved,
        master.minutes,
        master.zone,
        master.all_day,
        original=original,
        cancelled=chance.random() < 0.1,
        status=master.status,
        uid=master.uid,
    )


def _unending(chance: random.Random, count: int) -> Iterator[_Meeting]:
    for number in range(count):
        day = date(2005, 1, 3) + timedelta(days=chance.randrange(364))
        start = datetime(day.year, day.month, min(day.day, 28), chance.randrange(7, 18))
        meeting = _Meeting(start, chance.choice((30, 45, 60)), 0, uid=chance.getrandbits(130))
        kind = ("WEEKLY", "MONTHLY", "DAILY", "YEARLY")[number % 4]
        interval = chance.choice((1, 1, 1, 2)) if kind in {"WEEKLY", "DAILY"} else 1
        series = _Series(kind, interval, 0, "")
        _fit(chance, meeting, series)
        meeting.rule = _rule(series, meeting)
        meeting.title, meeting.description = f"series {number}", _prose(chance, 40)
        yield meeting


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=int(words * chance.paretovariate(3) * 2 / 3)))


# Writing -----------------------------------------------------------------------------------------

_GOOGLE_HEAD = (
    "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
    "VERSION:2.0",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "X-WR-CALNAME:bench@example.org",
    "X-WR-TIMEZONE:Europe/Berlin",
    *google_vtimezones(),
)
_OUTLOOK_HEAD = (
    "METHOD:PUBLISH",
    "PRODID:Microsoft Exchange Server 2010",
    "VERSION:2.0",
    "X-WR-CALNAME:Calendar",
    *windows_vtimezones(),
)


def _feed(head: tuple[str, ...], meetings: Iterator[_Meeting], write: _Writer) -> bytes:
    lines = ["BEGIN:VCALENDAR", *head]
    for meeting in meetings:
        lines.append("BEGIN:VEVENT")
        lines += write(meeting)
        lines.append("END:VEVENT")
    lines += ["END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def _google_event(meeting: _Meeting) -> Iterator[str]:
    zones = GOOGLE_ZONES
    uid = "".join(_BASE32[(meeting.uid >> shift) & 31] for shift in range(0, 130, 5))
    yield f"DTSTART{_time(meeting, meeting.start, zones)}"
    yield f"DTEND{_time(meeting, meeting.end, zones)}"
    if meeting.rule:
        yield f"RRULE:{meeting.rule}"
    for exdate in meeting.exdates:
        yield f"EXDATE{_time(meeting, exdate, zones)}"
    yield f"DTSTAMP:{END:%Y%m%dT%H%M%SZ}"
    if meeting.guests:
        yield "ORGANIZER;CN=bench@example.org:mailto:bench@example.org"
    yield f"UID:{uid}@google.com"
    for guest in range(meeting.guests):
        yield from _fold(
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=guest"
            f"{guest}@example.org;X-NUM-GUESTS=0:mailto:guest{guest}@example.org"
        )
    if meeting.original:
        yield f"RECURRENCE-ID{_time(meeting, meeting.original, zones)}"
    yield f"CREATED:{meeting.created:%Y%m%dT%H%M%SZ}"
    yield from _fold(f"DESCRIPTION:{meeting.description}")
    yield f"LAST-MODIFIED:{meeting.created:%Y%m%dT%H%M%SZ}"
    yield from _fold(f"LOCATION:{meeting.place}")
    yield f"SEQUENCE:{int(meeting.original is not None)}"
    yield f"STATUS:{_status(meeting)}"
    yield from _fold(f"SUMMARY:{meeting.title}")
    yield f"TRANSP:{'TRANSPARENT' if meeting.free else 'OPAQUE'}"
    for alarm in range(meeting.alarms):
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:This is an event reminder")
        yield from (f"TRIGGER:-P0DT0H{10 + 20 * alarm}M0S", "END:VALARM")


def _outlook_event(meeting: _Meeting) -> Iterator[str]:
    zones = WINDOWS_ZONES
    yield from _fold(f"DESCRIPTION:{meeting.description}\\n")
    if meeting.rule:
        yield from _fold(f"RRULE:{meeting.rule}")
    if meeting.exdates:
        named = _time(meeting, meeting.exdates[0], zones)
        others = [_time(meeting, one, zones).rpartition(":")[2] for one in meeting.exdates[1:]]
        yield from _fold("EXDATE" + ",".join([named, *others]))
    yield from _fold(f"UID:040000008200E00074C5B7101A82E008{meeting.uid:080X}")
    if meeting.original:
        yield f"RECURRENCE-ID{_time(meeting, meeting.original, zones)}"
    yield from _fold(f"SUMMARY:{meeting.title}")
    yield f"DTSTART{_time(meeting, meeting.start, zones)}"
    yield f"DTEND{_time(meeting, meeting.end, zones)}"
    yield from ("CLASS:PUBLIC", "PRIORITY:5", f"DTSTAMP:{meeting.created:%Y%m%dT%H%M%SZ}")
    yield f"TRANSP:{'TRANSPARENT' if meeting.free else 'OPAQUE'}"
    yield from (f"STATUS:{_status(meeting)}", "SEQUENCE:0", *_fold(f"LOCATION:{meeting.place}"))
    instance = 3 if meeting.original else int(meeting.rule is not None)
    for name, value in (
        ("APPT-SEQUENCE", "0"),
        ("BUSYSTATUS", meeting.status),
        ("INTENDEDSTATUS", "BUSY"),
        ("ALLDAYEVENT", "TRUE" if meeting.all_day else "FALSE"),
        ("IMPORTANCE", "1"),
        ("INSTTYPE", instance),
    ):
        yield f"X-MICROSOFT-CDO-{name}:{value}"
    yield from ("X-MICROSOFT-DONOTFORWARDMEETING:FALSE", "X-MICROSOFT-DISALLOW-COUNTER:FALSE")
    yield "X-MICROSOFT-REQUESTEDATTENDANCEMODE:DEFAULT"
    if meeting.alarms:
        yield from ("BEGIN:VALARM", "DESCRIPTION:REMINDER", "TRIGGER;RELATED=START:-PT15M")
        yield from ("ACTION:DISPLAY", "END:VALARM")


def _status(meeting: _Meeting) -> str:
    if meeting.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if meeting.status == "TENTATIVE" else "CONFIRMED"


def _time(meeting: _Meeting, moment: datetime, zones: tuple[str, ...]) -> str:
    """The parameters and the value of a time, as the meeting writes its times."""
    if meeting.all_day:
        return f";VALUE=DATE:{moment:%Y%m%d}"
    if meeting.zone is None:
        return f":{moment:%Y%m%dT%H%M%S}Z"
    return f";TZID={zones[meeting.zone]}:{moment:%Y%m%dT%H%M%S}"


def _fold(line: str) -> Iterator[str]:
    """Lines of at most 75 octets (3.1); no line ends within a character."""
    data = line.encode()
    start, room = 0, 75
    while len(data) - start > room:
        stop = start + room
        while data[stop] & 0xC0 == 0x80:
            stop -= 1
        yield (" " if start else "") + data[start:stop].decode()
        start, room = stop, 74
    yield (" " if start else "") + data[start:].decode()
