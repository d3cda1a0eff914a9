"""Content lines: folding, line ends, characters, parameters (RFC 5545 sections 2, 3.1, 3.2)."""

from __future__ import annotations

import codecs
import random
from datetime import UTC, datetime
from typing import Any

import pytest

import extcal
from extcal import Limits, NotACalendar
from extcal.ical.budget import Work
from extcal.ical.parse.components import names_of_lines
from extcal.ical.parse.content_lines import logical_lines

BODY = "\r\n".join(
    (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "X-WR-TIMEZONE:Europe/Berlin",
        "BEGIN:VEVENT",
        "UID:a",
        "SUMMARY:café at nine",
        "DTSTART:20270104T090000",
        "DURATION:PT1H",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
)
WINDOW = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
NINE = ["01-04T08:00/09:00"]


def busy(raw: Any) -> list[str]:
    result = extcal.expand(raw, *WINDOW)
    assert [event.summary for event in result.events] == ["café at nine"]
    assert result.complete
    return [f"{p.start:%m-%dT%H:%M}/{p.end:%H:%M}" for p in result.free_busy.periods]


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r", "\r\r\n", "\n\n", "\r\n\r\n"])
def test_every_line_end_ends_a_line(corridor: Any, newline: str) -> None:
    """Content lines are delimited by CRLF; LF, CR and blank lines are read alike."""
    assert busy(BODY.replace("\r\n", newline)) == NINE


def test_mixed_line_ends_and_none_at_the_end(corridor: Any) -> None:
    lines = BODY.rstrip().split("\r\n")
    ends = ["\n", "\r", "\r\n"] * 9
    mixed = "".join(line + end for line, end in zip(lines, ends, strict=False))
    assert busy(mixed.rstrip()) == NINE


@pytest.mark.parametrize("blank", [" ", "\t"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 20])
def test_folded_lines_must_first_be_unfolded(
    corridor: Any, blank: str, newline: str, width: int
) -> None:
    """Folded lines "MUST first be unfolded" when a content line is parsed: names, BEGIN lines and
    the octets of one character too."""
    folded = []
    for line in BODY.encode().split(b"\r\n"):
        pieces = [line[at : at + width] for at in range(0, len(line), width)]
        folded.append((newline + blank).encode().join(pieces))
    assert busy(newline.encode().join(folded)) == NINE


def test_white_space_behind_the_fold_belongs_to_the_value(corridor: Any) -> None:
    """Only "a single linear white-space character" is removed."""
    event = corridor.event("DTSTART:20270104T090000Z", "SUMMARY:one\r\n  two")
    assert corridor.expand(event).events[0].summary == "one two"


@pytest.mark.parametrize("control", [*range(9), 11, 12, *range(14, 32), 127])
def test_control_characters_vanish(corridor: Any, control: int) -> None:
    """CONTROL is in no grammar: a byte of it in a value, a name or a TZID does not matter."""
    odd = chr(control)
    event = corridor.event(
        f"DT{odd}START;TZID=Europe/Berlin{odd}:2027{odd}0104T090000",
        "DURATION:PT1H",
        f"{odd}SUMMARY:a{odd}b",
    )
    result = corridor.expand(event)
    assert [e.summary for e in result.events] == ["ab"]
    assert corridor.busy(event) == NINE


def test_a_byte_order_mark_is_no_character(corridor: Any) -> None:
    """Before the first VCALENDAR, after blank lines, and before the second one (RFC 3629)."""
    bom = codecs.BOM_UTF8
    raw = BODY.encode()
    assert busy(bom + raw) == NINE
    assert busy(b"\r\n\r\n" + bom + raw) == NINE
    assert busy("\ufeff" + BODY) == NINE
    second = raw.replace(b"UID:a", b"UID:b").replace(b"0104T09", b"0105T09")
    both = extcal.free_busy(bom + raw + bom + second, *WINDOW)
    assert [f"{p.start:%m-%dT%H:%M}" for p in both.periods] == ["01-04T08:00", "01-05T08:00"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark(corridor: Any, encoding: str) -> None:
    mark = {"utf-16": b"", "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    assert busy(mark[encoding] + BODY.encode(encoding)) == NINE


def test_utf_16_without_a_mark(corridor: Any) -> None:
    """A NUL stands beside each letter; where a calendar begins is not looked for in megabytes."""
    assert busy(BODY.encode("utf-16-le")) == NINE
    assert busy(b"\r\n" * 40_000 + BODY.encode("utf-16-le")) == NINE
    with pytest.raises(extcal.NotACalendar):
        extcal.expand(b"\0\n" * 2_500_000 + BODY.encode("utf-16-le"), *WINDOW)


def test_what_is_not_utf_8_is_windows_1252(corridor: Any) -> None:
    """One byte of another charset costs its line nothing but a Problem."""
    raw = BODY.encode("cp1252")
    result = extcal.expand(raw, *WINDOW)
    assert [event.summary for event in result.events] == ["café at nine"]
    assert [problem.code for problem in result.problems] == ["not_utf8"]
    assert result.problems[0].line == 6


@pytest.mark.parametrize(
    "lines",
    [
        ("dtstart;tzid=Europe/Berlin:20270104T090000", "duration:pt1h"),
        ("DtStart;TzId=europe/berlin:20270104T090000", "Duration:PT1h"),
        ("DTSTART ; TZID = Europe/Berlin : 20270104T090000 ", "DURATION: PT1H "),
        ('DTSTART;TZID="Europe/Berlin":20270104T090000', "DURATION:PT1H"),
        ('DTSTART;TZID="Europe/Berlin:20270104T090000', "DURATION:PT1H"),
        ("DTSTART;X-A;TZID=Europe/Berlin:20270104T090000", "DURATION:PT1H"),
        ("DTSTART;;TZID=Europe/Berlin;:20270104T090000", "DURATION:PT1H"),
        ("DTSTART;X.Y=1;TZID=Europe/Berlin:20270104T090000", "DURATION:PT1H"),
        ('DTSTART;X-A="a:b;c,d";TZID=Europe/Berlin:20270104T090000', "DURATION:PT1H"),
        ("DTSTART;TZID=(UTC+01:00) Amsterdam, Berlin, Bern:20270104T090000", "DURATION:PT1H"),
        ("DTSTART;TZID=Europe/Berlin:2027-01-04T09:00:00", "DURATION:PT1H"),
    ],
)
def test_names_and_parameters(corridor: Any, lines: tuple[str, ...]) -> None:
    """Names of properties and parameters "are case-insensitive"; what a parameter
    lacks or has too much does not cost the one behind it."""
    assert corridor.busy(corridor.event(*lines)) == NINE


def test_more_parameters_than_anybody_needs(corridor: Any) -> None:
    many = ";".join(f'X-{number}="a:{number}"' for number in range(200))
    event = corridor.event(f"DTSTART;TZID=Europe/Berlin;{many}:20270104T090000", "DURATION:PT1H")
    assert corridor.busy(event) == NINE


def test_every_eight_parameters_cost_a_unit_of_work() -> None:
    """However often one is repeated: each of them is read."""
    for many in (7, 8, 80):
        line = b"DTSTART" + b";X=a" * many + b":20270105T090000Z\n"
        raw, work = b"A:b\n" + line, Work()
        names = names_of_lines(people=False, labels=False)
        assert len([*logical_lines(raw, (0, len(raw)), names, work)]) == 1
        assert work.limits.max_work - work.left == many // 8


def test_lines_that_are_none_cost_nothing(corridor: Any) -> None:
    """Raw newlines in a text (quirk Q021), illegal names, junk: the event stays whole."""
    event = corridor.event(
        "DTSTART:20270104T080000Z",
        "DESCRIPTION:one",
        "two: with a colon",
        "three without",
        "X-Odd Name:1",
        "=1;2",
        "1X:2",
        ":",
        "SUMMARY:still here",
        "DURATION:PT1H",
    )
    result = corridor.expand(event)
    assert result.events[0].summary == "still here"
    assert corridor.busy(event) == NINE
    assert {problem.code for problem in result.problems} <= {"bad_line"}


@pytest.mark.parametrize("line", ["\0", "\0\t ", "\x1f\x7f", "\ufeff", "\0\ufeff\0"])
def test_lines_of_control_characters_are_blank_lines(line: str) -> None:
    """They cost no work, and stand between other lines as if they were not there."""
    start, end = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 11, tzinfo=UTC)
    head = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20270105T090000Z\n"
    tail = "DURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n"
    body = head + f"{line}\n" * 2_000 + f"X-A:b\n{line}\n" * 2_000 + tail
    limits = extcal.Limits(max_work=100)
    found = extcal.expand(body.encode(), start, end, limits=limits)
    assert found == extcal.expand((head + tail).encode(), start, end)
    assert len(found.events) == 1


def test_raw_text_that_looks_like_a_property(corridor: Any) -> None:
    """Of several DTSTARTs and DTENDs the first that can be read counts."""
    event = corridor.event(
        "DTSTART: to be told", "DTSTART:20270104T080000Z", "DTEND: later", "DTEND:20270104T090000Z"
    )
    assert corridor.busy(event) == NINE


def test_a_line_of_a_megabyte(corridor: Any) -> None:
    """A text that long is cut; a list of dates that long leaves time unknown."""
    long = "x" * 2_000_000
    event = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H", f"SUMMARY:{long}")
    result = corridor.expand(event)
    assert result.complete
    assert [problem.code for problem in result.problems] == ["max_line_bytes"]
    dates = ",".join(f"{2027 + year}0104T080000Z" for year in range(100)) + ","
    listed = corridor.event("DTSTART:20270104T080000Z", f"RDATE:{dates * 700}")
    result = corridor.expand(listed)
    assert not result.complete
    assert result.free_busy.unknown == (result.free_busy.window,)
    assert "max_line_bytes" in {problem.code for problem in result.problems}


@pytest.mark.parametrize("name", ["RRULE", "RR\r\n ULE", "R\r\n R\r\n ULE", "RRULE\r\n "])
def test_a_long_line_whose_name_is_folded(corridor: Any, name: str) -> None:
    """It is known by its name, and what it would say is unknown."""
    seconds = ",".join(map(str, range(40)))
    event = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H")
    event = event.replace("DURATION", f"{name}:FREQ=DAILY;BYSECOND={seconds}\r\nDURATION", 1)
    result = corridor.expand(event, limits=extcal.Limits(max_line_bytes=80))
    assert result.free_busy.unknown == (result.free_busy.window,)
    assert [problem.code for problem in result.problems] == ["max_line_bytes"]


# --- structure ------------------------------------------------------------------------------


def event_text(uid: str, day: int) -> str:
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART:202701{day:02d}T080000Z\r\nDURATION:PT1H\r\n"


def test_a_missing_end_is_made_up_for_by_the_next_begin(corridor: Any) -> None:
    result = corridor.expand(event_text("a", 4) + event_text("b", 5) + "END:VEVENT")
    assert [event.uid for event in result.events] == ["a", "b"]
    assert result.complete
    assert [problem.code for problem in result.problems] == ["missing_end"]


def test_a_body_that_stops_inside_a_component_is_cut(corridor: Any) -> None:
    """What was there is read, and nobody can vouch for the rest."""
    text = "BEGIN:VCALENDAR\r\n" + event_text("a", 4) + "END:VEVENT\r\n" + event_text("b", 5)
    for cut in (text, text + "END:VEVENT\r\n", text + "END:VEV"):
        result = extcal.expand(cut, *WINDOW)
        assert [event.uid for event in result.events] == ["a", "b"]
        assert not result.complete
        assert result.free_busy.unknown == (result.free_busy.window,)
        assert "cut_body" in {problem.code for problem in result.problems}


def test_an_end_without_its_begin_is_passed_over(corridor: Any) -> None:
    result = corridor.expand(
        "END:VALARM", event_text("a", 4) + "END:VTODO\r\nEND:VEVENT", "END:VEVENT"
    )
    assert [event.uid for event in result.events] == ["a"]
    assert {problem.code for problem in result.problems} == {"stray_end"}


def test_deep_nesting(corridor: Any) -> None:
    """What is nested deeper than the limit is skipped, and the event around it stays whole."""
    deep = [f"BEGIN:X-{n}" for n in range(50)] + [f"END:X-{n}" for n in reversed(range(50))]
    event = corridor.event("DTSTART:20270104T080000Z", *deep, "DURATION:PT1H")
    assert corridor.busy(event) == NINE
    assert corridor.codes(event) == ["max_nesting"]


@pytest.mark.parametrize(
    "deep",
    [
        ("BEGIN:X", "DURATION:PT1H"),
        ("BEGIN:X", "DURATION:PT1H", "END:Y"),
        ("BEGIN:X", "BEGIN:Y", "DURATION:PT1H", "END:Y"),
        ("BEGIN:X", "BEGIN:Y", "END:X", "DURATION:PT1H", "END:Y"),
    ],
)
def test_deep_nesting_without_an_end(corridor: Any, deep: tuple[str, ...]) -> None:
    """What was skipped may have been the event's: where it was too deep, nothing is known."""
    event = corridor.event("DTSTART:20270104T080000Z", *deep)
    assert corridor.busy(event) != []
    limited = corridor.expand(event, limits=Limits(max_nesting=2))
    assert limited.free_busy.unknown == (limited.free_busy.window,)
    assert "max_nesting" in {problem.code for problem in limited.problems}


def test_no_nesting_hides_busy_time(corridor: Any) -> None:
    """Components in any order, each limit: what is busy without the limit is never free with it."""
    chance = random.Random(5)
    lines = ["BEGIN:X", "END:X", "BEGIN:VALARM", "END:VALARM", "BEGIN:AVAILABLE", "END:AVAILABLE"]
    lines += ["BEGIN:VEVENT", "END:VEVENT", "DTSTART:20270104T080000Z", "DURATION:PT1H", "END:X"]
    for _ in range(1_000):
        event = "\r\n".join(["BEGIN:VEVENT", *chance.choices(lines, k=9), "END:VEVENT", ""])
        full = corridor.expand(event).free_busy
        limits = Limits(max_nesting=chance.randrange(1, 5))
        limited = corridor.expand(event, limits=limits).free_busy
        assert all(limited.is_free(*period) is False for period in full.periods), event


def test_properties_of_alarms_are_not_the_events(corridor: Any) -> None:
    alarm = ("BEGIN:VALARM", "DURATION:PT9H", "UID:z", "DTSTART:20270109T080000Z", "END:VALARM")
    event = corridor.event("DTSTART:20270104T080000Z", *alarm, "DURATION:PT1H")
    assert corridor.busy(event) == NINE
    never_ended = event.replace("END:VALARM\r\n", "")
    assert corridor.busy(never_ended) == ["01-04T00:00/01-05T00:00"]


def test_a_bare_component_is_a_calendar(corridor: Any) -> None:
    """What ``icalendar.Event.to_ical()`` gives."""
    bare = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H")
    result = extcal.expand(bare, *WINDOW)
    assert [event.uid for event in result.events] == ["a"]
    assert result.complete


def test_several_vcalendars_keep_their_own_heads(corridor: Any) -> None:
    """Section 3.4: a stream of objects. X-WR-TIMEZONE, METHOD and PRODID are each object's own."""
    floating = ("DTSTART:20270104T090000", "DURATION:PT1H")
    microsoft = ("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY")
    stream = (
        corridor.body(
            corridor.event(*floating, uid="a"), head=["X-WR-TIMEZONE:Europe/Berlin", "PRODID:x"]
        )
        + corridor.body(
            corridor.event(*floating, uid="b"), head=["X-WR-TIMEZONE:Asia/Tokyo", "PRODID:x"]
        )
        + corridor.body(corridor.event(*floating, uid="c"), head=["METHOD:CANCEL"])
        + corridor.body(
            corridor.event("DTSTART:20270105T090000Z", "DURATION:PT1H", *microsoft, uid="d"),
            head=["PRODID:-//Microsoft Corporation//Outlook 16.0//EN"],
        )
        + corridor.body(
            corridor.event("DTSTART:20270106T090000Z", "DURATION:PT1H", *microsoft, uid="e"),
            head=["PRODID:-//x//EN"],
        )
    )
    assert corridor.busy(stream) == [
        "01-04T00:00/01:00",
        "01-04T08:00/09:00",
        "01-05T09:00/10:00",
    ]


def test_text_behind_the_calendar_is_told_of(corridor: Any) -> None:
    """A server's error page after END:VCALENDAR, on its line or behind it (quirk Q020)."""
    for glue in ("\r\n", ""):
        result = extcal.expand(BODY.rstrip() + glue + "<html><b>Error</b></html>", *WINDOW)
        assert [event.uid for event in result.events] == ["a"]
        assert result.complete


# --- what is no calendar --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "looks_like"),
    [
        (b"", "an empty body"),
        (b" \r\n\t ", "an empty body"),
        (b"<!DOCTYPE html><html><body>BEGIN:VCALENDAR</body></html>", "an HTML page"),
        (b"\n\n<html>\nBEGIN:VCALENDAR\nEND:VCALENDAR\n</html>", "an HTML page"),
        (b"<?xml version='1.0'?><x/>", "XML or HTML"),
        (b'{"error": "BEGIN:VCALENDAR"}', "JSON"),
        (b'[{"a": 1}]', "JSON"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"https://example.org/calendar.ics", "an address"),
        (b"nothing of the kind", None),
        (b"a text that mentions BEGIN:VCALENDAR", None),
        (b"text:\n BEGIN:VCALENDAR", None),
    ],
)
def test_not_a_calendar_says_what_it_looks_like(body: bytes, looks_like: str | None) -> None:
    with pytest.raises(NotACalendar) as caught:
        extcal.expand(body, *WINDOW)
    found = caught.value.looks_like
    assert found == looks_like or (looks_like and found and found.startswith(looks_like))


def test_every_form_of_input(corridor: Any) -> None:
    """bytes, bytearray, memoryview, str, and whatever has ``to_ical()``."""

    class Written:
        def to_ical(self) -> bytes:
            return BODY.encode()

    raw = BODY.encode()
    for data in (raw, bytearray(raw), memoryview(raw), BODY, Written()):
        assert busy(data) == NINE


@pytest.mark.parametrize("data", [None, 7, ["BEGIN:VCALENDAR"], object()])
def test_anything_else_is_a_type_error(data: object) -> None:
    with pytest.raises(TypeError, match="bytes"):
        extcal.expand(data, *WINDOW)  # type: ignore[arg-type]


def test_a_calendar_behind_white_space(corridor: Any) -> None:
    """Only the first line may be indented: elsewhere that would be a fold."""
    assert busy("  " + BODY) == NINE


def test_indented_text_is_not_an_empty_calendar() -> None:
    """Every line would continue the first: nothing could be read, and nothing is not free."""
    indented = "".join(f"  {line}\r\n" for line in BODY.split("\r\n"))
    try:
        result = extcal.expand(indented, *WINDOW)
    except NotACalendar:
        return
    assert result.free_busy.unknown == (result.free_busy.window,)
