"""No public call that fails shows a secret: not in its error, and in no frame of extcal.

Error reporters send the local variables of every frame. So every public callable is called with
wrong arguments, with stores and clocks that fail, and everything that a reporter could send is
searched for the address of a feed, its password, the secret of a cache, and the passwords of a
Redis server and of a proxy.
"""

from __future__ import annotations

import inspect
import itertools
import os
import pickle
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import chdir
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import MethodType, TracebackType
from typing import Any

import anyio
import pytest

import extcal
from extcal.cache.refresh.single_flight import Flight
from extcal.cli import main as cli_main
from extcal.fetch import AsyncHttpFetcher, FileFetcher
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

ROOM = os.path.join(os.path.dirname(os.path.realpath(extcal.__file__)), "")
URL = "https://calendar.example.org/ical/SECRET-7f3a/basic.ics"
PASSWORD, PEPPER, REDIS, PROXY = "PASSWORD-9c1e", "PEPPER-5d2b", "REDIS-3a8f", "PROXY-4e6d"
MARKERS = ("SECRET-7f3a", PASSWORD, PEPPER, REDIS, PROXY)
NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
WRONG: list[Any] = [URL, [URL], {URL: URL}, URL.encode(), 7, None]
MODULES = "extcal extcal.fetch extcal.cache extcal.formats extcal.testing extcal.draw".split()

# By name of a parameter: a value that is right, so that the others are looked at.
VALID: dict[str, Any] = {
    "address": URL,
    "answers": {URL: b""},
    "auth": None,
    "data": b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    "dtstamp": NOW,
    "duration": timedelta(hours=1),
    "end": NOW + timedelta(hours=1),
    "feed": URL,
    "feeds": [URL],
    "free_busy": extcal.free_busy(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", NOW, NOW + timedelta(1)),
    "now": NOW,
    "participants": [],
    "people": {"Ada": URL},
    "server": f"redis://:{REDIS}@127.0.0.1:1/0",
    "start": NOW,
    "text": URL,
    "uid": "uid",
    "url": URL,
    "window": extcal.Period(NOW, NOW + timedelta(hours=1)),
}


def leaks(error: BaseException) -> Iterator[str]:
    """Where a marker is: what a reporter could send of ``error``."""
    seen: list[BaseException | None] = [error]
    for each in seen:
        if each is None or any(each is other for other in seen[: seen.index(each)]):
            continue
        seen += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
        told = f"{each!r} {each} {vars(each)!r} {getattr(each, '__notes__', '')}"
        if found := [marker for marker in MARKERS if marker in told]:
            yield f"{type(each).__name__} says {found}"
        yield from frames(each.__traceback__)


def frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        name = frame.f_globals.get("__name__", "")
        if os.path.realpath(frame.f_code.co_filename).startswith(ROOM) or name.startswith(
            "extcal."
        ):
            for variable, value in frame.f_locals.items():
                text = f"{value!r}"
                if found := [marker for marker in MARKERS if marker in text]:
                    yield f"{name}.{frame.f_code.co_name}: {variable} holds {found}"


def parameters(call: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        found = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each for each in found if each.name not in ("args", "kwargs", "self")]


def attempts(call: Callable[..., Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """The arguments of calls in each of which one argument is wrong, and then all."""
    taken = parameters(call)
    needed = {each.name: VALID.get(each.name, URL) for each in taken if each.default is each.empty}
    for wrong in WRONG:
        for one in taken:
            odd = [PASSWORD, wrong] if one.name == "auth" else wrong
            yield arranged(taken, needed | {one.name: odd})
        yield [wrong] * len(taken), {}
        yield [wrong] * (len(taken) + 1), {}
    yield [], {"secret_url": URL}


def arranged(
    taken: list[inspect.Parameter], values: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    options: dict[str, Any] = {}
    for each in taken:
        if each.name not in values:
            continue
        if each.kind in (each.VAR_POSITIONAL, each.POSITIONAL_ONLY):
            args.append(values[each.name])
        else:
            options[each.name] = values[each.name]
    return args, options


def functions() -> dict[str, Any]:
    """Every public class and function, by name."""
    found = {}
    for module in map(import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            # An enumeration is called with its own values, and says which text it was given.
            enumeration = isinstance(value, type) and issubclass(value, Enum)
            if callable(value) and parameters(value) and not enumeration:
                found[f"{module.__name__}.{name}"] = value
    return found


def methods(values: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}.{method}": getattr(value, method)
        for name, value in values.items()
        for method in dir(type(value))
        if not method.startswith("_")
        and method not in ("fork", "server_bind")
        and callable(getattr(value, method))
    }


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    """One of each public class that has methods."""
    clock = ManualClock(NOW)
    fetcher = FakeFetcher({URL: feed_text(event(NOW, timedelta(hours=1)))})
    calendars = extcal.CalendarCache(clock=clock, fetcher=fetcher, secret=PEPPER)
    return {
        "CalendarCache": calendars,
        "Feed": extcal.Feed(URL, auth=("ada", PASSWORD)),
        "UrlPolicy": extcal.UrlPolicy(),
        "FakeFetcher": fetcher,
        "HttpFetcher": extcal.HttpFetcher(resolver=lambda host, port: []),
        "FileFetcher": FileFetcher(root=Path(__file__).parent),
        "ManualClock": clock,
    }


def told(call: Callable[..., Any], args: list[Any], options: dict[str, Any]) -> list[str]:
    """What leaks if this call fails."""
    try:
        found = call(*args, **options)
        if isinstance(found, Iterator):
            next(found, None)
    except Exception as error:
        return list(leaks(error))
    return []


def test_a_leak_is_found() -> None:
    """In a message, a context, a note, and a local variable of a frame of the package."""
    names: dict[str, Any] = {"__name__": "extcal.frame"}
    exec("def fail(kept):\n    raise ValueError", names)
    with pytest.raises(ValueError) as caught:
        names["fail"]([URL])
    assert [*leaks(caught.value)] == ["extcal.frame.fail: kept holds ['SECRET-7f3a']"]
    outer = ValueError("x")
    outer.__context__ = caught.value
    outer.add_note(PEPPER)
    assert len([*leaks(outer)]) == 2


@pytest.mark.parametrize("name", functions())
def test_wrong_arguments(name: str) -> None:
    call = functions()[name]
    found = [told(call, args, options) for args, options in attempts(call)]
    assert {*itertools.chain(*found)} == set()


def test_wrong_arguments_of_methods(objects: dict[str, Any]) -> None:
    found = {
        name: leak
        for name, call in methods(objects).items()
        for args, options in attempts(call)
        if (leak := told(call, args, options))
    }
    assert found == {}


def test_wrong_arguments_of_tasks() -> None:
    async def main() -> dict[str, list[str]]:
        found = {}
        async with extcal.AsyncCalendarCache(
            fetcher=FakeFetcher({URL: feed_text()}), secret=PEPPER
        ) as calendars:
            fetcher = AsyncHttpFetcher(resolver=lambda host, port: [])
            faces = {"AsyncCalendarCache": calendars, "AsyncHttpFetcher": fetcher}
            for name, call in methods(faces).items():
                for args, options in attempts(call):
                    try:
                        answer = call(*args, **options)
                        if isinstance(answer, AsyncIterator):
                            await anext(answer, None)
                        elif inspect.isawaitable(answer):
                            await answer
                    except Exception as error:
                        if leak := [*leaks(error)]:
                            found[name] = leak
        return found

    assert anyio.run(main) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"secret": bytearray(PEPPER.encode())},
        {"secret": [PEPPER]},
        {"secret": PEPPER, "ttl": 3},
        {"secret": PEPPER, "max_fetches": 0},
        {"secret": PEPPER, "store": f"redis://:{REDIS}@127.0.0.1/0"},
        {"secret": PEPPER, "fetcher": URL},
        {"secret": PEPPER, "horizon": URL},
    ],
    ids=str,
)
@pytest.mark.parametrize("face", [extcal.CalendarCache, extcal.AsyncCalendarCache])
def test_the_secret_of_a_cache(face: Callable[..., Any], options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        face(**options)
    assert [*leaks(caught.value)] == []


@pytest.mark.parametrize(
    ("call", "options"),
    [
        (extcal.RedisStore, {"server": f"http://:{REDIS}@127.0.0.1/0"}),
        (extcal.RedisStore, {"server": f"redis://:{REDIS}@127.0.0.1:x/0"}),
        (extcal.RedisStore, {"server": f"redis://:{REDIS}@127.0.0.1/0", "prefix": "{"}),
        (extcal.RedisStore, {"server": f"redis://:{REDIS}@127.0.0.1/0", "codec": 3}),
        (extcal.HttpFetcher, {"proxy": f"ftp://ada:{PROXY}@proxy.example.org:1"}),
        (extcal.HttpFetcher, {"proxy": f"http://ada:{PROXY}@proxy.example.org:1", "jitter": 1}),
        (extcal.HttpFetcher, {"proxy": f"http://ada:{PROXY}@[::1"}),
        (extcal.Feed, {"url": URL, "auth": ("ada", PASSWORD), "detail": "x"}),
        (extcal.Feed, {"url": URL, "auth": ("a:da", PASSWORD)}),
        (extcal.Feed, {"url": "http://example.org/", "auth": ("ada", PASSWORD)}),
        (extcal.Feed, {"url": f"https://ada:{PASSWORD}@localhost:x/"}),
        (extcal.Feed.from_user_input, {"text": f"https://ada:{PASSWORD}@localhost:x/"}),
        (extcal.SQLiteStore, {"path": ""}),
    ],
)
def test_passwords(call: Callable[..., Any], options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call(**options)
    assert [*leaks(caught.value)] == []


class FailingStore(extcal.MemoryStore):
    """Raises in one of its methods, with what it was given."""

    def __init__(self, method: str) -> None:
        super().__init__()
        setattr(self, method, self.fail)

    def fail(self, *arguments: object) -> None:
        raise RuntimeError(*arguments)


def wrong_clock(kind: str) -> Callable[[], Any]:
    def clock() -> Any:
        if kind == "raises":
            raise RuntimeError("no time")
        return NOW.replace(tzinfo=None) if kind == "naive" else 7

    return clock


BAD: dict[str, Callable[[], dict[str, Any]]] = {
    method: lambda method=method: {"store": FailingStore(method)}
    for method in ("get", "get_many", "put", "lease", "release", "delete", "erase")
} | {kind: lambda kind=kind: {"clock": wrong_clock(kind)} for kind in ("raises", "naive", "number")}
END = NOW + timedelta(hours=1)
ASKED: list[Callable[[extcal.CalendarCache], Any]] = [
    lambda calendars: calendars.get(URL),
    lambda calendars: calendars.refresh(URL),
    lambda calendars: calendars.free_busy(URL, NOW, END),
    lambda calendars: calendars.events(URL, NOW, END),
    lambda calendars: calendars.last_refreshed(URL),
    lambda calendars: calendars.forget(URL),
    lambda calendars: calendars.availability({"Ada": URL}, NOW, END),
    lambda calendars: list(calendars.refresh_many([URL])),
    lambda calendars: calendars.stats(),
]


@pytest.mark.parametrize("what", BAD)
def test_failing_stores_and_clocks(what: str) -> None:
    """Whatever is asked, of feeds that are passed as text."""
    failed = 0
    for ask in ASKED:
        calendars = extcal.CalendarCache(
            **{"clock": ManualClock(NOW), "secret": PEPPER} | BAD[what](),
            fetcher=FakeFetcher({URL: feed_text()}),
        )
        try:
            ask(calendars)
        except Exception as error:
            failed += 1
            assert [*leaks(error)] == []
    assert failed or what in ("get", "delete", "erase")


class OddZone(tzinfo):
    """Its name is part of the keys of a feed, and asking for it fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no name")


def test_an_address_instead_of_a_new_feed() -> None:
    """A feed cannot be changed, and the error does not hold what it was to become."""
    with pytest.raises(AttributeError) as caught:
        extcal.Feed("https://example.org/").url = URL  # type: ignore[misc, assignment]
    assert [*leaks(caught.value)] == []


def test_a_cache_that_cannot_go_to_another_process() -> None:
    """It is pickled with its secret."""
    with pytest.raises(TypeError, match="MemoryStore") as caught:
        pickle.dumps(extcal.CalendarCache(secret=PEPPER))
    assert [*leaks(caught.value)] == []


def attributes(value: object) -> Iterator[tuple[str, object]]:
    """All of an object of extcal; the items of what only holds others."""
    if isinstance(value, Mapping):
        yield from zip(itertools.repeat(" key"), [*value])
        yield from zip(itertools.repeat(" value"), [*value.values()])
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from zip(itertools.repeat(" item"), [*value])
    if type(value).__module__.startswith("extcal."):
        slots = [vars(each).get("__slots__", ()) for each in type(value).__mro__]
        names = {name for each in slots for name in ([each] if isinstance(each, str) else each)}
        for name in names | {*getattr(value, "__dict__", ())}:
            if name != "__weakref__" and hasattr(value, name):
                yield f".{name}", getattr(value, name)
    elif isinstance(value, (MethodType, partial)):
        for name in ("__self__", "func", "args", "keywords"):
            yield f".{name}", getattr(value, name, None)


def shown_by(value: object) -> list[str]:
    """Where a marker is in the repr of ``value``, of its attributes, of theirs, and so on.

    Functions are shown, but not what they close over: tools that list attributes do not look there.
    """
    todo, met, found = [("", value)], {}, []
    for path, each in todo:
        if id(each) not in met:
            met[id(each)] = each  # and so it lives, and no other object gets its id
            if any(marker in f"{each!r}" for marker in MARKERS):
                found.append(f"{path} of {type(each).__name__}")
            todo += [(path + name, inside) for name, inside in attributes(each)]
    return found


REDIS_URL = f"redis://ada:{REDIS}@127.0.0.1:1/0"
PROXY_URL = f"http://ada:{PROXY}@proxy.example.org:1"


def answer(request: extcal.FetchRequest) -> extcal.Fetched:
    return extcal.Fetched(feed_text(event(NOW, timedelta(hours=1))).encode())


def cache_in_use(**options: Any) -> extcal.CalendarCache:
    calendars = extcal.CalendarCache(clock=ManualClock(NOW), secret=PEPPER, **options)
    calendars.get(URL)
    calendars.availability({"Ada": URL}, NOW, END)
    return calendars


class OwnFetcher:
    """An application's own."""

    def fetch(self, request: extcal.FetchRequest) -> extcal.Fetched:
        return answer(request)


# By the class: what was given a secret, and what came of it.
WITH_SECRETS: dict[str, Callable[[], Any]] = {
    "CalendarCache": lambda: cache_in_use(fetcher=OwnFetcher()),
    "AsyncCalendarCache": lambda: extcal.AsyncCalendarCache(secret=PEPPER.encode()),
    "RedisStore": lambda: extcal.RedisStore(REDIS_URL),
    "HttpFetcher": lambda: extcal.HttpFetcher(proxy=PROXY_URL),
    "AsyncHttpFetcher": lambda: AsyncHttpFetcher(proxy=PROXY_URL),
    "Feed": lambda: extcal.Feed(URL, auth=("ada", PASSWORD)),
    "FetchRequest": lambda: extcal.FetchRequest(extcal.Feed(URL, auth=("ada", PASSWORD))),
    "Refresh": lambda: extcal.Refresh(extcal.Feed(URL), None, None, None, 0.0),
    "Result": lambda: [*cache_in_use(fetcher=OwnFetcher).refresh_many([URL])],
    "Snapshot": lambda: cache_in_use(fetcher=OwnFetcher).get(URL),
    "Availability": lambda: cache_in_use(fetcher=OwnFetcher).availability({"x": URL}, NOW, END),
    "FeedUrlError": lambda: failure_of(lambda: extcal.Feed(f"x{URL}")),
    "Unavailable": lambda: failure_of(lambda: cache_in_use(fetcher=FakeFetcher({}))),
}
TAKE_SECRETS = {"secret", "server", "proxy", "url", "auth", "feed", "feeds", "address"}


def failure_of(call: Callable[[], object]) -> BaseException:
    with pytest.raises(extcal.ExtcalError) as caught:
        call()
    return caught.value


def test_an_attribute_that_shows_a_secret_is_found() -> None:
    """Of an object without it in its repr: in a dict, in a slot, among a partial's arguments."""
    calendars = extcal.CalendarCache()
    calendars._odd = {"x": partial(print, (URL,))}  # type: ignore[attr-defined]
    assert shown_by(calendars)[-1] == "._odd value.args item item of str"
    request = extcal.FetchRequest(extcal.Feed("https://example.org/"), etag=PEPPER)
    assert shown_by([request]) == [" of list", " item of FetchRequest", " item.etag of str"]


def test_all_classes_that_take_a_secret_are_asked() -> None:
    takes = {
        name.rpartition(".")[2]
        for name, call in functions().items()
        if isinstance(call, type) and TAKE_SECRETS & {each.name for each in parameters(call)}
    }
    assert takes <= {*WITH_SECRETS}


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_no_attribute_shows_a_secret(name: str) -> None:
    """Debuggers and error pages list the attributes of an object, and of what it holds."""
    made = WITH_SECRETS[name]()
    assert shown_by(made) == []
    if isinstance(made, (extcal.RedisStore, extcal.Feed, extcal.Snapshot)):
        assert shown_by(pickle.loads(pickle.dumps(made))) == []


@pytest.mark.parametrize("secret", [PEPPER, PEPPER.encode()])
def test_the_copy_of_a_cache_in_another_process(secret: str | bytes, tmp_path: Path) -> None:
    """It has the secret, finds what the first one stored, and shows it as little."""
    store = extcal.SQLiteStore(tmp_path / "store.sqlite")
    clock = ManualClock(NOW)
    calendars = extcal.CalendarCache(clock=clock, store=store, secret=secret, fetcher=OwnFetcher())
    calendars.get(URL)
    copy = pickle.loads(pickle.dumps(calendars))
    assert copy.last_refreshed(URL) == NOW
    assert shown_by(calendars) == shown_by(copy) == []


def test_a_zone_that_fails() -> None:
    """While keys are made of the address, the password and the secret."""
    feed = extcal.Feed(URL, auth=("ada", PASSWORD), timezone=OddZone())
    calendars = extcal.CalendarCache(secret=PEPPER, fetcher=FakeFetcher({}))
    with pytest.raises(RuntimeError) as caught:
        calendars.get(feed)
    assert [*leaks(caught.value)] == []


@pytest.fixture(autouse=True, scope="module")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store that takes an address for a path makes its folders there."""
    with chdir(tmp_path_factory.mktemp("frames")):
        yield


def half_made() -> list[type]:
    """All public classes, and those that the caches are made of."""
    inner = [name for _, name, _ in walk_packages(extcal.cache.__path__, "extcal.cache.")]
    values = [
        getattr(module, name)
        for module in map(import_module, [*MODULES, *inner])
        for name in getattr(module, "__all__", ())
    ]
    found = {one for one in values if isinstance(one, type) and one is not Flight}
    return sorted(found, key=lambda one: (one.__name__, one.__module__))


@pytest.mark.parametrize("cls", half_made(), ids=lambda cls: cls.__name__)
def test_half_made_objects_have_a_repr(cls: type) -> None:
    """A debugger shows an object whose constructor failed."""
    try:
        made = cls.__new__(cls)
    except TypeError:
        pytest.skip("it cannot be made without its values")
    assert isinstance(repr(made), str)
    assert isinstance(str(made), str)


@pytest.mark.parametrize("command", ["check", "busy", "events", "slots", "show"])
def test_the_command_line(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With addresses from a file, whether they are refused or something breaks."""
    pytest.importorskip("click")
    file = tmp_path / "addresses"
    file.write_text(f"https://127.0.0.1:9/SECRET-7f3a/basic.ics\n{URL.replace('https', 'gopher')}")
    monkeypatch.setattr("sys.argv", ["extcal", command, str(file)])

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("the policy fails")

    for broken in (False, True):
        if broken:
            monkeypatch.setattr(extcal.UrlPolicy, "judge", fail)
        with pytest.raises(BaseException) as caught:
            cli_main()
        assert [*leaks(caught.value)] == []
        said = capsys.readouterr()
        assert not any(marker in said.out + said.err for marker in MARKERS)
