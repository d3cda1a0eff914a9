"""VTIMEZONE (RFC 5545 section 3.6.5): observances read, then compiled for the years that are asked.

    "The offset to apply at any given time is found by locating the observance that has the last
    onset date and time before the time in question, and using the offset value from that
    observance."

A component goes in, a :class:`VtimezoneRules` comes out, or None if it holds no observance that
can be used. Onsets are computed only for the span that is needed, plus the last one before it; they
are not listed from 1601 on. The steps are counted for the feed as a whole and apart from those of
its events, so that neither can use up the other's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice

from extcal.ical.budget import Work
from extcal.ical.parse.components import Component
from extcal.ical.parse.content_lines import Line
from extcal.ical.recurrence import RecurrenceRule, parse, starts
from extcal.ical.zones.transitions import DAY, FIRST, LAST, MARGIN, TransitionTable, clamp
from extcal.messages.problems import oddity, unknown

__all__ = ["Budget", "Definition", "Observance", "VtimezoneRules", "read"]

EPOCH = datetime(1970, 1, 1)
CHUNK = 16 * 366 * DAY  # years outside the window are compiled in pieces of this length
LOOK_BACK = 400 * DAY  # longer than a year, so a yearly rule has an onset in it

# 3.3.14: utc-offset = time-numzone, ("+" / "-") time-hour time-minute [time-second]. Some producers
# leave out the sign or the minutes, others write a colon.
UTC_OFFSET = re.compile(r"([+-]?)(\d{1,2}):?(?:(\d{2}):?(\d{2})?)?")
DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z)?)?", re.IGNORECASE)

FEED = 2  # times the limit of one VTIMEZONE: the limit of all VTIMEZONEs of a feed together
DATED = 2  # times the limit: more dates are not compared for equal ones


Report = Callable[[str, str, str], None]  # code, message, action


@dataclass(frozen=True, slots=True, order=True)
class Observance:
    """One STANDARD or DAYLIGHT: local onsets, the offset before them and the offset from them on.

    Onsets are local seconds in the offset ``before``. Equal text means equal rules, so ``rules``
    takes no part in comparisons.
    """

    onset: int
    before: int
    after: int
    standard: bool
    rdates: tuple[int, ...]
    texts: tuple[str, ...]
    rules: tuple[RecurrenceRule, ...] = field(compare=False)

    def key(self, local: int) -> tuple[int, bool, int]:
        """Orders onsets by instant. At one instant standard time counts, then the larger offset."""
        return local - self.before, self.standard, self.after


@dataclass(frozen=True, slots=True, order=True)
class Definition:
    """The content of a VTIMEZONE, with its observances sorted, so that copies are equal."""

    modified: str  # LAST-MODIFIED; the newer of two definitions is the greater
    observances: tuple[Observance, ...]
    whole: bool = True  # each observance is written as 3.6.5 requires, and was read


class Budget:
    """The budget of all definitions of one feed. What exceeds it is reported to the feed's Work.

    Steps are counted apart from those of the events, up to the same ``limits.max_steps``.
    """

    __slots__ = ("_told", "feed", "observances", "steps")

    def __init__(self, feed: Work) -> None:
        self.feed = feed
        self.steps = Work(feed.limits)
        self.observances = 0
        self._told: set[str] = set()

    def allows(self, observances: int) -> bool:
        """Count the observances of one more definition; False once there are too many to read."""
        self.observances += observances
        if self.observances <= FEED * self.feed.limits.max_observances:
            return True
        self.exceeded(*unknown("max_observances"))
        return False

    def exceeded(self, limit: str, message: str) -> None:
        """Report a limit. Zones may now be wrong anywhere, so the whole window is unknown."""
        if limit not in self._told:
            self._told.add(limit)
            self.feed.exceeded(limit, message)


def read(component: Component, budget: Budget, report: Report) -> Definition | None:
    """The definition in a VTIMEZONE; None if no observance is usable or there are too many."""
    parts = [part for part in component.children if part.name in ("STANDARD", "DAYLIGHT")]
    limits = budget.feed.limits
    if len(parts) > limits.max_observances:
        budget.exceeded(*unknown("max_observances"))
        return None
    dates = sum(line.value.count(",") for part in parts for line in part.lines)
    if dates > DATED * limits.max_transitions:
        budget.exceeded(*unknown("max_transitions"))
        return None
    odd: list[str] = []

    def noted(code: str, message: str, action: str) -> None:
        odd.append(message)
        report(code, message, action)

    found = {observance for part in parts if (observance := _observance(part, noted))}
    if not found:
        return None
    if sum(len(observance.rdates) for observance in found) > limits.max_transitions:
        budget.exceeded(*unknown("max_transitions"))
        return None
    modified = [line.value.strip() for line in component.lines if line.name == "LAST-MODIFIED"]
    whole = not odd and all(map(_is_as_asked, parts))
    return Definition(max(modified, default=""), tuple(sorted(found)), whole)


def _is_as_asked(part: Component) -> bool:
    """3.6.5: DTSTART and both offsets are required, and onsets "MUST be specified as a date with a
    local time value"."""
    onsets = [line.value.strip() for line in part.lines if line.name in ("DTSTART", "RDATE")]
    names = {line.name for line in part.lines}
    return {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"} <= names and not any(
        text[-1:] in ("Z", "z") for value in onsets for text in value.split(",")
    )


def _observance(part: Component, report: Report) -> Observance | None:
    lines: dict[str, list[Line]] = {}
    for line in part.lines:
        lines.setdefault(line.name, []).append(line)
    after = _offset(lines, "TZOFFSETTO")
    if after is None:
        report(*oddity("tz_observance/to", part=part.name))
        return None
    before = _offset(lines, "TZOFFSETFROM")
    if before is None:
        if "TZOFFSETFROM" in lines:
            report(*oddity("tz_observance/from", part=part.name))
            return None
        before = after
    onset: int | None = FIRST
    if "DTSTART" in lines:
        onset = min(_locals((line.value for line in lines["DTSTART"]), before), default=None)
    if onset is None:
        report(*oddity("tz_observance/start", part=part.name))
        return None
    rules: dict[str, RecurrenceRule] = {}
    for line in lines.get("RRULE", ()):
        rule = parse(line.value, lambda _, *told: report("tz_observance", *told))
        if rule is None or not rule.readable:
            report(*oddity("tz_observance/rule", part=part.name))
            return None
        rules[_normal(line.value)] = rule
    return Observance(
        onset,
        before,
        after,
        part.name == "STANDARD",
        tuple(sorted(_locals(_split(lines.get("RDATE", ())), before))),
        tuple(sorted(rules)),
        tuple(rules[text] for text in sorted(rules)),
    )


def _offset(lines: dict[str, list[Line]], name: str) -> int | None:
    """The largest readable value of a UTC-OFFSET property, in seconds; None without one."""
    found: list[int] = []
    for line in lines.get(name, ()):
        matched = UTC_OFFSET.fullmatch(line.value.strip())
        if matched is None:
            continue
        hours, minutes, seconds = (int(matched[part] or 0) for part in (2, 3, 4))
        total = hours * 3600 + minutes * 60 + seconds
        if total < DAY and minutes < 60 and seconds < 60:
            found.append(-total if matched[1] == "-" else total)
    return max(found, default=None)


def _split(lines: Iterable[Line]) -> Iterator[str]:
    """The values of a list property; of a PERIOD its start."""
    return (value.partition("/")[0] for line in lines for value in line.value.split(","))


def _locals(values: Iterable[str], before: int) -> set[int]:
    """The DATE-TIME values that exist in the calendar, as local seconds."""
    return {local for value in values if (local := _local(value.strip(), before)) is not None}


def _local(value: str, before: int) -> int | None:
    matched = DATE_TIME.fullmatch(value)
    if matched is None:
        return None
    year, month, day, hour, minute, second = (int(matched[part] or 0) for part in range(1, 7))
    try:
        # Year 0 means "since always", so it becomes year 1. Second 60 is read as 59 (3.3.5).
        moment = datetime(year or 1, month, day, hour, minute, min(second, 59))
    except ValueError:
        return None
    elapsed = moment - EPOCH
    local = elapsed.days * DAY + elapsed.seconds
    return local + before if matched[7] else local


def _normal(rule: str) -> str:
    return ";".join(sorted(part.strip() for part in rule.upper().split(";") if part.strip()))


class VtimezoneRules:
    """The transitions of one definition, compiled for the years that are needed."""

    __slots__ = ("_budget", "_chunks", "_observances", "_transitions", "_window")

    def __init__(self, definition: Definition, budget: Budget) -> None:
        self._observances = definition.observances
        self._budget = budget
        self._window: tuple[int, int, TransitionTable] | None = None
        self._chunks: dict[int, TransitionTable] = {}
        self._transitions = 0

    def table(self, lo: int, hi: int) -> TransitionTable:
        """The table of the window; compiled once."""
        if self._window is None or self._window[:2] != (lo, hi):
            self._window = lo, hi, self._compiled(clamp(lo), clamp(hi))
        return self._window[2]

    def to_epoch(self, local: int) -> int:
        """The instant of a local second of any year."""
        return clamp(self._chunk(local).to_epoch(local))

    def to_local(self, epoch: int) -> int:
        """The local second of an instant of any year."""
        return clamp(self._chunk(epoch).to_local(epoch))

    def elapsed(self, first: int, last: int) -> int:
        """How many seconds pass from one local second to another one, of any years."""
        return self.to_epoch(last) - self.to_epoch(first)

    def _chunk(self, seconds: int) -> TransitionTable:
        number = clamp(seconds) // CHUNK
        table = self._chunks.get(number)
        if table is None:
            table = self._compiled(number * CHUNK, (number + 1) * CHUNK)
            self._chunks[number] = table
        return table

    def _compiled(self, lo: int, hi: int) -> TransitionTable:
        start, end = lo - MARGIN, hi + MARGIN
        onsets: list[tuple[int, bool, int]] = []
        for observance in self._observances:
            first, last = start + observance.before, end + observance.before
            onsets += map(observance.key, self._onsets(observance, first, last))
        onsets.sort()
        at_once = {instant: after for instant, _, after in onsets}
        return TransitionTable(lo, hi, self._offset_before(start), list(at_once.items()))

    def _offset_before(self, instant: int) -> int:
        """The offset just before ``instant``; before all onsets, the first one's TZOFFSETFROM."""
        latest: tuple[int, bool, int] | None = None
        for observance in self._observances:
            local = self._last_onset(observance, instant + observance.before)
            if local is not None and (latest is None or observance.key(local) > latest):
                latest = observance.key(local)
        if latest is not None:
            return latest[2]
        earliest = min(self._observances, key=lambda each: each.key(min(_given(each))))
        return earliest.before

    def _last_onset(self, observance: Observance, end: int) -> int | None:
        """The last local onset before ``end``, searched for in ever longer spans."""
        found = [local for local in _given(observance) if local < end]
        for rule in observance.rules:
            until = _until(rule, observance.before)
            stop = end if until is None else min(end, until + 1)
            length = LOOK_BACK
            while stop > observance.onset and not self._spent():
                start = max(observance.onset, stop - length)
                last = max(self._expanded(observance, rule, start, stop), default=None)
                if last is not None:
                    found.append(last)
                if last is not None or start == observance.onset:
                    break
                length *= 4
        return max(found, default=None)

    def _onsets(self, observance: Observance, start: int, end: int) -> list[int]:
        """The local onsets in [start, end)."""
        found = [local for local in _given(observance) if start <= local < end]
        self._transitions += len(found)
        for rule in observance.rules:
            if self._spent():
                break
            expanded = self._expanded(observance, rule, start, end)
            self._transitions += len(expanded)
            found += expanded
        return found

    def _expanded(
        self, observance: Observance, rule: RecurrenceRule, start: int, end: int
    ) -> list[int]:
        start, end = max(start, FIRST), min(end, LAST)
        if start >= end:
            return []
        steps = self._budget.steps
        steps.step(2)  # a rule costs steps even if it has no onset here
        until = _until(rule, observance.before)
        result = starts(rule, observance.onset, start, end, steps, until=until)
        if result.exact_until is not None:
            self._budget.exceeded(*unknown("max_steps/zone"))
        most = steps.limits.max_transitions + 1
        dense = (local for run in result.runs for local in run)
        found = list(islice(chain(result.local, dense), most))
        if len(found) == most:
            self._transitions = most
            self._spent()
        return found

    def _spent(self) -> bool:
        """Whether this definition has used up its steps; that is reported to the feed."""
        steps = self._budget.steps
        if self._transitions > steps.limits.max_transitions:
            self._budget.exceeded(*unknown("max_transitions"))
            return True
        if steps.steps > steps.limits.max_steps:
            self._budget.exceeded(*unknown("max_steps/zone"))
            return True
        return False


def _given(observance: Observance) -> tuple[int, ...]:
    """The onsets given as dates: DTSTART and RDATEs."""
    return (observance.onset, *observance.rdates)


def _until(rule: RecurrenceRule, before: int) -> int | None:
    """UNTIL in local seconds: written in UTC (3.6.5), it is converted with TZOFFSETFROM."""
    if rule.until is None:
        return None
    if rule.until.kind == "utc":
        return rule.until.seconds + before
    return rule.until.seconds + (DAY - 1 if rule.until.kind == "date" else 0)
