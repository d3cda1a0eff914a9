"""The public API as a type checker sees it. Checked by mypy --strict and pyright, never run.

Every name of ``extcal.__all__`` is used here the way a host would, with its type spelled out where
it matters; a change that breaks a host's types breaks this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import assert_never, assert_type

import extcal
from extcal.cache import Cell, CommonFree, MeetingTime, Receipt, RecurringMeeting
from extcal.draw import DateMark, Mark, Row, grid_html, grid_svg
from extcal.formats import Record, to_records
from extcal.ical import EventRecord
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer

START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=5)


class Written:
    """What icalendar's Calendar looks like from here."""

    def to_ical(self) -> bytes:
        return b""


def reading(data: bytes, zone: tzinfo) -> None:
    result = extcal.expand(
        data,
        START,
        END,
        timezone="Europe/Berlin",
        owner=["ada@example.org"],
        policy=extcal.BusyPolicy(
            all_day="busy",
            unanswered="free",
            working_elsewhere="busy",
            rules=(
                extcal.Rule("FREE", title_word="commute", shorter_than=timedelta(hours=1)),
                extcal.Rule("BUSY", category="Work", organizer_is_owner=True),
            ),
        ),
        limits=extcal.Limits(max_steps=10),
        detail="busy",
        exclude=("uid", ("uid", START), ("uid", date(2027, 1, 4))),
        strict=True,
        sieve=False,
    )
    assert_type(result, extcal.Expansion)
    assert_type(result.free_busy, extcal.FreeBusy)
    assert_type(result.events, tuple[extcal.ExternalEvent, ...])
    assert_type(result.problems, tuple[extcal.Problem, ...])
    assert_type(result.complete, bool)
    assert_type(result.explain(START, END), tuple[extcal.ExternalEvent, ...])
    assert_type(result.explain(START), tuple[extcal.ExternalEvent, ...])
    extcal.expand(data, START, END, exclude="uid", owner=None)
    assert_type(extcal.free_busy(data, START, END, timezone=zone), extcal.FreeBusy)
    assert_type(extcal.free_busy("text", START, END, owner="ada@example.org"), extcal.FreeBusy)
    assert_type(extcal.expand(Written(), START, END), extcal.Expansion)
    assert_type(extcal.write_freebusy(result.free_busy, uid="a", dtstamp=START), bytes)
    assert_type(extcal.read_freebusy(data), extcal.FreeBusy)


def events(found: extcal.ExternalEvent) -> None:
    assert_type(found.uid, str)
    assert_type(found.recurrence_id, datetime | date | None)
    assert_type(found.start, datetime)
    assert_type(found.first_day, date | None)
    assert_type(found.summary, str | None)
    assert_type(found.fbtype, extcal.FBType)
    assert_type(found.reason, str)
    assert_type(found.private, bool)
    assert_type(found.to_dict("Europe/Berlin"), EventRecord)
    assert_type(found.fbtype > extcal.FBType.FREE, bool)
    assert_type(max(found.fbtype, extcal.FBType.BUSY), extcal.FBType)
    text: str = found.fbtype
    del text


def algebra(one: extcal.FreeBusy, other: extcal.FreeBusy) -> None:
    assert_type(one | other, extcal.FreeBusy)
    assert_type(one.window, extcal.Period)
    assert_type(one.periods, tuple[extcal.BusyPeriod, ...])
    assert_type(one.unknown, tuple[extcal.Period, ...])
    assert_type(one.at(START), extcal.FBType | None)
    assert_type(one.status(START, END), extcal.FBType | None)
    assert_type(one.is_free(START, END, blocks={extcal.FBType.BUSY}), bool)
    assert_type(one.free(duration=timedelta(minutes=30)), tuple[extcal.Period, ...])
    assert_type(one.clip(START, END), extcal.FreeBusy)
    for period in one:
        assert_type(period, extcal.BusyPeriod)
        assert_type(period.duration, timedelta)
    hours = extcal.WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin")
    assert_type(hours | hours, extcal.WorkingHours)
    trip = extcal.WorkingHours(
        "MO-FR", "09:00", "17:00", "Asia/Tokyo", valid_from="2027-03-08", valid_until=START.date()
    )
    assert_type(one.next_free(START, timedelta(hours=1), hours), extcal.Period | None)
    assert_type(one.busy_until(START), datetime | None)
    assert_type(one.status_at(START), extcal.FBType | None)
    assert_type(trip.with_exceptions("2027-05-17", START.date()), extcal.WorkingHours)
    assert_type(hours.without(one), extcal.WorkingHours)
    slots = extcal.common_free(
        [one, other],
        duration=timedelta(minutes=45),
        hours=[hours, None],
        step=timedelta(minutes=15),
        buffer=timedelta(minutes=10),
        timezone="UTC",
        blocks=extcal.BLOCKING,
    )
    assert_type(slots, CommonFree)
    assert_type(slots[0], extcal.Period)
    assert_type(slots[:2], tuple[extcal.Period, ...])
    assert_type(slots.limited_by, tuple[str, ...])
    some = extcal.common_free(
        {"Ada": one, "Bob": other},
        timedelta(minutes=45),
        hours={"Ada": hours},
        step=timedelta(minutes=15),
        buffer=(timedelta(0), timedelta(minutes=10)),
        align="hours",
        earliest=START,
        latest=END,
        per_day=3,
        at_least=1,
        groups=[(1, ("Ada", "Bob"))],
    )
    assert_type(some.who(some[0]), tuple[str, ...])
    assert_type(some.fair_order(some[0], {"Ada": 3}), tuple[str, ...])
    assert_type(some.is_bookable(some[0]), bool)
    own = extcal.FreeBusy.from_periods(
        (START, END), [(START, END), extcal.Period(START, END)], unknown=[(START, END)]
    )
    assert_type(own, extcal.FreeBusy)
    window = extcal.days("2027-01-04", 5, "Europe/Berlin")
    assert_type(window, extcal.Period)
    start, end = window
    assert_type(end, datetime)
    assert_type(one.periods[0].astimezone("Europe/Berlin"), extcal.BusyPeriod)
    assert_type(start in window, bool)
    extcal.WorkingHours(["Mon", "Wed-Fri"], time(9), time(17, 30), "Europe/Berlin")


def feeds(pasted: str) -> extcal.Feed:
    feed = extcal.Feed.from_user_input(pasted, timezone="Europe/Berlin", owner="a@example.org")
    assert_type(feed, extcal.Feed)
    assert_type(feed.provider, str | None)
    assert_type(feed.fingerprint, str)
    detail: extcal.Detail = "busy"
    return extcal.Feed(pasted, detail=detail, published_ahead=timedelta(days=60))


class OwnStore:
    """A host's own, with both optional methods."""

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}

    def get(self, key: str) -> Cell | None:
        return self.cells.get(key)

    def get_many(self, keys: Sequence[str]) -> Mapping[str, Cell]:
        return {key: self.cells[key] for key in keys if key in self.cells}

    def put(self, key: str, cell: Cell, token: str | None) -> bool:
        self.cells[key] = cell
        return token is None or bool(cell.data)

    def delete(self, key: str) -> None:
        self.erase([key])

    def erase(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.cells.pop(key, None)

    def lease(self, key: str, now: datetime, ttl: timedelta) -> str | None:
        return f"{key} {now + ttl}"

    def release(self, key: str, token: str) -> None:
        del key, token


def caching(feed: extcal.Feed) -> None:
    own: extcal.Store = OwnStore()
    assert_type(extcal.MemoryStore().get_many(["a", "b"]), dict[str, Cell])
    assert_type(extcal.SQLiteStore("a.db").get_many(["a", "b"]), Mapping[str, Cell])
    extcal.CalendarCache(store=own)
    store: extcal.Store = extcal.MemoryStore()
    calendars = extcal.CalendarCache(
        ttl=timedelta(minutes=30),
        store=store,
        fetcher=extcal.HttpFetcher(allow_networks=["127.0.0.0/8"]),
        clock=extcal.system_clock,
        secret=b"secret",
    )
    snapshot = calendars.get(feed)
    assert_type(snapshot, extcal.Snapshot)
    assert_type(snapshot.state, extcal.State)
    assert_type(snapshot.window, extcal.Period)
    assert_type(snapshot.fetched_at, datetime)
    assert_type(snapshot.published_at, datetime | None)
    assert_type(snapshot.events, tuple[extcal.ExternalEvent, ...])
    assert_type(snapshot.redacted(), extcal.Snapshot)
    assert_type(snapshot.to_html("Europe/Berlin", start=START, end=END), str)
    assert_type(snapshot.to_svg(title="Ada's fortnight"), str)
    assert_type(snapshot.explain(START, END), tuple[extcal.ExternalEvent, ...])
    assert_type(calendars.get("https://example.org/a.ics"), extcal.Snapshot)
    assert_type(calendars.get(feed, max_age=timedelta(minutes=1)), extcal.Snapshot)
    assert_type(calendars.is_free(feed, START, END, max_age=timedelta(minutes=1)), bool)
    assert_type(calendars.refresh(feed), extcal.Snapshot)
    assert_type(calendars.free_busy(feed, START, END, exclude=["uid"]), extcal.FreeBusy)
    assert_type(calendars.events(feed, START, END), tuple[extcal.ExternalEvent, ...])
    assert_type(calendars.last_refreshed(feed), datetime | None)
    calendars.forget(feed)
    with extcal.CalendarCache() as closing:
        assert_type(closing, extcal.CalendarCache)
    closing.close()


def watching(feed: extcal.Feed) -> extcal.CalendarCache:
    def tell(refresh: extcal.Refresh) -> None:
        if refresh.snapshot is not None and refresh.previous is not None:
            difference = refresh.snapshot.diff(refresh.previous)
            assert_type(difference.added, tuple[extcal.BusyPeriod, ...])

    calendars = extcal.CalendarCache(
        stale_while_revalidate=timedelta(minutes=30),
        ttl_jitter=0.1,
        respect_refresh_interval=True,
        on_refresh=tell,
    )
    assert_type(calendars.stats(), extcal.Stats)
    assert_type(calendars.stats().failures, Mapping[str, int])
    assert_type(calendars.stats().as_browser, int)
    for found, outcome in calendars.refresh_many([feed], progress=True, per_host=8):
        assert_type(found, extcal.Feed)
        assert_type(outcome, extcal.Snapshot | extcal.Unavailable)
    return calendars


async def waiting(feed: extcal.Feed) -> None:
    async with extcal.AsyncCalendarCache(fetcher=extcal.AsyncHttpFetcher()) as calendars:
        assert_type(calendars, extcal.AsyncCalendarCache)
        assert_type(await calendars.get(feed), extcal.Snapshot)
        assert_type(await calendars.get(feed, max_age=timedelta(minutes=1)), extcal.Snapshot)
        assert_type(await calendars.is_free(feed, START, END, exclude="uid"), bool)
        assert_type(await calendars.refresh(feed), extcal.Snapshot)
        assert_type(await calendars.free_busy(feed, START, END), extcal.FreeBusy)
        assert_type(await calendars.events(feed, START, END), tuple[extcal.ExternalEvent, ...])
        assert_type(await calendars.last_refreshed(feed), datetime | None)
        table = await calendars.availability(
            {"Ada": feed}, START, END, exclude=["meeting", ("series", START)]
        )
        assert_type(table, extcal.Availability)
        await calendars.availability({"Ada": feed}, START)  # type: ignore[call-arg]
        await calendars.forget(feed)
        async for found, outcome in calendars.refresh_many([feed], per_host=8):
            assert_type(found, extcal.Feed)
            assert_type(outcome, extcal.Snapshot | extcal.Unavailable)
    extcal.AsyncCalendarCache(fetcher=FakeFetcher({}))
    extcal.AsyncCalendarCache(fetcher=extcal.AsyncHttpFetcher)


async def tasks(feed: extcal.Feed) -> extcal.FetchResponse:
    fetcher: extcal.AsyncFetcher = extcal.AsyncHttpFetcher(
        policy=extcal.UrlPolicy(allow_hosts="exchange.corp.lan", allow_networks="10.1.0.0/16"),
        proxy="http://proxy.example:3128",
        max_fetches=8,
    )
    return await fetcher.fetch(extcal.FetchRequest(feed))


def many(calendars: extcal.CalendarCache, feed: extcal.Feed, own: extcal.FreeBusy) -> None:
    table = calendars.availability(
        {"Ada": [feed, "https://example.org/a.ics", own], "Bob": feed, "Eve": own},
        START,
        END,
        timeout=timedelta(seconds=10),
        exclude=["meeting"],
    )
    assert_type(table, extcal.Availability)
    as_mapping: Mapping[str, extcal.FreeBusy] = table
    assert_type(as_mapping["Ada"], extcal.FreeBusy)
    assert_type(table["Ada"], extcal.FreeBusy)
    assert_type(table.problems["Ada"], tuple[extcal.Problem, ...])
    assert_type(table.as_of["Ada"], datetime | None)
    slot = extcal.Period(START, END)
    assert_type(table.is_bookable(slot, timedelta(minutes=45), at_least=1), bool)
    assert_type(table.receipt(slot), Receipt)
    assert_type(
        table.recurring_free("FREQ=WEEKLY", timedelta(hours=1), slot, step=timedelta(hours=1)),
        tuple[RecurringMeeting, ...],
    )
    weekly = table.recurring("FREQ=WEEKLY", START, timedelta(hours=1))
    assert_type(weekly.obstacles, tuple[MeetingTime, ...])
    found = table.common_free(timedelta(minutes=45), optional=("Bob",), assume_free=["Eve"])
    assert_type(found.slots, tuple[extcal.Period, ...])
    assert_type(found.limited_by, tuple[str, ...])
    assert_type(table.to_svg(timezone="Europe/Berlin", slots=found.slots), str)
    assert_type(table.to_html(hours={"Ada": None}), str)


class OwnFetcher:
    """A host's own, in ten lines."""

    def fetch(self, request: extcal.FetchRequest) -> extcal.FetchResponse:
        if request.feed.provider == "google" and request.etag:
            return extcal.NotModified()
        return extcal.Fetched(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", etag='"1"')


def fetching(response: extcal.FetchResponse) -> str:
    own: extcal.Fetcher = OwnFetcher()
    files: extcal.Fetcher = extcal.FileFetcher(root="/srv/calendars")
    fake: extcal.Fetcher = FakeFetcher({})
    extcal.HttpFetcher(policy=extcal.UrlPolicy(allow_networks=["10.0.0.0/8"]))
    agents = extcal.UserAgents(default="rota/2 (+https://example.org)", browser=None)
    assert_type(agents.microsoft, str)
    assert_type(agents.browser, str | None)
    extcal.HttpFetcher(user_agents=agents, headers=lambda feed: {"X-Host": feed.host})
    assert_type(
        extcal.Feed("https://example.org/", auth=("a", "b")).reveal_auth(), tuple[str, str] | None
    )
    del own, files, fake
    match response:
        case extcal.Fetched(body=body, as_browser=as_browser):
            assert_type(as_browser, bool)
            return assert_type(body, bytes).decode()
        case extcal.NotModified():
            return "the same"
        case extcal.Gone(status=status) | extcal.Refused(status=status):
            return str(assert_type(status, int))
        case extcal.Failed(kind=kind):
            return assert_type(kind, str)
        case _:
            assert_never(response)


def errors(calendars: extcal.CalendarCache) -> str | None:
    try:
        calendars.get("https://example.org/a.ics")
    except extcal.FeedUrlError as error:
        return assert_type(error.advice, str | None)
    except extcal.Unavailable as error:
        return assert_type(error.kind, str)
    except (extcal.FetchError, extcal.LimitExceeded, extcal.NotACalendar) as error:
        return str(error)
    except (extcal.OutsideHorizon, extcal.ExtcalError):
        return None
    return None


def shapes(fb: extcal.FreeBusy, zone: tzinfo) -> None:
    assert_type(to_records(fb), list[Record])
    assert_type(fb.to_html("Europe/Berlin", slots=fb.free(), name="Ada"), str)
    assert_type(fb.to_svg(title="Ada"), str)
    rows = [Row("Ada", [(0, 3600, "BUSY")], [(7200, 9000)], note="as of 09:12", hours=[(0, 60)])]
    rows.append(Row("Events", marks=[Mark(0, 60, "BUSY", "x")]))
    rows.append(Row("All day", dates=[DateMark(date(2027, 1, 4), date(2027, 1, 5), "FREE")]))
    assert_type(grid_html(rows, lo=0, hi=86_400, zone=zone, hours=[(0, 1)], title="x"), str)
    assert_type(grid_svg(rows, lo=0, hi=86_400, zone=zone, slots=[(0, 1)]), str)


def testing() -> None:
    clock = ManualClock("2027-01-04T08:00Z")
    clock.advance(timedelta(minutes=31))
    text = feed_text(event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin"))
    assert_type(text, str)
    extcal.CalendarCache(fetcher=FakeFetcher({"https://example.org/a.ics": text}), clock=clock)
    with FeedServer(ssl_context=None) as server:
        assert_type(server.port, int)
        assert_type(server.url("/a.ics", host="outlook.office365.com"), str)
        assert_type(server.serve("/a.ics", text, etag='"1"'), str)
