"""One library that turns the bytes of a feed into merged busy intervals, as a process of its own.

    python contestant.py extcal|expand|regex|either|recurring|ical

Reads requests, one JSON object a line (``path``, ``start`` and ``end`` in epoch seconds), and
answers each with one: ``cpu`` (seconds of CPU time from the bytes to the intervals; reading the
file is not counted), ``busy`` (the intervals), ``peak`` (bytes the process grew by, at its highest,
the feed among them) or ``error``. With ``trace``, ``traced`` is the peak of what Python's allocator
gave out beyond the feed. With ``times``, the work is done so many times. A ``path`` that ends in
``.list`` names several feeds, one a line, each with a window of its own (path, start and end,
separated by tabs): the question is then when any of them is busy. The
same rules are applied to every library: Microsoft's busy status if there is one, else TRANSP;
cancelled events are left out; all-day events are local to Berlin. This file runs in the environment
of one library, so each function imports only its own library.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Spans = list[tuple[int, int]]


class Outcome(NamedTuple):
    """A library's answer; only extcal says whether it is complete, and which problems there
    were."""

    busy: Spans
    complete: bool = True
    odd: tuple[str, ...] = ()


class Asked(NamedTuple):
    """One feed, and the window that is asked for."""

    data: bytes
    start: datetime
    end: datetime


Contestant = Callable[[list[Asked]], Outcome | Callable[[], Outcome]]

BERLIN = ZoneInfo("Europe/Berlin")
_NOT_BUSY = {"FREE", "WORKINGELSEWHERE"}


def main() -> None:
    """Serve requests until the input ends."""
    contestant = CONTESTANTS[sys.argv[1]]()
    for line in sys.stdin:
        print(json.dumps(_answer(contestant, json.loads(line))), flush=True)


def _answer(contestant: Contestant, request: dict[str, Any]) -> dict[str, object]:
    gc.collect()
    before = high_water()
    feeds = list(_asked(request))
    if request.get("trace"):
        tracemalloc.start()
    began = time.process_time()
    try:
        outcome = contestant(feeds)
        for _ in range(1, request.get("times", 1)):
            outcome = contestant(feeds)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    finally:
        cpu = time.process_time() - began
        traced = tracemalloc.get_traced_memory()[1] if request.get("trace") else 0
        tracemalloc.stop()
    peak = high_water() - before
    if not isinstance(outcome, Outcome):
        outcome = outcome()  # converts the answer to the form in which answers are compared
    return {"cpu": cpu, "peak": peak, "traced": traced, **outcome._asdict()}


def _asked(request: dict[str, Any]) -> Iterator[Asked]:
    lines = [f"{request['path']}\t{request['start']}\t{request['end']}"]
    if request["path"].endswith(".list"):
        lines = Path(request["path"]).read_text(encoding="utf-8").splitlines()
    for line in lines:
        path, start, end = line.split("\t")
        yield Asked(
            Path(path).read_bytes(),
            datetime.fromtimestamp(int(start), UTC),
            datetime.fromtimestamp(int(end), UTC),
        )


def high_water() -> int:
    """Return the peak memory of this process in bytes; 0 if the system does not say.

    Not from ``getrusage``: its peak includes that of the process that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """Join spans that overlap or touch."""
    together: Spans = []
    for begin, stop in sorted(spans):
        if begin >= stop:
            continue
        if together and begin <= together[-1][1]:
            together[-1] = (together[-1][0], max(stop, together[-1][1]))
        else:
            together.append((begin, stop))
    return together


def _within(begin: int, stop: int, asked: Asked) -> tuple[int, int]:
    return max(begin, int(asked.start.timestamp())), min(stop, int(asked.end.timestamp()))


def _instant(value: date) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=BERLIN)
    elif value.tzinfo is None:
        value = value.replace(tzinfo=BERLIN)
    return int(value.timestamp())


def _is_busy(microsoft: str, transparency: str, status: str) -> bool:
    if status.upper() == "CANCELLED" or microsoft.upper() in _NOT_BUSY:
        return False
    return bool(microsoft) or transparency.upper() != "TRANSPARENT"


def extcal() -> Contestant:
    """This library."""
    library = import_module("extcal")
    free_busy, join = library.free_busy, library.FreeBusy.join

    def read(feeds: list[Asked]) -> Callable[[], Outcome]:
        answers = []
        for asked in feeds:
            with suppress(library.NotACalendar):  # some feeds of the tests are none
                answers.append(free_busy(*asked, timezone="Europe/Berlin"))
        answer = answers[0] if len(answers) == 1 else join(answers)
        return lambda: Outcome(_blocking(answer.epochs))

    return read


def expand() -> Contestant:
    """This library, with its events and problems."""
    whole = import_module("extcal").expand

    def read(feeds: list[Asked]) -> Callable[[], Outcome]:
        (asked,) = feeds
        answer = whole(*asked, timezone="Europe/Berlin")
        odd = tuple(sorted({problem.code for problem in answer.problems}))
        return lambda: Outcome(_blocking(answer.free_busy.epochs), answer.complete, odd)

    return read


def _blocking(epochs: Iterable[tuple[int, int, int]]) -> Spans:
    return joined((lo, hi) for lo, hi, kind in epochs if kind > 1)


def regex() -> Contestant:
    """No library: one selective regex pass over the same bytes, for comparison."""
    return _pass(rb"\n(?:RRULE|RDATE|RECURRENCE-ID)[;:]")


def either() -> Contestant:
    """The same for names in upper or lower case, which RFC 5545 section 2 makes equal."""
    return _pass(rb"\n[Rr](?:RULE|DATE|ECURRENCE-ID|rule|date|ecurrence-id)[;:]")


def _pass(selective: bytes) -> Contestant:
    pattern = re.compile(selective)

    def read(feeds: list[Asked]) -> Outcome:
        for asked in feeds:
            for _ in pattern.finditer(asked.data):
                pass
        return Outcome([])

    return read


def recurring() -> Contestant:
    """icalendar reads, recurring-ical-events expands."""
    calendars = import_module("icalendar").Calendar
    of = import_module("recurring_ical_events").of

    def read(feeds: list[Asked]) -> Outcome:
        spans = []
        for asked in feeds:
            # The library reads dates in the zone of the window.
            first, last = asked.start.astimezone(BERLIN), asked.end.astimezone(BERLIN)
            for event in of(calendars.from_ical(asked.data)).between(first, last):
                microsoft = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", ""))
                if _is_busy(microsoft, str(event.get("TRANSP", "")), str(event.get("STATUS", ""))):
                    begin, stop = _instant(event["DTSTART"].dt), _instant(event["DTEND"].dt)
                    spans.append(_within(begin, stop, asked))
        return Outcome(joined(spans))

    return read


def ical() -> Contestant:
    """allenporter's ical, which Home Assistant's local calendar uses."""
    streams = import_module("ical.calendar_stream").IcsCalendarStream

    def read(feeds: list[Asked]) -> Outcome:
        spans = []
        day = timedelta(days=1)
        for asked in feeds:
            calendar = streams.calendar_from_ics(asked.data.decode())
            timeline = calendar.timeline_tz(BERLIN)
            for event in timeline.overlapping(asked.start - day, asked.end + day):
                extras = {extra.name: extra.value for extra in event.extras}
                microsoft = str(extras.get("x-microsoft-cdo-busystatus", ""))
                status = event.status.value if event.status else ""
                if _is_busy(microsoft, event.transparency or "", status):
                    spans.append(_within(_instant(event.start), _instant(event.end), asked))
        return Outcome(joined(spans))

    return read


CONTESTANTS: dict[str, Callable[[], Contestant]] = {
    "either": either,
    "expand": expand,
    "extcal": extcal,
    "ical": ical,
    "recurring": recurring,
    "regex": regex,
}

if __name__ == "__main__":
    main()
