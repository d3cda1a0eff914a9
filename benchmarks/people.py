"""Many people: common free slots, and joining several calendars per person. In CPU seconds."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

from feeds import END, START

from extcal import FreeBusy, WorkingHours, common_free

__all__ = ["common", "joined"]

_LO, _HI = int(START.timestamp()), int(END.timestamp())


def common(
    people: int, intervals: int, rounds: int, *, hours: bool = False, by_day: bool = False
) -> float:
    """Return the median cost of the common free slots of ``people``, over 90 days.

    ``by_day``: their meetings are between 8:00 and 18:00 UTC, so that the nights remain; else at
    any time, so that a thousand people have no time in common.
    """
    chance = random.Random(f"people {people} {intervals}")
    everybody = [_person(chance, intervals, by_day=by_day) for _ in range(people)]
    kept = WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin") if hours else None
    return _median(lambda: common_free(everybody, timedelta(minutes=45), hours=kept), rounds)


def joined(people: int, intervals: int, rounds: int) -> float:
    """Return the median cost of joining three calendars for each of ``people``.

    Two calendars have one half of ``intervals`` each; the third has the application's ten
    bookings.
    """
    chance = random.Random(f"joined {people} {intervals}")
    table = [
        (_person(chance, intervals // 2), _person(chance, intervals // 2), _person(chance, 10))
        for _ in range(people)
    ]
    return _median(lambda: [work | private | host for work, private, host in table], rounds)


def _person(chance: random.Random, intervals: int, *, by_day: bool = False) -> FreeBusy:
    busy = []
    for _ in range(intervals):
        start = chance.randrange(_LO, _HI, 900)
        if by_day:
            start += chance.randrange(8, 17) * 3600 - start % 86_400
        busy.append((start, start + 900 * chance.randrange(1, 5), chance.choice((2, 3, 3, 3, 4))))
    return FreeBusy.from_epochs(_LO, _HI, busy)


def _median(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)
