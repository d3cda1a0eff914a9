"""A feed whose name, host or redirect fails costs the other feeds nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from extcal import Feed, Limits
from extcal.fetch import Failed, FetchRequest, UrlPolicy, UserAgents
from extcal.fetch.http.connect.dns import Lookup, owner_of
from extcal.fetch.http.deadline import Deadline, Stop
from extcal.fetch.http.exchange import Ask, Head, Journey

HOSTILE = [f"a{number}.attacker.example" for number in range(40)]
OTHERS = [f"calendar.host{number}.example" for number in range(99)]


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("calendar.google.com", "google.com"),
        ("a.b.example.net.", "example.net"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.com.au", "example.com.au"),
        ("co.uk", "co.uk"),
        ("a.co.example", "co.example"),
        ("localhost", "localhost"),
    ],
)
def test_the_owner_of_a_name(host: str, owner: str) -> None:
    assert owner_of(host) == owner


class Hanging:
    """A resolver that does not answer for the attacker's names until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.hung = 0

    def __call__(self, host: str, port: int) -> list[str]:
        if "attacker" in host:
            self.hung += 1
            self.go.wait(30)
        return ["8.8.8.8"]


def test_names_that_hang_do_not_stop_the_look_ups_of_others() -> None:
    """Forty feeds of one stranger, and ninety-nine of others, which are all looked up."""
    resolver = Hanging()
    lookup = Lookup(resolver, hangs=0.0)

    def look_up(host: str) -> object:
        try:
            return lookup.resolve(host, 443, Deadline(20), 0.2 if "attacker" in host else 20)
        except Stop as stop:
            return stop.answer

    with ThreadPoolExecutor(60) as pool:
        hostile = [pool.submit(look_up, host) for host in HOSTILE]
        others = [pool.submit(look_up, host) for host in OTHERS]
        assert [each.result() for each in others] == [["8.8.8.8"]] * len(OTHERS)
        answers = [each.result() for each in hostile]
    assert resolver.hung == 4
    # Those that were asked are slow; those that never were are no fault of their host.
    assert [answer.kind for answer in answers] == ["dns"] * len(HOSTILE)  # type: ignore[attr-defined]
    blamed = [answer for answer in answers if not answer.elsewhere]  # type: ignore[attr-defined]
    assert len(blamed) == 4
    resolver.go.set()


def test_a_look_up_that_hangs_gives_its_place_away() -> None:
    """With one place in all, the second name waits no longer than until the first one hangs."""
    resolver = Hanging()
    lookup = Lookup(resolver, workers=1, hangs=0.0)
    first = threading.Thread(target=_ignored, args=(lookup, HOSTILE[0]))
    first.start()
    assert lookup.resolve(OTHERS[0], 443, Deadline(20), 20) == ["8.8.8.8"]
    assert resolver.hung <= 1
    resolver.go.set()
    first.join()


def test_threads_that_hang_are_bounded() -> None:
    resolver = Hanging()
    lookup = Lookup(resolver, threads=3, hangs=0.0)
    for number in range(6):
        with pytest.raises(Stop) as stopped:
            lookup.resolve(f"a.attacker{number}.example", 443, Deadline(20), 0.05)
        assert stopped.value.answer.elsewhere == (number >= 3)
    assert resolver.hung == 3
    resolver.go.set()


def _ignored(lookup: Lookup, host: str) -> None:
    lookup.resolve(host, 443, Deadline(20), 20)


@pytest.mark.parametrize(
    ("location", "elsewhere"),
    [
        ("https://calendar.google.com/a.ics", True),
        ("https://other.example.net/a.ics", True),
        ("https://shared.example.net:8443/a.ics", True),
        ("https://shared.example.net/b.ics", False),
        ("/b.ics", False),
    ],
)
def test_a_failure_behind_a_redirect_is_none_of_the_feeds_host(
    location: str, elsewhere: bool
) -> None:
    """A stranger's feeds redirect to a host that is down; both hosts have other users."""
    request = FetchRequest(Feed("https://shared.example.net/a.ics"))
    journey = Journey(request, UrlPolicy(), Limits(), UserAgents())
    first = journey.begin()
    assert isinstance(first, Ask)
    ask = journey.head(first, Head(302, (("location", location),)))
    assert isinstance(ask, Ask)
    assert journey.blamed(ask, Failed("connect")).elsewhere == elsewhere
    assert not journey.blamed(first, Failed("connect")).elsewhere
