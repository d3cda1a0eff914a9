"""Output: answers go to standard output, everything else to standard error.

Colours are used only on a terminal, and never if NO_COLOR is set. Control characters are removed
from all text of a feed before it gets here (:func:`clean`), so that no title can control a
terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

import extcal
from extcal.draw.words import safe as clean
from extcal.fetch.fetcher import Fetcher
from extcal.fetch.protocol import FetchRequest, FetchResponse

__all__ = [
    "NOTHING_READ",
    "PARTLY_UNKNOWN",
    "clean",
    "counted",
    "error_lines",
    "fail",
    "kind_text",
    "note",
    "say",
    "terminal_width",
    "waiting",
]

NOTHING_READ = 1
PARTLY_UNKNOWN = 3

_BLOCKED = ("blocked_address", "blocked_url")
_STYLES = {
    "BUSY": "bold blue",
    "BUSY-TENTATIVE": "blue",
    "BUSY-UNAVAILABLE": "bold magenta",
    "WORKING-ELSEWHERE": "yellow",
    "FREE": "green",
    "unknown": "dim",
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read the answer, such as ``head``, has seen enough: that is no error."""
        raise BrokenPipeError


def _console(*, stderr: bool = False) -> Console:
    # A new console each time, because a test runner may have replaced standard output.
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(*lines: str | Text) -> None:
    """Write lines of the answer."""
    console = _console()
    for line in lines:
        console.print(line)


def terminal_width() -> int:
    """How many columns there are: of the terminal, of COLUMNS, or 80."""
    return _console().width


def note(*lines: str | Text) -> None:
    """Write lines to standard error; on a terminal they are wrapped between words."""
    console = _console(stderr=True)
    for line in lines:
        console.print(line, soft_wrap=not console.is_terminal)


def kind_text(kind: str, width: int = 0) -> Text:
    """The name of a type in its colour."""
    return Text(kind.ljust(width), style=_STYLES.get(kind, ""))


def fail(error: Exception) -> NoReturn:
    """Say what is wrong and what to do about it, and end with :data:`NOTHING_READ`."""
    note(*error_lines(error))
    raise SystemExit(NOTHING_READ)


def error_lines(error: Exception, name: str = "") -> Iterator[Text]:
    """An error on one line, its advice on the next."""
    advice: object = getattr(error, "advice", None)
    message: object = getattr(error, "message", None)
    if isinstance(error, extcal.NotACalendar) and advice is None:
        advice = "It takes an ICS file or the address of an ICS feed, not a web page."
    if isinstance(error, extcal.Unavailable) and error.kind in _BLOCKED:
        advice = "Only public networks are read, over https; --allow-network makes exceptions."
    start = f"extcal: {clean(name)}: " if name else "extcal: "
    yield Text().append(start, style="red").append(clean(str(message or error)))
    if advice:
        yield Text("  → ").append(clean(str(advice)))


class _Counted:
    """A fetcher that reports each answer."""

    def __init__(self, inner: Fetcher, progress: Progress | None, total: int) -> None:
        self._inner = inner
        self._progress = progress
        self._total = total
        self._task = progress.add_task("Reading calendars", total=total) if progress else None

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        answer = self._inner.fetch(request)
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)
        else:
            note(f"read {request.feed.host or 'a file'} ({self._total} in all)")
        return answer


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Show ``words`` on standard error, on a terminal only, until what is inside has ended."""
    console = _console(stderr=True)
    with console.status(words) if console.is_terminal else nullcontext():
        yield


@contextmanager
def counted(fetcher: Fetcher, total: int, wanted: bool | None) -> Iterator[Fetcher]:
    """``fetcher``, which shows progress on standard error if there are several feeds to read.

    ``wanted``: whether to show it; None means only on a terminal. On a terminal it is a bar that
    disappears at the end, else a line for each feed.
    """
    terminal = _console(stderr=True).is_terminal
    if wanted is False or (wanted is None and not (terminal and total > 1)):
        yield fetcher
    elif not terminal:
        yield _Counted(fetcher, None, total)
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
            yield _Counted(fetcher, progress, total)
