"""Runs of lines that are no properties are passed over, and nobody can tell."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.ical.budget import Work
from extcal.ical.parse import odd_lines as runs
from extcal.ical.parse.components import ComponentReader
from extcal.limits import Limits

START, END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 4, 4, tzinfo=UTC)
MARK = b"\xef\xbb\xbf"

parts = st.sampled_from(
    (
        *(b"x", b"\xc3\xa9", b"\xe9", b"?", b"-a", b"1", b"RRULE", b"A:b", b" y", b"", b"\x7f"),
        *(
            MARK,
            MARK + b"RRULE:FREQ=DAILY",
            b"\xffRRULE:FREQ=DAILY",
            b"\xef",
            b"\x85DTEND:20280101",
        ),
        *(b"END:VEVENT", b"BEGIN:VALARM", b"DTEND:20270105T100000Z", b"\x01DTEND:20270106T100000Z"),
    )
)
newlines = st.sampled_from((b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n\r\n"))


def told(body: bytes) -> object:
    found = extcal.expand(body, START, END, timezone="Europe/Berlin")
    problems = [(one.code, one.line, one.message, one.action) for one in found.problems]
    return found.events, found.free_busy, found.complete, problems


@given(st.lists(st.tuples(parts, newlines), min_size=2, max_size=20))
def test_a_run_of_odd_lines_says_what_its_lines_say(lines: list[tuple[bytes, bytes]]) -> None:
    middle = b"".join(line + newline for line, newline in lines)
    body = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20270105T090000Z\n"
    body += middle + b"END:VEVENT\nEND:VCALENDAR\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_MANY", len(body))
        one_by_one = told(body)
        patch.setattr(runs, "_MANY", 2)
        assert told(body) == one_by_one


def test_odd_lines_in_any_encoding_are_a_run() -> None:
    for line in (b"?\r\n", "é\r\n".encode(), b"\xe9\n"):
        body = b"UID:a\n" + line * 3_000 + b"END:VEVENT\n"
        end = runs.end_of_run(body, 6, len(body))
        assert body[end:] == b"END:VEVENT\n"
        assert runs.is_long(body, (6, end))


ODD = re.compile(
    rb"(?![A-Za-z][A-Za-z0-9_-]*[ \t]*[;:])[!-~\x80-\xee\xf0-\xff][\t -~\x80-\xff]{0,4000}"
)


def slowly(body: bytes) -> list[tuple[int, int]]:
    """The runs, line by line: odd lines in a row, each followed by a line that does not continue
    it."""
    lines = [(each.start(), each.end()) for each in re.finditer(rb"[^\r\n]*(?:\r\n?|\n)", body)]
    follows = [
        33 <= byte <= 126 or byte >= 128 for byte in (*(body[end] for _, end in lines[:-1]), 0)
    ]
    odd = [
        followed and ODD.fullmatch(body[start:end].rstrip(b"\r\n")) is not None
        for followed, (start, end) in zip(follows, lines, strict=True)
    ]
    found = []
    for is_odd, group in groupby(range(len(lines)), key=odd.__getitem__):
        places = list(group)
        if is_odd:
            found.append((lines[places[0]][0], lines[places[-1]][1]))
    return found


def test_a_run_ends_with_its_last_odd_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the line, wherever the stretches end in which the bytes are gone through."""
    monkeypatch.setattr(runs, "STRETCH", 700)
    chance = random.Random(7)
    for newline in (b"\n", b"\r\n") * 8:
        body = b"UID:a" + newline
        while len(body) < 9_000:
            odd = chance.choice((b"?", b"no colon", b"\xc3\xa9", b"1:2"))
            body += (odd + newline) * chance.choice((1, 50, 98, 99, 100, 101, 102, 250))
            body += chance.choice((b"A:b", b" fold", b"", MARK + b"UID:b", b"RRULE ;x")) + newline
        body += (b"?" + newline) * chance.choice((0, 1, 100, 101))
        # What stands behind the part is no part of a run.
        raw, at = b"X:" + b"x" * 9_000 + newline + body + b"?" + newline, 9_002 + len(newline)
        for start, end in slowly(body):
            run = at + start, at + end
            assert runs.end_of_run(raw, run[0], at + len(body)) == run[1]
            lines = re.findall(rb"[^\n]*\n", raw[slice(*run)])
            assert runs.is_long(raw, run) is (len(lines) >= 100)
            for most in (0, 1, 99, 100, 101, 249, 250, 251):
                span, more = runs.head(raw, run, most)
                assert raw[slice(*span)] == b"".join(lines[:most])
                assert more == max(0, len(lines) - most)


@pytest.mark.parametrize("many", [99, 100])
def test_of_a_run_only_what_is_told_of_is_read(many: int) -> None:
    """A line that is read costs a unit of work, and a shorter run is read line by line."""
    body = b"BEGIN:VCALENDAR\n" + b"?\n" * many + b"END:VCALENDAR\n"
    limits = extcal.Limits(max_problems=10, max_work=20)
    found = extcal.expand(body, START, END, limits=limits)
    assert found.complete is (many == 100)
    assert found.problems[-1].message.startswith("and ")


@pytest.mark.parametrize(
    ("options", "count", "told_all", "found"),
    [
        ({"max_problems": 50}, 3_000, False, (50, 2_950)),
        ({"max_problems": 50}, 3_000, True, (0, 3_000)),
        ({"max_problems": 50, "max_line_bytes": 4_096}, 3_000, False, (50, 2_950)),
        ({"max_problems": 50, "max_line_bytes": 4_095}, 3_000, False, (3_000, 0)),
        ({"max_problems": 50}, 99, False, (99, 0)),
    ],
)
def test_of_a_run_as_many_lines_are_read_as_may_be_told(
    options: dict[str, int], count: int, told_all: bool, found: tuple[int, int]
) -> None:
    """The others are counted. No line of a run may be longer than the limit."""
    raw = b"X-FIRST:1\r\n" + b"no colon\r\n" * count + b"X-LAST:1\r\n"
    work = Work(Limits(**options))
    for _ in range(work.limits.max_problems if told_all else 0):
        work.problem("x", "y")
    reader = ComponentReader(raw, work, people=False, labels=False)
    reader.open.append("X")
    read = sum(line.name == "" for line in reader.lines((0, len(raw))))
    assert (read, work._suppressed) == found
