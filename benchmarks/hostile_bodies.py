"""Hostile bodies at the largest size that is accepted: what does it cost to fetch and read one?

    python benchmarks/hostile_bodies.py                 # every kind, 62 MiB each: twenty minutes
    python benchmarks/hostile_bodies.py --mib 3 FREEBUSY
    python benchmarks/hostile_bodies.py --lines series

Each body comes compressed over a socket from a server in another process, and a cache reads it in a
process of its own. The kinds are in ``hostile_kinds.py`` and ``hostile_more.py``.

The table has the CPU seconds, the most memory beyond the decoded body, and the longest time that
another thread of the process had to wait for its turn. That is counted in CPU time of this process
too, so all figures hold on a busy machine. With ``--lines`` it is the longest time that one line of
code took at once, in processor time of its own thread, and the line: what Python itself adds, and
other programs, is not in it. No figure makes this program fail.

At 62 MiB most kinds end at a limit before much of them is read. At 3 MiB as much is read as the
limits allow.
"""

from __future__ import annotations

import argparse
import http.server
import json
import multiprocessing
import os
import resource
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from hostile_kinds import KINDS, body
from hostile_more import CODECS, MORE, OWNED, sent

TraceFunction = Any  # what a tracer returns: another one
_MIB = 1024 * 1024
ALL = {**KINDS, **MORE}


def main() -> None:
    """Measure the kinds that the arguments name, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("kinds", nargs="*", help="words of their names; all kinds without any")
    parser.add_argument("--mib", type=int, default=62, help="decoded size of each body")
    parser.add_argument("--to", type=Path, help="a file of results: its kinds are not run again")
    parser.add_argument("--lines", action="store_true", help="which line keeps others waiting")
    parser.add_argument("--exactly", action="store_true", help="the words are whole names")
    options = parser.parse_args()
    chosen = [
        kind
        for kind in ALL
        if not options.kinds
        or any(word == kind if options.exactly else word in kind for word in options.kinds)
    ]
    if options.to is not None and options.to.exists():
        rows = map(json.loads, options.to.read_text("utf-8").splitlines())
        known = {row["kind"]: Row(**row) for row in rows}
    else:
        known = {}
    print(f"{'kind':44} {'MiB':>5} {'CPU s':>6} {'+MiB':>5} {'wait ms':>8}  answer")
    for kind in chosen:
        row = known.get(kind)
        if row is None:
            row = _row(kind, options.mib * _MIB, lines=options.lines)
            if options.to is not None:
                with options.to.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(row)) + "\n")
        print(f"{kind:44} {row.mib:5.1f} {row.cpu:6.2f} {row.more:5.0f} {row.wait:8.1f}"
              f"  {row.answer}", flush=True)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``more``: MiB beyond the body; ``wait`` is milliseconds."""

    kind: str
    mib: float
    cpu: float
    more: float
    wait: float
    answer: str


def _row(kind: str, size: int, *, lines: bool) -> Row:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, kind, size))
    server.start()
    port, size = ours.recv()
    with context.Pool(1) as pool:
        cpu, more, pause, answer = pool.apply(_measure, (port, kind in OWNED, lines))
    ours.send("stop")
    server.join()
    mib = size / _MIB
    return Row(kind, round(mib, 1), round(cpu, 2), round(more / _MIB - mib), pause * 1000, answer)


def _serve(pipe: Connection, kind: str, size: int) -> None:
    raw = ALL[kind](size).encode(CODECS.get(kind, "utf-8"))
    small = body().encode()
    length = len(raw)
    answers = {"/a.ics": sent(kind, raw), "/small.ics": sent("", small)}
    del raw

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            fields, pieces = answers[self.path]
            self.send_response(200)
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the client may have had enough
                for piece in pieces():
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().process_request(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send((server.server_port, length))
    pipe.recv()
    server.shutdown()


def _measure(port: int, owned: bool, lines: bool) -> tuple[float, float, float, str]:
    """CPU seconds, bytes of memory, the longest pause in seconds, and what was answered."""
    import extcal
    from extcal.fetch import HttpFetcher
    from extcal.testing import ManualClock

    clock = ManualClock(datetime(2027, 1, 4, tzinfo=UTC))
    fetcher = HttpFetcher(allow_networks=["127.0.0.0/8"])
    limits = extcal.Limits(fetch_deadline=120)  # on a busy machine callers would wait in vain
    calendars = extcal.CalendarCache(fetcher=fetcher, clock=clock, limits=limits)
    found: list[str] = []
    rules = extcal.BusyPolicy(rules=(extcal.Rule("FREE", category="away"),))
    feed = extcal.Feed(
        f"http://127.0.0.1:{port}/a.ics",
        owner="ada@example.org" if owned else None,
        policy=rules if owned else extcal.BusyPolicy(),
    )

    def read() -> None:
        try:
            snapshot = calendars.get(feed)
            codes = {problem.code for problem in snapshot.problems if problem.action == "unknown"}
            found.append(", ".join(sorted(codes)) or "read")
        except extcal.Unavailable as error:
            found.append(error.kind)

    calendars.get(f"http://127.0.0.1:{port}/small.ics")  # what is used first is imported
    before = _memory()
    if lines:
        longest = _Longest()
        time.sleep(0.1)  # the worker of the first fetch has ended, so a new thread is followed
        threading.settrace(longest.follow)
        read()
        return 0.0, _memory() - before, longest.seconds, f"{found[0]}; {longest.line}"
    beside = _Beside()
    cpu = time.process_time()
    beside.start()
    read()
    beside.done = True
    beside.join()
    return time.process_time() - cpu - beside.cpu, _memory() - before, beside.longest, found[0]


class _Longest:
    """Which line of a new thread takes longest at once, in processor time of its own."""

    seconds, line = 0.0, ""

    def follow(self, frame: FrameType, event: str, argument: object) -> TraceFunction:
        """A tracer for the thread that calls this."""
        last, since = frame.f_code, time.thread_time()
        number = frame.f_lineno

        def noted(frame: FrameType, event: str, argument: object) -> TraceFunction:
            nonlocal last, number, since
            took = time.thread_time() - since
            if took > self.seconds:
                self.seconds = took
                self.line = f"{Path(last.co_filename).name}:{number} {last.co_name}"
            last, number = frame.f_code, frame.f_lineno
            since = time.thread_time()
            return noted

        sys.settrace(noted)
        return noted


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
