"""The state machine, decision by decision: no clock, no I/O."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.cache.freshness.decide import (
    INCOMPLETE,
    decide,
    fall_back,
    in_utc,
    just_asked,
    learn,
    may_try_again,
    moment_of,
    older,
    replaces,
    usable,
)
from extcal.cache.freshness.values import (
    Attempts,
    Failure,
    Fetch,
    Held,
    Raise,
    Rules,
    Serve,
    State,
    Success,
)

pytestmark = pytest.mark.core

RULES = Rules()
NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FAILED = Failure("server_error")


def fail(*outcomes: Failure, every: timedelta = HOUR, jitter: float = 1.0) -> Attempts:
    attempts, now = Attempts(), NOW
    for outcome in outcomes:
        attempts = learn(attempts, outcome, now, RULES, jitter)
        now += every
    return attempts


def test_the_times_that_users_and_operators_were_promised() -> None:
    """Each of them, by its value: a change here is a change of what was promised."""
    day = 24 * HOUR
    assert Rules() == Rules(
        ttl=30 * MINUTE, stale_if_error=day, refresh_floor=MINUTE / 2,
        stale_while_revalidate=0 * MINUTE, ttl_jitter=0.0, respect_refresh_interval=False,
        refresh_interval_cap=6 * HOUR, first_backoff=MINUTE, first_if_rate_limited=5 * MINUTE,
        first_if_no_calendar=10 * MINUTE, if_refused=HOUR, last_backoff=30 * MINUTE,
        lasting_failures=5, early_requests=6, early_over=day, retry_after_cap=6 * HOUR,
        refusals=3, refused_over=day, stale_if_refused=day, plain_after=day, gone_probe=day,
        blocked_for=15 * MINUTE, stale_if_blocked=HOUR, skew=MINUTE / 12,
    )  # fmt: skip


# -- what to do -------------------------------------------------------------------------------


def test_nothing_is_known() -> None:
    """Fetch, without validators."""
    assert decide(None, Attempts(), NOW, RULES) == Fetch(conditional=False)


@pytest.mark.parametrize(
    ("age", "decision"),
    [
        (timedelta(0), Serve(State.FRESH)),
        (30 * MINUTE, Serve(State.FRESH)),
        (30 * MINUTE + MICROSECOND, Fetch(conditional=False)),
        (-timedelta(seconds=5), Serve(State.FRESH)),
        (-timedelta(seconds=5) - MICROSECOND, Fetch(conditional=False)),
    ],
    ids=str,
)
def test_age_decides(age: timedelta, decision: Serve | Fetch) -> None:
    """30:00 is fresh; a record from the future is not, beyond the skew of two clocks."""
    assert decide(Held(NOW - age), Attempts(), NOW, RULES) == decision


@pytest.mark.parametrize(
    ("held", "conditional"),
    [
        (Held(NOW - HOUR, validators=True), True),
        (Held(NOW - HOUR, validators=False), False),
        (Held(NOW - HOUR, validators=True, covers=False), False),
        (Held(NOW - HOUR, validators=True, complete=False), False),
    ],
)
def test_validators_go_out_only_if_a_304_would_do(held: Held, conditional: bool) -> None:
    """What does not cover the window, or was cut, must be read again."""
    assert decide(held, Attempts(), NOW, RULES) == Fetch(conditional)


def test_backing_off_serves_the_last_good_reading_without_a_fetch() -> None:
    """Flagged, with the reason."""
    attempts = fail(FAILED)
    held = Held(NOW - 31 * MINUTE)
    decision = decide(held, attempts, NOW, RULES)
    assert decision == Serve(State.ERROR_STALE, "server_error", behind=False)
    assert attempts.next_try is not None
    before, due = attempts.next_try - MICROSECOND, attempts.next_try
    assert isinstance(decide(held, attempts, before, RULES), Serve)
    assert isinstance(decide(held, attempts, due, RULES), Fetch)


def test_a_fresh_reading_is_fresh_whatever_failed() -> None:
    """Thirty minutes are thirty minutes."""
    assert decide(Held(NOW - MINUTE), fail(FAILED), NOW, RULES) == Serve(State.FRESH)


def test_backing_off_with_nothing_raises_without_a_fetch() -> None:
    """The negative answer is kept."""
    assert decide(None, fail(FAILED), NOW + MINUTE / 2, RULES) == Raise("server_error")


@pytest.mark.parametrize(
    ("age", "served"),
    [(24 * HOUR, True), (24 * HOUR + MICROSECOND, False), (-24 * HOUR, True), (-25 * HOUR, False)],
    ids=str,
)
def test_stale_if_error_for_a_day(age: timedelta, served: bool) -> None:
    """RFC 5861 section 4, for 24 hours."""
    answer = fall_back(Held(NOW - age), fail(FAILED), NOW, RULES)
    assert isinstance(answer, Serve) is served


def test_gone_is_not_served_stale() -> None:
    """A calendar that was withdrawn is not shown any longer, though it may be held."""
    attempts = fail(Failure("gone", status=410))
    held = Held(NOW - MINUTE)
    assert decide(held, attempts, NOW, RULES) == Raise("gone")
    assert decide(held, attempts, NOW + 24 * HOUR - MICROSECOND, RULES) == Raise("gone")
    assert isinstance(decide(held, attempts, NOW + 24 * HOUR, RULES), Fetch)


def test_a_back_off_from_the_future_is_void() -> None:
    """After the clock jumped back, asking heals."""
    attempts = learn(Attempts(), FAILED, NOW + timedelta(days=365), RULES, 1.0)
    assert decide(None, attempts, NOW, RULES) == Fetch(conditional=False)
    for ahead, waits in ((RULES.skew, True), (RULES.skew + MICROSECOND, False)):
        attempts = Attempts(last=NOW + ahead, next_try=NOW + HOUR)
        decision = Raise("unavailable") if waits else Fetch(conditional=False)
        assert decide(None, attempts, NOW, RULES) == decision
        assert just_asked(None, attempts, NOW, RULES) is waits
        assert not attempts.asked_to_wait
    # What was asked last counts, be it this reading or a fetch that failed.
    assert just_asked(Held(NOW - HOUR), Attempts(last=NOW), NOW, RULES)
    assert just_asked(Held(NOW), Attempts(last=NOW - HOUR), NOW, RULES)


@pytest.mark.parametrize(
    ("ahead", "served"),
    [(timedelta(seconds=5), True), (timedelta(seconds=5) + MICROSECOND, False)],
    ids=str,
)
def test_a_source_asked_a_little_later_than_now_was_just_asked(
    ahead: timedelta, served: bool
) -> None:
    """By a machine whose clock is a few seconds ahead; further ahead, a clock has jumped."""
    held = Held(NOW - HOUR, asked_at=NOW + ahead)
    expected = Serve(State.STALE) if served else Fetch(conditional=False)
    assert decide(held, Attempts(), NOW, RULES) == expected


@pytest.mark.parametrize("wrong", [None, 0, "2027-01-04", NOW.date(), NOW.replace(tzinfo=None)])
def test_a_clock_gives_aware_datetimes(wrong: object) -> None:
    """Whatever else it gives is no time that could be compared with that of another machine."""
    with pytest.raises(TypeError, match="aware"):
        in_utc(wrong)
    assert in_utc(NOW.astimezone(ZoneInfo("Asia/Tokyo"))).tzinfo is UTC


# -- refresh ----------------------------------------------------------------------------------


def test_refresh_overrides_age_backoff_and_gone() -> None:
    """Somebody pressed a button."""
    held, later = Held(NOW - MINUTE), NOW + MINUTE
    assert isinstance(decide(held, Attempts(), later, RULES, "refresh"), Fetch)
    assert isinstance(decide(held, fail(FAILED), later, RULES, "refresh"), Fetch)
    gone = fail(Failure("gone", status=410))
    assert isinstance(decide(held, gone, later, RULES, "refresh"), Fetch)


@pytest.mark.parametrize("seconds", [0, 29.999999])
def test_refresh_keeps_thirty_seconds_between_attempts(seconds: float) -> None:
    """Good or bad, the last attempt counts."""
    later = NOW + timedelta(seconds=seconds)
    assert decide(Held(NOW), Attempts(), later, RULES, "refresh") == Serve(State.FRESH)
    assert isinstance(decide(None, fail(FAILED), later, RULES, "refresh"), Raise)
    assert isinstance(decide(Held(NOW), Attempts(), NOW + MINUTE / 2, RULES, "refresh"), Fetch)


def test_refresh_respects_retry_after() -> None:
    """A source that asked to be left alone is."""
    attempts = fail(Failure("rate_limited", 429, retry_after=3600))
    held = Held(NOW - HOUR)
    before = decide(held, attempts, NOW + HOUR - MICROSECOND, RULES, "refresh")
    assert before == Serve(State.ERROR_STALE, "rate_limited")
    assert isinstance(decide(held, attempts, NOW + HOUR, RULES, "refresh"), Fetch)
    fresh = Held(NOW + HOUR)
    assert isinstance(decide(fresh, attempts, NOW + HOUR + MINUTE, RULES, "refresh"), Fetch)


# -- what is learnt ---------------------------------------------------------------------------


def test_success_clears_everything() -> None:
    """One good answer ends back-off and suspicion."""
    attempts = fail(*[Failure("not_found", status=404)] * 2)
    assert learn(attempts, Success(), NOW, RULES, 0.5) == Attempts(last=NOW)


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [
        (1, 30, 60),
        (2, 60, 120),
        (3, 120, 240),
        (4, 240, 480),
        (5, 1800, 1800),
        (6, 1800, 1800),
        (5000, 1800, 1800),
    ],
)
def test_backoff_doubles_up_to_half_an_hour(failures: int, least: float, most: float) -> None:
    """Half to whole of its length; from the fifth failure in a row never under 30 minutes."""
    attempts = Attempts(failures=failures - 1)
    for jitter, seconds in ((0.0, least), (0.5, (least + most) / 2), (1.0, most)):
        after = learn(attempts, FAILED, NOW, RULES, jitter)
        assert after.next_try == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("failure", "least", "most"),
    [
        (Failure("rate_limited", 429), 150, 300),
        (Failure("not_found", 404), 1800, 3600),
        (Failure("unauthorized", 401), 1800, 3600),
        (Failure("wrong_password", 401), 1800, 3600),
        (Failure("forbidden", 403), 1800, 3600),
        (Failure("html"), 300, 600),
        (Failure("challenge"), 300, 600),
        (Failure("too_large"), 900, 1800),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_what_does_not_heal_in_a_minute_waits_longer(
    failure: Failure, least: float, most: float
) -> None:
    """A 429 waits minutes, and a refusal is asked about every hour."""
    for jitter, seconds in ((0.0, least), (1.0, most)):
        after = learn(Attempts(), failure, NOW, RULES, jitter)
        assert after.next_try == NOW + timedelta(seconds=seconds)


# -- how often, and what is doubted ------------------------------------------------------------

outcomes = st.sampled_from(
    [
        Success(),
        Success(tries=2),
        FAILED,
        Failure("timeout"),
        Failure("connect", tries=2),
        Failure("not_found", 404),
        Failure("rate_limited", 429),
        Failure("html"),
        Failure("refused", 412, conditional=True),
        Failure("incomplete"),
    ]
)


@given(
    st.lists(st.tuples(outcomes, st.integers(1, 12)), min_size=1, max_size=40),
    st.floats(0, 1, exclude_max=True),
)
def test_a_source_in_trouble_is_hardly_asked_more_often(
    course: list[tuple[Any, int]], jitter: float
) -> None:
    """In any 24 hours six requests more than a healthy feed gets, whatever it answers when.

    Somebody looks every minute, for days; ``course`` says how often each answer comes in a row.
    """
    said = [outcome for outcome, times in course for _ in range(times)]
    attempts, held, asked, now = Attempts(), None, [], NOW
    while said and now < NOW + 4 * 24 * HOUR:
        decision = decide(held, attempts, now, RULES)
        if isinstance(decision, Fetch):
            outcome = said.pop(0)
            whole = not (isinstance(outcome, Failure) and outcome.kind == "incomplete")
            if not whole and replaces(held, whole, now, RULES):
                outcome = Success()  # no better reading is there to be kept
            if not may_try_again(attempts, RULES):
                outcome = dataclasses.replace(outcome, tries=1)
            asked += [now] * outcome.tries
            attempts = learn(attempts, outcome, now, RULES, jitter)
            if isinstance(outcome, Success):
                held = Held(now, validators=True, complete=whole)
        now += MINUTE
    for at, first in enumerate(asked):
        window = [moment for moment in asked[at:] if moment - first < 24 * HOUR]
        assert len(window) <= 24 * 2 + RULES.early_requests


@pytest.mark.parametrize(
    ("age", "doubted"), [(24 * HOUR, True), (24 * HOUR + MICROSECOND, False)], ids=str
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_suspicion_is_forgotten_after_a_day(age: timedelta, doubted: bool, side: int) -> None:
    """Whether it lies in the past or, after a clock jumped, in the future."""
    before = Attempts(doubted=NOW - side * age)
    assert (learn(before, Success(), NOW, RULES, 0.0).doubted is not None) is doubted


def test_no_second_try_while_the_last_fetch_failed() -> None:
    """Nor when it was asked early often enough."""
    assert may_try_again(Attempts(), RULES)
    assert not may_try_again(fail(FAILED), RULES)
    assert not may_try_again(Attempts(early=(NOW,) * 6), RULES)


@pytest.mark.parametrize(
    ("known", "wish", "believed"),
    [
        ({}, "get", True),
        ({}, "renew", True),
        ({}, "refresh", False),
        ({"failures": 1}, "get", False),
        ({"doubted": NOW + HOUR}, "get", False),
        ({"doubted": NOW}, "get", True),
        ({"doubted": NOW + 24 * HOUR}, "get", False),
        ({"doubted": NOW + 24 * HOUR + MICROSECOND}, "get", True),
    ],
)
def test_conditional_requests_are_doubted(known: dict[str, Any], wish: Any, believed: bool) -> None:
    """Not for a person who presses refresh, nor after a failure; a clock's jump aside."""
    held = Held(NOW - HOUR, validators=True, read_at=NOW - HOUR)
    assert decide(held, Attempts(**known), NOW, RULES, wish) == Fetch(believed)


@pytest.mark.parametrize(("age", "believed"), [(24 * HOUR, True), (24 * HOUR + MICROSECOND, False)])
def test_a_body_is_read_once_a_day(age: timedelta, believed: bool) -> None:
    """However often "not modified" has confirmed it since."""
    held = Held(NOW - HOUR, validators=True, read_at=NOW - age)
    assert decide(held, Attempts(), NOW, RULES) == Fetch(believed)


@pytest.mark.parametrize("kind", ["refused", "server_error", "protocol"])
def test_a_server_that_fails_on_validators_gets_none_for_a_day(kind: str) -> None:
    """Asked plainly it is well: it does not fail once every 30 minutes."""
    failure = Failure(kind, 412, conditional=True)
    before = Attempts()
    if kind != "refused":
        # Once may be a bad moment.
        once = learn(Attempts(), failure, NOW - HOUR, RULES, 1.0)
        before = learn(once, Success(), NOW - HOUR + MINUTE, RULES, 1.0)
        again = Held(NOW - MINUTE, validators=True, read_at=NOW - HOUR)
        assert decide(again, before, NOW + HOUR, RULES) == Fetch(conditional=True)
    refused = learn(before, failure, NOW, RULES, 1.0)
    well = learn(refused, Success(), NOW + MINUTE, RULES, 1.0)
    held = Held(NOW + MINUTE, validators=True, read_at=NOW + MINUTE)
    for hours, believed in ((1, False), (23, False), (25, True)):
        later = dataclasses.replace(held, read_at=NOW + hours * HOUR)
        assert decide(later, well, NOW + hours * HOUR, RULES) == Fetch(believed)
    for other in (Failure("timeout", conditional=True), Failure(kind, 412)):
        failed = learn(Attempts(), other, NOW, RULES, 1.0)
        assert learn(failed, Success(), NOW + HOUR, RULES, 1.0) == Attempts(last=NOW + HOUR)


def test_a_suspicion_of_long_ago_is_no_second_one() -> None:
    """Two failures within a day convict the validators, of the day's last microsecond too."""
    failure = Failure("server_error", 500, conditional=True)
    for ago, until in ((24 * HOUR, NOW + 24 * HOUR), (24 * HOUR + MICROSECOND, NOW)):
        for side in (1, -1):
            before = Attempts(doubted=NOW - side * ago)
            assert learn(before, failure, NOW, RULES, 1.0).doubted == until


def test_what_is_learnt_whatever_the_record_and_the_chance_say() -> None:
    """A record of another clock, and a chance that is none."""
    after = learn(Attempts(refusals=5, refused_since=NOW + HOUR), Failure("x", 404), NOW, RULES, 1)
    assert (after.refused_since, after.gone) == (NOW, False)
    assert learn(Attempts(doubted=NOW + HOUR), FAILED, NOW, RULES, 1.0).doubted == NOW + HOUR
    assert decide(None, Attempts(next_try=NOW + HOUR, kind="x"), NOW, RULES) == Raise("x")
    for odd, even in ((-3.0, 0.0), (7.0, 1.0)):
        assert learn(Attempts(), FAILED, NOW, RULES, odd) == learn(
            Attempts(), FAILED, NOW, RULES, even
        )
    asked_just_now = Held(NOW - 10 * MINUTE, other_rules=NOW - HOUR)
    assert decide(asked_just_now, Attempts(), NOW, RULES) == Serve(State.STALE)


def test_kinds_that_last_until_a_person_mends_them() -> None:
    """Who refuses is not served for longer than a host allows; a page that is no calendar waits."""
    rules = Rules(stale_if_refused=HOUR)
    for kind in ("forbidden", "not_found", "unauthorized", "wrong_password"):
        assert usable(NOW - HOUR, NOW, rules, kind)
        assert not usable(NOW - HOUR - MICROSECOND, NOW, rules, kind)
    for kind in ("blocked_address", "blocked_url"):
        assert usable(NOW - HOUR, NOW, RULES, kind)
        assert not usable(NOW - HOUR - MICROSECOND, NOW, RULES, kind)
    assert usable(NOW - 24 * HOUR, NOW, rules, "server_error")
    for kind in ("challenge", "empty", "html", "json", "not_a_calendar", "not_found_file"):
        assert learn(Attempts(), Failure(kind), NOW, RULES, 1.0).next_try == NOW + 10 * MINUTE


def test_early_requests_count_for_a_day() -> None:
    """Not after it, nor what lies in the future after a clock jumped."""
    moments = [NOW - 24 * HOUR, NOW - 24 * HOUR + MICROSECOND, NOW, NOW + MICROSECOND]
    assert learn(Attempts(early=tuple(moments)), FAILED, NOW, RULES, 1.0).early == (*moments[1:3],)
    for ago, early in ((0 * HOUR, (NOW,)), (HOUR / 2 - MICROSECOND, (NOW,)), (HOUR / 2, ())):
        assert learn(Attempts(last=NOW - ago), FAILED, NOW, RULES, 1.0).early == early
    many = replace(FAILED, tries=RULES.early_requests + 3)
    assert learn(Attempts(), many, NOW, RULES, 1.0).early == (NOW,) * RULES.early_requests


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(0.5, 0.5), (3600, 3600), (6 * 3600, 21600), (10**9, 21600), (math.inf, 21600)],
)
def test_retry_after_is_honoured_up_to_six_hours(asked: float, seconds: float) -> None:
    """RFC 9110 section 10.2.3, with a cap: a typing error must not end a subscription."""
    after = learn(Attempts(), Failure("rate_limited", 429, asked), NOW, RULES, 1.0)
    assert after.asked_to_wait
    assert after.next_try == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("nonsense", [0, -5, math.nan])
def test_a_retry_after_that_says_nothing(nonsense: float) -> None:
    """Zero and nonsense leave it to the back-off."""
    after = learn(Attempts(), Failure("rate_limited", 429, nonsense), NOW, RULES, 1.0)
    assert not after.asked_to_wait
    assert after.next_try == NOW + 5 * MINUTE


def test_410_is_gone_at_once() -> None:
    """And looked after once a day."""
    attempts = fail(Failure("gone", status=410))
    assert attempts.gone
    assert attempts.next_try == NOW + 24 * HOUR


def test_a_probe_that_fails_some_other_way_waits_another_day() -> None:
    """A server's bad day is no news of a calendar that was withdrawn."""
    gone = fail(Failure("gone", status=410))
    probed = learn(gone, FAILED, NOW + 24 * HOUR, RULES, 0.5)
    assert probed.gone
    assert probed.next_try == NOW + 48 * HOUR


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusals_are_gone_after_three_over_a_day(status: int) -> None:
    """Neither two over a day nor a hundred within an hour; Outlook flaps, Google means it."""
    refused = Failure("refused", status=status)
    assert not fail(refused, refused, every=24 * HOUR).gone
    assert not fail(*[refused] * 100, every=MINUTE).gone
    assert not fail(refused, refused, refused, every=12 * HOUR - MICROSECOND).gone
    assert fail(refused, refused, refused, every=12 * HOUR).gone


@pytest.mark.parametrize("kind", ["unauthorized", "forbidden", "not_found", "wrong_password"])
def test_refusals_do_not_hide_the_last_good_reading(kind: str) -> None:
    """Served for up to 24 hours, marked, and asked about every hour; a host may shorten it."""
    held, attempts, now, asked = Held(NOW - 31 * MINUTE), Attempts(), NOW, 0
    while now < NOW + 23 * HOUR:
        decision = decide(held, attempts, now, RULES)
        if isinstance(decision, Fetch):
            attempts = learn(attempts, Failure(kind, 404), now, RULES, 1.0)
            asked += 1
        else:
            assert decision == Serve(State.ERROR_STALE, kind)
        now += MINUTE
    assert asked == 23
    shorter = Rules(stale_if_refused=HOUR)
    assert isinstance(fall_back(Held(NOW - HOUR), fail(Failure(kind, 404)), NOW, shorter), Serve)
    older = Held(NOW - HOUR - MICROSECOND)
    assert fall_back(older, fail(Failure(kind, 404)), NOW, shorter) == Raise(kind)
    assert isinstance(fall_back(older, fail(FAILED), NOW, shorter), Serve)


def test_other_failures_between_refusals_neither_count_nor_excuse() -> None:
    """A time-out says nothing about whether the calendar is there."""
    refused = Failure("not_found", status=404)
    assert fail(refused, FAILED, refused, FAILED, refused, every=6 * HOUR).gone
    assert not fail(refused, refused, refused, FAILED, every=8 * HOUR).gone
    assert fail(FAILED, refused, FAILED, every=0 * HOUR).refused_since == NOW
    assert fail(FAILED).refused_since is None
    assert not fail(*[FAILED] * 50).gone
    assert not fail(*[Failure("rate_limited", status=429)] * 50).gone


def test_gone_until_it_answers() -> None:
    """A probe that fails otherwise does not bring it back."""
    gone = fail(Failure("gone", status=410))
    assert learn(gone, FAILED, NOW + 24 * HOUR, RULES, 1.0).gone
    assert not learn(gone, Success(), NOW + 24 * HOUR, RULES, 1.0).gone


# -- incomplete readings ----------------------------------------------------------------------


def test_half_a_calendar_is_better_than_none() -> None:
    """When the whole one is too old to stand in, the source is asked at once, back-off or not."""
    attempts = fail(Failure(INCOMPLETE))
    old = Held(NOW - 24 * HOUR)
    assert isinstance(decide(old, attempts, NOW, RULES), Serve)
    assert isinstance(decide(old, attempts, NOW + MICROSECOND, RULES), Fetch)
    assert isinstance(decide(None, attempts, NOW, RULES), Fetch)


def test_half_a_calendar_is_worse_than_yesterdays() -> None:
    """It replaces a complete one that still covers the window only when that is 24 hours old."""
    assert not replaces(Held(NOW - 24 * HOUR), False, NOW, RULES)
    assert replaces(Held(NOW - 24 * HOUR - MICROSECOND), False, NOW, RULES)
    assert replaces(Held(NOW - HOUR, covers=False), False, NOW, RULES)
    assert replaces(Held(NOW - HOUR, complete=False), False, NOW, RULES)
    assert replaces(None, False, NOW, RULES)
    assert replaces(Held(NOW), True, NOW, RULES)


# -- read by other rules (time zone data, interpretation) ---------------------------------------


def other(spread: float = 0.5, began: datetime = NOW, **known: Any) -> Held:
    """What was read at NOW with other time zone data."""
    moment = moment_of(NOW, began, 30 * MINUTE, spread)
    return Held(NOW, validators=True, other_rules=moment, **known)


@given(st.floats(0, 1, exclude_max=True), st.timedeltas(timedelta(0), 30 * MINUTE))
def test_what_other_rules_read_is_never_fresh(spread: float, age: timedelta) -> None:
    """It is served as STALE until its moment, which comes once, in the 30 minutes; then read."""
    held = other(spread)
    moment = held.other_rules
    assert moment is not None
    assert NOW + 15 * MINUTE <= moment <= NOW + 30 * MINUTE
    for wish in ("get", "renew"):
        decision = decide(held, Attempts(), NOW + age, RULES, wish)
        due = NOW + age >= moment
        assert decision == (Fetch(conditional=False) if due else Serve(State.STALE))


def test_the_moment_of_what_other_rules_read_counts_while_it_would_be_fresh() -> None:
    """To the microsecond; then half of the time since the source was asked is enough."""
    held, fetch = Held(NOW, other_rules=NOW + HOUR), Fetch(conditional=False)
    assert decide(held, Attempts(), NOW + HOUR / 2, RULES) == Serve(State.STALE)
    assert decide(held, Attempts(), NOW + HOUR / 2 + MICROSECOND, RULES) == fetch
    held = Held(NOW, other_rules=NOW + HOUR / 3)
    assert decide(held, Attempts(), NOW + HOUR / 3 - MICROSECOND, RULES) == Serve(State.STALE)
    assert decide(held, Attempts(), NOW + HOUR / 3, RULES) == fetch


def test_what_other_rules_read_is_never_confirmed() -> None:
    """A 304 says that the body is the same, and nothing of how it was read: no validators."""
    for age, wish in ((30 * MINUTE, "get"), (HOUR, "get"), (HOUR, "renew"), (MINUTE, "refresh")):
        assert decide(other(), Attempts(), NOW + age, RULES, wish) == Fetch(conditional=False)


def test_an_upgrade_does_not_ask_everybody_at_once() -> None:
    """Readings of all ages, met at one moment: a share in each part of the time that follows."""
    began, ttl = NOW + 20 * MINUTE, 30 * MINUTE
    due = []
    for number in range(1000):
        age = ttl * (number % 97) / 97
        moment = moment_of(began - age, began, ttl, (number % 89) / 89)
        due.append(max(began, min(moment, began - age + ttl)))
    minutes = Counter((moment - began) // MINUTE for moment in due)
    assert max(minutes.values()) < 100
    assert max(due) <= began + ttl


def test_other_rules_and_a_source_that_fails() -> None:
    """It stands in for 24 hours like any other reading; back-off is kept to."""
    down = fail(FAILED)
    assert decide(other(), down, NOW + timedelta(seconds=59), RULES) == Serve(
        State.ERROR_STALE, "server_error"
    )
    assert fall_back(other(), down, NOW + 24 * HOUR, RULES) == Serve(
        State.ERROR_STALE, "server_error"
    )
    assert isinstance(fall_back(other(), down, NOW + 24 * HOUR + MICROSECOND, RULES), Raise)


def test_two_versions_over_one_store() -> None:
    """Each reads again what the other has read, and still a source is asked twice in 30 minutes."""
    for spread in (0.0, 0.3, 0.99):
        asked, now = [NOW], NOW
        while now < NOW + HOUR:
            now += timedelta(seconds=10)
            # Both began long ago; whoever did not read it last looks every ten seconds.
            moment = moment_of(asked[-1], NOW - 9 * HOUR, 30 * MINUTE, spread)
            held = Held(asked[-1], validators=True, other_rules=moment)
            if isinstance(decide(held, Attempts(), now, RULES), Fetch):
                asked.append(now)
        assert all(
            third - first >= 30 * MINUTE for first, third in zip(asked, asked[2:], strict=False)
        )


def test_stale_while_revalidate_answers_at_once() -> None:
    """A host that asked for it is served what other rules read, while it is read again."""
    rules = Rules(stale_while_revalidate=HOUR)
    assert decide(other(), Attempts(), NOW + 29 * MINUTE, rules) == Serve(State.STALE, behind=True)
    assert decide(other(), Attempts(), NOW + 29 * MINUTE, rules, "renew") == Fetch(False)


# -- older on arrival (Age, RFC 9111 section 5.1) -----------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "decision"),
    [
        (0, Serve(State.STALE)),
        (14, Serve(State.STALE)),
        (15, Fetch(conditional=True)),
        (16, Fetch(conditional=True)),
    ],
)
def test_what_was_too_old_on_arrival_is_not_asked_for_at_once(
    minutes: int, decision: object
) -> None:
    """A cache on the way that keeps it for hours would give the same: no storm."""
    held = Held(NOW - HOUR, validators=True, asked_at=NOW)
    assert decide(held, Attempts(), NOW + minutes * MINUTE, RULES) == decision


def test_age_counts_toward_the_30_minutes() -> None:
    """Twenty minutes old on arrival: fresh for ten more, asked again after fifteen."""
    held = Held(NOW - 20 * MINUTE, validators=True, asked_at=NOW)
    assert decide(held, Attempts(), NOW + 10 * MINUTE, RULES) == Serve(State.FRESH)
    assert decide(held, Attempts(), NOW + 11 * MINUTE, RULES) == Serve(State.STALE)
    assert decide(held, Attempts(), NOW + 15 * MINUTE, RULES) == Fetch(conditional=True)


def test_a_person_who_presses_refresh_is_not_asked_to_wait_longer_than_usual() -> None:
    """30 seconds after the request, whatever age its answer had."""
    held = Held(NOW - HOUR, asked_at=NOW)
    for seconds, decision in ((29, Serve(State.STALE)), (30, Fetch(conditional=False))):
        moment = NOW + timedelta(seconds=seconds)
        assert decide(held, Attempts(), moment, RULES, "refresh") == decision


def test_a_clock_that_jumped_back_does_not_hold_back_a_request() -> None:
    """What says that it was asked for in the future was not."""
    held = Held(NOW - HOUR, asked_at=NOW + HOUR)
    assert decide(held, Attempts(), NOW, RULES) == Fetch(conditional=False)


def test_the_older_of_two_copies_does_not_replace_the_newer() -> None:
    """Two caches on the way may differ; what is dated in the future may always be replaced."""
    held = Held(NOW)
    assert older(held, NOW - MICROSECOND, NOW, RULES)
    assert not older(held, NOW, NOW, RULES)
    assert not older(None, NOW, NOW, RULES)
    assert older(Held(NOW + RULES.skew), NOW, NOW, RULES)
    assert not older(Held(NOW + RULES.skew + MICROSECOND), NOW, NOW, RULES)
    assert not older(replace(held, covers=False), NOW - MICROSECOND, NOW, RULES)


def test_retry_after_of_a_source_that_is_gone() -> None:
    """It is gone still, but it answers, and asks to be left alone: not even a person presses."""
    gone = fail(Failure("gone", 410))
    now = NOW + 24 * HOUR
    patient = learn(gone, Failure("rate_limited", 429, retry_after=7200), now, RULES, 1.0)
    assert patient.gone
    for wish in ("get", "refresh"):
        decision = decide(None, patient, now + 2 * HOUR - MICROSECOND, RULES, wish)
        assert isinstance(decision, Raise)
        assert decide(None, patient, now + 2 * HOUR, RULES, wish) == Fetch(conditional=False)
