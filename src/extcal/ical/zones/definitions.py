"""Which VTIMEZONE of a feed a name means (RFC 5545 section 3.8.3.1).

A TZID goes in, the rules of the definition it means come out. The VCALENDAR of the value is
searched first, then the whole body. In each, the name is compared as written, then cleaned, then
case-folded. Copies of a definition count once. Of different usable definitions of one name the
newest is taken, then the greatest by content, so that the order of components never matters.
Definitions are read on demand, and definitions with the same observances share their rules and
tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from extcal.ical.budget import Work
from extcal.ical.parse.components import Component, Stream
from extcal.ical.zones.names import clean, is_settled
from extcal.ical.zones.vtimezone import Budget, Definition, Observance, VtimezoneRules, read
from extcal.messages.problems import oddity, unknown
from extcal.values import NamedTuple

__all__ = ["Definitions", "FoundDefinition"]

LOCATION = "X-LIC-LOCATION"
FAR_TOO_MANY = 4  # times the limit: up to so many texts are read, to find equal definitions


Content = tuple[tuple[tuple[str, str], ...], tuple["Content", ...]]


class FoundDefinition(NamedTuple):
    """``rules`` of the definition that was found; ``location`` is the X-LIC-LOCATION of one that
    cannot be used, or empty. ``whole``: all of the definition could be read as it is written."""

    rules: VtimezoneRules | None
    location: str = ""
    whole: bool = True


_NOTHING = FoundDefinition(None)


class _Entry:
    """One VTIMEZONE whose name tzdata alone does not decide; it is read on first use."""

    __slots__ = ("component", "definition", "name", "raw", "was_read")

    def __init__(self, raw: str, component: Component) -> None:
        self.raw = raw
        self.name = clean(raw)
        self.component = component
        self.was_read = False
        self.definition: Definition | None = None


class Definitions:
    """The VTIMEZONEs of one feed. Oddities and limits are reported to ``work``."""

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
        self._shared: dict[str, FoundDefinition] = {}
        self._names: set[str] | None = None
        self._told: set[str] = set()

    @classmethod
    def of(cls, stream: Stream, work: Work) -> Definitions:
        """The definitions of a feed, by name; of far too many only ``max_timezones``."""
        definitions = cls(stream, work)
        definitions._index(list(definitions._entries()), work.limits.max_timezones)
        return definitions

    def _index(self, entries: list[tuple[int, _Entry]], limit: int) -> None:
        if len(entries) > FAR_TOO_MANY * limit:
            entries = self._thinned(entries)
        if len(entries) > limit:
            self._index_distinct(entries)
            return
        for calendar, entry in entries:
            self._own.setdefault((calendar, entry.name.casefold()), []).append(entry)
            self._everywhere.setdefault(entry.name.casefold(), []).append(entry)

    def _entries(self) -> Iterator[tuple[int, _Entry]]:
        """The definitions that may matter, with their calendars; only their names are read."""
        limit = self._budget.feed.limits.max_timezones
        stream = self._stream
        wanted = self._wanted_names(limit)
        for calendar, head in enumerate(stream.calendars):
            for component in head.vtimezones:
                raw = _tzid(component)
                if raw in wanted:
                    yield calendar, _Entry(raw, component)

    def _wanted_names(self, limit: int) -> set[str]:
        """The names that tzdata alone does not decide. A cut to ``limit`` ignores their order."""
        heads = self._stream.calendars
        wanted: set[str] = set()
        for raw in sorted(_names(self._stream, range(len(heads)))):
            if not is_settled(clean(raw)):
                if len(wanted) == limit:
                    self._budget.exceeded(*unknown("max_timezones"))
                    break
                wanted.add(raw)
        return wanted

    def _index_distinct(self, entries: list[tuple[int, _Entry]]) -> None:
        """Index the definitions without copies. A cut of too many ignores their order."""
        contents = [_content(entry.component) for _, entry in entries]
        distinct = set(contents)
        limit = self._budget.feed.limits.max_timezones
        if len(distinct) > limit:
            self._budget.exceeded(*unknown("max_timezones"))
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

    def _thinned(self, entries: list[tuple[int, _Entry]]) -> list[tuple[int, _Entry]]:
        """Cut far too many different texts, ignoring their order and without parsing them."""
        limit = self._budget.feed.limits.max_timezones
        body = self._stream.raw
        texts = [body[entry.component.offset : entry.component.end] for _, entry in entries]
        if len(set(texts)) <= FAR_TOO_MANY * limit:
            return entries
        self._budget.exceeded(*unknown("max_timezones"))
        kept = set(sorted(set(texts))[:limit])
        return [entry for entry, text in zip(entries, texts, strict=True) if text in kept]

    def find(self, raw: str, calendar: int) -> FoundDefinition:
        """The definition for the TZID ``raw`` of a value in VCALENDAR number ``calendar``."""
        folded = clean(raw).casefold()
        own = self._own.get((calendar, folded))
        found = self._best(own, raw) if own else _NOTHING
        if found.rules is not None:
            return found
        everywhere = self._everywhere.get(folded)
        if everywhere is None:
            return found
        shared = self._shared.get(raw)
        if shared is None:
            shared = self._shared[raw] = self._best(everywhere, raw)
        return shared if shared.rules is not None or not found.location else found

    def only(self, calendar: int) -> str | None:
        """The TZID of the only VTIMEZONE of a VCALENDAR, or of the body if it has none itself."""
        size = len(self._stream.calendars)
        names = _names(self._stream, (calendar,)) if 0 <= calendar < size else set[str]()
        if not names:
            if self._names is None:
                self._names = _alike(_names(self._stream, range(size)))
            return min(self._names, default=None)
        return min(_alike(names), default=None)

    def _best(self, entries: Iterable[_Entry], raw: str) -> FoundDefinition:
        """The greatest usable definition of the closest spelling that has one."""
        name = clean(raw)
        location = ""
        spellings: tuple[list[_Entry], ...] = ([], [], [], [])
        for entry in entries:
            exactness = (entry.raw == raw, entry.raw == name, entry.name == name, True)
            spellings[exactness.index(True)].append(entry)
        for alike in spellings:
            usable = {found for entry in alike if (found := self._definition(entry)) is not None}
            if usable:
                best = max(usable)
                rules = self._rules(best, {each.observances for each in usable}, name)
                return FoundDefinition(rules, whole=best.whole)
            location = max([location, *(_value(entry.component, LOCATION) for entry in alike)])
        return FoundDefinition(None, location)

    def _rules(
        self, best: Definition, known: set[tuple[Observance, ...]], name: str
    ) -> VtimezoneRules:
        if len(known) > 1 and name.casefold() not in self._told:
            self._told.add(name.casefold())
            self._budget.feed.problem(
                *oddity("tz_duplicate", count=len(known), name=repr(name[:80])),
            )
        rules = self._interned.get(best.observances)
        if rules is None:
            rules = self._interned[best.observances] = VtimezoneRules(best, self._budget)
        return rules

    def _definition(self, entry: _Entry) -> Definition | None:
        if not entry.was_read:
            entry.was_read = True
            feed = self._budget.feed
            if not self._budget.allows(len(entry.component.children)):
                return None
            offset = entry.component.offset

            def report(code: str, message: str, action: str) -> None:
                feed.problem(code, message, action, offset=offset)

            entry.definition = read(entry.component, self._budget, report)
            if entry.definition is None:
                feed.problem(*oddity("tz_unusable", name=repr(entry.name[:80])), offset=offset)
        return entry.definition


def _value(component: Component, name: str) -> str:
    return max((line.value for line in component.lines if line.name == name), default="")


def _tzid(component: Component) -> str:
    return _value(component, "TZID")


def _names(stream: Stream, calendars: Iterable[int]) -> set[str]:
    """The TZIDs of all VTIMEZONEs of some calendars."""
    heads = stream.calendars
    return {_tzid(component) for index in calendars for component in heads[index].vtimezones}


def _content(component: Component) -> Content:
    """The content of a component, the same for any order of its lines."""
    lines = sorted((line.name, line.value) for line in component.lines)
    return (("BEGIN", component.name), *lines), tuple(
        sorted(_content(child) for child in component.children)
    )


def _alike(names: set[str]) -> set[str]:
    """The names if all are spellings of one name, else an empty set."""
    return names if len({clean(name).casefold() for name in names}) == 1 else set()
