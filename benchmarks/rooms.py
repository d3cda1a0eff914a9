"""Where the time goes: CPU time by module of ``extcal.ical``, and by function.

    make benchrooms                                   # google-like, 10,000 events
    make benchrooms ARGS="outlook-10000 --events"     # with the events as values
    make benchrooms ARGS="path/to/calendar.ics"

It looks once per millisecond of CPU time which function is running, instead of tracing every call.
Calls cost nothing extra, so short functions do not look slower than they are. Time in C (a regular
expression, a sort) counts for the function that called it.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from bench import stored
from feeds import END, START

import extcal

_ROOT = str(Path(extcal.__file__).parent) + "/"


class Sampler:
    """Collects the CPU time of the innermost function of extcal, between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self.functions: Counter[tuple[str, str]] = Counter()
        self.last = 0.0

    def __enter__(self) -> Sampler:
        signal.signal(signal.SIGPROF, self.sample)
        self.last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def sample(self, _signal: int, frame: FrameType | None) -> None:
        """Count the time since the last sample, because signals are delayed during a long call
        into C."""
        now = time.process_time()
        while frame is not None and not frame.f_code.co_filename.startswith(_ROOT):
            frame = frame.f_back
        where = ("elsewhere", "")
        if frame is not None:
            code = frame.f_code
            room = code.co_filename.removeprefix(_ROOT).removeprefix("ical/").removesuffix(".py")
            where = (room, code.co_qualname)
        self.functions[where] += int((now - self.last) * 1e9)
        self.last = now


def main() -> None:
    """Profile one feed."""
    parser = argparse.ArgumentParser(description="CPU time by module of extcal.ical.")
    parser.add_argument("feed", nargs="?", default="google-10000", help="its name, or a file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--top", type=int, default=20, help="functions to show")
    parser.add_argument("--events", action="store_true", help="expand, instead of free_busy")
    parser.add_argument("--unsieved", action="store_true", help="with sieve=False")
    options = parser.parse_args()
    file = Path(options.feed)
    data = (file if file.exists() else stored(options.feed)).read_bytes()
    work = extcal.expand if options.events else extcal.free_busy
    sieve = not options.unsieved
    work(data, START, END, timezone="Europe/Berlin", sieve=sieve)  # imports everything
    began = time.process_time()
    with Sampler() as sampler:
        for _ in range(options.rounds):
            work(data, START, END, timezone="Europe/Berlin", sieve=sieve)
    total = (time.process_time() - began) / options.rounds
    print(f"{options.feed}: {total * 1e3:.2f} ms of CPU time a reading, {len(data) / 1e6:.1f} MB\n")
    rooms: Counter[str] = Counter()
    for (room, _), nanoseconds in sampler.functions.items():
        rooms[room] += nanoseconds
    whole = sum(rooms.values())
    for room, spent in rooms.most_common():
        print(f"{spent / whole:7.1%}{spent / 1e6 / options.rounds:11.2f} ms  {room}")
    print()
    for (room, function), spent in sampler.functions.most_common(options.top):
        print(f"{spent / whole:7.1%}{spent / 1e6 / options.rounds:11.2f} ms  {room}: {function}")


if __name__ == "__main__":
    main()
