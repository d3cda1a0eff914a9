"""Which parts of the bytes need reading at all.

In: the bytes and the window. Out: spans into the same bytes, never shortened bytes.

A VEVENT is left out only on evidence that it cannot matter: all of its dates lie before the window,
it does not recur or has demonstrably ended, every line of it that could say otherwise is written in
the plainest way, and nothing that is kept shares its UID. Whatever else there is, down to a name in
lower case or a fold in an odd place, keeps its VEVENT; everything outside VEVENT is always kept. So
the answer is the same with and without the sieve.

The bytes are touched at C speed, three times: for a lone CR, for lines of interest, for UIDs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from extcal.limits import Limits

__all__ = ["Sieved", "count_vevents", "sieve"]

WORTHWHILE: Final = 32 * 1024
"""Below this many bytes, reading everything costs less than looking for what to leave out."""

_BEGIN: Final = b"\nBEGIN:VEVENT"
_BEGIN_VEVENT = re.compile(rb"(?:\A|[\r\n])BEGIN[ \t]*:[ \t]*VEVENT", re.I)
_LONE_CR = re.compile(rb"\r[^\n]")
_EPOCH = date(1970, 1, 1)
_DAY = 86_400
# No zone, no midnight rounding and no all-day reading moves a time by two days.
_SLACK = timedelta(days=3)

# Only these first letters begin a name that decides whether a past event can matter.
_INTEREST = rb"""\n(?:
  D(?!T(?:STAMP[;:]|START%(dated)s|END%(dated)s)|ESCRIPTION[;:])
| R(?!E(?:CURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+)?:%(date)s(?![ \t])
      |LATED-TO[;:]|SOURCES[;:]|QUEST-STATUS[;:]))
| U(?!ID:(?:[!-~]+|[!-~]{60,74}%(lf)s\ [!-~]+)%(lf)s(?![ \t])|RL[;:])
| B(?!EGIN:V(?:EVENT|ALARM)%(lf)s)
| E(?!ND:V(?:ALARM%(lf)s|EVENT%(lf)sBEGIN:VEVENT%(lf)s)|XDATE[;:])
| [^A-Z \t\r\n]
)"""
_TIME = rb"(?:T[0-9]{6}Z?)?"
_UID_HEAD = 60  # characters of a UID that the pattern above has seen to hold no fold
_UID_LINES = 75 + 75 + 5  # two physical lines (RFC 5545 section 3.1)

_DATE_OF = rb"\n%s[^:\"\n]*:([0-9]{8})"
_DTSTART = re.compile(_DATE_OF % b"DTSTART")
_DTEND = re.compile(_DATE_OF % b"DTEND")
_UID = re.compile(rb"\nUID[ \t]*(?:;[^\n]*)?:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.I)
_FOLD = re.compile(rb"\r?\n[ \t]")
_CONTROL = bytes([*range(32), 127])

_WEEKDAY = rb"(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERED = rb"(?:[+-]?[1-5])?" + _WEEKDAY
_PLAIN_RULE = re.compile(
    rb"RRULE:FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)"
    rb"(?:;(?:INTERVAL=[1-9][0-9]{0,2}|COUNT=[1-9][0-9]{0,5}"
    rb"|UNTIL=[0-9]{8}(?:T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z?)?"
    rb"|WKST=" + _WEEKDAY + rb"|BYDAY=" + _NUMBERED + rb"(?:," + _NUMBERED + rb")*"
    rb"|BYMONTHDAY=-?(?:[1-9]|[12][0-9]|3[01])|BYMONTH=(?:[1-9]|1[0-2])|BYSETPOS=-?[1-9]))*"
)
_LONGEST_STEP = {b"DAILY": 1, b"WEEKLY": 7, b"MONTHLY": 31, b"YEARLY": 366}


@dataclass(frozen=True, slots=True)
class Sieved:
    """The bytes, the spans of them to read, and how many VEVENTs they hold in all."""

    raw: bytes
    spans: tuple[tuple[int, int], ...]
    vevents: int

    @classmethod
    def nothing_left_out(cls, raw: bytes) -> Sieved:
        """All of the bytes: what a sieve may always answer."""
        return cls(raw, ((0, len(raw)),), count_vevents(raw))

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.spans == ((0, len(self.raw)),)


def count_vevents(raw: bytes) -> int:
    """Count the VEVENTs before anything is parsed: the cheapest look at how large this gets."""
    count = raw.count(_BEGIN)
    if count == 0:
        count = sum(1 for _ in _BEGIN_VEVENT.finditer(raw))
    return count


def sieve(raw: bytes, lo: int, hi: int, limits: Limits) -> Sieved:
    """Choose what to read for the window ``[lo, hi)`` in epoch seconds."""
    del hi  # what lies after the window is little, and is read
    whole = Sieved.nothing_left_out(raw)
    first = raw.find(_BEGIN)
    if len(raw) < WORTHWHILE or first < 1 or whole.vevents > limits.max_vevents:
        return whole
    if _LONE_CR.search(raw):
        return whole
    day = _EPOCH + timedelta(days=lo // _DAY) - _SLACK
    if not 1000 <= day.year <= 9999:
        return whole
    blocks = _Blocks(raw, first, day)
    blocks.find()
    blocks.add_relatives()
    return Sieved(raw, blocks.spans(), whole.vevents)


def _before(limit: str) -> str:
    """A pattern for eight digits that are a date before ``limit`` (YYYYMMDD), and nothing else."""
    digit, rest = int(limit[0]), limit[1:]
    smaller = f"[0-{digit - 1}][0-9]{{{len(rest)}}}" if digit else ""
    equal = f"{limit[0]}{_before(rest)}" if rest else ""
    if equal.endswith("(?!)") or not equal:
        return smaller or "(?!)"
    return f"(?:{equal}|{smaller})" if smaller else equal


class _Blocks:
    """The kept blocks of one feed: from one BEGIN:VEVENT to the next, or to the end."""

    def __init__(self, raw: bytes, first: int, day: date) -> None:
        self.raw = raw
        self.first = first
        self.day = day
        self.crlf = raw[first - 1 : first] == b"\r"
        lf = rb"\r\n" if self.crlf else rb"\n"
        past = _before(f"{day:%Y%m%d}").encode() + _TIME + lf
        date = rb"[0-9]{8}" + _TIME + lf
        pattern = _INTEREST % {b"dated": rb"[^:\"\n]*:" + past, b"date": date, b"lf": lf}
        self.interest = re.compile(pattern, re.X)
        self.starts: list[int] = []
        self.ends: list[int] = []

    def keep(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)

    def find(self) -> None:
        """Keep every block with a line of interest, unless that says that a series has ended."""
        raw, search, first = self.raw, self.interest.search, self.first
        position = first
        while (match := search(raw, position)) is not None:
            start = raw.rfind(_BEGIN, first, match.start() + len(_BEGIN))
            end = raw.find(_BEGIN, match.start() + 1)
            if end < 0:
                break
            if raw[match.start() + 1] != 82 or not self.ended(start, end):  # "R"
                self.keep(start, end)
            position = end
        last = raw.rfind(_BEGIN)
        if not self.starts or self.starts[-1] != last:
            self.keep(last, len(raw))

    def ended(self, start: int, end: int) -> bool:
        """Whether all that is of interest in a block is one plain rule, and that has ended."""
        raw = self.raw
        rule = b""
        for match in self.interest.finditer(raw, start, raw.find(b"\n", end + 1) + 1):
            newline = raw.find(b"\n", match.start() + 1)
            line = raw[match.start() + 1 : newline].removesuffix(b"\r")
            if rule or raw[newline + 1] in b" \t" or not _PLAIN_RULE.fullmatch(line):
                return False
            rule = line
        return self.rule_ended(rule, start, end)

    def rule_ended(self, rule: bytes, start: int, end: int) -> bool:
        starts = _DTSTART.findall(self.raw, start, end)
        ends = _DTEND.findall(self.raw, start, end)
        parts = [part.split(b"=") for part in rule[6:].split(b";")]
        named = dict(parts)
        if len(starts) != 1 or len(ends) > 1 or len(named) != len(parts):
            return False
        try:
            begins = _date(starts[0])
            length = (_date(ends[0]) - begins if ends else timedelta(0)) + _SLACK
            last = _last(named, begins)
            return last is not None and last + max(length, _SLACK) < self.day
        except (ValueError, OverflowError):
            return False

    def add_relatives(self) -> None:
        """Keep what shares its UID with anything kept: versions and instances decide together."""
        raw, find = self.raw, self.raw.find
        kept = {
            _clean(uid)
            for start, end in zip(self.starts, self.ends, strict=True)
            for uid in _UID.findall(raw, start, end)
        }
        kept.discard(b"")
        if not kept:
            return
        size = min(_UID_HEAD, *map(len, kept))
        heads = {uid[:size] for uid in kept}
        starts, ends = list(self.starts), list(self.ends)
        fold = b"\r\n " if self.crlf else b"\n "
        position = find(b"\nUID:", self.first)
        while position >= 0:
            begin = position + 5
            if raw[begin : begin + size] in heads:
                written = raw[begin : begin + _UID_LINES].replace(fold, b"", 1)
                uid, ended, _ = written.partition(b"\n")
                if not ended or uid.rstrip(b"\r") in kept:
                    at = bisect_right(starts, position) - 1
                    if at < 0 or position >= ends[at]:
                        self.keep_around(position)
            position = find(b"\nUID:", begin)

    def keep_around(self, position: int) -> None:
        end = self.raw.find(_BEGIN, position)
        self.keep(self.raw.rfind(_BEGIN, 0, position), len(self.raw) if end < 0 else end)

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The head and the kept blocks, sorted, neighbours joined. A block begins behind its LF."""
        found = [[0, self.first + 1]]
        size = len(self.raw)
        for start, end in sorted(zip(self.starts, self.ends, strict=True)):
            if start + 1 <= found[-1][1]:
                found[-1][1] = max(found[-1][1], min(end + 1, size))
            else:
                found.append([start + 1, min(end + 1, size)])
        return tuple((start, end) for start, end in found)


def _clean(uid: bytes) -> bytes:
    """As the reader will see it, as far as the first 60 characters of plain ones go."""
    return _FOLD.sub(b"", uid).translate(None, _CONTROL).strip()


def _date(digits: bytes) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


def _last(parts: dict[bytes, bytes], begins: date) -> date | None:
    """The last day that a plain rule can start an instance on; None when nothing bounds it."""
    if b"UNTIL" in parts:
        return _date(parts[b"UNTIL"])
    step = _LONGEST_STEP[parts[b"FREQ"]]
    plain = b"WKST", b"FREQ", b"INTERVAL", b"COUNT"
    others = [name for name in parts if name not in plain]
    if b"COUNT" not in parts or others not in ([], [b"BYDAY"]):
        return None
    # A rule of weeks has an instance in each; other rules may skip: the 31st, numbered weekdays.
    if (others and step != 7) or begins.day > 28:
        return None
    steps = int(parts[b"COUNT"]) * int(parts.get(b"INTERVAL", b"1"))
    return begins + timedelta(days=step * steps)
