"""Which events are plain, and the lines and offsets that are found of one.

What is called plain by mistake would lose a line; what is not, without need, takes longer.
"""

from __future__ import annotations

from unittest import mock

import pytest

from extcal.ical.shortcuts.plain_blocks import LineEnds, PlainBlock, PlainBlocks, line_ends, stop_of

NEWLINES = pytest.mark.parametrize("newline", [b"\r\n", b"\n"], ids=["crlf", "lf"])
START = b":20270301T090000Z"
ALARM = "BEGIN:VALARM|TRIGGER:-PT5M|END:VALARM"


def found_in(text: str, newline: bytes) -> tuple[PlainBlock | None, bytes]:
    """The block of all but the first line, and the bytes with it."""
    first = b"X-FIRST:1" + newline
    raw = first + text.encode().replace(b"|", newline) + newline
    return PlainBlocks(raw, line_ends(raw)).at(len(first), len(raw), 7), raw


@NEWLINES
@pytest.mark.parametrize("alarms", ["", f"|{ALARM}", f"|{ALARM}|{ALARM}"])
@pytest.mark.parametrize(
    ("own", "lines", "exdates"),
    [
        ("DTSTART:20270301T090000Z", {b"DTSTART": START}, []),
        ("UID:a|SUMMARY:x|X-A:1", {b"UID": b":a"}, []),
        ("UID:a|EXDATE:1", {b"UID": b":a", b"EXDATE": b":1"}, [b":1"]),
        ("EXDATE:1|UID:a|EXDATE;X=2:3", {b"UID": b":a", b"EXDATE": b";X=2:3"}, [b":1", b";X=2:3"]),
        ("EXDATE:1|EXDATE:2|EXDATE:3", {b"EXDATE": b":3"}, [b":1", b":2", b":3"]),
        ("SUMMARY:x| folded|STATUS:CONFIRMED", {b"STATUS": b":CONFIRMED"}, []),
        ("E:1|X-BEGIN:VTODO", {}, []),
    ],
)
def test_a_plain_event_and_its_parts(
    newline: bytes, alarms: str, own: str, lines: dict[bytes, bytes], exdates: list[bytes]
) -> None:
    """Its own lines end with the line end in front of its alarms, or of its END."""
    block, raw = found_in(f"BEGIN:VEVENT|{own}{alarms}|END:VEVENT", newline)
    end = raw.index(b"END:VEVENT")
    assert block is not None
    assert block.offset == raw.index(b"BEGIN:VEVENT")
    assert block.own == (raw.index(b"\nBEGIN:VALARM") if alarms else end - 1)
    assert (block.end, block.calendar) == (end, 7)
    assert block.lines == lines
    assert tuple(block.exdates) == tuple(exdates)


@NEWLINES
@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VTODO|UID:a|X-A:1|END:VEVENT",
        "BEGIN:VEVENTS|UID:a|X-A:1|END:VEVENT",
        "BEGIN:VEVENT|UID:a|X-A:12345678",
        "BEGIN:VEVENT|UID:a|X-A:1|END:VEVENTS",
        "BEGIN:VEVENT|UID:a|END:VEVENT|X-A:1",
        "BEGIN:VEVENT| S|UID:a|END:VEVENT",
        "BEGIN:VEVENT|\tS|UID:a|END:VEVENT",
        "BEGIN:VEVENT|UID:a|uid:b|END:VEVENT",
        "BEGIN:VEVENT|UID:a|UID:a|END:VEVENT",
        "BEGIN:VEVENT|UID:a|UID:a|EXDATE:1|END:VEVENT",
        "BEGIN:VEVENT|UID:a|UID:a|EXDATE:1|EXDATE:1|END:VEVENT",
        "BEGIN:VEVENT|UID:a|BEGIN:VTODO|END:VTODO|END:VEVENT",
        "BEGIN:VEVENT|UID:a|BEGIN:VALARM|END:VALARM|UID:b|END:VEVENT",
        "BEGIN:VEVENT|BEGIN:VALARM|END:VALARM|X-A:1|BEGIN:VALARM|END:VALARM|END:VEVENT",
        "BEGIN:VEVENT|UID:a|BEGIN:VALARM|END:VEVENT",
    ],
)
def test_what_is_no_plain_event(newline: bytes, text: str) -> None:
    assert found_in(text, newline)[0] is None


def test_titles_are_found_where_they_are_asked_for() -> None:
    raw = b"BEGIN:VEVENT\nSUMMARY:a\nLOCATION:b\nEND:VEVENT\n"
    block = PlainBlocks(raw, line_ends(raw), titles=True).at(0, len(raw), 0)
    assert block is not None
    assert block.lines == {b"SUMMARY": b":a", b"LOCATION": b":b"}


@pytest.mark.parametrize(("dates", "kept"), [(49_997, True), (49_998, False)])
def test_only_so_many_lines_are_in_memory_at_once(dates: int, kept: bool) -> None:
    """Fifty thousand of one body, and those of the block with which they are exceeded."""
    first = b"BEGIN:VEVENT\nUID:a\n" + b"EXDATE:1\n" * dates + b"END:VEVENT\n"
    raw = first + b"BEGIN:VEVENT\nUID:b\nEXDATE:2\nEND:VEVENT\n"
    blocks = PlainBlocks(raw, line_ends(raw))
    long = blocks.at(0, len(first), 0)
    short = blocks.at(len(first), len(raw), 0)
    assert long is not None
    assert short is not None
    assert len(long.exdates) == dates
    assert (short.lines is not None) is kept
    lines, exdates = blocks.lines(short)
    assert (lines, tuple(exdates)) == ({b"UID": b":b", b"EXDATE": b":2"}, (b":2",))


def test_lines_in_memory_are_not_found_twice() -> None:
    raw = b"BEGIN:VEVENT\nUID:a\nEND:VEVENT\n"
    blocks = PlainBlocks(raw, line_ends(raw))
    block = blocks.at(0, len(raw), 0)
    assert block is not None
    with mock.patch.object(blocks, "look", ()):
        assert blocks.lines(block)[0] is block.lines


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        (b"", {"\n"}),
        (b"a\nb\n", {"\n"}),
        (b"a\r\nb\r\n", {"\r\n"}),
        (b"a\r\nb\n", {"\r\n", "\n"}),
        (b"a\rb\r\n", {"\r", "\r\n"}),
        (b"a\r\nb\r", {"\r", "\r\n"}),
        (b"\ra\n", {"\r", "\n"}),
        (b"a\r\n" * 99_999, {"\r\n"}),
    ],
)
def test_line_ends(body: bytes, ends: set[str]) -> None:
    assert line_ends(body) == ends


@pytest.mark.parametrize(
    ("ends", "stop"),
    [
        (frozenset({"\n"}), rb"\n"),
        (frozenset({"\r\n"}), rb"\r"),
        (frozenset({"\n", "\r\n"}), rb"\r\n"),
    ],
)
def test_a_search_for_the_end_of_a_line_is_for_as_few_bytes_as_can_be(
    ends: LineEnds, stop: bytes
) -> None:
    assert stop_of(ends) == stop
