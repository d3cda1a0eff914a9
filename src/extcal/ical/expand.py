"""The corridor, from its two ends: bytes and a window in, an Expansion or a FreeBusy out.

source -> sieve -> lines -> components -> zones, values -> series -> busy. Pure: no clock, no
network, no state between two calls. The only exceptions are a caller's mistakes, NotACalendar, and
LimitExceeded under ``strict``; everything odd in a feed is a Problem, and time nobody can vouch for
is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import get_args

from extcal.errors import NotACalendar
from extcal.ical.answer.collect import Question, Reading
from extcal.ical.answer.exclude import Excluded, Exclusions
from extcal.ical.answer.expansion import Expansion
from extcal.ical.answer.fbtype import owners
from extcal.ical.budget import Work
from extcal.ical.parse.components import read
from extcal.ical.parse.excess import thinned
from extcal.ical.parse.source import SupportsToIcal, to_bytes
from extcal.ical.shortcuts.select import Sieved
from extcal.ical.shortcuts.select import sieve as sift
from extcal.ical.zones.resolve import Zones
from extcal.intervals import FreeBusy, epoch
from extcal.limits import Limits
from extcal.policy import BusyPolicy, Detail

__all__ = ["Excluded", "Expansion", "expand", "free_busy"]


def free_busy(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    *,
    timezone: str | tzinfo | None = None,
    owner: str | Iterable[str] | None = None,
    policy: BusyPolicy | None = None,
    limits: Limits | None = None,
    exclude: Iterable[Excluded] = (),
    strict: bool = False,
    sieve: bool = True,
) -> FreeBusy:
    """Return the free/busy of a feed over ``[start, end)``: :func:`expand` without the events."""
    reading = _read(
        data, start, end, timezone, owner, policy, limits, exclude, strict, sieve, False, False
    )
    return reading.answer()


def expand(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    *,
    timezone: str | tzinfo | None = None,
    owner: str | Iterable[str] | None = None,
    policy: BusyPolicy | None = None,
    limits: Limits | None = None,
    detail: Detail = "events",
    exclude: Iterable[Excluded] = (),
    strict: bool = False,
    sieve: bool = True,
) -> Expansion:
    """Read a feed: when is its owner busy in ``[start, end)``, and why.

    ``data`` is the feed as bytes, str or anything with ``to_ical()``; ``start`` and ``end`` are
    aware. ``timezone`` is the calendar owner's, for floating times and dates (an IANA name or a
    tzinfo). ``owner`` is the owner's e-mail address or several: only then can a declined invitation
    be absent. ``policy`` says how facts are read, ``limits`` how much work is done.
    ``detail="busy"`` leaves titles and places out. ``exclude`` leaves events out by UID, or single
    instances by ``(uid, recurrence_id)``. ``strict`` turns a limit into an error. ``sieve=False``
    reads every byte; the answer is the same.

    Raises TypeError and ValueError for a caller's mistakes, NotACalendar when there is no calendar
    in ``data``, LimitExceeded only under ``strict``. Follows RFC 5545, and RFC 4791 section 7.10.
    """
    if detail not in get_args(Detail):
        raise ValueError(f'detail is "events" or "busy", not {detail!r}')
    titles = detail == "events"
    reading = _read(
        data, start, end, timezone, owner, policy, limits, exclude, strict, sieve, titles, True
    )
    return reading.expansion()


def _read(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    timezone: str | tzinfo | None,
    owner: str | Iterable[str] | None,
    policy: BusyPolicy | None,
    limits: Limits | None,
    exclude: Iterable[Excluded],
    strict: bool,
    sieve: bool,
    titles: bool,
    events: bool,
) -> Reading:
    lo, hi = epoch(start), epoch(end, ceil=True)
    if lo >= hi:
        raise ValueError("start must lie before end")
    question = Question(
        lo, hi, owners(owner), policy or BusyPolicy(), Exclusions(exclude), titles, events
    )
    work = Work(limits, strict=strict)
    raw = to_bytes(data)
    sieved = sift(raw, lo, hi, work.limits) if sieve else Sieved.nothing_left_out(raw)
    sieved = thinned(sieved, work)
    # Where there are events, only their owner's answer is asked of an ATTENDEE.
    people = bool(question.owner) or not sieved.has_vevents
    stream = read(sieved, work, people=people, plain=True, told=events)
    if not stream.calendars:
        raise NotACalendar("there is no VCALENDAR in this")
    has_vevents = bool(stream.events or stream.plain) or not sieved.whole
    zones = Zones(stream, lo, hi, timezone, work)
    return Reading(raw, stream, has_vevents, zones, work, question)
