"""All events of the next three months are known, whenever one looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from extcal import CalendarCache, Failed, FBType, Feed, FreeBusy, OutsideHorizon, Period, State
from extcal.cache.freshness.horizon import Reach
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

SECOND = timedelta(seconds=1)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("now", "horizon"),
    [
        ("2027-01-04T08:00Z", "2027-04-04T08:00Z"),
        ("2026-11-30T08:00Z", "2027-02-28T08:00Z"),
        ("2027-11-30T08:00Z", "2028-02-29T08:00Z"),
        ("2028-02-29T23:59:59Z", "2028-05-29T23:59:59Z"),
        ("2027-12-31T00:00Z", "2028-03-31T00:00Z"),
    ],
)
def test_three_months_to_the_second(
    make: Callable[..., CalendarCache], url: str, now: str, horizon: str
) -> None:
    """The last second before the same time three months on is covered; some months end early."""
    end = datetime.fromisoformat(horizon)
    feed = feed_text(event(end - SECOND, SECOND, uid="last"))
    calendars = make(clock=ManualClock(now), fetcher=FakeFetcher({url: feed}))
    assert [found.uid for found in calendars.get(url).events] == ["last"]
    assert calendars.get(url).window.end == end + timedelta(days=14)
    known = calendars.free_busy(url, datetime.fromisoformat(now), end)
    assert known.unknown == ()
    assert known.at(end - SECOND) is FBType.BUSY


@given(instants)
def test_a_reading_keeps_the_promise_for_a_day_after(now: datetime) -> None:
    """Served stale up to 24 hours later, the promised window is still covered, across leap days."""
    reach = Reach()
    for later in (timedelta(0), timedelta(hours=24), timedelta(days=10)):
        assert reach.within(reach.covered(now), now + later)
    assert not reach.within(reach.covered(now), now - timedelta(days=1))
    assert not reach.within(reach.covered(now), now + timedelta(days=18))


def test_the_window_slides(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """A day later there is a day more."""
    bodies = [feed_text(event("2027-01-05T09:00Z", summary=name)) for name in "abb"]
    calendars = make(fetcher=FakeFetcher({url: bodies}))
    first = calendars.get(url).window
    clock.advance(timedelta(days=1))
    second = calendars.get(url).window
    assert (second.start - first.start, second.end - first.end) == (timedelta(1), timedelta(1))
    clock.advance(timedelta(days=1))
    assert calendars.get(url).window == second, "the same body, and it covers what is promised"


def test_what_begins_at_the_horizon_shows_as_time_passes(
    make: Callable[..., CalendarCache], url: str, clock: ManualClock
) -> None:
    """Nothing is fetched for it: a reading covers two weeks more than it promises."""
    end = clock() + relativedelta(months=3)
    fetcher = FakeFetcher({url: feed_text(event(end, "PT1H", uid="beyond"))}, etags=True)
    calendars = make(fetcher=fetcher)
    assert calendars.free_busy(url, clock(), end).periods == ()
    clock.advance(timedelta(minutes=30))
    sliding = calendars.free_busy(url, clock(), clock() + relativedelta(months=3))
    assert [period.start for period in sliding.periods] == [end]
    assert sliding.unknown == ()
    assert fetcher.count() == 1
    for _ in range(9):
        clock.advance(timedelta(days=1))
        sliding = calendars.free_busy(url, clock(), clock() + relativedelta(months=3))
        assert (sliding.unknown, len(sliding.periods)) == ((), 1)


@pytest.mark.parametrize(
    ("now", "change"),
    [("2027-07-25T08:00Z", "2027-10-31"), ("2026-12-20T08:00Z", "2027-03-28")],
    ids=["autumn", "spring"],
)
def test_a_clock_change_in_the_slack(
    make: Callable[..., CalendarCache], url: str, now: str, change: str
) -> None:
    """Nine o'clock stays nine o'clock behind it, in a reading that is served a day late."""
    clock = ManualClock(now)
    daily = event(f"{now[:10]}T09:00", "PT1H", tz="Europe/Berlin", rrule="FREQ=DAILY")
    fetcher = FakeFetcher({url: [feed_text(daily), Failed("timeout")]})
    calendars = make(clock=clock, fetcher=fetcher)
    first = calendars.get(url)
    clock.advance(timedelta(hours=24))
    late = calendars.get(url)
    assert (late.state, late.events) == (State.ERROR_STALE, first.events)
    berlin = ZoneInfo("Europe/Berlin")
    behind = [found for found in late.events if found.start.date() >= date.fromisoformat(change)]
    assert len(behind) > 3
    assert {found.start.astimezone(berlin).hour for found in late.events} == {9}
    assert len({found.start.hour for found in late.events}) == 2


def test_history_is_kept(make: Callable[..., CalendarCache], clock: ManualClock, url: str) -> None:
    """The last 31 days are known too, and an event in progress."""
    past = feed_text(
        event(clock() - timedelta(days=31), "PT1H", uid="old"),
        event(clock() - timedelta(minutes=5), "PT1H", uid="now"),
        event(clock() - timedelta(days=32), "PT1H", uid="older"),
    )
    snapshot = make(fetcher=FakeFetcher({url: past})).get(url)
    assert [found.uid for found in snapshot.events] == ["old", "now"]
    assert snapshot.window.start == clock() - timedelta(days=31)


def test_a_window_alone_never_causes_a_fetch(
    calendars: CalendarCache, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Beyond what is covered there is unknown time, not another request."""
    calendars.get(url)
    window = calendars.get(url).window
    known = calendars.free_busy(url, clock(), window.end + timedelta(days=7))
    assert known.unknown == (Period(window.end, window.end + timedelta(days=7)),)
    assert fetcher.count(url) == 1


def test_before_history_is_unknown(calendars: CalendarCache, url: str) -> None:
    """Nobody can answer for what was not read."""
    window = calendars.get(url).window
    known = calendars.free_busy(url, window.start - timedelta(days=1), window.end)
    assert known.unknown == (Period(window.start - timedelta(days=1), window.start),)
    assert known.window == Period(window.start - timedelta(days=1), window.end)


def test_outside_horizon_only_if_nothing_overlaps(calendars: CalendarCache, url: str) -> None:
    """A second of overlap is an answer; none is an error that says what is known."""
    window = calendars.get(url).window
    calendars.free_busy(url, window.end - SECOND, window.end + timedelta(days=1))
    calendars.events(url, window.end - SECOND, window.end + timedelta(days=1))
    for ask in (calendars.free_busy, calendars.events):
        with pytest.raises(OutsideHorizon, match="2027-04-18"):
            ask(url, window.end, window.end + timedelta(days=1))
        with pytest.raises(OutsideHorizon):
            ask(url, window.start - timedelta(days=1), window.start)
        with pytest.raises(TypeError):
            ask(url, datetime(2027, 1, 4), datetime(2027, 1, 5))
        with pytest.raises(ValueError):
            ask(url, window.end, window.start)


def test_events_are_those_that_touch(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Half-open: what ends at the start does not touch; a moment without length does."""
    at = clock() + timedelta(hours=1)
    feed = feed_text(
        event(at - timedelta(hours=1), at, uid="before"),
        event(at, "PT0S", uid="moment"),
        event(at, "PT1H", uid="during"),
        event(at + timedelta(hours=2), "PT1H", uid="after"),
    )
    calendars = make(fetcher=FakeFetcher({url: feed}))
    found = calendars.events(url, at, at + timedelta(hours=2))
    assert {each.uid for each in found} == {"moment", "during"}


def test_validators_are_sent_only_while_the_window_is_covered(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Confirmed by 304 for a day, the calendar is then read anew, and reaches far enough."""
    fetcher = FakeFetcher({url: body}, etags=True)
    calendars = make(fetcher=fetcher)
    reach = Reach()
    calendars.get(url)
    for _ in range(40):
        clock.advance(timedelta(hours=12))
        snapshot = calendars.get(url)
        assert snapshot.state is State.FRESH
        window = FreeBusy.from_periods(snapshot.window).window_epochs
        assert reach.within(window, clock())
        assert reach.within(window, clock() + timedelta(hours=24))
    conditional = [request.etag is not None for request in fetcher.requests]
    assert conditional[:7] == [False, True, True, False, True, True, False]


def test_another_horizon(make: Callable[..., CalendarCache], clock: ManualClock, url: str) -> None:
    """Horizon and history are arguments; a timedelta will do."""
    calendars = make(horizon=timedelta(days=10), history=timedelta(0))
    window = calendars.get(url).window
    assert window == Period(clock(), clock() + timedelta(days=24))
    with pytest.raises(TypeError, match="horizon takes"):
        make(horizon=3)
    with pytest.raises(TypeError, match="history takes"):
        make(history=3)


@pytest.mark.parametrize(
    ("horizon", "history", "fine"),
    [
        (timedelta(days=3660), timedelta(days=3660), True),
        (timedelta(microseconds=1), timedelta(0), True),
        (relativedelta(years=10), timedelta(0), True),
        (timedelta(0), timedelta(0), False),
        (relativedelta(months=-1), timedelta(0), False),
        (timedelta(days=3660, microseconds=1), timedelta(0), False),
        (relativedelta(years=11), timedelta(0), False),
        (timedelta(days=1), -timedelta(microseconds=1), False),
        (timedelta(days=1), timedelta(days=3660, microseconds=1), False),
    ],
    ids=str,
)
def test_a_window_is_more_than_nothing_and_ten_years_at_most(
    horizon: timedelta | relativedelta, history: timedelta, fine: bool
) -> None:
    """Longer is a mistake, such as days for hours, and would make every reading slow."""
    if fine:
        assert Reach(horizon, history).history == history
        return
    with pytest.raises(ValueError, match="ten years at most"):
        Reach(horizon, history)


def test_a_reading_covers_two_weeks_more_than_is_promised() -> None:
    """To whole seconds, outwards; the promise holds while it is inside what was read."""
    reach = Reach(timedelta(days=10), timedelta(days=2))
    now = datetime(2027, 1, 4, 8, 0, 0, 500_000, tzinfo=UTC)
    at, day = int(datetime(2027, 1, 4, 8, tzinfo=UTC).timestamp()), 86_400
    assert reach.promised(now) == (at - 2 * day, at + 10 * day + 1)
    assert reach.covered(now) == (at - 2 * day, at + 24 * day + 1)
    lo, hi = reach.promised(now)
    assert reach.within((lo, hi), now)
    assert not reach.within((lo + 1, hi), now)
    assert not reach.within((lo, hi - 1), now)


def test_a_horizon_is_spelled_alike_however_it_is_written() -> None:
    """The same months under any spelling share what is stored."""
    assert Reach().spelled() == Reach(relativedelta(months=3)).spelled() == "months=3;2678400.0"
    assert Reach(relativedelta(years=1)).spelled() == Reach(relativedelta(months=12)).spelled()
    assert Reach(timedelta(90)).spelled() != Reach(timedelta(91)).spelled()


def test_published_ahead_limits_what_is_known(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Outlook publishes a chosen range: later is unknown, and a 304 does not extend it for long."""
    feed = Feed(url, published_ahead=timedelta(days=30))
    fetcher = FakeFetcher({url: feed_text(event("2027-01-05"))}, etags=True)
    calendars = make(fetcher=fetcher)
    start = clock()
    window = calendars.get(feed).window
    assert calendars.get(feed).free_busy.unknown == (Period(start + timedelta(30), window.end),)
    assert calendars.get(feed).complete
    clock.advance(timedelta(hours=24))
    assert calendars.get(feed).free_busy.unknown[0].start == start + timedelta(days=30)
    clock.advance(timedelta(hours=1))
    assert calendars.get(feed).free_busy.unknown[0].start == clock() + timedelta(days=30)
    assert [request.etag is None for request in fetcher.requests] == [True, False, True]


def test_all_day_events_keep_their_dates(make: Callable[..., CalendarCache], url: str) -> None:
    """Dates survive being stored."""
    feed = Feed(url, timezone="Asia/Tokyo")
    fetcher = FakeFetcher({url: feed_text(event("2027-01-05", "2027-01-07"))})
    (found,) = make(fetcher=fetcher).get(feed).events
    assert (found.first_day, found.last_day) == (date(2027, 1, 5), date(2027, 1, 6))
    assert found.start == datetime(2027, 1, 4, 15, tzinfo=UTC)
