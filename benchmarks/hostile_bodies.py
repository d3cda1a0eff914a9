"""Hostile bodies at the largest size that is accepted: what does it cost to fetch and read one?

    python benchmarks/hostile_bodies.py                 # every kind, 62 MiB each: ten minutes
    python benchmarks/hostile_bodies.py --mib 8 FREEBUSY

Each body comes compressed over a socket from a server in another process, and a cache reads it in a
process of its own. The table has the CPU seconds, the most memory beyond the decoded body, and the
longest time that an event loop in the same process had to wait. No figure makes this program fail.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import http.server
import multiprocessing
import resource
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

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
}  # fmt: skip


def main() -> None:
    """Measure the kinds that the arguments name, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("kinds", nargs="*", help="words of their names; all kinds without any")
    parser.add_argument("--mib", type=int, default=62, help="decoded size of each body")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{'kind':32} {'MiB':>5} {'CPU s':>6} {'+MiB':>5} {'pause ms':>8}  answer")
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
        print(f"{kind:32} {size / _MIB:5.1f} {cpu:6.2f} {more / _MIB - size / _MIB:5.0f}"
              f" {pause * 1000:8.0f}  {answer}", flush=True)  # fmt: skip


def _serve(pipe: Connection, kind: str, size: int) -> None:
    text = KINDS[kind](size)
    codec = {"UTF-16": "utf-16", "not UTF-8": "latin-1"}.get(kind, "utf-8")
    raw = text.encode(codec)
    body = gzip.compress(raw, 6)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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
    calendars = extcal.CalendarCache(fetcher=fetcher, clock=clock)
    found: list[str] = []

    def read() -> None:
        try:
            snapshot = calendars.get(f"http://127.0.0.1:{port}/a.ics")
            codes = {problem.code for problem in snapshot.problems if problem.action == "unknown"}
            found.append(", ".join(sorted(codes)) or "read")
        except extcal.Unavailable as error:
            found.append(error.kind)

    extcal.expand(_body(), datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 4, 4, tzinfo=UTC))
    before = _memory()
    cpu = time.process_time()
    pause = asyncio.run(_beside(read))
    return time.process_time() - cpu, _memory() - before, pause, found[0]


def _memory() -> float:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


async def _beside(work: Callable[[], None]) -> float:
    """Do ``work`` in a thread; return the longest time that this loop had to wait meanwhile."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    longest = 0.0
    while not task.done():
        since = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - since - 0.001)
    await task
    return longest


if __name__ == "__main__":
    main()
