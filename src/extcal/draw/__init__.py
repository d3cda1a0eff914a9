"""Availability as a picture, from primitives only: labels, epoch seconds, FBTYPE tokens.

In: rows of busy and unknown stretches, a window, the zone to show them in. Out: one self-contained
string, an HTML fragment or an SVG document, without scripts, in light and dark, with everything
escaped and a text for every stretch. Nothing here knows calendars, reads a clock or a locale.
"""

from __future__ import annotations

from extcal.draw.fragment import grid_html
from extcal.draw.picture import grid_svg
from extcal.draw.rows import DateMark, Mark, Row

__all__ = ["DateMark", "Mark", "Row", "grid_html", "grid_svg"]
