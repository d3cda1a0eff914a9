"""The grid as an HTML fragment: an HTML table that style sheets show as a picture.

Rows are people, columns are days (weeks in a timeline), and every bar contains its text. So a
screen reader, or a page that removes style sheets, shows a table that says the same. Days are side
by side if there is room, and one below the other on a phone. The fragment has no scripts, no links
and no ids, so one page can have any number of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from extcal.arguments import discreet
from extcal.draw.colours import CLASSES
from extcal.draw.layout import ColumnBar, Grid, GridColumn, Span, beside, grid, lines, tick_step
from extcal.draw.rows import Row
from extcal.draw.stylesheet import stylesheet
from extcal.draw.words import (
    briefly,
    cell_name,
    legend,
    markup,
    name_of,
    owned,
    remark,
    scale_day,
    scale_hour,
    summary,
    when,
    zone_sentence,
)
from extcal.messages.pictures import said

__all__ = ["grid_html"]

# A style sheet puts the edge around the field of the legend; hours themselves are the ground.
_CLASSES = {**CLASSES, "HOURS": "paper"}
_DENSE = 12  # rows; if there are more, each is drawn lower
_CLEAR = "#0000"
_WRITTEN_DAY = 0.4  # of a day: a shorter bar has no room for words
_NARROW = 0.08  # of a column: a shorter bar may be drawn wider than it is
_WRITTEN_WEEK = 1.5  # days of a timeline


@discreet
def grid_html(
    rows: Sequence[Row],
    *,
    lo: int,
    hi: int,
    zone: tzinfo,
    hours: Sequence[tuple[int, int]] = (),
    slots: Sequence[tuple[int, int]] = (),
    title: str = "",
    now: int | None = None,
) -> str:
    """Draw availability as one self-contained HTML ``<figure>``, like a scheduling assistant.

    ``rows`` are people. ``[lo, hi)`` in epoch seconds is what to show, in local days of ``zone``.
    ``hours`` (epoch spans) are shaded as working hours of everybody whose Row has none of its own,
    ``slots`` are marked as free for all, and ``now``, an epoch second, by a line. The colours are
    light or dark as the page says, else as
    the reader's system is set. Hover text gives type and times. Screen readers read a table, and
    a disclosure shows it as text. A window of more than 14 days is drawn as a timeline with one
    column per week. Raises ValueError for an empty window or one of more than 400 days.
    """
    layout = grid(rows, lo=lo, hi=hi, zone=zone, hours=hours, slots=slots, now=now)
    shown = lines(layout)
    columns = max(len(line) for line in shown)
    grounds: dict[str, str] = {}
    tables = [piece for line in shown for piece in _table(layout, line, title, grounds)]
    variables = ";".join(f"{name}:{ground}" for ground, name in grounds.items())
    # The spaces separate words where there are no style sheets, and in text that is copied.
    caption = f'<b dir="auto">{markup(title)}</b> ' if title else ""
    sentence = zone_sentence(layout)
    kind = f"w{columns}{'w' if layout.is_timeline else 'd'}"
    return "".join(
        (
            f'<figure class="extcal-grid {kind}" style="{variables}">',
            f"<style>{stylesheet(columns, layout.is_timeline)}</style>",
            f"<figcaption>{caption}<span>{markup(sentence[0].upper() + sentence[1:])}</span>",
            "</figcaption>",
            *tables,
            _legend(layout),
            f"<details><summary>{said('as-text')}</summary></details></figure>",
        )
    )


def _table(
    layout: Grid, line: Sequence[GridColumn], title: str, grounds: dict[str, str]
) -> Iterator[str]:
    """One line of days. ``grounds`` collects the backgrounds of cells: many cells share one."""
    count = len(layout.rows) + bool(layout.slots)
    dense = " dense" if len(layout.rows) > _DENSE else ""
    label = summary(layout, title)
    yield f'<table role="table" class="tbl{dense}" aria-label="{markup(label)}" '
    yield f'style="--n:{count}"><thead role="rowgroup"><tr role="row">'
    # As text the table may be wider than a phone: then it scrolls, also by the keyboard.
    reach = '<span class="reach" tabindex="0"> \N{LEFT RIGHT ARROW}</span>'
    yield f'<th role="columnheader" scope="col" class="who">{said("who")}{reach}</th>'
    for number, cell in enumerate(line, 1):
        place = f"--d:{number}{_short(layout, cell)}"
        yield f'<th role="columnheader" scope="col" class="col" style="{place}">'
        yield f"<b>{cell_name(cell)}</b> "
        yield f'<span class="ticks" aria-hidden="true">{" ".join(_ticks(layout, cell))}</span></th>'
    yield '</tr></thead><tbody role="rowgroup">'
    if layout.slots:
        yield from _slots(layout, line)
    for index in range(len(layout.rows)):
        yield from _row(layout, line, index, grounds)
    yield "</tbody></table>"


def _ticks(layout: Grid, cell: GridColumn) -> Iterator[str]:
    if layout.is_timeline:
        for place, day in enumerate(cell.days):
            left = _percent(place / len(cell.days))
            yield f'<span class="at" style="left:{left}">{scale_day(day.date)}</span>'
        return
    for at, hour in _labelled(layout, cell):
        yield f'<span style="left:{_percent(at)}">{scale_hour(hour)}</span>'


def _labelled(layout: Grid, cell: GridColumn) -> list[tuple[float, int]]:
    step = tick_step(layout)
    return [(at, hour) for at, hour in cell.days[0].ticks if hour % step == 0]


def _slots(layout: Grid, line: Sequence[GridColumn]) -> Iterator[str]:
    words = said("slots")
    yield '<tr role="row" style="--p:1"><th role="rowheader" scope="row" class="name">'
    yield f"{words}</th>"
    for number, cell in enumerate(line, 1):
        first = " first" if number == 1 else ""
        place = f"--d:{number}{_short(layout, cell)}"
        yield f'<td role="cell" class="cell slots top{first}" style="{place}" '
        yield f'data-who="{words}">{"".join(_bars(layout, cell, cell.slots, "", False))}'
        yield f"{'' if cell.slots else _said(said('none'))}</td>"
    yield "</tr>"


def _row(
    layout: Grid, line: Sequence[GridColumn], index: int, grounds: dict[str, str]
) -> Iterator[str]:
    row, note = layout.rows[index], remark(layout, index)
    place = index + 1 + bool(layout.slots)
    small = f'<small dir="auto">{markup(note)}</small>' if note else ""
    whole = " – ".join(part for part in (row.label, note) if part)
    yield f'<tr role="row" style="--p:{place}"><th role="rowheader" scope="row" '
    label = f'<bdi dir="auto">{markup(row.label)}</bdi>'
    yield f'class="name" title="{markup(whole)}">{label}{small}</th>'
    edge = " end" if index == len(layout.rows) - 1 else ""
    edge += " top" if index == 0 else ""
    noted = f' data-note="{markup(note)}"' if note else ""
    for number, cell in enumerate(line, 1):
        classes = f"cell{edge}{' noted' if note else ''}{' first' if number == 1 else ''}"
        ground = _ground(layout, cell, index)
        name = grounds.setdefault(ground, f"--g{len(grounds)}") if ground else ""
        image = f";background-image:var({name})" if name else ""
        yield f'<td role="cell" class="{classes}{" dim" if layout.has_hours else ""}" '
        lanes = f";--lanes:{cell.lanes(index)}" if cell.lanes(index) > 1 else ""
        style = f"--d:{number}{lanes}{_short(layout, cell)}{image}"
        yield f'style="{style}" data-who="{markup(row.label)}"{noted}>'
        bars = cell.bars(index)
        yield from _bars(layout, cell, bars, row.label, number == 1)
        yield "" if bars else _said(said("none" if row.marks or row.dates else "free"))
        yield _said(said("outside/partly")) if cell.outside else ""
        yield _now(cell)
        yield "</td>"
    yield "</tr>"


def _now(cell: GridColumn) -> str:
    if cell.now is None:
        return ""
    return f'<s style="left:{_percent(cell.now)}" aria-hidden="true"></s>'


def _short(layout: Grid, cell: GridColumn) -> str:
    """The width of a timeline's last week, which may have fewer than seven days."""
    missing = layout.is_timeline and len(cell.days) < 7
    return f";--w:{len(cell.days) / 7:.4f}" if missing else ""


def _said(words: str) -> str:
    return f'<span class="say">{words}</span>'


def _bars(
    layout: Grid, cell: GridColumn, bars: Sequence[ColumnBar], label: str, first: bool
) -> Iterator[str]:
    for bar in bars:
        classes = [_CLASSES[bar.kind], "opens" * bar.opens, "closes" * bar.closes]
        classes.append("mark" * (bar.lane is not None))
        lane = f";--l:{bar.lane}" if bar.lane else ""
        inside, beside = "", ""
        if bar.words and (bar.opens or first):
            inside, beside = _written(layout, cell, bar, bars)
        hover = owned(label, f"{name_of(bar)}, {when(bar, layout.zone)}")
        words = markup(f"{name_of(bar)}, {briefly(bar, cell, layout.zone)}")
        place = f"{_side(bar.span)};width:{_percent(bar.span.width)}{lane}"
        yield f'<i class="{" ".join(filter(None, classes))}" style="{place}" title="{hover}">'
        yield f"{inside}<b>{words}</b></i>{beside} "


def _side(span: Span) -> str:
    """Where a bar begins, or where it ends: the least width of a bar must not widen the cell."""
    right = 1 - span.left - span.width
    if right < _NARROW > span.width:
        return f"right:{_percent(max(right, 0))}"
    return f"left:{_percent(span.left)}"


def _written(
    layout: Grid, cell: GridColumn, bar: ColumnBar, bars: Sequence[ColumnBar]
) -> tuple[str, str]:
    """The words of a mark: on it if it is long enough, else beside it if there is room."""
    words = markup(bar.words)
    least = (_WRITTEN_WEEK if layout.is_timeline else _WRITTEN_DAY) / len(cell.days)
    if bar.span.width >= least:
        return f'<u dir="auto" aria-hidden="true">{words}</u>', ""
    room = beside(bar, bars, least * 0.6)
    if room is None:
        return "", ""
    before = room.left < bar.span.left
    side = f"right:{_percent(1 - bar.span.left)}" if before else f"left:{_percent(room.left)}"
    lane = f";--l:{bar.lane}" if bar.lane else ""
    style = f"{side};max-width:{_percent(room.width)}{lane}"
    return "", f'<u class="beside" dir="auto" aria-hidden="true" style="{style}">{words}</u>'


def _ground(layout: Grid, cell: GridColumn, index: int) -> str:
    """The background of one cell: time outside the window, lines, working hours."""
    layers = []
    if cell.outside:
        layers.append(_gradient(cell.outside, "var(--outside)"))
    if layout.is_timeline:
        rules = [place / len(cell.days) for place in range(1, len(cell.days))]
    else:
        rules = [at for at, _ in _labelled(layout, cell)]
    if rules:
        stops = [f"{_CLEAR} 0"]
        for here in map(_percent, rules):
            stops.append(f"{_CLEAR} {here},var(--line) {here} calc({here} + 1px),{_CLEAR} 0")
        layers.append(f"linear-gradient(90deg,{','.join(stops)})")
    if layout.has_hours and cell.hours(index):
        layers.append(_gradient(cell.hours(index), "var(--paper)"))
    return ",".join(layers)


def _gradient(pieces: Iterable[Span], colour: str) -> str:
    stops = []
    for piece in pieces:
        left, right = _percent(piece.left), _percent(piece.left + piece.width)
        stops.append(f"{_CLEAR} {left},{colour} {left} {right},{_CLEAR} {right}")
    return f"linear-gradient(90deg,{','.join(stops)})"


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.2f}".rstrip("0").rstrip(".") + "%"


def _legend(layout: Grid) -> str:
    entries = " ".join(
        f'<span><i class="{_CLASSES[kind]}"></i>{words}</span>' for kind, words in legend(layout)
    )
    return f'<div class="extcal-legend" aria-hidden="true">{entries}</div>' if entries else ""
