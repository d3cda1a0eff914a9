"""One request for all feeds of one address that differ only in zone, owner, policy or detail.

What a source answers depends on the URL and the login, not on how its body is read. So while a
request for an address is under way, other flights of this address wait for its answer, and each
reads the body in its own way. A fetcher has to say that this is so (``shares_answers``); any other
one is asked for each feed.

An answer is used only by a flight that

* was wanted before the answer came. Flights of ``refresh_many`` follow each other, so there it may
  be up to 30 seconds old;
* would have sent the same validators, or gets a body, which is an answer to any request.

Bodies are kept for these 30 seconds only during ``refresh_many``, or if this cache has met the
address in two ways of reading it, and never more than 8 MiB of them. They are dropped when the next
request is made. Nothing is shared between processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from extcal.arguments import safe_repr
from extcal.cache.refresh.kept.keys import Keys
from extcal.cache.refresh.pending import Pending
from extcal.cache.stores.memory import ForkSafeLock, Memo
from extcal.fetch.protocol import Fetched, FetchRequest, FetchResponse, NotModified
from extcal.values import NamedTuple

__all__ = ["Answer", "SharedRequests", "Wanted"]

_KEPT_FOR = 30.0  # seconds
_KEPT_BYTES = 8 * 1024 * 1024
_ADDRESSES = 4096
_GOOD = Fetched | NotModified
_GRACE = 5.0  # seconds that an answer may take longer than its deadline


class Answer(NamedTuple):
    """What a source answered to ``request``, which was sent at ``at``.

    ``came``: when it came, in seconds of the monotonic clock. ``shared``: another flight asked.
    """

    response: FetchResponse
    request: FetchRequest
    at: datetime
    came: float
    shared: bool = False

    def answers(self, request: FetchRequest) -> bool:
        """Whether the source would have answered ``request`` like this."""
        if isinstance(self.response, Fetched):
            return True
        asked, wanted = self.request, request
        return (asked.etag, asked.last_modified) == (wanted.etag, wanted.last_modified)


class Wanted(NamedTuple):
    """What a flight wants: an answer that came after ``since`` (of the monotonic clock).

    ``of_many``: it is one of many that follow each other, so an earlier one will do. ``last``: when
    the source was asked for what is known of the feed; an answer of that time is known already.
    """

    since: float
    of_many: bool = False
    last: datetime | None = None

    def takes(self, answer: Answer, request: FetchRequest) -> bool:
        """Whether ``answer`` will do for a flight that would send ``request``."""
        since = self.since - (_KEPT_FOR if self.of_many else 0.0)
        known = self.last is not None and answer.at <= self.last
        return answer.came >= since and not known and answer.answers(request)


@safe_repr
class SharedRequests:
    """The requests of one cache; ``ask`` puts one to the fetcher.

    ``shares``: whether the fetcher says that feeds of one address get the same answer.
    """

    def __init__(
        self, ask: Callable[[FetchRequest], FetchResponse], shares: Callable[[], bool]
    ) -> None:
        self._ask = ask
        self._shares = shares
        self._lock = ForkSafeLock()
        self._ways: Memo[str, tuple[str, ...]] = Memo(_ADDRESSES)
        self._start()

    def _start(self) -> None:
        self._under_way: dict[str, Pending[Answer]] = {}
        # By address, and whether it has a body: a body answers more than a 304.
        # The oldest first.
        self._kept: dict[tuple[str, bool], Answer] = {}
        self._bytes = 0
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"<SharedRequests: {len(self._under_way)} under way>"

    def expect(self, keys: Keys) -> None:
        """Note that a feed is going to be fetched."""
        ways = self._ways.get(keys.attempts) or ()
        if len(ways) < 2 and keys.snapshot not in ways:
            self._ways.keep(keys.attempts, (*ways, keys.snapshot))

    def forget(self, keys: Keys) -> None:
        """Drop the answers of an address."""
        with self._lock:
            for has_body in (True, False):
                self._drop((keys.attempts, has_body))
        self._ways.drop(keys.attempts)

    def put(self, address: str, request: FetchRequest, now: datetime, wanted: Wanted) -> Answer:
        """The answer to ``request`` for ``address``, the key of its attempts."""
        if not self._shares():
            return self._answer(request, now)
        own: Pending[Answer] | None = None
        while own is None:
            with self._lock:
                self._settle_in()
                for found in self._last(address, now):
                    if wanted.takes(found, request):
                        return found._replace(shared=True)
                other = self._under_way.get(address)
                if other is None:
                    own = self._under_way[address] = Pending()
            if other is not None:
                answer = _waited(other, request.deadline + _GRACE)
                if answer is not None and wanted.takes(answer, request):
                    return answer._replace(shared=True)
        try:
            answer = self._answer(request, now)
        except BaseException as error:
            self._end(address, own, None, wanted)
            own.end(None, error)
            raise
        self._end(address, own, answer, wanted)
        own.end(answer)
        return answer

    def _answer(self, request: FetchRequest, now: datetime) -> Answer:
        return Answer(self._ask(request), request, now, monotonic())

    def _end(
        self, address: str, own: Pending[Answer], answer: Answer | None, wanted: Wanted
    ) -> None:
        shared = wanted.of_many or len(self._ways.get(address) or ()) > 1
        with self._lock:
            if self._under_way.get(address) is own:
                del self._under_way[address]
            if shared and answer is not None and isinstance(answer.response, _GOOD):
                kind = address, isinstance(answer.response, Fetched)
                self._drop(kind)
                self._kept[kind] = answer
                self._bytes += _size(answer)
            self._tidy()

    def _tidy(self) -> None:
        """Drop answers that are too old, and the oldest ones if there are too many."""
        oldest = monotonic() - _KEPT_FOR
        while self._kept:
            kind = next(iter(self._kept))
            if self._kept[kind].came >= oldest and self._bytes <= _KEPT_BYTES:
                return
            self._drop(kind)

    def _drop(self, kind: tuple[str, bool]) -> None:
        answer = self._kept.pop(kind, None)
        if answer is not None:
            self._bytes -= _size(answer)

    def _last(self, address: str, now: datetime) -> list[Answer]:
        if self._kept:
            self._tidy()
        found = [self._kept.get((address, has_body)) for has_body in (True, False)]
        # The clock of a cache may be one that a test moves.
        longest = timedelta(seconds=_KEPT_FOR)
        return [each for each in found if each is not None and abs(now - each.at) <= longest]

    def _settle_in(self) -> None:
        """After a fork: the flights that others wait for are not in the child."""
        if self._process != os.getpid():
            self._start()


def _size(answer: Answer) -> int:
    return len(answer.response.body) if isinstance(answer.response, Fetched) else 1024


def _waited(other: Pending[Answer], seconds: float) -> Answer | None:
    """The answer that another flight gets, or None if it gets none."""
    try:
        return other.result(seconds)
    except Exception:
        return None
