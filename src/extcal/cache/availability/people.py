"""Who is asked about, and from which sources: names in, rows of feeds and known parts out. Pure.

An address that is none makes its person unknown, with a Problem; it costs nobody else the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from extcal.arguments import one_of_type, several
from extcal.cache.availability.table import Availability, Part, person
from extcal.cache.freshness.decide import Raise
from extcal.cache.refresh.keys import Keys
from extcal.cache.snapshot.questions import without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import FeedUrlError, Problem
from extcal.fetch.feed import Feed, as_feed
from extcal.ical.answer.exclude import Exclusions
from extcal.intervals import FreeBusy, Period

__all__ = ["People", "Source", "read_people"]

Source: TypeAlias = "Feed | str | FreeBusy"
"""What says when a person is busy: a feed, its bare address, or what the host knows itself."""


@dataclass(frozen=True, slots=True)
class People:
    """``rows``: by name, what is known, or the key of the feed that says it. ``feeds``: by key."""

    rows: Mapping[str, list[Part | str]]
    feeds: Mapping[str, Feed]

    def table(
        self, window: Period, answers: Mapping[str, Snapshot | Raise], exclusions: Exclusions
    ) -> Availability:
        """Lay everybody side by side over ``window``; ``answers``: by key, what the feeds said."""
        lo, hi = FreeBusy.from_periods(window).window_epochs
        parts = {key: _part_of(answer, exclusions) for key, answer in answers.items()}
        rows = {
            name: person([parts[each] if isinstance(each, str) else each for each in row], lo, hi)
            for name, row in self.rows.items()
        }
        return Availability(window, rows)


def read_people(
    people: Mapping[str, Source | Iterable[Source]], keys_of: Callable[[Feed], Keys]
) -> People:
    """Sort out what a host said about its people; each feed is looked at once.

    Raises TypeError for names that are no str and for sources that are none.
    """
    one_of_type("people", people, Mapping, 'feeds by name, such as {"Ada": feed}')
    rows: dict[str, list[Part | str]] = {}
    feeds: dict[str, Feed] = {}
    for name, sources in {name: _sources(name, given) for name, given in people.items()}.items():
        row = rows[name] = []
        for source in sources:
            found = _part_or_feed(source)
            if isinstance(found, Feed):
                keys = keys_of(found)
                feeds.setdefault(keys.snapshot, found)
                row.append(keys.snapshot)
            else:
                row.append(found)
    return People(rows, feeds)


def _part_of(answer: Snapshot | Raise, exclusions: Exclusions) -> Part:
    """What a feed's answer says about its person, but for the events that are left out."""
    if isinstance(answer, Raise):
        return Part.of_failure(answer.kind)
    part = Part.of_snapshot(answer)
    return part._replace(busy=without(answer.reading, exclusions)) if exclusions else part


def _part_or_feed(source: Source) -> Part | Feed:
    if isinstance(source, FreeBusy):
        return Part(source)
    try:
        return as_feed(source)
    except FeedUrlError as error:
        return Part(None, problems=(Problem(error.kind, error.message, action="unknown"),))


def _sources(name: str, given: Source | Iterable[Source]) -> list[Source]:
    if not isinstance(name, str):
        raise TypeError(f"people are named by str, not {type(name).__name__}")
    if isinstance(given, (Feed, str, FreeBusy)):
        return [given]
    takes = "Feeds, addresses and FreeBusy for each person"
    if isinstance(given, Mapping):
        raise TypeError(f"people takes {takes}, not one by another name")
    found = several("people", given, takes)
    return [one_of_type("people", source, (Feed, str, FreeBusy), takes) for source in found]
