"""The grid as an HTML fragment: days side by side where there is room, one below the other on a
phone, and a real table behind it. No scripts, no links, no ids: any number fit on one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from extcal.draw.layout import Bar, Day, Grid, Row, Span, grid, tick_step, weeks
from extcal.draw.style import FONT, palette
from extcal.draw.words import KINDS, day_name, facts, markup, span, summary, zone_name

__all__ = ["grid_html"]

_CLASSES = {
    "BUSY-UNAVAILABLE": "away",
    "BUSY": "busy",
    "BUSY-TENTATIVE": "tent",
    "WORKING-ELSEWHERE": "else",
    "UNKNOWN": "unknown",
    "SLOT": "free",
}

_CSS = """
.extcal-grid{container-type:inline-size;margin:0;padding:14px 16px 12px;border-radius:10px;
background:var(--back);color:var(--text);font:13px/1.35 FONT;border:1px solid var(--line);
text-align:left;box-sizing:border-box}
.extcal-grid *{box-sizing:border-box}
.extcal-grid figcaption{display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline;
justify-content:space-between;margin:0 0 10px;padding:0;text-align:left}
.extcal-grid figcaption b{font-size:16px;font-weight:650;letter-spacing:-.01em}
.extcal-grid figcaption span,.extcal-grid small,.extcal-grid summary{color:var(--soft);
font-size:12px}
.extcal-week{display:grid;gap:16px 18px;grid-template-columns:repeat(auto-fit,minmax(min(100%,
300px),1fr))}
.extcal-week+.extcal-week{margin-top:18px}
.extcal-names{display:none}
.extcal-day{min-width:0;display:grid;grid-template-columns:88px minmax(0,1fr);
grid-template-rows:24px 16px;grid-auto-rows:34px}
.extcal-date{grid-column:1/-1;font-weight:600;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}
.extcal-ticks{grid-row:2;grid-column:2;position:relative;font-size:10.5px;color:var(--soft);
font-variant-numeric:tabular-nums}
.extcal-ticks i{position:absolute;transform:translateX(-50%);font-style:normal}
.extcal-name{grid-column:1;display:flex;flex-direction:column;justify-content:center;min-width:0;
padding-right:10px;line-height:1.15;border-top:1px solid var(--line)}
.extcal-name bdi,.extcal-name small{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.extcal-name small{font-size:10.5px}
.extcal-under,.extcal-over{grid-column:2;position:relative;overflow:hidden}
.extcal-under{background:var(--paper);border:1px solid var(--edge);border-width:0 1px 1px 0}
.extcal-over{pointer-events:none;z-index:2}
.extcal-dim{background:var(--dim)}
.extcal-under i,.extcal-row i,.extcal-over i{position:absolute;top:0;bottom:0}
.extcal-under .paper{background:var(--paper)}
.extcal-under .line{width:0;border-left:1px solid var(--line)}
.extcal-grid .outside{background:var(--outside)}
.extcal-row{grid-column:2;position:relative;border-top:1px solid var(--line);overflow:hidden;
z-index:1}
.extcal-row i{top:5px;bottom:5px;min-width:2px}
.extcal-row .opens{border-top-left-radius:4px;border-bottom-left-radius:4px}
.extcal-row .closes{border-top-right-radius:4px;border-bottom-right-radius:4px}
.extcal-grid .busy,.extcal-grid .away,.extcal-grid .tent,.extcal-grid .else,.extcal-grid .unknown,
.extcal-grid .free{forced-color-adjust:none;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.extcal-grid .busy{background:var(--busy)}
.extcal-grid .away{background:repeating-linear-gradient(0deg,var(--away) 0 3px,
var(--away-line) 3px 5px)}
.extcal-grid .tent{background:repeating-linear-gradient(135deg,var(--tent) 0 3px,
var(--tent-back) 3px 7px);
box-shadow:inset 0 0 0 1px var(--tent)}
.extcal-grid .else{background:radial-gradient(circle,var(--else) 1.2px,
transparent 1.6px) 0 0/6px 6px,var(--else-back);
box-shadow:inset 0 0 0 1px var(--else)}
.extcal-grid .unknown{background:repeating-linear-gradient(45deg,var(--unknown) 0 1px,
transparent 1px 6px),
repeating-linear-gradient(135deg,var(--unknown) 0 1px,transparent 1px 6px),var(--unknown-back)}
.extcal-row .unknown{top:0;bottom:0}
.extcal-grid .free{background:color-mix(in srgb,var(--free) 14%,transparent);
box-shadow:inset 0 0 0 1.5px var(--free);border-radius:3px}
.extcal-over .free{pointer-events:auto}
.extcal-legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:12px 0 0;padding:0;list-style:none;
font-size:12px;color:var(--soft)}
.extcal-legend li{display:flex;align-items:center;gap:6px;margin:0;padding:0}
.extcal-legend i{width:22px;height:13px;border-radius:3px}
.extcal-legend .paper{background:var(--paper);border:1px solid var(--edge)}
.extcal-grid details{margin-top:8px}
.extcal-grid summary{cursor:pointer}
.extcal-grid table{border-collapse:collapse;margin-top:6px;font-size:12px;background:none}
.extcal-grid th,.extcal-grid td{text-align:left;padding:3px 14px 3px 0;border:0;
border-bottom:1px solid var(--line);background:none;color:inherit;vertical-align:top}
.extcal-grid th{font-weight:600}
""".replace("FONT", FONT).replace("\n", "")

# One rule per number of days: side by side as soon as each day has this much room.
_DAY_ROOM = 104
_NAME_ROOM = 150
_WIDE = (
    "@container (min-width:{room}px){{"
    ".extcal-week.of{days}{{display:flex;gap:0;align-items:flex-start}}"
    ".of{days} .extcal-names{{display:grid;flex:0 0 {names}px;grid-template-rows:40px;"
    "grid-auto-rows:34px;border-bottom:1px solid transparent}}"
    ".of{days} .extcal-day{{flex:1 1 0;grid-template-columns:minmax(0,1fr)}}"
    ".of{days} .extcal-day .extcal-name{{display:none}}"
    ".of{days} .extcal-date{{padding-left:5px}}"
    ".of{days} :is(.extcal-ticks,.extcal-row,.extcal-under,.extcal-over){{grid-column:1}}"
    ".of{days} .extcal-names+.extcal-day .extcal-under{{border-left-width:1px}}"
    "}}"
)


def grid_html(
    rows: Sequence[Row],
    *,
    lo: int,
    hi: int,
    zone: tzinfo,
    hours: Sequence[tuple[int, int]] = (),
    slots: Sequence[tuple[int, int]] = (),
    title: str = "",
) -> str:
    """Draw availability as one self-contained HTML ``<figure>``, like a scheduling assistant.

    ``rows`` are people. ``[lo, hi)`` in epoch seconds is what to show, in local days of ``zone``.
    ``hours`` (epoch spans) are shaded as working hours, ``slots`` are marked as free for all. Light
    and dark follow the reader's system; hover text gives type and times; a table behind a
    disclosure says the same for screen readers. Raises ValueError for an empty window or one of
    more than 400 days.
    """
    layout = grid(rows, lo=lo, hi=hi, zone=zone, hours=hours, slots=slots)
    caption = f"<b>{markup(title)}</b>" if title else ""
    return "".join(
        (
            f'<figure class="extcal-grid"><style>{palette()}{_CSS}{_wide_rules(layout)}</style>',
            f"<figcaption>{caption}<span>Times in {markup(zone_name(zone))}</span></figcaption>",
            f'<div role="img" aria-label="{markup(_label(layout, title))}">',
            *(piece for week in weeks(layout) for piece in _week(layout, week)),
            "</div>",
            _legend(layout),
            _table(layout),
            "</figure>",
        )
    )


def _label(layout: Grid, title: str) -> str:
    return f"{title + '. ' if title else ''}{summary(layout)} The table below says the same."


def _wide_rules(layout: Grid) -> str:
    sizes = sorted({len(week) for week in weeks(layout)})
    widest = max(sizes)
    room = _NAME_ROOM + max(widest, 3) * _DAY_ROOM
    return "".join(_WIDE.format(room=room, days=days, names=_NAME_ROOM) for days in sizes)


def _week(layout: Grid, week: Sequence[Day]) -> Iterator[str]:
    names = "".join(_name(row) for row in layout.rows)
    yield f'<div class="extcal-week of{len(week)}"><div class="extcal-names"><span></span>'
    yield f"{names}</div>"
    for day in week:
        yield from _day(layout, day)
    yield "</div>"


def _name(row: Row, place: str = "") -> str:
    note = f"<small>{markup(row.note)}</small>" if row.note else ""
    whole = " – ".join(part for part in (row.label, row.note) if part)
    return (
        f'<span class="extcal-name"{place} title="{markup(whole)}"><bdi>{markup(row.label)}</bdi>'
        f"{note}</span>"
    )


def _day(layout: Grid, day: Day) -> Iterator[str]:
    step = tick_step(layout)
    yield f'<div class="extcal-day"><span class="extcal-date">{day_name(day.date)}</span>'
    yield '<span class="extcal-ticks">'
    labelled = [(at, hour) for at, hour in day.ticks if hour % step == 0]
    yield "".join(f'<i style="left:{_percent(at)}">{hour}</i>' for at, hour in labelled)
    whole = f' style="grid-row:3/span {max(len(layout.rows), 1)}"'
    yield f'</span><span class="extcal-under{" extcal-dim" if layout.has_hours else ""}"{whole}>'
    yield "".join(_piece("paper", piece) for piece in day.hours)
    yield "".join(f'<i class="line" style="left:{_percent(at)}"></i>' for at, _ in labelled)
    yield "".join(_piece("outside", piece) for piece in day.outside)
    yield "</span>"
    for index, (row, bars) in enumerate(zip(layout.rows, day.bars, strict=True)):
        place = f' style="grid-row:{index + 3}"'
        yield _name(row, place)
        yield f'<span class="extcal-row"{place}>'
        yield from _bars(layout, bars, row.label)
        yield "</span>"
    if day.slots:
        yield f'<span class="extcal-over"{whole}>'
        yield from _bars(layout, day.slots, "")
        yield "</span>"
    yield "</div>"


def _bars(layout: Grid, bars: Iterable[Bar], label: str) -> Iterator[str]:
    for bar in bars:
        ends = f"{' opens' if bar.opens else ''}{' closes' if bar.closes else ''}"
        what = f"{KINDS[bar.kind]}, {span(bar.start, bar.end, layout.zone)}"
        hover = f"{label}: {what}" if label else what
        yield _piece(f"{_CLASSES[bar.kind]}{ends}", bar.span, hover)


def _piece(classes: str, place: Span, hover: str = "") -> str:
    title = f' title="{markup(hover)}"' if hover else ""
    return (
        f'<i class="{classes}" style="left:{_percent(place.left)};'
        f'width:{_percent(place.width)}"{title}></i>'
    )


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.3f}".rstrip("0").rstrip(".") + "%"


def _legend(layout: Grid) -> str:
    found = [(_CLASSES[kind], KINDS[kind]) for kind in layout.kinds]
    if layout.slots:
        found.append(("free", KINDS["SLOT"]))
    if layout.has_hours:
        found.append(("paper", "Working hours"))
    if layout.has_outside:
        found.append(("outside", "Not asked for"))
    entries = "".join(f'<li><i class="{name}"></i>{words}</li>' for name, words in found)
    return f'<ul class="extcal-legend" aria-hidden="true">{entries}</ul>' if entries else ""


def _table(layout: Grid) -> str:
    lines = "".join(
        f"<tr><td><bdi>{markup(who)}</bdi></td><td>{markup(what)}</td><td>{markup(when)}</td></tr>"
        for who, what, when in facts(layout)
    )
    lines = lines or '<tr><td colspan="3">Nothing is marked in this time.</td></tr>'
    return (
        "<details><summary>The same as a table</summary><table><thead><tr>"
        '<th scope="col">Who</th><th scope="col">What</th><th scope="col">When</th>'
        f"</tr></thead><tbody>{lines}</tbody></table></details>"
    )
