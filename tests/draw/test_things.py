"""FreeBusy, Availability and Snapshot draw themselves: who may see what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2027, 1, 4, tzinfo=BERLIN)
FRIDAY = MONDAY + timedelta(days=5)
URL = "https://example.org/ada.ics"
HOURS = extcal.WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin")
FEED = feed_text(
    event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin", summary="Dentist", location="Room 9"),
    event("2027-01-05", "2027-01-07", summary="Trade fair"),
    event("2027-01-06", summary="Birthday", transparent=True),
    event(
        "2027-01-07T09:00", "PT1H", tz="Europe/Berlin", summary="Interview", extra="CLASS:PRIVATE"
    ),
    event("2027-01-08T09:00", "PT0S", tz="Europe/Berlin", summary="Reminder"),
)


def calendars(body: str = FEED) -> extcal.CalendarCache:
    return extcal.CalendarCache(
        fetcher=FakeFetcher({URL: body}), clock=ManualClock("2027-01-03T23:30Z")
    )


def feed(**how: str) -> extcal.Feed:
    return extcal.Feed(URL, timezone="Europe/Berlin", **how)  # type: ignore[arg-type]


def test_a_snapshot_shows_its_owner_what_the_events_are() -> None:
    """Titles and times; all-day events by their dates; no places, and nothing of private ones."""
    drawn = calendars().get(feed()).to_html("Europe/Berlin", HOURS, "Ada's week")
    assert "Events: Dentist – Busy, Mon 4 Jan 09:00–10:00" in drawn
    assert "All day: Trade fair – Busy, Tue 5 Jan – Wed 6 Jan, all day" in drawn
    assert "All day: Birthday – Does not block, Wed 6 Jan, all day" in drawn
    assert "Events: Private – Busy, Thu 7 Jan 09:00–10:00" in drawn
    assert "Busy time: Busy, Mon 4 Jan 09:00–10:00" in drawn
    for words in ("Interview", "Room 9", "Reminder", "example.org"):
        assert words not in drawn


def test_a_lane_without_events_claims_nothing() -> None:
    """That no event is listed does not say that the time is free: only the busy time does."""
    cut = FEED[: FEED.rindex("BEGIN:VEVENT")]
    snapshot = calendars(cut).get(feed())
    drawn = snapshot.to_html("Europe/Berlin")
    assert not snapshot.complete
    assert "Busy time: Unknown" in drawn
    assert ">None<" in drawn
    assert ">Free<" not in drawn
    empty = calendars(feed_text()).get(feed()).to_html("Europe/Berlin")
    assert "Events" not in empty
    assert empty.count(">Free<") == 14


def test_all_day_events_keep_their_dates_in_every_zone() -> None:
    """Read in Honolulu, the fair is still on the fifth and the sixth; its busy time is not."""
    drawn = calendars().get(feed()).to_html("Pacific/Honolulu")
    assert "All day: Trade fair – Busy, Tue 5 Jan – Wed 6 Jan, all day" in drawn
    assert "Busy time: Busy, Mon 4 Jan 13:00 – Wed 6 Jan 13:00" in drawn


def test_a_snapshot_shows_the_fortnight_from_the_day_it_was_read() -> None:
    """In the zone of the feed, or asked for: it is Monday in Berlin, and still Sunday in UTC."""
    snapshot = calendars().get(feed())
    assert "<b>Mon 4 Jan</b>" in snapshot.to_html("Europe/Berlin")
    assert "Sun 3 Jan" not in snapshot.to_html("Europe/Berlin")
    assert "Sun 3 Jan" in snapshot.to_html("UTC")
    assert "Sun 3 Jan" not in snapshot._repr_html_()
    assert snapshot.to_html("Europe/Berlin").count('class="col"') == 14


def test_a_snapshot_can_be_asked_for_other_days() -> None:
    snapshot = calendars().get(feed())
    drawn = snapshot.to_svg("Europe/Berlin", start=MONDAY, end=FRIDAY)
    assert "Dentist" in drawn
    assert "Fri 8 Jan" in drawn
    assert "Sat 9 Jan" not in drawn
    with pytest.raises(ValueError, match="does not overlap"):
        snapshot.to_html(start=MONDAY.replace(year=2030), end=FRIDAY.replace(year=2030))
    with pytest.raises(TypeError):
        snapshot.to_html(start=datetime(2027, 1, 4), end=FRIDAY)


@pytest.mark.parametrize("form", ["to_html", "to_svg"])
def test_a_redacted_snapshot_draws_times_and_types_only(form: str) -> None:
    drawn = getattr(calendars().get(feed()).redacted(), form)("Europe/Berlin")
    assert "Mon 4 Jan 09:00–10:00" in drawn
    hidden = ("Dentist", "Trade fair", "Birthday", "Interview", "Private", "Room 9", "example.org")
    for words in hidden:
        assert words not in drawn


def test_a_feed_kept_without_titles_draws_none() -> None:
    drawn = calendars().get(feed(detail="busy")).to_html("Europe/Berlin")
    assert "Mon 4 Jan 09:00–10:00" in drawn
    assert "Dentist" not in drawn


def test_a_snapshot_served_stale_says_how_old_it_is() -> None:
    clock = ManualClock("2027-01-04T08:00Z")
    fetcher = FakeFetcher({URL: [FEED, extcal.Failed("timeout")]})
    cache = extcal.CalendarCache(fetcher=fetcher, clock=clock)
    assert "as of" not in cache.get(feed()).to_html()
    clock.advance(timedelta(minutes=31))
    assert "as of Mon 4 Jan 09:00" in cache.get(feed()).to_html()


_titles = st.text(
    st.characters(codec="utf-8") | st.sampled_from("<>&\"'`=/;{}\u202e\u2066"),
    min_size=1,
    max_size=30,
)


@given(_titles, _titles)
def test_no_title_ever_reaches_a_table(title: str, name: str) -> None:
    """Availability is for everybody: its pictures do not depend on what events are called."""

    def drawn(title: str) -> list[str]:
        body = feed_text(event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin", summary=title))
        cache = calendars(body)
        table = cache.availability({name: feed()}, MONDAY, FRIDAY)
        pieces = [table.to_html("Europe/Berlin", HOURS), table.to_svg(), repr(table)]
        redacted = cache.get(feed()).redacted()
        return [*pieces, redacted.to_html(), redacted.to_svg(), table[name].to_html()]

    assert drawn(title) == drawn("x")


def test_free_busy_draws_itself() -> None:
    """One row, with the name it is given; its gaps can be marked."""
    fb = calendars().free_busy(feed(), MONDAY, FRIDAY)
    assert "Availability: Busy, Mon 4 Jan 09:00–10:00" in (fb._repr_html_() or "")
    drawn = fb.to_html("Europe/Berlin", HOURS, fb.free(timedelta(hours=30)), "Week", name="Ada")
    assert "Ada: Busy, Mon 4 Jan 09:00–10:00" in drawn
    assert "Free slot, Thu 7 Jan 10:00 – Fri 8 Jan 24:00" in drawn
    assert fb.to_svg(name="Ada").startswith("<svg")
    with pytest.raises(ValueError, match="Nowhere"):
        fb.to_html("Nowhere/City")


def test_what_is_too_long_to_draw_is_shown_as_text() -> None:
    """A notebook falls back to the repr; who asks for the picture is told."""
    long = extcal.FreeBusy.from_periods(
        (datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert long._repr_html_() is None
    with pytest.raises(ValueError, match="at most 400 days"):
        long.to_html()
    wide = calendars().availability({"Ada": long}, long.window.start, long.window.end)
    assert wide._repr_html_() is None


def test_unknown_time_is_drawn_as_unknown() -> None:
    table = calendars("<html>not a calendar</html>").availability({"Ada": feed()}, MONDAY, FRIDAY)
    assert "Ada: Unknown, Mon 4 Jan – Fri 8 Jan, all day" in table.to_html("Europe/Berlin")


def test_working_hours_may_differ_by_name() -> None:
    """As for common_free: who is not named can be asked at any time."""
    table = calendars().availability({"Ada": feed(), "Bob": feed()}, MONDAY, FRIDAY)
    drawn = table.to_html("Europe/Berlin", {"Ada": HOURS})
    assert "Working hours" in drawn
    assert drawn != table.to_html("Europe/Berlin", HOURS)
    assert table.to_svg("Europe/Berlin", {"Ada": HOURS}).startswith("<svg")
    with pytest.raises(ValueError, match="Cleo"):
        table.to_html(hours={"Cleo": HOURS})


@pytest.mark.parametrize(
    ("day", "hours"), [("2027-03-28", 23), ("2027-10-31", 25), ("2027-01-04", 24)]
)
def test_a_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    """Clock changes: the hours that are there, each with its mark."""
    start = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    end = start + timedelta(days=1)
    evening = extcal.Period(end - timedelta(minutes=30), end - timedelta(minutes=15))
    morning = extcal.Period(start + timedelta(minutes=15), start + timedelta(minutes=30))
    fb = extcal.FreeBusy.from_periods((start, end), [evening, morning])
    drawn = fb.to_html("Europe/Berlin")
    quarter = f"{0.25 / hours * 100:.2f}".rstrip("0").rstrip(".")
    assert drawn.count(f"width:{quarter}%") == 2


@pytest.mark.parametrize("form", ["to_html", "to_svg"])
def test_now_is_a_line_where_it_is(form: str) -> None:
    """In the picture of everything that can be drawn, once a row in HTML; none outside of it."""
    week = extcal.days("2027-01-04", 5, "Europe/Berlin")
    fb = extcal.FreeBusy.from_periods(week)
    table = calendars().availability({"Ada": fb, "Bob": fb}, *week)
    snapshot = calendars().get(feed())
    inside, marks = week.start.replace(hour=11), {"to_html": "<s style=", "to_svg": 'class="now"'}
    for shown, rows in ((fb, 1), (table, 2), (snapshot, 3)):
        drawn = getattr(shown, form)(now=inside)
        assert drawn.count(marks[form]) == (rows if form == "to_html" else 2)
        assert ">Now<" in drawn
        for later in (None, week.start.replace(year=2028)):
            assert ">Now<" not in getattr(shown, form)(now=later)
        with pytest.raises(TypeError, match="time zone"):
            getattr(shown, form)(now=datetime(2027, 1, 4))


def test_a_short_meeting_does_not_leave_its_day() -> None:
    """It is drawn wider than it is; at the end of a day it begins earlier, not the next day."""
    day = extcal.days("2027-01-04", 1, "UTC")
    last = (day.end - timedelta(minutes=5), day.end)
    drawn = extcal.FreeBusy.from_periods(day, [last]).to_html()
    assert 'class="busy opens closes" style="right:0%;width:' in drawn
    first = (day.start, day.start + timedelta(minutes=5))
    assert 'style="left:0%;width:' in extcal.FreeBusy.from_periods(day, [first, last]).to_html()


def test_names_have_the_room_that_there_is() -> None:
    """A longer name widens its column in an image, up to a limit; a name of any script is whole."""
    week = extcal.days("2027-01-04", 5, "Europe/Berlin")
    fb = extcal.FreeBusy.from_periods(week)
    for name in ("Ada", "Bob with a somewhat longer name", "\u05d3\u05e0\u05d9\u05d0\u05dc " * 4):
        assert f">{name.strip()}</text>" in fb.to_svg(name=name)
        assert f'<bdi dir="auto">{name.strip()}</bdi>' in fb.to_html(name=name)
    assert "\u2026</text>" in fb.to_svg(name="Wolfe" * 20)
