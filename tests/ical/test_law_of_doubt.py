"""The law for doubt: a value that is broken never makes its event's day free in silence.

One value of a good event is changed: a digit is dropped, a letter added, a line repeated with
another value, a folded line cut. If the result is no longer valid by the grammar of RFC 5545 (its
regular expressions stand here), the day of the event is busy or unknown, or a Problem says why it
is free. If it is still valid, it is another event, and extcal gives what the reading of this file
gives.

``EXTCAL_DOUBT=20000`` makes as many changes; ``make nightly`` does.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

import extcal

CHANGES = int(os.environ.get("EXTCAL_DOUBT", "500"))
READERS = ("UTC", "Europe/Berlin", "America/Chicago", "Asia/Tokyo")
TZIDS = ("America/New_York", "Europe/London", "Asia/Kolkata")
WINDOW = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 20, tzinfo=UTC)
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
Body = list[list[str]]  # the lines of each VEVENT


class Invalid(Exception):
    """Not an event by the grammar of the standard."""


class Mixed(Exception):
    """Dates of one series in several zones: that is what the law for zones is about."""


# --- the grammar, and what a valid event means ---------------------------------------------------

# 3.3.4: date = 4DIGIT 2DIGIT 2DIGIT; 3.3.12: time = 2DIGIT 2DIGIT 2DIGIT ["Z"]
_DATE = re.compile(r"[0-9]{8}")
_DATE_TIME = re.compile(r"([0-9]{8})T([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])(Z?)")
# 3.3.6: dur-value
_TIME_OF = r"T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
_DURATION = re.compile(rf"\+?P(?:[0-9]+W|[0-9]+D(?:{_TIME_OF})?|{_TIME_OF})")
_UNIT = re.compile(r"([0-9]+)([WDHMS])")
_UNITS = {"W": 604_800, "D": 86_400, "H": 3600, "M": 60, "S": 1}
# 3.1: contentline = name *(";" param ) ":" value
_LINE = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=[^\";:,]*)*):(.*)")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ONCE = frozenset(
    "UID DTSTART DTEND DURATION RRULE RECURRENCE-ID STATUS TRANSP SEQUENCE SUMMARY".split()
)


class Moment(NamedTuple):
    wall: datetime
    kind: str  # "date", "none", "Z", or a TZID

    def instant(self, owner: tzinfo) -> datetime:
        zone: tzinfo = owner
        if self.kind == "Z":
            zone = UTC
        elif self.kind not in ("date", "none"):
            zone = ZoneInfo(self.kind)
        return self.wall.replace(tzinfo=zone).astimezone(UTC)

    def moved(self, by: timedelta) -> Moment:
        return Moment(self.wall + by, self.kind)


class Event(NamedTuple):
    uid: str
    start: Moment
    length: timedelta  # on the wall clock: no clock changes in these weeks
    planned: Moment | None
    starts: list[Moment]
    gone: bool

    def spans(self, owner: tzinfo) -> list[tuple[Moment, Span]]:
        return [
            (start, (start.instant(owner), start.moved(self.length).instant(owner)))
            for start in self.starts
        ]


def _day(digits: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(digits), datetime.min.time())
    except ValueError:
        raise Invalid from None


def moment(params: str, value: str) -> Moment:
    """DTSTART and its like (3.8.2.4): a VALUE, a TZID, and "other-param", which says nothing."""
    said = [part.split("=", 1) for part in params.split(";")[1:]]
    known = {name.upper(): text for name, text in said}
    if len(known) < len(said) or known.get("VALUE", "DATE") != "DATE":
        raise Invalid
    tzid = known.get("TZID")
    if "VALUE" in known:
        if tzid is not None or not _DATE.fullmatch(value):
            raise Invalid
        return Moment(_day(value), "date")
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        raise Invalid
    wall = _day(match[1]) + timedelta(
        hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4])
    )
    if tzid is None:
        return Moment(wall, match[5] or "none")
    if match[5] or tzid not in TZIDS:
        raise Invalid
    return Moment(wall, tzid)


def duration(value: str) -> timedelta:
    if not _DURATION.fullmatch(value):
        raise Invalid
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _UNIT.findall(value))
    if seconds > 10**8:
        raise Invalid
    return timedelta(seconds=seconds)


def event(lines: list[str]) -> Event:
    """Read a VEVENT by the letter; raises Invalid for anything that the grammar does not have."""
    said: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise Invalid
        said.setdefault(match[1].upper(), []).append((match[2], match[3]))
    if any(len(said.get(name, ())) > 1 for name in _ONCE) or "DTSTART" not in said:
        raise Invalid
    for name in ("UID", "STATUS", "TRANSP", "SEQUENCE", "DURATION", "RRULE", "SUMMARY"):
        if any(params for params, _ in said.get(name, ())):
            raise Invalid
    plain = {name: several[0][1] for name, several in said.items()}
    if plain.get("STATUS", "CONFIRMED") not in ("TENTATIVE", "CONFIRMED", "CANCELLED"):
        raise Invalid
    if plain.get("TRANSP", "OPAQUE") not in ("OPAQUE", "TRANSPARENT"):
        raise Invalid
    if not re.fullmatch("[0-9]{1,9}", plain.get("SEQUENCE", "0")) or not plain.get("UID"):
        raise Invalid
    start = moment(*said["DTSTART"][0])
    dates = {
        name: [
            moment(params, one) for params, value in said.get(name, ()) for one in value.split(",")
        ]
        for name in ("DTEND", "RDATE", "EXDATE", "RECURRENCE-ID")
    }
    if any(other.kind != start.kind for others in dates.values() for other in others):
        raise Mixed
    planned = dates["RECURRENCE-ID"][0] if dates["RECURRENCE-ID"] else None
    if planned and {"RRULE", "RDATE"} & said.keys():
        raise Invalid
    starts = (
        {start, *dates["RDATE"]} | rule(plain["RRULE"], start)
        if "RRULE" in plain
        else {
            start,
            *dates["RDATE"],
        }
    )
    return Event(
        plain["UID"],
        start,
        length(start, dates["DTEND"], plain),
        planned,
        sorted(starts - set(dates["EXDATE"])),
        plain.get("STATUS") == "CANCELLED" or plain.get("TRANSP") == "TRANSPARENT",
    )


def length(start: Moment, ends: list[Moment], plain: dict[str, str]) -> timedelta:
    is_date = start.kind == "date"
    if ends and "DURATION" in plain:
        raise Invalid
    if ends:
        if ends[0].wall <= start.wall:
            raise Invalid
        return ends[0].wall - start.wall
    if "DURATION" in plain:
        found = duration(plain["DURATION"])
        if is_date and "T" in plain["DURATION"]:
            raise Invalid
        return found or (DAY if is_date else found)  # no day is shorter than a day
    return DAY if is_date else timedelta()


def rule(text: str, start: Moment) -> set[Moment]:
    """RRULE (3.3.10) of days and weeks."""
    parts = [part.split("=") for part in text.split(";")]
    if any(len(part) != 2 for part in parts):
        raise Invalid
    said = dict(part for part in parts if len(part) == 2)
    if len(said) != len(parts) or not said.keys() <= {
        "FREQ",
        "COUNT",
        "UNTIL",
        "INTERVAL",
        "BYDAY",
    }:
        raise Invalid
    if said.get("FREQ") not in ("DAILY", "WEEKLY") or {"COUNT", "UNTIL"} <= said.keys():
        raise Invalid
    for name in ("COUNT", "INTERVAL"):
        if not re.fullmatch("[0-9]*[1-9][0-9]*", said.get(name, "1")):
            raise Invalid
    wanted = said["BYDAY"].split(",") if "BYDAY" in said else None
    if wanted is not None and not set(wanted) <= set(_WEEKDAYS):
        raise Invalid
    last = until(said["UNTIL"], start) if "UNTIL" in said else datetime.max
    interval = int(said.get("INTERVAL", "1"))
    monday = start.wall.date() - timedelta(start.wall.weekday())
    found: list[Moment] = []
    for step in range(60):
        day = start.wall + step * DAY
        if said["FREQ"] == "DAILY":
            chosen = step % interval == 0 and (wanted is None or _WEEKDAYS[day.weekday()] in wanted)
        else:
            chosen = (day.date() - monday).days // 7 % interval == 0 and (
                _WEEKDAYS[day.weekday()] in wanted if wanted else step % 7 == 0
            )
        if chosen and day <= last:
            found.append(Moment(day, start.kind))
    if start.wall > last:
        raise Invalid  # an empty set, which the standard does not know
    return set(found[: int(said.get("COUNT", "60"))])


def until(value: str, start: Moment) -> datetime:
    if start.kind == "date":
        return moment(";VALUE=DATE", value).wall
    found = moment("", value)
    if (found.kind == "Z") is (start.kind == "none"):
        raise Mixed
    if start.kind in ("none", "Z"):
        return found.wall
    return found.instant(UTC).astimezone(ZoneInfo(start.kind)).replace(tzinfo=None)


def meaning(body: Body, owner: tzinfo) -> list[tuple[Moment, Span]]:
    """When the events of a body take place, which replace each other's instances."""
    events = [event(lines) for lines in body]
    masters = [one for one in events if one.planned is None]
    overrides = [one for one in events if one.planned is not None]
    if len(masters) > 1 or len({(one.uid, one.planned) for one in overrides}) < len(overrides):
        raise Invalid
    found: list[tuple[Moment, Span]] = []
    for master in masters:
        mine = [one for one in overrides if one.uid == master.uid]
        if any(one.planned.kind != master.start.kind for one in mine if one.planned):
            raise Mixed
        replaced = {one.planned for one in mine}
        if not master.gone:
            found += [one for one in master.spans(owner) if one[0] not in replaced]
    for override in overrides:
        if not override.length and any(one.uid == override.uid for one in masters):
            raise Invalid  # it lasts as long as its master's instances
        found += [] if override.gone else override.spans(owner)
    return found


# --- good events, and what is done to them -------------------------------------------------------


def written(moment_: Moment) -> tuple[str, str]:
    if moment_.kind == "date":
        return ";VALUE=DATE", f"{moment_.wall:%Y%m%d}"
    tzid = f";TZID={moment_.kind}" if moment_.kind in TZIDS else ""
    return tzid, f"{moment_.wall:%Y%m%dT%H%M%S}{'Z' if moment_.kind == 'Z' else ''}"


def line(name: str, *moments: Moment) -> str:
    params = written(moments[0])[0]
    return f"{name}{params}:" + ",".join(written(one)[1] for one in moments)


def good(chance: random.Random) -> Body:
    """A single event, or a series and an override of it."""
    kind = chance.choice(("date", "none", "Z", *TZIDS))
    wall = datetime(2027, 1, chance.randint(4, 20))
    if kind != "date":
        wall += timedelta(hours=chance.randint(0, 23), minutes=chance.choice((0, 15, 30)))
    start = Moment(wall, kind)
    lines = ["UID:a-long-name@example.org", line("DTSTART", start)]
    lasts = timedelta(days=chance.randint(1, 3))
    if kind != "date":
        lasts = timedelta(minutes=chance.choice((30, 60, 90, 600, 1800)))
    if chance.random() < 0.7:
        lines.append(line("DTEND", start.moved(lasts)))
    elif kind == "date":
        lines.append(f"DURATION:P{lasts.days}D")
    else:
        lines.append(f"DURATION:PT{lasts.seconds // 60 + lasts.days * 1440}M")
    lines += chance.sample(
        ["STATUS:CONFIRMED", "TRANSP:OPAQUE", "SEQUENCE:3", "SUMMARY:Lunch with Ada"], 2
    )
    if chance.random() < 0.4:
        return [lines]
    end = chance.choice(("COUNT", "UNTIL", ""))
    rule_ = "RRULE:FREQ=DAILY" + chance.choice(("", ";INTERVAL=2"))
    if end == "COUNT":
        rule_ += f";COUNT={chance.randint(3, 12)}"
    elif end:
        last = start.moved(8 * DAY)
        if kind in TZIDS:
            last = Moment(last.instant(UTC).replace(tzinfo=None), "Z")
        rule_ += f";UNTIL={written(last)[1]}"
    lines.append(rule_)
    if chance.random() < 0.4:
        lines.append(line("EXDATE", start.moved(2 * DAY), start.moved(4 * DAY)))
    if chance.random() < 0.3:
        lines.append(line("RDATE", start.moved(13 * DAY)))
    if chance.random() < 0.6:
        return [lines]
    moved = start.moved(
        timedelta(days=20) + (timedelta() if kind == "date" else timedelta(hours=2))
    )
    override = [
        lines[0],
        line("RECURRENCE-ID", start.moved(6 * DAY)),
        line("DTSTART", moved),
        line("DTEND", moved.moved(lasts)),
    ]
    return [lines, override]


def drop_a_digit(chance: random.Random, lines: list[str], at: int) -> list[str] | None:
    where = [one.start() for one in re.finditer("[0-9]", lines[at])]
    if not where:
        return None
    gone = chance.choice(where)
    return [lines[at][:gone] + lines[at][gone + 1 :]]


def add_a_letter(chance: random.Random, lines: list[str], at: int) -> list[str] | None:
    text = lines[at]
    place = chance.randint(re.search("[;:]", text).end(), len(text))  # type: ignore[union-attr]
    return [text[:place] + chance.choice("ABDHMOPTWXZ") + text[place:]]


def repeat(chance: random.Random, lines: list[str], at: int) -> list[str] | None:
    """The same property with a value that is as good, before it or behind it."""
    text = lines[at]
    name = re.split("[;:]", text)[0]
    others = {
        "STATUS": "STATUS:CANCELLED",
        "TRANSP": "TRANSP:TRANSPARENT",
        "RRULE": "RRULE:FREQ=WEEKLY;COUNT=2",
        "DURATION": "DURATION:P1D",
    }
    digits = re.search(r"[0-9]{6}([0-9]{2})(?!.*[0-9]{8})", text)
    if name in others:
        other = others[name]
    elif digits:
        other = f"{text[: digits.start(1)]}{chance.randint(10, 28)}{text[digits.end(1) :]}"
    else:
        other = f"{text}2"
    return chance.choice(([text, other], [other, text])) if other != text else None


def cut_a_fold(chance: random.Random, lines: list[str], at: int) -> list[str] | None:
    """A line that was folded, without the blank that continues it, or without its rest."""
    text = lines[at]
    place = chance.randint(len(re.split("[;:]", text)[0]) + 1, len(text))
    return chance.choice(([text[:place], text[place:]], [text[:place]]))


WAYS = (drop_a_digit, add_a_letter, repeat, cut_a_fold)


def broken(chance: random.Random, body: Body) -> tuple[Body, str] | None:
    """One value changed, and how."""
    which = chance.randrange(len(body))
    at = chance.randrange(len(body[which]))
    way = chance.choice(WAYS)
    changed = way(chance, body[which], at)
    if changed is None:
        return None
    lines = [*body[which][:at], *(one for one in changed if one), *body[which][at + 1 :]]
    return [*body[:which], lines, *body[which + 1 :]], way.__name__


# --- the law -------------------------------------------------------------------------------------


def text_of(body: Body) -> str:
    events = [one for lines in body for one in ("BEGIN:VEVENT", *lines, "END:VEVENT")]
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""))


def union(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        start, end = max(start, WINDOW[0]), min(end, WINDOW[1])
        if start < end and joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        elif start < end:
            joined.append((start, end))
    return joined


def covered(blocked: list[Span], span: Span) -> bool:
    (one,) = union([span]) or [(span[0], span[0])]
    return one[0] >= one[1] or any(start <= one[0] and one[1] <= end for start, end in blocked)


def check(chance: random.Random) -> str:
    """Break one value of one event; returns what came of it."""
    body = good(chance)
    found = broken(chance, body)
    while found is None:
        found = broken(chance, body)
    changed, way = found
    owner = chance.choice(READERS)
    zone = ZoneInfo(owner)
    before = meaning(body, zone)
    answer = extcal.expand(text_of(changed), *WINDOW, timezone=owner)
    codes = {problem.code for problem in answer.problems}
    assert "internal_error" not in codes, text_of(changed)
    periods = union([(one.start, one.end) for one in answer.free_busy.periods])
    try:
        after = meaning(changed, zone)
    except Mixed:
        return f"{way}, several zones"
    except Invalid:
        unknown = [(gap.start, gap.end) for gap in answer.free_busy.unknown]
        blocked = union([*periods, *unknown])
        for start, span in before:
            day = start.wall.replace(hour=0, minute=0)
            whole = Moment(day, "none").instant(zone), Moment(day + DAY, "none").instant(zone)
            fine = codes or covered(blocked, span) or covered(blocked, whole)
            assert fine, f"{span[0]} is free in silence for {owner}:\n{text_of(changed)}"
        return f"{way}, not valid, " + ("told" if codes else "busy")
    assert periods == union([span for _, span in after]), f"{owner}:\n{text_of(changed)}"
    return f"{way}, another event"


def test_a_broken_value_is_never_free_in_silence() -> None:
    """Drop a digit, add a letter, repeat a line with another value, cut a fold."""
    tally = Counter(check(random.Random(seed)) for seed in range(CHANGES))
    for what, count in sorted(tally.items()):
        print(f"{count:8} {what}")
    assert sum(tally.values()) == CHANGES
    for way in WAYS:
        assert any(what.startswith(way.__name__) and "not valid" in what for what in tally)


def test_the_reading_of_this_file_is_right_about_good_events() -> None:
    """Before anything is changed, both readings agree: else the law would compare nothing."""
    for seed in range(CHANGES):
        chance = random.Random(seed)
        body, owner = good(chance), chance.choice(READERS)
        answer = extcal.expand(text_of(body), *WINDOW, timezone=owner)
        spans = [span for _, span in meaning(body, ZoneInfo(owner))]
        assert union([(one.start, one.end) for one in answer.free_busy.periods]) == union(spans)
        assert not answer.problems


def test_the_order_of_broken_lines_changes_nothing() -> None:
    """Properties and components stand in any order (3.6): so they do where one is broken."""
    for seed in range(CHANGES):
        chance = random.Random(seed)
        body, owner = good(chance), chance.choice(READERS)
        found = broken(chance, body)
        lines = [one for event_ in (found[0] if found else body) for one in event_]
        if found is None or any(one.startswith(" ") or one == "UID:" for one in lines):
            continue  # a line that continues another, or an event that its content names
        mixed = [chance.sample(event_, len(event_)) for event_ in reversed(found[0])]
        asked = [text_of(found[0]), text_of(mixed)]
        first, second = (extcal.expand(text, *WINDOW, timezone=owner) for text in asked)
        assert first.free_busy == second.free_busy, asked[1]
        assert first.events == second.events, asked[1]
        assert {one.code for one in first.problems} == {one.code for one in second.problems}
