"""Runs of lines that are no properties are passed over, and nobody can tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.ical.shortcuts import odd_lines as runs

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
        patch.setattr(runs, "_WORTH_A_LOOK", 0)
        assert told(body) == one_by_one


def test_odd_lines_in_any_encoding_are_a_run() -> None:
    for line in (b"?\r\n", "é\r\n".encode(), b"\xe9\n"):
        body = b"UID:a\n" + line * 3_000 + b"END:VEVENT\n"
        odd = [piece.odd for piece in runs.pieces(body, (0, len(body)))]
        assert odd == [False, True, False]
