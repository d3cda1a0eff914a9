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
from extcal.ical.parse import odd_lines as runs
from extcal.ical.parse import spans

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


ODD = re.compile(
    rb"(?![A-Za-z][A-Za-z0-9_-]*[ \t]*[;:])[!-~\x80-\xee\xf0-\xff][\t -~\x80-\xff]{0,4000}"
)


def slowly(body: bytes) -> list[tuple[int, int, bool]]:
    """The pieces, line by line: a hundred odd lines in a row behind the first line are a run."""
    lines = [(each.start(), each.end()) for each in re.finditer(rb"[^\r\n]*(?:\r\n?|\n)", body)]
    follows = [
        33 <= byte <= 126 or byte >= 128 for byte in (*(body[end] for _, end in lines[:-1]), 0)
    ]
    odd = [
        place > 0 and followed and ODD.fullmatch(body[start:end].rstrip(b"\r\n")) is not None
        for place, ((start, end), followed) in enumerate(zip(lines, follows, strict=True))
    ]
    found: list[tuple[int, int, bool]] = []
    for is_odd, group in groupby(range(len(lines)), key=odd.__getitem__):
        places = list(group)
        piece = (lines[places[0]][0], lines[places[-1]][1], is_odd and len(places) >= 100)
        if found and not piece[2] and not found[-1][2]:
            found[-1] = (found[-1][0], piece[1], False)
        else:
            found.append(piece)
    return found


def test_a_hundred_odd_lines_in_a_row_are_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the line, wherever the stretches end in which the bytes are gone through."""
    monkeypatch.setattr(spans, "STRETCH", 700)
    monkeypatch.setattr(spans, "_MORE", 100)
    chance = random.Random(7)
    for newline in (b"\n", b"\r\n") * 8:
        body = b"UID:a" + newline
        while len(body) < 9_000:
            odd = chance.choice((b"?", b"no colon", b"\xc3\xa9", b"1:2"))
            body += (odd + newline) * chance.choice((1, 50, 98, 99, 100, 101, 102, 250))
            body += chance.choice((b"A:b", b" fold", b"", MARK + b"UID:b", b"RRULE ;x")) + newline
        body += (b"?" + newline) * chance.choice((0, 1, 100, 101))
        # What stands in front of the part, and behind it, is no part of a run.
        raw, at = b"X:" + b"x" * 9_000 + newline + body + b"?" + newline, 9_002 + len(newline)
        found = list(runs.pieces(raw, (at, at + len(body))))
        assert found == [(at + start, at + end, odd) for start, end, odd in slowly(body)]
        for start, end, odd in found:
            lines = re.findall(rb"[^\n]*\n", raw[start:end])
            for most in (0, 1, 99, 100, 101, 249, 250, 251) if odd else ():
                span, more = runs.head(raw, runs.Piece(start, end, odd), most)
                assert raw[slice(*span)] == b"".join(lines[:most])
                assert more == max(0, len(lines) - most)


@pytest.mark.parametrize(("size", "looked"), [(4096, False), (4097, True)])
def test_a_short_part_is_read_line_by_line(size: int, looked: bool) -> None:
    body = b"UID:a\n" + b"?\n" * 200
    body += b"X:" + b"x" * (size - len(body) - 3) + b"\n"
    for at in (0, 5_000):
        raw = b" " * at + body
        assert any(piece.odd for piece in runs.pieces(raw, (at, at + size))) is looked
