"""The budget and the record of one reading: counters, Problems, and the time that became unknown.

Everything that costs more than a constant per byte asks here first. Work is counted, never timed,
so the same bytes give the same answer on every machine.
"""

from __future__ import annotations

from extcal.errors import LimitExceeded, Problem, problem_of
from extcal.limits import Limits
from extcal.messages.problems import oddity, unknown
from extcal.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["OutOfSteps", "Work"]

_STEP = 1024 * 1024  # bytes in which line ends are counted in one call


class OutOfSteps(Exception):
    """No recurrence steps are left."""


class Work:
    """What one reading may still spend, and what it has to tell.

    ``complete`` turns False once a cut or a limit made time unknown. ``unknown`` holds stretches
    ``(start, end)`` in epoch seconds, ``end`` None meaning "to the end of the window"; a start of
    None means from its beginning. ``rules`` are those that were read already, by their text, if
    there was nothing odd about them. ``left`` is how many units of work are left.
    """

    __slots__ = (
        "_offsets",
        "_problems",
        "_reasons",
        "_suppressed",
        "complete",
        "counts",
        "exhausted",
        "left",
        "limits",
        "rules",
        "steps",
        "strict",
        "unknown",
    )

    def __init__(self, limits: Limits | None = None, *, strict: bool = False) -> None:
        self.limits = Limits() if limits is None else limits
        self.strict = strict
        self.steps = 0
        self.left = self.limits.max_work
        self.exhausted = False
        self.complete = True
        self.unknown: list[tuple[int | None, int | None]] = []
        self.counts: dict[str, int] = {}
        self.rules: dict[str, Any] = {}
        self._problems: list[Problem] = []
        self._offsets: list[int | None] = []
        self._reasons: set[str] = set()  # codes of what made time unknown
        self._suppressed = 0

    def step(self, count: int = 1) -> bool:
        """Spend recurrence steps; False once the feed's budget is gone (``limits.max_steps``)."""
        self.steps += count
        return self.steps <= self.limits.max_steps

    def pay(self, count: int) -> None:
        """Spend recurrence steps like :meth:`step`; raises OutOfSteps once the budget is gone."""
        self.steps += count
        if self.steps > self.limits.max_steps:
            raise OutOfSteps

    def spend(self, amount: int) -> bool:
        """Spend units of work; False once there are none left (``limits.max_work``).

        Then nothing more is read, and the whole window is unknown.
        """
        self.left -= amount
        if self.left >= 0:
            return True
        if not self.exhausted:
            self.exhausted = True
            self.exceeded(*unknown("max_work", most=self.limits.max_work))
        return False

    def count(self, name: str, amount: int = 1) -> int:
        """Add to the feed-wide counter ``name`` and return what it now stands at."""
        total = self.counts.get(name, 0) + amount
        self.counts[name] = total
        return total

    def problem(
        self,
        code: str,
        message: str,
        action: str = "noted",
        *,
        offset: int | None = None,
        uid: str | None = None,
    ) -> None:
        """Record an oddity. ``offset`` is the byte in the feed it was met at.

        Why time is unknown is told at least once, however many oddities came before.
        """
        if len(self._problems) >= self.limits.max_problems and (
            action != "unknown" or code in self._reasons
        ):
            self._suppressed += 1
            return
        if action == "unknown":
            self._reasons.add(code)
        self._problems.append(Problem(code, message, None, uid, action))
        self._offsets.append(offset)

    @property
    def has_told_all(self) -> bool:
        """Whether one more oddity would only be counted."""
        return len(self._problems) >= self.limits.max_problems

    def uncounted(self, amount: int) -> None:
        """There are so many oddities more, which were seen from afar and are not worth a word."""
        self._suppressed += amount

    def exceeded(
        self,
        limit: str,
        message: str,
        *,
        unknown_from: int | None = None,
        offset: int | None = None,
        uid: str | None = None,
    ) -> None:
        """A limit (the name of a field of Limits) was reached: what follows is unknown.

        ``unknown_from`` is the epoch second from which the answer is not known; None makes the
        whole window unknown. Raises LimitExceeded under ``strict``.
        """
        if self.strict:
            raise LimitExceeded(message, kind=limit)
        self.complete = False
        self.unknown.append((unknown_from, None))
        self.problem(limit, message, "unknown", offset=offset, uid=uid)

    def mark(self) -> tuple[int, int, bool]:
        """Return where :meth:`forgive` may go back to."""
        return len(self.unknown), len(self._problems), self.complete

    def untell(self, mark: tuple[int, int, bool]) -> None:
        """Take back what was told since ``mark``, but not why time became unknown."""
        first = mark[1]
        kept = [
            number
            for number in range(first, len(self._problems))
            if self._problems[number].action == "unknown"
        ]
        self._offsets[first:] = [self._offsets[number] for number in kept]
        self._problems[first:] = [self._problems[number] for number in kept]

    def forgive(self, mark: tuple[int, int, bool]) -> None:
        """Nothing that became unknown since ``mark`` could have blocked time: it stays known."""
        if self.exhausted:
            return  # what has not been read could block
        unknown, problems, self.complete = mark
        del self.unknown[unknown:]
        for index, problem in enumerate(self._problems[problems:], problems):
            if problem.action == "unknown":
                self._problems[index] = replace(problem, action="nothing that blocks is lost")

    def cut(self, code: str, message: str, *, offset: int | None = None) -> None:
        """The body is incomplete: nobody can vouch for any part of the window."""
        self.complete = False
        self.unknown.append((None, None))
        self.problem(code, message, "unknown", offset=offset)

    def internal_error(self, *, offset: int | None = None, uid: str | None = None) -> None:
        """A mistake of ours must neither cost the feed nor look like free time."""
        self.complete = False
        self.unknown.append((None, None))
        self.problem(
            *oddity("internal_error"),
            offset=offset,
            uid=uid,
        )

    def report(self, raw: bytes) -> tuple[Problem, ...]:
        """All Problems in the order of the feed's lines; one pass makes line numbers of offsets."""
        numbered: list[tuple[int, int, Problem]] = []
        steps = range(0, len(raw), _STEP)
        has_lf = any(raw.find(b"\n", start, start + _STEP) >= 0 for start in steps)
        newline = b"\n" if has_lf else b"\r"
        line, position = 1, 0
        placed = [(-1 if o is None else o, i) for i, o in enumerate(self._offsets)]
        for offset, index in sorted(placed):
            problem = self._problems[index]
            if offset >= 0:
                while position < offset:  # in steps: one call would keep other threads waiting
                    stop = min(offset, position + _STEP)
                    line += raw.count(newline, position, stop)
                    position = stop
                problem = Problem(problem.code, problem.message, line, problem.uid, problem.action)
            numbered.append((offset, index, problem))
        found = [problem for _, _, problem in numbered]
        if self._suppressed:
            found.append(problem_of("max_problems", count=self._suppressed))
        return tuple(found)
