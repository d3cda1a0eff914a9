"""One library that turns the bytes of a feed into merged busy intervals, as a process of its own.

    python contestant.py extcal|expand|regex|either|recurring|ical

Reads requests, one JSON object a line (``path``, ``start`` and ``end`` in epoch seconds), and
answers each with one: ``cpu`` (seconds of CPU time from the bytes to the intervals; reading the
file is not counted), ``busy`` (the intervals), ``peak`` (bytes the process grew by, at its highest,
the feed among them) or ``error``. With ``trace``, ``traced`` is the peak of what Python's allocator
gave out beyond the feed. The same rules are applied to every library: Microsoft's busy status if
there is one, else TRANSP; cancelled events are left out; all-day events are local to Berlin. This
file runs in the environment of one library, so each function imports only its own library.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
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


Contestant = Callable[[bytes, datetime, datetime], Outcome | Callable[[], Outcome]]

BERLIN = ZoneInfo("Europe/Berlin")
_NOT_BUSY = {"FREE", "WORKINGELSEWHERE"}


def main() -> None:
    """Serve requests until the input ends."""
    contestant = CONTESTANTS[sys.argv[1]]()
    for line in sys.stdin:
        print(json.dumps(_answer(contestant, json.loads(line))), flush=True)


def _answer(contestant: Contestant, request: dict[str, Any]) -> dict[str, object]:
    start = datetime.fromtimestamp(request["start"], UTC)
    end = datetime.fromtimestamp(request["end"], UTC)
    gc.collect()
    before = high_water()
    data = Path(request["path"]).read_bytes()
    if request.get("trace"):
        tracemalloc.start()
    began = time.process_time()
    try:
        outcome = contestant(data, start, end)
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


def merged(spans: Iterable[tuple[int, int]], start: datetime, end: datetime) -> Spans:
    """Join spans that overlap or touch, within the window."""
    lo, hi = int(start.timestamp()), int(end.timestamp())
    joined: Spans = []
    for begin, stop in sorted(spans):
        begin, stop = max(begin, lo), min(stop, hi)
        if begin >= stop:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((begin, stop))
    return joined


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
    free_busy = import_module("extcal").free_busy

    def read(data: bytes, start: datetime, end: datetime) -> Callable[[], Outcome]:
        answer = free_busy(data, start, end, timezone="Europe/Berlin")
        return lambda: Outcome(_blocking(answer.epochs, start, end))

    return read


def expand() -> Contestant:
    """This library, with its events and problems."""
    whole = import_module("extcal").expand

    def read(data: bytes, start: datetime, end: datetime) -> Callable[[], Outcome]:
        answer = whole(data, start, end, timezone="Europe/Berlin")
        odd = tuple(sorted({problem.code for problem in answer.problems}))
        return lambda: Outcome(_blocking(answer.free_busy.epochs, start, end), answer.complete, odd)

    return read


def _blocking(epochs: Iterable[tuple[int, int, int]], start: datetime, end: datetime) -> Spans:
    return merged(((lo, hi) for lo, hi, kind in epochs if kind > 1), start, end)


def regex() -> Contestant:
    """No library: one selective regex pass over the same bytes, for comparison."""
    return _pass(rb"\n(?:RRULE|RDATE|RECURRENCE-ID)[;:]")


def either() -> Contestant:
    """The same for names in upper or lower case, which RFC 5545 section 2 makes equal."""
    return _pass(rb"\n[Rr](?:RULE|DATE|ECURRENCE-ID|rule|date|ecurrence-id)[;:]")


def _pass(selective: bytes) -> Contestant:
    pattern = re.compile(selective)

    def read(data: bytes, start: datetime, end: datetime) -> Outcome:
        for _ in pattern.finditer(data):
            pass
        return Outcome([])

    return read


def recurring() -> Contestant:
    """icalendar reads, recurring-ical-events expands."""
    calendars = import_module("icalendar").Calendar
    of = import_module("recurring_ical_events").of

    def read(data: bytes, start: datetime, end: datetime) -> Outcome:
        # The library reads dates in the zone of the window.
        first, last = start.astimezone(BERLIN), end.astimezone(BERLIN)
        spans = []
        for event in of(calendars.from_ical(data)).between(first, last):
            microsoft = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", ""))
            if _is_busy(microsoft, str(event.get("TRANSP", "")), str(event.get("STATUS", ""))):
                spans.append((_instant(event["DTSTART"].dt), _instant(event["DTEND"].dt)))
        return Outcome(merged(spans, start, end))

    return read


def ical() -> Contestant:
    """allenporter's ical, which Home Assistant's local calendar uses."""
    streams = import_module("ical.calendar_stream").IcsCalendarStream

    def read(data: bytes, start: datetime, end: datetime) -> Outcome:
        calendar = streams.calendar_from_ics(data.decode())
        timeline = calendar.timeline_tz(BERLIN)
        spans = []
        for event in timeline.overlapping(start - timedelta(days=1), end + timedelta(days=1)):
            extras = {extra.name: extra.value for extra in event.extras}
            microsoft = str(extras.get("x-microsoft-cdo-busystatus", ""))
            status = event.status.value if event.status else ""
            if _is_busy(microsoft, event.transparency or "", status):
                spans.append((_instant(event.start), _instant(event.end)))
        return Outcome(merged(spans, start, end))

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
