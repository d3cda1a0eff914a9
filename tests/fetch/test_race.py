"""Happy Eyeballs among judged addresses (RFC 8305 sections 4 and 5)."""

from __future__ import annotations

import heapq
import ipaddress
import socket
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.fetch import Failed, Feed, Fetched, FetchRequest, HttpFetcher
from extcal.fetch.http.connect import race as racing
from extcal.fetch.http.connect import stream as sprinting
from extcal.fetch.http.connect.guard import MAX_ADDRESSES, vetted
from extcal.fetch.http.connect.race import ATTEMPT_DELAY, Race, interleaved
from extcal.fetch.http.connect.stream import Sprint
from extcal.fetch.http.deadline import Deadline, Stop
from extcal.fetch.policy import UrlPolicy
from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer

pytestmark = pytest.mark.core

TIMEOUT = 5.0
# What an address does to a connection: it is dead, refuses after a while, or connects after one.
DEAD = ("dead", float("inf"))
outcomes = st.lists(
    st.just(DEAD)
    | st.tuples(st.just("refuses"), st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.3, 2.0]))
    | st.tuples(st.just("lives"), st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.3, 1.0, 4.9])),
    min_size=1,
    max_size=8,
)


def run(addresses: list[tuple[str, float]]) -> tuple[float | None, float, list[float]]:
    """When a connection came about, when the race ended, and when each attempt began."""
    race, now = Race(len(addresses), TIMEOUT), 0.0
    began: list[float] = []
    coming: list[tuple[float, int]] = []
    ended: set[int] = set()
    while True:
        for place in race.late(now):
            race.failed(place, now)
            ended.add(place)
        while (started := race.begin(now)) is not None:
            began.append(now)
            heapq.heappush(coming, (now + addresses[started][1], started))
        if race.over:
            return None, now, began
        now = max(now, min(race.wakes(), coming[0][0] if coming else float("inf")))
        while coming and coming[0][0] <= now:
            place = heapq.heappop(coming)[1]
            if place in ended:
                continue
            if addresses[place][0] == "lives":
                return now, now, began
            race.failed(place, now)
            ended.add(place)


@given(outcomes)
def test_no_later_than_a_quarter_of_a_second_for_each_address_before(
    addresses: list[tuple[str, float]],
) -> None:
    """For every pattern of dead, slow, refusing and live ones."""
    connected, _, began = run(addresses)
    places = [place for place, (how, _) in enumerate(addresses) if how == "lives"]
    if not places:
        assert connected is None
        return
    first = places[0]
    assert connected is not None
    assert connected <= ATTEMPT_DELAY * first + addresses[first][1] + 1e-9
    assert all(later - earlier <= ATTEMPT_DELAY for earlier, later in pairwise(began))


@given(outcomes)
def test_no_two_at_once_unless_one_failed(addresses: list[tuple[str, float]]) -> None:
    """The first address alone is enough where it answers."""
    _, _, began = run(addresses)
    quick = addresses[0][0] == "lives" and addresses[0][1] < ATTEMPT_DELAY
    assert len(began) <= (1 if quick else len(addresses))


@given(outcomes)
def test_it_ends_when_the_last_one_has_had_its_time(addresses: list[tuple[str, float]]) -> None:
    _, ended, _ = run(addresses)
    assert ended <= ATTEMPT_DELAY * len(addresses) + TIMEOUT


addresses = st.sampled_from([f"8.8.8.{n}" for n in range(12)] + [f"2a00::{n}" for n in range(12)])


@given(st.lists(addresses, unique=True, min_size=1, max_size=12))
def test_families_take_turns(given: list[str]) -> None:
    """Section 4: the first one's family first, and the resolver's order within a family."""
    found = [ipaddress.ip_address(each) for each in given]
    mixed = interleaved(found)
    assert sorted(mixed, key=str) == sorted(found, key=str)
    assert mixed[0] == found[0]
    for version in (4, 6):
        kept = [each for each in mixed if each.version == version]
        assert kept == [each for each in found if each.version == version]
    fewer = min(sum(each.version == version for each in found) for version in (4, 6))
    alternating = mixed[: 2 * fewer]
    assert all(one.version != two.version for one, two in pairwise(alternating))


def test_no_more_than_eight_and_both_families_among_them() -> None:
    answers = [f"2a00::{n}" for n in range(1, 20)] + ["8.8.8.8"]
    found = vetted(UrlPolicy(), None, "calendar.example.net", answers)
    assert len(found) == MAX_ADDRESSES
    assert str(found[1]) == "8.8.8.8"


def test_none_is_tried_that_was_not_judged() -> None:
    """One bad answer refuses the name, whichever place it would have had."""
    answers = ["8.8.8.8"] * 3 + [f"8.8.4.{n}" for n in range(12)] + ["10.0.0.1"]
    with pytest.raises(Stop) as stopped:
        vetted(UrlPolicy(), None, "calendar.example.net", answers)
    assert stopped.value.answer.kind == "blocked_address"


class Net:
    """Sockets that connect by script: 127.0.0.N does what its number says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, full: socket.socket) -> None:
        self.open: list[socket.socket] = []
        self.tried: list[str] = []
        self.full = full

        def new_socket(address: Any) -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.open.append(sock)
            self.tried.append(str(address))
            return sock

        monkeypatch.setattr(sprinting, "new_socket", new_socket)


def test_the_losers_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead address costs 250 ms, and leaves nothing open behind the winner."""
    monkeypatch.setattr(racing, "ATTEMPT_DELAY", 0.01)
    # The port is free for 127.0.0.1 first, because the tests beside this one use that address.
    with socket.socket() as dead, socket.socket() as live:
        dead.bind(("127.0.0.1", 0))
        port = dead.getsockname()[1]
        live.bind(("127.0.0.2", port))
        dead.listen(0)
        live.listen(8)
        fillers = [socket.socket() for _ in range(4)]
        net = Net(monkeypatch, dead)
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            found = [ipaddress.ip_address(f"127.0.0.{n}") for n in (1, 3, 1, 2)]
            with Sprint(found, port, TIMEOUT) as sprint:
                winner, peer = sprint.run(Deadline(20))
            assert str(peer) == "127.0.0.2"
            assert winner.getpeername() == ("127.0.0.2", port)
            assert net.tried == ["127.0.0.1", "127.0.0.3", "127.0.0.1", "127.0.0.2"]
            assert [sock.fileno() == -1 for sock in net.open] == [True, True, True, False]
            winner.close()
        finally:
            for filler in fillers:
                filler.close()


def test_the_deadline_ends_the_race(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        dead.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        net = Net(monkeypatch, dead)
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(dead.getsockname())
            sprint = Sprint([ipaddress.ip_address("127.0.0.1")] * 3, dead.getsockname()[1], TIMEOUT)
            with pytest.raises(Stop) as stopped, sprint:
                sprint.run(Deadline(0.1))
            assert stopped.value.answer.kind == "timeout"
            assert all(sock.fileno() == -1 for sock in net.open)
        finally:
            for filler in fillers:
                filler.close()


def test_a_peer_that_is_another_one_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one more try: somebody on the way leads connections elsewhere."""

    class Elsewhere(socket.socket):
        def getpeername(self) -> Any:
            return ("10.0.0.1", 443)

    with socket.create_server(("127.0.0.1", 0)) as live:
        monkeypatch.setattr(sprinting, "new_socket", lambda address: Elsewhere())
        sprint = Sprint([ipaddress.ip_address("127.0.0.1")] * 2, live.getsockname()[1], TIMEOUT)
        with pytest.raises(Stop) as stopped, sprint:
            sprint.run(Deadline(20))
    assert stopped.value.answer.kind == "blocked_address"


def test_four_dead_addresses_do_not_cost_the_calendar() -> None:
    """A name with dead addresses in front is fetched well inside the deadline."""
    with FeedServer() as server:
        server.serve("ada.ics", feed_text(event("2027-01-04T09:00Z", "PT1H")))
        fetcher = HttpFetcher(
            resolver=lambda host, port: ["127.0.0.9", "127.0.0.8", "127.0.0.7", "127.0.0.1"],
            allow_networks="127.0.0.0/8",
            allow_http=True,
            ports=server.port,
        )
        url = server.url("ada.ics").replace("127.0.0.1", "calendar.example.net")
        answer = fetcher.fetch(FetchRequest(Feed(url)))
    assert isinstance(answer, Fetched)


def test_nobody_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fetcher = HttpFetcher(
        resolver=lambda host, port: ["127.0.0.9", "127.0.0.8"],
        allow_networks="127.0.0.0/8",
        allow_http=True,
        ports=port,
    )
    request = FetchRequest(Feed(f"http://calendar.example.net:{port}/"), deadline=1.4)
    answer = fetcher.fetch(request)
    assert isinstance(answer, Failed)
    assert answer.kind == "connect"
