"""The oddities of a feed and of a source's answer, in words: what it is, and what was done.

In: a key of :data:`PROBLEMS` or :data:`UNKNOWN`, and the parameters that its texts name. Out: the
code and message, and for :data:`PROBLEMS` the action, of a :class:`~extcal.errors.Problem`. And the
message of a :class:`~extcal.errors.NotACalendar`.
"""

from __future__ import annotations

from types import MappingProxyType

from extcal.messages import kind_of

__all__ = ["LOOKS_LIKE", "PROBLEMS", "UNKNOWN", "no_calendar", "oddity", "unknown"]

_DATES = "more than {most:,} dates in RDATE and EXDATE"
_DAY_OF_MIDNIGHT = "read as the day on which it is midnight somewhere"
_DEEP = "components nested too deeply"
_DEFINITION_USED = "the feed's definition was used"
_FIRST_ONLY = "first instance only, unknown after it"
_LONG_LINE = "a {name} line is longer than {most:,} bytes"
_ON_ITS_OWN = "read as an event of its own"
_REPEATED_DIFFERENTLY = "{name} is given more than once, and not with one value"
_UNTIL_IN_UTC = "UNTIL of {name} is a time in UTC, and the series one of days"

PROBLEMS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        # Bytes, content lines and components (RFC 5545 sections 3.1, 3.4, 3.6).
        "bad_line": ("a line that is no property", "ignored"),
        "garbage": ("text outside the calendar", "ignored"),
        "max_line_bytes": (_LONG_LINE, "cut"),
        "max_nesting": (_DEEP, "skipped"),
        "missing_end": ("{name} was never ended", "ended here"),
        "not_utf8": ("bytes that are not UTF-8", "read as Windows-1252"),
        "outside_calendar": ("a component outside VCALENDAR", "kept"),
        "property_repeated": (_REPEATED_DIFFERENTLY, "one of them used"),
        "stray_end": ("END:{name} without its BEGIN", "ignored"),
        # Starts and ends (sections 3.8.2.2, 3.8.2.4, 3.8.2.5).
        "date_with_timed_end": (
            "a DTSTART that is a DATE beside a DTEND with a time and a zone",
            "begins at midnight there",
        ),
        "empty_duration": ("a DURATION without any length in it", "ignored"),
        "end_before_start": ("DTEND lies before DTSTART", "the day blocked"),
        "end_is_date": (
            "a DTEND that is a DATE beside a DTSTART with a time",
            "ends at midnight, or through the day of DTSTART",
        ),
        "end_twice": ("both DTEND and DURATION", "the later end used"),
        "event_lost": ("the DTSTART of an event cannot be read", "left out"),
        "event_lost/missing": ("the DTSTART of an event is missing", "left out"),
        "floating_end": (
            "a DTEND without a zone beside a DTSTART with one",
            "the zone of DTSTART used",
        ),
        "floating_override": (
            "the DTSTART of an override has no zone, and its series has one",
            "the zone of the series used",
        ),
        "floating_start": (
            "a DTSTART without a zone beside a DTEND with one",
            "the zone of DTEND used",
        ),
        "negative_duration": ("a negative DURATION", "its absolute value used"),
        "odd_digits": (
            "the time of {name} has more or fewer than six digits",
            "the first six, or those that are there, used",
        ),
        "odd_digits/date": ("the DTSTART is no DATE, but begins like one", "read as that"),
        "odd_duration": (
            "the units of DURATION:{value} are out of order",
            "each unit read as written",
        ),
        "property_repeated/ends": ("{name} is given more than once", "the later end used"),
        "property_repeated/starts": (
            "{count} different DTSTARTs in one event",
            "all of them block",
        ),
        "unreadable_end": ("the {name} cannot be read", "the day blocked"),
        "unreadable_end/time": ("the time of a DTEND cannot be read", "the day blocked"),
        "unreadable_start": ("the time of a DTSTART cannot be read", "the day blocked"),
        # Other properties of events (section 3.8).
        "bad_recurrence_id": ("the RECURRENCE-ID cannot be read", _ON_ITS_OWN),
        "property_repeated/blocking": (_REPEATED_DIFFERENTLY, "the one that blocks used"),
        "property_repeated/class": (_REPEATED_DIFFERENTLY, "the private one used"),
        "property_repeated/both": (_REPEATED_DIFFERENTLY, "read both ways"),
        "property_repeated/recurrence_ids": (
            "several RECURRENCE-IDs in one event",
            _ON_ITS_OWN,
        ),
        "property_repeated/uids": ("two UIDs in one event", _ON_ITS_OWN),
        "range_unknown": ("RANGE={value} is not a range of instances", "read as one instance"),
        # RDATE and EXDATE (sections 3.8.5.1, 3.8.5.2).
        "bad_date": ("a value of {name} cannot be read", "ignored"),
        "bad_date/day": ("a value of {name} cannot be read", "the day blocked"),
        "bad_date/end": (
            "a value of {name} has an end that cannot be read",
            "the day blocked",
        ),
        "date_unclear": (
            "a time in UTC, in {name} of a series of days, is midnight in no zone near",
            "the day that it names blocks",
        ),
        "date_unclear/midnight": (
            "a time in UTC, in {name} of a series of days, is midnight in no zone near",
            _DAY_OF_MIDNIGHT,
        ),
        "floating_end/date": (
            "a value of {name} has an end without a zone",
            "the zone of its start used",
        ),
        "max_dates": (_DATES, "instances left busy"),
        "max_dates_per_series": (_DATES, "instances left busy"),
        "odd_digits/list": (
            "a value of {name} has more or fewer than six digits of a time",
            "those of a time used",
        ),
        "odd_duration/date": (
            "a value of {name} has units that are out of order",
            "each unit read as written",
        ),
        # Overrides and series (sections 3.8.4.4, 3.8.5).
        "date_unclear/override": (
            "a RECURRENCE-ID in UTC, in a series of days, is midnight in no zone near",
            "no instance replaced",
        ),
        "date_unclear/override-midnight": (
            "a RECURRENCE-ID in UTC, in a series of days, is midnight in no zone near",
            _DAY_OF_MIDNIGHT,
        ),
        "exrule_stopped": ("an EXRULE was not followed to its end", "instances left busy"),
        "exrule_unclear": ("an EXRULE cannot be read for certain", "instances left busy"),
        "floating_recurrence_id": (
            "the RECURRENCE-ID of an override has no zone, and its series has one",
            "the zone of the series used",
        ),
        "rule_in_override": ("an override with a rule of its own", "the rule ignored"),
        "until_unclear": (_UNTIL_IN_UTC, "the latest day that it can mean used"),
        "until_unclear/exrule": (_UNTIL_IN_UTC, "the earliest day that it can mean used"),
        # Recurrence rules (section 3.3.10, RFC 7529).
        "odd_digits/until": (
            "UNTIL={value} has more or fewer than six digits of a time.",
            "the first six, or those that are there, used",
        ),
        "recurrence_empty": ("The recurrence rule is empty.", "ignored"),
        "recurrence_empty_part": ("The rule part {name} is empty.", "ignored"),
        "recurrence_interval": ("INTERVAL={value} is no interval.", "read as 1"),
        "recurrence_ordinal": (
            "BYDAY has numbers, which mean nothing with FREQ={freq}.",
            "numbers dropped",
        ),
        "recurrence_ordinal/weeks": (
            "BYDAY has numbers, which mean nothing with FREQ={freq} and BYWEEKNO.",
            "numbers dropped",
        ),
        "recurrence_part_not_allowed": (
            "{names} must not be used with FREQ={freq}.",
            "read as a filter",
        ),
        "recurrence_repeated_part": ("{name} is given more than once.", "joined"),
        "recurrence_set_pos": ("BYSETPOS stands without another BYxxx part.", "ignored"),
        "recurrence_skip": ("SKIP is given without RSCALE.", "read as GREGORIAN"),
        "recurrence_time_of_date": (
            "BYHOUR, BYMINUTE and BYSECOND mean nothing to a DTSTART that is a DATE.",
            "ignored",
        ),
        "recurrence_time_of_date/freq": (
            "FREQ={freq} means nothing to a DTSTART that is a DATE.",
            "read as DAILY",
        ),
        "recurrence_too_dense": ("The recurrence rule names {count} times of a day.", _FIRST_ONLY),
        "recurrence_two_ends": ("COUNT and UNTIL are both given.", "both applied"),
        "recurrence_uncertain/count": ("COUNT={value} is no count.", "ignored"),
        "recurrence_uncertain/until": ("UNTIL={value} is no date.", "ignored"),
        "recurrence_uncertain/until-time": (
            "The time of UNTIL={value} cannot be read.",
            "the whole day included",
        ),
        "recurrence_unknown_part": ("{part} is not a rule part.", "ignored"),
        "recurrence_unparsed": ("The recurrence rule cannot be read: {reason}.", _FIRST_ONLY),
        "recurrence_week_start": ("WKST={value} is no weekday.", "read as MO"),
        # Time zones (sections 3.2.19, 3.6.5).
        "floating_assumed": (
            "times without a zone were read as UTC; pass timezone= with the calendar owner's zone",
            "assumed UTC",
        ),
        "tz_assumed": ("no zone is known by the name {name}", "assumed {zone}"),
        "tz_beside_utc": ("TZID is given with times in UTC", "TZID ignored"),
        "tz_conflict": (
            "the VTIMEZONE {name} differs from the Windows zone of that name",
            _DEFINITION_USED,
        ),
        "tz_conflict/offset": (
            "the VTIMEZONE {name} is not what its name means",
            _DEFINITION_USED,
        ),
        "tz_duplicate": (
            "{count} different VTIMEZONEs have the name {name}",
            "the newest, else the greatest by content, was used",
        ),
        "tz_observance/from": ("{part} has no usable TZOFFSETFROM", "left out"),
        "tz_observance/rule": ("{part} has an RRULE that cannot be read", "left out"),
        "tz_observance/start": ("{part} has no usable DTSTART", "left out"),
        "tz_observance/to": ("{part} has no usable TZOFFSETTO", "left out"),
        "tz_relaxed": (
            "the VTIMEZONE {name} cannot be read as it is written",
            "{zone} was used",
        ),
        "tz_unusable": ("the VTIMEZONE {name} has no usable observance", "ignored"),
        "x_wr_timezone_conflict": (
            "the calendars of this feed name several zones and one names none",
            "assumed {zone}",
        ),
        "x_wr_timezone_unknown": ("X-WR-TIMEZONE {name} names no zone that is known", "ignored"),
        # VFREEBUSY and VAVAILABILITY (section 3.6.4, RFC 7953).
        "availability_bounds": (
            "a bound of a VAVAILABILITY cannot be read",
            "reaches as far as is asked",
        ),
        "available_unclear": ("an AVAILABLE cannot be read for certain", "not available"),
        "bad_period": (
            "a FREEBUSY period cannot be read",
            "what its component covers is unknown",
        ),
        "freebusy_in_bounds": (
            "a VFREEBUSY with an FBTYPE property and no FREEBUSY",
            "its DTSTART and DTEND read as a period",
        ),
        "odd_digits/period": (
            "a FREEBUSY period has more or fewer than six digits of a time",
            "those of a time used",
        ),
        "odd_duration/period": (
            "a FREEBUSY period has units out of order",
            "each unit read as written",
        ),
        "property_repeated/availability": (
            "{name} of a VAVAILABILITY is given more than once",
            "nothing in it is available",
        ),
        "property_repeated/fbtypes": ("several FBTYPEs", "the strongest used"),
        # The record itself.
        "years": ("feeds are read from {first} to {last}", "unknown"),
        "internal_error": (
            "something could not be read because of an error in extcal",
            "unknown",
        ),
        "max_problems": ("and {count} more problems", "counted"),
        # What only somebody sees who remembers the calendar, or who saw the answer.
        "chunked_twice": (
            "the source says more than once that the answer comes in chunks",
            "read as said once",
        ),
        "encoding_unknown": (
            "the source says that the calendar is compressed, in a way that is none",
            "read as it is",
        ),
        "ended_early": (
            "the connection ended before the source said it would; the calendar is whole",
            "read",
        ),
        "gzip_unannounced": (
            "the calendar is compressed, and the source does not say so",
            "read",
        ),
        "last_line_cut": (
            "the source announced too few bytes, and the last line is cut; the calendar is whole",
            "read",
        ),
        "moved_permanently": (
            "the source says that the calendar has moved for good, to the address #{moved_to}",
            "followed this once",
        ),
        "no_source": ("nobody says when this person is busy", "unknown"),
        "old_copy": (
            "the source was asked, and a cache on the way to it had nothing newer than this",
            "served as STALE, and asked again",
        ),
        "other_rules": (
            "this was read with other time zone data, or by another version of extcal, and is read"
            " again within half an hour",
            "served as STALE until then",
        ),
        "outside_horizon": (
            "the time asked for lies outside what a calendar is known for",
            "unknown",
        ),
        "suddenly_empty": (
            "the calendar had events and now has none at all; is it still the right one?",
            "taken at its word",
        ),
        "suddenly_empty/one": (
            "a calendar had events and now has none at all",
            "taken at its word",
        ),
    }
)
"""Message and action by key; the action ``"unknown"`` says that time became unknown."""


UNKNOWN: MappingProxyType[str, str] = MappingProxyType(
    {
        "cut_body": "the body ends inside {name}",
        "max_availability": "more than {most:,} VAVAILABILITY and AVAILABLE components",
        "max_availability/instances": "more than {most:,} instances of AVAILABLE components",
        "max_dates": _DATES,
        "max_dates_per_series": _DATES,
        "max_line_bytes": _LONG_LINE,
        "max_lines": "more than {most:,} lines",
        "max_nesting": _DEEP,
        "max_observances": "VTIMEZONEs have more observances than are read",
        "max_overrides": "more than {most:,} overrides",
        "max_overrides_per_series": "more than {most:,} overrides",
        "max_steps": "more than {most:,} recurrence steps",
        "max_steps/readings": "more than {most:,} steps for all readings of an event",
        "max_steps/zone": "the rules of a VTIMEZONE take too many steps",
        "max_timezones": "the feed defines more time zones than are read",
        "max_transitions": "a VTIMEZONE has more transitions than are read",
        "max_tzids": "more than {most:,} names of zones",
        "max_versions": "more than {most:,} copies of one event",
        "max_vevents": "more than {most:,} events",
        "max_work": "more to read than {most:,} units of work allow",
    }
)
"""Message by key of what makes time unknown: a limit that was reached, or a body that is cut."""


NO_CALENDAR = "there is no VCALENDAR in this"
SEEMS = "{message}; it looks like {looks_like}"
LOOKS_LIKE: MappingProxyType[str, str] = MappingProxyType(
    {
        "address": "an address; pass the bytes behind it, or ask a CalendarCache",
        "file": "a file's name; pass the bytes of the file, as in Path(...).read_bytes()",
        "empty": "an empty body",
        "html": "an HTML page",
        "json": "JSON",
        "pdf": "a PDF",
        "xml": "XML or HTML",
    }
)
"""What bytes without a calendar seem to be, by key."""


def no_calendar(key: str | None = None) -> tuple[str, str | None]:
    """The message of a :class:`~extcal.errors.NotACalendar`, and what the bytes seem to be."""
    if key is None:
        return NO_CALENDAR, None
    return SEEMS.format(message=NO_CALENDAR, looks_like=LOOKS_LIKE[key]), LOOKS_LIKE[key]


def oddity(key: str, **parameters: object) -> tuple[str, str, str]:
    """The code, message and action of the oddity ``key``."""
    message, action = PROBLEMS[key]
    if parameters:
        message, action = message.format(**parameters), action.format(**parameters)
    return kind_of(key), message, action


def unknown(key: str, **parameters: object) -> tuple[str, str]:
    """The code and message of what made time unknown."""
    return kind_of(key), UNKNOWN[key].format(**parameters)
