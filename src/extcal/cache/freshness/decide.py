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
(RFC 5861 section 4). That holds for 401, 403 and 404 as well: Google and Outlook sometimes answer
these for hours for a calendar that still exists. Such a source is asked every hour, and counts as
gone if it refused for a day. Two cases are different. *Gone*: if a source answers 410, its calendar
was withdrawn, and the last reading is not served. *Blocked*: if the policy does not allow where an
address leads, the address is not asked again for 15 minutes, not even for a user's "refresh", and
the last reading is served for an hour at most.

Three rules change the 30 minutes, and are off by default: ``ttl_jitter`` shortens them, for each
feed by its own fraction; ``respect_refresh_interval`` lengthens them to what a feed suggests;
``stale_while_revalidate`` serves a slightly older reading at once, and fetches after the answer.

*Read by other rules*: the reading was made with other time zone data, or by a version of extcal
that reads calendars in another way. It is never FRESH, and no 304 confirms it. The feed is fetched
again without validators. Each feed has its own time for that, so that an upgrade does not fetch all
feeds at once. *Older on arrival*: an HTTP cache on the way had kept the answer for longer than 30
minutes, and would give the same answer again. In both cases a source is asked at most twice in 30
minutes. That is also true if two versions share a store and each reads again what the other read.

A 304 is not always believed (:func:`conditional`), because some servers answer 304 to everything,
and others fail on conditional requests. No validators are sent when a user presses "refresh", after
a failure, for a day after a server refused a conditional request, and once a day.

A source that fails is not asked much more often than one that does not: within 24 h at most six
requests are sent less than 30 minutes after the one before (``early``).

Clocks jump. A record dated later than now (by more than a few seconds) is not fresh and does not
delay a request. The next fetch replaces it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from extcal.cache.freshness.values import (
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
    "conditional",
    "decide",
    "fall_back",
    "in_utc",
    "just_asked",
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
"""The kind of failure for an incomplete reading, which does not replace a complete one."""


def decide(
    held: Held | None, attempts: Attempts, now: datetime, rules: Rules, wish: Wish = "get"
) -> Decision:
    """What to do about a feed at ``now``.

    ``wish="refresh"``: a user pressed "refresh". Then the feed is fetched whatever its age, also
    during back-off or if it is gone, but not during Retry-After, not if its address is blocked, and
    not within the shortest time between attempts (``refresh_floor``).
    """
    fetch = Fetch(conditional(held, attempts, now, rules, wish))
    waiting = _waiting(attempts, now, rules)
    if attempts.kind == INCOMPLETE and (held is None or not usable(held.fetched_at, now, rules)):
        # The source gave an incomplete reading, and the complete one is too old by now.
        waiting = False
    told_to_wait = waiting and (attempts.asked_to_wait or attempts.kind in _BLOCKED)
    if wish == "refresh" and not told_to_wait and not just_asked(held, attempts, now, rules):
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
    """Whether to send validators: only if a 304 would be enough, and is likely to be true.

    A 304 says that the body is the same; if the reading was made by other rules, the body is needed
    all the same. Some servers answer 304 although the body changed. So none are sent if a user
    presses "refresh", as the user doubts what is shown, nor after a failure, and once a day the
    body is read. That also lets the range move on that a feed publishes ahead.
    """
    if held is None or wish == "refresh" or attempts.failures:
        return False
    if attempts.doubted is not None and now < attempts.doubted <= now + rules.plain_after:
        return False
    if held.read_at is not None and now - held.read_at > rules.plain_after:
        return False
    return held.complete and held.covers and held.validators and held.other_rules is None


def _too_soon(held: Held, now: datetime, rules: Rules) -> bool:
    """Whether a reading that is not fresh is served, because its source was asked very recently.

    Between two requests there must be half of the time for which a reading is fresh. A reading by
    other rules also waits for the feed's own time (:func:`moment_of`), but no longer than a reading
    is fresh.
    """
    fresh_for = _lifetime(held, rules)
    if now < held.asked:
        return held.asked - now <= rules.skew
    if held.other_rules is not None and now - held.fetched_at <= fresh_for:
        return now < max(held.asked + fresh_for / 2, held.other_rules)
    return now < held.asked + fresh_for / 2


def moment_of(asked: datetime, began: datetime, fresh_for: timedelta, spread: float) -> datetime:
    """The time from which on a reading by other rules is to be read again.

    ``asked``: when its source was asked for it. ``began``: when this cache first used the store,
    before which it could not know of other rules. ``spread``: the feed's own number in [0, 1).

    After an upgrade the store has readings of every age by other rules: they are read again spread
    over ``fresh_for`` after ``began``. Readings that were all made at one time are read again
    spread over the second half of ``fresh_for`` after ``asked``. The later of the two times counts.
    """
    return max(asked + fresh_for * (1 + spread) / 2, began + fresh_for * spread)


def in_utc(now: object) -> datetime:
    """The time of a clock, in UTC. Raises TypeError if it is not an aware datetime.

    In UTC, because the difference of two datetimes of one local zone is that of their wall clocks,
    which is not the elapsed time if the clocks changed between them.
    """
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise TypeError("a clock returns an aware datetime, like datetime.now(timezone.utc)")
    return now.astimezone(UTC)


def lifetime(rules: Rules, spread: float, suggested: timedelta | None) -> timedelta:
    """How long a reading is fresh.

    ``spread``: the feed's own number in [0, 1), always the same, for ``ttl_jitter``. It can only
    shorten the time, because users were promised that nothing is older than ``ttl``.
    ``suggested``: how often the feed says it should be asked for. If that is respected, it can only
    lengthen the time.
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
    """Whether a reading may be served after an attempt failed with ``kind``.

    It may for 24 h; for one hour if the address is blocked; for ``stale_if_refused`` if the source
    refuses (401, 403, 404). A reading dated in the future, after a clock jumped, may be served if
    it is ahead by no more than that.
    """
    longest = rules.stale_if_error
    if kind in _BLOCKED:
        longest = min(longest, rules.stale_if_blocked)
    if kind in _REFUSED:
        longest = min(longest, rules.stale_if_refused)
    return abs(now - fetched_at) <= longest


def replaces(held: Held | None, complete: bool, now: datetime, rules: Rules) -> bool:
    """Whether a new reading replaces the stored one.

    An incomplete reading does not replace a complete one that still covers the window and is not
    older than 24 h, because it lacks events that the complete one has.
    """
    if complete or held is None or not held.complete or not held.covers:
        return True
    return not usable(held.fetched_at, now, rules)


def older(held: Held | None, fetched_at: datetime, now: datetime, rules: Rules) -> bool:
    """Whether the reading of ``fetched_at`` is older than the stored one, which then stays.

    A source may be behind several HTTP caches that keep answers of different age (Age). A user must
    not see an older answer after a newer one. A stored reading that is dated later than now does
    not count as newer, because a clock was wrong; nor does one that does not cover the window.
    """
    if held is None or not held.covers:
        return False
    return fetched_at < held.fetched_at <= now + rules.skew


def learn(
    attempts: Attempts, outcome: Outcome, now: datetime, rules: Rules, jitter: float
) -> Attempts:
    """The record after one more attempt.

    ``jitter``: a random number in [0, 1). It makes the back-off shorter by up to a half, so that
    feeds that failed at the same time are not fetched again at the same time.
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
        delay = rules.gone_probe  # after another failure of the probe, the source stays gone
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

    Not if the last fetch failed, and not if ``early_requests`` are used up.
    """
    return not attempts.failures and len(attempts.early) < rules.early_requests


def _early(attempts: Attempts, tries: int, now: datetime, rules: Rules) -> tuple[datetime, ...]:
    """The times of early requests in the last 24 hours, including those of this attempt."""
    kept = [moment for moment in attempts.early if _ZERO <= now - moment < rules.early_over]
    if attempts.last is not None and _ZERO <= now - attempts.last < rules.last_backoff:
        kept.append(now)
    kept += [now] * (tries - 1)
    return tuple(kept[-rules.early_requests :])


def _doubted(attempts: Attempts, failure: Failure, now: datetime, rules: Rules) -> datetime | None:
    """Until when no validators are sent, or when they were last suspected.

    A server that cannot handle them answers 412 or 400. A 500 may have another cause; but if two
    conditional requests within a day get a 500, and it answers in between, they are the cause.
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


def just_asked(held: Held | None, attempts: Attempts, now: datetime, rules: Rules) -> bool:
    """Whether the source was asked within the shortest time between attempts."""
    asked = [attempts.last] if attempts.last is not None else []
    if held is not None:
        asked.append(held.asked)
    return bool(asked) and -rules.skew <= now - max(asked) < rules.refresh_floor


def _retry_after(seconds: float | None, rules: Rules) -> timedelta | None:
    """RFC 9110 section 10.2.3, capped; None, so that the back-off applies, if it is not usable."""
    if seconds is None or not seconds > 0:
        return None
    return timedelta(seconds=min(seconds, rules.retry_after_cap.total_seconds()))


def _lifetime(held: Held, rules: Rules) -> timedelta:
    return rules.ttl if held.lifetime is None else held.lifetime


def _backoff(failure: Failure, failures: int, rules: Rules, jitter: float) -> timedelta:
    if failure.status in _REFUSALS:
        full = rules.if_refused
    else:
        # After twelve doublings the cap applies in any case; a larger power could overflow.
        doubled = _first_backoff(failure, rules) * (1 << min(failures - 1, 12))
        full = min(doubled, rules.last_backoff)
    delay = full * (1 + min(max(jitter, 0.0), 1.0)) / 2
    return max(delay, rules.last_backoff) if failures >= rules.lasting_failures else delay


def _first_backoff(failure: Failure, rules: Rules) -> timedelta:
    """Networks and servers recover by themselves; if it is no calendar, a person must mend it."""
    if failure.status == _RATE_LIMITED:
        return rules.first_if_rate_limited
    if failure.kind in _NO_CALENDAR:
        return rules.first_if_no_calendar
    return rules.last_backoff if failure.kind == "too_large" else rules.first_backoff
