"""The words of a picture: dates, times and types, made safe. English, unless ``locale=`` says else.

Every string that reaches markup goes through :func:`safe` (text) and, in markup, ``html.escape``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from html import escape

from extcal.draw.layout import ColumnBar, Grid, GridColumn, local
from extcal.messages.pictures import MONTHS, WEEKDAYS, said, type_name
from extcal.messages.spoken import current

__all__ = [
    "briefly",
    "cell_name",
    "clock",
    "day_name",
    "facts",
    "legend",
    "markup",
    "name_of",
    "owned",
    "remark",
    "safe",
    "scale_day",
    "scale_hour",
    "span",
    "summary",
    "when",
    "zone_name",
    "zone_sentence",
]

# Not allowed in XML 1.0 (section 2.2), and the controls that reorder the text around them.
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """``text`` on one line, without bidirectional controls and characters that XML forbids."""
    return " ".join(_BIDI.sub("", _UNSAFE.sub("\ufffd", text)).split())


def markup(text: str) -> str:
    """``text`` for an element or a quoted attribute, of HTML or XML."""
    return escape(safe(text), quote=True)


def owned(label: str, what: str) -> str:
    """``label: what`` as markup; a right-to-left label does not reorder the rest."""
    name = markup(label)
    if any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in name):
        name = f"\u2068{name}\u2069"
    return f"{name}: {markup(what)}" if name else markup(what)


def day_name(day: date) -> str:
    """Such as ``Mon 4 Jan``."""
    spoken = current()
    if spoken is not None:
        return spoken.day(day)
    weekday, month = WEEKDAYS[day.weekday()], MONTHS[day.month - 1]
    return said("date", weekday=weekday, day=day.day, month=month)


def span(start: int, end: int, zone: tzinfo) -> str:
    """Such as ``Mon 4 Jan 09:00–10:30``; whole days as ``Mon 4 Jan, all day``."""
    first, last, final = local(start, zone), local(end, zone), local(end - 1, zone)
    if clock(first) == clock(last) == clock(datetime.min):
        return _all_day(first.date(), final.date())
    if first.date() == last.date():
        return f"{day_name(first)} {clock(first)}–{clock(last)}"
    if first.date() == final.date():
        return f"{day_name(first)} {clock(first)}–{_midnight()}"
    if clock(last) == clock(datetime.min):
        return f"{day_name(first)} {clock(first)} – {day_name(final)} {_midnight()}"
    return f"{day_name(first)} {clock(first)} – {day_name(last)} {clock(last)}"


def _all_day(first: date, last: date) -> str:
    return said("all-day", day=_days(first, last))


def _days(first: date, last: date) -> str:
    if first == last:
        return day_name(first)
    return said("days", first=day_name(first), last=day_name(last))


def clock(at: datetime) -> str:
    """Such as ``09:30``."""
    spoken = current()
    return f"{at.hour:02}:{at.minute:02}" if spoken is None else spoken.clock(at.time())


def _midnight() -> str:
    spoken = current()
    return "24:00" if spoken is None else spoken.midnight()


def scale_hour(hour: int) -> str:
    """An hour on a scale, from 0 to 24: such as ``9``."""
    spoken = current()
    return str(hour) if spoken is None else spoken.hour(hour)


def scale_day(day: date) -> str:
    """A day on a timeline's scale: such as ``Mo 4``."""
    spoken = current()
    return f"{WEEKDAYS[day.weekday()][:2] if spoken is None else spoken.weekday(day)} {day.day}"


def zone_name(zone: tzinfo) -> str:
    """The IANA key if the zone has one, else its own name."""
    return safe(str(getattr(zone, "key", None) or zone))


def when(bar: ColumnBar, zone: tzinfo) -> str:
    """The times of a bar, or its dates."""
    if bar.dates is None:
        return span(bar.start, bar.end, zone)
    return _all_day(*bar.dates)


def briefly(bar: ColumnBar, cell: GridColumn, zone: tzinfo) -> str:
    """The times of a bar, without the day if the cell has only one."""
    words = when(bar, zone)
    first, *others = cell.days
    if others or " – " in words:
        return words
    return words.removeprefix(day_name(first.date)).lstrip(", ")


def name_of(bar: ColumnBar) -> str:
    """What a bar is: its own words, if it has any, then its type."""
    kind = type_name(bar.kind)
    return f"{safe(bar.words)} – {kind}" if bar.words else kind


def cell_name(cell: GridColumn) -> str:
    """Such as ``Mon 4 Jan``, or ``Mon 4 Jan – Sun 10 Jan``."""
    return _days(cell.days[0].date, cell.days[-1].date)


def remark(grid: Grid, row: int) -> str:
    """The note of a row, and how many of its marks could not be drawn."""
    left_out = grid.left_out[row]
    notes = [grid.rows[row].note, said("not-drawn", count=left_out) if left_out else ""]
    return ", ".join(note for note in notes if note)


def legend(grid: Grid) -> Iterator[tuple[str, str]]:
    """The entries of the legend as (kind, words): types, then ``SLOT``, ``HOURS``,
    ``OUTSIDE``, ``NOW``."""
    yield from ((kind, type_name(kind)) for kind in grid.kinds)
    if grid.slots:
        yield "SLOT", type_name("SLOT")
    if grid.has_hours:
        yield "HOURS", said("working-hours")
    if grid.has_outside:
        yield "OUTSIDE", said("outside")
    if grid.has_now:
        yield "NOW", said("now")


def facts(grid: Grid) -> Iterator[tuple[str, str, str]]:
    """Everything that the picture shows as (who, what, when): rows in order, then the slots."""
    for index, row in enumerate(grid.rows):
        bars = [bar for day in grid.days for bar in day.bars[index]]
        bars.sort(key=lambda bar: (bar.start, bar.end))
        for what, times in dict.fromkeys((name_of(bar), when(bar, grid.zone)) for bar in bars):
            yield safe(row.label), what, times
    for start, end in grid.slots:
        yield said("everybody"), type_name("SLOT"), span(start, end, grid.zone)


def summary(grid: Grid, title: str) -> str:
    """One sentence for readers who cannot see the picture, after its title."""
    names = [safe(row.label) for row in grid.rows]
    who = ", ".join(names[:10])
    if len(names) > 10:
        who = said("summary/others", names=who, count=len(names) - 10)
    first, last = local(grid.lo, grid.zone), local(grid.hi - 1, grid.zone)
    days = day_name(first)
    if first.date() != last.date():
        days = said("summary/days", first=days, last=day_name(last))
    heading = safe(title)
    if heading:
        heading += " " if heading[-1] in ".!?…" else ". "
    who = who or said("summary/nobody")
    return heading + said("summary", who=who, days=days, times=zone_sentence(grid))


def zone_sentence(grid: Grid) -> str:
    """Whose times these are, and, for a timeline, which hours of each day are shown."""
    zone = zone_name(grid.zone)
    if not grid.is_timeline:
        return said("times-in", zone=zone)
    first, last = _full_hour(grid.first_hour), _full_hour(grid.last_hour)
    return said("times-in/timeline", zone=zone, first=first, last=last)


def _full_hour(hour: int) -> str:
    return _midnight() if hour == 24 else clock(datetime(2000, 1, 1, hour))
