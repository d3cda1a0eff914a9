"""The grid as an SVG document, for files, READMEs and other places for images.

It has the same layout as the HTML fragment, with a fixed size that scales. Hover text is in
``<title>`` elements, and ``<desc>`` describes the picture in words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from extcal.arguments import discreet
from extcal.draw.colours import CLASSES, FONT, palette
from extcal.draw.layout import ColumnBar, Grid, GridColumn, Span, beside, grid, lines, tick_step
from extcal.draw.rows import STRENGTH, Row
from extcal.draw.words import (
    cell_name,
    facts,
    legend,
    markup,
    name_of,
    owned,
    remark,
    safe,
    scale_hour,
    summary,
    when,
    zone_sentence,
)
from extcal.messages.pictures import said

__all__ = ["grid_svg"]

_MARGIN = 18
_NAMES = 128  # the least width of the column of names, and the most
_MOST_NAMES = 260
_ROW = 34
_LANE = 24
_DENSE = 12  # rows; if there are more, each is drawn lower
_DAY_HEAD = 40
_TITLE = 34
_LEGEND = 34
_GAP = 22
_TOTAL = 760  # the width of all days of one line
_WEEK = 216  # one column of a timeline
_DESCRIBED = 500
_SHORTEST = 4  # the least width of a bar, so that a short meeting can be seen
_WRITTEN = 46  # a narrower bar has no room for words

_CSS = """
.extcal-picture{font:13px FONT}
.extcal-picture text{fill:var(--text)}
.extcal-picture .t{font-size:16px;font-weight:650}
.extcal-picture .d{font-weight:600}
.extcal-picture .s{font-size:12px;fill:var(--soft)}
.extcal-picture .k{font-size:10.5px;fill:var(--soft);text-anchor:middle;
font-variant-numeric:tabular-nums}
.extcal-picture .n{font-size:10.5px;fill:var(--soft)}
.extcal-picture .outside{fill:var(--outside)}
.extcal-picture .card{fill:var(--back);stroke:var(--line)}
.extcal-picture .paper{fill:var(--paper)}
.extcal-picture .dim{fill:var(--dim)}
.extcal-picture .hours{fill:var(--paper);stroke:var(--edge)}
.extcal-picture .edge{fill:none;stroke:var(--edge)}
.extcal-picture .line{stroke:var(--line)}
.extcal-picture .busy{fill:var(--busy)}
.extcal-picture .open{fill:var(--paper);stroke:var(--soft);stroke-dasharray:3 2}
.extcal-picture .w{font-size:10px;fill:var(--soft);font-variant-numeric:tabular-nums}
.extcal-picture .now{fill:var(--now);pointer-events:none}
.extcal-picture .chip{fill:var(--free);pointer-events:none}
.extcal-picture .away{fill:url(#extcal-away)}
.extcal-picture .tent{fill:url(#extcal-tent);stroke:var(--tent)}
.extcal-picture .else{fill:url(#extcal-else);stroke:var(--else)}
.extcal-picture .unknown{fill:url(#extcal-unknown)}
.extcal-picture .free{fill:var(--free);fill-opacity:.14;stroke:var(--free);stroke-width:1.5}
.extcal-picture .pb{fill:var(--tent-back)}.extcal-picture .ps{stroke:var(--tent)}
.extcal-picture .ab{fill:var(--away)}.extcal-picture .as{stroke:var(--away-line)}
.extcal-picture .eb{fill:var(--else-back)}.extcal-picture .es{fill:var(--else)}
.extcal-picture :is(.busy-t,.away-t,.tent-t,.else-t,.open-t,.b){font-size:11px}
.extcal-picture .e{text-anchor:end}
.extcal-picture .busy-b{fill:var(--busy)}.extcal-picture .busy-t{fill:var(--busy-text)}
.extcal-picture .away-b{fill:var(--away)}.extcal-picture .away-t{fill:var(--away-text)}
.extcal-picture .tent-b{fill:var(--tent-back)}.extcal-picture .tent-t{fill:var(--tent-text)}
.extcal-picture .else-b{fill:var(--else-back)}.extcal-picture .else-t{fill:var(--else-text)}
.extcal-picture .open-b{fill:none}
.extcal-picture .ub{fill:var(--unknown-back)}.extcal-picture .us{stroke:var(--unknown)}
""".replace("FONT", FONT).replace("\n", "")


def _pattern(name: str, size: int, content: str, turned: bool = False) -> str:
    turn = ' patternTransform="rotate(45)"' if turned else ""
    return (
        f'<pattern id="extcal-{name}" width="{size}" height="{size}" '
        f'patternUnits="userSpaceOnUse"{turn}>{content}</pattern>'
    )


_PATTERNS = "".join(
    (
        _pattern(
            "tent",
            7,
            '<rect class="pb" width="7" height="7"/>'
            '<path class="ps" d="M1.5 0V7" stroke-width="3"/>',
            turned=True,
        ),
        _pattern(
            "away",
            5,
            '<rect class="ab" width="5" height="5"/><path class="as" d="M0 4H5" stroke-width="2"/>',
        ),
        _pattern(
            "else",
            6,
            '<rect class="eb" width="6" height="6"/><circle class="es" cx="3" cy="3" r="1.3"/>',
        ),
        _pattern(
            "unknown",
            6,
            '<rect class="ub" width="6" height="6"/>'
            '<path class="us" d="M0 .5H6M.5 0V6" stroke-width="1"/>',
            turned=True,
        ),
    )
)


@discreet
def grid_svg(
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
    """Draw availability as one self-contained SVG document; see :func:`extcal.draw.grid_html`.

    It scales to the available width, has at most seven days per line, and has light or dark colours
    as the reader's system is set, also inside an ``<img>``. Raises ValueError for an empty window
    or one of
    more than 400 days.
    """
    layout = grid(rows, lo=lo, hi=hi, zone=zone, hours=hours, slots=slots, now=now)
    shown = lines(layout)
    columns = max(len(line) for line in shown)
    day_width = _WEEK if layout.is_timeline else max(108, _TOTAL // max(3, columns))
    names = _name_room(layout)
    width = 2 * _MARGIN + names + day_width * max(columns, 3 if layout.is_timeline else 1)
    bands = [_Band.of(layout, line, names) for line in shown]
    bottom = _MARGIN + _TITLE + sum(band.height + _DAY_HEAD + _GAP for band in bands) - _GAP
    height = bottom + _LEGEND + _MARGIN // 2
    body: list[str] = list(_head(layout, title, width))
    top = _MARGIN + _TITLE
    for band in bands:
        body.extend(band.drawn(top, day_width))
        top += band.height + _DAY_HEAD + _GAP
    body.extend(_legend(layout, bottom + _LEGEND))
    label = summary(layout, title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="extcal-picture" role="img" '
        f'aria-label="{markup(label)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><style>{palette("extcal-picture")}{_CSS}'
        f".extcal-picture{{max-width:100%;height:auto}}</style>"
        f"<desc>{markup(_described(layout))}</desc><defs>{_PATTERNS}</defs>"
        f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>'
        f"{''.join(body)}</svg>\n"
    )


def _described(layout: Grid) -> str:
    told = [said("described", who=who, what=what, when=when) for who, what, when in facts(layout)]
    more = len(told) - _DESCRIBED
    if more > 0:
        told[_DESCRIBED:] = [said("described/more", count=more)]
    return " ".join(told)


def _head(layout: Grid, title: str, width: int) -> Iterator[str]:
    sentence = zone_sentence(layout)
    if title:
        room = (width - 2 * _MARGIN - 20 - 12 * _ems(sentence)) / 9.5
        yield _text(_MARGIN, _MARGIN + 14, fit(title, room), "t")
    place = width - _MARGIN if title else _MARGIN
    anchor = ' text-anchor="end"' if title else ""
    yield (
        f'<text class="s" x="{place}" y="{_MARGIN + 14}"{anchor}>'
        f"{markup(sentence[0].upper() + sentence[1:])}</text>"
    )


@dataclass(frozen=True, slots=True)
class _Band:
    """One line of the picture: its columns, and the height of each row, that of slots first."""

    layout: Grid
    cells: Sequence[GridColumn]
    heights: tuple[int, ...]
    names: int

    @classmethod
    def of(cls, layout: Grid, cells: Sequence[GridColumn], names: int) -> _Band:
        dense = len(layout.rows) > _DENSE or layout.is_timeline
        row, lane = (_ROW - 8, _LANE - 4) if dense else (_ROW, _LANE)
        counts = [max(cell.lanes(index) for cell in cells) for index in range(len(layout.rows))]
        heights = [row + (count - 1) * lane for count in counts]
        return cls(layout, cells, tuple([row, *heights] if layout.slots else heights), names)

    @property
    def height(self) -> int:
        return sum(self.heights)

    def rows(self, body: int) -> Iterator[tuple[int, int, int]]:
        """The index, the top and the height of every row of people."""
        skipped = len(self.heights) - len(self.layout.rows)
        for index, height in enumerate(self.heights[skipped:]):
            yield index, body + sum(self.heights[: index + skipped]), height

    def drawn(self, top: int, width: float) -> Iterator[str]:
        layout, body, left = self.layout, top + _DAY_HEAD, _MARGIN + self.names
        if layout.slots:
            yield _text(_MARGIN, body + self.heights[0] / 2 + 4.5, said("slots"), "")
        for index, y, high in self.rows(body):
            yield from _name(self, index, y, high)
        wides = [width * len(cell.days) / _span(layout) for cell in self.cells]
        for number, cell in enumerate(self.cells):
            yield from _ground(self, cell, left + number * width, top, wides[number])
        right = _number(left + width * (len(wides) - 1) + wides[-1])
        for _, y, _ in self.rows(body):
            yield f'<path class="line" d="M{_MARGIN} {y}H{right}"/>'
        for number, cell in enumerate(self.cells):
            yield from _cell(self, cell, left + number * width, body, wides[number], number == 0)


def _span(layout: Grid) -> int:
    """How many days a whole column holds."""
    return 7 if layout.is_timeline else 1


def _name_room(layout: Grid) -> int:
    """The width of the column of names: as wide as the longest name needs, within limits."""
    longest = max((13 * _ems(safe(row.label)) for row in layout.rows), default=0)
    return round(min(max(longest + 14, _NAMES), _MOST_NAMES))


def _name(band: _Band, index: int, top: int, height: int) -> Iterator[str]:
    layout, letters = band.layout, band.names / _NAMES
    row, note = layout.rows[index], remark(layout, index)
    middle = top + height / 2
    whole = " – ".join(part for part in (row.label, note) if part)
    yield f"<g><title>{markup(whole)}</title>"
    name = safe(row.label)
    if 13 * _ems(name) + 12 > band.names:
        name = fit(name, 16 * letters)
    yield _text(_MARGIN, middle + (-1 if note else 4.5), name, "")
    if note:
        yield _text(_MARGIN, middle + 11, fit(note, 23 * letters), "n")
    yield "</g>"


def _ground(band: _Band, cell: GridColumn, left: float, top: int, width: float) -> Iterator[str]:
    """The parts of a column under its bars: its head, working hours, lines."""
    layout, body, height = band.layout, top + _DAY_HEAD, band.height
    yield _text(left + 5, top + 14, cell_name(cell), "d")
    for index, y, high in band.rows(body):
        yield _box("dim" if layout.has_hours else "paper", left, y, width, high)
        yield from (_rect("paper", piece, left, width, y, high) for piece in cell.hours(index))
    for at, words in _ticks(layout, cell):
        x = _number(left + at * width)
        yield f'<path class="line" d="M{x} {body}V{body + height}"/>'
        kind = "w" if layout.is_timeline else "k"
        yield _text(left + at * width + (2 if kind == "w" else 0), top + 33, words, kind)
    yield from (_rect("outside", piece, left, width, body, height) for piece in cell.outside)
    yield _box("edge", left, body, width, height)


def _ticks(layout: Grid, cell: GridColumn) -> list[tuple[float, str]]:
    if layout.is_timeline:
        count = len(cell.days)
        return [(place / count, str(day.date.day)) for place, day in enumerate(cell.days)]
    step = tick_step(layout)
    return [(at, scale_hour(hour)) for at, hour in cell.days[0].ticks if hour % step == 0]


def _cell(
    band: _Band, cell: GridColumn, left: float, body: int, width: float, first: bool
) -> Iterator[str]:
    layout = band.layout
    if cell.now is not None:
        yield _box("now", left + cell.now * width - 0.75, body, 1.5, band.height)
    for slot in cell.slots:
        yield _bar(layout, slot, "", left, width, body, band.height)
        place = left + slot.span.left * width
        yield _box("chip", place, body, slot.span.width * width, band.heights[0])
    for index, top, high in band.rows(body):
        inset = 3 if high < _ROW else 5
        lane = _LANE if inset == 5 else _LANE - 4
        bars = cell.bars(index)
        label = layout.rows[index].label
        for bar in sorted(bars, key=lambda bar: STRENGTH[bar.kind]):
            if bar.lane is not None:
                y = top + inset + bar.lane * lane
                yield _bar(layout, bar, label, left, width, y, lane - 2)
                if bar.words and (bar.opens or first):
                    yield from _written(bar, bars, left, width, y, lane - 2)
            elif bar.kind == "UNKNOWN":
                yield _bar(layout, bar, label, left, width, top, high)
            else:
                yield _bar(layout, bar, label, left, width, top + inset, high - 2 * inset)


def _bar(
    layout: Grid, bar: ColumnBar, label: str, left: float, width: float, top: float, height: float
) -> str:
    what = f"{name_of(bar)}, {when(bar, layout.zone)}"
    round_ends = ' rx="3.5"' if bar.opens and bar.closes and bar.kind != "UNKNOWN" else ""
    x, wide = left + bar.span.left * width, max(bar.span.width * width, _SHORTEST)
    x = min(x, left + width - wide)
    return (
        f'<rect class="{CLASSES[bar.kind]}" x="{_number(x)}" y="{_number(top)}" '
        f'width="{_number(wide)}" height="{_number(height)}"{round_ends}>'
        f"<title>{owned(label, what)}</title></rect>"
    )


def _written(
    bar: ColumnBar, bars: Sequence[ColumnBar], left: float, width: float, top: float, height: float
) -> Iterator[str]:
    """The words of a mark: on it if it is long enough, else beside it if there is room."""
    x, wide = left + bar.span.left * width, bar.span.width * width
    base, kind = top + height / 2 + 4, CLASSES[bar.kind]
    if wide >= _WRITTEN:
        words = fit(bar.words, (wide - 12) / 6.5)
        ground = min(_ems(words) * 11 + 8, wide - 4)
        yield _box(f"{kind}-b", x + 2, top + 2, ground, height - 4)
        yield _text(x + 5, base, words, f"{kind}-t")
    elif room := beside(bar, bars, _WRITTEN * 0.7 / width):
        before = room.left < bar.span.left
        words = fit(bar.words, (room.width * width - 8) / 6.5)
        yield _text(x - 4 if before else x + wide + 4, base, words, "b e" if before else "b")


def _box(name: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{name}" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" '
        f'height="{_number(height)}"/>'
    )


def _rect(name: str, piece: Span, left: float, width: float, top: int, height: int) -> str:
    return _box(name, left + piece.left * width, top, piece.width * width, height)


def _legend(layout: Grid, base: int) -> Iterator[str]:
    x = float(_MARGIN)
    for kind, words in legend(layout):
        place, wide = (x + 10, 2) if kind == "NOW" else (x, 22)
        yield (
            f'<rect class="{CLASSES[kind]}" x="{_number(place)}" y="{base - 15}" '
            f'width="{wide}" height="13" rx="{min(wide, 6) / 2:g}"/>'
        )
        yield _text(x + 28, base - 4, words, "s")
        x += 28 + 12 * _ems(words) + 16


def _ems(words: str) -> float:
    """The approximate width of a text in units of its font size, to keep entries apart."""
    return sum(
        0.31 if letter in "fijlrt " else 0.86 if letter in "mwWU" else 0.62 for letter in words
    )


def _text(x: float, y: float, words: str, name: str) -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text{kind} x="{_number(x)}" y="{_number(y)}">{markup(words)}</text>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def fit(words: str, room: float) -> str:
    """``words`` cut to about ``room`` letters; wide characters count twice, combining marks
    not."""
    words = safe(words)
    used = 0.0
    for index, letter in enumerate(words):
        if not unicodedata.combining(letter):
            used += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if used > room and index < len(words):
            return words[:index].rstrip() + "…"
    return words
