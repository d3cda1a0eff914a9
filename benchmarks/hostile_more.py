"""More kinds of hostile bodies: components, properties, odd lines, encodings, ways to send them.

``MORE`` are texts as in ``hostile_kinds.py``. ``CODECS`` says in which encoding a kind is sent if
that is not UTF-8, ``SENT`` in which way it is sent if that is not plain gzip, and ``OWNED`` which
kinds are read for an owner and with rules, so that people and categories are read, too.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from importlib.resources import files
from random import Random

from hostile_kinds import (
    LONG,
    MOST_EVENTS,
    MOST_LINES,
    NOW,
    RULE,
    Maker,
    body,
    events,
    filled,
    lines,
    long,
    parts,
    times,
)

__all__ = ["CODECS", "MORE", "OWNED", "SENT", "Wire", "sent"]

_ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
_STANDARD = (
    "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0%d\r\n"
    "END:STANDARD\r\n"
)
_WHOLE_DAYS = ",".join(f"20{y:02}{m:02}{d:02}" for y in range(99) for m in (1, 5) for d in (3, 9))


def _zone(inside: Callable[[int], str]) -> Maker:
    """One VTIMEZONE, which the last event but one uses."""
    event = "BEGIN:VEVENT\r\nUID:z\r\nDTSTART;TZID=big:20270105T090000\r\nEND:VEVENT\r\n"
    start = "BEGIN:VTIMEZONE\r\nTZID:big\r\n"
    return lambda size: body(start, inside(size), "END:VTIMEZONE\r\n", event)


def _heads(name: str) -> Maker:
    """So many lines of a VCALENDAR itself."""
    return lambda size: body(filled(f"{name}:%d{'x' * 12}\r\n", size, MOST_LINES))


def _ended_by(end: str, own: str = "UID:%d\r\n" + NOW) -> Maker:
    """Many events with other line ends."""
    return lambda size: events(own)(size * 9 // 10).replace("\r\n", end)


def _folded(fold: str, own: str = "UID:%d\r\n" + NOW) -> Maker:
    """Many events with a fold behind each character of their own lines."""
    each = "BEGIN:VEVENT\r\n" + "".join(
        fold.join(line) + "\r\n" for line in own.replace("%d", "0").splitlines()
    ) + "END:VEVENT\r\n"  # fmt: skip
    return lambda size: body(filled(each, size, MOST_LINES // each.count("\n")))


def _every(of: list[str], each: str) -> Maker:
    """Many events; each has the next of some words in place of ``%s``."""

    def make(size: int) -> str:
        count = min(MOST_EVENTS, size // (len(each) + max(map(len, of)) + 40))
        return body(*(
            f"BEGIN:VEVENT\r\nUID:{n}\r\n{each.replace('%s', of[n % len(of)])}END:VEVENT\r\n"
            for n in range(count)
        ))  # fmt: skip

    return make


def _halved(make: Maker) -> Maker:
    return lambda size: make(size // 2)


def _noise(size: int) -> str:
    """Text that cannot be compressed well, 20 MiB on the wire."""
    made = Random(1).randbytes(min(size, 20 * 1024 * 1024) // 2).hex()
    return body(*(f"X:{made[n : n + 70]}\r\n" for n in range(0, len(made), 70)))


_ZONES = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
_RULES = [
    f"FREQ={freq};INTERVAL={n}{more}"
    for n in range(1, 60)
    for freq, more in (
        ("SECONDLY", ""), ("MINUTELY", ";BYHOUR=9"), ("HOURLY", ";BYMINUTE=1,7"), ("DAILY", ""),
        ("WEEKLY", ";BYDAY=MO,TU;BYSETPOS=-1"), ("MONTHLY", ";BYDAY=2TU,-1FR"),
        ("YEARLY", ";BYWEEKNO=1,20,53"), ("YEARLY", ";BYYEARDAY=-1,100"), ("DAILY", ";COUNT=9999"),
        ("DAILY", ";UNTIL=20991231T000000Z"), ("SECONDLY", ";BYMONTHDAY=30;BYMONTH=2"),
    )
]  # fmt: skip

MORE: dict[str, Maker] = {
    # Components.
    "VJOURNALs": parts("BEGIN:VJOURNAL\r\nUID:%d\r\nDTSTART:20270105T090000Z\r\nEND:VJOURNAL\r\n"),
    "VTODOs with rules and alarms": parts(
        "BEGIN:VTODO\r\nUID:%d\r\n" + NOW + RULE + _ALARM + "END:VTODO\r\n"),
    "alarms of events": _every([_ALARM, _ALARM * 2], NOW + "%s"),
    "one event of alarms": lines(_ALARM.rstrip()),
    "alarms in alarms": parts(
        "BEGIN:VEVENT\r\nUID:%d\r\n" + NOW + "BEGIN:VALARM\r\n" * 3 + "END:VALARM\r\n" * 3
        + "END:VEVENT\r\n"),
    "events in tasks": parts("BEGIN:VTODO\r\nBEGIN:VEVENT\r\nUID:%d\r\n" + NOW + "END:VTODO\r\n"),
    "calendars in calendars": lambda size: "BEGIN:VCALENDAR\r\n" * min(
        MOST_LINES, size // 17) + body(),
    "BEGINs of many names": lines("BEGIN:X-%d"),
    "ENDs of many names": lines("END:X-%d"),
    "ENDs of events": lambda size: body("END:VEVENT\r\n" * min(MOST_LINES, size // 12)),
    "events never ended": parts("BEGIN:VEVENT\r\nUID:%d\r\n" + NOW),
    "unknown components of events": _every(
        ["BEGIN:X-A\r\nX:y\r\nEND:X-A\r\n", "BEGIN:X-B\r\nEND:X-B\r\n"], NOW + "%s"),
    "a VTIMEZONE of observances": _zone(
        lambda size: filled(_STANDARD, size, MOST_LINES // 5).replace("+00", "+0")),
    "a VTIMEZONE of RDATEs": _zone(
        lambda size: "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n"
        "TZOFFSETTO:+0200\r\n" + ("RDATE:" + times(50_000).replace("Z", "") + "\r\n")
        * (size // 800_000) + "END:STANDARD\r\n"),
    "a VTIMEZONE of rules": _zone(
        lambda size: "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n"
        "TZOFFSETTO:+0200\r\n" + "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n" * (size // 41)
        + "END:STANDARD\r\n"),
    "a VTIMEZONE of names": _zone(
        lambda size: "TZNAME:x\r\n" * min(MOST_LINES, size // 10)),
    "VAVAILABILITYs of AVAILABLEs": parts(
        "BEGIN:VAVAILABILITY\r\nUID:%d\r\n" + ("BEGIN:AVAILABLE\r\n" + NOW + RULE
        + "END:AVAILABLE\r\n") * 50 + "END:VAVAILABILITY\r\n"),
    "BUSYTYPE lines": lines("BUSYTYPE:BUSY-UNAVAILABLE", "VAVAILABILITY", ""),
    "calendars with METHOD:CANCEL": lambda size: (
        "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VEVENT\r\nUID:a\r\n" + NOW
        + "END:VEVENT\r\nEND:VCALENDAR\r\n") * min(MOST_EVENTS, size // 140) + body(),
    "calendars of 200 events": lambda size: "".join(
        f"BEGIN:VCALENDAR\r\nPRODID:{n}\r\n" + "".join(
            f"BEGIN:VEVENT\r\nUID:{m}\r\n{NOW}X:{'x' * 200}\r\nEND:VEVENT\r\n" for m in range(200))
        + "END:VCALENDAR\r\n" for n in range(min(990, size // 60_000))) + body(),
    # Properties of calendars and of events.
    **{f"{name} lines of a calendar": _heads(name)
       for name in ("X-WR-TIMEZONE", "METHOD", "PRODID", "X-EXTCAL-WINDOW", "TZID")},
    **{f"{name} lines": lines(f"{name}:%d" + "0" * 10) for name in (
        "DTEND", "DURATION", "RECURRENCE-ID", "SEQUENCE", "TRANSP", "CLASS", "DTSTAMP", "LOCATION",
        "EXRULE", "X-MICROSOFT-CDO-BUSYSTATUS")},
    "GEO, RELATED-TO and COMMENT": lines("GEO:1;2\r\nRELATED-TO:%d\r\nCOMMENT:x"),
    "EXDATEs without a time": lines("EXDATE;VALUE=DATE:" + _WHOLE_DAYS),
    "EXDATEs of a zone": lines("EXDATE;TZID=Europe/Berlin:20270105T09%d", own=RULE + NOW),
    "RDATEs of one event each": _every(times(60).split(","), NOW + "RDATE:%s\r\nX:" + "x" * 200
                                       + "\r\n"),
    "PERIODs": lines("RDATE;VALUE=PERIOD:" + times(9_000).replace(",", "/PT5M,") + "/PT5M"),
    "PERIODs with ends": lines("FREEBUSY;FBTYPE=BUSY:" + ",".join(
        f"{a}/{a[:9]}235959Z" for a in times(9_000).split(",")), "VFREEBUSY", ""),
    "FBTYPEs": lines("FREEBUSY;FBTYPE=X-%d:20270105T090000Z/PT1H", "VFREEBUSY", ""),
    "attachments": long("UID:%d\r\n" + NOW + "ATTACH;ENCODING=BASE64;VALUE=BINARY:"
                        + ("QUFB" * 18 + "\r\n ") * 2_000 + "\r\n"),
    "one attachment": lambda size: lines(
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + ("QUFB" * 18 + "\r\n ") * (size // 76))(1),
    "SEQUENCEs of 200 digits": _every(["9" * 200, "8" * 200], NOW + "SEQUENCE:%s\r\n"),
    "SEQUENCEs of 900 kB": lines("SEQUENCE:" + "9" * LONG),
    "UIDs in both cases": _every(["aBc", "AbC", "abc", "ABC"], "UID:%s\r\n" + NOW + "X:" + "x" * 200
                                 + "\r\n"),
    "UIDs with folds": lambda size: events("UID:%d\r\n x\r\n" + NOW)(size),
    "UIDs in upper case, and a parameter": lambda size: events("UID;X=1:%d\r\n" + NOW)(size),
    "UIDs that are not ASCII": lambda size: events("UID:\xe4%d\r\n" + NOW)(size * 9 // 10),
    "series in zones": _every(_ZONES, "DTSTART;TZID=%s:20270105T090000\r\nDURATION:PT1H\r\n" + RULE
                              + "X:" + "x" * 200 + "\r\n"),
    "events in zones": _every(_ZONES, "DTSTART;TZID=%s:20270105T090000\r\nDURATION:PT1H\r\nX:"
                              + "x" * 200 + "\r\n"),
    "all rules": _every(_RULES, NOW + "RRULE:%s\r\nX:" + "x" * 200 + "\r\n"),
    "all rules since 1901": _every(_RULES, "DTSTART:19010105T090000Z\r\nRRULE:%s\r\nX:" + "x" * 200
                                   + "\r\n"),
    "all EXRULEs": _every(_RULES, NOW + RULE + "EXRULE:%s\r\nX:" + "x" * 200 + "\r\n"),
    "rules in lower case": _every([rule.lower() for rule in _RULES], NOW + "rrule:%s\r\nX:"
                                  + "x" * 200 + "\r\n"),
    "rules of many numbers": _every(
        [f"FREQ=YEARLY;INTERVAL={n};BYYEARDAY=" + ",".join(map(str, range(1, 367)))
         for n in range(1, 60)], NOW + "RRULE:%s\r\n"),
    "THISANDFUTURE of many UIDs": _every(times(60).split(","), NOW + RULE
        + "RECURRENCE-ID;RANGE=THISANDFUTURE:%s\r\nX:" + "x" * 180 + "\r\n"),
    "series with overrides": lambda size: body(*(
        f"BEGIN:VEVENT\r\nUID:{n // 9}\r\n" + (RULE if not n % 9 else
        f"RECURRENCE-ID:202701{5 + n % 9:02}T090000Z\r\n") + NOW
        + f"X:{'x' * 200}\r\nEND:VEVENT\r\n"
        for n in range(min(MOST_EVENTS, size // 320)))),
    "people of events": _every(["a@example.org", "b@example.org"], NOW + (
        "ATTENDEE;CN=x;PARTSTAT=DECLINED:mailto:%s\r\n" * 3) + "X:" + "x" * 90 + "\r\n"),
    "one event of people": lines("ATTENDEE;CN=x;PARTSTAT=DECLINED:mailto:%d@example.org"),
    "categories of events": _every(["a,b,c", "d,e"], NOW + "CATEGORIES:%s\r\nX:" + "x" * 200
                                   + "\r\n"),
    "one event of categories": lines("CATEGORIES:a,b,c,%d"),
    # Parameters.
    "quoted parameters of texts": lines("SUMMARY" + ';X="a;b:c"' * 80_000 + ":%d"),
    "carets": lines("DTSTART;X=" + "^n^^^'" * 150_000 + ":20270105T090000Z", own=""),
    "parameters of many values": lines("DTSTART;X=" + '"a",b,' * 150_000 + "c:20270105T090000Z",
                                       own=""),
    "many parameters of events": _every([";X=a" * 60, ';Y="a"' * 40], "DTSTART%s:20270105T090000Z"
                                        "\r\n"),
    "open quotes": lines('SUMMARY;X="' + "a" * 50 + ":%d"),
    "quotes and semicolons": lines('DTSTART;A="' + ';B="' * 200_000, own=""),
    "colons": lines("DTSTART;TZID=" + ":2027010" * 100_000, own=""),
    "equals signs": lines("DTSTART" + ";=;A=B=" * 100_000 + ":20270105T090000Z", own=""),
    # Lines.
    "CR CR LF": _ended_by("\r\r\n"),
    "LF": _ended_by("\n"),
    "LF CR": _ended_by("\n\r"),
    "CR": _ended_by("\r"),
    "empty lines": _ended_by("\r\n\r\n\r\n"),
    "vertical tabs and form feeds": _ended_by("\v\f\r\n"),
    "other separators": _ended_by("\u2028\x85\r\n"),
    "tabs as folds": _folded("\r\n\t"),
    "folds in everything": _folded("\r\n "),
    "LF folds in everything": _folded("\n "),
    "CR folds in everything": _folded("\r "),
    "empty folds": _folded("\r\n \r\n "),
    "blank lines and folds": _folded("\r\n\r\n "),
    "folds in UTF-8": lines("SUMMARY:" + "\xc3\r\n \xa4" * 100_000),
    "blanks in names": lines(" \t SUMMARY \t :%d", own=" \t DTSTART \t :20270105T090000Z\r\n"),
    "long names": lines("X" * LONG + ":"),
    "long lines without a colon": lines("X" * LONG),
    "long blank lines": lines("\t " * (LONG // 2) + "x"),
    "lines above the limit": lines("SUMMARY:" + "x" * 1_200_000),
    "starts above the limit": lines("DTSTART:" + "2" * 1_200_000, own=""),
    "one folded start": lambda size: lines("DTSTART:" + "\r\n 2" * (size // 5))(1),
    "one start": lambda size: lines("DTSTART:" + "2" * size)(1),
    "quoted-printable": lines("SUMMARY;ENCODING=QUOTED-PRINTABLE:=C3=A4%d=\r\n=C3=A4"),
    "control characters": lines("DTST\x01ART:\x02%d\x7f" + "\x03" * 8),
    "events with NULs": lambda size: events("UID:%d\r\n" + NOW)(size).replace("DT", "D\0T"),
    "starts in lower case": lambda size: events("uid:%d\r\n" + NOW.lower())(size),
    "names with folds": lambda size: events("UID:%d\r\n" + NOW)(size * 9 // 10).replace(
        "DTS", "DT\r\n S"),
    # Encodings.
    "UTF-16, the other way round": _halved(events("UID:%d\r\n" + NOW)),
    "UTF-16 of lines": _halved(lines("SUMMARY:%dxxxxxxx")),
    "UTF-16 of wide characters": _halved(lines("SUMMARY:" + "\U0001f600" * 200_000)),
    "UTF-8 of wide letters": lines("SUMMARY:" + "\u4e00" * (LONG // 4)),
    "half characters": lines("SUMMARY:%d" + "\xf0\x9f\xf0\x9f" * 5),
    # Ways to send it.
    "many gzip members": events("UID:%d\r\n" + NOW),
    "sixteen gzip members": events("UID:%d\r\n" + NOW),
    "empty gzip members": lambda size: body(),
    "zeros behind a gzip member": lambda size: body(),
    "empty deflate blocks": lambda size: body(),
    "plain, not compressed": _halved(events("UID:%d\r\n" + NOW)),
    "deflate": lambda size: body(),
    "br": lambda size: body(),
    "chunks of a byte": _noise,
    "chunks of a line": _halved(lambda size: _noise(size * 9 // 10)),
    "chunks with extensions": _noise,
    "TCP pieces of a byte": lambda size: body("X:y\r\n" * 40_000),
    "TCP pieces of a line": lambda size: body("X:y\r\n" * 400_000),
    "a chunk for each TCP piece": lambda size: body("X:y\r\n" * 40_000),
}  # fmt: skip

CODECS = {
    "UTF-16": "utf-16", "UTF-16 of lines": "utf-16", "UTF-16 of wide characters": "utf-16",
    "UTF-16, the other way round": "utf-16-be", "not UTF-8": "latin-1",
    "half characters": "latin-1", "folds in UTF-8": "latin-1",
}  # fmt: skip
OWNED = {
    "ATTENDEEs", "CATEGORIES", "people of events", "one event of people", "categories of events",
    "one event of categories", "titles of escapes",
}  # fmt: skip

Wire = tuple[dict[str, str], Callable[[], Iterator[bytes]]]
"""Header fields, and what makes the pieces in which a body is sent."""


def sent(kind: str, raw: bytes) -> Wire:
    """How a body of this kind is sent: header fields, and what makes its pieces."""
    way = SENT.get(kind)
    if way is not None:
        return way(raw)
    packed = gzip.compress(raw, 1)
    return _gzipped(packed)


def _gzipped(*pieces: bytes) -> Wire:
    length = str(sum(map(len, pieces)))
    return {"Content-Encoding": "gzip", "Content-Length": length}, lambda: iter(pieces)


def _plain(raw: bytes, each: int, **fields: str) -> Wire:
    length = {"Content-Length": str(len(raw)), **fields}
    return length, lambda: (raw[n : n + each] for n in range(0, len(raw), each))


def _chunked(raw: bytes, each: int, extension: bytes = b"", *, apart: bool = False) -> Wire:
    """Chunks of ``each`` bytes; many of them in a piece, unless they come ``apart``."""

    def chunks(start: int, stop: int) -> bytes:
        line = b"%x%b\r\n" % (each, extension)
        return b"".join(
            (line if n + each <= len(raw) else b"%x\r\n" % (len(raw) - n))
            + raw[n : n + each] + b"\r\n"
            for n in range(start, min(stop, len(raw)), each)
        )  # fmt: skip

    step = each if apart else each * 10_000

    def made() -> Iterator[bytes]:
        yield from (chunks(n, n + step) for n in range(0, len(raw), step))
        yield b"0\r\n\r\n"

    return {"Transfer-Encoding": "chunked"}, made


def _members(raw: bytes, size: int) -> bytes:
    return b"".join(gzip.compress(raw[n : n + size], 1) for n in range(0, len(raw), size))


def _empty_blocks(raw: bytes) -> bytes:
    """Thirty megabytes of empty stored blocks in front of a body."""
    made = gzip.compress(raw, 1)
    blocks = b"\x00\x00\x00\xff\xff" * 6_000_000
    plain = zlib.compressobj(1, zlib.DEFLATED, -15)
    rest = plain.compress(raw) + plain.flush()
    return made[:10] + blocks + rest + made[-8:]


SENT: dict[str, Callable[[bytes], Wire]] = {
    "many gzip members": lambda raw: _gzipped(_members(raw, 1_000)),
    "sixteen gzip members": lambda raw: _gzipped(_members(raw, len(raw) // 16 + 1)),
    "empty gzip members": lambda raw: _gzipped(gzip.compress(b"") * 1_500_000),
    "zeros behind a gzip member": lambda raw: _gzipped(gzip.compress(raw), bytes(30_000_000)),
    "empty deflate blocks": lambda raw: _gzipped(_empty_blocks(raw)),
    "plain, not compressed": lambda raw: _plain(raw, 65_536),
    "deflate": lambda raw: _plain(zlib.compress(raw), 65_536, **{"Content-Encoding": "deflate"}),
    "br": lambda raw: _plain(raw, 65_536, **{"Content-Encoding": "br"}),
    "chunks of a byte": lambda raw: _chunked(raw[: 20 * 1024 * 1024], 1),
    "chunks of a line": lambda raw: _chunked(raw, 73),
    "chunks with extensions": lambda raw: _chunked(raw[: 20 * 1024 * 1024], 1, b";a=" + b"b" * 60),
    "TCP pieces of a byte": lambda raw: _plain(raw, 1),
    "TCP pieces of a line": lambda raw: _plain(raw, 5),
    "a chunk for each TCP piece": lambda raw: _chunked(raw, 1, apart=True),
}
