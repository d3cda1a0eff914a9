"""How polite the cache is to sources, and how current its answers are, over a week of bad days.

    .venv/bin/python benchmarks/politeness.py              # 10,000 and 1,000,000 feeds
    .venv/bin/python benchmarks/politeness.py --quick      # 2,000 feeds, one day

No network and no waiting: a clock jumps from look to look, and the cache's own rules decide
(:mod:`extcal.cache.freshness`) whether a source is asked. Two kinds of looks are counted without
putting them to the rules, because their answer is known: a look at a reading that is 30 minutes old
or younger is FRESH without a request; and a look at an older one, or at none, is a request and then
FRESH, if neither the feed nor its host has failed lately and the source answers. A test compares
this with putting every look to the rules.

Hosts have nothing in common, so each is simulated by a process of its own (``--jobs`` at a time).
A process of a service has 10,000 feeds: it has its own places for fetches and its own circuit
breakers. The record of rate-limited hosts is shared by all, as it is by processes over one store.
What sources do is made up, but its proportions are those of real services: most feeds lie with two
providers, a few are looked at all day, most a few times a day.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import math
import random
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import NormalDist

from extcal.cache.freshness.circuit_breaker import WELL, admits, probing
from extcal.cache.freshness.circuit_breaker import learn as after_attempt
from extcal.cache.freshness.decide import decide, fall_back, learn
from extcal.cache.freshness.rate_limited_hosts import UNTROUBLED, after_429, is_rate_limited
from extcal.cache.freshness.values import (
    Attempts,
    Failure,
    Fetch,
    Held,
    Outcome,
    Raise,
    Rules,
    Serve,
    State,
    Success,
)

__all__ = ["main", "run", "table"]

START = datetime(2027, 1, 4, tzinfo=UTC)
RULES = Rules()
TTL = RULES.ttl.total_seconds()
HOUR, MINUTE, DAY = 3600.0, 60.0, 86400.0
BIN = 5 * MINUTE
PLACES = 4  # fetches at a time of one host and one process, as HttpFetcher has it
PER_PROCESS = 10_000  # feeds
SEED = 7
NEVER = -math.inf


@dataclass(frozen=True)
class Trouble:
    """From hour to hour, this share of the feeds of a host comes to this failure."""

    begin: float
    end: float
    failure: Failure
    share: float = 1.0


@dataclass(frozen=True)
class Provider:
    """``share`` of all feeds; ``seconds`` an answer takes, in the median."""

    name: str
    share: float
    seconds: float
    troubles: tuple[Trouble, ...] = ()


_DOWN, _SLOW = Failure("connect"), Failure("timeout")
_404, _429 = Failure("not_found", 404), Failure("rate_limited", 429)
_503 = Failure("server_error")

PROVIDERS = (
    Provider(
        "Google",
        0.45,
        0.4,
        (
            Trouble(20, 27, _404, 0.03),  # a few feeds flap
            Trouble(58, 61, _429, 0.5),  # a service is asked to be patient
            Trouble(100, 112, _404, 0.02),
        ),
    ),
    Provider("Outlook", 0.35, 4.0, (Trouble(30, 33, _503), Trouble(80, 92, _404, 0.05))),
    Provider(
        "iCloud", 0.1, 0.8, tuple(Trouble(day * 24 + 3, day * 24 + 3.5, _503) for day in range(7))
    ),
    Provider("Nextcloud", 0.06, 1.5, (Trouble(40, 60, _DOWN), Trouble(120, 121, _SLOW))),
    Provider("others", 0.04, 1.0, (Trouble(0, 168, _429, 0.02), Trouble(70, 75, _503, 0.3))),
)


_64_BITS = 2**64 - 1
_inverse = NormalDist().inv_cdf


class Chance:
    """One stream of random numbers for each feed, so that no feed's numbers depend on another's.

    A linear congruential generator of 64 bits (Knuth's MMIX), of which the upper 53 are used.
    """

    def __init__(self, feeds: int) -> None:
        source = random.Random(SEED)
        self._states = array("Q", (source.getrandbits(64) for _ in range(feeds)))

    def uniform(self, feed: int) -> float:
        state = (self._states[feed] * 6364136223846793005 + 1442695040888963407) & _64_BITS
        self._states[feed] = state
        return (state >> 11) * 2.0**-53

    def gap(self, feed: int, mean: float) -> float:
        """Until the next look: the looks at a feed are independent of each other."""
        return -math.log(1.0 - self.uniform(feed)) * mean

    def seconds(self, feed: int, median: float) -> float:
        """How long an answer takes: a log-normal number."""
        return median * math.exp(0.5 * _inverse(self.uniform(feed) + 2.0**-54))


@dataclass
class Figures:
    """What came of all looks at the feeds of one host; ``looks`` and ``fresh`` by five minutes."""

    provider: Provider
    days: int
    ages: array[int] = field(default_factory=lambda: array("q", bytes(8 * (int(DAY) + 2))))
    looks: array[int] = field(init=False)
    fresh: array[int] = field(init=False)
    requests: array[int] = field(init=False)
    cold: array[float] = field(default_factory=lambda: array("d"))
    untold: float = 0.0
    unavailable: int = 0
    busiest: int = 0

    def __post_init__(self) -> None:
        bins = int(self.days * DAY / BIN)
        self.looks, self.fresh = array("q", bytes(8 * bins)), array("q", bytes(8 * bins))
        self.requests = array("q", bytes(8 * 24 * self.days))

    def count(self, at: float, state: State | None, age: float) -> None:
        number = int(at // BIN)
        self.looks[number] += 1
        if state is None:
            self.unavailable += 1
            return
        self.ages[int(age)] += 1
        if state is State.FRESH:
            self.fresh[number] += 1
            self.untold = max(self.untold, age - TTL)


def main() -> None:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(description="How polite the cache is, over a bad week.")
    parser.add_argument("--quick", action="store_true", help="2,000 feeds, one day")
    parser.add_argument("--feeds", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    runs = [(2_000, 1)] if arguments.quick else [(feeds, 7) for feeds in arguments.feeds]
    with ProcessPoolExecutor(arguments.jobs, initializer=gc.disable) as processes:
        for feeds, days in runs:
            found = processes.map(partial(run, feeds, days), range(len(PROVIDERS)))
            print(*table(feeds, days, list(found)), sep="\n", flush=True)


def run(feeds: int, days: int, number: int, *, every_look: bool = False) -> Figures:
    """Simulate the feeds of one provider; ``every_look`` puts each look to the cache's rules."""
    chance = Chance(feeds)
    mine = [feed for feed in range(feeds) if _pick(chance.uniform(feed)) == number]
    # A tenth is looked at every ten minutes of a working day, the rest four times a day.
    mean = {feed: 10 * MINUTE if chance.uniform(feed) < 0.1 else 6 * HOUR for feed in mine}
    looks = [(chance.uniform(feed) * mean[feed], feed) for feed in mine]
    heapq.heapify(looks)
    host = Host(PROVIDERS[number], Figures(PROVIDERS[number], days), chance, feeds)
    since, figures, end = host.since, host.figures, days * DAY
    while looks:
        at, feed = looks[0]
        if at >= end:
            break
        if every_look or not host.is_well(feed, at):
            host.look(feed, at)
        else:
            host.asked(feed, at)
            since[feed] = at
            figures.count(at, State.FRESH, 0.0)
        gap = mean[feed]
        after = at + chance.gap(feed, gap)
        if not every_look:
            fetched, until = since[feed], min(since[feed] + TTL, end)
            while after <= until and after < end:
                number = int(after // BIN)
                figures.looks[number] += 1
                figures.fresh[number] += 1
                figures.ages[int(after - fetched)] += 1
                after += chance.gap(feed, gap)
        heapq.heapreplace(looks, (after, feed))
    return figures


class Host:
    """A provider, what the service knows of its feeds, and what happened."""

    def __init__(self, provider: Provider, figures: Figures, chance: Chance, feeds: int) -> None:
        self.provider, self.figures = provider, figures
        self._chance = chance
        self._processes = processes = max(feeds // PER_PROCESS, 1)
        self._places = [[0.0] * PLACES for _ in range(processes)]
        self._health = [WELL] * processes
        self._rate_limited, self._limited_until = UNTROUBLED, NEVER
        # When each feed was read, and what is to be remembered of its attempts besides that.
        self.since = array("d", [NEVER]) * feeds
        self._attempts: dict[int, Attempts] = {}
        self._requests: dict[int, list[float]] = defaultdict(list)

    def is_well(self, feed: int, at: float) -> bool:
        """Whether a look at a reading that is not FRESH leads to a request and to an answer."""
        return (
            feed not in self._attempts
            and self._health[feed % self._processes] is WELL
            and at > self._limited_until
            and isinstance(self._answer(feed, at), Success)
        )

    def look(self, feed: int, at: float) -> None:
        """One look, by the cache's rules."""
        now, process = _moment(at), feed % self._processes
        known, tried = None, self._attempts.get(feed, Attempts())
        if self.since[feed] != NEVER:
            read_at = _moment(self.since[feed])
            known = Held(read_at, validators=True, read_at=read_at)
            tried = self._attempts.get(feed, Attempts(last=read_at))
        decision = decide(known, tried, now, RULES)
        if isinstance(decision, Fetch):
            if not admits(self._health[process], now):
                decision = fall_back(known, Attempts(kind=self._health[process].kind), now, RULES)
            elif is_rate_limited(self._rate_limited, now):
                decision = fall_back(known, Attempts(kind="rate_limited"), now, RULES)
        if isinstance(decision, Fetch):
            decision = self._fetch(feed, at, known, tried)
        state = decision.state if isinstance(decision, Serve) else None
        self.figures.count(at, state, at - self.since[feed])

    def _fetch(self, feed: int, at: float, known: Held | None, tried: Attempts) -> Serve | Raise:
        now, process = _moment(at), feed % self._processes
        self.asked(feed, at)
        outcome = self._answer(feed, at)
        failed = outcome.kind if isinstance(outcome, Failure) else None
        asking = probing(self._health[process], now)
        self._health[process] = after_attempt(asking, str(feed), failed, now)
        if failed == "rate_limited":
            self._rate_limited = after_429(self._rate_limited, str(feed), now)
            until = self._rate_limited.until
            self._limited_until = NEVER if until is None else (until - START).total_seconds()
        jitter = 0.0 if failed is None else self._chance.uniform(feed)
        self._attempts[feed] = tried = learn(tried, outcome, now, RULES, jitter)
        if failed is not None:
            return fall_back(known, tried, now, RULES)
        if tried == Attempts(last=now):
            del self._attempts[feed]
        self.since[feed] = at
        return Serve(State.FRESH)

    def asked(self, feed: int, at: float) -> None:
        """Count a request, and the wait for it."""
        figures, recent = self.figures, self._requests[feed]
        figures.requests[int(at // HOUR)] += 1
        while recent and at - recent[0] >= DAY:
            del recent[0]
        recent.append(at)
        if len(recent) > figures.busiest:
            figures.busiest = len(recent)
        places = self._places[feed % self._processes]
        free = max(places[0], at) + self._chance.seconds(feed, self.provider.seconds)
        heapq.heapreplace(places, free)
        if self.since[feed] == NEVER:
            figures.cold.append(free - at)

    def _answer(self, feed: int, at: float) -> Outcome:
        """What the source says to ``feed`` at ``at``, in seconds from the start."""
        for number, trouble in enumerate(self.provider.troubles):
            if not trouble.begin * HOUR <= at < trouble.end * HOUR:
                continue
            # The same feeds for all of one trouble, and others for the next.
            if random.Random(feed * 31 + number).random() < trouble.share:
                return trouble.failure
        return Success()


def _moment(at: float) -> datetime:
    return START + timedelta(seconds=at)


def _pick(drawn: float) -> int:
    for number, provider in enumerate(PROVIDERS):
        drawn -= provider.share
        if drawn < 0:
            return number
    return len(PROVIDERS) - 1


def table(feeds: int, days: int, hosts: list[Figures]) -> Iterator[str]:
    """The lines of one run."""
    looks = sum(sum(host.looks) for host in hosts)
    unavailable = sum(host.unavailable for host in hosts)
    yield f"\n{feeds:,} feeds, {days} days: {looks:,} looks, {looks - unavailable:,} answered"
    yield f"{'host':<12}{'requests/h':>12}{'busiest hour':>14}{'recovered after':>17}"
    for host in hosts:
        mean = sum(host.requests) / len(host.requests)
        # The first hour reads everything once.
        yield (
            f"{host.provider.name:<12}{mean:>12,.0f}{max(host.requests[1:]):>14,}"
            f"{_recovery(host):>17}"
        )
    ages = [sum(counts) for counts in zip(*(host.ages for host in hosts), strict=True)]
    half, most, worst = (_minutes(_quantile(ages, share)) for share in (0.5, 0.95, 1.0))
    yield f"age at a look: p50 {half}, p95 {most}, worst {worst}"
    yield f"older than 30 minutes without being told: {max(host.untold for host in hosts):.0f} s"
    yield f"unavailable: {100 * unavailable / looks:.2f} % of the looks"
    cold = sorted(wait for host in hosts for wait in host.cold)
    yield f"wait of a cold look: p99 {cold[int(len(cold) * 0.99)]:.1f} s"
    yield f"requests of one feed in any 24 hours: {max(host.busiest for host in hosts)} at most"


def _recovery(host: Figures) -> str:
    """Until 99 of 100 looks are answered FRESH again: the longest after any trouble."""
    longest = 0.0
    for trouble in host.provider.troubles:
        if trouble.share < 0.5 or trouble.end >= host.days * 24:
            continue
        first = int(trouble.end * HOUR // BIN)
        for number in range(first, min(first + 12 * 24, len(host.looks))):
            looks, fresh = host.looks[number], host.fresh[number]
            if looks and fresh >= 0.99 * looks:
                longest = max(longest, (number - first + 1) * BIN / MINUTE)
                break
    return f"{longest:.0f} min" if longest else "-"


def _quantile(counts: Iterable[int], share: float) -> int:
    """The second below which ``share`` of the looks lie; ``counts`` by second."""
    counts = list(counts)
    left = sum(counts) * share
    for second, count in enumerate(counts):
        left -= count
        if count and left <= 0:
            return second
    return 0


def _minutes(seconds: float) -> str:
    return f"{seconds / MINUTE:.0f} min"


if __name__ == "__main__":
    main()
