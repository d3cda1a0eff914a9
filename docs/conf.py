"""How Sphinx builds this site: offline, from Markdown, and from the docstrings of extcal.

`make docs` writes it to build/docs. A warning is an error there, and so is a reference to a name of
extcal that leads nowhere; names of other projects are not looked up, because that would need a
network.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import extcal

PUBLIC = frozenset(extcal.__all__)
ROOT = Path(__file__).resolve().parent.parent

project = "extcal"
author = "the authors of extcal"
copyright = "the authors of extcal"
version = release = extcal.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
]
exclude_patterns = ["_static", "images"]
needs_sphinx = "8.1"
nitpicky = True
# Without inventories of other projects, only names of extcal can be checked.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!extcal\.).*"),
    # What a signature shows, and nobody has to know.
    (r"py:class", r"extcal\.cache\.options\._Fetcher"),
    (r"py:class", r"extcal\.fetch\.feed\.SealedUrl"),
    (r"py:class", r"extcal\.fetch\.address\.url\.(Refusal|Url)"),
    (r"py:class", r"extcal\.formats\.(google\.Google|graph\.Graph|records\.Has)\w+"),
    (r"py:class", r"extcal\.contrib\.django\.(fields\._Assigned|forms\.FeedAddressInput)"),
    (r"py:class", r"extcal\.ical\.events\.external_event\.EventRow"),
    (r"py:class", r"extcal\.ical\.parse\.source\.SupportsToIcal"),
    (r"py:class", r"extcal\.messages\.languages\.Catalogue"),
    (r"py:class", r"extcal\.testing\.(faults\.Fault|server\.Reply)"),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings: list[str] = []

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
python_display_short_literal_types = True
toc_object_entries_show_parents = "hide"
autosummary_generate = False
add_module_names = False

html_theme = "furo"
html_title = f"extcal {release}"
html_static_path = ["_static"]
html_css_files = ["extcal.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
# A copied session has neither its prompts nor its outputs.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# On a code host these pages lie beside the docs; on the site they are pages of it.
_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/reporting.md",
    "examples/host_app/README.md": "guides/host.md",
}
# Pages that only point to a file elsewhere, where a code host shows it; the site shows it itself.
_SHOWN = {"guides/host": ROOT / "examples" / "host_app" / "README.md"}
_LINK = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<path>[\w./-]+\.md)\)")
_RELATIVE = re.compile(r"\]\((?P<target>(?!https?:|#)[^)]+)\)")
_NAMED = r"``\w+``(?:, ``\w+``)*(?: and ``\w+``)?"
_ARGUMENT = re.compile(rf"{_NAMED}:\s")
_ARGUMENTS = re.compile(rf"(?<=[.)]) (?={_NAMED}(?::| are| is)\s)")
_AFTERWARDS = re.compile(r"(?<=\.) (?=(?:Raises|The other arguments) )")
_CONSTANT = re.compile(r"(?<== )_[A-Z_]+\b")
_MADE = {"extcal.Availability", "extcal.Snapshot"}


def _links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Links that leave the docs lead to the page that includes the file, or to the file itself."""
    if docname in _SHOWN:
        app.env.note_dependency(str(_SHOWN[docname]))
        source[0] = _from_elsewhere(_SHOWN[docname], docname)
        return
    depth = docname.count("/")

    def target(match: re.Match[str]) -> str:
        if match["up"].count("../") != depth + 1:
            return match[0]
        page = _PAGES.get(match["path"])
        if page is not None:
            return f"]({'../' * depth}{page})"
        return f"](path:{match['up']}{match['path']})"

    source[0] = _LINK.sub(target, source[0])


def _from_elsewhere(file: Path, docname: str) -> str:
    """The text of ``file``, whose relative links are made those of the page ``docname``."""
    home = (ROOT / "docs" / docname).parent

    def target(match: re.Match[str]) -> str:
        found = (file.parent / match["target"]).resolve()
        way = os.path.relpath(found, home)
        return f"]({way})" if found.is_relative_to(ROOT / "docs") else f"](path:{way})"

    return _RELATIVE.sub(target, file.read_text("utf-8"))


def _signature(
    app: Sphinx, kind: str, name: str, found: object, options: object, *signature: str | None
) -> tuple[str | None, str | None] | None:
    """Values that only extcal makes show no way to make them; defaults show what they are."""
    if name in _MADE:
        return "", ""
    module = sys.modules.get(getattr(found, "__module__", ""))

    def value(match: re.Match[str]) -> str:
        default = getattr(module, match[0], None)
        if not isinstance(default, timedelta):
            return "..."
        seconds = round(default.total_seconds())
        unit, count = ("seconds", seconds) if seconds % 60 else ("minutes", seconds // 60)
        return f"timedelta({unit}={count})"

    arguments, returned = signature
    return (arguments and _CONSTANT.sub(value, arguments)), returned


def _arguments(
    app: Sphinx, kind: str, name: str, found: object, options: object, lines: list[str]
) -> None:
    """Docstrings name one argument after the other in a paragraph; a page lists them."""
    paragraphs = "\n".join(lines).split("\n\n")
    said = [paragraph.strip() for paragraph in paragraphs]
    if said[0].startswith("Alias for field number") or said == _own_words(found):
        # What Python says of every named tuple, set or union is nothing about this one.
        paragraphs = []
    for place, paragraph in enumerate(paragraphs):
        if _ARGUMENT.match(paragraph):
            listed, *afterwards = _AFTERWARDS.split(" ".join(paragraph.split()), maxsplit=1)
            items = [f"- {item}" for item in _ARGUMENTS.split(listed)]
            paragraphs[place] = "\n\n".join(["\n".join(items), *afterwards])
    lines[:] = "\n\n".join(paragraphs).split("\n")


def _own_words(found: object) -> list[str]:
    """The docstring of the type of a value, in paragraphs."""
    text = inspect.cleandoc(type(found).__doc__ or "")
    return [paragraph.strip() for paragraph in text.split("\n\n")]


def _known(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """``extcal.fetch.Feed`` is ``extcal.Feed``: every public name is described once."""
    room, _, name = str(node.get("reftarget", "")).rpartition(".")
    if node.get("refdomain") != "py" or not room.startswith("extcal.") or name not in PUBLIC:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", f"extcal.{name}", node, content
    )


_NO_HEADER = re.compile(r"<th( class=\"head[^\"]*\")><p></p></th>")
_LONG_SIGNATURE = re.compile(r'<dl>\s*((?:<dd><em class="sig-param">.*?</dd>\s*)+)</dl>', re.DOTALL)
# What Sphinx and the theme write, and what a reader without a mouse or without eyes needs.
_MENDED = (
    # What scrolls can be reached with the keyboard.
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
    ('role="heading"><span class="caption-text">', 'role="heading" aria-level="2"><span>'),
    ('<div id="search-results">', '<h1>Search</h1><div id="search-results">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Pages">'),
    ('<aside class="toc-drawer', '<aside aria-label="This page" class="toc-drawer'),
)


def _accessible(app: Sphinx, exception: Exception | None) -> None:
    """Mend the written pages so that axe finds nothing: tools/axe.py looks at them."""
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text("utf-8")
        for written, meant in _MENDED:
            text = text.replace(written, meant)
        # A cell without words is no header, and a signature over several lines no list.
        text = _NO_HEADER.sub(r"<td\1></td>", text)
        text = _LONG_SIGNATURE.sub(_as_lines, text)
        path.write_text(text, "utf-8")


def _as_lines(match: re.Match[str]) -> str:
    lines = match[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">{lines}</span>'


def setup(app: Sphinx) -> None:
    """Connect the hooks above."""
    app.connect("source-read", _links)
    app.connect("autodoc-process-docstring", _arguments)
    app.connect("autodoc-process-signature", _signature)
    app.connect("missing-reference", _known)
    app.connect("build-finished", _accessible)
