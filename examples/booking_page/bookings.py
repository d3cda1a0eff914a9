"""The bookings, in SQLite. Two visitors never get the same time: it is checked while writing."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import extcal

__all__ = ["Booking", "Bookings"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bookings (
    uid TEXT PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL CHECK (starts < ends),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    known TEXT NOT NULL
) STRICT;
"""
_COLUMNS = "uid, token, starts, ends, name, email, known"


@dataclass(frozen=True, slots=True)
class Booking:
    """``token`` is the secret part of the visitor's link, ``uid`` the event's in calendars.

    ``known``: as JSON, what was known of the owner's time when it was booked.
    """

    uid: str
    token: str
    slot: extcal.Period
    name: str
    email: str
    known: str


class Bookings:
    """All bookings in the file ``path``, which only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._writing() as connection:
            connection.execute(_SCHEMA)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction in which nobody else writes."""
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def add(self, slot: extcal.Period, name: str, email: str, known: str) -> Booking | None:
        """Book; None if another booking has some of that time."""
        uid, token = f"{secrets.token_hex(12)}@booking-page", secrets.token_urlsafe(24)
        booking = Booking(uid, token, slot, name, email, known)
        with self._writing() as connection:
            if _taken(connection, booking):
                return None
            connection.execute(
                f"INSERT INTO bookings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", _row(booking)
            )
        return booking

    def move(self, booking: Booking, slot: extcal.Period, known: str) -> Booking | None:
        """Move a booking; None if another one has some of that time."""
        moved = Booking(booking.uid, booking.token, slot, booking.name, booking.email, known)
        with self._writing() as connection:
            if _taken(connection, moved):
                return None
            connection.execute(f"REPLACE INTO bookings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                               _row(moved))  # fmt: skip
        return moved

    def cancel(self, booking: Booking) -> None:
        with self._writing() as connection:
            connection.execute("DELETE FROM bookings WHERE uid = ?", (booking.uid,))

    def by_token(self, token: str) -> Booking | None:
        with self._writing() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM bookings WHERE token = ?", (token,)
            ).fetchone()
        return None if found is None else _booking(found)

    def between(self, start: datetime, end: datetime) -> list[Booking]:
        with self._writing() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM bookings WHERE starts < ? AND ends > ?",
                (_seconds(end), _seconds(start)),
            ).fetchall()
        return [_booking(row) for row in found]


def _taken(connection: sqlite3.Connection, booking: Booking) -> bool:
    uid, _, starts, ends, *_ = _row(booking)
    overlapping = "SELECT 1 FROM bookings WHERE starts < ? AND ends > ? AND uid <> ?"
    return connection.execute(overlapping, (ends, starts, uid)).fetchone() is not None


def _row(booking: Booking) -> tuple[str, str, int, int, str, str, str]:
    slot = booking.slot
    return (
        booking.uid,
        booking.token,
        _seconds(slot.start),
        _seconds(slot.end),
        booking.name,
        booking.email,
        booking.known,
    )


def _booking(row: tuple[str, str, int, int, str, str, str]) -> Booking:
    uid, token, starts, ends, name, email, known = row
    slot = extcal.Period(datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
    return Booking(uid, token, slot, name, email, known)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
