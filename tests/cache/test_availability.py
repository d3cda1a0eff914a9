"""Several people side by side: types and times, under one timeout, no exception for one of them."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from extcal import (
    Availability,
    BusyPeriod,
    CalendarCache,
    Failed,
    FBType,
    Feed,
    Fetched,
    FetchRequest,
    FreeBusy,
    Limits,
    MemoryStore,
    Period,
    State,
    WorkingHours,
)
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

DAY = datetime(2027, 1, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA, ADA_HOME, BOB = (f"https://example.org/{name}.ics" for name in ("ada", "home", "bob"))
LONG = 30.0


def at(hour: float) -> datetime:
    return DAY + hour * HOUR


def busy(start: float, end: float, kind: FBType = FBType.BUSY) -> BusyPeriod:
    return BusyPeriod(at(start), at(end), kind)


class Hanging:
    """Answers everybody but those whose gate is closed."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = {Feed(url).url_identity(): body.encode() for url, body in answers.items()}
        self.closed: set[bytes] = set()
        self.gate = threading.Event()

    def close(self, url: str) -> None:
        self.closed.add(Feed(url).url_identity())

    def fetch(self, request: FetchRequest) -> Fetched:
        if request.feed.url_identity() in self.closed:
            assert self.gate.wait(LONG)
        return Fetched(self.answers[request.feed.url_identity()])


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    fetcher = Hanging(
        {
            ADA: feed_text(event(at(9), "PT1H", summary="SECRET plan", location="SECRET place")),
            ADA_HOME: feed_text(event(at(12), "PT1H", status="TENTATIVE", summary="SECRET home")),
            BOB: feed_text(event(at(14), "PT2H", summary="SECRET talk")),
        }
    )
    yield fetcher
    fetcher.gate.set()
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(LONG)


@pytest.fixture
def calendars(make: Callable[..., CalendarCache], hanging: Hanging) -> CalendarCache:
    return make(fetcher=hanging)


# -- joining ----------------------------------------------------------------------------------


def test_a_person_is_the_join_of_their_calendars(
    calendars: CalendarCache, clock: ManualClock
) -> None:
    """Feeds, addresses and the host's own bookings, alone or several."""
    bookings = FreeBusy.from_periods((at(0), at(24)), [(at(17), at(18))])
    people = {"Ada": [Feed(ADA), ADA_HOME, bookings], "Bob": BOB, "Room": bookings}
    table = calendars.availability(people, at(0), at(24))
    assert table["Ada"].periods == (busy(9, 10), busy(12, 13, FBType.BUSY_TENTATIVE), busy(17, 18))
    assert table["Bob"].periods == (busy(14, 16),)
    assert table["Room"] == bookings
    assert list(table) == list(people)
    assert len(table) == 3
    assert all(row.unknown == () for row in table.values())
    assert table.window == table["Ada"].window == Period(at(0), at(24))
    assert dict(table.problems) == dict.fromkeys(people, ())
    assert dict(table.as_of) == {"Ada": clock(), "Bob": clock(), "Room": None}
    assert dict(table.state) == {"Ada": State.FRESH, "Bob": State.FRESH, "Room": None}


def test_as_of_is_the_oldest_of_a_persons_calendars(
    calendars: CalendarCache, clock: ManualClock
) -> None:
    """A row is as current as its least current part."""
    calendars.get(ADA)
    first = clock()
    clock.advance(timedelta(minutes=20))
    table = calendars.availability({"Ada": [ADA, ADA_HOME]}, at(0), at(24))
    assert table.as_of["Ada"] == first


def test_a_feed_is_fetched_once_for_all_who_share_it(make: Callable[..., CalendarCache]) -> None:
    """A room booked through one calendar, read with one zone."""
    fetcher = FakeFetcher({ADA: feed_text(event(at(9)))})
    people = dict.fromkeys(("Ada", "Bob", "Eve"), ADA)
    table = make(fetcher=fetcher).availability(people, at(0), at(24))
    assert fetcher.count() == 1
    assert table["Ada"] == table["Eve"]


def test_what_a_source_does_not_cover_is_unknown(calendars: CalendarCache) -> None:
    """The host's bookings for the morning say nothing about the afternoon."""
    morning = FreeBusy.from_periods((at(0), at(12)))
    table = calendars.availability({"Ada": [ADA, morning]}, at(6), at(24))
    assert table["Ada"].periods == (busy(9, 10),)
    assert table["Ada"].unknown == (Period(at(12), at(24)),)


def test_a_meeting_that_is_to_be_moved_stands_in_nobodys_way(
    make: Callable[..., CalendarCache],
) -> None:
    """``exclude`` leaves it out of every feed, whole or one instance; what the host says stays."""
    meeting = event(at(9), "PT1H", uid="meeting", rrule="FREQ=DAILY;COUNT=2")
    calendars = make(
        fetcher=FakeFetcher(
            {
                ADA: feed_text(meeting, event(at(11), "PT1H", uid="other")),
                BOB: feed_text(meeting, event(at(9.5), "PT1H", uid="other")),
                ADA_HOME: Failed("server_error"),
            }
        )
    )
    host = FreeBusy.from_periods((at(0), at(48)), [busy(13, 14)])
    people = {"Ada": [ADA, host], "Bob": BOB, "Eve": ADA_HOME}
    table = calendars.availability(people, at(0), at(48))
    assert table["Ada"].periods == (busy(9, 10), busy(11, 12), busy(13, 14), busy(33, 34))
    whole = calendars.availability(people, at(0), at(48), exclude=["meeting"])
    assert whole["Ada"].periods == (busy(11, 12), busy(13, 14))
    assert whole["Bob"].periods == (busy(9.5, 10.5),)
    assert whole["Eve"] == table["Eve"]
    assert whole.as_of == table.as_of
    once = calendars.availability(people, at(0), at(48), exclude=[("meeting", at(9))])
    assert once["Ada"].periods == (busy(11, 12), busy(13, 14), busy(33, 34))
    assert once["Bob"] == calendars.free_busy(BOB, at(0), at(48), exclude=[("meeting", at(9))])
    for one, several in (("meeting", ["meeting"]), (("meeting", at(9)), [("meeting", at(9))])):
        short = calendars.availability(people, at(0), at(48), exclude=one)
        assert dict(short) == dict(calendars.availability(people, at(0), at(48), exclude=several))


@pytest.mark.parametrize(("start", "end"), [(24 * 200, 24 * 201), (-24 * 90, -24 * 89)])
def test_beyond_the_horizon_is_unknown_with_a_problem(
    calendars: CalendarCache, start: float, end: float
) -> None:
    """No exception for the table."""
    table = calendars.availability({"Ada": ADA}, at(start), at(end))
    assert table["Ada"].unknown == (Period(at(start), at(end)),)
    assert [problem.code for problem in table.problems["Ada"]] == ["outside_horizon"]


def test_a_person_without_any_source_is_unknown(calendars: CalendarCache) -> None:
    """Nobody said that they are free."""
    table = calendars.availability({"Ada": []}, at(0), at(24))
    assert table["Ada"].unknown == (Period(at(0), at(24)),)
    assert [problem.code for problem in table.problems["Ada"]] == ["no_source"]


def test_nobody_at_all_is_an_empty_table(calendars: CalendarCache) -> None:
    """An empty meeting is no mistake."""
    assert len(calendars.availability({}, at(0), at(24))) == 0


# -- failing ----------------------------------------------------------------------------------


def test_a_person_whose_feed_fails_is_unknown(make: Callable[..., CalendarCache]) -> None:
    """What the other calendars say is kept; the others' rows are not touched."""
    fetcher = FakeFetcher({ADA: feed_text(event(at(9))), BOB: Failed("server_error")})
    table = make(fetcher=fetcher).availability(
        {"Ada": ADA, "Bob": [BOB, ADA], "Eve": "not an address", "Mallory": ADA_HOME},
        at(0),
        at(24),
    )
    assert table["Ada"].unknown == ()
    for name, code in (("Bob", "server_error"), ("Eve", "scheme"), ("Mallory", "not_found")):
        assert table[name].unknown == (Period(at(0), at(24)),)
        assert [problem.code for problem in table.problems[name]] == [code]
    assert table["Bob"].periods == (busy(9, 10),)
    assert table.state["Eve"] is None


def test_a_stale_row_says_so(make: Callable[..., CalendarCache], clock: ManualClock) -> None:
    """Served from the last good snapshot, flagged, with its age."""
    fetcher = FakeFetcher({ADA: [feed_text(event(at(9))), Failed("timeout")]})
    calendars = make(fetcher=fetcher)
    first = clock()
    calendars.get(ADA)
    clock.advance(HOUR)
    table = calendars.availability({"Ada": ADA}, at(0), at(24))
    assert table["Ada"].unknown == ()
    assert table.state["Ada"] is State.ERROR_STALE
    assert table.as_of["Ada"] == first
    assert [problem.code for problem in table.problems["Ada"]] == ["timeout"]
    assert "as of Mon 4 Jan 08:00" in table.to_html()


def test_incomplete_and_suddenly_empty_feeds_are_flagged(
    make: Callable[..., CalendarCache], clock: ManualClock
) -> None:
    """Without the feed's own words."""
    fetcher = FakeFetcher(
        {ADA: feed_text(event(at(9)))[:-20], BOB: [feed_text(event(at(9))), feed_text()]}
    )
    calendars = make(fetcher=fetcher)
    calendars.get(BOB)
    clock.advance(HOUR)
    table = calendars.availability({"Ada": ADA, "Bob": BOB}, at(0), at(24))
    assert [problem.code for problem in table.problems["Ada"]] == ["incomplete"]
    assert [problem.code for problem in table.problems["Bob"]] == ["suddenly_empty"]


def test_an_error_of_the_store_on_the_way_back_is_no_exception_for_the_table(
    make: Callable[..., CalendarCache],
) -> None:
    """The row is unknown."""

    class Broken(MemoryStore):
        def put(self, key: str, cell: object, token: str | None, /) -> bool:
            raise OSError("disk full")

    fetcher = FakeFetcher({ADA: feed_text()})
    table = make(fetcher=fetcher, store=Broken()).availability({"Ada": ADA}, at(0), at(24))
    assert [problem.code for problem in table.problems["Ada"]] == ["unavailable"]


@pytest.mark.parametrize(
    "people", [{"Ada": 3}, {"Ada": [ADA, 3]}, {3: ADA}], ids=["value", "in-list", "name"]
)
def test_what_is_no_source_is_a_typeerror(calendars: CalendarCache, people: object) -> None:
    """A caller's mistake, before anything is fetched."""
    with pytest.raises(TypeError):
        calendars.availability(people, at(0), at(24))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        calendars.availability({}, at(0), at(24), timeout=3)  # type: ignore[arg-type]


# -- one timeout ------------------------------------------------------------------------------


def test_who_is_late_is_unknown(calendars: CalendarCache, hanging: Hanging) -> None:
    """One hanging server costs its own row, and the timeout in all."""
    hanging.close(BOB)
    table = calendars.availability(
        {"Ada": ADA, "Bob": BOB, "Room": [BOB, ADA_HOME]},
        at(0),
        at(24),
        timeout=timedelta(milliseconds=50),
    )
    assert table["Bob"].unknown == (Period(at(0), at(24)),)
    assert [problem.code for problem in table.problems["Bob"]] == ["timeout"]
    hanging.gate.set()
    assert calendars.get(BOB).state is State.FRESH


def test_who_is_late_is_served_from_the_last_good_snapshot(
    calendars: CalendarCache, clock: ManualClock, hanging: Hanging
) -> None:
    """As STALE: a newer reading is under way."""
    first = calendars.get(BOB).fetched_at
    clock.advance(HOUR)
    hanging.close(BOB)
    table = calendars.availability({"Bob": BOB}, at(0), at(24), timeout=timedelta(0))
    assert table["Bob"].periods == (busy(14, 16),)
    assert (table.state["Bob"], table.as_of["Bob"]) == (State.STALE, first)
    assert [problem.code for problem in table.problems["Bob"]] == ["timeout"]


def test_feeds_are_fetched_at_the_same_time(make: Callable[..., CalendarCache]) -> None:
    """Twenty servers that each wait for all the others."""
    together = threading.Barrier(20)

    def meet(request: FetchRequest) -> str:
        together.wait(LONG)
        return feed_text(event(at(9)))

    urls = [f"https://example.org/{number}.ics" for number in range(20)]
    calendars = make(fetcher=FakeFetcher(dict.fromkeys(urls, meet)))
    table = calendars.availability({url: url for url in urls}, at(0), at(24))
    assert all(row.periods == (busy(9, 10),) for row in table.values())


# -- when all can meet ------------------------------------------------------------------------


def table_of(people: dict[str, FreeBusy], calendars: CalendarCache) -> Availability:
    return calendars.availability(people, at(0), at(24))


def known(*periods: tuple[float, float], unknown: tuple[tuple[float, float], ...] = ()) -> FreeBusy:
    return FreeBusy.from_periods(
        (at(0), at(24)),
        [(at(start), at(end)) for start, end in periods],
        [(at(start), at(end)) for start, end in unknown],
    )


HOURS = WorkingHours("MO-FR", "09:00", "17:00", "UTC")


def test_common_free(calendars: CalendarCache) -> None:
    """When everybody is free within the hours."""
    table = table_of({"Ada": known((9, 11)), "Bob": known((12, 16))}, calendars)
    result = table.common_free(HOUR, hours=HOURS)
    assert result.slots == (Period(at(11), at(12)), Period(at(16), at(17)))
    assert list(result) == list(result.slots)
    assert (len(result), result.slots_for_all, result.limited_by) == (2, result.slots, ())


def test_optional_people_do_not_have_to_be_free(calendars: CalendarCache) -> None:
    """``slots_for_all`` says when they could come."""
    table = table_of({"Ada": known((9, 11)), "Bob": known((12, 16))}, calendars)
    result = table.common_free(HOUR, hours=HOURS, optional=("Bob",))
    assert result.slots == (Period(at(11), at(17)),)
    assert result.slots_for_all == (Period(at(11), at(12)), Period(at(16), at(17)))


def test_limited_by_names_whose_unknown_time_removed_slots(calendars: CalendarCache) -> None:
    """Not who is merely busy, nor who is unknown where it does not matter, nor the optional."""
    table = table_of(
        {
            "Busy": known((9, 12)),
            "Doubtful": known(unknown=((13, 14),)),
            "Also": known(unknown=((13, 14),)),
            "Elsewhere": known(unknown=((9, 11),)),
            "Optional": known(unknown=((15, 16),)),
        },
        calendars,
    )
    result = table.common_free(HOUR, hours=HOURS, optional=["Optional"])
    assert result.slots == (Period(at(12), at(13)), Period(at(14), at(17)))
    assert result.limited_by == ("Doubtful", "Also")


def test_assume_free_takes_unknown_time_for_free(calendars: CalendarCache) -> None:
    """What is known to be taken still counts; who is assumed free limits nothing."""
    table = table_of({"Ada": known((9, 12), unknown=((9, 17),))}, calendars)
    assert table.common_free(HOUR, hours=HOURS).slots == ()
    assert table.common_free(HOUR, hours=HOURS).limited_by == ("Ada",)
    result = table.common_free(HOUR, hours=HOURS, assume_free=("Ada",))
    assert result.slots == (Period(at(12), at(17)),)
    assert result.limited_by == ()


def test_hours_by_name_step_buffer_and_blocks(calendars: CalendarCache) -> None:
    """Everything the algebra offers."""
    early = WorkingHours("MO-FR", "06:00", "12:00", "UTC")
    table = table_of({"Ada": known(), "Bob": known((10, 11))}, calendars)
    by_name = table.common_free(HOUR, hours={"Ada": HOURS, "Bob": early})
    assert by_name.slots == (Period(at(9), at(10)), Period(at(11), at(12)))
    one = table.common_free(HOUR, hours={"Bob": early}, step=HOUR, buffer=HOUR / 2)
    assert one.slots[0] == Period(at(6), at(7))
    assert Period(at(9), at(10)) not in one.slots
    unblocked = table.common_free(HOUR, hours=HOURS, blocks={FBType.BUSY_UNAVAILABLE})
    assert unblocked.slots == (Period(at(9), at(17)),)


def test_names_must_be_in_the_table(calendars: CalendarCache) -> None:
    """A typing error must not silently free or require anybody."""
    table = table_of({"Ada": known()}, calendars)
    for arguments in ({"optional": ["Bob"]}, {"assume_free": ["Bob"]}, {"hours": {"Bob": HOURS}}):
        with pytest.raises(ValueError, match="Bob"):
            table.common_free(HOUR, **arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        table.common_free(HOUR, optional="Ada")
    with pytest.raises(ValueError, match="not optional"):
        table.common_free(HOUR, optional=["Ada"])


# -- looking ----------------------------------------------------------------------------------


def test_nothing_but_types_and_times_leaves_the_table(calendars: CalendarCache) -> None:
    """No title, no place, no address: in no drawing, text or pickle."""
    table = calendars.availability({"Ada": [ADA, ADA_HOME], "Bob": BOB}, at(0), at(24))
    slots = table.common_free(HOUR, hours=HOURS)
    shown = [
        table.to_html("Europe/Berlin", HOURS, slots, "Monday"),
        table.to_svg(UTC, HOURS, slots, "Monday"),
        table._repr_html_(),
        repr(table),
        repr(slots),
        repr(dict(table.problems)),
        pickle.dumps(table).decode("latin-1"),
    ]
    for text in shown:
        assert "SECRET" not in text
        assert "example.org" not in text
    assert shown[0].startswith("<figure")
    assert shown[1].startswith("<svg")
    assert "Ada" in shown[0]
    with pytest.raises(ValueError, match="Nowhere"):
        table.to_html("Nowhere/City")


def test_a_table_is_a_value(calendars: CalendarCache) -> None:
    """A mapping that can be pickled, compared and read, but not changed."""
    table = calendars.availability({"Ada": ADA}, at(0), at(24))
    assert pickle.loads(pickle.dumps(table)) == table == {"Ada": table["Ada"]}
    assert repr(table) == ("<Availability of 1 person, 2027-01-04 00:00 to 2027-01-05 00:00 UTC>")
    with pytest.raises(KeyError):
        table["Bob"]
    with pytest.raises(AttributeError):
        table.window = None  # type: ignore[assignment,misc]
    with pytest.raises(TypeError):
        table.problems["Ada"] = ()  # type: ignore[index]


def test_many_people_do_not_wait_for_each_other(make: Callable[..., CalendarCache]) -> None:
    """Two hundred people, four of them broken: two hundred rows."""
    urls = [f"https://example.org/{number}.ics" for number in range(196)]
    calendars = make(
        fetcher=FakeFetcher(dict.fromkeys(urls, feed_text(event(at(9))))),
        limits=Limits(max_vevents=10),
    )
    people = {url: url for url in [*urls, *(f"{url}x" for url in urls[:4])]}
    table = calendars.availability(people, at(0), at(24), timeout=timedelta(seconds=60))
    assert sum(row.unknown == () for row in table.values()) == 196
