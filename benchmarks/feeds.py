"""Seeded feeds that look like real ones: ten years of history up to a little after the window.

About one event in twenty recurs, with EXDATEs and now and then an override; descriptions are long
and folded, alarms are frequent. The same seed gives the same bytes everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

__all__ = ["google_like", "outlook_like"]

_FIRST = datetime(2017, 4, 3)
_DAYS = 3_700
_WORDS = (
    "review planning customer budget travel weekly notes agenda https://example.org/d/1a2b3c "
    "minutes draft contract onboarding retrospective design support incident roadmap"
).split()

_Event = Callable[[random.Random, int, datetime], Iterator[str]]


def google_like(events: int, seed: int = 1) -> bytes:
    """A feed as Google writes it: UTC for single events, an IANA zone for series."""
    head = (
        "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:bench",
        "X-WR-TIMEZONE:Europe/Berlin",
        *_vtimezone("Europe/Berlin"),
    )
    return _feed(head, _google_event, events, seed)


def outlook_like(events: int, seed: int = 1) -> bytes:
    """A feed as Exchange publishes it: Windows zone names, a dozen X-MICROSOFT lines an event."""
    head = (
        "METHOD:PUBLISH",
        "PRODID:Microsoft Exchange Server 2010",
        "VERSION:2.0",
        "X-WR-CALNAME:Calendar",
        *_vtimezone("W. Europe Standard Time"),
    )
    return _feed(head, _outlook_event, events, seed)


def _feed(head: tuple[str, ...], event: _Event, events: int, seed: int) -> bytes:
    chance = random.Random(seed)
    lines = ["BEGIN:VCALENDAR", *head]
    for number in range(events):
        day = _FIRST + timedelta(days=chance.randrange(_DAYS))
        start = day.replace(hour=chance.randrange(7, 19), minute=chance.choice((0, 15, 30, 45)))
        lines.extend(event(chance, number, start))
    lines.append("END:VCALENDAR")
    return ("\r\n".join(_fold(line) for line in lines) + "\r\n").encode()


def _google_event(chance: random.Random, number: int, start: datetime) -> Iterator[str]:
    uid = f"{number:x}{chance.getrandbits(80):020x}@google.com"
    end = start + timedelta(minutes=chance.choice((30, 45, 60, 90)))
    series = chance.random() < 0.05
    yield "BEGIN:VEVENT"
    if series:
        zone = ";TZID=Europe/Berlin"
        yield f"DTSTART{zone}:{start:%Y%m%dT%H%M%S}"
        yield f"DTEND{zone}:{end:%Y%m%dT%H%M%S}"
        yield from _rule(chance, start, zone)
    else:
        yield f"DTSTART:{start:%Y%m%dT%H%M%S}Z"
        yield f"DTEND:{end:%Y%m%dT%H%M%S}Z"
    yield f"DTSTAMP:{start:%Y%m%d}T060000Z"
    yield f"UID:{uid}"
    yield f"CREATED:{start:%Y%m%d}T050000Z"
    yield f"DESCRIPTION:{_prose(chance)}"
    yield f"LAST-MODIFIED:{start:%Y%m%d}T055959Z"
    yield f"LOCATION:{_prose(chance)[:40]}"
    yield "SEQUENCE:0"
    yield "STATUS:CONFIRMED"
    yield f"SUMMARY:{_prose(chance)[:30]}"
    yield f"TRANSP:{'TRANSPARENT' if chance.random() < 0.1 else 'OPAQUE'}"
    if chance.random() < 0.5:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P0DT0H10M0S", "END:VALARM")
    yield "END:VEVENT"
    if series and chance.random() < 0.5:
        yield from _override(chance, uid, start, ";TZID=Europe/Berlin")


def _outlook_event(chance: random.Random, number: int, start: datetime) -> Iterator[str]:
    uid = f"040000008200E00074C5B7101A82E008{number:08X}{chance.getrandbits(160):040X}"
    end = start + timedelta(minutes=chance.choice((30, 45, 60, 90)))
    zone = ";TZID=W. Europe Standard Time"
    series = chance.random() < 0.05
    yield "BEGIN:VEVENT"
    yield f"DESCRIPTION:{_prose(chance)}"
    if series:
        yield from _rule(chance, start, zone)
    yield f"UID:{uid}"
    yield f"SUMMARY:{_prose(chance)[:30]}"
    yield f"DTSTART{zone}:{start:%Y%m%dT%H%M%S}"
    yield f"DTEND{zone}:{end:%Y%m%dT%H%M%S}"
    yield from ("CLASS:PUBLIC", "PRIORITY:5", f"DTSTAMP:{start:%Y%m%d}T060000Z", "TRANSP:OPAQUE")
    yield from ("STATUS:CONFIRMED", "SEQUENCE:0", f"LOCATION:{_prose(chance)[:40]}")
    status = chance.choice(("BUSY", "BUSY", "BUSY", "FREE", "TENTATIVE", "OOF"))
    yield f"X-MICROSOFT-CDO-BUSYSTATUS:{status}"
    for name, value in (("APPT-SEQUENCE", 0), ("INTENDEDSTATUS", "BUSY"), ("ALLDAYEVENT", "FALSE")):
        yield f"X-MICROSOFT-CDO-{name}:{value}"
    yield from ("X-MICROSOFT-CDO-IMPORTANCE:1", f"X-MICROSOFT-CDO-INSTTYPE:{int(series)}")
    yield from ("X-MICROSOFT-DONOTFORWARDMEETING:FALSE", "X-MICROSOFT-DISALLOW-COUNTER:FALSE")
    yield from ("BEGIN:VALARM", "DESCRIPTION:REMINDER", "TRIGGER;RELATED=START:-PT15M")
    yield from ("ACTION:DISPLAY", "END:VALARM", "END:VEVENT")
    if series and chance.random() < 0.5:
        yield from _override(chance, uid, start, zone)


def _rule(chance: random.Random, start: datetime, zone: str) -> Iterator[str]:
    ends = (start + timedelta(days=chance.randrange(30, 1_500))).strftime("%Y%m%dT%H%M%SZ")
    yield chance.choice(
        (
            "RRULE:FREQ=WEEKLY",
            f"RRULE:FREQ=WEEKLY;UNTIL={ends}",
            "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=60",
            f"RRULE:FREQ=DAILY;UNTIL={ends}",
            "RRULE:FREQ=MONTHLY;BYDAY=2TU",
            "RRULE:FREQ=YEARLY",
        )
    )
    for week in sorted(chance.sample(range(1, 40), chance.randrange(3))):
        yield f"EXDATE{zone}:{start + timedelta(weeks=week):%Y%m%dT%H%M%S}"


def _override(chance: random.Random, uid: str, start: datetime, zone: str) -> Iterator[str]:
    old = start + timedelta(weeks=chance.randrange(1, 40))
    new = old + timedelta(hours=chance.choice((-2, 1, 2, 24)))
    yield "BEGIN:VEVENT"
    yield f"UID:{uid}"
    yield f"RECURRENCE-ID{zone}:{old:%Y%m%dT%H%M%S}"
    yield f"DTSTART{zone}:{new:%Y%m%dT%H%M%S}"
    yield f"DTEND{zone}:{new + timedelta(hours=1):%Y%m%dT%H%M%S}"
    yield from (f"DTSTAMP:{old:%Y%m%d}T060000Z", "SEQUENCE:1", "SUMMARY:moved", "END:VEVENT")


def _prose(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randrange(6, 60)))


def _fold(line: str) -> str:
    return "\r\n ".join(line[at : at + 74] for at in range(0, len(line), 74)) or line


def _vtimezone(name: str) -> Iterator[str]:
    yield from ("BEGIN:VTIMEZONE", f"TZID:{name}")
    for kind, before, after, month in (
        ("DAYLIGHT", "+0100", "+0200", 3),
        ("STANDARD", "+0200", "+0100", 10),
    ):
        yield from (f"BEGIN:{kind}", f"DTSTART:1970{month:02}25T020000")
        yield from (f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{after}")
        yield from (f"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH={month}", f"END:{kind}")
    yield "END:VTIMEZONE"
