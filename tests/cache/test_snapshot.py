"""What a snapshot tells its owner, and what everybody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal import (
    BusyPeriod,
    CalendarCache,
    FBType,
    Feed,
    FreeBusy,
    Limits,
    Period,
    Snapshot,
    expand,
)
from extcal.cache import Change, Difference
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.questions import without
from extcal.cache.snapshot.reading import read_body
from extcal.cache.snapshot.snapshot import Reading
from extcal.fetch import Fetched
from extcal.ical.answer.exclude import Exclusions
from extcal.intervals.overlay import overlay
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hour: float) -> datetime:
    return MONDAY + hour * HOUR


def snapshot_of(
    periods: list[tuple[float, float, FBType]],
    unknown: list[tuple[float, float]] = [],  # noqa: B006
    window: tuple[float, float] = (0, 24),
) -> Snapshot:
    made = FreeBusy.from_periods(
        (at(window[0]), at(window[1])),
        [(at(start), at(end), kind) for start, end, kind in periods],
        [(at(start), at(end)) for start, end in unknown],
    )
    return Snapshot(Reading(busy=BusyTime.of(made), fetched_at=MONDAY, read_at=MONDAY))


# -- explain, redacted ------------------------------------------------------------------------


def test_explain_names_the_events_and_their_reasons(calendars: CalendarCache, url: str) -> None:
    """For the owner: what made that time busy."""
    (found,) = calendars.get(url).explain(at(9.5), at(9.75))
    assert found.summary == "Talk about salaries"
    assert found.reason
    assert calendars.get(url).explain(at(12), at(13)) == ()
    assert calendars.get(url).explain(at(9.5)) == (found,)


def test_redacted_keeps_types_and_times_only(make: Callable[..., CalendarCache], url: str) -> None:
    """No title, place, UID, status or reason; no event that blocks nothing; no Problem's words."""
    feed = feed_text(
        event("2027-01-04T09:00Z", uid="SECRET-uid", summary="SECRET", location="SECRET"),
        event("2027-01-05T09:00Z", status="TENTATIVE", summary="SECRET"),
        event("2027-01-06", transparent=True, summary="SECRET birthday"),
        event("2027-01-07T09:00", tz="SECRET zone", summary="SECRET"),
    )
    snapshot = make(fetcher=FakeFetcher({url: feed})).get(url)
    public = snapshot.redacted()
    assert public.free_busy == snapshot.free_busy
    assert (public.state, public.fetched_at) == (snapshot.state, snapshot.fetched_at)
    assert [(e.start, e.end, e.fbtype) for e in public.events] == [
        (e.start, e.end, e.fbtype) for e in snapshot.events if e.fbtype is not FBType.FREE
    ]
    assert [problem.code for problem in public.problems] == [p.code for p in snapshot.problems]
    assert snapshot.problems
    shown = repr([public, public.reading, *public.problems])
    for found in public.events:
        assert (found.uid, found.status, found.reason, found.zone_source) == ("", None, "", "")
        assert found.private
        shown += str(found)
    assert "SECRET" not in shown
    assert public.redacted() == public


def test_repr_reads_aloud(calendars: CalendarCache, url: str) -> None:
    """State, extent, age; no title and no address."""
    assert repr(calendars.get(url)) == (
        "<Snapshot FRESH: 1 events, 2026-12-04T08:00Z to 2027-04-18T08:00Z, "
        "fetched 2027-01-04T08:00Z>"
    )


# -- diff -------------------------------------------------------------------------------------


def test_diff_tells_added_removed_and_changed_time() -> None:
    """Moved is removed there and added here; a stronger type is a change."""
    before = snapshot_of([(9, 10, FBType.BUSY), (12, 14, FBType.BUSY_TENTATIVE)])
    after = snapshot_of([(10, 11, FBType.BUSY), (12, 13, FBType.BUSY)])
    difference = after.diff(before)
    assert difference
    assert difference.added == (BusyPeriod(at(10), at(11), FBType.BUSY),)
    assert difference.removed == (
        BusyPeriod(at(9), at(10), FBType.BUSY),
        BusyPeriod(at(13), at(14), FBType.BUSY_TENTATIVE),
    )
    assert difference.changed == (Change(at(12), at(13), FBType.BUSY_TENTATIVE, FBType.BUSY),)


def test_unknown_time_is_no_difference() -> None:
    """Neither becoming unknown nor becoming known says that anything changed."""
    known = snapshot_of([(9, 11, FBType.BUSY)])
    doubtful = snapshot_of([(14, 15, FBType.BUSY)], unknown=[(9, 10), (14, 15)])
    assert doubtful.diff(known).removed == (BusyPeriod(at(10), at(11), FBType.BUSY),)
    assert doubtful.diff(known).added == ()


def test_diff_is_about_what_both_cover() -> None:
    """A window that slid on is no news."""
    before = snapshot_of([(1, 2, FBType.BUSY)], window=(0, 24))
    after = snapshot_of([(30, 31, FBType.BUSY)], window=(3, 48))
    assert after.diff(before) == Difference(Period(at(3), at(24)))
    assert not after.diff(before)
    assert snapshot_of([], window=(50, 60)).diff(before) == Difference(None)


def test_diff_ignores_dtstamp_and_titles(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Google writes a new DTSTAMP on every export."""
    bodies = [
        feed_text(event("2027-01-04T09:00Z", stamp=stamp, summary=stamp))
        for stamp in ("2026-12-01T00:00Z", "2026-12-02T00:00Z")
    ]
    calendars = make(fetcher=FakeFetcher({url: bodies}))
    first = calendars.get(url)
    clock.advance(HOUR)
    assert not calendars.get(url).diff(first)


kinds = st.sampled_from(FBType)
stretches = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 4), kinds).map(
        lambda s: (s[0], s[0] + s[1], s[2])
    ),
    max_size=6,
)


@given(stretches, stretches)
def test_a_difference_is_what_leads_from_one_to_the_other(
    before: list[tuple[float, float, FBType]], after: list[tuple[float, float, FBType]]
) -> None:
    """Applied hour by hour it gives the new one; in reverse, added and removed swap."""
    old, new = snapshot_of(before), snapshot_of(after)
    there, back = new.diff(old), old.diff(new)
    assert bool(there) == (old.free_busy != new.free_busy)
    assert (there.added, there.removed) == (back.removed, back.added)
    for hour in range(24):
        moment, kind = at(hour), old.free_busy.at(at(hour))
        kind = next((p.fbtype for p in there.added if p.start <= moment < p.end), kind)
        if any(p.start <= moment < p.end for p in there.removed):
            kind = FBType.FREE
        kind = next((c.after for c in there.changed if c.start <= moment < c.end), kind)
        assert kind == new.free_busy.at(moment)


@given(stretches, stretches)
def test_overlay_cuts_where_something_changes(
    one: list[tuple[float, float, FBType]], other: list[tuple[float, float, FBType]]
) -> None:
    """Pieces are in order, without gap, and each has every layer's type."""
    a, b = snapshot_of(one).free_busy, snapshot_of(other).free_busy
    lo, hi = a.window_epochs
    pieces = list(overlay(lo, hi, a.epochs, b.epochs))
    assert [piece[0] for piece in pieces] == [lo, *[piece[1] for piece in pieces[:-1]]]
    assert pieces[-1][1] == hi
    for start, _, codes in pieces:
        moment = MONDAY + timedelta(seconds=start - lo)
        assert tuple(map(FBType, codes)) == (a.at(moment), b.at(moment))


# -- exclude ----------------------------------------------------------------------------------

SERIES = event("2027-01-04T09:00", tz="Europe/Berlin", uid="series", rrule="FREQ=DAILY;COUNT=9")
MOVED = event("2027-01-06T15:00Z", uid="series", recurrence_id="2027-01-06T08:00Z")
FEED = feed_text(
    SERIES,
    MOVED,
    event("2027-01-04T08:30Z", "PT2H", uid="other"),
    event("2027-01-04T08:30Z", "PT2H", uid="maybe", status="TENTATIVE"),
    event("2027-01-08", "2027-01-10", uid="trip", rrule="FREQ=WEEKLY;COUNT=2"),
    event("2027-01-12T10:00Z", uid="alone"),
    "BEGIN:VFREEBUSY\nUID:busy\nDTSTAMP:20260101T000000Z\n"
    "FREEBUSY:20270104T093000Z/PT3H\nEND:VFREEBUSY",
)
NAMES = [
    "series",
    "other",
    "maybe",
    "trip",
    "alone",
    "busy",
    "nobody",
    ("series", datetime(2027, 1, 4, 8, tzinfo=UTC)),
    ("series", datetime(2027, 1, 6, 8, tzinfo=UTC)),
    ("series", datetime(2027, 1, 6, 15, tzinfo=UTC)),
    ("trip", date(2027, 1, 8)),
    ("trip", date(2027, 1, 9)),
    ("alone", datetime(2027, 1, 12, 10, tzinfo=UTC)),
    ("alone", None),
]


def reading_of(body: str, detail: str = "busy", **arguments: object) -> Reading:
    window = FreeBusy.from_periods((MONDAY, at(24 * 30))).window_epochs
    feed = Feed("https://example.org/a.ics", timezone="Europe/Berlin", detail=detail)  # type: ignore[arg-type]
    limits = Limits(**arguments)  # type: ignore[arg-type]
    return read_body(Fetched(body.encode()), feed, window, MONDAY, None, limits)


@given(st.sets(st.sampled_from(NAMES)))
def test_a_snapshot_excludes_as_a_fresh_reading_would(names: set[object]) -> None:
    """From stored events, without titles, the answer is the same as from the bytes."""
    fresh = expand(
        FEED,
        MONDAY,
        at(24 * 30),
        timezone="Europe/Berlin",
        exclude=names,  # type: ignore[arg-type]
    )
    assert without(reading_of(FEED), Exclusions.of(names)) == fresh.free_busy  # type: ignore[arg-type]


def test_exclude_frees_the_time_of_a_meeting_that_came_back(
    calendars: CalendarCache, url: str
) -> None:
    """As when it is to be moved."""
    assert calendars.free_busy(url, at(9), at(10)).periods
    assert calendars.free_busy(url, at(9), at(10), exclude=["talk"]).periods == ()


def test_busy_time_that_no_event_accounts_for_stays() -> None:
    """Dense rules become one block; excluding another event does not free it."""
    dense = event("2027-01-04T00:00Z", "PT1S", uid="dense", rrule="FREQ=SECONDLY;COUNT=7200")
    reading = reading_of(feed_text(dense, event("2027-01-04T01:00Z", "PT2H", uid="talk")))
    rest = without(reading, Exclusions.of(["talk"]))
    assert rest.periods == (BusyPeriod(at(0), at(2)),)
    assert not rest.is_free(at(2), at(3))


def test_where_not_all_events_are_listed_excluded_time_is_unknown() -> None:
    """An unlisted event may lie under it: never free."""
    feed = feed_text(
        *(event(at(hour), "PT1H", uid=f"e{hour}") for hour in range(4)),
        event(at(0.5), "PT1H", uid="half"),
    )
    reading = reading_of(feed, max_occurrences=3)
    assert not reading.events_complete
    assert reading.free_busy.status(at(0), at(4)) is FBType.BUSY
    rest = without(reading, Exclusions.of(["e0"]))
    assert rest.unknown == (Period(at(0), at(0.5)),)
    assert not rest.is_free(at(0), at(0.5))
    assert rest.status(at(2), at(4)) is FBType.BUSY


@pytest.mark.parametrize("wrong", [3, [3], [("uid",)], [("uid", "2027-01-04")]])
def test_exclude_takes_uids_and_pairs(calendars: CalendarCache, url: str, wrong: object) -> None:
    """A caller's mistake is a TypeError."""
    with pytest.raises(TypeError):
        calendars.free_busy(url, at(9), at(10), exclude=wrong)  # type: ignore[arg-type]


def test_reading_for_the_cache_makes_no_value_for_an_event(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., CalendarCache], url: str
) -> None:
    """Columns of a feed go into the stored form; who asks for events gets them."""
    from extcal.ical.events import external_event

    made: list[object] = []
    init = external_event.ExternalEvent.__init__

    def counted(self: object, *arguments: object, **named: object) -> None:
        made.append(self)
        init(self, *arguments, **named)  # type: ignore[arg-type, misc]

    monkeypatch.setattr(external_event.ExternalEvent, "__init__", counted)
    weekly = event("2027-01-05T09:00Z", "PT1H", rrule="FREQ=WEEKLY")
    calendars = make(fetcher=FakeFetcher({url: feed_text(weekly, event("2027-01-06", "P1D"))}))
    snapshot = calendars.get(url)
    assert not made
    assert len(snapshot.events) == len(made) == snapshot.reading.count > 10


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize(
    "lines",
    [
        "DTSTART:20270101T000000Z\r\nDTEND:99991231T235959Z",
        "DTSTART:20270101T000000Z\r\nDURATION:P9999999W",
        "DTSTART:00010101T000000Z\r\nDTEND:99991231T235959Z",
        "DTSTART:20270105T000000Z\r\nRECURRENCE-ID:99991231T235959Z",
        "DTSTART:20270105T000000Z\r\nRECURRENCE-ID:00010101T000000",
    ],
)
def test_events_at_the_ends_of_time_are_records(
    make: Callable[..., CalendarCache], url: str, lines: str, zone: str
) -> None:
    """ "For ever" ends with the year 9999, which is over in UTC when Tokyo has the year 10000."""
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:x\r\n"
    body = f"{head}DTSTAMP:20270101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    snapshot = make(fetcher=FakeFetcher({url: body})).get(url)
    (record,) = snapshot.event_records(zone)
    assert datetime.fromisoformat(record["start"]) == snapshot.events[0].start
    assert datetime.fromisoformat(record["end"]) == snapshot.events[0].end
    assert snapshot.to_html(zone)
