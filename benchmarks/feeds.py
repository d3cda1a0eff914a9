"""Seeded feeds that look like real ones.

In: a number of VEVENTs or of series, and a seed. Out: bytes, the same on every machine. A meeting
is planned first, as a value, and then written as one publisher writes it; so publishers have the
same meetings. EXDATEs and overrides are of instances that exist, every DTSTART is an instance of
its rule, and no local time is in an hour that a clock change skips or repeats. So all libraries can
agree on the answer.
"""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from publishers import (
    GOOGLE_HEAD,
    OUTLOOK_HEAD,
    Meeting,
    exchange_invitation,
    feed,
    google_event,
    host_block,
    outlook_event,
    plain_event,
)
from vtimezones import GOOGLE_ZONES, google_vtimezones

__all__ = [
    "END",
    "START",
    "google_like",
    "outlook_like",
    "outlook_series",
    "personal",
    "recurrence_heavy",
    "rental",
    "school_timetable",
    "series",
    "shift_plan",
    "team",
]

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


@dataclass(slots=True)
class _Series:
    """A planned recurrence set: steps of ``kind``, of which the first ``length`` are used."""

    kind: str
    interval: int
    length: int
    bounded: str  # "", "UNTIL" or "COUNT"
    days: tuple[str, ...] = ()  # WEEKLY: of its BYDAY, the first instance's among them
    place: int = 0  # MONTHLY: the number of the weekday in the month; 0 means by day of the month


# Feeds -------------------------------------------------------------------------------------------


def google_like(events: int, seed: int = 1) -> bytes:
    """Return ten years in ``events`` VEVENTs as Google writes them, about 1,120 bytes each.

    About one meeting in twenty is a series, and most series have ended.
    """
    chance = random.Random(f"google {seed}")
    return feed(GOOGLE_HEAD, _meetings(chance, events, words=52), google_event)


def outlook_like(events: int, seed: int = 1) -> bytes:
    """Return the same kind of ten years as Exchange publishes them, about 1,600 bytes each."""
    chance = random.Random(f"outlook {seed}")
    return feed(OUTLOOK_HEAD, _meetings(chance, events, words=86), outlook_event)


def recurrence_heavy(series: int = 500, seed: int = 1) -> bytes:
    """Return ``series`` unending series since 2005 as Google writes them, of four kinds."""
    chance = random.Random(f"heavy {seed}")
    return feed(GOOGLE_HEAD, _unending(chance, series), google_event)


def series(count: int = 500, seed: int = 1) -> bytes:
    """Return ``count`` live series and their overrides as Google writes them.

    Weekly, fortnightly, daily, monthly by weekday and by date, yearly; of three zones. Each has up
    to six EXDATEs and six overrides, half of them past, descriptions, guests and reminders.
    """
    return feed(GOOGLE_HEAD, _live_series(random.Random(f"series {seed}"), count), google_event)


def outlook_series(count: int = 500, seed: int = 1) -> bytes:
    """Return the same series as Outlook writes the owner's own calendar."""
    planned = _live_series(random.Random(f"series {seed}"), count)
    return feed(OUTLOOK_HEAD, planned, exchange_invitation)


def personal(events: int = 300, seed: int = 1, *, outlook: bool = False) -> bytes:
    """Return one person's calendar of two years: half of its VEVENTs are of series."""
    planned = _personal(random.Random(f"personal {seed}"), events)
    if outlook:
        return feed(OUTLOOK_HEAD, planned, outlook_event)
    return feed(GOOGLE_HEAD, planned, google_event)


def team(people: int = 50, seed: int = 1) -> list[bytes]:
    """Return a feed each of ``people``, of 150 VEVENTs, from two publishers in turn."""
    return [
        personal(150, 1_000 * seed + number, outlook=number % 2 > 0) for number in range(people)
    ]


def school_timetable(seed: int = 1) -> bytes:
    """Return two school years: 35 lessons a week in each half, holidays as EXDATEs, exceptions."""
    planned = _lessons(random.Random(f"school {seed}"))
    return feed(("VERSION:2.0", "PRODID:-//School//EN", *google_vtimezones()), planned, plain_event)


def shift_plan(seed: int = 1) -> bytes:
    """Return a nurse's rota of two years: early, late and night shifts, no series."""
    planned = _shifts(random.Random(f"shifts {seed}"))
    return feed(("VERSION:2.0", "PRODID:-//Rota//EN", *google_vtimezones()), planned, plain_event)


def rental(seed: int = 1) -> bytes:
    """Return the blocked days of a holiday let, two years back and one ahead."""
    planned = _stays(random.Random(f"rental {seed}"))
    return feed(("PRODID:-//Lets//Hosting Calendar//EN", "VERSION:2.0"), planned, host_block)


# Planning ----------------------------------------------------------------------------------------


def _meetings(chance: random.Random, events: int, words: int) -> Iterator[Meeting]:
    paragraphs = [_prose(chance, words) for _ in range(500)]
    overrides: list[Meeting] = []  # publishers list them anywhere after their master
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


def _plan(chance: random.Random) -> list[Meeting]:
    """One meeting, and the overrides if it is a series."""
    day = _HISTORY + timedelta(days=chance.randrange(_DAYS))
    start = datetime(
        day.year, day.month, day.day, chance.randrange(7, 18), 15 * chance.randrange(4)
    )
    recurring = chance.random() < 0.05
    zone = chance.choices((0, 1, 2), (90, 7, 3))[0]
    meeting = Meeting(start, chance.choice((25, 30, 45, 50, 60, 90, 120)), zone)
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


def _series(chance: random.Random, meeting: Meeting) -> _Series:
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


def _fit(chance: random.Random, meeting: Meeting, series: _Series) -> None:
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


def _rule(series: _Series, meeting: Meeting) -> str:
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


def _until(last: datetime, meeting: Meeting) -> str:
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


def _override(chance: random.Random, master: Meeting, original: datetime) -> Meeting:
    moved = timedelta(
        minutes=chance.choice((-90, 0, 30, 60, 120)), days=chance.choice((0, 0, 1, 7))
    )
    if master.all_day:
        moved = timedelta(days=moved.days)
    return Meeting(
        original + moved,
        master.minutes,
        master.zone,
        master.all_day,
        original=original,
        cancelled=chance.random() < 0.1,
        status=master.status,
        uid=master.uid,
    )


def _unending(chance: random.Random, count: int) -> Iterator[Meeting]:
    for number in range(count):
        day = date(2005, 1, 3) + timedelta(days=chance.randrange(364))
        start = datetime(day.year, day.month, min(day.day, 28), chance.randrange(7, 18))
        meeting = Meeting(start, chance.choice((30, 45, 60)), 0, uid=chance.getrandbits(130))
        kind = ("WEEKLY", "MONTHLY", "DAILY", "YEARLY")[number % 4]
        interval = chance.choice((1, 1, 1, 2)) if kind in {"WEEKLY", "DAILY"} else 1
        series = _Series(kind, interval, 0, "")
        _fit(chance, meeting, series)
        meeting.rule = _rule(series, meeting)
        meeting.title, meeting.description = f"series {number}", _prose(chance, 40)
        yield meeting


def _live_series(chance: random.Random, count: int) -> Iterator[Meeting]:
    """Series of which each has instances in the window, and their overrides anywhere after them."""
    overrides: list[Meeting] = []
    for _ in range(count):
        planned = _live(chance, date(2019, 1, 7), 7)
        for meeting in planned:
            meeting.description = _text(chance, chance.randrange(200, 2_000))
            meeting.guests, meeting.alarms = chance.randrange(2, 9), chance.choice((1, 1, 2))
        yield planned[0]
        overrides += planned[1:]
        chance.shuffle(overrides)
        while len(overrides) > 40:
            yield overrides.pop()
    yield from overrides


def _live(chance: random.Random, first: date, most: int) -> list[Meeting]:
    """A series with fewer than ``most`` EXDATEs and overrides each, and these overrides.

    Half of them are past, half are in the window or in the three months after it.
    """
    kind, interval = chance.choices(
        (("WEEKLY", 1), ("WEEKLY", 2), ("DAILY", 1), ("MONTHLY", 1), ("YEARLY", 1)),
        (30, 17, 15, 25, 13),
    )[0]
    zone = chance.choices((0, 1, 2), (6, 3, 1))[0]
    day = first + timedelta(days=chance.randrange((date(2026, 11, 1) - first).days))
    hour = chance.randrange(*((8, 18), (7, 12), (13, 21))[zone])  # when Berlin is awake
    meeting = Meeting(datetime(day.year, day.month, day.day, hour), 60, zone)
    meeting.minutes = chance.choice((25, 30, 45, 60, 90))
    meeting.uid, meeting.status = chance.getrandbits(130), chance.choice(("BUSY",) * 9 + ("FREE",))
    if chance.random() < (0.6 if kind == "YEARLY" else 0.05):
        meeting.start, meeting.minutes, meeting.all_day = meeting.start.replace(hour=0), 0, 1
        meeting.status = chance.choice(("FREE", "FREE", "FREE", "OOF"))
    plan = _Series(kind, interval, 0, chance.choice(("", "", "", "UNTIL", "COUNT")))
    _fit(chance, meeting, plan)
    instances = [meeting.start]
    while instances[-1] < END.replace(tzinfo=None) + timedelta(days=90):
        instances.append(_instance(meeting.start, plan, len(instances)))
    plan.length = len(instances) + 5
    meeting.rule = _rule(plan, meeting)
    meeting.title, meeting.place = _title(chance, 1), _title(chance, 0)
    meeting.created = meeting.start - timedelta(days=3, hours=3)
    now = START.replace(tzinfo=None)
    others = sorted({*instances[1:]})
    past = [one for one in others if one < now]
    coming = [one for one in others if one >= now]
    gone: list[datetime] = []
    replaced: list[datetime] = []
    for chosen in (gone, replaced):
        for number in range(chance.randrange(most)):
            among = (past, coming)[number % 2] or past or coming
            if among:
                chosen.append(among.pop(chance.randrange(len(among))))
    meeting.exdates = sorted(gone)
    return [meeting, *(_exception(chance, meeting, one) for one in sorted(replaced))]


def _exception(chance: random.Random, master: Meeting, original: datetime) -> Meeting:
    override = _override(chance, master, original)
    override.cancelled = chance.random() < 0.25
    override.title, override.place = master.title, _title(chance, 0)
    override.created = original - timedelta(days=2, hours=3)
    return override


def _personal(chance: random.Random, events: int) -> Iterator[Meeting]:
    planned: list[Meeting] = []
    while len(planned) < events:
        if chance.random() < 0.25:
            planned += _live(chance, date(2024, 1, 8), 5)
        else:
            planned.append(_single(chance))
    for meeting in planned[:events]:
        meeting.description = _text(chance, chance.choice((0, 0, 100, 400, 900)))
        meeting.guests = 0 if meeting.all_day else chance.choice((0, 0, 1, 3, 6))
        meeting.alarms = chance.choice((0, 1, 1, 2))
        yield meeting


def _single(chance: random.Random) -> Meeting:
    """A meeting of the 18 months before the window, of it, or of the three months after it."""
    day = START.date() + timedelta(days=chance.randrange(-540, 180))
    hour, minute = chance.randrange(7, 19), chance.choice((0, 0, 15, 30))
    meeting = Meeting(datetime(day.year, day.month, day.day, hour, minute), 60, 0)
    meeting.zone = chance.choice((None, None, None, None, 0, 1))
    meeting.minutes = chance.choice((30, 45, 60, 90, 120))
    meeting.uid, meeting.title = chance.getrandbits(130), _title(chance, 1)
    meeting.created = meeting.start - timedelta(days=chance.randrange(1, 60), hours=3)
    meeting.status = chance.choice(("BUSY",) * 6 + ("TENTATIVE", "FREE"))
    if chance.random() < 0.12:
        meeting.start = meeting.start.replace(hour=0, minute=0)
        meeting.minutes, meeting.all_day = 0, chance.choice((1, 1, 2, 7))
        meeting.status = chance.choice(("FREE", "OOF"))
    return meeting


_HALVES = (
    (date(2025, 9, 8), date(2026, 1, 30)),
    (date(2026, 2, 2), date(2026, 7, 17)),
    (date(2026, 9, 7), date(2027, 1, 29)),
    (date(2027, 2, 1), date(2027, 7, 16)),
)
_HOLIDAYS = (
    (date(2025, 10, 20), 12),
    (date(2025, 12, 22), 14),
    (date(2026, 3, 30), 12),
    (date(2026, 5, 25), 5),
    (date(2026, 10, 19), 12),
    (date(2026, 12, 21), 14),
    (date(2027, 3, 22), 12),
    (date(2027, 5, 17), 5),
)


def _lessons(chance: random.Random) -> Iterator[Meeting]:
    holidays = {day + timedelta(days=more) for day, days in _HOLIDAYS for more in range(days)}
    for day, days in _HOLIDAYS:
        start = datetime(day.year, day.month, day.day)
        yield Meeting(start, 0, 0, days, uid=chance.getrandbits(64), title="Holidays")
    for first, last in _HALVES:
        for number in range(35):
            start = datetime(first.year, first.month, first.day, 8) + timedelta(
                days=number // 7, minutes=50 * (number % 7)
            )
            lesson = Meeting(start, 45, 0, uid=chance.getrandbits(64), title=_title(chance, 1))
            plan = _Series("WEEKLY", chance.choice((1, 1, 1, 2)), 0, "UNTIL")
            plan.days = (_DAY_NAMES[start.weekday()],)
            weeks = range((last - start.date()).days // (7 * plan.interval) + 1)
            plan.length = weeks[-1]
            instances = [_instance(start, plan, week) for week in weeks]
            lesson.rule, lesson.place = _rule(plan, lesson), f"Room {chance.randrange(300)}"
            lesson.exdates = [one for one in instances if one.date() in holidays]
            yield lesson
            taught = [one for one in instances if one.date() not in holidays]
            for original in chance.sample(taught, chance.choice((0, 0, 1, 1, 2, 3))):
                yield _exception(chance, lesson, original)


def _shifts(chance: random.Random) -> Iterator[Meeting]:
    """Blocks of four to six days of one shift, and then some days off."""
    berlin = ZoneInfo("Europe/Berlin")
    day = datetime(2025, 1, 6)
    while day < END.replace(tzinfo=None) + timedelta(days=60):
        name, hours, minutes = chance.choice((("F", 6, 0), ("S", 13, 45), ("N", 21, 30)))
        for _ in range(chance.randrange(4, 7)):
            shift = Meeting(day + timedelta(hours=hours, minutes=minutes), 495, 0)
            shift.uid, shift.title, shift.place = chance.getrandbits(64), name, "Ward 3"
            # Libraries disagree about a length over the night in which the clocks change.
            before, after = shift.start.replace(tzinfo=berlin), shift.end.replace(tzinfo=berlin)
            if before.utcoffset() == after.utcoffset():
                yield shift
            day += timedelta(days=1)
        day += timedelta(days=chance.randrange(2, 4))


def _stays(chance: random.Random) -> Iterator[Meeting]:
    day = START.replace(tzinfo=None) - timedelta(days=730)
    while day < START.replace(tzinfo=None) + timedelta(days=365):
        stay = Meeting(
            day, 0, 0, chance.choice((2, 3, 4, 7, 7, 10, 14)), uid=chance.getrandbits(120)
        )
        stay.title = "Reserved" if chance.random() < 0.8 else "Host (Not available)"
        if stay.title == "Reserved":
            stay.description = (
                f"Reservation URL: https://www.example.com/hosting/reservations/{stay.uid:x}\\n"
                f"Phone Number (Last 4 Digits): {chance.randrange(10_000):04}"
            )
        yield stay
        day = stay.end + timedelta(days=chance.choice((0, 0, 0, 1, 2, 3, 5)))


def _title(chance: random.Random, least: int) -> str:
    return " ".join(chance.choices(_WORDS[:18], k=chance.randrange(least, 6)))


def _text(chance: random.Random, characters: int) -> str:
    """Words until they are ``characters`` long, or as much of them as ends with a word."""
    words = " ".join(chance.choices(_WORDS, k=characters // 3 + 1))
    return words[:characters].rpartition(" ")[0]


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=int(words * chance.paretovariate(3) * 2 / 3)))
