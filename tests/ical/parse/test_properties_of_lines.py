"""Lines are found in one look each; a walk from one physical line to the next finds the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from extcal.ical.budget import Work
from extcal.ical.parse.content_lines import CONTROL, Line, Names, logical_lines, parse_line
from extcal.limits import Limits

NAMES = Names({name.encode(): name for name in ("SUMMARY", "EXDATE", "DTSTART", "BEGIN")})
NAME = re.compile(rb"[ \t]*([A-Za-z][A-Za-z0-9_-]*)[ \t]*[;:]")
PIECES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\n ", b"\r\n ", b"\r\n\t", b"SUMMARY:", b"summary;",
    b"DTSTART;TZID=x:2027", b"EXDATE:1,2,3", b"BEGIN", b":", b";", b"x", b"\x00", b"\x7f",
    b"\xef\xbb\xbf", b"\xc3", b"\xa4", b"FOO:bar", b"yyyyyyyyyyyy", b",", b'"', b"\\n",
    b"\nDTSTART;TZID=(UTC-05:00) E:20270105", b"\nDTSTART;TZID=(UTC-05:20270106", b"20270105",
    b"\nSUMMARY;A=b:", b'\nDTSTART;X="a:b":20270107', b"\nSUMMARY ;A :c", b"\nSUMMARY :d",
)  # fmt: skip


def walk(raw: bytes, span: tuple[int, int], limit: int) -> Iterator[Line]:
    """RFC 5545 section 3.1 word by word: every physical line is looked at for itself."""
    pending: list[tuple[int, list[bytes], int]] = []
    wanted, first = False, span[0] == 0
    for match in re.finditer(rb"[^\r\n]+", raw[: span[1]]):
        if match.end() <= span[0]:
            continue
        start = max(match.start(), span[0])
        chunk = raw[start : match.end()]
        if chunk[:1] in (b" ", b"\t") and not first:
            if wanted and pending:
                offset, parts, size = pending[-1]
                # Of the first chunk beyond the limit only a name is read that is not yet whole.
                if size + len(chunk) <= limit:
                    parts += [chunk[1:]]
                elif size <= limit and NAME.match(b"".join(parts)) is None:
                    parts += [chunk[1:][:limit]]
                size += len(chunk)
                pending[-1] = (offset, parts, size)
            continue
        first = False
        name = NAME.match(chunk)
        wanted = name is None or name[1].upper() in NAMES
        if wanted:
            pending.append((start, [chunk[:limit]], len(chunk)))
    for offset, parts, size in pending:
        data = b"".join(parts)[:limit].translate(None, CONTROL).removeprefix(b"\xef\xbb\xbf")
        name = NAME.match(data)
        if name is None:
            if data.strip():
                yield Line(offset, "", {}, "")
        elif name[1].upper() in NAMES:
            known = NAMES[name[1].upper()]
            if size > limit and known == "EXDATE":
                data = data[: max(data.rfind(b",") + 1, name.end())]
            try:
                text = data.decode()
            except UnicodeDecodeError:
                text = data.decode("cp1252", "replace")
            yield parse_line(offset, known, text, name.end())


@given(
    st.lists(st.sampled_from(PIECES), max_size=24).map(b"".join),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([3, 8, 20, 1000]),
)
def test_one_look_finds_the_lines_that_a_walk_finds(
    raw: bytes, before: int, behind: int, limit: int
) -> None:
    span = (min(before, len(raw)), max(min(before, len(raw)), len(raw) - behind))
    work = Work(Limits(max_line_bytes=limit))
    assert list(logical_lines(raw, span, NAMES, work)) == list(walk(raw, span, limit))
    longest = [p for p in work.report(raw) if p.code == "max_line_bytes"]
    assert work.complete == all(problem.action != "unknown" for problem in longest)
