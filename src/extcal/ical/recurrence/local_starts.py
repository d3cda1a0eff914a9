"""Recurrence sets (RFC 5545 sections 3.3.10, 3.8.5.3): a rule, DTSTART and a window in, starts out.

All times are local wall-clock seconds since 1970-01-01T00:00:00 of the local calendar; a DATE is
its midnight. There are no zones, datetimes or readings of a clock. The periods of the window are
computed, so the cost does not depend on how long ago a series began. Only a COUNT over periods of
uneven size has to be counted from DTSTART on. Visited periods and starts cost steps of Work. When
no steps are left, the answer says from which second on it is not known.

How a set is formed: DTSTART is its first instance, whether the rule produces it or not. Then come
the starts that the rule produces after DTSTART. BYSETPOS counts over whole periods, also the first,
and starts before DTSTART are dropped afterwards. COUNT counts what the rule produces from DTSTART
on, so a DTSTART that it does not produce is one instance more: a Thursday and COUNT=2 of Mondays
give the Thursday and two Mondays. COUNT and UNTIL both apply. An UNTIL before DTSTART leaves
nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from extcal.ical.budget import OutOfSteps, Work
from extcal.ical.recurrence import days, months_years, setpos
from extcal.ical.recurrence.rule import RecurrenceRule
from extcal.messages.problems import oddity
from extcal.values import NamedTuple

__all__ = ["Starts", "starts"]

DAY = 86_400
_END = 253_402_300_799  # 9999-12-31T23:59:59, the last time that can be written
_MAX_TIMES = 10_000  # starts in a day of a rule of DAILY or above; a rule with more is a mistake
_SHARE = 4  # starts found by arithmetic that cost one step
_CHUNK = 4_096
_SUBDAILY = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600}


class Starts(NamedTuple):
    """The starts of one rule in a window, in local seconds.

    ``local`` is sorted and distinct; ``runs`` are dense stretches of sub-daily rules, disjoint from
    each other and from ``local``. ``exact_until`` is None, or the second from which on the answer
    is not known.
    """

    local: Sequence[int]
    runs: Sequence[range]
    exact_until: int | None


_NOTHING = Starts((), (), None)


def starts(
    rule: RecurrenceRule,
    dtstart: int,
    lo: int,
    hi: int,
    work: Work,
    *,
    until: int | None = None,
    is_date: bool = False,
    include_dtstart: bool = True,
    dense: int = 0,
) -> Starts:
    """Compute the starts of a rule in the half-open window ``[lo, hi)``.

    ``dtstart``, ``lo``, ``hi`` and ``until`` are local seconds in DTSTART's zone; ``until`` is the
    last second of the set, which the caller computes from ``rule.until``. ``is_date`` says that
    DTSTART is a DATE. ``include_dtstart=False`` is for EXRULE: a DTSTART that the rule does not
    produce is not listed. Days and weeks of at most ``dense`` seconds come as runs as well.
    Returns Starts; a rule that cannot touch the window costs no step.
    Raises nothing of its own. RFC 5545 sections 3.3.10 and 3.8.5.3.
    """
    last = hi - 1 if hi <= _END else _END
    if until is not None and until < last:
        last = until
    first = lo if lo > dtstart else dtstart
    if first > last or (until is not None and until < dtstart):
        return _NOTHING
    local: list[int] = []
    runs: list[range] = []
    exact_until: int | None = None
    if is_date:
        rule = _of_dates(rule, work)
    if not rule.readable or (rule.by_second and _is_too_dense(rule, work)):
        exact_until = max(first, dtstart + 1)
    elif last > dtstart or not include_dtstart:
        try:
            wanted = None if rule.count is None else _wanted(rule, dtstart)
            if wanted == 0:  # DTSTART was the only start
                last = dtstart
            if first <= last:
                _produce(rule, dtstart, (first, last), wanted, work.pay, local, runs, dense)
        except OutOfSteps:
            runs.sort(key=_start_of)
            latest = max(local[-1:] + [run[-1] for run in runs], default=first - 1)
            exact_until = max(latest, dtstart) + 1
    if first == dtstart and include_dtstart and not _begins_with(dtstart, local, runs):
        local.insert(0, dtstart)
    if exact_until is not None and exact_until > last:
        exact_until = None
    return Starts(local, runs, exact_until)


def _begins_with(dtstart: int, local: Sequence[int], runs: Sequence[range]) -> bool:
    return (bool(local) and local[0] == dtstart) or (bool(runs) and runs[0].start == dtstart)


def _start_of(run: range) -> int:
    return run.start


def _of_dates(rule: RecurrenceRule, work: Work) -> RecurrenceRule:
    """A DTSTART without a time has days only: "These rule parts MUST be ignored" (3.3.10).

    A sub-daily rule becomes a DAILY one. Its INTERVAL is 1, unless its steps are whole days.
    """
    if rule.by_hour or rule.by_minute or rule.by_second:
        work.problem(*oddity("recurrence_time_of_date"))
        rule = rule._replace(by_hour=(), by_minute=(), by_second=())
        if not (
            rule.by_month or rule.by_week_no or rule.by_year_day or rule.by_month_day or rule.by_day
        ):
            rule = rule._replace(by_set_pos=())
    seconds = _SUBDAILY.get(rule.freq)
    if seconds is not None and rule.readable:
        work.problem(*oddity("recurrence_time_of_date/freq", freq=rule.freq))
        days, rest = divmod(rule.interval * seconds, DAY)
        rule = rule._replace(freq="DAILY", interval=1 if rest else days, by_set_pos=())
    return rule


def _is_too_dense(rule: RecurrenceRule, work: Work) -> bool:
    size = len(rule.by_second) * (len(rule.by_minute) or 1) * (len(rule.by_hour) or 1)
    if size <= _MAX_TIMES or rule.freq == "SECONDLY" or rule.freq == "MINUTELY":
        return False
    work.problem(*oddity("recurrence_too_dense", count=size))
    return True


def _wanted(rule: RecurrenceRule, dtstart: int) -> int:
    """How many starts after DTSTART the COUNT of a rule asks for.

    Whether the rule produces DTSTART concerns one second of one period, so it costs no step.
    """
    assert rule.count is not None
    local: list[int] = []
    runs: list[range] = []
    _produce(rule, dtstart, (dtstart, dtstart), None, _spend_nothing, local, runs, 0)
    return rule.count - 1 if local or runs else rule.count


def _spend_nothing(steps: int) -> None:
    del steps


def _produce(
    rule: RecurrenceRule,
    dtstart: int,
    span: tuple[int, int],
    wanted: int | None,
    spend: Callable[[int], None],
    local: list[int],
    runs: list[range],
    dense: int,
) -> None:
    """Put the starts of the rule from the first to the last second into ``local`` and ``runs``.

    At most ``wanted`` starts come after DTSTART.
    """
    if rule.by_month_day and days.never(rule):
        return
    first, last = span
    freq = rule.freq
    if freq in _SUBDAILY:
        from extcal.ical.recurrence import subdaily

        found = subdaily.progressions(rule, dtstart)
        if wanted:
            end = subdaily.last_by_count(rule, found, dtstart, wanted, last, spend)
            last = last if end is None or end > last else end
        if first <= last:
            subdaily.generate(rule, found, (first, last), spend, local, runs)
            local.sort()
            runs.sort(key=_start_of)
        return
    day, time = divmod(dtstart, DAY)
    times = _times(rule, time)
    if freq in ("MONTHLY", "YEARLY") or (
        rule.by_month or rule.by_month_day or rule.by_year_day or rule.by_week_no
    ):
        plan = months_years.plan(rule, dtstart, times)
        if wanted and times:
            end = months_years.last_by_count(plan, dtstart, wanted, last, spend)
            last = last if end is None or end > last else end
        if first <= last and times:
            months_years.generate(plan, first, last, spend, local)
        return
    base, period, offsets = _cycle(rule, day, times)
    if offsets:
        if wanted:
            index = bisect_right(offsets, dtstart - base) + wanted - 1
            laps, index = divmod(index, len(offsets))
            last = min(last, base + laps * period + offsets[index])
        if first > last:
            return
        if period <= dense:
            spend(len(offsets))
            starts = (first + (base + offset - first) % period for offset in offsets)
            runs += (range(start, last + 1, period) for start in starts if start <= last)
            runs.sort(key=_start_of)
        else:
            _from_cycle(base, period, offsets, first, last, spend, local)


def _times(rule: RecurrenceRule, time: int) -> Sequence[int]:
    """The starts within a day of a rule of DAILY or above, in seconds after midnight."""
    if not (rule.by_hour or rule.by_minute or rule.by_second):
        times = [time]
    else:
        times = [
            hour * 3600 + minute * 60 + second
            for hour in rule.by_hour or (time // 3600,)
            for minute in rule.by_minute or (time // 60 % 60,)
            for second in rule.by_second or (time % 60,)
        ]
    if rule.by_set_pos and rule.freq == "DAILY":
        return [times[index] for index in setpos.places(len(times), rule.by_set_pos)]
    return times


def _cycle(rule: RecurrenceRule, day: int, times: Sequence[int]) -> tuple[int, int, list[int]]:
    """The cycle of a DAILY or WEEKLY rule without calendar filters: base, length, its starts."""
    interval = rule.interval
    if rule.freq == "WEEKLY":
        start = rule.week_start
        base = day - (day + 3 - start) % 7
        period = 7 * interval
        chosen_days = [(wanted - start) % 7 for _, wanted in rule.by_day] or [day - base]
        chosen_days.sort()
    else:
        base, period, chosen_days = day, interval, [0]
        if rule.by_day:
            period = interval if interval % 7 == 0 else 7 * interval
            weekdays = {wanted for _, wanted in rule.by_day}
            chosen_days = [
                past for past in range(0, period, interval) if (day + past + 3) % 7 in weekdays
            ]
    offsets = [past * DAY + time for past in chosen_days for time in times]
    if rule.by_set_pos and rule.freq == "WEEKLY":
        offsets = [offsets[index] for index in setpos.places(len(offsets), rule.by_set_pos)]
    return base * DAY, period * DAY, offsets


def _from_cycle(
    base: int,
    period: int,
    offsets: Sequence[int],
    first: int,
    last: int,
    spend: Callable[[int], None],
    local: list[int],
) -> None:
    if len(offsets) == 1:
        run = range(first + (base + offsets[0] - first) % period, last + 1, period)
        for at in range(0, len(run), _CHUNK):
            part = run[at : at + _CHUNK]
            spend(1 + len(part) // _SHARE)
            local += part
        return
    start = first - (first - base) % period
    stride = period * max(1, _CHUNK // len(offsets))
    for chunk in range(start, last + 1, stride):
        laps = range(chunk, min(chunk + stride, last + 1), period)
        spend(1 + len(laps) * len(offsets) // _SHARE)
        found = [lap + offset for lap in laps for offset in offsets]
        if found[0] < first or found[-1] > last:
            found = found[bisect_left(found, first) : bisect_right(found, last)]
        local += found
