"""How Sphinx builds this site: offline, from Markdown, and from the docstrings of extcal.

`make docs` writes it to build/docs. A warning is an error there, and so is a reference to a name of
extcal that leads nowhere; names of other projects are not looked up, because that would need a
network.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import extcal

PUBLIC = frozenset(extcal.__all__)

project = "extcal"
author = "the authors of extcal"
copyright = "the authors of extcal"
version = release = extcal.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_static", "images"]
needs_sphinx = "8.1"
nitpicky = True
# Without inventories of other projects, only names of extcal can be checked.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!extcal\.).*"),
    # What a signature shows, and nobody has to know.
    (r"py:class", r"extcal\.fetch\.feed\.SealedUrl"),
    (r"py:class", r"extcal\.fetch\._url\.(Refusal|Url)"),
    (r"py:class", r"extcal\.formats\.records\.HasFreeBusy"),
    (r"py:class", r"extcal\.ical\.source\.SupportsToIcal"),
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
pygments_style = "friendly"
pygments_dark_style = "github-dark"

# On a code host these pages lie beside the docs; on the site they are pages of it.
_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/reporting.md",
}
_LINK = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<path>[\w./-]+\.md)\)")
_NAMED = r"``\w+``(?:, ``\w+``)*(?: and ``\w+``)?:\s"
_ARGUMENT = re.compile(_NAMED)
_ARGUMENTS = re.compile(rf"(?<=[.)]) (?={_NAMED})")
_MADE = {"extcal.Availability", "extcal.Snapshot", "extcal.ExternalEvent", "extcal.Expansion"}


def _links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Links that leave the docs lead to the page that includes the file, or to the file itself."""
    depth = docname.count("/")

    def target(match: re.Match[str]) -> str:
        if match["up"].count("../") != depth + 1:
            return match[0]
        page = _PAGES.get(match["path"])
        if page is not None:
            return f"]({'../' * depth}{page})"
        return f"](path:{match['up']}{match['path']})"

    source[0] = _LINK.sub(target, source[0])


def _signature(
    app: Sphinx, kind: str, name: str, found: object, options: object, *signature: str | None
) -> tuple[str, str] | None:
    """Values that only extcal makes show no way to make them."""
    return ("", "") if name in _MADE else None


def _arguments(
    app: Sphinx, kind: str, name: str, found: object, options: object, lines: list[str]
) -> None:
    """Docstrings name one argument after the other in a paragraph; a page lists them."""
    paragraphs = "\n".join(lines).split("\n\n")
    for place, paragraph in enumerate(paragraphs):
        if _ARGUMENT.match(paragraph):
            items = _ARGUMENTS.split(" ".join(paragraph.split()))
            paragraphs[place] = "\n".join(f"- {item}" for item in items)
    lines[:] = "\n\n".join(paragraphs).split("\n")


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


def setup(app: Sphinx) -> None:
    """Connect the hooks above."""
    app.connect("source-read", _links)
    app.connect("autodoc-process-docstring", _arguments)
    app.connect("autodoc-process-signature", _signature)
    app.connect("missing-reference", _known)
