"""Search for feeds whose cost grows faster than their size.

    python benchmarks/growth.py [--seconds 300] [--seed 1]

A few lines that may occur in feeds, in random order and with random line ends, some of them with
the number of the repetition, are repeated until they fill 100 kB, 400 kB and 1.6 MB. Then they are
read. If four times the bytes take much more than four times as long, the repeated lines are printed
as "steep", and the exit code is 1. If they take more than a microsecond per byte, they are printed
as "slow". Found so far: newlines after newlines, blanks after dates, UIDs that lone LFs end
(``tests/ical/test_growth.py`` reads them all).
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from types import FrameType

import feeds

import extcal

SIZES = (100_000, 400_000, 1_600_000)
WORTH_A_LOOK = 0.25  # seconds, for the second size
STEEP = 6.5  # times as long for four times the bytes
PATIENCE = 10  # seconds for one reading

NEWLINES = ("\r\n", "\r\n", "\n", "\r", "", "\r\n\r\n")
TIMES = ("20200105T090000Z", "20270105T090000Z", "20270105T090000", "20270105", "2027")
DATED = ("DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID", "DTSTAMP", "dtstart")
PARAMS = ("", ";VALUE=DATE", ";TZID=Europe/Berlin", ";TZID=Nowhere", ';X="', ";RANGE=THISANDFUTURE")
COMPONENTS = (
    *("VEVENT", "VALARM", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VFREEBUSY", "VCALENDAR"),
    *("VAVAILABILITY", "AVAILABLE", "X"),
)
LINES = (
    *("UID:x", "UID:" + "y" * 60, "UID", "UID:\u00e9", "RRULE:FREQ=DAILY", "RRULE:", "RRULE"),
    *("RRULE:FREQ=WEEKLY;UNTIL=20200101T000000Z", "EXRULE:FREQ=DAILY", "rrule:FREQ=DAILY"),
    *("RDATE;VALUE=PERIOD:20270105T090000Z/PT1H", "FREEBUSY:20270105T090000Z/PT1H", "TZID:Z"),
    *("TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "X-WR-TIMEZONE:Europe/Berlin", "METHOD:PUBLISH"),
    *("DURATION:PT1H", "DURATION:P1D", "DURATION", "SEQUENCE:1", "STATUS:CANCELLED"),
    *(
        "ATTENDEE;CN=x:mailto:x@example.org",
        "ORGANIZER:mailto:x@example.org",
        "SUMMARY:" + "z" * 70,
    ),
    *("X-A:" + "\\" * 30, "DESCRIPTION:x", " fold", "\tfold", " ", "\t", "", "x", ";", ":", '"'),
    *("UID:{n}", "DTSTART;TZID={n}:20270105T090000", "BEGIN:X{n}", "RRULE:FREQ=DAILY;INTERVAL={n}"),
    *(
        "TZID:{n}",
        "RECURRENCE-ID:20270105T{n}",
        "DURATION:PT{n}M",
        "X-{n}:x",
        "{n}:x",
        "STATUS:{n}",
    ),
    *("\x00", "(UTC", ",", "=", "1", "-", "\u00e9", "BEGIN", "END:", "BEGIN:\t"),
)


class _Impatient(Exception):
    """A reading took too long."""


def main() -> None:
    """Search for the given number of seconds."""
    parser = argparse.ArgumentParser(description="Feeds whose cost grows faster than their bytes.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _stop)
    chance = random.Random(options.seed)
    until = time.monotonic() + options.seconds
    looked = found = 0
    while time.monotonic() < until:
        looked += 1
        head, unit, tail = _feed(chance)
        found += _grows(head, unit, tail)
    print(f"{looked:,} kinds of feeds, {found} of them steep", file=sys.stderr)
    sys.exit(found > 0)


def _feed(chance: random.Random) -> tuple[str, str, str]:
    """The text before, the repeated lines, and the text after."""
    newline = chance.choice(NEWLINES[:3])
    past = ["BEGIN:VEVENT", "UID:p", *(f"{name}:{TIMES[0]}" for name in DATED[:2]), "END:VEVENT"]
    head = ["BEGIN:VCALENDAR", *past * chance.randint(0, 2)]
    if chance.random() < 0.7:
        begun = ["BEGIN:VEVENT", "UID:a", f"DTSTART:{TIMES[1]}", "RRULE:FREQ=DAILY"]
        head += begun[: chance.randint(1, 4)]
        if chance.random() < 0.2:
            del head[-1]
    unit = "".join(_line(chance) + chance.choice(NEWLINES) for _ in range(chance.randint(1, 5)))
    tail = ["", "END:VEVENT", "END:VCALENDAR", ""]
    return newline.join([*head, ""]), unit or " ", newline.join(tail)


def _line(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.3:
        return f"{chance.choice(DATED)}{chance.choice(PARAMS)}:{chance.choice(TIMES)}"
    if kind < 0.45:
        return f"{chance.choice(('BEGIN', 'END'))}:{chance.choice(COMPONENTS)}"
    return chance.choice(LINES)


def _grows(head: str, unit: str, tail: str) -> bool:
    costs: list[float] = []
    for size in (SIZES[1], SIZES[0], SIZES[2]):
        several = size // len(unit)
        repeated = unit * several
        if "{n}" in unit:
            repeated = "".join(unit.replace("{n}", str(number)) for number in range(several))
        costs.append(_cost((head + repeated + tail).encode()))
        if costs[0] < WORTH_A_LOOK:
            return False
        if costs[0] >= PATIENCE:
            break
    steep = costs[-1] >= PATIENCE or costs[0] > STEEP * costs[1] or costs[2] > STEEP * costs[0]
    slow = costs[0] * 1_000_000 > SIZES[1]
    if steep or slow:
        told = ", ".join(f"{cost:.2f}" for cost in sorted(costs))
        print("steep" if steep else "slow", told, repr(head[-60:]), repr(unit), flush=True)
    return steep


def _cost(body: bytes) -> float:
    began = time.process_time()
    signal.alarm(PATIENCE)
    try:
        extcal.expand(body, feeds.START, feeds.END, timezone="Europe/Berlin", owner="x@example.org")
    except extcal.NotACalendar:
        pass
    except _Impatient:
        return float(PATIENCE)
    finally:
        signal.alarm(0)
    return time.process_time() - began


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Impatient


if __name__ == "__main__":
    main()
