"""How polite the cache is to sources, and how current its answers are, over a week of bad days.

    .venv/bin/python benchmarks/politeness.py              # 10,000 and 1,000,000 feeds
    .venv/bin/python benchmarks/politeness.py --quick      # 2,000 feeds, one day

No network and no waiting: a clock jumps from look to look, and the cache's own rules decide
(:mod:`extcal.cache.freshness`) whether a source is asked. A million feeds are simulated by every
hundredth of them, with a hundredth of the places for fetches; ``--every 1`` takes all.
What sources do is made up, but its proportions are those of real services: most feeds lie with two
providers, a few are looked at all day, most a few times a day.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from extcal.cache.freshness.decide import decide, fall_back, learn
from extcal.cache.freshness.rate_limited_hosts import (
    UNTROUBLED,
    RateLimited,
    after_429,
    is_rate_limited,
)
from extcal.cache.freshness.values import (
    Attempts,
    Failure,
    Fetch,
    Held,
    Outcome,
    Rules,
    Serve,
    State,
    Success,
)
from extcal.cache.refresh.hosts import Hosts

__all__ = ["main"]

START = datetime(2027, 1, 4, tzinfo=UTC)
RULES = Rules()
HOUR, MINUTE = 3600.0, 60.0
PLACES = 4  # fetches at a time of one host and one process, as HttpFetcher has it
PER_PROCESS = 10_000  # feeds


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


@dataclass
class Host:
    """One provider as this run sees it."""

    provider: Provider
    places: list[float]
    rate_limited: RateLimited = UNTROUBLED
    hours: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    requests: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    looks: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def answer(self, feed: int, at: float) -> Outcome:
        """What the source says to ``feed`` at ``at``, in seconds from the start."""
        for number, trouble in enumerate(self.provider.troubles):
            # The same feeds for all of one trouble, and others for the next.
            meant = random.Random(feed * 31 + number).random() < trouble.share
            if meant and trouble.begin * HOUR <= at < trouble.end * HOUR:
                return trouble.failure
        return Success()

    def wait(self, at: float, seconds: float) -> float:
        """How long somebody waits for a place and for the answer."""
        free = max(heapq.heappop(self.places), at)
        heapq.heappush(self.places, free + seconds)
        return free + seconds - at


@dataclass
class Figures:
    """What came of all looks."""

    ages: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    untold: float = 0.0
    looks: int = 0
    unavailable: int = 0
    most_asked: int = 0


def main() -> None:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(description="How polite the cache is, over a bad week.")
    parser.add_argument("--quick", action="store_true", help="2,000 feeds, one day")
    parser.add_argument("--every", type=int, default=100, help="of a million feeds, every so many")
    arguments = parser.parse_args()
    if arguments.quick:
        runs = [(2_000, 1, 1)]
    else:
        runs = [(10_000, 1, 7), (1_000_000, arguments.every, 7)]
    for feeds, every, days in runs:
        print(*simulate(feeds, every, days), sep="\n", flush=True)


def simulate(feeds: int, every: int, days: int) -> Iterator[str]:
    """The lines of one run."""
    chance = random.Random(7)
    count = feeds // every
    places = max(PLACES * max(feeds // PER_PROCESS, 1) // every, 1)
    hosts = [Host(provider, [0.0] * places) for provider in PROVIDERS]
    of = [_pick(chance) for _ in range(count)]
    held: list[Held | None] = [None] * count
    attempts = [Attempts()] * count
    # A tenth is looked at every ten minutes of a working day, the rest four times a day.
    every_seconds = [10 * MINUTE if chance.random() < 0.1 else 6 * HOUR for _ in range(count)]
    down, figures = Hosts(), Figures()
    asked: dict[int, list[float]] = defaultdict(list)
    looks = [(chance.random() * every_seconds[feed], feed) for feed in range(count)]
    heapq.heapify(looks)
    while looks:
        at, feed = heapq.heappop(looks)
        after = at + chance.expovariate(1 / every_seconds[feed])
        if after < days * 24 * HOUR:
            heapq.heappush(looks, (after, feed))
        host, now = hosts[of[feed]], START + timedelta(seconds=at)
        name = host.provider.name
        decision = decide(held[feed], attempts[feed], now, RULES)
        if isinstance(decision, Fetch):
            why = down.admit(name, now)
            if why is None and is_rate_limited(host.rate_limited, now):
                why = "rate_limited"
            if why is not None:
                decision = fall_back(held[feed], Attempts(kind=why), now, RULES)
        if isinstance(decision, Fetch):
            outcome = host.answer(feed, at)
            seconds = host.provider.seconds * chance.lognormvariate(0.0, 0.5)
            if held[feed] is None:
                figures.cold.append(host.wait(at, seconds))
            else:
                host.wait(at, seconds)
            host.requests[int(at // HOUR)] += 1
            asked[feed].append(at)
            failed = outcome.kind if isinstance(outcome, Failure) else None
            down.learn(name, str(feed), failed, now)
            if failed == "rate_limited":
                host.rate_limited = after_429(host.rate_limited, str(feed), now)
            attempts[feed] = learn(attempts[feed], outcome, now, RULES, chance.random())
            if isinstance(outcome, Success):
                held[feed] = Held(now, validators=True, read_at=now)
                decision = Serve(State.FRESH)
            else:
                decision = fall_back(held[feed], attempts[feed], now, RULES)
        _count(figures, host, at, decision, held[feed], now)
    return _lines(feeds, every, days, hosts, figures, asked)


def _count(
    figures: Figures, host: Host, at: float, decision: object, held: Held | None, now: datetime
) -> None:
    figures.looks += 1
    bin_ = host.looks[int(at // (5 * MINUTE))]
    bin_[0] += 1
    if not isinstance(decision, Serve) or held is None:
        figures.unavailable += 1
        return
    age = (now - held.fetched_at).total_seconds()
    figures.ages.append(age)
    if decision.state is State.FRESH:
        bin_[1] += 1
        figures.untold = max(figures.untold, age - 30 * MINUTE)


def _lines(
    feeds: int,
    every: int,
    days: int,
    hosts: list[Host],
    figures: Figures,
    asked: dict[int, list[float]],
) -> Iterator[str]:
    sample = "" if every == 1 else f" (every {every}th simulated)"
    yield f"\n{feeds:,} feeds, {days} days{sample}: {figures.looks * every:,} looks"
    yield f"{'host':<12}{'requests/h':>12}{'busiest hour':>14}{'recovered after':>17}"
    for host in hosts:
        hours = [host.requests.get(hour, 0) * every for hour in range(days * 24)]
        mean = sum(hours) / len(hours)
        # The first hour reads everything once.
        yield (
            f"{host.provider.name:<12}{mean:>12,.0f}{max(hours[1:]):>14,}"
            f"{_recovery(host, days):>17}"
        )
    ages = sorted(figures.ages)
    half, most = (_minutes(_quantile(ages, share)) for share in (0.5, 0.95))
    yield f"age at a look: p50 {half}, p95 {most}, worst {_minutes(ages[-1])}"
    yield f"older than 30 minutes without being told: {max(figures.untold, 0.0):.0f} s"
    yield f"unavailable: {100 * figures.unavailable / figures.looks:.2f} % of the looks"
    yield f"wait of a cold look: p99 {_quantile(sorted(figures.cold), 0.99):.1f} s"
    yield f"requests of one feed in any 24 hours: {_busiest(asked)} at most"


def _recovery(host: Host, days: int) -> str:
    """Until 99 of 100 looks are answered FRESH again: the longest after any trouble."""
    longest = 0.0
    for trouble in host.provider.troubles:
        if trouble.share < 0.5 or trouble.end >= days * 24:
            continue
        first = int(trouble.end * HOUR // (5 * MINUTE))
        for number in range(first, first + 12 * 24):
            looks, fresh = host.looks.get(number, [0, 0])
            if looks and fresh >= 0.99 * looks:
                longest = max(longest, (number - first + 1) * 5.0)
                break
    return f"{longest:.0f} min" if longest else "-"


def _busiest(asked: dict[int, list[float]]) -> int:
    most = 0
    for moments in asked.values():
        first = 0
        for last, moment in enumerate(moments):
            while moment - moments[first] >= 24 * HOUR:
                first += 1
            most = max(most, last - first + 1)
    return most


def _pick(chance: random.Random) -> int:
    drawn = chance.random()
    for number, provider in enumerate(PROVIDERS):
        drawn -= provider.share
        if drawn < 0:
            return number
    return len(PROVIDERS) - 1


def _quantile(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


def _minutes(seconds: float) -> str:
    return f"{seconds / MINUTE:.0f} min"


if __name__ == "__main__":
    main()
