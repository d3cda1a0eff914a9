"""Draw docs/images/house.svg: the rooms of src/extcal, their modules, and who imports whom.

    python tools/draw_house.py            # write the picture
    python tools/draw_house.py --check    # exit 1 if it would be another one

Everything in it is read from the import statements of the source. A room stands above the rooms
that it imports. Inside a room the folders stand from left to right, so that each imports only
folders to its left; an arc leads from a folder to one that it imports. An import that goes the
other way would be drawn in red.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "extcal"
PICTURE = ROOT / "docs" / "images" / "house.svg"

GROUND = "ground"  # modules right below src/extcal, but for the face
WIDTH, MARGIN, GAP = 1200, 16, 12
LINE, TITLE, PAD = 15, 24, 10
STYLE = """
svg { --back: #ffffff; --room: #f4f6f8; --edge: #8a97a5; --text: #1c2733; --arc: #3b6ea5; }
@media (prefers-color-scheme: dark) {
  svg { --back: #171b22; --room: #222936; --edge: #5d6878; --text: #e8ebf1; --arc: #86b4e8; }
}
text { font: 12px system-ui, sans-serif; fill: var(--text); }
.room { fill: var(--room); stroke: var(--edge); }
.folder, .back { fill: var(--back); }
.folder { stroke: var(--edge); }
.title { font-weight: 600; }
.name { font-size: 14px; font-weight: 700; }
.tip { fill: var(--arc); }
.arc { fill: none; stroke: var(--arc); stroke-width: 1.2; marker-end: url(#tip); }
.wrong { stroke: #d0405c; }
"""
LETTER = {"title": 7.3, "module": 6.5}  # how wide a letter is about

Graph = Mapping[str, set[str]]


def imports() -> dict[str, set[str]]:
    """Every module of extcal by its dotted name, and the modules of extcal that it imports."""
    names = {_dotted(path): path for path in SOURCE.rglob("*.py")}
    return {
        name: {found for found in _imported(path, names) if found != name}
        for name, path in sorted(names.items())
    }


def _dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, names: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in names else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)


def room_of(module: str) -> str:
    """``extcal.ical.parse.source`` stands in the room ``ical``, ``extcal.limits`` on the ground."""
    parts = module.split(".")
    if len(parts) < 2:
        return ""
    return parts[1] if (SOURCE / parts[1]).is_dir() else GROUND


def folder_of(module: str) -> str:
    """Its folder inside its room; a module right in the room stands for itself."""
    parts = module.split(".")
    if room_of(module) == GROUND:
        return parts[1]
    return parts[2] if len(parts) > 2 else ""


def lift(graph: Graph, key: object) -> dict[str, set[str]]:
    """The same imports between the groups that ``key`` names; "" is left out."""
    assert callable(key)
    lifted: dict[str, set[str]] = {}
    for module, found in graph.items():
        if group := key(module):
            inner = {key(other) for other in found} - {"", group}
            lifted.setdefault(group, set()).update(inner)
    return lifted


def floors(graph: Graph) -> list[list[str]]:
    """The groups by height: each imports only groups of floors before its own, if that is possible.

    A circle cannot be laid out; what is in one stands on the last floor.
    """
    left, found, below = dict(graph), [], set[str]()
    while left:
        floor = sorted(name for name, needs in left.items() if not (needs & graph.keys()) - below)
        floor = floor or sorted(left)
        found.append(floor)
        below.update(floor)
        for name in floor:
            del left[name]
    return found


class Drawing:
    """Lines of SVG, from the top of the picture to its end."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.y = MARGIN

    def text(self, x: float, y: float, text: str, kind: str, room: float = WIDTH) -> None:
        """``text``, pressed together where it would be wider than ``room``."""
        fit = f' textLength="{room:g}" lengthAdjust="spacingAndGlyphs"'
        fit = fit if LETTER.get(kind, 0) * len(text) > room else ""
        self.lines.append(f'<text class="{kind}" x="{x:g}" y="{y:g}"{fit}>{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        self.lines.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
            ' rx="4"/>'
        )

    def arc(self, start: float, end: float, y: float, right: bool) -> None:
        """From an importer at ``start`` over the boxes to what it imports at ``end``."""
        lift = min(14 + abs(start - end) / 9, 60)
        kind = "arc" if right else "arc wrong"
        self.lines.append(
            f'<path class="{kind}" d="M{start:g} {y:g} C{start:g} {y - lift:g}'
            f' {end:g} {y - lift:g} {end:g} {y:g}"/>'
        )


def draw_room(drawing: Drawing, room: str, graph: Graph) -> None:
    """One room: its folders from left to right with their modules, and arcs between them."""
    here = {module for module in graph if room_of(module) == room}
    inside = {module: graph[module] & here for module in graph if module in here}
    folders = lift(inside, folder_of)
    order = [name for floor in floors(folders) for name in floor]
    modules = {name: _modules(name, inside) for name in order}
    has_arcs = any(folders[name] & folders.keys() for name in order)
    top = 62 if has_arcs and room != GROUND else 0
    width = (WIDTH - 2 * MARGIN - 2 * PAD - GAP * (len(order) - 1)) / max(len(order), 1)
    width = min(width, 230.0)
    tallest = max((len(found) for found in modules.values()), default=0)
    height = TITLE + PAD + (LINE * tallest if tallest else 0)
    drawing.box(MARGIN, drawing.y, WIDTH - 2 * MARGIN, TITLE + PAD + top + height + PAD, "room")
    drawing.text(MARGIN + PAD, drawing.y + 18, room, "name")
    y = drawing.y + TITLE + PAD + top
    middles = {}
    for number, name in enumerate(order):
        x = MARGIN + PAD + number * (width + GAP)
        middles[name] = x + width / 2
        drawing.box(x, y, width, height, "folder")
        drawing.text(x + 8, y + 17, name, "title", width - 16)
        for row, module in enumerate(modules[name]):
            drawing.text(x + 8, y + TITLE + PAD + LINE * row + 4, module, "module", width - 16)
    if top:
        for name in order:
            for other in sorted(folders[name] & middles.keys()):
                shift = 6 if middles[other] < middles[name] else -6
                right = order.index(other) < order.index(name)
                drawing.arc(middles[name] - shift, middles[other] + shift, y, right)
    drawing.y = int(y + height + PAD + GAP)


def _modules(folder: str, inside: Iterable[str]) -> list[str]:
    names = [
        module.split(".", 3)[3]
        for module in inside
        if len(module.split(".")) > 3 and folder_of(module) == folder
    ]
    return sorted(names)


def picture() -> str:
    """The whole SVG."""
    graph = imports()
    rooms = floors(lift(graph, room_of))
    drawing = Drawing()
    for floor in reversed(rooms):
        for room in floor:
            draw_room(drawing, room, graph)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {drawing.y}" role="img"'
        ' aria-label="The rooms of extcal: each imports only rooms below it">'
        f"<style>{STYLE}</style>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" class="tip"/></marker></defs>'
        f'<rect class="back" width="{WIDTH}" height="{drawing.y}"/>'
    )
    return "\n".join([head, *drawing.lines, "</svg>", ""])


def main(arguments: list[str]) -> int:
    drawn = picture()
    if "--check" in arguments:
        if PICTURE.exists() and PICTURE.read_text("utf-8") == drawn:
            return 0
        print(
            "docs/images/house.svg is not what the source looks like: make house", file=sys.stderr
        )
        return 1
    PICTURE.write_text(drawn, "utf-8")
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
