"""The sieve: which parts of the bytes have to be read for a window.

In: the bytes and the window. Out: spans of offsets into these bytes, which are not copied.

A VEVENT is left out only if its bytes prove that it cannot matter. Either it starts after the
window; or all of its dates lie before the window, and it has no rule or its rule has ended. In
both cases every line that could say otherwise must be written in the plainest way, and no VEVENT
that is kept may share its UID. There is one exception: a series that goes on is read without those
overrides that lie outside the window and whose instances lie outside it.

Everything else is kept: a VEVENT with a name in lower case, one with a fold in an unusual place,
and all bytes outside VEVENT. So the answer is the same with and without the sieve.

One regular expression passes over the bytes once, for UIDs and lines of interest.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from extcal.ical.budget import Work
from extcal.ical.parse.components import EVENT
from extcal.ical.parse.content_lines import CONTROL, FOLD, Names, logical_lines
from extcal.ical.parse.spans import STRETCH, Span, count_in, emptied, find, stretches, whole
from extcal.ical.shortcuts.ended import SLACK, BeforeWindow, before, planned_day
from extcal.ical.shortcuts.plain_blocks import LineEnds, line_ends, stop_of
from extcal.limits import Limits
from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["sieve"]

WORTHWHILE: Final = 32 * 1024
"""Bytes: a smaller body is read whole, because that costs less than the sieve does."""

_MANY_UIDS: Final = 100_000  # in the head and the kept pieces
_AT_ONCE: Final = 4096  # UIDs that are joined in one call: more would keep other threads waiting
_STRETCH_ALARM: Final = 64  # bytes; more than the beginning of an alarm takes
_SHORTEST_LIMIT: Final = 4096  # bytes of a line; under a smaller limit nothing is left out
_ENOUGH: Final = 64 * 1024  # bytes: the sieve never gives up before it has kept this many
_MANY_HITS: Final = 20  # lines of interest in a VEVENT that is looked at
_R: Final = ord("R")
_BEGIN: Final = b"\nBEGIN:VEVENT"
_END: Final = b"\nEND:VEVENT"
_FOLDS: Final = (b" ", b"\t")
# The line that begins a calendar, without a fold behind it.
# Takes in "BEGIN:VCALENDAR\n". Not "BEGIN:VCALENDAR\n S\n".
_CALENDAR = pattern(rb"(?:\A|[\r\n])BEGIN:VCALENDAR[\r\n]++(?![ \t])")
# What may begin an alarm, in any case. Takes in "begin : valarm". Not "BEGIN:VTODO".
_BEGIN_ALARM = pattern(rb"BEGIN[ \t]*:[ \t]*VAL", re.I)
# A whole alarm of a VTODO: between BEGIN and END no line begins with B or E, so none can begin or
# end a component.
# Takes in "\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM". Not "\nBEGIN:VALARM\nEND:VTODO", nor one
# in which another alarm begins.
_WHOLE_ALARM = pattern(
    rb"\nBEGIN:VALARM\r?\n(?>(?:[ACDF-Z \t][\t -~\x80-\xff]*\r?\n){,999})END:VALARM(?=\r?\n[^ \t])"
)
_EPOCH = date(1970, 1, 1)
_DAY = 86_400

# The beginning of a line that may say when an event takes place: a newline and one byte.
#     interest = LF first, not followed by the rest of a harmless name
#     first    = any byte but a space, a tab and the letters A, C, F to Q, S, T, V to Z, because no
#                property or component that decides about time begins with these
# The harmless names are, the most frequent first: DTSTAMP, a DTSTART or DTEND before the window,
# DESCRIPTION or RESOURCES, BEGIN:VALARM, RELATED-TO, REQUEST-STATUS, END:VALARM, EXDATE, URL, and a
# DURATION of less than 20 hours. Each is cut to the letters that no other name begins with.
# Takes in "\nRRULE:FREQ=DAILY", "\nRDATE:20270105", "\nrrule:x", and "\nDTSTART:20270105" unless
# that day is before the window. Not "\nSUMMARY:x", "\nDESCRIPTION:x", "\n fold", "\nBEGIN:VALARM".
_INTEREST = rb"""\n[^ACF-QSTV-Z\ \t](?!
  T(?<=DT)(?:S(?:TAM|TART%(start)s)|END%(end)s)
| E(?:S|GIN:VAL|L|Q)
| ND:VAL
| XDATE
| RL
| URATION%(duration)s)"""
# What follows such a beginning; which group matches tells which kind of line it is.
#     borders = "ND:VEVENT" newline [1] "BEGIN:VEVENT" newline    the border of two events
#               [DTSTART DTEND [DTSTAMP] [ORGANIZER] UID [2]]     each a line, both dates past
#             / "ID:" [3]                                         of a UID line
#             / nothing, if the first byte is D or R              DTSTART, RRULE, RDATE, ...
#             / blank lines [4]                                   every other line
# Group 1 is empty and stands where the next event begins. Group 2 is the UID of that next event.
# Group 3 is the value of any other UID line; it is in a lookahead, so an odd line behind it is
# still found. Group 4 is empty and says that a VEVENT may begin here in an unusual way; no line
# that begins with D or R does that. Of blank lines it takes all newlines but the last: of
# "\n\n\nRRULE" the first two, so that RRULE is found next.
# Takes in "\nEND:VEVENT\nBEGIN:VEVENT\n" as group 1, "\nUID:a\nX" as 3, "\nbegin:vevent" as 4.
# Not "\nEND:VEVENT\nX:y\nBEGIN:VEVENT\n" as group 1, nor "\nSUMMARY:x" as any.
_BORDERS = rb"""
(?: ND:VEVENT(?<=E(?s:.{9}))%(lf)s()BEGIN:VEVENT(?=%(lf)s)
    (?:%(lf)sDTSTART%(start)s[^\n]*+\nDTEND%(end)s[^\n]*+\n(?:DTSTAMP:[^\n]*+\n|)
       (?:ORGANIZER[:;][^\n]*+\n(?>(?:\ [^\n]*+\n){,99})|)
       UID:([^%(stop)s]{1,255}+)(?=%(lf)s[^\ \t])|)
| ID:(?<=\nUID:)(?=([^%(stop)s]{1,255}+(?:%(lf)s\ [^%(stop)s]{1,255}+|))%(lf)s[^\ \t])
| (?<=[DR])
| (?:[\r\n]+(?=[\r\n])|)())"""
_NEXT, _ITS_UID, _UID = 1, 2, 3
_BORDER: Final = frozenset({_NEXT, _ITS_UID})
_DATED = rb"[^:\"\n]*:"
# A line of interest that starts nothing before a day: a DTSTART on that day or later (group 1), any
# DTEND, DURATION and RRULE, and a plain RECURRENCE-ID. None of these begins with another letter.
# Takes in "\nDTSTART:20280105", "\nRRULE:FREQ=DAILY". Not "\nDTSTART:20270105", "\nRDATE:20280105".
_LATER = rb"""\n(?:DTSTART%(dated)s(?!%(before)s)[0-9]{8}()|DTEND[;:]|DURATION[;:]|RRULE[;:]
| RECURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+)?:)"""
# A DURATION up to 19:59:59 on one line. Takes in ":PT1H30M\n". Not ":P1D\n", ":PT20H\n", nor
# ":PT\n", which the reader ignores.
# Such a duration, a change of zone and rounding to midnight together are less than SLACK.
_SHORT = rb":PT(?=[0-9])(?:1?[0-9]H)?(?:[0-5]?[0-9]M)?(?:[0-5]?[0-9]S)?\r?\n(?![ \t])"

# A line that may hold a UID and is not a plain UID line.
# Takes in "\nuid:a", "\nU\n ID:a", "\n\x00UID:a", "\nUID;X=1:a". Not "\nUID:a", "\nURL:x", nor a
# "\nU" of which no more is visible.
_HIDDEN = pattern(rb"\n(?:[^!-~ \t\r\n]|u|U(?!ID:|RL|\Z)|\r?\n[ \t])")
# A plain UID line with its folds: group 1 is "a\n b" of "\nUID:a\n b\nX". Not "\nUID;X=1:a", nor a
# line whose end is not visible: "\nUID:a\n".
_UIDS = pattern(rb"\nUID:([^\r\n]*+(?>(?:\r?\n[ \t][^\r\n]*+){,999}))(?=\r?\n[^ \t])")
_PLAIN_UID = pattern(rb"[!-~]+")
_GRAPHIC: Final = bytes(range(33, 127))
_FOLD = pattern(rb"\r?\n[ \t]")
_NAMES = Names({b"UID": "UID"})


def sieve(
    raw: bytes,
    lo: int,
    hi: int,
    limits: Limits,
    ends: LineEnds | None = None,
    *,
    told: bool = True,
) -> tuple[Span, ...]:
    """Choose which spans to read for the window ``[lo, hi)`` in epoch seconds.

    ``ends`` are the line ends of the body, if the caller knows them. ``told`` says whether Problems
    are reported; if so, an override of a series that is read is left out only if it has none.
    """
    first = find(raw, _BEGIN, 0, len(raw))
    # In front of the first event everything is read, so the sieve would leave out little.
    if first > max(STRETCH, len(raw) // 2):
        return whole(raw)
    if len(raw) < WORTHWHILE or limits.max_line_bytes < _SHORTEST_LIMIT:
        return whole(raw)
    # Read all if no calendar begins before the first event: that event must then count as one. Also
    # if an alarm may be open there: an END inside the event could end it.
    if _CALENDAR.search(raw, 0, min(first + 1, STRETCH)) is None or _begins_alarm(raw, first):
        return whole(raw)
    try:
        past = _EPOCH + timedelta(days=lo // _DAY) - SLACK
        future = _EPOCH + timedelta(days=hi // _DAY) + SLACK
    except OverflowError:
        return whole(raw)
    ends = line_ends(raw) if ends is None else ends
    if past.year < 1000 or "\r" in ends:  # no shortcut would find the line behind a CR
        return whole(raw)
    pieces = _Pieces(raw, first + 1, past, future, stop_of(ends), told=told)
    spans = whole(raw)
    if pieces.plain and pieces.find(limits.max_vevents, limits.max_work // EVENT):
        pieces.keep_longer(limits.max_line_bytes // 2)
        if pieces.keep_relatives():
            spans = pieces.spans()
    emptied(pieces.uids, pieces.starts)
    return spans


def _begins_alarm(raw: bytes, end: int) -> bool:
    """Whether an alarm that is not a whole one may begin in ``raw[:end]``."""
    left = b""
    for stretch in stretches(raw, (0, end), b"\nEND:VTODO"):
        text = FOLD.sub(b"", _WHOLE_ALARM.sub(b"", raw[slice(*stretch)])).translate(None, CONTROL)
        if _BEGIN_ALARM.search(left + text):
            return True
        left = text[-_STRETCH_ALARM:]
    return False


class _Pieces:
    """The pieces of one feed. A new piece begins at each BEGIN:VEVENT directly behind END:VEVENT.

    ``starts`` are the offsets where they begin, ``uids`` the first UID of each as it is written,
    without that of the last one, which is always kept. ``kept`` are the numbers of the pieces to
    read, and ``odd`` counts the lines in these that may be another BEGIN:VEVENT. ``sure`` has the
    number of each kept piece whose UID is certainly the one in ``uids``, and where its line of
    interest begins; 0 if there are several. ``overrides`` are the numbers of overrides that lie
    before or after the window, of instances that do.
    """

    def __init__(
        self, raw: bytes, first: int, past: date, future: date, stop: bytes, *, told: bool
    ) -> None:
        self.raw = raw
        self.past = BeforeWindow(past, future, told=told)
        self.newline = b"\r\n" if raw[first - 2 : first - 1] == b"\r" else b"\n"
        begin = _BEGIN[1:] + self.newline
        self.plain = raw.startswith(begin, first) and not raw.startswith(_FOLDS, first + len(begin))
        ended = _DATED + before(past)
        lf = rb"\r\n" if len(self.newline) > 1 else rb"\n"
        filled = {b"lf": lf, b"stop": stop, b"start": ended, b"end": ended, b"duration": _SHORT}
        self.lines = re.compile((_INTEREST + _BORDERS) % filled, re.X).finditer
        later = _LATER % {b"dated": _DATED, b"before": before(future)}
        self.later = re.compile(later, re.X).match
        self.starts = [first]
        self.enough = max(_ENOUGH, len(raw) // 4)
        self.uids: list[bytes] = []
        self.kept: set[int] = set()
        self.sure: dict[int, int] = {}
        self.overrides: set[int] = set()
        self.odd = 0

    def find(self, most: int, most_kept: int) -> bool:
        """Keep the pieces with a line of interest that may have to do with the window.

        Return False if there may be more VEVENTs than ``most``, or if more than ``most_kept`` are
        kept. Also return False as soon as so much is kept that the search costs more than reading
        the rest.
        """
        raw, starts, uids = self.raw, self.starts, self.uids
        (start,) = starts
        hits: list[int] = []
        uid, odd, kept, kind = b"", 0, 0, None
        for begin, stop in self.stretches():
            if len(starts) + odd > most:
                return False
            # Two bytes more are visible, so that no line looks like the last one.
            for match in self.lines(raw, begin, stop + 2):
                kind = match.lastindex
                if kind in _BORDER:
                    end = match.start(_NEXT)
                    uids.append(uid)
                    starts.append(end)
                    if hits:
                        if not self.is_away(hits, start, end):
                            self.kept.add(len(starts) - 2)
                            self.odd += odd
                            if not odd and uid:
                                self.sure[len(starts) - 2] = hits[0] + 1 if len(hits) == 1 else 0
                            kept += end - start
                            if self.is_most(kept, end) or len(self.kept) > most_kept:
                                return False
                        hits, odd = [], 0
                    start, uid = end, match[_ITS_UID] or b""
                elif kind == _UID and not uid:
                    uid = match[_UID]
                else:
                    hits.append(match.start())
                    odd += kind is not None
            if hits and hits[-1] >= stop:
                hits.pop()
                odd -= kind is not None
            del hits[_MANY_HITS:]
            # A piece of that length is kept, such as an event of two million DTSTARTs.
            if hits and stop - start > STRETCH and self.is_most(kept + stop - start, stop):
                return False
        self.kept.add(len(starts) - 1)
        starts.append(len(raw))
        self.odd += odd
        return len(starts) + self.odd + count_in(raw, [(0, starts[0])], b"\n") <= most

    def is_most(self, kept: int, end: int) -> bool:
        """Whether so many bytes are much, and most of those up to ``end``."""
        return kept > self.enough and kept > (end - self.starts[0]) * 3 // 4

    def stretches(self) -> Iterator[Span]:
        """The body in stretches, each up to the last END:VEVENT in it, or else to some line."""
        raw, size = self.raw, len(self.raw)
        (start,) = self.starts
        while size - start > STRETCH:
            stop = start + STRETCH
            cut = raw.rfind(_END, start + 1, stop)
            if cut < 0:
                cut = raw.rfind(b"\n", start + 1, stop)
            yield start, cut if cut > 0 else stop
            start = cut if cut > 0 else stop
        yield start, size

    def is_away(self, hits: list[int], start: int, end: int) -> bool:
        """Whether the lines of interest prove that all of a piece lies before or after the window.

        Every other line of it is harmless, and no UID line but the first stands in it.
        """
        raw = self.raw
        if end - start > STRETCH or len(hits) >= _MANY_HITS:
            return False
        line = hits[0] + 1
        if len(hits) == 1 and raw[line] == _R:
            planned = planned_day(raw, line)
            if not self.past.holds(raw, start, end, line, planned):
                return False
        else:
            starts = 0
            for hit in hits:
                later = self.later(raw, hit)
                if later is None:
                    return False
                starts += later.lastindex is not None
            if starts != 1 or raw.count(b"\nDTSTART", start, end) != 1:
                return False
            # Of the lines of interest only RRULE and RECURRENCE-ID begin with R.
            recurrence = [hit + 1 for hit in hits if raw[hit + 1] == _R]
            planned = planned_day(raw, *recurrence) if len(recurrence) == 1 else b""
        if planned and self.past.is_away(raw, start, end, planned):
            self.overrides.add(len(self.uids) - 1)
        return True

    def keep_longer(self, stride: int) -> None:
        """Keep what may hold a line longer than the limit; such a line makes time unknown."""
        raw, starts = self.raw, self.starts
        for position in range(starts[0], len(raw) - stride, stride):
            if raw.find(_BEGIN, position, position + stride) < 0:
                self.kept.add(bisect_right(starts, position) - 1)

    def keep_relatives(self) -> bool:
        """Keep the pieces that share a UID with a kept one: a series is read with its overrides.

        False if there are too many UIDs to compare, as in an event of a hundred thousand UID lines.

        An override outside the window, of an instance outside it, is not kept for that, unless
        another version of it is kept or an instance may be long enough to reach the window.
        """
        uids, fold = self.uids, self.newline + b" "
        folded = odd = False
        for at in range(0, len(uids), _AT_ONCE):
            written = b"".join(uids[at : at + _AT_ONCE])
            folded = folded or b"\n" in written
            odd = odd or bool(written.translate(None, _GRAPHIC).replace(fold, b""))
        if folded:
            uids = [uid.replace(fold, b"") for uid in uids]
        names = list(islice(self.told_uids(), _MANY_UIDS))
        if len(names) == _MANY_UIDS:
            return False
        told = set(names) - {""}
        kept = set(told)
        for number in self.sure:
            kept |= _readings(uids[number])
        plain = {uid.encode() for uid in kept if uid.isascii()}
        related = [number for number, uid in enumerate(uids) if uid in plain]
        self.kept.update(self.less_overrides_away(related, uids, told))
        if odd:
            self.kept.update(
                number
                for number, uid in enumerate(uids)
                if not _PLAIN_UID.fullmatch(uid) and not kept.isdisjoint(_readings(uid))
            )
        return True

    def less_overrides_away(
        self, related: list[int], uids: list[bytes], told: set[str]
    ) -> list[int]:
        """The numbers in ``related`` of the pieces that can change the kept pieces of their UID.

        ``told`` are the UIDs read from pieces that may hold further lines that were not examined.
        """
        raw, starts, past = self.raw, self.starts, self.past
        overrides = self.overrides - self.kept
        indifferent = {uids[number] for number in overrides}
        indifferent.difference_update(uid.encode() for uid in told)
        for number, line in self.sure.items():
            uid = uids[number]
            names = {uid}
            if uid.translate(None, _GRAPHIC):
                names.update(name.encode() for name in _readings(uid))
            if not names.isdisjoint(indifferent) and not past.ignores_overrides(
                raw, starts[number], starts[number + 1], line
            ):
                indifferent -= names
        return [
            number
            for number in related
            if number not in overrides or uids[number] not in indifferent
        ]

    def told_uids(self) -> Iterator[str]:
        """The UIDs that the reader may find in the head and in the kept pieces that are not sure.

        The head holds no event, except one that begins in an unusual way.
        """
        raw, starts = self.raw, self.starts
        unsure = self.kept.difference(self.sure)
        spans = [(starts[number], starts[number + 1]) for number in unsure]
        for start, end in [(0, starts[0]), *spans]:
            # From the line end in front of each part to the first byte behind it, which shows
            # whether its last line goes on.
            parts = [(max(start, at - 1), stop + 1) for at, stop in stretches(raw, (start, end))]
            hidden = any(_HIDDEN.search(raw, *part) for part in parts)
            for part in parts:
                # The head may hold many plain UID lines, as of tasks. They need no parsing, unless
                # one has so many folds that the pattern does not find it.
                plain = _UIDS.findall(raw, *part)
                if hidden or len(plain) != raw.count(b"\nUID:", *part):
                    lines = logical_lines(raw, (start, end), _NAMES, Work())
                    yield from (line.value.strip() for line in lines)
                    break
                for each in plain:
                    yield from _readings(each)

    def spans(self) -> tuple[Span, ...]:
        """The head and the kept pieces, sorted, neighbours joined."""
        starts = self.starts
        found: list[Span] = []
        first, last = 0, starts[0]
        for number in sorted(self.kept):
            if starts[number] != last:
                found.append((first, last))
                first = starts[number]
            last = starts[number + 1]
        return (*found, (first, last))


def _readings(uid: bytes) -> set[str]:
    """The forms that the reader may give a UID: decoded as UTF-8, or as Windows-1252."""
    if not uid.translate(None, _GRAPHIC):
        return {uid.decode()}
    data = _FOLD.sub(b"", uid).partition(b"\n")[0].translate(None, CONTROL)
    return {data.decode("utf-8", "replace").strip(), data.decode("cp1252", "replace").strip()}
