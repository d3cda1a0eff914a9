"""A caller's mistake is said where it is made: which argument, and what it takes.

Every row is a public call, an argument of it, and values that it cannot take. All of them are a
TypeError or a ValueError at once; none is accepted and fails later, and none is an error from
somewhere inside. The value itself is never repeated where it could be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from extcal import (
    AsyncCalendarCache,
    AsyncHttpFetcher,
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    Gone,
    HttpFetcher,
    MemoryStore,
    RedisStore,
    Refused,
    SQLiteStore,
)
from extcal.fetch import FileFetcher, UrlPolicy
from extcal.formats import availability_view, to_google_freebusy, to_graph_schedules
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer

URL = "https://calendar.example.org/SECRET-7f3a/basic.ics"
START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=1)
NAIVE = datetime(2027, 1, 4)
DAY = date(2027, 1, 4)
HOUR = timedelta(hours=1)
THING = object()

NO_LENGTH = [None, 30, 1.5, "30m", NAIVE, -HOUR]
NO_MOMENT = [None, 1_798_000_000, "2027-01-04T09:00Z", NAIVE, DAY, HOUR]
NO_COUNT = [None, 0, -1, 1.5, "3", True]
NO_FLAG = [None, 1, "no", ""]
NO_CALL = [3, "", "call", THING]
NO_TEXT = [5, b"text", NAIVE, THING]
NOT_SEVERAL = [None, 5, NAIVE, THING]
NO_SOURCE: list[Any] = [None, 5, [5], [None], {"work": URL}]
NO_FEED = [None, 5, b"https://", THING, [URL], "", "hello"]


def cache(**arguments: Any) -> CalendarCache:
    fetcher = FakeFetcher({URL: feed_text(event("2027-01-04T09:00Z", uid="a"))})
    given = {"fetcher": fetcher, "clock": ManualClock(START)}
    return CalendarCache(**given | arguments)


def asking(name: str, **arguments: Any) -> object:
    found = getattr(cache(), name)(**arguments)
    return list(found) if isinstance(found, Iterator) else found


def served(method: str, **arguments: Any) -> object:
    with FeedServer() as server:
        return getattr(server, method)(**arguments)


CONSTRUCTED: dict[str, list[Any]] = {
    "ttl": NO_LENGTH,
    "stale_if_error": NO_LENGTH,
    "stale_while_revalidate": NO_LENGTH,
    "history": NO_LENGTH,
    "horizon": [3, "3 months", NAIVE, timedelta(0)],
    "store": [*NO_CALL, {}],
    "fetcher": [3, "", URL, THING],
    "clock": [None, NAIVE, START, "now"],
    "secret": [5, "", b"", THING],
    "limits": [5, {}, "none"],
    "ttl_jitter": [None, "0.1", -0.1, 1.0, HOUR],
    "respect_refresh_interval": NO_FLAG,
    "max_fetches": NO_COUNT,
    "on_refresh": NO_CALL,
    "jitter": [*NO_CALL, 0.5],
}
FETCHED: dict[str, list[Any]] = {
    "policy": [5, "public", {}],
    "allow_networks": [*NOT_SEVERAL, "everywhere", [5]],
    "deny_networks": [*NOT_SEVERAL, "everywhere", [5]],
    "allow_http": NO_FLAG,
    "allow_ip_literals": NO_FLAG,
    "allow_nat64": NO_FLAG,
    "ports": ["443", "", 0, 70_000, [None], THING],
    "allow_hosts": [*NOT_SEVERAL, "", "http://name", [5]],
    "address_policy": NO_CALL,
    "user_agent": [5, "", "two\nlines"],
    "user_agents": [5, "rota/1", {}],
    "limits": [5, {}, "none"],
    "max_fetches": NO_COUNT,
    "max_fetches_per_host": NO_COUNT,
    "proxy": [5, "", "proxy"],
    "resolver": NO_CALL,
    "ssl_context": [5, True, THING],
    "jitter": NO_CALL,
}
POLICY = {
    name: FETCHED[name]
    for name in ("allow_networks", "deny_networks", "allow_http", "ports", "allow_hosts")
}
PERIOD: dict[str, list[Any]] = {"start": [*NO_MOMENT, END], "end": [*NO_MOMENT, START]}
WINDOW: dict[str, Any] = {"start": START, "end": END}
MOMENT = [5, "", "tomorrow", HOUR, THING]

CALLS: list[tuple[str, Callable[..., object], dict[str, Any], dict[str, list[Any]]]] = [
    ("CalendarCache", CalendarCache, {}, CONSTRUCTED),
    ("AsyncCalendarCache", AsyncCalendarCache, {}, CONSTRUCTED),
    ("HttpFetcher", HttpFetcher, {}, FETCHED),
    ("AsyncHttpFetcher", AsyncHttpFetcher, {}, FETCHED),
    ("UrlPolicy", UrlPolicy, {}, POLICY),
    ("UrlPolicy.check", lambda **given: UrlPolicy().check(**given), {}, {"feed": NO_FEED}),
    ("FileFetcher", FileFetcher, {}, {"root": [None, 5, b"/", "", "/no/such/directory"]}),
    (
        "Feed",
        Feed,
        {"url": URL},
        {
            "url": NO_FEED,
            "timezone": [5, "", "Middle-earth", THING, HOUR],
            "owner": [5, THING, b"a@example.org", [5]],
            "policy": [5, "busy", {}],
            "detail": [None, "", "titles", 5],
            "published_ahead": [30, "3 months", NAIVE, timedelta(0), -HOUR],
        },
    ),
    ("Feed.from_user_input", Feed.from_user_input, {}, {"text": [None, 5, b"", THING, ""]}),
    *(
        (f"CalendarCache.{name}", lambda name=name, **given: asking(name, **given), {}, found)
        for name, found in {
            name: {"feed": NO_FEED}
            for name in ("get", "refresh", "forget", "last_refreshed", "last_attempt")
        }.items()
    ),
    (
        "CalendarCache.free_busy",
        lambda **given: asking("free_busy", **given),
        {"feed": URL, **WINDOW},
        {**PERIOD, "feed": NO_FEED, "exclude": [*NOT_SEVERAL, [None], [("a", 5)]]},
    ),
    (
        "CalendarCache.events",
        lambda **given: asking("events", **given),
        {"feed": URL, **WINDOW},
        {**PERIOD, "feed": NO_FEED},
    ),
    (
        "CalendarCache.availability",
        lambda **given: asking("availability", **given),
        {"people": {"Ada": URL}, **WINDOW},
        {
            **PERIOD,
            "people": [None, 5, URL, [URL], {5: URL}, *({"Ada": each} for each in NO_SOURCE)],
            "timeout": [None, 10, "10 s"],
        },
    ),
    (
        "CalendarCache.refresh_many",
        lambda **given: asking("refresh_many", **given),
        {"feeds": [URL]},
        {
            "feeds": [*NOT_SEVERAL, URL, [None, URL], [5], ["hello"]],
            "executor": [5, "threads", THING],
            "older_than": [30, "30m", NAIVE, -HOUR],
            "at_once": NO_COUNT[1:],
            "per_host": NO_COUNT,
        },
    ),
    (
        "Availability.common_free",
        lambda **given: cache().availability({"Ada": URL}, START, END).common_free(**given),
        {"duration": HOUR},
        {
            "duration": [None, 30, "30m", timedelta(0), -HOUR],
            "optional": [*NOT_SEVERAL, "Ada", ["Bob"]],
            "assume_free": [*NOT_SEVERAL, "Ada", ["Bob"]],
            "step": [15, "15m", timedelta(0)],
            "buffer": [None, 15, "15m", -HOUR],
            "blocks": [*NOT_SEVERAL, "BUSY", [5]],
        },
    ),
    (
        "Snapshot.explain",
        lambda **given: cache().get(URL).explain(**given),
        WINDOW,
        {**PERIOD, "end": [wrong for wrong in PERIOD["end"] if wrong is not None]},
    ),
    (
        "Snapshot.diff",
        lambda **given: cache().get(URL).diff(**given),
        {},
        {"previous": [None, 5, THING]},
    ),
    ("MemoryStore", MemoryStore, {}, {"max_cells": NO_COUNT, "max_bytes": NO_COUNT}),
    (
        "SQLiteStore",
        SQLiteStore,
        {"path": "cells.db"},
        {
            "path": [None, 5, THING, "", ":memory:"],
            "max_cells": NO_COUNT,
            "max_bytes": NO_COUNT,
            "codec": [5, "", THING],
            "busy_timeout": NO_LENGTH,
        },
    ),
    (
        "RedisStore",
        RedisStore,
        {"server": "redis://127.0.0.1:1/0"},
        {
            "server": [None, 5, "", "localhost", THING],
            "prefix": [None, 5, b"x", "{a}", "\n"],
            "codec": [5, "", THING],
        },
    ),
    (
        "FetchRequest",
        FetchRequest,
        {"feed": Feed(URL)},
        {
            "feed": [None, URL, 5],
            "etag": NO_TEXT,
            "last_modified": NO_TEXT,
            "deadline": [None, "20", HOUR],
            "limits": [None, 5, {}],
        },
    ),
    (
        "Fetched",
        Fetched,
        {"body": b""},
        {
            "body": [None, "text", 5],
            "etag": NO_TEXT,
            "last_modified": NO_TEXT,
            "moved_to": NO_TEXT,
        },
    ),
    (
        "Refused",
        Refused,
        {"status": 404},
        {"status": [None, "404", 0], "retry_after": ["5", HOUR, NAIVE]},
    ),
    ("Gone", Gone, {}, {"status": [None, "410", 0]}),
    (
        "Failed",
        Failed,
        {"kind": "dns"},
        {
            "kind": [None, 5, "", "odd", [], {}],
            "retry_after": ["5", HOUR, NAIVE],
            "looks_like": NO_TEXT,
        },
    ),
    ("ManualClock", ManualClock, {}, {"now": [None, 5, "", "noon", NAIVE, DAY, HOUR]}),
    (
        "ManualClock.set",
        lambda **given: ManualClock(START).set(**given),
        {},
        {"now": [None, 5, "", "noon", NAIVE, DAY, HOUR]},
    ),
    (
        "ManualClock.advance",
        lambda **given: ManualClock(START).advance(**given),
        {},
        {"by": [None, 31, "31m", NAIVE]},
    ),
    (
        "FakeFetcher",
        FakeFetcher,
        {},
        {"answers": [5, URL, [URL], {"hello": b""}, {URL: 5}, {URL: None}], "etags": NO_FLAG},
    ),
    (
        "FakeFetcher.set",
        lambda **given: FakeFetcher().set(**given),
        {"address": URL, "answer": ""},
        {"address": NO_FEED, "answer": [None, 5, NAIVE, [], {}]},
    ),
    (
        "FakeFetcher.count",
        lambda **given: FakeFetcher().count(**given),
        {},
        {"address": NO_FEED[1:]},
    ),
    (
        "event",
        event,
        {"start": "2027-01-04"},
        {
            "start": [None, *MOMENT],
            "end": [5, "", "tomorrow", THING],
            "stamp": [None, *MOMENT],
            "recurrence_id": MOMENT,
            "rdate": [None, 5, "", THING, [None]],
            "exdate": [None, 5, "", THING, [None]],
            "extra": [None, 5, [5]],
            "sequence": ["1", -1, 1.5],
            **dict.fromkeys(("tz", "uid", "summary", "location", "rrule", "status"), NO_TEXT),
        },
    ),
    (
        "feed_text",
        lambda component, **given: feed_text(component, **given),
        {"component": ""},
        {"component": [None, 5, b"", [""]], "extra": [None, 5, [5]], "name": [5, b"x"]},
    ),
    (
        "FeedServer.serve",
        lambda **given: served("serve", **given),
        {"path": "/a.ics", "body": ""},
        {"path": [None, 5, b"/"], "body": [None, 5, THING], "status": [None, "200", 0]},
    ),
    (
        "FeedServer.fail",
        lambda **given: served("fail", **given),
        {"path": "/a.ics", "how": "500"},
        {"path": [None, 5, b"/"], "how": [None, 500, "", "odd"], "times": NO_COUNT[1:]},
    ),
    (
        "to_google_freebusy",
        lambda **given: to_google_freebusy(**given),
        {"people": {"Ada": cache().get(URL).free_busy}},
        {
            "people": [None, 5, cache().get(URL).free_busy, {}, {"Ada": 5}, ["Ada"]],
            "timezone": [None, 5, "", "Middle-earth"],
        },
    ),
    (
        "to_graph_schedules",
        lambda **given: to_graph_schedules(**given),
        {"people": {"Ada": cache().get(URL).free_busy}},
        {
            "people": [None, 5, cache().get(URL).free_busy, {}, {"Ada": 5}, ["Ada"]],
            "interval": [None, 30, "30m", timedelta(0), -HOUR],
            "timezone": [None, 5, "", "Middle-earth"],
        },
    ),
    (
        "availability_view",
        lambda **given: availability_view(**given),
        {"free_busy": cache().get(URL).free_busy},
        {"interval": [None, 30, "30m", timedelta(0), -HOUR]},
    ),
]
ROWS = [
    pytest.param(call, good, argument, wrong, id=f"{name}-{argument}")
    for name, call, good, arguments in CALLS
    for argument, wrong in arguments.items()
]
# What an error inside says of a value that it should never have got.
FROM_INSIDE = (
    "object has no attribute",
    "unsupported operand",
    "not supported between",
    "is not iterable",
    "can only concatenate",
    "Invalid isoformat",
    "unhashable",
    "positional argument",
)


@pytest.mark.parametrize(("call", "good", "argument", "wrong"), ROWS)
def test_what_cannot_be_is_said_at_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., object],
    good: dict[str, Any],
    argument: str,
    wrong: list[Any],
) -> None:
    """As a TypeError or ValueError, in a sentence about the argument."""
    monkeypatch.chdir(tmp_path)
    for value in wrong:
        with pytest.raises((TypeError, ValueError)) as raised:
            call(**{**good, argument: value})
        said = str(raised.value)
        assert said, repr(value)
        assert not any(words in said for words in FROM_INSIDE), f"{value!r}: {said}"
        assert "SECRET" not in said


@pytest.mark.parametrize(("name", "call", "good", "arguments"), CALLS, ids=[c[0] for c in CALLS])
def test_and_what_can_be_is_taken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    call: Callable[..., object],
    good: dict[str, Any],
    arguments: dict[str, list[Any]],
) -> None:
    """The arguments around the wrong one are right: what is refused is the wrong one."""
    monkeypatch.chdir(tmp_path)
    required = {"UrlPolicy.check", "FileFetcher", "Feed.from_user_input", "Snapshot.diff"}
    required |= {"ManualClock", "ManualClock.set", "ManualClock.advance"}
    required |= {f"CalendarCache.{each}" for each in ("get", "refresh", "forget")}
    required |= {"CalendarCache.last_refreshed", "CalendarCache.last_attempt"}
    if name in required:
        assert len(arguments) == 1
        assert not good
    else:
        call(**good)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get", {"feed": 5}),
        ("free_busy", {"feed": URL, "start": NAIVE, "end": END}),
        ("events", {"feed": URL, "start": START, "end": 5}),
        ("availability", {"people": 5, **WINDOW}),
        ("availability", {"people": {}, **WINDOW, "timeout": 10}),
    ],
)
def test_it_is_the_same_for_tasks(name: str, arguments: dict[str, Any]) -> None:
    """The other cache takes what this one takes."""

    async def ask() -> None:
        async with AsyncCalendarCache(fetcher=FakeFetcher({})) as calendars:
            with pytest.raises(TypeError) as raised:
                await getattr(calendars, name)(**arguments)
            assert not any(words in str(raised.value) for words in FROM_INSIDE)

    anyio.run(ask)
