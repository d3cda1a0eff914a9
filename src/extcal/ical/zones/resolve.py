"""Time zones of one feed: a TZID and a local time in, an instant out (RFC 5545 section 3.2.19).

A :class:`Zones` belongs to one reading of one feed. Feeds never share rules, tables or names,
because a TZID has a meaning only inside its own body (section 3.8.3.1).

A name is looked up in this order; the first match counts:

1. the UTC family; an IANA key, whose rules come from tzdata even if the feed brings its own (feeds
   carry stale ones); the IANA key at the end of ``/prefix/.../Area/City``. But UTC, EST, MST, HST,
   CET, MET, EET and WET mean what the feed defines by them, if that is something else
2. a usable VTIMEZONE of that name: own VCALENDAR first, then its siblings; as written, then
   cleaned, then case-folded. But an IANA key in other letters comes before a VTIMEZONE that cannot
   be read as it is written
3. the X-LIC-LOCATION of an unusable one
4. Windows IDs, Domino short names and display names; relaxed IANA spelling; pure offsets
5. X-WR-TIMEZONE, then the caller's zone, then UTC, with a Problem

Nothing depends on the order of components. Oddities of the feed become Problems. Only a ``default``
that names no zone raises, because that is the caller's mistake.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import timezone, tzinfo
from itertools import islice
from operator import lt
from zoneinfo import ZoneInfo

from extcal.ical.budget import Work
from extcal.ical.parse.components import Stream
from extcal.ical.zones.names import (
    Named,
    clean,
    exact,
    is_settled,
    loose,
    relaxed,
    standard_offset,
    windows_zone,
)
from extcal.ical.zones.transitions import DAY, FixedRules, TzinfoRules
from extcal.messages.problems import oddity, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.ical.zones.definitions import Definitions
    from extcal.ical.zones.transitions import ZoneRules

__all__ = ["Zone", "Zones"]

SLACK = 62 * DAY  # for meetings that last into the window, and overrides moved out of it
YEAR = 366 * DAY
QUOTED = 80  # characters of a name that a message quotes


class Zone:
    """One zone: where its rules came from, and conversion between local time and instants.

    ``source`` is "utc", "iana", "windows", "vtimezone", "x-wr-timezone", "argument" or "assumed".
    Local seconds are counted since 1970-01-01T00:00:00 of the zone's own calendar.
    """

    __slots__ = (
        "_high",
        "_instants",
        "_low",
        "_offsets",
        "_rules",
        "_switches",
        "_window",
        "name",
        "source",
    )

    def __init__(self, name: str, source: str, rules: ZoneRules, window: tuple[int, int]) -> None:
        self.name = name
        self.source = source
        self._rules = rules
        self._window = window
        self._low = self._high = 0
        self._instants: list[int] = []
        self._switches: list[int] = []
        self._offsets: list[int] = []

    def __repr__(self) -> str:
        return f"<Zone {self.name} ({self.source})>"

    def to_epoch(self, local: int) -> int:
        """The instant of a local second (3.3.5).

        A time in a gap moves forward. Of a time that occurs twice, the first one is taken.
        """
        if self._low <= local < self._high:
            return local - self._offsets[bisect_right(self._switches, local)]
        return self.to_epoch(local) if self._opened() else self._rules.to_epoch(local)

    def elapsed(self, first: int, last: int) -> int:
        """How many seconds pass from one local second to another one."""
        if self._low <= first < self._high and self._low <= last < self._high:
            offsets, switches = self._offsets, self._switches
            begun, ended = bisect_right(switches, first), bisect_right(switches, last)
            return last - first + offsets[begun] - offsets[ended]
        return self.elapsed(first, last) if self._opened() else self._rules.elapsed(first, last)

    def to_epochs(self, run: Sequence[int]) -> Sequence[int]:
        """The instants of sorted local seconds: what :meth:`to_epoch` gives for each of them."""
        return self.epochs_in_order(run)[0]

    def epochs_in_order(self, run: Sequence[int]) -> tuple[Sequence[int], bool]:
        """The same for distinct ones, and whether each instant is later than the one before it.

        A gap may move a start onto or behind the next one.
        """
        if not self._offsets:
            self._opened()
        if not run or run[0] < self._low or run[-1] >= self._high:
            found = [self.to_epoch(local) for local in run]
            return found, all(map(lt, found, islice(found, 1, None)))
        switches, offsets = self._switches, self._offsets
        index, last = bisect_right(switches, run[0]), bisect_right(switches, run[-1])
        if index == last:
            offset = offsets[index]
            return [local - offset for local in run] if offset else run, True
        found, in_order, begin = [], True, 0
        for number in range(index, last + 1):
            behind = bisect_left(run, switches[number], begin) if number < last else len(run)
            offset = offsets[number]
            part = [local - offset for local in run[begin:behind]]
            in_order = in_order and not (found and part and found[-1] >= part[0])
            found += part
            begin = behind
        return found, in_order

    def to_local(self, epoch: int) -> int:
        """The local second of an instant."""
        if self._low <= epoch < self._high:
            return epoch + self._offsets[bisect_right(self._instants, epoch)]
        return self.to_local(epoch) if self._opened() else self._rules.to_local(epoch)

    def changes(self, lo: int, hi: int) -> list[int]:
        """``lo``, and the transitions that the window's table has inside (lo, hi)."""
        self._opened()
        return [lo, *(instant for instant in self._instants if lo < instant < hi)]

    def switches(self, first: int, last: int) -> list[int] | None:
        """The local seconds in (first, last] from which on another offset applies.

        None if the window's table does not cover that time.
        """
        if not self._offsets:
            self._opened()
        if first < self._low or last >= self._high:
            return None
        switches = self._switches
        return switches[bisect_right(switches, first) : bisect_right(switches, last)]

    def within(self, window: tuple[int, int]) -> Zone:
        """The same zone, with a table for another window."""
        return Zone(self.name, self.source, self._rules, window)

    def called(self, source: str) -> Zone:
        """The same zone with another ``source``."""
        return Zone(self.name, source, self._rules, self._window)

    def _opened(self) -> bool:
        """Build the window's table on first use; False if it had been built."""
        if self._offsets:
            return False
        table = self._rules.table(*self._window)
        self._low, self._high = table.low, table.high
        self._instants, self._switches = table.instants, table.switches
        self._offsets = table.offsets
        return True


class Zones:
    """The zones of one feed.

    ``stream``: the feed's components. ``lo``, ``hi``: the window in epoch seconds, for which tables
    are built. ``default``: the calendar owner's zone as an IANA or Windows name or a tzinfo, or
    None. ``work``: where Problems and limits are recorded. Raises ValueError if ``default`` names
    no zone, TypeError if it is neither text nor a tzinfo.
    """

    __slots__ = (
        "_argument",
        "_assumed",
        "_assumed_utc",
        "_definitions",
        "_floating",
        "_headed",
        "_read",
        "_resolved",
        "_siblings_head",
        "_stream",
        "_told",
        "_too_many",
        "_tzids",
        "_window",
        "_work",
        "utc",
    )

    def __init__(
        self, stream: Stream, lo: int, hi: int, default: str | tzinfo | None, work: Work
    ) -> None:
        self._stream = stream
        self._window = (lo, hi)
        self._work = work
        self._told: set[tuple[str, ...]] = set()
        self._tzids: set[str] = set()
        self._too_many = False
        self._read: dict[Named | tuple[str, ZoneRules], Zone] = {}
        self._resolved: dict[tuple[str, int], Zone] = {}
        self._assumed: dict[Zone, Zone] = {}
        self._floating: dict[int, Zone | None] = {}
        self._headed: dict[int, Zone | None] = {}
        self._siblings_head: list[str] | None = None
        self._definitions: Definitions | None = None
        self.utc = self._named(Named("utc", "UTC", 0))
        self._assumed_utc = self.utc.called("assumed")
        self._argument = None if default is None else self._from_argument(default)

    def floating(self, calendar: int) -> Zone | None:
        """The zone of floating times and dates if the caller or the feed states one, else None.

        ``calendar``: the index of the VCALENDAR in the stream. Reports no Problem, so that a caller
        can try another hint before UTC is assumed.
        """
        if calendar not in self._floating:
            self._floating[calendar] = self._stated(calendar)
        return self._floating[calendar]

    def at_offset(self, offset: int) -> Zone:
        """The zone of a time written with a numeric offset, given in seconds east of UTC."""
        if not offset:
            return self.utc
        hours, minutes = divmod(abs(offset) // 60, 60)
        sign = "-" if offset < 0 else "+"
        return self._named(Named("utc", f"UTC{sign}{hours:02}:{minutes:02}", offset))

    def names_nothing(self, tzid: str, calendar: int) -> bool:
        """Whether a TZID is empty, and no VTIMEZONE has an empty name: then the time floats."""
        return not clean(tzid) and self._from_name(tzid, calendar) is None

    def resolve(self, tzid: str | None, calendar: int) -> Zone:
        """The zone of a TZID, or of floating times and dates.

        ``tzid``: the raw parameter, or None for a value without one. ``calendar``: the index of the
        value's VCALENDAR in the stream. Always returns a zone; an assumption is reported as a
        Problem.
        """
        if tzid is None:
            return self._resolve_floating(calendar)
        zone = self._resolved.get((tzid, calendar))
        if zone is None:
            zone = self._resolved[tzid, calendar] = self._resolve(tzid, calendar)
        return zone

    # Names (steps 1 to 4)

    def _resolve(self, tzid: str, calendar: int) -> Zone:
        self._tzids.add(tzid)
        most = self._work.limits.max_tzids
        if len(self._tzids) > most and not self._too_many:
            self._too_many = True
            self._work.exceeded(*unknown("max_tzids", most=most))
        zone = self._from_name(tzid, calendar)
        if zone is not None:
            return zone
        name = clean(tzid)
        if not name:  # an empty TZID names no zone, so the time floats
            return self.resolve(None, calendar)
        return self._assume(name, calendar)

    def _from_name(self, raw: str, calendar: int) -> Zone | None:
        name = clean(raw)
        named = exact(name)
        if named is not None and is_settled(name):
            return self._named(named)
        found = self._defined().find(raw, calendar)
        if named is not None:
            return self._redefined(name, named, found.rules)
        if found.rules is not None:
            key = None if found.whole else relaxed(name)
            if key is None:
                return self._from_definition(name, found.rules)
            self._tell(oddity("tz_relaxed", name=_quoted(name), zone=key), name)
            return self._named(Named("iana", key))
        located = exact(clean(found.location)) if found.location else None
        named = located or loose(name)
        return None if named is None else self._named(named)

    def _redefined(self, name: str, named: Named, rules: ZoneRules | None) -> Zone:
        """A name of a fixed offset, which the feed may define in another way."""
        usual = self._named(named)
        if rules is None:
            return usual
        zone = self._read.get((name, rules))
        if zone is None:
            lo, hi = self._window
            window = (lo - YEAR, hi + YEAR)
            own = Zone(name, "vtimezone", rules, window)
            zone = own if _differ(own, usual.within(window), window) else usual
            self._read[name, rules] = zone
            if zone is own:
                self._tell(oddity("tz_conflict/offset", name=_quoted(name)), name.casefold())
        return zone

    def _defined(self) -> Definitions:
        if self._definitions is None:
            # Imported on demand: feeds that use IANA keys never need it.
            from extcal.ical.zones.definitions import Definitions

            self._definitions = Definitions.of(self._stream, self._work)
        return self._definitions

    def _from_definition(self, name: str, rules: ZoneRules) -> Zone:
        zone = self._read.get((name, rules))
        if zone is None:
            lo, hi = self._window
            zone = Zone(name, "vtimezone", rules, (lo - YEAR, hi + YEAR))
            self._read[name, rules] = zone
            self._compare(zone)
        return zone

    def _compare(self, zone: Zone) -> None:
        """Report a definition that differs, inside the window, from what its Windows name means."""
        key = windows_zone(zone.name)
        if key is None:
            return
        if _differ(zone, self._named(Named("windows", key)), self._window):
            self._tell(oddity("tz_conflict", name=_quoted(zone.name)), zone.name.casefold())

    def _named(self, named: Named) -> Zone:
        zone = self._read.get(named)
        if zone is None:
            rules: ZoneRules
            if named.offset is None:
                rules = TzinfoRules(ZoneInfo(named.name))
            else:
                rules = FixedRules(named.offset)
            zone = self._read[named] = Zone(named.name, named.source, rules, self._near())
        return zone

    def _near(self) -> tuple[int, int]:
        lo, hi = self._window
        return lo - SLACK, hi + SLACK

    def _from_argument(self, default: str | tzinfo) -> Zone:
        if isinstance(default, str):
            name = clean(default)
            named = exact(name) or loose(name)
            if named is None:
                raise ValueError(
                    f"timezone={default!r} names no zone; pass an IANA name such as "
                    "'Europe/Berlin', a Windows name such as 'Romance Standard Time', or a tzinfo"
                )
            return self._named(named).called("argument")
        if not isinstance(default, tzinfo):
            raise TypeError(f"timezone is a name, a tzinfo or None, not {type(default).__name__}")
        rules: ZoneRules = TzinfoRules(default)
        offset = rules.to_local(0)
        return Zone(
            str(default),
            "argument",
            FixedRules(offset) if isinstance(default, timezone) else rules,
            self._near(),
        )

    # Times without a zone, and unknown names

    def _resolve_floating(self, calendar: int) -> Zone:
        zone = self.floating(calendar)
        if zone is not None:
            return zone
        self._tell(oddity("floating_assumed"))
        return self._assumed_utc

    def _stated(self, calendar: int) -> Zone | None:
        zone = self._argument or self._from_head(calendar)
        if zone is not None:
            return zone
        only = self._defined().only(calendar)
        zone = None if only is None else self._from_name(only, calendar)
        return None if zone is None else zone.called("vtimezone")

    def _assume(self, name: str, calendar: int) -> Zone:
        offset = standard_offset(name)
        if offset is not None:
            zone = self._named(Named("assumed", name, offset))
        else:
            # A feed may hold thousands of unknown names; they all share one table.
            meant = self._from_head(calendar) or self._argument or self.utc
            zone = self._assumed.get(meant) or meant.called("assumed")
            self._assumed[meant] = zone
        told = oddity("tz_assumed", name=_quoted(name), zone=zone.name[:QUOTED])
        self._tell(told, name, zone.name)
        return zone

    def _from_head(self, calendar: int) -> Zone | None:
        """The zone of X-WR-TIMEZONE: the VCALENDAR's own, else that of another VCALENDAR."""
        if calendar not in self._headed:
            own = self._x_wr_timezone(calendar)
            zone = None if own is None else self._from_name(own, calendar)
            if own is not None and zone is None:
                self._tell(oddity("x_wr_timezone_unknown", name=_quoted(own)), own)
            self._headed[calendar] = None if zone is None else zone.called("x-wr-timezone")
        return self._headed[calendar]

    def _x_wr_timezone(self, calendar: int) -> str | None:
        heads = self._stream.calendars
        if 0 <= calendar < len(heads) and clean(heads[calendar].x_wr_timezone or ""):
            return heads[calendar].x_wr_timezone
        if self._siblings_head is None:
            told = {clean(head.x_wr_timezone or "") for head in heads}
            self._siblings_head = sorted(told - {""})
        names = self._siblings_head
        if len(names) > 1:
            self._tell(oddity("x_wr_timezone_conflict", zone=names[0][:QUOTED]))
        return names[0] if names else None

    def beside_utc(self) -> None:
        """3.2.19: TZID "MUST NOT be applied to ... DATE-TIME ... properties whose time values are
        specified in UTC". A producer that does so does it in every event, so it is reported once.
        """
        self._tell(oddity("tz_beside_utc"))

    def _tell(self, told: tuple[str, str, str], *about: str) -> None:
        """Record a Problem (code, message, action) once for each ``about``."""
        code = told[0]
        if (code, *about) not in self._told:
            self._told.add((code, *about))
            self._work.problem(*told)


def _differ(zone: Zone, other: Zone, window: tuple[int, int]) -> bool:
    """Whether two zones have different local times at any instant of a window."""
    instants = {*zone.changes(*window), *other.changes(*window)}
    return any(zone.to_local(instant) != other.to_local(instant) for instant in instants)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= QUOTED else f"{name[:QUOTED]}...")
