"""What a FreeBusy looks like: an HTML fragment, an SVG document, the picture in a notebook."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from extcal.intervals.asked import WithZone
from extcal.intervals.merge import BusySpan, Span
from extcal.intervals.types import Period

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.intervals.views.drawing import Form
    from extcal.intervals.working_hours.hours import WorkingHours
    from extcal.messages.languages import Catalogue

__all__ = ["Drawable"]


class Drawable(WithZone):
    """Free/busy time that draws itself: types and times, never titles."""

    __slots__ = ()

    @property
    @abstractmethod
    def window_epochs(self) -> tuple[int, int]:
        """The window as ``(start, end)`` in epoch seconds."""

    @property
    @abstractmethod
    def epochs(self) -> tuple[BusySpan, ...]:
        """The busy periods as ``(start, end, code)`` in epoch seconds."""

    @property
    @abstractmethod
    def unknown_epochs(self) -> tuple[Span, ...]:
        """The unknown parts as ``(start, end)`` in epoch seconds."""

    def to_html(
        self,
        timezone: str | tzinfo | None = None,
        hours: WorkingHours | None = None,
        slots: Iterable[Period] = (),
        title: str = "",
        *,
        name: str = "Availability",
        now: datetime | None = None,
        locale: str | Catalogue | None = None,
    ) -> str:
        """Return a picture of this as one self-contained HTML fragment: types and times.

        ``timezone``: whose days to show, an IANA name or a tzinfo; else the zone of the question.
        ``hours`` are shaded, ``slots`` (Periods) and ``now`` marked; ``name`` is beside the row,
        ``title`` above. ``locale``: such as ``"de"`` or ``"en-US"`` (needs ``extcal[locale]``).
        Raises ValueError for an unknown zone or locale, or a window of more than 400 days: clip it.
        """
        return self._drawn("html", timezone, hours, slots, title, name, now, locale)

    def to_svg(
        self,
        timezone: str | tzinfo | None = None,
        hours: WorkingHours | None = None,
        slots: Iterable[Period] = (),
        title: str = "",
        *,
        name: str = "Availability",
        now: datetime | None = None,
        locale: str | Catalogue | None = None,
    ) -> str:
        """Return the same as an SVG document; the arguments are those of :meth:`to_html`."""
        return self._drawn("svg", timezone, hours, slots, title, name, now, locale)

    def _drawn(
        self,
        form: Form,
        timezone: str | tzinfo | None,
        hours: WorkingHours | None,
        slots: Iterable[Period],
        title: str,
        name: str,
        now: datetime | None,
        locale: str | Catalogue | None,
    ) -> str:
        from extcal.intervals.views.drawing import drawn, row_of

        rows = [row_of(name, self.epochs, self.unknown_epochs)]
        zone = timezone or self._zone or UTC
        return drawn(form, rows, self.window_epochs, zone, hours, slots, title, now, locale)

    def _repr_html_(self) -> str | None:
        """Draw this in a notebook; a window that is too long to draw is shown as text."""
        from extcal.intervals.views.drawing import LONGEST

        lo, hi = self.window_epochs
        return self.to_html() if hi - lo <= LONGEST else None
