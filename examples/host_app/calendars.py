"""All that an application needs of extcal: connect a calendar, ask who is free, show events.

Everything here blocks until the sources have answered, ten seconds at most. So call it from a
thread, as ``web.py`` does. Nothing here raises because of a calendar, its server or its address,
except :class:`NotConnected`, which is for the profile form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import extcal
from host_app.database import Database, Event, Person

__all__ = ["Calendars", "Elsewhere", "Look", "NotConnected"]

_PATIENCE = timedelta(seconds=10)  # how long a page waits for all its calendars together


class NotConnected(Exception):
    """An address that cannot be used; ``message`` and ``advice`` are for the person to read."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What may be shown of a person's external calendar.

    ``events``: with titles for the owner, without titles for everybody else. If nothing is
    known, ``free_busy`` is None and ``trouble`` says why. ``as_of``: when it was last refreshed;
    ``stale``: whether that is longer ago than promised, and then ``trouble`` says why.
    """

    events: tuple[extcal.ExternalEvent, ...] = ()
    free_busy: extcal.FreeBusy | None = None
    as_of: datetime | None = None
    stale: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Who is free when; the mappings are by the names in ``names``, which is by person's id.

    ``as_of`` and ``stale``: the age of the external calendar's snapshot. ``trouble``: why a
    calendar could not be read, in words.
    """

    table: extcal.Availability
    names: Mapping[int, str]
    as_of: Mapping[str, datetime | None]
    stale: Mapping[str, bool]
    trouble: Mapping[str, str]


class Calendars:
    """The external calendars, joined with the application's own bookings.

    ``store``: the file of extcal's snapshots; with ``secret`` its keys reveal nothing.
    ``allow_networks``: only for a demo on your own machine; an application leaves it empty.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: Path,
        secret: bytes,
        clock: Callable[[], datetime],
        allow_networks: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._store = extcal.SQLiteStore(store)
        # One cache for the life of the process: it implements the 30 minutes and the three
        # months.
        self._cache = extcal.CalendarCache(
            store=self._store,
            fetcher=extcal.HttpFetcher(allow_networks=allow_networks),
            secret=secret,
            clock=clock,
            limits=extcal.Limits(fetch_deadline=_PATIENCE.total_seconds()),
        )

    def close(self) -> None:
        self._store.close()

    # -- one person's calendar ------------------------------------------------------------------

    def connect(self, pasted: str, person: Person) -> extcal.Snapshot:
        """Try the pasted address; it is stored only if it could be read.

        Raises NotConnected with a message for the person. It never repeats what was pasted.
        """
        try:
            feed = extcal.Feed.from_user_input(pasted, timezone=person.timezone, owner=person.email)
            # refresh, not get: after correcting an address nobody has to wait for the back-off.
            snapshot = self._cache.refresh(feed)
        except (extcal.FeedUrlError, extcal.Unavailable) as error:
            raise NotConnected(error.message, error.advice or "") from None
        if snapshot.state is not extcal.State.FRESH:
            raise NotConnected("The calendar cannot be read just now.", "Try again in a minute.")
        if person.feed is not None and person.feed != feed:
            self._cache.forget(person.feed)
        self._database.connect_calendar(person.id, feed)
        return snapshot

    def disconnect(self, person: Person) -> None:
        """Delete the address, and all that was read from it."""
        if person.feed is not None:
            self._cache.forget(person.feed)
            self._database.connect_calendar(person.id, None)

    def forget_reading(self, before: Person, after: Person) -> None:
        """Delete the snapshot that was made with another zone or another e-mail address."""
        if before.feed is not None and before.feed != after.feed:
            self._cache.forget(before.feed)

    def refresh(self, people: Iterable[Person]) -> frozenset[int]:
        """For the "refresh" button. The cache asks a source at most every 30 seconds.

        Returns the ids of the people whose calendar could not be read. Their last snapshot is
        still there, and may be new enough to be shown without a remark.
        """
        connected = [person for person in people if person.feed is not None]
        with ThreadPoolExecutor(max_workers=8) as pool:
            done = list(pool.map(self._refresh, connected))
        return frozenset(
            person.id for person, well in zip(connected, done, strict=True) if not well
        )

    def _refresh(self, person: Person) -> bool:
        assert person.feed is not None
        try:
            return self._cache.refresh(person.feed).state is extcal.State.FRESH
        except extcal.Unavailable:
            return False

    def elsewhere(self, person: Person, viewer: Person) -> Elsewhere:
        """What ``viewer`` may see of the external calendar of ``person``."""
        if person.feed is None:
            return Elsewhere()
        try:
            snapshot = self._cache.get(person.feed)
        except extcal.Unavailable as error:
            return Elsewhere(trouble=error.message)
        if person.id != viewer.id:
            snapshot = snapshot.redacted()
        stale = snapshot.state is not extcal.State.FRESH
        return Elsewhere(
            snapshot.events,
            snapshot.free_busy,
            snapshot.fetched_at,
            stale,
            "The calendar could not be read just now." if stale else "",
        )

    # -- everybody's time -----------------------------------------------------------------------

    def look(
        self, people: Sequence[Person], start: datetime, end: datetime, moving: Event | None = None
    ) -> Look:
        """When each of ``people`` is busy in ``[start, end)``, here or in their external calendar.

        ``moving``: an event that is to be rescheduled. It blocks nobody, neither here nor in an
        external calendar that contains it, too.
        """
        names = _names(people)
        sources: dict[str, list[extcal.Feed | extcal.FreeBusy]] = {
            names[person.id]: [self._bookings(person, start, end, moving)] for person in people
        }
        for person in people:
            if person.feed is not None:
                sources[names[person.id]].append(person.feed)
        table = self._cache.availability(
            sources,
            start,
            end,
            timeout=_PATIENCE,
            exclude=[] if moving is None else [moving.uid],
        )
        return Look(
            table,
            names,
            table.as_of,
            {name: table.state[name] not in (None, extcal.State.FRESH) for name in table},
            {name: "; ".join(each.message for each in table.problems[name]) for name in table},
        )

    def _bookings(
        self, person: Person, start: datetime, end: datetime, moving: Event | None
    ) -> extcal.FreeBusy:
        return extcal.FreeBusy.from_periods(
            (start, end),
            [
                (event.start, event.end)
                for event in self._database.events(person.id, start, end)
                if moving is None or event.id != moving.id
            ],
        )


def _names(people: Sequence[Person]) -> dict[int, str]:
    """A unique name for each person; if two have the same name, it includes the e-mail address."""
    plain = [person.name for person in people]
    names: dict[int, str] = {}
    for person in people:
        twice = plain.count(person.name) > 1
        name = f"{person.name} ({person.email})" if twice else person.name
        while name in names.values():
            name += f" #{person.id}"
        names[person.id] = name
    return names
