"""When to ask a source, and what an answer means for the next time. Pure: no clock, no I/O.

Two records go in, a decision comes out; an attempt and its outcome go in, a new record comes out.

* :class:`Held` is what there is to serve: how old the last good reading is, and how good.
* :class:`Attempts` is how asking the address went: it belongs to the URL, not to a reading of it.

====================== ==========================================================================
what is known          what :func:`decide` says
====================== ==========================================================================
the source is gone     raise, without asking, until the next probe (24 h)
held, 30:00 or younger serve, FRESH; no request
read by other rules    serve, STALE; no request before a moment within the 30 minutes
older on arrival       serve, STALE; no request before half of the 30 minutes are over
older, backing off     serve, ERROR_STALE, while the age is 24 h at most; no request
older                  fetch **before** answering; with validators if what is held still covers
                       the promised window and was read to its end
nothing, backing off   raise, without asking
nothing                fetch
====================== ==========================================================================

When an attempt fails, :func:`fall_back` serves what is held for up to 24 h, and raises after that
(RFC 5861 section 4). That holds for 401, 403 and 404 as well, which Google and Outlook answer for
hours and are well again: such a source is asked every hour, and is gone when it refused for a day.
Two verdicts are different. *Gone*: a source that withdrew its calendar (410) is taken at its word.
*Blocked*: an address that leads where the policy lets nobody go is not asked again for 15 minutes,
not even by a person, and what was read before stands in for an hour at most.

Three rules bend the 30 minutes, and only if a host asks for it: ``ttl_jitter`` shortens them, each
feed's by a share of its own; ``respect_refresh_interval`` lengthens them to what a feed suggests;
``stale_while_revalidate`` serves what is a little older at once, and fetches behind the answer.

*Read by other rules* is what was read with other time zone data, or by a version of extcal that
reads calendars in another way. It is never FRESH, and no 304 confirms it: it is asked for again
without validators, at a moment of its own, so that an upgrade does not ask all sources at once.
*Older on arrival* is what a cache on the way had kept for longer than 30 minutes: asking that cache
again at once would bring the same. Either way a source is asked twice in 30 minutes at most, also
while two versions share a store and each reads again what the other has read.

Conditional requests are doubted (:func:`conditional`), because some servers answer 304 to
everything and others fail on them: no validators are sent when a person presses refresh, after a
failure, for a day after a server refused a conditional request, and once a day.

A source that fails is not asked much more often than one that is well: at most six requests in 24 h
follow another within the 30 minutes (``early``).

Clocks jump. A record dated later than now (by more than a few seconds) is not fresh and does not
hold back a request; one fetch heals it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from extcal.cache.freshness.values import (
    STALE_IF_ERROR,
    TTL,
    Attempts,
    Decision,
    Failure,
    Fetch,
    Held,
    Outcome,
    Raise,
    Rules,
    Serve,
    State,
    Success,
    Wish,
)

__all__ = [
    "INCOMPLETE",
    "STALE_IF_ERROR",
    "TTL",
    "Attempts",
    "Decision",
    "Failure",
    "Fetch",
    "Held",
    "Outcome",
    "Raise",
    "Rules",
    "Serve",
    "State",
    "Success",
    "Wish",
    "conditional",
    "decide",
    "fall_back",
    "in_utc",
    "learn",
    "lifetime",
    "may_try_again",
    "moment_of",
    "older",
    "replaces",
    "usable",
]

_REFUSALS = frozenset({401, 403, 404})  # what Google answers after a secret address was reset
_GONE = 410
_RATE_LIMITED = 429
_BLOCKED = frozenset({"blocked_address", "blocked_url"})
_REFUSED = frozenset({"forbidden", "not_found", "unauthorized", "wrong_password"})
_NO_CALENDAR = frozenset({"challenge", "empty", "html", "json", "not_a_calendar", "not_found_file"})
_ZERO = timedelta(0)

INCOMPLETE = "incomplete"
"""The kind of failure that is a reading, but not one to replace a whole one with."""


def decide(
    held: Held | None, attempts: Attempts, now: datetime, rules: Rules, wish: Wish = "get"
) -> Decision:
    """What to do about a feed at ``now``.

    ``wish="refresh"`` is a person who pressed a button: it overrides age, back-off and gone, but
    neither Retry-After, nor a blocked address, nor the floor between attempts.
    """
    fetch = Fetch(conditional(held, attempts, now, rules, wish))
    waiting = _waiting(attempts, now, rules)
    if attempts.kind == INCOMPLETE and (held is None or not usable(held.fetched_at, now, rules)):
        # It could be read after all, in part, and by now there is nothing better.
        waiting = False
    told_to_wait = waiting and (attempts.asked_to_wait or attempts.kind in _BLOCKED)
    if wish == "refresh" and not told_to_wait and not _just_asked(held, attempts, now, rules):
        return fetch
    if attempts.gone:
        return Raise("gone", attempts.hint) if waiting else fetch
    if held is not None and -rules.skew <= now - held.fetched_at:
        age, fresh_for = now - held.fetched_at, _lifetime(held, rules)
        if age <= fresh_for and held.other_rules is None:
            return Serve(State.FRESH)
        if not waiting and _too_soon(held, now, rules):
            return Serve(State.STALE)
        at_once = rules.stale_while_revalidate
        if wish == "get" and not waiting and at_once and age <= fresh_for + at_once:
            return Serve(State.STALE, behind=True)
    return fall_back(held, attempts, now, rules) if waiting else fetch


def conditional(
    held: Held | None, attempts: Attempts, now: datetime, rules: Rules, wish: Wish = "get"
) -> bool:
    """Whether to ask with validators: a 304 would do, and would be believed.

    It says that the body is the same, and nothing of how it was read. Servers lie about it: a
    person who presses refresh does not believe what is shown, and what failed is asked plainly.
    """
    if held is None or wish == "refresh" or attempts.failures:
        return False
    if attempts.doubted is not None and now < attempts.doubted <= now + rules.plain_after:
        return False
    if held.read_at is not None and now - held.read_at > rules.plain_after:
        return False
    return held.complete and held.covers and held.validators and held.other_rules is None


def _too_soon(held: Held, now: datetime, rules: Rules) -> bool:
    """Whether what is not fresh was asked for so recently that it is served once more.

    Half of the time that it would be fresh for has to pass between two requests. What was read by
    other rules waits for its own moment too, but no longer than it would be fresh.
    """
    fresh_for = _lifetime(held, rules)
    if now < held.asked:
        return held.asked - now <= rules.skew
    if held.other_rules is not None and now - held.fetched_at <= fresh_for:
        return now < max(held.asked + fresh_for / 2, held.other_rules)
    return now < held.asked + fresh_for / 2


def moment_of(asked: datetime, began: datetime, fresh_for: timedelta, spread: float) -> datetime:
    """From when on a reading by other rules is to be read again.

    ``asked``: when its source was asked for it. ``began``: when this cache began to work, which is
    when it could first see other rules than its own. ``spread``: the feed's own number in [0, 1).

    Readings of every age, met at one moment (an upgrade), are read again over the time that follows
    it; readings of one moment over the second half of their time.
    """
    return max(asked + fresh_for * (1 + spread) / 2, began + fresh_for * spread)


def in_utc(now: object) -> datetime:
    """What a clock showed, in UTC; TypeError if that is no aware datetime.

    In UTC, because two datetimes of one local zone subtract by wall clock and not by elapsed time.
    """
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise TypeError("a clock returns an aware datetime, like datetime.now(timezone.utc)")
    return now.astimezone(UTC)


def lifetime(rules: Rules, spread: float, suggested: timedelta | None) -> timedelta:
    """How long a reading is fresh.

    ``spread``: the feed's own number in [0, 1), always the same, for ``ttl_jitter``: it may only
    shorten, so that ``ttl`` stays what users were promised at most. ``suggested``: how often the
    feed says it should be asked for; if that is respected, it may only lengthen.
    """
    found = rules.ttl
    if rules.ttl_jitter:
        found *= 1 - rules.ttl_jitter * spread
    if rules.respect_refresh_interval and suggested is not None:
        found = max(found, min(suggested, rules.refresh_interval_cap))
    return found


def fall_back(held: Held | None, attempts: Attempts, now: datetime, rules: Rules) -> Serve | Raise:
    """What to answer when the source could not be read just now, or must not be asked yet."""
    kind = attempts.kind or "unavailable"
    if attempts.gone:
        return Raise("gone", attempts.hint)
    if held is not None and usable(held.fetched_at, now, rules, kind):
        return Serve(State.ERROR_STALE, kind)
    return Raise(kind, attempts.hint)


def usable(fetched_at: datetime, now: datetime, rules: Rules, kind: str | None = None) -> bool:
    """Whether a reading may stand in for one that failed with ``kind``.

    It may for 24 h, for one hour if the address is blocked, for as long as the host wants if the
    source refuses (401, 403, 404); to either side of a clock's jump.
    """
    longest = rules.stale_if_error
    if kind in _BLOCKED:
        longest = min(longest, rules.stale_if_blocked)
    if kind in _REFUSED:
        longest = min(longest, rules.stale_if_refused)
    return abs(now - fetched_at) <= longest


def replaces(held: Held | None, complete: bool, now: datetime, rules: Rules) -> bool:
    """Whether a new reading takes the place of what is held.

    An incomplete one does not replace a complete one that still covers the window, until that is
    24 h old: half a calendar is worse than yesterday's.
    """
    if complete or held is None or not held.complete or not held.covers:
        return True
    return not usable(held.fetched_at, now, rules)


def older(held: Held | None, fetched_at: datetime, now: datetime, rules: Rules) -> bool:
    """Whether what is held is newer than a reading as of ``fetched_at``, and so stays.

    Two caches on the way may differ in what they keep (Age): nobody is served the older one after
    the newer. What is dated later than now was dated by a wrong clock.
    """
    return held is not None and fetched_at < held.fetched_at <= now + rules.skew


def learn(
    attempts: Attempts, outcome: Outcome, now: datetime, rules: Rules, jitter: float
) -> Attempts:
    """The record after one more attempt.

    ``jitter``: a random number in [0, 1): the back-off is half to whole of its length, so that
    feeds which failed together do not come back together.
    """
    early = _early(attempts, outcome.tries, now, rules)
    if isinstance(outcome, Success):
        doubted = attempts.doubted
        if doubted is not None and abs(doubted - now) > rules.plain_after:
            doubted = None
        return Attempts(last=now, early=early, doubted=doubted)
    failures = attempts.failures + 1
    refused = outcome.status in _REFUSALS
    since = attempts.refused_since
    if since is None or since > now:
        since = now if refused else None
    refusals = attempts.refusals + refused
    withdrawn = outcome.status == _GONE or (
        refused
        and since is not None
        and refusals >= rules.refusals
        and now - since >= rules.refused_over
    )
    asked = _retry_after(outcome.retry_after, rules)
    if asked is None and (withdrawn or attempts.gone):
        delay = rules.gone_probe  # a probe that fails some other way changes nothing
    elif outcome.kind in _BLOCKED:
        delay, asked = rules.blocked_for, None
    else:
        delay = asked if asked is not None else _backoff(outcome, failures, rules, jitter)
        if len(early) >= rules.early_requests:
            delay = max(delay, rules.last_backoff)
    doubted = _doubted(attempts, outcome, now, rules)
    return Attempts(
        last=now,
        failures=failures,
        next_try=now + delay,
        asked_to_wait=asked is not None,
        kind=outcome.kind,
        hint=outcome.hint,
        refusals=refusals,
        refused_since=since,
        gone=attempts.gone or withdrawn,
        early=early,
        doubted=doubted,
    )


def may_try_again(attempts: Attempts, rules: Rules) -> bool:
    """Whether a fetch may ask a second time after an accident such as a reset.

    Not while the last fetch failed, and not if it was asked early often enough.
    """
    return not attempts.failures and len(attempts.early) < rules.early_requests


def _early(attempts: Attempts, tries: int, now: datetime, rules: Rules) -> tuple[datetime, ...]:
    """When it was asked early in the last 24 hours, with what was asked just now."""
    kept = [moment for moment in attempts.early if _ZERO <= now - moment < rules.early_over]
    if attempts.last is not None and _ZERO <= now - attempts.last < rules.last_backoff:
        kept.append(now)
    kept += [now] * (tries - 1)
    return tuple(kept[-rules.early_requests :])


def _doubted(attempts: Attempts, failure: Failure, now: datetime, rules: Rules) -> datetime | None:
    """Until when no validators are sent, or when they were last suspected.

    A server that cannot take them says 412 or 400. One that says 500 may have a bad moment; if it
    says so to two of them in a day, and is well in between, it is the validators.
    """
    if not failure.conditional or failure.kind not in ("refused", "server_error", "protocol"):
        return attempts.doubted
    suspected = attempts.doubted is not None and abs(attempts.doubted - now) <= rules.plain_after
    return now + rules.plain_after if failure.kind == "refused" or suspected else now


def _waiting(attempts: Attempts, now: datetime, rules: Rules) -> bool:
    """Whether the next request is not due yet, unless the record is from the future."""
    if attempts.next_try is None or now >= attempts.next_try:
        return False
    return attempts.last is None or attempts.last - now <= rules.skew


def _just_asked(held: Held | None, attempts: Attempts, now: datetime, rules: Rules) -> bool:
    asked = [attempts.last] if attempts.last is not None else []
    if held is not None:
        asked.append(held.asked)
    return bool(asked) and -rules.skew <= now - max(asked) < rules.refresh_floor


def _retry_after(seconds: float | None, rules: Rules) -> timedelta | None:
    """RFC 9110 section 10.2.3, capped; zero and nonsense leave it to the back-off."""
    if seconds is None or not seconds > 0:
        return None
    return timedelta(seconds=min(seconds, rules.retry_after_cap.total_seconds()))


def _lifetime(held: Held, rules: Rules) -> timedelta:
    return rules.ttl if held.lifetime is None else held.lifetime


def _backoff(failure: Failure, failures: int, rules: Rules, jitter: float) -> timedelta:
    if failure.status in _REFUSALS:
        full = rules.if_refused
    else:
        # After a dozen doublings the cap rules anyway; larger powers only overflow.
        doubled = _first_backoff(failure, rules) * (1 << min(failures - 1, 12))
        full = min(doubled, rules.last_backoff)
    delay = full * (1 + min(max(jitter, 0.0), 1.0)) / 2
    return max(delay, rules.last_backoff) if failures >= rules.lasting_failures else delay


def _first_backoff(failure: Failure, rules: Rules) -> timedelta:
    """Networks and servers heal by themselves; what is no calendar waits for a person."""
    if failure.status == _RATE_LIMITED:
        return rules.first_if_rate_limited
    if failure.kind in _NO_CALENDAR:
        return rules.first_if_no_calendar
    return rules.last_backoff if failure.kind == "too_large" else rules.first_backoff
