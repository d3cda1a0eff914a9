"""Servers that misbehave byte by byte, on loopback; and one that behaves."""

from __future__ import annotations

import base64
import dataclasses
import gc
import logging
import os
import pickle
import pprint
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import anyio
import pytest
from raw_servers import RawServer, Script

import extcal
from extcal.fetch import (
    AsyncHttpFetcher,
    Feed,
    Fetcher,
    FetchRequest,
    FetchResponse,
    HttpFetcher,
    UrlPolicy,
)
from extcal.limits import Limits
from extcal.testing.server import FeedServer

# What holds on asyncio holds on trio, too: one test sees to that, and on request all of them.
DRIVERS = ["threads", "asyncio", *(["trio"] if os.environ.get("EXTCAL_TEST_TRIO") else [])]


class InATask:
    """An AsyncHttpFetcher that is asked without await: each fetch has an event loop of its own."""

    def __init__(self, backend: str, options: dict[str, object]) -> None:
        self.backend = backend
        self.inner = AsyncHttpFetcher(**options)  # type: ignore[arg-type]

    @property
    def policy(self) -> UrlPolicy:
        return self.inner.policy

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        return anyio.run(self.inner.fetch, request, backend=self.backend)


@pytest.fixture
def raw() -> Iterator[Callable[[Script], RawServer]]:
    """Start raw servers; all of them end with the test."""
    servers: list[RawServer] = []

    def start(script: Script) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


@pytest.fixture(scope="session")
def authority() -> Any:
    """Somebody who signs certificates; nobody trusts them who is not told to."""
    trustme = pytest.importorskip("trustme", reason="certificates are made with trustme")
    return trustme.CA()


@pytest.fixture(params=DRIVERS)
def make(request: pytest.FixtureRequest) -> Callable[..., Fetcher]:
    """Makes fetchers: every test that asks for this runs once for threads and once for tasks."""
    driver: str = request.param

    def new(**options: object) -> Fetcher:
        if driver == "threads":
            return HttpFetcher(**options)  # type: ignore[arg-type]
        return InATask(driver, options)

    return new


@pytest.fixture
def second_try_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``jitter=lambda: 0.0``: what is tried again is tried 20 ms later, not half a second."""
    monkeypatch.setattr("extcal.fetch.http.exchange.SHORTEST_PAUSE", 0.02)


@pytest.fixture
def fetch(make: Callable[..., Fetcher]) -> Callable[..., FetchResponse]:
    """Fetch one address from loopback, with short deadlines."""

    def run(
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        deadline: float = 5.0,
        limits: Limits | None = None,
        fetcher: Fetcher | None = None,
    ) -> FetchResponse:
        fetcher = fetcher or make(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url), etag, last_modified, deadline, limits or Limits())
        return fetcher.fetch(request)

    return run


# By where the package really is: a word in a path says nothing, a clone may be called extcal too.
PACKAGE = os.path.join(os.path.dirname(os.path.realpath(extcal.__file__)), "")
SECRET = "SECRET-7f3a9bX2"


def disguises(secret: str) -> list[str]:
    """The forms in which a secret may come to light, in lower case."""
    octets = secret.encode()
    forms = [secret, secret[::-1], "".join(f"%{octet:02x}" for octet in octets), octets.hex()]
    for shift in range(3):
        # Whatever stands before it, the middle of it is one of these.
        encoded = base64.b64encode(b"x" * shift + octets).decode().rstrip("=")
        forms.append(encoded[2 if shift else 0 : -2][2:])
    return [form.lower() for form in forms]


def members(value: object) -> list[tuple[str, object]]:
    """As inspect.getmembers, but for ``__weakref__``.

    Of a slotted dataclass, that cannot be read until Python 3.11.2.
    """
    names = [name for name in dir(value) if name != "__weakref__" and hasattr(value, name)]
    return [(name, getattr(value, name)) for name in names]


class Watch:
    """Everything that a fetch leaves to see, searched for the secret part of its address."""

    secret = SECRET

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._caplog = caplog
        self._capfd = capfd
        self._forms = disguises(SECRET)
        self._warned: list[warnings.WarningMessage] = []

    def warned(self, warned: list[warnings.WarningMessage]) -> None:
        self._warned = warned

    def leaks(self, *values: object) -> list[str]:
        """Where the secret shows: in logs, on the console, in warnings, values and what stays."""
        out, err = self._capfd.readouterr()
        places = {
            "log": self._caplog.text + repr([vars(each) for each in self._caplog.records]),
            "console": out + err,
            "warnings": repr([str(each.message) for each in self._warned]),
            "values": "".join(self.shown(value) for value in values),
        }
        found = [place for place, text in places.items() if self.told(text)]
        return found + self._objects()

    def told(self, text: str) -> bool:
        text = text.lower()
        return any(form in text for form in self._forms)

    def shown(self, value: object) -> str:
        """Every way of showing a value that somebody might use; a body is not an address."""
        if isinstance(value, BaseException):
            return self._error(value)
        if hasattr(value, "body"):
            value = dataclasses.replace(value, body=b"")  # type: ignore[type-var]
        shown = [repr(value), str(value), f"{value}", pprint.pformat(value)]
        shown.append(repr(members(value)))
        with suppress(Exception):
            shown.append(pickle.dumps(value).decode("latin-1"))
        with suppress(TypeError):
            shown.append(repr(dataclasses.asdict(value)))  # type: ignore[call-overload]
        return "".join(shown)

    def _error(self, error: BaseException) -> str:
        """An exception with its chain, its notes, and the local variables of our frames."""
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown = [repr(error), str(error), repr(error.args), repr(vars(error))]
        while trace is not None:
            shown += [
                repr(frame.locals)
                for frame in trace.stack
                if os.path.realpath(frame.filename).startswith(PACKAGE)
            ]
            shown += trace.format_exception_only()
            trace = trace.__cause__ or trace.__context__  # type: ignore[assignment]
        return "".join(shown)

    def _objects(self) -> list[str]:
        found = self._visible_objects()
        if found:
            # What is only waiting to be collected does not stay.
            gc.collect()
            found = self._visible_objects()
        return found

    def _visible_objects(self) -> list[str]:
        ours = [each for each in gc.get_objects() if type(each).__module__.startswith("extcal.f")]
        return [
            f"an object: {type(each).__name__}"
            for each in ours
            if self.told(repr(each) + repr(members(each)))
        ]


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Watch]:
    """Watch a test at the level DEBUG of every logger (security section 5)."""
    watching = Watch(caplog, capfd)
    # What was there before is set aside, so that looking at what came after it is quick. It stays
    # there: brought back, all that pytest holds would be searched at every full collection.
    gc.freeze()
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        watching.warned(warned)
        yield watching
