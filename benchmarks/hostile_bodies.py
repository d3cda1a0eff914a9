"""Hostile bodies at the largest size that is accepted: what does it cost to fetch and read one?

    python benchmarks/hostile_bodies.py                 # every kind, 62 MiB each: twenty minutes
    python benchmarks/hostile_bodies.py --mib 8 FREEBUSY

Each body comes compressed over a socket from a server in another process, and a cache reads it in a
process of its own. The kinds of ``hostile.py`` are repeated up to that size, under other UIDs.

The table has the CPU seconds, the most memory beyond the decoded body, and the longest time that
another thread of the process had to wait for its turn. That is counted in CPU time of this process
too, so all figures hold on a busy machine. No figure makes this program fail.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import multiprocessing
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection

from hostile import HOSTILE, Hostile

_MIB = 1024 * 1024
_LINES = 1_990_000  # just below Limits.max_lines
_EVENTS = 199_000  # just below Limits.max_vevents
_LONG = 900_000  # just below Limits.max_line_bytes
_HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//hostile//EN\r\n"
_NOW = "DTSTART:20270105T090000Z\r\nDTEND:20270105T100000Z\r\n"
_LAST = "BEGIN:VEVENT\r\nUID:last\r\n" + _NOW + "END:VEVENT\r\nEND:VCALENDAR\r\n"

Maker = Callable[[int], str]


def _body(*parts: str) -> str:
    return "".join((_HEAD, *parts, _LAST))


def _filled(part: str, size: int, most: int) -> str:
    """``part`` over and over, with a number where it has one."""
    count = max(1, min(most, size // len(part)))
    return (
        "".join(part.replace("%d", f"{n:07}") for n in range(count))
        if "%d" in part
        else (part * count)
    )


def _lines(line: str, inside: str = "VEVENT", own: str = _NOW) -> Maker:
    """One component with so many lines of a kind."""
    start, end = f"BEGIN:{inside}\r\nUID:a\r\n{own}", f"END:{inside}\r\n"
    return lambda size: _body(start, _filled(line + "\r\n", size, _LINES), end)


def _parts(part: str) -> Maker:
    """So many components of a kind."""
    return lambda size: _body(_filled(part, size, _LINES // part.count("\n")))


def _events(lines: str) -> Maker:
    """So many events with these lines, filled up to the whole size."""

    def make(size: int) -> str:
        event = f"BEGIN:VEVENT\r\n{lines}X:%s\r\nEND:VEVENT\r\n"
        more = max(1, size // _EVENTS - len(event))
        return _body(
            _filled(
                event % ("x" * more) if "%d" not in event else event.replace("%s", "x" * more),
                size,
                _EVENTS,
            )
        )

    return make


def _times(count: int, step: int = 3600) -> str:
    first = datetime(2027, 1, 4, tzinfo=UTC)
    return ",".join(f"{first + timedelta(seconds=step * n):%Y%m%dT%H%M%SZ}" for n in range(count))


def _long(lines: str) -> Maker:
    """So many events with these lines, which are long."""
    event = f"BEGIN:VEVENT\r\n{lines}END:VEVENT\r\n"
    return lambda size: _body(_filled(event, size, _EVENTS))


def _numbers(first: int, behind: int) -> str:
    return ",".join(map(str, range(first, behind)))


def _repeated(one: Hostile, size: int) -> str:
    """What stands in the calendar of ``hostile.py``, so often that it fills the size."""
    inside = one.make().decode("utf-8", "replace").partition("\n")[2].rpartition("END:VCALENDAR")[0]
    often = max(1, size * 19 // 20 // max(1, len(inside.encode())))
    return _body(*(inside.replace("UID:", f"UID:{number}-") for number in range(often)))


_RULE = "RRULE:FREQ=DAILY\r\n"
_DAILY = "UID:%d\r\n" + _RULE

KINDS: dict[str, Maker] = {
    "short lines": lambda size: _body("A:\r\n" * (size // 4)),
    "lines that are not needed": _lines("A:" + "x" * 27),
    "the same in lower case": _lines("a:" + "x" * 27),
    "lines that are none": _lines("?" + "x" * 28),
    "newlines": lambda size: _body("\r\n" * _LINES),
    "lone CRs": lambda size: _events(_NOW + "UID:%d\r\n")(size).replace("\r\n", "\r"),
    "mixed line ends": lambda size: _events(_NOW + "UID:%d\r\n")(size).replace("Z\r\n", "Z\n"),
    "NULs in names": _lines("SUM\0MARY:" + "x" * 20),
    "NULs in values": _lines("SUMMARY:" + "\0" * 21),
    "byte order marks": _lines("\ufeffA:" + "x" * 22),
    "folds by one": _lines("SUMMARY:" + "\r\n x" * 200_000),
    "folds": _lines("SUMMARY:\r\n " + "x" * 22),
    "one folded line": lambda size: _lines("SUMMARY:" + ("\r\n " + "x" * 29) * (size // 32))(1),
    "one long line": lambda size: _lines("X-A:" + "x" * size)(1),
    "long texts": _lines("SUMMARY:%d" + "x" * _LONG),
    "escapes": _lines("SUMMARY:" + "\\n" * (_LONG // 2)),
    "not UTF-8": _lines("SUMMARY:" + "\xe4" * _LONG),
    "wide characters": _lines("SUMMARY:\U0001f600" + "x" * _LONG),
    "SUMMARYs": _lines("SUMMARY:%dxxxxxxxxxxxxxx"),
    "UIDs": _lines("UID:%dxxxxxxxxxxxxxxxxxx"),
    "DTSTARTs": _lines("DTSTART:20270105T090000Z      ", own=""),
    "STATUSes": _lines("STATUS:%dxxxxxxxxxxxxxxx"),
    "CATEGORIES": _lines("CATEGORIES:" + "a," * (_LONG // 2)),
    "X- lines": _lines("X-A;X=1:xxxxxxxxxxxxxxxxxxxx"),
    "ATTENDEEs": _lines("ATTENDEE:mailto:%d@example.org"),
    "FREEBUSY lines": _lines("FREEBUSY:20270105T090000Z/PT1H", "VFREEBUSY", ""),
    "FREEBUSY periods": lambda size: _lines(
        "FREEBUSY:" + _times(50_000).replace(",", "/PT2M,"), "VFREEBUSY", "")(size),
    "VFREEBUSYs": _parts("BEGIN:VFREEBUSY\r\nUID:%d\r\nEND:VFREEBUSY\r\n"),
    "VTODOs": _parts("BEGIN:VTODO\r\nUID:%d\r\nSUMMARY:x\r\nEND:VTODO\r\n"),
    "VALARMs": _lines("BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM"),
    "unknown components": _lines("BEGIN:X-AAA\r\nEND:X-AAA"),
    "nested components": _parts("BEGIN:X\r\n" * 900 + "END:X\r\n" * 900),
    "VCALENDARs": lambda size: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" * (_LINES // 2) + _body(),
    "VTIMEZONEs": _parts(
        "BEGIN:VTIMEZONE\r\nTZID:z%d\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    ),
    "names of zones": _events("UID:%d\r\nDTSTART;TZID=Zone %d:20270105T090000\r\n"),
    "RDATE lines": _lines("RDATE:20270105T090000Z"),
    "RDATEs": lambda size: _lines("RDATE:" + _times(50_000))(size),
    "EXDATE lines": _lines("EXDATE:20270105T090000Z"),
    "EXDATEs": lambda size: _lines("RRULE:FREQ=DAILY\r\nEXDATE:" + _times(50_000))(size),
    "RRULEs": _lines("RRULE:FREQ=DAILY;INTERVAL=%d"),
    "BY lists": _lines("RRULE:FREQ=YEARLY;INTERVAL=%d;BYYEARDAY=" + "99,-9," * 150_000 + "1"),
    "overrides": _events("UID:a\r\nRECURRENCE-ID:20270105T090000Z\r\nSEQUENCE:%d\r\n" + _NOW),
    "copies": _events("UID:a\r\nSEQUENCE:%d\r\nRRULE:FREQ=DAILY\r\n" + _NOW),
    "series": _events("UID:%d\r\nRRULE:FREQ=DAILY\r\n" + _NOW),
    "events": _events("UID:%d\r\n" + _NOW),
    "events without a UID": _events("SEQUENCE:%d\r\n" + _NOW),
    "events in lower case": lambda size: _events("UID:%d\r\n" + _NOW)(size).lower(),
    "unreadable events": _events("UID:%d\r\nDTSTART:soon\r\n"),
    "quoted parameters": _lines("DTSTART" + ';X="a;b"' * 100_000 + ":20270105T090000Z", own=""),
    "parameters": _lines("DTSTART" + ";X=a" * 200_000 + ":20270105T090000Z", own=""),
    "VAVAILABILITYs": _parts(
        "BEGIN:VAVAILABILITY\r\nUID:%d\r\nBEGIN:AVAILABLE\r\nUID:x\r\n" + _NOW
        + "END:AVAILABLE\r\nEND:VAVAILABILITY\r\n"
    ),
    "UTF-16": lambda size: _events("UID:%d\r\n" + _NOW)(size // 2),
    "UTF-16 without a mark": lambda size: "\0".join(_events("UID:%d\r\n" + _NOW)(size // 2)),
    "NULs everywhere": lambda size: "\0" * size,
    "a BEGIN in folds": lambda size: "B\r\n E\r\n G" * (size // 10),
    "a page behind the calendar": lambda size: _body() + "<p>x</p>\n" * (size // 9),
    "byte order marks in events": lambda size: _events("UID:%d\r\n" + _NOW)(size)
    .replace("\r\nDT", "\r\n\ufeffDT"),
    "a UID of 900 kB each": _long("UID:%d" + "x" * _LONG + "\r\n" + _NOW),
    "one UID of 60 kB": _long("UID:" + "x" * 60_000 + "\r\nSEQUENCE:%d\r\n" + _NOW),
    "titles of 300 kB": _long(_DAILY + _NOW + "SUMMARY:%d" + "\U0001f600" * 70_000 + "\r\n"),
    "titles of escapes": _long(_DAILY + _NOW + "SUMMARY:%d" + '\\n\\\\"' * 50_000 + "\r\n"),
    "parameters of 500 kB": _long(
        'UID:%d\r\nDTSTART;X="' + "a;b:c," * 70_000 + '":20270105T090000Z\r\n'),
    "deep components": _lines("BEGIN:X-AAAAAAA"),
    "RDATE periods": _long(
        "UID:%d\r\n" + _NOW + "RDATE;VALUE=PERIOD:" + _times(9_000, 420).replace(",", "/PT5M,")
        + "\r\n"),
    "EXDATEs in zones": lambda size: _lines("RRULE:FREQ=HOURLY", own=_NOW + "".join(
        f"EXDATE;TZID=Zone{n % 1_900}:20270105T090000\r\n" for n in range(size // 40)))(1),
    "EXRULEs": _long(_DAILY + _NOW + "".join(
        f"EXRULE:FREQ=MINUTELY;INTERVAL={n}\r\n" for n in range(2, 2_000))),
    "overrides of many UIDs": lambda size: _body(*(
        f"BEGIN:VEVENT\r\nUID:{n % 2_000}\r\nRECURRENCE-ID:202701{n // 2_000 + 5:02}T090000Z\r\n"
        f"{_NOW}X:{'x' * (size // 45_000 - 150)}\r\nEND:VEVENT\r\n" for n in range(45_000))),
    "THISANDFUTURE": _long(
        "UID:a\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270105T09%dZ\r\n" + _NOW + "X:"
        + "x" * 9_000 + "\r\n"),
    "BYSETPOS of everything": _long(
        "UID:%d\r\nDTSTART:19000101T000000Z\r\nRRULE:FREQ=YEARLY;BYHOUR=" + _numbers(0, 24)
        + ";BYMINUTE=" + _numbers(0, 60) + ";BYSECOND=" + _numbers(0, 60) + ";BYSETPOS="
        + _numbers(1, 367) + "\r\n"),
    "BYDAY of everything": _long(
        "UID:%d\r\nDTSTART:19000101T000000Z\r\nRRULE:FREQ=YEARLY;BYDAY=" + ",".join(
            f"{n}{day}" for n in range(1, 54) for day in ("MO", "TU", "WE", "TH", "FR"))
        + "\r\n"),
    "SECONDLY that never matches": _long(
        "UID:%d\r\nDTSTART:19010101T000000Z\r\nRRULE:FREQ=SECONDLY;INTERVAL=86399;COUNT=999999999;"
        "BYMONTH=2;BYMONTHDAY=29;BYHOUR=3;BYSECOND=7\r\nX:" + "x" * 3_000 + "\r\n"),
    "COUNTs from 1901": _long(
        "UID:%d\r\nDTSTART:19010113T000000Z\r\nRRULE:FREQ=MONTHLY;COUNT=99999;BYMONTHDAY=13,-1;"
        "BYDAY=FR;BYSETPOS=1,-1\r\nX:" + "x" * 3_000 + "\r\n"),
    "long DURATIONs": _events("UID:%d\r\nDTSTART:20270105T090000Z\r\nDURATION:P" + "9" * 200
                              + "D\r\n"),
    "the years 1 and 9999": lambda size: _body(*(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART:{('0001', '9999')[n % 2]}0101T090000Z\r\n"
        f"{_RULE}X:{'x' * (size // _EVENTS - 120)}\r\nEND:VEVENT\r\n" for n in range(_EVENTS))),
    "hourly series": _long(
        "UID:%d\r\nRRULE:FREQ=HOURLY\r\n" + _NOW + "X:" + "x" * 3_000 + "\r\n"),
    "20,000 series with texts": _long(_DAILY + _NOW + "SUMMARY:%d" + "x" * 3_000 + "\r\n"),
    "18,000 series, 36,000 events": lambda size: _body(*(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nRRULE:FREQ=DAILY;COUNT=2\r\n"
        f"DTSTART:202701{4 + n % 25:02}T00{n % 60:02}00Z\r\nDURATION:PT{n % 50 + 1}M\r\n"
        f"SUMMARY:{n} {'title ' * 60}\r\nLOCATION:{n} {'place ' * 60}\r\nEND:VEVENT\r\n"
        for n in range(18_000))),
    "past and future of one UID": lambda size: _body(*(
        f"BEGIN:VEVENT\r\nUID:{n % 95_000}\r\nDTSTART:20{20 + 7 * (n % 2)}0105T090000Z\r\n"
        f"DTEND:20{20 + 7 * (n % 2)}0105T100000Z\r\nX:{'x' * (size // _EVENTS - 110)}\r\n"
        "END:VEVENT\r\n" for n in range(_EVENTS))),
    "past events": lambda size: _events("UID:%d\r\n" + _NOW.replace("2027", "2020"))(size),
    "future series": _events("UID:%d\r\nRRULE:FREQ=SECONDLY\r\nDTSTART:20300105T090000Z\r\n"),
    "AVAILABLEs": _lines(
        "BEGIN:AVAILABLE\r\nUID:%d\r\n" + _NOW + "RRULE:FREQ=HOURLY\r\nX:" + "x" * 60_000
        + "\r\nEND:AVAILABLE", "VAVAILABILITY", ""),
    "VFREEBUSYs with periods": _parts(
        "BEGIN:VFREEBUSY\r\nUID:%d\r\nFREEBUSY:20270105T090000Z/PT1H\r\nX:" + "x" * 2_000
        + "\r\nEND:VFREEBUSY\r\n"),
    "VCALENDARs with an event": lambda size: "".join(
        f"BEGIN:VCALENDAR\r\nPRODID:{n}\r\nX-WR-TIMEZONE:z{n}\r\nBEGIN:VEVENT\r\nUID:{n}\r\n{_NOW}"
        f"X:{'x' * (size // 180_000 - 180)}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        for n in range(180_000)) + _body(),
    "Google's stamps in folds": lambda size: (
        "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\n"
        "DTSTAMP:20270104T080000Z\r\nD" + "\r\n " * (size // 3) + _body()),
    **{f"hostile: {one.name}": partial(_repeated, one) for one in HOSTILE},
}  # fmt: skip


def main() -> None:
    """Measure the kinds that the arguments name, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("kinds", nargs="*", help="words of their names; all kinds without any")
    parser.add_argument("--mib", type=int, default=62, help="decoded size of each body")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{'kind':44} {'MiB':>5} {'CPU s':>6} {'+MiB':>5} {'wait ms':>8}  answer")
    for kind in KINDS:
        if options.kinds and not any(word in kind for word in options.kinds):
            continue
        ours, theirs = context.Pipe()
        server = context.Process(target=_serve, args=(theirs, kind, options.mib * _MIB))
        server.start()
        port, size = ours.recv()
        with context.Pool(1) as pool:
            cpu, more, pause, answer = pool.apply(_measure, (port,))
        ours.send("stop")
        server.join()
        print(f"{kind:44} {size / _MIB:5.1f} {cpu:6.2f} {more / _MIB - size / _MIB:5.0f}"
              f" {pause * 1000:8.0f}  {answer}", flush=True)  # fmt: skip


def _serve(pipe: Connection, kind: str, size: int) -> None:
    text = KINDS[kind](size)
    codec = {"UTF-16": "utf-16", "not UTF-8": "latin-1"}.get(kind, "utf-8")
    raw = text.encode(codec)
    bodies = {"/a.ics": gzip.compress(raw, 1), "/small.ics": gzip.compress(_body().encode())}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[self.path]
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send((server.server_port, len(raw)))
    pipe.recv()
    server.shutdown()


def _measure(port: int) -> tuple[float, float, float, str]:
    """CPU seconds, bytes of memory, the longest pause in seconds, and what was answered."""
    import extcal
    from extcal.fetch import HttpFetcher
    from extcal.testing import ManualClock

    clock = ManualClock(datetime(2027, 1, 4, tzinfo=UTC))
    fetcher = HttpFetcher(allow_networks=["127.0.0.0/8"])
    limits = extcal.Limits(fetch_deadline=120)  # on a busy machine callers would wait in vain
    calendars = extcal.CalendarCache(fetcher=fetcher, clock=clock, limits=limits)
    found: list[str] = []

    def read() -> None:
        try:
            snapshot = calendars.get(f"http://127.0.0.1:{port}/a.ics")
            codes = {problem.code for problem in snapshot.problems if problem.action == "unknown"}
            found.append(", ".join(sorted(codes)) or "read")
        except extcal.Unavailable as error:
            found.append(error.kind)

    calendars.get(f"http://127.0.0.1:{port}/small.ics")  # what is used first is imported
    beside = _Beside()
    before = _memory()
    cpu = time.process_time()
    beside.start()
    read()
    beside.done = True
    beside.join()
    return time.process_time() - cpu - beside.cpu, _memory() - before, beside.longest, found[0]


class _Beside(threading.Thread):
    """Wants the interpreter again and again, as the thread of an event loop does.

    Python gives it its turn between two instructions, but not inside a call into C.
    """

    longest = cpu = 0.0
    done = False

    def run(self) -> None:
        if hasattr(os, "sched_setscheduler"):  # so that only this process keeps it waiting
            with suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        sys.setswitchinterval(0.0005)
        while not self.done:
            since = time.process_time()
            time.sleep(0.0005)
            self.longest = max(self.longest, time.process_time() - since)
        self.cpu = time.thread_time()


def _memory() -> float:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


if __name__ == "__main__":
    main()
