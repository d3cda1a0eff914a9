"""What a cache has done, as a value: counts without addresses, for metrics and dashboards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from extcal._former_modules import loads_earlier_pickles
from extcal.arguments import safe_repr
from extcal.cache.stores.memory import ForkSafeLock
from extcal.values import dataclass, field

__all__ = ["AGED", "AGES_UP_TO", "FAILED", "Stats", "Tally", "stats_of"]

FAILED = "failed:"
"""Counts of failed attempts begin with this, and end with the kind of failure."""

_AGES = ("30m", "2h", "24h", "older")
AGES_UP_TO = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=24))
AGED = tuple(f"aged:{each}" for each in _AGES)
"""Counts of answers by the age of their reading: up to each of :data:`AGES_UP_TO`, and older."""


@safe_repr
@loads_earlier_pickles
@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a cache has done since it was made.

    Answers: ``fresh`` from readings that were young enough or had just been fetched; ``stale`` from
    older ones, without waiting for the fetch; ``error_stale`` from older ones because the source
    could not be read; ``unavailable`` if there was nothing to serve. Attempts: ``fetches`` in all.
    Of these ``read`` gave a body, ``unchanged`` a 304, and ``failures``, by kind,
    neither. ``as_browser`` of the first two came from sources that refuse programs, and were
    fetched as a browser (:class:`extcal.UserAgents`). ``spared`` requests were not made because
    their host was down. ``ages``: how old the readings were that were served, by class: ``"30m"``
    up to 30 minutes, then up to ``"2h"``, up to ``"24h"``, and ``"older"``. At present:
    ``in_flight`` fetches wait or are under way, ``hosts_down`` hosts are not asked, and
    ``store_down`` says that the store fails or is too slow, so that the memory of this process
    stands in for it.
    """

    fresh: int = 0
    stale: int = 0
    error_stale: int = 0
    unavailable: int = 0
    fetches: int = 0
    read: int = 0
    unchanged: int = 0
    spared: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    in_flight: int = 0
    hosts_down: int = 0
    as_browser: int = 0
    ages: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(_AGES, 0))
    store_down: bool = False

    @property
    def answers(self) -> int:
        """How many calls were answered."""
        return self.fresh + self.stale + self.error_stale + self.unavailable


def stats_of(counts: Mapping[str, int], in_flight: int, hosts_down: int, store_down: bool) -> Stats:
    """The value for what a cache counted, and how it stands."""
    failures = {
        what.removeprefix(FAILED): count
        for what, count in sorted(counts.items())
        if what.startswith(FAILED)
    }
    return Stats(
        fresh=counts.get("fresh", 0),
        stale=counts.get("stale", 0),
        error_stale=counts.get("error-stale", 0),
        unavailable=counts.get("unavailable", 0),
        fetches=counts.get("fetches", 0),
        read=counts.get("read", 0),
        unchanged=counts.get("unchanged", 0),
        spared=counts.get("spared", 0),
        failures=failures,
        in_flight=in_flight,
        hosts_down=hosts_down,
        as_browser=counts.get("as_browser", 0),
        ages={age: counts.get(each, 0) for age, each in zip(_AGES, AGED, strict=True)},
        store_down=store_down,
    )


@safe_repr
class Tally:
    """Counts of events; they are changed only while ``lock`` is held."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """It happened once more."""
        with self.lock:
            self.counts[what] += 1

    def read(self) -> dict[str, int]:
        """All counts, of one moment."""
        with self.lock:
            return dict(self.counts)

    def __repr__(self) -> str:
        return f"<Tally of {sum(self.read().values())}>"
