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
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from extcal.arguments import made_discreetly, one_of_type
from extcal.cache.stores.durable import DurableStore
from extcal.cache.stores.protocol import Cell, Codec
from extcal.cache.stores.watch import Late, Watch

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["RedisStore"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_TIMEOUT = 2.0  # seconds; a server in the same network answers within milliseconds, or is down
_LEAST_KEPT = timedelta(minutes=1)  # two clocks may differ
_MOST_KEPT = timedelta(days=31)
_USUALLY_KEPT = timedelta(days=7)
_LATE = 20  # a token is kept for so many times the length of its lease

_LEASE = """
local value = ARGV[1] .. ':' .. ARGV[2]
if redis.call('SET', KEYS[1], value, 'NX', 'PX', ARGV[4]) then return 1 end
local there = redis.call('GET', KEYS[1])
if there == value then return 1 end
local held = tonumber(string.match(there, '^(%-?%d+):'))
if held and tonumber(ARGV[3]) < held and held <= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], value, 'PX', ARGV[4])
return 1
"""
_RELEASE = """
local held = redis.call('GET', KEYS[1])
if held and string.match(held, ':(.*)$') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_PUT = """
if ARGV[5] == 'held' then
    local held = redis.call('GET', KEYS[2])
    if not held or string.match(held, ':(.*)$') ~= ARGV[1] then return 0 end
end
if ARGV[5] == 'newer' then
    local there = redis.call('HGET', KEYS[1], 'k')
    if there and tonumber(there) > tonumber(ARGV[3]) then return 0 end
end
redis.call('HSET', KEYS[1], 'd', ARGV[2], 'k', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
# The lease of the first key, and the cells of the others.
_LEASE_AND_READ = (
    "local function lease()"
    + _LEASE
    + """end
if lease() == 0 then return false end
local found = {}
for place = 2, #KEYS do found[place - 1] = redis.call('HMGET', KEYS[place], 'd', 'k') end
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
        super().__init__(codec=codec, remembers=True, watch=Watch(_TIMEOUT))
        self._troubles = (redis.RedisError, OSError)
        self._timeouts = (redis.TimeoutError, TimeoutError, Late)
        self._prefix = prefix
        self._url = server if isinstance(server, str) else None
        self._now: datetime | None = None
        client: Any = server
        if isinstance(server, str):
            # One more try, because the server may have closed the connection; then memory is
            # used. None after a timeout: a server that did not answer once is left alone.
            client = redis.Redis.from_url(
                server,
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
        self._client = _checked(client)
        self._lease_script = client.register_script(_LEASE)
        self._release_script = client.register_script(_RELEASE)
        self._put_script = client.register_script(_PUT)
        self._lease_and_read_script = client.register_script(_LEASE_AND_READ)
        self._put_and_release_script = client.register_script(_PUT_AND_RELEASE)
        # In a cluster the keys of one script must be on one server, and those of a feed are not.
        self._one_server = isinstance(client, redis.Redis)

    def close(self) -> None:
        """Close the connections, if they were opened from a URL; the store opens them again."""
        if self._url is not None:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """A copy in another process uses the same server."""
        server = self._client if self._url is None else self._url
        return _again, (server, self._prefix, self._codec)

    def __repr__(self) -> str:
        return f"<RedisStore {self._prefix}*>"

    # -- the place ------------------------------------------------------------------------------

    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        # One request without a transaction, because each cell is complete by itself.
        with self._client.pipeline(transaction=False) as journey:
            for key in keys:
                journey.execute_command("HMGET", self._names(key)[0], "d", "k")
            rows = journey.execute()
        return _cells(keys, rows)

    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        return self._put(key, cell, token or "", "any" if token is None else "held")

    def _merge(self, key: str, cell: Cell) -> None:
        self._put(key, cell, "", "newer")

    def _remove(self, key: str) -> None:
        self._client.delete(*self._names(key))

    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        names = self._names(key)[1:]
        return bool(self._lease_script(keys=names, args=self._terms(token, now, ttl)))

    def _take_and_read(
        self, key: str, token: str, now: datetime, ttl: timedelta, keys: Sequence[str]
    ) -> tuple[bool, dict[str, Cell]]:
        if not self._one_server:
            return super()._take_and_read(key, token, now, ttl, keys)
        names = [self._names(key)[1], *[self._names(each)[0] for each in keys]]
        rows = self._lease_and_read_script(keys=names, args=self._terms(token, now, ttl))
        return rows is not None, {} if rows is None else _cells(keys, rows)

    def _give_back(self, key: str, token: str) -> None:
        self._release_script(keys=self._names(key)[1:], args=[token])

    def _write_and_give_back(self, key: str, cell: Cell, leased: str, token: str) -> bool:
        names = [self._names(key)[0], self._names(leased)[1]]
        if not self._one_server:
            there = self._client.get(names[1])
            held = there is not None and there.partition(b":")[2] == token.encode()
            return held and super()._write_and_give_back(key, cell, leased, token)
        arguments = self._cell_terms(cell, token, "held")
        return bool(self._put_and_release_script(keys=names, args=arguments))

    def _say(self, error: Exception) -> str:
        return type(error).__name__

    # -- inside ---------------------------------------------------------------------------------

    def _put(self, key: str, cell: Cell, token: str, only_if: str) -> bool:
        arguments = self._cell_terms(cell, token, only_if)
        return bool(self._put_script(keys=self._names(key), args=arguments))

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

    def _names(self, key: str) -> list[str]:
        return [f"{{{self._prefix}{key}}}:cell", f"{{{self._prefix}{key}}}:lease"]


def _cells(keys: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Cell]:
    found = {}
    for key, (data, until) in zip(keys, rows, strict=True):
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
