"""Which parts of the bytes need reading at all.

In: the bytes and the window. Out: spans into the same bytes, never shortened bytes.

A VEVENT is left out only on evidence that it cannot matter: it starts after the window; or all of
its dates lie before the window, and it does not recur or has demonstrably ended. Every line of it
that could say otherwise is written in the plainest way, and nothing that is kept shares its UID.
(A live series may do without those of its overrides that are past, and whose instances are.)
Whatever else there is, down to a name in lower case or a fold in an odd place, keeps its VEVENT;
everything outside VEVENT is always kept. So the answer is the same with and without the sieve.

The bytes are touched at C speed, twice: for UIDs and lines of interest, and for a lone CR.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import compress, count
from typing import Final

from extcal.ical.budget import Work
from extcal.ical.parse.content_lines import CONTROL, FOLD, logical_lines
from extcal.ical.parse.spans import Span, whole
from extcal.ical.shortcuts.ended import SLACK, BeforeWindow, before
from extcal.limits import Limits

__all__ = ["has_lone_cr", "sieve"]

WORTHWHILE: Final = 32 * 1024
"""Below this many bytes, reading everything costs less than looking for what to leave out."""

_SHORTEST_LIMIT: Final = 4096  # of a line; below that, a limit may be met by any line
_ENOUGH: Final = 64 * 1024  # bytes to keep before looking on is ever given up
_DECODED: Final = 128 * 1024  # at a time
_R: Final = ord("R")
_BEGIN: Final = b"\nBEGIN:VEVENT"
_FOLDS: Final = (b" ", b"\t")
# The line that begins a calendar, and no fold behind it.
# Takes in "BEGIN:VCALENDAR\n". Not "BEGIN:VCALENDAR\n S\n".
_CALENDAR = re.compile(rb"(?:\A|[\r\n])BEGIN:VCALENDAR[\r\n]++(?![ \t])")
# What may begin an alarm, in any case. Takes in "begin : valarm". Not "BEGIN:VTODO".
_BEGIN_ALARM = re.compile(rb"BEGIN[ \t]*:[ \t]*VAL", re.I)
# An alarm of a task that ends where it seems to: no line in it can begin or end anything.
# Takes in "\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM". Not "\nBEGIN:VALARM\nEND:VTODO", nor one
# in which another alarm begins.
_WHOLE_ALARM = re.compile(
    rb"\nBEGIN:VALARM\r?\n(?>(?:[ACDF-Z \t][\t -~\x80-\xff]*\r?\n)*)END:VALARM(?=\r?\n[^ \t])"
)
_EPOCH = date(1970, 1, 1)
_DAY = 86_400

# The beginning of a line that may say when an event takes place. It matches a newline and a letter,
# unless the letter begins none of the names that say so (A, C, F to Q, S, T, V to Z), or unless one
# of the harmless names follows. These are, the most frequent first, each cut where no other name
# begins like it: DTSTAMP, a DTSTART or DTEND that is over, DESCRIPTION or RESOURCES, BEGIN:VALARM,
# RELATED-TO, REQUEST-STATUS, END:VALARM, EXDATE, URL, a DURATION of less than 20 hours.
# Takes in "\nRRULE:FREQ=DAILY", "\nRDATE:...", "\nrrule:", "\nDTSTART:" with a day not over.
# Not "\nSUMMARY:x", "\nDESCRIPTION:x", " folded", "\nBEGIN:VALARM".
_INTEREST = rb"""\n[^ACF-QSTV-Z\ \t](?!
  T(?<=DT)(?:S(?:TAM|TART%(start)s)|END%(end)s)
| E(?:S|GIN:VAL|L|Q%(id)s)
| ND:VAL
| XDATE
| RL
| URATION%(duration)s
%(more)s)"""
# Behind such a beginning, the lines that are no evidence of a time:
# group 1 is empty and stands where the next event begins, between END:VEVENT and BEGIN:VEVENT.
# Group 2 is the UID of that next event, if DTSTART, DTEND, DTSTAMP, ORGANIZER, UID open it in this
# order and both dates are over. Group 3 is any other UID line; it is looked at and not consumed, so
# that an odd line behind it is still seen. Group 4 is empty and says that another VEVENT may begin
# here: any line but one whose name begins with D or R (neither begins an event). Of blank lines it
# takes all newlines but the last: of "\n\n\nRRULE" the first two, so that RRULE is seen next.
_BORDERS = rb"""
(?: ND:VEVENT(?<=E(?s:.{9}))%(lf)s()BEGIN:VEVENT(?=%(lf)s)
    (?:%(lf)sDTSTART%(start)s[^\n]*+\nDTEND%(end)s[^\n]*+\n(?:DTSTAMP:[^\n]*+\n|)
       (?:ORGANIZER[:;][^\n]*+\n(?>(?:\ [^\n]*+\n)*)|)UID:([^%(stop)s]{1,255}+)(?=%(lf)s[^\ \t])|)
| ID:(?<=\nUID:)(?=([^%(stop)s]{1,255}+(?:%(lf)s\ [^%(stop)s]{1,255}+|))%(lf)s[^\ \t])
| (?<=[DR])
| (?:[\r\n]+(?=[\r\n])|)())"""
_NEXT, _ITS_UID, _UID = 1, 2, 3
_BORDER: Final = frozenset({_NEXT, _ITS_UID})
_ANY_ID = rb"|CURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+)?:"
_DATED = rb"[^:\"\n]*:"
_ANY = b""
# A DURATION up to 19:59:59 on one line. Takes in ":PT1H30M\n". Not ":P1D\n", ":PT20H\n".
# Together with what zones and midnights can do, less than the slack.
_SHORT = rb":PT(?:1?[0-9]H)?(?:[0-5]?[0-9]M)?(?:[0-5]?[0-9]S)?\r?\n(?![ \t])"

# A line that may hold a UID in any but the plainest way.
# Takes in "\nuid:a", "\nU\n ID:a", "\n\x00UID:a", "\nUID;X=1:a". Not "\nUID:a", "\nURL:x".
_HIDDEN = re.compile(rb"\n(?:[^!-~ \t\r\n]|u|U(?!ID:|RL)|\r?\n[ \t])")
# A plain UID line with its folds: group 1 is "a\n b" of "\nUID:a\n b\nX". Not "\nUID;X=1:a".
_UIDS = re.compile(rb"\nUID:([^\r\n]*+(?>(?:\r?\n[ \t][^\r\n]*+)*))")
_PLAIN_UID = re.compile(rb"[!-~]+")
_GRAPHIC: Final = bytes(range(33, 127))
_FOLD = re.compile(rb"\r?\n[ \t]")
_NAMES = {b"UID": "UID"}


def sieve(raw: bytes, lo: int, hi: int, limits: Limits) -> tuple[Span, ...]:
    """Choose which spans to read for the window ``[lo, hi)`` in epoch seconds."""
    first = raw.find(_BEGIN)
    if len(raw) < WORTHWHILE or first < 1 or limits.max_line_bytes < _SHORTEST_LIMIT:
        return whole(raw)
    head = FOLD.sub(b"", _WHOLE_ALARM.sub(b"", raw[: first + 1])).translate(None, CONTROL)
    # An event might have to stand for the calendar, or end an alarm that began outside.
    if _CALENDAR.search(raw, 0, first + 1) is None or _BEGIN_ALARM.search(head):
        return whole(raw)
    try:
        past = _EPOCH + timedelta(days=lo // _DAY) - SLACK
        future = _EPOCH + timedelta(days=hi // _DAY) + SLACK
    except OverflowError:
        return whole(raw)
    pieces = _Pieces(raw, first + 1, past, future) if past.year >= 1000 else None
    if pieces and pieces.plain and pieces.find(limits.max_vevents) and not has_lone_cr(raw):
        pieces.keep_longer(limits.max_line_bytes // 2)
        pieces.keep_relatives()
        return pieces.spans()
    return whole(raw)


def has_lone_cr(raw: bytes) -> bool:
    """Whether a CR without an LF ends a line anywhere: no shortcut sees the line behind it."""
    if b"\r" not in raw:
        return False
    decoder = io.IncrementalNewlineDecoder(None, translate=False)
    view = memoryview(raw)
    for start in range(0, len(raw), _DECODED):
        decoder.decode(str(view[start : start + _DECODED], "latin-1"))
    decoder.decode("", final=True)
    seen = decoder.newlines
    return "\r" in (seen if isinstance(seen, tuple) else (seen,))


class _Pieces:
    """The pieces of one feed, from one plain END:VEVENT, BEGIN:VEVENT to the next.

    ``starts`` are where they begin, ``uids`` the first UID of each as it is written, ``kept`` the
    numbers of those to read, and ``odd`` how many lines in these may be another BEGIN:VEVENT.
    ``sure`` are the numbers of those kept whose UID is surely the one in ``uids``.
    """

    def __init__(self, raw: bytes, first: int, past: date, future: date) -> None:
        self.raw = raw
        self.past = BeforeWindow(past)
        self.newline = b"\r\n" if raw[first - 2 : first - 1] == b"\r" else b"\n"
        begin = _BEGIN[1:] + self.newline
        self.plain = raw.startswith(begin, first) and not raw.startswith(_FOLDS, first + len(begin))
        ended = _DATED + before(past)
        begins = _DATED + rb"(?!" + before(future) + rb")[0-9]{8}"
        interest = self.pattern(start=ended, end=ended, duration=_SHORT, id=b"", more=b"")
        borders = self.filled(_BORDERS, start=ended, end=ended)
        self.lines = re.compile(interest + borders, re.X).finditer
        more = rb"|RULE[;:]|ND:VEVENT%(lf)s\Z|ID:(?<=\nUID:)"
        self.earlier = re.compile(
            self.pattern(start=begins, end=_ANY, duration=_ANY, id=_ANY_ID, more=self.filled(more)),
            re.X,
        ).search
        # A DTSTART or DTEND that is a line of interest and no future one: nearly all of them are.
        self.within = re.compile(rb"DT(?:START|END)" + _DATED + before(future)).match
        self.starts = [first]
        self.uids: list[bytes] = []
        self.written = b""  # all of them
        self.kept: set[int] = set()
        self.sure: set[int] = set()
        self.odd = 0

    def filled(self, pattern: bytes, **lines: bytes) -> bytes:
        """A pattern with the newlines of this feed."""
        lf = rb"\r\n" if len(self.newline) > 1 else rb"\n"
        named = {name.encode(): text for name, text in lines.items()}
        return pattern % {b"lf": lf, b"stop": lf[:2], **named}

    def pattern(self, **lines: bytes) -> bytes:
        """The lines that say more of an event than that it cannot matter."""
        return self.filled(_INTEREST, **lines)

    def find(self, most: int) -> bool:
        """Keep every piece with a line of interest, unless it is over or has yet to begin.

        False if there may be more VEVENTs than ``most``, or once so much is kept that looking for
        the rest costs more than reading it.
        """
        raw, starts, uids = self.raw, self.starts, self.uids
        enough = max(_ENOUGH, len(raw) // 4)
        start = first = starts[0]
        hits: list[int] = []
        uid, odd, kept = b"", 0, 0
        for match in self.lines(raw, start):
            kind = match.lastindex
            if kind in _BORDER:
                end = match.start(_NEXT)
                uids.append(uid)
                starts.append(end)
                if hits:
                    if not self.is_away(hits, start, end, uid):
                        self.kept.add(len(starts) - 2)
                        self.odd += odd
                        if not odd and uid:
                            self.sure.add(len(starts) - 2)
                        kept += end - start
                        if kept > enough and kept > (end - first) * 3 // 4:
                            return False
                    hits, odd = [], 0
                start, uid = end, match[_ITS_UID] or b""
            elif kind == _UID and not uid:
                uid = match[_UID]
            else:
                hits.append(match.start())
                odd += kind is not None
        uids.append(uid)
        self.kept.add(len(starts) - 1)
        starts.append(len(raw))
        self.odd += odd
        self.keep_hidden_lines()
        return len(starts) + self.odd + raw.count(b"\n", 0, first) <= most

    def keep_hidden_lines(self) -> None:
        """Keep the pieces in whose UID a lone LF ends a line: nobody looked at the next ones."""
        self.written = b"".join(self.uids)
        fold = self.newline + b" "
        if self.written.count(b"\n") != self.written.count(fold):
            for number, uid in enumerate(self.uids):
                hidden = uid.count(b"\n") - uid.count(fold)
                if hidden:
                    self.kept.add(number)
                    self.sure.discard(number)
                    self.odd += hidden

    def is_away(self, hits: list[int], start: int, end: int, uid: bytes) -> bool:
        """Whether a piece lies wholly before or behind the window, for all that its lines say."""
        raw = self.raw
        line = hits[0] + 1
        if raw[line] == _R:
            if len(hits) == 1 and self.past.holds(raw, start, end, line):
                return True
        elif self.within(raw, line) is not None:
            return False
        if self.earlier(raw, start, end) is not None:
            return False
        return raw.count(b"\nUID:", start, end) == (1 if uid else 0)

    def keep_longer(self, stride: int) -> None:
        """Keep what could hold a line that is too long to be read: that makes time unknown."""
        raw, starts = self.raw, self.starts
        for position in range(starts[0], len(raw) - stride, stride):
            if raw.find(_BEGIN, position, position + stride) < 0:
                self.kept.add(bisect_right(starts, position) - 1)

    def keep_relatives(self) -> None:
        """Keep what shares its UID with anything kept: versions and instances decide together.

        A past override of a past instance is none of them, unless another version of it is kept, or
        an instance may be long enough to reach the window.
        """
        uids, written, fold = self.uids, self.written, self.newline + b" "
        if fold in written:
            uids = [uid.replace(fold, b"") for uid in uids]
        told = set(self.told_uids(uids)) - {""}
        kept = told.union(*(_readings(uids[number]) for number in self.sure))
        plain = {uid.encode() for uid in kept if uid.isascii()}
        related = list(compress(count(), map(plain.__contains__, uids)))
        self.kept.update(self.less_past_overrides(related, uids, told))
        if written.translate(None, _GRAPHIC).replace(fold, b""):
            self.kept.update(
                number
                for number, uid in enumerate(uids)
                if uid and not _PLAIN_UID.fullmatch(uid) and not kept.isdisjoint(_readings(uid))
            )

    def less_past_overrides(
        self, related: list[int], uids: list[bytes], told: set[str]
    ) -> list[int]:
        """Those of the numbers that matter to the kept pieces of their UID.

        ``told`` are the UIDs of pieces of which nobody knows what else they hold.
        """
        raw, starts, past = self.raw, self.starts, self.past
        others = [number for number in related if number not in self.kept]
        indifferent = {uids[number] for number in others}
        indifferent.difference_update(uid.encode() for uid in told)
        for number in self.sure:
            uid = uids[number]
            names = {uid}
            if uid.translate(None, _GRAPHIC):
                names.update(name.encode() for name in _readings(uid))
            if not names.isdisjoint(indifferent) and not past.ignores_overrides(
                raw, starts[number], starts[number + 1]
            ):
                indifferent -= names
        return [
            number
            for number in others
            if uids[number] not in indifferent
            or not past.holds_override(raw, starts[number], starts[number + 1])
        ]

    def told_uids(self, uids: list[bytes]) -> Iterator[str]:
        """The UIDs that the reader will find in what is kept, but for the pieces that are sure.

        What is kept of the head is no event, unless that is written in an odd way.
        """
        raw, starts = self.raw, self.starts
        unsure = self.kept - self.sure
        spans = [(starts[number], starts[number + 1], uids[number]) for number in unsure]
        for start, end, uid in [(0, starts[0], b""), *spans]:
            alone = raw.count(b"\nUID:", start, end) == (1 if uid else 0)
            if not uid and not _HIDDEN.search(raw, start, end):
                # However many there are in the head, none of them needs the reader.
                for plain in _UIDS.findall(raw, start, end):
                    yield from _readings(plain)
            elif not alone or _HIDDEN.search(raw, start, end) or uid.translate(None, _GRAPHIC):
                lines = logical_lines(raw, (start, end), _NAMES, Work())
                yield from (line.value.strip() for line in lines)
            else:
                yield uid.decode()

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The head and the kept pieces, sorted, neighbours joined."""
        starts = self.starts
        found = [[0, starts[0]]]
        for number in sorted(self.kept):
            start, end = starts[number], starts[number + 1]
            if start == found[-1][1]:
                found[-1][1] = end
            else:
                found.append([start, end])
        return tuple((start, end) for start, end in found)


def _readings(uid: bytes) -> set[str]:
    """A UID as the reader will see it, whichever encoding it takes the line to be in."""
    if not uid.translate(None, _GRAPHIC):
        return {uid.decode()}
    data = _FOLD.sub(b"", uid).partition(b"\n")[0].translate(None, CONTROL)
    return {data.decode("utf-8", "replace").strip(), data.decode("cp1252", "replace").strip()}
