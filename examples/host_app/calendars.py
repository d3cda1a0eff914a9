"""All of extcal that a host needs: connect a calendar, ask who is free, show what is elsewhere.

Everything here blocks for as long as a source takes to answer, ten seconds at most: call it from a
thread, as ``web.py`` does. Nothing here raises for what a calendar,
its server or its address is like, but for :class:`NotConnected`, which is for the profile form.
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

_PATIENCE = timedelta(seconds=10)  # of whoever waits for a page, for all calendars together


class NotConnected(Exception):
    """An address that cannot be used; ``message`` and ``advice`` are for the person to read."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What may be shown of the calendar that somebody keeps elsewhere.

    ``events``: with titles for the owner, without for everybody else. ``free_busy`` is None, and
    ``trouble`` says why, if nothing is known. ``as_of``: when it was last refreshed; ``stale``:
    that is longer ago than promised, and ``trouble`` says why.
    """

    events: tuple[extcal.ExternalEvent, ...] = ()
    free_busy: extcal.FreeBusy | None = None
    as_of: datetime | None = None
    stale: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Who is free when; the mappings are by the names in ``names``, which is by person's id.

    ``as_of`` and ``stale``: how old what is known from elsewhere is. ``trouble``: why a calendar
    could not be read, in words.
    """

    table: extcal.Availability
    names: Mapping[int, str]
    as_of: Mapping[str, datetime | None]
    stale: Mapping[str, bool]
    trouble: Mapping[str, str]


class Calendars:
    """The calendars kept elsewhere, joined with what the host booked itself.

    ``store``: the file of extcal's snapshots; ``secret`` keeps its keys from telling anything.
    ``allow_networks``: only for a demo on one's own machine; a host leaves it empty.
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
        # One cache for the life of the process: it holds the 30 minutes and the three months.
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
        """Try what somebody pasted; only an address that could be read is kept.

        Raises NotConnected with what to tell them. It never repeats what was pasted.
        """
        try:
            feed = extcal.Feed.from_user_input(pasted, timezone=person.timezone, owner=person.email)
            # refresh, not get: whoever has just mended an address does not wait for a back-off.
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
        """Forget the address, and all that was read from it."""
        if person.feed is not None:
            self._cache.forget(person.feed)
            self._database.connect_calendar(person.id, None)

    def forget_reading(self, before: Person, after: Person) -> None:
        """Drop what was read in another zone, or for another e-mail address."""
        if before.feed is not None and before.feed != after.feed:
            self._cache.forget(before.feed)

    def refresh(self, people: Iterable[Person]) -> frozenset[int]:
        """Somebody pressed "refresh". The cache keeps 30 seconds between two attempts.

        Returns the ids of those whose calendar could not be read: what was read before is still
        there, and may be young enough to be shown without further ado.
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
        """What ``viewer`` may see of the calendar ``person`` keeps elsewhere."""
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
        """Who of ``people`` is busy when in ``[start, end)``, here or elsewhere.

        ``moving``: an event that is to be rescheduled. It stands in nobody's way, neither here nor
        where it came back through somebody's calendar.
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
    """A name for each; two of the same name are told apart by their e-mail addresses.

    Whatever people call themselves, nobody's time is taken for somebody else's.
    """
    plain = [person.name for person in people]
    names: dict[int, str] = {}
    for person in people:
        twice = plain.count(person.name) > 1
        name = f"{person.name} ({person.email})" if twice else person.name
        while name in names.values():
            name += f" #{person.id}"
        names[person.id] = name
    return names
