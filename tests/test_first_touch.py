"""What each first touch of extcal imports, in a new process: a process that only asks for one
calendar pays for nothing else.

Each list is what comes on top of the one before it: packages of the standard library and of others
by name, extcal's own by folder. Names that begin with an underscore are left out, because they
differ between versions of Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from extcal.testing.server import FeedServer

TOUCHES = {
    "import extcal": "import extcal",
    "extcal.free_busy": "extcal.free_busy(BODY, START, END, timezone='Europe/Berlin')",
    "extcal.expand": "extcal.expand(BODY, START, END, timezone='Europe/Berlin').events",
    "CalendarCache.get": (
        "from extcal.testing import FakeFetcher, ManualClock\n"
        "url = 'https://calendar.example.com/ada.ics'\n"
        "clock = ManualClock('2027-01-04T00:00Z')\n"
        "cache = extcal.CalendarCache(fetcher=FakeFetcher({url: BODY}), clock=clock)\n"
        "assert cache.get(extcal.Feed(url)).state == 'fresh'"
    ),
    "HttpFetcher, http": (
        "fetcher = extcal.HttpFetcher(allow_networks='127.0.0.0/8', ports=[PORT])\n"
        "def fetched(scheme):\n"
        "    feed = extcal.Feed(f'{scheme}://127.0.0.1:{PORT}/ada.ics')\n"
        "    request = extcal.FetchRequest(feed, deadline=5.0, limits=extcal.Limits())\n"
        "    return type(fetcher.fetch(request)).__name__\n"
        "assert fetched('http') == 'Fetched'"
    ),
    # The server speaks no TLS: what a handshake needs has been imported by then.
    "HttpFetcher, https": "assert fetched('https') == 'Failed'",
}
# unicodedata: only to compile the source, where there is no bytecode yet.
IMPORTED: dict[str, str] = {
    "import extcal": "extcal",
    "extcal.free_busy": """
        bisect extcal.ical extcal.ical.answer extcal.ical.events extcal.ical.parse
        extcal.ical.recurrence extcal.ical.series extcal.ical.shortcuts extcal.ical.zones
        extcal.intervals extcal.intervals.views extcal.messages tzdata unicodedata
    """,
    "extcal.expand": "",
    "CalendarCache.get": """
        array extcal.cache extcal.cache.bulk extcal.cache.freshness extcal.cache.refresh
        extcal.cache.refresh.kept extcal.cache.snapshot extcal.cache.stores extcal.fetch
        extcal.fetch.address extcal.testing gc hashlib heapq threading zlib
    """,
    "HttpFetcher, http": """
        ast atexit base64 binascii calendar contextlib contextvars copy dataclasses dis email errno
        extcal.fetch.http extcal.fetch.http.connect extcal.fetch.http.message h11 importlib inspect
        ipaddress linecache locale logging math opcode quopri random select selectors socket string
        textwrap token tokenize traceback typing urllib warnings
    """,
    "HttpFetcher, https": "platform ssl stringprep unicodedata",
}
# What is heavy, and the first touch that may import it.
HEAVY: dict[str, str | None] = {
    "concurrent": None,
    "dataclasses": "HttpFetcher, http",
    "dateutil": None,
    "h11": "HttpFetcher, http",
    "hypothesis": None,
    "icalendar": None,
    "inspect": "HttpFetcher, http",
    "logging": "HttpFetcher, http",
    "ssl": "HttpFetcher, https",
    "typing": "HttpFetcher, http",
}
CODE = """
import datetime, json, re, sys, zoneinfo
START = datetime.datetime(2027, 1, 4, tzinfo=datetime.UTC)
END = START + datetime.timedelta(days=90)
BODY, PORT, touches = json.loads(sys.stdin.read())
BODY = BODY.encode()
def folders():
    ours = {each.__spec__.parent for name, each in sys.modules.items() if name.startswith("extcal")}
    return ours | {name.partition(".")[0] for name in sys.modules}
known, told = folders(), {}
for name, code in touches.items():
    exec(code, globals())
    told[name] = sorted(folders() - known)
    known |= folders()
print(json.dumps(told))
"""
BODY = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Example//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTART;TZID=Europe/Berlin:20261207T090000\r
DTEND;TZID=Europe/Berlin:20261207T100000\r
RRULE:FREQ=WEEKLY;BYDAY=MO,WE\r
EXDATE;TZID=Europe/Berlin:20270106T090000\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:1\r
RECURRENCE-ID;TZID=Europe/Berlin:20270111T090000\r
DTSTART;TZID=Europe/Berlin:20270112T090000\r
DTEND;TZID=Europe/Berlin:20270112T100000\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """The modules that each touch imports, by touch."""
    with FeedServer() as server:
        port = urlsplit(server.serve("ada.ics", BODY)).port
        ran = subprocess.run(
            [sys.executable, "-c", CODE],
            input=json.dumps([BODY, port, TOUCHES]),
            env={**os.environ, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, list[str]] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize("touch", TOUCHES)
def test_a_first_touch_imports_only_what_it_uses(
    imported: dict[str, list[str]], touch: str
) -> None:
    """Whoever adds a name to a list has measured what it costs a process that has just started."""
    new = [name for name in imported[touch] if not name.startswith("_")]
    assert sorted({*new} - {*IMPORTED[touch].split()}) == []


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_heavy_is_imported_when_it_is_used(
    imported: dict[str, list[str]], name: str
) -> None:
    touches = [touch for touch in TOUCHES if name in imported[touch]]
    assert touches in ([], [HEAVY[name]])
