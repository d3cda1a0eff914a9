"""Which VTIMEZONE of a feed a name means (RFC 5545 section 3.8.3.1).

A TZID goes in, the rules of the definition it means come out. Own VCALENDAR first, then all of the
body; the name as written, then cleaned, then case-folded. Of several usable definitions of one name
copies count once, and of different ones the newest, then the greatest by content is taken, so that
the order of components never matters. Definitions are read when they are asked for, and definitions
with the same observances share their rules and tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from extcal.ical._vtimezone import Budget, Definition, Observance, VtimezoneRules, read
from extcal.ical._zone_names import clean, exact
from extcal.ical.components import Component, Stream
from extcal.ical.work import Work

__all__ = ["Definitions", "Found"]

LOCATION = "X-LIC-LOCATION"

Content = tuple[tuple[tuple[str, str], ...], tuple["Content", ...]]


class Found(NamedTuple):
    """``rules`` of the definition that was found; ``location`` is the X-LIC-LOCATION of one that
    cannot be used, or empty."""

    rules: VtimezoneRules | None
    location: str = ""


class _Entry:
    """One VTIMEZONE whose name tzdata does not settle; its definition is read on first use."""

    __slots__ = ("component", "definition", "name", "raw", "was_read")

    def __init__(self, component: Component, raw: str, name: str) -> None:
        self.component = component
        self.raw = raw
        self.name = name
        self.was_read = False
        self.definition: Definition | None = None


class Definitions:
    """The VTIMEZONEs of one feed. ``work`` hears of oddities and of limits."""

    __slots__ = (
        "_budget",
        "_everywhere",
        "_interned",
        "_names",
        "_own",
        "_shared",
        "_stream",
        "_told",
    )

    def __init__(self, stream: Stream, work: Work) -> None:
        self._stream = stream
        self._budget = Budget(work)
        self._interned: dict[tuple[Observance, ...], VtimezoneRules] = {}
        self._own: dict[tuple[int, str], list[_Entry]] = {}
        self._everywhere: dict[str, list[_Entry]] = {}
        self._shared: dict[str, Found] = {}
        self._names: set[str] | None = None
        self._told: set[str] = set()
        entries = [
            (calendar, _Entry(component, raw, clean(raw)))
            for calendar, head in enumerate(stream.calendars)
            for component in head.vtimezones
            if exact(clean(raw := _tzid(component))) is None
        ]
        if len(entries) <= work.limits.max_timezones:
            for calendar, entry in entries:
                self._own.setdefault((calendar, entry.name.casefold()), []).append(entry)
                self._everywhere.setdefault(entry.name.casefold(), []).append(entry)
        else:
            self._index_distinct(entries)

    def _index_distinct(self, entries: list[tuple[int, _Entry]]) -> None:
        """Index no copies, and of too many definitions the same ones in any order."""
        contents = [_content(entry.component) for _, entry in entries]
        distinct = set(contents)
        limit = self._budget.feed.limits.max_timezones
        if len(distinct) > limit:
            self._budget.exceeded("max_timezones", "the feed defines more time zones than are read")
            distinct = set(sorted(distinct)[:limit])
        own: set[tuple[int, Content]] = set()
        for (calendar, entry), content in zip(entries, contents, strict=True):
            if content not in distinct or (calendar, content) in own:
                continue
            own.add((calendar, content))
            self._own.setdefault((calendar, entry.name.casefold()), []).append(entry)
        for (_, entry), content in zip(entries, contents, strict=True):
            if content in distinct:
                distinct.remove(content)
                self._everywhere.setdefault(entry.name.casefold(), []).append(entry)

    def find(self, raw: str, calendar: int) -> Found:
        """What the TZID ``raw`` of a value in VCALENDAR number ``calendar`` means."""
        folded = clean(raw).casefold()
        own = self._own.get((calendar, folded))
        found = self._best(own, raw) if own else Found(None)
        if found.rules is not None:
            return found
        shared = self._shared.get(raw)
        if shared is None:
            shared = self._shared[raw] = self._best(self._everywhere.get(folded, ()), raw)
        return shared if shared.rules is not None or not found.location else found

    def only(self, calendar: int) -> str | None:
        """The TZID of the only VTIMEZONE of a VCALENDAR, or of the body if it has none itself."""
        heads = self._stream.calendars
        names = _names(heads[calendar].vtimezones) if 0 <= calendar < len(heads) else set[str]()
        if not names:
            if self._names is None:
                self._names = _names(part for head in heads for part in head.vtimezones)
            names = self._names
        if len({clean(name).casefold() for name in names}) != 1:
            return None
        return min(names)

    def _best(self, entries: Iterable[_Entry], raw: str) -> Found:
        """Of the nearest spelling that has a usable definition, the greatest one."""
        name = clean(raw)
        location = ""
        spellings: tuple[list[_Entry], ...] = ([], [], [], [])
        for entry in entries:
            exactness = (entry.raw == raw, entry.raw == name, entry.name == name, True)
            spellings[exactness.index(True)].append(entry)
        for alike in spellings:
            usable = {found for entry in alike if (found := self._definition(entry)) is not None}
            if usable:
                return Found(self._rules(max(usable), {each.observances for each in usable}, name))
            location = max([location, *(_value(entry.component, LOCATION) for entry in alike)])
        return Found(None, location)

    def _rules(
        self, best: Definition, known: set[tuple[Observance, ...]], name: str
    ) -> VtimezoneRules:
        if len(known) > 1 and name.casefold() not in self._told:
            self._told.add(name.casefold())
            self._budget.feed.problem(
                "tz_duplicate",
                f"{len(known)} different VTIMEZONEs have the name {name[:80]!r}",
                action="the newest, else the greatest by content, was used",
            )
        rules = self._interned.get(best.observances)
        if rules is None:
            rules = self._interned[best.observances] = VtimezoneRules(best, self._budget)
        return rules

    def _definition(self, entry: _Entry) -> Definition | None:
        if not entry.was_read:
            entry.was_read = True
            feed = self._budget.feed
            offset = entry.component.offset

            def report(message: str, action: str) -> None:
                feed.problem("tz_observance", message, offset=offset, action=action)

            entry.definition = read(entry.component, self._budget, report)
            if entry.definition is None:
                message = f"the VTIMEZONE {entry.name[:80]!r} has no usable observance"
                feed.problem("tz_unusable", message, offset=offset, action="ignored")
        return entry.definition


def _value(component: Component, name: str) -> str:
    return max((line.value for line in component.lines if line.name == name), default="")


def _tzid(component: Component) -> str:
    return _value(component, "TZID")


def _names(components: Iterable[Component]) -> set[str]:
    return {_tzid(component) for component in components}


def _content(component: Component) -> Content:
    """What a component says, without regard to the order it says it in."""
    lines = sorted((line.name, line.value) for line in component.lines)
    return (("BEGIN", component.name), *lines), tuple(
        sorted(_content(child) for child in component.children)
    )
