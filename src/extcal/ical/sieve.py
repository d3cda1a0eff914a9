"""Which parts of the bytes need reading at all.

In: the bytes and the window. Out: spans into the same bytes, never shortened bytes.

A VEVENT is left out only on evidence that it cannot matter: it starts after the window; or all of
its dates lie before the window, and it does not recur or has demonstrably ended. Every line of it
that could say otherwise is written in the plainest way, and nothing that is kept shares its UID.
Whatever else there is, down to a name in lower case or a fold in an odd place, keeps its VEVENT;
everything outside VEVENT is always kept. So the answer is the same with and without the sieve.

The bytes are touched at C speed, twice: for lines of interest, and for UIDs (and a lone CR).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from extcal.ical.lines import CONTROL, logical_lines
from extcal.ical.work import Work
from extcal.limits import Limits

__all__ = ["Sieved", "count_vevents", "sieve"]

WORTHWHILE: Final = 32 * 1024
"""Below this many bytes, reading everything costs less than looking for what to leave out."""

_SHORTEST_LIMIT: Final = 4096  # of a line; below that, a limit may be met by any line
_NEAR: Final = 16 * 1024
_R: Final = ord("R")
_ENOUGH: Final = 64 * 1024  # bytes to keep before looking on is ever given up
_BEGIN: Final = b"\nBEGIN:VEVENT"
_BEGIN_VEVENT = re.compile(rb"(?:\A|[\r\n])BEGIN[ \t]*:[ \t]*VEVENT", re.I)
_EPOCH = date(1970, 1, 1)
_DAY = 86_400
# No zone, no midnight rounding and no all-day reading moves a time by two days.
_SLACK = timedelta(days=3)

# At each line: a first letter that begins no name which decides, else one of these. Most frequent
# first; a longer name that begins like one of these decides nothing either.
_INTEREST = rb"""\n[^ACF-QSTV-Z\ \t](?!(?<=[BDERU])(?:
  T(?:S(?:TAMP|TART%(start)s)|END%(end)s)
| E(?:SCRIPTION|GIN:V(?:EVENT|ALARM)%(lf)s|LATED-TO|SOURCES|QUEST-STATUS%(id)s)
| ND:V(?:ALARM%(lf)s|EVENT%(lf)sBEGIN:VEVENT%(lf)s)
| ID:(?<=%(lf)sUID:)
| XDATE
| RL
| URATION%(duration)s
%(more)s))"""
_ANY_ID = rb"|CURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+)?:"
_DATED = rb"[^:\"\n]*:"
_ANY = b""
# Up to 19:59:59: together with what zones and midnights can do, less than the slack.
_SHORT = rb":PT(?:1?[0-9]H)?(?:[0-5]?[0-9]M)?(?:[0-5]?[0-9]S)?\r?\n(?![ \t])"

# A lone CR, or a UID; an empty match is whatever else begins like one.
_UIDS_CRLF = re.compile(rb"\r(?!\n[^U]|\nURL)(?:\nUID:([!-~]+(?:\r\n [!-~]+)?)(?=\r\n(?![ \t])))?")
_UIDS_LF = re.compile(rb"\n(?=U)(?!URL)(?:UID:([!-~]+(?:\n [!-~]+)?)(?=\n(?![ \t])))?")
_UID = re.compile(rb"\nUID:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)")
_HIDDEN_CRLF = re.compile(rb"\n(?:[^A-Z \t]|U(?!ID:(?<=\r\nUID:)|RL))")
_HIDDEN_LF = re.compile(rb"\n(?:[^A-Z \t]|U(?!ID:|RL))")
_LONE_CR = re.compile(rb"\r[^\n]")
_FOLD = re.compile(rb"\r?\n[ \t]")
_NAMES = {b"UID": "UID"}

_TIME = re.compile(rb"\nDT(START|END)([^:\"\n]*):([0-9]{8})([^\r\n]*)")
_ID = rb"CURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+)?:[0-9]{8}(?:T[0-9]{6}Z?)?"
_PLAIN_ID = re.compile(b"RE" + _ID)
_UNTIL_ONCE = re.compile(rb"RRULE:[^U]*UNTIL=([0-9]{8})(?:T[0-9]{6}Z?)?(?:;(?!UNTIL)[^;]*)*")

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
    """The bytes, the spans of them to read, and whether there are VEVENTs in any of them."""

    raw: bytes
    spans: tuple[tuple[int, int], ...]
    has_vevents: bool

    @classmethod
    def nothing_left_out(cls, raw: bytes) -> Sieved:
        """All of the bytes: what a sieve may always answer."""
        has_vevents = _BEGIN in raw or _BEGIN_VEVENT.search(raw) is not None
        return cls(raw, ((0, len(raw)),), has_vevents)

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
    whole = Sieved.nothing_left_out(raw)
    first = raw.find(_BEGIN)
    if len(raw) < WORTHWHILE or first < 1 or limits.max_line_bytes < _SHORTEST_LIMIT:
        return whole
    if len(raw) > len(_BEGIN) * limits.max_vevents and raw.count(_BEGIN) > limits.max_vevents:
        return whole
    try:
        before = _EPOCH + timedelta(days=lo // _DAY) - _SLACK
        after = _EPOCH + timedelta(days=hi // _DAY) + _SLACK
    except OverflowError:
        return whole
    if before.year < 1000:
        return whole
    blocks = _Blocks(raw, first, before, after)
    if not blocks.find():
        return whole
    blocks.add_longer(limits.max_line_bytes // 2)
    if not blocks.add_relatives():
        return whole
    return Sieved(raw, blocks.spans(), True)


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

    def __init__(self, raw: bytes, first: int, before: date, after: date) -> None:
        self.raw = raw
        self.first = first
        self.day = before
        self.earlier_day = before - _SLACK
        self.crlf = raw[first - 1 : first] == b"\r"
        self.newline = b"\r\n" if self.crlf else b"\n"
        self.tail = len(_BEGIN + self.newline)  # what follows an END:VEVENT
        self.hidden = (_HIDDEN_CRLF if self.crlf else _HIDDEN_LF).search
        self.uids_in = (_UIDS_CRLF if self.crlf else _UIDS_LF).findall
        past = _DATED + _before(f"{before:%Y%m%d}").encode()
        not_future = _before(f"{after:%Y%m%d}").encode()
        future = _DATED + rb"(?!" + not_future + rb")[0-9]{8}"
        self.interest = self.pattern(start=past, end=past, duration=_SHORT, id=b"", more=b"")
        self.earlier = self.pattern(
            start=future, end=_ANY, duration=_ANY, id=_ANY_ID, more=b"|RULE[;:]"
        )
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.kept = 0  # bytes

    def pattern(self, **lines: bytes) -> re.Pattern[bytes]:
        """The lines that say more of an event than that it cannot matter."""
        lf = rb"\r\n" if self.crlf else rb"\n"
        named = {name.encode(): text for name, text in lines.items()}
        return re.compile(_INTEREST % {**named, b"lf": lf}, re.X)

    def keep(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.kept += end - start

    def find(self) -> bool:
        """Keep every block with a line of interest, unless it is over or has yet to begin.

        False once so much is kept that looking for the rest costs more than reading it.
        """
        enough = max(_ENOUGH, len(self.raw) // 4)
        raw, search, first = self.raw, self.interest.search, self.first
        earlier = self.earlier.search
        match = search(raw, first)
        while match is not None:
            line = match.start()
            end = self.next_begin(line + 1)
            if end < 0:
                break
            start = raw.rfind(_BEGIN, first, line + len(_BEGIN))
            match = search(raw, line + 1 if raw[line + 1] == _R else end)
            alone = match is None or match.start() >= end
            if raw[line + 1] == _R and alone and self.is_over(start, end, line):
                continue
            if not alone:
                match = search(raw, end)
            if earlier(raw, start, end + self.tail) is not None:
                self.keep(start, end)
                if self.kept > enough and self.kept > (end - first) * 3 // 4:
                    return False
        last = raw.rfind(_BEGIN)
        if not self.starts or self.starts[-1] != last:
            self.keep(last, len(raw))
        return True

    def next_begin(self, position: int) -> int:
        """Where the next VEVENT begins: a search that knows it is short does not prepare itself."""
        found = self.raw.find(_BEGIN, position, position + _NEAR)
        return found if found >= 0 else self.raw.find(_BEGIN, position)

    def is_over(self, start: int, end: int, line: int) -> bool:
        """Whether the line of interest in a block is a plain one, and says that it is over.

        An ended rule does. So does a RECURRENCE-ID, unless the event has no end of its own: it
        would last as long as its master.
        """
        raw = self.raw
        newline = raw.find(b"\n", line + 1)
        text = raw[line + 1 : newline].removesuffix(b"\r")
        if raw[newline + 1] in b" \t":
            return False
        times = sorted(_TIME.findall(raw, start, end))  # END comes before START
        if _PLAIN_ID.fullmatch(text):
            return _has_end(times)
        return _PLAIN_RULE.fullmatch(text) is not None and self.has_ended(text, times)

    def has_ended(self, rule: bytes, times: list[_Time]) -> bool:
        if not times or len(times) > 2 or [name for name, *_ in times].count(b"START") != 1:
            return False
        starts, ends = [times[-1][2]], [time[2] for time in times[:-1]]
        try:
            until = _UNTIL_ONCE.fullmatch(rule)
            if until is not None and ends in ([], starts):  # as most do: no more arithmetic
                return _date(until[1]) < self.earlier_day
            parts = [part.split(b"=") for part in rule[6:].split(b";")]
            named = dict(parts)
            if len(named) != len(parts):
                return False
            begins = _date(starts[0])
            length = (_date(ends[0]) - begins if ends else timedelta(0)) + _SLACK
            last = _last(named, begins)
            return last is not None and last + max(length, _SLACK) < self.day
        except (ValueError, OverflowError):
            return False

    def add_longer(self, stride: int) -> None:
        """Keep what could hold a line that is too long to be read: that makes time unknown."""
        raw = self.raw
        for position in range(self.first, len(raw) - stride, stride):
            if raw.find(_BEGIN, position, position + stride) < 0:
                self.keep_around(position)

    def add_relatives(self) -> bool:
        """Keep what shares its UID with anything kept: versions and instances decide together.

        False if a lone CR, which ends a line as well, makes the evidence worthless.
        """
        raw, uids_in, fold = self.raw, self.uids_in, self.newline + b" "
        if not self.crlf and b"\r" in raw:
            return False
        spans = self.spans()
        # What is kept of the head is no event, but the first events may be joined to it.
        kept = set(self.kept_uids(((self.first + 1, spans[0][1]), *spans[1:])))
        plain = {uid.encode() for uid in kept if uid.isascii()}
        for (_, start), (end, _) in pairwise(spans):
            uids = uids_in(raw, start, end + 1)  # to see that no UID begins behind the last newline
            odd = b"" in uids
            if odd and _LONE_CR.search(raw, start, end):
                return False
            if fold in b"".join(uids):
                uids = [uid.replace(fold, b"") for uid in uids]
            if odd:
                self.keep_related(start, end, kept)
            elif not plain.isdisjoint(uids):
                numbers = {n for n, uid in enumerate(uids) if uid in plain}
                if len(numbers) == len(uids):  # as where one UID has thousands of overrides
                    self.keep(start - 1, end - 1)
                else:
                    self.keep_numbered(start, numbers)
        return True

    def kept_uids(self, spans: tuple[tuple[int, int], ...]) -> Iterator[str]:
        """The UIDs that the reader will find in what is kept, as it will find them."""
        raw, uids_in = self.raw, self.uids_in
        for start, end in spans:
            uids = uids_in(raw, start, end + 1)
            if b"" in uids or self.hidden(raw, start, end - 1):
                lines = logical_lines(raw, (start, end), _NAMES, Work())
                yield from (line.value.strip() for line in lines)
            else:
                yield from (_FOLD.sub(b"", uid).decode() for uid in uids)

    def keep_related(self, start: int, end: int, kept: set[str]) -> None:
        """Keep the blocks between two positions whose UID is kept, however it is written."""
        for match in _UID.finditer(self.raw, start, end):
            if not kept.isdisjoint(_readings(match[1])):
                self.keep_around(match.start())

    def keep_numbered(self, start: int, numbers: set[int]) -> None:
        """Keep the blocks of these UIDs, counted from a position on."""
        find, position = self.raw.find, start
        for number in range(max(numbers) + 1):
            position = find(b"\nUID:", position + 1)
            if number in numbers:
                self.keep_around(position)

    def keep_around(self, position: int) -> None:
        end = self.next_begin(position + 1)
        self.keep(
            self.raw.rfind(_BEGIN, 0, position + len(_BEGIN)), len(self.raw) if end < 0 else end
        )

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


_Time = tuple[bytes, ...]  # START or END, its parameters, its date, and what follows


def _has_end(times: list[_Time]) -> bool:
    """Whether there is one start and one end, and that is surely not the earlier one."""
    if len(times) != 2 or times[0][0] == times[1][0] or times[0][1] != times[1][1]:
        return False
    (_, _, last, until), (_, _, first, since) = times
    return first < last or (first == last and 7 <= len(since) == len(until) and since <= until)


def _readings(uid: bytes) -> set[str]:
    """A UID as the reader will see it, whichever encoding it takes the line to be in."""
    data = _FOLD.sub(b"", uid).translate(None, CONTROL)
    return {data.decode("utf-8", "replace").strip(), data.decode("cp1252", "replace").strip()}


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
