"""Instances in columns are what their series gives one by one: the slow twins of the fast ways."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from extcal.ical.budget import Work
from extcal.ical.events.times import DAY, Extent, Wall
from extcal.ical.parse.components import Stream
from extcal.ical.series import dense
from extcal.ical.series.instances import distinct, planned_at, touches
from extcal.ical.zones.resolve import Zone, Zones
from extcal.intervals import FreeBusy

# Berlin's changes, Lord Howe's of half an hour, the day that Samoa left out, and none.
ZONES = st.sampled_from(
    [
        ("Europe/Berlin", datetime(2027, 3, 28)),
        ("Europe/Berlin", datetime(2026, 10, 25)),
        ("Australia/Lord_Howe", datetime(2027, 4, 4)),
        ("Pacific/Apia", datetime(2011, 12, 30)),
        ("UTC", datetime(2027, 1, 1)),
    ]
)
OFFSETS = st.lists(st.integers(-3 * DAY, 3 * DAY) | st.integers(0, 5 * 3600), max_size=12)
HALF_HOURS = st.lists(st.integers(-50, 50).map(lambda number: number * 1800), max_size=12)
LENGTHS = st.sampled_from([0, 1, 1800, 3600, 90_000])
DAYS = st.integers(0, 2)
SHOWN = st.none() | st.sampled_from([1, 1800, 3600, 7200, 90_000])  # of a clock on the wall


def seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


def zone_near(name: str, around: int) -> Zone:
    zones = Zones(Stream(), around - DAY, around + DAY, name, Work())
    return zones.resolve(None, 0)


@given(ZONES, OFFSETS, st.integers(-400, 400))
def test_a_run_of_starts_is_converted_like_each_of_them(
    place: tuple[str, datetime], offsets: list[int], days: int
) -> None:
    """A run may lie inside the window's table, reach over its edge, or lie far away."""
    name, around = place
    zone = zone_near(name, seconds(around) + days * DAY)
    run = sorted(seconds(around) + offset for offset in offsets)
    assert zone.to_epochs(run) == [zone.to_epoch(local) for local in run]


def extent_of(days: int, length: int, shown: int | None, zone: Zone) -> Extent:
    return Extent(days, length, None if shown is None else Wall(shown, zone))


@given(ZONES, OFFSETS, DAYS, LENGTHS, SHOWN, st.integers(-DAY, DAY), st.integers(1, 2 * DAY))
def test_columns_hold_what_touches_the_window(
    place: tuple[str, datetime],
    offsets: list[int],
    days: int,
    lasting: int,
    shown: int | None,
    begins: int,
    length: int,
) -> None:
    """RFC 4791 section 9.9, for each instance on its own."""
    name, around = place
    zone = zone_near(name, seconds(around))
    extent = extent_of(days, lasting, shown, zone)
    run = sorted({seconds(around) + offset for offset in offsets})
    lo = zone.to_epoch(seconds(around)) + begins
    hi = lo + length
    found = planned_at(zone, extent, run, zone.to_epochs(run), lo, hi)
    one_by_one = [(zone.to_epoch(at), extent.end(at, zone.to_epoch(at), zone), at) for at in run]
    expected = sorted(row for row in one_by_one if touches(row[0], row[1], lo, hi))
    assert sorted(zip(found.starts, found.ends, found.locals, strict=True)) == expected
    assert list(found.starts) == sorted(found.starts)


@given(ZONES, HALF_HOURS, DAYS, LENGTHS, SHOWN, st.sets(st.integers(0, 11)))
@example(("Europe/Berlin", datetime(2027, 3, 28)), [7200, 9000, 10_800], 1, 0, None, set())
def test_each_instant_is_one_instance(
    place: tuple[str, datetime],
    offsets: list[int],
    days: int,
    lasting: int,
    shown: int | None,
    gone: set[int],
) -> None:
    """3.8.5.3: "Duplicate instances are ignored.": a gap may move a start onto the next one."""
    name, around = place
    zone = zone_near(name, seconds(around))
    extent = extent_of(days, lasting, shown, zone)
    run = sorted({seconds(around) + offset for offset in offsets})
    removed = {zone.to_epoch(run[index]) for index in gone if index < len(run)}
    last = {zone.to_epoch(local): local for local in run}
    locals_, starts = distinct(run, zone, [removed] if removed else [])
    assert list(locals_) == sorted(local for at, local in last.items() if at not in removed)
    assert list(starts) == [zone.to_epoch(local) for local in locals_]
    found = planned_at(zone, extent, locals_, starts, run[0] - 9 * DAY if run else 0, 10**11)
    expected = [
        (at, extent.end(local, at, zone)) for at, local in zip(starts, locals_, strict=True)
    ]
    assert sorted(zip(found.starts, found.ends, strict=True)) == sorted(
        (start, max(start, end)) for start, end in expected
    )


@given(
    ZONES,
    st.sampled_from([3600, 7 * 3600, DAY, 2 * DAY]),
    st.integers(1, 30),
    st.integers(1, 40),
    SHOWN,
    st.lists(st.integers(0, 29), max_size=8),
)
def test_deep_blocks_are_what_their_instances_are_one_by_one(
    place: tuple[str, datetime],
    step: int,
    members: int,
    days: int,
    shown: int | None,
    gone: list[int],
) -> None:
    """Where each instance outlasts the next start by a day, no change of clocks shows between."""
    name, around = place
    zone = zone_near(name, seconds(around))
    extent = extent_of(days, 3600, None if shown is None else days * DAY + shown, zone)
    run = range(seconds(around) - 5 * DAY, seconds(around) - 5 * DAY + step * members, step)
    if not dense.is_deep(run, extent):
        return
    removed = {zone.to_epoch(run[index]) for index in gone if index < members}
    window = run[0] - 100 * DAY, run[-1] + 100 * DAY
    one_by_one = [
        (zone.to_epoch(at), extent.end(at, zone.to_epoch(at), zone), 3)
        for at in run
        if zone.to_epoch(at) not in removed
    ]
    found = dense.deep_blocks(run, extent, dense.Holes(removed, (), zone), zone)
    blocks = [(block.start, block.end, 3) for block in found]
    assert FreeBusy.from_epochs(*window, blocks) == FreeBusy.from_epochs(*window, one_by_one)
