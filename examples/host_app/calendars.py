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
from host_app.words import in_words

__all__ = ["Calendars", "Elsewhere", "Look", "NotConnected"]

_MOST = 5  # calendars of one person
_PATIENCE = timedelta(seconds=10)  # how long a page waits for all its calendars together


class NotConnected(Exception):
    """An address that cannot be used; ``message`` and ``advice`` are for the person to read."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What may be shown of a person's external calendars, all of them together.

    ``events``: with titles for the owner, without titles for everybody else. If nothing is
    known, ``free_busy`` is None and ``trouble`` says why. ``as_of``: when the oldest of them was
    last refreshed; ``stale``: whether that is longer ago than promised, and then ``trouble`` says
    why.
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
            if feed not in person.feeds and len(person.feeds) >= _MOST:
                raise NotConnected(f"You have {_MOST} calendars already.", "Remove one first.")
            # refresh, not get: after correcting an address nobody has to wait for the back-off.
            snapshot = self._cache.refresh(feed)
        except (extcal.FeedUrlError, extcal.Unavailable) as error:
            told = in_words(error)
            raise NotConnected(told.message, told.advice or "") from None
        if snapshot.state is not extcal.State.FRESH:
            raise NotConnected("The calendar cannot be read just now.", "Try again in a minute.")
        self._database.connect_calendar(person.id, feed)
        return snapshot

    def disconnect(self, person: Person, fingerprint: str) -> bool:
        """Delete an address, and all that was read from it; False if there is no such one."""
        found = [feed for feed in person.feeds if feed.fingerprint == fingerprint]
        for feed in found:
            self._cache.forget(feed)
            self._database.disconnect_calendar(person.id, feed)
        return bool(found)

    def forget_reading(self, before: Person, after: Person) -> None:
        """Delete snapshots that were made with another zone or another e-mail address."""
        for feed in set(before.feeds).difference(after.feeds):
            self._cache.forget(feed)

    def refresh(self, people: Iterable[Person]) -> frozenset[int]:
        """For the "refresh" button. The cache asks a source at most every 30 seconds.

        Returns the ids of the people of whom a calendar could not be read. Its last snapshot is
        still there, and may be new enough to be shown without a remark.
        """
        connected = [(person.id, feed) for person in people for feed in person.feeds]
        with ThreadPoolExecutor(max_workers=8) as pool:
            done = list(pool.map(self._refresh, [feed for _, feed in connected]))
        return frozenset(
            number for (number, _), well in zip(connected, done, strict=True) if not well
        )

    def _refresh(self, feed: extcal.Feed) -> bool:
        try:
            return self._cache.refresh(feed).state is extcal.State.FRESH
        except extcal.Unavailable:
            return False

    def elsewhere(self, person: Person, viewer: Person) -> Elsewhere:
        """What ``viewer`` may see of the external calendars of ``person``."""
        snapshots, trouble = [], ""
        for feed in person.feeds:
            try:
                snapshot = self._cache.get(feed)
            except extcal.Unavailable as error:
                trouble = in_words(error).message
            else:
                snapshots.append(snapshot if person.id == viewer.id else snapshot.redacted())
        if not snapshots:
            return Elsewhere(trouble=trouble)
        known = extcal.FreeBusy.join([snapshot.free_busy for snapshot in snapshots])
        if len(snapshots) < len(person.feeds):
            # Of one calendar nothing is known, so nobody knows when the person is free.
            window = known.window
            known |= extcal.FreeBusy.from_periods(window, unknown=[window])
        stale = any(snapshot.state is not extcal.State.FRESH for snapshot in snapshots)
        if stale and not trouble:
            trouble = "The calendar could not be read just now."
        events = [event for snapshot in snapshots for event in snapshot.events]
        return Elsewhere(
            tuple(sorted(events, key=lambda event: (event.start, event.end, event.uid))),
            known,
            min(snapshot.fetched_at for snapshot in snapshots),
            stale,
            trouble,
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
            sources[names[person.id]] += person.feeds
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
