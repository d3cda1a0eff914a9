"""How long it takes to find slots for many people in groups.

``python benchmarks/slots.py`` prints the median of CPU times: 50 people in 5 groups, of whom two of
each are needed, over 90 days, with hours, buffers and slots every quarter of an hour. The promise
is 30 ms.
"""

from __future__ import annotations

import random
import statistics
import sys
from datetime import UTC, datetime, timedelta
from time import process_time

from extcal import FreeBusy, WorkingHours, common_free

START = datetime(2027, 1, 4, tzinfo=UTC)
DAYS, PEOPLE, GROUPS = 90, 50, 5
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
ZONES = ("Europe/Berlin", "Europe/London", "America/New_York")


def calendars() -> dict[str, FreeBusy]:
    """Five appointments on every working day of everybody."""
    chance = random.Random(20)
    found = {}
    for number in range(PEOPLE):
        busy = []
        for day in range(DAYS):
            for _ in range(5 if day % 7 < 5 else 0):
                begin = START + timedelta(days=day, minutes=15 * chance.randrange(28, 76))
                busy.append((begin, begin + chance.choice((QUARTER, 2 * QUARTER, HOUR))))
        found[f"person {number}"] = FreeBusy.from_periods((START, START + DAYS * 24 * HOUR), busy)
    return found


def main() -> int:
    """Print the median time of some questions, in milliseconds."""
    people = calendars()
    names = list(people)
    size = PEOPLE // GROUPS
    groups = [(2, names[first : first + size]) for first in range(0, PEOPLE, size)]
    office = [WorkingHours("MO-FR", "09:00", "17:00", zone) for zone in ZONES]
    hours = {name: office[number % len(office)] for number, name in enumerate(names)}
    for title, options in {
        "5 groups, gaps": {"groups": groups},
        "5 groups, slots every 15 min": {"groups": groups, "step": QUARTER},
        "5 groups, laid from the hours": {"groups": groups, "step": QUARTER, "align": "hours"},
        "any 10 of 50": {"at_least": 10, "step": QUARTER},
        "everybody": {"step": QUARTER},
    }.items():
        times, found = [], None
        for _ in range(25):
            began = process_time()
            found = common_free(people, HOUR, hours=hours, buffer=(QUARTER, QUARTER), **options)  # type: ignore[arg-type]
            times.append(process_time() - began)
        print(f"{statistics.median(times) * 1000:7.1f} ms  {title}: {len(found or ())} slots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
