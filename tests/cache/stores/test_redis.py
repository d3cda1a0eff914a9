"""RedisStore: what it owes beyond the contract. A server that is down takes nothing with it."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from extcal import CalendarCache, MemoryStore, RedisStore, State
from extcal.cache import Cell
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

redis = pytest.importorskip("redis", reason="redis-py is not installed (the extra is called redis)")

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
LEASE = timedelta(seconds=30)
URL = "https://calendar.example.org/SECRET-7f3a/basic.ics"


def cell(data: bytes = b"data", days: int = 7) -> Cell:
    return Cell(data, NOW + timedelta(days=days))


@pytest.fixture
def make() -> Iterator[Callable[..., RedisStore]]:
    opened: list[RedisStore] = []

    def made(server: Any, **arguments: Any) -> RedisStore:
        opened.append(RedisStore(server, **arguments))
        return opened[-1]

    yield made
    for store in opened:
        store.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def at_once(store: RedisStore) -> None:
    """Let the pause after a failure be over."""
    store._reading._until = store._writing._until = 0.0


# -- what is there -----------------------------------------------------------------------------


def test_one_hash_and_one_lease_of_one_slot(
    make: Callable[..., RedisStore], client: Any, redis_url: str
) -> None:
    """Scripts touch both, which a cluster allows only where they are kept together."""
    store = make(redis_url, prefix="app:")
    store.put("s:1", cell(), store.lease("s:1", NOW, LEASE))
    assert set(client.keys()) == {b"{app:s:1}:cell", b"{app:s:1}:lease"}
    assert set(client.hgetall("{app:s:1}:cell")) == {b"d", b"k"}
    from redis.crc import key_slot

    assert len({key_slot(key) for key in client.scan_iter()}) == 1


def test_the_server_clears_away_what_nobody_will_ask_for(
    make: Callable[..., RedisStore], client: Any, redis_url: str
) -> None:
    """A cell when it is no longer worth keeping, a lease some time after it ran out."""
    store = make(redis_url)
    store.put("a", cell(), None)
    assert timedelta(days=6) < timedelta(milliseconds=client.pttl("{extcal:a}:cell"))
    store.put("a", cell(days=2), store.lease("a", NOW, LEASE))
    assert timedelta(hours=47) < timedelta(milliseconds=client.pttl("{extcal:a}:cell"))
    assert client.pttl("{extcal:a}:cell") <= 48 * 3600 * 1000
    assert 30_000 < client.pttl("{extcal:a}:lease") <= 600_000
    store.put("a", cell(days=-10), None)
    assert 0 < client.pttl("{extcal:a}:cell") <= 60_000
    store.put("a", cell(days=1000), None)
    assert client.pttl("{extcal:a}:cell") <= 31 * 24 * 3600 * 1000


def test_a_lease_whose_answer_was_lost_is_still_ones_own(
    make: Callable[..., RedisStore], redis_url: str
) -> None:
    """The client asks again with the same token when a connection breaks."""
    store = make(redis_url)
    assert store._take("a", "token", NOW, LEASE)
    assert store._take("a", "token", NOW, LEASE)
    assert not store._take("a", "other", NOW, LEASE)


@pytest.mark.parametrize("fields", [{"d": "x"}, {"k": "1"}, {"d": "x", "k": "soon"}])
def test_half_a_hash_is_a_miss(
    make: Callable[..., RedisStore], client: Any, redis_url: str, fields: dict[str, str]
) -> None:
    """Whoever wrote it; so is a date that is none."""
    client.hset("{extcal:a}:cell", mapping=fields)
    assert make(redis_url).get("a") is None


def test_a_damaged_lease_binds_nobody(
    make: Callable[..., RedisStore], client: Any, redis_url: str
) -> None:
    """What does not say until when is void."""
    client.set("{extcal:a}:lease", "nonsense")
    assert make(redis_url).lease("a", NOW, LEASE) is not None


def test_prefixes_keep_hosts_apart(make: Callable[..., RedisStore], redis_url: str) -> None:
    """Two hosts on one server never meet."""
    one, other = make(redis_url, prefix="one:"), make(redis_url, prefix="two:")
    one.put("a", cell(), None)
    assert other.get("a") is None


def test_no_address_ever_goes_to_the_server(
    make: Callable[..., RedisStore], client: Any, redis_url: str
) -> None:
    """Not in a key, a value, or a command, as MONITOR shows them."""
    fetcher = FakeFetcher({URL: feed_text(event("2027-01-04T09:00Z"))})
    with redis.Redis.from_url(redis_url) as watching, watching.monitor() as monitor:
        calendars = CalendarCache(
            store=make(redis_url), fetcher=fetcher, clock=ManualClock("2027-01-04T08:00Z")
        )
        calendars.get(URL)
        calendars.forget(URL)
        client.echo("that was all")
        said = ""
        for command in monitor.listen():
            said += command["command"]
            if "that was all" in command["command"]:
                break
    assert "s:" in said
    for form in ("SECRET-7f3a", "SECRET-7f3a"[::-1], "U0VDUkVULTdmM2", "calendar.example.org"):
        assert form not in said


def test_a_client_of_the_hosts_own(make: Callable[..., RedisStore], client: Any) -> None:
    """Is used as it is, and not closed."""
    store = make(client)
    store.put("a", cell(), None)
    store.close()
    assert client.ping()
    assert store.get("a") == cell()


def test_connections_may_be_opened_again_without_end(
    make: Callable[..., RedisStore], redis_url: str
) -> None:
    """They are the store's own; redis-py counts those of its pool, and allows a hundred."""
    store = make(redis_url)
    for _ in range(110):
        assert not store.get("a")
        store.close()
    assert not store.is_down


# -- mistakes ------------------------------------------------------------------------------------


def test_without_redis_py_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class can be named without it; a store cannot be made."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"pip install 'extcal\[redis\]'"):
        RedisStore("redis://127.0.0.1:1/0")


def test_a_callers_mistakes() -> None:
    """Are told at once, and what is told holds no password."""
    with pytest.raises(ValueError):
        RedisStore("https://127.0.0.1/")
    for prefix in ("{tag}", "a" * 101, "ümlaut", "line\n"):
        with pytest.raises(ValueError, match="prefix"):
            RedisStore("redis://127.0.0.1:1/0", prefix=prefix)
    with pytest.raises(TypeError, match="URL or a client"):
        RedisStore(object())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="asynchronous"):
        import redis.asyncio

        RedisStore(redis.asyncio.Redis(port=1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="decodes"):
        RedisStore(redis.Redis(port=1, decode_responses=True))
    assert "password" not in repr(RedisStore("redis://:password@127.0.0.1:1/0"))


# -- a server that is down -------------------------------------------------------------------------


def test_the_host_goes_on_answering(
    make: Callable[..., RedisStore], redis_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """From what this process saw, from what it fetches; told of once, and over when it is over."""
    caplog.set_level(logging.INFO, "extcal")
    clock, other = ManualClock("2027-01-04T08:00Z"), "https://example.org/bob.ics"
    body = feed_text(event("2027-01-04T09:00Z"))
    fetcher = FakeFetcher({URL: body, other: body})
    store = make(redis_server.url)
    calendars = CalendarCache(store=store, fetcher=fetcher, clock=clock)
    calendars.get(URL)
    redis_server.stop()
    for _ in range(3):
        assert calendars.get(URL).state is State.FRESH
        assert calendars.get(other).state is State.FRESH
    assert fetcher.count() == 2
    clock.advance(timedelta(minutes=31))
    assert calendars.get(URL).state is State.FRESH
    assert fetcher.count() == 3
    told = [each.getMessage() for each in caplog.records if "RedisStore" in each.getMessage()]
    assert told == ["<RedisStore extcal:*> fails (ConnectionError); going on in memory"]

    redis_server.start()
    at_once(store)
    assert calendars.get(URL).state is State.FRESH
    second = CalendarCache(store=make(redis_server.url), fetcher=fetcher, clock=clock)
    assert second.get(URL).fetched_at == clock()
    assert second.last_refreshed(other) is not None
    assert fetcher.count() == 3
    assert "works again" in caplog.text


def test_a_server_that_hangs(make: Callable[..., RedisStore], redis_server: Any) -> None:
    """It is waited for once, not by everybody."""
    with redis.Redis.from_url(redis_server.url, socket_timeout=0.05) as client:
        store = make(client)
        store.put("a", cell(), None)
        os.kill(redis_server._process.pid, signal.SIGSTOP)
        try:
            assert [store.get("a") for _ in range(100)] == [cell()] * 100
            assert store.put("b", cell(), store.lease("b", NOW, LEASE))
        finally:
            os.kill(redis_server._process.pid, signal.SIGCONT)
        at_once(store)
        assert store.get("b") == cell()
        assert make(redis_server.url).get("b") == cell()


def test_what_is_newer_there_is_not_overwritten(
    make: Callable[..., RedisStore], redis_server: Any
) -> None:
    """Two processes lost the server; each tells it what it has, and the newer one stays."""
    one, other = make(redis_server.url), make(redis_server.url)
    redis_server.stop()
    assert one.put("a", cell(b"older", days=7), None)
    assert other.put("a", cell(b"newer", days=8), None)
    redis_server.start()
    for store in (other, one):
        at_once(store)
        store.get("a")
    assert [store.get("a") for store in (one, other)] == [cell(b"newer", days=8)] * 2


def test_a_writer_at_work_when_the_server_went_away(
    make: Callable[..., RedisStore], redis_server: Any
) -> None:
    """Its answer is kept; what was forgotten or overtaken meanwhile stays so."""
    store = make(redis_server.url)
    tokens = {key: store.lease(key, NOW, LEASE) for key in "abc"}
    redis_server.stop()
    assert store.put("a", cell(), tokens["a"])
    store.delete("b")
    assert not store.put("b", cell(), tokens["b"])
    assert store.lease("c", NOW, LEASE) is not None
    assert not store.put("c", cell(), tokens["c"])
    assert not store.put("a", cell(), "a token of nobody's")
    for key in "abc":
        store.release(key, str(tokens[key]))
    assert [store.get(key) for key in "abc"] == [cell(), None, None]


def test_what_is_forgotten_meanwhile_is_forgotten_there_too(
    make: Callable[..., RedisStore], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as it can be told. (The server kept what it had: it was only out of reach.)"""
    store, other = make(redis_url), make(redis_url)
    store.put("a", cell(), None)

    def unreachable(*_: object) -> None:
        raise redis.ConnectionError

    with monkeypatch.context() as cut_off:
        cut_off.setattr(store, "_remove", unreachable)
        store.delete("a")
        assert store.get("a") is None
        assert other.get("a") == cell()
    at_once(store)
    assert store.get("a") is None
    assert other.get("a") is None


def test_a_lease_of_ones_own_is_valid_when_the_server_is_back(
    make: Callable[..., RedisStore], redis_server: Any
) -> None:
    """Who fetched while it was away writes to it."""
    store, other = make(redis_server.url), make(redis_server.url)
    redis_server.stop()
    token = store.lease("a", NOW, LEASE)
    assert token is not None
    assert store.lease("a", NOW, LEASE) is None
    redis_server.start()
    at_once(store)
    assert store.put("a", cell(), token)
    store.release("a", token)
    assert not store.put("a", cell(b"late"), token)
    assert other.get("a") == cell()


def test_a_server_that_refuses_to_write(make: Callable[..., RedisStore], redis_server: Any) -> None:
    """Out of memory, or a replica: reading goes on there, writing in memory."""
    store = make(redis_server.url)
    store.put("old", cell(), None)
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory", "1")
        assert store.put("new", cell(), None)
        assert [store.get("old"), store.get("new")] == [cell()] * 2
        assert store._writing.begun
        assert not store._reading.begun
        client.config_set("maxmemory", "0")
    at_once(store)
    store.get("new")
    assert make(redis_server.url).get("new") == cell()


@pytest.mark.parametrize("value", [b"text", ["list"]], ids=["text", "list"])
def test_keys_of_another_type(
    make: Callable[..., RedisStore], redis_url: str, value: bytes | list[str]
) -> None:
    """Whoever can write one of our keys takes that cell or lease away, and no other one."""
    store = make(redis_url)
    store.put("other", cell(), None)

    def spoil(key: str) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.delete(key)
            if isinstance(value, list):
                client.rpush(key, *value)
            else:
                client.set(key, value)

    spoil(store._cell("a"))
    assert store.get_many(["a", "other"]) == {"other": cell()}
    assert store.put("a", cell(), None)
    spoil(store._cell("a"))
    store._merge("a", cell())
    assert store.get("a") == cell()

    spoil(store._cell("a"))
    spoil(store._lease("a"))
    token, found = store.lease_and_get("a", NOW, LEASE, ["a", "other"])
    assert token is not None
    assert found == {"other": cell()}
    assert store.put_and_release("a", cell(), "a", token)
    token = store.lease("a", NOW, LEASE)
    assert token is not None
    spoil(store._lease("a"))
    assert not store.put("a", cell(b"late"), token)
    store.release("a", token)
    assert store.lease("a", NOW, LEASE) is not None
    assert not store.is_down


def test_memory_that_is_standing_in_is_bounded(
    make: Callable[..., RedisStore], redis_url: str
) -> None:
    """A process that sees many calendars does not hold them all."""
    store = make(redis_url)
    store._memory = MemoryStore(max_bytes=100)
    for number in range(20):
        store.put(f"k{number}", cell(bytes(10)), None)
    assert len(store._memory) == 10
    assert store.get("k0") == cell(bytes(10))
