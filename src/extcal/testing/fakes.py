"""A fetcher that answers from a dictionary.

It returns the answers that a test gives it; nothing leaves the process. It keeps every request, so
a test can check with :meth:`FakeFetcher.count` that there was no second fetch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat

from extcal.arguments import discreet, flag_of, made_discreetly, one_of_type
from extcal.fetch.feed import Feed, as_feed
from extcal.fetch.protocol import (
    Fetched,
    FetchRequest,
    FetchResponse,
    NotModified,
    Refused,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Answer", "FakeFetcher", "Plain"]

Plain: TypeAlias = "str | bytes | FetchResponse"
"""A body (text is encoded as UTF-8), or a FetchResponse."""

Answer: TypeAlias = "Plain | Callable[[FetchRequest], Plain] | Sequence[Answer]"
"""What an address answers: always the same, a computed answer, or a sequence (the last repeats)."""


@made_discreetly
class FakeFetcher:
    """A Fetcher that returns answers which the test sets.

    ``answers``: a mapping of addresses to answers. An address is text or a Feed; feeds that differ
    only in zone, owner or detail have the same address. An answer is a body, a FetchResponse, a
    callable that gets the FetchRequest and returns one of these (or raises, to test a fetcher that
    raises), or a sequence of answers, one per call; the last one is repeated. An address that is
    not in the mapping answers ``Refused(404)``.
    ``etags``: if true, a body gets an ETag made from its content, and a request with this ETag is
    answered with ``NotModified``.
    """

    def __init__(
        self, answers: Mapping[str | Feed, Answer] | None = None, *, etags: bool = False
    ) -> None:
        self.requests: list[FetchRequest] = []
        """Every request so far, in order."""
        self._etags = flag_of("etags", etags)
        self._answers: dict[bytes, Iterator[Answer]] = {}
        given = {} if answers is None else answers
        one_of_type("answers", given, Mapping, "answers by address")
        for address, answer in given.items():
            self.set(address, answer)

    @discreet
    def set(self, address: str | Feed, answer: Answer) -> None:
        """From now on ``address`` answers with ``answer``; a sequence begins with its first
        item."""
        self._answers[as_feed(address).url_identity()] = _one_by_one(answer)

    @discreet
    def count(self, address: str | Feed | None = None) -> int:
        """The number of requests for ``address``; without an argument, of all requests."""
        if address is None:
            return len(self.requests)
        wanted = as_feed(address).url_identity()
        return sum(request.feed.url_identity() == wanted for request in self.requests)

    @discreet
    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Keep the request and return its answer."""
        self.requests.append(request)
        answers = self._answers.get(request.feed.url_identity())
        if answers is None:
            return Refused(404)
        answer = next(answers)
        while not isinstance(answer, str | bytes | FetchResponse):
            # Only by mistake does a callable return another callable; sequences cannot get
            # here.
            if not callable(answer):
                raise TypeError(f"a FakeFetcher cannot answer with {type(answer).__name__}")
            answer = answer(request)
        return self._respond(answer, request)

    def _respond(self, answer: Plain, request: FetchRequest) -> FetchResponse:
        if isinstance(answer, str):
            answer = answer.encode()
        if not isinstance(answer, bytes):
            return answer
        etag = f'"{hashlib.sha256(answer).hexdigest()[:16]}"' if self._etags else None
        if etag is not None and request.etag == etag:
            return NotModified()
        return Fetched(answer, etag=etag)

    @property
    def shares_answers(self) -> bool:
        """Feeds of equal URL and ``auth`` share a request, as with ``HttpFetcher``."""
        return True

    def __repr__(self) -> str:
        return f"<FakeFetcher: {len(self._answers)} addresses, {len(self.requests)} requests>"


def _one_by_one(answer: Answer) -> Iterator[Answer]:
    if isinstance(answer, str | bytes | FetchResponse) or callable(answer):
        return repeat(answer)
    takes = "a body, a FetchResponse, a callable, or a sequence of these"
    several = list(one_of_type("answer", answer, Sequence, takes))
    if not several:
        raise ValueError("a sequence of answers needs at least one")
    # itertools' iterators return one item per call, even if several threads call at the same
    # time.
    return chain(several[:-1], repeat(several[-1]))
