"""Dense runs: the instances of a sub-daily rule as blocks of time, where they touch each other.

In: a run of local starts, how long each instance lasts, and what is removed from it. Out: blocks of
epoch seconds. A block costs as many steps as one instance, so a rule of every second can be read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from extcal.ical.budget import Work
from extcal.ical.events.times import DAY, Extent
from extcal.ical.zones.resolve import Zone
from extcal.values import NamedTuple

__all__ = ["DenseBlock", "Holes", "Runs", "blocks", "deep_blocks", "is_deep", "pieces"]

_PIECE = 3 * DAY  # in no zone do clocks change twice within this time
_WALK = 16  # runs that cost one step


class DenseBlock(NamedTuple):
    """Instances that touch each other: epoch seconds, the first local start, and their number."""

    start: int
    end: int
    local: int
    instances: int


class Holes:
    """The local starts that are removed from a series: single ones, and whole days."""

    __slots__ = ("_days", "_locals", "_zone")

    def __init__(self, epochs: Iterable[int], days: Iterable[int], zone: Zone) -> None:
        self._zone = zone
        self._locals = sorted(local for epoch in epochs for local in self._starts_at(epoch))
        self._days = sorted(days)

    def _starts_at(self, epoch: int) -> set[int]:
        """The local starts that mean an instant. There are two if a DST gap moves one of them."""
        readings = {self._zone.to_local(epoch)}
        readings.add(epoch + self._zone.to_local(epoch - DAY) - (epoch - DAY))
        return {local for local in readings if self._zone.to_epoch(local) == epoch}

    def within(self, run: range) -> list[tuple[int, int]]:
        """Return index ranges of a run that are removed, sorted by their beginning."""
        found: list[tuple[int, int]] = []
        begin = bisect_left(self._locals, run[0])
        for local in self._locals[begin : bisect_right(self._locals, run[-1])]:
            if local in run:
                index = run.index(local)
                found.append((index, index + 1))
        begin = bisect_right(self._days, run[0] - DAY)
        for day in self._days[begin : bisect_right(self._days, run[-1])]:
            first = max(0, -((run.start - day) // run.step))
            last = max(0, -((run.start - day - DAY) // run.step))
            found.append((min(first, len(run)), min(last, len(run))))
        found.sort()
        return found


def blocks(run: range, extent: Extent, holes: Holes, zone: Zone) -> Iterator[DenseBlock]:
    """Yield the blocks of a run whose instances last no days, and at least its step.

    The blocks cover the same time as the instances one by one would: each local start that is in no
    hole, converted to an instant, with the end that ``extent`` gives.
    """
    return _joined(
        DenseBlock(zone.to_epoch(piece[0]), _last_end(piece, extent, zone), piece[0], len(piece))
        for piece in _unbroken(run, holes.within(run), zone)
    )


def pieces(run: range) -> int:
    """In how many pieces :func:`blocks` looks at a run: each costs a unit of work."""
    return (run[-1] - run[0]) // _PIECE


def is_deep(run: range, extent: Extent) -> bool:
    """Whether instances are so long that they overlap at every change of clocks."""
    return extent.about >= run.step + DAY


def deep_blocks(run: range, extent: Extent, holes: Holes, zone: Zone) -> Iterator[DenseBlock]:
    """Yield the blocks of a run for which :func:`is_deep` holds; its days may differ in length."""
    begin = 0
    parts: list[range] = []
    for hole, behind in [*holes.within(run), (len(run), len(run))]:
        if begin < hole:
            parts.append(run[begin:hole])
        begin = max(begin, behind)
    return _joined(
        DenseBlock(_begin(part, zone), _end(part, extent, zone), part[0], len(part))
        for part in parts
    )


def _begin(piece: range, zone: Zone) -> int:
    """The earliest start. A gap may move the first local start behind the second."""
    head = piece[: _PIECE // piece.step + 1]
    return min(zone.to_epoch(part[0]) for part in _of_one_offset(head, zone))


def _end(piece: range, extent: Extent, zone: Zone) -> int:
    """The latest end, which may be that of another instance than the last."""
    return _last_end(piece[-(_PIECE // piece.step) - 1 :], extent, zone)


def _last_end(piece: range, extent: Extent, zone: Zone) -> int:
    """The latest end of a piece so short that clocks change at most once in it."""
    exact = _latest(piece, extent.days * DAY, zone) + extent.seconds
    if extent.wall is None:
        return exact
    return max(exact, _latest(piece, extent.wall.seconds, extent.wall.zone))


def _latest(piece: range, later: int, zone: Zone) -> int:
    """The latest instant of the local times ``later`` seconds after those of a piece."""
    moved = range(piece.start + later, piece.stop + later, piece.step)
    return max(zone.to_epoch(part[-1]) for part in _of_one_offset(moved, zone))


def _joined(found: Iterable[DenseBlock]) -> Iterator[DenseBlock]:
    begin: int | None = None
    last = local = instances = 0
    for block in found:
        if begin is not None and begin <= block.start <= last:
            last = max(last, block.end)
            instances += block.instances
            continue
        if begin is not None:
            yield DenseBlock(begin, last, local, instances)
        begin, last, local, instances = block
    if begin is not None:
        yield DenseBlock(begin, last, local, instances)


def _unbroken(run: range, holes: list[tuple[int, int]], zone: Zone) -> Iterator[range]:
    """Cut a run where an instance is removed and where the zone's offset changes."""
    size = max(1, _PIECE // run.step)
    begin = 0
    for hole, behind in [*holes, (len(run), len(run))]:
        for at in range(begin, hole, size):
            yield from _of_one_offset(run[at : min(at + size, hole)], zone)
        begin = max(begin, behind)


def _of_one_offset(piece: range, zone: Zone) -> Iterator[range]:
    pieces = [piece]
    while pieces:
        piece = pieces.pop()
        first, last = piece[0], piece[-1]
        if len(piece) > 1 and first - zone.to_epoch(first) != last - zone.to_epoch(last):
            middle = len(piece) // 2
            pieces += [piece[middle:], piece[:middle]]
        else:
            yield piece


_ASKED = 4  # starts that cost one step


class Runs:
    """Membership in the runs of one rule. Runs may interleave, but few overlap at any place."""

    __slots__ = ("_reach", "_runs", "_starts", "_work")

    def __init__(self, runs: Sequence[range], work: Work) -> None:
        self._work = work
        self._runs = sorted(runs, key=lambda run: run.start)
        self._starts = [run.start for run in self._runs]
        self._reach: list[int] = []  # for each run, the largest stop up to and with it
        for run in self._runs:
            self._reach.append(max(run.stop, self._reach[-1] if self._reach else run.stop))

    def pay(self, starts: int) -> bool:
        """Spend the steps for looking up so many starts; False if the feed has none left."""
        return self._work.step(1 + starts // _ASKED)

    def __contains__(self, local: int) -> bool:
        """Whether a run holds this start; False if the feed has no steps left."""
        behind = bisect_right(self._starts, local)
        for index in range(behind - 1, -1, -1):
            if self._reach[index] <= local:
                return False
            if local in self._runs[index]:
                return True
            if (behind - index) % _WALK == 0 and not self._work.step():
                return False
        return False
