"""Colours and patterns. Each type has both, so that one of them is enough to recognise it.

HTML and SVG use the same names, as CSS custom properties: light by default, dark if the reader's
system or the page around it is dark, and the system's own colours if the reader has forced them.
Text has a contrast of at least 4.5 to its background, and the parts that tell types apart one of
at least 3 (WCAG 2.2, success criteria 1.4.3 and 1.4.11); a test measures both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CLASSES", "DARK", "FONT", "FORCED", "LIGHT", "palette"]

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif"

CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "BUSY-UNAVAILABLE": "away",
        "BUSY": "busy",
        "BUSY-TENTATIVE": "tent",
        "WORKING-ELSEWHERE": "else",
        "FREE": "open",
        "UNKNOWN": "unknown",
        "SLOT": "free",
        "HOURS": "hours",
        "OUTSIDE": "outside",
        "NOW": "now",
    }
)
"""The class of a rectangle by what it shows."""

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "back": "#ffffff",  # behind everything
        "paper": "#ffffff",  # working hours, or all hours if none are given
        "dim": "#eceff4",  # outside working hours
        "outside": "#d5dae3",  # not part of the window
        "line": "#dce0e8",
        "edge": "#c3c9d4",
        "text": "#1d2433",
        "soft": "#566074",
        "busy": "#3f5fd0",
        "busy-text": "#ffffff",
        "tent": "#5f7ade",  # the stripes of tentative
        "tent-back": "#e4eafd",
        "tent-text": "#1d2433",
        "away": "#8f2fa8",  # unavailable
        "away-line": "#d9a8e4",
        "away-text": "#ffffff",
        "else": "#a86a00",  # working elsewhere: dots
        "else-back": "#fdf2db",
        "else-text": "#1d2433",
        "unknown": "#737d8f",  # a net of thin lines
        "unknown-back": "#e9ecf1",
        "free": "#178048",
        "now": "#c62828",  # a line
    }
)

DARK: Mapping[str, str] = MappingProxyType(
    {
        "back": "#171b22",
        "paper": "#272e3b",
        "dim": "#1a1f28",
        "outside": "#0b0d11",
        "line": "#38414f",
        "edge": "#465062",
        "text": "#e8ebf1",
        "soft": "#a8b2c2",
        "busy": "#8199f6",
        "busy-text": "#10141c",
        "tent": "#7b92ee",
        "tent-back": "#29345c",
        "tent-text": "#f2f4f8",
        "away": "#d58be8",
        "away-line": "#6f3180",
        "away-text": "#170b1b",
        "else": "#e0a23c",
        "else-back": "#40341d",
        "else-text": "#f2f4f8",
        "unknown": "#98a2b4",
        "unknown-back": "#2c333f",
        "free": "#4ccb88",
        "now": "#ff8a80",
    }
)

FORCED: Mapping[str, str] = MappingProxyType(
    {
        "back": "Canvas",
        "paper": "Canvas",
        "dim": "Canvas",
        "outside": "GrayText",
        "line": "GrayText",
        "edge": "CanvasText",
        "text": "CanvasText",
        "soft": "CanvasText",
        "busy": "CanvasText",
        "busy-text": "Canvas",
        "tent": "CanvasText",
        "tent-back": "Canvas",
        "tent-text": "CanvasText",
        "away": "CanvasText",
        "away-line": "Canvas",
        "away-text": "Canvas",
        "else": "CanvasText",
        "else-back": "Canvas",
        "else-text": "CanvasText",
        "unknown": "CanvasText",
        "unknown-back": "Canvas",
        "free": "Highlight",
        "now": "Highlight",
    }
)

# How pages say that they are dark or light, whatever the system is: JupyterLab, VS Code, Sphinx
# themes, Bootstrap.
_DARK_PAGES = "[data-jp-theme-light=false],[data-theme=dark],[data-bs-theme=dark],.vscode-dark"
_LIGHT_PAGES = "[data-jp-theme-light=true],[data-theme=light],[data-bs-theme=light],.vscode-light"


def palette(name: str) -> str:
    """The CSS that defines the sets of colours for a class, and chooses among them."""
    light = f"{{{_properties(LIGHT)};color-scheme:light}}"
    dark = f"{{{_properties(DARK)};color-scheme:dark}}"
    return (
        f".{name}{light}"
        f"@media screen and (prefers-color-scheme:dark){{.{name}{dark}}}"
        f":is({_LIGHT_PAGES}) .{name}{light}"
        f"@media screen{{:is({_DARK_PAGES}) .{name}{dark}}}"
        # The class three times, so that this is more specific than the rules above.
        f"@media (forced-colors:active){{.{name}.{name}.{name}{{{_properties(FORCED)}}}}}"
    )


def _properties(colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
