"""Feeds from a grammar: few UIDs, instants that meet again in other zones, days near the edges.

Mutations of fixtures seldom hit what matters together: two events of one UID, an override of an
instance that exists, dates within days of the window's edge. Here that is the rule. Most of a feed
is plainly written, and one to three lines of it are odd. Every third feed is a history that is over
before the window, as plain as shortcuts want it, but for one odd thing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from harness import words_of

__all__ = ["more_events", "new_feed"]

# The edges of the windows of fuzz_feed.py, the days of summer time, and long ago.
_EDGES = (
    *("2026-12-01", "2026-12-01", "2026-12-01", "2027-01-05", "2027-01-14", "2027-04-01"),
    *("2027-03-14", "2027-03-28", "2026-12-07", "2020-01-05", "2020-01-31", "2024-02-29"),
)
_TIMES = ("00:00", "01:30", "02:00", "02:30", "09:00", "09:00", "09:30", "22:00", "23:00", "23:30")
_ZONES = {
    "Europe/Berlin": "Europe/Berlin",
    "America/New_York": "America/New_York",
    "Pacific/Apia": "Pacific/Apia",
    "Australia/Lord_Howe": "Australia/Lord_Howe",
    "W. Europe Standard Time": "Europe/Berlin",
    "Asia/Kolkata": "Asia/Kolkata",
}
_LENGTHS = (0, 1, 60, 60, 90, 120, 24 * 60 - 1, 24 * 60, 25 * 60, 49 * 60, 9 * 24 * 60)  # minutes
_DURATIONS = ("PT0S", "PT1H", "PT2H", "PT25H", "P1D", "P9D", "P1DT1H", "PT20H30M", "-PT1H", "P1W")
_UIDS = ("a", "a", "a", "b", "case", "c\r\n c", "\u00e9", "a b", "x" * 300)
_FREQS = ("DAILY", "DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "MINUTELY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NUMBERS = {
    "INTERVAL": (1, 2, 2, 3, 15, 30, 999),
    "COUNT": (1, 2, 3, 3, 5, 9, 90),
    "BYMONTHDAY": (1, 5, 14, 28, 29, 30, 31, -1, -2, -31),
    "BYMONTH": (1, 2, 3, 4, 11, 12),
    "BYSETPOS": (1, 2, -1, -2, 366),
    "BYHOUR": (0, 1, 2, 3, 9, 22, 23),
    "BYMINUTE": (0, 30, 59),
    "BYSECOND": (0, 30, 60),
    "BYWEEKNO": (1, 5, 13, 52, 53, -1),
    "BYYEARDAY": (1, 5, 60, 73, 365, 366, -1, -366),
}
_LISTED = (*[each for each in _NUMBERS if each[:2] == "BY"], "BYMONTHDAY", "BYMONTH", "BYSETPOS")
_OTHERS = (
    *("STATUS:TENTATIVE", "STATUS:CANCELLED", "TRANSP:TRANSPARENT", "SUMMARY:x", "CLASS:PRIVATE"),
    *("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "DTSTAMP:20261101T000000Z", "DESCRIPTION:y"),
)
_WORDS = words_of("feed")
_CRLF = "\r\n"


def new_feed(chance: random.Random) -> bytes:
    """One to seven events of one or two UIDs, and now and then something odd in the head."""
    if chance.random() < _HISTORIES:
        return new_history(chance)
    feed = _Feed(chance)
    events = [feed.event() for _ in range(chance.choice((1, 1, 2, 2, 3, 4, 5)))]
    if chance.random() < 0.6:  # something that shortcuts leave out, before and behind
        events.insert(0, _event(_PAST))
        events.append(_event(_PAST))
    text = b"".join((*feed.head(), *events, *feed.tail()))
    kind = chance.random()
    if kind < 0.04:
        text = text.replace(b"\r\n", b"\n")
    elif kind < 0.05:
        text = text.replace(b"\r\n", b"\r")
    elif kind < 0.07:
        text = text[: chance.randrange(len(text))]
    choice = 0 if chance.random() < 0.5 else chance.randrange(128)
    return bytes([choice]) + text


def new_history(chance: random.Random) -> bytes:
    """None to four events that are over, others between them, and a thing or two that are odd."""
    feed = _History(chance)
    events = [_event(_PAST)]
    for _ in range(chance.choice((0, 2, 2, 3, 4))):
        events += feed.event(), _event(_PAST)
    feed.odd = 0.1 if len(events) > 1 else 0.5
    if chance.random() < 0.8:
        events.append(_event(_AHEAD))
    return b"\0" + b"".join((*feed.head(), *events, *feed.tail()))


def more_events(chance: random.Random) -> bytes:
    """One to four events."""
    feed = _Feed(chance)
    return b"".join(feed.event() for _ in range(chance.randrange(1, 5)))


_LONG_AGO, _SOON = datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 1, 5, 9, tzinfo=UTC)
_HISTORIES = 0.35  # the share of feeds
_AHEAD = ["UID:n", "DTSTART:20270105T090000Z", "DTEND:20270105T100000Z"]
_PAST = ["UID:p", "DTSTART:20200105T090000Z", "DTEND:20200105T100000Z"]


def _event(lines: list[str]) -> bytes:
    return _CRLF.join(("BEGIN:VEVENT", *lines, "END:VEVENT", "")).encode()


class _Feed:
    """What the events of one feed have in common: UIDs, instants, and the way they write times."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.uids = chance.sample(_UIDS, 2)
        self.form = self.new_form()
        self.instants = [self.new_instant() for _ in range(chance.choice((1, 2, 2, 3)))]
        self.oddities = chance.choice((0, 0, 1, 1, 1, 2, 3))

    # -- times ------------------------------------------------------------------------------------

    def new_form(self) -> str:
        zone = self.chance.choice((*_ZONES, "Europe/Berlin"))
        return self.chance.choice(("Z", "Z", "Z", "DATE", "", zone, zone, "+0530", "-1200"))

    def new_instant(self) -> datetime:
        day = datetime.fromisoformat(f"{self.chance.choice(_EDGES)}T{self.chance.choice(_TIMES)}")
        return (day + timedelta(days=self.chance.randrange(-8, 6))).replace(tzinfo=UTC)

    def instant(self) -> datetime:
        """One that the feed knows, perhaps some steps of a series away from it."""
        chance, found = self.chance, self.chance.choice(self.instants)
        kind = chance.random()
        if kind < 0.35:
            found += chance.choice((-1, 1, 1, 2, 3, 7, 14)) * timedelta(days=1)
        elif kind < 0.5:
            found += timedelta(minutes=chance.choice((-60, -30, 30, 60, 120, 720)))
        elif kind < 0.55:
            found = self.new_instant()
        return found

    def written(self, moment: datetime, form: str) -> str:
        """``moment`` with what stands in front of it: ";TZID=Europe/Berlin:20270105T100000"."""
        if form == "DATE":
            return f";VALUE=DATE:{moment:%Y%m%d}"
        if form in _ZONES:
            return f";TZID={form}:{moment.astimezone(ZoneInfo(_ZONES[form])):%Y%m%dT%H%M%S}"
        return f":{moment:%Y%m%dT%H%M%S}{form}"

    def any_form(self) -> str:
        return self.form if self.chance.random() < 0.85 else self.new_form()

    # -- an event ---------------------------------------------------------------------------------

    def event(self) -> bytes:
        """A single event, a series, or an override; the odd lines are put into some."""
        chance, form = self.chance, self.any_form()
        start = self.instant()
        lines = [f"DTSTART{self.written(start, form)}", *self.end(start, form)]
        uid = f"UID:{self.uids[chance.random() < 0.2]}"
        kind = chance.random()
        if kind < 0.4:
            lines.append(f"RRULE:{self.rule(form)}")
        elif kind < 0.75:
            instance = start if chance.random() < 0.2 else self.instant()
            lines.append(f"RECURRENCE-ID{self.written(instance, self.any_form())}")
        for name, share in (("EXDATE", 0.12), ("RDATE", 0.12), ("SEQUENCE", 0.15)):
            if chance.random() < share:
                value = f":{chance.randrange(3)}"
                if name != "SEQUENCE":
                    value = self.written(self.instant(), self.any_form())
                lines.append(name + value)
        if chance.random() < 0.15:
            lines.append(chance.choice(_OTHERS))
        if chance.random() < 0.4:
            chance.shuffle(lines)
        lines.insert(0 if chance.random() < 0.6 else len(lines), uid)
        while self.oddities and chance.random() < 0.4:
            self.oddities -= 1
            chance.choice(_ODDITIES)(self, lines)
        return _event(lines)

    def end(self, start: datetime, form: str) -> list[str]:
        chance = self.chance
        kind = chance.random()
        if kind < 0.15:
            return []
        if kind < 0.3:
            return [f"DURATION:{chance.choice(_DURATIONS)}"]
        if kind < 0.4:
            return [f"DTEND{self.written(self.instant(), form)}"]
        minutes = chance.choice(_LENGTHS) * (24 if form == "DATE" else 1)
        return [f"DTEND{self.written(start + timedelta(minutes=minutes), form)}"]

    def rule(self, form: str) -> str:
        """An RRULE: a bound most of the time, and up to three other parts."""
        chance = self.chance
        parts = [f"FREQ={chance.choice(_FREQS)}"]
        for name in chance.sample(
            ("INTERVAL", "WKST", "BYDAY", "BY", "BY"), chance.choice((0, 1, 1, 2, 3))
        ):
            parts.append(self.part(name))
        kind = chance.random()
        if kind < 0.35:
            parts.append(self.part("COUNT"))
        elif kind < 0.7:
            until = self.written(self.instant(), chance.choice((form, form, "Z", "DATE", "")))
            parts.append(f"UNTIL={until.rpartition(':')[2]}")
        if chance.random() < 0.1:
            chance.shuffle(parts)
        return ";".join(parts)

    def part(self, name: str) -> str:
        chance = self.chance
        if name == "WKST":
            return f"WKST={chance.choice(_DAYS)}"
        if name == "BYDAY":
            days = chance.sample(_DAYS, chance.choice((1, 1, 2, 3)))
            numbers = chance.choice((("",), ("",), ("", "1", "-1"), ("2", "5", "-5", "+1", "53")))
            return "BYDAY=" + ",".join(f"{chance.choice(numbers)}{day}" for day in days)
        if name == "BY":
            name = chance.choice(_LISTED)
        most = 1 if name in ("INTERVAL", "COUNT") else chance.choice((1, 1, 2, 3))
        return f"{name}={','.join(map(str, chance.sample(_NUMBERS[name], most)))}"

    # -- around the events ------------------------------------------------------------------------

    odd = 0.05  # how often the head, or what follows the events, is odd

    def head(self) -> list[bytes]:
        chance = self.chance
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
        for name, values, share in (
            ("X-WR-TIMEZONE", tuple(_ZONES), 0.25),
            ("METHOD", ("PUBLISH", "REQUEST", "CANCEL"), 0.08),
            ("REFRESH-INTERVAL;VALUE=DURATION", ("PT1H", "P1D"), 0.03),
        ):
            while chance.random() < share:
                lines.append(f"{name}:{chance.choice(values)}")
        if chance.random() < self.odd:
            lines[0] = chance.choice(
                ("X:y", "BEGIN:VCALENDAR\r\n S", "begin:vcalendar", "BEGIN:VTODO")
            )
        if chance.random() < 0.05:
            lines.append(chance.choice(_WORDS).decode("latin-1"))
        found = [_CRLF.join((*lines, "")).encode()]
        if chance.random() < 0.05:
            found.insert(0, self.event())
        return found

    def tail(self) -> list[bytes]:
        chance = self.chance
        kind = chance.random() * 0.05 / self.odd
        if kind < 0.03:
            return [b"BEGIN:VEVENT\r\n S\r\n"]
        if kind < 0.06:
            return []
        found = [b"END:VCALENDAR\r\n"]
        if kind < 0.1:
            found.append(self.event())
        return found


class _History(_Feed):
    """Events that are over before the first window begins, but for what is odd in one of them.

    Or all of that behind the window: overrides of a series that goes on.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.oddities = chance.choice((0, 1, 1, 1, 1, 2))
        self.is_behind = chance.random() < 0.4
        # Just where shortcuts begin to trust a date, some days from there, and far away.
        days = chance.choice((5, 8, 20)), chance.choice((30, 400, 2_500))
        if self.is_behind:
            edge, night = datetime(2027, 4, 1, 9, tzinfo=UTC), datetime(2027, 4, 4, tzinfo=UTC)
            far = [edge + timedelta(days=each) for each in days]
        else:
            edge, night = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
            far = [edge - timedelta(days=each) for each in days]
        self.instants = [night + timedelta(hours=chance.choice((-3, -2, -1, -1, 0, 1))), *far]

    def new_form(self) -> str:
        return "Z" if self.chance.random() < 0.7 else super().new_form()

    def instant(self) -> datetime:
        """One that is over, or what an odd line may say: one in the window."""
        return _SOON if self.chance.random() < 0.3 else super().instant()

    def event(self) -> bytes:
        """Over, in lines as the plainest feeds have them. One may be odd; some go on."""
        chance, form = self.chance, self.form
        kind = chance.random()
        goes_on = 0.7 if self.is_behind and kind < 0.35 else 0.15
        start = _SOON if chance.random() < goes_on else chance.choice(self.instants)
        lines = [f"DTSTART{self.written(start, form)}"]
        if chance.random() < 0.8:
            length = timedelta(days=1) if form == "DATE" else timedelta(minutes=30)
            if start < _LONG_AGO and chance.random() < 0.4:
                length = timedelta(days=9)
            lines.append(f"DTEND{self.written(start + length, form)}")
        if kind < 0.35:
            until = chance.choice(self.instants)
            until = until if self.is_behind else min(until, _LONG_AGO)
            bound = f"UNTIL={self.written(until, form).rpartition(':')[2]}"
            bound = chance.choice((bound, bound, f"COUNT={chance.choice((1, 2, 3, 99))}"))
            lines.append(f"RRULE:FREQ={chance.choice(_FREQS[:6])};{bound}")
        elif kind < 0.75:
            instance = chance.choice((start, chance.choice(self.instants)))
            form = self.new_form() if chance.random() < 0.4 else form
            lines.append(f"RECURRENCE-ID{self.written(instance, form)}")
        if chance.random() < 0.3:
            lines.append(f"SEQUENCE:{chance.randrange(3)}")
        lines.insert(chance.choice((0, 0, len(lines))), "UID:a")
        if self.oddities and chance.random() < 0.5:
            self.oddities -= 1
            chance.choice(_ODDITIES)(self, lines)
        return _event(lines)


# -- what is odd in an event ----------------------------------------------------------------------


def _spot(feed: _Feed, lines: list[str]) -> int:
    return feed.chance.randrange(len(lines))


def _once_more(feed: _Feed, lines: list[str]) -> None:
    """A line of the same name and another value, in front or behind."""
    line = lines[_spot(feed, lines)]
    name = re.split("[:;]", line)[0]
    if name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        line = name + feed.written(feed.instant(), feed.any_form())
    elif name == "RRULE":
        line = f"RRULE:{feed.rule(feed.form)}"
    elif name == "UID":
        line = f"UID:{feed.chance.choice(feed.uids)}"
    lines.insert(feed.chance.choice((0, len(lines), _spot(feed, lines))), line)


def _name(feed: _Feed, lines: list[str]) -> None:
    """A name in another case, with a blank, or with a parameter, which may be long."""
    at = _spot(feed, lines)
    name = re.split("[:;]", lines[at])[0]
    size = feed.chance.choice((0, 0, 1, 20, 60, 150, 250))
    more = feed.chance.choice((f";X={'a' * size}", f';X="{"a" * size}"', ";X=1", " ", "\0"))
    changed = feed.chance.choice((name.lower(), name.title(), name + more, name + more))
    lines[at] = changed + lines[at][len(name) :]


def _joined(feed: _Feed, lines: list[str]) -> None:
    """A line that ends with something that is no CRLF, in a text or behind any line."""
    at = _spot(feed, lines)
    end = feed.chance.choice(("\r", "\r", "\n", "\n", "\r\r\n", "\x0b", "\x85", "\u2028"))
    others = [line for place, line in enumerate(lines) if place != at]
    if others and feed.chance.random() < 0.5:
        lines[at] = feed.chance.choice(("X-A:b", "SUMMARY:b", lines[at])) + end + lines[at]
    else:
        lines[at] += end + feed.chance.choice(("", "x", *["RRULE:FREQ=DAILY"] * 3, *lines))


def _folded(feed: _Feed, lines: list[str]) -> None:
    at = _spot(feed, lines)
    where = feed.chance.randrange(len(lines[at]) + 1)
    fold = feed.chance.choice(("\r\n ", "\r\n ", "\r\n\t", "\n ", "\r\n  ", "\r\n \r\n "))
    lines[at] = lines[at][:where] + fold + lines[at][where:]


def _nested(feed: _Feed, lines: list[str]) -> None:
    """A component in the event, one to three deep, with some of its lines or dates of its own."""
    chance = feed.chance
    names = [chance.choice(("VALARM", "VALARM", "X-B", "VEVENT", "VTODO")) for _ in range(3)]
    names = names[: chance.choice((1, 1, 2, 3))]
    inner = [f"BEGIN:{name}" for name in names]
    for _ in range(chance.choice((0, 1, 2))):
        moment = feed.written(feed.instant(), feed.form)
        inner.append(chance.choice((lines[_spot(feed, lines)], f"DTEND{moment}", "UID:z")))
    ends = [f"END:{name}" for name in reversed(names)]
    if chance.random() < 0.2:
        del ends[chance.randrange(len(ends))]
    at = chance.randrange(len(lines) + 1)
    lines[at:at] = inner + ends


def _gone(feed: _Feed, lines: list[str]) -> None:
    if len(lines) > 1:
        del lines[_spot(feed, lines)]


def _word(feed: _Feed, lines: list[str]) -> None:
    lines.insert(_spot(feed, lines), feed.chance.choice(_WORDS).decode("utf-8", "replace"))


_ODDITIES: list[Callable[[_Feed, list[str]], None]] = [
    *(_once_more, _once_more, _once_more, _name, _name, _joined, _joined, _folded, _nested),
    *(_gone, _word),
]
