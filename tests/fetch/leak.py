"""Do many fetches leave anything behind? ``python tests/fetch/leak.py 10000`` says so in figures.

Half of them by threads, half by tasks, well and ill: each with a name to look up, over loopback, to
a server in a process of its own, so that only what fetchers leave is counted. After a warm-up, file
descriptors, threads, objects and memory must stay where they were.
"""

from __future__ import annotations

import gc
import gzip
import os
import socketserver
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import anyio

from extcal.fetch import AsyncHttpFetcher, Feed, FetchRequest, FetchResponse, HttpFetcher

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    b"/good": OK + b"Content-Length: %d\r\n\r\n" % len(CALENDAR) + CALENDAR,
    b"/gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(CALENDAR * 1_000),
    b"/move": b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    b"/none": b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    b"/busy": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    b"/page": OK + b"\r\n<html>",
    b"/torn": OK + b"Content-Length: 999\r\n\r\n" + CALENDAR,
    b"/mute": b"",
}
AT_ONCE = 8


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        asked = self.request.recv(65_536).split()[1]
        self.request.sendall(ANSWERS[asked])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


@dataclass(frozen=True)
class Used:
    """What this process holds."""

    descriptors: int
    threads: int
    objects: int
    kibibytes: int

    @classmethod
    def now(cls) -> Used:
        gc.collect()
        return cls(
            len(os.listdir("/dev/fd")),
            threading.active_count(),
            len(gc.get_objects()),
            _resident(),
        )

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.threads} threads, {self.objects} objects,"
            f" {self.kibibytes / 1024:.1f} MiB"
        )


def _resident() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1])


def requests(port: int, number: int) -> list[FetchRequest]:
    """The paths in turn."""
    paths = [path.decode() for path in ANSWERS]
    return [
        FetchRequest(Feed(f"http://h{n % 5}.example.net:{port}{paths[n % len(paths)]}"), '"1"')
        for n in range(number)
    ]


def options(port: int) -> dict[str, object]:
    return {
        "allow_networks": "127.0.0.0/8",
        "allow_http": True,
        "ports": [port],
        "resolver": lambda host, port: ["127.0.0.1"],
        "jitter": lambda: 99.0,  # beyond any deadline: no pauses here
    }


def by_threads(port: int, number: int) -> list[FetchResponse]:
    fetcher = HttpFetcher(**options(port))  # type: ignore[arg-type]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(fetcher.fetch, requests(port, number)))


def by_tasks(port: int, number: int) -> list[FetchResponse]:
    answers: list[FetchResponse] = []
    todo = iter(requests(port, number))

    async def worker(fetcher: AsyncHttpFetcher) -> None:
        for request in todo:
            answers.append(await fetcher.fetch(request))

    async def main() -> None:
        fetcher = AsyncHttpFetcher(**options(port))  # type: ignore[arg-type]
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(worker, fetcher)

    anyio.run(main)
    return answers


def settled() -> Used:
    """What is held once idle threads have ended."""
    used = Used.now()
    for _ in range(100):
        if used.threads == 1:
            break
        threading.Event().wait(0.05)
        used = Used.now()
    return used


def measure(number: int) -> list[Used]:
    """Fetch ``number`` times in ten rounds; what is held after each, the first being a warm-up."""
    code = f"import runpy; runpy.run_path({__file__!r})['serve']()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            after = []
            each = max(number // 20, len(ANSWERS))
            for _ in range(10):
                kinds = {type(answer).__name__ for answer in by_threads(port, each)}
                assert kinds == {type(answer).__name__ for answer in by_tasks(port, each)}
                assert kinds == {"Fetched", "Refused", "Failed"}
                after.append(settled())
        finally:
            # The server ends when its input does.
            server.communicate()
    return after


def serve() -> None:
    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


def leaks(after: list[Used]) -> list[str]:
    """What grew since the warm-up, beyond what an allocator and a garbage collector do."""
    first, last = after[1], after[-1]
    found = []
    if last.descriptors > first.descriptors:
        found.append("file descriptors")
    if last.threads > first.threads:
        found.append("threads")
    if last.objects > first.objects * 1.01:
        found.append("objects")
    if last.kibibytes > first.kibibytes * 1.05 + 1024:
        found.append("memory")
    return found


if __name__ == "__main__":
    rounds = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    for number, used in zip(count(1), rounds, strict=False):
        print(f"round {number:2}: {used}")
    grown = leaks(rounds)
    print("grown: " + ", ".join(grown) if grown else "nothing grew")
    sys.exit(bool(grown))
