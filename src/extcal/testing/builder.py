"""Makes feeds in one line: valid RFC 5545 text from plain arguments.

Lines end in CRLF and are folded at 75 octets without splitting a character (section 3.1). TEXT is
escaped (section 3.3.11). There is a VTIMEZONE for every IANA zone in use (section 3.6.5). The same
arguments always give the same text, because there is no clock and no random UID. Text that is *not*
valid has to be written by hand: every argument for components or lines takes raw text, too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import NoneType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from extcal.arguments import count_of, discreet, one_of_type, several

__all__ = ["event", "feed_text"]

Moment = str | date | datetime

_STAMP = datetime(2026, 1, 1, tzinfo=UTC)
# No zone changes its offset twice within a week.
_STEP = timedelta(days=7)


@discreet
def event(
    start: Moment,
    end: Moment | timedelta | None = None,
    *,
    tz: str | None = None,
    uid: str | None = None,
    summary: str | None = None,
    location: str | None = None,
    rrule: str | None = None,
    rdate: Moment | Iterable[Moment] = (),
    exdate: Moment | Iterable[Moment] = (),
    recurrence_id: Moment | None = None,
    all_day: bool | None = None,
    transparent: bool = False,
    status: str | None = None,
    sequence: int | None = None,
    stamp: Moment = _STAMP,
    extra: str | Iterable[str] = (),
) -> str:
    """One VEVENT as text, for :func:`feed_text`.

    ``start``: ISO 8601 text, a datetime or a date. ``"2027-01-04T09:00"`` is local time in ``tz``
    (a TZID; without ``tz`` it is floating). ``"2027-01-04T09:00Z"`` and aware datetimes are
    instants. ``"2027-01-04"`` is an all-day event. ``end``: the same, or a length as an ISO 8601
    duration (``"PT1H"``) or a timedelta; by default an hour, or one day. The end of an all-day
    event is exclusive, as in the standard. ``uid``: by default made from the other arguments.
    ``rrule``: the value of RRULE. ``rdate``, ``exdate``, ``recurrence_id``: moments like ``start``.
    ``all_day=True`` takes only the dates. ``transparent``: does not block. ``stamp``: DTSTAMP.
    ``extra``: further content lines, unfolded, such as ``"X-NAME;PARAM=a:value"``.
    """
    for name, raw in (("tz", tz), ("rrule", rrule), ("status", status)):
        one_of_type(name, raw, (str, NoneType), "a str or None")
    if sequence is not None:
        count_of("sequence", sequence, least=0)
    first = _moment(start)
    if all_day or (all_day is None and not isinstance(first, datetime)):
        first = _date(first)
    elif not isinstance(first, datetime):
        first = datetime(first.year, first.month, first.day)
    lines = [
        f"DTSTAMP{_value(_utc(_moment(stamp)), None)}",
        f"DTSTART{_value(first, tz)}",
        *_end_line(first, end, tz),
    ]
    if recurrence_id is not None:
        lines.append(f"RECURRENCE-ID{_value(_like(first, _moment(recurrence_id)), tz)}")
    if rrule is not None:
        lines.append(f"RRULE:{rrule}")
    lines += [f"RDATE{_value(_like(first, moment), tz)}" for moment in _moments(rdate)]
    lines += [f"EXDATE{_value(_like(first, moment), tz)}" for moment in _moments(exdate)]
    for name, text in (("SUMMARY", summary), ("LOCATION", location)):
        if text is not None:
            lines.append(f"{name}:{_escape(text)}")
    if status is not None:
        lines.append(f"STATUS:{status}")
    if sequence is not None:
        lines.append(f"SEQUENCE:{sequence}")
    if transparent:
        lines.append("TRANSP:TRANSPARENT")
    lines += _lines(extra)
    if uid is None:
        uid = f"{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}@extcal.testing"
    return _text(["BEGIN:VEVENT", f"UID:{_escape(uid)}", *lines, "END:VEVENT"])


@discreet
def feed_text(
    *components: str,
    prodid: str = "-//extcal//testing//EN",
    timezone: str | None = None,
    method: str | None = None,
    name: str | None = None,
    vtimezones: bool = True,
    extra: str | Iterable[str] = (),
) -> str:
    """A whole VCALENDAR as text.

    ``components``: what :func:`event` returns, or any component as raw text (its line endings
    become CRLF, long lines are folded). ``prodid``: if it contains "Microsoft", the busy status
    is read as in Microsoft's feeds. ``timezone``: X-WR-TIMEZONE. ``method``: METHOD. ``name``:
    X-WR-CALNAME. ``vtimezones``: whether to define the IANA zones that the components use and do
    not define themselves.
    ``extra``: further content lines of the calendar.
    """
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_escape(prodid)}"]
    if method is not None:
        head.append(f"METHOD:{method}")
    if name is not None:
        head.append(f"X-WR-CALNAME:{_escape(name)}")
    if timezone is not None:
        head.append(f"X-WR-TIMEZONE:{timezone}")
    head += _lines(extra)
    takes = "components as text, as event() returns them"
    given = [one_of_type("feed_text", component, str, takes) for component in components]
    body = "".join(_text(component.splitlines()) for component in given)
    zones = _vtimezones(body) if vtimezones else ""
    return f"{_text(head)}{zones}{body}END:VCALENDAR\r\n"


def _lines(extra: str | Iterable[str]) -> list[str]:
    given = (extra,) if isinstance(extra, str) else several("extra", extra, "content lines")
    return [one_of_type("extra", line, str, "content lines as str") for line in given]


def _moment(value: Moment) -> date | datetime:
    takes = "a date, a datetime or ISO 8601 text such as '2027-01-04T09:00'"
    if not isinstance(value, str):
        return one_of_type("a moment", value, date, takes)
    try:
        if "T" in value.upper() or " " in value.strip():
            return datetime.fromisoformat(value)
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"a moment takes {takes}, not {value!r}") from None


def _moments(values: Moment | Iterable[Moment]) -> Iterator[date | datetime]:
    if isinstance(values, (str, date)):
        values = (values,)
    return map(_moment, several("a list of moments", values, "moments"))


def _date(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _utc(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _like(first: date | datetime, moment: date | datetime) -> date | datetime:
    """``moment`` as a DATE if ``first`` is a DATE. If ``first`` is a time, a date stays a date,
    as in an EXDATE that removes a whole day."""
    return moment if isinstance(first, datetime) else _date(moment)


def _value(moment: date | datetime, tz: str | None) -> str:
    """The parameters and the value of a DATE or DATE-TIME property, with the leading ``;`` or
    ``:``."""
    if not isinstance(moment, datetime):
        return f";VALUE=DATE:{moment.year:04d}{moment:%m%d}"
    zone: tzinfo | None = moment.tzinfo
    if zone is None:
        return f";TZID={tz}:{_stamp(moment)}" if tz is not None else f":{_stamp(moment)}"
    if isinstance(zone, ZoneInfo) and zone.key != "UTC":
        return f";TZID={zone.key}:{_stamp(moment)}"
    return f":{_stamp(moment.astimezone(UTC))}Z"


def _stamp(moment: datetime) -> str:
    return f"{moment.year:04d}{moment:%m%dT%H%M%S}"


def _end_line(first: date | datetime, end: Moment | timedelta | None, tz: str | None) -> list[str]:
    if end is None:
        return [] if not isinstance(first, datetime) else ["DURATION:PT1H"]
    if isinstance(end, timedelta):
        return [f"DURATION:{_duration(end)}"]
    if isinstance(end, str) and end.lstrip("+-").upper().startswith("P"):
        return [f"DURATION:{end}"]
    return [f"DTEND{_value(_like(first, _moment(end)), tz)}"]


def _duration(length: timedelta) -> str:
    """RFC 5545 section 3.3.6; only whole days are written as days, because days are nominal
    there."""
    sign = "-" if length < timedelta(0) else ""
    seconds = abs(int(length.total_seconds()))
    if seconds and seconds % 86_400 == 0:
        return f"{sign}P{seconds // 86_400}D"
    hours, rest = divmod(seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0 or (hours > 0 < seconds))
    return f"{sign}PT{parts}{seconds}S" if seconds or not parts else f"{sign}PT{parts}"


def _escape(text: str) -> str:
    """TEXT, section 3.3.11."""
    one_of_type("a text of a feed", text, str, "a str")
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text.replace("\r", "")


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def _fold(line: str) -> str:
    """Fold at 75 octets per line; a fold is CRLF and a space (section 3.1)."""
    if len(line.encode()) <= 75:
        return line
    pieces, piece, size = [], "", 0
    for character in line:
        width = len(character.encode())
        if size + width > 75:
            pieces.append(piece)
            piece, size = "", 1  # the space that marks the continuation counts
        piece, size = piece + character, size + width
    return "\r\n ".join([*pieces, piece])


_TZID = re.compile(r";TZID=([^:;\r\n]+)[:;]")
_OWN = re.compile(r"^TZID:(.+?)\r$", re.MULTILINE)
_YEAR = re.compile(r"^[A-Z-]+[^:\r\n]*:(\d{4})\d{4}(?:T|\r)", re.MULTILINE)


def _vtimezones(body: str) -> str:
    unfolded = body.replace("\r\n ", "")
    wanted = set(_TZID.findall(unfolded)) - set(_OWN.findall(unfolded))
    years = [int(year) for year in _YEAR.findall(unfolded)]
    if not wanted or not years:
        return ""
    # A series may have no end; tests look at most ten years ahead.
    first, last = min(years) - 1, max(years) + (10 if "RRULE:" in unfolded else 2)
    found = []
    for name in sorted(wanted):
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            continue
        found.append(_text(_vtimezone(name, zone, max(first, 1900), min(last, 2190))))
    return "".join(found)


def _vtimezone(name: str, zone: ZoneInfo, first: int, last: int) -> Iterator[str]:
    """Section 3.6.5, one observance per transition: longer than with a rule, but exact."""
    yield from ("BEGIN:VTIMEZONE", f"TZID:{name}")
    start = datetime(first, 1, 1, tzinfo=UTC)
    yield from _observance(zone, start, start)
    for before, after in _transitions(zone, start, datetime(last, 1, 1, tzinfo=UTC)):
        yield from _observance(zone, before, after)
    yield "END:VTIMEZONE"


def _observance(zone: ZoneInfo, before: datetime, after: datetime) -> Iterator[str]:
    local = after.astimezone(zone)
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    earlier = before.astimezone(zone).utcoffset() or timedelta(0)
    # DTSTART of an observance is written in the offset that was in use before it.
    onset = after.replace(tzinfo=None) + earlier
    yield from (
        f"BEGIN:{kind}",
        f"DTSTART:{_stamp(onset)}",
        f"TZOFFSETFROM:{_offset(earlier)}",
        f"TZOFFSETTO:{_offset(local.utcoffset() or timedelta(0))}",
        f"TZNAME:{local.tzname()}",
        f"END:{kind}",
    )


def _transitions(
    zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Pairs of UTC instants, one second apart, between which the zone's offset changes."""
    before = _state(zone, start)
    while start < end:
        following = start + _STEP
        after = _state(zone, following)
        if before != after:
            low, high = 0, int(_STEP.total_seconds())
            while high - low > 1:
                middle = (low + high) // 2
                same = _state(zone, start + timedelta(seconds=middle)) == before
                low, high = (middle, high) if same else (low, middle)
            yield start + timedelta(seconds=low), start + timedelta(seconds=high)
        start, before = following, after


def _state(zone: ZoneInfo, instant: datetime) -> tuple[timedelta | None, timedelta | None]:
    local = instant.astimezone(zone)
    return local.utcoffset(), local.dst()


def _offset(offset: timedelta) -> str:
    sign = "-" if offset < timedelta(0) else "+"
    minutes, seconds = divmod(abs(int(offset.total_seconds())), 60)
    return f"{sign}{minutes // 60:02d}{minutes % 60:02d}" + (f"{seconds:02d}" if seconds else "")
