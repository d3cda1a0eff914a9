"""A feed without what a person wrote, which still shows its fault: ``extcal check --report``.

In: the bytes of a feed. Out: the same content lines, folded at the same places, in which titles,
names, addresses, UIDs and everything that is not known to be harmless are replaced. Equal values
stay equal and different ones different, so that overrides still find their series. Dates, rules,
zones, states and the structure stay as they are, with whatever is odd about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from extcal.ical.parse.source import to_bytes

__all__ = ["redacted"]

_TIMES = frozenset(
    b"DTSTART DTEND DUE DURATION DTSTAMP CREATED LAST-MODIFIED RECURRENCE-ID RDATE EXDATE RRULE"
    b" EXRULE FREEBUSY TRIGGER REPEAT TZOFFSETFROM TZOFFSETTO TZUNTIL COMPLETED ACKNOWLEDGED"
    b" SEQUENCE PRIORITY PERCENT-COMPLETE REFRESH-INTERVAL X-PUBLISHED-TTL"
    b" X-MICROSOFT-CDO-APPT-SEQUENCE X-MICROSOFT-CDO-OWNERAPPTID".split()
)
_WORDS = frozenset(
    b"TRANSP STATUS CLASS ACTION VERSION CALSCALE METHOD FBTYPE BUSYTYPE X-MICROSOFT-CDO-BUSYSTATUS"
    b" X-MICROSOFT-CDO-INTENDEDSTATUS X-MICROSOFT-CDO-ALLDAYEVENT X-MICROSOFT-CDO-IMPORTANCE"
    b" X-MICROSOFT-CDO-INSTTYPE X-MICROSOFT-DISALLOW-COUNTER X-MICROSOFT-MSNCALENDAR-BUSYSTATUS"
    b" X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT X-MICROSOFT-ISRESPONSEREQUESTED"
    b" X-MS-OLK-FORCEINSPECTOROPEN".split()
)
# Names of zones and of programs.
_NAMES = frozenset(b"TZID X-WR-TIMEZONE TZNAME X-LIC-LOCATION PRODID".split())
_TEXTS = frozenset(
    b"UID SUMMARY DESCRIPTION LOCATION COMMENT CONTACT CATEGORIES RESOURCES ATTENDEE ORGANIZER URL"
    b" ATTACH GEO RELATED-TO REQUEST-STATUS IMAGE CONFERENCE COLOR NAME SOURCE TZURL TZID-ALIAS-OF"
    b" STRUCTURED-DATA STYLED-DESCRIPTION PARTICIPANT-TYPE CALENDAR-ADDRESS X-WR-CALNAME"
    b" X-WR-CALDESC X-WR-RELCALID X-ALT-DESC X-APPLE-STRUCTURED-LOCATION".split()
)
_COMPONENTS = frozenset(
    b"VCALENDAR VEVENT VTODO VJOURNAL VFREEBUSY VTIMEZONE STANDARD DAYLIGHT VALARM VAVAILABILITY"
    b" AVAILABLE VLOCATION VRESOURCE PARTICIPANT".split()
)
_KEPT_PARAMETERS = frozenset(
    b"VALUE RANGE FBTYPE PARTSTAT CUTYPE ROLE RSVP RELATED RELTYPE LANGUAGE ENCODING FMTTYPE"
    b" RSCALE X-VOBJ-FLOATINGTIME-ALLOWED".split()
)
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_HEAD = re.compile(rb'([^:;"]*)((?:;(?:"[^"]*"|[^:"])*)?)(:?)(.*)', re.DOTALL)
_PARAMETER = re.compile(rb';([^=;]*)(?:(=)((?:"[^"]*"|[^;"])*))?')
_TIME = re.compile(rb"[A-Za-z0-9:+\-,;=/. ]*")
_RULE_WORDS = re.compile(
    rb"(?i)\b(?:FREQ|UNTIL|COUNT|INTERVAL|BY(?:SECOND|MINUTE|HOUR|DAY|MONTHDAY|YEARDAY|WEEKNO|MONTH"
    rb"|SETPOS)|WKST|RSCALE|SKIP|SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY|GREGORIAN"
    rb"|OMIT|BACKWARD|FORWARD|[+-]?\d*(?:MO|TU|WE|TH|FR|SA|SU)|\d+(?:T\d*)?Z?|P[\dWDTHMS]*)\b"
)
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")
_TOKEN = re.compile(rb"[A-Za-z0-9.\-]{1,40}")
_ZONE = re.compile(rb"[A-Za-z0-9_+\-/.:,()&' ]{1,80}")


def redacted(data: bytes) -> bytes:
    """The feed ``data`` without what a person wrote. Raises NotACalendar for anything else."""
    names = _Pseudonyms()
    return b"".join(_line(*line, names) for line in _logical_lines(to_bytes(data)))


class _Pseudonyms:
    """What stands for a value: the same for the same value, wherever it occurs."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def of(self, value: bytes) -> bytes:
        """As long as ``value`` if that is possible, so that lines stay as long as they were."""
        if not value:
            return value
        if value not in self._known:
            name = b"x%d" % (len(self._known) + 1)
            self._known[value] = name.ljust(len(value), b"x")
            if not _is_utf8(value):
                self._known[value] += b"\xe9"
        return self._known[value]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _logical_lines(raw: bytes) -> Iterator[tuple[bytes, list[tuple[int, bytes]], bytes]]:
    """Each content line without its folds, where they were, and how it ended."""
    line, folds, end = b"", [], b""
    for match in _LINE.finditer(raw):
        text = match[0]
        body = text.rstrip(b"\r\n")
        if body[:1] in (b" ", b"\t") and end:
            folds.append((len(line), end + body[:1]))
            line, end = line + body[1:], text[len(body) :]
            continue
        if line or end:
            yield line, folds, end
        line, folds, end = body, [], text[len(body) :]
    if line or end:
        yield line, folds, end


def _line(line: bytes, folds: list[tuple[int, bytes]], end: bytes, names: _Pseudonyms) -> bytes:
    found = _HEAD.fullmatch(line)
    assert found is not None  # every part of it may be empty
    name, parameters, colon, value = found.groups()
    key = name.strip().upper()
    if not colon:
        new = names.of(line)
    else:
        new = _name(key, name, names) + _parameters(parameters, names) + colon
        new += _value(key, value, names)
    for place, fold in reversed(folds):
        new = new[:place] + fold + new[place:]
    return new + end


def _name(key: bytes, name: bytes, names: _Pseudonyms) -> bytes:
    known = _TIMES | _WORDS | _NAMES | _TEXTS
    if key in known or key in (b"BEGIN", b"END"):
        return name
    return b"X-" + names.of(name)


def _parameters(text: bytes, names: _Pseudonyms) -> bytes:
    def replaced(match: re.Match[bytes]) -> bytes:
        key, equals, value = match[1], match[2] or b"", match[3] or b""
        known = key.strip().upper()
        if known == b"TZID":
            value = _zone(value, names)
        elif known in _KEPT_PARAMETERS:
            value = value if _TOKEN.fullmatch(value.strip(b'"')) else names.of(value)
        else:
            bare = value.strip(b'"')
            quote = b'"' if len(bare) < len(value) else b""
            value = quote + names.of(bare) + quote
            key = key if known in _SHOWN_PARAMETERS else b"X-" + names.of(key)
        return b";" + key + equals + value

    return _PARAMETER.sub(replaced, text)


_SHOWN_PARAMETERS = frozenset(
    b"CN DIR SENT-BY MEMBER DELEGATED-TO DELEGATED-FROM ALTREP EMAIL LABEL FEATURE DISPLAY".split()
)


def _value(key: bytes, value: bytes, names: _Pseudonyms) -> bytes:
    if key in (b"BEGIN", b"END"):
        return value if value.strip().upper() in _COMPONENTS else names.of(value)
    if key in _TIMES:
        return _time(value, names)
    if key in _WORDS:
        return value if _TOKEN.fullmatch(value.strip()) else names.of(value)
    if key == b"PRODID":
        return value
    if key in _NAMES:
        return _zone(value, names)
    return _text(key, value, names)


def _time(value: bytes, names: _Pseudonyms) -> bytes:
    """Dates, durations and rules as they are; letters that belong to none of them replaced."""
    if not _TIME.fullmatch(value):
        return _LETTERS.sub(b"x", value)
    kept, at = [], 0
    for match in _RULE_WORDS.finditer(value):
        kept += [_LETTERS.sub(b"x", value[at : match.start()]), match[0]]
        at = match.end()
    return b"".join([*kept, _LETTERS.sub(b"x", value[at:])])


def _zone(value: bytes, names: _Pseudonyms) -> bytes:
    return value if _ZONE.fullmatch(value.strip(b'"')) else names.of(value)


def _text(key: bytes, value: bytes, names: _Pseudonyms) -> bytes:
    """Scheme and list structure stay, because they can be what a fault hangs on."""
    if key in (b"ATTENDEE", b"ORGANIZER"):
        scheme, colon, rest = value.rpartition(b":")
        if colon:
            return (
                (scheme if scheme.lower() == b"mailto" else names.of(scheme))
                + colon
                + names.of(rest.lower())
            )
    if key in (b"CATEGORIES", b"RESOURCES"):
        return b",".join(names.of(each) for each in value.split(b","))
    return names.of(value)
