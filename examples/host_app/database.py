"""The application's own data: people, and the events that were booked with it.

Plain SQLite; each call opens its own connection, so any thread may call. Instants are aware
datetimes, and are stored as whole seconds. The address of an external calendar is as sensitive as a
password. All of them are in one column of this file, and are returned only inside a
:class:`extcal.Feed`, which does not show it. Encrypt that column as you encrypt other credentials.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import extcal

__all__ = ["Database", "Event", "Person"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    timezone TEXT NOT NULL,
    opens TEXT NOT NULL,
    closes TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS calendars (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    UNIQUE (person, address)
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL CHECK (starts < ends),
    organiser INTEGER NOT NULL REFERENCES people (id)
) STRICT;
CREATE TABLE IF NOT EXISTS attendance (
    event INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    person INTEGER NOT NULL REFERENCES people (id),
    PRIMARY KEY (event, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attendance_of_person ON attendance (person);
"""
_PERSON = """
    SELECT id, name, email, timezone, opens, closes,
           (SELECT json_group_array(address) FROM
             (SELECT address FROM calendars WHERE person = people.id ORDER BY id)) AS addresses
    FROM people
"""
_EVENT = """
    SELECT id, uid, title, starts, ends, organiser,
           (SELECT group_concat(person) FROM attendance WHERE event = events.id) AS people
    FROM events
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the application.

    ``timezone``: an IANA name. ``opens``, ``closes``: the working day, ``"HH:MM"``. ``feeds``: the
    external calendars, read in that zone and with that e-mail address as their owner.
    """

    id: int
    name: str
    email: str
    timezone: str
    opens: str
    closes: str
    feeds: tuple[extcal.Feed, ...]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def hours(self) -> extcal.WorkingHours:
        return extcal.WorkingHours("MO-FR", self.opens, self.closes, self.timezone)


@dataclass(frozen=True, slots=True)
class Event:
    """A booking of this application; ``people`` are the ids of all who take part."""

    id: int
    uid: str
    title: str
    start: datetime
    end: datetime
    organiser: int
    people: frozenset[int]


class Database:
    """The application's own database in the file ``path``, which only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._connection() as connection:
            connection.executescript(_SCHEMA)
            _move_addresses(connection)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                yield connection

    # -- people ---------------------------------------------------------------------------------

    def people(self) -> list[Person]:
        """Everybody, by name."""
        with self._connection() as connection:
            rows = connection.execute(f"{_PERSON} ORDER BY name, id").fetchall()
        return [_person(row) for row in rows]

    def person(self, number: int) -> Person | None:
        with self._connection() as connection:
            row = connection.execute(f"{_PERSON} WHERE id = ?", (number,)).fetchone()
        return None if row is None else _person(row)

    def add_person(
        self, name: str, email: str, timezone: str, opens: str = "09:00", closes: str = "17:00"
    ) -> int:
        with self._connection() as connection:
            done = connection.execute(
                "INSERT INTO people (name, email, timezone, opens, closes) VALUES (?, ?, ?, ?, ?)",
                (name, email, timezone, opens, closes),
            )
        return done.lastrowid or 0

    def change_person(
        self, number: int, name: str, email: str, timezone: str, opens: str, closes: str
    ) -> bool:
        """False if somebody else has that e-mail address."""
        try:
            with self._connection() as connection:
                connection.execute(
                    "UPDATE people SET name = ?, email = ?, timezone = ?, opens = ?, closes = ?"
                    " WHERE id = ?",
                    (name, email, timezone, opens, closes, number),
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def connect_calendar(self, number: int, feed: extcal.Feed) -> None:
        """Store the address of ``feed`` for this person."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO calendars (person, address) VALUES (?, ?)",
                (number, feed.reveal()),
            )

    def disconnect_calendar(self, number: int, feed: extcal.Feed) -> None:
        """Delete the address of ``feed`` for this person."""
        with self._connection() as connection:
            connection.execute(
                "DELETE FROM calendars WHERE person = ? AND address = ?", (number, feed.reveal())
            )

    # -- events ---------------------------------------------------------------------------------

    def event(self, number: int) -> Event | None:
        with self._connection() as connection:
            row = connection.execute(f"{_EVENT} WHERE id = ?", (number,)).fetchone()
        return None if row is None else _event(row)

    def events(self, person: int, start: datetime, end: datetime) -> list[Event]:
        """The events of ``person`` that overlap ``[start, end)``, by start."""
        with self._connection() as connection:
            rows = connection.execute(
                f"{_EVENT} WHERE starts < ? AND ends > ?"
                " AND id IN (SELECT event FROM attendance WHERE person = ?) ORDER BY starts, id",
                (_seconds(end), _seconds(start), person),
            ).fetchall()
        return [_event(row) for row in rows]

    def book(
        self, title: str, start: datetime, end: datetime, organiser: int, people: Iterable[int]
    ) -> int:
        """Add an event; the organiser always takes part."""
        with self._connection() as connection:
            done = connection.execute(
                "INSERT INTO events (uid, title, starts, ends, organiser) VALUES (?, ?, ?, ?, ?)",
                (f"{secrets.token_hex(12)}@host", title, _seconds(start), _seconds(end), organiser),
            )
            number = done.lastrowid or 0
            _attend(connection, number, {organiser, *people})
        return number

    def change_event(
        self, event: Event, title: str, start: datetime, end: datetime, people: Iterable[int]
    ) -> None:
        with self._connection() as connection:
            connection.execute(
                "UPDATE events SET title = ?, starts = ?, ends = ? WHERE id = ?",
                (title, _seconds(start), _seconds(end), event.id),
            )
            connection.execute("DELETE FROM attendance WHERE event = ?", (event.id,))
            _attend(connection, event.id, {event.organiser, *people})

    def cancel_event(self, number: int) -> None:
        with self._connection() as connection:
            connection.execute("DELETE FROM events WHERE id = ?", (number,))


def _move_addresses(connection: sqlite3.Connection) -> None:
    """Earlier, a person had one calendar, whose address stood beside the name."""
    columns = {row["name"] for row in connection.execute("PRAGMA table_info (people)")}
    if "calendar_address" in columns:
        connection.execute(
            "INSERT OR IGNORE INTO calendars (person, address)"
            " SELECT id, calendar_address FROM people WHERE calendar_address IS NOT NULL"
        )
        connection.execute("ALTER TABLE people DROP COLUMN calendar_address")


def _attend(connection: sqlite3.Connection, event: int, people: set[int]) -> None:
    connection.executemany(
        "INSERT INTO attendance (event, person) VALUES (?, ?)",
        [(event, person) for person in sorted(people)],
    )


def _person(row: sqlite3.Row) -> Person:
    feeds = tuple(
        extcal.Feed(address, timezone=row["timezone"], owner=row["email"])
        for address in json.loads(row["addresses"])
    )
    return Person(
        row["id"], row["name"], row["email"], row["timezone"], row["opens"], row["closes"], feeds
    )


def _event(row: sqlite3.Row) -> Event:
    start, end = (datetime.fromtimestamp(row[name], UTC) for name in ("starts", "ends"))
    people = frozenset(int(number) for number in row["people"].split(","))
    return Event(row["id"], row["uid"], row["title"], start, end, row["organiser"], people)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
