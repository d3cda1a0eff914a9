"""The only entry to the shortcuts: the same answer as the plain reading code, faster.

In and out as in :func:`extcal.ical.expand.long_way`, which uses nothing in this folder. The sieve
chooses which bytes are read. Plain events are read straight from their bytes, everything else by
the plain reading code. ``tests/ical/shortcuts/test_shortcuts.py`` holds that both give one answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from extcal.errors import LimitExceeded
from extcal.ical.answer.collect import Collector, Question
from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.events.read import typed
from extcal.ical.parse.components import Stream, cost
from extcal.ical.parse.excess import without_excess
from extcal.ical.parse.spans import emptied
from extcal.ical.shortcuts import short_components
from extcal.ical.shortcuts.plain_blocks import PlainBlock, PlainBlocks, line_ends
from extcal.ical.shortcuts.select import sieve
from extcal.ical.shortcuts.short_reading import PlainReader
from extcal.ical.zones.names import is_exact
from extcal.ical.zones.resolve import Zones

__all__ = ["short_way"]


def short_way(
    raw: bytes, question: Question, timezone: str | tzinfo | None, work: Work
) -> Collector:
    """Read a body the short way."""
    ends = line_ends(raw)
    spans = sieve(raw, question.lo, question.hi, work.limits, ends, told=question.events)
    spans = without_excess(raw, spans, work, is_exact, has_lone_cr="\r" in ends)
    blocks = PlainBlocks(raw, ends, titles=question.titles)
    stream, plain = short_components.read(
        raw,
        work,
        spans,
        people=question.reads_people(raw),
        labels=question.reads_labels,
        told=question.events,
        blocks=blocks,
    )
    stream.require_calendar()
    zones = Zones(stream, question.lo, question.hi, timezone, work)
    reader = PlainReader(
        blocks,
        zones,
        work,
        people=bool(question.owner),
        labels=question.reads_labels,
        titles=question.titles,
    )
    collector = Collector(question, stream, zones, work)
    collector.collect(_events(stream, plain, reader, zones, work))
    return collector


def _events(
    stream: Stream, blocks: list[PlainBlock], reader: PlainReader, zones: Zones, work: Work
) -> Iterator[Event | None]:
    """All events, from the last to the first, as :func:`extcal.ical.events.read.events` does it."""
    long, short = stream.events, blocks
    while (long or short) and work.left >= 0:
        if not short or (long and long[-1].offset > short[-1].offset):
            yield typed(long.pop(), zones, work)
        else:
            yield _typed(short.pop(), reader, zones, work)
    work.spend(0)
    emptied(short)


def _typed(block: PlainBlock, reader: PlainReader, zones: Zones, work: Work) -> Event | None:
    try:
        event = reader.event(block)
    except LimitExceeded:
        raise
    except Exception:
        work.internal_error(offset=block.offset)
        return None
    if event is not None:
        return event
    component = reader.component(block)
    work.left -= cost(component.lines)
    return typed(component, zones, work)
