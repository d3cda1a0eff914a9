"""Colours and patterns, in one place: each type has both, so that neither has to be seen.

The same names serve HTML and SVG as CSS custom properties under ``.extcal-grid``, light by default
and dark where the reader's system asks for it.
"""

from __future__ import annotations

__all__ = ["FONT", "palette"]

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif"

_LIGHT = {
    "back": "#ffffff",  # behind everything
    "paper": "#ffffff",  # working hours, or all hours where none are given
    "dim": "#eef0f4",  # outside working hours
    "outside": "#dde1e8",  # not part of the window
    "line": "#d9dde5",
    "edge": "#c3c9d4",
    "text": "#1d2433",
    "soft": "#5a6579",
    "busy": "#3f5fd0",
    "tent": "#8ea4f0",  # the stripes of tentative
    "tent-back": "#dfe6fd",
    "away": "#8f2fa8",  # unavailable
    "away-line": "#b76bcb",
    "else": "#c07a00",  # working elsewhere: dots
    "else-back": "#fdf0d5",
    "unknown": "#a3abb9",
    "unknown-back": "#e7eaef",
    "free": "#1f9254",
}

_DARK = {
    "back": "#171b22",
    "paper": "#272e3b",
    "dim": "#1a1f28",
    "outside": "#0c0e12",
    "line": "#38414f",
    "edge": "#465062",
    "text": "#e8ebf1",
    "soft": "#a0aabb",
    "busy": "#7590f5",
    "tent": "#5a72c9",
    "tent-back": "#2a3560",
    "away": "#c56bdd",
    "away-line": "#8d3fa5",
    "else": "#e0a23c",
    "else-back": "#43361d",
    "unknown": "#6c7688",
    "unknown-back": "#2d3440",
    "free": "#4ccb88",
}


def palette() -> str:
    """The CSS that defines both sets of colours."""
    return (
        f".extcal-grid{{{_properties(_LIGHT)};color-scheme:light dark}}"
        f"@media(prefers-color-scheme:dark){{.extcal-grid{{{_properties(_DARK)}}}}}"
    )


def _properties(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
