"""Month and week: the application's own events, and external events beside them.

An external event is an :class:`Item` without a link: it can be seen, but neither opened nor edited.
In a person's own calendar it has its title. In another person's calendar only its times and its
type are shown; the same is true for events of this application without the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import extcal
from host_app.calendars import Elsewhere
from host_app.database import Event, Person
from host_app.web import Host, number_in, render, show
from host_app.words import (
    KINDS,
    age,
    day_words,
    day_words_long,
    first_day_of_week,
    hour_words,
    month_words,
    read_date,
    time_words,
    week_words,
    weekday_names,
)

__all__ = ["Item", "routes"]

_DAY = timedelta(days=1)
_FIRST_HOUR, _LAST_HOUR = 7, 19
_SHORTEST = 26  # minutes: a shorter event is drawn as high as this, so that it can be read
_IN_A_MONTH = 3
_ON_A_DAY = 60  # items shown on a day: an external calendar may have any number of events


@dataclass(frozen=True, slots=True)
class Item:
    """An event on one day. ``href`` is None if it cannot be opened.

    ``kind``: ``own`` (the reader takes part), ``booked`` (another event of this application) or
    ``external``. ``type``: its free/busy type, as a word for the style sheet. ``first`` and
    ``last``: minutes of the local day. ``begins`` and ``till``: its times in words. ``place``: its
    position in a week, as CSS.
    """

    day: date
    first: int
    last: int
    all_day: bool
    title: str
    begins: str
    till: str
    kind: str
    type: str
    href: str | None = None
    location: str = ""
    place: str = ""

    @property
    def size(self) -> str:
        """``short`` if there is room for one line only."""
        return "short" if not self.all_day and self.last - self.first < 45 else ""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a view; ``unknown``: why external events on (a part of) that day are not known.

    ``more``: how many items are not shown, because there are too many.
    """

    date: date
    label: str
    spoken: str
    today: bool
    inside: bool
    unknown: str
    all_day: tuple[Item, ...]
    timed: tuple[Item, ...]
    more: int

    @property
    def short(self) -> str:
        """Such as ``Mon 4``, for a view that shows the month elsewhere."""
        return f"{self.label.split()[0]} {self.date.day}"

    @property
    def items(self) -> tuple[Item, ...]:
        return (*self.all_day, *self.timed)


def week(host: Host, request: Request, me: Person) -> Response:
    """Seven days from the first day of the week on, with the hours of the day."""
    chosen = _chosen_day(host, request, me)
    monday = first_day_of_week(chosen)
    whose, elsewhere, days = _view(host, request, me, monday, 7)
    timed = [item for day in days for item in day.timed]
    first = min([_FIRST_HOUR, *(item.first // 60 for item in timed)])
    last = max([_LAST_HOUR, *(-(-item.last // 60) for item in timed)])
    placed = [(day, tuple(_placed(day.timed, first, last))) for day in days]
    now = host.clock().astimezone(me.zone)
    passed = (now.hour + now.minute / 60 - first) / (last - first)
    return render(
        host,
        request,
        "week.html",
        days=placed,
        hours=[hour_words(hour) for hour in range(first, last + 1)],
        now=f"{passed:.2%}" if 0 <= passed <= 1 else "",
        heading=week_words(monday, monday + 6 * _DAY),
        **_common(host, me, whose, elsewhere, chosen, "week", 7 * _DAY),
    )


def month(host: Host, request: Request, me: Person) -> Response:
    """The weeks of a month."""
    chosen = _chosen_day(host, request, me)
    first = chosen.replace(day=1)
    following = (first + 31 * _DAY).replace(day=1)
    monday = first_day_of_week(first)
    weeks = -(-(following - monday).days // 7)
    whose, elsewhere, days = _view(host, request, me, monday, 7 * weeks, first.month)
    common = _common(host, me, whose, elsewhere, first, "month", _DAY)
    common |= {"before": (first - _DAY).replace(day=1), "after": following}
    return render(
        host,
        request,
        "month.html",
        weeks=[days[index : index + 7] for index in range(0, len(days), 7)],
        most=_IN_A_MONTH,
        weekdays=weekday_names(),
        heading=month_words(first),
        unknown_because=", ".join(dict.fromkeys(day.unknown for day in days if day.unknown)),
        **common,
    )


def routes() -> list[Route]:
    return [show("/calendar/week", week), show("/calendar/month", month)]


def _chosen_day(host: Host, request: Request, me: Person) -> date:
    chosen = read_date(request.query_params.get("day", ""))
    return chosen or host.clock().astimezone(me.zone).date()


def _common(
    host: Host,
    me: Person,
    whose: Person,
    elsewhere: Elsewhere,
    chosen: date,
    view: str,
    step: timedelta,
) -> dict[str, Any]:
    refreshed = ""
    if elsewhere.as_of is not None:
        refreshed = age(elsewhere.as_of, host.clock(), me.zone)
    return {
        "me": me,
        "whose": whose,
        "people": host.database.people(),
        "elsewhere": elsewhere,
        "refreshed": refreshed,
        "chosen": chosen,
        "before": chosen - step,
        "after": chosen + step,
        "view": view,
        "today": host.clock().astimezone(me.zone).date(),
        "types": _types(elsewhere),
    }


def _types(elsewhere: Elsewhere) -> list[tuple[str, str]]:
    """The types of the external events, the strongest first, as a class and a word for the key."""
    found = sorted({event.fbtype for event in elsewhere.events}, reverse=True)
    words = [KINDS[fbtype] for fbtype in found]
    return [(word.lower().replace(" ", "-"), word) for word in words]


def _view(
    host: Host, request: Request, me: Person, monday: date, count: int, month: int | None = None
) -> tuple[Person, Elsewhere, list[Day]]:
    """The calendar's owner, the external events, and ``count`` days from ``monday`` on."""
    whose = _whose(host, request, me)
    elsewhere = host.calendars.elsewhere(whose, me)
    end = monday + count * _DAY
    first, last = (datetime.combine(day, time(), me.zone) for day in (monday, end))
    items: dict[date, list[Item]] = {monday + index * _DAY: [] for index in range(count)}
    for item in (
        *_booked(host.database.events(whose.id, first, last), me, (monday, end)),
        *_external(elsewhere.events, me, whose, (monday, end)),
    ):
        items[item.day].append(item)
    today = host.clock().astimezone(me.zone).date()
    days = []
    for day, found in items.items():
        # Own events come first, and the rest by start.
        here = found[:_ON_A_DAY]
        timed = [item for item in here if not item.all_day]
        days.append(
            Day(
                day,
                day_words(day),
                day_words_long(day),
                day == today,
                month is None or day.month == month,
                _unknown(elsewhere, day, me) if whose.feeds else "",
                tuple(item for item in here if item.all_day),
                tuple(sorted(timed, key=lambda item: (item.first, item.last))),
                len(found) - len(here),
            )
        )
    return whose, elsewhere, days


def _whose(host: Host, request: Request, me: Person) -> Person:
    number = request.query_params.get("person", "")
    if not number:
        return me
    wanted = number_in(number)
    found = None if wanted is None else host.database.person(wanted)
    if found is None:
        raise HTTPException(404, "There is no such person.")
    return found


def _unknown(elsewhere: Elsewhere, day: date, me: Person) -> str:
    """Why a part of that day is unknown and not busy, either; empty if all of it is known."""
    if elsewhere.free_busy is None:
        return "the calendar could not be read"
    start = datetime.combine(day, time(), me.zone)
    end = datetime.combine(day + _DAY, time(), me.zone)
    window = elsewhere.free_busy.window
    if start < window.start:
        return "only the last month is read"
    if end > window.end:
        return "only the next three months are read"
    gaps = elsewhere.free_busy.unknown
    if any(gap.start < end and start < gap.end for gap in gaps):
        return "a part of the calendar cannot be read"
    return ""


def _booked(events: Iterable[Event], me: Person, days: tuple[date, date]) -> Iterator[Item]:
    for event in events:
        if me.id in event.people:
            title, kind, href = event.title, "own", f"/events/{event.id}"
        else:
            title, kind, href = "Busy", "booked", None
        for day, first, last, begins, till in _pieces(event.start, event.end, me, days):
            yield Item(day, first, last, False, title, begins, till, kind, "busy", href)


def _external(
    events: Iterable[extcal.ExternalEvent], me: Person, whose: Person, days: tuple[date, date]
) -> Iterator[Item]:
    for event in events:
        kind = title = KINDS[event.fbtype]
        if whose.id == me.id:
            title = event.summary or ("Private" if event.private else "No title")
        shown = {
            "title": title,
            "kind": "external",
            "type": kind.lower().replace(" ", "-"),
            "location": event.location or "",
        }
        if event.all_day and event.first_day is not None and event.last_day is not None:
            day = max(event.first_day, days[0])
            while day <= event.last_day and day < days[1]:
                yield Item(day, 0, 1440, True, begins="all day", till="", **shown)
                day += _DAY
            continue
        for day, first, last, begins, till in _pieces(event.start, event.end, me, days):
            yield Item(day, first, last, False, begins=begins, till=till, **shown)


def _pieces(
    start: datetime, end: datetime, me: Person, days: tuple[date, date]
) -> Iterator[tuple[date, int, int, str, str]]:
    """One piece for each local day in ``days`` (the first, and the one after the last): the day,
    its minutes, and its begin and end in words. An event that lasts for centuries costs no
    more."""
    first, last = (moment.astimezone(me.zone).replace(tzinfo=None) for moment in (start, end))
    begins, till = time_words(first), f"–{time_words(last)}" if last > first else ""
    several = first.date() != max(last - timedelta(seconds=1), first).date()
    midnight = datetime.combine(max(first.date(), days[0]), time())
    while midnight.date() < days[1] and (midnight < last or midnight.date() == first.date()):
        piece = (max(first, midnight), min(last, midnight + _DAY))
        minutes = [int((moment - midnight) / timedelta(minutes=1)) for moment in piece]
        if several:
            until = f"until {day_words(last.date())}, {time_words(last)}"
            begins, till = (time_words(first), f" {until}") if midnight <= first else (until, "")
        yield midnight.date(), minutes[0], max(minutes), begins, till
        midnight += _DAY


def _placed(items: Sequence[Item], first_hour: int, last_hour: int) -> Iterator[Item]:
    """The items of a day with their places: overlapping items are side by side."""
    crowd: list[Item] = []
    until = -1
    for item in items:
        if crowd and item.first >= until:
            yield from _side_by_side(crowd, first_hour, last_hour)
            crowd = []
        crowd.append(item)
        until = max(until if len(crowd) > 1 else -1, _drawn_until(item))
    yield from _side_by_side(crowd, first_hour, last_hour)


def _drawn_until(item: Item) -> int:
    return max(item.last, item.first + _SHORTEST)


def _side_by_side(crowd: Sequence[Item], first_hour: int, last_hour: int) -> Iterator[Item]:
    lanes: list[int] = []  # for each lane the minute until which it is taken
    taken: list[int] = []
    for item in crowd:
        lane = next((n for n, until in enumerate(lanes) if until <= item.first), len(lanes))
        if lane == len(lanes):
            lanes.append(0)
        lanes[lane] = _drawn_until(item)
        taken.append(lane)
    height = (last_hour - first_hour) * 60
    for item, lane in zip(crowd, taken, strict=True):
        top = (item.first - first_hour * 60) / height
        tall = (_drawn_until(item) - item.first) / height
        left, wide = lane / len(lanes), 1 / len(lanes)
        place = f"top:{top:.3%};height:{tall:.3%};left:{left:.3%};width:{wide:.3%}"
        yield replace(item, place=place)
