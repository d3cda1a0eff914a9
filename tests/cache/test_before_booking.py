"""Right before booking: ``max_age=`` on both faces, ``is_free``, and the receipt of an answer."""

from __future__ import annotations

import dataclasses
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import extcal
from extcal import (
    AsyncCalendarCache,
    CalendarCache,
    Failed,
    FBType,
    FreeBusy,
    Period,
    Refused,
    State,
    Unavailable,
)
from extcal.testing import FakeFetcher, ManualClock

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NINE = datetime(2027, 1, 4, 9, tzinfo=UTC)


class Both:
    """One of the two faces, asked in the same words."""

    def __init__(self, form: str, **arguments: Any) -> None:
        self.form, self.arguments = form, {"jitter": lambda: 1.0, **arguments}
        self.engine = CalendarCache(**self.arguments) if form == "threads" else None
        self.store = extcal.MemoryStore()

    def ask(self, name: str, *args: Any, **options: Any) -> Any:
        if self.engine is not None:
            return getattr(self.engine, name)(*args, **options)
        import anyio

        async def main() -> Any:
            async with AsyncCalendarCache(store=self.store, **self.arguments) as calendars:
                return await getattr(calendars, name)(*args, **options)

        return anyio.run(main)


@pytest.fixture(params=["threads", "tasks"])
def face(request: pytest.FixtureRequest, clock: ManualClock, fetcher: FakeFetcher) -> Both:
    return Both(request.param, clock=clock, fetcher=fetcher)


def test_what_is_older_is_fetched_and_what_is_not_is_served(
    face: Both, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """An age of exactly ``max_age`` is young enough, as with the 30 minutes."""
    face.ask("get", url)
    clock.advance(2 * MINUTE)
    assert face.ask("get", url, max_age=2 * MINUTE).state is State.FRESH
    assert len(fetcher.requests) == 1
    clock.advance(SECOND)
    assert face.ask("get", url, max_age=2 * MINUTE).fetched_at == clock()
    assert len(fetcher.requests) == 2
    clock.advance(MINUTE)
    table = face.ask("availability", {"Ada": url}, NINE, NINE + HOUR, max_age=30 * SECOND)
    assert table.as_of["Ada"] == clock()
    clock.advance(MINUTE)
    assert not face.ask("is_free", url, NINE, NINE + HOUR, max_age=MINUTE / 2)
    assert len(fetcher.requests) == 4
    clock.advance(MINUTE)
    face.ask("get", url)
    assert len(fetcher.requests) == 4


def test_a_longer_age_than_the_thirty_minutes_changes_nothing(
    face: Both, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    face.ask("get", url)
    clock.advance(31 * MINUTE)
    assert face.ask("get", url, max_age=HOUR).fetched_at == clock()


def test_the_floor_between_attempts_holds(
    face: Both, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """However often somebody books: 30 seconds, and the answer says how old it is."""
    face.ask("get", url)
    first = clock()
    for _ in range(3):
        clock.advance(9 * SECOND)
        found = face.ask("get", url, max_age=timedelta(0))
        assert (found.fetched_at, found.state) == (first, State.FRESH)
    assert len(fetcher.requests) == 1
    clock.advance(3 * SECOND)
    assert face.ask("get", url, max_age=timedelta(0)).fetched_at == clock()
    assert len(fetcher.requests) == 2


@pytest.mark.parametrize(
    "failure", [Failed("timeout"), Refused(429, 600.0)], ids=["back-off", "429"]
)
def test_back_off_and_retry_after_hold(
    face: Both, clock: ManualClock, fetcher: FakeFetcher, url: str, failure: extcal.FetchResponse
) -> None:
    """The last reading is served, and says that the source could not be read."""
    face.ask("get", url)
    clock.advance(2 * MINUTE)
    fetcher.set(url, failure)
    assert face.ask("get", url, max_age=MINUTE).state is State.ERROR_STALE
    clock.advance(40 * SECOND)
    late = face.ask("get", url, max_age=MINUTE)
    assert late.state is State.ERROR_STALE
    assert len(fetcher.requests) == 2
    assert face.ask("get", url).state is State.FRESH


def test_a_stale_reading_is_not_served_first(
    clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Whoever books does not want ``stale_while_revalidate``."""
    calendars = CalendarCache(clock=clock, fetcher=fetcher, stale_while_revalidate=HOUR)
    calendars.get(url)
    clock.advance(40 * MINUTE)
    assert calendars.get(url, max_age=MINUTE).fetched_at == clock()


@pytest.mark.parametrize("wrong", [60, -MINUTE])
def test_an_age_is_a_length(face: Both, url: str, wrong: object) -> None:
    with pytest.raises((TypeError, ValueError), match="max_age"):
        face.ask("get", url, max_age=wrong)


def test_is_free(face: Both, clock: ManualClock, url: str) -> None:
    """Known and not blocked; an excluded meeting does not block; unknown is never free."""
    assert face.ask("is_free", url, NINE + HOUR, NINE + 2 * HOUR)
    assert not face.ask("is_free", url, NINE, NINE + HOUR)
    assert face.ask("is_free", url, NINE, NINE + HOUR, exclude=["talk"])
    assert face.ask("is_free", url, NINE, NINE + HOUR, blocks={FBType.BUSY_UNAVAILABLE})
    assert not face.ask("is_free", url, clock(), clock() + timedelta(days=999))
    with pytest.raises(extcal.OutsideHorizon):
        face.ask("is_free", url, NINE + timedelta(days=999), NINE + timedelta(days=1000))
    with pytest.raises(Unavailable):
        face.ask("is_free", "https://calendar.example.org/none.ics", NINE, NINE + HOUR)


def test_the_receipt_is_what_was_asked_and_answered(
    calendars: CalendarCache, clock: ManualClock, url: str
) -> None:
    """Who, when, how old; types, never titles; JSON takes it, and it stays as it is."""
    bookings = FreeBusy.from_periods((NINE, NINE + 4 * HOUR))
    table = calendars.availability(
        {"Ada": url, "Bob": bookings, "Eve": "nonsense"}, NINE, NINE + 4 * HOUR
    )
    slot = Period(NINE + HOUR, NINE + 2 * HOUR)
    receipt = table.receipt(slot)
    assert receipt.to_dict() == {
        "start": "2027-01-04T10:00:00+00:00",
        "end": "2027-01-04T11:00:00+00:00",
        "people": [
            {
                "who": "Ada",
                "status": "FREE",
                "as_of": "2027-01-04T08:00:00+00:00",
                "state": "fresh",
            },
            {"who": "Bob", "status": "FREE", "as_of": None, "state": None},
            {"who": "Eve", "status": None, "as_of": None, "state": None},
        ],
    }
    assert json.loads(json.dumps(receipt.to_dict())) == receipt.to_dict()
    assert pickle.loads(pickle.dumps(receipt)) == receipt
    assert hash(receipt) == hash(table.receipt(slot))
    whole = table.receipt()
    assert whole.window == table.window
    assert whole.people[0].status is FBType.BUSY
    assert "alaries" not in repr(whole)
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole.window = slot  # type: ignore[misc]
    with pytest.raises(ValueError, match="not within"):
        table.receipt(Period(NINE - HOUR, NINE))
    with pytest.raises(TypeError):
        table.receipt((NINE, NINE + HOUR))  # type: ignore[arg-type]


def test_what_the_table_offers_is_bookable_by_the_same_question(
    calendars: CalendarCache, url: str
) -> None:
    """Also of a table that is read again for the slot alone, right before the booking."""
    question: dict[str, Any] = {
        "step": HOUR / 2,
        "buffer": (timedelta(0), 10 * MINUTE),
        "timezone": "Europe/Berlin",
        "earliest": NINE - HOUR,
    }
    table = calendars.availability({"Ada": url}, NINE - HOUR, NINE + 4 * HOUR)
    offered = table.common_free(HOUR, **question)
    starts = [NINE + step * HOUR / 4 for step in range(-4, 16)]
    bookable = [at for at in starts if table.is_bookable(Period(at, at + HOUR), HOUR, **question)]
    assert bookable == [slot.start for slot in offered] != []
    for slot in offered:
        again = calendars.availability({"Ada": url}, slot.start, slot.end, max_age=MINUTE)
        assert again.is_bookable(slot, HOUR, **question)
    assert not table.is_bookable(Period(offered[0].start, offered[0].end + HOUR), HOUR, **question)


def test_a_misspelled_condition_is_no_condition_that_is_left_out() -> None:
    """Without ``hours`` because of a typing error, night would be offered."""
    free = FreeBusy.from_periods((NINE, NINE + 24 * HOUR))
    table = CalendarCache().availability({"Ada": free}, NINE, NINE + 24 * HOUR)
    slot = Period(NINE, NINE + HOUR)
    for ask in (
        lambda **options: table.common_free(HOUR, **options),
        lambda **options: table.is_bookable(slot, HOUR, **options),
        lambda **options: table.recurring("FREQ=DAILY", NINE, HOUR, **options),
        lambda **options: table.recurring_free("FREQ=DAILY", HOUR, slot, step=HOUR, **options),
    ):
        with pytest.raises(TypeError, match="unexpected keyword argument 'hour'"):
            ask(hour=None)
