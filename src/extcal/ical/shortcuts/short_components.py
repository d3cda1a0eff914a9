"""Components, read the short way: plain events stay bytes.

In: spans of a body. Out: the Stream that :func:`extcal.ical.parse.components.read` gives, without
its plain events, and a PlainBlock for each of these.
"""

from __future__ import annotations

from collections.abc import Sequence

from extcal.ical.budget import Work
from extcal.ical.parse.components import EVENT, Component, ComponentReader, Stream
from extcal.ical.parse.spans import Span, find
from extcal.ical.shortcuts.plain_blocks import PlainBlock, PlainBlocks

__all__ = ["read"]

_BEGIN = b"\nBEGIN:VEVENT"
_PLAIN_NESTING = 3  # an alarm, in an event, in a calendar


def read(
    raw: bytes,
    work: Work,
    spans: Sequence[Span],
    *,
    people: bool,
    labels: bool,
    told: bool,
    blocks: PlainBlocks,
) -> tuple[Stream, list[PlainBlock]]:
    """Read spans of a body; return the Stream, and the plain events, which are not in it.

    ``told`` says whether Problems are reported. If not, an event with bytes that are not UTF-8 may
    be plain too. ``blocks`` finds the plain events.
    """
    reader = _ShortReader(raw, work, blocks, people=people, labels=labels, utf8=told)
    for span in spans:
        reader.read(span)
    return reader.finish(spans), reader.plain


class _ShortReader(ComponentReader):
    def __init__(
        self,
        raw: bytes,
        work: Work,
        blocks: PlainBlocks,
        *,
        people: bool,
        labels: bool,
        utf8: bool,
    ) -> None:
        super().__init__(raw, work, people=people, labels=labels)
        self.blocks = blocks
        self.plain: list[PlainBlock] = []
        self.utf8 = utf8

    def read(self, span: Span) -> None:
        start, end = span
        while start < end and not self.full:
            start = self.take_blocks(start, end)
            if start == end:
                break
            begin = find(self.raw, _BEGIN, start, end)
            stop = begin + 1 if begin >= 0 else end
            self.read_lines(self.lines((start, stop)))
            start = stop

    def take_blocks(self, start: int, end: int) -> int:
        """Collect the plain events from ``start`` on; return the offset of the first other byte."""
        work, limits, calendar = self.work, self.work.limits, self.calendar()
        if calendar is None or limits.max_nesting < _PLAIN_NESTING or "\r" in self.blocks.ends:
            return start
        most = limits.max_vevents - self.vevents
        raw, longest, plain = self.raw, limits.max_line_bytes, self.plain
        before = len(plain)
        while start < end and len(plain) - before < most and work.left >= 0:
            begin = raw.find(_BEGIN, start, min(end, start + longest + len(_BEGIN)))
            stop = begin + 1 if begin >= 0 else end
            if stop - start > longest:
                break
            block = self.blocks.at(start, stop, calendar)
            if block is None or (self.utf8 and not _is_utf8(raw[start:stop])):
                break
            plain.append(block)
            start = stop
            work.left -= EVENT
        self.vevents += len(plain) - before
        self.full = not work.spend(0)
        return start

    def calendar(self) -> int | None:
        """The index of the open VCALENDAR, if no component in it is open; else None."""
        if len(self.open) != 1:
            return None
        (top,) = self.open
        return top.calendar if isinstance(top, Component) else None


def _is_utf8(chunk: bytes) -> bool:
    if chunk.isascii():
        return True
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True
