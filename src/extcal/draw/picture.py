"""The grid as an SVG document: for files, READMEs and wherever an image is wanted.

The same layout as the HTML fragment, at a fixed size that scales. Hover text is in ``<title>``
elements, and ``<desc>`` says in words what is drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from extcal.draw.layout import Bar, Day, Grid, Row, Span, grid, tick_step, weeks
from extcal.draw.style import FONT, palette
from extcal.draw.words import KINDS, day_name, facts, markup, safe, span, summary, zone_name

__all__ = ["grid_svg"]

_MARGIN = 18
_NAMES = 128
_ROW = 34
_DAY_HEAD = 40
_TITLE = 34
_LEGEND = 34
_GAP = 22
_TOTAL = 760  # what the days of one line share
_DESCRIBED = 500

_CLASSES = {
    "BUSY-UNAVAILABLE": "away",
    "BUSY": "busy",
    "BUSY-TENTATIVE": "tent",
    "WORKING-ELSEWHERE": "else",
    "UNKNOWN": "unknown",
    "SLOT": "free",
}

_CSS = """
.extcal-grid{font:13px FONT}
.extcal-grid text{fill:var(--text)}
.extcal-grid .t{font-size:16px;font-weight:650}
.extcal-grid .d{font-weight:600}
.extcal-grid .s{font-size:12px;fill:var(--soft)}
.extcal-grid .k{font-size:10.5px;fill:var(--soft);text-anchor:middle;
font-variant-numeric:tabular-nums}
.extcal-grid .n{font-size:10.5px;fill:var(--soft)}
.extcal-grid .outside{fill:var(--outside)}
.extcal-grid .card{fill:var(--back);stroke:var(--line)}
.extcal-grid .paper{fill:var(--paper)}
.extcal-grid .dim{fill:var(--dim)}
.extcal-grid .hours{fill:var(--paper);stroke:var(--edge)}
.extcal-grid .edge{fill:none;stroke:var(--edge)}
.extcal-grid .line{stroke:var(--line)}
.extcal-grid .busy{fill:var(--busy)}
.extcal-grid .away{fill:url(#extcal-away)}
.extcal-grid .tent{fill:url(#extcal-tent);stroke:var(--tent)}
.extcal-grid .else{fill:url(#extcal-else);stroke:var(--else)}
.extcal-grid .unknown{fill:url(#extcal-unknown)}
.extcal-grid .free{fill:var(--free);fill-opacity:.14;stroke:var(--free);stroke-width:1.5}
.extcal-grid .pb{fill:var(--tent-back)}.extcal-grid .ps{stroke:var(--tent)}
.extcal-grid .ab{fill:var(--away)}.extcal-grid .as{stroke:var(--away-line)}
.extcal-grid .eb{fill:var(--else-back)}.extcal-grid .es{fill:var(--else)}
.extcal-grid .ub{fill:var(--unknown-back)}.extcal-grid .us{stroke:var(--unknown)}
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


def grid_svg(
    rows: Sequence[Row],
    *,
    lo: int,
    hi: int,
    zone: tzinfo,
    hours: Sequence[tuple[int, int]] = (),
    slots: Sequence[tuple[int, int]] = (),
    title: str = "",
) -> str:
    """Draw availability as one self-contained SVG document; see :func:`extcal.draw.grid_html`.

    It scales to the width it is given, keeps to at most seven days a line, and follows the reader's
    light or dark setting, also inside an ``<img>``. Raises ValueError for an empty window or one of
    more than 400 days.
    """
    layout = grid(rows, lo=lo, hi=hi, zone=zone, hours=hours, slots=slots)
    lines = weeks(layout)
    day_width = max(108, _TOTAL // max(3, max(len(line) for line in lines)))
    width = 2 * _MARGIN + _NAMES + day_width * max(len(line) for line in lines)
    block = _DAY_HEAD + _ROW * len(layout.rows)
    top = _MARGIN + _TITLE
    bottom = top + block * len(lines) + _GAP * (len(lines) - 1)
    height = bottom + _LEGEND + _MARGIN // 2
    body: list[str] = list(_head(layout, title, width))
    for index, line in enumerate(lines):
        body.extend(_line(layout, line, top + index * (block + _GAP), day_width))
    body.extend(_legend(layout, bottom + _LEGEND))
    label = f"{title + '. ' if title else ''}{summary(layout)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="extcal-grid" role="img" '
        f'aria-label="{markup(label)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><style>{palette()}{_CSS}'
        f".extcal-grid{{max-width:100%;height:auto}}</style>"
        f"<desc>{markup(_described(layout))}</desc><defs>{_PATTERNS}</defs>"
        f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>'
        f"{''.join(body)}</svg>\n"
    )


def _described(layout: Grid) -> str:
    said = [f"{who}: {what}, {when}." for who, what, when in facts(layout)]
    more = len(said) - _DESCRIBED
    return " ".join(said[:_DESCRIBED]) + (f" And {more} more." if more > 0 else "")


def _head(layout: Grid, title: str, width: int) -> Iterator[str]:
    if title:
        yield _text(_MARGIN, _MARGIN + 14, fit(title, width * 0.07), "t")
    place = width - _MARGIN if title else _MARGIN
    anchor = ' text-anchor="end"' if title else ""
    yield (
        f'<text class="s" x="{place}" y="{_MARGIN + 14}"{anchor}>'
        f"Times in {markup(zone_name(layout.zone))}</text>"
    )


def _line(layout: Grid, line: Sequence[Day], top: int, day_width: int) -> Iterator[str]:
    body = top + _DAY_HEAD
    left = _MARGIN + _NAMES
    right = left + day_width * len(line)
    for index, row in enumerate(layout.rows):
        yield from _name(row, body + index * _ROW)
    for index, day in enumerate(line):
        yield from _day_back(layout, day, left + index * day_width, top, day_width)
    for index in range(len(layout.rows)):
        y = body + index * _ROW
        yield f'<path class="line" d="M{_MARGIN} {y}H{right}"/>'
    for index, day in enumerate(line):
        yield from _day_bars(layout, day, left + index * day_width, body, day_width)


def _name(row: Row, top: int) -> Iterator[str]:
    middle = top + _ROW / 2
    whole = " – ".join(part for part in (row.label, row.note) if part)
    yield f"<g><title>{markup(whole)}</title>"
    yield _text(_MARGIN, middle + (-1 if row.note else 4.5), fit(row.label, 16), "")
    if row.note:
        yield _text(_MARGIN, middle + 12, fit(row.note, 20), "n")
    yield "</g>"


def _day_back(layout: Grid, day: Day, left: int, top: int, width: int) -> Iterator[str]:
    body, height = top + _DAY_HEAD, _ROW * len(layout.rows)
    ground = "dim" if layout.has_hours else "paper"
    yield _text(left + 5, top + 14, day_name(day.date), "d")
    yield f'<rect class="{ground}" x="{left}" y="{body}" width="{width}" height="{height}"/>'
    yield from (_rect("paper", piece, left, width, body, height) for piece in day.hours)
    step = tick_step(layout)
    for at, hour in day.ticks:
        if hour % step == 0:
            x = _number(left + at * width)
            yield f'<path class="line" d="M{x} {body}V{body + height}"/>'
            yield f'<text class="k" x="{x}" y="{top + 33}">{hour}</text>'
    yield from (_rect("outside", piece, left, width, body, height) for piece in day.outside)
    yield f'<rect class="edge" x="{left}" y="{body}" width="{width}" height="{height}"/>'


def _day_bars(layout: Grid, day: Day, left: int, body: int, width: int) -> Iterator[str]:
    for index, (row, bars) in enumerate(zip(layout.rows, day.bars, strict=True)):
        top = body + index * _ROW
        for bar in bars:
            inset = 0 if bar.kind == "UNKNOWN" else 5
            yield _bar(layout, bar, row.label, left, width, top + inset, _ROW - 2 * inset)
    height = _ROW * len(layout.rows)
    for slot in day.slots:
        yield _bar(layout, slot, "", left, width, body + 1, height - 2)


def _bar(layout: Grid, bar: Bar, label: str, left: int, width: int, top: int, height: int) -> str:
    what = f"{KINDS[bar.kind]}, {span(bar.start, bar.end, layout.zone)}"
    hover = f"{label}: {what}" if label else what
    round_ends = ' rx="3.5"' if bar.opens and bar.closes and bar.kind != "UNKNOWN" else ""
    x = _number(left + bar.span.left * width)
    wide = _number(max(bar.span.width * width, 1.5))
    return (
        f'<rect class="{_CLASSES[bar.kind]}" x="{x}" y="{top}" width="{wide}" height="{height}"'
        f"{round_ends}><title>{markup(hover)}</title></rect>"
    )


def _rect(name: str, piece: Span, left: int, width: int, top: int, height: int) -> str:
    return (
        f'<rect class="{name}" x="{_number(left + piece.left * width)}" y="{top}" '
        f'width="{_number(piece.width * width)}" height="{height}"/>'
    )


def _legend(layout: Grid, base: int) -> Iterator[str]:
    found = [(_CLASSES[kind], KINDS[kind]) for kind in layout.kinds]
    if layout.slots:
        found.append(("free", KINDS["SLOT"]))
    if layout.has_hours:
        found.append(("hours", "Working hours"))
    if layout.has_outside:
        found.append(("outside", "Not asked for"))
    x = float(_MARGIN)
    for name, words in found:
        yield (
            f'<rect class="{name}" x="{_number(x)}" y="{base - 15}" width="22" height="13" rx="3"/>'
        )
        yield _text(x + 28, base - 4, words, "s")
        x += 28 + 12 * _ems(words) + 16


def _ems(words: str) -> float:
    """About how wide a text is, in units of its font size: enough to keep entries apart."""
    return sum(
        0.31 if letter in "fijlrt " else 0.86 if letter in "mwWU" else 0.62 for letter in words
    )


def _text(x: float, y: float, words: str, name: str) -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text{kind} x="{_number(x)}" y="{_number(y)}">{markup(words)}</text>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def fit(words: str, room: float) -> str:
    """``words`` cut to about ``room`` letters; wide characters take two, marks none."""
    words = safe(words)
    used = 0.0
    for index, letter in enumerate(words):
        if not unicodedata.combining(letter):
            used += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if used > room and index < len(words):
            return words[:index].rstrip() + "…"
    return words
