"""What a fetcher's answer means, what is stored of it, and what callers are answered.

A fetcher's answer in; the answer for waiting callers, and a :class:`Refresh` for the application,
out. Reading a body takes processor time, and the store may block; everything else is quick.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from extcal.cache.freshness.decide import INCOMPLETE, fall_back, learn, older, replaces
from extcal.cache.freshness.failures import failure
from extcal.cache.freshness.values import Attempts, Failure, Outcome, Raise, Success
from extcal.cache.refresh import full_collections
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.kept.keys import Keys
from extcal.cache.refresh.kept.repository import Known, Repository
from extcal.cache.refresh.log import Refresh, tell
from extcal.cache.refresh.stats import FAILED
from extcal.cache.snapshot import reading as readings
from extcal.cache.snapshot.snapshot import Reading, Snapshot, State
from extcal.cache.stores.lease import Lease
from extcal.errors import NotACalendar
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Failed, Fetched, FetchResponse, NotModified, Refused
from extcal.logs import INFO, WARNING
from extcal.values import NamedTuple, replace

__all__ = ["AnswerRead", "Asked", "Refreshed", "read_answer", "settle"]


class Asked(NamedTuple):
    """One request to a source, and its answer.

    ``at``: when the request was sent; the answer counts as of this time. ``lease``: under which it
    was asked. ``seconds``: how long the answer took. ``shared``: the source was asked for another
    feed of this address. Both are one request, which is counted once.
    """

    feed: Feed
    keys: Keys
    known: Known
    response: FetchResponse
    at: datetime
    lease: Lease
    seconds: float
    shared: bool


class Refreshed(NamedTuple):
    """The answer for waiting callers; ``refresh``: for the application, if a source was asked."""

    answer: Snapshot | Raise
    refresh: Refresh | None = None


class AnswerRead(NamedTuple):
    """What an answer comes to; ``unchanged``: the stored reading was confirmed by it."""

    outcome: Outcome
    reading: Reading | None = None
    unchanged: bool = False


def read_answer(asked: Asked, decisions: Decisions, repository: Repository) -> AnswerRead:
    """Read the body, or see that nothing changed; it takes processor time and stores nothing."""
    feed, response, reading = asked.feed, asked.response, asked.known.reading
    if not isinstance(response, Fetched | NotModified):
        return AnswerRead(failure(response, signed_in=feed.reveal_auth() is not None))
    # A greater age makes no difference: beyond stale_if_error no reading is served.
    age = min(timedelta(seconds=response.age), decisions.rules.stale_if_error)
    if isinstance(response, NotModified):
        assert reading is not None  # without one no validators are sent, and no 304 is accepted
        return AnswerRead(Success(), readings.renewed(reading, asked.at, age), unchanged=True)
    digest = repository.fingerprint(response, feed)
    if (
        reading is not None
        and reading.body == digest
        and decisions.reads_the_same(feed, asked.known, asked.at)
        and readings.has_one_stamp(response.body, feed)
    ):
        found = readings.renewed(reading, asked.at, age, response)
        return AnswerRead(Success(), found, unchanged=True)
    window = decisions.reach.covered(asked.at)
    try:
        with full_collections.postponed():
            found = readings.read_body(
                response,
                feed,
                window,
                asked.at - age,
                reading,
                decisions.limits,
                repository.made,
                digest,
            )
    except NotACalendar:
        return AnswerRead(Failure("not_a_calendar"))
    except Exception:
        # A bug in extcal's reading code also counts as a source that cannot be read.
        return AnswerRead(Failure("unreadable"))
    held = decisions.held(feed, reading, asked.at)
    if not replaces(held, found.complete, asked.at, decisions.rules):
        return AnswerRead(Failure(INCOMPLETE))
    if reading is not None and older(held, found.fetched_at, asked.at, decisions.rules):
        return AnswerRead(Success(), replace(reading, asked_at=asked.at), unchanged=True)
    return AnswerRead(Success(), replace(found, asked_at=asked.at) if age else found)


def settle(
    asked: Asked,
    read: AnswerRead,
    now: datetime,
    repository: Repository,
    decisions: Decisions,
    jitter: Callable[[], float],
) -> Refreshed:
    """Store what the source answered, and return the answer for waiting callers.

    ``read``: what :func:`read_answer` returned. ``jitter`` returns numbers in [0, 1), for the
    back-off.
    """
    outcome, found, unchanged = read
    outcome = _with_requests(outcome, asked, decisions)
    if not asked.shared:
        _book_host(asked, outcome, now, decisions)
        _book_429(asked, now, repository)
    reading = asked.known.reading
    previous = None if reading is None else Snapshot(reading)
    if isinstance(outcome, Success) and found is not None:
        attempts = learn(asked.known.attempts, outcome, now, decisions.rules, 0.0)
        known = repository.keep(
            asked.keys, asked.known, found, now, asked.lease, attempts, unchanged=unchanged
        )
        snapshot = known.snapshot(_state(known, asked.at))
        _tell_success(asked, found, decisions)
        return Refreshed(snapshot, Refresh(asked.feed, snapshot, previous, None, asked.seconds))
    assert isinstance(outcome, Failure)
    attempts = learn(asked.known.attempts, outcome, now, decisions.rules, jitter())
    repository.store_attempts(asked.keys, attempts, now)
    answer = asked.known.served(fall_back(asked.known.held, attempts, now, decisions.rules))
    _tell_failure(asked, outcome, attempts, answer, decisions)
    kind = answer.kind if isinstance(answer, Raise) else outcome.kind
    served = answer if isinstance(answer, Snapshot) else None
    return Refreshed(answer, Refresh(asked.feed, served, previous, kind, asked.seconds))


def _with_requests(outcome: Outcome, asked: Asked, decisions: Decisions) -> Outcome:
    """``outcome`` with the number of requests, and whether they carried validators."""
    response = asked.response
    tries = response.tries if isinstance(response, Fetched | NotModified | Failed) else 1
    if isinstance(outcome, Success):
        return replace(outcome, tries=tries)
    conditional = decisions.conditional(asked.feed, asked.known, asked.at)
    return replace(outcome, tries=tries, conditional=conditional)


def _state(known: Known, asked_at: datetime) -> State:
    """FRESH or STALE: an HTTP cache on the way may have kept the answer for a long time."""
    held = known.held
    if known.other_rules is not None or held is None or held.lifetime is None:
        return State.STALE
    return State.FRESH if asked_at - held.fetched_at <= held.lifetime else State.STALE


def _book_host(asked: Asked, outcome: Outcome, now: datetime, decisions: Decisions) -> None:
    if isinstance(asked.response, Failed) and asked.response.elsewhere:
        return  # another host failed, or this process did not come to ask
    kind = outcome.kind if isinstance(outcome, Failure) else None
    was, now_down = decisions.hosts.learn(asked.feed.host, asked.keys.attempts, kind, now)
    if now_down and not was:
        tell(WARNING, "host_down", asked.feed, kind=kind)
    elif was and not now_down:
        tell(INFO, "host_up", asked.feed)


def _book_429(asked: Asked, now: datetime, repository: Repository) -> None:
    """Record a 429 for its host, if the feed's own host sent it and not one redirected to."""
    response, host = asked.response, asked.feed.host
    if not isinstance(response, Refused) or response.status != 429 or response.redirected:
        return
    digest = asked.keys.attempts[-16:]
    if host and repository.rate_limits.told_429(host, digest, now):
        tell(WARNING, "host_slowed", asked.feed, status=429)


def _tell_success(asked: Asked, found: Reading, decisions: Decisions) -> None:
    response = asked.response
    outcome = "read" if isinstance(response, Fetched) else "unchanged"
    if not asked.shared:
        decisions.tally.count(outcome)
        if isinstance(response, Fetched | NotModified) and response.as_browser:
            decisions.tally.count("as_browser")
    tell(
        INFO,
        "refreshed",
        asked.feed,
        outcome=outcome,
        seconds=asked.seconds,
        bytes=len(response.body) if isinstance(response, Fetched) else None,
        events=found.count,
        complete=found.complete,
    )
    if any(problem.code == "suddenly_empty" for problem in found.problems):
        tell(WARNING, "suddenly_empty", asked.feed)


def _tell_failure(
    asked: Asked,
    failed: Failure,
    attempts: Attempts,
    answer: Snapshot | Raise,
    decisions: Decisions,
) -> None:
    if not asked.shared:
        decisions.tally.count(FAILED + failed.kind)
    tell(
        WARNING if isinstance(answer, Raise) else INFO,
        "gone" if attempts.gone else "failed",
        asked.feed,
        kind=failed.kind,
        status=failed.status,
        failures=attempts.failures,
        seconds=asked.seconds,
        next_try=attempts.next_try,
    )
