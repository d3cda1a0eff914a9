"""Free/busy time as rows of a picture: converts FreeBusy to the input of :mod:`extcal.draw`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Literal

from extcal.draw import Row, grid_html, grid_svg
from extcal.draw.words import clock, day_name
from extcal.intervals.instants import epoch, find_zone
from extcal.intervals.merge import BusySpan, Span
from extcal.intervals.types import Period, fbtype_of, period_span
from extcal.intervals.working_hours.hours import WorkingHours
from extcal.messages.pictures import said
from extcal.messages.spoken import speaking

if TYPE_CHECKING:
    from extcal.messages.languages import Catalogue

__all__ = ["LONGEST", "Form", "as_of", "drawn", "row_of"]

Form = Literal["html", "svg"]

LONGEST = 400 * 86_400
"""The longest window that is drawn, in seconds: see :func:`extcal.draw.grid_html`."""


def row_of(
    label: str,
    busy: Iterable[BusySpan],
    unknown: Sequence[Span],
    hours: Sequence[Span] | None = None,
    note: str = "",
) -> Row:
    """One person's row, in epoch seconds; ``hours`` are that person's own."""
    typed = [(start, end, fbtype_of(code).token) for start, end, code in busy]
    return Row(label, typed, unknown, note, hours)


def as_of(moment: datetime, timezone: str | tzinfo) -> str:
    """A note such as ``as of Mon 4 Jan 09:30``; ``moment`` is aware."""
    local = moment.astimezone(find_zone(timezone))
    return said("as-of", day=day_name(local), time=clock(local))


def drawn(
    form: Form,
    rows: Sequence[Row],
    window: tuple[int, int],
    timezone: str | tzinfo,
    hours: WorkingHours | None,
    slots: Iterable[Period],
    title: str,
    now: datetime | None = None,
    locale: str | Catalogue | None = None,
) -> str:
    """The picture of ``rows`` over ``window`` (epoch seconds), as an HTML fragment or an SVG.

    Raises ValueError for an unknown zone and for a window of more than 400 days.
    """
    lo, hi = window
    draw = grid_html if form == "html" else grid_svg
    with speaking(locale):
        return draw(
            rows,
            lo=lo,
            hi=hi,
            zone=find_zone(timezone),
            hours=hours.epochs(lo, hi) if hours is not None else (),
            slots=[period_span(slot) for slot in slots],
            title=title,
            now=None if now is None else epoch(now),
        )
