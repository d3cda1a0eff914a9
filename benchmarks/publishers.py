"""How a planned meeting is written, by publisher.

In: meetings, as values. Out: the lines of a feed, folded as the publisher folds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vtimezones import GOOGLE_ZONES, WINDOWS_ZONES, google_vtimezones, windows_vtimezones

__all__ = [
    "GOOGLE_HEAD",
    "OUTLOOK_HEAD",
    "Meeting",
    "exchange_invitation",
    "feed",
    "google_event",
    "host_block",
    "outlook_event",
    "plain_event",
]

_PUBLISHED = datetime(2027, 4, 4)
_BASE32 = "0123456789abcdefghijklmnopqrstuv"


@dataclass(slots=True)
class Meeting:
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


_Writer = Callable[[Meeting], Iterator[str]]

GOOGLE_HEAD = (
    "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
    "VERSION:2.0",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "X-WR-CALNAME:bench@example.org",
    "X-WR-TIMEZONE:Europe/Berlin",
    *google_vtimezones(),
)
OUTLOOK_HEAD = (
    "METHOD:PUBLISH",
    "PRODID:Microsoft Exchange Server 2010",
    "VERSION:2.0",
    "X-WR-CALNAME:Calendar",
    *windows_vtimezones(),
)


def feed(head: Iterable[str], meetings: Iterable[Meeting], write: _Writer) -> bytes:
    """Return a calendar of ``meetings``, each written by ``write``."""
    lines = ["BEGIN:VCALENDAR", *head]
    for meeting in meetings:
        lines.append("BEGIN:VEVENT")
        lines += write(meeting)
        lines.append("END:VEVENT")
    lines += ["END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def google_event(meeting: Meeting) -> Iterator[str]:
    """Yield the lines of a VEVENT as Google writes it: the times first."""
    zones = GOOGLE_ZONES
    uid = "".join(_BASE32[(meeting.uid >> shift) & 31] for shift in range(0, 130, 5))
    yield f"DTSTART{_time(meeting, meeting.start, zones)}"
    yield f"DTEND{_time(meeting, meeting.end, zones)}"
    if meeting.rule:
        yield f"RRULE:{meeting.rule}"
    for exdate in meeting.exdates:
        yield f"EXDATE{_time(meeting, exdate, zones)}"
    yield f"DTSTAMP:{_PUBLISHED:%Y%m%dT%H%M%SZ}"
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


def exchange_invitation(meeting: Meeting) -> Iterator[str]:
    """Yield the lines of a VEVENT with its guests, as Outlook writes the owner's own calendar."""
    yield "ORGANIZER;CN=Bench:mailto:bench@example.org"
    for guest in range(meeting.guests):
        yield from _fold(
            f"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Guest {guest}:"
            f"mailto:guest{guest}@example.org"
        )
    yield from outlook_event(meeting)


def outlook_event(meeting: Meeting) -> Iterator[str]:
    """Yield the lines of a VEVENT as Exchange publishes it: the description first, no guests."""
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


def plain_event(meeting: Meeting) -> Iterator[str]:
    """Yield the lines of a VEVENT of a timetable or a rota: a length, no text, no guests."""
    yield from (f"UID:{meeting.uid:x}@example.org", f"DTSTAMP:{_PUBLISHED:%Y%m%dT%H%M%SZ}")
    yield f"DTSTART{_time(meeting, meeting.start, GOOGLE_ZONES)}"
    if meeting.all_day:
        yield f"DTEND{_time(meeting, meeting.end, GOOGLE_ZONES)}"
    else:
        yield f"DURATION:PT{meeting.minutes // 60}H{meeting.minutes % 60}M"
    if meeting.rule:
        yield f"RRULE:{meeting.rule}"
    if meeting.exdates:
        named = _time(meeting, meeting.exdates[0], GOOGLE_ZONES)
        yield from _fold(
            "EXDATE" + ",".join([named, *(f"{one:%Y%m%dT%H%M%S}" for one in meeting.exdates[1:])])
        )
    if meeting.original:
        yield f"RECURRENCE-ID{_time(meeting, meeting.original, GOOGLE_ZONES)}"
    if meeting.cancelled:
        yield "STATUS:CANCELLED"
    yield from (*_fold(f"SUMMARY:{meeting.title}"), *_fold(f"LOCATION:{meeting.place}"))


def host_block(meeting: Meeting) -> Iterator[str]:
    """Yield the lines of a VEVENT as a platform for holiday lets writes it: dates, end first."""
    yield f"DTEND{_time(meeting, meeting.end, GOOGLE_ZONES)}"
    yield f"DTSTART{_time(meeting, meeting.start, GOOGLE_ZONES)}"
    yield f"UID:{meeting.uid:x}@example.com"
    if meeting.description:
        yield from _fold(f"DESCRIPTION:{meeting.description}")
    yield f"SUMMARY:{meeting.title}"


def _status(meeting: Meeting) -> str:
    if meeting.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if meeting.status == "TENTATIVE" else "CONFIRMED"


def _time(meeting: Meeting, moment: datetime, zones: tuple[str, ...]) -> str:
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
