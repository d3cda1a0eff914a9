"""The style sheet of the HTML fragment. It depends only on the number of columns of a line.

The fragment is one table, or one per week. With style sheets it is drawn as a picture, without
them it is a table of words. A page may have its own rules for tables (notebooks have some). They
do not win, because every selector here begins with the fragment's class.
"""

from __future__ import annotations

from extcal.draw.colours import FONT, palette

__all__ = ["stylesheet"]

_NAME_ROOM = 150
_DAY_ROOM = 104
_WEEK_ROOM = 210

_HIDDEN = (
    "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
)

_BASE = """
.extcal-grid{container-type:inline-size;margin:0;padding:14px 16px 12px;border-radius:10px;
background:var(--back);color:var(--text);font:13px/1.35 FONT;border:1px solid var(--line);
text-align:left;direction:ltr;box-sizing:border-box;min-width:0;max-width:100%}
.extcal-grid *{box-sizing:border-box}
.extcal-grid figcaption{display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline;
justify-content:space-between;margin:0 0 8px;padding:0;text-align:left;color:var(--text);
font-style:normal}
.extcal-grid figcaption b{font-size:16px;font-weight:650;letter-spacing:-.01em;
overflow-wrap:anywhere}
.extcal-grid figcaption span,.extcal-grid small,.extcal-grid summary{color:var(--soft);
font-size:12px}
.extcal-grid .tbl{display:grid;grid-template-columns:88px minmax(0,1fr);
grid-auto-rows:minmax(30px,auto);isolation:isolate;
width:100%;margin:0;padding:0;border:0;border-spacing:0;background:none;color:inherit;
font-size:13px;table-layout:auto}
.extcal-grid .tbl+.tbl{margin-top:14px}
.extcal-grid :is(thead,tbody,tr){display:contents}
.extcal-grid .tbl :is(.who,.col,.name,.cell){border:0;padding:0;margin:0;background:none;
color:inherit;min-width:0;max-width:none;text-align:left;vertical-align:top;font-weight:400;line-height:1.2}
.extcal-grid .tbl .who{HIDDEN}
.extcal-grid .tbl .col{grid-column:1/-1;grid-row:calc((var(--d) - 1)*(var(--n) + 1) + 1);
padding:10px 0 0;white-space:nowrap}
.extcal-grid .col b{display:block;font-weight:600;overflow:hidden;text-overflow:ellipsis}
.extcal-grid .ticks{display:block;position:relative;height:15px;margin-left:88px;
width:calc((100% - 88px)*var(--w,1));font-size:10.5px;
color:var(--soft);font-variant-numeric:tabular-nums}
.extcal-grid .ticks span{position:absolute;top:1px;transform:translateX(-50%)}
.extcal-grid .ticks .at{transform:none;padding-left:2px;font-size:9.5px}
.extcal-grid .tbl .name{HIDDEN}
.extcal-grid .name :is(bdi,small){display:block;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}
.extcal-grid .name small{font-size:10.5px}
.extcal-grid .tbl .cell{position:relative;grid-column:2;width:calc(100%*var(--w,1));
grid-row:calc((var(--d) - 1)*(var(--n) + 1) + 1 + var(--p));
min-height:calc(var(--lanes,1)*var(--lane,24px) + 10px);border:1px solid var(--edge);
border-width:1px 1px 0 1px;border-top-color:var(--line);background:var(--paper)}
.extcal-grid .tbl .dim{background-color:var(--dim)}
.extcal-grid .tbl .end{border-bottom-width:1px}
.extcal-grid .tbl .top{border-top-color:var(--edge)}
.extcal-grid .cell::before,.extcal-grid .cell::after{position:absolute;left:-89px;width:82px;
white-space:nowrap;overflow:hidden;text-overflow:ellipsis;unicode-bidi:plaintext}
.extcal-grid .cell::before{content:attr(data-who);content:attr(data-who)/"";
top:50%;transform:translateY(-50%);white-space:normal;overflow-wrap:anywhere;
display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;line-height:1.15}
.extcal-grid .dense .cell::before{-webkit-line-clamp:1}
.extcal-grid .tbl .noted{min-height:48px}
.extcal-grid .noted::before{top:calc(50% - 21px);transform:none;-webkit-line-clamp:1}
.extcal-grid .noted::after{content:attr(data-note);content:attr(data-note)/"";font-size:10.5px;
color:var(--soft);top:calc(50% - 5px);white-space:normal;max-height:26px}
.extcal-grid .dense{grid-auto-rows:minmax(22px,auto)}
.extcal-grid .dense .cell.cell{--lane:16px;min-height:calc(var(--lanes,1)*16px + 6px)}
.extcal-grid .dense :is(.cell,.name){font-size:12px}
.extcal-grid .dense .cell.noted{min-height:48px}
.extcal-grid i{position:absolute;display:block;z-index:2;height:calc(100% - 10px);
top:calc(var(--l,0)*var(--lane,24px) + 5px);min-width:5px;font-style:normal;overflow:hidden;
margin:0;padding:0}
.extcal-grid .dense i{top:calc(var(--l,0)*var(--lane,24px) + 3px);height:calc(100% - 6px)}
.extcal-grid i.mark{height:calc(var(--lane,24px) - 2px);
top:calc(var(--l,0)*var(--lane,24px) + 6px)}
.extcal-grid i.opens{border-top-left-radius:4px;border-bottom-left-radius:4px}
.extcal-grid i.closes{border-top-right-radius:4px;border-bottom-right-radius:4px}
.extcal-grid i b,.extcal-grid .say{HIDDEN;font-weight:400}
.extcal-grid u{display:block;width:fit-content;max-width:calc(100% - 4px);padding:0 4px;
border-radius:3px;font-size:11px;line-height:18px;margin:2px;white-space:nowrap;overflow:hidden;
text-decoration:none;text-overflow:ellipsis}
.extcal-grid .beside{position:absolute;z-index:2;margin:0;padding:0 3px;
top:calc(var(--l,0)*var(--lane,24px) + 8px)}
.extcal-grid i[class]{forced-color-adjust:none;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.extcal-grid .cell,.extcal-grid .sample{print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.extcal-grid .busy{background:var(--busy);z-index:5}
.extcal-grid .away{background:repeating-linear-gradient(0deg,var(--away) 0 4px,
var(--away-line) 4px 6px);z-index:6}
.extcal-grid .tent{background:repeating-linear-gradient(135deg,var(--tent) 0 3px,
var(--tent-back) 3px 7px);box-shadow:inset 0 0 0 1px var(--tent);z-index:4}
.extcal-grid .else{background:radial-gradient(circle,var(--else) 1.2px,
transparent 1.6px) 0 0/6px 6px,var(--else-back);box-shadow:inset 0 0 0 1px var(--else);z-index:3}
.extcal-grid .open{background:var(--paper);outline:1px dashed var(--soft);outline-offset:-1px;
z-index:3}
.extcal-grid .unknown{background:repeating-linear-gradient(45deg,var(--unknown) 0 1px,
transparent 1px 6px),repeating-linear-gradient(135deg,var(--unknown) 0 1px,transparent 1px 6px),
var(--unknown-back)}
.extcal-grid .cell .unknown{top:0;height:100%;border-radius:0}
.extcal-grid .busy u{background:var(--busy);color:var(--busy-text)}
.extcal-grid .away u{background:var(--away);color:var(--away-text)}
.extcal-grid .tent u{background:var(--tent-back);color:var(--tent-text)}
.extcal-grid .else u{background:var(--else-back);color:var(--else-text)}
.extcal-grid .open u{background:var(--paper);color:var(--text)}
.extcal-grid .tbl .slots{background:none;pointer-events:none;z-index:1;
grid-row:calc((var(--d) - 1)*(var(--n) + 1) + 2)/span var(--n)}
.extcal-grid .slots::before{top:8px;transform:none;-webkit-line-clamp:1}
.extcal-grid .dense .slots::before{top:3px}
.extcal-grid s{position:absolute;top:-1px;bottom:0;width:2px;margin-left:-1px;background:var(--now);
z-index:7;pointer-events:none;text-decoration:none}
.extcal-grid .slots i{top:0;height:100%;pointer-events:auto;border-radius:3px;z-index:1;
background:color-mix(in srgb,var(--free) 13%,transparent);
box-shadow:inset 0 0 0 1.5px var(--free)}
.extcal-grid .slots i::before{content:"";position:absolute;left:0;right:0;top:0;height:30px;
background:var(--free)}
.extcal-grid .dense .slots i::before{height:22px}
.extcal-legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12px;color:var(--soft)}
.extcal-grid .extcal-legend{margin:12px 0 0;padding:0}
.extcal-grid .extcal-legend span{display:flex;align-items:center;gap:6px}
.extcal-grid .extcal-legend i{position:static;flex:none;width:24px;height:14px;border-radius:3px}
.extcal-grid .extcal-legend .free{background:var(--free)}
.extcal-grid .extcal-legend .paper{background:var(--paper);border:1px solid var(--edge)}
.extcal-grid .extcal-legend .outside{background:var(--outside)}
.extcal-grid .extcal-legend .now{width:2px;min-width:2px;margin:0 11px;background:var(--now)}
.extcal-grid details{margin:8px 0 0;padding:0;border:0;background:none}
.extcal-grid summary{cursor:pointer;width:max-content;max-width:100%}
.extcal-grid:has([open]) .tbl{display:block;overflow-x:auto;
background:linear-gradient(90deg,var(--back) 30%,transparent) 0/36px 100% no-repeat local,
linear-gradient(270deg,var(--back) 30%,transparent) 100%/36px 100% no-repeat local,
linear-gradient(90deg,var(--edge),transparent) 0/12px 100% no-repeat scroll,
linear-gradient(270deg,var(--edge),transparent) 100%/12px 100% no-repeat scroll}
.extcal-grid:has([open]) s,.extcal-grid .reach{display:none}
.extcal-grid:has([open]) .reach{display:inline}
.extcal-grid:has([open]) thead{display:table-header-group}
.extcal-grid:has([open]) tbody{display:table-row-group}
.extcal-grid:has([open]) tr{display:table-row}
.extcal-grid:has([open]) .tbl :is(.col,.name,.cell,.who){display:table-cell;
position:static;width:auto;height:auto;overflow:visible;clip-path:none;white-space:normal;background:none!important;
border:0 solid var(--line);border-bottom-width:1px;padding:5px 14px 5px 0;font-size:12px;
pointer-events:auto;min-width:0}
.extcal-grid:has([open]) :is(.cell,.name,.slots)::before,.extcal-grid:has([open]) .cell::after,
.extcal-grid:has([open]) i::before{content:none}
.extcal-grid:has([open]) .ticks{display:none}
.extcal-grid:has([open]) .cell :is(i,b,.say){position:static;display:block;width:auto!important;
height:auto;background:none;box-shadow:none;overflow:visible;clip-path:none;white-space:normal}
.extcal-grid:has([open]) u{display:none}
.extcal-grid:has([open]) .tbl .cell{min-width:120px}
@media (forced-colors:active){.extcal-grid .cell{background-image:none!important}
.extcal-grid .free,.extcal-grid .slots i{background:none;outline:2px solid Highlight;
outline-offset:-2px}}
@media print{.extcal-grid{break-inside:auto}.extcal-grid .tbl{break-inside:avoid}
.extcal-grid details{display:none}}
"""

# If every column has this much room, columns are side by side, and each name is shown once.
_WIDE = """
@container (min-width:ROOM){
.extcal-grid.wCOLUMNS:not(:has([open])) .tbl{grid-template-columns:minmax(NAMES,max-content)
repeat(COLUMNS,minmax(0,1fr))}
.extcal-grid.wCOLUMNS:not(:has([open])) .col{grid-column:calc(var(--d) + 1);
grid-row:1;padding:0 0 0 3px}
.extcal-grid.wCOLUMNS:not(:has([open])) .ticks{margin-left:-3px;
width:calc((100% + 3px)*var(--w,1))}
.extcal-grid.wCOLUMNS:not(:has([open])) .name{position:static;width:auto;height:auto;clip-path:none;
grid-column:1;grid-row:calc(var(--p) + 1);display:flex;flex-direction:column;
justify-content:center;padding:0 10px 0 0;border-top:1px solid var(--line);
max-width:max(NAMES,24cqw)}
.extcal-grid.wCOLUMNS:not(:has([open])) .cell{grid-column:calc(var(--d) + 1);
grid-row:calc(var(--p) + 1);border-left-width:0}
.extcal-grid.wCOLUMNS:not(:has([open])) .noted{min-height:34px}
.extcal-grid.wCOLUMNS:not(:has([open])) .cell.first{border-left-width:1px}
.extcal-grid.wCOLUMNS:not(:has([open])) .slots{grid-row:2/span var(--n)}
.extcal-grid.wCOLUMNS:not(:has([open])) .cell::before,
.extcal-grid.wCOLUMNS:not(:has([open])) .cell::after{content:none}
}
"""


def stylesheet(columns: int, timeline: bool) -> str:
    """The whole style sheet, for lines of ``columns`` days, or of weeks in a ``timeline``."""
    room = _NAME_ROOM + (columns * _WEEK_ROOM if timeline else max(columns, 3) * _DAY_ROOM)
    wide = _WIDE.replace("ROOM", f"{room}px").replace("NAMES", f"{_NAME_ROOM}px")
    wide = wide.replace("wCOLUMNS", f"w{columns}{'w' if timeline else 'd'}")
    wide = wide.replace("COLUMNS", str(columns))
    base = _BASE.replace("FONT", FONT).replace("HIDDEN", _HIDDEN)
    return palette("extcal-grid") + (base + wide).replace("\n", " ")
