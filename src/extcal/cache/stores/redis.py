"""The store in Redis or Valkey, for applications on several machines. Needs ``extcal[redis]``.

In: keys and cells. Out: the same, or nothing; a server that is down raises nothing (see
:mod:`extcal.cache.stores.durable`). Under every key there are two entries, kept together in a
cluster by the braces::

    {PREFIX KEY}:cell     a hash: d, the data, and k, its keep_until in microseconds
    {PREFIX KEY}:lease    until when (milliseconds), and the token that holds it

Every change is one command or one script, so that no reader sees a part of it. A lease is SET NX
PX. A lease that has expired by the caller's clock, or that was given by a wrong clock, is
overwritten. PX only removes the leases of killed processes. It is longer than the lease, so that a
slow writer may still write if no other lease was given in the meantime. In a failover two servers
may both give a lease for a moment; that costs a fetch and does no other harm.

A store that was given a URL has connections of its own. The thread that asks sends its command and
reads the answer, and is cut off when the time is over. Only a new connection is made in a thread of
the watch, because nothing ends a look-up of the server's name. A client of the application may do
anything, so it is always called in such a thread.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

from extcal.arguments import made_discreetly, one_of_type
from extcal.cache.stores.cells import Cell
from extcal.cache.stores.cutter import Cutter
from extcal.cache.stores.durable import DurableStore
from extcal.cache.stores.protocol import Codec
from extcal.cache.stores.watch import Late, Watch

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["RedisStore"]

_T = TypeVar("_T")
_Command: TypeAlias = "tuple[str | bytes | int, ...]"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_TIMEOUT = 2.0  # seconds; a server in the same network answers within milliseconds, or is down
_LEAST_KEPT = timedelta(minutes=1)  # two clocks may differ
_MOST_KEPT = timedelta(days=31)
_USUALLY_KEPT = timedelta(days=7)
_LATE = 20  # a token is kept for so many times the length of its lease

# Before each script. A key that somebody made a list of is missing, and no failure of the server.
_TRY = """
local function try(...)
    local found = redis.pcall(...)
    if type(found) ~= 'table' or not found.err then return found end
    if not string.find(found.err, 'WRONGTYPE', 1, true) then error(found.err) end
    return false
end
"""
_LEASE = """
local value = ARGV[1] .. ':' .. ARGV[2]
if redis.call('SET', KEYS[1], value, 'NX', 'PX', ARGV[4]) then return 1 end
local there = try('GET', KEYS[1])
if there == value then return 1 end
local held = there and tonumber(string.match(there, '^(%-?%d+):'))
local now, most = tonumber(ARGV[3]), 2 * tonumber(ARGV[1]) - tonumber(ARGV[3])
if held and now < held and held <= most then return 0 end
redis.call('SET', KEYS[1], value, 'PX', ARGV[4])
return 1
"""
_RELEASE = """
local held = try('GET', KEYS[1])
if held and string.match(held, ':(.*)$') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_PUT = """
if ARGV[5] == 'held' then
    local held = try('GET', KEYS[2])
    if not held or string.match(held, ':(.*)$') ~= ARGV[1] then return 0 end
end
if ARGV[5] == 'newer' then
    local there = try('HGET', KEYS[1], 'k')
    if there and (tonumber(there) or 0) > tonumber(ARGV[3]) then return 0 end
end
if not try('HSET', KEYS[1], 'd', ARGV[2], 'k', ARGV[3]) then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'd', ARGV[2], 'k', ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
_READ = """
local found = {}
for place = 1, #KEYS do found[place] = try('HMGET', KEYS[place], 'd', 'k') or {} end
return found
"""
_AT_ONCE = 64  # keys; other clients of the server wait while a script runs
# The lease of the first key, and the cells of the others.
_LEASE_AND_READ = (
    "local function lease()"
    + _LEASE
    + """end
if lease() == 0 then return false end
local found = {}
for place = 2, #KEYS do found[place - 1] = try('HMGET', KEYS[place], 'd', 'k') or {} end
return found
"""
)
# The cell of the first key, if the lease of the second is held; this lease is freed.
_PUT_AND_RELEASE = (
    "local function put()"
    + _PUT
    + """end
local kept = put()
if kept == 1 then redis.call('DEL', KEYS[2]) end
return kept
"""
)


@made_discreetly
class RedisStore(DurableStore):
    """Cells on a Redis or Valkey server that any number of machines share.

    ``server``: a URL (``redis://``, ``rediss://`` or ``unix://``), or a client of redis-py that
    does not decode responses. No call waits for the server for longer than two seconds.
    ``prefix``: what all keys begin with, up to 100 printable ASCII characters without braces.
    ``codec``: encrypts what leaves this process; an object with ``encode(bytes)`` and
    ``decode(bytes)``.

    The server deletes a cell after its ``keep_until``. Its settings bound the memory
    (``maxmemory``, ``maxmemory-policy allkeys-lru``). Raises ImportError without redis-py, and
    ValueError for a wrong URL. Connects when it is first used.
    """

    def __init__(
        self, server: str | Redis, *, prefix: str = "extcal:", codec: Codec | None = None
    ) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise ImportError(
                "RedisStore needs redis-py: pip install 'extcal[redis]'", name="redis"
            ) from None
        one_of_type("prefix", prefix, str, "up to 100 printable ASCII characters")
        if not (prefix.isascii() and prefix.isprintable() and len(prefix) <= 100):
            raise ValueError("prefix takes up to 100 printable ASCII characters")
        if "{" in prefix or "}" in prefix:
            raise ValueError("prefix takes no braces: they keep keys together in a cluster")
        watch = Watch(_TIMEOUT)
        super().__init__(codec=codec, remembers=True, watch=watch)
        self._troubles = (redis.RedisError, OSError)
        self._timeouts = (redis.TimeoutError, TimeoutError, Late)
        self._prefix = prefix
        # A closure, because it holds a password: tools that list attributes do not look into it.
        self._server: Callable[[], str | Redis] = lambda: server
        self._now: datetime | None = None
        client: Any = server
        self._connections: _Connections | None = None
        if isinstance(server, str):
            client = redis.Redis.from_url(
                server,
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
            )
            self._connections = _Connections(client, watch)
        self._client = _checked(client)
        # In a cluster the keys of one script must be on one server, and those of a feed are not.
        self._one_server = isinstance(client, redis.Redis)

    def close(self) -> None:
        """Close the connections, if they were opened from a URL; the store opens them again."""
        if self._connections is not None:
            self._connections.close()
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """A copy in another process uses the same server."""
        return _again, (self._server(), self._prefix, self._codec)

    def __repr__(self) -> str:
        return f"<RedisStore {self._prefix}*>"

    # -- the place ------------------------------------------------------------------------------

    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        # One request without a transaction, because each cell is complete by itself.
        names = [*map(self._cell, keys)]
        if self._one_server:
            batches = [names[n : n + _AT_ONCE] for n in range(0, len(names), _AT_ONCE)]
            rows = self._send([("EVAL", _TRY + _READ, len(some), *some) for some in batches])
            return _cells(keys, [*chain.from_iterable(rows)])
        return _cells(keys, self._send([("HMGET", name, "d", "k") for name in names]))

    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        return self._put(key, cell, token or "", "any" if token is None else "held")

    def _merge(self, key: str, cell: Cell) -> None:
        self._put(key, cell, "", "newer")

    def _remove(self, key: str) -> None:
        self._send([("DEL", self._cell(key), self._lease(key))])

    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        return bool(self._run(_LEASE, [self._lease(key)], self._terms(token, now, ttl)))

    def _take_and_read(
        self, key: str, token: str, now: datetime, ttl: timedelta, keys: Sequence[str]
    ) -> tuple[bool, dict[str, Cell]]:
        if not self._one_server:
            return super()._take_and_read(key, token, now, ttl, keys)
        names = [self._lease(key), *map(self._cell, keys)]
        rows = self._run(_LEASE_AND_READ, names, self._terms(token, now, ttl))
        return rows is not None, {} if rows is None else _cells(keys, rows)

    def _give_back(self, key: str, token: str) -> None:
        self._run(_RELEASE, [self._lease(key)], [token])

    def _write_and_give_back(self, key: str, cell: Cell, leased: str, token: str) -> bool:
        names = [self._cell(key), self._lease(leased)]
        if not self._one_server:
            there = self._client.get(names[1])
            held = there is not None and there.partition(b":")[2] == token.encode()
            return held and super()._write_and_give_back(key, cell, leased, token)
        return bool(self._run(_PUT_AND_RELEASE, names, self._cell_terms(cell, token, "held")))

    def _say(self, error: Exception) -> str:
        return type(error).__name__

    # -- inside ---------------------------------------------------------------------------------

    def _put(self, key: str, cell: Cell, token: str, only_if: str) -> bool:
        names = [self._cell(key), self._lease(key)]
        return bool(self._run(_PUT, names, self._cell_terms(cell, token, only_if)))

    def _run(self, script: str, names: Sequence[str], arguments: Sequence[Any]) -> Any:
        return self._send([("EVAL", _TRY + script, len(names), *names, *arguments)])[0]

    def _send(self, commands: Sequence[_Command]) -> list[Any]:
        """Their answers, with one request."""
        if self._connections is not None:
            return self._connections.ask(commands)
        if len(commands) == 1:
            return [self._client.execute_command(*commands[0])]
        with self._client.pipeline(transaction=False) as journey:
            for command in commands:
                journey.execute_command(*command)
            answers: list[Any] = journey.execute()
        return answers

    def _in_time(self, act: Callable[..., _T], *arguments: object) -> _T:
        return act(*arguments) if self._connections else super()._in_time(act, *arguments)

    def _cell_terms(self, cell: Cell, token: str, only_if: str) -> list[Any]:
        until = (cell.keep_until - _EPOCH) // _MICROSECOND
        return [token, cell.data, until, self._kept(cell) // _MILLISECOND, only_if]

    def _terms(self, token: str, now: datetime, ttl: timedelta) -> list[Any]:
        self._now = now
        until = (now + ttl - _EPOCH) // _MILLISECOND
        forgotten = max(_LATE * ttl // _MILLISECOND, 1)
        return [until, token, (now - _EPOCH) // _MILLISECOND, forgotten]

    def _kept(self, cell: Cell) -> timedelta:
        """How long the server is to keep ``cell``, by the last ``now`` that was passed."""
        if self._now is None:
            return _USUALLY_KEPT
        return min(max(cell.keep_until - self._now, _LEAST_KEPT), _MOST_KEPT)

    def _cell(self, key: str) -> str:
        return f"{{{self._prefix}{key}}}:cell"

    def _lease(self, key: str) -> str:
        return f"{{{self._prefix}{key}}}:lease"


class _Connections:
    """The connections of one process to the server of ``client``; one thread at a time has one."""

    def __init__(self, client: Redis, watch: Watch) -> None:
        from redis import ConnectionError as Broken
        from redis import ResponseError

        self._pool: Any = client.connection_pool
        self._watch = watch
        self._cutter = Cutter(_TIMEOUT)
        self._broken, self._error = Broken, ResponseError
        self._idle: list[Any] = []
        self._process = os.getpid()

    def ask(self, commands: Sequence[_Command]) -> list[Any]:
        """Their answers, after two seconds at the most. Raises what redis-py raises, and Late."""
        if self._process != os.getpid():
            self._process, self._idle = os.getpid(), []  # the others are the parent's
        until = monotonic() + _TIMEOUT
        with suppress(IndexError):
            return self._ask_one(self._idle.pop(), commands, until)
        return self._ask_new(commands, until)

    def close(self) -> None:
        """Close those that nobody uses."""
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _ask_one(self, connection: Any, commands: Sequence[_Command], until: float) -> list[Any]:
        exchange = partial(self._exchange, connection, commands)
        try:
            answers = self._cutter.call(exchange, connection.disconnect)
        except self._broken:
            # The server may have closed it, perhaps with all others: ask once more, on a new one.
            self.close()
            return self._ask_new(commands, until)
        return self._kept(connection, answers)

    def _ask_new(self, commands: Sequence[_Command], until: float) -> list[Any]:
        def ask() -> list[Any]:
            # As the pool makes them, but it would count them as its own, and allow no more at last.
            connection = self._pool.connection_class(**self._pool.connection_kwargs)
            connection.connect()
            return self._kept(connection, self._exchange(connection, commands))

        return self._watch.call(ask, until - monotonic())

    def _exchange(self, connection: Any, commands: Sequence[_Command]) -> list[Any]:
        """The answers to all ``commands``, errors of the server among them."""
        answers: list[Any] = []
        try:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    answers.append(connection.read_response())
                except self._error as error:
                    answers.append(error)
        except BaseException:
            # What it did not read must not be taken for the answer to another command.
            connection.disconnect()
            raise
        return answers

    def _kept(self, connection: Any, answers: list[Any]) -> list[Any]:
        """``answers``; raises the first error of the server among them."""
        self._idle.append(connection)
        for answer in answers:
            if isinstance(answer, self._error):
                raise answer
        return answers


def _cells(keys: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Cell]:
    found = {}
    for key, row in zip(keys, rows, strict=True):
        data, until = row or (None, None)
        if data is not None and until is not None:
            with suppress(ValueError, OverflowError):
                found[key] = Cell(data, _EPOCH + int(until) * _MICROSECOND)
    return found


def _checked(client: Any) -> Any:
    """``client``, or an error that says what a RedisStore takes."""
    execute = getattr(client, "execute_command", None)
    if execute is None or not hasattr(client, "register_script"):
        raise TypeError("a RedisStore takes a URL or a client of redis-py")
    if inspect.iscoroutinefunction(execute):
        raise TypeError("this client is asynchronous; a RedisStore takes redis.Redis")
    if client.get_encoder().decode_responses:
        raise ValueError("this client decodes responses, and cells are bytes; leave that off")
    return client


def _again(server: str | Redis, prefix: str, codec: Codec | None) -> RedisStore:
    return RedisStore(server, prefix=prefix, codec=codec)
