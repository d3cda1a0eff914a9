"""Content beyond the limits, found before anything is parsed.

In: the spans to read. Out: the same without what a limit would cut off anyway. A hundred thousand
EXDATEs in a row, fifty thousand overrides of one UID, or as many unreadable events are found by
regular expressions, which costs far less than parsing them. What is not written in the plainest way
stays in the spans, and is counted when it is typed.

Each pattern says what it takes in, with a line that it matches and one that it must not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from extcal.ical.budget import Work
from extcal.ical.parse.components import EVENT
from extcal.ical.parse.spans import (
    Span,
    count_in,
    count_vevents,
    less,
    runs,
    stretches,
    whole,
)
from extcal.messages.problems import unknown
from extcal.patterns import pattern

__all__ = ["without_excess"]

Spans = Sequence[Span]

_FAR_TOO_MANY = (
    2  # times the limit: up to that many of one UID are typed, so that their busy time is known
)
_LONGEST_LINE = 4096  # bytes in a line that is left out; a smaller limit turns _lost_events off
_BYTES = 10  # of 2: to pass over a kilobyte costs as much work as a line

# Quantifiers are possessive and groups atomic, and no group repeats without end: the engine keeps
# about a kilobyte for each repetition until the group ends.

# EXDATE lines in a row. Each begins with a date that can be counted, and has no fold.
# Takes in "\nEXDATE:20270105\nEXDATE:20270106\nA". Not "\nEXDATE:20270105\n ,20270107\nA".
_EXDATES = pattern(
    rb"(?<=\n)(?>(?:EXDATE(?:;[^:\"\r\n]*+)?:[0-9]{8}[^\r\n]*+\r?\n(?=[A-Z])){1,999})"
)
# A UID line without parameters and folds. Takes in "\nUID:a\nA". Not "\nUID:a\n b\nA",
# "\nUID;X=1:a".
_UID = pattern(rb"\nUID:([^\r\n]++)\r?\n(?=[A-Z])")
# A VEVENT of plain lines: no folds, and no component such as an alarm in it.
# Takes in "\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\n". Not "\nBEGIN:VEVENT\nUID:a\n b\nEND:VEVENT\n".
_LINE = rb"(?!BEGIN:|END:)[A-Z][^\n]*+\n"
_BLOCK = pattern(rb"(?<=\n)BEGIN:VEVENT\r?\n(?>(?:" + _LINE + rb"){1,999})END:VEVENT\r?\n")
# A TZID parameter in upper case; group 1 is its value, quoted or not.
# Takes in ";TZID=Europe/Berlin:", ';TZID="A:B":'. Not ";tzid=A:", ";X-TZID=A:".
_TZID = pattern(rb";TZID=(\"[^\"\r\n]*+\"|[^:;\"\r\n]*+)")
# One or more VAVAILABILITYs in a row, of plain lines and AVAILABLEs; the next line is no fold.
# Takes in "\nBEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nEND:AVAILABLE\nEND:VAVAILABILITY\nA".
# Not one in which "BEGIN:VEVENT" or another name with V begins.
_AVAILABILITIES = pattern(
    rb"(?<=\n)(?>(?:BEGIN:VAVAILABILITY\r?\n(?>(?:(?!BEGIN:V|END:V)[A-Z][^\r\n]*+\r?\n){,999})"
    rb"END:VAVAILABILITY\r?\n(?=[A-Z])){1,999})"
)
# One or more VEVENTs of plain lines without a DTSTART, or with one DTSTART whose value begins with
# a letter. Each ends with END:VEVENT, or without it where BEGIN:VEVENT or END:VCALENDAR follows.
# Takes in "\nBEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\nBEGIN:VEVENT".
# Not "\nBEGIN:VEVENT\nDTSTART:20270105\nEND:VEVENT\nEND:VCALENDAR".
_OTHER = rb"(?!BEGIN|END|DTSTART)[A-Z][A-Z0-9_-]*+[;:][\t -~]{0,4000}+\r?\n"
_LOST = pattern(
    rb"(?<=\n)(?>(?:BEGIN:VEVENT\r?\n(?>(?:%s){,999})"
    rb"(?:DTSTART:[A-Za-z][\t -~]{0,4000}+\r?\n(?>(?:%s){,999}))?"
    rb"(?>(?:END:VEVENT\r?\n)?)(?=BEGIN:VEVENT|END:VCALENDAR)){1,999})" % (_OTHER, _OTHER)
)
# A line that begins a calendar. Takes in "BEGIN:VCALENDAR\r\nVERSION:2.0", after a byte order mark,
# too. Not "X-BEGIN:VCALENDAR\n", "BEGIN:VCALENDAR2\n", "BEGIN:VCALENDAR\n 2\n".
# The literal text comes first, which the engine searches for quickly.
_CALENDAR = pattern(
    rb"BEGIN:VCALENDAR(?:(?<=[\r\n]BEGIN:VCALENDAR)|(?<=\A\xef\xbb\xbfBEGIN:VCALENDAR)"
    rb"|(?<=\ABEGIN:VCALENDAR))(?>\r\n?|\n)(?![ \t])"
)
_BEGIN = pattern(rb"BEGIN:VEVENT")
_VEVENT, _EXDATE = b"\nBEGIN:VEVENT", b"\nEXDATE"


def without_excess(
    raw: bytes,
    spans: Spans,
    work: Work,
    is_zone: Callable[[str], bool],
    *,
    has_lone_cr: bool = True,
) -> tuple[Span, ...]:
    """Leave out what lies beyond the limits, where the patterns above find it.

    ``is_zone`` says whether a TZID, as written, is the name of a known zone. ``has_lone_cr``: lines
    may end in a CR without an LF, so both are counted. Excess EXDATEs leave
    instances busy. One more of them than the limit stays in the spans, so that the excess is
    reported when the event is typed. Events without a readable start are reported as Problems up to
    ``max_problems``; the others are only counted. Everything else makes the window unknown, which
    is reported here. If more than ``max_lines`` would have to be read, there is no span left. If
    there are more events than ``max_work`` allows, nothing is left to be spent on any of them.
    """
    limits = work.limits
    vevents = count_in(raw, spans, _VEVENT)
    if not work.spend(_kilobytes(spans)) or vevents * EVENT > work.left:
        work.spend(vevents * EVENT)
        return tuple(spans)
    finders: list[Callable[[bytes, Spans, Work], list[Span]]] = []
    # Without a calendar around them, the first event tells that the body is a feed at all.
    if vevents > _FAR_TOO_MANY * limits.max_problems and _has_calendar(raw, spans):
        finders.append(_lost_events)
    # Of more than max_vevents the window is unknown anyway, and looking at all of them is dear.
    if min(limits.max_overrides_per_series, limits.max_versions) < vevents <= limits.max_vevents:
        finders.append(_excess_versions)
    if limits.max_tzids < vevents <= limits.max_vevents:
        finders.append(partial(_excess_names, is_zone=is_zone))
    for find in (*finders, _excess_dates, _excess_availability):
        dropped = find(raw, spans, work)
        if dropped:
            spans = tuple(less(spans, dropped))
    if _has_more_lines(raw, spans, limits.max_lines, has_lone_cr=has_lone_cr):
        work.exceeded(*unknown("max_lines", most=limits.max_lines))
        return ()
    return tuple(spans)


def _has_calendar(raw: bytes, spans: Spans) -> bool:
    within = (stretch for span in spans for stretch in stretches(raw, span))
    return any(_CALENDAR.search(raw, start, stop + 2) for start, stop in within)


def _has_more_lines(raw: bytes, spans: Spans, most: int, *, has_lone_cr: bool) -> bool:
    """Whether the spans have more than ``most`` line ends, each of which takes a byte at least."""
    lines, left = 0, sum(end - start for start, end in spans)
    for span in spans:
        for start, stop in stretches(raw, span):
            if lines > most or lines + left <= most:
                return lines > most  # usual: the bytes that are left are too few to hold as many
            lines += raw.count(b"\n", start, stop)
            if has_lone_cr:  # of CRLF, which may stand across the end of a stretch, only the LF
                lines += raw.count(b"\r", start, stop) - raw.count(b"\r\n", start, stop + 1)
            left -= stop - start
    return lines > most


def _kilobytes(spans: Spans) -> int:
    return sum(end - start for start, end in spans) >> _BYTES


def _excess_dates(raw: bytes, spans: Spans, work: Work) -> list[Span]:
    """The EXDATE lines of each stretch that come after as many as are read."""
    keep = work.limits.max_dates_per_series + 1
    dropped: list[Span] = []
    for span in spans:
        if span[1] - span[0] < keep * len(b"\nEXDATE") or count_in(raw, [span], _EXDATE) < keep:
            continue
        for start, end in runs(_EXDATES, raw, span):
            if end - start > keep and count_in(raw, [(start, end)], b"\n") > keep:
                for _ in range(keep):
                    start = raw.find(b"\n", start, end) + 1
                dropped.append((start, end))
    return dropped


def _excess_versions(raw: bytes, spans: Spans, work: Work) -> list[Span]:
    """The plainly written overrides of a UID, or copies of a series, of which there are too many.

    Where there is only one VCALENDAR, a VEVENT that repeats another byte for byte adds nothing and
    is left out.
    """
    limits = work.limits
    fewest = min(limits.max_overrides_per_series, limits.max_versions)
    uids: Counter[bytes] = Counter()
    for span in spans:
        for start, stop in stretches(raw, span):
            uids.update(_UID.findall(raw, max(0, start - 1), min(stop + 2, span[1])))
    frequent = {uid for uid, size in uids.items() if size > fewest}
    if not frequent or not work.spend(_kilobytes(spans)):
        return []
    overrides: dict[bytes, list[Span]] = defaultdict(list)
    copies: dict[tuple[bytes, bytes, bytes], list[Span]] = defaultdict(list)
    dropped: list[Span] = []
    seen: dict[int, Span] = {}
    alone = count_in(raw, whole(raw), b"BEGIN:VCALENDAR") == 1
    for start, end in _blocks(raw, spans):
        uid = _value(raw, b"\nUID:", start, end)
        if uid not in frequent:
            continue
        if raw.find(b"\nRECURRENCE-ID", start, end) >= 0:
            overrides[uid].append((start, end))
            continue
        block = raw[start:end]
        before = seen.setdefault(hash(block), (start, end))
        if alone and before[0] < start and raw[slice(*before)] == block:
            dropped.append((start, end))
            continue
        first = _value(raw, b"\nDTSTART", start, end)
        copies[uid, first, _value(raw, b"\nRRULE", start, end)].append((start, end))
    for uid, spans in sorted(overrides.items()):
        if len(spans) > _FAR_TOO_MANY * limits.max_overrides_per_series:
            dropped += spans
            _tell(work, "max_overrides_per_series", spans[0][0], uid)
    for (uid, *_), spans in sorted(copies.items()):
        if len(spans) > _FAR_TOO_MANY * limits.max_versions:
            dropped += spans
            _tell(work, "max_versions", spans[0][0], uid)
    return sorted(dropped)


def _tell(work: Work, limit: str, offset: int, uid: bytes | None = None) -> None:
    name = None if uid is None else uid.decode("utf-8", "replace")
    work.exceeded(*unknown(limit, most=getattr(work.limits, limit)), offset=offset, uid=name)


def _value(raw: bytes, name: bytes, start: int, end: int) -> bytes:
    """The text from behind ``name`` to the end of the line; empty if the name is not found."""
    found = raw.find(name, start, end)
    if found < 0:
        return b""
    found += len(name)
    return raw[found : raw.find(b"\n", found, end)].rstrip()


def _blocks(raw: bytes, spans: Spans) -> Iterator[Span]:
    """The plainly written events without alarms."""
    for span in spans:
        for start, stop in stretches(raw, span, _VEVENT):
            for match in _BLOCK.finditer(raw, start, stop):
                yield match.span()


def _excess_names(
    raw: bytes, spans: Spans, work: Work, is_zone: Callable[[str], bool]
) -> list[Span]:
    """If there are more names of zones than ``max_tzids``: the events with unknown names."""
    if count_in(raw, spans, b";TZID=") <= work.limits.max_tzids:
        return []
    names = {
        name
        for span in spans
        for stretch in stretches(raw, span)
        for name in _TZID.findall(raw, *stretch)
    }
    if len(names) <= work.limits.max_tzids or not work.spend(_kilobytes(spans)):
        return []
    dropped = []
    for start, end in _blocks(raw, spans):
        named = _TZID.search(raw, start, end)
        if named and not is_zone(named[1].decode("utf-8", "replace")):
            dropped.append((start, end))
    if dropped:
        _tell(work, "max_tzids", dropped[0][0])
    return dropped


def _lost_events(raw: bytes, spans: Spans, work: Work) -> list[Span]:
    """Runs of events without a readable start, except the first ``max_problems`` of them."""
    limits = work.limits
    vevents = count_in(raw, spans, _VEVENT)
    if vevents <= limits.max_problems or limits.max_line_bytes < _LONGEST_LINE:
        return []
    undated = vevents
    for written in (b":2", b";", b":1"):
        undated -= count_in(raw, spans, b"\nDTSTART" + written)
        if undated <= limits.max_problems:
            return []
    if count_vevents(raw) > limits.max_vevents or not work.spend(_kilobytes(spans)):
        return []
    dropped: list[Span] = []
    told = 0
    for span in spans:
        for start, end in runs(_LOST, raw, span, _VEVENT):
            size = count_in(raw, [(start, end)], b"BEGIN:VEVENT")
            keep = min(size, limits.max_problems - told)
            told += keep
            if keep < size:
                start = next(islice(_BEGIN.finditer(raw, start, end), keep, None)).start()
                dropped.append((start, end))
                # An event without an END would be reported twice.
                ended = count_in(raw, [(start, end)], b"\nEND:VEVENT")
                work.uncounted(2 * (size - keep) - ended)
    return dropped


def _excess_availability(raw: bytes, spans: Spans, work: Work) -> list[Span]:
    """All plainly written VAVAILABILITYs, if they and their AVAILABLEs are too many."""
    size = count_in(raw, spans, b"\nBEGIN:VAVAILABILITY")
    size += count_in(raw, spans, b"\nBEGIN:AVAILABLE") if size else 0
    if size <= work.limits.max_availability or not work.spend(_kilobytes(spans)):
        return []
    border = b"\nBEGIN:VAVAILABILITY"
    found = [found for span in spans for found in runs(_AVAILABILITIES, raw, span, border)]
    if found:
        _tell(work, "max_availability", found[0][0])
    return found
