"""Availability as a picture, from primitives only: labels, epoch seconds, FBTYPE tokens.

In: rows of busy and unknown periods, a window, the zone to show them in. Out: one string, an HTML
fragment or an SVG document. It has no scripts, works in light and dark, contains everything it
needs, and has a text for every period; all text in it is escaped. Nothing here knows calendars, or
reads a clock or a locale.
"""

from __future__ import annotations

from extcal.draw.html_table import grid_html
from extcal.draw.rows import DateMark, Mark, Row
from extcal.draw.svg import grid_svg

__all__ = ["DateMark", "Mark", "Row", "grid_html", "grid_svg"]
