"""One VEVENT component in, a typed Event out (RFC 5545 sections 3.6.1, 3.8.2, 3.8.5).

No content of a feed raises here. An unreadable value becomes a Problem and is taken in the way that
blocks more: an event of which only the start can be read blocks its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events.all_day import all_day, is_flagged
from extcal.ical.events.event import Event, Stamps, Texts
from extcal.ical.events.facts import ALL_DAY_FLAGS, FACTS, Lines, blocking, values
from extcal.ical.events.start_end import (
    Source,
    Start,
    Stay,
    start_in,
    starts,
    stay,
)
from extcal.ical.events.times import (
    Extent,
    Moment,
    days_named,
    last_day,
    parse_day,
    parse_text,
    read_moment,
)
from extcal.ical.parse.components import Component
from extcal.ical.parse.content_lines import Line
from extcal.ical.parse.spans import sorted_in_slices
from extcal.ical.zones.resolve import Zone, Zones
from extcal.messages.problems import oddity, unknown
from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.ical.events.rdate_exdate import Dates

__all__ = ["ALL_DAY_FLAGS", "FACTS", "event", "stamps", "texts"]


_MANY_RULES = 1_000
# One text of a list. Takes in "a", "a\\,b", and "a\\\\" of "a\\\\,b". Not "a,b", which is two.
_LISTED = pattern(r"(?s:(?>(?:[^\\,]+|\\.?){1,999}))")
_DATES_OF_A_UNIT = 3  # of 2; reading them is bounded by max_dates, this is for splitting the line
_RULE = 2  # units of work, beside that of its line
# The codes of oddities in a list of dates, and the keys of their messages.
_OF_DATES = {
    "bad_date": "bad_date/end",
    "floating_end": "floating_end/date",
    "odd_digits": "odd_digits/list",
    "odd_duration": "odd_duration/date",
}


def event(component: Component, zones: Zones, work: Work) -> Event | None:
    """Type one VEVENT; None (and a Problem ``event_lost``) when its start cannot be read.

    If a component has several possible meanings, as with two DTSTARTs, the others are in
    ``Event.others``.
    """
    source = Source(component, zones, work)
    lines = source.lines
    uids = {line.value.strip() for line in lines.get("UID", ())}
    found = starts(source)
    if not found:
        work.problem(
            *oddity("event_lost" if "DTSTART" in lines else "event_lost/missing"),
            offset=component.offset,
            uid=source.uid or None,
        )
        return None
    flags = is_flagged(lines)
    ways = [(start, flagged) for start in found for flagged in sorted(flags or {False})]
    readings = [_reading(component, source, *ways[0])]
    for way in ways[1:]:
        if not work.step(1 + len(component.lines)):
            work.exceeded(
                *unknown("max_steps/readings", most=work.limits.max_steps),
                offset=component.offset,
                uid=source.uid,
            )
            break
        readings.append(_reading(component, source, *way))
    first, *others = readings
    first.others = tuple(others)
    if len(uids) > 1:
        source.tell(
            *oddity("property_repeated/uids"),
            lines["UID"][0],
            doubt=True,
        )
    for one in readings:
        one.doubtful = source.doubtful
        one.detached |= len(uids) > 1
        if one.detached:
            one.recurrence_id = None
    return first


def _reading(component: Component, source: Source, start: Start, flagged: bool) -> Event:
    """The event that a component means with one of its starts."""
    span = (component.offset, component.end)
    lines = source.lines
    found = Event(span, component.calendar, source.uid, start.moment, texts(lines), stamps(lines))
    _read_plain(found, source)
    if "RECURRENCE-ID" in source.lines:
        _read_recurrence_id(found, source)
    settle = partial(_settle, source, start, flagged)
    if "RECURRENCE-ID" in source.lines and start.moment.floating and not start.moment.is_date:
        found.unsettled = settle
    else:
        settle(found, None, False)
    _read_recurrence(found, source)
    return found


def _settle(
    source: Source, start: Start, flagged: bool, found: Event, series: Zone | None, told: bool
) -> None:
    """Read start and end of the first instance. Without a zone, its series' may be taken later."""
    if series is not None:
        start = start._replace(moment=start_in(source, start.moment, series, told=told))
    read = stay(source, start)
    days = all_day(source, read) if flagged else None
    _place(found, days or read)
    if days is not None:
        found.all_day = True
        found.of_day = False


def _place(found: Event, read: Stay) -> None:
    found.start, found.extent, found.has_end, found.of_day = read
    found.all_day = found.start.is_date


def _read_plain(found: Event, source: Source) -> None:
    lines = source.lines
    said: dict[str, str] = {}
    for name in FACTS & lines.keys():
        several = values(lines[name])
        if len(several) > 1:
            _tell_repeated(source, lines[name][0])
        said[name] = blocking(name, several)
    found.facts = {name: value for name, value in said.items() if value}
    if "CLASS" in lines:
        several = values(lines["CLASS"])
        if len(several) > 1:
            _tell_repeated(source, lines["CLASS"][0], "property_repeated/class")
        found.private = not {"", "PUBLIC"}.issuperset(several)
    for name in ALL_DAY_FLAGS:
        if len(lines.get(name, ())) > 1 and len(values(lines[name])) > 1:
            _tell_repeated(source, lines[name][0], "property_repeated/both")
    found.attendees = tuple(lines.get("ATTENDEE", ()))


def _tell_repeated(source: Source, line: Line, key: str = "property_repeated/blocking") -> None:
    source.tell(*oddity(key, name=line.name), line, doubt=True)


def texts(lines: Lines) -> Texts:
    """Title and place; if there are several, all of them."""
    titles, places = _texts(lines.get("SUMMARY", ())), _texts(lines.get("LOCATION", ()))
    return Texts(
        " / ".join(titles) or None,
        " / ".join(places) or None,
        titles,
        _categories(lines["CATEGORIES"]) if "CATEGORIES" in lines else (),
        tuple(lines.get("ORGANIZER", ())),
    )


def stamps(lines: Lines) -> Stamps:
    """SEQUENCE, DTSTAMP and LAST-MODIFIED; of several values the highest counts."""
    digits = (line.value.strip() for line in lines.get("SEQUENCE", ()))
    numbers = [int(text) for text in digits if text.isascii() and text.isdigit() and len(text) < 11]
    return Stamps(
        max(numbers, default=0),
        _stamp(lines.get("DTSTAMP", ())),
        _stamp(lines.get("LAST-MODIFIED", ())),
    )


def _texts(lines: Sequence[Line]) -> tuple[str, ...]:
    if len(lines) == 1:
        only = parse_text(lines[0].value)
        return () if only is None else (only,)
    texts = {text for line in lines if (text := parse_text(line.value)) is not None}
    return tuple(sorted_in_slices([*texts], str))


def _categories(lines: Sequence[Line]) -> tuple[str, ...]:
    """3.8.1.2: text *("," text); there may be several lines, and a comma in a text is escaped."""
    texts = (parse_text(part) for line in lines for part in _LISTED.findall(line.value))
    return tuple(sorted({text for text in texts if text is not None}))


def _stamp(lines: Sequence[Line]) -> int:
    """The highest time, in epoch seconds. By 3.8.7 all are in UTC; only their order matters."""
    found = [written.utc for line in lines if (written := read_moment(line.value)) is not None]
    return max(found, default=0)


# --- the recurrence set ---------------------------------------------------------------------


def _read_recurrence(found: Event, source: Source) -> None:
    lines = source.lines
    found.rules = _rules(lines.get("RRULE", ()), source)
    if "EXRULE" in lines:
        found.exrules = _exrules(lines["EXRULE"], source)
    if "RDATE" in lines or "EXDATE" in lines:
        _read_dates(found, source)
    if found.all_day:
        _check_days(found, source)


def _read_recurrence_id(found: Event, source: Source) -> None:
    lines = source.lines["RECURRENCE-ID"]
    line = lines[0]
    moments = {source.moment(line, found.start.zone) for line in lines}
    if len(moments) == 1:
        (found.recurrence_id,) = moments
    if found.recurrence_id is None:
        found.detached = True
        one = len(moments) == 1
        key = "bad_recurrence_id" if one else "property_repeated/recurrence_ids"
        source.tell(*oddity(key), line, doubt=True)
    reaches = {line.params.get("RANGE", "").strip().upper() for line in lines} - {""}
    found.this_and_future = reaches == {"THISANDFUTURE"}
    if reaches and not found.this_and_future:
        source.tell(*oddity("range_unknown", value=min(reaches)[:40]), line)


def _rules(lines: Sequence[Line], source: Source) -> tuple[recurrence.RecurrenceRule, ...]:
    rules = []
    work = source.work
    for line in lines:
        rule = work.rules.get(line.value)
        if rule is None:
            if not work.spend(_RULE + (line.value.count(",") >> 1)):
                break
            odd: list[tuple[str, str, str]] = []
            rule = recurrence.parse(line.value, lambda *told, odd=odd: odd.append(told))
            for code, message, action in odd:
                source.tell(code, message, action, line, doubt=True)
            if rule is not None and not odd and len(work.rules) < _MANY_RULES:
                work.rules[line.value] = rule  # many series have equal rules
        if rule is not None:
            rules.append(rule)
    return tuple(rules)


def _exrules(lines: Sequence[Line], source: Source) -> tuple[recurrence.RecurrenceRule, ...]:
    """The EXRULEs (RFC 2445). One with a doubtful part is left out and removes nothing."""
    certain: list[Line] = []
    for line in lines:
        if not source.work.spend(_RULE + (line.value.count(",") >> 1)):
            break
        odd: list[str] = []
        rule = recurrence.parse(line.value, lambda *told, odd=odd: odd.append(told[0]))
        if odd or rule is None:
            source.tell(
                *oddity("exrule_unclear"),
                line,
                doubt=True,
            )
        else:
            certain.append(line)
    return _rules(certain, source)


def _read_dates(found: Event, source: Source) -> None:
    from extcal.ical.events.rdate_exdate import Dates

    limits, work = source.work.limits, source.work
    dates = Dates(found.calendar, found.start.zone, source.zones)
    rdates: list[tuple[Moment, Extent | None]] = []
    exdates: list[Moment] = []
    found.rdates, found.exdates = rdates, exdates
    taken = 0
    for name in ("RDATE", "EXDATE"):
        for line in source.lines.get(name, ()):
            if not work.spend(line.value.count(",") >> _DATES_OF_A_UNIT):
                return
            texts = [value for value in line.value.split(",") if value.strip()]
            if name == "EXDATE" and "/" in line.value:  # the start of a period counts
                texts = [text.partition("/")[0] for text in texts]
            size = len(texts)
            if name == "RDATE" and not texts:  # perhaps its fold was lost
                _bad_date(found, source, line)
            room = limits.max_dates - work.count("dates", 0)
            room = max(0, min(room, limits.max_dates_per_series - taken))
            del texts[room:]
            read = list(dates.of(line, texts))
            if dates.odd:
                _odd_dates(source, line, dates)
            good = [date for date in read if date is not None]
            if name == "RDATE":
                rdates += good
                bad = [text for text, date in zip(texts, read, strict=True) if date is None]
                rdates += _blocked_days(found, source, line, bad)
            else:
                exdates += [moment for moment, _ in good]
                for _ in range(len(texts) - len(good)):
                    _bad_date(found, source, line)
            taken += len(texts)
            work.count("dates", len(texts))
            if size > room:
                _too_many_dates(found, line, name, taken == limits.max_dates_per_series, work)
                return


def _odd_dates(source: Source, line: Line, dates: Dates) -> None:
    for code in sorted(dates.odd):
        told = oddity(_OF_DATES[code], name=line.name)
        source.tell(*told, line, doubt=code == "bad_date")
    dates.odd.clear()


def _blocked_days(
    found: Event, source: Source, line: Line, texts: Sequence[str]
) -> list[tuple[Moment, Extent | None]]:
    """The days of RDATEs whose time cannot be read."""
    days: list[tuple[Moment, Extent | None]] = []
    for text in texts:
        day = parse_day(
            line._replace(value=text.partition("/")[0]),
            found.calendar,
            source.zones,
            series=found.start.zone,
        )
        _bad_date(found, source, line, blocked=day is not None)
        if day is not None:
            days.append((day, Extent(1, 0)))
    return days


def _bad_date(found: Event, source: Source, line: Line, *, blocked: bool = False) -> None:
    source.doubtful = True
    told = oddity("bad_date/day" if blocked else "bad_date", name=line.name)
    source.work.problem(*told, offset=line.offset, uid=found.uid)


def _check_days(found: Event, source: Source) -> None:
    """Report the dates and UNTILs of a series of days that may mean several days."""
    zone, lines = found.start.zone, source.lines
    for name, moments in (
        ("EXDATE", found.exdates),
        ("RDATE", [moment for moment, extent in found.rdates if extent is None]),
    ):
        unsure = [days for moment in moments if not (days := days_named(moment, zone)).sure]
        if unsure:
            clear = all(len(days.midnights) == 1 for days in unsure)
            source.tell(
                *oddity("date_unclear/midnight" if clear else "date_unclear", name=name),
                lines[name][0],
                doubt=True,
            )
    for name, rules in (("RRULE", found.rules), ("EXRULE", found.exrules)):
        for rule in rules:
            until = rule.until
            if until is None or until.kind != "utc" or last_day(until.seconds, zone).sure:
                continue
            key = "until_unclear" if name == "RRULE" else "until_unclear/exrule"
            source.tell(
                *oddity(key, name=name),
                lines[name][0],
                doubt=True,
            )


def _too_many_dates(found: Event, line: Line, name: str, series: bool, work: Work) -> None:
    """Report excess dates: RDATEs make time unknown, EXDATEs only leave instances busy."""
    limit = "max_dates_per_series" if series else "max_dates"
    most = getattr(work.limits, limit)
    if name == "RDATE":
        work.exceeded(*unknown(limit, most=most), offset=line.offset, uid=found.uid)
    else:
        work.problem(*oddity(limit, most=most), offset=line.offset, uid=found.uid)
