"""Hypothesis strategies: windows, free/busy time, events and whole feeds.

    >>> from hypothesis import given
    >>> from extcal.testing.strategies import feeds, windows
    >>> @given(feeds(), windows())
    ... def test_the_page_shows_any_calendar(feed, window): ...

Feeds are valid RFC 5545. With ``odd=True`` they also have the irregularities of real feeds, and
may be any bytes. All events are in the same year as the windows of :func:`windows`, so that events
and windows overlap. Needs ``extcal[testing]``; nothing here reads a clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from extcal.values import NamedTuple

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy
except ModuleNotFoundError as error:
    if error.name != "hypothesis":
        raise
    raise ImportError(
        "extcal.testing.strategies needs hypothesis: pip install 'extcal[testing]'",
        name="hypothesis",
    ) from None

from extcal.intervals import FBType, FreeBusy, Period, epoch
from extcal.testing.builder import event, feed_text
from extcal.testing.oddities import BODIES, COMPONENTS

__all__ = ["ZONES", "events", "feeds", "free_busies", "windows"]

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",  # half an hour
    "Australia/Lord_Howe",  # a DST change of half an hour
    "Pacific/Apia",  # beyond the date line
    "UTC",
)
"""The zones of events; hypothesis shrinks examples to the first one."""

_FIRST = datetime(2027, 1, 1)
_DAYS = 366
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Characters that are difficult for escaping, folding and drawing: TEXT's own signs (section
# 3.3.11), characters of two, three and four octets, both directions, a combining mark, a joined
# emoji, markup. With all of Unicode, hypothesis would need some seconds before the first test.
_LETTERS = "ab YZ09,;:\\\"'<&[^éßΩЖ中語אع🎉👩\u0301\u200d"
_TITLES = st.text(_LETTERS, max_size=24)
_STATUSES = st.sampled_from([None, "CONFIRMED", "TENTATIVE", "CANCELLED"])
_LENGTHS = st.integers(1, 8 * 12).map(lambda fives: timedelta(minutes=5 * fives))


def windows(
    first: date = date(2027, 1, 1),
    last: date = date(2028, 1, 1),
    longest: timedelta = timedelta(days=93),
) -> SearchStrategy[Period]:
    """Periods of whole minutes between two dates (UTC), up to ``longest``."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC)
    minutes = (end - start) // timedelta(minutes=1)
    most = min(minutes, longest // timedelta(minutes=1))

    def period(begin: int, length: int) -> Period:
        opens = start + timedelta(minutes=min(begin, minutes - length))
        return Period(opens, opens + timedelta(minutes=length))

    return st.builds(period, st.integers(0, minutes - 1), st.integers(1, most))


@st.composite
def free_busies(draw: DrawFn, window: Period | None = None, unknown: bool = True) -> FreeBusy:
    """Free/busy time over ``window``, or over one of :func:`windows`.

    Every type occurs, and unknown time unless ``unknown`` is False.
    """
    within = draw(windows()) if window is None else window
    lo, hi = epoch(within.start), epoch(within.end, ceil=True)
    second = st.integers(lo, hi)
    span = st.tuples(second, second).map(lambda ends: (min(ends), max(ends)))
    code = st.integers(0, len(FBType) - 1)
    typed = st.tuples(span, code).map(lambda found: (*found[0], found[1]))
    busy = draw(st.lists(typed, max_size=8))
    return FreeBusy.from_epochs(lo, hi, busy, draw(st.lists(span, max_size=3)) if unknown else ())


class _Start(NamedTuple):
    moment: date | datetime
    zone: str | None


@st.composite
def _starts(draw: DrawFn, *, floating: bool) -> _Start:
    """A day; or a time in a zone at a multiple of five minutes, by day, when no clocks
    change."""
    day = _FIRST + timedelta(days=draw(st.integers(0, _DAYS)))
    if draw(st.booleans()):
        fives = draw(st.integers(6 * 12, 20 * 12))
        zones: list[str | None] = [*ZONES, None] if floating else [*ZONES]
        zone = draw(st.sampled_from(zones))
        moment = day + timedelta(minutes=5 * fives)
        return _Start(moment.replace(tzinfo=UTC) if zone == "UTC" else moment, zone)
    return _Start(day.date(), None)


@st.composite
def _rules(draw: DrawFn, start: _Start) -> str:
    """An RRULE that generates DTSTART (section 3.8.5.3), with an UNTIL of DTSTART's value
    type."""
    parts = [f"FREQ={draw(st.sampled_from(['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY']))}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(2, 5))}")
    if parts[0] == "FREQ=WEEKLY":
        days = draw(st.sets(st.integers(0, 6), max_size=3)) | {start.moment.weekday()}
        parts.append(f"BYDAY={','.join(_WEEKDAYS[day] for day in sorted(days))}")
    match draw(st.sampled_from(["COUNT", "UNTIL", None])):
        case "COUNT":
            parts.append(f"COUNT={draw(st.integers(1, 60))}")
        case "UNTIL":
            ends = start.moment + timedelta(days=draw(st.integers(1, 400)))
            timed, floats = isinstance(ends, datetime), start.zone is None
            parts.append(
                f"UNTIL={ends:%Y%m%d}" + ("T235959" if timed else "") + "Z" * (timed and not floats)
            )
    return ";".join(parts)


@st.composite
def events(draw: DrawFn, recurring: bool | None = None, odd: bool = False) -> str:
    """One VEVENT as text, for :func:`extcal.testing.feed_text`.

    Timed or all-day, in any of :data:`ZONES` or UTC, single or (``recurring``) a series, with any
    STATUS and TRANSP, with titles in many scripts. ``odd=True`` adds irregularities of real
    feeds: broken and missing values, stray lines, unknown zones, floating times.
    """
    start = draw(_starts(floating=odd))
    length = draw(_LENGTHS)
    whole_days = timedelta(days=draw(st.integers(1, 3)))
    series = draw(st.booleans()) if recurring is None else recurring
    skipped = start.moment + timedelta(days=7)
    text = event(
        start.moment,
        length if isinstance(start.moment, datetime) else whole_days,
        tz=start.zone,
        uid=draw(st.none() | st.integers(0, 10**6).map(str)),
        summary=draw(st.none() | _TITLES),
        location=draw(st.none() | _TITLES),
        rrule=draw(_rules(start)) if series else None,
        exdate=[skipped] if series and draw(st.booleans()) else (),
        transparent=draw(st.booleans()),
        status=draw(_STATUSES),
    )
    return draw(st.sampled_from(COMPONENTS))(text) if odd else text


@st.composite
def feeds(draw: DrawFn, min_events: int = 0, max_events: int = 6, odd: bool = False) -> bytes:
    """A whole feed, as a server would send it.

    Valid, with different UIDs, and every zone is defined. ``odd=True`` adds irregularities of real
    feeds: odd :func:`events`, events with the same UID, line ends of other systems, bodies that
    were cut or have other text after them, text in other encodings.
    """
    if not odd:
        drawn = st.lists(events(), unique_by=_uid, min_size=min_events, max_size=max_events)
        return feed_text(*draw(drawn)).encode()
    either = events() | events(odd=True)
    found = draw(st.lists(either, min_size=min_events, max_size=max_events))
    repeated = draw(st.lists(st.sampled_from(found), max_size=2)) if found else []
    head = draw(st.sampled_from(["-//extcal//testing//EN", "Microsoft Exchange Server 2010", ""]))
    text = feed_text(*found, *repeated, prodid=head, vtimezones=draw(st.booleans()))
    return draw(st.sampled_from(BODIES))(text)


def _uid(text: str) -> str:
    return text.split("\r\n", 2)[1]
