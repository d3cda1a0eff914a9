"""A body becomes a reading. Pure.

The result of expanding the bytes is kept unchanged. Only two things are added: unknown time after
``published_ahead``, and a Problem if a calendar that had events is suddenly empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import pack_rows
from extcal.cache.snapshot.questions import unsaid
from extcal.cache.snapshot.redaction import discreet_problems, discreet_rows
from extcal.cache.snapshot.snapshot import Reading
from extcal.errors import Problem, problem_of
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Fetched
from extcal.ical import Expansion, expand
from extcal.ical.events.external_event import EventRow
from extcal.ical.parse.spans import count_in, emptied, find, stretches, whole
from extcal.intervals import FreeBusy, epoch, instant
from extcal.intervals.types import code_of
from extcal.limits import Limits
from extcal.patterns import pattern
from extcal.values import replace

__all__ = ["fingerprint", "has_one_stamp", "read_body", "renewed"]

_FULL_FOR = timedelta(hours=24)
_FINGERPRINT = pattern(r"[0-9a-f]{8}")
_MAX_VALIDATOR = 1024
_GOOGLE = b"BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar"
_STAMP = pattern(rb"\nDTSTAMP:[0-9]{8}T[0-9]{6}Z\r?\n")  # such as DTSTAMP:20270104T080000Z
# What may be one, however it is written: "\ndtstamp;X-A=b:". Also "\nDT\n S" and every other name
# with a fold behind one of these letters: no group may repeat, because the engine keeps a kilobyte
# for each of a million folds.
_FOLD = rb"(?:\r?\n[ \t]|%b)"
_MAY_BE_STAMP = b"(?![A-Za-z-])"
for _letter in reversed(b"DTSTAMP"):
    _MAY_BE_STAMP = b"[%c%c]" % (_letter, _letter + 32) + _FOLD % _MAY_BE_STAMP
_ANY_STAMP = pattern(b"\n" + _MAY_BE_STAMP)
_LONGEST_STAMP = 16  # bytes that this looks at
_BORDER = b"\nBEGIN:V"  # no stamp lies across it
_LONGEST_INTERVAL = timedelta(days=7)


def read_body(
    fetched: Fetched,
    feed: Feed,
    window: tuple[int, int],
    fetched_at: datetime,
    previous: Reading | None,
    limits: Limits,
    made_by: MadeBy | None = None,
    body: str | None = None,
) -> Reading:
    """Read the body of ``fetched`` over ``window`` (epoch seconds), with the settings of ``feed``.

    ``fetched_at``: when the source gave it; that is earlier if an HTTP cache on the way had kept
    it. ``previous`` is the last reading of the same feed, to notice a calendar that became empty.
    ``made_by``: the versions that this process reads with. ``body``: its :func:`fingerprint`.
    Raises NotACalendar.
    """
    lo, hi = window
    expansion = expand(
        fetched.body,
        instant(lo),
        instant(hi),
        timezone=feed.timezone,
        owner=feed.owner,
        policy=feed.policy,
        limits=limits,
        detail=feed.detail,
    )
    found, problems = expansion.rows(), expansion.problems
    rows, planned = [row for row, _ in found], [planned for _, planned in found]
    unlisted = _unlisted(expansion.free_busy, rows)
    if feed.detail == "busy":
        rows, problems = discreet_rows(rows), discreet_problems(problems)
    packed = pack_rows(rows, titles=feed.detail == "events")
    if not packed:
        rows = []
    full_at = fetched_at if not expansion.empty else previous.full_at if previous else None
    reading = Reading(
        busy=BusyTime.of(_published(expansion.free_busy, feed, fetched_at), unlisted),
        complete=expansion.complete,
        events_complete=expansion.events_complete and bool(packed),
        empty=expansion.empty,
        problems=(*problems, *fetched.problems, *_noticed(expansion, full_at, fetched, fetched_at)),
        fetched_at=fetched_at,
        read_at=fetched_at,
        full_at=full_at,
        etag=_validator(fetched.etag),
        last_modified=_validator(fetched.last_modified),
        refresh_interval=_interval(expansion.refresh_interval),
        count=len(rows),
        packed=packed,
        made_by=made_by,
        planned=unsaid(rows, planned),
        body=body,
    )
    emptied(found, rows, planned)
    return reading


def renewed(
    reading: Reading, asked_at: datetime, age: timedelta, fetched: Fetched | None = None
) -> Reading:
    """The same reading, confirmed by its source: with 304, or with the same body, ``fetched``.

    ``age``: how long ago the source confirmed it to an HTTP cache on the way, if there is one.
    """
    fetched_at = asked_at - age
    if fetched_at < reading.fetched_at <= asked_at:
        fetched_at = reading.fetched_at
    return replace(
        reading,
        fetched_at=fetched_at,
        asked_at=None if fetched_at == asked_at else asked_at,
        read_at=reading.read_at if fetched is None else fetched_at,
        full_at=reading.full_at if reading.empty else fetched_at,
        etag=reading.etag if fetched is None else _validator(fetched.etag),
        last_modified=(
            reading.last_modified if fetched is None else _validator(fetched.last_modified)
        ),
    )


def fingerprint(fetched: Fetched, feed: Feed, secret: bytes) -> str:
    """A digest of the body, by which the same body is recognised when it comes again.

    Google writes the time of the request into every DTSTAMP. So the value of the first DTSTAMP is
    left out of the digest wherever it stands: see :func:`has_one_stamp`. With ``secret`` nobody
    else can compute the digest of a body.
    """
    body, said = fetched.body, (fetched.moved_to, fetched.problems)
    stamp = _first_stamp(body, feed)
    digest = hashlib.blake2b(digest_size=16, key=hashlib.sha256(secret).digest())
    for start, stop in stretches(body, whole(body)[0], _BORDER):
        piece = body[start:stop]
        digest.update(piece if stamp is None else piece.replace(stamp, b"\nDTSTAMP:\n"))
    digest.update(repr(said).encode(errors="backslashreplace"))
    return digest.hexdigest()


def has_one_stamp(body: bytes, feed: Feed) -> bool:
    """Whether a body whose :func:`fingerprint` is that of another one is read like that one.

    DTSTAMP (RFC 5545 section 3.8.7.2) orders versions of an event. If all of a body have one value,
    they order nothing, and it does not matter that the other body had another value. Where one has
    a second value, that is part of the digest, so both bodies have it.
    """
    stamp = _first_stamp(body, feed)
    if stamp is None:
        return True
    others = -count_in(body, whole(body), stamp)
    for start, stop in stretches(body, whole(body)[0], _BORDER):
        found = _ANY_STAMP.finditer(body, start, min(len(body), stop + _LONGEST_STAMP))
        others += sum(1 for each in found if each.start() < stop)
    return not others


def _first_stamp(body: bytes, feed: Feed) -> bytes | None:
    if not (body.startswith(_GOOGLE) or feed.provider == "google"):
        return None
    found = _STAMP.match(body, find(body, b"\nDTSTAMP:", 0, len(body)))
    return None if found is None else found[0]


def _published(free_busy: FreeBusy, feed: Feed, read_at: datetime) -> FreeBusy:
    """Time later than ``published_ahead`` is unknown.

    Outlook, for example, publishes a range that its user chooses, and the feed does not say which.
    """
    if feed.published_ahead is None:
        return free_busy
    lo, hi = free_busy.window_epochs
    until = epoch(read_at + feed.published_ahead)
    unknown = [*free_busy.unknown_epochs, (min(until, hi), hi)]
    return FreeBusy.from_epochs(lo, hi, free_busy.epochs, unknown)


def _unlisted(free_busy: FreeBusy, rows: Sequence[EventRow]) -> FreeBusy:
    """Busy time of a stronger type than the listed events give it."""
    lo, hi = free_busy.window_epochs
    starts, ends = [row.start for row in rows], [row.end for row in rows]
    listed = FreeBusy.from_columns(lo, hi, starts, ends, [code_of(row.fbtype) for row in rows])
    return free_busy.beyond(listed)


def _noticed(
    expansion: Expansion, full_at: datetime | None, fetched: Fetched, now: datetime
) -> list[Problem]:
    """Problems that the body alone does not show: from the last reading, and from the fetch."""
    found = []
    if expansion.empty and full_at is not None and now - full_at <= _FULL_FOR:
        found.append(problem_of("suddenly_empty"))
    moved_to = fetched.moved_to
    if moved_to is not None and _FINGERPRINT.fullmatch(moved_to):
        found.append(problem_of("moved_permanently", moved_to=moved_to))
    return found


def _interval(asked: timedelta | None) -> timedelta | None:
    """The interval that the feed asks for, at most a week: no cache waits longer than that."""
    return None if asked is None else min(asked, _LONGEST_INTERVAL)


def _validator(value: str | None) -> str | None:
    """An ETag or Last-Modified that can be sent back byte for byte, or None."""
    if not isinstance(value, str) or len(value) > _MAX_VALIDATOR:
        return None
    return value if value.isascii() and value.isprintable() else None
