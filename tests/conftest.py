"""What holds for every test: an odd local zone, no traffic but loopback, repeatable examples."""

from __future__ import annotations

import gc
import ipaddress
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Chatham keeps +12:45/+13:45: whatever reads the machine's own zone gives a visibly wrong answer.
os.environ["TZ"] = "Pacific/Chatham"
if hasattr(time, "tzset"):
    time.tzset()

HERE = Path(__file__).parent
# What `make quick` runs: these folders, and files marked `core`.
CORE = {"intervals", "ical", "quirks"}

# Machines differ in speed and are shared: no example fails for being slow. A normal run looks at
# the same examples everywhere and every time; `make nightly` at others each time, and at more.
NIGHTLY = bool(os.environ.get("EXTCAL_NIGHTLY"))
settings.register_profile(
    "normal",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
    max_examples=25,
)
settings.register_profile(
    "nightly", settings.get_profile("normal"), derandomize=False, max_examples=500, print_blob=True
)
settings.register_profile("quick", settings.get_profile("normal"), max_examples=10)
settings.load_profile("nightly" if NIGHTLY else "normal")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("extcal", "the two steps of make test (tools/run_tests.py)")
    group.addoption("--step", choices=["parallel", "serial", "core"], help="without: every test")
    group.addoption("--skips-to", metavar="FILE", help="where to add the reasons of skipped tests")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("step") == "core" and not NIGHTLY:
        settings.load_profile("quick")


def pytest_sessionstart(session: pytest.Session) -> None:
    """A worker tells of a test once, not five times: that is a third of what pytest-xdist costs.

    What is left out says that a test begins or ends, and that its setup or teardown went well.
    """
    if session.config.getoption("step") is None or session.config.option.durations is not None:
        return

    def told(send: Any, name: str, **said: Any) -> None:
        report = said.get("data", {})
        uneventful = report.get("outcome") == "passed" and report.get("when") != "call"
        if name not in ("logstart", "logfinish") and not (name == "testreport" and uneventful):
            send(name, **said)

    for plugin in session.config.pluginmanager.get_plugins():
        if hasattr(plugin, "sendevent"):
            plugin.sendevent = partial(told, plugin.sendevent)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Eleven thousand tests are made and kept: the collector finds nothing, here and later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A step does not read the many files that have nothing for it, nor what they import."""
    step = config.getoption("step")
    if step in (None, "parallel") or not collection_path.is_relative_to(HERE):
        return None
    if step == "core" and not CORE.isdisjoint(collection_path.relative_to(HERE).parts):
        return None
    mark = "\npytestmark = pytest.mark.core" if step == "core" else "mark.serial"
    inside = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return not any(mark in file.read_text("utf-8") for file in inside) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not NIGHTLY:
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="long: make nightly runs it"))
    step = config.getoption("step")
    if step is not None:
        # By whether a test is of the step.
        parted: dict[bool, list[pytest.Item]] = {True: [], False: []}
        for item in items:
            serial = item.get_closest_marker("serial") is not None
            long = step == "core" and item.get_closest_marker("long") is not None
            elsewhere = long or item.get_closest_marker("docs") is not None
            parted[serial == (step == "serial") and not elsewhere].append(item)
        items[:] = parted[True]
        config.hook.pytest_deselected(items=parted[False])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line says what was skipped and why; of two runs, whoever started both says it."""
    if hasattr(config, "workerinput"):
        return  # one of several processes of the run: the first of them hears of every test
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", ())]
    reasons = [reason.removeprefix("Skipped: ") for reason in reasons]
    file = config.getoption("skips_to")
    if file is not None:
        with open(file, "a", encoding="utf-8") as kept:
            kept.writelines(json.dumps(reason) + "\n" for reason in reasons)
    elif reasons:
        told = (f"{count} ({reason})" for reason, count in Counter(reasons).most_common())
        terminalreporter.write_line("skipped: " + "; ".join(told))


_TRIED: list[str] = []  # where this process tried to go, beyond loopback


def _loopback_only(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every connection, datagram and look-up that would leave this machine."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
        allowed = _is_loopback
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        # A literal is only read, whatever it says; a name would be asked for.
        host, allowed = arguments[0], _is_address
    else:
        return
    if host is None:
        return
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    text = text.partition("%")[0]
    if text not in ("", "localhost") and not allowed(text):
        _TRIED.append(text)
        raise AssertionError(f"a test tried to connect to {text}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback


sys.addaudithook(_loopback_only)


class Guard:
    """What the socket guard has seen during one test."""

    def __init__(self) -> None:
        self._seen = len(_TRIED)

    def tried(self) -> list[str]:
        """Where the test tried to go; told once, for a test that tries on purpose."""
        tried = _TRIED[self._seen :]
        self._seen = len(_TRIED)
        return tried


@pytest.fixture(autouse=True)
def socket_guard() -> Iterator[Guard]:
    """Fail a test that tried to leave this machine, even if what it tested said nothing."""
    guard = Guard()
    yield guard
    assert guard.tried() == []


# What saves time and memory, and changes no picture.
CHROMIUM_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--renderer-process-limit=1",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium: that of the system, or the one EXTCAL_CHROMIUM names.

    One for each file: while it runs, no other test of the process can start an event loop.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="looking at pages needs Playwright's Python package"
    )
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("EXTCAL_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("looking at pages needs a Chromium on PATH, or in EXTCAL_CHROMIUM")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=list(CHROMIUM_OPTIONS))
        yield started
        started.close()
