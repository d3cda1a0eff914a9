"""The language, the dates and the clock of pictures and tables: English and 24 hours, unless told.

In: the ``locale=`` of a drawing, such as ``"de"`` or ``"en-US"``, or a
:class:`~extcal.messages.languages.Catalogue` of the host. Out: what :func:`current` gives while
the drawing is made. Dates and times of a locale come from Babel (``extcal[locale]``); nothing here
reads the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from extcal.messages.languages import Catalogue

__all__ = ["Spoken", "current", "speaking"]


class Spoken:
    """How one locale writes sentences, days and times.

    ``words``: its sentences. ``dates``: a Babel Locale. ``first_weekday``: 0 for Monday.
    """

    def __init__(self, words: Catalogue, dates: Any) -> None:
        self.words = words
        self._dates = dates
        self.tag = words.language
        self.first_weekday: int = dates.first_week_day
        self._halves = "a" in dates.time_formats["short"].pattern  # AM and PM, not 24 hours

    def day(self, day: date) -> str:
        """Such as ``Mo., 4. Jan.`` or ``Mon, Jan 4``."""
        from babel.dates import format_skeleton

        return format_skeleton("MMMEd", datetime(day.year, day.month, day.day), locale=self._dates)

    def dated(self, day: date, form: str) -> str:
        """A date: ``"full"``, ``"long"``, ``"EEEE"`` for its weekday, or with the fields of a
        skeleton of Unicode's LDML such as ``"yMMMM"``.
        """
        from babel.dates import format_date, format_skeleton

        if form in ("full", "long", "EEEE"):
            return format_date(day, form, locale=self._dates)
        return format_skeleton(form, datetime(*day.timetuple()[:3]), locale=self._dates)

    def weekday(self, day: date) -> str:
        """The shortest name that is not ambiguous, such as ``Mo`` or ``Mon``."""
        names: dict[int, str] = self._dates.days["stand-alone"]["short"]
        return names[day.weekday()].rstrip(".")

    def clock(self, at: time) -> str:
        """Such as ``09:30`` or ``9:30 AM``."""
        from babel.dates import format_time

        return format_time(at, "short", locale=self._dates).replace("\u202f", " ")

    def hour(self, hour: int) -> str:
        """One of 0 to 24 on a scale, such as ``9`` or ``9 AM``."""
        if not self._halves:
            return str(hour)
        from babel.dates import format_skeleton

        at = datetime(2000, 1, 1, hour % 24)
        return format_skeleton("h", at, locale=self._dates).replace("\u202f", " ")

    def midnight(self) -> str:
        """The end of a day: ``24:00``, where there are 24 hours."""
        return self.clock(time()) if self._halves else "24:00"


_SPOKEN: ContextVar[Spoken | None] = ContextVar("extcal.messages.spoken", default=None)


def current() -> Spoken | None:
    """What the drawing that is being made speaks; None for English with 24 hours."""
    return _SPOKEN.get()


@contextmanager
def speaking(locale: str | Catalogue | None) -> Iterator[None]:
    """Everything that is drawn inside speaks ``locale``.

    Raises ImportError without Babel, and ValueError for a locale that Babel does not know or whose
    language neither comes with extcal nor was brought as a Catalogue.
    """
    if locale is None:
        yield
        return
    token = _SPOKEN.set(_spoken(locale))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def _spoken(locale: str | Catalogue) -> Spoken:
    from extcal.messages.languages import Catalogue, catalogue

    if not isinstance(locale, str | Catalogue):
        raise TypeError(f"locale takes a tag such as 'de-CH', not {type(locale).__name__}")
    words = catalogue(locale) if isinstance(locale, str) else locale
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError:
        raise ImportError(
            "locale= needs Babel: pip install 'extcal[locale]'", name="babel"
        ) from None
    try:
        return Spoken(words, Locale.parse(words.language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"{words.language!r} is not a locale that Babel knows") from None
