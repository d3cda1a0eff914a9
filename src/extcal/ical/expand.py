"""The two public functions: bytes and a window in, an Expansion or a FreeBusy out.

The packages of the reading code are used in the order of :func:`long_way`: excess, components,
zones, events, answer (with the series). Pure: no clock, no network, no state between two calls. The
only exceptions are those for a caller's mistakes, NotACalendar, and LimitExceeded under ``strict``.
Everything odd in a feed is a Problem, and time that cannot be known is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from extcal.arguments import discreet, word_of
from extcal.ical.answer.collect import Collector, Question
from extcal.ical.answer.exclude import Excluded, Exclusions
from extcal.ical.answer.expansion import Expansion
from extcal.ical.answer.fbtype import owners
from extcal.ical.budget import Work
from extcal.ical.events.read import events
from extcal.ical.parse.components import Stream, read
from extcal.ical.parse.excess import without_excess
from extcal.ical.parse.source import to_bytes
from extcal.ical.parse.spans import whole
from extcal.ical.shortcuts.select import sieve as spans_near
from extcal.ical.shortcuts.short_way import short_way
from extcal.ical.zones.names import is_exact
from extcal.ical.zones.resolve import Zones
from extcal.intervals import FreeBusy, epoch
from extcal.limits import Limits
from extcal.policy import DETAILS, BusyPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.choices import Detail
    from extcal.ical.parse.source import SupportsToIcal

__all__ = ["Excluded", "Expansion", "expand", "free_busy"]

_EVERY_LINE = 20


@discreet
def free_busy(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    *,
    timezone: str | tzinfo | None = None,
    owner: str | Iterable[str] | None = None,
    policy: BusyPolicy | None = None,
    limits: Limits | None = None,
    exclude: Excluded | Iterable[Excluded] = (),
    strict: bool = False,
    sieve: bool = True,
) -> FreeBusy:
    """Return the free/busy of a feed over ``[start, end)``: :func:`expand` without the events."""
    question = _question(start, end, owner, policy, exclude, titles=False, events=False)
    answer = short_way if sieve else long_way
    return answer(to_bytes(data), question, timezone, Work(limits, strict=strict)).answer()


@discreet
def expand(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    *,
    timezone: str | tzinfo | None = None,
    owner: str | Iterable[str] | None = None,
    policy: BusyPolicy | None = None,
    limits: Limits | None = None,
    detail: Detail = "events",
    exclude: Excluded | Iterable[Excluded] = (),
    strict: bool = False,
    sieve: bool = True,
) -> Expansion:
    """Read a feed: when is its owner busy in ``[start, end)``, and why.

    ``data`` is the feed as bytes, str or anything with ``to_ical()``; ``start`` and ``end`` are
    aware. ``timezone`` is the calendar owner's, for floating times and dates (an IANA name or a
    tzinfo). ``owner`` is the owner's e-mail address or several: only then can a declined invitation
    be absent. ``policy`` says how facts are read, ``limits`` how much work is done.
    ``detail="busy"`` leaves titles and places out. ``exclude`` leaves events out by UID, or single
    instances by ``(uid, recurrence_id)``. ``strict`` turns a limit into an error. ``sieve=False``
    turns every shortcut off: all of the feed is read, line by line, and the answer is the same.

    Raises TypeError and ValueError for a caller's mistakes, NotACalendar when there is no calendar
    in ``data``, LimitExceeded only under ``strict``. Follows RFC 5545, and RFC 4791 section 7.10.
    """
    titles = word_of("detail", detail, DETAILS) == "events"
    question = _question(start, end, owner, policy, exclude, titles=titles, events=True)
    answer = short_way if sieve else long_way
    return answer(to_bytes(data), question, timezone, Work(limits, strict=strict)).expansion()


def long_way(
    raw: bytes, question: Question, timezone: str | tzinfo | None, work: Work
) -> Collector:
    """Read all of a body, with all packages of the reading code in their order."""
    # Also the lines that cost the short way nothing: of Google's events, 28 each. So a feed that is
    # within its limit there is within it here, too.
    work.left *= _EVERY_LINE
    spans = without_excess(raw, whole(raw), work, is_exact)
    people, labels = question.reads_people(raw), question.reads_labels
    stream = read(raw, work, spans, people=people, labels=labels)
    stream.require_calendar()
    zones = Zones(stream, question.lo, question.hi, timezone, work)
    collector = Collector(question, stream, zones, work)
    collector.collect(events(stream, zones, work))
    return collector


def components_near(raw: bytes, lo: int, hi: int, work: Work) -> Stream:
    """Read the components that may matter to ``[lo, hi)`` in epoch seconds, for a look at them."""
    return read(raw, work, spans_near(raw, lo, hi, work.limits), people=False)


def _question(
    start: datetime,
    end: datetime,
    owner: str | Iterable[str] | None,
    policy: BusyPolicy | None,
    exclude: Excluded | Iterable[Excluded],
    *,
    titles: bool,
    events: bool,
) -> Question:
    lo, hi = epoch(start), epoch(end, ceil=True)
    if lo >= hi:
        raise ValueError("start must lie before end")
    return Question(
        lo,
        hi,
        owners(owner),
        policy or BusyPolicy(),
        Exclusions.of(exclude),
        titles,
        events,
        start.tzinfo,
    )
