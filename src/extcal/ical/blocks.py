"""Which VEVENTs are plain: what nearly every event of nearly every feed is.

In: bytes, from one BEGIN:VEVENT to the next. Out: where its parts stand, or None. A block is plain
when each of its lines begins in the plainest way, all of it is UTF-8, and nothing stands in it but
its own lines and, behind them, alarms. ``plain`` makes events of these the short way; everything
else goes through ``lines`` and ``components``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from extcal.ical.lines import Line, logical_lines
from extcal.ical.work import Work

__all__ = ["Block", "own_lines", "plain_block"]


class Block(NamedTuple):
    """A plain VEVENT: where it begins, where its own lines end, and where its END stands."""

    offset: int
    own: int
    end: int
    calendar: int  # index of its VCALENDAR in Stream.calendars


# A line that is no fold must name its property in full, and only alarms may begin and end. In a
# block of CRLF a lone LF ends a line as well, and so does a lone CR anywhere.
_NAMED = rb"(?!BEGIN|END)[A-Z][A-Z0-9_-]*[;:]|(?:BEGIN|END):VALARM(?:\r?\n(?![ \t])|\Z)"
_ODD = rb"\n(?!%s(?:[ \t]|" + _NAMED + rb"))"
_ODD_CRLF = re.compile(_ODD % rb"(?<=\r\n)")
_ODD_LF = re.compile(_ODD % b"")
_LONE_CR = re.compile(rb"\r[^\n]")
_ALARM = b"\nBEGIN:VALARM"
_ALARM_END = b"\nEND:VALARM"
_ENDINGS = {b"BEGIN:VEVENT\r": b"\r\nEND:VEVENT\r\n", b"BEGIN:VEVENT\n": b"\nEND:VEVENT\n"}


def plain_block(raw: bytes, start: int, stop: int, calendar: int) -> Block | None:
    """Return the parts of ``raw[start:stop]`` if that is one plain VEVENT and nothing else."""
    chunk = raw[start:stop]
    ending = _ENDINGS.get(chunk[:13])
    if ending is None or not chunk.endswith(ending):
        return None
    end = len(chunk) - len(ending)  # in front of the newline before its END
    newline = ending[: ending.index(b"E")]
    if chunk[12 + len(newline)] in b" \t":  # its name goes on
        return None
    odd = _ODD_LF if len(newline) == 1 else _ODD_CRLF
    if odd.search(chunk, 0, end) or _LONE_CR.search(chunk, 0, end) or not _is_utf8(chunk):
        return None
    own = chunk.find(_ALARM, 0, end)
    if own < 0:
        own = end
    ended = chunk.find(_ALARM_END, 0, end)
    if own < end:
        one = ended == end - len(_ALARM_END) and chunk.rfind(_ALARM, own, end) == own
        if not one and (ended < own or not _only_alarms(chunk[own:end], newline)):
            return None
    elif ended >= 0:
        return None
    return Block(start, start + own, start + end + len(newline), calendar)


def _is_utf8(chunk: bytes) -> bool:
    if chunk.isascii():
        return True
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _only_alarms(tail: bytes, newline: bytes) -> bool:
    """Whether each alarm ends where the next begins, so that no line between is the event's."""
    ends = tail.count(_ALARM_END)
    joints = tail.count(_ALARM_END + newline + _ALARM[1:])
    return tail.count(_ALARM) == ends == joints + 1 and tail.endswith(_ALARM_END)


def own_lines(raw: bytes, block: Block, names: Mapping[bytes, str], work: Work) -> list[Line]:
    """The lines of a plain block that the long way would have found in it."""
    found = logical_lines(raw, (block.offset, block.own), names, work)
    return [line for line in found if line.name not in ("BEGIN", "END")]
