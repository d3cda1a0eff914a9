"""Several people over one window, for the formats that answer for several people.

In: FreeBusy by name. Out: the window and the rows in epoch seconds. Time outside a person's own
window is unknown for that person.
"""

from __future__ import annotations

from collections.abc import Mapping

from extcal.arguments import one_of_type
from extcal.cache import Availability
from extcal.intervals import FreeBusy, Period, epoch
from extcal.values import NamedTuple

__all__ = ["PeopleTable", "PersonRow", "read_table"]


class PersonRow(NamedTuple):
    """One person: busy spans with their FBType codes, and unknown spans."""

    name: str
    busy: tuple[tuple[int, int, int], ...]
    unknown: tuple[tuple[int, int], ...]


class PeopleTable(NamedTuple):
    """The window from the earliest start to the latest end, and everybody's row."""

    lo: int
    hi: int
    rows: list[PersonRow]


def read_table(people: Mapping[str, FreeBusy], caller: str) -> PeopleTable:
    """Put people on one window; ``caller`` is the function's name for error messages.

    Raises TypeError for anything but FreeBusy by name, ValueError if ``people`` is empty.
    """
    given: object = people
    if isinstance(given, FreeBusy):
        raise TypeError(f'{caller} takes people by name: pass {{"ada@example.org": free_busy}}')
    one_of_type("people", people, Mapping, f"FreeBusy by name, as {caller} needs them")
    for name, free_busy in people.items():
        _check(name, free_busy, caller)
    windows = [free_busy.window_epochs for free_busy in people.values()]
    if isinstance(people, Availability):
        windows.append(_epochs(people.window))
    if not windows:
        raise ValueError(f"{caller} needs somebody: without anybody there is no window")
    lo, hi = min(start for start, _ in windows), max(end for _, end in windows)
    return PeopleTable(
        lo, hi, [_row(name, free_busy, lo, hi) for name, free_busy in people.items()]
    )


def _check(name: object, free_busy: object, caller: str) -> None:
    if not isinstance(name, str) or not isinstance(free_busy, FreeBusy):
        raise TypeError(f"{caller} takes FreeBusy by name, not {free_busy!r} by {name!r}")


def _epochs(window: Period) -> tuple[int, int]:
    return epoch(window.start), epoch(window.end, ceil=True)


def _row(name: str, free_busy: FreeBusy, lo: int, hi: int) -> PersonRow:
    first, last = free_busy.window_epochs
    whole = FreeBusy.from_epochs(
        lo, hi, free_busy.epochs, [*free_busy.unknown_epochs, (lo, first), (last, hi)]
    )
    return PersonRow(name, whole.epochs, whole.unknown_epochs)
