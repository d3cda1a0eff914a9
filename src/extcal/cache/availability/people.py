"""People and their sources: names in, rows of feeds and known parts out. Pure.

A person with an invalid address is unknown, with a Problem; the others are answered as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from extcal.arguments import one_of_type, several
from extcal.cache.availability.table import Availability, Part, person
from extcal.cache.freshness.values import Raise
from extcal.cache.refresh.kept.keys import Keys
from extcal.cache.refresh.refresher import Order
from extcal.cache.snapshot.questions import without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import FeedUrlError, Problem
from extcal.fetch.feed import Feed, as_feed
from extcal.ical.answer.exclude import Exclusions
from extcal.intervals import FreeBusy, Period
from extcal.intervals.freebusy import asked_in
from extcal.values import NamedTuple, dataclass

__all__ = ["People", "Source", "TableOrder", "read_people"]

Source: TypeAlias = "Feed | str | FreeBusy"
"""Where a person's busy time comes from: a Feed, an address, or a FreeBusy of the application."""


@dataclass(frozen=True, slots=True)
class People:
    """``rows``: by name, known parts and keys of feeds. ``feeds``: by key."""

    rows: Mapping[str, list[Part | str]]
    feeds: Mapping[str, Feed]

    def table(
        self,
        window: Period,
        answers: Mapping[str, Snapshot | Raise],
        exclusions: Exclusions,
    ) -> Availability:
        """Make the table of everybody over ``window``.

        ``window`` is in the zone in which the question was asked; ``answers``: the feeds' answers,
        by key.
        """
        lo, hi = FreeBusy.from_periods(window).window_epochs
        parts = {key: _part_of(answer, exclusions) for key, answer in answers.items()}
        rows = {}
        for name, row in self.rows.items():
            known = [parts[each] if isinstance(each, str) else each for each in row]
            one = person(known, lo, hi)
            rows[name] = one._replace(free_busy=asked_in(one.free_busy, window.start.tzinfo))
        return Availability(Period(*window), rows)


class TableOrder(NamedTuple):
    """The arguments of one ``availability``, read.

    ``seconds``: of its timeout; ``until``: when that is over, in monotonic seconds.
    """

    people: People
    window: Period
    exclusions: Exclusions
    feeds: list[Order]
    seconds: float
    until: float


def read_people(
    people: Mapping[str, Source | Iterable[Source]], keys_of: Callable[[Feed], Keys]
) -> People:
    """Read the argument ``people``; a feed that several people have is queried once.

    Raises TypeError for a name that is not a str, and for a source of another type.
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
    """The part of a person that a feed's answer gives, without the excluded events."""
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
